//! A map kept to the thing at its peak, and to others that look like it.

use super::spare::Spare;
use super::{SimilarityMap, cosines};
use crate::encode::ImageMap;

/// How sharply a map keeps to places that look like its peak.
const ALIKE: i32 = 3;

/// `map`, the cosines of `image` with `sound`, kept to the places that look like its peak.
///
/// What agrees with the sound at the peak (the picture's dimensions there times the sound's,
/// `families` left out unless there is nothing else) is looked for everywhere; each value is
/// scaled by the third power of how much of it is found, as a part of how much is found at the
/// peak. The whole of the thing has it, and so have others of its kind; a relative that only
/// shares a family has not, nor has what the sound only faintly means. The peak keeps its place
/// and its value.
pub fn focus(
    mut map: SimilarityMap,
    image: &ImageMap,
    sound: &[f32],
    families: &[usize],
    spare: &mut Spare,
) -> SimilarityMap {
    let Some((peak, _)) = map.highest() else { return map };
    let cells = image.width * image.height;
    let mut shared = spare.empty(sound.len());
    let channels = image.values.chunks_exact(cells.max(1)).zip(sound);
    shared.extend(channels.map(|(channel, a)| channel.get(peak).map_or(0.0, |v| v * a)));
    let mut particular = spare.copy(&shared);
    for family in families {
        if let Some(value) = particular.get_mut(*family) {
            *value = 0.0;
        }
    }
    let named = particular.iter().any(|value| *value != 0.0);
    let alike = cosines(image, if named { &particular } else { &shared }, spare);
    let whole = alike.values.get(peak).copied().unwrap_or(0.0);
    if whole > 0.0 {
        for (value, alike) in map.values.iter_mut().zip(&alike.values) {
            *value *= (alike / whole).clamp(0.0, 1.0).powi(ALIKE);
        }
    }
    spare.give_all([shared, particular, alike.values]);
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosines(image: &ImageMap, sound: &[f32]) -> SimilarityMap {
        super::cosines(image, sound, &mut Spare::default())
    }

    fn focus(
        map: SimilarityMap,
        image: &ImageMap,
        sound: &[f32],
        families: &[usize],
    ) -> SimilarityMap {
        super::focus(map, image, sound, families, &mut Spare::default())
    }

    /// Four places side by side; dimensions: dog, train, animal (a family).
    fn picture(places: [[f32; 3]; 4]) -> ImageMap {
        let values = (0..3).flat_map(|d| places.map(|place| place[d])).collect();
        ImageMap { dim: 3, width: 4, height: 1, values }
    }

    fn focused(places: [[f32; 3]; 4], sound: &[f32]) -> [Vec<f32>; 2] {
        let image = picture(places);
        let map = cosines(&image, sound);
        [map.values.clone(), focus(map, &image, sound, &[2]).values]
    }

    const DOG: [f32; 3] = [0.8, 0.0, 0.6];
    const CAT: [f32; 3] = [0.0, 0.2, 0.6];
    const TRAIN: [f32; 3] = [0.0, 1.0, 0.0];

    #[test]
    fn the_peak_and_its_like_stay_and_a_relative_fades() {
        let [before, after] = focused([DOG, CAT, DOG, TRAIN], &[0.9, 0.1, 0.6]);
        assert_eq!((after[0], after[2]), (before[0], before[2]));
        assert!(before[1] > 0.3 && after[1] < 0.01, "{before:?} {after:?}");
    }

    #[test]
    fn a_second_meaning_of_the_sound_fades_before_its_first() {
        let [before, after] = focused([DOG, TRAIN, CAT, CAT], &[0.7, 0.5, 0.0]);
        assert!(before[1] > 0.5 && after[1] < 0.01 && after[0] == before[0], "{after:?}");
    }

    #[test]
    fn a_sound_that_names_only_a_family_keeps_to_the_family() {
        let [before, after] = focused([DOG, CAT, TRAIN, CAT], &[0.0, 0.0, 1.0]);
        assert!(after[0] > 0.0 && after[1] == before[1] && after[2] == 0.0, "{after:?}");
    }

    #[test]
    fn a_map_without_a_peak_stays_as_it_is() {
        let [before, after] = focused([TRAIN; 4], &[1.0, 0.0, 0.0]);
        assert_eq!(before, after);
        let empty = ImageMap::default();
        assert_eq!(focus(SimilarityMap::default(), &empty, &[1.0], &[]), SimilarityMap::default());
    }
}
