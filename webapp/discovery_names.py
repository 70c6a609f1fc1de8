"""Which names stand for a domain's MX: shared by discovery and the doctor."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList


def mx_names(host: str) -> tuple[str, ...]:
    """The names to ask for an MX host: without its first label, then its registrable domain.

    draft-ietf-mailmaint-autoconfig, section 4. The Public Suffix List keeps us from asking `autoconfig.co.jp`.
    """
    base = _suffixes().privatesuffix(host)
    if base is None:
        return ()
    full = host.partition(".")[2]
    return (full, base) if full != base and full.endswith("." + base) else (base,)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
