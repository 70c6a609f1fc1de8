"""Autoconfig documents on the web: the domain's own, Thunderbird's database, the mail exchanger's.

Only https is asked, and never with the address: the local part is nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from profiles.model import ServiceSettings, Source
from profiles.problems import N_, Code, Problem, ProblemError
from webapp.discovery.candidates import Trust
from webapp.discovery.clientconfig import parse
from webapp.discovery.found import Found, Question

BY_DOMAIN = N_("The domain itself publishes these settings over https (%(where)s).")
BY_ISPDB = N_("Thunderbird's database of mail providers lists this domain (%(where)s).")
SAYS_NOTHING = (Code.DNS_NXDOMAIN, Code.DNS_NO_ADDRESS)
"""A source whose host name does not exist simply has nothing to say."""
_PATH = "mail/config-v1.1.xml"
_REDIRECTS = 2
"""Enough for `example.com` to `www.example.com` to its final place; each is vetted like the first question."""


def own_autoconfig(question: Question) -> Iterator[Found]:
    """The domain's own document: `autoconfig.` before /.well-known.

    One that cannot be asked does not keep us from the other; only when both fail is that told.
    """
    domain = question.domain
    urls = (autoconfig_url(domain), f"https://{domain}/.well-known/autoconfig/{_PATH}")
    for url, settings in documents(urls, question, Source.AUTOCONFIG):
        yield _proved(Source.AUTOCONFIG, BY_DOMAIN, url, settings)


def ispdb(question: Question) -> Iterator[Found]:
    """Thunderbird's database."""
    url = question.ispdb_url + question.domain
    for where, settings in documents((url,), question, Source.ISPDB):
        yield _proved(Source.ISPDB, BY_ISPDB, where, settings)


def autoconfig_url(domain: str) -> str:
    """Where a domain publishes its document first."""
    return f"https://autoconfig.{domain}/{_PATH}"


def documents(urls: tuple[str, ...], question: Question, source: Source) -> Iterator[tuple[str, ServiceSettings]]:
    """Ask for all documents at once; yield the first of them that states settings.

    Raises ProblemError where none does and none could be asked either.
    """
    with ThreadPoolExecutor(len(urls), thread_name_prefix="autoconfig") as pool:
        answers = list(pool.map(lambda url: _document(url, question, source), urls))
    for url, answer in zip(urls, answers, strict=True):
        if isinstance(answer, ServiceSettings):
            yield url, answer
            return
    failed = [answer for answer in answers if isinstance(answer, ProblemError)]
    telling = [error for error in failed if error.problems[0].code not in SAYS_NOTHING]
    if len(failed) == len(urls) and telling:
        raise telling[0]


def body_of(url: str, question: Question) -> bytes | None:
    """The body of a 200, None where the server has no such page; raises ProblemError where it cannot say."""
    answer = question.outbound.https_get(url, deadline=question.deadline, redirects=_REDIRECTS)
    if answer.status >= 500 or answer.status == 429:
        params = {"url": url, "server": url, "host": url}
        raise ProblemError(Problem(Code.SERVER_UNAVAILABLE, params, place=url, server=url))
    return answer.body if answer.status == 200 else None


def _document(url: str, question: Question, source: Source) -> ServiceSettings | ProblemError | None:
    try:
        body = body_of(url, question)
    except ProblemError as error:
        return error
    return None if body is None else parse(body, question.domain, source)


def _proved(source: Source, reason: str, where: str, settings: ServiceSettings) -> Found:
    return Found(source=source, trust=Trust.AUTHENTICATED, reason=reason, where=where, settings=settings)
