"""`hagaki check` against the real Dovecot and Postfix, through its own process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from profiles.model import Protocol, Server, SocketType
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE, WRONG
from tests.webapp.cli.command import HAGAKI, Command, Done, is_japanese

STAGE_KEYS = {"service", "stage", "ok", "code", "server", "milliseconds", "summary", "advice"}
PROBLEM_KEYS = {"code", "severity", "summary", "advice", "server"}
TARO = PEOPLE["normal"]

servers = pytest.mark.servers


def url(server: Server) -> str:
    """A server as the command line writes it."""
    names = {
        (Protocol.IMAP, SocketType.SSL): "imaps",
        (Protocol.IMAP, SocketType.STARTTLS): "imap+starttls",
        (Protocol.POP3, SocketType.SSL): "pop3s",
        (Protocol.POP3, SocketType.STARTTLS): "pop3+starttls",
        (Protocol.SMTP, SocketType.SSL): "smtps",
        (Protocol.SMTP, SocketType.STARTTLS): "smtp+starttls",
    }
    return f"{names[server.protocol, server.socket_type]}://{server.hostname}:{server.port}"


def check(command: Command, person: str, *options: str, password: str | None = None, status: int) -> Done:
    """Check a person's account with the password on standard input."""
    who = PEOPLE[person]
    given = who.password if password is None else password
    return command("check", who.address, "--password-stdin", "--json", *options, stdin=given + "\n", status=status)


def stage(document: dict[str, Any], service: str, name: str) -> dict[str, Any]:
    """The one stage of that name."""
    (found,) = [one for one in document["stages"] if (one["service"], one["stage"]) == (service, name)]
    return found


@servers
def test_a_good_account_is_ok_in_the_contracts_shape(at_servers: Command, environment: Environment) -> None:
    incoming, outgoing = environment.incoming(), environment.outgoing()

    document = check(at_servers, "normal", "--incoming", url(incoming), "--outgoing", url(outgoing), status=0).json

    assert document["address"] == TARO.address
    assert document["ok"] is True
    assert document["source"] == "options"
    assert all(set(one) >= STAGE_KEYS for one in document["stages"])
    assert {(one["ok"], one["code"]) for one in document["stages"]} == {(True, None)}
    assert all(isinstance(one["milliseconds"], int) for one in document["stages"])
    assert {one["service"] for one in document["stages"]} == {"imap", "smtp"}
    assert document["account"] == {
        "address": TARO.address,
        "full_name": "",
        "incoming": [
            {
                "type": "imap",
                "hostname": "mail.example.com",
                "port": incoming.port,
                "socketType": "SSL",
                "username": TARO.address,
            }
        ],
        "outgoing": [
            {
                "type": "smtp",
                "hostname": "mail.example.com",
                "port": outgoing.port,
                "socketType": "SSL",
                "username": TARO.address,
            }
        ],
    }


