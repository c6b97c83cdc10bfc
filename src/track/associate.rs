//! Which source of a look is which track.

use crate::align::Source;

use super::Settings;
use super::path::Path;

/// What associating works with, kept from look to look.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// For each source the index of the path it is a sighting of.
    pub of_source: Vec<Option<usize>>,
    /// Whether the path is a candidate, the cost, and the indices of source and path.
    pairs: Vec<(bool, f64, usize, usize)>,
    taken: Vec<bool>,
}

/// Gives each source of the look the path it is a sighting of. No path is given two sources.
///
/// Greedy by cost: a path that answers to the source's name and lies near is best; then another
/// name at the same place; then the same name where one of the two is out of view and has no
/// place. Tracks choose before candidates, and candidates take only what could start a track.
pub(super) fn associate<'a>(
    paths: &[Path],
    sources: impl Iterator<Item = &'a Source>,
    settings: &Settings,
    pairing: &mut Pairing,
) {
    let Pairing { of_source, pairs, taken } = pairing;
    pairs.clear();
    of_source.clear();
    for (s, source) in sources.enumerate() {
        of_source.push(None);
        for (p, path) in paths.iter().enumerate() {
            let candidate = path.number().is_none();
            if candidate && source.confidence < settings.start_confidence {
                continue;
            }
            if let Some(cost) = cost(path, source, settings) {
                pairs.push((candidate, cost, s, p));
            }
        }
    }
    // The indices make ties fall the same way each time: the stronger source, the older path.
    pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then((a.2, a.3).cmp(&(b.2, b.3))));

    taken.clear();
    taken.resize(paths.len(), false);
    for &(_, _, s, p) in &*pairs {
        // Both indices come from enumerating what these were sized by.
        if of_source[s].is_none() && !taken[p] {
            of_source[s] = Some(p);
            taken[p] = true;
        }
    }
}

/// How unlike the two are; `None` if they cannot be the same.
fn cost(path: &Path, source: &Source, settings: &Settings) -> Option<f64> {
    let known = path.answers_to(&source.label);
    match path.distance(source) {
        Some(distance) if known => (distance <= settings.reach).then_some(distance),
        Some(distance) => (distance <= settings.same_place && path.bears_strangers(settings))
            .then_some(settings.reach.max(distance) + distance),
        None => known.then_some(f64::INFINITY),
    }
}
