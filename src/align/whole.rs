//! The sound as a whole: one source, and whether the picture bears it out.

use super::spare::Spare;
use super::{Aligner, SimilarityMap, Source};
use crate::encode::{ImageMap, Label};

/// A label heard less than this is hearsay and points nowhere: in brown noise YAMNet hears
/// breathing, at 0.096.
const HEARSAY: f32 = 0.1;

/// A label heard this well is beyond doubt. If nothing of its own is in the picture, to half of
/// what puts a sound in view, the little else that was heard with it puts it there only where it
/// is seen twice as well as would do otherwise.
const DOUBTLESS: f32 = 0.9;

impl Aligner {
    /// The source of the whole of a sound, and how well the picture bears it out, in cosine.
    pub(super) fn whole_source(
        &self,
        image: Option<&ImageMap>,
        sound: &[f32],
        label: usize,
        scores: &[f32],
        spare: &mut Spare,
    ) -> (Source, f32) {
        // There is a score for each label, also for the one of a pack without labels.
        let score = scores[label];
        let Label { visible, general, .. } = self.labels[label];
        let map = image.map_or_else(SimilarityMap::default, |image| self.map(image, sound, spare));
        let peak = |map: &SimilarityMap| map.highest().map_or(0.0, |(_, value)| value);
        let heard = visible && score >= HEARSAY;
        let mut strength = if heard { peak(&map) } else { 0.0 };
        let mut borne = strength;
        let mut needed = self.calibration.on_screen;
        if let Some(image) = image
            && !general
            && score >= self.calibration.sure_label
            && !self.families.is_empty()
        {
            let mut particular = spare.copy(sound);
            // A loaded pack names no family beyond the width of the space.
            self.families.iter().for_each(|dimension| particular[*dimension] = 0.0);
            let map = self.weighed_cosines(image, &particular, spare);
            borne = borne.min(map.broad_peak(spare));
            strength = strength.min(peak(&map));
            spare.give_all([particular, map.values]);
            if score >= DOUBTLESS {
                let mut own = spare.copy(&self.prototypes[label]);
                self.families.iter().for_each(|dimension| own[*dimension] = 0.0);
                let map = self.weighed_cosines(image, &own, spare);
                if peak(&map) < 0.5 * needed {
                    needed *= 2.0;
                }
                spare.give_all([own, map.values]);
            }
        }
        let on_screen = image.is_some() && heard && borne >= needed;
        let confidence = if on_screen { self.confidence(strength) } else { score };
        (self.source(label, score, map, on_screen, confidence, spare), strength)
    }
}
