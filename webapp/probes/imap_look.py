"""What IMAP shows after the log-in: can the inbox be opened, where folders live, how full it is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from profiles.problems import Code
from webapp.probes.dialogue import Detail, Enter, Facts, Remark, Step
from webapp.probes.imap_words import Response, Value, folder_name, read_values
from webapp.probes.report import StageName

SPECIAL_USES = frozenset(("sent", "drafts", "trash", "junk", "archive", "all", "flagged", "important"))
SHOWN_FOLDERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One line of LIST or LSUB; attributes in lower case without backslash."""

    attributes: frozenset[str]
    delimiter: str | None
    name: str


@dataclass(slots=True)
class Look:
    """The responses of the look, as they come in."""

    namespaces: list[Value] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    subscribed: set[str] = field(default_factory=set)
    quota_percent: int | None = None
    complaints: list[Response] = field(default_factory=list)
    has_examined: bool = False

    def take(self, response: Response) -> None:
        """Take one untagged response."""
        match response.word:
            case "NAMESPACE":
                self.namespaces = read_values(response.rest)
            case "LIST":
                self.folders.extend(_folder(response))
            case "LSUB":
                self.subscribed.update(folder.name for folder in _folder(response))
            case "QUOTA":
                self._take_quota(read_values(response.rest))
            case "NO" | "BAD":
                self.complaints.append(response)

    def _take_quota(self, values: list[Value]) -> None:
        resources = values[1] if len(values) > 1 else None
        if not isinstance(resources, list):
            return
        for used, limit in zip(resources[1::3], resources[2::3], strict=False):
            if isinstance(used, str) and isinstance(limit, str) and used.isdigit() and limit.isdigit():
                percent = int(used) * 100 // int(limit) if int(limit) else 0
                self.quota_percent = max(percent, self.quota_percent or 0)


def commands(capabilities: frozenset[str]) -> list[bytes]:
    """What to ask, in one write. ID first (NetEase refuses EXAMINE without), LIST last (it may be long)."""
    asked = [b'ID ("name" "Hagaki")'] if "ID" in capabilities else []
    asked.append(b"EXAMINE INBOX")
    if "NAMESPACE" in capabilities:
        asked.append(b"NAMESPACE")
    if "QUOTA" in capabilities:
        asked.append(b"GETQUOTAROOT INBOX")
    if {"LIST-EXTENDED", "SPECIAL-USE"} <= capabilities:
        asked.append(b'LIST "" "*" RETURN (SUBSCRIBED SPECIAL-USE)')
    else:
        asked += [b'LIST "" "*"', b'LSUB "" "*"']
    return [*asked, b"LOGOUT"]


def judge(look: Look, facts: Facts, capabilities: frozenset[str]) -> Generator[Step, bytes, None]:
    """Turn what was seen into facts and remarks, stage by stage."""
    extended = {"LIST-EXTENDED", "SPECIAL-USE"} <= capabilities
    yield from _judge_folders(look, facts, extended=extended)
    yield Enter(StageName.NAMESPACE)
    yield from _judge_namespace(look, facts)
    yield Enter(StageName.QUOTA)
    yield from _judge_quota(look, facts)


def _judge_folders(look: Look, facts: Facts, *, extended: bool) -> Generator[Step, bytes, None]:
    real = [folder for folder in look.folders if not folder.attributes & {"noselect", "nonexistent"}]
    facts.special_folders = tuple(
        (use.capitalize(), folder_name(folder.name))
        for folder in real
        for use in sorted(folder.attributes & SPECIAL_USES)
    )
    missed = [
        folder for folder in real if folder.name.upper() != "INBOX" and not _is_shown(folder, look, extended)
    ]
    facts.unsubscribed_folders = tuple(folder_name(folder.name) for folder in missed)
    yield Detail(", ".join(f"{use}: {name}" for use, name in facts.special_folders))
    if missed:
        names = ", ".join(facts.unsubscribed_folders[:SHOWN_FOLDERS])
        more = len(missed) - SHOWN_FOLDERS
        shown = names + (f" (+{more})" if more > 0 else "")
        yield Remark(code=Code.FOLDERS_UNSUBSCRIBED, params={"folders": shown, "count": str(len(missed))})


def _is_shown(folder: Folder, look: Look, extended: bool) -> bool:
    return "subscribed" in folder.attributes if extended else folder.name in look.subscribed


def _judge_namespace(look: Look, facts: Facts) -> Generator[Step, bytes, None]:
    inbox = next((folder for folder in look.folders if folder.name.upper() == "INBOX"), None)
    facts.hierarchy_delimiter = inbox.delimiter if inbox else None
    personal = look.namespaces[0] if look.namespaces else None
    first = personal[0] if isinstance(personal, list) and personal else None
    if not isinstance(first, list) or len(first) < 2 or not isinstance(first[0], str):
        return
    prefix, delimiter = first[0], first[1]
    facts.hierarchy_delimiter = delimiter if isinstance(delimiter, str) else facts.hierarchy_delimiter
    if prefix:
        # Apple's field wants the folder without the delimiter.
        facts.path_prefix = prefix.removesuffix(delimiter) if isinstance(delimiter, str) else prefix
        yield Remark(code=Code.NAMESPACE_PREFIX, params={"prefix": facts.path_prefix})


_QUOTA_STEPS = ((100, Code.QUOTA_FULL), (80, Code.QUOTA_80), (70, Code.QUOTA_70))


def _judge_quota(look: Look, facts: Facts) -> Generator[Step, bytes, None]:
    percent = facts.quota_percent = look.quota_percent
    if percent is None:
        return
    yield Detail(f"{percent} %")
    code = next((code for limit, code in _QUOTA_STEPS if percent >= limit), None)
    if code is not None:
        yield Remark(code=code, params={"percent": str(percent)}, fails=code is Code.QUOTA_FULL)


def _folder(response: Response) -> list[Folder]:
    values = read_values(response.rest)
    if len(values) < 3 or not isinstance(values[0], list) or not isinstance(values[2], str):
        return []
    attributes = frozenset(str(name).lstrip("\\").lower() for name in values[0] if isinstance(name, str))
    delimiter = values[1] if isinstance(values[1], str) else None
    return [Folder(attributes=attributes, delimiter=delimiter, name=values[2])]
