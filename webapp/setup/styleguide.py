"""Every component on one page, for whoever changes the look; only with `serve --development`."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, url_for
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from profiles import qr
from profiles.address import Address
from profiles.model import Protocol, Server, ServiceSettings, SocketType
from profiles.problems import Code, Problem
from webapp.probes.report import Stage, StageName
from webapp.setup import values
from webapp.setup.devices import Device
from webapp.setup.forms import CHOICES, PORTS, setup_form
from webapp.setup.names import DEVICE_NAMES
from webapp.setup.progress import progress
from webapp.setup.stamp import stamp

styleguide = Blueprint("styleguide", __name__)

_SERVERS = {
    protocol: Server(protocol=protocol, hostname="mail.example.co.jp", port=port, socket_type=SocketType.SSL)
    for protocol, port in ((Protocol.IMAP, 993), (Protocol.SMTP, 465))
}
_ACCOUNT = ServiceSettings(
    id="example.co.jp",
    display_name="Example",
    display_short_name="Example",
    domains=("example.co.jp",),
    incoming_servers=(_SERVERS[Protocol.IMAP],),
    outgoing_servers=(_SERVERS[Protocol.SMTP],),
).account(Address("t.yamada", "example.co.jp"), "山田 太郎")


def _stage(service: Protocol, name: StageName, ok: bool) -> Stage:
    return Stage(service=service, stage=name, ok=ok, server=_SERVERS[service].endpoint, milliseconds=31)


_STAGES = (
    _stage(Protocol.IMAP, StageName.RESOLVE, True),
    _stage(Protocol.IMAP, StageName.CONNECT, True),
    _stage(Protocol.SMTP, StageName.RESOLVE, True),
    _stage(Protocol.SMTP, StageName.CONNECT, False),
)


@styleguide.get("/styleguide")
@styleguide.get("/<any(ja, en):language>/styleguide")
def show() -> str:
    """Draw the parts with invented contents."""
    matrix = qr.matrix("https://m.example.co.jp/h/Dz9mS0c7Qk2Jw1xYpV4t8A")
    return render_template(
        "styleguide.html",
        form=setup_form("/styleguide", MultiDict({"address": "t.yamada@example"})),
        problems=(
            Problem(Code.ADDRESS_INVALID, {"address": "t.yamada@example"}, place="address"),
            Problem(Code.PASSWORD_MISSING, place="password"),
        ),
        progress=progress(_ACCOUNT, _STAGES, running=True),
        tables=values.by_hand(_ACCOUNT, values.PHONE),
        stamp=stamp(matrix, label="QR", left="QR", right="11:02"),
        code=Markup(qr.svg(matrix, label="QR")),  # noqa: S704 - built by ElementTree
        now=datetime.now(UTC),
        choices=CHOICES,
        default_ports=PORTS,
        device_names=DEVICE_NAMES,
        device_links=tuple((device, url_for("styleguide.show")) for device in Device),
    )
