// SPDX-License-Identifier: GPL-2.0

//! Reads captures, and judges the connections in them.

use crate::{
    evidence,
    filter::Filter,
    flow::Place,
    flows::{
        Settings,
        Table, //
    },
    packet::{
        Contents,
        Frame, //
    },
    reader::{
        self,
        Capture, //
    },
    session::Session,
    source::Source,
    stop,
    totals::Totals,
    tunnels, //
};
use std::io;

/// Why a capture was not read to its end.
enum Stop {
    /// It cannot be.
    Capture(reader::Error),
    /// The output cannot be written.
    Output(io::Error),
    /// A signal ended the reading.
    Asked,
}

impl From<reader::Error> for Stop {
    fn from(err: reader::Error) -> Self {
        Stop::Capture(err)
    }
}

impl From<io::Error> for Stop {
    fn from(err: io::Error) -> Self {
        Stop::Output(err)
    }
}

/// How captures are judged.
pub(crate) struct Judge<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) filter: &'a Filter,
    pub(crate) session: Session,
    /// Whether all are parts of one capture.
    pub(crate) join: bool,
    /// The connections of the capture whose parts are being read.
    table: Option<Table<'a>>,
    /// How many packets there were in all.
    serial: u64,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        filter: &'a Filter,
        session: Session,
        join: bool,
    ) -> Self {
        Judge {
            settings,
            filter,
            session,
            join,
            table: None,
            serial: 0,
        }
    }

    /// Judges one source after the other, until a signal ends that.
    pub(crate) fn all(mut self, sources: &[Source]) -> io::Result<Totals> {
        for source in sources {
            loop {
                let well = self.one(source)?;
                // A file that grew was replaced by another.
                if !well || stop::is_asked() || !matches!(source, Source::Growing(_)) {
                    break;
                }
            }
            if stop::is_asked() {
                break;
            }
        }
        if let Some(table) = self.table.take() {
            table.finish(&mut self.session)?;
        }
        self.session.finish()
    }

    /// Judges the connections of one source; false if it could not be read to its end.
    fn one(&mut self, source: &Source) -> io::Result<bool> {
        let file = self.session.begin(source.name(), source.is_live());
        let table = self
            .table
            .take()
            .unwrap_or_else(|| Table::new(self.settings));
        let mut pass = Pass {
            table,
            filter: self.filter,
            session: &mut self.session,
            place: Place {
                file,
                number: 0,
                serial: self.serial,
            },
            unknown: None,
        };
        let end = pass.read(source);
        let (table, packets, unknown) = (pass.table, pass.place.number, pass.unknown);
        self.serial += packets;
        if self.join || matches!(source, Source::Growing(_)) {
            self.table = Some(table);
        } else {
            table.finish(&mut self.session)?;
        }
        let error = complaint(end, packets, unknown)?;
        self.session.end(error.as_deref())?;
        Ok(error.is_none())
    }
}

/// The error of a capture, in one line.
fn complaint(
    end: Result<(), Stop>,
    packets: u64,
    unknown: Option<i32>,
) -> io::Result<Option<String>> {
    Ok(match end {
        Err(Stop::Output(err)) => return Err(err),
        Err(Stop::Capture(err)) if packets > 0 => Some(format!("{err} (after packet {packets})")),
        Err(Stop::Capture(err)) => Some(err.to_string()),
        Ok(()) | Err(Stop::Asked) => unknown.map(|link| {
            let links = tunnels::LINKS;
            format!("has packets of link type {link}, which were not read: known are {links}")
        }),
    })
}

/// A capture's way past the table of connections.
struct Pass<'a, 'b> {
    table: Table<'a>,
    filter: &'a Filter,
    session: &'b mut Session,
    place: Place,
    /// A link type that is not known.
    unknown: Option<i32>,
}

impl Pass<'_, '_> {
    fn read(&mut self, source: &Source) -> Result<(), Stop> {
        let keeps = self.session.evidence.is_some() && source.is_gone_when_read();
        let kept = if keeps {
            Some(evidence::nameless()?)
        } else {
            None
        };
        let copy = kept.as_ref().map(|kept| kept.try_clone()).transpose()?;
        let end = source
            .open(copy)
            .map_err(Stop::from)
            .and_then(|mut capture| self.read_capture(&mut capture));
        if let Some(evidence) = &mut self.session.evidence {
            evidence.was_read(source, kept, self.place.number);
        }
        match end {
            // The end of this file was not the end of the capture.
            Err(Stop::Capture(_)) if stop::is_asked() => Err(Stop::Asked),
            end => end,
        }
    }

    fn read_capture(&mut self, capture: &mut Capture) -> Result<(), Stop> {
        let extent = capture.extent.clone();
        capture.read(|frame| {
            self.place.number += 1;
            self.place.serial += 1;
            self.session.of_file.packets += 1;
            self.session.progress(self.place.number, &extent);
            self.take(&frame)?;
            if stop::is_asked() {
                return Err(Stop::Asked);
            }
            Ok(())
        })
    }

    fn take(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let totals = &mut self.session.of_file;
        match frame.contents() {
            Contents::Tcp(packet) if !self.filter.has(&packet) => totals.filtered += 1,
            Contents::Tcp(packet) => {
                if !self.table.follow(self.place, &packet, self.session)? {
                    self.session.of_file.other_ports += 1;
                }
            }
            Contents::Fragment => totals.fragments += 1,
            Contents::Closed(name) => *totals.not_unwrapped.entry(name).or_default() += 1,
            Contents::Other => totals.not_tcp += 1,
            Contents::Unreadable => totals.bad_headers += 1,
            Contents::UnknownLink => {
                totals.unknown_link += 1;
                self.unknown = Some(frame.link);
            }
        }
        Ok(())
    }
}
