# SPDX-License-Identifier: GPL-2.0
"""Decoys that the victim does not take, or that never reach it."""

from dataclasses import replace

from attacker import Attack, Setting
from wire import UNKNOWN_AUTHENTICATION, UNKNOWN_OPTION, UNKNOWN_ROUTING

from .case import CLIENT_PROTECTED, EVERYWHERE, SHORT_TTL, case, decoy, decoy_for, filler

# Beyond the window that conntrack and the victim look back.
LONG_AGO = 70_000
# Two signatures (RFC 2385): the victim drops what has two of them, whatever keys it has.
TWO_SIGNATURES = (b"\x13\x12" + bytes(16)) * 2
# A segment of so much payload does not fit the link after the router: see run.sh.
OVER_MTU = 1300
# What the victim sends unacknowledged: no more than its first congestion window. A lag that is more
# than was acknowledged before, and less than that.
UNACKNOWLEDGED, LAG = 8000, 1000
OVER_IPV6 = tuple(replace(setting, family=6) for setting in EVERYWHERE)


def decoy_case(name: str, settings: tuple[Setting, ...] = EVERYWHERE, **how: object) -> None:
    """Adds a case: a decoy that the victim drops, then the heartbeat in its place."""
    timestamps = "age" in how

    def swap(attack: Attack) -> None:
        fields = dict(how)
        attack.begin()
        if "lag" in fields:
            fields["ack"] = attack.ack - fields.pop("lag")
        attack.segment(decoy_for(attack), **fields)
        attack.sync()
        attack.send(attack.heartbeat)

    swap.__name__ = name
    case(*settings, timestamps=timestamps)(swap)


decoy_case("wrong_checksum_decoy", bad_checksum=True)
decoy_case("short_ttl_decoy", ttl=SHORT_TTL)
decoy_case("old_timestamp_decoy", age=900_000)
decoy_case("old_ack_decoy", lag=LONG_AGO)
decoy_case("old_ack_fin_decoy", (CLIENT_PROTECTED,), lag=LONG_AGO, flags="FA")
decoy_case("future_ack_decoy", lag=-1000)
decoy_case("signature_decoy", options=TWO_SIGNATURES)
decoy_case("no_flags_decoy", flags="P")
decoy_case("unknown_option_decoy", OVER_IPV6, extensions=(UNKNOWN_OPTION,))
decoy_case("unknown_routing_decoy", OVER_IPV6, extensions=(UNKNOWN_ROUTING,))
decoy_case("authentication_decoy", OVER_IPV6, extensions=(UNKNOWN_AUTHENTICATION,))


@case(*EVERYWHERE)
def unacknowledged_decoy(attack: Attack) -> None:
    """A decoy that acknowledges a number before the stream, by less than the stream is long."""
    attack.begin()
    assert attack.victim is not None
    acknowledged = attack.ack
    with attack.not_acknowledging():
        attack.victim.say(filler(UNACKNOWLEDGED))
        attack.sync()
    attack.segment(decoy_for(attack), ack=acknowledged - LAG)
    attack.sync()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def over_mtu_decoy(attack: Attack) -> None:
    """A decoy too long for a link after the router, and marked as not to be fragmented."""
    attack.begin()
    attack.segment(decoy(OVER_MTU), dont_fragment=True)
    attack.sync()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE, family=6)
def ipv6_over_mtu_decoy(attack: Attack) -> None:
    """The same over IPv6, where no router fragments."""
    attack.begin()
    attack.segment(decoy(OVER_MTU))
    attack.sync()
    attack.send(attack.heartbeat)
