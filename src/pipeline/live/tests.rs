//! Devices that come and go, by the system's clock: what the threads do with each other. What
//! the rules say is tested without threads.

use std::sync::Arc;
use std::sync::Mutex;

use super::*;
use crate::capture::simulated::{SimulatedAudio, SimulatedVideo};
use crate::capture::{AudioSource, Frame, Picture, Pull, VideoFormat, VideoSource};
use crate::clock::{Mono, SystemClock};
use crate::event::{DeviceState, Phase, Sound, State};
use crate::pipeline::tests::toy::{MICROPHONE, RATE, scene, toy};
use crate::pipeline::{Condition, Look, Opener};

/// What is wrong with a device at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Unplugged,
    Crashing,
}

/// Both devices of a test, and what they are told to do.
struct Devices {
    faults: [Mutex<Fault>; 2],
    /// Size of the pictures, and channels of the sound, when a device is opened next.
    shape: Mutex<((u32, u32), u16)>,
}

impl Devices {
    fn new() -> Arc<Devices> {
        let faults = [Mutex::new(Fault::None), Mutex::new(Fault::None)];
        Arc::new(Devices { faults, shape: Mutex::new(((8, 8), 1)) })
    }

    fn set(&self, device: usize, fault: Fault) {
        *self.faults[device].lock().unwrap() = fault;
    }

    /// What the code of a device does first, whatever it is asked.
    fn try_it(&self, device: usize) -> Result<()> {
        let name = ["/dev/video0", "Seeed"][device];
        let fault = *self.faults[device].lock().unwrap();
        match fault {
            Fault::None => Ok(()),
            Fault::Unplugged => Err(Error::new(Kind::Device, name, "was unplugged")),
            Fault::Crashing => panic!("an index is out of bounds"),
        }
    }

    fn camera(self: &Arc<Self>) -> Opener<dyn VideoSource> {
        let devices = Arc::clone(self);
        Box::new(move || {
            devices.try_it(0)?;
            let (devices, start) = (Arc::clone(&devices), SystemClock.now());
            let (width, height) = devices.shape.lock().unwrap().0;
            let format = VideoFormat { width, height, rate: 50.0 };
            let camera = SimulatedVideo::new(format, move |index, raw| {
                devices.try_it(0)?;
                let stamp = start + Duration::from_millis(20 * index);
                SystemClock.sleep_until(stamp);
                let mut picture = scene();
                if (width, height) != (8, 8) {
                    let rgb = vec![0; (width * height * 3) as usize];
                    picture = Picture { width, height, rgb };
                }
                raw.exchange(stamp, &mut picture);
                Ok(Pull::Filled)
            });
            Ok(Box::new(camera) as Box<dyn VideoSource>)
        })
    }

    /// A low tone for ever.
    fn microphone(self: &Arc<Self>) -> Opener<dyn AudioSource> {
        let devices = Arc::clone(self);
        Box::new(move || {
            devices.try_it(1)?;
            let (devices, start) = (Arc::clone(&devices), SystemClock.now());
            let channels = devices.shape.lock().unwrap().1;
            let format = crate::capture::AudioFormat { channels, ..MICROPHONE };
            let microphone = SimulatedAudio::new(format, move |index, block| {
                devices.try_it(1)?;
                let at =
                    |sample: u64| start + Duration::from_secs_f64(sample as f64 / f64::from(RATE));
                let count = 512 / u64::from(channels);
                block.stamp = at(index * count);
                block.filled = 512;
                for (n, value) in block.values[..512].iter_mut().enumerate() {
                    let sample = index * count + n as u64 / u64::from(channels);
                    *value =
                        0.2 * (sample as f32 * 200.0 / RATE as f32 * std::f32::consts::TAU).sin();
                }
                SystemClock.sleep_until(at((index + 1) * count));
                Ok(Pull::Filled)
            });
            Ok(Box::new(microphone) as Box<dyn AudioSource>)
        })
    }

    fn feeds(self: &Arc<Self>) -> Feeds {
        Feeds::devices(self.camera(), self.microphone(), MICROPHONE)
    }
}

