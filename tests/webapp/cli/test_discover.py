"""`hagaki discover`, and how `check` and `render` use what it finds."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.dns import NameServer, zone
from tests.servers.processes import PATIENCE
from tests.servers.scripted import Imap, ScriptedServer, Smtp, server_context
from tests.servers.web import WebServer
from tests.webapp.cli.command import HAGAKI, Command, is_japanese
from tests.webapp.discovery.internet import AUTOCONFIG, document, server

KEYS = {"source", "trust", "reason", "account"}
SERVER_KEYS = ["type", "hostname", "port", "socketType", "username"]
PASSWORD = "Kanarienvogel-07"


class MailWorld:
    """IMAP and SMTP of example.com, named by SRV."""

    def __init__(self, authority: Authority, name_server: NameServer, hagaki: Command) -> None:
        context = server_context(authority.good())
        self.imap, self.smtp = ScriptedServer(Imap(), tls=context), ScriptedServer(Smtp(), tls=context)
        self.name_server = name_server
        name_server.records |= zone(
            [
                "mail.example.com A 127.0.0.1",
                f"_imaps._tcp.example.com SRV 0 1 {self.imap.port} mail.example.com.",
                f"_submissions._tcp.example.com SRV 0 1 {self.smtp.port} mail.example.com.",
            ]
        )
        hagaki.variables |= {
            "HAGAKI_RESOLVER": name_server.address,
            "HAGAKI_CA_FILE": str(authority.ca_file),
        }

    @property
    def logins(self) -> int:
        """How many log-ins came."""
        return self.imap.logins + self.smtp.logins


@pytest.fixture
def mail(authority: Authority, name_server: NameServer, hagaki: Command) -> Iterator[MailWorld]:
    world = MailWorld(authority, name_server, hagaki)
    with world.imap, world.smtp:
        yield world


def test_a_provider_is_known_without_the_network(hagaki: Command) -> None:
    hagaki.variables["HAGAKI_RESOLVER"] = "127.0.0.1:1"

    document = hagaki("discover", "taro@gmail.com", "--json").json

    assert set(document) == {"address", "candidates", "problems"}
    (candidate,) = document["candidates"]
    assert set(candidate) == KEYS
    assert (candidate["source"], candidate["trust"]) == ("provider", "provider")
    assert list(candidate["account"]) == ["address", "full_name", "incoming", "outgoing"]
    assert list(candidate["account"]["incoming"][0]) == SERVER_KEYS
    assert document["problems"] == []


def test_a_hosted_domain_stands_first(hagaki: Command, corp: Path) -> None:
    hagaki("domain", "add", corp)

    (candidate,) = hagaki("discover", "taro@corp.example", "--json").json["candidates"]

    assert (candidate["source"], candidate["trust"]) == ("domain", "own")


def test_autoconfig_is_found_and_explained_in_the_chosen_language(
    hagaki: Command, authority: Authority, name_server: NameServer
) -> None:
    hagaki.variables |= {"HAGAKI_RESOLVER": name_server.address, "HAGAKI_CA_FILE": str(authority.ca_file)}
    with WebServer(authority) as web:
        web.routes["autoconfig.example.com", AUTOCONFIG] = document(
            server("imap", "mail.example.com", 993), server("smtp", "mail.example.com", 465)
        )
        connect = f"autoconfig.example.com:443=127.0.0.1:{web.port}"

        found = hagaki("discover", "taro@example.com", "--json", "--connect", connect, "--language", "ja")
        table = hagaki("discover", "taro@example.com", "--connect", connect)

    (candidate,) = found.json["candidates"]
    assert (candidate["source"], candidate["trust"]) == ("autoconfig", "authenticated")
    assert is_japanese(candidate["reason"])
    assert "https://autoconfig.example.com/" in candidate["reason"]
    assert "mail.example.com:993" in table.out


def test_nothing_found_is_exit_1(hagaki: Command, name_server: NameServer) -> None:
    hagaki.variables["HAGAKI_RESOLVER"] = name_server.address

    done = hagaki("discover", "taro@nowhere.example", "--json", status=1)

    assert done.json["candidates"] == []
    assert done.codes == {"NOTHING_FOUND"}


def test_a_bad_address_is_exit_1(hagaki: Command) -> None:
    done = hagaki("discover", "taro", "--json", status=1)

    assert done.json["candidates"] == []
    assert done.codes == {"ADDRESS_INVALID"}


@pytest.mark.parametrize(
    "value", ["x", "a.example:443=b.example:1", "a.example=127.0.0.1:1", "a.example:443=127.0.0.1:0"]
)
def test_a_bad_connect_is_wrong_use(hagaki: Command, value: str) -> None:
    done = hagaki("discover", "taro@example.com", "--connect", value, status=2)

    assert "HOST:PORT=ADDRESS:PORT" in done.err


# check and render


def test_check_finds_the_servers_itself(hagaki: Command, mail: MailWorld) -> None:
    document = hagaki("check", "taro@example.com", "--json").json

    assert document["source"] == "srv"
    assert document["ok"] is True
    assert mail.logins == 0


def test_unproved_servers_do_not_hear_the_password(hagaki: Command, mail: MailWorld) -> None:
    done = hagaki("check", "taro@example.com", "--json", "--password-stdin", stdin=PASSWORD, status=1)

    assert done.codes == {"SETTINGS_UNPROVED"}
    assert "--incoming" in done.json["problems"][0]["advice"]
    assert mail.logins == 0
    assert mail.imap.records == []


def test_accept_guess_lets_them_hear_it(hagaki: Command, mail: MailWorld) -> None:
    done = hagaki("check", "taro@example.com", "--json", "--password-stdin", "--accept-guess", stdin=PASSWORD)

    assert done.json["ok"] is True
    assert mail.logins == 2


def test_servers_proved_by_dnssec_hear_it(hagaki: Command, mail: MailWorld) -> None:
    mail.name_server.authenticated = True

    done = hagaki("check", "taro@example.com", "--json", "--password-stdin", stdin=PASSWORD)

    assert done.json["ok"] is True
    assert mail.logins == 2


def test_render_puts_no_password_into_an_unproved_profile(hagaki: Command, mail: MailWorld) -> None:
    refused = hagaki(
        "render", "taro@example.com", "--format", "sheet", "--password-stdin", stdin=PASSWORD, status=1
    )
    rendered = hagaki("render", "taro@example.com", "--format", "sheet")

    assert "SETTINGS_UNPROVED" in refused.err
    assert "mail.example.com" in rendered.out
    assert "_imaps._tcp.example.com" in rendered.err


@pytest.mark.parametrize(("answers", "logins"), [(("n",), 0), (("y", PASSWORD), 2)])
def test_a_terminal_is_asked_first(
    hagaki: Command, mail: MailWorld, answers: tuple[str, ...], logins: int
) -> None:
    shown = at_terminal(hagaki, ["check", "taro@example.com"], answers)

    assert "mail.example.com" in shown
    assert mail.logins == logins


QUESTIONS = (b"[y/N]:", b"log-in):")
"""How they end, in their order: whether the servers are right, and the password."""


def at_terminal(hagaki: Command, arguments: list[str], answers: tuple[str, ...]) -> str:
    """Run the command at a terminal, answer each of its questions, and return what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HAGAKI, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=hagaki.environment(),
        cwd=hagaki.folder,
        start_new_session=True,
    )
    os.close(theirs)
    # What was typed before its question would be lost at the question for the password.
    shown, waiting = b"", list(zip(QUESTIONS, answers, strict=False))
    try:
        while data := _read(ours):
            shown += data
            if waiting and shown.rstrip().endswith(waiting[0][0]):
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
    finally:
        os.close(ours)
        process.wait(PATIENCE)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the command has ended
        return b""
