//! What is it that sounds? The sound's vector as a sum of few prototypes.

use super::spare::Spare;

/// At most this many things are told apart in one sound.
pub const MOST: usize = 3;

/// A further thing must match at least this well, as a part of how well the first did.
const SHARE: f32 = 0.3;

/// Everything must match at least this well by itself.
const FLOOR: f32 = 0.05;

/// Prototypes whose cosine is this or more are the same thing under another name.
pub const KIN: f32 = 0.4;

/// What the coordinates of the embedding space say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// How much of something is heard or seen: what remains unexplained is never less than
    /// nothing.
    Amounts,
    /// Directions alone, below zero as well as above.
    Signed,
}

impl Space {
    fn remainder(self, value: f32) -> f32 {
        match self {
            Space::Amounts => value.max(0.0),
            Space::Signed => value,
        }
    }
}

/// A label that has a part in a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Index of the label.
    pub label: usize,
    /// How well it matched what was unexplained when it was taken.
    pub fit: f32,
}

/// The labels that were found to have a part in a sound.
pub type Found = heapless::Vec<Part, MOST>;

/// The labels that explain `sound`, the best match first; empty if none matches.
///
/// Greedy: the label whose prototype goes best with what is still unexplained, weighed by the
/// square root of its `scores` entry, is taken if that match is at least [`FLOOR`] and [`SHARE`]
/// of the first one's; its part is taken off, and labels that are [`KIN`] to it stand back. The
/// prototype alone says what could sound like this; the score says what was heard.
///
/// `sound` has `D` values (in a signed space scaled to length 1), `prototypes` one row of `D` values of length 1 for each label, and
/// `scores` one value in 0..1 for each label.
pub fn explain(
    space: Space,
    sound: &[f32],
    prototypes: &[Vec<f32>],
    scores: &[f32],
    spare: &mut Spare,
) -> Found {
    let mut rest = spare.copy(sound);
    let mut found = Found::new();
    while found.len() < MOST {
        let mut best: Option<(usize, f32)> = None;
        for (label, (prototype, score)) in prototypes.iter().zip(scores).enumerate() {
            let kin = || found.iter().any(|taken| dot(&prototypes[taken.label], prototype) >= KIN);
            let fit = dot(prototype, &rest) * score.max(0.0).sqrt();
            if best.is_none_or(|(_, top)| fit > top) && !kin() {
                best = Some((label, fit));
            }
        }
        let least = found.first().map_or(FLOOR, |first| FLOOR.max(SHARE * first.fit));
        let Some((label, fit)) = best.filter(|(_, fit)| *fit >= least) else { break };
        // There is room: the loop ends when there is none.
        let _ = found.push(Part { label, fit });
        take(space, &mut rest, &prototypes[label]);
    }
    spare.give(rest);
    found
}

/// Takes from `rest` what `prototype` explains of it.
fn take(space: Space, rest: &mut [f32], prototype: &[f32]) {
    let weight = dot(prototype, rest);
    for (value, p) in rest.iter_mut().zip(prototype) {
        *value = space.remainder(*value - weight * p);
    }
}

/// The vector scaled to length 1; `None` for the zero vector.
pub fn normalised(vector: &[f32], spare: &mut Spare) -> Option<Vec<f32>> {
    let length = dot(vector, vector).sqrt();
    (length > 0.0 && length.is_finite()).then(|| {
        let mut unit = spare.copy(vector);
        unit.iter_mut().for_each(|value| *value /= length);
        unit
    })
}

