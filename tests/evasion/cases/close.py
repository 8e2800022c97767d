# SPDX-License-Identifier: GPL-2.0
"""FIN and RST."""

from attacker import Attack, high

from .case import EVERYWHERE, case, decoy_for


@case(*EVERYWHERE)
def data_after_fin(attack: Attack) -> None:
    """The FIN arrives before the data that it follows."""
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
