# SPDX-License-Identifier: GPL-2.0
"""IP: fragments, options and extension headers that the victim takes."""

from attacker import Attack
from wire import DESTINATION_OPTIONS, HOP_BY_HOP

from .case import EVERYWHERE, IN_THE_CLEAR, case


@case(*EVERYWHERE)
def ip_fragments(attack: Attack) -> None:
    """Fragments of 8 bytes."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=8)


@case(*IN_THE_CLEAR)
def ip_fragments_backwards(attack: Attack) -> None:
    """The last fragment first."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=8, backwards=True)


@case(*IN_THE_CLEAR)
def ip_options(attack: Attack) -> None:
    """An IPv4 header longer than usual."""
    attack.begin()
    attack.send(attack.heartbeat, ip_options=b"\x01" * 8)


@case(*EVERYWHERE, family=6)
def ipv6(attack: Attack) -> None:
    """One segment over IPv6."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(*IN_THE_CLEAR, family=6)
def ipv6_fragments(attack: Attack) -> None:
    """Fragment headers; the first fragment must hold all of TCP's header (RFC 8200 4.5)."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=24)


@case(*IN_THE_CLEAR, family=6)
def ipv6_destination_options(attack: Attack) -> None:
    """A header of destination options before the segment."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(DESTINATION_OPTIONS,))


@case(*IN_THE_CLEAR, family=6)
def ipv6_hop_by_hop(attack: Attack) -> None:
    """Hop-by-hop and destination options."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(HOP_BY_HOP, DESTINATION_OPTIONS))


@case(*IN_THE_CLEAR, family=6)
def ipv6_extended_fragments(attack: Attack) -> None:
    """Both, in fragments."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(DESTINATION_OPTIONS,), fragment=32)
