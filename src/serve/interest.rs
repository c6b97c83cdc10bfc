//! Which events one subscriber gets: its filter, its rate cap, and what it was told of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::queue::Line;
use crate::clock::Mono;
use crate::event::filter::Filter;
use crate::event::{Phase, Sound};

/// Tracks remembered for a subscriber: far more than ever live at a time, and a bound all
/// the same.
const TRACKS: usize = 1024;

/// Thirty years: a rate so small is none, and the clock's nanoseconds do not overflow.
const LONGEST_INTERVAL_S: f64 = 1e9;

/// A track that the subscriber was told of and that has not ended.
struct Told {
    /// When its next update may be sent.
    due: Mono,
    /// The newest update that came before that, and its line.
    held: Option<Box<(Sound, Line)>>,
}

/// What one subscriber wants and knows.
#[derive(Default)]
pub(super) struct Interest {
    filter: Filter,
    told: BTreeMap<u64, Told>,
}

impl Interest {
    /// Puts a filter in the place of the one before. Tracks that were told of stay so;
    /// updates that were held back go if they do not pass the new one.
    pub fn replace(&mut self, filter: Filter, now: Mono) {
        self.filter = filter;
        let soonest = now + self.interval();
        for told in self.told.values_mut() {
            told.due = told.due.min(soonest);
            told.held.take_if(|held| !self.filter.matches(&held.0));
        }
    }

    /// The line to send for this event now, if any. `line` makes it, with or without the map.
    ///
    /// An update that comes too early for the rate cap is kept, and given by
    /// [`Interest::due`] when its time has come, unless a newer one takes its place: so the
    /// last word on a track always arrives.
    pub fn offer(
        &mut self,
        sound: &Sound,
        now: Mono,
        line: impl FnOnce(bool) -> Line,
    ) -> Option<Line> {
        if sound.phase == Phase::End {
            let told = self.told.remove(&sound.track).is_some();
            return (told || self.filter.matches(sound)).then(|| line(self.filter.map));
        }
        if !self.filter.matches(sound) {
            return None;
        }
        let line = line(self.filter.map);
        let interval = self.interval();
        match self.told.get_mut(&sound.track) {
            Some(told) if sound.phase == Phase::Update => {
                if now < told.due {
                    told.held = Some(Box::new((sound.clone(), line)));
                    return None;
                }
                *told = Told { due: next(told.due, now, interval), held: None };
            }
            _ => {
                self.told.insert(sound.track, Told { due: now + interval, held: None });
                if self.told.len() > TRACKS {
                    self.told.pop_first();
                }
            }
        }
        Some(line)
    }

    /// Gives the updates that were held back and whose time has come.
    pub fn due(&mut self, now: Mono, mut give: impl FnMut(Line)) {
        let interval = self.interval();
        for told in self.told.values_mut().filter(|told| told.due <= now) {
            if let Some(held) = told.held.take() {
                told.due = next(told.due, now, interval);
                give(held.1);
            }
        }
    }

    /// When the next update that was held back may go.
    pub fn next_due(&self) -> Option<Mono> {
        self.told.values().filter(|told| told.held.is_some()).map(|told| told.due).min()
    }

    fn interval(&self) -> Duration {
        match self.filter.max_rate_hz {
            Some(rate) => Duration::from_secs_f64((1.0 / rate).clamp(0.0, LONGEST_INTERVAL_S)),
            None => Duration::ZERO,
        }
    }
}

