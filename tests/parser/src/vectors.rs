// SPDX-License-Identifier: GPL-2.0

//! Reads the test vectors; their format is described in `tests/vectors/README.md`.
//!
//! A vector that cannot be read is an error, never skipped.

use crate::tls_parser::{
    Direction,
    Opening,
    Policy,
    Reason, //
};
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    fs,
    path::{
        Path,
        PathBuf, //
    },
    str::SplitWhitespace,
};

/// What one side sends at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Whose bytes these are.
    pub direction: Direction,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One case: what both sides send, and what is to come of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The name, unique over all files.
    pub name: String,
    /// What the case shows.
    pub why: String,
    /// The name of its file, less `.vec`.
    pub file: String,
    /// What the operator chose.
    pub policy: Policy,
    /// All that is sent, in order.
    pub lines: Vec<Line>,
    /// The rule that the last line breaks; `None` if all pass.
    pub expect: Option<Reason>,
}

impl Case {
    /// What is sent, with neighbouring lines of one direction joined.
    pub fn joined(&self) -> Vec<Line> {
        let mut joined: Vec<Line> = Vec::new();
        for line in &self.lines {
            match joined.last_mut() {
                Some(last) if last.direction == line.direction => last.bytes.extend(&line.bytes),
                _ => joined.push(line.clone()),
            }
        }
        joined
    }
}

/// The folder of the vectors.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

/// The names of the `.vec` files, less `.vec`, in order.
///
/// # Errors
///
/// Why the folder could not be read.
pub fn files() -> Result<Vec<String>, String> {
    let folder = folder();
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "vec") {
            let stem = path.file_stem().unwrap_or_default();
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// All cases of all files.
///
/// # Errors
///
/// Where and why a vector could not be read.
pub fn load_all() -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for file in files()? {
        cases.extend(load(&file)?);
    }
    let mut names = BTreeSet::new();
    match cases.iter().find(|case| !names.insert(&case.name)) {
        Some(twice) => Err(format!("{}: a second case of that name", twice.name)),
        None => Ok(cases),
    }
}

