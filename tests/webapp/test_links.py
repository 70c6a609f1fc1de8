"""Tokens, deliveries and hand-overs: who may open what, how often, how long, and what the database knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from profiles.model import Artifact
from profiles.problems import Code
from tests.webapp.clock import Clock
from tests.webapp.threads import at_once, outcome
from webapp.config import Config
from webapp.links import (
    DELIVERY_SECONDS,
    HANDOVER_SECONDS,
    MOST_FETCHES,
    REMEMBER_SECONDS,
    Links,
    derive,
    hash_token,
    new_token,
    read_token,
    seal,
    unseal,
)
from webapp.store import Store

PROFILE = Artifact(data=b"\x30\x82canary-password", content_type="application/x-x", filename="corp.mobileconfig")
OTHER = Artifact(data=b"{}", content_type="application/json", filename="corp.k9s")


class Laid:
    """One delivery and one hand-over, laid ready."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.links = Links(store, now=clock)
        self.group, self.delivery, self.handover = new_token(), new_token(), new_token()
        with store.write() as connection:
            self.links.lay_ready(
                connection, self.group, (PROFILE, OTHER), delivery=self.delivery, handover=self.handover
            )

    def fetch(self, token: str | None = None, filename: str = PROFILE.filename) -> object:
        """The file, or the code of the refusal."""
        return outcome(lambda: self.links.fetch(token or self.delivery, filename))

    def claim(self) -> object:
        """The delivery, or the code of the refusal."""
        return outcome(lambda: self.links.claim(self.handover))


@pytest.fixture
def laid(store: Store, clock: Clock) -> Laid:
    """Files ready to be fetched."""
    return Laid(store, clock)


# tokens


def test_a_token_is_22_characters_of_128_random_bits() -> None:
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)


@given(st.text(max_size=40))
def test_anything_but_a_token_is_none(text: str) -> None:
    raw = read_token(text)

    assert raw is None or len(raw) == 16


def test_a_token_has_one_spelling() -> None:
    token = new_token()
    last = token[-1]
    # The last character carries two bits only; sixteen characters would decode to the same bytes.
    twins = [token[:-1] + sign for sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if sign != last]

    assert sum(read_token(twin) == read_token(token) for twin in twins) == 0


def test_derived_tokens_differ_by_purpose_and_are_repeatable() -> None:
    token = new_token()

    assert derive(token, "delivery") == derive(token, "delivery")
    assert len({token, derive(token, "delivery"), derive(token, "handover"), derive(new_token(), "delivery")}) == 4
    assert read_token(derive(token, "delivery"))


def test_sealed_bytes_open_with_the_token_and_context_alone() -> None:
    token = new_token()
    sealed = seal(token, b"canary", context="a")

    assert b"canary" not in sealed
    assert unseal(token, sealed, context="a") == b"canary"
    assert seal(token, b"canary", context="a") != sealed
    with pytest.raises(InvalidTag):
        unseal(new_token(), sealed, context="a")
    with pytest.raises(InvalidTag):
        unseal(token, sealed, context="b")


# deliveries


def test_a_delivery_gives_the_same_bytes_five_times_and_then_no_more(laid: Laid) -> None:
    found = [laid.fetch() for _ in range(MOST_FETCHES + 2)]

    assert found == [PROFILE] * 5 + [Code.LINK_USED] * 2


def test_each_file_of_a_delivery_has_its_own_count(laid: Laid) -> None:
    for _ in range(MOST_FETCHES):
        laid.fetch()

    assert laid.fetch(filename=OTHER.filename) == OTHER


def test_a_delivery_ends_after_ten_minutes(laid: Laid, clock: Clock) -> None:
    clock.advance(DELIVERY_SECONDS - 1)
    before = laid.fetch()
    clock.advance(1)

    assert (before, laid.fetch()) == (PROFILE, Code.LINK_EXPIRED)


def test_looking_at_a_delivery_does_not_count(laid: Laid, store: Store) -> None:
    """A viewed link is not a used link: HEAD and the pages that name it change nothing."""
    for _ in range(20):
        assert laid.links.peek(laid.delivery, PROFILE.filename) == PROFILE
        with store.read() as connection:
            view = laid.links.view_delivery(connection, laid.delivery)

    assert view is not None
    assert (view.fetches_left, view.alive, view.filenames) == (5, True, (OTHER.filename, PROFILE.filename))


def test_a_used_up_delivery_cannot_be_looked_at(laid: Laid) -> None:
    for _ in range(MOST_FETCHES):
        laid.fetch()

    assert outcome(lambda: laid.links.peek(laid.delivery, PROFILE.filename)) is Code.LINK_USED


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "A" * 21 + "B", "../../../etc/passwd..", "é" * 22])
def test_unknown_and_malformed_links_are_unknown(laid: Laid, token: str) -> None:
    links = laid.links

    assert outcome(lambda: links.fetch(token, PROFILE.filename)) is Code.LINK_UNKNOWN
    assert outcome(lambda: links.peek(token, PROFILE.filename)) is Code.LINK_UNKNOWN
    assert outcome(lambda: links.claim(token)) is Code.LINK_UNKNOWN
    assert outcome(lambda: links.handover(token)) is Code.LINK_UNKNOWN


def test_a_file_that_is_not_in_the_delivery_is_unknown(laid: Laid) -> None:
    assert laid.fetch(filename="other.mobileconfig") is Code.LINK_UNKNOWN


