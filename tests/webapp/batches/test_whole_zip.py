"""What is downloaded of a hundred people, looked at with the programs of others: unzip, openssl, zbar, poppler."""

from __future__ import annotations

import csv
import io
import plistlib
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from profiles.signing import Signer
from tests.conftest import require
from tests.webapp.batches.durable import World, open_world
from tests.webapp.batches.lists import HEADINGS, csv_bytes
from webapp.batches.options import BatchOptions, Mode
from webapp.config import Config, load
from webapp.handouts import Layout
from webapp.local_ca import ROOT_FILE
from webapp.store import open_store

NAMES = ("山田 太郎", "𠮷田 髙志", "邉﨑 瀨奈", "Jane O'Neil", "クリスティーナ・スミス", "渡邊 ㈱①")


@dataclass
class Downloaded:
    """A ZIP and the folder that unzip made of it."""

    folder: Path
    people: dict[str, tuple[str, ...]]

    @property
    def results(self) -> list[dict[str, str]]:
        """results.csv."""
        text = (self.folder / "results.csv").read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


def download(folder: Path, signer: Signer, count: int) -> Downloaded:
    """Make a ready-made batch of so many people, stream its ZIP and unpack it."""
    config: Config = load({"HAGAKI_DATA": str(folder / "data")}).prepare()
    store = open_store(config)
    people = [
        (f"{number:04}", NAMES[number % 6], f"person{number}@corp.example", "経理部", f"合言葉<{number}>&")
        for number in range(count)
    ]
    world: World = open_world(store, config, signer)
    options = BatchOptions(expires_at=4e9, language="ja", layout=Layout.A4_8)
    batch = world.made(folder, csv_bytes([HEADINGS, *people]), mode=Mode.READY_MADE, options=options)
    path = folder / "out.zip"
    with path.open("wb") as file:
        file.writelines(world.results.zip_pieces(batch))
    store.close()
    subprocess.run([require("unzip"), "-q", str(path), "-d", str(folder / "out")], check=True)
    return Downloaded(folder / "out", {person[2]: person for person in people})


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Downloaded:
    return download(tmp_path_factory.mktemp("hundred"), signer, 100)


def cut(page: Path, scale: float) -> list[str]:
    """The eight cards of a page, as people hold them: of a whole page zbar misses a good code now and then."""
    with Image.open(page) as sheet:
        wide, high = sheet.width // 2, sheet.height // 4
        cards = []
        for number in range(8):
            left, top = number % 2 * wide, number // 2 * high
            card = sheet.crop((left, top, left + wide, top + high))
            cards.append(str(page.with_name(f"{page.stem}-card-{number}-{scale}.png")))
            card.resize((round(wide * scale), round(high * scale))).save(cards[-1], compress_level=1)
    return cards


def codes_of(pdf: Path, dots: int) -> Counter[str]:
    """Every code of the printed pages, as zbar reads them: at once, or with the card held a little farther off."""
    target = pdf.with_suffix("") / str(dots)
    target.mkdir(parents=True)
    subprocess.run(
        [require("pdftoppm"), "-r", str(dots), "-gray", "-png", str(pdf), str(target / "p")], check=True
    )
    pages = sorted(target.iterdir())
    # The union of two counts has the larger one of each: a code that is printed twice is still seen.
    return read_by_zbar(pages, 1) | read_by_zbar(pages, 0.9)


def read_by_zbar(pages: list[Path], scale: float) -> Counter[str]:
    """What zbar reads from the cards of these pages."""
    cards = [card for page in pages for card in cut(page, scale)]
    command = [require("zbarimg"), "-q", "--raw", "-Sdisable", "-Sqrcode.enable", *cards]
    done = subprocess.run(command, capture_output=True, check=False)
    # 4: nothing was found in some picture, for instance where the last sheet has no card.
    assert done.returncode in (0, 4), done.stderr.decode()
    return Counter(done.stdout.decode().split())


def test_unzip_keeps_the_kanji_of_every_name(hundred: Downloaded) -> None:
    for result in hundred.results:
        assert (hundred.folder / result["file"]).is_file()
        name = hundred.people[result["address"]][1]
        assert result["file"] == f"profiles/{result['address']} {name}.mobileconfig"
    assert len(list((hundred.folder / "qr").iterdir())) == 200


def test_every_profile_verifies_and_holds_its_own_password(hundred: Downloaded, signing_config: Config) -> None:
    root = str(signing_config.data / "signing" / ROOT_FILE)
    for result in hundred.results:
        command = ["cms", "-verify", "-inform", "DER", "-in", result["file"], "-CAfile", root, "-purpose", "any"]
        done = subprocess.run([require("openssl"), *command], cwd=hundred.folder, capture_output=True, check=True)
        mail = plistlib.loads(done.stdout)["PayloadContent"][0]
        person = hundred.people[result["address"]]
        assert (mail["EmailAddress"], mail["EmailAccountName"], mail["IncomingPassword"]) == (
            person[2],
            person[1],
            person[4],
        )


@pytest.mark.parametrize("dots", [150, 300])
def test_zbar_reads_every_printed_code(dots: int, hundred: Downloaded) -> None:
    assert codes_of(hundred.folder / "handouts.pdf", dots) == Counter(row["link"] for row in hundred.results)


def test_names_of_the_cards_can_be_copied(hundred: Downloaded) -> None:
    pdf = hundred.folder / "handouts.pdf"
    done = subprocess.run([require("pdftotext"), str(pdf), "-"], capture_output=True, check=True)

    text = done.stdout.decode()

    counted = {name: text.count(f"{name} 様") for name in NAMES[:6]}
    assert counted == dict(Counter(person[1] for person in hundred.people.values()))


def test_no_password_or_pin_is_on_a_card_or_in_the_results(hundred: Downloaded) -> None:
    text = (hundred.folder / "pins.csv").read_bytes().decode("utf-8-sig")
    pins = [row["pin"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    done = subprocess.run(
        [require("pdftotext"), str(hundred.folder / "handouts.pdf"), "-"], capture_output=True, check=True
    )

    shown = done.stdout.decode() + (hundred.folder / "results.csv").read_text("utf-8-sig")

    assert len(pins) == 100
    assert "合言葉" not in shown
    # A token is random and may hold six digits of a PIN in a row; nothing else may.
    for row in hundred.results:
        shown = shown.replace(row["link"], "")
    assert [pin for pin in pins if pin in shown] == []


@pytest.mark.soak
def test_zbar_reads_a_thousand_printed_codes(tmp_path: Path, signer: Signer) -> None:
    thousand = download(tmp_path, signer, 1000)

    assert codes_of(thousand.folder / "handouts.pdf", 300) == Counter(row["link"] for row in thousand.results)
