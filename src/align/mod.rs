//! Where picture and sound meet: the similarity map, the sources in it, and whether they are in view.

mod explain;
mod focus;
mod map;
#[cfg(test)]
mod tests;

pub use explain::MOST;

use explain::{Part, Space, dot, explain, normalised, own_parts};

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
    /// The labels' prototypes scaled to length 1.
    prototypes: Vec<Vec<f32>>,
    /// Dimensions that stand for families.
    families: Vec<usize>,
    space: Space,
    /// Whether the pack has no labels: then every sound is one source under the one name.
    nameless: bool,
    calibration: Calibration,
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
        let unit = |label: &Label| normalised(&label.prototype).unwrap_or_default();
        let prototypes = labels.iter().map(unit).collect();
        let families = pack.labels.families.clone();
        let manifest = &pack.manifest;
        Aligner {
            labels,
            prototypes,
            families,
            space: if manifest.signed { Space::Signed } else { Space::Amounts },
            nameless: manifest.labels.is_none(),
            calibration: manifest.calibration.clone(),
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
        self.borne(image, sound).into_iter().map(|(source, _)| source).collect()
    }

    /// One answer for a picture and a sound of which one source is expected: the map of the whole
    /// sound, kept to its peak's like, and of the sources that [`look`](Self::look) finds the one
    /// that the picture bears out best. Without any source the confidence is 0.
    pub fn answer(&mut self, image: &ImageMap, sound: &SoundVector) -> Answer {
        let map = self.map(image, &sound.embedding);
        match self.borne(Some(image), sound).into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((source, strength)) => Answer {
                map,
                confidence: self.confidence(strength),
                on_screen: source.on_screen,
                label: Some(source.label),
            },
            None => Answer { map, label: None, confidence: 0.0, on_screen: false },
        }
    }

    fn borne(&self, image: Option<&ImageMap>, sound: &SoundVector) -> Vec<Borne> {
        let image = image.filter(|image| image.dim == sound.embedding.len());
        let Some(unit) = normalised(&sound.embedding) else { return Vec::new() };
        if self.nameless {
            return vec![self.source(image, &sound.embedding, 0, 1.0)];
        }
        let scores = self.scores(sound, &unit);
        let whole = match self.space {
            Space::Amounts => &sound.embedding,
            Space::Signed => &unit,
        };
        let found = explain(self.space, whole, &self.prototypes, &scores);
        if let Some(image) = image
            && found.len() > 1
        {
            let apart = self.told_apart(image, whole, &found, &scores);
            if apart.len() > 1 {
                return apart;
            }
        }
        // What is found are indices of labels, and each label has a score.
        let Some(first) = found.first() else { return Vec::new() };
        let believed =
            |part: &&Part| self.labels[part.label].visible && part.fit >= RIVAL * first.fit;
        let label = found.iter().find(believed).unwrap_or(first).label;
        vec![self.source(image, &sound.embedding, label, scores[label])]
    }

    /// The sources among `found` that are in view at places of their own.
    fn told_apart(
        &self,
        image: &ImageMap,
        sound: &[f32],
        found: &[Part],
        scores: &[f32],
    ) -> Vec<Borne> {
        let near = (SAME_PLACE * image.width.max(image.height) as f32).max(1.0) as usize;
        let mut apart: Vec<Borne> = Vec::with_capacity(found.len());
        for (part, own) in found.iter().zip(own_parts(self.space, sound, &self.prototypes, found)) {
            let new = self.source(Some(image), &own, part.label, scores[part.label]);
            let taken = |(old, _): &Borne| cells_apart(&new.0.map, &old.map) <= near;
            if new.0.on_screen && !apart.iter().any(taken) {
                apart.push(new);
            }
        }
        apart
    }

    /// The source of the part `own` of a sound.
    fn source(&self, image: Option<&ImageMap>, own: &[f32], label: usize, score: f32) -> Borne {
        let label = &self.labels[label];
        let map = image.map_or_else(SimilarityMap::default, |image| self.map(image, own));
        let (peak, _) = map.peak();
        let heard = label.visible && score >= HEARSAY;
        let mut strength = match image {
            Some(image) if heard => self.stands_out(image, own),
            _ => 0.0,
        };
        if let Some(image) = image
            && !label.general
            && score >= self.calibration.sure_label
            && !self.families.is_empty()
        {
            let mut particular = own.to_vec();
            // A loaded pack names no family beyond the width of the space.
            self.families.iter().for_each(|dimension| particular[*dimension] = 0.0);
            strength = strength.min(self.stands_out(image, &particular));
        }
        let on_screen = image.is_some() && strength >= self.calibration.on_screen;
        let source = Source {
            label: label.name.clone(),
            label_score: score,
            confidence: if on_screen { self.confidence(strength) } else { score },
            on_screen,
            peak,
            extent: map.extent(),
            map,
        };
        (source, strength)
    }

    /// Whether each dimension is an amount of something that has a name. Only then do a few of
    /// them say what a place shows; a feature behind a ReLU means nothing by itself.
    fn dimensions_have_names(&self) -> bool {
        self.space == Space::Amounts && !self.nameless
    }

    /// The map of `sound`; where dimensions have names, kept to what looks like its peak.
    fn map(&self, image: &ImageMap, sound: &[f32]) -> SimilarityMap {
        let map = cosines(image, sound);
        if self.dimensions_have_names() {
            focus::focus(map, image, sound, &self.families)
        } else {
            map
        }
    }

    /// How well the picture bears `sound` out. Where dimensions have names, a single cell is
    /// easily high by chance, and what counts is the highest mean over a sixth of the map.
    fn stands_out(&self, image: &ImageMap, sound: &[f32]) -> f32 {
        let map = cosines(image, sound);
        if self.dimensions_have_names() { map.broad_peak() } else { map.peak().1 }
    }

    /// How well each label was heard, 0..1: the strongest of the tags that speak for it. In a pack
    /// without tags, the cosine of prototype and sound, whose vector of length 1 is `unit`.
    fn scores(&self, sound: &SoundVector, unit: &[f32]) -> Vec<f32> {
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
        self.labels.iter().zip(&self.prototypes).map(score).collect()
    }

    /// The map of the whole sound: `A[y, x] = <v[:, y, x], a>` with both sides scaled to length 1
    /// over the channels.
    pub fn similarity(&self, image: &ImageMap, sound: &SoundVector) -> SimilarityMap {
        cosines(image, &sound.embedding)
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
