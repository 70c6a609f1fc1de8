"""No mailbox password is ever at rest: real processes, canary passwords, and a search of every byte they wrote.

The first promise of SECURITY.md. A canary is looked for as it is and in every dress it could wear by accident:
base64, URL-encoded, UTF-16, JSON and HTML escapes, hexadecimal.
"""

from __future__ import annotations

import base64
import csv
import html
import http.client
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.servers.environment import Environment
from tests.servers.people import PEOPLE, Person
from tests.servers.processes import PATIENCE, free_ports, start_daemon, stop_daemon
from tests.servers.scripted import Imap, ScriptedServer, server_context
from tests.webapp.admin.list_maker import form_fields
from webapp.accounts import second_factor

pytestmark = pytest.mark.servers

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari"
)
DELIVERY = re.compile(r"/d/[\w-]{22}/[\w.@%-]+\.mobileconfig")
HANDOVER = re.compile(r"/h/[\w-]{22}")
HIDDEN_FIELD = re.compile(r'<input[^>]*name="csrf_token"[^>]*>')
CARRIERS = ["normal", "kanji", "percent", "quote", "euro"]
HAGAKI = str(Path(sys.executable).with_name("hagaki"))
WRONG_CANARY = "falsches Wörterbuch-Kanarien 77"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said."""

    status: int
    location: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Service:
    """A running `hagaki serve`."""

    port: int
    folder: Path
    process: int

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
        """One request, as an iPhone makes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"User-Agent": IPHONE, "Accept-Language": "ja"}
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers.get("Location", ""), response.read())
        finally:
            connection.close()

    def token(self, path: str) -> str:
        """The hidden token of the form on a page."""
        return hidden_token(self.ask("GET", path).body.decode())

    def start_check(self, person: Person, password: str, form: str = "/") -> str:
        """Fill the form in; return the path of the check."""
        fields = {
            "csrf_token": self.token(form),
            "address": person.address,
            "full_name": "山田 太郎",
            "password": password,
            "include_password": "y",
            "password_as_typed": "y",
        }
        answer = self.ask("POST", form, fields)
        assert answer.status == 303, answer.body.decode()
        return urllib.parse.urlsplit(answer.location).path

    def wait_for(self, path: str, wanted: re.Pattern[str]) -> str:
        """Read a page again until it shows `wanted`."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            page = self.ask("GET", path).body.decode()
            if found := wanted.search(page):
                return found[0]
            time.sleep(0.1)
        raise AssertionError(page)


def hidden_token(page: str) -> str:
    """The hidden token of a page's first form."""
    found = HIDDEN_FIELD.search(page)
    assert found is not None, page
    value = re.search(r'value="([^"]*)"', found[0])
    assert value is not None
    return html.unescape(value[1])


@dataclass(slots=True)
class Browser:
    """An admin's browser: it keeps cookies and sends files."""

    service: Service
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Answer:
        """One request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE)
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie") or ():
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return Answer(response.status, response.headers.get("Location", ""), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> str:
        """A page."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body.decode()
        return answer.body.decode()

    def post(self, path: str, page: str | None = None, **fields: object) -> Answer:
        """Send the form of a page."""
        given = {"csrf_token": hidden_token(self.get(page or path)), **fields}
        body = urllib.parse.urlencode(given, doseq=True).encode()
        return self.ask("POST", path, body, "application/x-www-form-urlencoded")

    def upload(self, path: str, name: str, data: bytes, **fields: str) -> Answer:
        """Send a form with a file."""
        kind, body = multipart(name, data, csrf_token=hidden_token(self.get(path)), **fields)
        return self.ask("POST", path, body, kind)


def multipart(name: str, data: bytes, *, mode: str = "ready-made", **fields: str) -> tuple[str, bytes]:
    """Content type and body of a form with a file."""
    border = "border-of-a-part"
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in {"mode": mode, **fields}.items()
    ]
    head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = b"".join(parts) + head.encode() + data + f"\r\n--{border}--\r\n".encode()
    return f"multipart/form-data; boundary={border}", body


