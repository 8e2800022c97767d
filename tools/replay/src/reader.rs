// SPDX-License-Identifier: GPL-2.0

//! Captures: pcap and pcapng, by pcap-parser, as a stream of frames; compressed or not.

use crate::{
    decompress::decompress,
    packet::{
        Frame,
        Time, //
    },
};
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
    io::{
        self,
        Cursor,
        Read, //
    },
    rc::Rc, //
};

/// Where blocks are read into; it grows for longer ones.
const BUFFER: usize = 1 << 17;
/// A longer block counts as damage.
const MAX_BLOCK: usize = 1 << 24;

const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const PCAP_HEADER: u64 = 24;

/// Why a capture cannot be read, or not to its end.
#[derive(Debug)]
pub(crate) enum Error {
    /// It cannot be opened or read.
    Io(io::Error),
    /// tcpdump cannot be started.
    Tcpdump(io::Error),
    /// It has no bytes.
    Empty,
    /// It is something else.
    Foreign,
    /// It is compressed in that way.
    Compressed(&'static str),
    /// It ends within a block.
    Truncated,
    /// Its blocks make no sense from here on.
    Damaged,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(err) => write!(f, "cannot be read: {err}"),
            Error::Tcpdump(err) => write!(f, "cannot be captured from: tcpdump is needed: {err}"),
            Error::Empty => write!(f, "is empty: a pcap or pcapng capture is needed"),
            Error::Foreign => write!(f, "is no pcap or pcapng capture"),
            Error::Compressed(by) => {
                write!(f, "is compressed by {by}: gzip, zstd, xz and lz4 are read")
            }
            Error::Truncated => write!(f, "is truncated: it ends in the middle of a packet"),
            Error::Damaged => write!(f, "is damaged: what follows is no packet"),
        }
    }
}

/// How much of a file was read, and of how much; none is known of a pipe.
#[derive(Default)]
pub(crate) struct Extent {
    pub(crate) read: Cell<u64>,
    pub(crate) size: Option<u64>,
    /// Whether its end was reached.
    ended: Cell<bool>,
    /// What went wrong as it was read: decompressors and pcap-parser say no more than that
    /// something did.
    error: RefCell<Option<io::Error>>,
}

impl Extent {
    /// Why no more can be read from what decompresses the file.
    fn error(&self) -> Error {
        match self.error.borrow_mut().take() {
            Some(err) => Error::Io(err),
            None if self.ended.get() => Error::Truncated,
            None => Error::Damaged,
        }
    }
}

/// A file that is counted as it is read.
struct Counted<R> {
    inner: R,
    extent: Rc<Extent>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to).map_err(|err| {
            let kind = err.kind();
            *self.extent.error.borrow_mut() = Some(err);
            kind
        })?;
        self.extent.read.set(self.extent.read.get() + read as u64);
        self.extent.ended.set(read == 0 && !to.is_empty());
        Ok(read)
    }
}

/// A capture, from its first block on.
pub(crate) struct Capture {
    blocks: Box<dyn PcapReaderIterator>,
    capacity: usize,
    is_ng: bool,
    /// The interfaces; pcap has one.
    interfaces: Vec<Interface>,
    /// How far it has been read.
    pub(crate) extent: Rc<Extent>,
}

