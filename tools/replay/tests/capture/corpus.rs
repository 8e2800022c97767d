// SPDX-License-Identifier: GPL-2.0

//! The real captures, and their index: in `$NF_CT_TLS_PCAPS`, or beside the clone in
//! `../shared/pcaps`.

use super::tell;
use std::{
    env, fs,
    path::{
        Path,
        PathBuf, //
    },
};

/// The captures' folder; says so if there is none.
pub fn folder() -> Option<PathBuf> {
    let folder = match env::var_os("NF_CT_TLS_PCAPS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/pcaps"),
    };
    if folder.join("INDEX.tsv").is_file() {
        return Some(folder);
    }
    tell(&format!(
        "SKIP: no captures in {}: set NF_CT_TLS_PCAPS to the folder that has their INDEX.tsv",
        folder.display()
    ));
    None
}

/// The rows of a table, but for comments.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

/// A capture, as the index has it.
pub struct Indexed {
    pub file: String,
    pub ports: String,
    pub tls_flows: usize,
    pub benign: bool,
}

/// Reads the index.
pub fn index(folder: &Path) -> Vec<Indexed> {
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
