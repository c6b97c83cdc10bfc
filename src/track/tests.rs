use std::time::Duration;

use super::*;
use crate::align::SimilarityMap;

const HOP: Duration = Duration::from_millis(240);

fn source(label: &str, confidence: f32, peak: [f32; 2]) -> Source {
    let [x, y] = peak;
    Source {
        label: label.into(),
        label_score: 0.8,
        confidence,
        on_screen: true,
        map: SimilarityMap { width: 1, height: 1, values: vec![confidence] },
        peak,
        extent: [x - 0.1, y - 0.1, x + 0.1, y + 0.1],
    }
}

fn unseen(label: &str) -> Source {
    Source { on_screen: false, ..source(label, 0.8, [0.0, 0.0]) }
}

fn tracker() -> Tracker {
    Tracker::new(Settings::default()).unwrap()
}

/// Runs the looks, one hop apart, and gives all that was said.
fn run(tracker: &mut Tracker, looks: impl IntoIterator<Item = Vec<Source>>) -> Vec<Change> {
    let first = tracker.last;
    (1_u32..)
        .zip(looks)
        .flat_map(|(i, sources)| tracker.update(first + HOP * i, &sources))
        .collect()
}

fn phases(changes: &[Change]) -> Vec<(Phase, u64)> {
    changes.iter().map(|change| (change.phase, change.track)).collect()
}

/// A small generator of noise: the same seed gives the same looks on every machine.
struct Noise(u64);

impl Noise {
    /// 0..1.
    fn uniform(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 24) as f32
    }

    fn chance(&mut self, probability: f32) -> bool {
        self.uniform() < probability
    }

    /// About normal, by the sum of twelve.
    fn normal(&mut self, deviation: f32) -> f32 {
        deviation * ((0..12).map(|_| self.uniform()).sum::<f32>() - 6.0)
    }
}

#[test]
fn one_sudden_sighting_starts_a_track_or_proves_a_candidate() {
    let (mut tracker, at) = (tracker(), Mono(1_000_000_000));
    let (cow, dog) = (source("Cow", 0.9, [0.2, 0.5]), source("Dog", 0.9, [0.8, 0.5]));
    assert_eq!(tracker.update(at, std::slice::from_ref(&cow)), vec![]);
    let changes = tracker.update_suddenly(at + HOP, &[cow], std::slice::from_ref(&dog));
    assert_eq!(phases(&changes), [(Phase::Start, 1), (Phase::Start, 2)]);
    let changes = tracker.update_suddenly(at + HOP * 2, &[], &[dog]);
    assert_eq!(phases(&changes), [], "it is the track that it was");
}

#[test]
fn a_track_starts_when_two_of_three_looks_saw_the_source_and_ends_after_the_gap() {
    let mut tracker = tracker();
    let dog = || vec![source("Dog", 0.8, [0.3, 0.5])];
    assert_eq!(run(&mut tracker, [dog()]), vec![]);
    assert_eq!(phases(&run(&mut tracker, [vec![], dog()])), [(Phase::Start, 1)]);
    // 1.5 s are six hops and a bit.
    assert_eq!(run(&mut tracker, vec![vec![]; 6]), vec![]);
    let last = run(&mut tracker, [vec![]]);
    assert_eq!(phases(&last), [(Phase::End, 1)]);
    assert_eq!(&*last[0].source.label, "Dog");
    assert_eq!(last[0].source.peak, [0.3, 0.5]);
}

#[test]
fn single_flashes_are_no_track() {
    let looks = (0..40).map(|i| match i % 4 {
        0 => vec![source("Dog", 0.9, [0.3, 0.5])],
        _ => vec![],
    });
    assert_eq!(run(&mut tracker(), looks), vec![]);
}

#[test]
fn a_doubtful_source_starts_nothing_but_keeps_a_track_alive() {
    let doubtful = || vec![source("Dog", 0.4, [0.3, 0.5])];
    assert_eq!(run(&mut tracker(), (0..20).map(|_| doubtful())), vec![]);
    let mut tracker = tracker();
    run(&mut tracker, vec![vec![source("Dog", 0.6, [0.3, 0.5])]; 2]);
    let later = run(&mut tracker, (0..20).map(|_| doubtful()));
    assert!(later.iter().all(|change| change.phase == Phase::Update), "{later:?}");
    assert_eq!(tracker.tracks().count(), 1);
}

