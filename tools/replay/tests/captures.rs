// SPDX-License-Identifier: GPL-2.0

//! Real captures, where they are at hand: `tests/captures.tsv` says what is to be condemned in
//! them.
//!
//! They lie in `$NF_CT_TLS_PCAPS`, or beside the clone in `../shared/pcaps`, with an index
//! (`INDEX.tsv`) of the verdicts due, worked out by others.

mod capture;

use capture::{
    corpus,
    run,
    tell,
    Said, //
};
use serde_json::Value;
use std::collections::{
    BTreeMap,
    BTreeSet, //
};

/// What is condemned, and where: packet, reason, direction.
type Verdicts = BTreeSet<(u64, String, String)>;

/// What we expect of each capture, and how often it goes with the index in which way.
fn expected() -> (BTreeMap<String, Verdicts>, BTreeMap<String, u64>) {
    let table = include_str!("captures.tsv");
    let mut verdicts = BTreeMap::<_, Verdicts>::new();
    let mut kinds = BTreeMap::new();
    for row in corpus::rows(table) {
        let &[file, packet, reason, direction, index, why] = &row[..] else {
            panic!("captures.tsv: {row:?}");
        };
        assert!(why != "-" || index == "agrees", "{file}: {index}, but why?");
        let verdict = (
            packet.parse().unwrap(),
            reason.to_owned(),
            direction.to_owned(),
        );
        assert!(verdicts.entry(file.to_owned()).or_default().insert(verdict));
        *kinds.entry(index.to_owned()).or_default() += 1;
    }
    (verdicts, kinds)
}

fn verdicts(said: &Said) -> (Verdicts, usize) {
    let (connections, summary) = said.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut verdicts: Verdicts = connections
        .iter()
        .filter(|connection| connection["verdict"] == "condemned")
        .map(|connection| {
            (
                connection["pcap_cnt"].as_u64().unwrap(),
                text(&connection["reason"]),
                match connection["direction"].as_str().unwrap() {
                    "to_server" => "original".to_owned(),
                    _ => "reply".to_owned(),
                },
            )
        })
        .collect();
    if said.err.contains("is truncated") {
        let packets = summary["packets"].as_u64().unwrap();
        verdicts.insert((packets, "truncated".to_owned(), "-".to_owned()));
    }
    assert_eq!(summary["unread"], 0);
    (verdicts, connections.len())
}

#[test]
fn real_captures_have_the_verdicts_of_the_table() {
    let Some(folder) = corpus::folder() else {
        return;
    };
    let (mut expected, kinds) = expected();
    let captures = corpus::index(&folder);
    let (mut flows, mut tls_flows, mut wrong) = (0, 0, Vec::new());
    for capture in &captures {
        let path = folder.join(&capture.file);
        let said = run(&["--json", "--ports", &capture.ports, path.to_str().unwrap()]);
        let (verdicts, connections) = verdicts(&said);
        let due = expected.remove(&capture.file).unwrap_or_default();
        flows += connections;
        tls_flows += capture.tls_flows;
        assert!(connections >= capture.tls_flows, "{}", capture.file);
        assert!(capture.benign || !due.is_empty(), "{}", capture.file);
        let name = &capture.file;
        wrong.extend(
            verdicts
                .difference(&due)
                .map(|it| format!("false alarm: {name}: {it:?}")),
        );
        wrong.extend(
            due.difference(&verdicts)
                .map(|it| format!("miss: {name}: {it:?}")),
        );
    }
    tell(&format!(
        "{} captures, {flows} connections, {tls_flows} of them TLS by the index; \
        against the index: {kinds:?}; {} false alarms and misses",
        captures.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(expected.is_empty(), "not there: {expected:?}");
}
