//! A listening socket that the service manager hands over (`sd_listen_fds(3)`): it was there
//! before the daemon and stays when the daemon goes.

#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

/// Descriptors are handed over once in a process's life.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The socket that `LISTEN_FDS` tells of, and its path. `None`: none was handed over, or it was
/// taken before.
///
/// # Errors
/// `Kind::Socket`: more than one descriptor, or not a local socket with a path.
pub(super) fn take() -> Result<Option<(UnixListener, PathBuf)>> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(None);
    }
    let wrong = |wrong: &str| {
        Error::new(Kind::Socket, "LISTEN_FDS", wrong)
            .hint("the socket unit must have one ListenStream= with the path of a local socket")
    };
    let handed: Vec<RawFd> = sd_notify::listen_fds()
        .map_err(|error| wrong("what the service manager handed over is unusable").because(error))?
        .collect();
    let fd = match handed[..] {
        [] => return Ok(None),
        [fd] => fd,
        _ => return Err(wrong("more than one descriptor was handed over")),
    };
    // SAFETY: `LISTEN_PID` names this process, so the manager opened this descriptor for it to
    // own; that it is open was just seen, as its flags could be set; and `TAKEN` lets nobody
    // take it twice.
    let listener = UnixListener::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let address = listener
        .local_addr()
        .map_err(|error| wrong("what was handed over is no local socket").because(error))?;
    match address.as_pathname() {
        Some(path) => Ok(Some((listener, path.to_owned()))),
        None => Err(wrong("the socket that was handed over has no path")),
    }
}
