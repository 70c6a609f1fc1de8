"""Which device a person sets up: guessed from the User-Agent by family only, chosen by hand in the URL.

An iPad calls itself a Mac and the versions in the string are frozen, so nothing finer is read from it, and every
page offers the choice.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Device(StrEnum):
    """A family of devices; the value stands in URLs."""

    IPHONE = "iphone"
    ANDROID = "android"
    MAC = "mac"
    WINDOWS = "windows"
    LINUX = "linux"

    @property
    def is_computer(self) -> bool:
        """Whether its page offers a code to continue on the phone."""
        return self in (Device.MAC, Device.WINDOWS, Device.LINUX)


class InApp(StrEnum):
    """A browser from which iOS does not open a profile."""

    LINE = "LINE"
    FIREFOX = "Firefox"
    DUCKDUCKGO = "DuckDuckGo"
    INSTAGRAM = "Instagram"
    FACEBOOK = "Facebook"
    X = "X"
    YAHOO_JAPAN = "Yahoo! JAPAN"
    GOOGLE = "Google"
    EDGE = "Edge"
    OPERA = "Opera"
    OTHER = ""


_FAMILIES = (
    (re.compile(r"iPhone|iPad|iPod"), Device.IPHONE),
    (re.compile(r"Android"), Device.ANDROID),
    (re.compile(r"Macintosh|Mac OS X"), Device.MAC),
    (re.compile(r"Windows"), Device.WINDOWS),
    (re.compile(r"Linux|X11|CrOS"), Device.LINUX),
)

# Chrome (CriOS) and Brave hand a profile to Safari's view themselves, so they are not listed (apple.md section 4).
_IN_APP = (
    (re.compile(r"\bLine/"), InApp.LINE),
    (re.compile(r"\bFxiOS/|\bFocus/|\bKlar/"), InApp.FIREFOX),
    (re.compile(r"DuckDuckGo/|\bDdg/"), InApp.DUCKDUCKGO),
    (re.compile(r"Instagram"), InApp.INSTAGRAM),
    (re.compile(r"\bFBAN/|\bFBAV/|\bFB_IAB/"), InApp.FACEBOOK),
    (re.compile(r"Twitter for i"), InApp.X),
    (re.compile(r"YJApp-|YahooJMobileApp|Y!J-"), InApp.YAHOO_JAPAN),
    (re.compile(r"\bGSA/"), InApp.GOOGLE),
    (re.compile(r"\bEdgiOS/"), InApp.EDGE),
    (re.compile(r"\bOPiOS/|\bOPT/|\bOPX/"), InApp.OPERA),
)
_HANDS_OVER = re.compile(r"\bCriOS/|\bVersion/[\d.]+.* Safari/")
_ANDROID_VIEWS = frozenset({InApp.LINE, InApp.INSTAGRAM, InApp.FACEBOOK, InApp.YAHOO_JAPAN})


def detect(user_agent: str) -> Device:
    """Guess the family. An unknown device gets the computer's page, which offers everything."""
    return next((device for pattern, device in _FAMILIES if pattern.search(user_agent)), Device.WINDOWS)


def in_app_browser(user_agent: str) -> InApp | None:
    """Say which browser must be left for the phone's own one, None when this one will do."""
    device = detect(user_agent)
    known = next((app for pattern, app in _IN_APP if pattern.search(user_agent)), None)
    if device is Device.ANDROID:
        return known if known in _ANDROID_VIEWS else None
    if known is not None and ("Mobile" in user_agent or device is Device.IPHONE or known is InApp.FIREFOX):
        return known if device in (Device.IPHONE, Device.MAC) else None
    is_bare_view = device is Device.IPHONE and not _HANDS_OVER.search(user_agent)
    return InApp.OTHER if is_bare_view else None
