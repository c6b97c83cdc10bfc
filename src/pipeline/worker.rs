//! What a capture thread does, a step at a time: it waits for leave to open its source, opens
//! it, hands on what it gives, and closes it. It decides nothing: it reports to the supervisor.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::capture::{AudioSource, Losses, Pull, RawFrame, VideoSource};
use crate::error::{Error, Result};

use super::Progress;
use super::crash::guarded;
use super::feed::Opener;
use super::ring::{Recorded, Recorder};
use super::slot::Giver;
use super::supervisor::{Report, Role};

/// What a capture thread shares with its supervisor and with perception.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// Moves whenever the thread comes round, whether or not there was something.
    pub turns: AtomicU64,
    /// Pictures or blocks that were given.
    pub given: AtomicU64,
    /// Times that the source went away; what it gave before has been handed on by then.
    pub gone: AtomicU64,
    /// Set by the supervisor: close the source.
    pub close: AtomicBool,
    /// Set when the thread is done.
    pub over: AtomicBool,
}

/// What was opened.
pub(super) struct Opened {
    /// What it is, for people.
    pub name: String,
    /// The nominal time between two deliveries, if that is known.
    pub period: Option<Duration>,
}

/// One kind of source, and where what it gives goes.
pub(super) trait Capture: Send {
    /// Opens the source.
    fn open(&mut self) -> Result<Opened>;
    /// Pulls once and hands on what came.
    fn pull(&mut self) -> Result<Pull>;
    /// Drops the source.
    fn close(&mut self);
    /// What the open source has lost.
    fn losses(&self) -> Losses;
    /// Adds to what was lost altogether.
    fn count(&self, more: Losses);
}

/// The work of one capture thread.
pub(super) struct Worker<'a, C> {
    pub role: Role,
    pub capture: C,
    pub post: &'a Post,
    /// Leave to open, from the supervisor.
    pub leave: Receiver<()>,
    pub reports: Sender<Report>,
    /// How long a step waits for leave.
    pub patience: Duration,
    open: bool,
    losses: Losses,
}

impl<'a, C: Capture> Worker<'a, C> {
    /// A worker that waits for leave.
    pub fn new(
        role: Role,
        capture: C,
        post: &'a Post,
        leave: Receiver<()>,
        reports: Sender<Report>,
        patience: Duration,
    ) -> Self {
        let (open, losses) = (false, Losses::default());
        Worker { role, capture, post, leave, reports, patience, open, losses }
    }

    /// Does the next thing, and says whether there will be another.
    pub fn step(&mut self) -> bool {
        Progress::add(&self.post.turns, 1);
        if !self.open {
            if self.leave.recv_timeout(self.patience).is_ok() {
                self.open();
            }
            return true;
        }
        if self.post.close.load(Ordering::Relaxed) {
            self.lose(None);
            return true;
        }
        match guarded("capture", || self.capture.pull()) {
            Ok(pull) => {
                self.account();
                match pull {
                    Pull::Filled => Progress::add(&self.post.given, 1),
                    Pull::Idle => {}
                    Pull::Ended => {
                        self.end();
                        self.report(Report::Ended(self.role));
                        return false;
                    }
                }
            }
            Err(error) => self.lose(Some(error)),
        }
        true
    }

    fn open(&mut self) {
        self.post.close.store(false, Ordering::Relaxed);
        self.losses = Losses::default();
        match guarded("capture", || self.capture.open()) {
            Ok(opened) => {
                self.open = true;
                self.report(Report::Opened(self.role, opened.name, opened.period));
            }
            Err(error) => self.report(Report::Refused(self.role, error)),
        }
    }

    fn lose(&mut self, error: Option<Error>) {
        self.account();
        self.close();
        self.report(Report::Lost(self.role, error));
    }

    /// A film that is over leaves its last picture standing; a sound that is over is silence.
    fn end(&mut self) {
        if self.role == Role::Microphone {
            self.post.gone.fetch_add(1, Ordering::Release);
        }
    }

    /// A panic while dropping a source leaves it half dropped, but gone.
    fn close(&mut self) {
        self.open = false;
        let closed = guarded("capture", || {
            self.capture.close();
            Ok(())
        });
        if let Err(error) = closed {
            log::error!("{}: {error}", self.role);
        }
        self.post.gone.fetch_add(1, Ordering::Release);
    }

    /// Adds what the source lost since the last time.
    fn account(&mut self) {
        let now = self.capture.losses();
        if now != self.losses {
            let before = std::mem::replace(&mut self.losses, now);
            self.capture.count(Losses {
                missed: now.missed.saturating_sub(before.missed),
                corrupt: now.corrupt.saturating_sub(before.corrupt),
                xruns: now.xruns.saturating_sub(before.xruns),
            });
        }
    }

    fn report(&self, report: Report) {
        // Without a supervisor the run is over, and nobody needs to know.
        let _ = self.reports.send(report);
    }
}

