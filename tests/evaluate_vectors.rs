//! The field's measures against other people's implementations, on random maps.
//!
//! `tests/vectors/make_evaluate.py` writes the references with numpy, scipy, scikit-learn and
//! Pillow.

use std::path::Path;

use serde::Deserialize;
use tyto::align::SimilarityMap;
use tyto::evaluate::grid::{CellBox, Cells, Grid, Region};
use tyto::evaluate::item::{Dataset, Item, Medium, Place, Repairs, Thing, Wanted, shifted};
use tyto::evaluate::metrics::{
    assignment, average_precision, calibration, detection, negative, overlap, place, retrieval,
    segmentation, success,
};
use tyto::evaluate::multi::{self, Reading};
use tyto::evaluate::score_map::ScoreMap;
use tyto::evaluate::stored::Stored;
use tyto::evaluate::{Media, Run};

#[derive(Deserialize)]
struct Vectors {
    singles: Vec<Single>,
    detection: Vec<Detection>,
    numbers: Numbers,
    duets: Vec<Duet>,
}

#[derive(Deserialize)]
struct Single {
    map: Vec<Vec<f32>>,
    boxes: Vec<[f64; 4]>,
    consensus: bool,
    ciou: f64,
    adaptive: f64,
    at_30: f64,
    at_50: f64,
    points: bool,
    pixel_ap: f64,
    confidence: f64,
    mask_iou: f64,
    f_curve: Option<Vec<f64>>,
    pia_at_40: f64,
}

#[derive(Deserialize)]
struct Detection {
    items: Vec<(Option<f64>, f64)>,
    ap: f64,
    max_f1: f64,
    loc_acc: Option<f64>,
}

#[derive(Deserialize)]
struct Numbers {
    values: Vec<f64>,
    auc: f64,
    auc_below: f64,
    third_quartile: f64,
    promises: Vec<(f64, bool)>,
    ece: f64,
    scores: Vec<Vec<f64>>,
    right: Vec<Vec<bool>>,
    recall_at_1_5_10: [f64; 3],
    worth: Vec<Vec<f64>>,
    assigned: Vec<usize>,
}

#[derive(Deserialize)]
struct Duet {
    maps: Vec<Vec<Vec<f32>>>,
    boxes: Vec<[f64; 4]>,
    frame_wise: Vec<f64>,
    cap: Vec<f64>,
    piap: Vec<f64>,
    score_30: Vec<f64>,
    halves: Vec<f64>,
}

fn vectors() -> Vectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/evaluate/metrics.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Two values whose difference is that of a few cells of 50,176 that changed sides: two resizers
/// round their last bits differently, and a cut goes between cells of nearly one score.
#[track_caller]
fn near(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 3e-4, "{what}: {ours}, and it should be {theirs}");
}

#[track_caller]
fn exact(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-9, "{what}: {ours}, and it should be {theirs}");
}

fn cells_of(boxes: &[[f64; 4]]) -> Vec<CellBox> {
    let mut repairs = Repairs::default();
    boxes.iter().map(|corners| repairs.unit_box(*corners, 0.0)).collect()
}

#[test]
fn maps_score_against_boxes_as_numpy_and_sklearn_say() {
    for (n, one) in vectors().singles.iter().enumerate() {
        let (height, width) = (one.map.len(), one.map[0].len());
        let map = SimilarityMap { width, height, values: one.map.concat() };
        let map = ScoreMap::new(&map, Grid::ONE);
        let boxes = cells_of(&one.boxes);
        let region = match one.consensus {
            true => Region::consensus(Grid::ONE, &boxes),
            false => Region::hard(Cells::boxes(Grid::ONE, &boxes)),
        };
        let what = |name: &str| format!("{name} of map {n}");
        near(&what("cIoU"), overlap::half_area_ciou(&map, &region), one.ciou);
        near(&what("adaptive cIoU"), overlap::adaptive_ciou(&map, &region), one.adaptive);
        near(&what("cIoU at 0.3"), overlap::ciou_at_score(&map, &region, 0.3), one.at_30);
        near(&what("cIoU at 0.5"), overlap::ciou_at_score(&map, &region, 0.5), one.at_50);
        assert_eq!(place::points_at(&map, &region), one.points, "{}", what("pointing"));
        let precision = average_precision::average_precision(&map, &region.cells);
        near(&what("pixel AP"), precision, one.pixel_ap);
        near(&what("confidence"), map.mean_of_top(detection::CONFIDENT_SHARE), one.confidence);
        let kept = map.at_least_stretched(0.5);
        near(&what("mask IoU"), segmentation::mask_iou(&kept, &region.cells), one.mask_iou);
        near(&what("pIA"), negative::highlighted(&map.above(0.4)), one.pia_at_40);
        if let Some(theirs) = &one.f_curve {
            let ours = segmentation::f_curve(&map, &region.cells).unwrap();
            let thinned = ours.iter().step_by(20);
            thinned.zip(theirs).for_each(|(a, b)| near(&what("F"), *a, *b));
        }
    }
}

