// SPDX-License-Identifier: GPL-2.0

//! SIGINT and SIGTERM end the reading, not the program: what was read until then is summed up.

use rustix::event::{
    poll,
    PollFd,
    PollFlags, //
};
use signal_hook::{
    consts::{
        SIGINT,
        SIGTERM, //
    },
    flag,
    low_level::pipe, //
};
use std::{
    io::{
        self,
        Read, //
    },
    os::{
        fd::AsFd,
        unix::net::UnixStream, //
    },
    sync::{
        atomic::{
            AtomicBool,
            Ordering, //
        },
        Arc,
        OnceLock, //
    },
    thread,
    time::Duration, //
};

/// The exit status of a second signal, as of a shell's command that SIGINT ended.
const INTERRUPTED: i32 = 130;
/// How long to wait before a growing file is read again.
const PAUSE: Duration = Duration::from_millis(50);

static STOP: OnceLock<Stop> = OnceLock::new();

struct Stop {
    asked: Arc<AtomicBool>,
    /// Has a byte for each signal.
    signals: UnixStream,
}

/// Catches the signals from now on.
pub(crate) fn catch() -> io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    let (signals, write) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        // A second signal ends the program without the summary.
        flag::register_conditional_shutdown(signal, INTERRUPTED, asked.clone())?;
        flag::register(signal, asked.clone())?;
        pipe::register(signal, write.try_clone()?)?;
    }
    // It is called once.
    let _ = STOP.set(Stop { asked, signals });
    Ok(())
}

/// Whether the reading is to end.
pub(crate) fn is_asked() -> bool {
    STOP.get()
        .is_some_and(|stop| stop.asked.load(Ordering::Relaxed))
}

/// Waits before a growing file is read again.
pub(crate) fn pause() {
    thread::sleep(PAUSE);
}

/// Input that may block its reader: it ends at a signal.
pub(crate) struct Live<R>(pub(crate) R);

impl<R: Read + AsFd> Read for Live<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if let Some(stop) = STOP.get() {
            stop.wait_for(&self.0)?;
        }
        if is_asked() {
            return Ok(0);
        }
        self.0.read(to)
    }
}

impl Stop {
    /// Waits until there is something to read, or a signal.
    fn wait_for(&self, input: &impl AsFd) -> io::Result<()> {
        let mut either = [
            PollFd::new(input, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
        ];
        match poll(&mut either, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }
}
