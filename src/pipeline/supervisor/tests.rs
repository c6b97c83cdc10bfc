use super::backoff::{LONGEST, SHORTEST};
use super::*;
use proptest::prelude::*;

/// A policy with the time and what the devices have given.
struct Desk {
    policy: Policy,
    now: Mono,
    signs: Signs,
}

use Role::{Camera, Microphone};

#[test]
fn what_works_by_other_means_degrades_the_run_until_its_end_and_is_told_once() {
    let mut desk = Desk::running();
    for _ in 0..2 {
        desk.hear(Report::Impaired("libnpu.so failed".into()));
    }
    assert_eq!(desk.state(), State::Degraded);
    assert_eq!(desk.policy.condition().reason.as_deref(), Some("libnpu.so failed"));
    desk.pass(Duration::from_secs(60), 1, 1);
    assert_eq!(desk.state(), State::Degraded);
    let unplugged = Error::new(Kind::Device, "camera", "was unplugged");
    desk.hear(Report::Lost(Camera, Some(unplugged)));
    let reason = desk.policy.condition().reason.unwrap();
    assert!(reason.contains("camera") && reason.ends_with("; libnpu.so failed"), "{reason}");
}

impl Desk {
    /// A camera and a microphone that are devices.
    fn of_devices() -> Desk {
        Desk::of(Some(true), true)
    }

    fn of(camera: Option<bool>, microphone: bool) -> Desk {
        let policy = Policy::new(camera, microphone, Mono(0), 7);
        Desk { policy, now: Mono(0), signs: Signs::default() }
    }

    /// Both opened and giving.
    fn running() -> Desk {
        let mut desk = Desk::of_devices();
        assert_eq!(desk.tick(), [Order::Open(Camera), Order::Open(Microphone)]);
        desk.hear(Report::Opened(Camera, "camera /dev/video0: YUYV 640×480, 15/s".into(), None));
        desk.hear(Report::Opened(Microphone, "microphone Seeed: S16, 4 channels".into(), None));
        desk.give(1, 1);
        desk.tick();
        assert_eq!(desk.state(), State::Running);
        desk
    }

    fn hear(&mut self, report: Report) {
        self.policy.hear(self.now, report);
    }

    fn give(&mut self, frames: u64, blocks: u64) {
        self.signs.given[0] += frames;
        self.signs.given[1] += blocks;
    }

    fn tick(&mut self) -> Vec<Order> {
        self.policy.tick(self.now, &self.signs).into_iter().flatten().collect()
    }

    /// Lets time pass in steps of a tick, with both devices giving as told, and gives the orders
    /// and when they came.
    fn pass(&mut self, time: Duration, frames: u64, blocks: u64) -> Vec<(Mono, Order)> {
        let (end, mut orders) = (self.now + time, Vec::new());
        while self.now < end {
            self.now = self.now + TICK;
            self.give(frames, blocks);
            let at = self.now;
            orders.extend(self.tick().into_iter().map(|order| (at, order)));
        }
        orders
    }

    fn state(&self) -> State {
        self.policy.condition().state
    }

    fn reason(&self) -> String {
        self.policy.condition().reason.unwrap_or_default()
    }
}

