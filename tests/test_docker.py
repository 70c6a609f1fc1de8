"""The Dockerfile and compose.yaml, read without a container engine: what they name exists in the built wheel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.servers.processes import PATIENCE

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile, its continuation lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words behind the name, flags left out; an exec form's own words."""
        if self.text.startswith("["):
            return json.loads(self.text)
        return [word for word in self.text.split() if not word.startswith("--")]


def read_stages(path: Path) -> list[list[Instruction]]:
    """The instructions of each build stage."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", path.read_text()))
    stages: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append(Instruction(name, " ".join(rest.split())))
    return stages


BUILD, FINAL = read_stages(ROOT / "Dockerfile")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["hagaki"]


def only(stage: list[Instruction], name: str) -> Instruction:
    """The one instruction of that name."""
    (found,) = [instruction for instruction in stage if instruction.name == name]
    return found


def copied() -> list[str]:
    """What the build stage takes from the checkout."""
    return [source for step in BUILD if step.name == "COPY" for source in step.words[:-1]]


def environment() -> dict[str, str]:
    """The variables of the final image."""
    return dict(word.split("=", 1) for word in only(FINAL, "ENV").words)


def healthcheck() -> list[str]:
    """The command of the health check."""
    text = only(FINAL, "HEALTHCHECK").text
    return json.loads(text[text.index("CMD ") + 4 :])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from nothing but what the Dockerfile copies, as in its build stage."""
    source = tmp_path_factory.mktemp("source")
    for name in copied():
        path = ROOT / name
        (source / name).parent.mkdir(exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.mo"))
        else:
            shutil.copy(path, source / name)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([*command, "--wheel-dir", str(out), str(source)], check=True, env=environ)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files as pip would lay them out."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_from(installed: Path, code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code against the wheel's files instead of the checkout."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HAGAKI_")}
    environ["PYTHONPATH"] = str(installed)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environ,
        cwd=cwd,
        timeout=3 * PATIENCE,
    )


def test_what_the_build_copies_is_there_and_not_ignored() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]

    assert lines[0] == "*"
    for name in copied():
        clean = name.removeprefix("./")
        assert (ROOT / clean).exists(), name
        assert any(line[0] == "!" and fnmatch(clean, line[1:]) for line in lines), f"{name} is in .dockerignore"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt"])
def test_every_requirement_of_the_image_has_its_hashes(name: str) -> None:
    written = (ROOT / "deploy" / name).read_text()

    wanted = re.sub(r"\\\n", "", re.sub(r"(?m)^#.*\n", "", written)).splitlines()

    assert wanted
    assert [
        line for line in wanted if not re.fullmatch(r"[\w-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", line.strip())
    ] == []
    (first, *_) = [step.text for step in BUILD if step.name == "RUN"]
    assert f"--require-hashes -r deploy/{name}" in first


