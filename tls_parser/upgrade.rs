// SPDX-License-Identifier: GPL-2.0

//! From what comes before TLS to its first byte.
//!
//! ```text
//!   client  EHLO ..  STARTTLS           | ClientHello ...
//!   server  220 ..   250 ..   220 ready | ServerHello ...
//!           [commands] [replies] ...    | [record]
//! ```
//!
//! An upgrade is recognised by the client's request and the server's acceptance, each in its
//! protocol's grammar, and not by what looks like a ClientHello. From then on both directions are
//! followed as if they had just begun; the first record may lie in the same segment.
//!
//! Enforces `starttls_injection`, `starttls_required` and `proxy_header`.
//!
//! # Which protocol
//!
//! A server that speaks first is recognised by its first two bytes, a client that does by its first
//! one. A client that speaks before its server's greeting, and in another protocol, breaks
//! `starttls_injection`: it could otherwise have the parser read the wrong one. A ClientHello at
//! the very beginning is TLS without an upgrade.
//!
//! # What is not followed
//!
//! What comes out of order is dropped until the gap before it is filled, as in a handshake. Where
//! nothing more can lead to TLS, the connection passes unread; so does one in another protocol.

use super::{
    policy::Opening,
    prelude::{
        Commands,
        Family,
        Found,
        Ldap,
        Mysql,
        Next,
        Postgres,
        Prelude,
        Proxy,
        Rdp,
        Replies,
        Socks,
        Xmpp, //
    },
    reason::Reason,
    record,
    replies,
    side::{
        Side,
        Stop, //
    },
    state::Mode, //
};

/// The first bytes of records: an alert may come before the ClientHello.
const RECORDS: core::ops::RangeInclusive<u8> = 20..=24;
/// The lowest first byte of an SSL2 ClientHello.
const SSL2: u8 = 0x80;

/// Follows `bytes` up to TLS, and through its records; returns how many of these begin.
// Out of line for the same reason as `record::feed`, which most connections go on to at once.
#[inline(never)]
pub(super) fn feed(side: &mut Side<'_>, bytes: &[u8]) -> Result<u32, Stop> {
    match side.policy.opening {
        Opening::Tls => record::feed(side, bytes),
        _ => feed_prelude(side, bytes),
    }
}

#[inline(never)]
fn feed_prelude(side: &mut Side<'_>, mut bytes: &[u8]) -> Result<u32, Stop> {
    while precedes_tls(side) && !bytes.is_empty() {
        follow_peer(side)?;
        let mut own = side.own.prelude();
        bytes = skip(&mut own, bytes);
        let Some((&byte, rest)) = bytes.split_first() else {
            side.own.set_prelude(own);
            break;
        };
        if begins_with_tls(side, own, byte) {
            begin_tls(side);
            break;
        }
        take(side, own, byte)?;
        bytes = rest;
    }
    record::feed(side, bytes)
}

/// Whether the next byte comes before TLS.
fn precedes_tls(side: &Side<'_>) -> bool {
    let waits = side.own.has_prelude() || side.own.is_silent();
    waits && (side.policy.opening != Opening::Proxy || side.is_client())
}

/// Gives up a side whose other side is not followed any more.
fn follow_peer(side: &mut Side<'_>) -> Result<(), Stop> {
    match side.peer.mode() {
        Mode::Lost | Mode::Midstream if side.policy.opening != Opening::Proxy => {
            side.own.forget_past(Mode::Lost);
            Err(Stop::Unread)
        }
        _ => Ok(()),
    }
}

/// Skips bytes that mean nothing.
fn skip<'a>(own: &mut Prelude, bytes: &'a [u8]) -> &'a [u8] {
    let length = match own {
        Prelude::Commands(commands) => commands.skip(bytes),
        Prelude::Replies(replies) => replies.skip(bytes),
        Prelude::Ldap(ldap) => ldap.skip(bytes),
        Prelude::Proxy(proxy) => proxy.skip(bytes),
        _ => 0,
    };
    bytes.get(length..).unwrap_or_default()
}

