//! Whether the sound has just turned to something else.
//!
//! A look pools patches over more than a second, and so it takes about as long until something
//! new outweighs what was heard before. The newer half of the newest patch knows sooner. It is a
//! worse witness, so that it is heard only where it contradicts the rest, is about as loud, and
//! points somewhere with some certainty (docs/performance.md has what this gains and costs).

use crate::align::{Aligner, Source, dot};
use crate::encode::{AudioEncoder, ImageMap, SoundVector};
use crate::error::Result;

use super::window::Window;

/// Below this cosine with the pooled sound the newest one is another sound. Pooled by its maximum,
/// the sound holds what is new from the first patch on: a cow after a dog is at 0.72.
const UNLIKE: f32 = 0.8;
/// How much weaker than the pooled sound it may be, dB: the rest between two barks is no change.
const WEAKER_DB: f32 = 10.0;
/// How sure the ear must be of its name: half a second of a cow may be a clarinet.
const CLEAR: f32 = 0.5;
/// From this confidence on one look is enough.
const SURE: f32 = 0.9;

/// The newest sound by itself.
#[derive(Default)]
pub(super) struct Turn {
    patch: Vec<f32>,
    vector: SoundVector,
    level_dbfs: f32,
    /// What it comes from, and what of that one look is enough for.
    found: Vec<Source>,
    sure: Vec<Source>,
}

impl Turn {
    /// Hears the newer half of the patch that `window` wrote last.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn hear(&mut self, window: &Window, encoder: &mut dyn AudioEncoder) -> Result<()> {
        self.level_dbfs = window.latest(&mut self.patch);
        encoder.encode(&self.patch, &mut self.vector)
    }

    /// Whether it is another sound than `pooled`, not much weaker, and clearly one of a thing
    /// that can be seen.
    pub fn has_turned(&self, aligner: &mut Aligner, pooled: &SoundVector, level_dbfs: f32) -> bool {
        cosine(&pooled.embedding, &self.vector.embedding) < UNLIKE
            && self.level_dbfs >= level_dbfs - WEAKER_DB
            && aligner.clearest(&self.vector) >= CLEAR
    }

    /// The things in view that this sound came from, where it has turned; the sources of the
    /// pooled sound are `known`: those are added to, but for the ones that one look is enough for,
    /// which are given. A known one that this sound is sure of is taken out and given, too.
    pub fn sources(
        &mut self,
        aligner: &mut Aligner,
        image: Option<&ImageMap>,
        known: &mut Vec<Source>,
    ) -> &[Source] {
        self.sure.clear();
        aligner.look_again(image, &self.vector, &mut self.found);
        self.found.retain(|source| source.on_screen && source.label_score >= CLEAR);
        for source in self.found.drain(..) {
            let same = |old: &Source| old.on_screen && old.label == source.label;
            match known.iter().position(same) {
                Some(index) if source.confidence >= SURE => self.sure.push(known.remove(index)),
                None if source.confidence >= SURE => self.sure.push(source),
                None => known.push(source),
                Some(_) => {}
            }
        }
        &self.sure
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::encode::Pack;

    /// What the tiny pack hears: red, green, blue, grey, noise.
    fn sound(embedding: [f32; 5], heard: f32) -> SoundVector {
        let tags = embedding.map(|value| if value > 0.0 { heard } else { 0.0 });
        SoundVector { embedding: embedding.to_vec(), tags: tags.to_vec() }
    }

    /// A picture with red on the left and green on the right.
    fn red_and_green() -> (Aligner, ImageMap) {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/tiny");
        let aligner = Aligner::new(&Pack::load(&pack).unwrap());
        let mut image = ImageMap { dim: 5, height: 1, width: 4, values: vec![0.0; 20] };
        (image.values[0], image.values[7]) = (1.0, 1.0);
        (aligner, image)
    }

    /// The names found, unsure and sure, where red sounded and now the newest half second says
    /// `newest`, weaker by `weaker` dB.
    fn found(newest: SoundVector, weaker: f32) -> [Vec<String>; 2] {
        let (mut aligner, image) = red_and_green();
        let red = sound([0.9, 0.0, 0.0, 0.0, 0.0], 0.9);
        let mut known = aligner.look(Some(&image), &red);
        let before = known.len();
        let level_dbfs = -20.0 - weaker;
        let mut turn = Turn { vector: newest, level_dbfs, ..Turn::default() };
        if !turn.has_turned(&mut aligner, &red, -20.0) {
            return NOTHING;
        }
        let sure = turn.sources(&mut aligner, Some(&image), &mut known);
        [&known[before..], sure].map(|all| all.iter().map(|s| s.label.to_string()).collect())
    }

    const GREEN: [f32; 5] = [0.0, 0.9, 0.0, 0.0, 0.0];
    const NOTHING: [Vec<String>; 2] = [Vec::new(), Vec::new()];

    #[test]
    fn another_sound_is_found_at_once_where_it_comes_from() {
        assert_eq!(found(sound(GREEN, 0.9), 0.0), [vec![], vec!["Green".to_owned()]]);
    }

    #[test]
    fn what_the_newest_sound_is_sure_of_needs_no_second_look_even_if_it_was_known() {
        let (mut aligner, image) = red_and_green();
        let both = sound([0.9, 0.9, 0.0, 0.0, 0.0], 0.9);
        let mut known = aligner.look(Some(&image), &both);
        assert_eq!(known.len(), 2);
        let mut turn = Turn { vector: sound(GREEN, 0.9), level_dbfs: -20.0, ..Turn::default() };
        assert!(turn.has_turned(&mut aligner, &both, -20.0));
        let sure = turn.sources(&mut aligner, Some(&image), &mut known);
        assert_eq!(sure.iter().map(|s| &*s.label).collect::<Vec<_>>(), ["Green"]);
        assert_eq!(known.iter().map(|s| &*s.label).collect::<Vec<_>>(), ["Red"]);
    }

    #[test]
    fn the_same_sound_is_no_news() {
        assert_eq!(found(sound([0.9, 0.0, 0.0, 0.0, 0.0], 0.9), 0.0), NOTHING);
        assert_eq!(found(sound([0.9, 0.5, 0.0, 0.0, 0.0], 0.9), 0.0), NOTHING);
    }

    #[test]
    fn what_is_weak_or_hardly_known_or_out_of_view_is_left_to_the_next_looks() {
        assert_eq!(found(sound(GREEN, 0.9), 12.0), NOTHING);
        assert_eq!(found(sound(GREEN, 0.2), 0.0), NOTHING);
        assert_eq!(found(sound([0.0, 0.0, 0.9, 0.0, 0.0], 0.9), 0.0), NOTHING);
    }
}
