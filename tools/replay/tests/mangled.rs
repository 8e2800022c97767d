// SPDX-License-Identifier: GPL-2.0

//! Real captures, mangled as captures are: one side, a SYN, segments or random packets are not in
//! them, or packets are cut. No connection may be condemned for what the capture lacks.
//!
//! The captures are those of `tests/captures.rs`. The test prints a table with a row per way of
//! mangling.

mod capture;
#[path = "capture/mangler.rs"]
mod mangler;

use capture::{
    corpus::{
        self,
        Indexed, //
    },
    run_with,
    tell, //
};
use mangler::{
    Mangled,
    Way, //
};
use std::{
    collections::BTreeSet,
    fs,
    path::Path, //
};

/// The two ends of a connection, in no particular order: without its SYN, either may look like the
/// client.
type Ends = BTreeSet<String>;

/// The connections of a capture, and those of them that are condemned.
#[derive(Default)]
struct Judged {
    connections: usize,
    condemned: BTreeSet<Ends>,
}

fn judge(ports: &str, file: &[u8]) -> Judged {
    let (connections, _) = run_with(&["--json", "--ports", ports, "-"], file).json();
    let condemned = connections.iter().filter(|it| it["verdict"] == "condemned");
    Judged {
        connections: connections.len(),
        condemned: condemned.map(capture::ends).collect(),
    }
}

/// What mangling in one way came to, over all captures.
#[derive(Default)]
struct Row {
    connections: usize,
    still_condemned: usize,
    falsely_condemned: Vec<String>,
}

impl Row {
    fn add(&mut self, name: &str, before: &Judged, after: &Judged) {
        self.connections += after.connections;
        self.still_condemned += after.condemned.intersection(&before.condemned).count();
        let false_ones = after.condemned.difference(&before.condemned);
        self.falsely_condemned
            .extend(false_ones.map(|ends| format!("{name}: {ends:?}")));
    }
}

fn mangle_all(folder: &Path, captures: &[Indexed]) -> Vec<(Way, Row)> {
    let mut table: Vec<_> = Way::all().map(|way| (way, Row::default())).collect();
    for capture in captures {
        let file = fs::read(folder.join(&capture.file)).unwrap();
        let before = judge(&capture.ports, &file);
        let mangled = Mangled::new(&file);
        for (way, row) in &mut table {
            let after = judge(&capture.ports, &mangled.by(*way));
            row.add(&capture.file, &before, &after);
        }
    }
    table
}

#[test]
fn nothing_is_condemned_for_what_the_capture_lacks() {
    let Some(folder) = corpus::folder() else {
        return;
    };
    let table = mangle_all(&folder, &corpus::index(&folder));
    tell("mangled                           connections  still condemned  falsely condemned");
    for (way, row) in &table {
        tell(&format!(
            "{:32} {:12} {:16} {:18}",
            way.to_string(),
            row.connections,
            row.still_condemned,
            row.falsely_condemned.len()
        ));
    }
    let false_ones = table.into_iter().flat_map(|(way, row)| {
        let tagged = move |name| format!("{way}: {name}");
        row.falsely_condemned.into_iter().map(tagged)
    });
    let false_ones: Vec<_> = false_ones.collect();
    assert!(false_ones.is_empty(), "{false_ones:#?}");
}
