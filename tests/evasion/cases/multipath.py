# SPDX-License-Identifier: GPL-2.0
"""Multipath TCP: options that make the module believe that parts of the stream go another way."""

from attacker import MULTIPATH, Attack

from .case import CLIENT, CLIENT_PROTECTED, EVERYWHERE, case


@case(*EVERYWHERE, multipath=True)
def multipath_by_one_side(attack: Attack) -> None:
    """Only the attacker's SYN, or its SYN-ACK, has the option: both ends use TCP."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(CLIENT, CLIENT_PROTECTED, host=MULTIPATH, multipath=True)
def multipath_taken_back(attack: Attack) -> None:
    """Both SYNs have the option, and no later segment: both ends go on by TCP (RFC 8684 3.7)."""
    attack.begin()
    attack.send(attack.heartbeat)
