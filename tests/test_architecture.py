"""The law of imports: the picture in ARCHITECTURE.md, read from the code with `ast`.

A new module of webapp/ finds its place in LAYERS; imports point only down the list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("command line and servers", frozenset({"cli", "serve", "worker", "wsgi"})),
    ("wiring", frozenset({"__init__"})),
    ("blueprints and endpoints", frozenset({"setup", "admin", "api", "endpoints", "health", "errors"})),
    (
        "what blueprints share",
        frozenset({"services", "security", "presentation", "phrases", "languages", "policy"}),
    ),
    ("checks, batches, admins", frozenset({"checks", "batches", "accounts"})),
    (
        "work without Flask",
        frozenset({"discovery", "probes", "links", "budget", "certificates", "doctor", "handouts", "mails"}),
    ),
    (
        "below",
        frozenset(
            {
                "store",
                "outbound",
                "directory",
                "i18n",
                "local_ca",
                "access_log",
                "discovery_names",
                "kept_worker",
                "processes",
            }
        ),
    ),
    ("configuration", frozenset({"config", "setting_values"})),
)
"""From the top down. Checks stand above the work that they bring together: budget, probes, signer, links."""

SIBLINGS = frozenset(
    {
        ("cli", "serve"),
        ("cli", "worker"),
        ("serve", "wsgi"),
        ("presentation", "languages"),
        ("presentation", "phrases"),
        ("phrases", "languages"),
        ("policy", "services"),
        ("directory", "store"),
        ("config", "setting_values"),
        # what is wrong with a certificate is said in one place
        ("doctor", "probes"),
    }
)
"""The only imports within a layer: (importer, imported)."""

FLASK = frozenset({"flask", "flask_babel", "flask_wtf", "wtforms", "werkzeug", "jinja2"})
WITH_FLASK = frozenset({"__init__", "wsgi", "serve", "setup", "admin", "api", "health", "errors"}) | LAYERS[3][1]
"""Parts of webapp/ that may know Flask. Endpoints are a WSGI application of their own, in front of it."""

IMPURE = frozenset({"socket", "ssl", "os", "sqlite3", "flask", "logging", "sqlalchemy", "subprocess", "webapp"})
DATABASES = frozenset({"sqlalchemy", "alembic", "sqlite3", "psycopg"})


def modules(package: str) -> list[Path]:
    """Every module of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The full name of everything a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    """The part of webapp/ that a file belongs to: a module or a folder directly below it."""
    below = path.relative_to(ROOT / "webapp")
    return below.parts[0] if len(below.parts) > 1 else below.stem


def parts_imported(path: Path) -> set[str]:
    """The other parts of webapp/ that a module imports; `from webapp import create_app` is the wiring."""
    known = {part_of(module) for module in modules("webapp")}
    found = {name.split(".")[1] for name in imported(path) if name.startswith("webapp.")}
    return {part if part in known else "__init__" for part in found} - {part_of(path)}


def level(part: str) -> int:
    """How deep a part lies, 0 at the top."""
    found = [depth for depth, (_, parts) in enumerate(LAYERS) if part in parts]
    assert found, f"webapp/{part} has no place in LAYERS (and in ARCHITECTURE.md)"
    return found[0]


@pytest.mark.parametrize("path", modules("webapp"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_only_down(path: Path) -> None:
    part = part_of(path)

    wrong = [
        other for other in parts_imported(path) if level(other) <= level(part) and (part, other) not in SIBLINGS
    ]

    assert wrong == []


@pytest.mark.parametrize("path", modules("profiles"), ids=lambda path: str(path.relative_to(ROOT)))
def test_profiles_are_pure(path: Path) -> None:
    assert {name.split(".")[0] for name in imported(path)} & IMPURE == set()


@pytest.mark.parametrize("path", modules("webapp"), ids=lambda path: str(path.relative_to(ROOT)))
def test_flask_stays_in_its_layer(path: Path) -> None:
    if part_of(path) not in WITH_FLASK:
        assert {name.split(".")[0] for name in imported(path)} & FLASK == set()


@pytest.mark.parametrize("path", modules("webapp"), ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_stands_in_the_store_only(path: Path) -> None:
    if part_of(path) == "store":
        return
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert {name.split(".")[0] for name in imported(path)} & DATABASES == set()
    assert calls & {"execute", "exec_driver_sql", "scalar_one"} == set()


def test_every_allowed_sibling_is_needed() -> None:
    """An exception that nobody uses any more would hide the next mistake."""
    edges = {(part_of(path), other) for path in modules("webapp") for other in parts_imported(path)}

    assert edges >= SIBLINGS
