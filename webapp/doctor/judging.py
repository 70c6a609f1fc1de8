"""What is wrong with an answer of a web server, whoever asked: the faults that mislead or endanger clients."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from profiles.problems import N_, Code, Problem
from webapp.doctor import pox
from webapp.doctor.clients import CONFIG
from webapp.doctor.pacc import PATH as PACC_PATH
from webapp.doctor.reading import client_config, is_pox_answer, json_object, looks_like_xml
from webapp.doctor.visit import Chain, Visit

NOT_WELL_FORMED = N_("it is no well-formed XML document of the expected kind")

_XML_TYPES = ("text/xml", "application/xml")


class Purpose(StrEnum):
    """What a client hopes to get from a URL."""

    CONFIG = "autoconfig"
    POX = "POX"
    JSON = "V2 JSON"
    PACC = "PACC"


def purpose_of(visit: Visit) -> Purpose | None:
    """What the question was for; None for questions that others judge (calendar, contacts)."""
    path = urlsplit(visit.url).path.lower()
    if path.endswith(CONFIG):
        return Purpose.CONFIG
    if path == pox.PATH:
        return Purpose.POX
    if path.startswith(pox.JSON_PATH):
        return Purpose.JSON
    return Purpose.PACC if path == PACC_PATH else None


def faults(chain: Chain, domain: str) -> Iterator[Problem]:
    """The faults of one question to the domain's own names.

    Thunderbird's database and other people's servers are not this domain's to mend; where a name of the domain
    redirects to, is.
    """
    host = chain.asked.host
    purpose = purpose_of(chain.asked)
    if purpose is not None and (host == domain or host.endswith("." + domain)):
        bare = host == domain
        yield from _silence(chain, bare=bare) if chain.final.problem else _answer(chain, purpose, bare=bare)


def _silence(chain: Chain, *, bare: bool) -> Iterator[Problem]:
    """A name that exists and does not answer; the bare domain need not have a web server, nor any name port 80."""
    asked, final = chain.asked, chain.final
    assert final.problem is not None
    code = final.problem.code
    if asked is final:
        is_told_with_certificates = code.startswith(("CERT_", "TLS_"))
        if asked.is_plain or bare or asked.has_no_name or is_told_with_certificates:
            return
    yield _problem(Code.WEB_UNREACHABLE, chain, reason=str(code))


def _answer(chain: Chain, purpose: Purpose, *, bare: bool) -> Iterator[Problem]:
    final = chain.final
    if final.status == 401:
        yield _problem(Code.WEB_ASKS_CREDENTIALS, chain)
    elif final.status == 200 and final.is_plain:
        if not bare or looks_like_xml(final):
            yield _problem(Code.HTTP_NOT_REDIRECTED, chain)
    elif final.status == 200:
        yield from _content(chain, purpose, bare=bare)
    elif not bare and not final.is_plain and not _is_orderly(final, purpose):
        yield _problem(Code.WEB_STATUS, chain)


def _is_orderly(final: Visit, purpose: Purpose) -> bool:
    """Whether it says that it has nothing, so that clients go on; only the V2 JSON may answer 400."""
    return final.is_absent or (final.status == 400 and purpose is Purpose.JSON)


def _content(chain: Chain, purpose: Purpose, *, bare: bool) -> Iterator[Problem]:
    final = chain.final
    is_json = purpose in (Purpose.JSON, Purpose.PACC)
    if json_object(final) is None if is_json else not looks_like_xml(final):
        # A web site that sends plain http to its home page disturbs nobody.
        if not (bare and chain.asked.is_plain):
            yield _problem(Code.WEB_CATCH_ALL, chain)
    elif final.content_type not in (("application/json",) if is_json else _XML_TYPES):
        yield _problem(Code.WEB_CONTENT_TYPE, chain)
    elif purpose is Purpose.CONFIG and client_config(final) is None:
        yield _problem(Code.CONFIG_UNUSABLE, chain, reason=NOT_WELL_FORMED, client="Thunderbird")
    elif purpose is Purpose.POX and not is_pox_answer(final):
        yield _problem(Code.POX_FAULTY, chain, reason=NOT_WELL_FORMED)


def _problem(code: Code, chain: Chain, **params: str) -> Problem:
    # Without the query: the same fault of the same place is told once.
    url = chain.asked.url.partition("?")[0]
    facts = {"url": url, "status": str(chain.final.status), "content_type": chain.final.content_type or "–"}
    return Problem(code, facts | params, place=url, server=chain.asked.host)
