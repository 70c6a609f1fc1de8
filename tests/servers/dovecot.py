"""A private Dovecot: IMAP, POP3 and the password check of Postfix, with an account in every state.

Trap: Dovecot takes a connection from its own address as secure and then allows plain text log-ins. The names of
the environment therefore resolve to 127.0.0.2, which clients reach from 127.0.0.1, so that LOGINDISABLED is as it
is for the world. `127.0.0.3` allows one connection per person only.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.authority import Authority, CertificateFiles
from tests.servers.people import NO_LOGIN_REASON, PEOPLE, UNSUBSCRIBED_FOLDERS, Person, State
from tests.servers.processes import free_ports, program, start_daemon, stop_daemon, wait_until_greets

MAIL_ID = 5871
"""User and group of all mail; nobody of that number needs to exist."""

LIMITED_HOST = "127.0.0.3"

CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
log_timestamp = ""
listen = 127.0.0.1, 127.0.0.2, 127.0.0.3
protocols = imap pop3
instance_name = hagaki-tests
ssl = {ssl}
ssl_cert = <{good.chain}
ssl_key = <{good.key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_verbose = yes
auth_debug = yes
# Tests make many wrong log-ins from one address: no delay of the reply, and no growing penalty of the address.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_uid = {mail_id}
mail_gid = {mail_id}
first_valid_uid = 1
mail_home = {folder}/mail/%u
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
mail_plugins = quota
mailbox_list_index = yes
local {limited_host} {{
  mail_max_userip_connections = 1
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = "552 5.2.2 Mailbox is full"
}}
namespace inbox {{
  inbox = yes
  separator = .
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
  mailbox Trash {{
    auto = subscribe
    special_use = \\Trash
  }}
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
}}
passdb {{
  driver = passwd-file
  deny = yes
  args = username_format=%u {folder}/deny.%s
}}
passdb {{
  driver = passwd-file
  username_filter = temporary@*
  args = {folder}/unreadable
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/passwords
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/people
}}
service imap-login {{
  service_count = 0
  client_limit = 1000
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  service_count = 0
  client_limit = 1000
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service imap {{
  service_count = 100
}}
service auth {{
  client_limit = 4000
  unix_listener {folder}/auth-for-smtp {{
    mode = 0666
  }}
}}
service quota-status {{
  executable = quota-status -p postfix
  client_limit = 1
  unix_listener {folder}/quota-for-smtp {{
    mode = 0666
  }}
}}
"""

SNI = """\
local_name {fault}.example.com {{
  ssl_cert = <{files.chain}
  ssl_key = <{files.key}
}}
"""


@dataclass(frozen=True, slots=True)
class LogMark:
    """A place in the log: what comes after it belongs to one test."""

    offset: int


