// SPDX-License-Identifier: GPL-2.0

//! tls-replay's way from a frame to its TCP segment, through tags and tunnels: it ends, and the
//! payload is the frame's.

#![no_main]
#![allow(dead_code)]

use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::tls_parser;

#[path = "../../../tools/replay/src/packet.rs"]
mod packet;
#[path = "../../../tools/replay/src/tunnels.rs"]
mod tunnels;

/// The link types that are known, and one that is not.
const LINKS: [i32; 18] = [
    0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 117, 204, 219, 228, 239, 276,
];

fuzz_target!(|input: &[u8]| {
    let [link, longer, data @ ..] = input else {
        return;
    };
    let frame = packet::Frame {
        link: LINKS[usize::from(*link) % LINKS.len()],
        data,
        length: data.len() as u32 + u32::from(*longer),
        time: packet::Time(1),
    };
    if let packet::Contents::Tcp(packet) = frame.contents() {
        let (payload, data) = (packet.payload.as_ptr_range(), data.as_ptr_range());
        assert!(
            packet.payload.is_empty() || (data.start <= payload.start && payload.end <= data.end)
        );
        assert!(packet.payload.len() <= packet.segment.len as usize);
        assert_eq!(
            packet.is_cut(),
            packet.payload.len() < packet.segment.len as usize
        );
    }
});
