"""What one person gets: profile, file for Thunderbird, codes, card. The command line and the web make it alike.

Everything goes into an archive that is a stream; only the cards of the PDF in the making are in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from babel.dates import format_date

from profiles import fast_qr
from profiles.formats import FORMATS
from profiles.merging import Merge, Person
from profiles.model import Artifact, RenderOptions
from profiles.problems import Problem, ProblemError
from profiles.signing import Signer
from webapp import i18n
from webapp.batches.archive import Archive
from webapp.batches.invitations import Invitation
from webapp.batches.names import file_stem
from webapp.batches.options import Mode, Part
from webapp.batches.rows import Employee
from webapp.handouts import Card, Layout, Sheets
from webapp.links import SAMPLE_TOKEN, TOKEN_LENGTH

MOST_CARDS = 2_500
"""Cards in one PDF: no printer wants more, and a PDF in the making is in memory."""
_DAY = {"ja": "M.d", "en": "d MMM"}
"""A date in the few signs that the stamp has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be made, and the words and names on it."""

    mode: Mode
    base_url: str
    language: str
    timezone: tzinfo
    expires_at: datetime
    """Of new invitations."""
    parts: frozenset[Part] = frozenset(Part)
    layout: Layout = Layout.POSTCARD
    company: str | None = None
    """On the cards, instead of what the domain says."""
    help: str | None = None

    @property
    def host(self) -> str:
        """The page that a code opens, as a person compares it."""
        return urlsplit(self.base_url).netloc

    def link(self, token: str) -> str:
        """The link of a card."""
        return f"{self.base_url}/s/{token}"

    def translate(self, text: str) -> str:
        """A text in the language of the cards, its placeholders open."""
        return i18n.catalogue(self.language).gettext(text)

    def describe(self, problem: Problem) -> tuple[str, str]:
        """Summary and advice in the language of the cards."""
        return i18n.describe(problem, self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of one person; the profile is signed when it goes into the archive."""

    profile: Artifact | None = None
    k9s: Artifact | None = None


class Renderer:
    """Renders what a row asks for, before anything of it is promised."""

    def __init__(self, wanted: Wanted) -> None:
        options = RenderOptions(language=wanted.language, zone=wanted.timezone, translate=wanted.translate)
        self._profiles = Merge(FORMATS["mobileconfig"].render, options) if Part.PROFILES in wanted.parts else None
        self._k9s = Merge(FORMATS["k9s"].render, options) if Part.K9S in wanted.parts else None

    def render(self, employee: Employee, *, password: str | None, unchecked: bool = False) -> Files:
        """Render the files; raises ProblemError where no profile can hold the account."""
        person = Person(
            address=employee.address,
            full_name=employee.full_name,
            username=employee.username,
            password=password,
        )

        def file(merge: Merge | None) -> Artifact | None:
            return None if merge is None else merge.render(employee.settings, person, unchecked=unchecked)

        profile = file(self._profiles)
        try:
            return Files(profile=profile, k9s=file(self._k9s))
        except ProblemError:
            return Files(profile=profile)  # Thunderbird finds its own way


