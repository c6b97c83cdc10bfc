//! Several sources at once: one map for each, and which map belongs to which source?
//!
//! The literature's "CIoU@0.3" has been computed in ways that cannot be compared; each is a
//! [`Reading`] here. Several pictures side by side are one canvas, and a source's truth is empty
//! outside of its own picture.

use super::baseline::{Baseline, Claim};
use super::grid::{Cells, Grid, Region, SIDE};
use super::item::{Dataset, Item};
use super::measure::{self as m, Scores, add};
use super::metrics::assignment::{greedy, hungarian};
use super::metrics::average_precision::average_precision;
use super::metrics::overlap::{ciou, iou};
use super::metrics::success::{auc, mean, share, share_at_least};
use super::report::{Report, Row, Table};
use super::run::Run;
use super::score_map::ScoreMap;
use super::system::Prediction;
use crate::error::Result;

/// How several maps are scored against several sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// The default. Each map over the whole canvas, cut at its median; cIoU with each source;
    /// Hungarian matching; the share of sources that reach a threshold. No map is told where to
    /// look, and what it claims in the other picture counts against it.
    FrameWise,
    /// Hu et al. 2020 (DSOL): cut at this share of the map's maximum; IoU, mean over the sources
    /// of an item; the share of items that reach a threshold.
    ClassAware(f64),
    /// Mo and Tian 2023 (AVGN): a cosine c scores (c + 1) / 2 and is cut at this score; the share
    /// of sources whose cIoU is above a threshold.
    Absolute(f64),
    /// Mahmud et al. 2024 (T-VSL): the map stretched to 0..1 and cut at this score. The mean cIoU
    /// is what is reported as "CIoU@score".
    Score(f64),
    /// Kim et al. 2024 (NoPrior): each picture of the canvas apart, cut at its own median, matched
    /// greedily; sources of one picture are one truth, the union of their boxes.
    Halves,
}

impl Reading {
    /// Their names on the command line.
    pub const NAMES: [(&'static str, &'static str); 5] = [
        ("frame-wise", "whole canvas, cut at the median, Hungarian matching (default)"),
        ("class-aware", "cut at a share of the maximum, mean over an item's sources (DSOL)"),
        ("absolute", "cosines cut at a fixed score (AVGN)"),
        ("score", "stretched map cut at a score, mean cIoU reported (T-VSL)"),
        ("halves", "each picture apart, cut at its median, matched greedily (NoPrior)"),
    ];

    /// The reading of this name, with its threshold where it has one (its authors' if `None`).
    pub fn named(name: &str, threshold: Option<f64>) -> Option<Reading> {
        Some(match name {
            "frame-wise" => Reading::FrameWise,
            "class-aware" => Reading::ClassAware(threshold.unwrap_or(0.5)),
            "absolute" => Reading::Absolute(threshold.unwrap_or(0.5)),
            "score" => Reading::Score(threshold.unwrap_or(0.3)),
            "halves" => Reading::Halves,
            _ => return None,
        })
    }

    /// What it says of itself in a report.
    fn note(self) -> String {
        match self {
            Reading::FrameWise => {
                "Reading frame-wise: maps cut at the canvas' median, Hungarian matching.".to_owned()
            }
            Reading::ClassAware(t) => {
                format!(
                    "Reading class-aware: maps cut at {t} of their maximum; items, not sources."
                )
            }
            Reading::Absolute(t) => format!("Reading absolute: (cosine + 1) / 2 cut at {t}."),
            Reading::Score(t) => {
                format!("Reading score: stretched maps cut at {t}; its CIoU@{t} is the mean cIoU.")
            }
            Reading::Halves => {
                "Reading halves: each picture cut at its own median, matched greedily.".to_owned()
            }
        }
    }

    /// How well a map fits a source.
    fn fit(self, claim: &Claim, region: &Region) -> f64 {
        let Claim::Map(map) = claim else {
            return match self {
                Reading::FrameWise | Reading::Halves => claim.half_area_ciou(region),
                _ => f64::from(u8::from(!region.cells.is_empty())),
            };
        };
        match self {
            Reading::FrameWise | Reading::Halves => ciou(map.upper_half(), region),
            Reading::ClassAware(share) => {
                iou(&map.above((share * f64::from(map.highest())) as f32), &region.cells)
            }
            Reading::Absolute(score) => ciou(&map.at_least((2.0 * score - 1.0) as f32), region),
            Reading::Score(score) => ciou(&map.at_least_stretched(score), region),
        }
    }
}

