"""The check that a page starts, follows and hands its result over from.

It brings the budget, the probes, the signer and the links together. Rows hold the account, the stages and the
outcome; the password is in the memory of one thread. Everything a check's page shows derives from the token in its
link, so nothing that opens a link or a file is at rest.
"""

from webapp.checks.live import Probe
from webapp.checks.service import KEEP_SECONDS, LOST_SECONDS, RENEWABLE_SECONDS, Checks
from webapp.checks.views import CheckOptions, CheckState, CheckView, Outcome

__all__ = [
    "KEEP_SECONDS",
    "LOST_SECONDS",
    "RENEWABLE_SECONDS",
    "CheckOptions",
    "CheckState",
    "CheckView",
    "Checks",
    "Outcome",
    "Probe",
]