@contextmanager
def serving(environment: Environment, folder: Path, toml: str | None = None) -> Iterator[Service]:
    """A Hagaki of its own whose every file lies below `folder`."""
    variables = world_of(environment, folder)
    domain = folder / "example.com.toml"
    domain.write_text(toml or environment.toml())
    subprocess.run([HAGAKI, "domain", "add", str(domain)], env=variables, check=True, capture_output=True)
    (port,) = free_ports(1)
    command = [HAGAKI, "serve", "--bind", f"127.0.0.1:{port}"]
    daemon = start_daemon(command, folder / "serve.log", env=variables)
    service = Service(port, folder, daemon.pid)
    try:
        wait_until_ready(service, daemon)
        yield service
    finally:
        stop_daemon(daemon)


def world_of(environment: Environment, folder: Path) -> dict[str, str]:
    """Environment variables that keep everything below `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAGAKI_")}
    return kept | environment.variables(folder / "data") | {"TMPDIR": str(temporary), "HOME": str(folder)}


def wait_until(reached: Callable[[], bool]) -> None:
    """Until something is so."""
    give_up = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def processes_of(service: Service) -> list[int]:
    """The serving process and its workers."""
    children = Path(f"/proc/{service.process}/task/{service.process}/children").read_text().split()
    return [service.process, *(int(child) for child in children)]


def wait_until_ready(service: Service, daemon: subprocess.Popen[bytes]) -> None:
    """Until /healthz answers."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and daemon.poll() is None:
        try:
            if service.ask("GET", "/healthz").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError((service.folder / "serve.log").read_text())


def dresses(secret: str) -> set[bytes]:
    """Every form in which a secret could be lying about."""
    plain = secret.encode()
    forms = {
        plain,
        secret.encode("utf-16-le"),
        secret.encode("utf-16-be"),
        urllib.parse.quote(secret, safe="").encode(),
        urllib.parse.quote_plus(secret).encode(),
        json.dumps(secret)[1:-1].encode(),
        html.escape(secret).encode(),
        repr(secret)[1:-1].encode(),
        plain.hex().encode(),
        plain.hex().upper().encode(),
    }
    for encoded in (plain, secret.encode("utf-16-le")):
        forms |= in_base64(encoded)
    return {form for form in forms if len(form) >= 6}


def in_base64(secret: bytes) -> set[bytes]:
    """What of a secret is seen when it stands anywhere inside a base64 text (SASL PLAIN, a plist's data)."""
    forms = set()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + secret)
        # The first and last groups mix with the neighbours.
        middle = text[4 if offset else 0 : len(text) - 4 if (offset + len(secret)) % 3 else len(text)]
        forms |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


def places(folder: Path, secret: str, *, raw: bytes = b"") -> list[str]:
    """The files below `folder` that hold a secret in any dress."""
    forms = dresses(secret)
    if raw:
        forms |= {raw, raw.hex().encode(), raw.hex().upper().encode(), *in_base64(raw)}
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a file that is gone holds nothing
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found += [f"{path.relative_to(folder)}: {form!r}" for form in forms if form in data]
    return found


def test_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    """A search that finds nothing proves nothing unless it can find."""
    secret = PEOPLE["kanji"].password
    (tmp_path / "plain").write_text(f"password={secret}")
    (tmp_path / "sasl").write_bytes(base64.b64encode(f"\0taro@example.com\0{secret}".encode()))
    (tmp_path / "url").write_text("p=" + urllib.parse.quote(secret))
    (tmp_path / "wide").write_text(secret, encoding="utf-16")
    (tmp_path / "json").write_text(json.dumps({"p": secret}))

    found = {place.partition(":")[0] for place in places(tmp_path, secret)}

    assert found == {"plain", "sasl", "url", "wide", "json"}


