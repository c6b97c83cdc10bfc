//! One connection: its stream, what it asks, what waits for it.

use std::io::{ErrorKind, Read};

use mio::net::UnixStream;

use super::interest::Interest;
use super::lines::{Incoming, Lines};
use super::queue::Queue;
use crate::clock::Mono;
use crate::event::Refusal;
use crate::event::request::{Request, too_long};

/// Bytes read at a time.
const READ: usize = 4096;

/// Lines that are answered, and reads that are made for them, before the others have their
/// turn.
const LINES_PER_TURN: usize = 8;
const READS_PER_TURN: usize = 8;

/// A connected subscriber.
pub(super) struct Subscriber {
    pub stream: UnixStream,
    pub interest: Interest,
    pub queue: Queue,
    /// When it was last sent something.
    pub spoken: Mono,
    lines: Lines,
    /// The kernel may have bytes from it.
    readable: bool,
    /// The kernel may take bytes for it.
    writable: bool,
    /// It has closed its side; it may go on listening.
    ended: bool,
    /// The connection is of no more use.
    gone: bool,
}

impl Subscriber {
    /// A subscriber without a filter, whose queue holds `limit` events.
    pub fn new(stream: UnixStream, limit: usize, now: Mono) -> Subscriber {
        Subscriber {
            stream,
            interest: Interest::default(),
            queue: Queue::new(limit),
            spoken: now,
            lines: Lines::default(),
            readable: true,
            writable: true,
            ended: false,
            gone: false,
        }
    }

    /// Notes what the kernel reported.
    pub fn notice(&mut self, event: &mio::event::Event) {
        self.readable |= event.is_readable() || event.is_read_closed();
        self.writable |= event.is_writable();
        // Not for `is_read_closed`: a client whose own input ended still listens.
        self.gone |= event.is_write_closed();
    }

    /// Whether the connection is of no more use.
    pub fn gone(&self) -> bool {
        self.gone
    }

    /// Whether there is something to read that may be read now.
    pub fn wants_turn(&self) -> bool {
        !self.gone && self.readable && !self.queue.answers_full()
    }

    /// Reads at most a few lines, so that one that floods waits like everyone else, and one
    /// that does not take its answers is not read at all.
    pub fn hear(&mut self) -> Vec<Result<Request, Refusal>> {
        let mut heard = Vec::new();
        let mut reads = 0;
        while self.wants_turn() && heard.len() < LINES_PER_TURN {
            match self.lines.next() {
                Some(Incoming::Line(line)) => heard.push(Request::parse(&line)),
                Some(Incoming::TooLong) => heard.push(Err(too_long())),
                None if self.ended => {
                    self.readable = false;
                    match self.lines.finish() {
                        Some(Incoming::Line(line)) => heard.push(Request::parse(&line)),
                        Some(Incoming::TooLong) | None => {}
                    }
                }
                None => {
                    if reads == READS_PER_TURN || !self.read() {
                        break;
                    }
                    reads += 1;
                }
            }
        }
        heard
    }

    /// Reads once; says whether there may be lines now.
    fn read(&mut self) -> bool {
        let mut bytes = [0; READ];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.lines.push(bytes.get(..count).unwrap_or_default());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return false;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                log::debug!("a subscriber cannot be read: {error}");
                self.gone = true;
                return false;
            }
        }
        true
    }

    /// Writes what the kernel takes.
    pub fn flush(&mut self) {
        if self.gone || !self.writable || self.queue.is_empty() {
            return;
        }
        match self.queue.write_to(&mut self.stream) {
            Ok(all) => self.writable = all,
            Err(error) => {
                if error.kind() != ErrorKind::BrokenPipe {
                    log::debug!("a subscriber cannot be written to: {error}");
                }
                self.gone = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn one_that_sends_without_end_is_read_a_little_a_turn() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut subscriber = Subscriber::new(ours, 8, Mono(0));
        let sent = theirs.write(&[b'x'; 100_000]).unwrap();
        assert!(sent > 2 * READ * READS_PER_TURN);
        let mut turns = 0;
        while subscriber.wants_turn() {
            subscriber.hear();
            turns += 1;
        }
        assert_eq!(turns, sent.div_ceil(READ * READS_PER_TURN));
    }

    #[test]
    fn one_that_asks_without_end_is_answered_a_little_a_turn() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut subscriber = Subscriber::new(ours, 8, Mono(0));
        theirs.write_all(&b"?\n".repeat(100)).unwrap();
        assert_eq!(subscriber.hear().len(), LINES_PER_TURN);
        assert!(subscriber.wants_turn());
    }
}
