// SPDX-License-Identifier: GPL-2.0

//! Every vector gives the verdict that it announces, at the place that it announces, however it is
//! cut.
//!
//! One test per vector, named `FILE::CASE`: `cargo test heartbleed_padding_15` runs one, `cargo
//! test heartbleed::` those of a file. The tests are made at run time, so this file has a `main`
//! (`harness = false` in Cargo.toml).

use libtest_mimic::{
    Arguments,
    Failed,
    Trial, //
};
use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction,
        Reason, //
    },
    vectors::{
        self,
        Case,
        Line, //
    },
};
use std::{
    collections::BTreeSet,
    fs, //
};

fn main() -> Result<(), String> {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = vectors::load_all()?.into_iter().map(trial).collect();
    trials.extend(checks());
    libtest_mimic::run(&arguments, trials).exit()
}

/// The test of one vector.
fn trial(case: Case) -> Trial {
    let name = format!("{}::{}", case.file, case.name);
    Trial::test(name, move || {
        check(&case).map_err(|e| Failed::from(format!("{e}\n    {}", case.why)))
    })
}

/// The tests of all vectors together.
fn checks() -> [Trial; 4] {
    let test = |name, check: fn()| {
        Trial::test(name, move || {
            check();
            Ok(())
        })
    };
    [
        test("every_reason_has_its_file", every_reason_has_its_file),
        test(
            "every_file_breaks_its_rule_and_has_neighbours",
            every_file_breaks_its_rule_and_has_neighbours,
        ),
        test("every_case_is_loaded", every_case_is_loaded),
        test("headers_tell_at_once", headers_tell_at_once),
    ]
}

/// What is wrong with a case, if anything is.
fn check(case: &Case) -> Result<(), String> {
    check_lines(case, &case.lines)?;
    check_lines(case, &case.joined()).map_err(|e| format!("joined: {e}"))
}

/// Feeds the lines whole, and each of them cut in every way from the state before it.
fn check_lines(case: &Case, lines: &[Line]) -> Result<(), String> {
    let mut connection = Connection::begun();
    for (index, line) in lines.iter().enumerate() {
        let before = connection;
        let verdict = feed(&mut connection, case, line.direction, &line.bytes);
        let expected = match case.expect {
            Some(reason) if index + 1 == lines.len() => Err(reason),
            _ => Ok(()),
        };
        let place = format!("line {} of {}", index + 1, lines.len());
        if verdict != expected {
            return Err(format!(
                "{place}: expected {}, got {}",
                name(expected),
                name(verdict)
            ));
        }
        check_cuts(case, line, &before, &connection, verdict)
            .map_err(|e| format!("{place}, {e}"))?;
    }
    check_end(case, &connection)
}

/// Cuts a line in two at every byte, and into single bytes.
fn check_cuts(
    case: &Case,
    line: &Line,
    before: &Connection,
    after: &Connection,
    verdict: Result<(), Reason>,
) -> Result<(), String> {
    for at in 1..line.bytes.len() {
        let (first, second) = line.bytes.split_at(at);
        check_parts(
            case,
            line.direction,
            [first, second],
            before,
            after,
            verdict,
        )
        .map_err(|e| format!("cut at byte {at}: {e}"))?;
    }
    check_parts(
        case,
        line.direction,
        line.bytes.chunks(1),
        before,
        after,
        verdict,
    )
    .map_err(|e| format!("byte by byte: {e}"))
}

/// Feeds parts; the result must be that of the whole.
fn check_parts<'a>(
    case: &Case,
    direction: Direction,
    parts: impl IntoIterator<Item = &'a [u8]>,
    before: &Connection,
    after: &Connection,
    verdict: Result<(), Reason>,
) -> Result<(), String> {
    let mut connection = *before;
    let mut got = Ok(());
    for part in parts {
        let next = feed(&mut connection, case, direction, part);
        if got.is_err() && next != got {
            return Err(format!("{} after {}", name(next), name(got)));
        }
        got = next;
    }
    if got != verdict {
        return Err(format!("expected {}, got {}", name(verdict), name(got)));
    }
    if connection.condemned() != after.condemned() || (got.is_ok() && connection != *after) {
        return Err(format!(
            "the state differs: {connection:?}, whole: {after:?}"
        ));
    }
    Ok(())
}

