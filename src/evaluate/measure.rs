//! The names of everything that is measured, in the order of a report's columns.

/// One measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its key in JSON.
    pub key: &'static str,
    /// Its column in Markdown.
    pub title: &'static str,
    /// What it is, in a line.
    pub meaning: &'static str,
    /// Whether it is a share, reported in percent.
    pub percent: bool,
}

/// What was measured, in the order of the columns.
pub type Scores = Vec<(Measure, f64)>;

/// Declares the measures: a share in percent unless it says `number`.
macro_rules! measures {
    ($($name:ident $key:literal $title:literal $meaning:literal $($number:ident)?;)+) => {
        $(
            #[doc = $meaning]
            pub const $name: Measure = Measure {
                key: $key,
                title: $title,
                meaning: $meaning,
                percent: !measures!(@ $($number)?),
            };
        )+
        /// All of them.
        pub const ALL: &[Measure] = &[$($name),+];
    };
    (@ number) => { true };
    (@) => { false };
}

measures! {
    CIOU "ciou" "cIoU" "items with cIoU ≥ 0.5, the map cut at its median";
    ADAPTIVE "adaptive" "adap" "items with cIoU ≥ 0.5, the map cut at its top |G| cells";
    MEAN "mean" "mean" "mean cIoU, the map cut at its median";
    MEAN_ADAPTIVE "mean_adaptive" "mean adap" "mean cIoU, the map cut at its top |G| cells";
    AUC "auc" "AUC" "area under the share of items over cIoU thresholds 0, 0.05 … 1";
    AUC_ADAPTIVE "auc_adaptive" "AUC adap" "the same of adaptive cIoU";
    POINTING "pointing" "point" "items whose map is highest inside the truth";
    WHICH "which" "which" "items whose map is higher inside the truth than inside every silent thing";
    IIOU "iiou" "IIoU" "pictures of which every source has cIoU ≥ 0.5";
    IIOU_ADAPTIVE "iiou_adaptive" "IIoU adap" "pictures of which every source has adaptive cIoU ≥ 0.5";
    IAUC "iauc" "IAUC" "AUC of the least cIoU of each picture's sources";
    IAUC_ADAPTIVE "iauc_adaptive" "IAUC adap" "AUC of the least adaptive cIoU of each picture's sources";
    IOU_AT_30 "iou_at_score_30" "IoU@s.3" "mean cIoU of what scores ≥ 0.3 on the map stretched to 0..1";
    IOU_AT_50 "iou_at_score_50" "IoU@s.5" "mean cIoU of what scores ≥ 0.5 on the map stretched to 0..1";
    AP_PIXEL "pixel_ap" "pixel AP" "mean average precision of the map's cells against the truth's";
    MIOU "miou" "mIoU" "mean IoU of the stretched map cut at 0.5 with the mask; of an empty mask, the share left out";
    F_SCORE "f_score" "F" "highest mean F (β² = 0.3) over 255 thresholds of the stretched map";
    AP "ap" "AP" "average precision of calling items by the mean of their map's top quarter";
    MAX_F1 "max_f1" "max F1" "highest F1 of the same";
    AP_OWN "ap_own" "AP own" "average precision of calling items by the system's own confidence";
    MAX_F1_OWN "max_f1_own" "max F1 own" "highest F1 of the same";
    LOC_ACC "loc_acc" "LocAcc" "items in view with cIoU above 0.5";
    CIOU_AT_10 "ciou_at_10" "CIoU@0.1" "sources whose overlap reaches 0.1";
    CIOU_AT_30 "ciou_at_30" "CIoU@0.3" "sources whose overlap reaches 0.3";
    CIOU_AT_50 "ciou_at_50" "CIoU@0.5" "sources whose overlap reaches 0.5";
    MEAN_OF_SOURCES "mean_of_sources" "mean CIoU" "mean overlap of sources";
    CAP "cap" "CAP" "pixel average precision of the matched maps, mean over an item's sources, then over items";
    PIAP "piap" "PIAP" "pixel average precision of sources under the best matching by it";
    POSITIVE "positive_ciou" "cIoU@u" "mean cIoU of the true sound's map cut at the universal threshold";
    POSITIVE_AUC "positive_auc" "AUC@u" "AUC of the same";
    PIA_SILENCE "pia_silence" "pIA silence" "share of the picture above the universal threshold, with silence";
    PIA_NOISE "pia_noise" "pIA noise" "the same with white noise";
    PIA_OFF "pia_off_screen" "pIA off" "the same with another item's sound of another class";
    AUC_N "auc_n" "AUC_N" "area under the share of negatives whose pIA is at most 0, 0.05 … 1";
    F_LOC "f_loc" "F_LOC" "harmonic mean of cIoU@u and of what negatives leave out";
    F_AUC "f_auc" "F_AUC" "harmonic mean of AUC@u and AUC_N";
    SAME "same_map" "same" "IoU of the cells above u of the true and the off-screen sound: high if sound is ignored";
    THRESHOLD "universal_threshold" "u" "the universal threshold: third quartile of the negatives' highest scores" number;
    RECALL "recall" "on" "items in view that are called on screen";
    FALSE_ON "false_on_screen" "false on" "items not in view that are called on screen";
    FALSE_AT_90 "false_on_screen_at_90" "false@90" "items not in view called on screen at the threshold where 90 % of the others are";
    ECE "ece" "ECE" "expected calibration error: confidence against \"the peak is inside the truth\"";
    ECE_VIEW "ece_in_view" "ECE view" "expected calibration error: confidence against \"the source is in the picture\"";
    BOTH "both" "both" "mixtures of which both sources are found inside their own boxes by different reported sources";
    ONE "at_least_one" "≥ one" "mixtures of which at least one source is found inside its box";
    CLEAN "both_clean" "both, no stray" "mixtures of which both are found and nothing is reported elsewhere";
    SILENT "silent_hit" "silent hit" "mixtures with a source reported inside a silent thing's box, of those with silent things";
    REPORTED "sources_reported" "reported" "sources reported in view, mean" number;
    R1 "r_at_1" "R@1" "queries with a right answer first";
    R5 "r_at_5" "R@5" "queries with a right answer among the first 5";
    R10 "r_at_10" "R@10" "queries with a right answer among the first 10";
    MEDIAN_RANK "median_rank" "median rank" "median rank of the best right answer" number;
}

/// Adds a share as percent, if there is one.
pub fn add(scores: &mut Scores, measure: Measure, value: Option<f64>) {
    let factor = if measure.percent { 100.0 } else { 1.0 };
    scores.extend(value.map(|value| (measure, value * factor)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_and_titles_are_unique() {
        let keys: HashSet<_> = ALL.iter().map(|measure| measure.key).collect();
        let titles: HashSet<_> = ALL.iter().map(|measure| measure.title).collect();
        assert_eq!((keys.len(), titles.len()), (ALL.len(), ALL.len()));
    }
}
