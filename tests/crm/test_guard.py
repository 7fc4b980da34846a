"""Requests out go nowhere inside: a corpus of a thousand addresses, 0 connections."""

import ipaddress
import random
import socket

import pytest

from apps.crm import rules
from apps.crm.adapters import ADAPTERS
from apps.crm.enums import Trouble
from apps.crm.net import Client, Failed, Policy
from apps.crm.net.guard import AddressRefused, approve

V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
]
V6 = [
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


def inside(count: int) -> list[str]:
    """Addresses of every forbidden network, first, last and in between."""
    dice, found = random.Random(3), []
    networks = [ipaddress.ip_network(text) for text in V4 + V6]
    while len(found) < count:
        for network in networks:
            offset = dice.choice(
                [0, network.num_addresses - 1, dice.randrange(network.num_addresses)]
            )
            found.append(str(network[offset]))
    return found[:count]


def spellings(address: str) -> list[str]:
    """How a forbidden address may be written into a URL."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6:
        return [f"[{ip.compressed}]", f"[{ip.exploded}]"]
    whole = int(ip)
    return [str(ip), str(whole), hex(whole), f"[::ffff:{ip}]"]


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Addresses to which a connection was asked for."""
    found: list[str] = []

    def note(address, *_: object, **__: object):
        found.append(str(address))
        raise OSError("no connection in this test")

    monkeypatch.setattr(socket, "create_connection", note)
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: note(address))
    return found


def test_a_thousand_addresses_lead_nowhere_inside(opened: list[str], settings) -> None:
    settings.CRM_SIMULATOR_ALLOWED = False
    urls = [f"https://{host}/" for address in inside(400) for host in spellings(address)]
    urls += [
        "http://api.yclients.ru/",
        "https://localhost/",
        "https://user@api.yclients.ru/",
        "https://api.yclients.ru:8443/",
        "https://api.yclients.ru@127.0.0.1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "https:///",
        "https://[::1%25eth0]/",
        "http://127.0.0.1:9000/",
    ]
    let_through = []
    for url in urls:
        policy = Policy(hosts=(), limits=(), attempts=1)
        client = Client(base_url=url, policy=policy, scope="test", free_address=True)
        with client, pytest.raises(Failed) as failed:
            client.get("/")
        if failed.value.trouble != Trouble.ADDRESS:
            let_through.append(url)

    assert len(urls) >= 1000
    assert let_through == []
    assert opened == []


def test_one_private_answer_of_several_refuses_the_name(monkeypatch) -> None:
    answers = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(AddressRefused):
        approve("https://free.example/", hosts=(), free=True, ports=frozenset({443}))


def test_rebinding_gains_nothing(monkeypatch) -> None:
    """The name is asked once; what was checked is what is connected to."""
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object):
        asked.append(host)
        return [(2, 1, 6, "", ("8.8.8.8" if len(asked) == 1 else "127.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    target = approve("https://free.example/", hosts=(), free=True, ports=frozenset({443}))

    assert target.origin == "https://8.8.8.8:443"
    assert (target.host, len(asked)) == ("free.example", 1)


@pytest.mark.parametrize("system", list(ADAPTERS))
def test_another_host_than_the_vendors_is_refused(system: str) -> None:
    policy = ADAPTERS[system].policy
    foreign = ["evil.example", "api.yclients.ru.evil.example", "evilamocrm.ru", "amocrm.ru"]

    assert not any(rules.host_fits(host, policy.hosts) for host in foreign)


def test_public_addresses_are_open() -> None:
    assert all(map(rules.is_public, ["8.8.8.8", "77.88.8.8", "2a02:6b8::feed:ff"]))
    assert not any(rules.is_public(address) for address in inside(300))
