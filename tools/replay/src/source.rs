// SPDX-License-Identifier: GPL-2.0

//! Where captures come from: files, files that grow, the standard input, an interface by way of
//! tcpdump.

use crate::{
    reader::{
        Capture,
        Error, //
    },
    stop, //
};
use std::{
    fs::{
        self,
        File,
        Metadata, //
    },
    io::{
        self,
        Read,
        Seek,
        Write, //
    },
    os::{
        fd::AsFd,
        unix::fs::MetadataExt, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Child,
        ChildStdout,
        Command,
        Stdio, //
    },
};

/// A place that a capture is read from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    /// A file that grows, until the reading is ended.
    Growing(PathBuf),
    Stdin,
    /// An interface, with what tcpdump is to filter by.
    Interface(String, Option<String>),
}

impl Source {
    /// Its name, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::File(path) | Source::Growing(path) => path.to_string_lossy().into_owned(),
            Source::Stdin => "-".to_owned(),
            Source::Interface(name, _) => name.clone(),
        }
    }

    /// Whether its packets come as they are captured, so that nothing may be kept back.
    pub(crate) fn is_live(&self) -> bool {
        !matches!(self, Source::File(_))
    }

    /// When its first packet was captured; what cannot be read has none.
    pub(crate) fn first_time(&self) -> Option<i64> {
        let Source::File(path) = self else {
            return None;
        };
        let mut first = None;
        let mut capture = Source::File(path.clone()).open(None).ok()?;
        // The first packet ends it.
        let _ = capture.read(|frame| {
            first = frame.time.known();
            Err(Error::Foreign)
        });
        first
    }

    /// Whether it can be read once only.
    pub(crate) fn is_gone_when_read(&self) -> bool {
        match self {
            Source::File(path) => !path.is_file(),
            _ => true,
        }
    }

    /// Opens it; what is read of it is also written to `keep`.
    pub(crate) fn open(&self, keep: Option<File>) -> Result<Capture, Error> {
        let (input, size): (Box<dyn Read>, _) = match self {
            Source::File(path) => open_file(path)?,
            Source::Growing(path) => (Box::new(Growing::open(path)?), None),
            Source::Stdin => (Box::new(stop::Live(stdin()?)), None),
            Source::Interface(name, filter) => {
                let tcpdump = Tcpdump::start(name, filter.as_deref());
                (Box::new(tcpdump.map_err(Error::Tcpdump)?), None)
            }
        };
        match keep {
            Some(kept) => Capture::new(Box::new(Keeping { input, kept }), size),
            None => Capture::new(input, size),
        }
    }
}

/// The standard input without a buffer: poll() does not see what is in a buffer.
fn stdin() -> Result<File, Error> {
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    stdin.map(File::from).map_err(Error::Io)
}

fn open_file(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Error> {
    let file = File::open(path).map_err(Error::Io)?;
    let metadata = file.metadata().map_err(Error::Io)?;
    if metadata.is_dir() {
        Err(Error::Io(io::ErrorKind::IsADirectory.into()))
    } else if metadata.is_file() {
        Ok((Box::new(file), Some(metadata.len())))
    } else {
        Ok((Box::new(stop::Live(file)), None))
    }
}

/// Input that is kept as it is read.
struct Keeping {
    input: Box<dyn Read>,
    kept: File,
}

impl Read for Keeping {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(to)?;
        self.kept.write_all(&to[..read])?;
        Ok(read)
    }
}

/// A file that grows: at its end the reader waits, until another file has its name.
struct Growing {
    file: File,
    path: PathBuf,
}

impl Growing {
    fn open(path: &Path) -> Result<Self, Error> {
        Ok(Growing {
            file: File::open(path).map_err(Error::Io)?,
            path: path.to_owned(),
        })
    }

    /// Whether a rotation has put another file in its place, or emptied it.
    fn is_replaced(&mut self) -> io::Result<bool> {
        // Between two files there may be none.
        let Ok(there) = fs::metadata(&self.path) else {
            return Ok(false);
        };
        let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        let position = self.file.stream_position()?;
        Ok(!same(&there, &self.file.metadata()?) || there.len() < position)
    }
}

impl Read for Growing {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let replaced = self.is_replaced()?;
            let read = self.file.read(to)?;
            if read > 0 || to.is_empty() || replaced || stop::is_asked() {
                return Ok(read);
            }
            stop::pause();
        }
    }
}

/// A running tcpdump, whose capture is read from its output.
struct Tcpdump {
    child: Child,
    capture: stop::Live<ChildStdout>,
}

impl Tcpdump {
    fn start(interface: &str, filter: Option<&str>) -> io::Result<Self> {
        let mut child = Command::new("tcpdump")
            .args(["-i", interface, "-s", "0", "-U", "-w", "-"])
            .args(filter.map(|filter| ["--", filter]).into_iter().flatten())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let capture = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Tcpdump {
            child,
            capture: stop::Live(capture),
        })
    }
}

impl Read for Tcpdump {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.capture.read(to)?;
        if read > 0 || to.is_empty() || stop::is_asked() {
            return Ok(read);
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(0);
        }
        Err(io::Error::other(format!("tcpdump failed ({status})")))
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The captures of a folder and the folders in it, in the order of their names; and how many files
/// are not captures.
pub(crate) fn in_folder(folder: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut captures, mut others) = (Vec::new(), 0);
    let mut entries = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            // A link to a folder may make a loop.
            if !path.is_symlink() {
                let (more, none) = in_folder(&path)?;
                captures.extend(more);
                others += none;
            }
        } else if path.is_file() && !is_foreign(&path) {
            captures.push(path);
        } else {
            others += 1;
        }
    }
    Ok((captures, others))
}

/// Whether a file is no capture; what cannot be read may be one.
fn is_foreign(path: &Path) -> bool {
    matches!(
        Source::File(path.to_owned()).open(None),
        Err(Error::Foreign | Error::Empty | Error::Compressed(_))
    )
}