/// Everything that is told, and where the test is in its script.
#[derive(Default)]
struct Told {
    sounds: Vec<Sound>,
    conditions: Vec<Condition>,
    /// How often the watchdog could have been fed.
    alive: u32,
}

/// A test's script: told everything so far, it does the next step or waits; `false` ends it.
struct Script<'a, F> {
    told: &'a Mutex<Told>,
    stop: &'a AtomicBool,
    next: F,
    began: Mono,
}

impl<F: FnMut(&Told) -> bool> Observer for Script<'_, F> {
    fn turn(&mut self, _: &mut Perception) -> Result<()> {
        let told = self.told.lock().unwrap();
        let late = SystemClock.now().since(self.began) > Duration::from_secs(60);
        assert!(!late, "the script waits for ever: {:?}", told.conditions.last());
        if !(self.next)(&told) {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn sound(&mut self, sound: &Sound) -> Result<()> {
        self.told.lock().unwrap().sounds.push(sound.clone());
        Ok(())
    }
}

impl Herald for &Mutex<Told> {
    fn condition(&mut self, condition: &Condition, _: &Progress) {
        let mut told = self.lock().unwrap();
        if told.conditions.last() != Some(condition) {
            told.conditions.push(condition.clone());
        }
    }

    fn alive(&mut self) {
        self.lock().unwrap().alive += 1;
    }
}

/// Plays a script with the devices and gives what was told.
fn play(devices: &Arc<Devices>, next: impl FnMut(&Told) -> bool) -> Told {
    let (told, stop, progress) = (Mutex::default(), AtomicBool::new(false), Progress::new());
    let run = Live {
        feeds: devices.feeds(),
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
        herald: &mut &told,
    };
    let mut script = Script { told: &told, stop: &stop, next, began: SystemClock.now() };
    live(run, &mut toy().perception, &mut script).unwrap();
    told.into_inner().unwrap()
}

fn state(told: &Told) -> State {
    told.conditions.last().map(|condition| condition.state).unwrap_or_default()
}

fn reasons(told: &Told) -> Vec<&str> {
    told.conditions.iter().filter_map(|condition| condition.reason.as_deref()).collect()
}

#[test]
fn a_camera_that_is_unplugged_leaves_sounds_out_of_view_until_it_is_back() {
    let devices = Devices::new();
    let mut step = 0;
    let told = play(&devices, |told| {
        let last = told.sounds.last();
        match step {
            0 if last.is_some_and(|sound| sound.on_screen) => {
                devices.set(0, Fault::Unplugged);
                step = 1;
            }
            1 if last.is_some_and(|sound| !sound.on_screen) => {
                assert_eq!(state(told), State::Degraded);
                devices.set(0, Fault::None);
                step = 2;
            }
            2 if state(told) == State::Running && last.is_some_and(|s| s.on_screen) => {
                return false;
            }
            _ => {}
        }
        true
    });
    assert!(
        reasons(&told).contains(&"camera /dev/video0: was unplugged; reopening"),
        "{told:?}",
        told = told.conditions
    );
    let away = told.sounds.iter().find(|sound| !sound.on_screen).unwrap();
    assert!(away.azimuth_deg.is_none() && away.peak.is_none() && away.map.is_none());
    let last = told.conditions.last().unwrap();
    assert_eq!(last.camera.as_ref().map(|camera| camera.reopens), Some(1));
    assert_eq!((last.microphone.reopens, last.reason.as_deref()), (0, None));
    assert!(told.alive > 3, "a device that is away is no reason to bark: {}", told.alive);
}

#[test]
fn without_a_microphone_tracks_end_and_nothing_is_invented() {
    let devices = Devices::new();
    let (mut step, mut silent_since) = (0, None);
    let told = play(&devices, |told| {
        let phase = told.sounds.last().map(|sound| sound.phase);
        match step {
            0 if phase == Some(Phase::Start) => {
                devices.set(1, Fault::Unplugged);
                step = 1;
            }
            1 if phase == Some(Phase::End) => {
                let since = *silent_since.get_or_insert((SystemClock.now(), told.sounds.len()));
                assert_eq!(told.sounds.len(), since.1, "{:?}", told.sounds.last());
                if SystemClock.now().since(since.0) > Duration::from_millis(1500) {
                    // It comes back as another one.
                    devices.shape.lock().unwrap().1 = 2;
                    devices.set(1, Fault::None);
                    step = 2;
                }
            }
            2 if phase == Some(Phase::Start) => return false,
            _ => {}
        }
        true
    });
    let phases: Vec<_> = told.sounds.iter().map(|sound| sound.phase).collect();
    assert_eq!(phases, [Phase::Start, Phase::End, Phase::Start, Phase::End]);
    assert!(reasons(&told).contains(&"microphone Seeed: was unplugged; reopening"));
}

#[test]
fn devices_that_are_not_there_at_the_start_are_waited_for() {
    let devices = Devices::new();
    devices.set(0, Fault::Unplugged);
    devices.set(1, Fault::Unplugged);
    let told = play(&devices, |told| {
        if state(told) == State::Degraded && told.alive > 5 {
            devices.set(0, Fault::None);
            devices.set(1, Fault::None);
        }
        state(told) != State::Running
    });
    let both = "camera /dev/video0: was unplugged; trying again; \
                microphone Seeed: was unplugged; trying again";
    assert!(reasons(&told).contains(&both), "{:?}", reasons(&told));
    let devices = told.conditions.last().unwrap();
    assert_eq!(devices.microphone.state, DeviceState::Running);
    assert_eq!(devices.microphone.reopens, 0, "it was not lost before");
}

#[test]
fn a_crash_in_a_device_s_code_is_the_loss_of_that_device() {
    let devices = Devices::new();
    let mut step = 0;
    let told = play(&devices, |told| {
        match step {
            0 if state(told) == State::Running => {
                devices.set(0, Fault::Crashing);
                step = 1;
            }
            1 if state(told) == State::Degraded => {
                devices.set(0, Fault::None);
                step = 2;
            }
            2 if state(told) == State::Running => return false,
            _ => {}
        }
        true
    });
    let crash = "camera capture: crashed, which is a fault of this program: \
                 an index is out of bounds; reopening";
    assert!(reasons(&told).contains(&crash), "{:?}", reasons(&told));
}

#[test]
fn a_camera_that_comes_back_with_another_shape_gets_its_own_geometry() {
    let devices = Devices::new();
    let mut step = 0;
    let mut shapes = Vec::new();
    let (told, stop, progress) = (Mutex::default(), AtomicBool::new(false), Progress::new());
    struct Shapes<'a, F>(Script<'a, F>, &'a mut Vec<(u32, u32, f64)>);
    impl<F: FnMut(&Told) -> bool> Observer for Shapes<'_, F> {
        fn turn(&mut self, perception: &mut Perception) -> Result<()> {
            if let Some((width, height, camera)) = perception.picture() {
                let shape = (width, height, camera.vfov_deg().round());
                if self.1.last() != Some(&shape) {
                    self.1.push(shape);
                }
                self.0.stop.store(self.1.len() == 2, Ordering::Relaxed);
            }
            self.0.turn(perception)
        }
    }
    let next = |told: &Told| {
        match step {
            0 if state(told) == State::Running => {
                devices.shape.lock().unwrap().0 = (16, 4);
                devices.set(0, Fault::Unplugged);
                step = 1;
            }
            1 if state(told) == State::Degraded => {
                devices.set(0, Fault::None);
                step = 2;
            }
            _ => {}
        }
        true
    };
    let script = Script { told: &told, stop: &stop, next, began: SystemClock.now() };
    let run = Live {
        feeds: devices.feeds(),
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
        herald: &mut &told,
    };
    live(run, &mut toy().perception, &mut Shapes(script, &mut shapes)).unwrap();
    // Both see 60° across; the flat one has square pixels and so sees less up and down.
    assert_eq!(shapes, [(8, 8, 60.0), (16, 4, 16.0)]);
}

