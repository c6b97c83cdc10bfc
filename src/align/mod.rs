//! Where picture and sound meet: the similarity map, the sources in it, and whether they are in view.

mod explain;
mod focus;
mod map;
mod several;
mod spare;
#[cfg(test)]
mod tests;
mod whole;

pub use explain::MOST;

use std::sync::Arc;

pub(crate) use explain::dot;
use explain::{Found, Part, Space, explain, normalised};
use several::All;
use spare::Spare;

use crate::encode::{Calibration, ImageMap, Label, Pack, SoundVector};

/// How much each place of the picture agrees with a sound: the cosine of their vectors.
#[derive(Debug, Default, PartialEq)]
pub struct SimilarityMap {
    /// Places across.
    pub width: usize,
    /// Places down.
    pub height: usize,
    /// Cosines in −1..1, row by row from the top.
    pub values: Vec<f32>,
}

/// By hand, so that a copy into a map that is there uses its buffer.
impl Clone for SimilarityMap {
    fn clone(&self) -> Self {
        SimilarityMap { values: self.values.clone(), ..*self }
    }

    fn clone_from(&mut self, other: &Self) {
        (self.width, self.height) = (other.width, other.height);
        self.values.clone_from(&other.values);
    }
}

/// One thing that sounds, as one look finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What it is called: the name of the pack's label that explains the sound best.
    pub label: Arc<str>,
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
    /// Their names, as sources bear them.
    names: Vec<Arc<str>>,
    /// The labels' prototypes scaled to length 1.
    prototypes: Vec<Vec<f32>>,
    /// Dimensions that stand for families.
    families: Vec<usize>,
    /// How much each dimension of a sound says of where to look; empty if all say the same.
    weights: Vec<f32>,
    /// The same of each label: of the dimension that is most its own.
    tells: Vec<f32>,
    space: Space,
    /// Whether the pack has no labels: then every sound is one source under the one name.
    nameless: bool,
    calibration: Calibration,
    spare: Spare,
}

/// What the whole of a sound says about a picture, in one map.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The map of the whole sound.
    pub map: SimilarityMap,
    /// What the picture bears out best, if any label explains the sound.
    pub label: Option<String>,
    /// Probability that this sounds in the picture, 0..1, in view or not.
    pub confidence: f32,
    /// Whether it is in view.
    pub on_screen: bool,
}

/// Beside a better label that cannot be seen, one that can must fit at least this well, as a
/// part of how well the better one does, to be believed.
const RIVAL: f32 = 0.75;

impl Aligner {
    /// An aligner with the labels and the calibration of `pack`.
    pub fn new(pack: &Pack) -> Aligner {
        let labels = pack.labels.labels.clone();
        let mut spare = Spare::default();
        let unit = |label: &Label| normalised(&label.prototype, &mut spare).unwrap_or_default();
        let prototypes: Vec<Vec<f32>> = labels.iter().map(unit).collect();
        let names = labels.iter().map(|label| label.name.as_str().into()).collect();
        let families = pack.labels.families.clone();
        let weights = pack.labels.weights.clone();
        let own = |prototype: &Vec<f32>| {
            let particular = prototype.iter().enumerate().filter(|(i, _)| !families.contains(i));
            particular.max_by(|a, b| a.1.total_cmp(b.1)).map(|(dimension, _)| dimension)
        };
        let tell = |prototype| own(prototype).and_then(|i| weights.get(i)).copied().unwrap_or(1.0);
        let tells = prototypes.iter().map(tell).collect();
        let manifest = &pack.manifest;
        Aligner {
            labels,
            names,
            prototypes,
            families,
            weights,
            tells,
            space: if manifest.signed { Space::Signed } else { Space::Amounts },
            nameless: manifest.labels.is_none(),
            calibration: manifest.calibration.clone(),
            spare,
        }
    }

