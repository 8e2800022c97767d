# SPDX-License-Identifier: GPL-2.0
"""What is left: the cases that evade the module in each round, and why.

docs/EVASION.md says the same for operators. A case that evades and is not named here fails the
suite, and so does one that is named and does not evade.
"""

TTL = "a packet that is dropped after the router looks like any other there"
AGE = "only the victim knows which timestamp is too old"
DISCARDED = "only the victim knows which extension headers it discards"
MTU = "a link after the router is narrower than the router knows"
OVERLAP = "the victim alone decides which of two copies it keeps"
FORGOTTEN = "conntrack forgets the connection, and takes the next segment for the middle of another"
LOST = "the segment with the answer's header is lost, and no record's header is in the next ones"
MULTIPATH = "a stream that both ends may send in parts on other ways passes unread"
FORGED = "a segment from the wrong side of the router looks like the victim's own"


def both(name: str) -> tuple[str, str]:
    """The case by a client and by a server, inside the session."""
    return f"{name}_protected", f"{name}_by_server_protected"


def all_of(reasons: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The reason of each case."""
    return {case: reason for reason, cases in reasons.items() for case in cases}


# With heartbeats refused, a request gains nothing: its answer is refused. What is left hides both
# directions, or needs a loss where heartbeats were not negotiated.
WITH_DEFAULTS = all_of(
    {
        FORGED: (
            "spoofed_answer_and_short_ttl",
            "spoofed_answer_and_short_ttl_by_server",
            *both("spoofed_answer_and_short_ttl"),
        ),
        MULTIPATH: (
            "multipath_taken_back",
            "multipath_taken_back_protected",
        ),
        LOST: (
            *both("answer_without_its_header"),
            *both("overlap_and_answer_without_its_header"),
        ),
        FORGOTTEN: (
            "forgotten_after_rst",
            "forgotten_after_rst_protected",
            "forgotten_after_fin",
            "forgotten_after_fin_protected",
        ),
    }
)

# With heartbeats judged by RFC 6520, one answer of up to 16 KiB passes as the victim's own request.
WITH_HEARTBEATS = WITH_DEFAULTS | all_of(
    {
        TTL: both("short_ttl_decoy"),
        AGE: both("old_timestamp_decoy"),
        DISCARDED: (
            *both("unknown_option_decoy"),
            *both("unknown_routing_decoy"),
            *both("authentication_decoy"),
        ),
        MTU: (*both("over_mtu_decoy"), *both("ipv6_over_mtu_decoy")),
        OVERLAP: both("overlap_in_a_body"),
        FORGED: both("spoofed_answer"),
    }
)

# What begins in the middle, and is refused with midstream=drop.
IN_THE_MIDDLE = {case for case, reason in WITH_DEFAULTS.items() if reason == FORGOTTEN}

# What no rule of examples/ closes.
WITH_RULES = {
    case: reason
    for case, reason in WITH_HEARTBEATS.items()
    if reason == OVERLAP or case in both("overlap_and_answer_without_its_header")
}
