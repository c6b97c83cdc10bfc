//! The true sound against silence, noise and another item's sound over the same picture: does the
//! map follow the sound at all? (Juanola et al., 2025, `vssl_eval`.)
//!
//! Maps are not stretched. One threshold `u` serves all: the given one, or the third quartile of
//! the negatives' highest scores. What the field does at random is fixed here: noise of the item's
//! number as its seed, and as the off-screen sound that of the next item of another class.

use super::baseline::Baseline;
use super::grid::{Cells, Grid, Region};
use super::item::{Dataset, Item};
use super::measure::{self as m, Scores, add};
use super::metrics::negative::{highlighted, universal_threshold};
use super::metrics::overlap::{ciou, iou};
use super::metrics::success::{auc, auc_below, harmonic, mean};
use super::report::{Report, Row, Table};
use super::run::Run;
use super::score_map::ScoreMap;
use super::system::Sound;
use crate::align::SimilarityMap;
use crate::error::Result;

/// Kinds of negative sounds: silence, noise, off screen.
const KINDS: usize = 3;

/// What one item gave at the universal threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Outcome {
    ciou: f64,
    pia: [f64; KINDS],
    same: f64,
}

/// The maps of one item, before the threshold is known: of the true sound, then of the negatives.
struct Looked {
    region: Region,
    maps: Vec<SimilarityMap>,
}

/// Scores every item in view of `sets`; `threshold` replaces the quartile.
///
/// # Errors
/// What ends a run; see [`Run::look`].
pub fn score(
    run: &mut Run<'_>,
    protocol: &str,
    sets: &[Dataset],
    threshold: Option<f64>,
) -> Result<Report> {
    let in_view =
        |set: &'_ Dataset| set.items.iter().filter(|item| !item.sounding.is_empty()).count();
    let total = sets.iter().map(in_view).sum();
    let (mut done, mut tables) = (0, Vec::new());
    let title = run.predictor();
    for set in sets {
        let mut looked = Vec::new();
        for (n, item) in set.items.iter().enumerate().filter(|(_, item)| !item.sounding.is_empty())
        {
            match look(run, set, n, item)? {
                Ok(one) => looked.push(one),
                Err(why) => run.lacks(&item.id, why),
            }
            done += 1;
            (run.progress)(done, total);
        }
        let mut rows = Vec::new();
        if run.system.is_some() {
            let top = |map: &SimilarityMap| map.values.iter().copied().fold(f32::MIN, f32::max);
            let negatives = || looked.iter().flat_map(|one| one.maps.iter().skip(1));
            let maxima: Vec<f64> = negatives().map(|map| f64::from(top(map))).collect();
            if let Some(u) = threshold.or_else(|| universal_threshold(&maxima)) {
                let outcomes: Vec<Outcome> = looked.iter().map(|one| judge(one, u)).collect();
                let mut all = scores(&outcomes);
                add(&mut all, m::THRESHOLD, Some(u));
                rows.push(Row { who: title.clone(), n: outcomes.len(), scores: all });
            }
        }
        for baseline in Baseline::ALL {
            let outcomes: Vec<Outcome> = looked.iter().map(|one| floor(baseline, one)).collect();
            let who = baseline.name().to_owned();
            rows.push(Row { who, n: outcomes.len(), scores: scores(&outcomes) });
        }
        tables.push(Table { title: format!("{}: negative sounds", set.name), rows });
    }
    let mut report = run.report(protocol, sets, total);
    report.tables = tables;
    Ok(report)
}

