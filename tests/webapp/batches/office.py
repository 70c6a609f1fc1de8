"""LibreOffice as people have it: opens a file and saves it as others, everything in one start of the program."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tests.conftest import require

CALC = "Calc MS Excel 2007 XML"
TEXT = "Text - txt - csv (StarCalc)"
CHARSETS = {"utf-8": 76, "cp932": 64, "utf-16": 65535}
"""LibreOffice's numbers of encodings; UTF-16 is its "Unicode", with a mark."""
_LIBRARY = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard"
 library:readonly="false" library:passwordprotected="false">
<library:element library:name="Saving"/></library:library>
"""
_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Saving" script:language="StarBasic">
{}</script:module>
"""
_BASIC = """
Sub All
{}
  StarDesktop.terminate()
End Sub

Sub Save(source As String, reading As String, target As String, filter As String, writing As String)
  Dim opening(1) As New com.sun.star.beans.PropertyValue
  opening(0).Name = "Hidden" : opening(0).Value = True
  opening(1).Name = "FilterOptions" : opening(1).Value = reading
  document = StarDesktop.loadComponentFromURL(source, "_blank", 0, opening())
  Dim saving(1) As New com.sun.star.beans.PropertyValue
  saving(0).Name = "FilterName" : saving(0).Value = filter
  saving(1).Name = "FilterOptions" : saving(1).Value = writing
  document.storeToURL(target, saving())
  document.close(True)
End Sub
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """A file to open, and what to save it as."""

    source: Path
    target: Path
    filter: str
    reading: str = ""
    """How a text file is to be read."""
    writing: str = ""


def as_text(encoding: str, delimiter: str = ",") -> str:
    """The choices of the dialogue "export of text files": cells as shown, quoted where needed."""
    return f"{ord(delimiter)},34,{CHARSETS[encoding]},1,,0,false,true,false"


def save_all(folder: Path, savings: Sequence[Saving]) -> None:
    """Let LibreOffice do it, with a profile of its own."""
    program, profile = require("soffice"), folder / "profile"
    home = f"-env:UserInstallation={profile.as_uri()}"
    # It makes a profile, over whatever is there, and ends; only then is there a place for a macro.
    _run(program, home, "--terminate_after_init")
    library = profile / "user" / "basic" / "Standard"
    lines = "\n".join(f"  Save({_words(one)})" for one in savings)
    (library / "script.xlb").write_text(_LIBRARY)
    (library / "Saving.xba").write_text(_MODULE.format(escape(_BASIC.format(lines))))
    _run(program, home, "--norestore", "--nologo", "macro:///Standard.Saving.All")
    missing = [one.target.name for one in savings if not one.target.exists()]
    assert missing == []


def _words(saving: Saving) -> str:
    words = saving.source.as_uri(), saving.reading, saving.target.as_uri(), saving.filter, saving.writing
    return ", ".join(f'"{word}"' for word in words)


def _run(program: str, *options: str) -> None:
    subprocess.run([program, "--headless", *options], check=True, capture_output=True, timeout=180)
