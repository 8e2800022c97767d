// SPDX-License-Identifier: GPL-2.0

//! Capture files: pcap and pcapng, by pcap-parser, as a stream of frames; compressed by gzip or not.

use crate::packet::Frame;
use flate2::read::MultiGzDecoder;
use pcap_parser::{
    traits::PcapReaderIterator,
    Block,
    LegacyPcapReader,
    PcapBlockOwned,
    PcapError,
    PcapNGReader, //
};
use std::{
    cell::{
        Cell,
        RefCell, //
    },
    fmt,
    fs::File,
    io::{
        self,
        Cursor,
        Read, //
    },
    path::Path,
    rc::Rc, //
};

/// Where blocks are read into; it grows for longer ones.
const BUFFER: usize = 1 << 17;
/// The longest block that is believed to be one.
const MAX_BLOCK: usize = 1 << 24;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const PCAP_HEADER: u64 = 24;

/// Why a capture cannot be read, or not to its end.
#[derive(Debug)]
pub(crate) enum Error {
    /// It cannot be opened or read.
    Io(io::Error),
    /// It has no bytes.
    Empty,
    /// It is something else.
    Foreign,
    /// It ends within a block.
    Truncated,
    /// Its blocks make no sense from here on.
    Damaged,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(err) => write!(f, "cannot be read: {err}"),
            Error::Empty => write!(f, "is empty: a pcap or pcapng capture is needed"),
            Error::Foreign => write!(f, "is no pcap or pcapng capture"),
            Error::Truncated => write!(f, "is truncated: it ends in the middle of a packet"),
            Error::Damaged => write!(f, "is damaged: what follows is no packet"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(err: io::Error) -> Self {
        // What gzip says of a file that ends too early.
        if err.kind() == io::ErrorKind::UnexpectedEof {
            Error::Truncated
        } else {
            Error::Io(err)
        }
    }
}

/// How much of a file was read, and of how much; none is known of a pipe.
#[derive(Default)]
pub(crate) struct Extent {
    pub(crate) read: Cell<u64>,
    pub(crate) size: Option<u64>,
}

/// A file that is counted as it is read.
struct Counted<R> {
    inner: R,
    extent: Rc<Extent>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        self.extent.read.set(self.extent.read.get() + read as u64);
        Ok(read)
    }
}

/// Input that keeps its error: pcap-parser says no more than that there was one.
struct Keeping {
    inner: Box<dyn Read>,
    error: Rc<RefCell<Option<io::Error>>>,
}

impl Read for Keeping {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.inner.read(to).map_err(|err| {
            let kind = err.kind();
            *self.error.borrow_mut() = Some(err);
            kind.into()
        })
    }
}

/// A capture, from its first block on.
pub(crate) struct Capture {
    blocks: Box<dyn PcapReaderIterator>,
    capacity: usize,
    is_ng: bool,
    /// The link types of the interfaces; pcap has one.
    links: Vec<i32>,
    error: Rc<RefCell<Option<io::Error>>>,
    /// How far it has been read.
    pub(crate) extent: Rc<Extent>,
}

impl Capture {
    /// Opens a file, or `-`, the standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if path == Path::new("-") {
            return Self::new(io::stdin(), None);
        }
        let file = File::open(path).map_err(Error::Io)?;
        let metadata = file.metadata().map_err(Error::Io)?;
        Self::new(file, metadata.is_file().then_some(metadata.len()))
    }

    /// Reads a capture from `input`, of `size` bytes if that is known.
    pub(crate) fn new(input: impl Read + 'static, size: Option<u64>) -> Result<Self, Error> {
        let extent = Rc::new(Extent {
            size,
            ..Extent::default()
        });
        let counted = Counted {
            inner: input,
            extent: extent.clone(),
        };
        let (start, input) = uncompressed(Box::new(counted))?;
        let error = Rc::default();
        let is_ng = start.starts_with(&PCAPNG);
        let keeping = Keeping {
            inner: Box::new(Cursor::new(start).chain(input)),
            error: Rc::clone(&error),
        };
        let blocks: Box<dyn PcapReaderIterator> = if is_ng {
            Box::new(PcapNGReader::new(BUFFER, keeping).map_err(|_| Error::Foreign)?)
        } else {
            Box::new(LegacyPcapReader::new(BUFFER, keeping).map_err(|_| Error::Foreign)?)
        };
        Ok(Capture {
            blocks,
            capacity: BUFFER,
            is_ng,
            links: Vec::new(),
            error,
            extent,
        })
    }

    /// Hands each frame to `take`, until the end of the capture, or until it fails.
    pub(crate) fn read<E: From<Error>>(
        &mut self,
        mut take: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            if self.is_ng && is_too_short(self.blocks.data()) {
                return Err(Error::Damaged.into());
            }
            let (length, block) = match self.blocks.next() {
                Ok(next) => next,
                Err(PcapError::Eof) => return Ok(()),
                Err(PcapError::Incomplete(_)) => {
                    self.refill()?;
                    continue;
                }
                Err(PcapError::BufferTooSmall) => {
                    self.grow()?;
                    continue;
                }
                Err(PcapError::UnexpectedEof) => return Err(Error::Truncated.into()),
                Err(_) => return Err(Error::Damaged.into()),
            };
            if let Some(frame) = frame(&mut self.links, &block)? {
                take(frame)?;
            }
            self.blocks.consume(length);
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        let before = self.blocks.data().len();
        if self.blocks.refill().is_err() {
            let error = self.error.borrow_mut().take();
            return Err(error.map_or(Error::Damaged, Error::from));
        }
        if self.blocks.data().len() == before && !self.blocks.reader_exhausted() {
            self.grow()?;
        }
        Ok(())
    }

    fn grow(&mut self) -> Result<(), Error> {
        self.capacity *= 2;
        if self.capacity > MAX_BLOCK || !self.blocks.grow(self.capacity) {
            return Err(Error::Damaged);
        }
        self.refill()
    }
}

