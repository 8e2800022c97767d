// SPDX-License-Identifier: GPL-2.0

//! Prints all vectors as JSON, for the programs that play them in the guest
//! (`tests/netns/vectorfile.py`).

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction,
        Opening,
        Policy,
        Reason, //
    },
    vectors::{
        self,
        Case,
        Line, //
    },
};
use serde_json::{
    json,
    Map,
    Value, //
};
use std::{
    error::Error,
    fmt::Write, //
};

fn main() -> Result<(), Box<dyn Error>> {
    let cases: Result<Vec<Value>, String> = vectors::load_all()?.iter().map(case).collect();
    println!("{}", Value::from(cases?));
    Ok(())
}

fn case(case: &Case) -> Result<Value, String> {
    Ok(json!({
        "name": case.name,
        "helper": helper(&case.policy),
        "params": params(&case.policy).map_err(|e| format!("{}: {e}", case.name))?,
        "lines": case.lines.iter().map(line).collect::<Vec<_>>(),
        "expect": case.expect.map_or("pass", Reason::name),
    }))
}

/// The helper whose connections that policy is for.
fn helper(policy: &Policy) -> &'static str {
    match policy.opening {
        Opening::Tls => "tls",
        Opening::Starttls | Opening::StarttlsRequired => "starttls",
        Opening::Proxy => "tls-proxy",
    }
}

/// Who says it, by the letter of the vectors, and the bytes in hexadecimal.
fn line(line: &Line) -> Value {
    let side = match line.direction {
        Direction::Original => "c",
        Direction::Reply => "s",
    };
    let mut digits = String::new();
    for byte in &line.bytes {
        write!(digits, "{byte:02x}").expect("a String takes it");
    }
    json!([side, digits])
}

/// The module's parameters that make this policy of the default one, as their text.
fn params(policy: &Policy) -> Result<Map<String, Value>, String> {
    let default = Policy::default();
    let mut unknown = *policy;
    unknown.seq_len = default.seq_len;
    unknown.heartbeat = default.heartbeat;
    unknown.min_version = default.min_version;
    unknown.opening = default.opening;
    if unknown != default {
        return Err("a parameter of it is missing in examples/cases.rs".to_owned());
    }
    let starttls = |policy: &Policy| match policy.opening {
        Opening::StarttlsRequired => "require",
        _ => "allow",
    };
    let texts = |policy: &Policy| {
        [
            ("seq_len", policy.seq_len.to_string()),
            ("heartbeat", u8::from(policy.heartbeat).to_string()),
            ("min_version", format!("{:#06x}", policy.min_version)),
            ("starttls", starttls(policy).to_owned()),
        ]
    };
    let chosen = texts(policy).into_iter().zip(texts(&default));
    Ok(chosen
        .filter(|(own, other)| own != other)
        .map(|((name, text), _)| (name.to_owned(), text.into()))
        .collect())
}
