//! Capture threads and looks allocate nothing once they run, and capture waits for nobody.

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tyto::capture::simulated::{SimulatedAudio, SimulatedVideo};
use tyto::capture::{
    AudioFormat, AudioSource, Block, Frame, PixelFormat, Pull, RawFrame, VideoFormat, VideoSource,
};
use tyto::clock::{Clock, Mono, SimulatedClock, SystemClock};
use tyto::cost::{Counting, Memory, count, memory};
use tyto::error::Result;
use tyto::pipeline::{Feeds, Live, Look, Observer, Opener, Progress, Wishes, live};

mod toy;
use toy::{MICROPHONE, RATE, scene, toy};

#[global_allocator]
static COUNTING: Counting = Counting(System);

/// What one capture thread did: its rounds while it was counted, and its calls for memory.
#[derive(Default)]
struct Tally {
    rounds: AtomicU64,
    calls: AtomicU64,
}

impl Tally {
    /// Called on the capture thread once a round: counts from the second `from` on.
    fn round(&self, since: Instant, from: Duration) {
        if since.elapsed() >= from {
            count(true);
            self.rounds.fetch_add(1, Ordering::Relaxed);
            self.calls.store(memory().calls + memory().frees, Ordering::Relaxed);
        }
    }
}

/// Copies each picture into the buffer, as a camera does.
fn camera(tally: Arc<Tally>, pause: Duration) -> Opener<dyn VideoSource> {
    Box::new(move || {
        let (tally, began, picture) = (Arc::clone(&tally), Instant::now(), scene());
        let format = VideoFormat { width: 8, height: 8, rate: 50.0 };
        Ok(Box::new(SimulatedVideo::new(format, move |_, raw: &mut RawFrame| {
            tally.round(began, Duration::from_secs(1));
            std::thread::sleep(pause);
            raw.stamp = SystemClock.now();
            (raw.width, raw.height, raw.stride) = (8, 8, 24);
            raw.format = PixelFormat::Rgb24;
            raw.bytes.clear();
            raw.bytes.extend_from_slice(&picture.rgb);
            Ok(Pull::Filled)
        })))
    })
}

/// A low tone; `pace` 1 is real time.
fn microphone(tally: Arc<Tally>, pace: u32) -> Opener<dyn AudioSource> {
    Box::new(move || {
        let (tally, began, start) = (Arc::clone(&tally), Instant::now(), SystemClock.now());
        Ok(Box::new(SimulatedAudio::new(MICROPHONE, move |index, block| {
            tally.round(began, Duration::from_secs(1));
            let at = |sample: u64| Duration::from_secs_f64(sample as f64 / f64::from(RATE));
            block.stamp = start + at(index * 256);
            block.filled = 256;
            for (n, value) in block.values[..256].iter_mut().enumerate() {
                *value = 0.2 * ((index * 256 + n as u64) as f32 * 0.0785).sin();
            }
            SystemClock.sleep_until(start + at((index + 1) * 256) / pace);
            Ok(Pull::Filled)
        })))
    })
}

fn go(feeds: Feeds, progress: &Progress, stop: &AtomicBool, observer: &mut dyn Observer) {
    let run = Live {
        feeds,
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress,
        stop,
        herald: &mut (),
    };
    live(run, &mut toy().perception, observer).unwrap();
}

#[test]
fn after_their_first_second_the_capture_threads_call_for_no_memory() {
    /// Looks slowly, so that buffers are replaced and late ones come into use.
    struct Slow<'a>(&'a AtomicBool, Instant);
    impl Observer for Slow<'_> {
        fn look(&mut self, _: &Look<'_>) -> Result<()> {
            std::thread::sleep(Duration::from_millis(150));
            self.0.store(self.1.elapsed() > Duration::from_secs(5), Ordering::Relaxed);
            Ok(())
        }
    }
    let (pictures, samples) = (Arc::<Tally>::default(), Arc::<Tally>::default());
    let feeds = Feeds::devices(
        camera(Arc::clone(&pictures), Duration::from_millis(10)),
        microphone(Arc::clone(&samples), 1),
        MICROPHONE,
    );
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    go(feeds, &progress, &stop, &mut Slow(&stop, Instant::now()));
    let counters = progress.counters();
    assert!(counters.frames_replaced > 10 && counters.looks > 5, "{counters:?}");
    for (tally, name) in [(pictures, "video"), (samples, "audio")] {
        let (rounds, calls) = (&tally.rounds, &tally.calls);
        let (rounds, calls) = (rounds.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
        println!("{name}: {calls} calls for memory in {rounds} rounds");
        assert!(rounds > 50, "{name}: {rounds}");
        assert_eq!(calls, 0, "{name}");
    }
}

