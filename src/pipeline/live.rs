//! The live path: a thread for each source, one that supervises them, and perception on the
//! thread that calls.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::capture::RawFrame;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::memory;

use super::crash::{crash, guarded};
use super::desk::Desk;
use super::feed::{Feed, Feeds};
use super::ring::Ring;
use super::slot::slot;
use super::supervisor::{Herald, Policy, Reins, Report, Role, Supervisor};
use super::wishes::{self, Wishes};
use super::worker::{AudioCapture, Capture, Post, VideoCapture, Worker};
use super::{Observer, Perception, Progress, finish};

/// How long a thread sleeps at most when nothing comes: what a stop waits for.
const DOZE: Duration = Duration::from_millis(100);

/// How often freed memory is given back. The next look has to ask for its pages anew, which
/// costs up to a quarter of its time: after each look it would be too dear.
const TRIM_EVERY: Duration = Duration::from_secs(10);

/// What a live run stands on.
pub struct Live<'a> {
    /// Where pictures and samples come from.
    pub feeds: Feeds,
    /// What is asked of the system.
    pub wishes: Wishes,
    /// What the sources stamp with.
    pub clock: &'a dyn Clock,
    /// Counted as it goes.
    pub progress: &'a Progress,
    /// Ends the run when it is set.
    pub stop: &'a AtomicBool,
    /// Told how the run is doing.
    pub herald: &'a mut dyn Herald,
}

/// Runs the sources through perception until all have ended, or `stop` is set.
///
/// Capture threads never wait for perception: pictures that it is too slow for are replaced,
/// samples that find no room are lost, and both are counted in `progress`. When the sound ends
/// before the pictures, its tracks end with it.
///
/// A device that is lost is opened again for as long as it takes. Meanwhile, without a camera
/// everything that sounds is out of view, and without a microphone nothing sounds. A crash in
/// a device's code is the loss of the device.
///
/// # Errors
/// A given source, an encoder or the observer failed, or neither device can be opened with this
/// configuration; the others are stopped. Every track is ended before.
pub fn live(run: Live<'_>, perception: &mut Perception, observer: &mut dyn Observer) -> Result<()> {
    let Live { feeds, wishes, clock, progress, stop, herald } = run;
    let halt = &AtomicBool::new(false);
    let stopped = || stop.load(Ordering::Relaxed) || halt.load(Ordering::Relaxed);
    let stopped: &(dyn Fn() -> bool + Sync) = &stopped;

    let mut ring = Ring::new(feeds.expected);
    let (recorder, listener) = ring.split();
    let (giver, taker, raw) = slot(RawFrame::default);
    let room = AtomicU64::new(0);
    let posts = [Post::default(), Post::default()];
    let [camera_post, microphone_post] = &posts;
    let (bell, rung) = bounded(1);
    let (reports, inbox) = unbounded();
    if wishes.lock_memory
        && let Some(refusal) = wishes::lock_memory()
    {
        // The other end of the channel is still here.
        let _ = reports.send(Report::Note(refusal));
    }

    let troubles = reports.clone();
    let done = AtomicBool::new(false);
    let ends = (taker, &room);
    let mut desk = Desk::new(perception, observer, (clock, progress), ends, listener, &posts);
    let result = std::thread::scope(|scope| {
        let crew = Crew { scope, stopped, halt, realtime: wishes.realtime, reports };
        let (now, video) = (clock.now(), feeds.video.as_ref().map(Feed::is_device));
        let policy = Policy::new(video, feeds.audio.is_device(), now, now.0);
        let mut threads = Vec::new();
        let camera = feeds.video.map(|feed| {
            let (role, device) = (Role::Camera, feed.is_device());
            let buffers = (giver, raw);
            let bell = bell.clone();
            let capture = VideoCapture::new(feed.opener(), buffers, &room, progress, bell);
            let (thread, leave) = crew.capture(role, device, capture, camera_post);
            threads.push(thread);
            Reins { post: camera_post, leave }
        });
        let (role, device) = (Role::Microphone, feeds.audio.is_device());
        let capture = AudioCapture::new(feeds.audio.opener(), recorder, progress, bell);
        let (thread, leave) = crew.capture(role, device, capture, microphone_post);
        threads.push(thread);
        let microphone = Reins { post: microphone_post, leave };
        let supervisor =
            Supervisor::new(policy, camera, microphone, inbox, (clock, progress), herald, &done);
        let supervise = move || supervisor.run(stopped, halt);
        threads.push(spawn(scope, "tyto-supervisor", halt, supervise));

        let perceived = if threads.iter().all(Result::is_ok) {
            // Without a supervisor the run is over.
            let refused = |refusal| _ = troubles.send(Report::Note(refusal));
            let work = || guarded("perception", || perceive(&mut desk, &rung, stopped, &troubles));
            wishes.on_cores(refused, work)
        } else {
            Ok(())
        };
        halt.store(true, Ordering::Relaxed);
        done.store(true, Ordering::Release);
        let joined = threads.into_iter().try_for_each(|thread| {
            thread?.join().unwrap_or_else(|panic| Err(crash("thread", &*panic)))
        });
        perceived.and(joined)
    });
    let finished =
        guarded("perception", || finish(desk.perception, clock, progress, desk.observer));
    result.and(finished)
}

