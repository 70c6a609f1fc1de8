"""Broken files: each gets a clear message with its place, in both languages, and never an exception."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.webapp.batches.lists import (
    HEADINGS,
    NAMESPACE,
    PEOPLE,
    archive_bytes,
    csv_bytes,
    excel_bytes,
    problems_of,
    read,
    texts_of,
    workbook_bytes,
    write,
)
from webapp.batches import delimited

Build = Callable[[], bytes]
GOOD = csv_bytes([HEADINGS, *PEOPLE])
BOOK = workbook_bytes([HEADINGS, *PEOPLE[:2]])


def text(content: str, encoding: str = "utf-8") -> Build:
    """A file of this text."""
    return lambda: content.encode(encoding)


def row(cell: str, heading: str = "address") -> Build:
    """A list whose second row has this one cell."""
    return lambda: csv_bytes([(heading, "memo"), (cell, "x")])


def person(**cells: str) -> Build:
    """A list with one person and these cells."""
    usual = {"mail": "taro@corp.example", "name": "Taro", "password": "secret"} | cells
    return lambda: csv_bytes([tuple(usual), tuple(usual.values())])


def pins(*given: str) -> Build:
    """A list of people with these PINs."""
    rows = [f"a{number}@corp.example,x,secret,{pin}\n" for number, pin in enumerate(given)]
    return text("address,name,password,PIN\n" + "".join(rows))


def book(*rows: tuple[object, ...]) -> Build:
    """A workbook with these rows."""
    return lambda: workbook_bytes(rows)


def sheets(**titled: list[tuple[str, ...]]) -> Build:
    """A workbook with these sheets."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in titled.items():
        sheet = workbook.create_sheet(title)
        for line in rows:
            sheet.append(line)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue


def bomb(name: str = "xl/worksheets/sheet1.xml", size: int = 400_000_000) -> bytes:
    """A workbook one of whose members unpacks to a lot."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(BOOK)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        with new.open(name, "w", force_zip64=True) as file:
            for _ in range(size // 10_000_000):
                file.write(b" " * 10_000_000)
    return target.getvalue()


def merged() -> bytes:
    """A workbook in which one address stands for two rows."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for line in (("氏名", "address"), ("山田", "taro@corp.example"), ("佐藤", None)):
        sheet.append(line)
    sheet.merge_cells("B2:B3")
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def lying_sizes() -> bytes:
    """A workbook whose directory declares a smaller size than its sheet has."""
    data = bytearray(BOOK)
    start = data.rfind(b"PK\x01\x02", 0, data.rfind(b"xl/worksheets/sheet1.xml"))
    data[start + 24 : start + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def encrypted_flag() -> bytes:
    """A workbook whose members claim to be encrypted."""
    data = bytearray(BOOK)
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 1)
    return bytes(data)


def compound(stream: str) -> bytes:
    """A file of old Office programs with this stream, or a workbook that is encrypted."""
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1528)
    head[30:32], head[48:52] = (9).to_bytes(2, "little"), (1).to_bytes(4, "little")
    name = stream.encode("utf-16-le")
    head[1024 : 1024 + len(name)] = name
    return bytes(head)


