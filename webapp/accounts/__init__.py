"""Who may administer this host: admins, log-in, sessions, API tokens, and the log of what they did. No Flask."""

from webapp.accounts.accounts import Accounts, open_accounts
from webapp.accounts.audit import Entry
from webapp.accounts.people import Admin, AdminState, SecretsOnce, Setup
from webapp.accounts.roles import COMMAND_LINE, Role, Scope
from webapp.accounts.sessions import Session
from webapp.accounts.tokens import Token

__all__ = [
    "COMMAND_LINE",
    "Accounts",
    "Admin",
    "AdminState",
    "Entry",
    "Role",
    "Scope",
    "SecretsOnce",
    "Session",
    "Setup",
    "Token",
    "open_accounts",
]
