# SPDX-License-Identifier: GPL-2.0
"""Answers to requests that look like answers, compressed ones, and ones that are half lost."""

import struct

import victim as tls
from attacker import Attack
from router import losing

from .case import CLIENT_PROTECTED, PROTECTED, SHORT_TTL, case, decoy_for, filler
from .order import replace_after_a_gap

# A record of bytes that inflate to nothing, and the claimed length, which its answer does not
# exceed.
EMPTY_BLOCKS, INFLATED_CLAIM = 640, 2000
LOST = b"this segment is lost"
# How the victim's answer begins.
HEADER = b"\x18\x03\x03"


@case(CLIENT_PROTECTED)
def requests_in_turn(attack: Attack) -> None:
    """After one hidden request, open ones: each looks like the answer to the server's own."""
    attack.begin()
    attack.segment(decoy_for(attack), ttl=SHORT_TTL)
    attack.sync()
    attack.send(attack.heartbeat)
    attack.sync(8)
    end_decoy(attack)
    attack.disregard()
    for _ in range(10):
        attack.send(attack.heartbeat)
        attack.sync(4)


def end_decoy(attack: Attack) -> None:
    """Sends the rest of the decoy's body as the module sees it: to the victim, records."""
    left = (1 << 14) + 5 - len(attack.heartbeat)
    while left > 5:
        piece = filler(min(left, 1000))
        attack.send(piece)
        left -= len(piece)
    attack.sync()


@case(*PROTECTED, compressed=True)
def compressed_request(attack: Attack) -> None:
    """A long record inflates to a request of three bytes, so that its answer is no longer."""
    request = tls.stored(b"\x01" + struct.pack("!H", INFLATED_CLAIM))
    body = tls.ZLIB_HEADER + tls.stored(b"") * EMPTY_BLOCKS + request
    attack.heartbeat = tls.record(tls.HEARTBEAT, tls.protect(body))
    attack.begin()
    attack.send(attack.heartbeat)


@case(*PROTECTED, heartbeats=False)
def answer_after_a_lost_segment(attack: Attack) -> None:
    """The request is hidden, and what the victim sent before its answer is lost."""
    attack.begin()
    attack.segment(decoy_for(attack), ttl=SHORT_TTL)
    attack.sync()
    assert attack.victim is not None
    with losing(attack.port, LOST):
        attack.victim.say(tls.record(tls.APPLICATION_DATA, LOST))
        attack.sync()
        attack.send(attack.heartbeat)
        attack.sync(4)


@case(*PROTECTED, heartbeats=False)
def answer_without_its_header(attack: Attack) -> None:
    """The request is hidden, and the answer's first segment is lost."""
    attack.begin()
    attack.segment(decoy_for(attack), ttl=SHORT_TTL)
    attack.sync()
    with losing(attack.port, HEADER):
        attack.send(attack.heartbeat)
        attack.sync(4)


@case(*PROTECTED, heartbeats=False)
def overlap_and_answer_without_its_header(attack: Attack) -> None:
    """The same; the request is hidden by an overlap."""
    attack.begin()
    with losing(attack.port, HEADER):
        replace_after_a_gap(attack)
        attack.sync(4)
