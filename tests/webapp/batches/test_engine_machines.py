"""Several machines, for real: a web process and two workers on PostgreSQL and Redis; one worker is killed."""

from __future__ import annotations

import csv
import io
import json
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.webapp import redis_server
from tests.webapp.batches.engine import people, until
from tests.webapp.batches.lists import BAD, HEADINGS, csv_bytes
from tests.webapp.batches.zygote import Zygote, kill, zygote
from tests.webapp.cli.command import Command
from tests.webapp.cli.conftest import DOMAIN
from tests.webapp.cli.test_serve import Serving, serving
from tests.webapp.postgres import Postgres

pytestmark = pytest.mark.postgresql

ROWS = 1_500


@pytest.fixture
def machines(postgresql: Postgres, tmp_path: Path) -> Iterator[Command]:
    """The command as each of the machines has it: its own folder would do, what they share is in the variables."""
    with redis_server.running() as queue_url:
        yield Command(
            tmp_path,
            {
                "HAGAKI_DATABASE_URL": postgresql.new_database(),
                "HAGAKI_QUEUE_URL": queue_url,
                "HAGAKI_SECRET_KEY": secrets.token_urlsafe(32),
                "HAGAKI_LINK_KEY": secrets.token_urlsafe(32),
            },
        )


@pytest.fixture
def workers(machines: Command, tmp_path: Path) -> Iterator[Zygote]:
    """A machine with a data folder of its own."""
    with zygote({**machines.variables, "HAGAKI_DATA": str(tmp_path / "other machine")}) as ready:
        yield ready


def post(server: Serving, token: str, data: bytes) -> dict[str, Any]:
    """Send a list as a script does."""
    border = secrets.token_hex(8)
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="mode"\r\n\r\ninvitations\r\n'.encode(),
        f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'.encode(),
        data,
        f"\r\n--{border}--\r\n".encode(),
    ]
    headers = {"Content-Type": f"multipart/form-data; boundary={border}", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{server.url}/api/v1/batches", b"".join(parts), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202
        return dict(json.load(answer))


def get(server: Serving, token: str, path: str) -> str:
    """Ask as a script does."""
    status, body = server.get(path, Authorization=f"Bearer {token}")
    assert status == 200, body
    return body


def test_a_worker_that_is_killed_on_another_machine_harms_no_batch(machines: Command, workers: Zygote) -> None:
    corp = machines.folder / "corp.toml"
    corp.write_text(DOMAIN)
    machines("domain", "add", corp)
    scopes = ("--scope", "batches:read", "--scope", "batches:results", "--scope", "batches:write")
    token = machines("token", "create", "script", *scopes).out.split()[-1]
    with serving(machines, "--workers", "1", "--no-worker") as server:
        second = workers.work()
        for first_person in count(1, ROWS):
            before = post(server, token, csv_bytes([HEADINGS, *people(ROWS, first=first_person), *BAD]))
            where = f"/api/v1/batches/{before['id']}"

            def done(where: str = where) -> int:
                return int(json.loads(get(server, token, where))["done"])

            first = workers.work()
            until(lambda done=done: done() >= 100)
            kill(first)
            if done() < ROWS:
                break  # else it was made before anybody was killed: another list
        until(lambda: json.loads(get(server, token, where))["state"] == "done")
        after = json.loads(get(server, token, where))
        results = get(server, token, f"{where}/results.csv")
        links = [row["link"] for row in csv.DictReader(io.StringIO(results.removeprefix("\ufeff"))) if row["link"]]
        opened = [server.get("/s/" + link.rpartition("/")[2])[0] for link in links[::100]]
        kill(second)
        server.stop()

    assert before["total"] == ROWS + len(BAD)
    assert before["state"] in ("waiting", "making")
    assert (after["done"], after["failed"]) == (ROWS + len(BAD), len(BAD))
    assert len(links) == ROWS
    assert set(Counter(links).values()) == {1}
    assert set(opened) == {200}
