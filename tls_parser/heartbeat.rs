// SPDX-License-Identifier: GPL-2.0

//! Heartbeats (RFC 6520), and all rules about them.
//!
//! ```text
//!      0      1        2        3                 3 + payload_length
//!   +------+--------+--------+-------------------+-------------+
//!   | type | payload_length  |      payload      | padding>=16 |
//!   +------+--------+--------+-------------------+-------------+
//! ```
//!
//! In the clear (before the direction's own ChangeCipherSpec, and in TLS 1.3) the message is judged
//! at its third byte. An answer needs the rest of the record, so a vulnerable peer never gets what
//! it needs. A protected one shows only its length, and is judged at its header.
//!
//! # Credit
//!
//! A request grants the other side a credit, which answers use up: see [`Credit`]. In the clear an
//! answer carries the same payload as its request. Protected, an answer is one record, no longer
//! than the request's record, and shorter if the request was padded more. A heartbleed answer comes
//! as up to five records. If the request's record was 16 KiB long, none of them is longer, so their
//! lengths are added up. An answer below [`SMALLEST_FRAGMENT_LIMIT`] closes the credit, since no
//! stack cuts its records that short. A longer one may be the first of several, so what is left of
//! the credit stays open until the answering side sends anything else, or the requesting side its
//! next request. A record of 16 KiB may be the first of several even if it uses up the credit.
//!
//! # Who asks?
//!
//! If a request was hidden from the module, its answer looks like a request, and the attacker's
//! next request looks like the answer to it. So an answer that is much shorter than its request
//! counts as both. It answers, and it grants the next heartbeat no more credit than its own length.
//! After many answers that are a little shorter, the next such answer counts as both, too. Two
//! requests that cross each other are told apart only if they are equally long.

use super::{
    header::MAX_PLAINTEXT,
    reason::Reason,
    scratch::{
        Credit,
        Scratch, //
    },
    side::{
        Side,
        Stop, //
    },
    state::{
        position,
        DirState,
        Fact,
        Mode,
        ServerFact, //
    }, //
};

/// The padding that must follow a payload (RFC 6520 4).
const MIN_PADDING: u16 = 16;
/// The type and the payload's length.
const MESSAGE_HEADER: u16 = 3;
/// The shortest protected record: 19 bytes of message, and 16 of the smallest MAC, or tag and
/// nonce.
const MIN_PROTECTED: u16 = 35;
/// The smallest limit to which records can be agreed to be cut (RFC 6066 4).
const SMALLEST_FRAGMENT_LIMIT: u16 = 512;
/// By how much an answer may be shorter than its request, for its padding, and not count as a
/// request.
const MAX_EXTRA_PADDING: u16 = 512;

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;

impl DirState {
    /// What is known of the direction's heartbeats.
    fn credit(&self) -> Credit {
        match self.scratch() {
            Scratch::Credit(credit) => credit,
            _ => Credit::default(),
        }
    }

    /// Keeps what is known of the direction's heartbeats, unless it is within a message in the
    /// clear.
    fn set_credit(&mut self, credit: Credit) {
        match self.scratch() {
            Scratch::Idle | Scratch::Credit(_) => {}
            _ => return,
        }
        self.set_scratch(match credit == Credit::default() {
            true => Scratch::Idle,
            false => Scratch::Credit(credit),
        });
    }
}

impl Credit {
    /// Whether the direction's request awaits an answer, or the rest of one.
    fn awaits_answer(self) -> bool {
        self.owed != 0 || self.open
    }

    /// Grants a credit of `owed` bytes; what was seen of the other side's answers stays.
    fn grant(self, owed: u16) -> Credit {
        Credit {
            owed,
            open: false,
            doubtful: false,
            kind: 0,
            high: 0,
            ..self
        }
    }

