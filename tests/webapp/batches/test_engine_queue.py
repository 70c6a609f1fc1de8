"""The queue carries ids of batches, in each of its three places, and takes nothing that we did not sign."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from profiles.problems import Code, ProblemError
from tests.webapp import redis_server
from webapp.batches.queue import QUEUE_FILE, Queue
from webapp.config import load
from webapp.services import open_services

KEY = b"k" * 43


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server.running() as url:
        yield url


@pytest.fixture(params=["file", "redis", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest) -> str | None:
    """Where the queue is."""
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql").new_database())
    return None


@pytest.fixture
def queue(url: str | None, tmp_path: Path) -> Iterator[Queue]:
    opened = Queue(url=url, folder=tmp_path, key=KEY)
    while opened.next() is not None:
        pass  # Redis is shared
    yield opened
    opened.close()


def test_messages_come_out_once_in_their_order(queue: Queue) -> None:
    queue.enqueue(7)
    queue.enqueue(12, 2)

    assert [queue.next() for _ in range(4)] == [7, 12, 12, None]


def test_two_sides_share_it(queue: Queue, url: str | None, tmp_path: Path) -> None:
    other = Queue(url=url, folder=tmp_path, key=KEY)

    other.enqueue(5)

    assert queue.next() == 5
    other.close()


def test_many_takers_get_different_messages(queue: Queue) -> None:
    for number in range(1, 41):
        queue.enqueue(number)

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: queue.next(), range(40)))

    assert sorted(number or 0 for number in taken) == list(range(1, 41))


def test_a_message_under_another_key_is_refused_and_gone(queue: Queue, url: str | None, tmp_path: Path) -> None:
    stranger = Queue(url=url, folder=tmp_path, key=b"another key")
    stranger.enqueue(66)
    queue.enqueue(7)

    with pytest.raises(ProblemError) as raised:
        queue.next()

    assert raised.value.problems[0].code is Code.QUEUE_UNAVAILABLE
    assert queue.next() == 7
    stranger.close()


def test_a_message_that_is_no_message_is_never_opened(queue: Queue, tmp_path: Path) -> None:
    """A pickle would run what it says."""
    made = tmp_path / "made"
    queue.ping()
    assert queue._opened is not None
    queue._opened[0].storage.enqueue(b"cos\nsystem\n(S'touch " + str(made).encode() + b"'\ntR.")

    with pytest.raises(ProblemError):
        queue.next()

    assert not made.exists()


def test_the_file_is_for_nobody_else(tmp_path: Path) -> None:
    queue = Queue(url=None, folder=tmp_path, key=KEY)
    queue.enqueue(1)

    files = [path for path in tmp_path.iterdir() if path.name.startswith(QUEUE_FILE)]

    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    queue.close()


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / QUEUE_FILE).write_bytes(b"no database at all, but long enough to look like one" * 100)
    queue = Queue(url=None, folder=tmp_path, key=KEY)

    queue.enqueue(3)

    assert queue.next() == 3
    assert (tmp_path / QUEUE_FILE).stat().st_mode & 0o777 == 0o600
    queue.close()


@pytest.mark.parametrize("url", ["redis://u:canary@127.0.0.1:1/0", "postgresql://u:canary@127.0.0.1:1/x"])
def test_a_queue_that_is_away_is_said_without_its_password(url: str, tmp_path: Path) -> None:
    queue = Queue(url=url, folder=tmp_path, key=KEY)

    for use in (queue.ping, queue.next, lambda: queue.enqueue(1)):
        with pytest.raises(ProblemError) as raised:
            use()
        (problem,) = raised.value.problems
        assert problem.code is Code.QUEUE_UNAVAILABLE
        assert problem.params["reason"]
        assert "canary" not in str(problem)


def test_the_pages_open_no_queue_before_they_need_one(tmp_path: Path) -> None:
    config = load({"HAGAKI_DATA": str(tmp_path / "data"), "HAGAKI_QUEUE_URL": "redis://127.0.0.1:1/0"}).prepare()

    services = open_services(config)

    assert services.is_ready()
    services.checks.close()
    services.store.close()
