// SPDX-License-Identifier: GPL-2.0

//! Sets of TCP ports, by numbers, ranges and names.

use std::{
    fs,
    ops::RangeInclusive, //
};

/// Services over TLS, for machines without `/etc/services`.
const SERVICES: [(&str, u16); 10] = [
    ("https", 443),
    ("submissions", 465),
    ("ldaps", 636),
    ("domain-s", 853),
    ("ftps", 990),
    ("imaps", 993),
    ("pop3s", 995),
    ("sip-tls", 5061),
    ("ircs-u", 6697),
    ("secure-mqtt", 8883),
];

/// The TCP ports of the servers to look at.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    /// A bit for each.
    bits: Box<[u64; 1024]>,
    /// Whether nobody chose.
    pub(crate) all: bool,
}

impl Ports {
    /// All ports.
    pub(crate) fn all() -> Self {
        Ports {
            bits: Box::new([u64::MAX; 1024]),
            all: true,
        }
    }

    pub(crate) fn has(&self, port: u16) -> bool {
        (self.bits[usize::from(port) >> 6] >> (port & 63)) & 1 == 1
    }

    fn put(&mut self, port: u16) {
        self.bits[usize::from(port) >> 6] |= 1 << (port & 63);
    }

    /// Reads ports, ranges and names, separated by commas, or "all".
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::all());
        }
        let mut ports = Ports {
            bits: Box::new([0; 1024]),
            all: false,
        };
        for part in text.split(',') {
            range(part)?.for_each(|port| ports.put(port));
        }
        Some(ports)
    }
}

/// Reads a port, a range of ports, or a service's name.
pub(crate) fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(port) = number(text) {
        return Some(port..=port);
    }
    if let Some((first, last)) = text.split_once('-') {
        if let (Some(first), Some(last)) = (number(first), number(last)) {
            return (first <= last).then_some(first..=last);
        }
    }
    service(text).map(|port| port..=port)
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&port| port != 0)
}

/// The TCP port of a service: by `/etc/services`, or else by the table here.
fn service(name: &str) -> Option<u16> {
    let known = SERVICES.into_iter().find(|(service, _)| *service == name);
    if let Some((_, port)) = known {
        return Some(port);
    }
    let services = fs::read_to_string("/etc/services").ok()?;
    services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        (first == name || words.any(|alias| alias == name)).then(|| number(port))?
    })
}