def test_one_kind_of_link_does_not_open_the_other(laid: Laid) -> None:
    assert laid.fetch(laid.handover) is Code.LINK_UNKNOWN
    assert outcome(lambda: laid.links.claim(laid.delivery)) is Code.LINK_UNKNOWN


@pytest.mark.parametrize("threads", [64])
def test_a_race_for_a_delivery_has_exactly_five_winners(laid: Laid, threads: int) -> None:
    found = at_once(threads, lambda: laid.links.fetch(laid.delivery, PROFILE.filename))

    assert found.count(PROFILE) == MOST_FETCHES
    assert found.count(Code.LINK_USED) == threads - MOST_FETCHES


@pytest.mark.soak
def test_a_thousand_races_for_a_delivery(store: Store, clock: Clock) -> None:
    for _ in range(1000):
        race = Laid(store, clock)
        found = at_once(64, lambda race=race: race.links.fetch(race.delivery, PROFILE.filename))  # type: ignore[misc]
        assert found.count(PROFILE) == MOST_FETCHES


# hand-overs


def test_a_hand_over_is_claimed_once(laid: Laid) -> None:
    claimed = laid.links.claim(laid.handover)

    assert claimed.token not in (laid.delivery, laid.handover)
    assert laid.fetch(claimed.token) == PROFILE
    assert laid.claim() is Code.LINK_USED


def test_a_claimed_delivery_has_its_own_ten_minutes(laid: Laid, clock: Clock) -> None:
    clock.advance(HANDOVER_SECONDS - 1)
    claimed = laid.links.claim(laid.handover)
    clock.advance(DELIVERY_SECONDS - 1)

    assert laid.fetch(claimed.token) == PROFILE
    clock.advance(1)
    assert laid.fetch(claimed.token) is Code.LINK_EXPIRED


def test_a_hand_over_ends_after_twenty_minutes(laid: Laid, clock: Clock) -> None:
    clock.advance(HANDOVER_SECONDS)

    assert laid.claim() is Code.LINK_EXPIRED


def test_looking_at_a_hand_over_does_not_claim_it(laid: Laid) -> None:
    for _ in range(20):
        assert laid.links.handover(laid.handover).alive

    assert laid.links.claim(laid.handover)
    assert outcome(lambda: laid.links.handover(laid.handover)) is Code.LINK_USED


@pytest.mark.parametrize("threads", [64])
def test_a_race_for_a_hand_over_has_one_winner(laid: Laid, threads: int) -> None:
    found = at_once(threads, lambda: laid.links.claim(laid.handover))

    assert found.count(Code.LINK_USED) == threads - 1


# revoking, purging, what is at rest


def test_revoking_ends_every_link_at_once(laid: Laid) -> None:
    claimed = laid.links.claim(laid.handover)
    laid.links.revoke(laid.group)

    assert laid.fetch() is Code.LINK_EXPIRED
    assert laid.fetch(claimed.token) is Code.LINK_EXPIRED
    assert laid.claim() is Code.LINK_EXPIRED


def test_revoking_one_group_leaves_others_alone(laid: Laid) -> None:
    laid.links.revoke(new_token())

    assert laid.fetch() == PROFILE


def test_purging_forgets_the_bytes_but_not_that_there_was_a_link(laid: Laid, clock: Clock, store: Store) -> None:
    clock.advance(HANDOVER_SECONDS)
    laid.links.purge()

    with store.read() as connection:
        kept = connection.execute(text("SELECT sealed FROM deliveries UNION ALL SELECT sealed FROM handovers"))
        assert {bytes(row.sealed) for row in kept} == {b""}
    assert (laid.fetch(), laid.claim()) == (Code.LINK_EXPIRED, Code.LINK_EXPIRED)


def test_purging_forgets_the_bytes_of_a_used_up_delivery(laid: Laid, store: Store) -> None:
    for _ in range(MOST_FETCHES):
        laid.fetch()
    laid.links.purge()

    with store.read() as connection:
        rows = connection.execute(text("SELECT filename, sealed FROM deliveries")).all()
    assert {row.filename: bool(row.sealed) for row in rows} == {PROFILE.filename: False, OTHER.filename: True}
    assert laid.fetch() is Code.LINK_USED


def test_purging_leaves_the_living_alone(laid: Laid) -> None:
    laid.links.purge()

    assert laid.fetch() == PROFILE


def test_old_links_are_forgotten_in_the_end(laid: Laid, clock: Clock) -> None:
    clock.advance(HANDOVER_SECONDS + REMEMBER_SECONDS + 1)
    laid.links.purge()

    assert laid.fetch() is Code.LINK_UNKNOWN


def test_the_database_holds_neither_tokens_nor_plain_bytes(laid: Laid, store: Store, store_config: Config) -> None:
    claimed = laid.links.claim(laid.handover)
    secrets = [laid.group, laid.delivery, laid.handover, claimed.token]
    with store.read() as connection:
        dump = repr(connection.execute(text("SELECT * FROM deliveries")).all())
        dump += repr(connection.execute(text("SELECT * FROM handovers")).all())
    files = b"".join(path.read_bytes() for path in Path(store_config.data).iterdir())

    for token in secrets:
        assert token not in dump
        assert token.encode() not in files
        assert (read_token(token) or b"") not in files
    assert "canary" not in dump
    assert b"canary" not in files
    assert repr(hash_token(laid.delivery))[2:10] in dump


def test_no_secret_shows_in_a_repr(laid: Laid) -> None:
    assert "canary" not in repr(laid.links.fetch(laid.delivery, PROFILE.filename))
