# SPDX-License-Identifier: GPL-2.0
"""Entries of conntrack that are used again, or are forgotten before their connection has ended."""

import victim as tls
from attacker import COOKIES, Attack
from router import await_forgotten, clock_to_move, losing

from .case import CLIENT, CLIENT_PROTECTED, SHORT_TTL, case

FIRST, LOWER, HIGHER = 2_000_000_000, 2_000_000_000 - (1 << 30), 2_100_000_000
# The server's numbers move on by so much of 2^32, and are then before the earlier ones.
BACKWARDS = 0.75


@case(CLIENT, CLIENT_PROTECTED, host=COOKIES)
def syn_cookies(attack: Attack) -> None:
    """Two SYNs to a server that keeps nothing. The second has a number that is 2^30 lower."""
    attack.seq = FIRST
    attack.syn()
    attack.await_syn()
    attack.expect_syn()
    attack.open(LOWER)
    attack.greet()
    attack.send(attack.heartbeat)


@case(CLIENT, CLIENT_PROTECTED)
def reopened_after_server_reset(attack: Attack) -> None:
    """The server resets. The next connection from the same port has lower numbers both ways."""
    with clock_to_move(0):
        attack.open(FIRST)
    attack.send(tls.hello(tls.CLIENT_HELLO))
    attack.sync()
    assert attack.victim is not None
    attack.victim.close()
    with clock_to_move(BACKWARDS):
        attack.reopen(LOWER)
    attack.greet()
    attack.send(attack.heartbeat)


def reset_unseen(attack: Attack) -> None:
    """Resets the victim by a number that conntrack never sees acknowledged."""
    data = tls.record(tls.ALERT, b"\x01\x5a")
    with losing(attack.port):
        attack.segment(data)
        attack.segment(seq=attack.seq - 1)
        attack.seq += len(data)
        attack.segment(flags="R", ack=0)
        attack.sync(2)
    assert attack.victim is not None
    attack.victim.close()


def begin_anew(attack: Attack, first: int, second: int, move: float) -> None:
    """Another connection between the same ports, which conntrack takes for the old one."""
    attack.begin(first)
    reset_unseen(attack)
    with clock_to_move(move):
        attack.reopen(second)
    attack.greet()
    attack.send(attack.heartbeat)


@case(CLIENT, CLIENT_PROTECTED)
def begun_anew(attack: Attack) -> None:
    """The same ports when the server's numbers are before those of the first connection."""
    begin_anew(attack, FIRST, LOWER, BACKWARDS)


@case(CLIENT, CLIENT_PROTECTED)
def begun_anew_at_once(attack: Attack) -> None:
    """The same ports at once."""
    begin_anew(attack, FIRST, HIGHER, 0)


@case(CLIENT, CLIENT_PROTECTED, forgotten=True)
def forgotten_after_rst(attack: Attack) -> None:
    """A reset that reaches conntrack and not the victim; then the heartbeat, cut in two."""
    attack.begin()
    attack.segment(flags="R", ack=0, ttl=SHORT_TTL)
    await_forgotten(attack.client())
    attack.send(attack.heartbeat[:4])
    attack.send(attack.heartbeat[4:])


@case(CLIENT, CLIENT_PROTECTED, forgotten=True)
def forgotten_after_fin(attack: Attack) -> None:
    """A FIN after a gap, which conntrack believes and the victim does not read yet."""
    attack.begin()
    attack.at(10_000, b"", flags="FA")
    attack.sync()
    await_forgotten(attack.client())
    attack.send(attack.heartbeat[:4])
    attack.send(attack.heartbeat[4:])
