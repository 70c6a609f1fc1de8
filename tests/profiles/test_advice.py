"""IMAP or POP3: what is recommended in which situation, and why."""

from __future__ import annotations

from itertools import product

import pytest

from profiles import advice
from profiles.advice import Advice, Backup, Devices, Offline, Shared, Situation, Space, advise
from profiles.model import Protocol

EVERY = [
    Situation(devices=devices, offline=offline, space=space, backup=backup, shared=shared)
    for devices, offline, space, backup, shared in product(Devices, Offline, Space, Backup, Shared)
]


@pytest.mark.parametrize(
    ("answers", "protocol", "reason"),
    [
        ({}, Protocol.IMAP, advice.SAME_EVERYWHERE),
        ({"devices": Devices.ONE}, Protocol.IMAP, advice.SAFE_ON_SERVER),
        ({"devices": Devices.ONE, "shared": Shared.YES}, Protocol.IMAP, advice.SHARED_STATE),
        ({"devices": Devices.ONE, "offline": Offline.YES}, Protocol.IMAP, advice.SAFE_ON_SERVER),
        ({"devices": Devices.ONE, "backup": Backup.OWN}, Protocol.IMAP, advice.SAFE_ON_SERVER),
        ({"devices": Devices.ONE, "space": Space.SCARCE}, Protocol.POP3, advice.MAKES_ROOM),
        (
            {"devices": Devices.ONE, "backup": Backup.OWN, "offline": Offline.YES},
            Protocol.POP3,
            advice.OWN_COPY,
        ),
        ({"space": Space.SCARCE}, Protocol.IMAP, advice.SAME_EVERYWHERE),
        (
            {"devices": Devices.ONE, "space": Space.SCARCE, "shared": Shared.YES},
            Protocol.IMAP,
            advice.SHARED_STATE,
        ),
        ({"backup": Backup.OWN, "offline": Offline.YES}, Protocol.IMAP, advice.SAME_EVERYWHERE),
    ],
)
def test_each_situation_gets_its_protocol_and_first_reason(
    answers: dict[str, object], protocol: Protocol, reason: str
) -> None:
    given = advise(Situation(**answers))  # type: ignore[arg-type]

    assert (given.protocol, given.reasons[0]) == (protocol, reason)


@pytest.mark.parametrize("situation", EVERY)
def test_who_shares_mail_or_has_several_devices_is_never_led_to_pop3(situation: Situation) -> None:
    given = advise(situation)

    if situation.devices is Devices.SEVERAL or situation.shared is Shared.YES:
        assert given.protocol is Protocol.IMAP


@pytest.mark.parametrize("situation", EVERY)
def test_pop3_never_comes_without_the_word_about_backups(situation: Situation) -> None:
    given = advise(situation)

    if given.protocol is Protocol.POP3:
        assert advice.BACK_UP in given.cautions


@pytest.mark.parametrize("situation", EVERY)
def test_every_wish_that_the_protocol_does_not_fill_is_answered(situation: Situation) -> None:
    given: Advice = advise(situation)
    said = {*given.reasons, *given.cautions}

    if situation.offline is Offline.YES:
        assert said & {advice.OFFLINE_TOO, advice.READS_OFFLINE}
    if situation.space is Space.SCARCE:
        assert said & {advice.MAKES_ROOM, advice.MIND_THE_SPACE}
    if situation.backup is Backup.OWN:
        assert said & {advice.ARCHIVE_AS_WELL, advice.OWN_COPY, advice.BACK_UP}
    assert len(said) == len(given.reasons) + len(given.cautions)
