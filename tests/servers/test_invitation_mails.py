"""Invitation mails through a real Postfix, read back as a real Dovecot keeps them; and senders that are killed."""

from __future__ import annotations

import imaplib
import os
import random
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest
from sqlalchemy import select

from profiles.problems import Code, Problem
from tests.servers.dns import NameServer
from tests.servers.environment import Environment
from tests.servers.people import PEOPLE, Person
from tests.servers.relay import MailRelay
from tests.servers.scripted import Connection, ScriptedServer
from tests.webapp.cli.command import Command
from tests.webapp.mails.writing import read, text_of
from webapp.accounts import open_accounts
from webapp.batches.columns import find_columns
from webapp.batches.mailing import Mailing
from webapp.batches.options import BatchOptions, Mode
from webapp.batches.reading import open_list
from webapp.batches.service import Batches, open_batches
from webapp.config import Config, load
from webapp.directory import Directory
from webapp.store import Store, open_store
from webapp.store.tables import batch_rows
from webapp.store.values import from_text
from webapp.worker import Worker, WorkerOptions

SENDER, READER = PEOPLE["second"], PEOPLE["normal"]
BASE_URL = "https://m.example.com"
PATIENCE_SECONDS, LONG_PATIENCE_SECONDS = 60.0, 600.0
DAY = 24 * 3600.0


@dataclass
class Host:
    """A Hagaki of its own, with a relay."""

    config: Config
    variables: dict[str, str]
    store: Store
    batches: Batches
    mailing: Mailing

    def take(self, folder: Path, text: str, *, mode: Mode = Mode.INVITATIONS, **options: Any) -> int:
        """Take a list whose people want mails."""
        path = folder / "list.csv"
        path.write_text(text, "utf-8")
        listing = open_list(path)
        columns = find_columns(listing.rows(), file=listing.name)
        wanted = BatchOptions(expires_at=time.time() + 3 * DAY, mail=True, **options)
        return self.batches.take(listing, columns, wanted, mode=mode, actor="test")

    def work(self, batch_id: int) -> None:
        """Make its rows."""
        from threading import Event

        worker = Worker(self.config, WorkerOptions(), halted=Event())
        with worker._opened:
            assert worker._work.work(batch_id, seconds=60)

    def send(self, batch_id: int) -> bool:
        """All that may go now."""
        return self.mailing.send_waiting(batch_id, until=time.monotonic() + PATIENCE_SECONDS)

    def rows(self, batch_id: int) -> list[dict[str, Any]]:
        """Its rows."""
        with self.store.read() as connection:
            query = select(batch_rows).where(batch_rows.c.batch_id == batch_id).order_by(batch_rows.c.row)
            return [dict(row) for row in connection.execute(query).mappings()]

    def problems(self, row: dict[str, Any]) -> tuple[Problem, ...]:
        """What is noted of its mail."""
        return from_text(tuple[Problem, ...], row["mail_problems"] or "[]")


def open_host(variables: dict[str, str], toml: str) -> Iterator[Host]:
    """A host with one domain."""
    config = load(variables).prepare()
    store = open_store(config)
    directory = Directory(store)
    directory.add(toml)
    record = open_accounts(store, config).audit.record
    mailing = Mailing(store, config, directory.find, record=record, wake=lambda batch_id: None)
    batches = open_batches(store, directory.find, config, record=record, enqueue=lambda *words: None)
    try:
        yield Host(config=config, variables=variables, store=store, batches=batches, mailing=mailing)
    finally:
        mailing.close()
        store.close()


@pytest.fixture
def host(environment: Environment, tmp_path: Path) -> Iterator[Host]:
    """Its relay is the real Postfix, by STARTTLS and with a log-in."""
    variables = environment.variables(tmp_path / "data") | relay_variables(environment)
    toml = (
        environment.toml() + 'organization = "株式会社サンプル"\nhelp = { ja = "内線100", en = "extension 100" }\n'
    )
    lines = toml.splitlines()
    top = [line for line in lines if line.startswith(("organization", "help"))]
    rest = [line for line in lines if line not in top]
    yield from open_host(variables, "\n".join([*top, *rest]))


