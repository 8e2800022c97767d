// SPDX-License-Identifier: GPL-2.0

//! Writes the seeds of the fuzz target `parser`, one for each vector: seeds FOLDER.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction,
        Opening, //
    },
    vectors, //
};
use std::{
    env,
    error::Error,
    fs,
    path::Path, //
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    fs::create_dir_all(&folder)?;
    for case in vectors::load_all()? {
        let opening = match case.policy.opening {
            Opening::Tls => 0,
            Opening::Starttls => 1,
            Opening::StarttlsRequired => 2,
            Opening::Proxy => 3,
        };
        let mut seed = vec![0x41 | (opening << 3), 128, 7];
        for line in &case.lines {
            let head = match line.direction {
                Direction::Original => 0,
                Direction::Reply => 0x80,
            };
            // A line of the format is up to 2^15 - 1 bytes long.
            for part in line.bytes.chunks(0x7fff) {
                let [high, low] = (part.len() as u16).to_be_bytes();
                seed.extend([head | high, low]);
                seed.extend(part);
            }
        }
        fs::write(Path::new(&folder).join(&case.name), seed)?;
    }
    Ok(())
}
