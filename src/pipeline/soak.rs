//! Hours of a live run in seconds: the workers, the supervisor and perception take turns on one
//! thread and by a simulated clock, while devices are unplugged, freeze, hang and come back as
//! it pleases a seeded die. `make soak HOURS=n` plays as many hours as wanted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{bounded, unbounded};

use super::desk::Desk;
use super::ring::Ring;
use super::slot::slot;
use super::supervisor::{Herald, Policy, Reins, Role, Supervisor};
use super::tests::toy::{MICROPHONE, RATE, scene, toy};
use super::worker::{AudioCapture, Post, VideoCapture, Worker};
use super::*;
use crate::capture::simulated::{SimulatedAudio, SimulatedVideo};
use crate::capture::{Pull, RawFrame, VideoFormat};
use crate::clock::{Clock, Mono, SimulatedClock};
use crate::error::{Error, Kind};
use crate::event::{DeviceState, Phase, State};

/// How far time moves between two rounds.
const STEP: Duration = Duration::from_millis(25);
/// A device that works again runs again within the longest wait, the time that a stall takes to
/// be noticed, and the driver's own time.
const RECOVERS: Duration = Duration::from_secs(17);

/// SplitMix64.
struct Die(u64);

impl Die {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from * 1000 + self.roll((to - from) * 1000))
    }
}

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Works,
    Unplugged,
    Frozen,
}

/// A device, seen from the world.
struct Plug {
    mood: Mutex<Mood>,
    clock: Arc<SimulatedClock>,
    /// When it was opened, or tried to be, last; and how often.
    tried: Mutex<Option<Mono>>,
    tries: AtomicU64,
    open: AtomicBool,
}

impl Plug {
    fn new(clock: &Arc<SimulatedClock>) -> Arc<Plug> {
        Arc::new(Plug {
            mood: Mutex::new(Mood::Works),
            clock: Arc::clone(clock),
            tried: Mutex::default(),
            tries: AtomicU64::new(0),
            open: AtomicBool::new(false),
        })
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    /// Opens it; two openings are never less than the shortest wait apart.
    fn open(self: &Arc<Self>) -> Result<Plugged> {
        let now = self.clock.now();
        if let Some(before) = self.tried.lock().unwrap().replace(now) {
            assert!(now.since(before) >= Duration::from_millis(250), "tried too soon");
        }
        self.tries.fetch_add(1, Ordering::Relaxed);
        self.check()?;
        assert!(!self.open.swap(true, Ordering::Relaxed), "opened twice");
        Ok(Plugged(Arc::clone(self)))
    }

    fn check(&self) -> Result<Pull> {
        match self.mood() {
            Mood::Unplugged => Err(Error::new(Kind::Device, "device", "was unplugged")),
            Mood::Frozen => Ok(Pull::Idle),
            Mood::Works => Ok(Pull::Filled),
        }
    }
}

/// An open device; dropping it closes it.
struct Plugged(Arc<Plug>);

impl Drop for Plugged {
    fn drop(&mut self) {
        self.0.open.store(false, Ordering::Relaxed);
    }
}

/// 10 pictures a second.
fn camera(plug: &Arc<Plug>) -> Opener<dyn crate::capture::VideoSource> {
    let plug = Arc::clone(plug);
    Box::new(move || {
        let open = plug.open()?;
        let mut due = plug.clock.now();
        let format = VideoFormat { width: 8, height: 8, rate: 10.0 };
        Ok(Box::new(SimulatedVideo::new(format, move |_, raw| {
            let now = open.0.clock.now();
            match open.0.check()? {
                Pull::Filled if now >= due => {
                    raw.exchange(due, &mut scene());
                    due = due + Duration::from_millis(100);
                    Ok(Pull::Filled)
                }
                _ => Ok(Pull::Idle),
            }
        })))
    })
}

/// Two seconds of a tone every eight seconds, low and high in turn, from a card that runs half a
/// percent fast.
fn microphone(plug: &Arc<Plug>) -> Opener<dyn crate::capture::AudioSource> {
    const COUNT: usize = 800;
    let plug = Arc::clone(plug);
    Box::new(move || {
        let open = plug.open()?;
        let mut start = plug.clock.now();
        let lasts = Duration::from_secs_f64(COUNT as f64 / (f64::from(RATE) * 1.005));
        Ok(Box::new(SimulatedAudio::new(MICROPHONE, move |_, block| {
            let now = open.0.clock.now();
            match open.0.check()? {
                Pull::Filled if now >= start + lasts => {
                    let second = start.as_secs_f64() as u64;
                    let hertz = match (second % 8, second / 8 % 2) {
                        (2..8, _) => 0.0,
                        (_, 0) => 200.0_f32,
                        (_, _) => 5000.0,
                    };
                    for (n, value) in block.values[..COUNT].iter_mut().enumerate() {
                        let phase = hertz * n as f32 / RATE as f32;
                        *value = if hertz > 0.0 {
                            0.2 * (phase * std::f32::consts::TAU).sin()
                        } else {
                            0.0
                        };
                    }
                    (block.stamp, block.filled) = (start, COUNT);
                    start = start + lasts;
                    Ok(Pull::Filled)
                }
                _ => Ok(Pull::Idle),
            }
        })))
    })
}

/// What is told, checked as it comes.
#[derive(Default)]
struct Book {
    live: BTreeSet<u64>,
    seq: u64,
    starts: u64,
    away: u64,
    /// Since when there is no picture.
    blind: Option<Mono>,
}

impl Observer for Arc<Mutex<Book>> {
    fn sound(&mut self, sound: &Sound) -> Result<()> {
        let mut book = self.lock().unwrap();
        book.seq += 1;
        assert_eq!(sound.seq, book.seq, "an event was lost");
        match sound.phase {
            Phase::Start => {
                assert!(book.live.insert(sound.track), "started twice");
                book.starts += 1;
                book.away += u64::from(!sound.on_screen);
                let heard = Mono(sound.mono_ns);
                let blind = book.blind.is_some_and(|since| heard > since);
                assert!(!(blind && sound.on_screen), "seen without a camera: {sound:?}");
            }
            Phase::Update => assert!(book.live.contains(&sound.track)),
            Phase::End => assert!(book.live.remove(&sound.track), "ended twice"),
        }
        Ok(())
    }
}

/// Keeps the last condition, and counts.
#[derive(Default)]
struct Ledger {
    last: Condition,
    changes: u64,
    alive: u64,
}

impl Herald for Arc<Mutex<Ledger>> {
    fn condition(&mut self, condition: &Condition, _: &Progress) {
        let mut ledger = self.lock().unwrap();
        ledger.changes += u64::from(ledger.last != *condition);
        ledger.last = condition.clone();
        let lost = [condition.camera.as_ref(), Some(&condition.microphone)]
            .into_iter()
            .flatten()
            .any(|device| device.state == DeviceState::Lost);
        assert_eq!(lost, condition.state == State::Degraded, "{condition:?}");
    }