#[test]
fn a_look_that_tells_nothing_new_calls_for_no_memory() {
    let (mut toy, clock) = (toy(), SimulatedClock::new());
    let format = AudioFormat { rate: 48_000, channels: 2 };
    let (mut block, mut heard, mut frame) = (Block::empty(), 0u64, Frame::default());
    block.format = format;
    let (mut counted, mut encoded) = (0, 0);
    for hop in 1..300u64 {
        let end = Mono(hop * 240_000_000);
        clock.advance_to(end);
        // A corner flickers, so that every picture is encoded.
        frame.stamp = end;
        frame.picture.clone_from(&scene());
        frame.picture.rgb[2] = 40 * (hop % 5) as u8;
        count(true);
        let before = memory();
        while heard < end.0 * 6 / 125_000 {
            block.stamp = Mono(heard * 125_000 / 6);
            block.filled = 960;
            for (n, value) in block.values[..960].iter_mut().enumerate() {
                *value = 0.2 * ((heard + n as u64 / 2) as f32 * 0.026).sin();
            }
            toy.perception.hear(&block).unwrap();
            heard += 480;
        }
        frame = toy.perception.see(frame).unwrap().unwrap_or_default();
        let look = toy.perception.look(&clock).unwrap();
        let found = look.map(|look| (look.sources.len(), look.sounds.len(), look.stages));
        let ahead = toy.perception.see_ahead().unwrap();
        let after = memory();
        count(false);
        // Half a minute lets every buffer find its size.
        if let Some((sources, 0, mut stages)) = found.filter(|_| hop > 125) {
            assert_eq!(sources, 1, "it hears and sees something");
            stages += ahead;
            assert_eq!(after - before, Memory::default(), "hop {hop}: {stages:?}");
            counted += 1;
            encoded += u32::from(stages.has_seen());
        }
    }
    assert!(counted > 100 && encoded == counted, "{counted} looks, {encoded} pictures");
}

#[test]
fn the_counter_counts() {
    std::thread::spawn(|| {
        drop(std::hint::black_box(vec![1, 2, 3]));
        assert_eq!(memory(), Memory::default(), "nobody asked for it");
        count(true);
        let mut numbers = std::hint::black_box(vec![1u64, 2, 3]);
        assert_eq!(memory(), Memory { calls: 1, bytes: 24, frees: 0 });
        numbers.reserve_exact(9);
        assert_eq!(memory(), Memory { calls: 2, bytes: 24 + 96, frees: 0 });
        drop(numbers);
        assert_eq!(memory().frees, 1);
        count(false);
        drop(std::hint::black_box(vec![1, 2, 3]));
        assert_eq!((memory().calls, memory().frees), (2, 1));
    })
    .join()
    .unwrap();
}

#[test]
fn while_perception_stands_still_pictures_are_replaced_and_samples_counted_as_lost() {
    /// Stands still over the first picture until capture has gone on without it.
    struct Stalled<'a> {
        progress: &'a Progress,
        stop: &'a AtomicBool,
        taken: u64,
    }
    impl Observer for Stalled<'_> {
        fn frame(&mut self, _: &Frame) -> Result<()> {
            self.taken += 1;
            let began = Instant::now();
            while self.taken == 1 && began.elapsed() < Duration::from_secs(60) {
                let counters = self.progress.counters();
                if counters.frames_replaced >= 200 && counters.samples_lost > 16_000 {
                    // Four seconds of sound wait for it, and one picture.
                    let waiting = self.progress.queues();
                    assert!(waiting.blocks_waiting * 256 >= 4 * 16_000, "{waiting:?}");
                    assert_eq!(waiting.frames_waiting, 1);
                    self.stop.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            panic!("capture waits for perception: {:?}", self.progress.counters());
        }
    }
    let feeds = Feeds::devices(
        camera(Arc::default(), Duration::from_millis(2)),
        microphone(Arc::default(), 64),
        MICROPHONE,
    );
    let (progress, stop) = (Progress::new(), AtomicBool::new(false));
    let mut stalled = Stalled { progress: &progress, stop: &stop, taken: 0 };
    go(feeds, &progress, &stop, &mut stalled);
    // Every picture was taken, replaced, or is the last one.
    let (taken, counters) = (stalled.taken, progress.counters());
    let left = counters.frames - counters.frames_replaced - taken;
    assert!(left <= 1, "{left} pictures went missing: {counters:?}");
}
