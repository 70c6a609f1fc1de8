"""CalDAV and CardDAV: does the service answer, and does it take the password. One attempt, over verified TLS."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from profiles.model import DavService, MailAccount
from profiles.problems import Code, Problem, ProblemError
from webapp.outbound import Deadline, HttpsAnswer, HttpsRequest, Outbound
from webapp.probes.credentials import Credentials, credentials
from webapp.probes.report import Report, Stage, StageName
from webapp.probes.verdicts import clean

SECONDS = 15.0
NAMES = {"caldav": "CalDAV", "carddav": "CardDAV"}
REDIRECTS = 5
_DAV = "{DAV:}"
_BODY = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
)
_REFUSED = frozenset(
    (
        Code.AUTH_WRONG_PASSWORD,
        Code.AUTH_OAUTH_REQUIRED,
        Code.AUTH_NO_COMMON_MECHANISM,
        Code.AUTH_NOT_AUTHORIZED,
    )
)
_HEADERS = {"Depth": "0", "Content-Type": "application/xml; charset=utf-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DavReport:
    """What the services of one account answered."""

    stages: tuple[Stage, ...] = ()
    problems: tuple[Problem, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    """(caldav or carddav, URL of the person there)"""


def check_dav(
    account: MailAccount,
    password: str | None,
    *,
    outbound: Outbound,
    on_stage: Callable[[Stage], None] | None = None,
    seconds: float = SECONDS,
) -> DavReport:
    """Try calendar and contacts of an account, whichever it has; without a password only whether they answer."""
    probes = [
        _Probe(name, service, outbound, Deadline(seconds), password)
        for name, service in (("caldav", account.calendar), ("carddav", account.addressbook))
        if service is not None
    ]
    for probe in probes:
        probe.run(on_stage or (lambda _: None))
    return DavReport(
        stages=tuple(stage for probe in probes for stage in probe.stages),
        problems=tuple(problem for probe in probes for problem in probe.problems),
        principals=tuple((probe.name, probe.principal) for probe in probes if probe.principal),
    )


def with_dav(
    report: Report,
    password: str | None,
    *,
    outbound: Outbound,
    on_stage: Callable[[Stage], None],
    seconds: float = SECONDS,
) -> Report:
    """Add calendar and contacts to the report on an account's mail.

    They only warn: mail works without them. A service that refuses the password is left out of the account, so
    that no device goes on asking. After mail has failed nothing is tried: one cause is enough.
    """
    account = report.account
    services = (("caldav", account.calendar), ("carddav", account.addressbook))
    if not any(service for _, service in services):
        return report
    if not report.ok:
        untried = tuple(_untried(services, next(p.code for p in report.problems if p.is_error)))
        for stage in untried:
            on_stage(stage)
        return replace(report, stages=report.stages + untried)
    secret = None if account.settings.needs_oauth else password
    found = check_dav(account, secret, outbound=outbound, on_stage=on_stage, seconds=seconds)
    refused = {stage.service for stage in found.stages if stage.code in _REFUSED}
    kept = {name: None if name in refused else service for name, service in services}
    return replace(
        report,
        account=replace(account, calendar=kept["caldav"], addressbook=kept["carddav"]),
        stages=report.stages + found.stages,
        problems=(*report.problems, *_warnings(found)),
    )


def _warnings(found: DavReport) -> Iterator[Problem]:
    for stage in found.stages:
        if stage.ok is False and stage.code is not None:
            same = next(p for p in found.problems if (p.code, p.server) == (stage.code, stage.server))
            params = {"server": stage.server, "protocol": NAMES[stage.service], "reason": stage.code.value}
            yield Problem(Code.DAV_NOT_USABLE, params, server=stage.server, server_text=same.server_text or None)


def _untried(services: Iterable[tuple[str, DavService | None]], because: Code) -> Iterator[Stage]:
    for name, service in services:
        for stage in (StageName.CONNECT, StageName.LOGIN) if service is not None else ():
            assert service is not None
            yield Stage(
                service=name,
                stage=stage,
                ok=None,
                code=Code.NOT_TRIED,
                server=endpoint(service),
                because=because,
            )


def endpoint(service: DavService) -> str:
    """`host:port` of a service, as problems and reports name it."""
    parts = urlsplit(service.url)
    return f"{parts.hostname or ''}:{parts.port or 443}"


class _Probe:
    def __init__(
        self, name: str, service: DavService, outbound: Outbound, deadline: Deadline, password: str | None
    ) -> None:
        self.name = name
        self.service = service
        self.stages: list[Stage] = []
        self.problems: list[Problem] = []
        self.principal: str | None = None
        self._outbound = outbound
        self._deadline = deadline
        self._password = password
        self._host = urlsplit(service.url).hostname or ""
        self._endpoint = endpoint(service)

    def run(self, tell: Callable[[Stage], None]) -> None:
        """First without the password, to find the place and the way to sign in; then once with it."""
        for stage in self._stages():
            self.stages.append(stage)
            tell(stage)

    def _stages(self) -> Iterator[Stage]:
        started = time.monotonic()
        try:
            url, answer = self._find()
            self._demand_dav(answer)
        except ProblemError as error:
            yield self._failed(StageName.CONNECT, error, started)
            yield self._stage(StageName.LOGIN, None, Code.NOT_TRIED, started, because=error.problems[0].code)
            return
        yield self._stage(StageName.CONNECT, True, None, started, detail=url)
        started = time.monotonic()
        if self._password is None:
            yield self._stage(StageName.LOGIN, None, Code.NOT_TRIED, started)
            return
        try:
            self._sign_in(url, answer, credentials(self.service.username, self._password))
        except ProblemError as error:
            yield self._failed(StageName.LOGIN, error, started)
            return
        yield self._stage(StageName.LOGIN, True, None, started, detail=self.principal or "")

    # finding

    def _find(self) -> tuple[str, HttpsAnswer]:
        """Follow redirects without the password; RFC 6764 begins at /.well-known where only a host is given."""
        parts = urlsplit(self.service.url)
        if parts.path in ("", "/"):
            found = self._follow(urljoin(self.service.url, f"/.well-known/{self.name}"))
            if found[1].status in (207, 401):
                return found
        return self._follow(self.service.url)

    def _follow(self, url: str) -> tuple[str, HttpsAnswer]:
        for _ in range(REDIRECTS):
            answer = self._ask(url, {})
            location = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return url, answer
            try:
                url = urljoin(url, location)
            except ValueError:  # such as an IPv6 address without its end
                break
        raise self._problem(Code.SERVER_SAID_NO, "too many redirects, or a bad one")

    def _demand_dav(self, answer: HttpsAnswer) -> None:
        if answer.status in (207, 401):
            return
        raise self._problem(_code_of(answer.status), f"HTTP {answer.status}")

    # signing in

    def _sign_in(self, url: str, first: HttpsAnswer, who: Credentials) -> None:
        """One attempt, at the host that was configured, in the one way that is offered."""
        if urlsplit(url).hostname != self._host:
            # A redirect is not enough to hand the password to somebody else.
            raise self._problem(Code.TARGET_NOT_ALLOWED, str(urlsplit(url).hostname))
        if first.status == 401:
            self._demand_basic(first.headers.get("www-authenticate", ""))
        token = base64.b64encode(who.username + b":" + who.password).decode("ascii")
        answer = self._ask(url, {"Authorization": f"Basic {token}"})
        if answer.status == 401:
            raise self._problem(Code.AUTH_WRONG_PASSWORD, f"HTTP {answer.status}")
        if answer.status != 207:
            raise self._problem(_code_of(answer.status), f"HTTP {answer.status}")
        self.principal = self._principal(url, answer.body)

    def _demand_basic(self, offered: str) -> None:
        words = offered.lower()
        if "basic" in words:
            return
        oauth = "bearer" in words or "oauth" in words
        code = Code.AUTH_OAUTH_REQUIRED if oauth else Code.AUTH_NO_COMMON_MECHANISM
        raise self._problem(code, offered, offered=clean(offered) or "–")

    def _principal(self, url: str, body: bytes) -> str:
        try:
            root = fromstring(body, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            raise self._problem(Code.SERVER_SAID_NO, "no WebDAV answer") from None
        element = root.find(f".//{_DAV}current-user-principal")
        if element is None or element.find(f"{_DAV}unauthenticated") is not None:
            raise self._problem(Code.AUTH_WRONG_PASSWORD, "unauthenticated")
        return urljoin(url, (element.findtext(f"{_DAV}href") or "").strip())

    # words

    def _ask(self, url: str, headers: dict[str, str]) -> HttpsAnswer:
        request = HttpsRequest(url=url, method="PROPFIND", headers=_HEADERS | headers, body=_BODY)
        return self._outbound.https_request(request, deadline=self._deadline)

    def _problem(self, code: Code, said: str, **params: str) -> ProblemError:
        basic = {"server": self._endpoint, "host": self._host, "protocol": self.name}
        return ProblemError(Problem(code, basic | params, server=self._endpoint, server_text=clean(said)))

    def _failed(self, stage: StageName, error: ProblemError, started: float) -> Stage:
        self.problems.extend(error.problems)
        return self._stage(stage, False, error.problems[0].code, started)

    def _stage(
        self,
        stage: StageName,
        ok: bool | None,
        code: Code | None,
        started: float,
        *,
        detail: str = "",
        because: Code | None = None,
    ) -> Stage:
        return Stage(
            service=self.name,
            stage=stage,
            ok=ok,
            code=code,
            server=self._endpoint,
            milliseconds=round((time.monotonic() - started) * 1000),
            detail=detail,
            because=because,
        )


_CODES = {403: Code.AUTH_NOT_AUTHORIZED, 429: Code.AUTH_RATE_LIMITED}


def _code_of(status: int) -> Code:
    """The code of an HTTP status that is neither 207 nor 401."""
    return _CODES.get(status, Code.SERVER_UNAVAILABLE if status >= 500 else Code.SERVER_SAID_NO)
