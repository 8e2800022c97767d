# SPDX-License-Identifier: GPL-2.0
"""Segments in the victim's name, sent from the attacker's side of the router."""

from attacker import CLAIMED, Attack

from .case import EVERYWHERE, PROTECTED, SHORT_TTL, case, decoy, decoy_for

# More than the victim's answer has.
SPOOFED = CLAIMED + 1000


@case(*PROTECTED)
def spoofed_answer(attack: Attack) -> None:
    """A decoy in the victim's name takes the place of its answer; the request is sent openly."""
    attack.begin()
    attack.sync()
    attack.spoof(decoy(SPOOFED))
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def spoofed_answer_and_short_ttl(attack: Attack) -> None:
    """A decoy each way: one is dropped after the router, one is spoofed."""
    attack.begin()
    attack.segment(decoy_for(attack), ttl=SHORT_TTL)
    attack.sync()
    attack.spoof(decoy(SPOOFED))
    attack.send(attack.heartbeat)
