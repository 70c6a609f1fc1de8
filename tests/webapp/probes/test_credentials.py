"""What may be sent as a password, and that it never shows."""

from __future__ import annotations

import base64

import pytest

from profiles.problems import Code, ProblemError
from webapp.probes.credentials import credentials, decoded
from webapp.probes.dialogue import Send

SECRET = "Kanarienvogel-9"


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("hanako", "", Code.PASSWORD_MISSING),
        ("hanako", "a\r\nb", Code.PASSWORD_UNUSABLE),
        ("hanako", "a\0b", Code.PASSWORD_UNUSABLE),
        ("hanako", "a\ud800", Code.PASSWORD_UNUSABLE),
        ("ha\nnako", "a", Code.VALUE_INVALID),
        ("", "a", Code.USERNAME_MISSING),
        ("%ASK%", "a", Code.USERNAME_MISSING),
    ],
)
def test_what_could_change_a_dialogue_is_refused(username: str, password: str, code: Code) -> None:
    with pytest.raises(ProblemError) as caught:
        credentials(username, password)

    assert caught.value.problems[0].code is code
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_password_shows_nowhere() -> None:
    who = credentials("hanako", SECRET)

    assert SECRET not in repr(who) + repr(Send(who.plain)) + repr([who])
    assert base64.b64encode(SECRET.encode()) in who.secrets


def test_plain_holds_any_script() -> None:
    assert base64.b64decode(credentials("花子", "秘密").plain) == "\0花子\0秘密".encode()


def test_broken_challenge_counts_as_empty() -> None:
    assert decoded(b"!!!") == b""
    assert decoded(b" YWJj ") == b"abc"