def test_no_password_stays_behind_on_the_web(environment: Environment, tmp_path: Path) -> None:
    with serving(environment, tmp_path) as service:
        for name in CARRIERS:
            person = PEOPLE[name]
            delivery = service.wait_for(service.start_check(person, person.password), DELIVERY)
            profile = service.ask("GET", delivery).body
            # The flow is real only if the file that went out does carry the password.
            assert html.escape(person.password, quote=False).encode() in profile
            assert service.ask("GET", delivery).body == profile
        failed = service.start_check(PEOPLE["second"], WRONG_CANARY)
        service.wait_for(failed, re.compile('AUTH_WRONG_PASSWORD|id="retry"'))

        during = {name: places(tmp_path, PEOPLE[name].password) for name in CARRIERS}
    after = {name: places(tmp_path, PEOPLE[name].password) for name in CARRIERS}

    assert [place for found in during.values() for place in found] == []
    assert [place for found in after.values() for place in found] == []
    assert places(tmp_path, WRONG_CANARY) == []


def test_two_accounts_in_one_profile_leave_neither_password_behind(
    environment: Environment, tmp_path: Path
) -> None:
    """The first password waits sealed until the second account is checked; then both go into one file."""
    first, second = PEOPLE["kanji"], PEOPLE["quote"]
    with serving(environment, tmp_path) as service:
        check = service.start_check(first, first.password)
        service.wait_for(check, DELIVERY)
        waiting = places(tmp_path, first.password)
        failed = service.start_check(second, WRONG_CANARY, f"{check}/add")
        service.wait_for(failed, re.compile('AUTH_WRONG_PASSWORD|id="retry"'))
        both = service.start_check(second, second.password, f"{check}/add")
        profile = service.ask("GET", service.wait_for(both, DELIVERY)).body
        during = [place for person in (first, second) for place in places(tmp_path, person.password)]

    for person in (first, second):
        assert html.escape(person.password, quote=False).encode() in profile
        assert places(tmp_path, person.password) == []
    assert waiting == during == places(tmp_path, WRONG_CANARY) == []


def test_killed_in_the_middle_of_a_check_it_leaves_no_password(environment: Environment, tmp_path: Path) -> None:
    person = Person(address="taro@hang.example.com", password="in flight, 飛行中 5")
    context = server_context(environment.authority.good())
    with ScriptedServer(Imap(login=None), tls=context, host="127.0.0.2") as silent:
        incoming = replace(environment.incoming(), port=silent.port)
        toml = environment.toml(incoming=incoming).replace('"example.com", "example.jp"', '"hang.example.com"')
        with serving(environment, tmp_path, toml.replace('"example.com"', '"hang.example.com"')) as service:
            service.start_check(person, person.password)
            wait_until(lambda: silent.logins == 1)
            os.killpg(service.process, signal.SIGKILL)

    assert places(tmp_path, person.password) == []


def test_handover_page_leads_to_the_same_file(environment: Environment, tmp_path: Path) -> None:
    """What the QR code holds: claimed by POST, once, on a device that never saw the password."""
    person = PEOPLE["kanji"]
    with serving(environment, tmp_path) as service:
        check = service.start_check(person, person.password)
        service.wait_for(check, DELIVERY)
        handover = service.wait_for(check + "?device=mac", HANDOVER)
        token = service.token(handover)
        claimed = service.ask("POST", handover, {"csrf_token": token})
        profile = service.ask("GET", urllib.parse.urlsplit(claimed.location).path).body
        again = service.ask("POST", handover, {"csrf_token": token})

    assert claimed.status == 303
    assert person.password.encode() in profile
    assert again.status in (404, 410)
    assert places(tmp_path, person.password) == []


