// SPDX-License-Identifier: GPL-2.0

//! Real captures, where they are at hand: `tests/captures.tsv` says what is to be condemned in them.
//!
//! They lie in `$NF_CT_TLS_PCAPS`, or beside the clone in `../shared/pcaps`, with an index (`INDEX.tsv`) of
//! the verdicts due, worked out by others.

mod capture;

use capture::{
    run,
    Said, //
};
use serde_json::Value;
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    env, fs,
    io::{
        self,
        Write, //
    },
    path::{
        Path,
        PathBuf, //
    },
};

fn folder() -> PathBuf {
    match env::var_os("NF_CT_TLS_PCAPS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/pcaps"),
    }
}

/// Tells what must not be hidden when the test passes, as `eprintln!` would be.
fn tell(line: &str) {
    let line = format!("{line}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

/// What is condemned, and where: packet, reason, direction.
type Verdicts = BTreeSet<(u64, String, String)>;

/// What we expect of each capture, and how often it goes with the index in which way.
fn expected() -> (BTreeMap<String, Verdicts>, BTreeMap<String, u64>) {
    let table = include_str!("captures.tsv");
    let mut verdicts = BTreeMap::<_, Verdicts>::new();
    let mut kinds = BTreeMap::new();
    for row in rows(table) {
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

/// A capture, as the index has it.
struct Indexed {
    file: String,
    ports: String,
    tls_flows: usize,
    benign: bool,
}

fn index(folder: &Path) -> Vec<Indexed> {
    let text = fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let mut rows = rows(&text);
    let names = rows.next().unwrap();
    let column = |name| names.iter().position(|have| *have == name).unwrap();
    let [source, file, ports, flows, verdicts] = [
        "source",
        "file",
        "server_ports",
        "tls_tcp_flows",
        "verdicts",
    ]
    .map(column);
    // "443 x2, 8443"
    let port = |port: &str| port.trim().split(' ').next().unwrap().to_owned();
    rows.map(|row| Indexed {
        file: format!("{}/{}", row[source], row[file]),
        ports: row[ports]
            .split(',')
            .map(port)
            .collect::<Vec<_>>()
            .join(","),
        tls_flows: row[flows].parse().unwrap(),
        benign: row[verdicts].starts_with("benign"),
    })
    .collect()
}

fn verdicts(said: &Said) -> (Verdicts, usize) {
    let (connections, summary) = said.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut verdicts: Verdicts = connections
        .iter()
        .filter(|connection| connection["verdict"] == "condemned")
        .map(|connection| {
            (
                connection["packet"].as_u64().unwrap(),
                text(&connection["reason"]),
                text(&connection["direction"]),
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
    let folder = folder();
    if !folder.join("INDEX.tsv").is_file() {
        tell(&format!(
            "SKIP: no captures in {}: set NF_CT_TLS_PCAPS to the folder that has their INDEX.tsv",
            folder.display()
        ));
        return;
    }
    let (mut expected, kinds) = expected();
    let captures = index(&folder);
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
        "{} captures, {flows} connections, {tls_flows} of them TLS by the index; against the index: {kinds:?}; {} false alarms and misses",
        captures.len(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(expected.is_empty(), "not there: {expected:?}");
}
