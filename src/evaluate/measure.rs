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
