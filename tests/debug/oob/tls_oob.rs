// SPDX-License-Identifier: GPL-2.0

//! A deliberate mistake: reads the byte after its memory, to show that KASAN checks Rust code. It
//! never loads.

use kernel::prelude::*;

module! {
    type: OutOfBounds,
    name: "tls_oob",
    authors: ["nf_conntrack_tls contributors"],
    description: "A read out of bounds, for KASAN to catch",
    license: "GPL",
}

/// Not a multiple of KASAN's granule.
const LENGTH: usize = 13;

struct OutOfBounds;

impl kernel::Module for OutOfBounds {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut bytes = KVec::with_capacity(LENGTH, GFP_KERNEL)?;
        for _ in 0..LENGTH {
            bytes.push(0u8, GFP_KERNEL)?;
        }
        // SAFETY: It is not. That is the point.
        let beyond = unsafe { bytes.as_ptr().add(LENGTH).read_volatile() };
        pr_info!("read {beyond} out of bounds\n");
        Err(ENODEV)
    }
}
