"""What states, stages and actions of batches are called on pages, and what an action would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask_babel import LazyString, ngettext
from flask_babel import lazy_gettext as _l

from webapp.batches.following import Action, Show, Stage
from webapp.batches.leavers import Step
from webapp.batches.options import BatchState, MailState, Mode

STATES: Mapping[BatchState, LazyString] = {
    BatchState.READING: _l("reading the list"),
    BatchState.WAITING: _l("about to begin"),
    BatchState.MAKING: _l("being made"),
    BatchState.DONE: _l("finished"),
    BatchState.CANCELLED: _l("stopped by hand"),
    BatchState.STOPPED: _l("broke off"),
}
MODES: Mapping[Mode, LazyString] = {
    Mode.INVITATIONS: _l("Invitations"),
    Mode.READY_MADE: _l("Ready-made"),
}
STAGES: Mapping[Stage, LazyString] = {
    Stage.WAITING: _l("not made yet"),
    Stage.INVITED: _l("invited"),
    Stage.MAILED: _l("mail sent"),
    Stage.OPENED: _l("opened"),
    Stage.VALIDATED: _l("password accepted"),
    Stage.ISSUED: _l("profile issued"),
    Stage.FETCHED: _l("profile fetched"),
    Stage.CONFIRMED: _l("says it works"),
    Stage.LOCKED: _l("PIN locked"),
    Stage.EXPIRED: _l("link expired"),
    Stage.LOST: _l("phone lost"),
    Stage.REVOKED: _l("link revoked"),
    Stage.FAILED: _l("problem"),
    Stage.CANCELLED: _l("not made"),
}
SIGNS: Mapping[Stage, str] = {
    Stage.OPENED: "now",
    Stage.VALIDATED: "now",
    Stage.ISSUED: "now",
    Stage.FETCHED: "done",
    Stage.CONFIRMED: "done",
    Stage.LOCKED: "bad",
    Stage.EXPIRED: "bad",
    Stage.LOST: "bad",
    Stage.FAILED: "bad",
}
"""The shape beside the word; without one an empty ring."""
SHOWS: Mapping[Show, LazyString] = {
    Show.ALL: _l("Everybody"),
    Show.UNSTARTED: _l("Not begun"),
    Show.UNFINISHED: _l("Begun, not finished"),
    Show.FETCHED: _l("Profile fetched"),
    Show.CONFIRMED: _l("Says it works"),
    Show.FAILED: _l("Problems"),
    Show.MAIL_FAILED: _l("Mail not sent"),
    Show.LOCKED: _l("PIN locked"),
    Show.EXPIRED: _l("Expired"),
    Show.LOST: _l("Phone lost"),
    Show.REVOKED: _l("Revoked"),
    Show.WAITING: _l("Not made yet"),
    Show.CANCELLED: _l("Not made"),
    Show.INVITED: _l("Invited, no mail"),
    Show.MAILED: _l("Mail sent, not opened"),
    Show.OPENED: _l("Opened, nothing typed"),
    Show.VALIDATED: _l("Password accepted, no profile"),
    Show.ISSUED: _l("Profile issued, not fetched"),
}
TABS = (
    Show.ALL, Show.UNSTARTED, Show.UNFINISHED, Show.FETCHED, Show.CONFIRMED, Show.FAILED, Show.MAIL_FAILED,
    Show.LOCKED, Show.EXPIRED, Show.LOST, Show.REVOKED, Show.WAITING, Show.CANCELLED,
)  # fmt: skip
"""Those that stand above the list; the finer ones are in the search."""
ALWAYS = (Show.ALL, Show.UNSTARTED, Show.UNFINISHED)
"""Those that are shown even when nobody stands there."""
MAILS: Mapping[MailState, LazyString] = {
    MailState.WAITING: _l("waiting"),
    MailState.SENDING: _l("being sent"),
    MailState.SENT: _l("sent"),
    MailState.FAILED: _l("not sent"),
    MailState.UNSURE: _l("perhaps sent"),
}
FUNNEL: Mapping[Stage, LazyString] = {
    Stage.INVITED: _l("Invited"),
    Stage.OPENED: _l("Opened"),
    Stage.VALIDATED: _l("Password accepted"),
    Stage.ISSUED: _l("Profile issued"),
    Stage.FETCHED: _l("Profile fetched"),
    Stage.CONFIRMED: _l("Says it works"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an action is called, and what it does."""

    offer: LazyString
    """In the list of actions."""
    question: LazyString
    press: Callable[[int], str]
    """The button, for so many."""
    done: Callable[[int], str]
    left_out: LazyString
    """Why some of the chosen ones are left out."""