def test_the_locked_requirements_are_those_of_the_project() -> None:
    """A dependency that was added, or needs a newer version: `make lock`."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = wanted["project"]["optional-dependencies"]
    running = [*wanted["project"]["dependencies"], *extras["granian"], *extras["postgresql"], *extras["redis"]]

    for name, needed in (
        ("requirements.txt", running),
        ("requirements-build.txt", wanted["build-system"]["requires"]),
    ):
        locked = dict(re.findall(r"(?m)^([\w-]+)==([^\s;]+)", (ROOT / "deploy" / name).read_text()))
        for requirement in map(Requirement, needed):
            assert requirement.specifier.contains(locked[requirement.name]), requirement


def test_the_image_satisfies_requires_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    images = {only(stage, "FROM").words[0] for stage in (BUILD, FINAL)}

    (image,) = images
    version = tuple(map(int, image.removeprefix("python:").split("-")[0].split(".")))

    assert version >= tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))


def test_the_final_stage_is_built_from_the_first() -> None:
    (copy,) = [step.text for step in FINAL if step.name == "COPY"]

    name = only(BUILD, "FROM").text.partition(" AS ")[2]

    assert copy.split()[0] == f"--from={name}"
    assert any(copy.split()[1] in step.text for step in BUILD if step.name == "RUN")
    assert f"{copy.split()[2]}/bin:" in environment()["PATH"]


def test_the_container_does_not_run_as_root() -> None:
    names = [step.name for step in FINAL]

    assert only(FINAL, "USER").text == "10001:10001"
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "--uid 10001" in only(FINAL, "RUN").text


def test_all_state_is_in_the_volume() -> None:
    volume = only(FINAL, "VOLUME").text

    assert environment()["HAGAKI_DATA"] == volume == only(FINAL, "WORKDIR").text
    assert [mount.split(":")[1] for mount in SERVICE["volumes"]] == [volume]
    assert set(COMPOSE["volumes"]) == {mount.split(":")[0] for mount in SERVICE["volumes"]}
    assert f"-m 0700 {volume}" in only(FINAL, "RUN").text


def test_one_port_from_bind_to_compose() -> None:
    port = environment()["HAGAKI_BIND"].rpartition(":")[2]

    assert only(FINAL, "EXPOSE").text == port
    assert f"127.0.0.1:{port}/healthz" in healthcheck()[-1]
    assert [published.split(":")[-1] for published in SERVICE["ports"]] == [port]
    assert all(published.startswith("127.0.0.1:") for published in SERVICE["ports"]), "plain http stays inside"


def test_the_health_check_runs_with_nothing_but_python(tmp_path: Path) -> None:
    """It exits non-zero when nobody answers, without a syntax or import error of its own."""
    command = healthcheck()

    assert command[:2] == ["python", "-c"]
    unanswered = command[-1].replace(":8080/", ":1/")
    done = subprocess.run([sys.executable, "-I", "-c", unanswered], capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 1
    assert "URLError" in done.stderr


def test_commands_are_in_exec_form() -> None:
    """A shell in between would swallow SIGTERM."""
    for name in ("ENTRYPOINT", "CMD"):
        assert only(FINAL, name).text.startswith("[")
    assert isinstance(SERVICE["command"], list)


def test_the_entry_point_is_a_script_of_the_wheel(installed: Path) -> None:
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    scripts = dict(re.findall(r"(?m)^(\w+) = (\S+)$", entry_points.read_text()))

    assert only(FINAL, "ENTRYPOINT").words == ["hagaki"]
    assert scripts["hagaki"] == "webapp.cli:main"


@pytest.mark.parametrize("command", [only(FINAL, "CMD").words, SERVICE["command"]])
def test_the_command_runs_from_the_wheel(command: list[str], installed: Path, tmp_path: Path) -> None:
    code = "import webapp.cli as c; print(c.__file__); raise SystemExit(c.run(__import__('sys').argv[1:]))"

    done = run_from(installed, code, *command, "--help", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    assert f"Usage: hagaki {command[0]}" in done.stdout


def test_the_variables_of_image_and_compose_are_settings(installed: Path, tmp_path: Path) -> None:
    """A variable that Hagaki does not know would stop the container at its start."""
    composed = {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in SERVICE["environment"].items()
    }
    variables = {name: value for name, value in (environment() | composed).items() if name.startswith("HAGAKI_")}
    variables["HAGAKI_DATA"] = str(tmp_path / "data")
    code = "import json, sys; from webapp.config import load; load(json.loads(sys.argv[1]))"

    done = run_from(installed, code, json.dumps(variables), cwd=tmp_path)

    assert done.returncode == 0, done.stderr


def test_the_wheel_answers_the_health_check(installed: Path, tmp_path: Path) -> None:
    """Templates, texts, migrations and providers are all inside."""
    code = (
        "import json, sys; from webapp.config import load; from webapp.wsgi import make_application\n"
        "from werkzeug.test import Client\n"
        "config = load(json.loads(sys.argv[1])); config.prepare()\n"
        "client = Client(make_application(config))\n"
        "page = client.get('/ja/')\n"
        "print(client.get('/healthz').status_code, page.status_code, 'パスワード' in page.text)"
    )

    done = run_from(installed, code, json.dumps({"HAGAKI_DATA": str(tmp_path / "data")}), cwd=tmp_path)

    assert done.stdout.split() == ["200", "200", "True"], done.stderr


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("profiles/providers", "*.toml"),
        ("webapp/static", "*"),
        ("webapp/store", "*"),
        ("webapp/translations", "*.po"),
    ],
)
def test_the_wheel_holds_every_file_of(folder: str, pattern: str, installed: Path) -> None:
    wanted = {
        path.relative_to(ROOT)
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file() and path.suffix not in (".pyc", ".mo")
    }

    assert wanted
    assert {path for path in wanted if not (installed / path).is_file()} == set()


def test_the_wheel_holds_templates_and_compiled_texts(installed: Path) -> None:
    templates = {path.relative_to(ROOT / "templates") for path in (ROOT / "templates").rglob("*.html")}
    catalogues = [path.relative_to(ROOT) for path in (ROOT / "webapp/translations").rglob("*.po")]

    assert templates
    assert all((installed / "webapp/templates" / path).is_file() for path in templates)
    assert all((installed / path).with_suffix(".mo").is_file() for path in catalogues)


def test_the_wheel_holds_no_test_and_no_data(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"profiles", "webapp"}


def test_the_wheel_says_its_licence_and_readers(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")

    message = message_from_bytes(metadata.read_bytes())

    assert message["License-Expression"] == "MIT"
    assert message["Description-Content-Type"] == "text/markdown"


def test_compose_gives_requests_in_hand_time_to_finish() -> None:
    from webapp.serve import GRACEFUL_SECONDS

    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > GRACEFUL_SECONDS
    assert only(FINAL, "STOPSIGNAL").text == "SIGTERM"
