//! Two sounds at once over a picture that holds both: are both found, and nothing else?
//!
//! The items are made from a manifest. Rows of one group show one picture; of every two of them
//! (their things both in view) three mixtures are made, the second sound at 0, +6 and −6 dB of
//! the first (see [`mix`](super::mix)). The picture's other things are silent.
//!
//! A reported source counts if it is in view; it is where its peak is. *Both* are found if there
//! are two different reported sources of which one lies inside the first thing's boxes and the
//! other inside the second's. A *stray* is a source that lies inside neither, a *silent hit* a
//! stray inside of a silent thing's boxes.

use super::baseline::Baseline;
use super::grid::{Cells, Grid};
use super::item::{Dataset, Item};
use super::measure::{self as m, Scores, add};
use super::metrics::success::{mean, share};
use super::report::{Report, Row, Table};
use super::run::Run;
use super::system::{Found, Sound};
use crate::error::Result;

/// Levels of the second sound against the first, in decibels.
const LEVELS_DB: [i32; 3] = [0, 6, -6];

/// What became of one mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Outcome {
    level_db: i32,
    first: bool,
    second: bool,
    both: bool,
    stray: bool,
    /// `None` where nothing is silent.
    silent_hit: Option<bool>,
    reported: usize,
}

/// Makes the mixtures of `sets` and scores them.
///
/// # Errors
/// What ends a run; see [`Run::look`].
pub fn score(run: &mut Run<'_>, protocol: &str, sets: &[Dataset]) -> Result<Report> {
    let pairs: Vec<(usize, &Item, &Item)> =
        sets.iter().enumerate().flat_map(|(n, set)| pairs(n, &set.items)).collect();
    let total = pairs.len() * LEVELS_DB.len();
    let mut judged: Vec<(usize, [Outcome; 3], Option<Outcome>)> = Vec::new();
    let mut done = 0;
    for (set, a, b) in &pairs {
        for level_db in LEVELS_DB {
            let id = format!("{}+{}@{level_db:+}dB", a.id, b.id);
            done += 1;
            match one(run, &id, a, b, level_db)? {
                Ok((floors, outcome)) => judged.push((*set, floors, outcome)),
                Err(why) => run.lacks(&id, why),
            }
            (run.progress)(done, total);
        }
    }
    let with_system = run.system.is_some();
    let mut report = run.report(protocol, sets, total);
    for (n, set) in sets.iter().enumerate() {
        let of_set: Vec<_> = judged.iter().filter(|(of, ..)| *of == n).collect();
        if of_set.is_empty() {
            continue;
        }
        let row = |who: &str, outcomes: Vec<Outcome>| Row {
            who: who.to_owned(),
            n: outcomes.len(),
            scores: scores(&outcomes),
        };
        let mut rows = Vec::new();
        if with_system {
            let all: Vec<Outcome> = of_set.iter().filter_map(|(_, _, outcome)| *outcome).collect();
            rows.push(row(&report.predictor, all.clone()));
            for level in LEVELS_DB {
                let name = format!("{}, {level:+} dB", report.predictor);
                let at = all.iter().filter(|outcome| outcome.level_db == level).copied();
                rows.push(row(&name, at.collect()));
            }
        }
        for (i, name) in FLOORS.iter().enumerate() {
            // Every mixture has an outcome for each of the floors.
            rows.push(row(name, of_set.iter().map(|(_, floors, _)| floors[i]).collect()));
        }
        report.tables.push(Table { title: set.name.clone(), rows });
    }
    if total == 0 {
        report.notes.push("No picture has two rows: there is nothing to mix.".to_owned());
    }
    Ok(report)
}

/// The floors and the ceiling: a source in the middle; one in the middle of either half; the truth.
const FLOORS: [&str; 3] =
    [Baseline::Centre.name(), "middle of both halves", Baseline::Oracle.name()];

/// Every two rows of one picture whose things are in view, with the number of their set.
fn pairs(set: usize, items: &[Item]) -> impl Iterator<Item = (usize, &Item, &Item)> {
    items.iter().enumerate().flat_map(move |(i, a)| {
        let partner = move |b: &&Item| {
            a.group == b.group
                && a.pictures == b.pictures
                && a.sounds != b.sounds
                && !a.sounding.is_empty()
                && !b.sounding.is_empty()
        };
        items[i + 1..].iter().filter(partner).map(move |b| (set, a, b))
    })
}

type Judged = ([Outcome; 3], Option<Outcome>);

