// SPDX-License-Identifier: GPL-2.0

//! The SSL/TLS record protocol, followed from outside, byte by byte, in 32 bytes per connection.
//!
//! A [`Connection`] is fed the bytes of both directions of a TCP connection as they pass, in order
//! and cut anywhere, and answers with the first rule that they break, a [`Reason`]. It buffers
//! nothing, allocates nothing, holds no pointer, and cannot panic; the all-zero value is a fresh
//! connection. Where the bytes were cut never changes the answer.
//!
//! # What is followed
//!
//! ```text
//!             bytes, in order            records                messages
//!  segment --> [tcp] ---------> [record] -----+--> [handshake] --> [hello] --> [negotiation]
//!               order, gaps,     5-byte header +--> [ccs]         ChangeCipherSpec
//!               [ahead]          type, length  +--> [heartbeat]   RFC 6520, heartbleed
//!                                              +--> [runs]        low bytes in ciphertext
//!                                [ssl2] <------+                  SSL2 records and messages
//! ```
//!
//! A direction goes through these states. Only its own, valid ChangeCipherSpec protects it:
//!
//! ```text
//!              first byte 20..24                     own CCS (up to TLS 1.2)
//!   [fresh] --------------------> [TLS, in the clear] ----------------> [TLS, protected]
//!      |                               ^                                   | first protected
//!      | 80.. and message 1 or 4       | the server answers in TLS         v handshake record
//!      +------------------------> [SSL2, in the clear]              [handshake over]
//!                                      | CLIENT-MASTER-KEY, or session-id-hit
//!                                      v
//!                                 [SSL2, opaque]
//! ```
//!
//! In TLS 1.3 ChangeCipherSpec means nothing, and no direction is ever protected in this sense.
//! After the ServerHello everything but alerts comes as application data. The handshake counts as
//! over when both sides have sent some.
//!
//! # What is not followed
//!
//! Certificates, signatures, the contents of anything encrypted, and DTLS.
//!
//! # Cost
//!
//! Bodies that no rule looks into are skipped by arithmetic; ciphertext is looked at in about 8
//! bytes out of `seq_len` (see [`runs`]); only cleartext hellos are read byte by byte. `make bench`
//! measures it.

#[path = "tls_parser/ahead.rs"]
mod ahead;
#[path = "tls_parser/ccs.rs"]
mod ccs;
#[path = "tls_parser/commands.rs"]
mod commands;
#[path = "tls_parser/data.rs"]
mod data;
#[path = "tls_parser/follow.rs"]
mod follow;
#[path = "tls_parser/handshake.rs"]
mod handshake;
#[path = "tls_parser/header.rs"]
mod header;
#[path = "tls_parser/heartbeat.rs"]
mod heartbeat;
#[path = "tls_parser/hello.rs"]
mod hello;
#[path = "tls_parser/ldap.rs"]
mod ldap;
#[path = "tls_parser/mysql.rs"]
mod mysql;
#[path = "tls_parser/negotiation.rs"]
mod negotiation;
#[path = "tls_parser/options.rs"]
mod options;
#[path = "tls_parser/policy.rs"]
mod policy;
#[path = "tls_parser/postgres.rs"]
mod postgres;
#[path = "tls_parser/prelude.rs"]
mod prelude;
#[path = "tls_parser/proxy.rs"]
mod proxy;
#[path = "tls_parser/rdp.rs"]
mod rdp;
#[path = "tls_parser/reason.rs"]
mod reason;
#[path = "tls_parser/record.rs"]
mod record;
#[path = "tls_parser/replies.rs"]
mod replies;
#[path = "tls_parser/runs.rs"]
pub mod runs;
#[path = "tls_parser/scratch.rs"]
mod scratch;
#[path = "tls_parser/search.rs"]
mod search;
#[path = "tls_parser/segment.rs"]
mod segment;
#[path = "tls_parser/seq.rs"]
mod seq;
#[path = "tls_parser/side.rs"]
mod side;
#[path = "tls_parser/socks.rs"]
mod socks;
#[path = "tls_parser/ssl2.rs"]
mod ssl2;
#[path = "tls_parser/state.rs"]
mod state;
#[path = "tls_parser/tcp.rs"]
mod tcp;
#[path = "tls_parser/upgrade.rs"]
mod upgrade;
#[path = "tls_parser/version.rs"]
mod version;
#[path = "tls_parser/words.rs"]
mod words;
#[path = "tls_parser/xmpp.rs"]
mod xmpp;

pub use follow::{
    Counts,
    Data,
    Outcome,
    Verdict, //
};
pub use options::Options;
pub use policy::{
    Opening,
    Policy, //
};
pub use reason::{
    Reason,
    Reasons, //
};
pub use search::HeaderSearch;
pub use segment::{
    Payload,
    Segment, //
};
pub use state::{
    Connection,
    Direction, //
};
pub use version::Version;