ACTIONS: Mapping[Action, Words] = {
    Action.REISSUE: Words(
        offer=_l("Make a new link and card"),
        question=_l("Make new links?"),
        press=lambda num: ngettext("Make %(num)s new link", "Make %(num)s new links", num),
        done=lambda num: ngettext("%(num)s new link was made.", "%(num)s new links were made.", num),
        left_out=_l("Nothing was made for them yet, or the password of a ready-made link is no longer kept."),
    ),
    Action.EXTEND: Words(
        offer=_l("Let the link open longer"),
        question=_l("Let links open longer?"),
        press=lambda num: ngettext("Extend %(num)s link", "Extend %(num)s links", num),
        done=lambda num: ngettext("%(num)s link opens longer.", "%(num)s links open longer.", num),
        left_out=_l("Their link was revoked, was never made, or its password is no longer kept."),
    ),
    Action.REVOKE: Words(
        offer=_l("Revoke the link"),
        question=_l("Revoke links?"),
        press=lambda num: ngettext("Revoke %(num)s link", "Revoke %(num)s links", num),
        done=lambda num: ngettext("%(num)s link was revoked.", "%(num)s links were revoked.", num),
        left_out=_l("Their link was never made, or is revoked already."),
    ),
    Action.REMIND: Words(
        offer=_l("Send a reminder mail"),
        question=_l("Send reminders?"),
        press=lambda num: ngettext("Send %(num)s reminder", "Send %(num)s reminders", num),
        done=lambda num: ngettext("%(num)s reminder goes out.", "%(num)s reminders go out.", num),
        left_out=_l("They have set up their mail, their link has ended, or a mail to them is waiting."),
    ),
    Action.RESEND: Words(
        offer=_l("Send the invitation mail again"),
        question=_l("Send invitation mails again?"),
        press=lambda num: ngettext("Send %(num)s mail", "Send %(num)s mails", num),
        done=lambda num: ngettext("%(num)s mail goes out.", "%(num)s mails go out.", num),
        left_out=_l("Their link has ended, or a mail to them is waiting."),
    ),
    Action.REPRINT: Words(
        offer=_l("Print the card again (PDF)"),
        question=_l("Print cards again?"),
        press=lambda num: ngettext("Download %(num)s card", "Download %(num)s cards", num),
        done=lambda num: ngettext("%(num)s card was printed again.", "%(num)s cards were printed again.", num),
        left_out=_l("Their link has ended, so that a card would be of no use."),
    ),
}
EFFECTS: Mapping[Action, tuple[LazyString, ...]] = {
    Action.REISSUE: (
        _l("The old links end at once, with the checks, downloads and hand-overs that came of them."),
        _l(
            "Each person gets a new link with the same card number. Cards and mails that are out there open "
            "nothing any more: print new cards, or send the mails again."
        ),
        _l("What is known of how far they have come begins anew."),
    ),
    Action.EXTEND: (
        _l("Cards and links stay as they are. The date on a card is then too early; the page shows the new one."),
        _l("No link gets shorter."),
    ),
    Action.REVOKE: (
        _l("The links end at once, with the checks, downloads and hand-overs that came of them."),
        _l("Sealed passwords are forgotten, and mails that still wait are not sent."),
        _l("A profile that is already on a device stays there and works until the mailbox password is changed."),
    ),
    Action.REMIND: (
        _l("Each person gets one mail with the link of the card. Nobody is reminded twice within a day."),
    ),
    Action.RESEND: (
        _l("Each person gets the invitation mail with the link of the card, also where an earlier one went out."),
    ),
    Action.REPRINT: (
        _l("The cards are the same as before, with the same links; cards that are out there keep working."),
        _l("A new copy of a card opens the link for whoever holds it."),
    ),
}
READY_MADE_EFFECTS: Mapping[Action, LazyString] = {
    Action.REISSUE: _l(
        "Each gets a new PIN too. Take it from the list of PINs, and tell it another way than the card."
    ),
    Action.REVOKE: _l(
        "They cannot be made anew afterwards: that needs the passwords, so upload the list again for that."
    ),
}
STEPS: Mapping[Step, tuple[LazyString, LazyString]] = {
    Step.PASSWORD: (
        _l("Change the mailbox password"),
        _l("Only this stops a profile that is already on a phone or computer."),
    ),
    Step.APP_PASSWORDS: (
        _l("Revoke app passwords"),
        _l("They keep working when the password is changed. Delete every one of them."),
    ),
    Step.SESSIONS: (
        _l("End open sessions"),
        _l("Sign the person out everywhere, web mail and other devices included."),
    ),
    Step.FORWARDING: (
        _l("Check forwarding and filters"),
        _l("Look for rules that send copies to addresses outside, and for delegates of the mailbox."),
    ),
    Step.MAILBOX: (
        _l("Decide what becomes of the mailbox"),
        _l("An automatic reply, a successor who may read it, and the day on which it is deleted."),
    ),
}