/// Perception's loop.
fn perceive(
    desk: &mut Desk<'_>,
    rung: &Receiver<()>,
    stopped: &(dyn Fn() -> bool + Sync),
    reports: &Sender<Report>,
) -> Result<()> {
    let mut trimmed = Instant::now();
    loop {
        let over = rung.recv_timeout(DOZE) == Err(RecvTimeoutError::Disconnected);
        if stopped() {
            return Ok(());
        }
        desk.turn()?;
        while let Some(trouble) = desk.perception.trouble() {
            // Without a supervisor the run is over.
            let _ = reports.send(Report::Impaired(trouble));
        }
        memory::take_stock();
        if trimmed.elapsed() >= TRIM_EVERY {
            memory::trim();
            trimmed = Instant::now();
        }
        if over {
            return Ok(());
        }
    }
}

type Thread<'scope> = Result<ScopedJoinHandle<'scope, Result<()>>>;

/// What the capture threads of one run have in common.
struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    stopped: &'scope (dyn Fn() -> bool + Sync),
    halt: &'scope AtomicBool,
    realtime: bool,
    reports: Sender<Report>,
}

impl<'scope> Crew<'scope, '_> {
    /// Starts a capture thread, and gives what it gets leave through.
    fn capture(
        &self,
        role: Role,
        device: bool,
        capture: impl Capture + 'scope,
        post: &'scope Post,
    ) -> (Thread<'scope>, Sender<()>) {
        let (leave, wait) = bounded(1);
        let reports = self.reports.clone();
        let (stopped, realtime) = (self.stopped, self.realtime && device);
        let work = move || {
            if realtime && let Some(refusal) = wishes::run_in_real_time() {
                // Without a supervisor the run is over.
                let _ = reports.send(Report::Note(refusal));
            }
            let mut worker = Worker::new(role, capture, post, wait, reports, DOZE);
            while !stopped() && worker.step() {}
            Ok(())
        };
        let work = move || {
            let result = guarded("capture", work);
            post.over.store(true, Ordering::Release);
            result
        };
        let name = match role {
            Role::Camera => "tyto-video",
            Role::Microphone => "tyto-audio",
        };
        let thread = spawn(self.scope, name, self.halt, work);
        if thread.is_err() {
            post.over.store(true, Ordering::Release);
        }
        (thread, leave)
    }
}

/// Starts a thread whose failure or crash ends the run.
fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &'static str,
    halt: &'scope AtomicBool,
    work: impl FnOnce() -> Result<()> + Send + 'scope,
) -> Thread<'scope> {
    let work = move || {
        let result = guarded(name, work);
        if result.is_err() {
            halt.store(true, Ordering::Relaxed);
        }
        result
    };
    Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map_err(|error| {
        Error::new(Kind::System, name, "the thread cannot be started").because(error)
    })
}

#[cfg(test)]
#[path = "live/tests.rs"]
mod tests;