def relay_variables(environment: Environment, scheme: str = "smtp+starttls") -> dict[str, str]:
    """The settings of the relay."""
    port = environment.postfix.submissions if scheme == "smtps" else environment.postfix.submission
    login = f"{quote(SENDER.username, safe='')}:{quote(SENDER.password, safe='')}"
    return {
        "HAGAKI_SMTP_URL": f"{scheme}://{login}@mail.example.com:{port}",
        "HAGAKI_BASE_URL": BASE_URL,
        "HAGAKI_TIMEZONE": "Asia/Tokyo",
    }


def mails_of(environment: Environment, person: Person, count: int) -> list[EmailMessage]:
    """What lies in a mailbox, read and removed by IMAP as any mail program does it."""
    context = ssl.create_default_context(cafile=str(environment.ca_file))
    context.check_hostname = False
    found: list[EmailMessage] = []
    give_up = time.monotonic() + PATIENCE_SECONDS
    with imaplib.IMAP4_SSL("127.0.0.2", environment.dovecot.imaps, ssl_context=context) as imap:
        imap.login(person.username, person.password)
        while len(found) < count and time.monotonic() < give_up:
            imap.select("INBOX")
            for number in imap.search(None, "ALL")[1][0].split():
                data = imap.fetch(number, "(RFC822)")[1][0]
                assert isinstance(data, tuple)
                found.append(read(data[1]))
                imap.store(number, "+FLAGS", r"(\Deleted)")
            imap.expunge()
            time.sleep(0.05)
    return found


@pytest.mark.servers
@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_invitation_arrives_whole(host: Host, environment: Environment, tmp_path: Path, language: str) -> None:
    text = f"氏名,メールアドレス,連絡先\n山田 太郎,hanako@example.jp,{READER.address}\n"
    batch_id = host.take(tmp_path, text, language=language)
    host.work(batch_id)

    more = host.send(batch_id)

    (mail,) = mails_of(environment, READER, 1)
    (row,) = host.rows(batch_id)
    assert (more, row["mail_state"]) == (False, "sent")
    assert mail["From"].addresses[0].addr_spec == SENDER.address
    assert mail["From"].addresses[0].display_name == "株式会社サンプル"
    assert mail["To"].addresses[0].addr_spec == READER.address
    assert mail["Return-Path"] == f"<{SENDER.address}>"
    assert mail["Auto-Submitted"] == "auto-generated"
    link = text_of(mail).split(f"{BASE_URL}/s/")[1].split()[0]
    assert len(link) == 22
    for part in ("plain", "html"):
        content = text_of(mail, part)
        assert f"{BASE_URL}/s/{link}" in content
        assert "hanako@example.jp" in content
        assert {"ja": "内線100", "en": "extension 100"}[language] in content


@pytest.mark.servers
def test_a_ready_made_list_leaves_no_password_and_no_pin_in_any_mail(
    host: Host, environment: Environment, tmp_path: Path
) -> None:
    canary = "Kanarienvogel-07"
    text = f"name,address,password,PIN,notify\nTaro,hanako@example.jp,{canary},402957,{READER.address}\n"
    batch_id = host.take(tmp_path, text, mode=Mode.READY_MADE, language="en")
    host.work(batch_id)

    host.send(batch_id)

    (mail,) = mails_of(environment, READER, 1)
    whole = mail.as_string() + text_of(mail) + text_of(mail, "html")
    assert canary not in whole
    assert "402957" not in whole
    assert "another way" in text_of(mail)


