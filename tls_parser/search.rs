// SPDX-License-Identifier: GPL-2.0

//! A search for record headers in a segment of which is not known where in a record it begins.

use super::header::{
    self,
    Header,
    Kind,
    MAJOR, //
};

/// Bytes that are searched at once, and the major version in each of them.
const WORD: usize = size_of::<u64>();
const MAJORS: u64 = u64::from_le_bytes([MAJOR; WORD]);

/// The search.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct HeaderSearch {
    last: Header,
    /// How many bytes were searched.
    searched: u32,
    /// Where in the segment the next header has to lie, if that is known.
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
    /// A search in which the next header is expected there in the segment.
    pub(super) fn expecting(expected: Option<u32>) -> Self {
        HeaderSearch {
            expected,
            ..HeaderSearch::default()
        }
    }

    /// Goes on with the next bytes: a word at once, if no major version lies where a header in it
    /// has it.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((word, rest)) = bytes.split_first_chunk::<WORD>() {
            let [_, _, c, d, e] = self.last;
            if [c, d, e].contains(&MAJOR) || has_major(word) {
                self.feed_bytes(word);
            } else {
                let [.., a, b, c, d, e] = *word;
                self.last = [a, b, c, d, e];
                self.searched = self.searched.saturating_add(WORD as u32);
            }
            bytes = rest;
        }
        self.feed_bytes(bytes);
    }

    fn feed_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let [_, b, c, d, e] = self.last;
            self.last = [b, c, d, e, byte];
            self.searched = self.searched.saturating_add(1);
            if let Some(length) = header::plausible(self.last) {
                self.on_header(length);
            }
        }
    }

    /// Takes the last bytes for the header of a record of that length.
    fn on_header(&mut self, length: u32) {
        let [content_type, _, minor, _, _] = self.last;
        let place = self.searched.saturating_sub(header::LENGTH as u32);
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
            self.expected = Some(place.saturating_add(length));
        }
    }

    /// Whether a header that has to lie in the segment is not there.
    pub(super) fn misses_expected_header(&self) -> bool {
        self.expected
            .is_some_and(|expected| expected < self.searched)
    }

    /// Whether a header may begin in the last bytes, and end after them.
    pub(super) fn ends_in_partial_header(&self) -> bool {
        let [_, b, c, d, e] = self.last;
        [
            [b, c, d, e, 0],
            [b, c, d, e, 1],
            [c, d, e, 0, 1],
            [d, e, 3, 0, 1],
            [e, 3, 3, 0, 1],
        ]
        .into_iter()
        .any(|header| header::plausible(header).is_some())
    }
}

/// Whether a byte of the word may be a header's major version; at times true though none is.
fn has_major(word: &[u8; WORD]) -> bool {
    // Zero where the version was; a zero borrows from the byte above it (Mycroft's test).
    let zeroes = u64::from_le_bytes(*word) ^ MAJORS;
    let low = u64::from_le_bytes([0x01; WORD]);
    let high = u64::from_le_bytes([0x80; WORD]);
    zeroes.wrapping_sub(low) & !zeroes & high != 0
}