/// The scalar product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn explain(space: Space, sound: &[f32], prototypes: &[Vec<f32>], scores: &[f32]) -> Found {
        super::explain(space, sound, prototypes, scores, &mut Spare::default())
    }

    fn prototypes() -> Vec<Vec<f32>> {
        // Dog and wolf are kin; cat shares a little of "animal" with both; the last is a car.
        [
            [0.8, 0.0, 0.6, 0.0, 0.0],
            [0.8, 0.0, 0.0, 0.6, 0.0],
            [0.0, 0.96, 0.28, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
        ]
        .map(Vec::from)
        .to_vec()
    }

    const SURE: [f32; 4] = [1.0; 4];

    fn labels(sound: &[f32], scores: &[f32]) -> Vec<usize> {
        explain(Space::Amounts, sound, &prototypes(), scores)
            .iter()
            .map(|part| part.label)
            .collect()
    }

    #[test]
    fn one_thing_is_explained_by_its_own_prototype_alone() {
        assert_eq!(labels(&[0.8, 0.0, 0.6, 0.0, 0.0], &SURE), [0]);
    }

    #[test]
    fn two_things_at_once_are_told_apart_the_better_match_first() {
        let sound = [0.4, 0.0, 0.3, 0.0, 0.9];
        let found = explain(Space::Amounts, &sound, &prototypes(), &SURE);
        assert_eq!(found.iter().map(|part| part.label).collect::<Vec<_>>(), [3, 0]);
        assert!(
            (found[0].fit - 0.9).abs() < 1e-6 && (found[1].fit - 0.5).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn of_two_that_would_do_the_one_that_the_score_speaks_for_is_taken() {
        let sound = [0.8, 0.0, 0.3, 0.3, 0.0];
        assert_eq!(labels(&sound, &[0.2, 0.9, 1.0, 1.0])[..1], [1]);
        assert_eq!(labels(&sound, &[0.9, 0.2, 1.0, 1.0])[..1], [0]);
    }

    #[test]
    fn kin_are_not_two_sources_however_well_both_match() {
        let found = explain(Space::Amounts, &[0.9, 0.0, 0.5, 0.5, 0.0], &prototypes(), &SURE);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_trace_of_something_is_not_a_source() {
        assert_eq!(labels(&[0.1, 0.0, 0.1, 0.0, 1.0], &SURE), [3]);
    }

    #[test]
    fn silence_and_what_no_score_speaks_for_is_explained_by_nothing() {
        assert!(explain(Space::Amounts, &[0.0; 5], &prototypes(), &SURE).is_empty());
        assert!(explain(Space::Amounts, &[0.04; 5], &prototypes(), &[0.1; 4]).is_empty());
        assert!(explain(Space::Amounts, &[1.0; 5], &prototypes(), &[0.0; 4]).is_empty());
        assert!(explain(Space::Amounts, &[1.0; 5], &[], &[]).is_empty());
    }

    #[test]
    fn in_a_signed_space_what_points_away_counts_as_well() {
        let prototypes = [vec![0.8, -0.6, 0.0], vec![0.0, 0.0, -1.0]];
        let sound = [0.48, -0.36, -0.8];
        let found = explain(Space::Signed, &sound, &prototypes, &[1.0, 1.0]);
        assert_eq!(found.iter().map(|part| part.label).collect::<Vec<_>>(), [1, 0]);
        assert!((found[1].fit - 0.6).abs() < 1e-6, "{found:?}");
        // As amounts nothing of the second would be left, and little of the first.
        assert_ne!(explain(Space::Amounts, &sound, &prototypes, &[1.0, 1.0]), found);
    }

    proptest! {
        #[test]
        fn what_is_found_is_no_kin_and_each_fits_less_than_the_one_before(
            sound in prop::collection::vec(0.0f32..1.0, 5),
            scores in prop::collection::vec(0.0f32..1.0, 4),
        ) {
            let prototypes = prototypes();
            let found = explain(Space::Amounts, &sound, &prototypes, &scores);
            prop_assert!(found.len() <= MOST);
            for (i, part) in found.iter().enumerate() {
                for before in &found[..i] {
                    prop_assert!(part.fit <= before.fit);
                    let [a, b] = [part, before].map(|part| &prototypes[part.label]);
                    prop_assert!(dot(a, b) < KIN);
                }
            }
        }
    }
}