def strict() -> bytes:
    """Strict OOXML, which Excel writes on demand: openpyxl knows none of its names."""
    source = excel_bytes([("氏名", "address"), ("山田", "a@corp.example")])
    old = b"http://schemas.openxmlformats.org/"
    renamed = {
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        old + b"officeDocument/2006/relationships": b"http://purl.oclc.org/ooxml/officeDocument/relationships",
    }
    members = {}
    with zipfile.ZipFile(io.BytesIO(source)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            for before, after in renamed.items():
                data = data.replace(before, after)
            members[name] = data
    return archive_bytes(members)


def sheet(*rows: str, before: str = "", behind: str = "") -> Build:
    """A workbook whose sheet is written by hand, below a row of headings."""
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>氏名</t></is></c><c r="B1" t="str"><v>address</v></c></row>'
    inner = f"{before}<sheetData>{head}{''.join(rows)}</sheetData>{behind}"
    data = f'<worksheet xmlns="{NAMESPACE}">{inner}</worksheet>'.encode()
    return lambda: archive_bytes({SHEET: data}, base=BOOK)


def written(number: int, address: str, *cells: str) -> str:
    """A row of such a sheet."""
    taro = f'<c r="A{number}" t="inlineStr"><is><t>山田</t></is></c><c r="B{number}" t="str"><v>{address}</v></c>'
    return f'<row r="{number}">{taro}{"".join(cells)}</row>'


ENTITY = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
SHEET = "xl/worksheets/sheet1.xml"

CASES: dict[str, tuple[Build, str, str]] = {
    # nothing in it
    "empty file": (lambda: b"", "LIST_EMPTY", "list.csv"),
    "only a mark": (lambda: b"\xef\xbb\xbf", "LIST_EMPTY", "list.csv"),
    "only an UTF-16 mark": (lambda: b"\xff\xfe", "LIST_EMPTY", "list.csv"),
    "only blanks": (text("  \n \r\n\t\n"), "LIST_EMPTY", "list.csv"),
    "only delimiters": (text(",,,\n,,,\n"), "LIST_EMPTY", "list.csv"),
    "empty workbook": (sheets(Sheet1=[], Sheet2=[]), "LIST_EMPTY", "list.csv"),
    # something else
    "PDF": (lambda: b"%PDF-1.7\n\x00\x01", "LIST_FORMAT", "list.csv"),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "LIST_FORMAT", "list.csv"),
    "PNG": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "LIST_FORMAT", "list.csv"),
    "JPEG": (lambda: b"\xff\xd8\xff\xe0" + b"\0" * 50, "LIST_FORMAT", "list.csv"),
    "gzip": (lambda: b"\x1f\x8b\x08" + b"\0" * 50, "LIST_FORMAT", "list.csv"),
    "RTF": (text("{\\rtf1 x}"), "LIST_FORMAT", "list.csv"),
    "web page": (text("<!DOCTYPE html><table><tr><td>taro@corp.example"), "LIST_FORMAT", "list.csv"),
    "web page named .xls": (text("<html xmlns:x='excel'><td>a"), "LIST_FORMAT", "list.csv"),
    "XML": (text("<?xml version='1.0'?><list/>"), "LIST_FORMAT", "list.csv"),
    "random bytes": (lambda: random.Random(1).randbytes(5000), "LIST_FORMAT", "list.csv"),
    "other ZIP": (lambda: archive_bytes({"a.txt": b"x"}), "LIST_FORMAT", "list.csv"),
    "Word document": (
        lambda: archive_bytes({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
        "LIST_FORMAT", "list.csv",
    ),
    "OpenDocument": (
        lambda: archive_bytes({"mimetype": b"application/vnd.oasis", "content.xml": b"<x/>"}),
        "LIST_FORMAT", "list.csv",
    ),
    "7-Zip": (lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 50, "LIST_FORMAT", "list.csv"),
    "RAR": (lambda: b"Rar!\x1a\x07\0" + b"\0" * 50, "LIST_FORMAT", "list.csv"),
    "table of a web page": (text("<table><tr><td>a@corp.example</td></tr></table>"), "LIST_FORMAT", "list.csv"),
    "XML in UTF-16": (text("<?xml version='1.0'?><a/>", "utf-16"), "LIST_FORMAT", "list.csv"),
    "Numbers": (lambda: archive_bytes({"Index/Document.iwa": b"x"}), "LIST_FORMAT", "list.csv"),
    "binary workbook": (
        lambda: archive_bytes({"[Content_Types].xml": b"<x/>", "xl/workbook.bin": b"x"}),
        "LIST_FORMAT", "list.csv",
    ),
    "encrypted workbook": (lambda: compound("EncryptedPackage"), "LIST_PROTECTED", "list.csv"),
    "old Excel with its directory": (lambda: compound("Workbook"), "LIST_FORMAT", "list.csv"),
    "old Word": (lambda: compound("WordDocument"), "LIST_FORMAT", "list.csv"),
    # broken workbooks
    "rows in the wrong order": (
        sheet(written(3, "a@corp.example"), written(2, "b@corp.example")), "LIST_FORMAT", "list.csv: 4",
    ),
    "the same row twice": (
        sheet(written(2, "a@corp.example"), written(2, "b@corp.example")), "LIST_FORMAT", "list.csv: 3",
    ),
    "row behind the last one": (sheet(written(1_048_577, "a@corp.example")), "LIST_FORMAT", "list.csv: 2"),
    "row without a number": (sheet('<row r="x"/>'), "LIST_FORMAT", "list.csv: 2"),
    "cell behind the last column": (
        sheet(written(2, "a@corp.example", '<c r="XFE2"><v>1</v></c>')), "LIST_TOO_LARGE", "list.csv: 2",
    ),
    "number that is none": (
        sheet(written(2, "a@corp.example", '<c r="C2"><v>1,5</v></c>')), "LIST_FORMAT", "list.csv: 2",
    ),
    "strict OOXML": (strict, "LIST_FORMAT", "list.csv"),
    "cell in the last column": (
        sheet(written(2, "a@corp.example", '<c r="XFD2"><v>1</v></c>')), "LIST_TOO_LARGE", "list.csv: 2",
    ),
    "workbook without relations": (
        lambda: archive_bytes({"xl/_rels/workbook.xml.rels": b"<Relationships/>"}, base=BOOK),
        "LIST_FORMAT", "list.csv",
    ),
    "styles that are no XML": (
        lambda: archive_bytes({"xl/styles.xml": b"x"}, base=BOOK), "LIST_FORMAT", "list.csv",
    ),
    "no address on any sheet": (
        sheets(a=[("氏名",), ("山田",)], b=[("部署",), ("営業",)]), "LIST_ADDRESS_COLUMN_MISSING", "list.csv",
    ),
    "torn workbook": (lambda: BOOK[: len(BOOK) // 2], "LIST_FORMAT", "list.csv"),
    "workbook with a torn end": (lambda: BOOK[:-30], "LIST_FORMAT", "list.csv"),
    "workbook without its sheet": (
        lambda: archive_bytes({}, base=BOOK).replace(b"worksheets/sheet", b"worksheets/page_"),
        "LIST_FORMAT", "list.csv",
    ),
    "sheet that is no XML": (lambda: archive_bytes({SHEET: b"hello"}, base=BOOK), "LIST_FORMAT", "list.csv"),
    "sheet that ends early": (
        lambda: archive_bytes({SHEET: _sheet()[: len(_sheet()) // 2]}, base=BOOK), "LIST_FORMAT", "list.csv",
    ),
    "workbook.xml that is no XML": (
        lambda: archive_bytes({"xl/workbook.xml": b"\0\1"}, base=BOOK), "LIST_FORMAT", "list.csv",
    ),
    "content types that are no XML": (
        lambda: archive_bytes({"[Content_Types].xml": b"<"}, base=BOOK), "LIST_FORMAT", "list.csv",
    ),
    "shared text with entities": (
        lambda: excel_bytes([("address",)], shared=ENTITY + b"<sst><si><t>&b;</t></si></sst>"),
        "LIST_FORMAT", "list.csv",
    ),
    "sheet with entities": (
        lambda: archive_bytes({SHEET: ENTITY + b"<worksheet><sheetData/></worksheet>"}, base=BOOK),
        "LIST_FORMAT", "list.csv",
    ),
    "text that is not there": (
        lambda: excel_bytes([("address",), ("x",)], shared=b"<sst><si><t>address</t></si></sst>"),
        "LIST_FORMAT", "list.csv",
    ),
    "workbook that claims encryption": (encrypted_flag, "LIST_FORMAT", "list.csv"),
    "workbook with a wrong size": (lying_sizes, "LIST_FORMAT", "list.csv"),
    "zip bomb in a sheet": (bomb, "LIST_TOO_LARGE", "list.csv"),
    "zip bomb in a picture": (lambda: bomb("xl/media/a.png"), "LIST_TOO_LARGE", "list.csv"),
    "zip bomb in the shared text": (
        lambda: bomb("xl/sharedStrings.xml", 100_000_000), "LIST_TOO_LARGE", "list.csv",
    ),
    "workbook of 3,000 members": (
        lambda: archive_bytes({f"x/{number}": b"" for number in range(3000)}, base=BOOK),
        "LIST_TOO_LARGE", "list.csv",
    ),
    "300 columns in a workbook": (book(tuple(f"c{n}" for n in range(300))), "LIST_TOO_LARGE", "list.csv"),
    "300 columns": (text(",".join(["address"] * 300) + "\n"), "LIST_TOO_LARGE", "list.csv"),
    # encodings
    "mixed encodings": (
        lambda: "氏名,address\n山田,taro@corp.example\n".encode() + "佐藤,j@corp.example\n".encode("cp932"),
        "LIST_ENCODING", "list.csv: 3",
    ),
    "CP932 with UTF-8 behind it": (
        lambda: "氏名,address\n佐藤,j@corp.example\n".encode("cp932") + "𠮷田,x@corp.example\n".encode(),
        "LIST_ENCODING", "list.csv: 3",
    ),
    "UTF-8 cut in a sign": (
        lambda: "address,氏名\ntaro@corp.example,山田".encode()[:-1], "LIST_ENCODING", "list.csv: 2",
    ),
    "UTF-16 with an odd end": (
        lambda: "address\ntaro@corp.example\n".encode("utf-16") + b"\0", "LIST_ENCODING", "list.csv: 3",
    ),
    "Western letters of Mac OS": (
        text("name,address\nJos\u00e9,a@corp.example\n", "mac_roman"), "LIST_ENCODING", "list.csv: 2",
    ),
    "Chinese": (text("姓名,邮箱,email\n张三,李,a@corp.example\n", "gb18030"), "LIST_ENCODING", "list.csv: 1"),
    "marked UTF-8 that is CP932": (
        lambda: b"\xef\xbb\xbf" + "氏名,address\n".encode("cp932"), "LIST_ENCODING", "list.csv: 1",
    ),
    # columns
    "no column of addresses": (text("氏名,部署\n山田,営業部\n"), "LIST_ADDRESS_COLUMN_MISSING", "list.csv"),
    "colons between the cells": (text("address:name\na@corp.example:x\n"), "LIST_ONE_COLUMN", "list.csv"),
    "Japanese commas between the cells": (
        text("メールアドレス、氏名\na@corp.example、山田\n"), "LIST_ONE_COLUMN", "list.csv",
    ),
    "whole lines in quotation marks": (
        text('"address,name"\n"a@corp.example,x"\n'), "LIST_ONE_COLUMN", "list.csv",
    ),
    "a workbook with all in one column": (
        book(("address;name",), ("a@corp.example;x",)), "LIST_ONE_COLUMN", "list.csv",
    ),
    "addresses of superiors": (
        text("氏名,上司メールアドレス\n山田,a@corp.example\n"), "LIST_ADDRESS_COLUMN_MISSING", "list.csv",
    ),
    "headings that say nothing": (text("a,b\ntaro@corp.example,x\n"), "LIST_ADDRESS_COLUMN_MISSING", "list.csv"),
    "the same heading twice": (
        text("address,address\na@corp.example,b@corp.example\n"), "LIST_COLUMN_REPEATED", "list.csv",
    ),
    "headings only": (text("氏名,部署\n"), "LIST_ADDRESS_COLUMN_MISSING", "list.csv"),
    # quoting
    "quotation mark never closed": (
        text('address,name\n"taro@corp.example,x\njiro@corp.example,y\n'), "LIST_QUOTING", "list.csv: 2",
    ),
    "quotation mark closed too early": (
        text('address,name\n"taro"@corp.example,x\n'), "LIST_QUOTING", "list.csv: 2",
    ),
    "quotation mark closed rows later": (
        text('address,name\n"taro@corp.example,x\na@corp.example,y\nb@corp.example,"z"\n'),
        "LIST_QUOTING", "list.csv: 2",
    ),
    "a cell of 200,000 signs": (text("address,name\n" + "x" * 200_000 + ",y\n"), "LIST_QUOTING", "list.csv: 2"),
    # addresses
    "no @": (row("taro"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "two @": (row("taro@jiro@corp.example"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "blank inside": (row("ta ro@corp.example"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "two addresses": (row("a@corp.example; b@corp.example"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "Japanese in the local part": (row("太郎@corp.example"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "no domain": (row("taro@"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "domain without a dot": (row("taro@corp"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "dots in a row": (row("taro..x@corp.example"), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "line break inside": (row("taro\n@corp.example"), "CELL_CONTROL_CHARACTER", "list.csv: A2 (address)"),
    "NUL inside": (row("ta\0ro@corp.example"), "CELL_CONTROL_CHARACTER", "list.csv: A2 (address)"),
    "escape inside": (row("ta\x1bro@corp.example"), "CELL_CONTROL_CHARACTER", "list.csv: A2 (address)"),
    "too long": (row("a" * 400 + "@corp.example"), "CELL_TOO_LONG", "list.csv: A2 (address)"),
    "unknown domain": (row("taro@nowhere.example"), "DOMAIN_NOT_SERVED", "list.csv: A2 (address)"),
    "a domain with two letters exchanged": (
        text("address,n\ntaro@corp.exmaple,a\n"), "DOMAIN_MISTYPED", "list.csv: A2 (address)",
    ),
    "a domain with a letter too many": (row("taro@coorp.example"), "DOMAIN_MISTYPED", "list.csv: A2 (address)"),
    "quoted local part": (row('"ta ro"@corp.example'), "ADDRESS_INVALID", "list.csv: A2 (address)"),
    "missing": (row(" "), "ADDRESS_MISSING", "list.csv: A2 (address)"),
    "doubled": (
        text("address,n\ntaro@corp.example,a\nTARO@Corp.Example,b\n"), "ADDRESS_REPEATED", "list.csv: A3",
    ),
    "doubled in full width": (
        text("address,n\ntaro@corp.example,a\nｔａｒｏ＠corp.example,b\n"), "ADDRESS_REPEATED", "list.csv: A3",
    ),
    # formulas
    "formula": (row('=HYPERLINK("http://evil.example","x")'), "CELL_FORMULA", "list.csv: A2 (address)"),
    "formula with plus": (row("+1+cmd|' /C calc'!A0"), "CELL_FORMULA", "list.csv: A2 (address)"),
    "formula with at": (row("@SUM(1+1)"), "CELL_FORMULA", "list.csv: A2 (address)"),
    "full-width formula": (row("＝1+1"), "CELL_FORMULA", "list.csv: A2 (address)"),
    "error of a formula": (row("#N/A"), "CELL_FORMULA", "list.csv: A2 (address)"),
    "formula as a name": (person(name="=1+1"), "CELL_FORMULA", "list.csv: B2 (name)"),
    "formula in a workbook": (
        book(("name", "address"), ("a", '=A2&"@corp.example"')), "CELL_FORMULA", "list.csv: B2 (address)",
    ),
    "calculated name": (
        sheet('<row r="2"><c r="A2" t="str"><f>B2</f><v>Taro</v></c><c r="B2" t="str"><v>a</v></c></row>'),
        "CELL_FORMULA", "list.csv: A2 (氏名)",
    ),
    "calculated name of a group": (
        sheet('<row r="2"><c r="A2" t="str"><f t="shared" si="0"/><v>T</v></c></row>'),
        "CELL_FORMULA", "list.csv: A2 (氏名)",
    ),
    "error of a workbook": (
        sheet('<row r="2"><c r="A2" t="e"><v>#CALC!</v></c><c r="B2" t="str"><v>a@corp.example</v></c></row>'),
        "CELL_FORMULA", "list.csv: A2 (氏名)",
    ),
    "calculated password": (
        book(("address", "password"), ("a@corp.example", '=CHAR(65)&"x"')),
        "CELL_FORMULA", "list.csv: B2 (password)",
    ),
    # other cells
    "masked password": (person(password="********"), "PASSWORD_MASKED", "list.csv: C2 (password)"),
    "a cell of ten million signs": (
        sheet(f'<row r="2"><c r="A2" t="str"><v>{"x" * 10_000_000}</v></c></row>'),
        "CELL_TOO_LONG", "list.csv: A2 (氏名)",
    ),
    "no name": (person(name=""), "NAME_MISSING", "list.csv: B2 (name)"),
    "name of a dash": (person(name="-"), "NAME_MISSING", "list.csv: B2 (name)"),
    "name with brackets": (person(name="Taro <x>"), "NAME_UNUSABLE", "list.csv: B2 (name)"),
    "name with a bell": (person(name="Ta\aro"), "CELL_CONTROL_CHARACTER", "list.csv: B2 (name)"),
    "name without end": (person(name="x" * 500), "CELL_TOO_LONG", "list.csv: B2 (name)"),
    "department without end": (person(department="x" * 500), "CELL_TOO_LONG", "list.csv: D2 (department)"),
    "no password": (person(password=""), "PASSWORD_MISSING", "list.csv: C2 (password)"),
    "password with a line break": (person(password="a\nb"), "PASSWORD_UNUSABLE", "list.csv: C2 (password)"),
    "password with a blank at its end": (person(password="a "), "PASSWORD_UNUSUAL", "list.csv: C2 (password)"),
    "full-width password": (person(password="ａｂｃ"), "PASSWORD_UNUSUAL", "list.csv: C2 (password)"),
    "password without end": (person(password="x" * 5000), "CELL_TOO_LONG", "list.csv: C2 (password)"),
    "PIN of letters": (pins("secret"), "PIN_INVALID", "list.csv: D2 (PIN)"),
    "PIN of four digits": (pins("5028"), "PIN_INVALID", "list.csv: D2 (PIN)"),
    "PIN whose zero is lost": (pins("50192"), "PIN_ZERO_ADDED", "list.csv: D2 (PIN)"),
    "PIN of one digit": (pins("777777"), "PIN_TRIVIAL", "list.csv: D2 (PIN)"),
    "the same PIN twice": (pins("501928", "501928"), "PIN_REPEATED", "list.csv: D3 (PIN)"),
    "a mail that goes nowhere": (
        text("address,notify\ntaro@corp.example,his phone\n"), "ADDRESS_INVALID", "list.csv: B2 (notify)",
    ),
    "more cells than headings": (text("address\ntaro@corp.example,x\n"), "CELL_WITHOUT_COLUMN", "list.csv: B2"),
    "fewer cells than headings": (text("name,address\ntaro\n"), "ADDRESS_MISSING", "list.csv: B2 (address)"),
    "merged cells": (merged, "ADDRESS_REPEATED", "list.csv: B3 (address)"),
    "user name that no file can hold": (
        text("address,username\ntaro@asks.example,ta\ufffero\n"),
        "CELL_CONTROL_CHARACTER", "list.csv: B2 (username)",
    ),
    "no user name where one is asked": (row("taro@asks.example"), "USERNAME_MISSING", "list.csv: 2"),
}  # fmt: skip


def _sheet() -> bytes:
    with zipfile.ZipFile(io.BytesIO(BOOK)) as archive:
        return archive.read(SHEET)


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_a_broken_list_gets_a_clear_message_with_its_place(name: str, tmp_path: Path) -> None:
    build, code, place = CASES[name]
    path = write(tmp_path, build())

    problems = problems_of(path, needs_password=True)

    found = [problem for problem in problems if problem.code == code]
    assert found, [str(problem.code) for problem in problems]
    assert (found[0].place or "").startswith(place)
    for problem in problems:
        for said in texts_of(problem):
            assert said
            assert "%(" not in said
            assert "–" not in said, f"a parameter of {problem.code} is missing: {said}"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    (problem,) = problems_of(tmp_path / "pipe.csv")

    assert (problem.code, problem.place) == ("FILE_UNREADABLE", "pipe.csv")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: compound("Workbook"), "old Excel workbook (.xls)"),
        (lambda: archive_bytes({"mimetype": b"x", "content.xml": b"<x/>"}), "OpenDocument"),
        (lambda: archive_bytes({"Index/Document.iwa": b"x"}), "Numbers"),
        (lambda: archive_bytes({"[Content_Types].xml": b"<x/>", "xl/workbook.bin": b"x"}), ".xlsb"),
        (lambda: archive_bytes({"[Content_Types].xml": b"<x/>", "word/document.xml": b"x"}), "Word"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(build: Build, words: str, tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, build(), "list.xlsx"))

    assert words in texts_of(problem)[0]


@pytest.mark.parametrize("name", ["folder.xlsx", "folder.csv"])
def test_a_folder_is_no_list(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()

    assert [problem.code for problem in problems_of(tmp_path / name)] == ["FILE_UNREADABLE"]


def test_the_folder_that_one_stands_in_is_named() -> None:
    (problem,) = problems_of(Path())

    assert problem.place == "."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "none.csv")

    assert (problem.code, problem.place) == ("FILE_UNREADABLE", "none.csv")


def test_every_problem_of_every_row_is_told(tmp_path: Path) -> None:
    data = csv_bytes(
        [("氏名", "address", "部署"), ("", "nobody", "=1"), ("x", "a@nowhere.example", "y" * 200), ("z", "", "")]
    )

    codes = [(problem.code, problem.place) for problem in problems_of(write(tmp_path, data))]

    assert codes == [
        ("ADDRESS_INVALID", "list.csv: B2 (address)"),
        ("NAME_MISSING", "list.csv: A2 (氏名)"),
        ("CELL_FORMULA", "list.csv: C2 (部署)"),
        ("DOMAIN_NOT_SERVED", "list.csv: B3 (address)"),
        ("CELL_TOO_LONG", "list.csv: C3 (部署)"),
        ("ADDRESS_MISSING", "list.csv: B4 (address)"),
    ]


def test_rows_behind_a_broken_one_are_read(tmp_path: Path) -> None:
    """An unclosed quotation mark must not swallow the rest of the list."""
    lines = ["address,name", '"taro@corp.example,x'] + [f"a{n}@corp.example,y" for n in range(500)]

    _, _, rows = read(write(tmp_path, "\n".join(lines).encode()))

    assert sum(row.is_good for row in rows) == 500


def test_a_list_of_nothing_but_broken_quotes_is_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quotation that never ends is looked for in a few lines and not in all that follow."""
    looked_at = 0

    def counted(lines: delimited._Lines) -> str:
        nonlocal looked_at
        looked_at += 1
        return read_line(lines)

    read_line = delimited._Lines.__next__
    monkeypatch.setattr(delimited._Lines, "__next__", counted)
    lines = ["address,name"] + ['"x,y'] * 20_000

    problems = problems_of(write(tmp_path, "\n".join(lines).encode()))

    assert len(problems) == 20_000
    assert looked_at <= 50 * len(lines)


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_ends_in_words(seed: int, tmp_path: Path) -> None:
    """Bytes changed at random in each kind of file: rows or problems, never an exception."""
    chance = random.Random(seed)
    data = bytearray(chance.choice([GOOD, BOOK, csv_bytes([HEADINGS, *PEOPLE], encoding="utf-16")]))
    for _ in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)

    for problem in problems_of(write(tmp_path, bytes(data))):
        assert all(texts_of(problem))
