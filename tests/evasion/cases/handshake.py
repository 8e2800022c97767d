# SPDX-License-Identifier: GPL-2.0
"""What must not reach the victim, though no heartbeat is in it."""

import victim as tls
from attacker import Attack

from .case import IN_THE_CLEAR, SERVER, case, filler

CERTIFICATE_REQUEST, SERVER_KEY_EXCHANGE = 13, 12


@case(*IN_THE_CLEAR)
def application_data_before_any_hello(attack: Attack) -> None:
    """The stream begins with application data, in the clear."""
    attack.forbidden = filler(100)
    attack.open()
    attack.send(attack.forbidden)


def change_early(attack: Attack, *before: bytes) -> None:
    """A ChangeCipherSpec before the keys that it changes to were agreed on (CVE-2014-0224)."""
    attack.forbidden = tls.CHANGE_CIPHER_SPEC
    attack.open()
    attack.be_greeted()
    attack.send(attack.hello(tls.SERVER_HELLO) + b"".join(before))
    attack.sync()
    attack.send(attack.forbidden)


@case(SERVER)
def change_after_server_hello(attack: Attack) -> None:
    """Right after the ServerHello, to a client that offered no session to resume."""
    change_early(attack)


@case(SERVER)
def change_after_key_exchange(attack: Attack) -> None:
    """After a ServerKeyExchange, without a Certificate."""
    change_early(attack, tls.message(SERVER_KEY_EXCHANGE, bytes(4)))


@case(SERVER)
def change_after_certificate_request(attack: Attack) -> None:
    """After a CertificateRequest, without a Certificate."""
    change_early(attack, tls.message(CERTIFICATE_REQUEST, b"\x01\x01\x00\x02\x04\x01\x00\x00"))
