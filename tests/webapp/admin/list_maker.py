"""An operator who uploads lists, and what a browser would send from the page of a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.test import TestResponse

from tests.webapp.admin.world import Person
from tests.webapp.page_world import form_token

HEADINGS = ("社員番号", "氏名", "メールアドレス", "部署", "パスワード")
PEOPLE = (
    ("0001", "山田 太郎", "t.yamada@example.co.jp", "営業部", "canary-Ωsecret-1"),
    ("0002", "佐藤 花子", "h.sato@example.co.jp", "経理部", "canary-Ωsecret-2"),
    ("0003", "鈴木 一郎", "i.suzuki@example.co.jp", "製造部", "canary-Ωsecret-3"),
)
BAD = (
    ("0004", "", "y.nakamura@example.co.jp", "経理部", "canary-Ωsecret-4"),
    ("0005", "加藤 愛", "a.kato@exmaple.co.jp", "=VLOOKUP(A2)", "canary-Ωsecret-5"),
)
NEW = "/en/admin/lists/new"


@dataclass(slots=True)
class Maker:
    """An operator with a list in hand."""

    person: Person

    def upload(
        self, data: bytes, name: str = "people.csv", mode: str = "invitations", token: str | None = None
    ) -> TestResponse:
        """Send a file."""
        token = token or form_token(self.person.client.get(NEW).text)
        return self.send(NEW, data, name, csrf_token=token, mode=mode)

    def send(self, page: str, data: bytes, name: str, **fields: str) -> TestResponse:
        """Send the form by hand: the test client would write a large file to the disk on its own side."""
        parts = [f'name="{field}"\r\n\r\n{value}'.encode() for field, value in fields.items()]
        parts.append(f'name="file"; filename="{name}"\r\n\r\n'.encode() + data)
        body = b"".join(b"--cut\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
        return self.person.client.post(
            page, data=body + b"--cut--\r\n", content_type="multipart/form-data; boundary=cut"
        )

    def uploaded(self, data: bytes, name: str = "people.csv", mode: str = "invitations") -> str:
        """Send a file and return the path of its page."""
        answer = self.upload(data, name, mode)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def page(self, path: str) -> str:
        """The page as text."""
        answer = self.person.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def press(self, path: str, button: str, **changed: str | Sequence[str]) -> TestResponse:
        """Send the form of the page as a browser would, with some fields changed."""
        fields = form_fields(self.page(path)) | changed
        return self.person.client.post(f"{path}/{button}", data=fields)


def form_fields(page: str) -> dict[str, object]:
    """What the form of a list's page would send."""
    found: dict[str, object] = {"csrf_token": form_token(page)}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', page, re.S):
        values = re.findall(r'<option value="([^"]*)"( selected)?', options)
        found[name] = next((value for value, chosen in values if chosen), values[0][0])
    for tag in re.findall(r"<input [^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") in ("text", "number"):
            found[attributes["name"]] = attributes["value"]
        if attributes.get("type") == "checkbox" and " checked" in tag:
            found.setdefault(attributes["name"], [])
            found[attributes["name"]] = [*found[attributes["name"]], attributes["value"]]  # type: ignore[misc]
        if attributes.get("type") == "hidden" and attributes["name"].startswith("column-"):
            found[attributes["name"]] = attributes["value"]
    return found


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
