# SPDX-License-Identifier: GPL-2.0
"""What a case is, and what the cases share.

A decoy is a segment that the module reads and the victim does not: the header of a long record,
whose body the module then skips. What the victim is to read comes at the same sequence numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import victim as tls
from attacker import Attack, Setting, high

# The router lowers it to 1, and the hop after it drops the packet.
SHORT_TTL = 2

CLIENT, SERVER = Setting(), Setting(is_client=False)
CLIENT_PROTECTED = replace(CLIENT, protected=True)
SERVER_PROTECTED = replace(SERVER, protected=True)
IN_THE_CLEAR = (CLIENT, SERVER)
PROTECTED = (CLIENT_PROTECTED, SERVER_PROTECTED)
EVERYWHERE = IN_THE_CLEAR + PROTECTED

Script = Callable[[Attack], None]


@dataclass(frozen=True)
class Case:
    """An evasion, in one setting."""

    name: str
    setting: Setting
    script: Script
    # Whether conntrack has to forget the connection meanwhile.
    forgotten: bool = False


CASES: list[Case] = []


def suffix(setting: Setting) -> str:
    """The suffix for a case in that setting."""
    return ("" if setting.is_client else "_by_server") + ("_protected" if setting.protected else "")


def case(
    *settings: Setting, forgotten: bool = False, **fields: object
) -> Callable[[Script], Script]:
    """Adds a function as a case, in each of the settings."""

    def add(script: Script) -> Script:
        for setting in settings:
            setting = replace(setting, **fields)
            CASES.append(Case(script.__name__ + suffix(setting), setting, script, forgotten))
        return script

    return add


def decoy(length: int) -> bytes:
    """The header of a record of 16 KiB, and the beginning of its body."""
    return tls.record(tls.APPLICATION_DATA, bytes(1 << 14))[:5] + high(length - 5)


def decoy_for(attack: Attack) -> bytes:
    """A decoy in whose body the whole heartbeat finds room."""
    return decoy(len(attack.heartbeat))


def filler(length: int) -> bytes:
    """A record of application data, so long in all."""
    return tls.record(tls.APPLICATION_DATA, high(length - 5))
