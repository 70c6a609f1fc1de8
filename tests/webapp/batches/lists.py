"""Lists of invented people, and what Hagaki says about them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook

from profiles.model import ASK, Protocol, Server, ServiceSettings, SocketType
from profiles.problems import Problem, ProblemError
from webapp.batches.columns import Columns, Field, find_columns
from webapp.batches.reading import ListFile, open_list
from webapp.batches.row import column_letter
from webapp.batches.rows import CheckedRow, Rules, check_rows
from webapp.i18n import describe

HEADINGS = ("社員番号", "氏名", "メールアドレス", "部署", "パスワード")
PEOPLE = (
    ("0001", "山田 太郎", "taro@corp.example", "営業部", "合言葉 1"),
    ("0002", "𠮷田 髙志", "yoshida@corp.example", "経理部", 'p@ss,"2'),
    ("0003", "Jane Doe", "jane.doe@corp.example", "開発部", "=3+4"),
)
CP932_PEOPLE = (PEOPLE[0], ("0002", "髙橋 花子①", "hanako@corp.example", "経理部", 'p@ss,"2'), PEOPLE[2])
"""𠮷 has no place in CP932."""
BAD = [
    ("0004", "", "nobody@corp.example", "営業部", "x"),
    ("0005", "佐藤", "=A1", "営業部", "y"),
    ("0006", "鈴木", "suzuki@nowhere.example", "営業部", "z"),
]
"""No name, a formula, a domain that nobody knows."""


def server(protocol: Protocol, port: int, username: str) -> Server:
    """A server of the one domain."""
    return Server(
        protocol=protocol,
        hostname="mail.corp.example",
        port=port,
        socket_type=SocketType.SSL,
        username=username,
    )


def settings(domain: str, username: str = "%EMAILADDRESS%") -> ServiceSettings:
    """A domain of the host."""
    return ServiceSettings(
        id=domain,
        display_name="Example Corporation",
        display_short_name="Example",
        organization="株式会社サンプル",
        domains=(domain,),
        incoming_servers=(server(Protocol.IMAP, 993, username),),
        outgoing_servers=(server(Protocol.SMTP, 465, username),),
    )


DOMAINS: Mapping[str, ServiceSettings] = {
    "corp.example": settings("corp.example"),
    "asks.example": settings("asks.example", ASK),
}


def csv_bytes(
    rows: Iterable[Sequence[str]], *, encoding: str = "utf-8", delimiter: str = ",", newline: str = "\r\n"
) -> bytes:
    """A CSV file as a spreadsheet writes it."""
    lines = []
    for row in rows:
        cells = [
            '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in f'"\r\n{delimiter}') else cell
            for cell in row
        ]
        lines.append(delimiter.join(cells) + newline)
    return "".join(lines).encode(encoding)


def workbook_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """An Excel workbook with these rows on its first sheet."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "社員"
    for row in rows:
        sheet.append(list(row))
    workbook.create_sheet("other").append(["not", "read"])
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def excel_bytes(rows: Sequence[Sequence[str]], *, shared: bytes | None = None) -> bytes:
    """A workbook with its texts in one shared part, as Excel itself writes it (openpyxl does not)."""
    texts = [cell for row in rows for cell in row]
    cells = iter(range(len(texts)))
    lines = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{column_letter(index)}{number}" t="s"><v>{next(cells)}</v></c>' for index, _ in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" xmlns:r="{_REL}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{NAMESPACE}"><dimension ref="A1:XFD1048576"/>'
        f"<sheetData>{lines}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{NAMESPACE}">{items}</sst>',
    }
    members = {name: part.encode() for name, part in parts.items()}
    return archive_bytes(members | ({} if shared is None else {"xl/sharedStrings.xml": shared}))


def archive_bytes(members: Mapping[str, bytes], *, base: bytes | None = None) -> bytes:
    """A ZIP archive: `base` with some members replaced or added."""
    every: dict[str, bytes] = {}
    if base is not None:
        with zipfile.ZipFile(io.BytesIO(base)) as archive:
            every = {name: archive.read(name) for name in archive.namelist()}
    every.update(members)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in every.items():
            archive.writestr(name, data)
    return target.getvalue()


def write(folder: Path, data: bytes, name: str = "list.csv") -> Path:
    """A file in the folder."""
    path = folder / name
    path.write_bytes(data)
    return path


def read(
    path: Path, *, given: Sequence[tuple[str, Field]] = (), needs_password: bool = False
) -> tuple[ListFile, Columns, list[CheckedRow]]:
    """Everything up to the checked rows."""
    listing = open_list(path)
    columns = find_columns(listing.rows(), file=listing.name, given=given)
    rules = Rules(find=DOMAINS.get, needs_password=needs_password)
    return listing, columns, list(check_rows(listing, columns, rules))


def problems_of(path: Path, *, needs_password: bool = False) -> list[Problem]:
    """Everything that is said about a file, whether it could be read or not."""
    try:
        _, _, rows = read(path, needs_password=needs_password)
    except ProblemError as error:
        return list(error.problems)
    return [found.problem for row in rows for found in row.problems]


def texts_of(problem: Problem) -> list[str]:
    """Summary and advice in both languages."""
    return [text for language in ("en", "ja") for text in describe(problem, language)]
