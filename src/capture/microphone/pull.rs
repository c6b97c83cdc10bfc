//! Fetching samples from an open card, and getting it going again when it stops.
//!
//! What can stop a card: an overrun (nobody fetched for longer than its buffer), a suspended
//! machine, a cable. After the first two it must be prepared and, as it captures, started by
//! hand. A poll that wakes up tells little: it wakes for errors, sometimes for nothing, and a
//! card that was pulled out wakes it for ever. So it only ends the waiting; what to do next is
//! read off the card's state each time, and whoever was woken for nothing sleeps a moment.

use std::time::Duration;

use alsa::PCM;
use alsa::pcm::{State, Status};
use alsa::poll::{self, Descriptors, pollfd};
use rustix::io::Errno;

use super::convert::Layout;
use super::open::Opened;
use super::stamp::Stamper;
use super::{quiet, refuse};
use crate::capture::{AudioFormat, BLOCK_VALUES, Block, Losses, Pull};
use crate::clock::{Clock, Mono, SystemClock};
use crate::error::Result;

/// How long one pull waits for samples.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long to sleep after having been woken for nothing.
const PAUSE: Duration = Duration::from_millis(5);

/// Repairs in a row that may fail before the card is given up: a quarter of a second.
const TRIES: u32 = 50;

/// A card's stamp may lie so far from now and still be one of the monotonic clock.
const PLAUSIBLE: Duration = Duration::from_secs(2);

/// A card that is being listened to.
pub(super) struct Ear {
    pcm: PCM,
    name: String,
    descriptors: Vec<pollfd>,
    layout: Layout,
    format: AudioFormat,
    /// Samples of each channel that are fetched at once.
    period: usize,
    /// Subtracted from every stamp.
    delay: Duration,
    /// What was fetched last, as the card wrote it; `rest` of it was not yet given.
    raw: Vec<u8>,
    rest: std::ops::Range<usize>,
    /// When the first sample of `raw` was taken.
    stamp: Mono,
    stamper: Stamper,
    losses: Losses,
    /// Repairs that failed since samples last came.
    failures: u32,
}

/// What the card has for us.
enum Found {
    /// So many samples of each channel, the first of which was taken `waiting` samples before
    /// `at`.
    Samples { count: usize, at: Mono, waiting: u64 },
    /// Not enough yet.
    Little,
}

impl Ear {
    /// Listens to an opened card; it is started by the first [`Ear::pull`].
    ///
    /// # Errors
    /// [`Kind::Device`](crate::error::Kind::Device): it cannot be waited for.
    pub fn new(opened: Opened, delay: Duration) -> Result<Ear> {
        let Opened { pcm, called: name, layout, rate, period, .. } = opened;
        let descriptors =
            Descriptors::get(&pcm).map_err(|e| refuse::failed(&name, "asking how to wait", e))?;
        let channels = u16::try_from(layout.wanted()).unwrap_or(u16::MAX);
        Ok(Ear {
            raw: vec![0; period * layout.frame_bytes()],
            pcm,
            name,
            descriptors,
            layout,
            format: AudioFormat { rate, channels },
            period,
            delay,
            rest: 0..0,
            stamp: Mono(0),
            stamper: Stamper::new(rate),
            losses: Losses::default(),
            failures: 0,
        })
    }

    pub fn format(&self) -> AudioFormat {
        self.format
    }

    pub fn losses(&self) -> Losses {
        self.losses
    }

    /// As [`AudioSource::pull`](crate::capture::AudioSource::pull).
    pub fn pull(&mut self, block: &mut Block) -> Result<Pull> {
        block.format = self.format;
        block.filled = 0;
        if !self.rest.is_empty() {
            self.give(block);
            return Ok(Pull::Filled);
        }
        let until = SystemClock.now() + PATIENCE;
        let mut woken = false;
        loop {
            if let Found::Samples { count, at, waiting } = self.look()?
                && self.fetch(count, at, waiting)?
            {
                self.give(block);
                return Ok(Pull::Filled);
            }
            if woken {
                std::thread::sleep(PAUSE);
            }
            let left = until.since(SystemClock.now());
            if left.is_zero() {
                return Ok(Pull::Idle);
            }
            woken = self.wait(left)?;
        }
    }

    /// Fills the block with what was fetched, as far as it fits.
    fn give(&mut self, block: &mut Block) {
        let bytes = self.layout.frame_bytes();
        let fits = BLOCK_VALUES / self.layout.wanted().max(1);
        let count = self.rest.len().min(fits);
        let from = self.rest.start;
        let fetched = self.raw.get(from * bytes..(from + count) * bytes).unwrap_or_default();
        block.filled = self.layout.convert(fetched, &mut block.values);
        block.stamp = Mono(self.stamp.0 + self.stamper.span(from)) - self.delay;
        self.rest.start += count;
    }

