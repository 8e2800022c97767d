// SPDX-License-Identifier: GPL-2.0

//! `count KEY CONTENDER`: one pass over an input, for callgrind to count; prints the input's
//! length. `report CRITERION OUT`: counts, reads criterion's times, and writes the table, its
//! figures and the plot.

use nf_conntrack_tls_bench::{
    input,
    pass,
    report,
    Contender, //
};
use std::{
    env,
    path::Path,
    process::ExitCode, //
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["count", key, contender] => count(key, contender),
        ["report", criterion, out] => report::report(Path::new(criterion), Path::new(out)),
        _ => Err("usage: count KEY CONTENDER | report CRITERION OUT".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn count(key: &str, contender: &str) -> Result<(), String> {
    let rows = input::rows();
    let row = rows.iter().find(|row| row.key() == key);
    let input = row.ok_or_else(|| format!("no input {key}"))?.input()?;
    let contender = Contender::ALL
        .into_iter()
        .find(|one| one.name() == contender);
    let contender = contender.ok_or("no such contender")?;
    pass(contender, &input, &mut vec![0; input.length()]);
    println!("{}", input.length());
    Ok(())
}