fn one(
    run: &mut Run<'_>,
    id: &str,
    a: &Item,
    b: &Item,
    level_db: i32,
) -> Result<std::result::Result<Judged, String>> {
    let grid = a.grid();
    let regions = || -> std::result::Result<[Cells; 3], String> {
        let of = |things: &[super::item::Thing], except: &[super::item::Thing]| {
            let mut all = Cells::none(grid);
            for thing in
                things.iter().filter(|thing| !except.iter().any(|e| e.place == thing.place))
            {
                all = all.with(&run.region(&thing.place, grid)?.cells);
            }
            Ok::<Cells, String>(all)
        };
        Ok([of(&a.sounding, &[])?, of(&b.sounding, &[])?, of(&a.silent, &b.sounding)?])
    };
    let [first, second, silent] = match regions() {
        Ok(regions) => regions,
        Err(why) => return Ok(Err(why)),
    };
    let sounds: Vec<_> = a.sounds.iter().chain(&b.sounds).cloned().collect();
    let firsts = a.sounds.len();
    let mix = |paths: Vec<std::path::PathBuf>| {
        let gain = |n: usize| if n < firsts { 0.0 } else { f64::from(level_db) };
        Sound::Mix(paths.into_iter().enumerate().map(|(n, path)| (path, gain(n))).collect())
    };
    let prediction = match run.look(id, &a.pictures, &sounds, mix)? {
        Ok(prediction) => prediction,
        Err(why) => return Ok(Err(why)),
    };
    let judge = |peaks: &[[f64; 2]]| judge(peaks, grid, &first, &second, &silent, level_db);
    let inside = |cells: &Cells| {
        let index = cells.iter().next()?;
        let (x, y) = (index % grid.width, index / grid.width);
        Some([(x as f64 + 0.5) / grid.width as f64, (y as f64 + 0.5) / grid.height as f64])
    };
    let truth: Vec<[f64; 2]> = [&first, &second].into_iter().filter_map(inside).collect();
    let floors = [judge(&[[0.5, 0.5]]), judge(&[[0.25, 0.5], [0.75, 0.5]]), judge(&truth)];
    let outcome = prediction.map(|prediction| {
        let seen = |source: &&Found| source.on_screen;
        let peaks: Vec<[f64; 2]> = prediction.sources.iter().filter(seen).map(|s| s.peak).collect();
        judge(&peaks)
    });
    Ok(Ok((floors, outcome)))
}

/// What sources at these places make of a mixture.
fn judge(
    peaks: &[[f64; 2]],
    grid: Grid,
    first: &Cells,
    second: &Cells,
    silent: &Cells,
    level_db: i32,
) -> Outcome {
    let cell = |[x, y]: &[f64; 2]| {
        let along = |value: f64, cells: usize| {
            ((value * cells as f64).max(0.0) as usize).min(cells.saturating_sub(1))
        };
        along(*y, grid.height) * grid.width + along(*x, grid.width)
    };
    let cells: Vec<usize> = peaks.iter().map(cell).collect();
    let (in_first, in_second) = (
        cells.iter().filter(|cell| first.contains(**cell)).count(),
        cells.iter().filter(|cell| second.contains(**cell)).count(),
    );
    let stray = |cell: &&usize| !first.contains(**cell) && !second.contains(**cell);
    // With a source in each there are two different ones unless one in the overlap of the boxes is
    // all there is.
    let either = cells.iter().filter(|cell| !stray(cell)).count();
    Outcome {
        level_db,
        first: in_first > 0,
        second: in_second > 0,
        both: in_first > 0 && in_second > 0 && either > 1,
        stray: cells.iter().any(|cell| stray(&cell)),
        silent_hit: (!silent.is_empty())
            .then(|| cells.iter().filter(stray).any(|cell| silent.contains(*cell))),
        reported: peaks.len(),
    }
}

fn scores(outcomes: &[Outcome]) -> Scores {
    let mut scores = Scores::new();
    add(&mut scores, m::BOTH, share(outcomes.iter().map(|o| o.both)));
    add(&mut scores, m::ONE, share(outcomes.iter().map(|o| o.first || o.second)));
    add(&mut scores, m::CLEAN, share(outcomes.iter().map(|o| o.both && !o.stray)));
    add(&mut scores, m::SILENT, share(outcomes.iter().filter_map(|o| o.silent_hit)));
    add(&mut scores, m::REPORTED, mean(outcomes.iter().map(|o| o.reported as f64)));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(peaks: &[[f64; 2]]) -> Outcome {
        let grid = Grid::ONE;
        let cells = |corners| Cells::boxes(grid, &[corners]);
        let (a, b, silent) =
            (cells([0, 0, 100, 224]), cells([80, 0, 160, 224]), cells([150, 0, 224, 224]));
        judge(peaks, grid, &a, &b, &silent, 0)
    }

    #[test]
    fn both_are_found_by_two_sources_and_not_by_one_where_the_boxes_overlap() {
        let both = judged(&[[0.1, 0.5], [0.6, 0.5]]);
        assert!(both.both && !both.stray && both.silent_hit == Some(false));
        let overlap = judged(&[[0.4, 0.5]]);
        assert!(overlap.first && overlap.second && !overlap.both);
        assert!(judged(&[[0.4, 0.5], [0.4, 0.6]]).both);
        assert!(!judged(&[[0.1, 0.5], [0.2, 0.5]]).both);
    }

    #[test]
    fn a_source_on_a_silent_thing_is_a_hit_unless_a_sounding_one_is_there_too() {
        let hit = judged(&[[0.1, 0.5], [0.6, 0.5], [0.95, 0.5]]);
        assert!(hit.both && hit.stray && hit.silent_hit == Some(true));
        assert_eq!(judged(&[[0.69, 0.5]]).silent_hit, Some(false));
        assert_eq!((judged(&[]).reported, judged(&[]).both), (0, false));
    }
}