#[test]
fn a_crash_in_perception_ends_the_run_with_an_error_and_no_thread_left() {
    struct Clumsy;
    impl Observer for Clumsy {
        fn look(&mut self, _: &Look<'_>) -> Result<()> {
            panic!("a look that cannot be")
        }
    }
    let (devices, stop, progress) = (Devices::new(), AtomicBool::new(false), Progress::new());
    let run = Live {
        feeds: devices.feeds(),
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
        herald: &mut (),
    };
    let error = live(run, &mut toy().perception, &mut Clumsy).unwrap_err();
    assert_eq!(
        error.to_string(),
        "perception: crashed, which is a fault of this program: a look that cannot be"
    );
    // The devices are closed: nobody but the test holds them.
    assert_eq!(Arc::strong_count(&devices), 1);
}

#[test]
fn a_driver_that_never_returns_is_named_at_the_end_and_does_not_hold_up_the_telling() {
    /// Takes the name of who is stuck, and lets go.
    struct Patient(Arc<AtomicBool>, Option<String>);
    impl Herald for Patient {
        fn stuck(&mut self, who: &str) {
            self.1 = Some(who.to_owned());
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let free = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&free);
    let video: Opener<dyn VideoSource> = Box::new(move || {
        let (format, hangs) = (VideoFormat { width: 8, height: 8, rate: 10.0 }, Arc::clone(&hangs));
        Ok(Box::new(SimulatedVideo::new(format, move |_, _| {
            while !hangs.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(Pull::Idle)
        })))
    });
    let (devices, stop, progress) = (Devices::new(), AtomicBool::new(false), Progress::new());
    /// Asks for a stop at the first look.
    struct Impatient<'a>(&'a AtomicBool);
    impl Observer for Impatient<'_> {
        fn look(&mut self, _: &Look<'_>) -> Result<()> {
            self.0.store(true, Ordering::Relaxed);
            Ok(())
        }
    }
    let mut herald = Patient(free, None);
    let run = Live {
        feeds: Feeds::devices(video, devices.microphone(), MICROPHONE),
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
        herald: &mut herald,
    };
    live(run, &mut toy().perception, &mut Impatient(&stop)).unwrap();
    assert_eq!(herald.1.as_deref(), Some("simulated camera"));
}

