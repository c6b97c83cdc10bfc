//! Where picture and sound meet: the similarity map, the sources in it, and whether they are in view.

mod explain;
mod focus;
mod map;
mod spare;
#[cfg(test)]
mod tests;

pub use explain::MOST;

use std::sync::Arc;

pub(crate) use explain::dot;
use explain::{Found, Part, Space, explain, normalised, own_parts};
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

/// A source and how well the picture bears it out, in cosine.
type Borne = (Source, f32);

/// The sources of one look.
type All = heapless::Vec<Borne, MOST>;

/// The one source of a look.
fn only(source: Borne) -> All {
    All::from_iter([source])
}

/// A label heard less than this is hearsay and points nowhere: in brown noise YAMNet hears
/// breathing, at 0.096.
const HEARSAY: f32 = 0.1;

/// Beside a better label that cannot be seen, one that can must fit at least this well, as a
/// part of how well the better one does, to be believed.
const RIVAL: f32 = 0.75;

/// Peaks at most a cell, or this part of the map, apart along both axes are one place.
const SAME_PLACE: f32 = 0.1;

impl Aligner {
    /// An aligner with the labels and the calibration of `pack`.
    pub fn new(pack: &Pack) -> Aligner {
        let labels = pack.labels.labels.clone();
        let mut spare = Spare::default();
        let unit = |label: &Label| normalised(&label.prototype, &mut spare).unwrap_or_default();
        let prototypes = labels.iter().map(unit).collect();
        let names = labels.iter().map(|label| label.name.as_str().into()).collect();
        let families = pack.labels.families.clone();
        let manifest = &pack.manifest;
        Aligner {
            labels,
            names,
            prototypes,
            families,
            weights: pack.labels.weights.clone(),
            space: if manifest.signed { Space::Signed } else { Space::Amounts },
            nameless: manifest.labels.is_none(),
            calibration: manifest.calibration.clone(),
            spare,
        }
    }

