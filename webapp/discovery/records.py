"""What DNS says about a domain's mail: SRV (RFC 6186, RFC 8314), MX, and where JMAP is (RFC 8620).

Plain DNS can be changed on the way; only where the resolver says that DNSSEC proved an answer is it trusted as
https is.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from profiles.model import Protocol, Server, ServiceSettings, SocketType, Source
from profiles.problems import N_
from webapp.discovery.candidates import Trust
from webapp.discovery.found import Found, Question, named_server, settings_of
from webapp.discovery.guess import INCOMING, OUTGOING, first_answering
from webapp.discovery.published import autoconfig_url, documents
from webapp.discovery_names import mx_names
from webapp.outbound import mx_records, srv_records

BY_SRV = N_("The domain's DNS names these servers (%(where)s). Plain DNS can be changed on the way.")
BY_SRV_SIGNED = N_("The domain's DNS, signed with DNSSEC, names these servers (%(where)s).")
BY_MX_PROVIDER = N_("A provider we know receives the domain's mail (%(where)s).")
BY_MX_CONFIG = N_("The service that receives the domain's mail publishes these settings (%(where)s).")
BY_JMAP = N_("The domain's DNS names a JMAP server (%(where)s), and mail servers answer on the same host.")

_SRV = (
    ("imaps", Protocol.IMAP, SocketType.SSL),
    ("imap", Protocol.IMAP, SocketType.STARTTLS),
    ("pop3s", Protocol.POP3, SocketType.SSL),
    ("pop3", Protocol.POP3, SocketType.STARTTLS),
    ("submissions", Protocol.SMTP, SocketType.SSL),
    ("submission", Protocol.SMTP, SocketType.STARTTLS),
)


def srv(question: Question) -> Iterator[Found]:
    """The domain's SRV records; a target of "." means that a service is not offered."""
    names = [f"_{label}._tcp.{question.domain}" for label, _, _ in _SRV]
    with ThreadPoolExecutor(len(names), thread_name_prefix="srv") as pool:
        answers = list(pool.map(lambda name: question.outbound.records(name, "SRV", question.deadline), names))
    servers: list[Server] = []
    used = []
    for name, answer, (_, protocol, kind) in zip(names, answers, _SRV, strict=True):
        targets = [named_server(protocol, kind, record.target, record.port) for record in srv_records(answer)]
        named = [server for server in targets if server is not None]
        servers += named
        used += [(name, answer)] if named else []
    settings = settings_of(question.domain, servers, Source.SRV)
    if settings is not None:
        trust = _trust(is_signed=all(answer.is_authenticated for _, answer in used))
        reason = BY_SRV_SIGNED if trust is Trust.AUTHENTICATED else BY_SRV
        yield Found(source=Source.SRV, trust=trust, reason=reason, where=used[0][0], settings=settings)


def mx(question: Question) -> Iterator[Found]:
    """Who receives the domain's mail: a provider we know, or what that service publishes about itself."""
    answer = question.outbound.records(question.domain, "MX", question.deadline)
    host = next((record.exchange for record in mx_records(answer)), "")
    if not host:
        return
    trust = _trust(is_signed=answer.is_authenticated)
    provider = _provider_of(host, question.providers)
    if provider is not None:
        # The records are the provider's own, so its servers are kept even where its domains are not ours.
        settings = replace(provider, domains=(question.domain,), source=Source.MX)
        yield Found(source=Source.MX, trust=trust, reason=BY_MX_PROVIDER, where=host, settings=settings)
        return
    for where, settings in _published_by(host, question):
        yield Found(source=Source.MX, trust=trust, reason=BY_MX_CONFIG, where=where, settings=settings)


def jmap(question: Question) -> Iterator[Found]:
    """A JMAP server is a hint at its host: where mail servers answer there too, they are named."""
    name = f"_jmap._tcp.{question.domain}"
    found = question.outbound.srv(name, question.deadline)
    host = next((record.target for record in found), "")
    if not host:
        return
    servers = first_answering([host], INCOMING, question) + first_answering([host], OUTGOING, question)
    settings = settings_of(question.domain, servers, Source.JMAP)
    if settings is not None:
        yield Found(source=Source.JMAP, trust=Trust.GUESS, reason=BY_JMAP, where=name, settings=settings)


def _provider_of(host: str, providers: tuple[ServiceSettings, ...]) -> ServiceSettings | None:
    for provider in providers:
        if any(host == suffix or host.endswith("." + suffix) for suffix in provider.mx_suffixes):
            return provider
    return None


def _published_by(host: str, question: Question) -> Iterator[tuple[str, ServiceSettings]]:
    """The documents about the exchanger's names, the fullest name first."""
    names = [name for name in mx_names(host) if name != question.domain]  # its own was asked already
    urls = [url for name in names for url in (autoconfig_url(name), question.ispdb_url + name)]
    if urls:
        yield from documents(tuple(urls), question, Source.MX)


def _trust(*, is_signed: bool) -> Trust:
    return Trust.AUTHENTICATED if is_signed else Trust.DNS