/// The cases of the file of that name, less `.vec`.
///
/// # Errors
///
/// Where and why a vector could not be read.
pub fn load(file: &str) -> Result<Vec<Case>, String> {
    let mut reader = Reader::default();
    reader.read("common.def")?;
    reader.file = file.to_owned();
    reader.read(&format!("{file}.vec"))?;
    match reader.open {
        Some(case) => Err(format!("{file}.vec: {} expects nothing", case.name)),
        None => Ok(reader.cases),
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    file: String,
    macros: BTreeMap<String, Vec<u8>>,
    cases: Vec<Case>,
    /// The case whose `expect` is still to come.
    open: Option<Case>,
}

impl Reader {
    fn read(&mut self, name: &str) -> Result<(), String> {
        let text = fs::read_to_string(folder().join(name)).map_err(|e| format!("{name}: {e}"))?;
        for (number, statement) in statements(&text) {
            self.statement(&statement)
                .map_err(|e| format!("{name}:{number}: {e}"))?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &str) -> Result<(), String> {
        let (keyword, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        match keyword {
            "def" => self.define(rest),
            "case" => self.begin(rest),
            "why" => {
                self.case()?.why = rest.to_owned();
                Ok(())
            }
            "param" => param(&mut self.case()?.policy, rest),
            "helper" => helper(&mut self.case()?.policy, rest),
            "c" => self.send(Direction::Original, rest),
            "s" => self.send(Direction::Reply, rest),
            "expect" => self.end(rest),
            _ => Err(format!("unknown statement {keyword:?}")),
        }
    }

    fn define(&mut self, rest: &str) -> Result<(), String> {
        let (name, tokens) = rest.split_once(" = ").ok_or("def NAME = TOKENS")?;
        let bytes = expand(&self.macros, tokens)?;
        match self.macros.insert(name.to_owned(), bytes) {
            Some(_) => Err(format!("{name} is defined twice")),
            None => Ok(()),
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), String> {
        if let Some(case) = &self.open {
            return Err(format!("{} expects nothing", case.name));
        }
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        {
            return Err(format!("{name:?} is no name"));
        }
        self.open = Some(Case {
            name: name.to_owned(),
            why: String::new(),
            file: self.file.clone(),
            // Heartbeats are allowed here. By default they are refused, and no other rule about
            // them would apply.
            policy: Policy {
                heartbeat: true,
                ..Policy::default()
            },
            lines: Vec::new(),
            expect: None,
        });
        Ok(())
    }

    fn case(&mut self) -> Result<&mut Case, String> {
        self.open.as_mut().ok_or_else(|| "not in a case".to_owned())
    }

    fn send(&mut self, direction: Direction, tokens: &str) -> Result<(), String> {
        let bytes = expand(&self.macros, tokens)?;
        self.case()?.lines.push(Line { direction, bytes });
        Ok(())
    }

    fn end(&mut self, verdict: &str) -> Result<(), String> {
        let mut case = self.open.take().ok_or("not in a case")?;
        if case.why.is_empty() || case.lines.is_empty() {
            return Err(format!("{} lacks a reason or bytes", case.name));
        }
        case.expect = match verdict {
            "pass" => None,
            name => Some(reason(name).ok_or_else(|| format!("unknown reason {name:?}"))?),
        };
        self.cases.push(case);
        Ok(())
    }
}

/// The statements of a file with their line numbers: continued lines joined, comments left out.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut statements = Vec::new();
    let mut open = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if open.is_empty() && (line.is_empty() || line.starts_with('#')) {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(part) => open.push_str(part),
            None => {
                open.push_str(line);
                statements.push((index.saturating_add(1), std::mem::take(&mut open)));
            }
        }
    }
    statements
}

/// Changes a byte, or a bit of it, or leaves one out, or adds one, by `kind`. `place` chooses
/// where, among so many bytes.
pub fn mutate(bytes: &mut Vec<u8>, place: impl FnOnce(usize) -> usize, byte: u8, kind: u8) {
    if bytes.is_empty() {
        return;
    }
    let at = place(bytes.len());
    match kind {
        0 => bytes[at] = byte,
        1 => bytes[at] ^= 1 << (byte & 7),
        2 => {
            bytes.remove(at);
        }
        _ => bytes.insert(at, byte),
    }
}

/// The reason of that name.
pub fn reason(name: &str) -> Option<Reason> {
    Reason::ALL
        .iter()
        .copied()
        .find(|reason| reason.name() == name)
}

fn param(policy: &mut Policy, rest: &str) -> Result<(), String> {
    let (name, value) = rest.split_once('=').ok_or("param NAME=VALUE")?;
    let number = number(value)?;
    match (name, number) {
        ("seq_len", _) => policy.seq_len = number,
        ("min_version", _) => policy.min_version = number,
        ("heartbeat", 0 | 1) => policy.heartbeat = number == 1,
        _ => return Err(format!("{name}={value} is no parameter")),
    }
    Ok(())
}

/// What the helper of that name has before TLS; `starttls` may be required.
fn helper(policy: &mut Policy, rest: &str) -> Result<(), String> {
    policy.opening = match rest {
        "starttls" => Opening::Starttls,
        "starttls require" => Opening::StarttlsRequired,
        "tls-proxy" => Opening::Proxy,
        _ => return Err(format!("{rest:?} is no helper")),
    };
    Ok(())
}

fn number(text: &str) -> Result<u16, String> {
    match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .map_err(|e| format!("{text:?}: {e}"))
}

/// The bytes that `tokens` stand for.
fn expand(macros: &BTreeMap<String, Vec<u8>>, tokens: &str) -> Result<Vec<u8>, String> {
    let spaced = quoted(tokens)?.replace('(', " ( ").replace(')', " ) ");
    sequence(macros, &mut spaced.split_whitespace(), false)
}

/// The same tokens, with hexadecimal bytes for each text in quotes; `\\r`, `\\n`, `\\"` and `\\\\`
/// stand for what they do elsewhere.
fn quoted(tokens: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut inside = false;
    let mut characters = tokens.chars();
    while let Some(character) = characters.next() {
        let byte = match (inside, character) {
            (_, '"') => {
                inside = !inside;
                plain.push(' ');
                continue;
            }
            (false, _) => {
                plain.push(character);
                continue;
            }
            (true, '\\') => match characters.next() {
                Some('r') => b'\r',
                Some('n') => b'\n',
                Some(it @ ('"' | '\\')) => it as u8,
                _ => return Err("an escape that is none".to_owned()),
            },
            (true, ' '..='~') => character as u8,
            _ => return Err(format!("{character:?} in a text")),
        };
        plain.push_str(&format!("{byte:02x}"));
    }
    if inside {
        return Err("a quote is not closed".to_owned());
    }
    Ok(plain)
}

/// Expands tokens up to the end, or up to the parenthesis that closes them.
fn sequence(
    macros: &BTreeMap<String, Vec<u8>>,
    tokens: &mut SplitWhitespace<'_>,
    inner: bool,
) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            ")" if inner => return Ok(bytes),
            "len8" | "len16" | "len24" => {
                if tokens.next() != Some("(") {
                    return Err(format!("{token} lacks its parenthesis"));
                }
                let body = sequence(macros, tokens, true)?;
                bytes.extend(length(token, body.len())?);
                bytes.extend(body);
            }
            _ => bytes.extend(word(macros, token)?),
        }
    }
    if inner {
        return Err("a parenthesis is not closed".to_owned());
    }
    Ok(bytes)
}

/// A big-endian length of the width that `prefix` names.
fn length(prefix: &str, length: usize) -> Result<Vec<u8>, String> {
    let width = match prefix {
        "len8" => 1,
        "len16" => 2,
        _ => 3,
    };
    let bytes = length.to_be_bytes();
    let (high, low) = bytes.split_at(bytes.len() - width);
    if high.iter().any(|&byte| byte != 0) {
        return Err(format!("{length} bytes do not fit {prefix}"));
    }
    Ok(low.to_vec())
}

/// A token that stands for itself: a macro, a repetition, or hexadecimal bytes.
fn word(macros: &BTreeMap<String, Vec<u8>>, token: &str) -> Result<Vec<u8>, String> {
    if let Some(name) = token.strip_prefix('$') {
        let bytes = macros.get(name);
        return bytes.cloned().ok_or_else(|| format!("no macro {token}"));
    }
    let Some((byte, count)) = token.split_once('*') else {
        return hexadecimal(token);
    };
    let count: usize = count.parse().map_err(|e| format!("{token:?}: {e}"))?;
    if byte == "high" {
        return Ok((0x80..=0xff).cycle().take(count).collect());
    }
    match hexadecimal(byte)?.as_slice() {
        [byte] => Ok(vec![*byte; count]),
        _ => Err(format!("{token:?} repeats more than one byte")),
    }
}

fn hexadecimal(token: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = token
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 && !digits.is_empty() => Ok(digits
            .chunks(2)
            .map(|pair| (pair[0] << 4) | pair[1])
            .collect()),
        _ => Err(format!("{token:?} is not hexadecimal")),
    }
}