/// How well one source was found.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    fit: f64,
    precision: f64,
}

/// How well the sources of one item were found.
#[derive(Clone, Debug, Default)]
struct Outcome {
    sources: Vec<Source>,
    /// The precision of each source under the best matching by precision.
    piap: Vec<f64>,
}

/// Scores every item of `sets` by one reading.
///
/// # Errors
/// What ends a run; see [`Run::look`].
pub fn score(
    run: &mut Run<'_>,
    protocol: &str,
    sets: &[Dataset],
    reading: Reading,
) -> Result<Report> {
    let total = sets.iter().map(|set| set.items.len()).sum();
    let (mut done, mut tables) = (0, Vec::new());
    let title = run.predictor();
    for set in sets {
        let mut own = Vec::new();
        let mut floors = vec![Vec::new(); Baseline::ALL.len()];
        for item in &set.items {
            match one(run, item, reading)? {
                Ok((outcome, baselines)) => {
                    own.extend(outcome);
                    floors.iter_mut().zip(baselines).for_each(|(list, outcome)| list.push(outcome));
                }
                Err(why) => run.lacks(&item.id, why),
            }
            done += 1;
            (run.progress)(done, total);
        }
        let row = |who: &str, outcomes: &[Outcome]| Row {
            who: who.to_owned(),
            n: outcomes.len(),
            scores: scores(outcomes, reading),
        };
        let mut rows = Vec::new();
        if run.system.is_some() {
            rows.push(row(&title, &own));
        }
        let named = Baseline::ALL.iter().zip(&floors);
        rows.extend(named.map(|(baseline, outcomes)| row(baseline.name(), outcomes)));
        tables.push(Table { title: set.name.clone(), rows });
    }
    let mut report = run.report(protocol, sets, total);
    report.tables = tables;
    report.notes.push(reading.note());
    report.notes.push("n counts items. A floor gives every source the same map.".to_owned());
    Ok(report)
}

type Judged = (Option<Outcome>, Vec<Outcome>);

fn one(
    run: &mut Run<'_>,
    item: &Item,
    reading: Reading,
) -> Result<std::result::Result<Judged, String>> {
    let grid = item.grid();
    let regions = item.sounding.iter().map(|thing| run.region(&thing.place, grid));
    let regions: Vec<Region> = match regions.collect() {
        Ok(regions) => regions,
        Err(why) => return Ok(Err(why)),
    };
    let outcome = match run.look_at(item)? {
        Err(why) => return Ok(Err(why)),
        Ok(None) => None,
        Ok(Some(prediction)) => {
            let (maps, labels) = maps(prediction);
            if maps.is_empty() {
                return Ok(Err("the prediction has no map".to_owned()));
            }
            let claims: Vec<Claim> =
                maps.iter().map(|map| Claim::Map(Box::new(ScoreMap::new(map, grid)))).collect();
            let order = by_label(item, &labels);
            Some(judge(&claims, &regions, order, item.pictures.len(), reading))
        }
    };
    let floor = |baseline: &Baseline| {
        let claims = vec![baseline.claim(grid); regions.len()];
        judge(&claims, &regions, None, item.pictures.len(), reading)
    };
    Ok(Ok((outcome, Baseline::ALL.iter().map(floor).collect())))
}

/// The maps that a prediction has for its sources, or for all of them together.
fn maps(prediction: Prediction) -> (Vec<crate::align::SimilarityMap>, Vec<Option<String>>) {
    let sources = prediction.sources.into_iter().filter_map(|s| Some((s.map?, s.label)));
    let (maps, labels): (Vec<_>, Vec<_>) = sources.unzip();
    match (maps.is_empty(), prediction.map) {
        (true, Some(map)) => (vec![map], vec![None]),
        _ => (maps, labels),
    }
}

/// The map of each source by its class, if every class has one.
fn by_label(item: &Item, labels: &[Option<String>]) -> Option<Vec<Option<usize>>> {
    let place = |class: &str| {
        labels
            .iter()
            .position(|label| label.as_ref().is_some_and(|l| l.eq_ignore_ascii_case(class)))
    };
    let found: Vec<Option<usize>> = item.sounding.iter().map(|thing| place(&thing.class)).collect();
    found.iter().all(Option::is_some).then_some(found)
}

