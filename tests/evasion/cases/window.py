# SPDX-License-Identifier: GPL-2.0
"""The victim's window: small ones, and decoys that do not fit into it."""

import victim as tls
from attacker import SMALL_BUFFER, Attack, high
from tlsnet import wait_until

from .case import CLIENT_PROTECTED, EVERYWHERE, case, decoy, decoy_for, filler

# How often the victim reads until its window is open again.
READS = 8


@case(*EVERYWHERE, window=100)
def tiny_window(attack: Attack) -> None:
    """The answer is drawn in small pieces."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(CLIENT_PROTECTED, host=SMALL_BUFFER)
def full_buffer_decoy(attack: Attack) -> None:
    """A decoy that fits the window but not the victim's memory."""
    attack.begin()
    filling = tls.record(tls.APPLICATION_DATA, high(1 << 14))
    pieces = [(at, filling[at : at + 1000]) for at in range(0, len(filling), 1000)]
    for at, piece in pieces:
        attack.at(at, piece)
    attack.barrier()
    attack.at(len(filling), decoy_for(attack))
    attack.barrier()
    for _ in range(READS):
        attack.sync()
        for at, piece in pieces:
            attack.at(at, piece)
    attack.seq += len(filling)
    attack.send(attack.heartbeat)


def fill_window(attack: Attack, leave: int) -> None:
    """Fills the victim's window with records that it does not read yet, up to the last bytes."""
    while (room := (attack.edge - attack.seq) & 0xFFFFFFFF) > leave + 5:
        attack.send(filler(min(room - leave, 1 << 14)))
        wait_until(lambda: acknowledged(attack), "the acknowledgement")


def acknowledged(attack: Attack) -> bool:
    """Whether the victim's TCP has all that was sent."""
    attack.barrier()
    return attack.acked == attack.seq & 0xFFFFFFFF


@case(*EVERYWHERE)
def right_edge_decoy(attack: Attack) -> None:
    """A decoy at the right edge of a full window: conntrack takes it for a window probe."""
    attack.begin()
    fill_window(attack, leave=0)
    attack.at(0, decoy_for(attack))
    attack.barrier()
    attack.sync(READS)
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def over_the_edge_decoy(attack: Attack) -> None:
    """A decoy that begins inside the window and ends outside: the victim drops it."""
    attack.begin()
    fill_window(attack, leave=100)
    attack.at(0, decoy(1000))
    attack.barrier()
    attack.sync(READS)
    attack.send(attack.heartbeat)
