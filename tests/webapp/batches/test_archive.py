"""The ZIP that is written as a stream is one that everybody reads."""

from __future__ import annotations

import io
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

from tests.conftest import require
from webapp.batches.archive import Archive, Packed
from webapp.batches.defusing import defused, line, undefused

NOW = datetime(2026, 11, 25, 15, 30, 10)
MEMBERS = {"profiles/taro@corp.example 𠮷田.mobileconfig": b"x" * 5000, "empty.csv": b"", "qr/a.png": b"\x89PNG"}


def written(**options: bool) -> bytes:
    """An archive of MEMBERS."""
    target = io.BytesIO()
    with Archive(target, now=NOW) as archive:
        for name, data in MEMBERS.items():
            archive.add(name, data, **options)
        member = Packed()
        for number in range(1000):
            member.write(b"%d\r\n" % number)
        archive.add_packed("results.csv", member)
    return target.getvalue()


def test_members_come_out_as_they_went_in() -> None:
    for options in ({"compress": True}, {"compress": False}):
        with zipfile.ZipFile(io.BytesIO(written(**options))) as archive:
            assert archive.testzip() is None
            assert {name: archive.read(name) for name in MEMBERS} == MEMBERS
            assert archive.read("results.csv") == b"".join(b"%d\r\n" % number for number in range(1000))
            assert archive.getinfo("empty.csv").date_time == (2026, 11, 25, 15, 30, 10)
            assert archive.getinfo("empty.csv").external_attr >> 16 == 0o100600


def test_unzip_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(written())

    subprocess.run([require("unzip"), "-q", "a.zip"], cwd=tmp_path, check=True)

    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {*MEMBERS, "results.csv", "a.zip"}


def test_more_members_than_the_old_format_counts() -> None:
    target = io.BytesIO()
    with Archive(target, now=NOW) as archive:
        for number in range(70_000):
            archive.add(f"{number}", b"", compress=False)

    with zipfile.ZipFile(target) as archive_read:
        assert len(archive_read.namelist()) == 70_000


def test_a_member_beyond_four_gigabytes_is_found() -> None:
    """Offsets above 4 GB need the ZIP64 field; the bytes before it are pretended."""
    target = io.BytesIO()
    archive = Archive(target, now=NOW)
    archive._offset = 5_000_000_000
    archive.add("far", b"away", compress=False)
    archive.close()

    data = target.getvalue()
    entry = data[data.index(b"PK\x01\x02") :]
    assert entry[42:46] == b"\xff\xff\xff\xff"
    assert int.from_bytes(entry[46 + 3 + 4 : 46 + 3 + 12], "little") == 5_000_000_000
    assert b"PK\x06\x06" in data


def test_formulas_are_defused_and_come_back() -> None:
    for cell in ("=1+1", "+81", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\tx", "\rx"):
        assert defused(cell) == "'" + cell
        assert undefused(defused(cell)) == cell
    for cell in ("", "a=1", "山田", "'quoted'", "1-1"):
        assert defused(cell) == cell
        assert undefused(cell) == cell


def test_a_line_quotes_what_must_be_quoted() -> None:
    assert line(["a", 'b"c', "d,e", "f\r\ng"]) == 'a,"b""c","d,e","f\r\ng"\r\n'