class Documents:
    """Writes the documents of person after person into an archive."""

    def __init__(self, wanted: Wanted, signer: Signer, archive: Archive, *, title: str, now: datetime) -> None:
        self._wanted = wanted
        self._signer = signer
        self._archive = archive
        self._codes = link_codes(wanted.base_url)
        self._cards = Cards(wanted, title=title, now=now)
        self._finished_pdfs = 0

    def add(self, employee: Employee, files: Files, invitation: Invitation | None) -> str:
        """Write everything of one person; return the name of the profile, empty where there is none.

        Without an invitation, because the link has ended, there is neither code nor card.
        """
        stem = file_stem(employee.address, employee.full_name)
        name = self._add_files(stem, files)
        if invitation is not None and self._wanted.parts & {Part.QR, Part.HANDOUTS}:
            self._add_link(employee, invitation, stem)
        return name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what is half made: whoever downloads may go away at any time."""
        self._cards.close()

    def finish(self) -> None:
        """Write the last hand-outs."""
        if self._cards.count:
            self._end_pdf()

    def _add_files(self, stem: str, files: Files) -> str:
        name = ""
        if files.profile is not None:
            name = profile_name(stem)
            # Half of it are certificates and a signature, which no compression makes smaller.
            self._archive.add(name, self._signer.sign(files.profile).data, compress=False)
        if files.k9s is not None:
            self._archive.add(f"k9s/{stem}.k9s", files.k9s.data)
        return name

    def _add_link(self, employee: Employee, invitation: Invitation, stem: str) -> None:
        code = self._codes.code(invitation.token)
        if Part.QR in self._wanted.parts:
            svg = fast_qr.svg(code, label=self._wanted.link(invitation.token))
            self._archive.add(f"qr/{stem}.svg", svg.encode())
            self._archive.add(f"qr/{stem}.png", fast_qr.png(code), compress=False)
        if Part.HANDOUTS in self._wanted.parts:
            self._cards.add(employee, invitation, code)
            if self._cards.count >= MOST_CARDS:
                self._end_pdf()

    def _end_pdf(self) -> None:
        self._finished_pdfs += 1
        number = "" if self._finished_pdfs == 1 else f"-{self._finished_pdfs}"
        self._archive.add(f"handouts{number}.pdf", self._cards.pdf(), compress=False)


class Cards:
    """The cards of one PDF after the other."""

    def __init__(self, wanted: Wanted, *, title: str, now: datetime) -> None:
        self._wanted = wanted
        self._title = title
        self._now = now
        self._sheets: Sheets | None = None

    @property
    def count(self) -> int:
        """Cards that are not in a finished PDF yet."""
        return 0 if self._sheets is None else self._sheets.count

    def add(self, employee: Employee, invitation: Invitation, code: fast_qr.Code) -> None:
        """Draw the card of one person."""
        if self._sheets is None:
            self._sheets = self._begin()
        self._sheets.add(self._card(employee, invitation, code))

    def pdf(self) -> bytes:
        """The file of the cards so far; the next card begins another one."""
        sheets = self._sheets or self._begin()
        self._sheets = None
        return sheets.data()

    def close(self) -> None:
        """Give up cards that nobody wants any more."""
        if self._sheets is not None:
            self._sheets.close()

    def _begin(self) -> Sheets:
        wanted = self._wanted
        return Sheets(
            wanted.layout,
            language=wanted.language,
            translate=wanted.translate,
            title=self._title,
            now=self._now,
        )

    def _card(self, employee: Employee, invitation: Invitation, code: fast_qr.Code) -> Card:
        wanted, settings = self._wanted, employee.settings
        expires, expires_day = _expiry(invitation.expires_at, wanted.language, wanted.timezone)
        help_text = settings.help.get(wanted.language) if settings.help else ""
        return Card(
            number=invitation.number,
            address=str(employee.address),
            full_name=employee.full_name,
            department=employee.department,
            company=wanted.company or settings.organization or settings.display_name,
            code=code,
            host=wanted.host,
            expires=expires,
            expires_day=expires_day,
            help=wanted.help or help_text,
            needs_pin=invitation.pin is not None,
        )


def sample_card(employee: Employee, wanted: Wanted, *, now: datetime | None = None) -> bytes:
    """A test card as a PDF, to look at and scan before five hundred are printed.

    Its code is as large as that of a real card and leads to a page that says that it was read; its number is 0.
    """
    cards = Cards(wanted, title=str(employee.address), now=now or datetime.now(UTC))
    pin = "" if wanted.mode is Mode.READY_MADE else None
    invitation = Invitation(number=0, token=SAMPLE_TOKEN, expires_at=wanted.expires_at.timestamp(), pin=pin)
    cards.add(employee, invitation, link_codes(wanted.base_url).code(SAMPLE_TOKEN))
    return cards.pdf()


def profile_name(stem: str) -> str:
    """Where a profile stands in the archive."""
    return f"profiles/{stem}.mobileconfig"


@lru_cache(maxsize=4)
def link_codes(base_url: str) -> fast_qr.LinkCodes:
    """Made once for a host's address: that takes a fifth of a second."""
    return fast_qr.LinkCodes(f"{base_url}/s/", TOKEN_LENGTH, "Q")


@lru_cache(maxsize=256)
def _expiry(seconds: float, language: str, timezone: tzinfo) -> tuple[str, str]:
    """The end of a link in words, and in few signs. It is the same on most cards of a list."""
    expires = datetime.fromtimestamp(seconds, timezone)
    day = format_date(expires, _DAY.get(language, _DAY["en"]), language)
    return i18n.format_moment(expires, language, timezone), day
