// SPDX-License-Identifier: GPL-2.0

//! The parser's way through a segment, as in the module: `nf_conntrack_tls.rs` is the model.

use crate::{
    counts::Counts,
    packet::Packet,
    tls_parser::{
        Connection,
        Direction,
        Placement,
        Policy,
        Reason,
        Segment, //
    },
};

/// Who is shown the bytes that are read, in their order.
pub(crate) trait Tap {
    /// The next bytes of that direction.
    fn read(&mut self, direction: Direction, bytes: &[u8]);
    /// What follows in that direction does not follow what was read.
    fn lose(&mut self, direction: Direction);
}

/// A segment's way through its connection's state, as in the module.
pub(crate) struct Driver<'a, T> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) counts: &'a mut Counts,
    pub(crate) policy: &'a Policy,
    pub(crate) packet: &'a Packet<'a>,
    pub(crate) direction: Direction,
    pub(crate) tap: &'a mut T,
}

impl<T: Tap> Driver<'_, T> {
    /// Follows the segment; the rule that it breaks, if the connection was not condemned before.
    pub(crate) fn follow(&mut self, segment: &Segment) -> Option<Reason> {
        // As the module does with bare ACKs.
        if segment.len == 0 && !segment.syn && !segment.fin && !segment.urg {
            return None;
        }
        let condemned = self.connection.condemned().is_some();
        let broken = self.place(segment).err();
        if segment.fin && broken.is_none() && self.connection.in_record(self.direction) {
            self.counts.truncated += 1;
        }
        broken.filter(|_| !condemned)
    }

    /// Places the segment in its stream, and reads what is new of it.
    fn place(&mut self, segment: &Segment) -> Result<(), Reason> {
        match self.connection.place(self.direction, segment) {
            Placement::Empty => {}
            // Here nothing runs ahead, so that `end` is the segment's.
            Placement::Next { skip, .. } => self.read(skip)?,
            Placement::BehindHole { .. } => {
                self.counts.gaps_skipped += 1;
                self.tap.lose(self.direction);
                self.read(0)?;
            }
            Placement::Retransmission => self.counts.retransmissions += 1,
            Placement::OutOfOrder => {
                self.counts.ooo_passed += 1;
                // The module drops it, and sees it again. Here it has passed, as under `log_only`.
                self.connection.lose(self.direction);
                self.tap.lose(self.direction);
            }
            Placement::MidStream => self.pick_up(segment)?,
            Placement::Condemned(reason) => return Err(reason),
        }
        Ok(())
    }

    /// Takes the stream up in the middle, or lets the segment pass unread.
    fn pick_up(&mut self, segment: &Segment) -> Result<(), Reason> {
        self.tap.lose(self.direction);
        let payload = self.packet.payload;
        let header_at = |at: u32| payload.get(at as usize..)?.first_chunk().copied();
        if !self.connection.pick_up(self.direction, segment, header_at) {
            self.counts.unsynced += 1;
            return Ok(());
        }
        self.counts.resynced += 1;
        self.read(0)
    }

    /// Feeds the payload from byte `skip` on to the parser.
    fn read(&mut self, skip: u32) -> Result<(), Reason> {
        let new = self.packet.payload.get(skip as usize..).unwrap_or_default();
        self.tap.read(self.direction, new);
        let records = self.connection.feed(self.policy, self.direction, new)?;
        self.counts.bytes += new.len() as u64;
        self.counts.records += u64::from(records);
        Ok(())
    }
}
