// SPDX-License-Identifier: GPL-2.0

//! A connection as seen from the side whose bytes are read, and what is done when a rule is broken.

use super::{
    policy::Policy,
    reason::{
        Reason,
        Reasons, //
    },
    state::{
        ClientFact,
        Connection,
        DirState,
        Direction,
        Fact,
        Link,
        Mode,
        ServerFact, //
    },
    version::Version, //
};

/// Why reading ends before the bytes do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// A rule was broken, and condemns the connection.
    Broken(Reason),
    /// A rule was broken that loses the framing, and is only reported: the rest passes unread.
    Unread,
}

/// A connection as seen from the side whose bytes are read.
pub(super) struct Side<'a> {
    pub(super) own: &'a mut DirState,
    pub(super) peer: &'a mut DirState,
    pub(super) policy: &'a Policy,
    /// Rules that were broken, and reported for the first time.
    pub(super) reported: &'a mut Reasons,
    /// Whether the client has just said what needs no upgrade.
    pub(super) cleartext: bool,
    /// Whether TLS has just begun after something else.
    pub(super) upgraded: bool,
    direction: Direction,
    is_client: bool,
}

impl Connection {
    /// Whether the TLS client sends in `direction`.
    #[inline]
    pub(super) fn is_client(&self, direction: Direction) -> bool {
        (direction == Direction::Original) != self.is(Link::CallHome)
    }

    /// The connection as seen from the side that sends in `direction`.
    #[inline]
    pub(super) fn side<'a>(
        &'a mut self,
        policy: &'a Policy,
        direction: Direction,
        reported: &'a mut Reasons,
    ) -> Side<'a> {
        let is_client = self.is_client(direction);
        let (own, peer) = self.both(direction);
        Side {
            own,
            peer,
            policy,
            reported,
            cleartext: false,
            upgraded: false,
            direction,
            is_client,
        }
    }
}

/// Client and server.
impl Side<'_> {
    /// Whether the side is the TLS client.
    #[inline]
    pub(super) fn is_client(&self) -> bool {
        self.is_client
    }

    /// Makes the side the TLS client if the other side opened the TCP connection and is silent, as
    /// it is when a device calls home (RFC 8071).
    pub(super) fn accept_call_home(&mut self) {
        let silent = self.peer.is_silent() && !self.own.has(Fact::Hello);
        if self.direction == Direction::Reply && silent {
            self.peer.put_link(true);
            self.is_client = true;
        }
    }

    #[inline]
    pub(super) fn server(&self) -> &DirState {
        if self.is_client {
            self.peer
        } else {
            self.own
        }
    }

    #[inline]
    pub(super) fn client(&self) -> &DirState {
        if self.is_client {
            self.own
        } else {
            self.peer
        }
    }

    pub(super) fn client_has(&self, fact: ClientFact) -> bool {
        self.client().has_client_fact(fact)
    }

    pub(super) fn server_has(&self, fact: ServerFact) -> bool {
        self.server().has_server_fact(fact)
    }

    /// Notes something about the client, which is the own side.
    pub(super) fn put_client(&mut self, fact: ClientFact, on: bool) {
        if self.is_client {
            self.own.put_client_fact(fact, on);
        }
    }

    /// Notes something about the server, which is the own side.
    pub(super) fn put_server(&mut self, fact: ServerFact, on: bool) {
        if !self.is_client {
            self.own.put_server_fact(fact, on);
        }
    }
}

/// What was negotiated.
impl Side<'_> {
    /// The version that the ServerHello chose, once one has passed.
    #[inline]
    pub(super) fn negotiated(&self) -> Option<Version> {
        let server = self.server();
        server.has(Fact::Hello).then(|| server.version())
    }

    /// Whether TLS 1.3 was negotiated, by a ServerHello or a HelloRetryRequest.
    pub(super) fn is_tls13(&self) -> bool {
        self.negotiated() == Some(Version::Tls13)
    }

    /// Whether neither side has handshake messages left to send, as far as can be seen.
    pub(super) fn handshake_over(&self) -> bool {
        self.own.has(Fact::Finished) && self.peer.has(Fact::Finished)
    }

    /// Whether both hellos were seen, and heartbeats were not negotiated (RFC 6520 2).
    pub(super) fn heartbeat_not_negotiated(&self) -> bool {
        let (client, server) = (self.client(), self.server());
        // TLS 1.3 has the server's extension in EncryptedExtensions, out of sight.
        let agreed =
            client.has(Fact::Heartbeat) && (server.has(Fact::Heartbeat) || self.is_tls13());
        client.has(Fact::Hello) && server.has(Fact::Hello) && !agreed
    }
}

/// What is done when a rule is broken.
impl Side<'_> {
    /// Ends the reading if the rule condemns, else reports or ignores it.
    ///
    /// # Errors
    ///
    /// [`Stop::Broken`], unless the operator chose to report or to ignore the reason.
    #[cold]
    pub(super) fn breaks(&mut self, reason: Reason) -> Result<(), Stop> {
        if self.policy.off.contains(reason) {
            return Ok(());
        }
        if !self.policy.report.contains(reason) {
            return Err(Stop::Broken(reason));
        }
        let code = reason as u8;
        if self.own.reason_code() != code && self.peer.reason_code() != code {
            self.own.set_reason(reason);
            self.reported.insert(reason);
        }
        Ok(())
    }

    /// The same for a rule without which the framing is lost: the direction then passes unread.
    ///
    /// # Errors
    ///
    /// Always: there is nothing more to read.
    pub(super) fn breaks_framing<T>(&mut self, reason: Reason) -> Result<T, Stop> {
        self.breaks(reason)?;
        self.own.forget_past(Mode::Unread);
        Err(Stop::Unread)
    }

    /// The same for a rule without which the handshake cannot be followed, but the records can.
    pub(super) fn breaks_handshake(&mut self, reason: Reason) -> Result<(), Stop> {
        self.breaks(reason)?;
        self.own.forget_past(Mode::Midstream);
        Ok(())
    }

    /// Enforces `suspicious_sequence` in whatever should be ciphertext. A run goes on from one
    /// record to the next.
    #[inline]
    pub(super) fn search_runs(&mut self, part: &[u8]) -> Result<(), Stop> {
        if self.own.search_body(self.policy.seq_len, part) {
            return Ok(());
        }
        self.breaks_run()
    }

    /// `suspicious_sequence`: the run that was found is too long.
    #[cold]
    pub(super) fn breaks_run(&mut self) -> Result<(), Stop> {
        self.own.reset_run();
        self.breaks(Reason::SuspiciousSequence)
    }
}