/// A condemned connection accepts nothing more from either side; a connection that passed is not
/// condemned.
fn check_end(case: &Case, connection: &Connection) -> Result<(), String> {
    if connection.condemned() != case.expect {
        return Err(format!("condemned for {:?}", connection.condemned()));
    }
    let Some(reason) = case.expect else {
        return Ok(());
    };
    for direction in [Direction::Original, Direction::Reply] {
        let mut after = *connection;
        // A warning alert: most harmless of all records.
        let verdict = feed(&mut after, case, direction, &[21, 3, 3, 0, 2, 1, 90]);
        if verdict != Err(reason) || after != *connection {
            return Err(format!("afterwards {direction:?} gets {}", name(verdict)));
        }
    }
    Ok(())
}

fn feed(
    connection: &mut Connection,
    case: &Case,
    direction: Direction,
    bytes: &[u8],
) -> Result<(), Reason> {
    connection.feed(&case.policy, direction, bytes).map(|_| ())
}

fn name(verdict: Result<(), Reason>) -> &'static str {
    verdict.err().map_or("pass", Reason::name)
}

fn every_reason_has_its_file() {
    // The reasons that depend on TCP are in beginnings.rs.
    let mut expected: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    expected.remove(Reason::UrgentData.name());
    expected.insert("honest");
    expected.insert("upgraded");
    assert_eq!(
        expected.into_iter().map(String::from).collect::<Vec<_>>(),
        vectors::files().unwrap()
    );
}

fn every_file_breaks_its_rule_and_has_neighbours() {
    for file in vectors::files().unwrap() {
        let reason = vectors::reason(&file);
        let cases = vectors::load(&file).unwrap();
        let (passing, breaking): (Vec<_>, Vec<_>) =
            cases.iter().partition(|case| case.expect.is_none());
        assert!(!passing.is_empty(), "{file}: no case passes");
        assert_eq!(
            breaking.is_empty(),
            reason.is_none(),
            "{file}: cases that break a rule"
        );
        for case in breaking {
            assert_eq!(case.expect, reason, "{} is in the wrong file", case.name);
        }
        for case in cases
            .iter()
            .filter(|case| reason.is_some() || case.name.contains("_pass"))
        {
            let says_so = case.name.ends_with("_pass");
            assert_eq!(says_so, case.expect.is_none(), "{} is misnamed", case.name);
        }
    }
}

fn every_case_is_loaded() {
    let mut written = 0;
    for file in vectors::files().unwrap() {
        let text = fs::read_to_string(vectors::folder().join(format!("{file}.vec"))).unwrap();
        written += text
            .lines()
            .filter(|line| line.starts_with("case "))
            .count();
    }
    assert_eq!(vectors::load_all().unwrap().len(), written);
}

/// Whether a case goes on after the byte that decides.
fn is_whole(name: &str) -> bool {
    name.contains("_tool_") || name.contains("_segment_")
}

/// What a header or a message's first byte decides is decided there, before more has passed.
///
/// Whole probes as tools send them (`_tool_`) and whole segments of other protocols (`_segment_`)
/// go on after it. What lies within a message may be decided anywhere in it.
fn headers_tell_at_once() {
    let exempt = [
        Reason::SuspiciousSequence,
        Reason::HandshakeMalformed,
        Reason::Ssl2Malformed,
    ];
    let mut late = Vec::new();
    for case in vectors::load_all().unwrap() {
        let Some(reason) = case.expect else { continue };
        if exempt.contains(&reason) || is_whole(&case.name) {
            continue;
        }
        let mut connection = Connection::begun();
        let last = case.lines.last().unwrap();
        let (_, but_one) = last.bytes.split_last().unwrap();
        for line in &case.lines[..case.lines.len() - 1] {
            feed(&mut connection, &case, line.direction, &line.bytes).unwrap();
        }
        if feed(&mut connection, &case, last.direction, but_one).is_err() {
            late.push(case.name.clone());
        }
    }
    assert_eq!(late, Vec::<String>::new());
}
