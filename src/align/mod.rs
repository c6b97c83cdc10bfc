//! Where picture and sound meet: the similarity map, the sources in it, and whether they are in view.

mod explain;
mod map;
#[cfg(test)]
mod tests;

pub use explain::MOST;

use explain::{Part, dot, explain, normalised};

use crate::encode::{Calibration, ImageMap, Label, Pack, SoundVector};

/// How much each place of the picture agrees with a sound: the cosine of their vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SimilarityMap {
    /// Places across.
    pub width: usize,
    /// Places down.
    pub height: usize,
    /// Cosines in −1..1, row by row from the top.
    pub values: Vec<f32>,
}

/// One thing that sounds, as one look finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What it is called: the name of the pack's label that explains the sound best.
    pub label: String,
    /// How sure the ear is of the label, 0..1.
    pub label_score: f32,
    /// Probability that this thing sounds at this place, 0..1, calibrated on held-out pairs.
    /// For a source out of view: the probability that it is heard at all.
    pub confidence: f32,
    /// Whether the picture holds the thing.
    pub on_screen: bool,
    /// The similarity map of this source alone.
    pub map: SimilarityMap,
    /// Where the map is highest, x and y in 0..1 of the picture, sub-cell.
    pub peak: [f32; 2],
    /// The part of the picture that stands out: x0, y0, x1, y1 in 0..1.
    pub extent: [f32; 4],
}

/// Looks for the things that sound. Holds what it needs of a pack: labels and calibration.
pub struct Aligner {
    labels: Vec<Label>,
    calibration: Calibration,
    /// Distinct prototypes scaled to length 1, each with the labels that share it.
    prototypes: Vec<Vec<f32>>,
    sharers: Vec<Vec<usize>>,
}

/// Labels whose prototypes agree to this cosine name the same kind of thing; only the tags can
/// tell them apart (Speech, Laughter).
const SAME: f32 = 0.9999;

impl Aligner {
    /// An aligner with the labels and the calibration of `pack`.
    pub fn new(pack: &Pack) -> Aligner {
        let (mut prototypes, mut sharers) = (Vec::<Vec<f32>>::new(), Vec::<Vec<usize>>::new());
        for (i, label) in pack.labels.labels.iter().enumerate() {
            // A pack that was loaded has no zero prototype.
            let Some(unit) = normalised(&label.prototype) else { continue };
            match prototypes.iter().position(|other| dot(other, &unit) > SAME) {
                Some(same) => sharers[same].push(i),
                None => {
                    prototypes.push(unit);
                    sharers.push(vec![i]);
                }
            }
        }
        let (labels, calibration) = (pack.labels.labels.clone(), pack.manifest.calibration.clone());
        Aligner { labels, calibration, prototypes, sharers }
    }

    /// Finds the things that sound, at most [`MOST`], the strongest in the sound first.
    ///
    /// The sound's vector is explained by few prototypes (see `explain`); each part of it is
    /// compared with the picture for a map of its own. A source is in view if its label can be
    /// seen and its map peaks at the pack's `on_screen` cosine or above; its confidence is the
    /// pack's logistic curve at that peak. For a source out of view the confidence is its label
    /// score. Without a picture (`None`, or one of another width than the sound's) nothing is in
    /// view and the maps are empty.
    pub fn look(&mut self, image: Option<&ImageMap>, sound: &SoundVector) -> Vec<Source> {
        let parts = explain(&sound.embedding, &self.prototypes);
        parts.iter().map(|part| self.source(image, sound, part)).collect()
    }

    fn source(&self, image: Option<&ImageMap>, sound: &SoundVector, part: &Part) -> Source {
        let (label, label_score) = self.name(part, &sound.tags);
        let image = image.filter(|image| image.dim == part.embedding.len());
        let map =
            image.map_or_else(SimilarityMap::default, |image| cosines(image, &part.embedding));
        let (peak, value) = map.peak();
        let c = &self.calibration;
        let on_screen = !map.values.is_empty() && label.visible && value >= c.on_screen;
        let [slope, offset] = c.confidence;
        let there = 1.0 / (1.0 + (-(slope * value + offset)).exp());
        Source {
            label: label.name.clone(),
            label_score,
            confidence: if on_screen { there } else { label_score },
            on_screen,
            peak,
            extent: map.extent(),
            map,
        }
    }

    /// Of the labels that share the part's prototype, the one that the tags speak for most.
    fn name(&self, part: &Part, tags: &[f32]) -> (&Label, f32) {
        let score = |label: &Label| {
            if label.sounds.is_empty() || tags.is_empty() {
                return part.weight.min(1.0);
            }
            let heard = |(tag, weight): &(usize, f32)| tags.get(*tag).map_or(0.0, |t| t * weight);
            label.sounds.iter().map(heard).fold(0.0, f32::max).clamp(0.0, 1.0)
        };
        let mut best: Option<(&Label, f32)> = None;
        for label in self.sharers[part.prototype].iter().map(|i| &self.labels[*i]) {
            let score = score(label);
            if best.is_none_or(|(_, top)| score > top) {
                best = Some((label, score));
            }
        }
        best.unwrap_or((&self.labels[0], 0.0))
    }

    /// The map of the whole sound: `A[y, x] = <v[:, y, x], a>` with both sides scaled to length 1
    /// over the channels.
    pub fn similarity(&self, image: &ImageMap, sound: &SoundVector) -> SimilarityMap {
        cosines(image, &sound.embedding)
    }

    /// Whether a sound of this level is taken for silence.
    pub fn is_silent(&self, level_dbfs: f32) -> bool {
        level_dbfs < self.calibration.sound_floor_dbfs
    }
}

/// Cosine of each place's vector with `sound`; 0 where either is the zero vector.
fn cosines(image: &ImageMap, sound: &[f32]) -> SimilarityMap {
    let cells = image.width * image.height;
    let mut out =
        SimilarityMap { width: image.width, height: image.height, values: vec![0.0; cells] };
    let Some(unit) = normalised(sound) else { return out };
    let mut squares = vec![0f32; cells];
    for (channel, a) in image.values.chunks_exact(cells.max(1)).zip(&unit) {
        for ((sum, square), v) in out.values.iter_mut().zip(&mut squares).zip(channel) {
            *sum += a * v;
            *square += v * v;
        }
    }
    for (value, square) in out.values.iter_mut().zip(&squares) {
        *value = if *square > 0.0 { (*value / square.sqrt()).clamp(-1.0, 1.0) } else { 0.0 };
    }
    out
}
