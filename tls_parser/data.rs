// SPDX-License-Identifier: GPL-2.0

//! Application data the quick way: the rest of a body, and records that open like the one before.
//!
//! Most payload is that. What the header of such a record means beyond its length was judged with
//! the one before, so it costs its length and its search. Whatever else comes goes the long way,
//! through [`record`](super::record), which comes to the same.

use super::{
    header::{
        self,
        Header,
        Kind,
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

/// How a record opens: its content type and its version.
pub(super) type Opening = [u8; 3];

/// Takes a header apart, into how its record opens and its length.
pub(super) const fn split(header: Header) -> (Opening, u16) {
    let [content_type, major, minor, high, low] = header;
    (
        [content_type, major, minor],
        u16::from_be_bytes([high, low]),
    )
}

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
        self.pass_records(limit, direction, bytes)
    }

    // Out of line, as the way around it is short.
    #[inline(never)]
    fn pass_records(&mut self, limit: u16, direction: Direction, bytes: &[u8]) -> Option<u32> {
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
            let opening = self.data_opening(direction)?;
            (records, rest) = own.pass_records(limit, opening, rest);
            if !rest.is_empty() {
                own.begin_data(limit, opening, rest)?;
                records = records.wrapping_add(1);
            }
        }
        *self.both(direction).0 = own;
        Some(records)
    }

    /// How the next record of `direction` opens if it may be application data, and says nothing
    /// that is not known. `None` if its header has to be judged.
    fn data_opening(&self, direction: Direction) -> Option<Opening> {
        let is_client = self.is_client(direction);
        let (own, peer) = match direction {
            Direction::Original => (&self.original, &self.reply),
            Direction::Reply => (&self.reply, &self.original),
        };
        let (client, server) = if is_client { (own, peer) } else { (peer, own) };
        // No handshake message and no heartbeat is under way.
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
    /// Reads whole records of application data that open like the one before them, up to the first
    /// that does not, is not whole, has a length that breaks a rule, or breaks one in its search.
    /// Returns how many they are, and what follows.
    ///
    /// Only one direction is read meanwhile, so nothing can have changed what the one before was
    /// judged by.
    pub(super) fn pass_records<'a>(
        &mut self,
        limit: u16,
        opening: Opening,
        mut bytes: &'a [u8],
    ) -> (u32, &'a [u8]) {
        // At most one for each five bytes.
        let mut records = 0_u32;
        while let Some((&header, rest)) = bytes.split_first_chunk() {
            let (opens, length) = split(header);
            if opens != opening {
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
    fn begin_data(&mut self, limit: u16, opening: Opening, bytes: &[u8]) -> Option<()> {
        let Some((&header, part)) = bytes.split_first_chunk() else {
            return self.begin_header(opening, bytes);
        };
        let (opens, length) = split(header);
        // A whole one was read, unless it breaks a rule.
        let left = usize::from(length).checked_sub(part.len())?;
        let lawful = opens == opening && length <= MAX_CIPHERTEXT && left != 0;
        if !lawful || !self.search_data(limit, part) {
            return None;
        }
        // No more than `length`.
        self.resume_data(left as u16);
        Some(())
    }

    /// The same, for the beginning of its header.
    fn begin_header(&mut self, opening: Opening, bytes: &[u8]) -> Option<()> {
        let (opens, high) = bytes.split_at_checked(opening.len()).unwrap_or((bytes, &[]));
        if !opening.starts_with(opens) {
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
