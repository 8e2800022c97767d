// SPDX-License-Identifier: GPL-2.0

//! From what criterion timed and callgrind counted: the table, its figures, and the plot.

use crate::{
    input::{
        self,
        Row, //
    },
    plot,
    Contender, //
};
use serde_json::Value;
use std::{
    env,
    fmt::Write,
    fs,
    path::Path,
    process::Command, //
};

/// How often each contender is timed on each input.
pub const ROUNDS: usize = 5;

/// At most so many times what random bytes cost may any bytes cost in the search for headers.
const SEARCH_FACTOR: f64 = 4.0;

const MIB: usize = 1 << 20;

/// What was measured on one input.
pub struct Measured {
    /// The input's name.
    pub name: &'static str,
    /// Its working set, in bytes.
    pub set: usize,
    /// The parser's speed, in GB/s.
    pub speed: f64,
    /// The parser's speed as a multiple of memcpy's.
    pub of_copy: f64,
    /// The parser's speed as a multiple of the baseline's, where that was timed.
    pub of_baseline: Option<f64>,
    /// The parser's instructions per byte, if they were counted; the same for all working sets.
    pub instructions: Option<f64>,
    /// The baseline's, if it reads the input.
    pub baseline_instructions: Option<f64>,
}

/// What is to be reached: issue and DESIGN.md 7.
struct Goal {
    of_copy: Option<f64>,
    of_baseline: Option<f64>,
    instructions: Option<f64>,
}

impl Measured {
    fn goal(&self) -> Goal {
        let records = self.name == "16 KiB records";
        let worst = self.name.starts_with("worst");
        // These cost by the call, not by the byte; or are compared with each other.
        let apart = self.name.contains("one-byte") || self.name.contains("out of order");
        Goal {
            of_copy: records.then_some(if self.set < MIB { 0.4 } else { 1.2 }),
            of_baseline: match self.set {
                MIB if records => Some(150.0),
                _ => self.of_baseline.and(worst.then_some(1.0)),
            },
            instructions: match (records, worst && !apart) {
                (true, _) => Some(0.12),
                (_, true) => Some(4.0),
                _ => None,
            },
        }
    }

    /// Whether more instructions were counted than may be. Times are never judged.
    fn costs_too_much(&self) -> bool {
        match (self.instructions, self.goal().instructions) {
            (Some(parser), Some(goal)) => parser > goal,
            _ => false,
        }
    }
}

/// Prints the table, and writes it, the figures and the plot into `out`.
///
/// # Errors
///
/// What could not be counted, read or written, or that the parser costs more instructions than it
/// may.
pub fn report(criterion: &Path, out: &Path) -> Result<(), String> {
    let rows = input::rows();
    let measured = rows.iter().map(|row| measure(row, criterion));
    let measured = measured.collect::<Result<Vec<_>, _>>()?;
    let table = table(&measured);
    let write = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
    };
    write("bench.txt", &table)?;
    write("bench.tsv", &figures(&measured))?;
    write("bench.svg", &plot::plot(&measured))?;
    print!("{table}");
    if let Some(one) = measured.iter().find(|one| one.costs_too_much()) {
        return Err(format!(
            "{}: more instructions per byte than the goal",
            one.name
        ));
    }
    match search_factor(&measured) {
        Some(factor) if factor <= SEARCH_FACTOR => Ok(()),
        factor => Err(format!(
            "the search costs {factor:?} times what it costs on random bytes, goal {SEARCH_FACTOR}"
        )),
    }
}

/// How many times the costliest bytes cost in the search for headers what random bytes cost.
fn search_factor(measured: &[Measured]) -> Option<f64> {
    let cost = |name| measured.iter().find(|one| one.name == name)?.instructions;
    Some(cost("worst: out of order, all bytes 3")? / cost("out-of-order segments")?)
}