fn judge(
    claims: &[Claim],
    regions: &[Region],
    by_label: Option<Vec<Option<usize>>>,
    pictures: usize,
    reading: Reading,
) -> Outcome {
    let worth = |value: &dyn Fn(usize, &Claim, &Region) -> f64| -> Vec<Vec<f64>> {
        let line = |(n, region): (usize, &Region)| {
            claims.iter().map(|claim| value(n, claim, region)).collect()
        };
        regions.iter().enumerate().map(line).collect()
    };
    let union =
        regions.iter().map(|region| &region.cells).cloned().reduce(|all, one| all.with(&one));
    let fits = worth(&|n, claim, region| match (reading, &union) {
        (Reading::Halves, _) if pictures > 1 => {
            let picture =
                region.cells.iter().next().map_or(n, |i| i % region.cells.grid().width / SIDE);
            reading.fit(&cropped_claim(claim, picture), &cropped(region, picture))
        }
        (Reading::Halves, Some(union)) => reading.fit(claim, &Region::hard(union.clone())),
        _ => reading.fit(claim, region),
    });
    let precisions = worth(&|_, claim, region| match claim {
        Claim::Map(map) => average_precision(map, &region.cells),
        Claim::Oracle => f64::from(u8::from(!region.cells.is_empty())),
    });
    let matched = match (reading, by_label) {
        (Reading::Halves, _) => greedy(&fits),
        (Reading::FrameWise, _) | (_, None) => hungarian(&fits),
        (_, Some(labelled)) => labelled,
    };
    let at = |table: &[Vec<f64>], row: usize, column: Option<usize>| {
        column.and_then(|column| table.get(row)?.get(column).copied()).unwrap_or(0.0)
    };
    let source = |(row, column): (usize, &Option<usize>)| Source {
        fit: at(&fits, row, *column),
        precision: at(&precisions, row, *column),
    };
    let best = hungarian(&precisions);
    Outcome {
        sources: matched.iter().enumerate().map(source).collect(),
        piap: best.iter().enumerate().map(|(row, column)| at(&precisions, row, *column)).collect(),
    }
}

/// One picture of a canvas.
fn cropped_claim(claim: &Claim, picture: usize) -> Claim {
    let Claim::Map(map) = claim else { return Claim::Oracle };
    let width = map.grid().width;
    let rows = map.values().chunks_exact(width.max(1));
    let cut =
        |row: &[f32]| row.iter().skip(picture * SIDE).take(SIDE).copied().collect::<Vec<f32>>();
    let values = rows.flat_map(cut).collect();
    if map.is_flat() {
        return Claim::Map(Box::new(ScoreMap::everywhere(Grid::ONE)));
    }
    Claim::Map(Box::new(ScoreMap::exact(Grid::ONE, values)))
}

fn cropped(region: &Region, picture: usize) -> Region {
    let width = region.cells.grid().width;
    Region::hard(Cells::chosen(Grid::ONE, |index| {
        region.cells.contains(index / SIDE * width + picture * SIDE + index % SIDE)
    }))
}