@pytest.mark.servers
def test_an_unknown_recipient_is_told_with_the_words_of_the_server(
    host: Host, environment: Environment, tmp_path: Path
) -> None:
    text = f"name,address\nNobody,nobody.at.all@example.com\nTaro,{READER.address}\n"
    batch_id = host.take(tmp_path, text, language="en")
    host.work(batch_id)

    host.send(batch_id)

    assert len(mails_of(environment, READER, 1)) == 1
    first, second = host.rows(batch_id)
    (problem,) = host.problems(first)
    assert (first["mail_state"], second["mail_state"]) == ("failed", "sent")
    assert problem.code is Code.MAIL_RECIPIENT_REFUSED
    assert (problem.server_text or "").startswith("550 5.1.1")


@pytest.mark.servers
@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls", "smtp"])
def test_the_test_mail_goes_out_and_comes_in(environment: Environment, tmp_path: Path, scheme: str) -> None:
    variables = environment.variables(tmp_path / "data") | relay_variables(environment, scheme)
    run = Command(tmp_path, variables)

    done = run("mail", "test", READER.address, "--json", "--language", "ja")

    (mail,) = mails_of(environment, READER, 1)
    assert done.json["ok"]
    assert (done.json["fate"], done.json["sender"]) == ("sent", SENDER.address)
    assert "queued as" in done.json["reply"]
    assert "テストメール" in mail["Subject"]


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"HAGAKI_CA_FILE": ""}, Code.MAIL_RELAY_UNUSABLE, "its certificate is not trusted"),
        ({"HAGAKI_MAIL_FROM": PEOPLE["not-owner"].address}, Code.MAIL_SENDER_REFUSED, "not owned"),
    ],
)
def test_the_test_mail_tells_why_none_goes_out(
    environment: Environment, tmp_path: Path, change: dict[str, str], code: Code, said: str
) -> None:
    variables = environment.variables(tmp_path / "data") | relay_variables(environment) | change
    run = Command(tmp_path, variables)

    done = run("mail", "test", READER.address, status=1)

    assert code in done.err
    assert said in done.err
    assert SENDER.password not in done.err


@pytest.mark.servers
def test_a_wrong_password_is_tried_once(environment: Environment, tmp_path: Path) -> None:
    variables = environment.variables(tmp_path / "data") | relay_variables(environment)
    variables["HAGAKI_SMTP_URL"] = variables["HAGAKI_SMTP_URL"].replace(quote(SENDER.password, safe=""), "wrong")
    mark = environment.dovecot.mark()

    done = Command(tmp_path, variables)("mail", "test", READER.address, "--json", status=1)

    assert done.codes == {Code.MAIL_LOGIN_REFUSED}
    assert environment.dovecot.attempts_since(mark) == {"smtp": 1}


def test_without_a_relay_the_test_mail_names_the_setting(tmp_path: Path) -> None:
    done = Command(tmp_path)("mail", "test", "taro@example.com", "--json", status=None)

    assert done.status != 0
    assert done.codes == {Code.MAIL_NOT_SET_UP}


# killed

SENDING = """
import os, signal, sys, time
from webapp.cli.settings import load_config
from webapp.batches.mailing import Mailing
from webapp.store import open_store
def send(batch_id, lease_seconds):
    config = load_config()
    mailing = Mailing(open_store(config), config, lambda domain: None, record=None, wake=None,
                      rate=400, lease_seconds=lease_seconds)
    while mailing.send_waiting(batch_id, until=time.monotonic() + 60):
        pass
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    process = os.fork()
    if not process:
        send(int(sys.argv[1]), float(sys.argv[2]))
        os._exit(0)
    print(process, flush=True)
"""
"""Begins a sender for each line: a fresh process, which need not load everything first."""
LEASE_SECONDS = 1.0


class Senders:
    """Starts senders and kills them."""

    def __init__(self, variables: dict[str, str], batch_id: int) -> None:
        command = [sys.executable, "-c", SENDING, str(batch_id), str(LEASE_SECONDS)]
        self._root = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._root.communicate()

    def start(self) -> int:
        """Begin one; return its process id."""
        assert self._root.stdin is not None
        assert self._root.stdout is not None
        self._root.stdin.write("\n")
        self._root.stdin.flush()
        return int(self._root.stdout.readline())

    @staticmethod
    def is_running(process: int) -> bool:
        """Whether it has not ended."""
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self, process: int) -> None:
        """Wait until it has ended."""
        give_up = time.monotonic() + LONG_PATIENCE_SECONDS
        while self.is_running(process):
            assert time.monotonic() < give_up
            time.sleep(0.005)