/// Whether a block of pcapng begins here whose length has no room for its type and its length, twice.
///
/// pcap-parser 0.17 subtracts these 12 bytes from lengths of 4 (`ng_block_parser`). In whichever order its bytes are:
/// read the other way, such a length is longer than any block that is believed.
fn is_too_short(block: &[u8]) -> bool {
    let Some(&[_, _, _, _, a, b, c, d]) = block.first_chunk() else {
        return false;
    };
    u32::from_le_bytes([a, b, c, d]).min(u32::from_be_bytes([a, b, c, d])) < 12
}

/// Reads the first bytes, up to `length` of them.
fn first(input: &mut dyn Read, length: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the start of a capture, decompressed, which is as much as pcap-parser needs to know it.
fn uncompressed(mut input: Box<dyn Read>) -> Result<(Vec<u8>, Box<dyn Read>), Error> {
    let mut start = first(&mut input, PCAP_HEADER)?;
    if start.is_empty() {
        return Err(Error::Empty);
    }
    if start.starts_with(&GZIP) {
        input = Box::new(MultiGzDecoder::new(Cursor::new(start).chain(input)));
        start = first(&mut input, PCAP_HEADER)?;
    }
    if start.starts_with(&PCAPNG) {
        let length = section_length(&start).ok_or(Error::Truncated)?;
        if length > BUFFER as u64 {
            return Err(Error::Foreign);
        }
        start.extend(first(
            &mut input,
            length.saturating_sub(start.len() as u64),
        )?);
        if (start.len() as u64) < length {
            return Err(Error::Truncated);
        }
    } else if is_pcap(&start) && (start.len() as u64) < PCAP_HEADER {
        return Err(Error::Truncated);
    }
    Ok((start, input))
}

/// The length of the section header block that begins a pcapng file.
fn section_length(start: &[u8]) -> Option<u64> {
    let length = *start.get(4..)?.first_chunk()?;
    let length = match start.get(8..12)? {
        [0x1a, 0x2b, 0x3c, 0x4d] => u32::from_be_bytes(length),
        _ => u32::from_le_bytes(length),
    };
    Some(length.into())
}

fn is_pcap(start: &[u8]) -> bool {
    matches!(
        start,
        [0xa1, 0xb2, 0xc3, 0xd4 | 0xcd, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
    )
}

/// The frame of a block, if it has one; what else is needed of blocks goes to `links`.
fn frame<'a>(links: &mut Vec<i32>, block: &PcapBlockOwned<'a>) -> Result<Option<Frame<'a>>, Error> {
    let (interface, data, captured, length) = match block {
        PcapBlockOwned::LegacyHeader(header) => {
            // The high bits tell of a checksum behind each frame.
            *links = vec![header.network.0 & 0xffff];
            return Ok(None);
        }
        PcapBlockOwned::Legacy(frame) => (0, frame.data, frame.caplen, frame.origlen),
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            links.clear();
            return Ok(None);
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            links.push(interface.linktype.0);
            return Ok(None);
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => {
            (frame.if_id, frame.data, frame.caplen, frame.origlen)
        }
        PcapBlockOwned::NG(Block::SimplePacket(frame)) => {
            (0, frame.data, frame.origlen, frame.origlen)
        }
        PcapBlockOwned::NG(_) => return Ok(None),
    };
    // The data may have padding behind it.
    let captured = data.len().min(captured as usize);
    Ok(Some(Frame {
        link: *links.get(interface as usize).ok_or(Error::Damaged)?,
        data: &data[..captured],
        cut: captured < length as usize,
    }))
}