fn unplugged() -> Error {
    Error::new(Kind::Device, "/dev/video0", "was unplugged")
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn it_starts_by_opening_both_and_runs_when_both_give() {
    let mut desk = Desk::of_devices();
    assert_eq!(desk.state(), State::Starting);
    assert_eq!(desk.tick(), [Order::Open(Camera), Order::Open(Microphone)]);
    assert_eq!(desk.tick(), []);
    desk.hear(Report::Opened(Microphone, "microphone Seeed: S16".into(), None));
    desk.give(0, 1);
    desk.tick();
    assert_eq!(desk.state(), State::Starting);
    desk.hear(Report::Opened(Camera, "camera /dev/video0: YUYV".into(), None));
    desk.tick();
    assert_eq!(desk.state(), State::Starting, "open is not running");
    desk.give(1, 1);
    desk.tick();
    assert_eq!((desk.state(), desk.reason()), (State::Running, String::new()));
}

#[test]
fn a_device_that_fails_is_opened_again_and_the_other_goes_on() {
    let mut desk = Desk::running();
    desk.hear(Report::Lost(Camera, Some(unplugged())));
    assert_eq!(desk.state(), State::Degraded);
    assert_eq!(desk.reason(), "camera /dev/video0: was unplugged; reopening");
    let lost = desk.now;
    let orders = desk.pass(seconds(1), 0, 1);
    let [(at, Order::Open(Camera))] = orders[..] else { panic!("{orders:?}") };
    assert!(at.since(lost) <= 2 * SHORTEST + TICK && at.since(lost) >= SHORTEST);
    desk.hear(Report::Opened(Camera, "camera /dev/video2: MJPEG".into(), None));
    desk.pass(seconds(1), 1, 1);
    let condition = desk.policy.condition();
    assert_eq!((condition.state, condition.reason), (State::Running, None));
    let camera = condition.camera.unwrap();
    assert_eq!((camera.name.as_str(), camera.reopens), ("camera /dev/video2: MJPEG", 1));
    assert_eq!(condition.microphone.reopens, 0);
}

#[test]
fn a_device_that_gives_nothing_for_two_seconds_is_closed_and_opened_again() {
    let mut desk = Desk::running();
    let orders = desk.pass(seconds(3), 0, 1);
    let [(at, Order::Close(Camera))] = orders[..] else { panic!("{orders:?}") };
    assert!((seconds(2)..seconds(2) + 2 * TICK).contains(&at.since(Mono(0))), "{at:?}");
    assert_eq!(desk.reason(), "camera /dev/video0: no frame for 2.1 s, reopening");
    desk.hear(Report::Lost(Camera, None));
    assert_eq!(desk.reason(), "camera /dev/video0: no frame for 2.1 s, reopening");
    assert!(matches!(desk.pass(seconds(1), 0, 1)[..], [(_, Order::Open(Camera))]));
}

#[test]
fn a_slow_camera_has_its_own_measure_and_every_first_picture_more_time() {
    let mut desk = Desk::of_devices();
    desk.tick();
    let period = Some(seconds(2));
    desk.hear(Report::Opened(Camera, "camera".into(), period));
    desk.hear(Report::Opened(Microphone, "microphone".into(), None));
    assert_eq!(desk.pass(seconds(7), 0, 1), []);
    desk.give(1, 0);
    assert_eq!(desk.pass(seconds(8), 0, 1), []);
    assert!(matches!(desk.pass(seconds(1), 0, 1)[..], [(_, Order::Close(Camera))]));
}

#[test]
fn a_device_that_is_not_there_is_asked_for_ever_more_seldom_but_for_ever() {
    let mut desk = Desk::running();
    desk.hear(Report::Lost(Camera, Some(unplugged())));
    let (mut before, mut waits) = (desk.now, Vec::new());
    while waits.len() < 30 {
        for (at, order) in desk.pass(TICK, 0, 1) {
            assert_eq!(order, Order::Open(Camera));
            waits.push(at.since(before));
            before = at;
            let missing = Error::new(Kind::Device, "camera", "none is there").hint("plug one in");
            desk.hear(Report::Refused(Camera, missing));
        }
    }
    assert_eq!(desk.reason(), "camera: none is there (plug one in); trying again");
    assert!(waits.iter().all(|wait| (SHORTEST..=LONGEST + TICK).contains(wait)), "{waits:?}");
    assert!(waits[20..].iter().all(|wait| *wait >= LONGEST / 2), "{waits:?}");
}

#[test]
fn a_device_that_is_plugged_in_need_not_wait_for_its_turn() {
    let mut desk = Desk::running();
    desk.hear(Report::Lost(Camera, Some(unplugged())));
    for _ in 0..12 {
        while desk.pass(TICK, 0, 1).is_empty() {}
        desk.hear(Report::Refused(Camera, unplugged()));
    }
    assert_eq!(desk.pass(seconds(1), 0, 1), [], "its next turn is far away");
    let plugged = desk.now;
    // Nodes and their permissions come one after the other.
    for _ in 0..2 {
        desk.policy.stir(desk.now);
        assert_eq!(desk.pass(TICK, 0, 1), []);
    }
    let orders = desk.pass(TICK, 0, 1);
    let [(at, Order::Open(Camera))] = orders[..] else { panic!("{orders:?}") };
    assert!(at.since(plugged) >= SHORTEST, "{at:?}");
    desk.hear(Report::Refused(Camera, unplugged()));
    // It was not this one, or it was not ready: the waits begin anew.
    assert_eq!(desk.pass(2 * SHORTEST + TICK, 0, 1).len(), 1);
}

#[test]
fn a_device_that_ran_well_is_opened_at_once_and_one_that_flaps_is_not() {
    let wait_after = |well: Duration| {
        let mut desk = Desk::running();
        for _ in 0..6 {
            desk.hear(Report::Lost(Camera, Some(unplugged())));
            while desk.pass(TICK, 0, 1).is_empty() {}
            desk.hear(Report::Opened(Camera, "camera".into(), None));
            desk.pass(well, 1, 1);
        }
        desk.hear(Report::Lost(Camera, Some(unplugged())));
        let lost = desk.now;
        while desk.pass(TICK, 0, 1).is_empty() {}
        desk.now.since(lost)
    };
    assert!(wait_after(seconds(20)) <= 2 * SHORTEST + TICK);
    assert!(wait_after(seconds(1)) >= LONGEST / 2);
}

#[test]
fn both_reasons_are_told_when_both_are_lost() {
    let mut desk = Desk::running();
    desk.hear(Report::Lost(Camera, Some(unplugged())));
    let gone = Error::new(Kind::Device, "microphone Seeed", "is gone");
    desk.hear(Report::Lost(Microphone, Some(gone)));
    assert_eq!(
        desk.reason(),
        "camera /dev/video0: was unplugged; reopening; microphone Seeed: is gone; reopening"
    );
    assert_eq!(desk.state(), State::Degraded);
}

#[test]
fn a_driver_that_does_not_return_is_named() {
    let mut desk = Desk::running();
    desk.pass(seconds(8), 0, 1);
    assert_eq!(desk.reason(), "camera /dev/video0: its driver does not return from being closed");
    desk.hear(Report::Lost(Camera, None));
    desk.pass(seconds(7), 0, 1);
    assert_eq!(desk.reason(), "camera /dev/video0: its driver does not return from being opened");
}

#[test]
fn when_neither_can_be_had_with_this_configuration_there_is_nothing_to_wait_for() {
    let mut desk = Desk::of_devices();
    desk.tick();
    let wrong = |thing: &str| Error::new(Kind::Config, thing, "is wrong");
    desk.hear(Report::Refused(Microphone, wrong("microphone.map")));
    assert_eq!(desk.state(), State::Degraded);
    desk.hear(Report::Refused(Camera, wrong("camera.format")));
    assert_eq!(desk.state(), State::Failed);
    let error = desk.policy.failure().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(
        error.to_string(),
        "camera and microphone: neither can be opened: camera.format: is wrong; \
         microphone.map: is wrong"
    );
}

#[test]
fn a_missing_device_beside_a_wrong_configuration_is_waited_for() {
    let mut desk = Desk::of_devices();
    desk.tick();
    desk.hear(Report::Refused(Microphone, Error::new(Kind::Config, "microphone.map", "is wrong")));
    desk.hear(Report::Refused(Camera, unplugged()));
    assert_eq!(desk.state(), State::Degraded);
    assert!(!desk.pass(seconds(2), 0, 0).is_empty());
}

#[test]
fn a_given_source_is_never_opened_again_and_its_failure_is_that_of_the_run() {
    let mut desk = Desk::of(Some(false), false);
    desk.tick();
    for role in [Camera, Microphone] {
        desk.hear(Report::Opened(role, "clip:a.mp4".into(), None));
    }
    desk.give(1, 1);
    assert_eq!(desk.pass(seconds(60), 0, 0), [], "a pause in a film is no loss");
    desk.hear(Report::Ended(Camera));
    assert_eq!(desk.state(), State::Running);
    desk.hear(Report::Lost(Microphone, Some(Error::new(Kind::Media, "a.mp4", "is torn"))));
    assert_eq!((desk.state(), desk.reason()), (State::Failed, "a.mp4: is torn".to_owned()));
    assert_eq!(desk.policy.failure().unwrap().kind(), Kind::Media);
}

#[test]
fn what_was_refused_is_the_reason_while_running() {
    let mut desk = Desk::running();
    for _ in 0..2 {
        desk.hear(Report::Note("process.realtime: refused".into()));
    }
    assert_eq!((desk.state(), desk.reason()), (State::Running, "process.realtime: refused".into()));
}

#[test]
fn the_watchdog_is_fed_only_when_every_stage_has_moved() {
    let mut desk = Desk::running();
    let mut alive = |turns: [u64; 3]| {
        let signs = Signs { turns, ..desk.signs };
        desk.policy.all_alive(&signs)
    };
    assert!(!alive([0, 0, 0]));
    assert!(alive([1, 1, 1]));
    assert!(!alive([2, 2, 1]), "perception hangs");
    assert!(!alive([9, 1, 2]), "the microphone's thread hangs");
    assert!(alive([9, 2, 2]), "slow is not hung");
    desk.hear(Report::Ended(Camera));
    let signs = Signs { turns: [9, 3, 3], ..desk.signs };
    assert!(desk.policy.all_alive(&signs), "what has ended may stand still");
}

proptest! {
    /// Whatever workers report in whatever order, nobody is told to open what is open, every
    /// wait is within its bounds, and a device that can be opened runs again within a time.
    #[test]
    fn whatever_happens_it_recovers(
        events in proptest::collection::vec((0..5_u8, 0..200_u64), 1..60),
        seed: u64,
    ) {
        let mut desk = Desk::of_devices();
        desk.policy = Policy::new(Some(true), true, Mono(0), seed);
        let mut open = [false; 2];
        let mut closed_at = [None::<Mono>; 2];
        let mut act = |desk: &mut Desk, works: [bool; 2], gives: [u64; 2]| {
            desk.now = desk.now + TICK;
            desk.give(u64::from(open[0]) * gives[0], u64::from(open[1]) * gives[1]);
            for order in desk.tick() {
                let (index, role) = match order {
                    Order::Open(role) | Order::Close(role) => (role as usize, role),
                };
                match order {
                    Order::Open(_) => {
                        assert!(!open[index], "told to open what is open");
                        if let Some(at) = closed_at[index] {
                            let wait = desk.now.since(at);
                            assert!((SHORTEST..=LONGEST + TICK).contains(&wait), "{wait:?}");
                        }
                        if works[index] {
                            open[index] = true;
                            desk.hear(Report::Opened(role, "device".into(), None));
                        } else {
                            closed_at[index] = Some(desk.now);
                            desk.hear(Report::Refused(role, unplugged()));
                        }
                    }
                    Order::Close(_) => {
                        assert!(open[index], "told to close what is closed");
                        open[index] = false;
                        closed_at[index] = Some(desk.now);
                        desk.hear(Report::Lost(role, None));
                    }
                }
            }
            for (index, role) in [Camera, Microphone].into_iter().enumerate() {
                if open[index] && !works[index] && gives[index] > 0 {
                    open[index] = false;
                    closed_at[index] = Some(desk.now);
                    desk.hear(Report::Lost(role, Some(unplugged())));
                }
            }
        };
        for (event, ticks) in events {
            let (works, gives) = match event {
                0 => ([false, true], [1, 1]),
                1 => ([true, false], [1, 1]),
                2 => ([true, true], [0, 1]),
                3 => ([false, false], [1, 1]),
                _ => ([true, true], [1, 1]),
            };
            for _ in 0..ticks {
                act(&mut desk, works, gives);
            }
        }
        for _ in 0..120 {
            act(&mut desk, [true, true], [1, 1]);
        }
        prop_assert_eq!(desk.state(), State::Running);
    }
}