def busy_relay(seen: Counter[str], chance: random.Random) -> MailRelay:
    """Takes its time, refuses some recipients, and counts each mail that it takes over by whom it is for."""
    current: list[str] = []

    def recipient(connection: Connection) -> None:
        # The line itself stands in the record; what came last is ours.
        line = bytes(connection.record.clear).rsplit(b"RCPT TO:<", 1)[1]
        current[:] = [line.split(b">")[0].decode()]
        refused = current[0].startswith("refused")
        connection.say("550 5.1.1 unknown" if refused else "250 ok")

    def taken(connection: Connection) -> None:
        seen[current[0]] += 1
        connection.pause(chance.uniform(0, 0.02))
        connection.say("250 2.0.0 queued")

    return MailRelay(replies={"RCPT": recipient, ".": taken})


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.soak)])
def test_whoever_is_killed_while_sending_nobody_gets_two_mails(
    tmp_path: Path, name_server: NameServer, kills: int
) -> None:
    """Killed at any moment and started again: each row ends sent, failed or unsure, nobody has two mails."""
    chance = random.Random(20261125)
    seen: Counter[str] = Counter()
    people = 8 * kills
    addresses = [f"{'refused' if n % 10 == 0 else 'person'}{n}@example.com" for n in range(people)]
    with ScriptedServer(busy_relay(seen, chance)) as relay:
        variables = {
            "HAGAKI_DATA": str(tmp_path / "data"),
            "HAGAKI_SMTP_URL": f"smtp://{relay.host}:{relay.port}",
            "HAGAKI_MAIL_FROM": "hagaki@example.com",
            "HAGAKI_RESOLVER": name_server.address,
        }
        for host in open_host(variables, _toml()):
            batch_id = host.take(tmp_path, "address\n" + "\n".join(addresses) + "\n", language="en")
            host.work(batch_id)
            with Senders(variables, batch_id) as senders:
                for _ in range(kills):
                    _send_and_kill(senders, chance, seen)
                _send_to_the_end(senders, host, batch_id)
            rows = host.rows(batch_id)

    states = Counter(row["mail_state"] for row in rows)
    assert set(states) <= {"sent", "failed", "unsure"}
    assert states["unsure"] <= kills
    assert max(seen.values()) == 1
    for row in rows:
        if row["mail_state"] == "unsure":
            assert seen[row["address"]] in (0, 1)
        else:
            assert seen[row["address"]] == (row["mail_state"] == "sent")
            assert row["address"].startswith("refused") == (row["mail_state"] == "failed")


def _toml() -> str:
    return """
domains = ["example.com"]
[[incomingServer]]
type = "imap"
hostname = "mail.example.com"
port = 993
socketType = "SSL"
[[outgoingServer]]
type = "smtp"
hostname = "mail.example.com"
port = 465
socketType = "SSL"
"""


def _send_and_kill(senders: Senders, chance: random.Random, seen: Counter[str]) -> None:
    process = senders.start()
    wanted = seen.total() + chance.randint(0, 10)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while seen.total() < wanted and time.monotonic() < give_up and senders.is_running(process):
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.02))
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    senders.end(process)


def _send_to_the_end(senders: Senders, host: Host, batch_id: int) -> None:
    """A mail whose sender was killed last is settled once its lease is over."""
    give_up = time.monotonic() + LONG_PATIENCE_SECONDS
    while time.monotonic() < give_up:
        senders.end(senders.start())
        if {row["mail_state"] for row in host.rows(batch_id)} <= {"sent", "failed", "unsure"}:
            return
        time.sleep(LEASE_SECONDS / 4)
