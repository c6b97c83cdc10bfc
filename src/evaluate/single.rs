//! The protocols of one sound and one map: where is it, which one is it, is it there at all?

use super::baseline::{Baseline, Claim};
use super::grid::{Cells, Grid};
use super::item::{Dataset, Item, Place};
use super::measure::{self as m, Scores, add};
use super::metrics::calibration::{self, Promise};
use super::metrics::detection::{self, Detected};
use super::metrics::segmentation;
use super::metrics::success::{auc, least_of_groups, mean, share, share_at_least};
use super::report::{Reliability, Report, Row, Table};
use super::run::Run;
use super::score_map::ScoreMap;
use super::sheet::Case;
use super::system::Prediction;
use crate::error::Result;

/// An item succeeds if its cIoU is this or more.
const SUCCESS: f64 = 0.5;

/// Confidences of this or more are called on screen where nothing else says so.
const CALLED: f64 = 0.5;

/// What one predictor did on one item.
#[derive(Clone, Debug, Default)]
struct Outcome {
    group: String,
    part: Option<String>,
    /// How well its map fits; `None` for a negative.
    fit: Option<Fit>,
    /// How sure the system says it is.
    confidence: Option<f64>,
    /// How sure its map makes it: see [`detection::CONFIDENT_SHARE`].
    map_confidence: Option<f64>,
    on_screen: Option<bool>,
}

/// How well a map fits the truth.
#[derive(Clone, Debug, Default)]
struct Fit {
    ciou: f64,
    adaptive: f64,
    at_30: f64,
    at_50: f64,
    points: bool,
    prefers: Option<bool>,
    pixel_precision: f64,
    /// Against a mask: IoU, and the F curve unless the mask is empty.
    mask: Option<(f64, Option<Vec<f64>>)>,
}

/// The outcomes of one set: the system's first, then one list for each baseline.
struct Judged {
    name: String,
    system: Vec<Outcome>,
    baselines: Vec<Vec<Outcome>>,
    /// Items in view that could not be scored.
    lost: usize,
}

/// Scores every item of `sets`, and hands each judged map to `case`.
///
/// # Errors
/// What ends a run; see [`Run::look`].
pub fn score(
    run: &mut Run<'_>,
    protocol: &str,
    sets: &[Dataset],
    case: &mut dyn FnMut(Case),
) -> Result<Report> {
    let total = sets.iter().map(|set| set.items.len()).sum();
    let mut grids: Vec<(Grid, [Claim; 3])> = Vec::new();
    let (mut judged, mut done) = (Vec::new(), 0);
    for set in sets {
        let mut outcomes = Judged {
            name: set.name.clone(),
            system: Vec::new(),
            baselines: vec![Vec::new(); Baseline::ALL.len()],
            lost: 0,
        };
        for item in &set.items {
            let grid = item.grid();
            if !grids.iter().any(|(known, _)| *known == grid) {
                grids.push((grid, Baseline::ALL.map(|baseline| baseline.claim(grid))));
            }
            let claims = grids.iter().find(|(known, _)| *known == grid).map(|(_, claims)| claims);
            let missing = one(run, item, claims.map_or(&[], |c| c), &mut outcomes, case)?;
            if let Err(why) = missing {
                outcomes.lost += usize::from(!item.sounding.is_empty());
                run.lacks(&item.id, why);
            }
            done += 1;
            (run.progress)(done, total);
        }
        judged.push(outcomes);
    }
    let mut report = run.report(protocol, sets, total);
    let title = report.predictor.clone();
    for set in &judged {
        report.tables.extend(tables(set, &title, run.system.is_some()));
    }
    if run.system.is_some() {
        on_screen(&judged, &title, &mut report);
    }
    Ok(report)
}

