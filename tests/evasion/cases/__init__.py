# SPDX-License-Identifier: GPL-2.0
"""The evasions, by theme.

Each makes, or tries to make, the victim read other bytes than the module.
"""

from . import (
    answers,
    close,
    decoys,
    handshake,
    icmp,
    ip,
    multipath,
    order,
    records,
    reuse,
    spoofed,
    syn,
    urgent,
    window,
)
from .case import CASES, Case

# To import a theme adds its cases.
THEMES = (
    records,
    order,
    syn,
    multipath,
    close,
    reuse,
    urgent,
    decoys,
    window,
    spoofed,
    ip,
    icmp,
    answers,
    handshake,
)


def all_cases() -> list[Case]:
    """All of them; their names are stable."""
    names = [case.name for case in CASES]
    if len(set(names)) != len(names):
        raise ValueError("two cases have the same name")
    return CASES