/// Whether a side's first byte is one of TLS, without an upgrade.
fn begins_with_tls(side: &Side<'_>, own: Prelude, byte: u8) -> bool {
    let silent = side.peer.is_silent() || side.peer.mode() == Mode::Fresh;
    let answers = !side.is_client() && !silent && !side.peer.has_prelude();
    let opens = side.is_client() && silent && (RECORDS.contains(&byte) || byte >= SSL2);
    own == Prelude::Start && side.policy.opening != Opening::Proxy && (answers || opens)
}

/// Begins TLS in both directions, as far as they have begun.
fn begin_tls(side: &mut Side<'_>) {
    side.own.begin_tls();
    if side.peer.has_prelude() || side.peer.is_silent() {
        side.peer.begin_tls();
    }
}

/// Takes a byte, and does what follows from it.
fn take(side: &mut Side<'_>, mut own: Prelude, byte: u8) -> Result<(), Stop> {
    let mut peer = side.peer.prelude();
    let before = peer;
    let has_said = own.has_said() || peer.has_said();
    let mut found = match (side.policy.opening, side.is_client()) {
        (Opening::Proxy, _) => take_proxy(&mut own, byte),
        (_, true) => take_client(&mut own, &mut peer, byte),
        (_, false) => take_server(&mut own, &mut peer, byte),
    };
    found.said &= !has_said;
    side.own.set_prelude(own);
    if peer != before {
        side.peer.set_prelude(peer);
    }
    judge(side, found)
}

/// Does what follows from a byte.
fn judge(side: &mut Side<'_>, found: Found) -> Result<(), Stop> {
    if found.injects {
        side.breaks(Reason::StarttlsInjection)?;
    }
    if found.said {
        side.cleartext = true;
        if side.policy.opening == Opening::StarttlsRequired {
            side.breaks(Reason::StarttlsRequired)?;
        }
    }
    match found.next {
        Next::Stay => Ok(()),
        Next::Upgrade if side.policy.opening == Opening::Proxy => {
            side.own.begin_tls();
            side.upgraded = true;
            Ok(())
        }
        Next::Upgrade => {
            begin_tls(side);
            side.upgraded = true;
            Ok(())
        }
        Next::Cleartext => {
            side.own.forget_past(Mode::Unread);
            side.peer.forget_past(Mode::Unread);
            Err(Stop::Unread)
        }
        Next::Malformed => side.breaks_framing(Reason::ProxyHeader),
    }
}

fn take_proxy(own: &mut Prelude, byte: u8) -> Found {
    let mut proxy = match own {
        Prelude::Proxy(proxy) => *proxy,
        _ => Proxy::default(),
    };
    let found = proxy.take(byte);
    *own = Prelude::Proxy(proxy);
    found
}

fn take_client(own: &mut Prelude, server: &mut Prelude, byte: u8) -> Found {
    let found = take_of_client(own, server, byte);
    if found.next == Next::Cleartext && !server.is_known() && !found.injects {
        // A server that speaks first may ignore what was said, and go on.
        *own = Prelude::Aside;
        return Found::saying(true);
    }
    match (own, server) {
        (Prelude::Commands(client), Prelude::Replies(server)) if client.is_connecting() => {
            server.begin_anew();
        }
        _ => {}
    }
    found
}

fn take_of_client(own: &mut Prelude, server: &Prelude, byte: u8) -> Found {
    if *own == Prelude::Start && *server == Prelude::Start && byte.is_ascii_whitespace() {
        // It may stand before XML, and means nothing elsewhere.
        return Found::STAY;
    }
    if *own == Prelude::Start {
        *own = match begin_client(server, byte) {
            Ok(prelude) => prelude,
            Err(found) => return found,
        };
    }
    match own {
        Prelude::Commands(commands) => {
            let family = match server {
                Prelude::Replies(replies) => replies.family,
                _ => Family::Unknown,
            };
            commands.take(family, byte)
        }
        Prelude::Xmpp(xmpp) => xmpp.take_client(byte),
        Prelude::Ldap(ldap) => ldap.take_client(byte),
        Prelude::Postgres(postgres) => postgres.take_client(byte),
        Prelude::Mysql(mysql) => mysql.take_client(server, byte),
        Prelude::Rdp(rdp) => rdp.take_client(byte),
        Prelude::Socks(socks) => socks.take_client(byte),
        _ => Found::CLEARTEXT,
    }
}

