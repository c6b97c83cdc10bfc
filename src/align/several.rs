//! Several things at once: each heard and seen at a place of its own.

use super::explain::{KIN, MOST, dot};
use super::spare::Spare;
use super::{Aligner, Source};
use crate::encode::ImageMap;

/// The sources of one look.
pub(super) type All = heapless::Vec<Source, MOST>;

/// Peaks at most a cell, or this part of the map, apart along both axes are one place.
const SAME_PLACE: f32 = 0.1;

/// Each of several things at once must be heard and seen at least this well together. A second
/// sound is heard faintly (a score of 0.02 is common), and what is seen decides.
const TOGETHER: f32 = 0.03;

/// Relatives, which share a family, sound alike: beside one found each must be heard and seen this
/// many times as well.
const RELATIVE: f32 = 3.0;

/// What the picture shows at its best place counts by this power beside the root of the score.
const SEEN: i32 = 3;

/// Where one of several things is, the map of the whole sound must show this much.
const TRACE: f32 = 0.1;

impl Aligner {
    /// The sources that are heard and seen at places of their own; none if they are less than two.
    pub(super) fn told_apart(
        &self,
        image: &ImageMap,
        sound: &[f32],
        scores: &[f32],
        spare: &mut Spare,
    ) -> All {
        let whole = self.weighed_cosines(image, sound, spare);
        let shown = |cell: usize| whole.values.get(cell).copied().unwrap_or(0.0);
        // How well each label is heard and seen together, and the cell where it is seen.
        let mut together = spare.zeros(self.labels.len());
        let mut cells = spare.zeros(self.labels.len());
        for (index, (label, score)) in self.labels.iter().zip(scores).enumerate() {
            let heard = score.max(0.0).sqrt() * self.tells[index].powi(2);
            // The highest cosine is 1.
            if self.nameless || !label.visible || label.general || heard < TOGETHER {
                continue;
            }
            let seen = self.weighed_cosines(image, &self.prototypes[index], spare);
            if let Some((cell, peak)) = seen.highest()
                && shown(cell) >= TRACE
            {
                together[index] = heard * peak.max(0.0).powi(SEEN);
                cells[index] = cell as f32;
            }
            spare.give(seen.values);
        }
        let near = (SAME_PLACE * image.width.max(image.height) as f32).max(1.0) as usize;
        let mut found: heapless::Vec<(usize, usize), MOST> = heapless::Vec::new();
        for _ in 0..MOST {
            let beside = |label: usize, cell: usize, fit: f32| {
                found.iter().all(|&(other, place)| {
                    dot(&self.prototypes[other], &self.prototypes[label]) < KIN
                        && cells_apart(image.width, place, cell) > near
                        && (fit >= RELATIVE * TOGETHER || !self.related(other, label))
                })
            };
            let best = together
                .iter()
                .zip(&cells)
                .enumerate()
                .map(|(label, (fit, cell))| (label, *cell as usize, *fit))
                .filter(|&(label, cell, fit)| fit >= TOGETHER && beside(label, cell, fit))
                .max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.cmp(&a.0)));
            let Some((label, cell, _)) = best else { break };
            // There is room for as many as are looked for.
            let _ = found.push((label, cell));
        }
        let source = |&(label, cell): &(usize, usize)| {
            let map = self.map(image, &self.prototypes[label], spare);
            let confidence = self.confidence(shown(cell));
            self.source(label, scores[label], map, true, confidence, spare)
        };
        let all = if found.len() > 1 { found.iter().map(source).collect() } else { All::new() };
        spare.give_all([together, cells, whole.values]);
        all
    }

    /// Whether two labels share a family.
    fn related(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.prototypes[a], &self.prototypes[b]);
        // A loaded pack names no family beyond the width of the space.
        self.families.iter().any(|&family| a[family] > 0.0 && b[family] > 0.0)
    }
}

/// How many cells lie between two cells of a map of this width, along the axis where they are
/// further apart.
fn cells_apart(width: usize, a: usize, b: usize) -> usize {
    let width = width.max(1);
    (a % width).abs_diff(b % width).max((a / width).abs_diff(b / width))
}