@servers
def test_a_hosted_domain_needs_no_options(at_servers: Command, environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "domain.toml"
    file.write_text(environment.toml())
    at_servers("domain", "add", file)

    document = check(at_servers, "japanese", status=0).json

    assert document["source"] == "domain"
    assert document["account"]["incoming"][0]["username"] == "hanako@example.jp"


@servers
@pytest.mark.parametrize("protocol", [Protocol.IMAP, Protocol.POP3])
@pytest.mark.parametrize("socket_type", list(SocketType))
def test_only_the_incoming_service_is_checked_when_only_it_is_named(
    protocol: Protocol, socket_type: SocketType, at_servers: Command, environment: Environment
) -> None:
    server = environment.incoming(protocol, socket_type)

    document = check(at_servers, "normal", "--incoming", url(server), status=0).json

    assert {one["service"] for one in document["stages"]} == {protocol.value}
    assert document["account"]["outgoing"] == []


@servers
@pytest.mark.parametrize("socket_type", list(SocketType))
def test_only_the_outgoing_service_is_checked_when_only_it_is_named(
    socket_type: SocketType, at_servers: Command, environment: Environment
) -> None:
    document = check(at_servers, "normal", "--outgoing", url(environment.outgoing(socket_type)), status=0).json

    assert {one["service"] for one in document["stages"]} == {"smtp"}
    assert stage(document, "smtp", "submit")["ok"] is True
    assert document["account"]["incoming"] == []


@servers
def test_wrong_password_is_auth_wrong_password_and_smtp_is_not_tried(
    at_servers: Command, environment: Environment
) -> None:
    options = ["--incoming", url(environment.incoming()), "--outgoing", url(environment.outgoing())]

    done = check(at_servers, "normal", *options, password=WRONG, status=1)

    login = stage(done.json, "imap", "login")
    assert (login["ok"], login["code"]) == (False, "AUTH_WRONG_PASSWORD")
    assert login["summary"]
    assert login["advice"]
    assert login["server"] == environment.incoming().endpoint
    assert stage(done.json, "smtp", "login")["ok"] is None
    assert stage(done.json, "smtp", "login")["code"] == "NOT_TRIED"
    problem = next(one for one in done.json["problems"] if one["code"] == "AUTH_WRONG_PASSWORD")
    assert set(problem) >= PROBLEM_KEYS
    assert problem["severity"] == "error"
    assert WRONG not in done.out + done.err


@servers
def test_a_warning_alone_is_ok(at_servers: Command, environment: Environment) -> None:
    done = check(at_servers, "quota-85", "--incoming", url(environment.incoming()), status=0)

    assert done.json["ok"] is True
    assert "QUOTA_80" in done.codes
    assert stage(done.json, "imap", "quota")["code"] == "QUOTA_80"


@servers
@pytest.mark.parametrize("fault", ["expired", "self-signed", "wrong-name"])
def test_a_bad_certificate_fails_before_any_password(
    fault: str, at_servers: Command, environment: Environment
) -> None:
    server = environment.incoming(host=f"{fault}.example.com")

    done = check(at_servers, "normal", "--incoming", url(server), status=1)

    code = {"expired": "CERT_EXPIRED", "self-signed": "CERT_SELF_SIGNED", "wrong-name": "CERT_WRONG_NAME"}[fault]
    assert stage(done.json, "imap", "tls")["code"] == code
    assert stage(done.json, "imap", "login")["ok"] is None


@servers
def test_without_a_password_everything_up_to_the_login_is_checked(
    at_servers: Command, environment: Environment
) -> None:
    done = at_servers("check", TARO.address, "--json", "--incoming", url(environment.incoming()), status=None)

    assert stage(done.json, "imap", "tls")["ok"] is True
    login = stage(done.json, "imap", "login")
    assert (login["ok"], login["code"]) == (None, "NOT_TRIED")


@servers
@pytest.mark.parametrize("person", ["kanji", "percent", "quote", "euro", "spaces", "braces", "long"])
def test_a_password_arrives_as_it_was_given(person: str, at_servers: Command, environment: Environment) -> None:
    """Only one trailing newline of standard input is dropped."""
    check(at_servers, person, "--incoming", url(environment.incoming()), status=0)


@servers
def test_the_user_name_options(at_servers: Command, environment: Environment) -> None:
    options = ["--incoming", url(environment.incoming()), "--outgoing", url(environment.outgoing())]
    sakura = PEOPLE["id"].login
    assert sakura is not None

    both = check(at_servers, "id", *options, "--username", sakura, status=0).json
    apart = check(
        at_servers, "id", *options, "--username", "no one", "--incoming-username", sakura,
        "--outgoing-username", sakura, status=0,
    ).json  # fmt: skip

    assert both["account"]["incoming"][0]["username"] == "sakura"
    assert apart["account"] == both["account"]


@servers
def test_a_person_reads_a_report(at_servers: Command, environment: Environment) -> None:
    done = at_servers(
        "check", TARO.address, "--password-stdin", "--language", "ja", "--incoming", url(environment.incoming()),
        stdin=WRONG, status=1,
    )  # fmt: skip

    assert "AUTH_WRONG_PASSWORD" in done.out
    assert is_japanese(done.out)
    assert WRONG not in done.out + done.err


@servers
def test_a_terminal_asks_for_the_password_without_showing_it(
    at_servers: Command, environment: Environment
) -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [HAGAKI, "check", TARO.address, "--json", "--incoming", url(environment.incoming())],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        env=at_servers.environment(),
        cwd=at_servers.folder,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown = b""
        while b"log-in)" not in shown:
            shown += os.read(controller, 1000)
        os.write(controller, TARO.password.encode() + b"\n")
        document = json.loads(process.communicate(timeout=60)[0])
        shown += os.read(controller, 100_000)
    os.close(controller)

    assert process.returncode == 0
    assert stage(document, "imap", "login")["ok"] is True
    assert TARO.password.encode() not in shown
    assert b"login" in shown, "progress is shown on a terminal"


@servers
def test_no_password_is_left_behind(at_servers: Command, environment: Environment) -> None:
    check(at_servers, "percent", "--incoming", url(environment.incoming()), status=0)

    written = b"".join(path.read_bytes() for path in at_servers.folder.rglob("*") if path.is_file())

    assert PEOPLE["percent"].password.encode() not in written


def test_a_refused_connection_is_told_with_its_port(hagaki: Command) -> None:
    done = hagaki("check", "a@example.com", "--incoming", "imaps://127.0.0.1:1", "--json", status=None)

    assert done.status == 1


def test_an_unknown_domain_asks_for_the_servers(hagaki: Command) -> None:
    done = hagaki("check", "hanako@nowhere.example", "--json", status=1)

    assert done.json["ok"] is False
    assert done.json["account"] is None
    assert done.codes == {"SETTINGS_UNKNOWN"}
    assert "--incoming" in done.json["problems"][0]["advice"]


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--incoming", "imap://mail.example.com:143"),
        ("--incoming", "smtps://mail.example.com:465"),
        ("--outgoing", "imaps://mail.example.com:993"),
        ("--outgoing", "mail.example.com"),
        ("--incoming", "imaps://mail.example.com:99999"),
    ],
)
def test_a_bad_server_url_is_named_by_its_option(option: str, text: str, hagaki: Command) -> None:
    done = hagaki("check", "a@example.com", option, text, "--json", status=1)

    assert done.json["problems"][0]["place"] == option