    /// Finds the things that sound, at most [`MOST`], the one that explains the sound best first.
    ///
    /// Several things are told apart where sound and picture together name them, unless the sound
    /// as a whole is likelier one that cannot be seen, as noise is. For each label
    /// that can be seen and names one kind of thing, the root of its score, weighed twice by how
    /// much its dimension says of where to look, times the third power of the highest cosine that
    /// its prototype has in the picture: the highest two or three of these, each 0.03 or above
    /// (0.09 beside one that shares a family), of no kin, more than a cell and a tenth of the map
    /// apart, and with at least 0.1 at their places in the map of the whole sound, are sources in
    /// view, each with its prototype's map.
    /// Otherwise there is one source, named by the best label that can be seen if it fits about as
    /// well as the best (else by the best), and its map is that of the whole sound.
    ///
    /// One source is in view if its label can be seen, was heard with 0.1 or above, and its map
    /// peaks at the pack's `on_screen` cosine or above; but a label that is sure (heard with
    /// `sure_label` or above) must be borne out by itself: a bark does not come from the cat
    /// because both are animals. Then the mean over a sixth of a map without the families'
    /// dimensions must be as high somewhere, too; of so few dimensions one cell is easily high.
    /// Twice as much is asked where a label is beyond doubt (0.9 or above) and nothing of its own
    /// is seen: the little else that such a sound raises is no source.
    ///
    /// The confidence of a source in view is the pack's logistic curve at its map's peak, or at that
    /// of the one without families if it is lower and the label sure (of one of several: at what
    /// the map of the whole sound shows at its place); of one out of view, its label score. Without a picture (`None`, or one of another width than the sound's) nothing
    /// is in view and the map is empty. A sound that no label explains gives no source.
    ///
    /// In a pack without labels every sound is one source under the pack's one name, with a label
    /// score of 1, in view by the peak of its map alone.
    pub fn look(&mut self, image: Option<&ImageMap>, sound: &SoundVector) -> Vec<Source> {
        let mut sources = Vec::new();
        self.look_again(image, sound, &mut sources);
        sources
    }

    /// The same into `sources`, whose maps are used again: after the first looks this calls for
    /// no memory.
    pub fn look_again(
        &mut self,
        image: Option<&ImageMap>,
        sound: &SoundVector,
        sources: &mut Vec<Source>,
    ) {
        let mut spare = std::mem::take(&mut self.spare);
        sources.drain(..).for_each(|source| spare.give(source.map.values));
        let image = image.filter(|image| image.dim == sound.embedding.len());
        let scores = self.scores(sound, &mut spare);
        let label = self.likeliest(&sound.embedding, &scores, &mut spare);
        let several = match (image, label) {
            (Some(image), Some(label)) if self.labels[label].visible => {
                self.told_apart(image, &sound.embedding, &scores, &mut spare)
            }
            _ => All::new(),
        };
        if several.is_empty() {
            sources.extend(label.map(|label| {
                self.whole_source(image, &sound.embedding, label, &scores, &mut spare).0
            }));
        } else {
            sources.extend(several);
        }
        spare.give(scores);
        self.spare = spare;
    }

    /// One answer for a picture and a sound of which one source is expected: the map of the whole
    /// sound, kept to its peak's like, and what is said of it under the likeliest label. Without
    /// any source the confidence is 0.
    pub fn answer(&mut self, image: &ImageMap, sound: &SoundVector) -> Answer {
        let mut spare = std::mem::take(&mut self.spare);
        let scores = self.scores(sound, &mut spare);
        let label = self.likeliest(&sound.embedding, &scores, &mut spare);
        let one = label.map(|label| {
            self.whole_source(Some(image), &sound.embedding, label, &scores, &mut spare)
        });
        let answer = match one {
            Some((source, strength)) => Answer {
                map: source.map,
                confidence: self.confidence(strength),
                on_screen: source.on_screen,
                label: Some(source.label.to_string()),
            },
            None => Answer {
                map: self.map(image, &sound.embedding, &mut spare),
                label: None,
                confidence: 0.0,
                on_screen: false,
            },
        };
        spare.give(scores);
        self.spare = spare;
        answer
    }

    /// The label of a sound that is one thing: the best, or one that can be seen and fits about as
    /// well. None if no label explains the sound.
    fn likeliest(&self, sound: &[f32], scores: &[f32], spare: &mut Spare) -> Option<usize> {
        let unit = normalised(sound, spare)?;
        let whole = match self.space {
            Space::Amounts => sound,
            Space::Signed => &unit,
        };
        let found = if self.nameless {
            Found::from_iter([Part { label: 0, fit: 1.0 }])
        } else {
            explain(self.space, whole, &self.prototypes, scores, spare)
        };
        spare.give(unit);
        // What is found are indices of labels.
        let first = found.first()?;
        let fits = |part: &Part| part.fit >= RIVAL * first.fit;
        let believed = found.iter().find(|part| self.labels[part.label].visible && fits(part));
        Some(believed.unwrap_or(first).label)
    }

    fn source(
        &self,
        label: usize,
        label_score: f32,
        map: SimilarityMap,
        on_screen: bool,
        confidence: f32,
        spare: &mut Spare,
    ) -> Source {
        Source {
            label: Arc::clone(&self.names[label]),
            label_score,
            confidence,
            on_screen,
            peak: map.peak().0,
            extent: map.extent_with(spare),
            map,
        }
    }

