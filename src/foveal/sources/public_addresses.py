"""Which addresses of the network are public: nothing else is fetched from unless the operator lists it.

Sources: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its updates), the IPv6 address
space registry (only 2000::/3 is handed out as global unicast), RFC 4291 (IPv4-mapped), RFC 6052 (NAT64), RFC 3056
(6to4) and RFC 4380 (Teredo). The tables stand here because `ipaddress.is_global` differs between Python's patches and
takes multicast for global.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' NAT, and a cloud's metadata (100.100.100.200)
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a cloud's host agent, in public space
            "169.254.0.0/16",  # link-local, and most clouds' metadata (169.254.169.254)
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments, and a cloud's metadata (192.0.0.192)
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo, which hides an IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which hides an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the internet.

    IPv4-mapped and NAT64 addresses are judged by the IPv4 address they lead to; other IPv6 forms with one inside are
    not public, nor is an address with a zone.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None:
        return False
    inner = address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
    if inner is not None:
        return is_public(inner)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What an operator opens: hosts by name, and networks.

    Attributes:
        hosts: Lower-case names, matched whole.
        networks: A single address is a network of one.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, entries: Sequence[str]) -> Allowed:
        """Hosts, addresses and networks (`10.1.0.0/16`), mixed.

        Raises:
            ValueError: Naming the entry that is none of these.
        """
        hosts, networks = set(), []
        for entry in filter(None, (e.strip().lower() for e in entries)):
            try:
                networks.append(ip_network(entry.strip("[]")))
            except ValueError:
                if set(entry) & set("/:*@ "):
                    raise ValueError(f"{entry!r} is no host, address or network") from None
                hosts.add(entry)
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def opens(self, host: str, address: Address) -> bool:
        """Whether the operator opens this address, or whatever this host is at."""
        return host.lower() in self.hosts or any(
            form in network for form in _forms(address) for network in self.networks
        )


def parse_address(text: str) -> Address | None:
    """An address as a resolver gives it; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _forms(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        yield address.ipv4_mapped
