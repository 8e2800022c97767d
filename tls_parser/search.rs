// SPDX-License-Identifier: GPL-2.0

//! A search for record headers in a segment of which is not known where in a record it begins.

use super::header::{
    self,
    Header,
    Kind,
    MAJOR, //
};

/// The minor version of which a header may be split between two segments that pass.
pub(super) const MINOR: u8 = 3;

/// In so many places at once is looked for the beginning of a header.
const WORD: usize = size_of::<u64>();

/// The bytes of headers that begin in the places of a word.
const BLOCK: usize = WORD + header::LENGTH - 1;

/// The search.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct HeaderSearch {
    last: Header,
    /// How many bytes were searched.
    searched: u32,
    /// Where in the segment the next header has to lie, if that is known. Modulo 2^32: it may begin
    /// before the segment.
    pub(super) expected: Option<u32>,
    /// Headers of application data, each where it has to lie.
    pub(super) found: Option<Found>,
    /// Whether there is a header of application data in any other place.
    pub(super) stray: bool,
    /// Whether there is a header of anything else.
    pub(super) other: bool,
}

/// Headers that follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// Where in the segment the first one lies.
    pub(super) first: u32,
    /// The minor version of all of them.
    pub(super) minor: u8,
}

impl HeaderSearch {
    /// A search that goes on where the one before ended. The next header is expected there in the
    /// segment, or has begun before it, in up to three bytes.
    ///
    /// The last byte before the segment may have been any content type. One stands for all: their
    /// headers are equally plausible.
    pub(super) fn resumed(expected: u32) -> Self {
        const TYPE: u8 = Kind::APPLICATION_DATA;
        HeaderSearch {
            last: match expected.wrapping_neg() {
                2 => [0, 0, 0, TYPE, MAJOR],
                3 => [0, 0, TYPE, MAJOR, MINOR],
                _ => [0, 0, 0, 0, TYPE],
            },
            expected: Some(expected),
            ..HeaderSearch::default()
        }
    }

    /// Goes on with the next bytes: eight places at once, if none can be that of a header.
    ///
    /// Headers are looked at where [`candidates`] are. No two of these lie closer than three bytes.
    /// So an adversary who places headers at will makes the search cost a few times what it costs
    /// on ciphertext, and not more.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut place = self.searched;
        self.feed_begun(bytes);
        let mut rest = bytes;
        while let Some((block, next)) = rest.first_chunk::<BLOCK>().zip(rest.get(WORD..)) {
            let mut candidates = candidates(block);
            while candidates != 0 {
                let at = candidates.trailing_zeros() / u8::BITS;
                candidates &= candidates.wrapping_sub(1);
                self.look(place.saturating_add(at), block.get(at as usize..));
            }
            place = place.saturating_add(WORD as u32);
            rest = next;
        }
        while rest.len() >= header::LENGTH {
            self.look(place, Some(rest));
            place = place.saturating_add(1);
            rest = rest.get(1..).unwrap_or_default();
        }
        // A segment is not that long.
        self.searched = self.searched.saturating_add(bytes.len() as u32);
        if let Some(&last) = bytes.last_chunk() {
            self.last = last;
        }
    }

    /// Looks at the headers that begin before `bytes`.
    fn feed_begun(&mut self, bytes: &[u8]) {
        let begins = self.searched.wrapping_sub(header::LENGTH as u32 - 1);
        for (&byte, at) in bytes.iter().zip(0..header::LENGTH as u32 - 1) {
            let [_, b, c, d, e] = self.last;
            self.last = [b, c, d, e, byte];
            let header = self.last;
            self.look(begins.wrapping_add(at), Some(&header));
        }
    }

    /// Looks whether `bytes`, which lie there in the segment, begin with a header.
    fn look(&mut self, place: u32, bytes: Option<&[u8]>) {
        let Some(&header) = bytes.and_then(|bytes| bytes.first_chunk()) else {
            return;
        };
        if let Some(length) = header::plausible(header) {
            self.on_header(place, header, length);
        }
    }

    /// Notes the header of a record of that length.
    fn on_header(&mut self, place: u32, header: Header, length: u32) {
        let [content_type, _, minor, _, _] = header;
        let found = self.found.unwrap_or(Found {
            first: place,
            minor,
        });
        if content_type != Kind::APPLICATION_DATA {
            self.other = true;
        } else if minor != found.minor || self.expected.is_some_and(|expected| expected != place) {
            self.stray = true;
        } else {
            self.found = Some(found);
            self.expected = Some(place.wrapping_add(length));
        }
    }

    /// How many bytes of the expected header are the segment's last ones. `None` if that header
    /// should lie in the segment, and does not.
    pub(super) fn begun(&self) -> Option<u32> {
        let Some(expected) = self.expected else {
            return Some(0);
        };
        let [_, _, c, d, e] = self.last;
        match self.searched.wrapping_sub(expected) {
            1 if [e] == [Kind::APPLICATION_DATA] => Some(1),
            2 if [d, e] == [Kind::APPLICATION_DATA, MAJOR] => Some(2),
            3 if [c, d, e] == [Kind::APPLICATION_DATA, MAJOR, MINOR] => Some(3),
            // No segment is that long.
            after if after == 0 || after > u32::MAX / 2 => Some(0),
            _ => None,
        }
    }

    /// Whether a header may begin in the last bytes and end after them.
    pub(super) fn ends_in_partial_header(&self) -> bool {
        self.partial_headers().next().is_some()
    }

    /// How many bytes such headers have: one to four.
    pub(super) fn partial_headers(&self) -> impl Iterator<Item = u32> {
        let [_, b, c, d, e] = self.last;
        let shortest = [
            (1, [e, MAJOR, MINOR, 0, 1]),
            (2, [d, e, MINOR, 0, 1]),
            (3, [c, d, e, 0, 1]),
            (4, [b, c, d, e, 1]),
        ];
        let partial = shortest.into_iter().filter(|&(_, header)| {
            let [content_type, major, minor, high, _] = header;
            let longest = [content_type, major, minor, high, 0];
            header::plausible(header).is_some() || header::plausible(longest).is_some()
        });
        partial.map(|(length, _)| length)
    }
}

/// The places in which a header may begin: the high bit of each such byte, the first byte's the
/// lowest.
///
/// There are a content type of 16 to 31, the major version, and a minor version below 8.
fn candidates(block: &[u8; BLOCK]) -> u64 {
    const LOW_BITS: u64 = u64::from_le_bytes([0x7f; WORD]);
    let [_, second @ ..] = block;
    let [_, third @ ..] = second;
    let (types, majors, minors) = (word(block), word(second), word(third));
    // Each byte of these is zero where its test is passed.
    let types = (types ^ u64::from_le_bytes([0x10; WORD])) & u64::from_le_bytes([0xf0; WORD]);
    let majors = majors ^ u64::from_le_bytes([MAJOR; WORD]);
    let minors = minors & u64::from_le_bytes([0xf8; WORD]);
    let failed = types | majors | minors;
    // No byte's sum carries into the next one.
    !((failed & LOW_BITS).wrapping_add(LOW_BITS) | failed | LOW_BITS)
}

/// The first bytes of a block that is as long as a word at least.
fn word<const LENGTH: usize>(block: &[u8; LENGTH]) -> u64 {
    u64::from_le_bytes(block.first_chunk().copied().unwrap_or_default())
}
