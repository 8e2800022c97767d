// SPDX-License-Identifier: GPL-2.0

//! Writes pcapng (draft-ietf-opsawg-pcapng): a section, interfaces by link type, and packets with
//! comments.

use crate::packet::Frame;
use std::io::{
    self,
    Write, //
};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

const COMMENT: u16 = 1;
/// Of a section: the program that wrote it.
const PROGRAM: u16 = 4;
/// Of an interface: its clock's ticks, as a power of 10.
const RESOLUTION: u16 = 9;

/// A capture that is being written.
pub(crate) struct Writer<W> {
    out: W,
    /// The link types of the interfaces.
    links: Vec<i32>,
}

impl<W: Write> Writer<W> {
    /// Begins a capture, with a comment on all of it.
    pub(crate) fn new(mut out: W, comment: &str) -> io::Result<Self> {
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend([1, 0, 0, 0]);
        // Its length is not known.
        body.extend([0xff; 8]);
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, PROGRAM, b"tls-replay");
        end_of_options(&mut body);
        block(&mut out, SECTION, &body)?;
        Ok(Writer {
            out,
            links: Vec::new(),
        })
    }

    /// Writes a packet, which may have a comment.
    pub(crate) fn packet(&mut self, frame: &Frame<'_>, comment: Option<&str>) -> io::Result<()> {
        let interface = self.interface(frame.link)?;
        let time = frame.time.known().and_then(|time| u64::try_from(time).ok());
        let time = time.unwrap_or(0);
        let mut body = Vec::new();
        body.extend(interface.to_le_bytes());
        body.extend(((time >> 32) as u32).to_le_bytes());
        body.extend((time as u32).to_le_bytes());
        body.extend((frame.data.len() as u32).to_le_bytes());
        body.extend(frame.length.to_le_bytes());
        body.extend(frame.data);
        pad(&mut body);
        if let Some(comment) = comment {
            option(&mut body, COMMENT, comment.as_bytes());
            end_of_options(&mut body);
        }
        block(&mut self.out, PACKET, &body)
    }

    /// The number of the interface with that link type, which is made if need be.
    fn interface(&mut self, link: i32) -> io::Result<u32> {
        if let Some(known) = self.links.iter().position(|&known| known == link) {
            return Ok(known as u32);
        }
        let mut body = Vec::new();
        // Link types have 16 bits.
        body.extend((link as u16).to_le_bytes());
        body.extend([0; 6]);
        option(&mut body, RESOLUTION, &[9]);
        end_of_options(&mut body);
        block(&mut self.out, INTERFACE, &body)?;
        self.links.push(link);
        Ok(self.links.len() as u32 - 1)
    }

    /// Ends the capture.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // A longer value is cut.
    let length = value.len().min(u16::MAX.into());
    body.extend(code.to_le_bytes());
    body.extend((length as u16).to_le_bytes());
    body.extend(&value[..length]);
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

/// Writes a block, whose body is padded already.
fn block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let length = (body.len() as u32 + 12).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length)?;
    out.write_all(body)?;
    out.write_all(&length)
}