def test_no_process_may_leave_a_core_file(environment: Environment, tmp_path: Path) -> None:
    """A core file would hold every password that was being checked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        with serving(environment, tmp_path) as service:
            limits = [Path(f"/proc/{process}/limits").read_text() for process in processes_of(service)]
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))

    assert len(limits) > 1
    assert all(re.search(r"Max core file size +0 +0 ", limit) for limit in limits)


def test_form_with_mistakes_does_not_send_the_password_back(environment: Environment, tmp_path: Path) -> None:
    with serving(environment, tmp_path) as service:
        fields = {"csrf_token": "stale", "address": "taro@example.com", "password": WRONG_CANARY}
        refused = service.ask("POST", "/", fields)
        invalid = service.ask("POST", "/", fields | {"csrf_token": service.token("/"), "address": "taro@@"})

    assert refused.status == 422
    assert invalid.status == 422
    for answer in (refused, invalid):
        assert not any(form in answer.body for form in dresses(WRONG_CANARY))
    assert places(tmp_path, WRONG_CANARY) == []


@pytest.mark.parametrize("name", CARRIERS)
def test_no_password_stays_behind_on_the_command_line(environment: Environment, tmp_path: Path, name: str) -> None:
    person = PEOPLE[name]
    variables = world_of(environment, tmp_path)
    (tmp_path / "example.com.toml").write_text(environment.toml())
    subprocess.run(
        [HAGAKI, "domain", "add", str(tmp_path / "example.com.toml")],
        env=variables,
        check=True,
        capture_output=True,
    )

    done = subprocess.run(
        [HAGAKI, "check", person.address, "--password-stdin", "--json"],
        env=variables,
        input=(person.password + "\n").encode(),
        capture_output=True,
    )
    (tmp_path / "stdout").write_bytes(done.stdout)
    (tmp_path / "stderr").write_bytes(done.stderr)

    assert done.returncode == 0, done.stderr.decode()
    assert places(tmp_path, person.password) == []


def test_rendering_with_the_password_writes_it_to_its_file_only(environment: Environment, tmp_path: Path) -> None:
    person = PEOPLE["kanji"]
    kept, given = tmp_path / "kept", tmp_path / "given"
    kept.mkdir()
    given.mkdir()
    variables = world_of(environment, kept)
    (kept / "example.com.toml").write_text(environment.toml())
    add = [HAGAKI, "domain", "add", str(kept / "example.com.toml")]
    subprocess.run(add, env=variables, check=True, capture_output=True)

    render = [HAGAKI, "render", person.address, "--format", "mobileconfig", "--password-stdin"]
    done = subprocess.run(
        [*render, "-o", str(given / "kanji.mobileconfig")],
        env=variables,
        input=person.password.encode(),
        capture_output=True,
    )
    (kept / "output").write_bytes(done.stdout + done.stderr)

    assert done.returncode == 0, done.stderr.decode()
    assert places(given, person.password) != []
    assert places(kept, person.password) == []


# admins, and lists with passwords

ADMIN_PASSWORD = "Kanarienvogel 合言葉 '%' 1"
PASSWORDS = {
    "ascii": "plain-canary-word-1",
    "kanji": "合言葉は葉書です 2",
    "percent": "100%canary%41+& 3",
    "quotes": "can\"ary's \\ <word> 4",
}
PINS = {"ascii": "482913", "kanji": "571836", "percent": "", "quotes": "048274"}
WRONG_PIN = "730195"


@dataclass(slots=True)
class Owner:
    """The first admin, with everything that must never be found."""

    browser: Browser
    totp: bytes
    recovery_codes: tuple[str, ...]
    token: str

    def places(self, folder: Path) -> list[str]:
        """Where a secret of the admin lies."""
        secrets = (ADMIN_PASSWORD, self.token, *self.recovery_codes, *self.browser.cookies.values())
        found = [place for secret in secrets for place in places(folder, secret)]
        return found + places(folder, second_factor.as_text(self.totp), raw=self.totp)


def first_owner(service: Service) -> Owner:
    """Follow the link of the first start, and make a token."""
    browser = Browser(service)
    link = urllib.parse.urlsplit((service.folder / "data" / "setup-link.txt").read_text().strip()).path
    page = browser.get(link)
    shown = re.search(r"<details>.*?<code>([A-Z2-7 ]+)</code>", page, re.S)
    assert shown is not None
    secret = base64.b32decode(shown[1].replace(" ", ""))
    code = second_factor.code_at(secret, int(time.time() // second_factor.STEP_SECONDS))
    welcome = browser.post(link, name="owner@example.com", password=ADMIN_PASSWORD, code=code)
    codes = tuple(re.findall(r"<li><code>([^<]+)</code></li>", welcome.body.decode()))
    assert len(codes) >= 8, welcome.body.decode()
    scopes = ["batches:read", "batches:results", "batches:write"]
    made = browser.post("/admin/tokens/create", name="script", scopes=scopes, days="30")
    token = re.search(r'data-copy="([^"]+)"', made.body.decode())
    assert token is not None, made.body.decode()
    return Owner(browser, secret, codes, token[1])


def secret_list() -> bytes:
    """A list with passwords and PINs, as Excel would write it."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["社員番号", "氏名", "メールアドレス", "パスワード", "PIN"])
    for number, (name, password) in enumerate(PASSWORDS.items(), 1):
        lines.writerow([f"{number:04}", f"山田 {name}", f"{name}@example.com", password, PINS[name]])
    # Rows of the list that cannot be used are kept as well, so that they can be handed back.
    lines.writerow(["0009", "鈴木 一郎", "nobody@nowhere.example", "canary of a bad row 9", "619274"])
    return text.getvalue().encode()


