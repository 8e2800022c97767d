// SPDX-License-Identifier: GPL-2.0

//! tls-replay's reader on anything that may be a capture: it ends, with a result or an error.

#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::tls_parser;
use std::io::Cursor;

#[path = "../../../tools/replay/src/decompress.rs"]
mod decompress;
#[path = "../../../tools/replay/src/packet.rs"]
mod packet;
#[path = "../../../tools/replay/src/reader.rs"]
mod reader;
#[path = "../../../tools/replay/src/tunnels.rs"]
mod tunnels;

fuzz_target!(|input: &[u8]| {
    let Ok(mut capture) = reader::Capture::new(Cursor::new(input.to_vec()), None) else {
        return;
    };
    let (mut frames, mut bytes) = (0, 0);
    let _ = capture.read(|frame| {
        frames += 1;
        bytes += frame.data.len();
        let _ = frame.contents();
        Ok::<(), reader::Error>(())
    });
    // A packet has a header of 16 bytes in pcap, and more in pcapng.
    let compressed = [
        &[0x1f, 0x8b][..],
        &[0x28, 0xb5, 0x2f, 0xfd],
        &[0xfd, b'7', b'z'],
        &[0x04, 0x22, 0x4d, 0x18],
    ]
    .iter()
    .any(|magic| input.starts_with(magic));
    assert!(
        compressed || frames * 16 + bytes <= input.len(),
        "frames come out of nowhere"
    );
});
