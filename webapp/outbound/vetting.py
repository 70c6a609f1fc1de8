"""Which addresses may be reached: public ones, and those that the host allows by name of their network."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
_V4_COMPATIBLE = ip_network("::/96")
# is_global calls these public in Python 3.11 (some until 3.12): local NAT64, the old 6to4 relay.
_NEVER_PUBLIC = (ip_network("64:ff9b:1::/48"), ip_network("192.88.99.0/24"))


def is_allowed(text: str, allow_networks: Iterable[IPNetwork]) -> bool:
    """Whether a connection to this address is allowed.

    What an address carries inside (IPv4-mapped, NAT64, 6to4, Teredo) decides, not its outer form.
    """
    address = ip_address(text.partition("%")[0])
    networks = tuple(allow_networks)
    if any(_is_in(address, network) for network in networks):
        return True
    carried = tuple(_carried(address))
    if carried and all(any(_is_in(inner, network) for network in networks) for inner in carried):
        return True
    return is_public(address) and not is_own(address)


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet, whatever it is wrapped in."""
    carried = tuple(_carried(address))
    if carried:
        return all(is_public(inner) for inner in carried)
    if any(_is_in(address, network) for network in _NEVER_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


def is_own(address: IPAddress) -> bool:
    """Whether this machine has the address: then the kernel would also send from it. No packet leaves."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(str(probe.getsockname()[0]).partition("%")[0]) == address
    except OSError:
        return False  # no route: the connection will say so


def _carried(address: IPAddress) -> Iterator[IPv4Address]:
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_in(address: IPAddress, network: IPNetwork) -> bool:
    return address.version == network.version and address in network
