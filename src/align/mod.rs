//! Where picture and sound meet: the similarity map, the sources in it, and whether they are in view.

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