def test_an_empty_password_is_no_password(hagaki: Command) -> None:
    done = hagaki(
        "check",
        "a@example.com",
        "--incoming",
        "imaps://localhost:1",
        "--password-stdin",
        "--json",
        stdin="\n",
        status=1,
    )

    assert done.codes == {"PASSWORD_MISSING"}


def test_a_mended_address_is_said(hagaki: Command) -> None:
    done = hagaki(
        "check", "ｈａｎａｋｏ＠nowhere.example", "--incoming", "imaps://127.0.0.1:1", "--json", status=1
    )

    assert done.json["address"] == "hanako@nowhere.example"
    assert "ADDRESS_MENDED" in done.codes


@servers
def test_a_test_mail_goes_round_and_is_timed(at_servers: Command, environment: Environment) -> None:
    options = ("--incoming", url(environment.incoming()), "--outgoing", url(environment.outgoing()), "--test-mail")

    document = check(at_servers, "second", *options, status=0).json

    assert document["test_mail"]["seconds"] > 0
    assert document["test_mail"]["removed"] is True


@servers
def test_after_a_failed_check_no_test_mail_is_sent(at_servers: Command, environment: Environment) -> None:
    options = ("--incoming", url(environment.incoming()), "--outgoing", url(environment.outgoing()), "--test-mail")

    document = check(at_servers, "second", *options, password=WRONG, status=1).json

    assert document["test_mail"] is None


def test_a_test_mail_needs_both_servers(hagaki: Command) -> None:
    done = hagaki("check", "taro@example.com", "--incoming", "imaps://mail.example.com", "--test-mail", status=2)

    assert "--test-mail" in done.err