#[test]
fn a_steady_source_seen_by_a_noisy_witness_for_twenty_seconds_is_one_track() {
    for seed in 0..200 {
        let mut noise = Noise(seed);
        let mut tracker = tracker();
        let looks: Vec<Vec<Source>> = (0..83_u32)
            .map(|i| {
                let mut found = Vec::new();
                if !noise.chance(0.15) {
                    let label = if i > 4 && noise.chance(0.25) { "Bark" } else { "Dog" };
                    let peak = [0.31 + noise.normal(0.04), 0.52 + noise.normal(0.04)];
                    let mut seen = source(label, (0.75 + noise.normal(0.12)).clamp(0.0, 1.0), peak);
                    // Out of view only the name tells, so that another name would be another thing.
                    seen.on_screen = i < 8 || label == "Bark" || !noise.chance(0.07);
                    found.push(seen);
                }
                if noise.chance(0.03) {
                    found.push(source(
                        &format!("Ghost {i}"),
                        0.6,
                        [noise.uniform(), noise.uniform()],
                    ));
                }
                found
            })
            .collect();
        let mut changes = run(&mut tracker, looks);
        changes.extend(tracker.end_all());
        let count = |phase| changes.iter().filter(|change| change.phase == phase).count();
        assert_eq!((count(Phase::Start), count(Phase::End)), (1, 1), "seed {seed}: {changes:#?}");
        assert!(count(Phase::Update) <= 8, "seed {seed}: {} updates", count(Phase::Update));
        let end = changes.last().unwrap();
        assert!(end.source.on_screen, "seed {seed}");
        assert!((end.source.peak[0] - 0.31).abs() < 0.08, "seed {seed}: {:?}", end.source.peak);
    }
}

#[test]
fn a_dog_that_pauses_for_a_second_between_barks_is_one_track() {
    let looks = (0..83).map(|i| match i % 6 {
        0 | 1 => vec![source("Dog", 0.8, [0.3, 0.5])],
        _ => vec![],
    });
    assert_eq!(phases(&run(&mut tracker(), looks)), [(Phase::Start, 1)]);
}

#[test]
fn two_names_at_one_place_are_one_thing_whether_in_turn_or_together() {
    let (dog, bark) = (source("Dog", 0.8, [0.3, 0.5]), source("Bark", 0.7, [0.33, 0.5]));
    let in_turn = (0..40).map(|i| vec![if i % 2 == 0 { dog.clone() } else { bark.clone() }]);
    assert_eq!(phases(&run(&mut tracker(), in_turn)), [(Phase::Start, 1)]);
    let together = (0..40).map(|_| vec![dog.clone(), bark.clone()]);
    assert_eq!(phases(&run(&mut tracker(), together)), [(Phase::Start, 1)]);
}

#[test]
fn a_name_that_wavers_and_then_holds_replaces_the_first_one_within_the_same_track() {
    let looks = (0..20).map(|i| {
        let name = if i < 4 && i % 2 == 0 { "Cat" } else { "Dog" };
        vec![source(name, 0.8, [0.3, 0.5])]
    });
    let changes = run(&mut tracker(), looks);
    assert_eq!(phases(&changes), [(Phase::Start, 1), (Phase::Update, 1)]);
    assert_eq!(
        (changes[0].source.label.as_ref(), changes[1].source.label.as_ref()),
        ("Cat", "Dog")
    );
}

#[test]
fn a_name_that_takes_over_for_good_at_the_same_place_is_another_thing() {
    let looks = (0..30)
        .map(|i| vec![source(if i < 10 { "Sheep" } else { "Dog" }, 0.8, [0.3, 0.5])])
        .chain((0..10).map(|_| vec![]));
    let changes = run(&mut tracker(), looks);
    let mut told: Vec<_> =
        changes.iter().map(|c| (c.track, c.phase, c.source.label.as_ref())).collect();
    told.sort_by_key(|(track, ..)| *track);
    assert_eq!(
        told,
        [
            (1, Phase::Start, "Sheep"),
            (1, Phase::End, "Sheep"),
            (2, Phase::Start, "Dog"),
            (2, Phase::End, "Dog"),
        ]
    );
}

#[test]
fn two_people_apart_are_two_tracks_and_keep_their_numbers() {
    let looks = (0..40).map(|i| {
        let mut pair = vec![source("Speech", 0.8, [0.3, 0.5]), source("Speech", 0.7, [0.7, 0.5])];
        if i % 2 == 1 {
            pair.reverse();
        }
        pair
    });
    let mut tracker = tracker();
    assert_eq!(phases(&run(&mut tracker, looks)), [(Phase::Start, 1), (Phase::Start, 2)]);
    let places: Vec<f32> = tracker.tracks().map(|(_, source)| source.peak[0]).collect();
    assert_eq!(places, [0.3, 0.7]);
}

