"""The public providers shipped with Hagaki: whole, in both languages, and each reachable."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from profiles.address import parse_address
from profiles.catalogue import parse
from profiles.model import ASK, LocalizedText, Protocol, ServiceSettings, SignIn, Source

FILES = {
    file.name.removesuffix(".toml"): file.read_text("utf-8")
    for file in (resources.files("profiles") / "providers").iterdir()
    if file.name.endswith(".toml")
}
IDS = sorted(FILES)


def read(name: str) -> ServiceSettings:
    """One provider."""
    settings, problems = parse(FILES[name], place=name, source=Source.PROVIDER)
    assert problems == ()
    assert settings is not None
    return settings


PROVIDERS = {name: read(name) for name in IDS}


def test_the_providers_that_people_ask_for_are_here() -> None:
    assert set(IDS) >= {
        "au",
        "biglobe",
        "docomo",
        "gmail",
        "icloud",
        "m365",
        "nifty",
        "ocn",
        "outlook-com",
        "so-net",
        "softbank-i",
        "yahoo-com",
        "yahoo-jp",
        "ybb",
    }


@pytest.mark.parametrize("name", IDS)
def test_a_provider_is_named_as_its_file(name: str) -> None:
    assert PROVIDERS[name].id == name


@pytest.mark.parametrize("name", IDS)
def test_a_provider_speaks_both_languages(name: str) -> None:
    provider = PROVIDERS[name]
    texts = [provider.password_label, provider.password_hint, provider.refusal_advice]
    texts += [link.title for link in provider.links]

    assert provider.password_hint is not None
    assert provider.refusal_advice is not None
    for text in texts:
        assert text is None or {language for language, _ in text.texts} == {"en", "ja"}


@pytest.mark.parametrize("name", IDS)
def test_a_provider_was_checked_on_a_day(name: str) -> None:
    assert date.fromisoformat(PROVIDERS[name].last_checked or "") >= date(2026, 8, 31)


@pytest.mark.parametrize("name", IDS)
def test_a_provider_is_found_by_domain_or_mx(name: str) -> None:
    assert PROVIDERS[name].domains or PROVIDERS[name].mx_suffixes


@pytest.mark.parametrize("name", IDS)
def test_hosts_of_providers_are_plain_names(name: str) -> None:
    for server in PROVIDERS[name].incoming_servers + PROVIDERS[name].outgoing_servers:
        assert "%" not in server.hostname
        assert "." in server.hostname


def test_no_domain_belongs_to_two_providers() -> None:
    domains = [domain for provider in PROVIDERS.values() for domain in provider.domains]

    assert len(domains) == len(set(domains))


@pytest.mark.parametrize(
    ("name", "address", "incoming", "outgoing"),
    [
        ("gmail", "taro@gmail.com", "taro@gmail.com", "taro@gmail.com"),
        ("icloud", "taro@icloud.com", "taro", "taro@icloud.com"),
        ("yahoo-jp", "taro@yahoo.co.jp", "taro", "taro"),
        ("biglobe", "taro@abc.biglobe.ne.jp", "taro@abc.biglobe.ne.jp", "taro@abc.biglobe.ne.jp"),
        ("docomo", "taro@docomo.ne.jp", ASK, ASK),
        ("au", "taro@au.com", ASK, ASK),
        ("so-net", "taro@aa2.so-net.ne.jp", ASK, ASK),
    ],
)
def test_user_names_take_each_providers_form(name: str, address: str, incoming: str, outgoing: str) -> None:
    read_address, _ = parse_address(address)
    assert read_address is not None
    assert PROVIDERS[name].serves(read_address.domain)

    account = PROVIDERS[name].account(read_address)

    assert (account.incoming_server.username, account.outgoing_server.username) == (incoming, outgoing)


@pytest.mark.parametrize("name", ["outlook-com", "m365"])
def test_microsoft_takes_no_password(name: str) -> None:
    provider = PROVIDERS[name]

    assert provider.sign_in is SignIn.OAUTH
    assert all(server.needs_oauth for server in provider.incoming_servers + provider.outgoing_servers)


@pytest.mark.parametrize("name", ["gmail", "icloud", "yahoo-com"])
def test_app_passwords_are_told_before_the_field(name: str) -> None:
    provider = PROVIDERS[name]

    assert provider.sign_in is SignIn.APP_PASSWORD
    assert isinstance(provider.password_label, LocalizedText)


@pytest.mark.parametrize("name", ["docomo", "softbank-i", "au"])
def test_old_tls_is_admitted_for_those_reported_to_need_it(name: str) -> None:
    assert PROVIDERS[name].tls.security_level == 1


def test_all_others_use_modern_tls() -> None:
    relaxed = {name for name, provider in PROVIDERS.items() if provider.tls.security_level < 2}

    assert relaxed == {"docomo", "softbank-i", "au"}


def test_imap_is_preferred_wherever_it_exists() -> None:
    first = {name: provider.incoming_servers[0].protocol for name, provider in PROVIDERS.items()}

    assert {name for name, protocol in first.items() if protocol is not Protocol.IMAP} == {"ybb"}
