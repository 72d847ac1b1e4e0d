"""Where a webhook may go: checked when it is entered and again, on the very address used, whenever it is sent."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from core.problems import Invalid
from core.texts import Text

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(Exception):
    """The address may not be called; the text says why."""


def networks(words: Sequence[str]) -> list[Network]:
    """The private networks that the installation allows, from CIDR words. Raises ValueError."""
    return [ipaddress.ip_network(word) for word in words]


def split(url: str, *, plain: bool) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a URL. Raises Refused for anything but https (or http where ``plain``)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("not a URL") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Refused("not an https URL")
    if parts.scheme == "http" and not plain:
        raise Refused("plain http is only for allowed private networks")
    if parts.username or parts.password or parts.fragment:
        raise Refused("neither credentials nor a fragment belong there")
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise Refused("blanks and control characters do not belong there")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def resolve(host: str, port: int, allowed: Sequence[Network]) -> str:
    """One address of the host that may be called; all of them have to be such. Raises Refused, OSError."""
    found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    for address in found:
        if not is_open(address, allowed):
            raise Refused(f"{address} is not a public address")
    if not found:
        raise Refused("the name has no address")
    return min(found)


def is_open(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an address is public, or lies in a private network that the installation allows."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip.version == network.version and ip in network for network in allowed):
        return True
    return ip.is_global and not ip.is_multicast and not _carries_another(ip)


def _carries_another(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tunnel addresses (6to4, Teredo, NAT64) lead to an IPv4 address that we would not see."""
    if isinstance(ip, ipaddress.IPv4Address):
        return False
    nat64 = ip in ipaddress.ip_network("64:ff9b::/96")
    return ip.sixtofour is not None or ip.teredo is not None or nat64


def check(url: str, allowed: Sequence[Network]) -> None:
    """Refuse a URL as it is entered. Raises Invalid at ``/url``."""
    try:
        _, host, port, _ = split(url, plain=bool(allowed))
        resolve(host, port, allowed)
    except Refused as why:
        detail = Text("该地址不可用:{why}", "This address cannot be used: {why}").fill(why=why)
        raise Invalid.at("/url", "address-refused", detail) from None
    except (OSError, UnicodeError):
        raise Invalid.at("/url", "unresolvable", Text("无法解析该地址", "The address cannot be resolved")) from None