/// Looks at an item with its own sound and with the negatives.
fn look(
    run: &mut Run<'_>,
    set: &Dataset,
    n: usize,
    item: &Item,
) -> Result<std::result::Result<Looked, String>> {
    let grid = item.grid();
    let mut cells = Cells::none(grid);
    for thing in &item.sounding {
        match run.region(&thing.place, grid) {
            Ok(region) => cells = cells.with(&region.cells),
            Err(why) => return Ok(Err(why)),
        }
    }
    let mut looked = Looked { region: Region::hard(cells), maps: Vec::new() };
    if run.system.is_none() {
        return Ok(Ok(looked));
    }
    let after = set.items.iter().cycle().skip(n + 1).take(set.items.len().saturating_sub(1));
    let other = after.into_iter().find(|other| match item.class.is_empty() {
        true => other.group != item.group,
        false => other.class != item.class && !other.sounding.is_empty(),
    });
    let Some(other) = other else {
        return Ok(Err("no other item has a sound of another class".to_owned()));
    };
    let plain = |mut paths: Vec<std::path::PathBuf>| match paths.len() {
        1 => Sound::File(paths.remove(0)),
        _ => Sound::Sum(paths),
    };
    let id = &item.id;
    let answers = [
        run.look(id, &item.pictures, &item.sounds, plain)?,
        run.look(&format!("{id}|silence"), &item.pictures, &[], |_| Sound::Silence)?,
        run.look(&format!("{id}|noise"), &item.pictures, &[], |_| Sound::Noise(n as u64))?,
        run.look(&format!("{id}|{}", other.id), &item.pictures, &other.sounds, plain)?,
    ];
    for answer in answers {
        match answer.map(|prediction| prediction.and_then(|prediction| prediction.map)) {
            Ok(Some(map)) => looked.maps.push(map),
            Ok(None) => return Ok(Err("a prediction has no map".to_owned())),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(looked))
}

/// Cuts an item's maps at the universal threshold.
fn judge(looked: &Looked, threshold: f64) -> Outcome {
    let grid: Grid = looked.region.cells.grid();
    let kept: Vec<Cells> =
        looked.maps.iter().map(|map| ScoreMap::new(map, grid).above(threshold as f32)).collect();
    let none = Cells::none(grid);
    let at = |place: usize| kept.get(place).unwrap_or(&none);
    let same = match (at(0).is_empty(), at(3).is_empty()) {
        (true, true) => 1.0,
        _ => iou(at(0), at(3)),
    };
    let pia = std::array::from_fn(|kind| highlighted(at(kind + 1)));
    Outcome { ciou: ciou(at(0), &looked.region), pia, same }
}

/// The floors do not listen: they keep the same cells whatever is heard. The oracle keeps the
/// truth, and nothing of a negative.
fn floor(baseline: Baseline, looked: &Looked) -> Outcome {
    let claim = baseline.claim(looked.region.cells.grid());
    let share = match baseline {
        Baseline::Centre => 0.5,
        Baseline::Full => 1.0,
        Baseline::Oracle => 0.0,
    };
    let ciou = match baseline {
        Baseline::Oracle => claim.adaptive_ciou(&looked.region),
        _ => claim.half_area_ciou(&looked.region),
    };
    Outcome { ciou, pia: [share; KINDS], same: if share > 0.0 { 1.0 } else { 0.0 } }
}

fn scores(outcomes: &[Outcome]) -> Scores {
    let cious: Vec<f64> = outcomes.iter().map(|outcome| outcome.ciou).collect();
    let pia = |kind: usize| outcomes.iter().map(move |outcome| outcome.pia[kind]);
    let all: Vec<f64> = (0..KINDS).flat_map(pia).collect();
    let (positive, area, below) = (mean(cious.iter().copied()), auc(&cious), auc_below(&all));
    let left_out = mean(all.iter().map(|pia| 1.0 - pia));
    let both = |a: Option<f64>, b: Option<f64>| Some(harmonic(a?, b?));
    let mut scores = Scores::new();
    add(&mut scores, m::POSITIVE, positive);
    add(&mut scores, m::POSITIVE_AUC, area);
    for (kind, measure) in [m::PIA_SILENCE, m::PIA_NOISE, m::PIA_OFF].into_iter().enumerate() {
        add(&mut scores, measure, mean(pia(kind)));
    }
    add(&mut scores, m::AUC_N, below);
    add(&mut scores, m::F_LOC, both(positive, left_out));
    add(&mut scores, m::F_AUC, both(area, below));
    add(&mut scores, m::SAME, mean(outcomes.iter().map(|outcome| outcome.same)));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(heights: [f32; 4]) -> Looked {
        let region = Region::hard(Cells::boxes(Grid::ONE, &[[0, 0, 112, 224]]));
        // The left half at a height, the right half at 0.
        let map = |height: f32| SimilarityMap {
            width: 224,
            height: 1,
            values: (0..224).map(|x| if x < 112 { height } else { 0.0 }).collect(),
        };
        Looked { region, maps: heights.map(map).to_vec() }
    }

    #[test]
    fn a_map_that_follows_the_sound_highlights_nothing_for_negatives() {
        let good = judge(&looked([0.9, 0.0, 0.1, 0.2]), 0.5);
        assert_eq!(good, Outcome { ciou: 1.0, pia: [0.0; 3], same: 0.0 });
        let deaf = judge(&looked([0.9; 4]), 0.5);
        assert_eq!(deaf, Outcome { ciou: 1.0, pia: [0.5; 3], same: 1.0 });
        let found = scores(&[good]);
        let of = |measure| found.iter().find(|(m, _)| *m == measure).map(|(_, value)| *value);
        assert_eq!((of(m::F_LOC), of(m::PIA_NOISE)), (Some(100.0), Some(0.0)));
    }

    #[test]
    fn a_floor_that_hears_nothing_has_a_low_f() {
        let of = |baseline| {
            let found = scores(&[floor(baseline, &looked([0.0; 4]))]);
            found.iter().find(|(m, _)| *m == m::F_LOC).map(|(_, value)| *value)
        };
        assert_eq!((of(Baseline::Full), of(Baseline::Oracle)), (Some(0.0), Some(100.0)));
        assert!(of(Baseline::Centre).is_some_and(|f| (10.0..60.0).contains(&f)));
    }
}
