// SPDX-License-Identifier: GPL-2.0

//! What is read: ordinary streams, and the costliest that an adversary can send. No rule is broken.

use crate::{
    tls_parser::{
        Connection,
        Direction,
        Policy, //
    },
    vectors, //
};
use std::iter;

/// As many bytes as a segment brings at most, after the network card or the stack joined several.
const JOINED: usize = 1 << 16;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Bytes to be read in order, all of them in one pass.
pub struct Input {
    /// What it is, in the table.
    pub name: &'static str,
    /// The working set: about as many bytes are read before any is read again.
    pub set: usize,
    /// Segments are at most this long.
    pub segment: usize,
    /// Whether they come out of order: they are only searched for record headers.
    pub out_of_order: bool,
    /// The connection as it is before the first byte.
    pub connection: Connection,
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// Some of an input's bytes, which one side sends.
struct Span {
    direction: Direction,
    length: usize,
    opens: bool,
}

/// What one side sends.
pub struct Line<'a> {
    /// From whom.
    pub direction: Direction,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether it opens a new connection.
    pub opens: bool,
}

impl Input {
    /// All that is sent, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = self.bytes.as_slice();
        self.spans.iter().map(move |span| {
            let (bytes, behind) = rest.split_at(span.length);
            rest = behind;
            Line {
                direction: span.direction,
                bytes,
                opens: span.opens,
            }
        })
    }

    /// How many bytes a pass reads.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }
}

/// An input, made only when it is measured: the largest are 64 MiB.
pub struct Row {
    /// The input's name.
    pub name: &'static str,
    /// The input's working set.
    pub set: usize,
    kind: Kind,
    segment: usize,
}

/// What an input is made of.
#[derive(Clone, Copy)]
enum Kind {
    /// Random bytes in records of that length.
    Ciphertext(usize),
    /// Whole handshakes, each on a connection of its own.
    Handshakes,
    /// Whole records of so many low bytes and one high byte, repeated.
    Runs(usize),
    /// Random bytes, out of order.
    OutOfOrder,
    /// Bytes of 3, the major version, out of order: a record header may begin anywhere.
    MajorVersions,
}

/// All inputs.
pub fn rows() -> Vec<Row> {
    let records = [
        ("16 KiB records", 16 * KIB),
        ("4 KiB records", 4 * KIB),
        ("1400 B records", 1400),
        ("64 B records", 64),
    ];
    let row = |name, set, kind, segment| Row {
        name,
        set,
        kind,
        segment,
    };
    let mut rows = Vec::new();
    for (name, length) in records {
        for set in [16 * KIB, MIB, 64 * MIB] {
            rows.push(row(name, set, Kind::Ciphertext(length), JOINED));
        }
    }
    rows.extend([
        row(
            "16 KiB in 1448 B segments",
            MIB,
            Kind::Ciphertext(16 * KIB),
            1448,
        ),
        row("handshake flights", MIB, Kind::Handshakes, JOINED),
        row(
            "worst: runs of seq_len low bytes",
            MIB,
            Kind::Runs(128),
            JOINED,
        ),
        row("worst: empty records", MIB, Kind::Ciphertext(0), JOINED),
        row("out-of-order segments", MIB, Kind::OutOfOrder, JOINED),
        row(
            "worst: out of order, all bytes 3",
            MIB,
            Kind::MajorVersions,
            JOINED,
        ),
        row("worst: one-byte records", MIB, Kind::Ciphertext(1), JOINED),
        row(
            "worst: one-byte segments",
            64 * KIB,
            Kind::Ciphertext(16 * KIB),
            1,
        ),
    ]);
    rows
}

impl Row {
    /// Makes the input.
    ///
    /// # Errors
    ///
    /// Why the handshakes could not be read.
    pub fn input(&self) -> Result<Input, String> {
        let (bytes, spans) = match self.kind {
            Kind::Ciphertext(length) => one_way(records(self.set, length, random())),
            Kind::Runs(low) => one_way(records(self.set, 16 * KIB, runs(low))),
            Kind::Handshakes => handshakes(self.set)?,
            Kind::OutOfOrder => one_way(random().take(self.set).collect()),
            Kind::MajorVersions => one_way(vec![3; self.set]),
        };
        let connection = match self.kind {
            Kind::Handshakes => Connection::begun(),
            _ => after_a_handshake()?,
        };
        Ok(Input {
            name: self.name,
            set: self.set,
            segment: self.segment,
            out_of_order: matches!(self.kind, Kind::OutOfOrder | Kind::MajorVersions),
            connection,
            bytes,
            spans,
        })
    }

    /// The key of the input.
    pub fn key(&self) -> String {
        format!("{} set {}", self.name, self.set).replace([' ', ':'], "-")
    }
}

/// Bytes without a pattern (Marsaglia's xorshift), always the same.
fn random() -> impl Iterator<Item = u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}

fn runs(low: usize) -> impl Iterator<Item = u8> {
    (0..=low)
        .map(move |at| if at < low { 0x00 } else { 0xff })
        .cycle()
}

/// About `set` bytes of application data, in records that hold `length` each.
fn records(set: usize, length: usize, mut content: impl Iterator<Item = u8>) -> Vec<u8> {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let mut bytes = Vec::with_capacity(set + length + 5);
    for _ in 0..(set / (length + 5)).max(1) {
        bytes.extend([23, 3, 3, high, low]);
        bytes.extend(content.by_ref().take(length));
    }
    bytes
}

fn one_way(bytes: Vec<u8>) -> (Vec<u8>, Vec<Span>) {
    let span = Span {
        direction: Direction::Reply,
        length: bytes.len(),
        opens: true,
    };
    (bytes, vec![span])
}

/// What peers send in a handshake, from `tests/vectors/honest.vec`: the handshakes of TLS 1.2 and
/// 1.3 in turn.
fn handshakes(set: usize) -> Result<(Vec<u8>, Vec<Span>), String> {
    let cases = [
        case("honest_full_handshake_12")?,
        case("honest_full_handshake_13")?,
    ];
    let (mut bytes, mut spans) = (Vec::new(), Vec::new());
    for lines in cases.iter().cycle() {
        if bytes.len() >= set {
            break;
        }
        for (at, line) in lines.iter().enumerate() {
            bytes.extend(&line.bytes);
            spans.push(Span {
                direction: line.direction,
                length: line.bytes.len(),
                opens: at == 0,
            });
        }
    }
    Ok((bytes, spans))
}

/// The flights of a case's handshake, without the data that follow.
fn case(name: &str) -> Result<Vec<vectors::Line>, String> {
    let cases = vectors::load("honest")?;
    let case = cases.iter().find(|case| case.name == name);
    let case = case.ok_or_else(|| format!("tests/vectors/honest.vec has no case {name}"))?;
    Ok(case.joined().into_iter().take(4).collect())
}

fn after_a_handshake() -> Result<Connection, String> {
    let mut connection = Connection::begun();
    for line in case("honest_full_handshake_13")? {
        let fed = connection.feed(&Policy::default(), line.direction, &line.bytes);
        fed.map_err(|reason| format!("an honest handshake breaks {}", reason.name()))?;
    }
    Ok(connection)
}