    /// Finds the things that sound, at most [`MOST`], the one that explains the sound best first.
    ///
    /// Several things are told apart only where the picture bears it out: each is in view by its
    /// own part of the sound, and the peaks are further apart than a cell and a tenth of the map.
    /// Otherwise there is one source, named by the best label that can be seen if it fits about as
    /// well as the best (else by the best), and its map is that of the whole sound, which a wrong
    /// second label cannot spoil.
    ///
    /// A source is in view if its label can be seen and the picture bears it out with the pack's
    /// `on_screen` cosine or above. That strength is what stands out of its map (the highest mean
    /// over a sixth of it), or nothing if the label cannot be seen or was heard with less than 0.1;
    /// but a label that is sure (heard with `sure_label` or above) must be borne out by itself: a
    /// bark does not come from the cat because both are animals. Then a map without the families'
    /// dimensions must stand out as much.
    ///
    /// The confidence of a source in view is the pack's logistic curve at its strength; of one out
    /// of view, its label score. Without a picture (`None`, or one of another width than the
    /// sound's) nothing is in view and the map is empty. A sound that no label explains gives no
    /// source.
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
        sources.extend(self.borne(image, sound, &mut spare).into_iter().map(|(source, _)| source));
        self.spare = spare;
    }

    /// One answer for a picture and a sound of which one source is expected: the map of the whole
    /// sound, kept to its peak's like, and of the sources that [`look`](Self::look) finds the one
    /// that the picture bears out best. Without any source the confidence is 0.
    pub fn answer(&mut self, image: &ImageMap, sound: &SoundVector) -> Answer {
        let mut spare = std::mem::take(&mut self.spare);
        let map = self.map(image, &sound.embedding, &mut spare);
        let borne = self.borne(Some(image), sound, &mut spare);
        self.spare = spare;
        match borne.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((source, strength)) => Answer {
                map,
                confidence: self.confidence(strength),
                on_screen: source.on_screen,
                label: Some(source.label.to_string()),
            },
            None => Answer { map, label: None, confidence: 0.0, on_screen: false },
        }
    }

    fn borne(&self, image: Option<&ImageMap>, sound: &SoundVector, spare: &mut Spare) -> All {
        let image = image.filter(|image| image.dim == sound.embedding.len());
        let Some(unit) = normalised(&sound.embedding, spare) else { return All::new() };
        if self.nameless {
            spare.give(unit);
            return only(self.source(image, &sound.embedding, 0, 1.0, spare));
        }
        let scores = self.scores(sound, &unit, spare);
        let whole = match self.space {
            Space::Amounts => &sound.embedding,
            Space::Signed => &unit,
        };
        let found = explain(self.space, whole, &self.prototypes, &scores, spare);
        let mut all = match image {
            Some(image) if found.len() > 1 => self.told_apart(image, whole, &found, &scores, spare),
            _ => All::new(),
        };
        if all.len() < 2 {
            all.into_iter().for_each(|(source, _)| spare.give(source.map.values));
            all = self.likeliest(&found).map_or_else(All::new, |label| {
                only(self.source(image, &sound.embedding, label, scores[label], spare))
            });
        }
        spare.give_all([unit, scores]);
        all
    }

    /// The label of a sound that is one thing: the best, or one that can be seen and fits about
    /// as well.
    fn likeliest(&self, found: &Found) -> Option<usize> {
        // What is found are indices of labels.
        let first = found.first()?;
        let fits = |part: &Part| part.fit >= RIVAL * first.fit;
        let believed = found.iter().find(|part| self.labels[part.label].visible && fits(part));
        Some(believed.unwrap_or(first).label)
    }

    /// The sources among `found` that are in view at places of their own.
    fn told_apart(
        &self,
        image: &ImageMap,
        sound: &[f32],
        found: &Found,
        scores: &[f32],
        spare: &mut Spare,
    ) -> All {
        let near = (SAME_PLACE * image.width.max(image.height) as f32).max(1.0) as usize;
        let mut apart = All::new();
        let parts = own_parts(self.space, sound, &self.prototypes, found, spare);
        for (part, own) in found.iter().zip(parts) {
            let new = self.source(Some(image), &own, part.label, scores[part.label], spare);
            spare.give(own);
            let taken = |(old, _): &Borne| cells_apart(&new.0.map, &old.map) <= near;
            let apart_from_all = new.0.on_screen && !apart.iter().any(taken);
            // There is room for as many as are found.
            if let Err((source, _)) = if apart_from_all { apart.push(new) } else { Err(new) } {
                spare.give(source.map.values);
            }
        }
        apart
    }

    /// The source of the part `own` of a sound.
    fn source(
        &self,
        image: Option<&ImageMap>,
        own: &[f32],
        label: usize,
        score: f32,
        spare: &mut Spare,
    ) -> Borne {
        let (name, label) = (&self.names[label], &self.labels[label]);
        let map = image.map_or_else(SimilarityMap::default, |image| self.map(image, own, spare));
        let (peak, _) = map.peak();
        let heard = label.visible && score >= HEARSAY;
        let mut strength = match image {
            Some(image) if heard => self.stands_out(image, own, spare),
            _ => 0.0,
        };
        if let Some(image) = image
            && !label.general
            && score >= self.calibration.sure_label
            && !self.families.is_empty()
        {
            let mut particular = spare.copy(own);
            // A loaded pack names no family beyond the width of the space.
            self.families.iter().for_each(|dimension| particular[*dimension] = 0.0);
            strength = strength.min(self.stands_out(image, &particular, spare));
            spare.give(particular);
        }
        let on_screen = image.is_some() && strength >= self.calibration.on_screen;
        let source = Source {
            label: Arc::clone(name),
            label_score: score,
            confidence: if on_screen { self.confidence(strength) } else { score },
            on_screen,
            peak,
            extent: map.extent_with(spare),
            map,
        };
        (source, strength)
    }

    /// Whether each dimension is an amount of something that has a name. Only then do a few of
    /// them say what a place shows; a feature behind a ReLU means nothing by itself.
    fn dimensions_have_names(&self) -> bool {
        self.space == Space::Amounts && !self.nameless
    }

    /// The map of `sound`, weighed by what its dimensions say of where to look; where dimensions
    /// have names, kept to what looks like its peak.
    fn map(&self, image: &ImageMap, sound: &[f32], spare: &mut Spare) -> SimilarityMap {
        let mut weighed = spare.copy(sound);
        weighed.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        let mut map = cosines(image, &weighed, spare);
        if self.dimensions_have_names() {
            map = focus::focus(map, image, &weighed, &self.families, spare);
        }
        spare.give(weighed);
        map
    }

    /// How well the picture bears `sound` out. Where dimensions have names, a single cell is
    /// easily high by chance, and what counts is the highest mean over a sixth of the map.
    fn stands_out(&self, image: &ImageMap, sound: &[f32], spare: &mut Spare) -> f32 {
        let map = cosines(image, sound, spare);
        let named = self.dimensions_have_names();
        let strength = if named { map.broad_peak(spare) } else { map.peak().1 };
        spare.give(map.values);
        strength
    }

    /// How well each label was heard, 0..1: the strongest of the tags that speak for it. In a pack
    /// without tags, the cosine of prototype and sound, whose vector of length 1 is `unit`.
    fn scores(&self, sound: &SoundVector, unit: &[f32], spare: &mut Spare) -> Vec<f32> {
        let score = |(label, prototype): (&Label, &Vec<f32>)| {
            let score = if sound.tags.is_empty() {
                dot(prototype, unit)
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

    /// The map of the whole sound: `A[y, x] = <v[:, y, x], a>` with both sides scaled to length 1
    /// over the channels.
    pub fn similarity(&self, image: &ImageMap, sound: &SoundVector) -> SimilarityMap {
        cosines(image, &sound.embedding, &mut Spare::default())
    }

    /// The probability that belongs to a strength.
    fn confidence(&self, strength: f32) -> f32 {
        let [slope, offset] = self.calibration.confidence;
        1.0 / (1.0 + (-(slope * strength + offset)).exp())
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

/// How many cells lie between the highest cells of two maps of one size, along the axis where
/// they are further apart.
fn cells_apart(a: &SimilarityMap, b: &SimilarityMap) -> usize {
    let cell = |map: &SimilarityMap| {
        let index = map.highest().map_or(0, |(index, _)| index);
        (index % map.width.max(1), index / map.width.max(1))
    };
    let ((ax, ay), (bx, by)) = (cell(a), cell(b));
    ax.abs_diff(bx).max(ay.abs_diff(by))
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
