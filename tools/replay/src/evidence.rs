// SPDX-License-Identifier: GPL-2.0

//! The packets of condemned connections, as a capture with a comment at the packet that broke the
//! rule.
//!
//! Only at the end is it known which connections are condemned. So all input is read twice. Input
//! that cannot be, such as a pipe, is kept in an unnamed file until then.

use crate::{
    flow::Flow,
    flows::Key,
    packet::{
        Contents,
        Frame, //
    },
    pcapng::Writer,
    reader::{
        Capture,
        Error, //
    },
    source::Source,
};
use std::{
    collections::HashMap,
    env,
    fs::{
        self,
        File, //
    },
    io::{
        self,
        BufWriter,
        Seek, //
    },
    ops::RangeInclusive,
    path::{
        Path,
        PathBuf, //
    },
    process,
};

/// A condemned connection.
struct Exhibit {
    /// Its packets, by the count of all packets of all files.
    packets: RangeInclusive<u64>,
    broken: u64,
    comment: String,
}

/// What was read, to be read again.
struct Read {
    source: Source,
    kept: Option<File>,
    packets: u64,
}

/// The evidence, as it is collected.
pub(crate) struct Evidence {
    pub(crate) path: PathBuf,
    exhibits: HashMap<Key, Vec<Exhibit>>,
    read: Vec<Read>,
}

/// An unnamed file, which is gone when it is closed.
pub(crate) fn nameless() -> io::Result<File> {
    let name = format!("tls-replay-{}", process::id());
    let path = env::temp_dir().join(name);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl Evidence {
    pub(crate) fn new(path: &Path) -> Self {
        Evidence {
            path: path.to_owned(),
            exhibits: HashMap::new(),
            read: Vec::new(),
        }
    }

    /// Adds a connection that is over.
    pub(crate) fn add(&mut self, flow: &Flow, files: &[String]) {
        let Some(broken) = flow.broken else {
            return;
        };
        let file = files.get(broken.file as usize).map_or("", String::as_str);
        let comment = format!(
            "nf_conntrack_tls: {} ({} -> {}, packet {} of {file})",
            broken.reason.name(),
            flow.client,
            flow.server,
            broken.packet,
        );
        let key = Key::new(flow.client, flow.server);
        self.exhibits.entry(key).or_default().push(Exhibit {
            packets: flow.serials.clone(),
            broken: broken.serial,
            comment,
        });
    }

    /// Notes what was read, and how many packets it had.
    pub(crate) fn was_read(&mut self, source: &Source, kept: Option<File>, packets: u64) {
        self.read.push(Read {
            source: source.clone(),
            kept,
            packets,
        });
    }

    /// Writes the capture.
    pub(crate) fn write(self) -> io::Result<()> {
        let out = BufWriter::new(File::create(&self.path)?);
        let comment = "Connections that nf_conntrack_tls would condemn. \
            The packets that broke a rule have comments.";
        let mut writer = Writer::new(out, comment)?;
        let mut serial = 0;
        for read in &self.read {
            let last = serial + read.packets;
            if !self.exhibits.is_empty() {
                self.copy(read, serial, last, &mut writer)?;
            }
            serial = last;
        }
        writer.finish()
    }

    /// Copies the packets of condemned connections from what was read.
    fn copy(
        &self,
        read: &Read,
        mut serial: u64,
        last: u64,
        writer: &mut Writer<BufWriter<File>>,
    ) -> io::Result<()> {
        let capture = match &read.kept {
            Some(kept) => {
                let mut kept = kept.try_clone()?;
                kept.rewind()?;
                Capture::new(Box::new(kept), None)
            }
            None => read.source.open(None),
        };
        let copied = capture.map_err(Stop::from).and_then(|mut capture| {
            capture.read(|frame| {
                serial += 1;
                if serial > last {
                    return Ok(());
                }
                self.copy_frame(serial, &frame, writer)
                    .map_err(Stop::Output)
            })
        });
        match copied {
            Err(Stop::Output(err)) => Err(err),
            // Its error was reported before.
            Ok(()) | Err(Stop::Capture) => Ok(()),
        }
    }

    fn copy_frame(
        &self,
        serial: u64,
        frame: &Frame<'_>,
        writer: &mut Writer<BufWriter<File>>,
    ) -> io::Result<()> {
        let Contents::Tcp(packet) = frame.contents() else {
            return Ok(());
        };
        let exhibits = self.exhibits.get(&Key::of(&packet));
        let exhibit = exhibits.and_then(|all| all.iter().find(|it| it.packets.contains(&serial)));
        match exhibit {
            Some(it) if it.broken == serial => writer.packet(frame, Some(&it.comment)),
            Some(_) => writer.packet(frame, None),
            None => Ok(()),
        }
    }
}

/// Why no more is copied.
enum Stop {
    Capture,
    Output(io::Error),
}

impl From<Error> for Stop {
    fn from(_: Error) -> Self {
        Stop::Capture
    }
}