impl Capture {
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
        let (start, input) = uncompressed(Box::new(counted), &extent)?;
        let is_ng = start.starts_with(&PCAPNG);
        let whole = Cursor::new(start).chain(input);
        let blocks: Box<dyn PcapReaderIterator> = if is_ng {
            Box::new(PcapNGReader::new(BUFFER, whole).map_err(|_| Error::Foreign)?)
        } else {
            Box::new(LegacyPcapReader::new(BUFFER, whole).map_err(|_| Error::Foreign)?)
        };
        Ok(Capture {
            blocks,
            capacity: BUFFER,
            is_ng,
            interfaces: Vec::new(),
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
            if let Some(frame) = frame(&mut self.interfaces, &block)? {
                take(frame)?;
            }
            self.blocks.consume(length);
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        let before = self.blocks.data().len();
        if self.blocks.refill().is_err() {
            return Err(self.extent.error());
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

/// Whether a block of pcapng begins here whose length has no room for its type and its length,
/// twice.
///
/// pcap-parser 0.17 subtracts these 12 bytes from lengths of 4 (`ng_block_parser`). In whichever
/// order its bytes are: read the other way, such a length is longer than any block that is
/// believed.
fn is_too_short(block: &[u8]) -> bool {
    let Some(&[_, _, _, _, a, b, c, d]) = block.first_chunk() else {
        return false;
    };
    u32::from_le_bytes([a, b, c, d]).min(u32::from_be_bytes([a, b, c, d])) < 12
}

/// Reads the first bytes, up to `length` of them.
fn first(input: &mut dyn Read, length: u64, extent: &Extent) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = input.take(length).read_to_end(&mut bytes);
    read.map_err(|_| extent.error())?;
    Ok(bytes)
}

/// Reads the start of a capture, decompressed, which is as much as pcap-parser needs to know it.
fn uncompressed(
    mut input: Box<dyn Read>,
    extent: &Extent,
) -> Result<(Vec<u8>, Box<dyn Read>), Error> {
    let mut start = first(&mut input, PCAP_HEADER, extent)?;
    if start.is_empty() {
        return Err(Error::Empty);
    }
    let compressed;
    (input, compressed) = decompress(start, input).map_err(Error::Compressed)?;
    start = first(&mut input, PCAP_HEADER, extent)?;
    // A decoder may treat a truncated input as its end.
    if compressed && (start.len() as u64) < PCAP_HEADER {
        return Err(Error::Truncated);
    }
    if start.starts_with(&PCAPNG) {
        let length = section_length(&start).ok_or(Error::Truncated)?;
        if length > BUFFER as u64 {
            return Err(Error::Foreign);
        }
        start.extend(first(
            &mut input,
            length.saturating_sub(start.len() as u64),
            extent,
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

const SECOND: u64 = 1_000_000_000;

/// An interface that packets were captured on.
#[derive(Clone, Copy)]
struct Interface {
    link: i32,
    /// How many ticks of its clock are a second.
    ticks: u64,
    /// The second from which they are counted.
    offset: i64,
}

impl Interface {
    /// The time of a packet; none if it does not fit.
    fn time(&self, ticks: u64) -> Time {
        let (seconds, part) = (ticks / self.ticks, ticks % self.ticks);
        let nanoseconds = if SECOND % self.ticks == 0 {
            part * (SECOND / self.ticks)
        } else {
            // Less than a second.
            (u128::from(part) * u128::from(SECOND) / u128::from(self.ticks)) as u64
        };
        let time = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| seconds.checked_add(self.offset))
            .and_then(|seconds| seconds.checked_mul(SECOND as i64))
            .and_then(|time| time.checked_add(nanoseconds as i64));
        Time(time.unwrap_or(0))
    }
}

/// What a block says of a packet.
struct Fields<'a> {
    interface: u32,
    data: &'a [u8],
    captured: u32,
    length: u32,
    ticks: u64,
}

/// Notes what a block says of the interfaces, if it does.
fn note(interfaces: &mut Vec<Interface>, block: &PcapBlockOwned<'_>) {
    match block {
        PcapBlockOwned::LegacyHeader(header) => {
            *interfaces = vec![Interface {
                // The high bits say whether a checksum follows each frame.
                link: header.network.0 & 0xffff,
                ticks: if header.is_nanosecond_precision() {
                    1_000_000_000
                } else {
                    1_000_000
                },
                offset: 0,
            }];
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            interfaces.push(Interface {
                link: interface.linktype.0,
                ticks: interface.ts_resolution().unwrap_or(1_000_000).max(1),
                offset: interface.ts_offset(),
            });
        }
        _ => {}
    }
}

/// The packet of a block, if it has one.
fn fields<'a>(interfaces: &[Interface], block: &PcapBlockOwned<'a>) -> Option<Fields<'a>> {
    match block {
        PcapBlockOwned::NG(Block::SimplePacket(frame)) => Some(Fields {
            interface: 0,
            data: frame.data,
            captured: frame.origlen,
            length: frame.origlen,
            ticks: 0,
        }),
        PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => Some(Fields {
            interface: frame.if_id,
            data: frame.data,
            captured: frame.caplen,
            length: frame.origlen,
            ticks: (u64::from(frame.ts_high) << 32) | u64::from(frame.ts_low),
        }),
        PcapBlockOwned::Legacy(frame) => {
            let ticks = interfaces.first()?.ticks;
            Some(Fields {
                interface: 0,
                data: frame.data,
                captured: frame.caplen,
                length: frame.origlen,
                ticks: (u64::from(frame.ts_sec) * ticks).saturating_add(frame.ts_usec.into()),
            })
        }
        _ => None,
    }
}

/// The frame of a block, if it has one.
fn frame<'a>(
    interfaces: &mut Vec<Interface>,
    block: &PcapBlockOwned<'a>,
) -> Result<Option<Frame<'a>>, Error> {
    let Some(fields) = fields(interfaces, block) else {
        note(interfaces, block);
        return Ok(None);
    };
    let interface = interfaces
        .get(fields.interface as usize)
        .ok_or(Error::Damaged)?;
    // The data may have padding after it.
    let captured = fields.data.len().min(fields.captured as usize);
    Ok(Some(Frame {
        link: interface.link,
        data: &fields.data[..captured],
        length: fields.length,
        time: interface.time(fields.ticks),
    }))
}
