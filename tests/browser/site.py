"""A served Hagaki on the private mail servers, as `hagaki serve` starts it, and Chromium to look at it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Request, StorageState, expect, sync_playwright

from tests.servers.environment import Environment
from tests.servers.processes import PATIENCE, free_ports

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
HAGAKI = str(Path(sys.executable).parent / "hagaki")
expect.set_options(timeout=1_000 * PATIENCE)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Mobile Safari/537.36"
)
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
    "Safari/537.36"
)
TOML = """
organization = "株式会社サンプル"
help = { ja = "情報システム部 内線 5500 help@example.com", en = "IT help desk, extension 5500, help@example.com" }
"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it answers and where its data is."""

    url: str
    data: Path
    variables: Mapping[str, str]

    def hagaki(self, *arguments: str, words: str = "") -> str:
        """Run a command on the same host and return what it wrote."""
        done = subprocess.run(
            [HAGAKI, *arguments], input=words, env=dict(self.variables), check=True, capture_output=True, text=True
        )
        return done.stdout

    @property
    def root(self) -> Path:
        """The local authority that its profiles verify with."""
        return self.data / "signing" / "ca.pem"


@contextmanager
def serving(environment: Environment, data: Path, *domains: str, base_url: str | None = None) -> Iterator[Site]:
    """Serve example.com and further domains (TOML) in a process of its own until the block ends."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("HAGAKI_")
    } | environment.variables(data)
    if base_url:
        variables["HAGAKI_BASE_URL"] = base_url
    # Our keys go before the first table of the servers.
    toml = environment.toml().replace("\n[[incomingServer]]", TOML + "\n[[incomingServer]]", 1)
    site = Site(url, data, variables)
    for domain in (toml, *domains):
        site.hagaki("domain", "add", "-", words=domain)
    with (data / "serve.log").open("wb") as log:
        command = [HAGAKI, "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(port, process, data / "serve.log")
        yield site
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise AssertionError(log.read_text("utf-8"))
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError(log.read_text("utf-8"))


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@dataclass(slots=True)
class Visitor:
    """One person's browser window; `foreign` collects every request that left the site."""

    page: Page
    context: BrowserContext
    site: Site
    foreign: list[str]
    errors: list[str]

    def fill(self, address: str, password: str, name: str = "山田 太郎") -> None:
        """Type into the form."""
        self.page.fill("#address", address)
        self.page.fill("#full_name", name)
        self.page.fill("#password", password)

    def check(self, address: str, password: str) -> str:
        """Type, press, wait for the end and return the address of the check's page."""
        self.fill(address, password)
        self.page.click("button[value=check]")
        self.page.wait_for_url("**/c/**")
        self.page.wait_for_selector("main:not([data-poll])")
        return self.page.url


@contextmanager
def visitor(
    browser: Browser,
    site: Site,
    *,
    width: int = 1280,
    language: str = "ja",
    scheme: str = "light",
    user_agent: str = WINDOWS,
    script: bool = True,
    cookies: StorageState | None = None,
) -> Iterator[Visitor]:
    """Open a window with nothing remembered."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale=language,
        user_agent=user_agent,
        java_script_enabled=script,
        device_scale_factor=2 if width < 600 else 1,
        accept_downloads=True,
        storage_state=cookies,
    )
    context.set_default_timeout(1_000 * PATIENCE)
    foreign: list[str] = []
    errors: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((site.url, "data:")):
            foreign.append(request.url)

    context.on("request", look)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield Visitor(page, context, site, foreign, errors)
    context.close()
