"""The employee's forms. Fields only; what their values mean is read in submission.py."""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, HiddenField, PasswordField, StringField

from profiles.model import ASK, DEFAULT_PORTS, MailAccount, Protocol, SocketType
from webapp.security import FormToken


class EmployeeForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """A form without cookies: its token is bound to the path it is posted to."""

    class Meta:
        """WTForms' settings."""

        csrf = True
        csrf_class = FormToken
        csrf_field_name = "csrf_token"
        csrf_context = ""
        locales = False


class SetupForm(EmployeeForm):
    """Address, name, password; the user name where the provider gave one; the servers where nobody knows them."""

    address = StringField()
    full_name = StringField()
    username = StringField()
    password = PasswordField()
    password_as_typed = BooleanField()
    include_password = BooleanField(default=True, false_values=(False, "", "0", "false", "no", "off"))
    device = HiddenField()
    found = HiddenField()
    """Source and domain of the servers that the form shows: sending them back unchanged confirms them."""
    protocol = HiddenField()
    """What the person wants where the service offers both: imap or pop3."""
    incoming_protocol = StringField(default=Protocol.IMAP.value)
    incoming_hostname = StringField()
    incoming_port = StringField()
    incoming_security = StringField(default=SocketType.SSL.value)
    incoming_username = StringField()
    outgoing_hostname = StringField()
    outgoing_port = StringField()
    outgoing_security = StringField(default=SocketType.SSL.value)
    outgoing_username = StringField()


class ConfirmForm(EmployeeForm):
    """One button that changes something: claim a hand-over, issue unchecked."""


class PasswordForm(EmployeeForm):
    """The password once more: it is kept nowhere."""

    password = PasswordField()


SERVER_LABELS = {"incoming": _l("Incoming server"), "outgoing": _l("Outgoing server (SMTP)")}
CHOICES = {
    "incoming_protocol": {Protocol.IMAP.value: "IMAP", Protocol.POP3.value: "POP3"},
    "incoming_security": {SocketType.SSL.value: "SSL/TLS", SocketType.STARTTLS.value: "STARTTLS"},
    "outgoing_security": {SocketType.SSL.value: "SSL/TLS", SocketType.STARTTLS.value: "STARTTLS"},
}
"""What may be chosen in a field, with its words; anything else counts as the default."""
PORTS = {f"{protocol} {security}": str(port) for (protocol, security), port in DEFAULT_PORTS.items()}
"""For the script: the usual port of each protocol and security."""


def setup_form(path: str, data: MultiDict[str, str] | None = None) -> SetupForm:
    """Make the form of `path`; `data` is what was posted.

    A box that was not ticked is not sent at all. The hidden field `include_password_shown` tells that from a
    script which does not know the box: there the default (ticked) holds.
    """
    if data is not None and "include_password" not in data and "include_password_shown" not in data:
        data = MultiDict(data)
        data["include_password"] = "1"
    return SetupForm(data, meta={"csrf_context": path})


def confirm_form(path: str) -> ConfirmForm:
    """Make a form with nothing but its token."""
    data = request.form if request.method == "POST" else None
    return ConfirmForm(data, meta={"csrf_context": path})


def password_form(path: str) -> PasswordForm:
    """Make the form that asks for the password alone."""
    data = request.form if request.method == "POST" else None
    return PasswordForm(data, meta={"csrf_context": path})


def preferred(form: SetupForm) -> Protocol | None:
    """IMAP or POP3, where the person chose."""
    chosen = form.protocol.data
    return Protocol(chosen) if chosen in CHOICES["incoming_protocol"] else None


def forget_servers(form: SetupForm) -> None:
    """Empty the fields of servers by hand."""
    for side in ("incoming", "outgoing"):
        for part in ("hostname", "port", "username"):
            form[f"{side}_{part}"].data = ""


def fill_servers(form: SetupForm, account: MailAccount) -> None:
    """Put an account's servers into the fields of servers by hand."""
    for name, value in server_fields(account).items():
        form[name].data = value


def server_fields(account: MailAccount) -> dict[str, str]:
    """The fields of servers by hand for an account's chosen servers."""
    fields: dict[str, str] = {}
    for side, servers in (("incoming", account.incoming[:1]), ("outgoing", account.outgoing[:1])):
        for server in servers:
            fields |= {
                f"{side}_hostname": server.hostname,
                f"{side}_port": str(server.port),
                f"{side}_security": server.socket_type.value,
                f"{side}_username": "" if server.username in (str(account.address), ASK) else server.username,
            }
    if account.incoming:
        fields["incoming_protocol"] = account.incoming[0].protocol.value
    return fields
