// SPDX-License-Identifier: GPL-2.0

//! Compressed input, found by its first bytes: gzip, zstd, xz and lz4, each also of several
//! members.

use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{
    errors::{
        FrameDecoderError,
        ReadFrameHeaderError, //
    },
    BlockDecodingStrategy,
    FrameDecoder as ZstdDecoder, //
};
use std::io::{
    self,
    BufRead,
    BufReader,
    Cursor,
    Read, //
};

const GZIP: &[u8] = &[0x1f, 0x8b, 8];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const LZ4: &[u8] = &[0x04, 0x22, 0x4d, 0x18];

/// The most memory that a block of xz may ask for, in KiB: `xz -9` asks for 65 MiB.
const XZ_MEMORY: u32 = 256 << 10;

/// Formats that are recognised and not supported, with their names.
const OTHERS: [(&[u8], &str); 5] = [
    (b"BZh", "bzip2"),
    (&[0x02, 0x21, 0x4c, 0x18], "lz4's legacy format"),
    (&[0x50, 0x4b, 0x03, 0x04], "zip"),
    (&[0x37, 0x7a, 0xbc, 0xaf], "7z"),
    (&[0x4c, 0x5a, 0x49, 0x50], "lzip"),
];

/// Input that begins with `start`, decompressed if need be, and whether it was compressed.
///
/// # Errors
///
/// The name of the compression, if that is not supported.
pub(crate) fn decompress(
    start: Vec<u8>,
    input: Box<dyn Read>,
) -> Result<(Box<dyn Read>, bool), &'static str> {
    let is = |magic: &[u8]| start.starts_with(magic);
    if let Some((_, name)) = OTHERS.into_iter().find(|(magic, _)| is(magic)) {
        return Err(name);
    }
    let kind = [GZIP, ZSTD, XZ, LZ4].into_iter().find(|magic| is(magic));
    let whole = Cursor::new(start).chain(input);
    let decoder: Box<dyn Read> = match kind {
        None => Box::new(whole),
        Some(GZIP) => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        Some(ZSTD) => Box::new(Frames::new(BufReader::new(whole))),
        Some(XZ) => {
            let whole = BufReader::new(whole);
            Box::new(XzReader::new_mem_limit(whole, true, XZ_MEMORY))
        }
        Some(_) => Box::new(Members(FrameDecoder::new(BufReader::new(whole)))),
    };
    Ok((decoder, kind.is_some()))
}

/// lz4's frames, one after the other: its decoder ends at each.
struct Members<R: Read>(FrameDecoder<R>);

impl<R: Read> Read for Members<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.0.read(to)? {
            0 => self.0.read(to),
            read => Ok(read),
        }
    }
}

/// zstd's frames, one after the other, with frames to be skipped between them (RFC 8878 3.1).
struct Frames<R: BufRead> {
    input: R,
    decoder: ZstdDecoder,
    /// Whether a frame has begun that was not read to its end.
    within: bool,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.within || self.begin()? {
            let read = self.decode(to)?;
            if read > 0 || to.is_empty() {
                return Ok(read);
            }
            self.within = false;
        }
        Ok(0)
    }
}

impl<R: BufRead> Frames<R> {
    fn new(input: R) -> Self {
        Frames {
            input,
            decoder: ZstdDecoder::new(),
            within: false,
        }
    }

    /// Begins the next frame, if there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => skip(&mut self.input, length.into())?,
                Err(err) => return Err(io::Error::other(err)),
            }
        }
        Ok(false)
    }

    fn decode(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() < to.len() && !self.decoder.is_finished() {
            let missing = to.len() - self.decoder.can_collect();
            let some = BlockDecodingStrategy::UptoBytes(missing);
            let decoded = self.decoder.decode_blocks(&mut self.input, some);
            decoded.map_err(io::Error::other)?;
        }
        self.decoder.read(to)
    }
}

fn skip(input: &mut impl BufRead, length: u64) -> io::Result<()> {
    if io::copy(&mut input.take(length), &mut io::sink())? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
