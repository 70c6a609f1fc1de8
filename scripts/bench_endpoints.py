"""The discovery endpoints against a constant answer, against themselves with more domains, and against automx2.

Every server has one worker and answers the same requests, in turn, in one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_load import PYTHON, Contestant, Question, domain_name, has_wrk, running, write_script

from profiles import autoconfig, autodiscover, catalogue
from profiles.address import Address
from profiles.model import Protocol, Server, ServiceSettings, SocketType
from webapp.config import load
from webapp.directory import Directory
from webapp.serve import KEEPALIVE_SECONDS, THREADS
from webapp.store import open_store

ROOT = Path(__file__).parents[1]
AUTOMX2 = "automx2==2026.2"
AUTOMX2_HOME = ROOT / ".cache" / "automx2-2026.2"
MANY, MOST = 5_000, 50_000
# As `hagaki serve` starts it, but for the one worker.
GUNICORN = ["-k", "gthread", "--threads", str(THREADS), "--keep-alive", str(KEEPALIVE_SECONDS)]
ROUNDS, SECONDS, WARM_UP_SECONDS = 9, 1, 2
SLOWEST_RATE = 1_500
"""Requests a second that any of our servers surely answers; the warm-up must have asked for every domain."""

GET = Question(
    method="GET",
    target="/mail/config-v1.1.xml?emailaddress={mailbox}%40{domain}",
    host="autoconfig.{domain}",
)
POST = Question(
    method="POST",
    target="/autodiscover/autodiscover.xml",
    host="autodiscover.{domain}",
    body="""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>{mailbox}@{domain}</EMailAddress>
    <AcceptableResponseSchema>"""
    + autodiscover.OUTLOOK_SCHEMA
    + """</AcceptableResponseSchema>
  </Request>
