# SPDX-License-Identifier: GPL-2.0
"""Segments out of order, and segments that overlap."""

from attacker import Attack, high

from .case import EVERYWHERE, case, decoy, decoy_for, filler


@case(*EVERYWHERE)
def reordered_halves(attack: Attack) -> None:
    """The second half first."""
    attack.begin()
    attack.at(4, attack.heartbeat[4:])
    attack.at(0, attack.heartbeat[:4])


@case(*EVERYWHERE)
def gap_filled_late(attack: Attack) -> None:
    """The middle comes last, when everything else has arrived."""
    attack.begin()
    attack.at(0, attack.heartbeat[:2])
    attack.at(6, attack.heartbeat[6:])
    attack.sync()
    attack.at(2, attack.heartbeat[2:6])


@case(*EVERYWHERE)
def overlap_at_start(attack: Attack) -> None:
    """The second segment begins with other bytes for the end of the first."""
    attack.begin()
    attack.at(0, attack.heartbeat[:4])
    attack.at(2, b"\x17\x17" + attack.heartbeat[4:])


@case(*EVERYWHERE)
def overlap_at_end(attack: Attack) -> None:
    """The first segment comes last, and ends in other bytes for the beginning of the second."""
    attack.begin()
    attack.at(4, b"\x17\x17" + attack.heartbeat[6:])
    attack.at(0, attack.heartbeat[:6])


@case(*EVERYWHERE)
def overlap_whole(attack: Attack) -> None:
    """Segments out of order, one of which takes the place of the other at the victim."""
    attack.begin()
    attack.at(1, decoy_for(attack)[1:-1])
    attack.at(1, attack.heartbeat[1:])
    attack.at(0, attack.heartbeat[:1])


def replace_after_a_gap(attack: Attack) -> None:
    """Sends a decoy after a gap in a body, then the heartbeat in its place, and fills the gap."""
    body = high(100)
    attack.send(filler(105)[:5])
    attack.at(50, body[50:] + decoy_for(attack))
    attack.at(50, body[50:] + attack.heartbeat + high(1))
    attack.at(0, body[:50])
    attack.seq += len(body) + len(attack.heartbeat)


@case(*EVERYWHERE)
def overlap_in_a_body(attack: Attack) -> None:
    """The same after a gap in a body, with a record's header in the segment."""
    attack.begin()
    replace_after_a_gap(attack)


@case(*EVERYWHERE)
def other_bytes_before_the_ack(attack: Attack) -> None:
    """A retransmission with other bytes follows at once."""
    attack.begin()
    attack.at(0, attack.heartbeat[:4])
    attack.at(0, decoy(8)[:4])
    attack.at(4, attack.heartbeat[4:])


@case(*EVERYWHERE)
def other_bytes_after_the_ack(attack: Attack) -> None:
    """A retransmission with other bytes follows when the first were acknowledged."""
    attack.begin()
    attack.at(0, attack.heartbeat[:4])
    attack.sync()
    attack.at(0, decoy(8)[:4])
    attack.sync()
    attack.at(4, attack.heartbeat[4:])


@case(*EVERYWHERE)
def wrap_in_the_header(attack: Attack) -> None:
    """The sequence number wraps in the middle of the record's header."""
    attack.begin(attack.isn_for_wrap())
    for byte in attack.heartbeat:
        attack.send(bytes([byte]))


@case(*EVERYWHERE)
def wrap_out_of_order(attack: Attack) -> None:
    """The same, and the second half first."""
    attack.begin(attack.isn_for_wrap())
    attack.at(3, attack.heartbeat[3:])
    attack.at(0, attack.heartbeat[:3])