/// Pictures, from the source into the slot.
pub(super) struct VideoCapture<'a> {
    open: Opener<dyn VideoSource>,
    source: Option<Box<dyn VideoSource>>,
    giver: Giver<RawFrame>,
    frame: RawFrame,
    /// Whether the buffers that wait are as large as what this source gives.
    tended: bool,
    room: &'a AtomicU64,
    progress: &'a Progress,
    bell: Sender<()>,
}

impl<'a> VideoCapture<'a> {
    /// `room` is told how many bytes a buffer must hold.
    pub fn new(
        open: Opener<dyn VideoSource>,
        (giver, frame): (Giver<RawFrame>, RawFrame),
        room: &'a AtomicU64,
        progress: &'a Progress,
        bell: Sender<()>,
    ) -> Self {
        VideoCapture { open, source: None, giver, frame, tended: false, room, progress, bell }
    }
}

impl Capture for VideoCapture<'_> {
    fn open(&mut self) -> Result<Opened> {
        let source = (self.open)()?;
        let (name, rate) = (source.describe(), source.format().rate);
        self.source = Some(source);
        self.tended = false;
        let period = Duration::try_from_secs_f64(rate.recip()).ok();
        Ok(Opened { name, period })
    }

    fn pull(&mut self) -> Result<Pull> {
        let Some(source) = &mut self.source else { return Ok(Pull::Idle) };
        let pull = source.pull(&mut self.frame)?;
        if pull != Pull::Filled {
            return Ok(pull);
        }
        if !self.tended {
            // Every buffer gets its size now, so that none has to grow later.
            self.tended = true;
            let room = self.frame.bytes.capacity();
            self.room.store(room as u64, Ordering::Relaxed);
            self.giver.tend(|raw| make_room(raw, room));
        }
        Progress::add(&self.progress.frames, 1);
        let filled = std::mem::take(&mut self.frame);
        let Some((spare, replaced)) = self.giver.put(filled) else { return Ok(Pull::Ended) };
        Progress::add(&self.progress.frames_replaced, u64::from(replaced));
        self.progress.frames_waiting.store(1, Ordering::Relaxed);
        self.frame = spare;
        // A full bell has rung already.
        let _ = self.bell.try_send(());
        Ok(Pull::Filled)
    }

    fn close(&mut self) {
        self.source = None;
        let _ = self.bell.try_send(());
    }

    fn losses(&self) -> Losses {
        self.source.as_ref().map(|source| source.losses()).unwrap_or_default()
    }

    fn count(&self, more: Losses) {
        Progress::add(&self.progress.frames_missed, more.missed);
        Progress::add(&self.progress.frames_corrupt, more.corrupt);
    }
}

/// Lets a buffer hold as much without growing.
pub(super) fn make_room(raw: &mut RawFrame, room: usize) {
    raw.bytes.reserve_exact(room.saturating_sub(raw.bytes.len()));
}

/// Samples, from the source into the ring.
pub(super) struct AudioCapture<'a> {
    open: Opener<dyn AudioSource>,
    source: Option<Box<dyn AudioSource>>,
    recorder: Recorder<'a>,
    progress: &'a Progress,
    bell: Sender<()>,
}

impl<'a> AudioCapture<'a> {
    pub fn new(
        open: Opener<dyn AudioSource>,
        recorder: Recorder<'a>,
        progress: &'a Progress,
        bell: Sender<()>,
    ) -> Self {
        AudioCapture { open, source: None, recorder, progress, bell }
    }
}

impl Capture for AudioCapture<'_> {
    fn open(&mut self) -> Result<Opened> {
        let source = (self.open)()?;
        let name = source.describe();
        self.source = Some(source);
        Ok(Opened { name, period: None })
    }

    fn pull(&mut self) -> Result<Pull> {
        let Some(source) = &mut self.source else { return Ok(Pull::Idle) };
        let (samples, lost) = match self.recorder.record(&mut **source)? {
            Recorded::Kept(samples) => (samples, 0),
            Recorded::Lost(samples) => (samples, samples),
            Recorded::Idle => return Ok(Pull::Idle),
            Recorded::Ended => return Ok(Pull::Ended),
        };
        Progress::add(&self.progress.samples, samples);
        Progress::add(&self.progress.samples_lost, lost);
        self.progress.blocks_waiting.store(self.recorder.waiting(), Ordering::Relaxed);
        let _ = self.bell.try_send(());
        Ok(Pull::Filled)
    }

    fn close(&mut self) {
        self.source = None;
        let _ = self.bell.try_send(());
    }

    fn losses(&self) -> Losses {
        self.source.as_ref().map(|source| source.losses()).unwrap_or_default()
    }

    fn count(&self, more: Losses) {
        Progress::add(&self.progress.samples_missed, more.missed);
        Progress::add(&self.progress.xruns, more.xruns);
    }
}
