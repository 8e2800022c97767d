// SPDX-License-Identifier: GPL-2.0

//! Application data the quick way: the rest of a body, and the records that follow it.
//!
//! Most payload is that. After the handshake a header of application data says nothing but its
//! length, as long as its version is the one that was negotiated. So such a record costs a
//! comparison and its search. Whatever else comes goes the long way, through
//! [`record`](super::record). Both ways come to the same.
//!
//! # At worst
//!
//! A segment whose last bytes are something else is read twice: here up to these bytes, and then
//! all of it the long way. To read a record here costs a fraction of judging its header. So a
//! segment stays the most expensive one if all its headers have to be judged.

use super::{
    header::{
        self,
        Kind,
        TypeAndVersion,
        MAJOR,
        MAX_CIPHERTEXT, //
    },
    state::{
        Connection,
        DirState,
        Direction,
        Fact,
        Mode, //
    },
};

impl Connection {
    /// Reads `bytes`, the next ones of `direction`, if they are application data and break no rule;
    /// returns how many records begin in them. Returns `None`, and has changed nothing, if they are
    /// anything else, or have to be read the long way.
    #[inline]
    pub(super) fn pass_data(
        &mut self,
        limit: u16,
        direction: Direction,
        bytes: &[u8],
    ) -> Option<u32> {
        if self.of(direction).has_data_left(bytes.len()) {
            return self.both(direction).0.pass_body(limit, bytes).map(|()| 0);
        }
        if bytes.len() < header::LENGTH {
            return None;
        }
        self.pass_to_end(limit, direction, bytes)
    }

    /// The same, for `bytes` that reach the end of the body, or begin between two records.
    // Out of line, as the way around it is short.
    #[inline(never)]
    fn pass_to_end(&mut self, limit: u16, direction: Direction, bytes: &[u8]) -> Option<u32> {
        let mut own = *self.of(direction);
        if !own.speaks_tls() || self.condemned_code() != 0 {
            return None;
        }
        let left = own.data_left()?;
        let (part, mut rest) = bytes.split_at_checked(usize::from(left))?;
        let mut records = 0;
        if left != 0 {
            own.search_data(limit, part).then_some(())?;
            own.resume_data(0);
        }
        if !rest.is_empty() {
            let expected = self.expected_data(direction)?;
            (records, rest) = own.pass_records(limit, expected, rest);
            if !rest.is_empty() {
                own.begin_data(limit, expected, rest)?;
                records = records.wrapping_add(1);
            }
        }
        *self.both(direction).0 = own;
        Some(records)
    }

    /// The type and the version of a record of application data that need not be judged, if the
    /// next one of `direction` is that. `None` if every header has to be judged.
    fn expected_data(&self, direction: Direction) -> Option<TypeAndVersion> {
        let is_client = self.is_client(direction);
        let (own, peer) = (self.of(direction), self.of(direction.opposite()));
        let (client, server) = if is_client { (own, peer) } else { (peer, own) };
        // The record does not end the handshake, nor interrupt a message, nor end the answer to a
        // heartbeat.
        let settled = own.has(Fact::Finished) && own.is_idle() && peer.is_idle();
        if !settled || (client.is_known() && !client.has(Fact::Hello)) {
            return None;
        }
        let minor = match own.mode() {
            Mode::Midstream => Some(3),
            _ if server.has(Fact::Hello) => server.version().record_minor(),
            _ => None,
        };
        Some([Kind::APPLICATION_DATA, MAJOR, minor?])
    }
}

impl DirState {
    /// Reads whole records that have the `expected` type and version, which is application data, up
    /// to the first that has not, is not whole, has a length that breaks a rule, or breaks one in
    /// its search. Returns how many they are, and what follows.
    ///
    /// Only one direction is read meanwhile, and these records change nothing by which a header is
    /// judged. So no header of that type and version has to be judged after the first.
    pub(super) fn pass_records<'a>(
        &mut self,
        limit: u16,
        expected: TypeAndVersion,
        mut bytes: &'a [u8],
    ) -> (u32, &'a [u8]) {
        // At most one for each five bytes.
        let mut records = 0_u32;
        while let Some((&header, rest)) = bytes.split_first_chunk() {
            let (found, length) = header::split(header);
            if found != expected {
                break;
            }
            if length == 0 {
                records = records.wrapping_add(1);
                bytes = rest;
                continue;
            }
            let Some((part, rest)) = rest.split_at_checked(usize::from(length)) else {
                break;
            };
            if length > MAX_CIPHERTEXT || !self.search_data(limit, part) {
                break;
            }
            records = records.wrapping_add(1);
            bytes = rest;
        }
        (records, bytes)
    }

    /// Reads the beginning of such a record, which is all that `bytes` are.
    fn begin_data(&mut self, limit: u16, expected: TypeAndVersion, bytes: &[u8]) -> Option<()> {
        let Some((&header, part)) = bytes.split_first_chunk() else {
            return self.begin_header(expected, bytes);
        };
        let (found, length) = header::split(header);
        // A whole one was read, unless it breaks a rule.
        let left = usize::from(length).checked_sub(part.len())?;
        if found != expected || length > MAX_CIPHERTEXT || left == 0 {
            return None;
        }
        // A header alone leaves the run as it is, even if there is no limit any more.
        if !part.is_empty() && !self.search_data(limit, part) {
            return None;
        }
        // No more than `length`.
        self.resume_data(left as u16);
        Some(())
    }

    /// The same, for the beginning of its header.
    fn begin_header(&mut self, expected: TypeAndVersion, bytes: &[u8]) -> Option<()> {
        let (found, high) = bytes
            .split_at_checked(expected.len())
            .unwrap_or((bytes, &[]));
        if !expected.starts_with(found) {
            return None;
        }
        if let Some(&high) = high.first() {
            self.body_left = u16::from(high) << 8;
        }
        // Fewer than a header has.
        self.set_place(bytes.len() as u8, Kind::ApplicationData);
        Some(())
    }
}
