"""`--connect HOST:PORT=ADDRESS:PORT`: lead a name somewhere else, as curl does, to try what is not yet in DNS."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import click

from profiles.problems import N_
from webapp.cli.terminal import in_words

Overrides = dict[tuple[str, int], tuple[str, int]]


def connect_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--connect`, handed over as `connect_to`."""
    return click.option(
        "--connect",
        "connect_to",
        multiple=True,
        metavar="HOST:PORT=ADDRESS:PORT",
        callback=_overrides,
        help="Connect to ADDRESS:PORT whenever HOST:PORT is meant; TLS still proves HOST. May be repeated.",
    )(command)


def _overrides(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Overrides:
    return dict(_override(value, ctx, param) for value in values)


def _override(value: str, ctx: click.Context, param: click.Parameter) -> tuple[tuple[str, int], tuple[str, int]]:
    from profiles.address import to_host

    name, _, place = value.partition("=")
    (host, port), (address, other) = _pair(name), _pair(place)
    ascii_host = to_host(host)
    if ascii_host is None or not _is_address(address) or not (_is_port(port) and _is_port(other)):
        raise click.BadParameter(
            in_words(N_("“%(value)s” is not HOST:PORT=ADDRESS:PORT."), value=value), ctx, param
        )
    return (ascii_host, int(port)), (address, int(other))


def _pair(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535
