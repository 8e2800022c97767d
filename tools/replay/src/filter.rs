// SPDX-License-Identifier: GPL-2.0

//! Filters: which packets are looked at, by an expression in a subset of pcap-filter(7)'s language,
//! and by time.
//!
//! ```text
//! expression = term { ("or" | "||") term }
//! term       = factor { ("and" | "&&") factor }
//! factor     = ("not" | "!") factor | "(" expression ")" | primitive
//! primitive  = ["src" | "dst"] ("host" address | "net" network | "port" port | "portrange" ports)
//!            | "ip" | "ip6" | "tcp"
//! ```
//!
//! A value without a qualifier has that of the value before: `port 443 or 8443`.
//!
//! It is no BPF. A BPF program is compiled for one link type and matches the outer headers, while
//! this matches the addresses within tunnels, too. The crate that compiles the language without
//! libpcap (pktbaffle 0.1.0, one release) knows a subset as well.

use crate::{
    packet::{
        Packet,
        Time, //
    },
    ports,
};
use std::{
    net::{
        IpAddr,
        SocketAddr, //
    },
    ops::RangeInclusive,
};

/// Which packets are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) expression: Option<Expression>,
    pub(crate) since: Option<Time>,
    pub(crate) until: Option<Time>,
}

impl Filter {
    /// Whether a packet is looked at.
    pub(crate) fn has(&self, packet: &Packet<'_>) -> bool {
        self.since.is_none_or(|since| packet.time >= since)
            && self.until.is_none_or(|until| packet.time <= until)
            && self
                .expression
                .as_ref()
                .is_none_or(|it| it.has(packet.from, packet.to))
    }
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Source,
    Destination,
    Either,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Net(End, IpAddr, u32),
    Ports(End, RangeInclusive<u16>),
    /// IPv6, or IPv4.
    Ip6(bool),
    Any,
}

impl Expression {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('!', " ! ");
        let mut parser = Parser {
            words: spaced.split_whitespace().collect(),
            at: 0,
            depth: 0,
            qualifier: None,
        };
        let expression = parser.expression()?;
        match parser.next() {
            None => Ok(expression),
            Some(word) => Err(format!("\"{word}\" is not expected here: {ALLOWED}")),
        }
    }

    fn has(&self, from: SocketAddr, to: SocketAddr) -> bool {
        match self {
            Expression::Or(a, b) => a.has(from, to) || b.has(from, to),
            Expression::And(a, b) => a.has(from, to) && b.has(from, to),
            Expression::Not(it) => !it.has(from, to),
            Expression::Net(end, net, length) => {
                end.is(from, to, |it| is_in(it.ip(), *net, *length))
            }
            Expression::Ports(end, ports) => end.is(from, to, |it| ports.contains(&it.port())),
            Expression::Ip6(six) => from.is_ipv6() == *six,
            Expression::Any => true,
        }
    }
}

impl End {
    fn is(self, from: SocketAddr, to: SocketAddr, so: impl Fn(SocketAddr) -> bool) -> bool {
        match self {
            End::Source => so(from),
            End::Destination => so(to),
            End::Either => so(from) || so(to),
        }
    }
}

/// Whether an address is in a network.
fn is_in(address: IpAddr, net: IpAddr, length: u32) -> bool {
    let differ = match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return false,
    };
    differ >= length
}

/// What an expression may have, for whoever used something else.
const ALLOWED: &str = "allowed are [src|dst] host, net, port and portrange with a value, ip, ip6, \
                       tcp, and, or, not, and parentheses";

/// What a value is.
#[derive(Clone, Copy)]
enum Kind {
    Host,
    Net,
    Port,
}

/// How deep parentheses and negations may be nested.
const MAX_DEPTH: usize = 64;

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
    depth: usize,
    /// The qualifier of the value before.
    qualifier: Option<(End, Kind)>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    /// Passes a word if it is one of these.
    fn accept(&mut self, words: &[&str]) -> bool {
        let there = self
            .words
            .get(self.at)
            .is_some_and(|word| words.contains(word));
        self.at += usize::from(there);
        there
    }

    fn expression(&mut self) -> Result<Expression, String> {
        let mut left = self.term()?;
        while self.accept(&["or", "||"]) {
            left = Expression::Or(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, String> {
        let mut left = self.factor()?;
        while self.accept(&["and", "&&"]) {
            left = Expression::And(Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is too deep".to_owned());
        }
        let factor = if self.accept(&["not", "!"]) {
            Expression::Not(Box::new(self.factor()?))
        } else if self.accept(&["("]) {
            let inner = self.expression()?;
            if !self.accept(&[")"]) {
                return Err("a \")\" is missing".to_owned());
            }
            inner
        } else {
            self.primitive()?
        };
        self.depth -= 1;
        Ok(factor)
    }

    fn primitive(&mut self) -> Result<Expression, String> {
        let end = if self.accept(&["src"]) {
            End::Source
        } else if self.accept(&["dst"]) {
            End::Destination
        } else {
            End::Either
        };
        let word = self.next().ok_or("it ends too early")?;
        let kind = match word {
            "tcp" => return Ok(Expression::Any),
            "ip" => return Ok(Expression::Ip6(false)),
            "ip6" => return Ok(Expression::Ip6(true)),
            "host" => Kind::Host,
            "net" => Kind::Net,
            "port" | "portrange" => Kind::Port,
            value => {
                let unknown = || format!("\"{value}\" is not known: {ALLOWED}");
                let (end, kind) = self.qualifier.ok_or_else(unknown)?;
                return primitive(end, kind, value).map_err(|err| format!("{err}: {ALLOWED}"));
            }
        };
        self.qualifier = Some((end, kind));
        let value = self.next().ok_or(format!("\"{word}\" needs a value"))?;
        primitive(end, kind, value)
    }
}

fn primitive(end: End, kind: Kind, value: &str) -> Result<Expression, String> {
    let wrong = |what: &str| format!("\"{value}\" is no {what}");
    match kind {
        Kind::Host => {
            let address: IpAddr = value.parse().map_err(|_| wrong("IP address"))?;
            Ok(Expression::Net(
                end,
                address,
                if address.is_ipv4() { 32 } else { 128 },
            ))
        }
        Kind::Net => {
            let (net, length) = network(value).ok_or(wrong("network, such as 192.0.2.0/24"))?;
            Ok(Expression::Net(end, net, length))
        }
        Kind::Port => {
            let ports = ports::range(value).ok_or(wrong("port, range of ports or service"))?;
            Ok(Expression::Ports(end, ports))
        }
    }
}

fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (net, length) = text.split_once('/')?;
    let net: IpAddr = net.parse().ok()?;
    let length = length.parse().ok()?;
    (length <= if net.is_ipv4() { 32 } else { 128 }).then_some((net, length))
}
