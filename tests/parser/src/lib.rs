// SPDX-License-Identifier: GPL-2.0

//! The parser of the kernel module, compiled for userspace from the same files, and what its tests
//! share.

pub mod random;
#[path = "../../../tls_parser.rs"]
pub mod tls_parser;
pub mod vectors;
pub mod wire;