def table(data: bytes) -> list[dict[str, str]]:
    """The rows of a downloaded CSV."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def secrets_left(folder: Path, pins: dict[str, str]) -> list[str]:
    """Where a password or PIN of the list lies."""
    secrets = [*PASSWORDS.values(), *pins.values(), "canary of a bad row 9", "619274", WRONG_PIN]
    return [place for secret in secrets for place in places(folder, secret)]


def fetch_by_pin(service: Service, link: str, pin: str, password: str) -> None:
    """What the employee does: a wrong PIN, the right one, the profile."""
    path = urllib.parse.urlsplit(link).path
    wrong = service.ask("POST", path, {"csrf_token": service.token(path), "pin": WRONG_PIN})
    assert wrong.status == 422
    right = service.ask("POST", path, {"csrf_token": service.token(path), "pin": pin})
    assert right.status == 303, right.body.decode()
    delivery = urllib.parse.urlsplit(right.location).path
    assert DELIVERY.fullmatch(delivery)
    profile = service.ask("GET", delivery).body
    # The flow is real only if the file that went out does carry the password.
    assert html.escape(password, quote=False).encode() in profile.replace(b"&quot;", b'"')


def test_a_list_of_passwords_leaves_neither_password_nor_pin_behind(
    environment: Environment, tmp_path: Path
) -> None:
    """Uploaded, looked at, made, printed, opened by its PINs, fetched and deleted; searched at every step."""
    with serving(environment, tmp_path) as service:
        owner = first_owner(service)
        browser = owner.browser
        uploaded = browser.upload("/admin/lists/new", "people.csv", secret_list(), mode="ready-made")
        assert uploaded.status == 303, uploaded.body.decode()
        path = urllib.parse.urlsplit(uploaded.location).path
        fields = form_fields(browser.get(path))
        assert secrets_left(tmp_path, PINS) == []
        fields.pop("csrf_token")
        made = browser.post(f"{path}/make", path, **fields)
        assert made.status == 303, made.body.decode()
        batch = urllib.parse.urlsplit(made.location).path
        number = batch.rpartition("/")[2]
        wait_until(lambda: json.loads(api(service, owner, f"/api/v1/batches/{number}"))["state"] == "done")
        assert secrets_left(tmp_path, PINS) == []

        pins = {row["address"]: row["pin"] for row in table(browser.ask("GET", f"{batch}/files/pins.csv").body)}
        results = table(browser.ask("GET", f"{batch}/files/results.csv").body)
        links = {row["address"]: row["link"] for row in results if row["link"]}
        assert set(links) == set(pins) == {f"{name}@example.com" for name in PASSWORDS}
        for name, password in PASSWORDS.items():
            address = f"{name}@example.com"
            assert pins[address] == (PINS[name] or pins[address])
            fetch_by_pin(service, links[address], pins[address], password)
        for kind in ("results.zip", "handouts.pdf", "problems.csv"):
            assert browser.ask("GET", f"{batch}/files/{kind}").status == 200, kind
        # The same list from a script: whoever has a link keeps it, and its PIN.
        again = json.loads(api(service, owner, "/api/v1/batches", body=multipart("people.csv", secret_list())))[
            "id"
        ]
        wait_until(lambda: json.loads(api(service, owner, f"/api/v1/batches/{again}"))["state"] == "done")
        kept = table(browser.ask("GET", f"/en/admin/batches/{again}/files/results.csv").body)
        assert {row["address"]: row["link"] for row in kept if row["link"]} == links
        during, of_admin = secrets_left(tmp_path, pins), owner.places(tmp_path)
        for each in (number, again):
            api(service, owner, f"/api/v1/batches/{each}", method="DELETE")
        ended = service.ask("GET", urllib.parse.urlsplit(links["ascii@example.com"]).path)

    assert during == []
    assert of_admin == []
    assert ended.status in (404, 410)
    assert secrets_left(tmp_path, pins) == []
    assert owner.places(tmp_path) == []
    tokens = [link.rpartition("/")[2] for link in links.values()]
    assert [place for token in tokens for place in places(tmp_path, token)] == []


def api(
    service: Service, owner: Owner, path: str, *, method: str = "GET", body: tuple[str, bytes] | None = None
) -> bytes:
    """What a script with the token gets."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {owner.token}"}
    try:
        if body is None:
            connection.request(method, path, headers=headers)
        else:
            connection.request("POST", path, body[1], headers | {"Content-Type": body[0]})
        response = connection.getresponse()
        assert response.status < 300, response.read()
        return response.read()
    finally:
        connection.close()


