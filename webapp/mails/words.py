"""What a letter says, once for its text and its HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from urllib.parse import urlsplit

from profiles.problems import N_
from webapp.i18n import format_moment, translate
from webapp.mails.letter import Kind, Letter, shown

SUBJECTS = {
    Kind.INVITATION: N_("Set up your mail at %(company)s"),
    Kind.REMINDER: N_("Reminder: set up your mail at %(company)s"),
    Kind.TEST: N_("Test mail of Hagaki at %(company)s"),
}
TITLES = {
    Kind.INVITATION: N_("Set up your mail"),
    Kind.REMINDER: N_("Your mail is not set up yet"),
    Kind.TEST: N_("Mails go out"),
}
OPENINGS = {
    Kind.INVITATION: (
        N_(
            "With this link you set up your mail (%(address)s) on your phone, tablet or computer. "
            "It takes about two minutes."
        ),
    ),
    Kind.REMINDER: (
        N_("Your mail (%(address)s) does not seem to be set up yet. The link works until %(expires)s."),
        N_("If you have set it up another way, or do not need it, you need not do anything."),
    ),
    Kind.TEST: (
        N_("This mail shows that the mail server of Hagaki takes mails and sends them on. Nothing is to be done."),
    ),
}
DEAR = N_("Dear %(name)s,")
BUTTON = N_("Begin the set-up")
INSTEAD = N_("If the button does not work, open this address:")
OPEN = N_("Open the link on the device that is to get the mail.")
TYPE_PASSWORD = N_("Check that the address is yours, and type the password of your mailbox.")
TYPE_PIN = N_("Type the PIN of six digits, which reaches you another way.")
FOLLOW = N_("Follow the steps on the screen.")
NO_PASSWORD_ASKED = N_("Nobody will ask you for your password by mail.")
PIN_APART = N_("For safety the PIN is not in this mail, and nobody will ask you for it by mail.")
YOURS_ALONE = N_("The link is yours alone: please do not forward this mail.")
SENT_BY = N_(
    "%(company)s sent this mail automatically. If you did not expect it, do not open the link, and ask first."
)
TEST_SENT_BY = N_("Sent by “hagaki mail test”.")
UNTIL, MAILBOX, HOST, NUMBER, HELP = (
    N_("Valid until"),
    N_("Mail address"),
    N_("Page opened"),
    N_("Card number"),
    N_("Ask"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A letter in words of its language. Nothing is markup yet."""

    subject: str
    company: str
    title: str
    opening: tuple[str, ...]
    greeting: str = ""
    link: str = ""
    button: str = ""
    instead: str = ""
    steps: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    number: str = ""
    number_label: str = ""
    notes: tuple[str, ...] = ()
    colophon: str = ""


def contents(letter: Letter) -> Contents:
    """Put a letter into words."""
    company = shown(letter.company)
    params = {"company": company, "address": str(letter.address or ""), "expires": _expires(letter)}

    def say(text: str) -> str:
        return translate(text, letter.language, **params)

    opening = tuple(say(text) for text in OPENINGS[letter.kind])
    subject, title = say(SUBJECTS[letter.kind]), say(TITLES[letter.kind])
    if letter.kind is Kind.TEST:
        return Contents(subject=subject, company=company, title=title, opening=opening, colophon=say(TEST_SENT_BY))
    name = shown(letter.full_name)
    return Contents(
        subject=subject,
        company=company,
        title=title,
        greeting=translate(DEAR, letter.language, name=name) if name else "",
        opening=opening,
        link=letter.link,
        button=say(BUTTON),
        instead=say(INSTEAD),
        steps=tuple(map(say, (OPEN, TYPE_PIN if letter.needs_pin else TYPE_PASSWORD, FOLLOW))),
        facts=tuple((say(label), value) for label, value in _facts(letter) if value),
        number=letter.number,
        number_label=say(NUMBER),
        notes=tuple(map(say, (PIN_APART if letter.needs_pin else NO_PASSWORD_ASKED, YOURS_ALONE))),
        colophon=say(SENT_BY),
    )


def _expires(letter: Letter) -> str:
    if letter.expires_at is None:
        return ""
    return format_moment(letter.expires_at, letter.language, letter.timezone or UTC)


def _facts(letter: Letter) -> tuple[tuple[str, str], ...]:
    return (
        (UNTIL, _expires(letter)),
        (MAILBOX, str(letter.address or "")),
        (HOST, urlsplit(letter.link).netloc),
        (NUMBER, letter.number),
        (HELP, shown(letter.help, 300)),
    )
