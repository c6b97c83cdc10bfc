//! One thing followed through the looks: a candidate at first, a track once it is proven.

use std::sync::Arc;

use crate::align::Source;
use crate::clock::Mono;

use super::Settings;

/// Evidence for a name fades with this time constant: a name must hold, not flash.
const LABEL_MEMORY_S: f64 = 3.0;
/// How much stronger another name's evidence must be to replace the one in use.
const LABEL_MARGIN: f32 = 1.5;
/// A name with less than this share of the strongest one's evidence is forgotten.
const LABEL_SHARE: f32 = 0.05;

/// A candidate or track.
#[derive(Debug)]
pub(super) struct Path {
    number: Option<u64>,
    source: Source,
    names: Vec<Name>,
    /// Sightings in a row under names that are not yet known to mean it.
    strangers: u32,
    /// One bit a look, the newest lowest: whether it was seen.
    looks: u32,
    /// Whether one sighting was enough.
    certain: bool,
    last_seen: Mono,
    /// Sightings in a row that say the other thing about being in view.
    contradictions: u32,
    told: Option<Told>,
}

/// Something that it was called.
#[derive(Debug)]
struct Name {
    label: Arc<str>,
    evidence: f32,
    /// Whether it wavered with the name in use, and so is known to mean the same.
    kin: bool,
}

/// What subscribers were told last.
#[derive(Debug)]
struct Told {
    at: Mono,
    label: Arc<str>,
    on_screen: bool,
    confidence: f32,
    peak: [f32; 2],
}

impl Path {
    /// A candidate from its first sighting.
    pub fn new(at: Mono, source: &Source) -> Path {
        Path {
            number: None,
            source: source.clone(),
            names: vec![Name {
                label: source.label.clone(),
                evidence: source.label_score,
                kin: true,
            }],
            strangers: 0,
            looks: 1,
            certain: false,
            last_seen: at,
            contradictions: 0,
            told: None,
        }
    }

    /// The track's number; `None` while it is a candidate.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Smoothed values.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Makes a candidate a track.
    pub fn promote(&mut self, number: u64) {
        self.number = Some(number);
    }

    /// Begins a look, in which it is unseen until it is sighted.
    pub fn next_look(&mut self) {
        self.looks <<= 1;
    }

    /// Whether the look that runs has seen it.
    pub fn seen_now(&self) -> bool {
        self.looks & 1 == 1
    }

    /// Whether this name is known to mean it.
    pub fn answers_to(&self, label: &str) -> bool {
        self.names.iter().any(|name| name.kin && *name.label == *label)
    }

    /// Whether a new name at its place may still be a slip of the ear. When several looks in a
    /// row have used new names only, something else sounds there now.
    pub fn bears_strangers(&self, settings: &Settings) -> bool {
        self.strangers < settings.takeover_looks
    }

    /// The distance between it and a source, if both are in view.
    pub fn distance(&self, source: &Source) -> Option<f64> {
        (self.source.on_screen && source.on_screen).then(|| apart(self.source.peak, source.peak))
    }

    /// Whether both are in view and closer than `within`.
    pub fn shares_place(&self, source: &Source, within: f64) -> bool {
        self.distance(source).is_some_and(|distance| distance <= within)
    }

    /// Takes the source as a sighting of itself.
    pub fn sighted(&mut self, at: Mono, seen: &Source, settings: &Settings) {
        let step = at.since(self.last_seen).as_secs_f64();
        self.looks |= 1;
        self.last_seen = at;

        let keep = (-step / LABEL_MEMORY_S).exp() as f32;
        for name in &mut self.names {
            name.evidence *= keep;
            // The name in use came back: what was said meanwhile meant the same.
            name.kin |= seen.label == self.source.label;
        }
        self.strangers = if self.answers_to(&seen.label) { 0 } else { self.strangers + 1 };
        self.call(seen, self.number.is_none());
        self.choose_name(seen);

        let weight = 1.0 - (-step / settings.smoothing_s.max(1e-3)).exp() as f32;
        if seen.label == self.source.label {
            blend(&mut self.source.label_score, seen.label_score, weight);
        }
        if seen.on_screen == self.source.on_screen {
            self.contradictions = 0;
            self.follow(seen, weight);
            return;
        }
        let doubtful = seen.on_screen && seen.confidence < settings.view_confidence;
        if self.number.is_some() && doubtful {
            self.contradictions = 0;
            return;
        }
        self.contradictions += 1;
        if self.number.is_none() || self.contradictions >= settings.screen_looks {
            self.contradictions = 0;
            self.source.on_screen = seen.on_screen;
            self.follow(seen, 1.0);
        }
    }