/// The end of the interval after one that ended at `due`, so that looks that do not divide
/// the interval still give the full rate on average; counted from `now` after a pause.
fn next(due: Mono, now: Mono, interval: Duration) -> Mono {
    if now.since(due) < interval { due + interval } else { now + interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WAIT: Filter = Filter {
        labels: None,
        min_confidence: None,
        azimuth_deg: None,
        max_rate_hz: None,
        map: false,
    };

    fn sound(phase: Phase, track: u64, seq: u64, confidence: f64) -> Sound {
        Sound {
            phase,
            track,
            seq,
            time: String::new(),
            mono_ns: 0,
            latency_ms: 0.0,
            label: "Dog".into(),
            label_score: 0.9,
            confidence,
            on_screen: false,
            azimuth_deg: None,
            elevation_deg: None,
            direction: None,
            spread_deg: None,
            peak: None,
            extent: None,
            level_dbfs: -20.0,
            map: None,
        }
    }

    /// An interest, and what it let pass: (milliseconds, seq).
    struct Trial {
        interest: Interest,
        passed: Vec<(u64, u64)>,
        seq: u64,
    }

    impl Trial {
        fn new(filter: Filter) -> Trial {
            let mut interest = Interest::default();
            interest.replace(filter, Mono(0));
            Trial { interest, passed: Vec::new(), seq: 0 }
        }

        fn at(&mut self, ms: u64, phase: Phase, track: u64, confidence: f64) -> bool {
            let now = Mono(ms * 1_000_000);
            while let Some(due) = self.interest.next_due()
                && due <= now
            {
                self.interest
                    .due(due, |line| self.passed.push((due.0 / 1_000_000, line[0].into())));
            }
            self.seq += 1;
            let sound = sound(phase, track, self.seq, confidence);
            let line = self.interest.offer(&sound, now, |_| vec![self.seq as u8].into());
            self.passed.extend(line.iter().map(|_| (ms, self.seq)));
            line.is_some()
        }
    }

    #[test]
    fn without_a_filter_everything_passes_even_the_end_of_what_was_never_heard_of() {
        let mut trial = Trial::new(NO_WAIT);
        assert!(trial.at(0, Phase::End, 1, 0.0));
        assert!(trial.at(0, Phase::Start, 2, 0.0));
        assert!((0..9).all(|_| trial.at(0, Phase::Update, 2, 0.0)));
    }

    #[test]
    fn the_end_of_a_track_that_was_told_of_passes_whatever_it_says() {
        let mut trial = Trial::new(Filter { min_confidence: Some(0.5), ..NO_WAIT });
        assert!(trial.at(0, Phase::Start, 1, 0.6));
        assert!(!trial.at(1, Phase::Update, 1, 0.4));
        assert!(trial.at(2, Phase::End, 1, 0.1));
        assert!(!trial.at(3, Phase::Start, 2, 0.4));
        assert!(!trial.at(4, Phase::End, 2, 0.1));
    }

    #[test]
    fn a_new_filter_does_not_swallow_the_end_of_a_track_that_was_told_of() {
        let mut trial = Trial::new(NO_WAIT);
        assert!(trial.at(0, Phase::Start, 1, 0.6));
        let cats = Filter { labels: Some(vec!["Cat".into()]), ..NO_WAIT };
        trial.interest.replace(cats, Mono(0));
        assert!(!trial.at(1, Phase::Update, 1, 0.6));
        assert!(trial.at(2, Phase::End, 1, 0.6));
    }

    #[test]
    fn a_track_that_grows_into_the_filter_appears_with_an_update() {
        let mut trial = Trial::new(Filter { min_confidence: Some(0.5), ..NO_WAIT });
        assert!(!trial.at(0, Phase::Start, 1, 0.4));
        assert!(trial.at(1, Phase::Update, 1, 0.6));
        assert!(trial.at(2, Phase::End, 1, 0.0));
    }

    #[test]
    fn the_rate_cap_holds_on_average_and_per_track_and_lets_start_and_end_pass() {
        let mut trial = Trial::new(Filter { max_rate_hz: Some(2.0), ..NO_WAIT });
        assert!(trial.at(0, Phase::Start, 1, 0.5));
        assert!(trial.at(10, Phase::Start, 2, 0.5));
        for look in 1..=100 {
            trial.at(look * 240, Phase::Update, 1, 0.5);
        }
        assert!(trial.at(24_010, Phase::End, 1, 0.5));
        assert!(trial.at(24_020, Phase::End, 2, 0.5));
        let updates = trial.passed.len() - 4;
        assert!((47..=49).contains(&updates), "{updates} updates in 24 s at 2 Hz");
        for pair in trial.passed.windows(2).filter(|pair| pair[1].0 < 24_000 && pair[0].0 > 10) {
            assert!(pair[1].0 - pair[0].0 >= 240, "{pair:?}");
        }
    }

    #[test]
    fn the_last_update_before_a_pause_comes_late_instead_of_never() {
        let mut trial = Trial::new(Filter { max_rate_hz: Some(1.0), ..NO_WAIT });
        trial.at(0, Phase::Start, 1, 0.5);
        assert!(!trial.at(200, Phase::Update, 1, 0.5));
        assert!(!trial.at(400, Phase::Update, 1, 0.5));
        assert_eq!(trial.interest.next_due(), Some(Mono(1_000_000_000)));
        trial.at(5000, Phase::Update, 1, 0.5);
        assert_eq!(trial.passed, [(0, 1), (1000, 3), (5000, 4)]);
        assert_eq!(trial.interest.next_due(), None);
    }

    #[test]
    fn an_update_that_was_held_back_is_forgotten_at_the_end_of_its_track() {
        let mut trial = Trial::new(Filter { max_rate_hz: Some(1.0), ..NO_WAIT });
        trial.at(0, Phase::Start, 1, 0.5);
        assert!(!trial.at(200, Phase::Update, 1, 0.5));
        assert!(trial.at(400, Phase::End, 1, 0.5));
        assert_eq!(trial.interest.next_due(), None);
    }

    #[test]
    fn a_new_rate_counts_from_the_moment_it_was_asked_for() {
        let mut trial = Trial::new(Filter { max_rate_hz: Some(1e-12), ..NO_WAIT });
        trial.at(0, Phase::Start, 1, 0.5);
        assert!(!trial.at(1000, Phase::Update, 1, 0.5));
        let filter = Filter { max_rate_hz: Some(10.0), ..NO_WAIT };
        trial.interest.replace(filter, Mono(2_000_000_000));
        assert_eq!(trial.interest.next_due(), Some(Mono(2_100_000_000)));
        let sure = Filter { min_confidence: Some(0.9), ..NO_WAIT };
        trial.interest.replace(sure, Mono(2_000_000_000));
        assert_eq!(trial.interest.next_due(), None, "it does not pass the new filter");
    }

    #[test]
    fn what_is_remembered_of_tracks_that_never_end_is_bounded() {
        let mut trial = Trial::new(NO_WAIT);
        for track in 0..5000 {
            trial.at(0, Phase::Start, track, 0.5);
        }
        assert_eq!(trial.interest.told.len(), TRACKS);
        assert!(trial.interest.told.contains_key(&4999));
    }
}
