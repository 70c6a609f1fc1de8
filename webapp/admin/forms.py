"""The forms of admins. Fields only; what their values mean is decided in webapp/accounts."""

from __future__ import annotations

from flask import request
from wtforms import Form, HiddenField, PasswordField, StringField

from webapp.accounts import Role
from webapp.policy import SessionToken, refuse_form
from webapp.security import FormToken


class EntryForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """A form before there is a session: its token is signed and bound to the path."""

    class Meta:
        """WTForms' settings."""

        csrf = True
        csrf_class = FormToken
        csrf_field_name = "csrf_token"
        csrf_context = ""
        locales = False

    name = StringField()
    password = PasswordField()
    code = StringField()


class AdminForm(Form):  # type: ignore[misc]
    """A form within a session."""

    class Meta:
        """WTForms' settings."""

        csrf = True
        csrf_class = SessionToken
        csrf_field_name = "csrf_token"
        locales = False


class CodeForm(AdminForm):
    """The second factor, with the password where both are asked again."""

    password = PasswordField()
    code = StringField()


class SearchForm(AdminForm):
    """Whose checks to look for."""

    address = StringField()


class AdminFields(AdminForm):
    """A new admin, or another role."""

    name = StringField()
    role = StringField(default=Role.OPERATOR.value)


class TokenForm(AdminForm):
    """A new token."""

    name = StringField()
    days = StringField(default="365")


class ChoiceForm(AdminForm):
    """One button that names what it is pressed for."""

    id = HiddenField()


def entry_form(path: str) -> EntryForm:
    """Make a form of `path` before there is a session."""
    data = request.form if request.method == "POST" else None
    return EntryForm(data, meta={"csrf_context": path})


def sent(form: AdminForm) -> None:
    """Refuse a form whose token is not this session's."""
    if not form.csrf_token.validate(form):
        refuse_form()
