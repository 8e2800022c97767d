# SPDX-License-Identifier: GPL-2.0
"""Urgent data: a byte that the victim does not read."""

from attacker import Attack

from .case import EVERYWHERE, case, filler


def with_urgent_byte(attack: Attack) -> bytes:
    """A stream with a byte at offset 3 that the victim does not read.

    With it, a record of 16 KiB begins. Without it, a short record does, and the heartbeat follows.
    """
    short = filler(21)
    return short[:3] + b"\x40" + short[3:] + attack.heartbeat


@case(*EVERYWHERE)
def urgent_announced(attack: Attack) -> None:
    """A bare ACK points at the urgent byte, before it comes."""
    attack.begin()
    attack.segment(flags="AU", urgent=4)
    attack.sync()
    attack.send(with_urgent_byte(attack))


@case(*EVERYWHERE)
def urgent_inside(attack: Attack) -> None:
    """The data segment itself points at it."""
    attack.begin()
    attack.send(with_urgent_byte(attack), flags="AU", urgent=4)


@case(*EVERYWHERE)
def urgent_after(attack: Attack) -> None:
    """The data segment points past its end."""
    attack.begin()
    stream = with_urgent_byte(attack)
    attack.segment(stream[:2], flags="AU", urgent=4)
    attack.seq += 2
    attack.send(stream[2:])
