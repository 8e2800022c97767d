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
    /// Instructions per byte, the parser's and the baseline's; the same for all working sets.
    pub instructions: Option<[f64; 2]>,
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
        // These cost by the call, not by the byte.
        let tiny = self.name.contains("one-byte");
        Goal {
            of_copy: records.then_some(if self.set < MIB { 0.4 } else { 1.2 }),
            of_baseline: match self.set {
                MIB if records => Some(150.0),
                _ => worst.then_some(1.0),
            },
            instructions: match (records, worst && !tiny) {
                (true, _) => Some(0.12),
                (_, true) => Some(4.0),
                _ => None,
            },
        }
    }

    /// Whether more instructions were counted than may be. Times are never judged.
    fn costs_too_much(&self) -> bool {
        match (self.instructions, self.goal().instructions) {
            (Some([parser, _]), Some(goal)) => parser > goal,
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
    match measured.iter().find(|one| one.costs_too_much()) {
        Some(one) => Err(format!(
            "{}: more instructions a byte than the goal",
            one.name
        )),
        None => Ok(()),
    }
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
    Ok(Measured {
        name: row.name,
        set: row.set,
        speed: input.length() as f64 / median(parser.clone()),
        of_copy: median_ratio(&timed(Contender::Copy)?, &parser),
        of_baseline: baseline,
        instructions: match row.set <= MIB {
            true => Some([
                instructions(&key, Contender::Parser)?,
                instructions(&key, Contender::Baseline)?,
            ]),
            false => None,
        },
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
        "{:<33} {:>7} {:>7}  {:<19} {:<21} instructions a byte\n",
        "", "set", "GB/s", "x memcpy", "x byte loop"
    );
    for one in measured {
        let goal = one.goal();
        let with_goal = |value: String, goal: Option<f64>| match goal {
            Some(goal) => format!("{value} (goal {goal})"),
            None => value,
        };
        let instructions = one
            .instructions
            .map_or(String::new(), |[parser, baseline]| {
                let parser = with_goal(format!("{parser:.3}"), goal.instructions);
                format!("{parser}, byte loop {baseline:.1}")
            });
        let baseline = one
            .of_baseline
            .map_or(String::new(), |of| format!("{of:.1}"));
        let _ = writeln!(
            text,
            "{:<33} {:>7} {:>7.2}  {:<19} {:<21} {instructions}",
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
        let [parser, baseline] = one
            .instructions
            .map_or([String::new(), String::new()], |both| {
                both.map(|n| format!("{n:.3}"))
            });
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