/// Judges one item; `Err` of the inner result says why it cannot be.
fn one(
    run: &mut Run<'_>,
    item: &Item,
    baselines: &[Claim],
    outcomes: &mut Judged,
    case: &mut dyn FnMut(Case),
) -> Result<std::result::Result<(), String>> {
    let grid = item.grid();
    let region = match item.sounding.first() {
        None => None,
        Some(thing) => match run.region(&thing.place, grid) {
            Ok(region) => Some(region),
            Err(why) => return Ok(Err(why)),
        },
    };
    let mut silent: Vec<Cells> = Vec::new();
    for thing in &item.silent {
        match run.region(&thing.place, grid) {
            Ok(region) => silent.push(region.cells),
            Err(why) => return Ok(Err(why)),
        }
    }
    let prediction = match run.look_at(item)? {
        Ok(prediction) => prediction,
        Err(why) => return Ok(Err(why)),
    };
    let is_mask = matches!(item.sounding.first().map(|thing| &thing.place), Some(Place::Mask(..)));
    let fit = |claim: &Claim| {
        region.as_ref().map(|region| Fit {
            ciou: claim.half_area_ciou(region),
            adaptive: claim.adaptive_ciou(region),
            at_30: claim.ciou_at_score(region, 0.3),
            at_50: claim.ciou_at_score(region, 0.5),
            points: claim.points_at(region),
            prefers: (!silent.is_empty()).then(|| claim.prefers(region, &silent)),
            pixel_precision: claim.pixel_precision(&region.cells),
            mask: is_mask.then(|| (claim.mask_iou(&region.cells), claim.f_curve(&region.cells))),
        })
    };
    let outcome = |fit: Option<Fit>| Outcome {
        group: item.group.clone(),
        part: item.part.clone(),
        fit,
        ..Outcome::default()
    };
    if let Some(prediction) = prediction {
        let map = match (&prediction.map, &region) {
            (None, Some(_)) => return Ok(Err("the prediction has no map".to_owned())),
            (map, _) => map.as_ref().map(|map| Claim::Map(Box::new(ScoreMap::new(map, grid)))),
        };
        let judged = Outcome {
            map_confidence: map.as_ref().map(|map| map.confidence(region.is_some())),
            on_screen: called(&prediction),
            confidence: prediction.confidence,
            ..outcome(map.as_ref().and_then(fit))
        };
        if let (Some(fit), Some(region), Some(map)) = (&judged.fit, &region, prediction.map) {
            case(Case::new(item, fit.adaptive, fit.ciou, region, map, prediction.confidence));
        }
        outcomes.system.push(judged);
    }
    for (list, claim) in outcomes.baselines.iter_mut().zip(baselines) {
        let map_confidence = Some(claim.confidence(region.is_some()));
        list.push(Outcome { map_confidence, ..outcome(fit(claim)) });
    }
    Ok(Ok(()))
}

/// Whether a prediction says "on screen": by its own word, else by its confidence.
fn called(prediction: &Prediction) -> Option<bool> {
    prediction.on_screen.or(prediction.confidence.map(|confidence| confidence >= CALLED))
}