    /// Notes a name that the same look used for the same thing.
    pub fn also_called(&mut self, seen: &Source) {
        self.call(seen, true);
    }

    fn call(&mut self, seen: &Source, kin: bool) {
        match self.names.iter_mut().find(|name| name.label == seen.label) {
            Some(name) => {
                name.evidence += seen.label_score;
                name.kin |= kin;
            }
            None => {
                self.names.push(Name { label: seen.label.clone(), evidence: seen.label_score, kin })
            }
        }
    }

    /// Notes whether the sighting that it got is enough to be a track.
    pub fn is_certain(&mut self, certain: bool) {
        self.certain |= certain;
    }

    /// Whether it has been seen often or certainly enough to be a track.
    pub fn proven(&self, settings: &Settings) -> bool {
        self.certain || self.recent(settings).count_ones() >= settings.start_hits
    }

    /// Whether it is gone: a track by time, a candidate when no look of its trial has seen it.
    pub fn over(&self, at: Mono, settings: &Settings) -> bool {
        let silent = at.since(self.last_seen).as_secs_f64() > settings.end_after_s;
        silent || (self.number.is_none() && self.recent(settings) == 0)
    }

    /// Whether subscribers should hear of it again.
    pub fn news(&self, at: Mono, settings: &Settings) -> bool {
        let Some(told) = &self.told else { return true };
        if at.since(told.at).as_secs_f64() < settings.update_interval_s {
            return false;
        }
        let now = &self.source;
        now.label != told.label
            || now.on_screen != told.on_screen
            || (now.confidence - told.confidence).abs() > settings.update_confidence
            || (now.on_screen && apart(now.peak, told.peak) > settings.update_move)
    }

    /// Remembers that subscribers have been told the present values.
    pub fn told(&mut self, at: Mono) {
        let Source { label, on_screen, confidence, peak, .. } = &self.source;
        let (on_screen, confidence, peak) = (*on_screen, *confidence, *peak);
        self.told = Some(Told { at, label: label.clone(), on_screen, confidence, peak });
    }

    /// The bits of the looks that count for a start.
    fn recent(&self, settings: &Settings) -> u32 {
        self.looks & (u32::MAX >> (32 - settings.start_looks.clamp(1, 32)))
    }

    /// Goes on under the name with the most evidence, but does not waver between two alike.
    fn choose_name(&mut self, seen: &Source) {
        let evidence = |label: &str| {
            self.names.iter().find(|name| *name.label == *label).map_or(0.0, |name| name.evidence)
        };
        let stronger = evidence(&seen.label) > LABEL_MARGIN * evidence(&self.source.label);
        if stronger && self.answers_to(&seen.label) {
            self.source.label.clone_from(&seen.label);
            self.source.label_score = seen.label_score;
        }
        let most = self.names.iter().fold(0.0_f32, |most, name| most.max(name.evidence));
        self.names
            .retain(|name| name.label == self.source.label || name.evidence >= LABEL_SHARE * most);
    }

    /// Moves towards what was seen; `weight` 1 jumps.
    fn follow(&mut self, seen: &Source, weight: f32) {
        let own = &mut self.source;
        blend(&mut own.confidence, seen.confidence, weight);
        if seen.on_screen {
            let pairs = own.peak.iter_mut().chain(&mut own.extent);
            for (value, target) in pairs.zip(seen.peak.iter().chain(&seen.extent)) {
                blend(value, *target, weight);
            }
        }
        own.map.clone_from(&seen.map);
    }
}

/// Moves `value` the share `weight` of the way to `target`.
fn blend(value: &mut f32, target: f32, weight: f32) {
    *value += weight * (target - *value);
}

/// The distance of two places of the picture.
fn apart(a: [f32; 2], b: [f32; 2]) -> f64 {
    f64::from(a[0] - b[0]).hypot(f64::from(a[1] - b[1]))
}