    /// Asks the card how it is, sets it going if it stands still, and says what it has.
    fn look(&mut self) -> Result<Found> {
        let status = match self.pcm.status() {
            Ok(status) => status,
            Err(error) => return self.repair(error),
        };
        // The crate's own `state` panics at a value it does not know.
        let state = self.pcm.state_raw();
        let is = |known: State| state == known as i32;
        if is(State::Running) || is(State::Draining) {
            return Ok(self.waiting(&status));
        }
        let mended = if is(State::Prepared) {
            self.pcm.start()
        } else if is(State::XRun) {
            self.overrun()
        } else if is(State::Suspended) {
            self.resume()
        } else if is(State::Disconnected) {
            Err(alsa::Error::new("snd_pcm_state", Errno::NODEV.raw_os_error()))
        } else {
            self.restart()
        };
        match mended {
            Ok(()) => Ok(Found::Little),
            Err(error) => self.failed("starting it", error),
        }
    }

    fn waiting(&self, status: &Status) -> Found {
        let waiting = u64::try_from(status.get_avail()).unwrap_or(0);
        let count = usize::try_from(waiting).unwrap_or(usize::MAX);
        if count < self.period {
            return Found::Little;
        }
        // What is on its way from the converter to the buffer counts too, if the card knows.
        let on_its_way = u64::try_from(status.get_delay()).unwrap_or(0).saturating_sub(waiting);
        let second = u64::from(self.format.rate);
        let on_its_way = if on_its_way > second { 0 } else { on_its_way };
        Found::Samples {
            count: self.period,
            at: plausible(status, SystemClock.now()),
            waiting: waiting + on_its_way,
        }
    }

    /// Reads so many samples, and says whether any came.
    fn fetch(&mut self, count: usize, at: Mono, waiting: u64) -> Result<bool> {
        let bytes = self.layout.frame_bytes();
        let room = self.raw.get_mut(..count * bytes).unwrap_or_default();
        let read = self.pcm.io_bytes().readi(room);
        match read {
            Ok(0) => Ok(false),
            Ok(count) => {
                let reading = self.stamper.read(at, waiting, count);
                self.losses.missed += reading.missed;
                self.stamp = reading.stamp;
                self.rest = 0..count;
                self.failures = 0;
                Ok(true)
            }
            Err(error) => self.repair(error).map(|_| false),
        }
    }

    /// Waits until the card has something to tell, and says whether it had.
    fn wait(&mut self, longest: Duration) -> Result<bool> {
        let longest = i32::try_from(longest.as_millis()).unwrap_or(i32::MAX).max(1);
        match poll::poll(&mut self.descriptors, longest) {
            Ok(0) => Ok(false),
            // Some plugins must see what woke us up, or it wakes us again.
            Ok(_) => match self.pcm.revents(&self.descriptors) {
                Ok(_) => Ok(true),
                Err(error) => self.repair(error).map(|_| true),
            },
            Err(error) if refuse::errno(error) == Errno::INTR => Ok(false),
            Err(error) => self.failed("waiting for it", error).map(|_| true),
        }
    }

    /// Does what an error asks for.
    fn repair(&mut self, error: alsa::Error) -> Result<Found> {
        let _said = quiet::listen();
        let mended = match refuse::errno(error) {
            Errno::AGAIN | Errno::INTR => Ok(()),
            Errno::PIPE => self.overrun(),
            Errno::STRPIPE => self.resume(),
            _ => Err(error),
        };
        match mended {
            Ok(()) => Ok(Found::Little),
            Err(error) => self.failed("reading it", error),
        }
    }

    /// Nobody fetched for longer than the buffer reaches, and the card stopped.
    fn overrun(&mut self) -> alsa::Result<()> {
        self.losses.xruns += 1;
        self.restart()
    }

    /// Sets the card going from the beginning. What was in its buffer is lost.
    fn restart(&mut self) -> alsa::Result<()> {
        self.stamper.broken();
        self.pcm.prepare()?;
        // Some plugins start by themselves, and say so.
        match self.pcm.start() {
            Err(error) if refuse::errno(error) == Errno::BUSY => Ok(()),
            other => other,
        }
    }

    /// The machine slept. Few cards can go on where they were; the others begin anew.
    fn resume(&mut self) -> alsa::Result<()> {
        self.stamper.broken();
        match self.pcm.resume() {
            Ok(()) => Ok(()),
            Err(error) if refuse::errno(error) == Errno::AGAIN => Ok(()),
            Err(_) => self.restart(),
        }
    }

    /// An error that nothing was done about: a lost card ends the pull, anything else does if
    /// it goes on.
    fn failed(&mut self, doing: &str, error: alsa::Error) -> Result<Found> {
        self.failures += 1;
        let gone = matches!(
            refuse::errno(error),
            Errno::NODEV | Errno::NXIO | Errno::BADFD | Errno::NOENT | Errno::BADF
        );
        if gone || self.failures > TRIES {
            return Err(refuse::failed(&self.name, doing, error));
        }
        std::thread::sleep(PAUSE);
        Ok(Found::Little)
    }
}

/// When the card was asked, by its own stamp; by ours if it gives none, or one of a clock that
/// is not the monotonic one.
fn plausible(status: &Status, now: Mono) -> Mono {
    let stamp = status.get_htstamp();
    let (seconds, nanos) = (u64::try_from(stamp.tv_sec), u64::try_from(stamp.tv_nsec));
    match (seconds, nanos) {
        (Ok(seconds), Ok(nanos)) => {
            let at = Mono(seconds.saturating_mul(1_000_000_000).saturating_add(nanos));
            if at.abs_diff(now) > PLAUSIBLE { now } else { at }
        }
        _ => now,
    }
}