#[test]
fn called_items_have_the_average_precision_of_the_extended_sets_code() {
    for one in vectors().detection {
        let item = |(ciou, confidence): &(Option<f64>, f64)| detection::Detected {
            ciou: *ciou,
            confidence: *confidence,
        };
        let items: Vec<_> = one.items.iter().map(item).collect();
        exact("AP", detection::average_precision(&items).unwrap(), one.ap);
        exact("max F1", detection::max_f1(&items).unwrap(), one.max_f1);
        // Where nothing is in view there is no accuracy in either.
        let ours = detection::localisation_accuracy(&items);
        assert_eq!(ours.is_some(), one.loc_acc.is_some());
        exact("LocAcc", ours.unwrap_or(0.0), one.loc_acc.unwrap_or(0.0));
    }
}

#[test]
fn areas_quartiles_calibration_retrieval_and_matching_agree() {
    let Numbers { values, auc, auc_below, third_quartile, promises, ece, .. } = vectors().numbers;
    exact("AUC", success::auc(&values).unwrap(), auc);
    exact("AUC_N", success::auc_below(&values).unwrap(), auc_below);
    exact("quartile", negative::universal_threshold(&values).unwrap(), third_quartile);
    exact("ECE", calibration::expected_calibration_error(&promises).unwrap(), ece);

    let Numbers { scores, right, recall_at_1_5_10, worth, assigned, .. } = vectors().numbers;
    let rank = |(scores, right): (&Vec<f64>, &Vec<bool>)| retrieval::rank(scores, |i| right[i]);
    let ranks: Vec<usize> = scores.iter().zip(&right).filter_map(rank).collect();
    for (k, theirs) in [1, 5, 10].into_iter().zip(recall_at_1_5_10) {
        exact("recall", retrieval::recall_at(&ranks, k).unwrap(), theirs);
    }
    let ours: Vec<usize> = assignment::hungarian(&worth).into_iter().flatten().collect();
    assert_eq!(ours, assigned);
}

/// One duet, through the same code as the command.
fn duet_scores(one: &Duet, reading: Reading) -> serde_json::Value {
    let source = |map: &Vec<Vec<f32>>| serde_json::json!({"map": map});
    let sources: Vec<_> = one.maps.iter().map(source).collect();
    let row = serde_json::json!({"id": "d", "sources": sources}).to_string();
    let mut stored = Stored::parse(row.as_bytes(), "d.jsonl").unwrap();
    let thing = |(n, corners): (usize, &[f64; 4])| Thing {
        class: format!("thing {n}"),
        place: Place::Boxes(shifted(&cells_of(&[*corners]), n)),
    };
    let item = Item {
        id: "d".to_owned(),
        group: "d".to_owned(),
        part: None,
        class: String::new(),
        pictures: vec![Wanted::named(Medium::Picture, ["a"]); 2],
        sounds: vec![Wanted::named(Medium::Sound, ["a"])],
        sounding: one.boxes.iter().enumerate().map(thing).collect(),
        silent: Vec::new(),
    };
    let set = Dataset { items: vec![item], ..Dataset::default() };
    let (media, mut progress) = (Media::default(), |_: usize, _: usize| ());
    let mut run = Run::new(Some(&mut stored), &media, &mut progress);
    let report = multi::score(&mut run, "duet", &[set], reading).unwrap();
    assert!(report.missing.is_empty());
    serde_json::to_value(
        report.tables[0].rows[0]
            .scores
            .iter()
            .map(|(m, v)| (m.key, *v))
            .collect::<std::collections::HashMap<_, _>>(),
    )
    .unwrap()
}

#[test]
fn several_sources_score_in_each_reading_as_scipy_matches_them() {
    let mean = |values: &[f64]| 100.0 * values.iter().sum::<f64>() / values.len() as f64;
    for one in &vectors().duets {
        let frame = duet_scores(one, Reading::FrameWise);
        let of = |scores: &serde_json::Value, key: &str| scores[key].as_f64().unwrap() / 100.0;
        near("frame-wise", of(&frame, "mean_of_sources"), mean(&one.frame_wise) / 100.0);
        near("CAP", of(&frame, "cap"), mean(&one.cap) / 100.0);
        near("PIAP", of(&frame, "piap"), mean(&one.piap) / 100.0);
        let score = duet_scores(one, Reading::Score(0.3));
        near("score", of(&score, "mean_of_sources"), mean(&one.score_30) / 100.0);
        let halves = duet_scores(one, Reading::Halves);
        near("halves", of(&halves, "mean_of_sources"), mean(&one.halves) / 100.0);
    }
}