    /// Ends the answer; returns whether it may have been a request.
    fn close(self) -> (Credit, bool) {
        let short = self.owed != 0;
        let short_answers = self.short_answers.saturating_add(u8::from(short));
        let doubtful = self.owed > MAX_EXTRA_PADDING || short_answers > Credit::MAX_SHORT;
        let closed = Credit {
            short_answers: short_answers.min(Credit::MAX_SHORT),
            ..self.grant(0)
        };
        (closed, doubtful)
    }
}

/// Judges a heartbeat by its record's header.
pub(super) fn begin(side: &mut Side<'_>) -> Result<(), Stop> {
    forget_gap(side);
    if side.own.has(Fact::Protected) {
        return begin_protected(side);
    }
    if matches!(side.own.scratch(), Scratch::Message(_) | Scratch::Hello(_)) {
        forget_message(side);
    }
    if side.own.body_left < MESSAGE_HEADER {
        side.breaks(Reason::HeartbeatMalformed)?;
        // Its body is not read.
        check_place(side)?;
        return check_policy(side);
    }
    side.own.set_position(position::FIRST_OF_BODY);
    Ok(())
}

/// Gives up the handshake message in progress: what interrupts it breaks a rule.
fn forget_message(side: &mut Side<'_>) {
    side.own.set_scratch(Scratch::Idle);
    if side.policy.report.contains(Reason::HeartbeatInHandshake)
        || side.policy.off.contains(Reason::HeartbeatInHandshake)
    {
        side.own.forget_past(Mode::Midstream);
    }
}

/// Forgets what was found after gaps: where heartbeats come, nothing passes unread.
fn forget_gap(side: &mut Side<'_>) {
    for stream in [&mut *side.own, &mut *side.peer] {
        if let Scratch::Search(_) | Scratch::Chain(_) | Scratch::PeerAhead(_) = stream.scratch() {
            stream.set_scratch(Scratch::Idle);
        }
    }
}

fn begin_protected(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.own.body_left < MIN_PROTECTED {
        side.breaks(Reason::HeartbeatMalformed)?;
    }
    check_place(side)?;
    match_protected(side)?;
    check_policy(side)
}

/// Reads the body of a heartbeat: the first three bytes of one in the clear.
pub(super) fn feed(side: &mut Side<'_>, part: &[u8]) -> Result<(), Stop> {
    // Both are parts of a record's length, which has 16 bits.
    let mut after = side.own.body_left.saturating_add(part.len() as u16);
    for &byte in part {
        after = after.saturating_sub(1);
        match side.own.position() {
            position::FIRST_OF_BODY => {
                let kind = byte.min(RESPONSE + 1);
                side.own.set_credit(Credit {
                    kind,
                    ..side.own.credit()
                });
                side.own.set_position(position::SECOND_OF_BODY);
            }
            position::SECOND_OF_BODY => {
                side.own.set_credit(Credit {
                    high: byte,
                    ..side.own.credit()
                });
                side.own.set_position(position::THIRD_OF_BODY);
            }
            position::THIRD_OF_BODY => {
                side.own.set_position(position::BODY);
                judge_clear(side, byte, after)?;
                break;
            }
            _ => break,
        }
    }
    Ok(())
}

/// Judges a heartbeat in the clear; `low` is the second byte of its `payload_length`, and `after`
/// bytes of the record follow it.
fn judge_clear(side: &mut Side<'_>, low: u8, after: u16) -> Result<(), Stop> {
    let credit = side.own.credit();
    let payload = u16::from_be_bytes([credit.high, low]);
    side.own.set_credit(Credit {
        kind: 0,
        high: 0,
        ..credit
    });
    if credit.kind != REQUEST && credit.kind != RESPONSE {
        side.breaks(Reason::HeartbeatMalformed)?;
    }
    let fits = payload
        .checked_add(MIN_PADDING)
        .is_some_and(|needed| needed <= after);
    if !fits {
        side.breaks(Reason::Heartbleed)?;
    }
    check_place(side)?;
    let owed = payload.saturating_add(1).min(Credit::MAX_OWED);
    match_clear(side, credit.kind, owed)?;
    check_policy(side)?;
    if side.own.is_mismatched() {
        side.breaks(Reason::VersionMismatch)?;
    }
    Ok(())
}