fn measure(row: &Row, criterion: &Path) -> Result<Measured, String> {
    let key = row.key();
    let timed = |contender: Contender| {
        let rounds = (0..ROUNDS).map(|round| nanoseconds(criterion, &key, contender, round));
        rounds.collect::<Result<Vec<f64>, String>>()
    };
    let input = row.input()?;
    let parser = timed(Contender::Parser)?;
    let baseline = match Contender::Baseline.is_timed_on(&input) {
        true => Some(median_ratio(&timed(Contender::Baseline)?, &parser)),
        false => None,
    };
    let counted = |contender: Contender| match row.set <= MIB && contender.reads(&input) {
        true => instructions(&key, contender).map(Some),
        false => Ok(None),
    };
    Ok(Measured {
        name: row.name,
        set: row.set,
        speed: input.length() as f64 / median(parser.clone()),
        of_copy: median_ratio(&timed(Contender::Copy)?, &parser),
        of_baseline: baseline,
        instructions: counted(Contender::Parser)?,
        baseline_instructions: counted(Contender::Baseline)?,
    })
}

/// The median over the rounds of the ratio within a round.
fn median_ratio(above: &[f64], below: &[f64]) -> f64 {
    median(above.iter().zip(below).map(|(a, b)| a / b).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median time of one pass, as criterion found it.
fn nanoseconds(dir: &Path, key: &str, contender: Contender, round: usize) -> Result<f64, String> {
    let file = format!("{key}/{}/{round}/new/estimates.json", contender.name());
    let path = dir.join(file);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let median = value["median"]["point_estimate"].as_f64();
    median.ok_or_else(|| format!("{}: no median", path.display()))
}

/// Instructions per byte of one pass, as callgrind counts them.
fn instructions(key: &str, contender: Contender) -> Result<f64, String> {
    let own = env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=nf_conntrack_tls_bench::pass")
        .arg(own)
        .args(["count", key, contender.name()])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let counted = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let counted = counted.and_then(|(_, n)| n.trim().parse::<f64>().ok());
    let length = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse::<f64>();
    match (counted, length) {
        (Some(counted), Ok(length)) if counted > 0.0 => Ok(counted / length),
        _ => Err(format!("callgrind counted nothing for {key}: {told}")),
    }
}

fn set_name(set: usize) -> String {
    match set {
        MIB.. => format!("{} MiB", set / MIB),
        _ => format!("{} KiB", set >> 10),
    }
}

fn table(measured: &[Measured]) -> String {
    let mut text = format!(
        "{:<33} {:>7} {:>7}  {:<19} {:<21} instructions per byte\n",
        "", "set", "GB/s", "x memcpy", "x byte loop"
    );
    for one in measured {
        let goal = one.goal();
        let with_goal = |value: String, goal: Option<f64>| match goal {
            Some(goal) => format!("{value} (goal {goal})"),
            None => value,
        };
        let instructions = one.instructions.map_or(String::new(), |parser| {
            with_goal(format!("{parser:.3}"), goal.instructions)
        });
        let byte_loop = one
            .baseline_instructions
            .map_or(String::new(), |of| format!(", byte loop {of:.1}"));
        let baseline = one
            .of_baseline
            .map_or(String::new(), |of| format!("{of:.1}"));
        let _ = writeln!(
            text,
            "{:<33} {:>7} {:>7.2}  {:<19} {:<21} {instructions}{byte_loop}",
            one.name,
            set_name(one.set),
            one.speed,
            with_goal(format!("{:.2}", one.of_copy), goal.of_copy),
            with_goal(baseline, goal.of_baseline),
        );
    }
    text
}

fn figures(measured: &[Measured]) -> String {
    let mut text = String::from(
        "input\tset\tGB_per_s\tx_memcpy\tx_byte_loop\tinstructions_per_byte\tbyte_loop_instructions_per_byte\n",
    );
    for one in measured {
        let figure = |n: Option<f64>| n.map_or(String::new(), |n| format!("{n:.3}"));
        let parser = figure(one.instructions);
        let baseline = figure(one.baseline_instructions);
        let of_baseline = one
            .of_baseline
            .map_or(String::new(), |of| format!("{of:.2}"));
        let _ = writeln!(
            text,
            "{}\t{}\t{:.2}\t{:.3}\t{of_baseline}\t{parser}\t{baseline}",
            one.name, one.set, one.speed, one.of_copy
        );
    }
    text
}
