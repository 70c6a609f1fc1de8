"""The real `hagaki` command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.processes import PATIENCE

HAGAKI = str(Path(sys.executable).with_name("hagaki"))


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    status: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.raw.decode()

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it is."""
        return json.loads(self.raw)

    @property
    def codes(self) -> set[str]:
        """The codes of the JSON document's problems."""
        return {problem["code"] for problem in self.json["problems"]}


@dataclass
class Command:
    """Runs `hagaki` in an empty folder, with no variables but the given ones."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes = b"",
        variables: Mapping[str, str] | None = None,
        status: int | None = 0,
    ) -> Done:
        """Run to the end; `status` None accepts any exit status."""
        done = subprocess.run(
            [HAGAKI, *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=self.environment(variables),
            cwd=self.folder,
            timeout=3 * PATIENCE,
        )
        result = Done(done.returncode, done.stdout, done.stderr.decode())
        assert "Traceback" not in result.err, result.err
        assert status in (None, result.status), result
        return result

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of the process."""
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        return {**base, "HAGAKI_DATA": str(self.folder / "data"), **self.variables, **(variables or {})}


def is_japanese(text: str) -> bool:
    """Whether there is any kana in it."""
    return any("\u3041" <= sign <= "\u30fa" for sign in text)