</Autodiscover>
""",
)


def ratios() -> list[tuple[str, float, str]]:
    """Name, ratio and goal of each comparison."""
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder))


def _measure(folder: Path) -> list[tuple[str, float, str]]:
    _write_answers(folder)
    ours = {count: _our_data(folder, count) for count in (1, MANY, MOST)}
    automx2 = {count: _automx2_data(folder, count) for count in (1, MANY)}
    entries = {
        "constant": _contestant("constant", "gunicorn", _constant("get", folder), GET),
        "constant post": _contestant("constant post", "gunicorn", _constant("post", folder), POST),
        "granian constant": _contestant("granian constant", "granian", _constant("get", folder), GET),
        "granian constant post": _contestant("granian constant post", "granian", _constant("post", folder), POST),
        "granian": _contestant("granian", "granian", ours[1], GET),
        "granian post": _contestant("granian post", "granian", ours[1], POST),
    }
    for count, data in ours.items():
        entries[f"get {count}"] = _contestant(f"get {count}", "gunicorn", data, GET, count)
        entries[f"post {count}"] = _contestant(f"post {count}", "gunicorn", data, POST, count)
    for count, data in automx2.items():
        entries[f"automx2 get {count}"] = _contestant(f"automx2 get {count}", "automx2", data, GET, count)
        entries[f"automx2 post {count}"] = _contestant(f"automx2 post {count}", "automx2", data, POST, count)
    _run(list(entries.values()), folder)
    _print_memory(entries)
    return _compare(entries)


def _run(contestants: list[Contestant], folder: Path) -> None:
    scripts = {id(each): folder / f"{number}.lua" for number, each in enumerate(contestants)}
    if has_wrk():
        for each in contestants:
            write_script(each.question, scripts[id(each)])
    with running(contestants):
        for each in contestants:
            each.load(WARM_UP_SECONDS + each.question.domains // SLOWEST_RATE, scripts[id(each)])
            each.rates.clear()
        for _ in range(ROUNDS):
            for each in contestants:
                each.load(SECONDS, scripts[id(each)])


def _compare(entries: dict[str, Contestant]) -> list[tuple[str, float, str]]:
    def ratio(one: str, other: str) -> float:
        return median(entries[one].rates) / median(entries[other].rates)

    return [
        ("autoconfig GET / constant answer, gunicorn", ratio("get 1", "constant"), ">= 0.85"),
        ("autoconfig GET / constant answer, granian", ratio("granian", "granian constant"), ">= 0.75"),
        ("autodiscover POST / constant answer, gunicorn", ratio("post 1", "constant post"), ">= 0.80"),
        (
            "autodiscover POST / constant answer, granian",
            ratio("granian post", "granian constant post"),
            ">= 0.55",
        ),
        ("autoconfig GET / automx2, 1 domain", ratio("get 1", "automx2 get 1"), ">= 10"),
        ("autodiscover POST / automx2, 1 domain", ratio("post 1", "automx2 post 1"), ">= 10"),
        ("autoconfig GET / automx2, 5,000 domains", ratio(f"get {MANY}", f"automx2 get {MANY}"), ">= 100"),
        ("autodiscover POST / automx2, 5,000 domains", ratio(f"post {MANY}", f"automx2 post {MANY}"), ">= 10"),
        ("autoconfig GET, 5,000 domains / 1", ratio(f"get {MANY}", "get 1"), ">= 0.95"),
        ("autodiscover POST, 5,000 domains / 1", ratio(f"post {MANY}", "post 1"), ">= 0.95"),
        ("autoconfig GET, 50,000 domains / 1", ratio(f"get {MOST}", "get 1"), ">= 0.90"),
        ("autodiscover POST, 50,000 domains / 1", ratio(f"post {MOST}", "post 1"), ">= 0.90"),
    ]


def _print_memory(entries: dict[str, Contestant]) -> None:
    print("memory of one worker after every domain was asked for:")
    for name, each in entries.items():
        if "constant" not in name:
            print(f"  {name:24} {each.megabytes:6.0f} MB")


def _contestant(
    name: str, server: str, where: tuple[str, dict[str, str], Path], question: Question, domains: int = 1
) -> Contestant:
    application, environ, folder = where
    asked = Question(
        method=question.method, target=question.target, host=question.host, body=question.body, domains=domains
    )
    python = str(AUTOMX2_HOME / "bin" / "python") if server == "automx2" else PYTHON
    gunicorn = [
        python,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "-w",
        "1",
        *GUNICORN,
        "-b",
        "127.0.0.1:PORT",
        application,
    ]
    granian = [PYTHON, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--no-ws", "--no-log"]
    command = [*granian, "--host", "127.0.0.1", "--port", "PORT", application] if server == "granian" else gunicorn
    return Contestant(name=name, command=command, question=asked, environ=environ, folder=folder)


def _constant(name: str, folder: Path) -> tuple[str, dict[str, str], Path]:
    return f"bench_applications:{name}", {"BENCH_ANSWERS": str(folder)}, ROOT / "scripts"


def _write_answers(folder: Path) -> None:
    settings = _settings((domain_name(0),))
    (folder / "autoconfig.xml").write_bytes(autoconfig.render_settings(settings, domain_name(0)))
    answer = autodiscover.render_settings_for_address(settings, Address("taro00000", domain_name(0)))
    (folder / "autodiscover.xml").write_bytes(answer)


def _our_data(folder: Path, count: int) -> tuple[str, dict[str, str], Path]:
    environ = {"HAGAKI_DATA": str(folder / f"ours-{count}"), "HAGAKI_BASE_URL": "https://hagaki.example"}
    config = load(environ).prepare()
    each = 10 if count == MOST else 1
    texts = {}
    for first in range(0, count, each):
        domains = tuple(domain_name(number) for number in range(first, first + each))
        texts[domains[0]] = catalogue.to_toml(_settings(domains))
    Directory(open_store(config)).apply(texts)
    return "webapp.wsgi:application", environ, ROOT


def _settings(domains: tuple[str, ...]) -> ServiceSettings:
    def server(protocol: Protocol, port: int) -> Server:
        return Server(protocol=protocol, hostname="mail.%EMAILDOMAIN%", port=port, socket_type=SocketType.SSL)

    return ServiceSettings(
        id=domains[0],
        display_name="Example Corporation",
        display_short_name="Example",
        domains=domains,
        incoming_servers=(server(Protocol.IMAP, 993),),
        outgoing_servers=(server(Protocol.SMTP, 465),),
    )


def _automx2_data(folder: Path, count: int) -> tuple[str, dict[str, str], Path]:
    """automx2's own database, filled through its own door."""
    home = folder / f"automx2-{count}"
    home.mkdir()
    (home / "automx2.conf").write_text(f"[automx2]\ndb_uri = sqlite:///{home}/db.sqlite\nloglevel = WARNING\n")
    environ = {"AUTOMX2_CONF": str(home / "automx2.conf")}
    _install_automx2()
    seed = {
        "version": 2,
        "provider": "Example Corporation",
        "domains": [{"name": domain_name(number)} for number in range(count)],
        "servers": [
            {"name": "mail.host.example", "type": "imap", "port": 993},
            {"name": "mail.host.example", "type": "smtp", "port": 465},
        ],
    }
    code = f"from automx2.server import app; print(app.test_client().post('/initdb/', json={json.dumps(seed)}))"
    command = [str(AUTOMX2_HOME / "bin" / "python"), "-"]
    done = subprocess.run(
        command, input=code.encode(), env={**os.environ, **environ}, capture_output=True, check=False, cwd=home
    )
    if b"200 OK" not in done.stdout:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return "automx2.server:app", environ, home


def _install_automx2() -> None:
    if (AUTOMX2_HOME / "installed").exists():
        return
    venv.create(AUTOMX2_HOME, with_pip=True, clear=True)
    pip = [str(AUTOMX2_HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, AUTOMX2, "gunicorn"], check=True, stderr=subprocess.DEVNULL)
    (AUTOMX2_HOME / "installed").touch()


if __name__ == "__main__":
    for name, value, goal in ratios():
        print(f"{name:60} {value:8.2f}  {goal}")
