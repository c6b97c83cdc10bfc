//! A connection to the daemon, for the commands that ask it something.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::mem;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tyto::error::{Error, Kind};

/// How long a read waits before it looks at something else: signals, and the ages in the
/// table.
const TICK: Duration = Duration::from_millis(200);

/// How long a daemon may take to read a few bytes, which the kernel keeps for it anyway.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no connection.
pub struct Refused {
    pub error: Error,
    /// Whether it may be otherwise later.
    pub may_pass: bool,
}

/// What a read gave.
pub enum Read {
    /// A line with its newline.
    Line(Vec<u8>),
    /// Nothing for a moment.
    Nothing,
    /// The daemon closed the connection.
    Ended,
}

/// A connected socket.
pub struct Link {
    reader: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Link {
    /// Connects and sends what is asked, without waiting for a daemon that hangs: neither
    /// for its place in a queue of connections that is full, nor for the answer.
    pub fn open(path: &Path, request: &str) -> Result<Link, Refused> {
        let connected = mio::net::UnixStream::connect(path).map(UnixStream::from);
        let stream = connected.map_err(|error| refused(path, error))?;
        let set_up = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_read_timeout(Some(TICK)))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| (&stream).write_all(request.as_bytes()));
        set_up.map_err(|error| refused(path, error))?;
        Ok(Link { reader: BufReader::new(stream), line: Vec::new() })
    }

    /// Reads the next line if there is one soon.
    pub fn read(&mut self) -> Read {
        match self.reader.read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.ends_with(b"\n") => Read::Line(mem::take(&mut self.line)),
            // What there is of a line stays, to be completed by the next read.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Read::Nothing
            }
            Ok(_) | Err(_) => Read::Ended,
        }
    }
}

/// The daemon went away before everything came.
pub fn closed(path: &Path) -> Error {
    Error::new(Kind::Socket, path.display(), "the daemon closed the connection")
}

/// The daemon is there and says nothing.
pub fn hangs(path: &Path) -> Error {
    Error::new(Kind::Socket, path.display(), "the daemon does not answer")
        .hint("its log may tell why; `systemctl restart tyto` starts it anew")
}

fn refused(path: &Path, error: std::io::Error) -> Refused {
    let wrong = |wrong: &str| Error::new(Kind::Socket, path.display(), wrong);
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Refused {
            error: wrong("no daemon listens there")
                .because(error)
                .hint("start it with `tyto run`, or say where it listens with --socket"),
            may_pass: true,
        },
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            Refused { error: hangs(path), may_pass: true }
        }
        ErrorKind::PermissionDenied => Refused {
            error: wrong("this user may not connect")
                .because(error)
                .hint("`ls -l` shows the socket's group: join it, or run as root"),
            may_pass: false,
        },
        ErrorKind::InvalidInput => {
            Refused { error: wrong("is no path for a socket").because(error), may_pass: false }
        }
        _ => Refused { error: wrong("cannot be connected to").because(error), may_pass: true },
    }
}