#[test]
fn faulty_pictures_are_counted_and_too_many_of_them_are_none() {
    let video: Opener<dyn VideoSource> = Box::new(|| {
        let format = VideoFormat { width: 8, height: 8, rate: 50.0 };
        let start = SystemClock.now();
        Ok(Box::new(SimulatedVideo::new(format, move |index, raw| {
            let stamp = start + Duration::from_millis(20 * index);
            SystemClock.sleep_until(stamp);
            raw.exchange(stamp, &mut scene());
            // One in three is cut short, and from the fiftieth on all are.
            if index % 3 == 1 || index >= 50 {
                raw.bytes.truncate(10);
            }
            Ok(Pull::Filled)
        })))
    });
    /// Stops when the picture is gone.
    struct Looker<'a>(&'a AtomicBool, &'a Progress, bool);
    impl Observer for Looker<'_> {
        fn frame(&mut self, frame: &Frame) -> Result<()> {
            assert_eq!(frame.picture, scene());
            Ok(())
        }
        fn look(&mut self, look: &Look<'_>) -> Result<()> {
            self.2 |= look.frame.is_some();
            let gone = self.2 && look.frame.is_none();
            let corrupt = self.1.counters().frames_corrupt;
            self.0.store(gone || corrupt > 2000, Ordering::Relaxed);
            Ok(())
        }
    }
    let (devices, stop, progress) = (Devices::new(), AtomicBool::new(false), Progress::new());
    let run = Live {
        feeds: Feeds::devices(video, devices.microphone(), MICROPHONE),
        wishes: Wishes::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
        herald: &mut (),
    };
    let mut looker = Looker(&stop, &progress, false);
    live(run, &mut toy().perception, &mut looker).unwrap();
    assert!(looker.2);
    let corrupt = progress.counters().frames_corrupt;
    assert!((10..2000).contains(&corrupt), "{corrupt}");
}