class Dovecot:
    """One running instance. `plain_only` has no TLS at all, so it announces LOGINDISABLED and nothing else."""

    def __init__(self, folder: Path, authority: Authority, *, plain_only: bool = False) -> None:
        self.folder = folder
        self.log = folder / "dovecot.log"
        self.auth_socket = folder / "auth-for-smtp"
        self.quota_socket = folder / "quota-for-smtp"
        self.imap, self.imaps, self.pop3, self.pop3s = free_ports(4)
        self._write_config(authority, plain_only=plain_only)
        self._write_people()

    def _write_config(self, authority: Authority, *, plain_only: bool) -> None:
        text = CONFIG.format(
            folder=self.folder,
            good=authority.good(),
            ssl="no" if plain_only else "yes",
            mail_id=MAIL_ID,
            limited_host=LIMITED_HOST,
            imap=self.imap,
            imaps=0 if plain_only else self.imaps,
            pop3=self.pop3,
            pop3s=0 if plain_only else self.pop3s,
        )
        faulty: dict[str, CertificateFiles] = {fault: authority.faulty(fault) for fault in authority.FAULTS}
        text += "".join(SNI.format(fault=fault, files=files) for fault, files in faulty.items())
        (self.folder / "dovecot.conf").write_text(text)

    def _write_people(self) -> None:
        people = PEOPLE.values()
        denied = {
            "imap": (State.DISABLED, State.IMAP_OFF),
            "pop3": (State.DISABLED, State.IMAP_OFF),
            "smtp": (State.DISABLED, State.SMTP_OFF),
        }
        for service, states in denied.items():
            lines = [f"{person.username}:\n" for person in people if person.state in states]
            (self.folder / f"deny.{service}").write_text("".join(lines))
        known = [person for person in people if person.state is not State.TEMPORARY]
        (self.folder / "unreadable").touch(mode=0o600)  # only root's: the auth process runs as another user
        (self.folder / "passwords").write_text("".join(map(_password_line, known)))
        (self.folder / "people").write_text("".join(_people_line(person) for person in people))
        for person in people:
            self._make_mailbox(person)

    def _make_mailbox(self, person: Person) -> None:
        home = self.folder / "mail" / person.username
        maildir = home / "Maildir"
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True)
        if person.used_kilobytes:
            _put_message(maildir, person.used_kilobytes * 1024)
        if person.state is State.UNSUBSCRIBED:
            for folder in UNSUBSCRIBED_FOLDERS:
                for part in ("cur", "new", "tmp"):
                    (maildir / f".{folder}" / part).mkdir(parents=True)
        if person.state is State.BROKEN:
            for part in ("cur", "new", "tmp"):
                (maildir / part).rmdir()
            maildir.rmdir()
            maildir.write_text("not a folder")
        subprocess.run(["chown", "-R", f"{MAIL_ID}:{MAIL_ID}", home], check=True)

    def maildir(self, person: Person) -> Path:
        """Where a person's mail lies."""
        return self.folder / "mail" / person.username / "Maildir"

    def mark(self) -> LogMark:
        """The end of the log as it is now."""
        return LogMark(self.log.stat().st_size if self.log.exists() else 0)

    def log_since(self, mark: LogMark) -> str:
        """What was logged after `mark`."""
        with self.log.open("rb") as log:
            log.seek(mark.offset)
            return log.read().decode(errors="replace")

    def attempts_since(self, mark: LogMark) -> Counter[str]:
        """How many log-ins reached Dovecot's auth process, per service (imap, pop3, smtp)."""
        return Counter(re.findall(r"client in: AUTH\t\d+\t\S+\tservice=(\w+)", self.log_since(mark)))

    def __enter__(self) -> Self:
        command = [program("dovecot"), "-F", "-c", str(self.folder / "dovecot.conf")]
        self._daemon = start_daemon(command, self.folder / "start.log")
        wait_until_greets(self.imap, b"* OK", self._daemon, self.folder / "start.log")
        self._count_quotas()
        return self

    def _count_quotas(self) -> None:
        """Counted now: IMAP and SMTP asking at once for a first count would meet each other's lock."""
        for person in PEOPLE.values():
            if person.quota_kilobytes:
                recount = ["-c", str(self.folder / "dovecot.conf"), "quota", "recalc", "-u", person.username]
                subprocess.run([program("doveadm"), *recount], check=True, capture_output=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_daemon(self._daemon)


def _password_line(person: Person) -> str:
    extra = f"nologin=y reason={NO_LOGIN_REASON}" if person.state is State.NO_LOGIN else ""
    return f"{person.username}:{person.hashed_password}::::::{extra}\n"


def _people_line(person: Person) -> str:
    extra = ""
    if person.state is State.PREFIX:
        extra = "userdb_namespace/inbox/prefix=INBOX."
    elif person.quota_kilobytes:
        extra = f"userdb_quota_rule=*:storage={person.quota_kilobytes}K"
    return f"{person.username}:::::::{extra}\n"


def _put_message(maildir: Path, size: int) -> None:
    head = b"From: kakari@example.com\r\nSubject: large\r\n\r\n"
    line = b"0123456789" * 7 + b"\r\n"
    body = (head + line * (size // len(line) + 1))[: size - 2] + b"\r\n"
    (maildir / "cur" / f"1700000000.M1P1.mail,S={size},W={size}:2,S").write_bytes(body)
