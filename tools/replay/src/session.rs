// SPDX-License-Identifier: GPL-2.0

//! What a run produces: output as it comes, sums, a page, evidence.

use crate::{
    evidence::Evidence,
    flow::Flow,
    flows::{
        Forgotten,
        Listener,
        News, //
    },
    output::{
        Ended,
        Form,
        Record, //
    },
    page::Page,
    progress::Progress,
    reader::Extent,
    top::Counter,
    totals::Totals, //
};
use std::{
    io::{
        self,
        BufWriter,
        StdoutLock,
        Write, //
    },
    path::Path,
};

/// A run of the program.
pub(crate) struct Session {
    out: BufWriter<StdoutLock<'static>>,
    form: Box<dyn Form>,
    only_condemned: bool,
    /// Whether nothing may be kept back.
    live: bool,
    /// The files, and other sources, by their numbers.
    files: Vec<String>,
    /// The sums of all that was read before, and of the file that is being read.
    pub(crate) totals: Totals,
    pub(crate) of_file: Totals,
    pub(crate) top: Option<(Counter, usize)>,
    pub(crate) page: Option<Page>,
    pub(crate) evidence: Option<Evidence>,
    progress: Progress,
}

impl Session {
    pub(crate) fn new(form: Box<dyn Form>, only_condemned: bool) -> Self {
        Session {
            out: BufWriter::new(io::stdout().lock()),
            form,
            only_condemned,
            live: false,
            files: Vec::new(),
            totals: Totals::default(),
            of_file: Totals::default(),
            top: None,
            page: None,
            evidence: None,
            progress: Progress::new(),
        }
    }

    /// Begins a file; returns its number.
    pub(crate) fn begin(&mut self, file: String, live: bool) -> u32 {
        self.live = live;
        self.files.push(file);
        self.files.len() as u32 - 1
    }

    fn file(&self) -> &str {
        self.files.last().map_or("", String::as_str)
    }

    /// Shows how far it is, now and then.
    pub(crate) fn progress(&mut self, packets: u64, extent: &Extent) {
        if packets % 1024 == 0 {
            let file = self.files.last().map_or("", String::as_str);
            self.progress.show(file, packets, extent);
        }
    }

    /// Prints what is wrong with a file, after its output.
    pub(crate) fn complain(&mut self, file: &str, what: &str) -> io::Result<()> {
        self.out.flush()?;
        self.progress.clear();
        eprintln!("tls-replay: {file}: {what}");
        Ok(())
    }

    /// Ends a file, which could not be read to its end if there is an error.
    pub(crate) fn end(&mut self, error: Option<&str>) -> io::Result<()> {
        let file = self.file().to_owned();
        if let Some(error) = error {
            self.of_file.bad_files += 1;
            self.complain(&file, error)?;
        }
        let ended = Ended {
            file: &file,
            error,
            totals: &self.of_file,
        };
        self.progress.clear();
        self.form.file(&mut self.out, &ended)?;
        self.flush_if_live()?;
        self.totals += &self.of_file;
        self.of_file = Totals::default();
        Ok(())
    }

    /// Sums up.
    pub(crate) fn finish(mut self) -> io::Result<Totals> {
        self.progress.clear();
        // Connections of files that are judged together end after the last.
        self.totals += &self.of_file;
        let top = self.top.take().map(|(counter, length)| counter.top(length));
        self.form
            .summary(&mut self.out, &self.totals, top.as_ref())?;
        self.out.flush()?;
        if let Some(evidence) = self.evidence.take() {
            let path = evidence.path.clone();
            evidence.write().map_err(|err| cannot_write(&path, &err))?;
        }
        if let Some(page) = self.page.take() {
            let path = page.path.clone();
            page.write(&self.totals)
                .map_err(|err| cannot_write(&path, &err))?;
        }
        Ok(self.totals)
    }

    fn tell_of(&mut self, flow: &Flow) -> io::Result<()> {
        if !self.form.tells() || (self.only_condemned && flow.broken.is_none()) {
            return Ok(());
        }
        self.progress.clear();
        let record = Record::new(flow, &self.files);
        self.form.connection(&mut self.out, &record)?;
        self.flush_if_live()
    }

    fn flush_if_live(&mut self) -> io::Result<()> {
        if self.live {
            self.out.flush()
        } else {
            Ok(())
        }
    }

    /// Takes a connection that left the table into all sums.
    fn sum(&mut self, flow: &Flow) {
        self.of_file.add(flow);
        if let Some((counter, _)) = &mut self.top {
            counter.add(flow);
        }
        if let Some(page) = &mut self.page {
            page.add(&Record::new(flow, &self.files), flow);
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.add(flow, &self.files);
        }
    }
}

fn cannot_write(path: &Path, err: &io::Error) -> io::Error {
    io::Error::new(err.kind(), format!("{}: {err}", path.display()))
}

impl Listener for Session {
    fn tell(&mut self, news: News<'_>) -> io::Result<()> {
        match news {
            News::Condemned(flow) => {
                self.tell_of(flow)?;
                // For somebody who watches, at once.
                self.out.flush()
            }
            News::Closed(flow) if flow.broken.is_none() => self.tell_of(flow),
            News::Closed(_) => Ok(()),
            News::Gone(flow, forgotten) => {
                self.of_file.forgotten += u64::from(forgotten == Forgotten::Yes);
                if flow.broken.is_none() && !flow.is_closed() {
                    self.tell_of(flow)?;
                }
                self.sum(flow);
                Ok(())
            }
        }
    }
}