/// Recognises what a client speaks by its first byte, and by what its server has said.
fn begin_client(server: &Prelude, byte: u8) -> Result<Prelude, Found> {
    Ok(match (server, byte) {
        (Prelude::Mysql(server), _) if server.done => Prelude::Mysql(Mysql::default()),
        (Prelude::Mysql(_), _) => return Err(Found::OUT_OF_TURN),
        (Prelude::First(_) | Prelude::Replies(_), _) => Prelude::Commands(Commands::default()),
        (_, b'<') => Prelude::Xmpp(Xmpp::default()),
        (_, 0x30) => Prelude::Ldap(Ldap::default()),
        (_, 0) => Prelude::Postgres(Postgres::default()),
        (_, 3) => Prelude::Rdp(Rdp::default()),
        (_, 4 | 5) => Prelude::Socks(Socks::default()),
        (_, byte) if replies::is_text(byte) => Prelude::Commands(Commands::default()),
        _ => return Err(Found::CLEARTEXT),
    })
}

fn take_server(own: &mut Prelude, client: &mut Prelude, byte: u8) -> Found {
    match *own {
        Prelude::Start => {
            *own = match begin_server(client, byte) {
                Some(prelude) => prelude,
                None => return Found::OUT_OF_TURN,
            };
            if matches!(own, Prelude::First(_)) {
                return Found::STAY;
            }
        }
        Prelude::First(first) => return take_second(own, first, client, byte),
        _ => {}
    }
    match own {
        Prelude::Replies(replies) => replies.take(client, byte),
        Prelude::Xmpp(xmpp) => xmpp.take_server(client, byte),
        Prelude::Ldap(ldap) => ldap.take_server(client, byte),
        Prelude::Mysql(mysql) => mysql.take_server(client, byte),
        Prelude::Rdp(rdp) => rdp.take_server(client, byte),
        Prelude::Socks(socks) => socks.take_server(client, byte),
        // PostgreSQL keeps nothing of its server.
        _ => Postgres::take_server(client, byte),
    }
}

/// Recognises what a server speaks by what its client has said; `None` if it speaks something else.
fn begin_server(client: &Prelude, byte: u8) -> Option<Prelude> {
    match (client, byte) {
        (Prelude::Start | Prelude::Commands(_) | Prelude::Aside, _) => Some(Prelude::First(byte)),
        (Prelude::Xmpp(_), b'<') => Some(Prelude::Xmpp(Xmpp::default())),
        (Prelude::Ldap(_), 0x30) => Some(Prelude::Ldap(Ldap::default())),
        (Prelude::Postgres(_), _) => Some(Prelude::Postgres(Postgres::default())),
        (Prelude::Rdp(_), 3) => Some(Prelude::Rdp(Rdp::default())),
        (Prelude::Socks(_), 0 | 5) => Some(Prelude::Socks(Socks::default())),
        _ => None,
    }
}

/// Recognises a server that speaks first: by NUL in the second place MySQL, else text.
fn take_second(own: &mut Prelude, first: u8, client: &mut Prelude, byte: u8) -> Found {
    if byte == 0 {
        let mut mysql = Mysql::default();
        mysql.take_server(client, first);
        mysql.take_server(client, byte);
        *own = Prelude::Mysql(mysql);
        return Found::STAY;
    }
    if !replies::is_text(first) {
        return Found::CLEARTEXT;
    }
    if *client == Prelude::Aside {
        return Found::OUT_OF_TURN;
    }
    let mut replies = Replies::begin(first);
    let misled = replies.is_misled(client);
    let found = replies.take(client, first);
    let found = match found.next {
        Next::Stay => replies.take(client, byte),
        _ => found,
    };
    *own = Prelude::Replies(replies);
    found.injecting(misled)
}
