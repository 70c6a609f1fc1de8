"""Writing the file of `-o`: whole or not at all, and readable by others only when it holds no password."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

PRIVATE, ORDINARY = 0o600, 0o666


def write_file(path: Path, data: bytes, *, private: bool) -> None:
    """Replace `path` in one step; a reader meets the old file or the new one."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise click.FileError(str(path), hint=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), PRIVATE if private else ORDINARY & ~_umask())
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise click.FileError(str(path), hint=error.strerror) from error


@contextmanager
def replacing(path: Path, *, private: bool) -> Iterator[IO[bytes]]:
    """A file to write piece by piece; it takes the place of `path` at the end, or vanishes with an exception."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise click.FileError(str(path), hint=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            os.fchmod(file.fileno(), PRIVATE if private else ORDINARY & ~_umask())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
