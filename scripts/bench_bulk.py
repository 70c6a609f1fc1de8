"""What a list of people costs, as ratios to the raw signatures of the same key on the same processor."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from time import process_time, time

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from profiles.model import MailAccount, Protocol, Server, ServiceSettings, SocketType
from webapp.batches.columns import find_columns
from webapp.batches.invitations import Invitation, Invitations
from webapp.batches.making import Mode, Part, Tools, Wanted, make, survey
from webapp.batches.options import BatchOptions
from webapp.batches.reading import open_list
from webapp.batches.results import open_results
from webapp.batches.rows import Employee, Rules
from webapp.batches.service import Batches
from webapp.batches.working import Leases, Work
from webapp.certificates import load_signer
from webapp.config import Config, load
from webapp.probes.report import Report
from webapp.store import open_store

ROWS = 10_000
ROUNDS = 4
MANY_ROWS = 100_000

Run = Callable[[Path, Path, frozenset[Part]], None]


def ratios() -> list[tuple[str, float, str]]:
    """Name, ratio and goal; the raw signatures are made in between, in pieces of the same run."""
    with tempfile.TemporaryDirectory() as folder:
        return _measured(Path(folder))


def _measured(folder: Path) -> list[tuple[str, float, str]]:
    profiles = _ratio(folder, frozenset({Part.PROFILES}))
    everything = _ratio(folder, frozenset(Part))
    durable = _ratio(folder, frozenset({Part.PROFILES}), run=run_durable)
    few, many = (_megabytes(rows) for rows in (ROWS, MANY_ROWS))
    return [
        ("10,000 rows to signed profiles in a ZIP / raw RSA-2048 signatures", profiles, "<= 2.5"),
        ("the same with .k9s files, QR codes and hand-outs", everything, "<= 8"),
        ("profiles of a durable batch: taken, made by a worker, streamed", durable, ""),
        ("memory at 100,000 rows / at 10,000, everything made", many / few, "<= 1.3"),
    ]


def _ratio(folder: Path, parts: frozenset[Part], run: Run | None = None) -> float:
    """Time of the list over the time of as many signatures, in turns of both."""
    rows = ROWS // ROUNDS
    path = write_list(folder / "list.csv", rows)
    signer = load_signer(load({"HAGAKI_DATA": str(folder / "data")}).prepare())
    assert isinstance(signer.key, rsa.RSAPrivateKey)
    raw, work = [], []
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(rows):
            signer.key.sign(b"x" * 100, padding.PKCS1v15(), hashes.SHA256())
        raw.append(process_time() - start)
        start = process_time()
        (run or run_at_once)(path, folder, parts)
        work.append(process_time() - start)
    return sum(work) / sum(raw)


def run_at_once(path: Path, folder: Path, parts: frozenset[Part]) -> None:
    """What `hagaki bulk` does with a list."""
    config = _config(folder)
    listing = open_list(path)
    columns = find_columns(listing.rows(), file=listing.name)
    rules = Rules(find={"corp.example": _SETTINGS}.get)
    wanted = Wanted(
        mode=Mode.READY_MADE,
        base_url=config.base_url,
        language="ja",
        timezone=config.timezone,
        expires_at=datetime.now(UTC) + timedelta(days=30),
        parts=parts,
    )
    store = open_store(config)
    invitations = Invitations(store, link_key=config.link_key)
    total = survey(listing, columns, rules).total
    batch = invitations.begin(name=listing.name, mode=wanted.mode, total=total)

    def invite(employees: Sequence[Employee], tried: Container[int]) -> tuple[Invitation, ...]:
        ends = wanted.expires_at.timestamp()
        return invitations.invite(batch, employees, expires_at=ends, mode=wanted.mode, tried=tried)

    with (folder / "out.zip").open("wb") as output:
        tally = make(
            listing, columns, rules, wanted, Tools(signer=load_signer(config), invite=invite), output, total=total
        )
    assert tally.made == total
    store.close()


def run_durable(path: Path, folder: Path, parts: frozenset[Part]) -> None:
    """What the pages and a worker do with a list: rows in the database, and a ZIP made of them."""
    config = _config(folder)
    store, find = open_store(config), {"corp.example": _SETTINGS}.get
    invitations = Invitations(store, link_key=config.link_key)
    batches = Batches(store, find, link_key=config.link_key, record=_nothing, enqueue=_nothing)
    work = Work(
        store, find, invitations, link_key=config.link_key, probe=_no_probe, leases=Leases(store), halted=Event()
    )
    listing = open_list(path)
    columns = find_columns(listing.rows(), file=listing.name)
    options = BatchOptions(expires_at=time() + 86_400, language="ja", parts=tuple(parts))
    batch = batches.take(listing, columns, options, mode=Mode.READY_MADE, actor="bench")
    assert work.work(batch, seconds=3_600)
    with (folder / "out.zip").open("wb") as output:
        output.writelines(open_results(store, config, find, invitations).zip_pieces(batch))
    store.close()


def _config(folder: Path) -> Config:
    return load({"HAGAKI_DATA": str(folder / "data"), "HAGAKI_BASE_URL": "https://m.example.co.jp"}).prepare()


def _nothing(*words: object, **details: object) -> None:
    """Neither an audit log nor a queue is measured here."""


def _no_probe(account: MailAccount, password: str) -> Report:  # noqa: ARG001 - the words of a probe
    raise AssertionError("nothing is checked")


def write_list(path: Path, rows: int) -> Path:
    """A list of invented people."""
    with path.open("w", encoding="utf-8") as file:
        file.write("社員番号,氏名,メールアドレス,所属,パスワード\n")
        for number in range(rows):
            file.write(f"{number:06},山田 太郎{number},taro{number}@corp.example,営業部,invented {number}\n")
    return path


def _megabytes(rows: int, kind: str = "at once") -> float:
    """The largest memory of a process of its own."""
    command = [sys.executable, __file__, str(rows), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _server(protocol: Protocol, port: int) -> Server:
    return Server(protocol=protocol, hostname="mail.corp.example", port=port, socket_type=SocketType.SSL)


_SETTINGS = replace(
    ServiceSettings(
        id="corp.example",
        display_name="Example Corporation",
        display_short_name="Example",
        domains=("corp.example",),
        incoming_servers=(_server(Protocol.IMAP, 993),),
        outgoing_servers=(_server(Protocol.SMTP, 465),),
    )
)


def _main() -> None:
    if len(sys.argv) > 1:
        run = run_durable if sys.argv[2:] == ["durable"] else run_at_once
        with tempfile.TemporaryDirectory() as name:
            run(write_list(Path(name) / "list.csv", int(sys.argv[1])), Path(name), frozenset(Part))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    for name, ratio, goal in ratios():
        print(f"{name:70} {ratio:6.2f}  {goal}")


if __name__ == "__main__":
    _main()