#[test]
fn a_walker_is_followed_with_updates_no_oftener_than_the_cap() {
    let looks: Vec<_> =
        (0..50).map(|i| vec![source("Speech", 0.8, [0.1 + 0.016 * i as f32, 0.5])]).collect();
    let changes = run(&mut tracker(), looks);
    assert!(changes.iter().all(|change| change.track == 1));
    let updates = changes.iter().filter(|change| change.phase == Phase::Update).count();
    assert!((6..=24).contains(&updates), "{updates}");
    for pair in changes.windows(2) {
        assert!(pair[1].at.since(pair[0].at) >= Duration::from_millis(500));
    }
    // Smoothing lags by about its time constant, not more.
    let last = changes.last().unwrap();
    assert!(last.source.peak[0] > 0.75, "{:?}", last.source.peak);
}

#[test]
fn leaving_the_view_is_an_update_and_only_after_several_looks_agree() {
    let mut tracker = tracker();
    let seen = || vec![source("Dog", 0.8, [0.3, 0.5])];
    run(&mut tracker, (0..5).map(|_| seen()));
    let wavering = (0..20).map(|i| if i % 3 == 0 { seen() } else { vec![unseen("Dog")] });
    assert_eq!(run(&mut tracker, wavering), vec![]);
    let gone = run(&mut tracker, (0..5).map(|_| vec![unseen("Dog")]));
    assert_eq!(phases(&gone), [(Phase::Update, 1)]);
    assert!(!gone[0].source.on_screen);
    let back = run(&mut tracker, (0..6).map(|_| vec![source("Dog", 0.8, [0.9, 0.5])]));
    assert_eq!(phases(&back), [(Phase::Update, 1)]);
    assert_eq!(back[0].source.peak, [0.9, 0.5]);
}

#[test]
fn a_doubtful_sighting_brings_nothing_into_view_that_was_out_of_it() {
    let mut tracker = tracker();
    run(&mut tracker, (0..5).map(|_| vec![unseen("Rooster")]));
    let doubtful = (0..10).map(|_| vec![source("Rooster", 0.73, [0.5, 0.5])]);
    assert_eq!(run(&mut tracker, doubtful), vec![], "the track goes on, out of view");
    let clear = run(&mut tracker, (0..5).map(|_| vec![source("Rooster", 0.85, [0.5, 0.5])]));
    assert_eq!(phases(&clear), [(Phase::Update, 1)]);
    assert!(clear[0].source.on_screen);
}

#[test]
fn sources_out_of_view_are_told_apart_by_name() {
    let mut tracker = tracker();
    let looks = (0..10).map(|_| vec![unseen("Siren"), unseen("Dog")]);
    assert_eq!(phases(&run(&mut tracker, looks)), [(Phase::Start, 1), (Phase::Start, 2)]);
}

#[test]
fn stopping_ends_every_track_once_and_candidates_silently() {
    let mut tracker = tracker();
    run(&mut tracker, vec![vec![source("Dog", 0.8, [0.3, 0.5]), unseen("Siren")]; 3]);
    run(&mut tracker, [vec![source("Cat", 0.8, [0.9, 0.9])]]);
    assert_eq!(phases(&tracker.end_all()), [(Phase::End, 1), (Phase::End, 2)]);
    assert_eq!(tracker.end_all(), vec![]);
    let again = run(&mut tracker, vec![vec![source("Dog", 0.8, [0.3, 0.5])]; 2]);
    assert_eq!(phases(&again), [(Phase::Start, 3)]);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |settings: Settings| Tracker::new(settings).unwrap_err().to_string();
    let defaults = Settings::default;
    assert!(refused(Settings { start_hits: 4, ..defaults() }).starts_with("track.start_hits"));
    assert!(refused(Settings { start_looks: 33, ..defaults() }).starts_with("track.start_looks"));
    assert!(
        refused(Settings { hold_confidence: 0.9, ..defaults() })
            .starts_with("track.hold_confidence")
    );
    assert!(
        refused(Settings { end_after_s: f64::NAN, ..defaults() }).starts_with("track.end_after_s")
    );
    let unknown = toml::from_str::<Settings>("end_after = 3.0").unwrap_err().to_string();
    assert!(unknown.contains("end_after"), "{unknown}");
    assert_eq!(toml::from_str::<Settings>("").unwrap(), defaults());
}