def test_an_admin_leaves_no_secret_behind(environment: Environment, tmp_path: Path) -> None:
    """Password, authenticator key, recovery codes, session and token: set up, log out, log in, use a code."""
    with serving(environment, tmp_path) as service:
        owner = first_owner(service)
        first_session = dict(owner.browser.cookies)
        owner.browser.post("/admin/log-out", "/admin/")
        again = Browser(service)
        wrong = again.post("/admin/log-in", name="owner@example.com", password="wrong " + ADMIN_PASSWORD)
        assert wrong.status == 422
        again.post("/admin/log-in", name="owner@example.com", password=ADMIN_PASSWORD)
        entered = again.post("/admin/code", code=owner.recovery_codes[0])
        assert entered.status == 303, entered.body.decode()
        during = owner.places(tmp_path)
        sessions = [*first_session.values(), *again.cookies.values()]

    assert during == []
    assert owner.places(tmp_path) == []
    assert [place for session in sessions for place in places(tmp_path, session)] == []


def test_a_list_made_on_the_command_line_leaves_its_secrets_in_its_results(
    environment: Environment, tmp_path: Path
) -> None:
    kept, given = tmp_path / "kept", tmp_path / "given"
    kept.mkdir()
    given.mkdir()
    variables = world_of(environment, kept)
    (kept / "example.com.toml").write_text(environment.toml())
    (given / "people.csv").write_bytes(secret_list())
    add = [HAGAKI, "domain", "add", str(kept / "example.com.toml")]
    subprocess.run(add, env=variables, check=True, capture_output=True)
    bulk = [HAGAKI, "bulk", str(given / "people.csv"), "-o", str(given / "people.zip"), "--mode", "ready-made"]

    done = subprocess.run([*bulk, "--pins", str(given / "pins.csv"), "--json"], env=variables, capture_output=True)
    (kept / "output").write_bytes(done.stdout + done.stderr)

    assert done.returncode == 1, done.stderr.decode()  # one row is of no domain that is known here
    pins = {row["address"]: row["pin"] for row in table((given / "pins.csv").read_bytes())}
    assert set(pins) == {f"{name}@example.com" for name in PASSWORDS}
    assert secrets_left(given, pins) != []
    assert secrets_left(kept, pins) == []
