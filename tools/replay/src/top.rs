// SPDX-License-Identifier: GPL-2.0

//! The rules that were broken most often, and the servers with most condemned connections.

use crate::flow::{
    Flow,
    Verdict, //
};
use serde::Serialize;
use std::{
    collections::HashMap,
    io::{
        self,
        Write, //
    },
    net::{
        IpAddr,
        SocketAddr, //
    },
};

/// What is known of a server.
#[derive(Default)]
struct Known {
    connections: u64,
    condemned: u64,
    name: Option<Box<str>>,
}

/// Counts connections by rule and by server.
#[derive(Default)]
pub(crate) struct Counter {
    rules: HashMap<&'static str, u64>,
    servers: HashMap<SocketAddr, Known>,
}

/// A rule, and how many connections broke it.
#[derive(Serialize)]
struct Rule {
    reason: &'static str,
    condemned: u64,
}

/// A server, and how many connections to it were condemned.
#[derive(Serialize)]
struct Server {
    dest_ip: IpAddr,
    dest_port: u16,
    sni: Option<Box<str>>,
    connections: u64,
    condemned: u64,
}

/// The first of both.
#[derive(Serialize)]
pub(crate) struct Top {
    rules: Vec<Rule>,
    servers: Vec<Server>,
}

impl Counter {
    /// Adds a connection that is over.
    pub(crate) fn add(&mut self, flow: &Flow) {
        let server = self.servers.entry(flow.server).or_default();
        server.connections += 1;
        if let Verdict::Condemned(reason) = flow.verdict() {
            server.condemned += 1;
            *self.rules.entry(reason.name()).or_default() += 1;
        }
        if server.name.is_none() {
            server.name = flow.hellos.name.clone();
        }
    }

    /// The first `length` rules and servers.
    pub(crate) fn top(self, length: usize) -> Top {
        let rules = self.rules.into_iter();
        let mut rules: Vec<_> = rules
            .map(|(reason, condemned)| Rule { reason, condemned })
            .collect();
        rules.sort_by_key(|rule| (u64::MAX - rule.condemned, rule.reason));
        rules.truncate(length);
        let mut servers: Vec<_> = self.servers.into_iter().map(Server::from).collect();
        servers.sort_by_key(|it| {
            let most = (u64::MAX - it.condemned, u64::MAX - it.connections);
            (most, it.dest_ip, it.dest_port)
        });
        servers.truncate(length);
        Top { rules, servers }
    }
}

impl From<(SocketAddr, Known)> for Server {
    fn from((address, known): (SocketAddr, Known)) -> Self {
        Server {
            dest_ip: address.ip(),
            dest_port: address.port(),
            sni: known.name,
            connections: known.connections,
            condemned: known.condemned,
        }
    }
}

impl Top {
    /// Writes both as lines.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for rule in &self.rules {
            writeln!(out, "top rule: {} {}", rule.reason, rule.condemned)?;
        }
        for server in &self.servers {
            let address = SocketAddr::new(server.dest_ip, server.dest_port);
            let name = server.sni.as_deref().unwrap_or("no-sni");
            let (condemned, all) = (server.condemned, server.connections);
            writeln!(
                out,
                "top server: {address} {name} {condemned} of {all} condemned"
            )?;
        }
        Ok(())
    }
}
