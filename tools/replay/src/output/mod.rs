// SPDX-License-Identifier: GPL-2.0

//! The output formats for connections, files and sums.

mod csv;
mod json;
mod record;
mod table;

pub(crate) use csv::Csv;
pub(crate) use json::Json;
pub(crate) use record::{
    timestamp,
    Record, //
};
pub(crate) use table::{
    Style,
    Table, //
};

use crate::{
    top::Top,
    totals::Totals, //
};
use std::io::{
    self,
    Write, //
};

/// The result of reading a file.
pub(crate) struct Ended<'a> {
    pub(crate) file: &'a str,
    /// Why it could not be read to its end.
    pub(crate) error: Option<&'a str>,
    pub(crate) totals: &'a Totals,
}

/// A form of output.
pub(crate) trait Form {
    /// Whether it prints connections.
    fn tells(&self) -> bool {
        true
    }

    /// Prints a connection.
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()>;

    /// Prints a file that was read.
    fn file(&mut self, _out: &mut dyn Write, _ended: &Ended<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Sums up.
    fn summary(
        &mut self,
        _out: &mut dyn Write,
        _totals: &Totals,
        _top: Option<&Top>,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// No output: only the exit status.
pub(crate) struct Quiet;

impl Form for Quiet {
    fn tells(&self) -> bool {
        false
    }

    fn connection(&mut self, _out: &mut dyn Write, _record: &Record<'_>) -> io::Result<()> {
        Ok(())
    }
}