/// `heartbeat_not_negotiated` and `heartbeat_in_handshake`.
fn check_place(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.heartbeat_not_negotiated() {
        side.breaks(Reason::HeartbeatNotNegotiated)?;
    }
    let peer_over = side.peer.has(Fact::Finished) || !side.peer.is_known();
    if !side.own.has(Fact::Finished) || !peer_over {
        side.breaks(Reason::HeartbeatInHandshake)?;
    }
    Ok(())
}

/// `heartbeat_in_flight` and `heartbeat_mismatch`, in the clear: `owed` tells payloads apart.
fn match_clear(side: &mut Side<'_>, kind: u8, owed: u16) -> Result<(), Stop> {
    if kind == RESPONSE {
        let request = side.peer.credit();
        if request.owed != owed {
            side.breaks(Reason::HeartbeatMismatch)?;
        }
        side.peer.set_credit(request.grant(0));
        return Ok(());
    }
    let credit = side.own.credit();
    if credit.awaits_answer() {
        side.breaks(Reason::HeartbeatInFlight)?;
    }
    side.own.set_credit(credit.grant(owed));
    Ok(())
}

/// `heartbeat_in_flight` and `heartbeat_mismatch`, protected: only lengths are seen.
fn match_protected(side: &mut Side<'_>) -> Result<(), Stop> {
    let length = side.own.body_left;
    if side.own.credit().open {
        // The answer to its request is over, since it sends the next one.
        close_answer(side.own, side.peer, SMALLEST_FRAGMENT_LIMIT);
    }
    let request = side.peer.credit();
    if request.awaits_answer() {
        return answer(side, request, length);
    }
    let own = side.own.credit();
    if own.awaits_answer() && !own.doubtful {
        side.breaks(Reason::HeartbeatInFlight)?;
    }
    side.own.set_credit(own.grant(length));
    Ok(())
}

/// Takes a heartbeat of `length` bytes for the answer to the peer's request, or for a part of it.
fn answer(side: &mut Side<'_>, request: Credit, length: u16) -> Result<(), Stop> {
    let Some(rest) = request.owed.checked_sub(length) else {
        side.peer.set_credit(request.grant(0));
        return side.breaks(Reason::HeartbeatMismatch);
    };
    side.peer.set_credit(Credit {
        owed: rest,
        open: rest != 0 || length >= MAX_PLAINTEXT,
        ..request
    });
    if rest != 0 && length < SMALLEST_FRAGMENT_LIMIT {
        close_answer(side.peer, side.own, length);
    }
    Ok(())
}

/// Ends the answer to the request of `requester`. If it was too short to be one for certain, it
/// counts as a request, too, of `length` bytes at least.
fn close_answer(requester: &mut DirState, answerer: &mut DirState, length: u16) {
    let (closed, doubtful) = requester.credit().close();
    requester.set_credit(closed);
    if doubtful {
        let credit = answerer.credit();
        answerer.set_credit(Credit {
            doubtful: true,
            ..credit.grant(length)
        });
    }
}

/// Ends an answer of which a part was seen: the side that answers sends something else now.
#[inline]
pub(super) fn end_answer(side: &mut Side<'_>) {
    if !side.peer.is_idle() && side.peer.credit().open {
        close_answer(side.peer, side.own, SMALLEST_FRAGMENT_LIMIT);
    }
}

/// `heartbeat_refused`: the operator allows none, or lengths mean nothing since the session
/// compresses.
fn check_policy(side: &mut Side<'_>) -> Result<(), Stop> {
    if !side.policy.heartbeat || side.server_has(ServerFact::Compression) {
        side.breaks(Reason::HeartbeatRefused)?;
    }
    Ok(())
}