fn scores(outcomes: &[Outcome], reading: Reading) -> Scores {
    let per_item = |value: fn(&Source) -> f64| -> Vec<f64> {
        outcomes.iter().filter_map(|o| mean(o.sources.iter().map(value))).collect()
    };
    let fits: Vec<f64> = match reading {
        Reading::ClassAware(_) => per_item(|source| source.fit),
        _ => outcomes.iter().flat_map(|o| &o.sources).map(|source| source.fit).collect(),
    };
    let reach = |threshold: f64| match reading {
        Reading::Absolute(_) => share(fits.iter().map(|fit| *fit > threshold)),
        _ => share_at_least(&fits, threshold),
    };
    let mut scores = Scores::new();
    add(&mut scores, m::CIOU_AT_10, reach(0.1));
    add(&mut scores, m::CIOU_AT_30, reach(0.3));
    add(&mut scores, m::CIOU_AT_50, reach(0.5));
    add(&mut scores, m::MEAN_OF_SOURCES, mean(fits.iter().copied()));
    add(&mut scores, m::AUC, auc(&fits));
    add(&mut scores, m::CAP, mean(per_item(|source| source.precision)));
    add(&mut scores, m::PIAP, mean(outcomes.iter().flat_map(|o| o.piap.iter().copied())));
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(grid: Grid, corners: [i64; 4]) -> Region {
        Region::hard(Cells::boxes(grid, &[corners]))
    }

    /// A map that is high inside a box, by a ramp so that no two cells tie.
    fn map(grid: Grid, corners: [i64; 4]) -> Claim {
        let inside = Cells::boxes(grid, &[corners]);
        let value = |index: usize| {
            f32::from(u8::from(inside.contains(index))) + index as f32 / grid.cells() as f32 / 4.0
        };
        Claim::Map(Box::new(ScoreMap::exact(grid, (0..grid.cells()).map(value).collect())))
    }

    fn fits(outcome: &Outcome) -> Vec<f64> {
        outcome.sources.iter().map(|source| source.fit).collect()
    }

    const LEFT: [i64; 4] = [0, 0, 224, 224];
    const RIGHT: [i64; 4] = [224, 0, 448, 224];

    #[test]
    fn maps_in_any_order_are_matched_and_a_missing_one_scores_nothing() {
        let grid = Grid::side_by_side(2);
        let regions = [region(grid, LEFT), region(grid, RIGHT)];
        let claims = [map(grid, RIGHT), map(grid, LEFT)];
        let both = judge(&claims, &regions, None, 2, Reading::FrameWise);
        // The median of a canvas keeps one cell less than half.
        assert!(fits(&both).iter().all(|fit| *fit > 0.999), "{both:?}");
        assert!(both.piap.iter().all(|ap| *ap > 0.999));
        let one = judge(&claims[..1], &regions, None, 2, Reading::FrameWise);
        assert!(fits(&one)[0] == 0.0 && fits(&one)[1] > 0.999);
        let labelled = Some(vec![Some(0), Some(1)]);
        let wrong = judge(&claims, &regions, labelled, 2, Reading::Score(0.5));
        assert!(fits(&wrong).iter().all(|fit| *fit < 0.01));
    }

    #[test]
    fn halves_forgive_what_a_map_claims_in_the_other_picture() {
        let grid = Grid::side_by_side(2);
        let (a, b) = ([0, 0, 224, 112], [224, 112, 448, 224]);
        let regions = [region(grid, a), region(grid, b)];
        // One map claims both sources' places in both pictures.
        let claims = vec![map(grid, [0, 0, 448, 112]), map(grid, [0, 112, 448, 224])];
        let whole = judge(&claims, &regions, None, 2, Reading::FrameWise);
        let apart = judge(&claims, &regions, None, 2, Reading::Halves);
        assert!(fits(&whole).iter().all(|fit| (0.3..0.6).contains(fit)), "{whole:?}");
        assert!(fits(&apart).iter().all(|fit| *fit > 0.99), "{apart:?}");
    }

    #[test]
    fn halves_of_one_picture_take_the_union_of_its_sources() {
        let grid = Grid::ONE;
        let regions = [region(grid, [0, 0, 112, 224]), region(grid, [112, 0, 224, 224])];
        let full = judge(
            &vec![Claim::Map(Box::new(ScoreMap::everywhere(grid))); 2],
            &regions,
            None,
            1,
            Reading::Halves,
        );
        assert_eq!(fits(&full), [1.0, 1.0]);
    }

    #[test]
    fn every_reading_cuts_in_its_own_way() {
        let grid = Grid { width: 224, height: 224 };
        let truth = region(grid, [0, 0, 224, 112]);
        let value = |index: usize| if index < 112 * 224 { 0.4 } else { -0.2 };
        let claim =
            Claim::Map(Box::new(ScoreMap::exact(grid, (0..grid.cells()).map(value).collect())));
        assert_eq!(Reading::ClassAware(0.5).fit(&claim, &truth), 1.0);
        assert_eq!(Reading::Absolute(0.5).fit(&claim, &truth), 1.0);
        assert_eq!(Reading::Absolute(0.3).fit(&claim, &truth), 0.5);
        assert_eq!(Reading::Score(0.3).fit(&claim, &truth), 1.0);
        for (name, _) in Reading::NAMES {
            assert!(Reading::named(name, None).is_some(), "{name}");
        }
        assert_eq!(Reading::named("other", None), None);
    }
}
