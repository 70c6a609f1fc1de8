"""A list through the API of a real `hagaki serve`: a token, a POST, waiting, a ZIP, and openssl’s opinion."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import require
from tests.servers.processes import PATIENCE, free_ports

HAGAKI = str(Path(sys.executable).parent / "hagaki")
DOMAIN = """\
id = "example.com"
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
LIST = "メールアドレス,氏名\ntaro@example.com,山田 太郎\nhanako@example.com,𠮷田 花子\nno address,x\n".encode(
    "cp932", "replace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A process that serves, and a token for it."""

    port: int
    token: str
    data: Path

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`hagaki serve` as an operator starts it."""
    folder = tmp_path_factory.mktemp("served")
    (port,) = free_ports(1)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HAGAKI_")}
    environ["HAGAKI_DATA"] = str(folder / "data")
    subprocess.run([HAGAKI, "domain", "add", "-"], input=DOMAIN.encode(), env=environ, check=True)
    made = subprocess.run(
        [
            HAGAKI,
            "token",
            "create",
            "script",
            *(f"--scope=batches:{what}" for what in ("write", "read", "results")),
        ],
        env=environ,
        check=True,
        capture_output=True,
    )
    token = made.stdout.decode().split()[-1]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [HAGAKI, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "1"],
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    here = Served(port=port, token=token, data=folder / "data")
    try:
        wait(lambda: process.poll() is None and answers(here))
        yield here
    finally:
        process.terminate()
        process.wait(PATIENCE)


def answers(served: Served) -> bool:
    try:
        return served.send("GET", "/readyz")[0] == 200
    except OSError:
        return False


def wait(happened: object) -> None:
    ends = time.monotonic() + PATIENCE
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.1)


def multipart(**fields: str) -> tuple[bytes, dict[str, str]]:
    border = uuid4().hex
    parts = [f'--{border}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + LIST + f"\r\n--{border}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={border}"}


def test_posted_list_ends_as_signed_profiles(served: Served, tmp_path: Path) -> None:
    openssl = require("openssl")

    status, text = served.send("POST", "/api/v1/batches", *multipart(mode="invitations", language="ja"))
    assert status == 202, text
    path = f"/api/v1/batches/{json.loads(text)['id']}"
    wait(lambda: json.loads(served.send("GET", path)[1])["results"] is not None)
    batch = json.loads(served.send("GET", path)[1])
    status, data = served.send("GET", batch["results"])

    assert (batch["state"], batch["total"], batch["done"], batch["failed"]) == ("done", 3, 3, 1)
    assert status == 200
    archive = zipfile.ZipFile(io.BytesIO(data))
    profiles = [name for name in archive.namelist() if name.startswith("profiles/")]
    assert len(profiles) == 2
    root = served.data / "signing" / "ca.pem"
    for number, name in enumerate(profiles):
        file = tmp_path / f"{number}.mobileconfig"
        file.write_bytes(archive.read(name))
        command = [openssl, "cms", "-verify", "-inform", "DER", "-in", str(file), "-CAfile", str(root)]
        done = subprocess.run([*command, "-purpose", "any", "-out", os.devnull], capture_output=True)
        assert done.returncode == 0, done.stderr


def test_deleted_batch_is_gone_at_once(served: Served) -> None:
    _, text = served.send("POST", "/api/v1/batches", *multipart(mode="invitations"))
    path = f"/api/v1/batches/{json.loads(text)['id']}"

    assert served.send("DELETE", path)[0] == 204
    assert served.send("GET", path)[0] == 404


def test_list_is_in_no_file_of_the_host(served: Served) -> None:
    served.send("POST", "/api/v1/batches", *multipart(mode="invitations"))

    for file in served.data.rglob("*"):
        with suppress(FileNotFoundError):  # it is gone meanwhile
            assert not file.is_file() or LIST not in file.read_bytes(), file