    /// Whether each dimension is an amount of something that has a name. Only then do a few of
    /// them say what a place shows; a feature behind a ReLU means nothing by itself.
    fn dimensions_have_names(&self) -> bool {
        self.space == Space::Amounts && !self.nameless
    }

    /// The map of `sound`, weighed by what its dimensions say of where to look; where dimensions
    /// have names, kept to what looks like its peak.
    fn map(&self, image: &ImageMap, sound: &[f32], spare: &mut Spare) -> SimilarityMap {
        let weighed = self.weighed(sound, spare);
        let mut map = cosines(image, &weighed, spare);
        if self.dimensions_have_names() {
            map = focus::focus(map, image, &weighed, &self.families, spare);
        }
        spare.give(weighed);
        map
    }

    /// The same, kept to nothing. Its highest cell is the same.
    fn weighed_cosines(&self, image: &ImageMap, sound: &[f32], spare: &mut Spare) -> SimilarityMap {
        let weighed = self.weighed(sound, spare);
        let map = cosines(image, &weighed, spare);
        spare.give(weighed);
        map
    }

    fn weighed(&self, sound: &[f32], spare: &mut Spare) -> Vec<f32> {
        let mut weighed = spare.copy(sound);
        weighed.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        weighed
    }

    /// How well each label was heard, 0..1: the strongest of the tags that speak for it. In a pack
    /// without tags, the cosine of prototype and sound; in one without labels, 1.
    fn scores(&self, sound: &SoundVector, spare: &mut Spare) -> Vec<f32> {
        let length = dot(&sound.embedding, &sound.embedding).sqrt().max(f32::MIN_POSITIVE);
        let score = |(label, prototype): (&Label, &Vec<f32>)| {
            let score = if self.nameless {
                1.0
            } else if sound.tags.is_empty() {
                dot(prototype, &sound.embedding) / length
            } else {
                let heard = |(tag, weight): &(usize, f32)| {
                    sound.tags.get(*tag).map_or(0.0, |score| weight * score)
                };
                label.sounds.iter().map(heard).fold(0.0, f32::max)
            };
            score.clamp(0.0, 1.0)
        };
        let mut scores = spare.empty(self.labels.len());
        scores.extend(self.labels.iter().zip(&self.prototypes).map(score));
        scores
    }

    /// How well that label was heard, of those that can be seen, which was heard best, 0..1.
    pub fn clearest(&mut self, sound: &SoundVector) -> f32 {
        let mut spare = std::mem::take(&mut self.spare);
        let scores = self.scores(sound, &mut spare);
        let visible = self.labels.iter().zip(&scores).filter(|(label, _)| label.visible);
        let clearest = visible.map(|(_, score)| *score).fold(0.0, f32::max);
        spare.give(scores);
        self.spare = spare;
        clearest
    }

    /// The map of the whole sound: `A[y, x] = <v[:, y, x], a>` with both sides scaled to length 1
    /// over the channels.
    pub fn similarity(&self, image: &ImageMap, sound: &SoundVector) -> SimilarityMap {
        cosines(image, &sound.embedding, &mut Spare::default())
    }

    /// The probability that belongs to a strength.
    fn confidence(&self, strength: f32) -> f32 {
        let [slope, offset] = self.calibration.confidence;
        self.calibration.ceiling / (1.0 + (-(slope * strength + offset)).exp())
    }

    /// Whether the pack has labels, so that one sound can be told from another by name.
    pub fn knows_names(&self) -> bool {
        !self.nameless
    }

    /// Whether a sound of this level (RMS, dB below full scale) is taken for silence.
    pub fn is_silent(&self, level_dbfs: f32) -> bool {
        level_dbfs < self.calibration.sound_floor_dbfs
    }
}

/// Cosine of each place's vector with `sound`; 0 where either is the zero vector.
fn cosines(image: &ImageMap, sound: &[f32], spare: &mut Spare) -> SimilarityMap {
    let cells = image.width * image.height;
    let mut out = spare.map(image.width, image.height);
    let Some(unit) = normalised(sound, spare) else { return out };
    let mut squares = spare.zeros(cells);
    for (channel, a) in image.values.chunks_exact(cells.max(1)).zip(&unit) {
        for ((sum, square), v) in out.values.iter_mut().zip(&mut squares).zip(channel) {
            *sum += a * v;
            *square += v * v;
        }
    }
    for (value, square) in out.values.iter_mut().zip(&squares) {
        *value = if *square > 0.0 { (*value / square.sqrt()).clamp(-1.0, 1.0) } else { 0.0 };
    }
    spare.give_all([unit, squares]);
    out
}
