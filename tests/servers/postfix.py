"""A private Postfix: submission with and without faults, delivering into the maildirs of the test Dovecot."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.authority import Authority
from tests.servers.dovecot import MAIL_ID, Dovecot
from tests.servers.people import PEOPLE, State
from tests.servers.processes import free_ports, program, start_daemon, stop_daemon, wait_until_greets

SIZE_LIMIT = 20480000

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mail.example.com
mydestination =
# Only 127.0.0.1 is an interface to Postfix; master.cf names the other addresses of loopback itself.
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
alias_maps =
biff = no
message_size_limit = {size_limit}
# Each refused envelope takes a token of this delay; tests make hundreds of them.
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
default_process_limit = 300
smtpd_tls_chain_files = {good.key}, {good.chain}
tls_server_sni_maps = hash:{folder}/conf/sni
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {dovecot.auth_socket}
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = texthash:{folder}/conf/owners
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service unix:{dovecot.quota_socket},
  permit_sasl_authenticated, reject
default_transport = discard
virtual_mailbox_domains = example.com, example.jp
virtual_mailbox_maps = texthash:{folder}/conf/mailboxes
virtual_mailbox_base = {dovecot.folder}/mail
virtual_minimum_uid = 100
virtual_uid_maps = static:{mail_id}
virtual_gid_maps = static:{mail_id}
virtual_mailbox_limit = 0
"""

SMTPD = """\
{address}:{submission} inet n - n - - smtpd
{address}:{submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
{address}:{no_auth} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=no
{address}:{no_starttls} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
"""
ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")

OTHERS = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One running instance.

    Ports: `submission` (STARTTLS), `submissions` (TLS), `no_auth` (STARTTLS, but AUTH is not offered) and
    `no_starttls` (plain text only).
    """

    def __init__(self, folder: Path, authority: Authority, dovecot: Dovecot) -> None:
        self.folder = folder
        self.log = folder / "postfix.log"
        self.submission, self.submissions, self.no_auth, self.no_starttls = free_ports(4)
        conf = folder / "conf"
        for name in ("conf", "queue", "data"):
            (folder / name).mkdir()
        subprocess.run(["chown", "postfix", folder / "data"], check=True)
        main = MAIN.format(
            folder=folder, dovecot=dovecot, good=authority.good(), mail_id=MAIL_ID, size_limit=SIZE_LIMIT
        )
        (conf / "main.cf").write_text(main)
        listeners = "".join(SMTPD.format(address=address, **vars(self)) for address in ADDRESSES)
        (conf / "master.cf").write_text(listeners + OTHERS)
        _write_table(conf / "owners", ((p.address, _owner(p.username, p.state)) for p in PEOPLE.values()))
        _write_table(conf / "mailboxes", ((p.address, f"{p.username}/Maildir/") for p in PEOPLE.values()))
        faulty = ((fault, authority.faulty(fault)) for fault in authority.FAULTS)
        _write_table(conf / "sni", ((f"{fault}.example.com", f"{f.key}, {f.chain}") for fault, f in faulty))
        subprocess.run([program("postmap"), "-c", conf, "-F", f"hash:{conf}/sni"], check=True)

    def __enter__(self) -> Self:
        conf = str(self.folder / "conf")
        start_log = self.folder / "start.log"
        with start_log.open("wb") as out:
            subprocess.run([program("postfix"), "-c", conf, "check"], check=True, stdout=out, stderr=out)
        show = [program("postconf"), "-c", conf, "-h", "daemon_directory"]
        daemons = subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()
        self._daemon = start_daemon([f"{daemons}/master", "-c", conf, "-d"], start_log)
        wait_until_greets(self.submission, b"220 ", self._daemon, self.log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_daemon(self._daemon)


def _owner(username: str, state: State) -> str:
    return "somebody-else" if state is State.NOT_OWNER else username


def _write_table(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    path.write_text("".join(f"{key} {value}\n" for key, value in rows))