/// One table for the whole set, and one for each of its parts.
fn tables(set: &Judged, title: &str, with_system: bool) -> Vec<Table> {
    let mut parts: Vec<Option<&str>> = vec![None];
    for outcome in set.baselines.first().into_iter().flatten() {
        let part = outcome.part.as_deref();
        if part.is_some() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    let table = |part: Option<&str>| {
        let of = |list: &[Outcome]| -> Vec<Outcome> {
            let belongs = |outcome: &&Outcome| part.is_none() || outcome.part.as_deref() == part;
            list.iter().filter(belongs).cloned().collect()
        };
        let row = |who: &str, outcomes: &[Outcome]| Row {
            who: who.to_owned(),
            n: outcomes.len(),
            scores: scores(outcomes),
        };
        let mut rows = Vec::new();
        if with_system {
            rows.push(row(title, &of(&set.system)));
            if set.lost > 0 && part.is_none() {
                let failed = Outcome { fit: Some(Fit::default()), ..Outcome::default() };
                let mut all = set.system.clone();
                all.resize(all.len() + set.lost, failed);
                rows.push(row(&format!("{title}, missing as failures"), &all));
            }
        }
        for (baseline, list) in Baseline::ALL.iter().zip(&set.baselines) {
            let floor = row(baseline.name(), &of(list));
            if !floor.scores.is_empty() {
                rows.push(floor);
            }
        }
        let name = part.map_or(set.name.clone(), |part| format!("{}: {part}", set.name));
        Table { title: name, rows }
    };
    parts.into_iter().map(table).collect()
}

fn scores(outcomes: &[Outcome]) -> Scores {
    let fits: Vec<&Fit> = outcomes.iter().filter_map(|outcome| outcome.fit.as_ref()).collect();
    let of = |value: fn(&Fit) -> f64| -> Vec<f64> { fits.iter().map(|fit| value(fit)).collect() };
    let (half, adaptive) = (of(|fit| fit.ciou), of(|fit| fit.adaptive));
    let grouped = |value: fn(&Fit) -> f64| {
        let with =
            |outcome: &'_ Outcome| Some((outcome.group.clone(), value(outcome.fit.as_ref()?)));
        let pairs: Vec<(String, f64)> =
            outcomes.iter().filter(|o| !o.group.is_empty()).filter_map(with).collect();
        least_of_groups(pairs.iter().map(|(group, value)| (group.as_str(), *value)))
    };
    let (least, least_adaptive) = (grouped(|fit| fit.ciou), grouped(|fit| fit.adaptive));
    let called = |in_view: bool| {
        let kind = outcomes.iter().filter(|outcome| outcome.fit.is_some() == in_view);
        share(kind.filter_map(|outcome| outcome.on_screen))
    };
    let mut scores = Scores::new();
    add(&mut scores, m::CIOU, share_at_least(&half, SUCCESS));
    add(&mut scores, m::ADAPTIVE, share_at_least(&adaptive, SUCCESS));
    add(&mut scores, m::MEAN, mean(half.iter().copied()));
    add(&mut scores, m::MEAN_ADAPTIVE, mean(adaptive.iter().copied()));
    add(&mut scores, m::AUC, auc(&half));
    add(&mut scores, m::AUC_ADAPTIVE, auc(&adaptive));
    add(&mut scores, m::POINTING, share(fits.iter().map(|fit| fit.points)));
    add(&mut scores, m::WHICH, share(fits.iter().filter_map(|fit| fit.prefers)));
    add(&mut scores, m::IIOU, share_at_least(&least, SUCCESS));
    add(&mut scores, m::IIOU_ADAPTIVE, share_at_least(&least_adaptive, SUCCESS));
    add(&mut scores, m::IAUC, auc(&least));
    add(&mut scores, m::IAUC_ADAPTIVE, auc(&least_adaptive));
    add(&mut scores, m::IOU_AT_30, mean(of(|fit| fit.at_30)));
    add(&mut scores, m::IOU_AT_50, mean(of(|fit| fit.at_50)));
    add(&mut scores, m::AP_PIXEL, mean(of(|fit| fit.pixel_precision)));
    let masks: Vec<&(f64, Option<Vec<f64>>)> =
        fits.iter().filter_map(|fit| fit.mask.as_ref()).collect();
    add(&mut scores, m::MIOU, mean(masks.iter().map(|(iou, _)| *iou)));
    let curves: Vec<&[f64]> = masks.iter().filter_map(|(_, curve)| curve.as_deref()).collect();
    add(&mut scores, m::F_SCORE, segmentation::max_of_mean(&curves));
    detected(outcomes, &mut scores);
    add(&mut scores, m::RECALL, called(true));
    add(&mut scores, m::FALSE_ON, called(false));
    scores
}

/// The measures of sets that hold both what is in view and what is not.
fn detected(outcomes: &[Outcome], scores: &mut Scores) {
    let in_view = outcomes.iter().filter(|outcome| outcome.fit.is_some()).count();
    if in_view == 0 || in_view == outcomes.len() {
        return;
    }
    let by = |confidence: fn(&Outcome) -> Option<f64>| -> Option<Vec<Detected>> {
        let item = |outcome: &Outcome| {
            let ciou = outcome.fit.as_ref().map(|fit| fit.ciou);
            Some(Detected { ciou, confidence: confidence(outcome)? })
        };
        outcomes.iter().map(item).collect()
    };
    if let Some(items) = by(|outcome| outcome.map_confidence) {
        add(scores, m::AP, detection::average_precision(&items));
        add(scores, m::MAX_F1, detection::max_f1(&items));
        add(scores, m::LOC_ACC, detection::localisation_accuracy(&items));
    }
    if let Some(items) = by(|outcome| outcome.confidence) {
        add(scores, m::AP_OWN, detection::average_precision(&items));
        add(scores, m::MAX_F1_OWN, detection::max_f1(&items));
    }
}

/// Confidence and the decision: each set's positives against the negatives of all sets.
fn on_screen(sets: &[Judged], who: &str, report: &mut Report) {
    let negatives: Vec<&Outcome> =
        sets.iter().flat_map(|set| &set.system).filter(|outcome| outcome.fit.is_none()).collect();
    let mut rows = Vec::new();
    for set in sets {
        let positives: Vec<&Outcome> =
            set.system.iter().filter(|outcome| outcome.fit.is_some()).collect();
        let confidences =
            |of: &[&Outcome]| -> Vec<f64> { of.iter().filter_map(|o| o.confidence).collect() };
        if confidences(&positives).is_empty() {
            continue;
        }
        let both = || positives.iter().chain(&negatives);
        let promises = |came_true: fn(&Fit) -> bool| -> Vec<Promise> {
            let promise =
                |o: &&Outcome| Some((o.confidence?, o.fit.as_ref().is_some_and(came_true)));
            both().filter_map(promise).collect()
        };
        let (placed, in_view) = (promises(|fit| fit.points), promises(|_| true));
        let curve =
            calibration::operating_curve(&confidences(&positives), &confidences(&negatives));
        let mut scores = Scores::new();
        let called = |of: &[&Outcome]| share(of.iter().filter_map(|outcome| outcome.on_screen));
        add(&mut scores, m::RECALL, called(&positives));
        add(&mut scores, m::FALSE_ON, called(&negatives));
        let at_90 = calibration::at_recall(&curve, 0.9).map(|point| point.false_on_screen);
        add(&mut scores, m::FALSE_AT_90, at_90);
        add(&mut scores, m::ECE, calibration::expected_calibration_error(&placed));
        add(&mut scores, m::ECE_VIEW, calibration::expected_calibration_error(&in_view));
        rows.push(Row { who: format!("{who}, {}", set.name), n: placed.len(), scores });
        let title = match negatives.is_empty() {
            true => set.name.clone(),
            false => format!("{} and {} negatives", set.name, negatives.len()),
        };
        report.reliability.push(Reliability {
            title,
            bins: calibration::reliability(&placed),
            curve,
        });
    }
    if !rows.is_empty() {
        report.tables.push(Table { title: "confidence, with all negatives".to_owned(), rows });
    }
}
