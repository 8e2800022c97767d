# SPDX-License-Identifier: GPL-2.0
"""ICMP errors that read like segments of the connection they belong to."""

from attacker import Attack

from .case import CLIENT, CLIENT_PROTECTED, case, decoy_for


def swap_with_error(attack: Attack) -> None:
    """A decoy inside an ICMP error, then the heartbeat in its place."""
    attack.begin()
    attack.icmp_error(decoy_for(attack))
    attack.sync()
    attack.send(attack.heartbeat)


@case(CLIENT, CLIENT_PROTECTED)
def icmp_decoy(attack: Attack) -> None:
    """Over IPv4: the inner header's identification reads as the length of TCP's header."""
    swap_with_error(attack)


@case(CLIENT, CLIENT_PROTECTED, family=6)
def icmpv6_decoy(attack: Attack) -> None:
    """Over IPv6: the inner header's length does."""
    swap_with_error(attack)