    fn alive(&mut self) {
        self.lock().unwrap().alive += 1;
    }
}

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    losses: u64,
    slowest: Duration,
    recoveries: u64,
    together: Duration,
}

/// Plays so many seconds with this seed.
fn play(seconds: u64, seed: u64) -> Outcome {
    let clock = Arc::new(SimulatedClock::new());
    let plugs = [Plug::new(&clock), Plug::new(&clock)];
    let (book, ledger) = (Arc::<Mutex<Book>>::default(), Arc::<Mutex<Ledger>>::default());
    let progress = Progress::new();

    let mut ring = Ring::new(MICROPHONE);
    let (recorder, listener) = ring.split();
    let (giver, taker, raw) = slot(RawFrame::default);
    let room = AtomicU64::new(0);
    let posts = [Post::default(), Post::default()];
    let (bell, _rung) = bounded(1);
    let (reports, inbox) = unbounded();
    let [(camera_leave, camera_wait), (microphone_leave, microphone_wait)] =
        [bounded(1), bounded(1)];
    let video = VideoCapture::new(camera(&plugs[0]), (giver, raw), &room, &progress, bell.clone());
    let audio = AudioCapture::new(microphone(&plugs[1]), recorder, &progress, bell);
    let none = Duration::ZERO;
    let mut video = Worker::new(Role::Camera, video, &posts[0], camera_wait, reports.clone(), none);
    let mut audio = Worker::new(Role::Microphone, audio, &posts[1], microphone_wait, reports, none);
    let (mut herald, mut observer) = (Arc::clone(&ledger), Arc::clone(&book));
    let done = AtomicBool::new(false);
    let mut supervisor = Supervisor::new(
        Policy::new(Some(true), true, Mono(0), seed),
        Some(Reins { post: &posts[0], leave: camera_leave }),
        Reins { post: &posts[1], leave: microphone_leave },
        inbox,
        (&*clock, &progress),
        &mut herald,
        &done,
    );
    let mut toy = toy();
    let (ends, times) = ((taker, &room), (&*clock as &dyn Clock, &progress));
    let mut desk = Desk::new(&mut toy.perception, &mut observer, times, ends, listener, &posts);

    let (mut die, mut outcome) = (Die(seed), Outcome::default());
    let (mut next, mut until) = (Mono(0) + Duration::from_secs(20), [None::<Mono>; 2]);
    let (mut works_since, mut stalled) = ([Some(Mono(0)); 2], Mono(0));
    let mut waits_for = [false; 2];
    let (mut seen, mut blind_since) = (0, None);
    while clock.now() < Mono(0) + Duration::from_secs(seconds) {
        let now = clock.now() + STEP;
        clock.advance_to(now);
        if now >= next {
            // Mostly one device, sometimes both, and sometimes only perception is slow.
            let (which, mood) = (die.roll(4), die.roll(2));
            let mood = if mood == 0 { Mood::Unplugged } else { Mood::Frozen };
            for (index, plug) in plugs.iter().enumerate() {
                if which == 2 || which == index as u64 {
                    *plug.mood.lock().unwrap() = mood;
                    until[index] = Some(now + die.seconds(0, 40));
                    works_since[index] = None;
                    outcome.losses += 1;
                }
            }
            if which == 3 {
                stalled = now + die.seconds(0, 6);
            }
            next = now + die.seconds(2, 60);
        }
        for (index, plug) in plugs.iter().enumerate() {
            if until[index].is_some_and(|until| now >= until) {
                *plug.mood.lock().unwrap() = Mood::Works;
                until[index] = None;
                works_since[index] = Some(now);
                waits_for[index] = true;
            }
        }
        let gone = posts[1].gone.load(Ordering::Relaxed);
        video.step();
        audio.step();
        audio.step();
        supervisor.turn();
        let lost = ledger.lock().unwrap().last.camera.as_ref().map(|camera| camera.state);
        let given = posts[0].given.load(Ordering::Relaxed);
        book.lock().unwrap().blind = match lost {
            // A sound from before may be laid over the first picture after.
            Some(DeviceState::Lost) if given == seen => {
                // A window that was pooled half before and half after the loss may still have
                // its track from before.
                Some(*blind_since.get_or_insert(now + Duration::from_secs(1)))
            }
            _ => {
                (seen, blind_since) = (given, None);
                None
            }
        };
        if now >= stalled {
            desk.turn().unwrap();
            if posts[1].gone.load(Ordering::Relaxed) != gone {
                assert_eq!(book.lock().unwrap().live.len(), 0, "a track without a microphone");
            }
        }
        let Condition { camera, microphone, .. } = ledger.lock().unwrap().last.clone();
        let states = [camera.unwrap().state, microphone.state];
        for (index, state) in states.into_iter().enumerate() {
            let well = works_since[index].map(|since| now.since(since)).unwrap_or_default();
            if state == DeviceState::Running && std::mem::take(&mut waits_for[index]) {
                outcome.recoveries += 1;
                outcome.slowest = outcome.slowest.max(well);
                outcome.together += well;
            }
            assert!(
                well < RECOVERS || state == DeviceState::Running,
                "device {index} works since {well:?} and is {state:?} after {now:?}"
            );
        }
    }
    let counters = progress.counters();
    let (book, ledger) = (book.lock().unwrap(), ledger.lock().unwrap());
    assert!(book.starts > seconds / 60 && book.away > 0, "{} {}", book.starts, book.away);
    assert!(ledger.alive > seconds, "{}", ledger.alive);
    // Tries end with the losses: nobody opens and closes what works.
    let tries: u64 = plugs.iter().map(|plug| plug.tries.load(Ordering::Relaxed)).sum();
    assert!(tries < 2 + 12 * outcome.losses, "{tries}");
    println!(
        "{:.1} h, seed {seed}: {} losses, {} recoveries (mean {:.1} s, slowest {:.1} s), \
         {tries} tries to open, {} changes of state, {} tracks ({} out of view), {} events, \
         {} looks, {} samples lost",
        seconds as f64 / 3600.0,
        outcome.losses,
        outcome.recoveries,
        outcome.together.as_secs_f64() / outcome.recoveries.max(1) as f64,
        outcome.slowest.as_secs_f64(),
        ledger.changes,
        book.starts,
        book.away,
        counters.events,
        counters.looks,
        counters.samples_lost,
    );
    outcome
}

#[test]
fn whatever_the_devices_do_every_loss_heals_every_track_ends_and_no_event_is_lost() {
    let hours: f64 = std::env::var("TYTO_SOAK_HOURS")
        .map_or(0.4, |hours| hours.parse().expect("TYTO_SOAK_HOURS is a number of hours"));
    let mut left = (hours * 3600.0) as u64;
    let mut seed = 1;
    while left > 0 {
        let seconds = left.min(3600);
        let outcome = play(seconds.max(900), seed);
        assert!(outcome.losses > 5 && outcome.recoveries > 3, "{outcome:?}");
        left -= seconds;
        seed += 1;
    }
}
