"""Where a request may go: an allowed host, resolved once, all of whose addresses are public.

The very address that was checked is connected to, so a name that resolves differently the next
moment gains nothing. Loopback is open only to the simulator, never in production.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from apps.crm import rules

SIMULATOR = frozenset({"127.0.0.1", "::1"})


class AddressRefused(Exception):
    """The address may not be called. The text says which rule, never where it led."""


@dataclass(frozen=True)
class Target:
    """An approved origin: `address` is the IP to connect to, `host` what TLS must prove."""

    scheme: str
    host: str
    port: int
    address: str

    @property
    def origin(self) -> str:
        ip = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{ip}:{self.port}"

    @property
    def host_header(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def approve(url: str, *, hosts: tuple[str, ...], free: bool, ports: frozenset[int]) -> Target:
    """The target of an address, or AddressRefused. `hosts` are the vendor's; `free` lets another
    host in, which only a superadmin can have set."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise AddressRefused("unreadable") from wrong
    host = (parts.hostname or "").lower()
    if not host or parts.username is not None or parts.password is not None:
        raise AddressRefused("unreadable")
    if _is_simulator(parts.scheme, host):
        return Target("http", host, port or 80, host)
    if parts.scheme != "https":
        raise AddressRefused("scheme")
    port = port or 443
    if port not in ports:
        raise AddressRefused("port")
    if not free and not rules.host_fits(host, hosts):
        raise AddressRefused("host")
    return Target("https", host, port, _resolve(host, port))


def _is_simulator(scheme: str, host: str) -> bool:
    return bool(settings.CRM_SIMULATOR_ALLOWED and scheme == "http" and host in SIMULATOR)


def _resolve(host: str, port: int) -> str:
    """One public address; refused when any of them is not."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise AddressRefused("unknown") from unknown
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(rules.is_public(address) for address in addresses):
        raise AddressRefused("inside")
    return str(ipaddress.ip_address(addresses[0]))
