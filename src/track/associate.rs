//! Which source of a look is which track.

use crate::align::Source;

use super::Settings;
use super::path::Path;

/// For each source the index of the path it is a sighting of. No path is given two sources.
///
/// Greedy by cost: a path that answers to the source's name and lies near is best; then another
/// name at the same place; then the same name where one of the two is out of view and has no
/// place. Tracks choose before candidates, and candidates take only what could start a track.
pub(super) fn associate(
    paths: &[Path],
    sources: &[&Source],
    settings: &Settings,
) -> Vec<Option<usize>> {
    let mut pairs = Vec::new();
    for (s, source) in sources.iter().enumerate() {
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

    let mut of_source = vec![None; sources.len()];
    let mut taken = vec![false; paths.len()];
    for (_, _, s, p) in pairs {
        // Both indices come from enumerating the very slices that these were sized by.
        if of_source[s].is_none() && !taken[p] {
            of_source[s] = Some(p);
            taken[p] = true;
        }
    }
    of_source
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
