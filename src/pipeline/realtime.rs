//! The live path: a thread for each source, and perception on the thread that calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::capture::{AudioSource, Developer, Frame, Pull, RawFrame, VideoSource};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

use super::ring::{Recorded, Recorder, Ring};
use super::slot::{Giver, slot};
use super::{Observer, Perception, Progress, finish, look_if_due};

/// How long perception sleeps at most when nothing comes: what a stop waits for.
const DOZE: Duration = Duration::from_millis(100);
/// How often the observer is told what was counted.
const REPORT: Duration = Duration::from_secs(1);

/// Runs the sources through perception until both have ended, or `stop` is set.
///
/// Capture threads never wait for perception: pictures that it is too slow for are replaced,
/// samples that find no room are lost, and both are counted in `progress`. When the sound ends
/// before the pictures, its tracks end with it.
///
/// # Errors
/// A source, an encoder or the observer failed; the others are stopped. Every track is ended
/// before.
pub fn live(
    video: Option<Box<dyn VideoSource>>,
    audio: Box<dyn AudioSource>,
    perception: &mut Perception,
    clock: &dyn Clock,
    progress: &Progress,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<()> {
    let mut ring = Ring::new(audio.format());
    let (recorder, mut listener) = ring.split();
    let size = video.as_ref().map(|video| video.format());
    let bytes = size.map_or(0, |format| format.width as usize * format.height as usize * 3);
    let (giver, taker, first) =
        slot(|| RawFrame { bytes: Vec::with_capacity(bytes), ..RawFrame::default() });
    let (bell, rung) = bounded(1);
    let shared =
        Shared { progress, stop, halt: AtomicBool::new(false), deaf: AtomicBool::new(false) };
    let shared = &shared;

    let result = std::thread::scope(|scope| {
        let video_bell = bell.clone();
        let watch = video.map(|source| {
            let work = move || shared.watch(source, &giver, first, &video_bell);
            spawn(scope, "tyto-video", work)
        });
        let listen = spawn(scope, "tyto-audio", move || shared.listen(audio, recorder, &bell));
        let threads: Result<Vec<_>> = watch.into_iter().chain([listen]).collect();

        let perceived = threads.as_ref().map_or(Ok(()), |_| {
            let mut reported = clock.now();
            let mut heard_all = false;
            let (mut developer, mut spare) = (Developer::new(), Frame::default());
            loop {
                let over = rung.recv_timeout(DOZE) == Err(RecvTimeoutError::Disconnected);
                Progress::add(&progress.turns, 1);
                if shared.stopped() {
                    return Ok(());
                }
                // Asked before the ring is emptied: what came before the end is then in it.
                let deaf = shared.deaf.load(Ordering::Acquire);
                if let Some(mut raw) = taker.take() {
                    let mut frame = std::mem::take(&mut spare);
                    frame.stamp = raw.stamp;
                    developer.develop(&mut raw, &mut frame.picture)?;
                    taker.give_back(raw);
                    observer.frame(&frame)?;
                    spare = perception.see(frame).unwrap_or_default();
                }
                listener.drain(|block| perception.hear(block));
                look_if_due(perception, clock, progress, observer)?;
                if deaf && !heard_all {
                    heard_all = true;
                    finish(perception, clock, progress, observer)?;
                }
                if clock.now().since(reported) >= REPORT {
                    reported = clock.now();
                    observer.counters(&progress.counters())?;
                }
                if over {
                    return Ok(());
                }
            }
        });
        shared.halt.store(true, Ordering::Relaxed);
        let captured = threads.and_then(|threads| {
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(crashed())))
        });
        perceived.and(captured)
    });
    let finished = finish(perception, clock, progress, observer);
    result.and(finished)?;
    observer.counters(&progress.counters())
}

/// What all threads of one run see.
struct Shared<'a> {
    progress: &'a Progress,
    stop: &'a AtomicBool,
    /// Set when one of the threads is done for; the others follow.
    halt: AtomicBool,
    /// Set when the sound has ended.
    deaf: AtomicBool,
}

impl Shared<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.halt.load(Ordering::Relaxed)
    }

    /// The video thread: pictures from the source into the slot.
    fn watch(
        &self,
        mut source: Box<dyn VideoSource>,
        giver: &Giver<RawFrame>,
        mut frame: RawFrame,
        bell: &Sender<()>,
    ) -> Result<()> {
        while !self.stopped() {
            match source.pull(&mut frame) {
                Ok(Pull::Filled) => {}
                Ok(Pull::Idle) => continue,
                Ok(Pull::Ended) => break,
                Err(error) => return self.fail(error),
            }
            Progress::add(&self.progress.frames, 1);
            let Some((spare, replaced)) = giver.put(frame) else { break };
            Progress::add(&self.progress.frames_replaced, u64::from(replaced));
            frame = spare;
            // A full bell has rung already.
            let _ = bell.try_send(());
        }
        Ok(())
    }

    /// The audio thread: samples from the source into the ring.
    fn listen(
        &self,
        mut source: Box<dyn AudioSource>,
        mut recorder: Recorder<'_>,
        bell: &Sender<()>,
    ) -> Result<()> {
        let channels = usize::from(source.format().channels.max(1));
        let samples = |values: usize| (values / channels) as u64;
        while !self.stopped() {
            match recorder.record(&mut *source) {
                Ok(Recorded::Kept(values)) => {
                    Progress::add(&self.progress.samples, samples(values))
                }
                Ok(Recorded::Lost(values)) => {
                    Progress::add(&self.progress.samples, samples(values));
                    Progress::add(&self.progress.samples_lost, samples(values));
                }
                Ok(Recorded::Idle) => continue,
                Ok(Recorded::Ended) => break,
                Err(error) => return self.fail(error),
            }
            let _ = bell.try_send(());
        }
        self.deaf.store(true, Ordering::Release);
        Ok(())
    }

    fn fail(&self, error: Error) -> Result<()> {
        self.halt.store(true, Ordering::Relaxed);
        Err(error)
    }
}

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> Result<()> + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, Result<()>>> {
    Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map_err(|error| {
        Error::new(Kind::System, name, "the thread cannot be started").because(error)
    })
}

fn crashed() -> Error {
    Error::new(Kind::System, "capture", "a thread crashed; that is a fault of this program")
}
