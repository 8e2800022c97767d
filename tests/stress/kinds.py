# SPDX-License-Identifier: GPL-2.0
"""The kinds of connections in the stress test, and what the module counts for each."""

from collections import Counter
from dataclasses import dataclass, field

from vectorfile import lines_of


@dataclass(frozen=True)
class Kind:
    """What the client sends, how it ends, and what is counted besides the connection itself."""

    data: bytes
    # "close": with FINs; "cut": reset when all has arrived; "reset": at once.
    ending: str
    counts: Counter[str] = field(default_factory=Counter)


def _read(data: bytes, ending: str, records: int = 1, truncated: int = 0) -> Kind:
    return Kind(data, ending, Counter(bytes=len(data), records=records, truncated=truncated))


def _breaks(reason: str, data: bytes) -> Kind:
    return Kind(data, "reset", Counter({"condemned": 1, reason: 1}))


def high(count: int) -> bytes:
    """Bytes that look like ciphertext."""
    return bytes(0x80 | i & 0x7F for i in range(count))


HANDSHAKE = lines_of("honest_full_handshake_13")[:3]
HELLO = HANDSHAKE[0][1]
HALF = HELLO[: len(HELLO) // 2]
# A hello and a record of early data.
EARLY = lines_of("honest_early_data_no_ccs")[0][1]

KINDS = [
    _read(HELLO, "close"),
    _breaks("record_type", b"GET / HTTP/1.0\r\n\r\n"),
    _read(EARLY + bytes.fromhex("17 0303 0800") + high(2048), "close", records=3),
    _breaks("heartbleed", HELLO + bytes.fromhex("18 0302 0003 01 4000")),
    _read(HALF, "close", truncated=1),
    _breaks("record_version", bytes.fromhex("16 0400 0010")),
    _read(HALF, "cut"),
    _breaks("record_length", bytes.fromhex("16 0301 ffff")),
]
