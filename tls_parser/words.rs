// SPDX-License-Identifier: GPL-2.0

//! Words of text protocols, recognised byte by byte without a buffer.

/// How far a word has been recognised: which of a table's words it may still be, and how many of
/// its bytes have come.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Word {
    /// The first word of the table that begins with these bytes; [`Word::NONE`] if none does.
    pub(super) candidate: u8,
    /// How many bytes there were.
    pub(super) length: u8,
}

impl Word {
    /// How many bits each part takes.
    pub(super) const CANDIDATE_BITS: u32 = 6;
    pub(super) const LENGTH_BITS: u32 = 4;
    /// No word of the table.
    const NONE: u8 = (1 << Self::CANDIDATE_BITS) - 1;

    /// A word that begins with `byte`.
    pub(super) fn begin(table: &[&[u8]], byte: u8) -> Self {
        let mut word = Word::default();
        word.take(table, byte);
        word
    }

    /// Takes the next byte; `table` is sorted, and all its letters are capitals.
    ///
    /// Words that begin alike stand next to each other. So the first that fits is searched from the
    /// candidate on.
    pub(super) fn take(&mut self, table: &[&[u8]], byte: u8) {
        let capital = byte.to_ascii_uppercase();
        let (first, length) = (usize::from(self.candidate), usize::from(self.length));
        let begun = table
            .get(first)
            .and_then(|word| word.get(..length))
            .unwrap_or_default();
        // `enumerate()` adds with a check for overflow, which could panic.
        let candidates = (0..Self::NONE).zip(table).skip(first);
        let mut alike = candidates.take_while(|(_, word)| word.starts_with(begun));
        let fits = alike.find(|(_, word)| word.get(length) == Some(&capital));
        self.candidate = match fits {
            Some((index, _)) => index,
            None => Self::NONE,
        };
        self.length = self.length.saturating_add(1) & ((1 << Self::LENGTH_BITS) - 1);
    }

    /// The word's index in the table, if it is whole.
    pub(super) fn index(self, table: &[&[u8]]) -> Option<usize> {
        let index = usize::from(self.candidate);
        let whole = table.get(index)?.len() == usize::from(self.length);
        whole.then_some(index)
    }
}
