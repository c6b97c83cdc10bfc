//! From the sources of single looks to tracks: things that start to sound, move and fall silent.
//!
//! A look is a noisy witness: its peak jitters by a cell, its label wavers between neighbours
//! (Dog, Bark), it misses one look in ten. A track is what stays when that is averaged out.
//! Everything is decided by time stamps and looks, nothing by a wall clock.

mod associate;
mod path;
mod settings;

#[cfg(test)]
mod tests;

pub use settings::Settings;

use crate::align::Source;
use crate::clock::Mono;
use crate::error::Result;
use crate::event::Phase;
use associate::Pairing;
use path::Path;

/// What happened to one track.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Start, update or end.
    pub phase: Phase,
    /// The track's number: counts from 1, never used twice.
    pub track: u64,
    /// Smoothed values; at the end the last known ones.
    pub source: Source,
    /// The time of the look that caused the change.
    pub at: Mono,
}

/// Follows sources from look to look.
#[derive(Debug)]
pub struct Tracker {
    settings: Settings,
    /// Candidates and tracks, the oldest first.
    paths: Vec<Path>,
    started: u64,
    last: Mono,
    pairing: Pairing,
}

impl Tracker {
    /// A tracker that has seen nothing yet.
    ///
    /// # Errors
    /// A setting is out of its range; the text names it.
    pub fn new(settings: Settings) -> Result<Tracker> {
        settings.check()?;
        let pairing = Pairing::default();
        Ok(Tracker { settings, paths: Vec::new(), started: 0, last: Mono(0), pairing })
    }

    /// Goes on with other settings; tracks and candidates stay.
    ///
    /// # Errors
    /// A setting is out of its range; then nothing has changed.
    pub fn retune(&mut self, settings: Settings) -> Result<()> {
        settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// Takes what one look found at the time `at` (no sources if it heard nothing) and says what
    /// changed: ends first, then updates and starts in the order of the tracks' age.
    pub fn update(&mut self, at: Mono, sources: &[Source]) -> Vec<Change> {
        self.update_suddenly(at, sources, &[])
    }

    /// The same, with sources of which one sighting is enough to be tracks.
    pub fn update_suddenly(
        &mut self,
        at: Mono,
        sources: &[Source],
        sudden: &[Source],
    ) -> Vec<Change> {
        self.last = at;
        self.witness(at, sources, sudden);

        let mut changes = Vec::new();
        let settings = &self.settings;
        self.paths.retain(|path| {
            let over = path.over(at, settings);
            if over && let Some(track) = path.number() {
                let source = path.source().clone();
                changes.push(Change { phase: Phase::End, track, source, at });
            }
            !over
        });
        for path in &mut self.paths {
            let (phase, track) = match path.number() {
                None if path.proven(settings) => {
                    self.started += 1;
                    path.promote(self.started);
                    (Phase::Start, self.started)
                }
                Some(track) if path.seen_now() && path.news(at, settings) => (Phase::Update, track),
                _ => continue,
            };
            path.told(at);
            changes.push(Change { phase, track, source: path.source().clone(), at });
        }
        changes
    }

    /// Ends every track, as at a stop or when the sound is lost.
    pub fn end_all(&mut self) -> Vec<Change> {
        let at = self.last;
        self.paths
            .drain(..)
            .filter_map(|path| {
                let track = path.number()?;
                Some(Change { phase: Phase::End, track, source: path.source().clone(), at })
            })
            .collect()
    }

    /// The tracks that live now, the oldest first, with their smoothed values.
    pub fn tracks(&self) -> impl Iterator<Item = (u64, &Source)> {
        self.paths.iter().filter_map(|path| Some((path.number()?, path.source())))
    }

    /// Gives every source of one look to the path it belongs to, or opens a candidate for it.
    fn witness(&mut self, at: Mono, sources: &[Source], sudden: &[Source]) {
        let Tracker { settings, paths, pairing, .. } = self;
        paths.iter_mut().for_each(Path::next_look);
        let credible = |source: &&Source| source.confidence >= settings.hold_confidence;
        let ordinary = sources.iter().filter(credible).count();
        let sources = sources.iter().filter(credible).chain(sudden);
        associate::associate(paths, sources.clone(), settings, pairing);
        let taken = &pairing.of_source;
        for (index, (source, path)) in sources.clone().zip(taken).enumerate() {
            if let Some(path) = path.and_then(|index| paths.get_mut(index)) {
                path.sighted(at, source, settings);
                path.is_certain(index >= ordinary);
            }
        }
        let unclaimed = sources.zip(taken).enumerate().filter(|(_, (_, p))| p.is_none());
        for (index, (source, _)) in unclaimed {
            // Two names for one thing: the neighbour's name is evidence, not another thing.
            let home = paths
                .iter_mut()
                .find(|path| path.seen_now() && path.shares_place(source, settings.same_place));
            match home {
                Some(path) => path.also_called(source),
                None if source.confidence >= settings.start_confidence => {
                    let mut path = Path::new(at, source);
                    path.is_certain(index >= ordinary);
                    paths.push(path);
                }
                None => {}
            }
        }
    }
}
