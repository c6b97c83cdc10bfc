//! What is it that sounds? The sound's vector as a sum of few prototypes.

/// At most this many things are told apart in one sound.
pub const MOST: usize = 3;

/// A further thing must have at least this share of the strongest one's weight.
const FAINTEST: f32 = 0.3;

/// Rounds of coordinate descent; for three prototypes that are not nearly parallel, ten suffice.
const ROUNDS: usize = 40;

/// Part of a sound: which prototype, how strongly, and the part of the vector that is its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Index of the prototype.
    pub prototype: usize,
    /// Its weight in the sound scaled to length 1; above 0.
    pub weight: f32,
    /// The part of the sound's vector that it accounts for, `D` values.
    pub embedding: Vec<f32>,
}

/// Explains `sound` (`D` values) by `prototypes` (`D` values each, of length 1), the strongest
/// first. Empty if the sound is the zero vector or no prototype points its way.
///
/// Greedy non-negative matching: the prototype that agrees best with what is not yet explained
/// joins, then the weights of all are found anew (least squares without negative weights), until
/// [`MOST`] have joined or a further one would be weaker than `FAINTEST` of the strongest. Each
/// gets its share of the vector, `a_i[d] = a[d] w_i p_i[d] / Σ_j w_j p_j[d]`; a dimension that no
/// chosen prototype has is shared in proportion to the weights.
pub fn explain(sound: &[f32], prototypes: &[Vec<f32>]) -> Vec<Part> {
    let Some(unit) = normalised(sound) else { return Vec::new() };
    let mut chosen: Vec<(usize, f32)> = Vec::with_capacity(MOST);
    while chosen.len() < MOST {
        let rest = unexplained(&unit, prototypes, &chosen);
        let next = prototypes
            .iter()
            .enumerate()
            .filter(|(i, _)| chosen.iter().all(|(j, _)| i != j))
            .map(|(i, prototype)| (i, dot(&rest, prototype)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let strongest = chosen.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        match next {
            Some((i, gain)) if gain > FAINTEST * strongest => chosen.push((i, gain)),
            _ => break,
        }
        settle(&unit, prototypes, &mut chosen);
    }
    let strongest = chosen.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
    chosen.retain(|(_, weight)| *weight > FAINTEST * strongest);
    chosen.sort_by(|a, b| b.1.total_cmp(&a.1));
    share(sound, prototypes, &chosen)
}

/// The vector scaled to length 1; `None` for the zero vector.
pub fn normalised(vector: &[f32]) -> Option<Vec<f32>> {
    let length = dot(vector, vector).sqrt();
    (length > 0.0 && length.is_finite()).then(|| vector.iter().map(|v| v / length).collect())
}

/// The scalar product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unexplained(unit: &[f32], prototypes: &[Vec<f32>], chosen: &[(usize, f32)]) -> Vec<f32> {
    let mut rest = unit.to_vec();
    for (i, weight) in chosen {
        for (value, p) in rest.iter_mut().zip(&prototypes[*i]) {
            *value -= weight * p;
        }
    }
    rest
}

/// Non-negative least squares by coordinate descent.
fn settle(unit: &[f32], prototypes: &[Vec<f32>], chosen: &mut [(usize, f32)]) {
    for round in 0..ROUNDS * chosen.len() {
        let k = round % chosen.len();
        let rest = unexplained(unit, prototypes, chosen);
        let (i, weight) = &mut chosen[k];
        *weight = (*weight + dot(&rest, &prototypes[*i])).max(0.0);
    }
}

fn share(sound: &[f32], prototypes: &[Vec<f32>], chosen: &[(usize, f32)]) -> Vec<Part> {
    let weights: f32 = chosen.iter().map(|(_, weight)| weight).sum();
    // A negative coordinate claims nothing: shares stay between 0 and 1.
    let claim = |(i, weight): (usize, f32), d: usize| weight * prototypes[i][d].max(0.0);
    let part = |&(prototype, weight): &(usize, f32)| {
        let mut embedding = sound.to_vec();
        for (d, value) in embedding.iter_mut().enumerate() {
            let claims: f32 = chosen.iter().map(|c| claim(*c, d)).sum();
            let own = claim((prototype, weight), d);
            *value *= if claims > 0.0 { own / claims } else { weight / weights };
        }
        Part { prototype, weight, embedding }
    };
    chosen.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prototypes() -> Vec<Vec<f32>> {
        // Dog and cat share the dimension "animal"; the third is a car.
        [[0.8, 0.0, 0.6, 0.0], [0.0, 0.8, 0.6, 0.0], [0.0, 0.0, 0.0, 1.0]].map(Vec::from).to_vec()
    }

    fn names(parts: &[Part]) -> Vec<usize> {
        parts.iter().map(|part| part.prototype).collect()
    }

    #[test]
    fn one_thing_is_explained_by_its_own_prototype_alone() {
        let parts = explain(&[8.0, 0.0, 6.0, 0.0], &prototypes());
        assert_eq!(names(&parts), [0]);
        assert!((parts[0].weight - 1.0).abs() < 1e-5);
        assert_eq!(parts[0].embedding, [8.0, 0.0, 6.0, 0.0]);
    }

    #[test]
    fn two_things_at_once_are_told_apart_the_stronger_first() {
        let parts = explain(&[0.8, 0.0, 0.6, 2.0], &prototypes());
        assert_eq!(names(&parts), [2, 0]);
        assert_eq!(parts[0].embedding, [0.0, 0.0, 0.0, 2.0]);
        assert_eq!(parts[1].embedding, [0.8, 0.0, 0.6, 0.0]);
    }

    #[test]
    fn what_two_things_have_in_common_is_shared_like_their_weights() {
        let parts = explain(&[1.6, 0.8, 1.8, 0.0], &prototypes());
        assert_eq!(names(&parts), [0, 1]);
        assert!((parts[0].weight / parts[1].weight - 2.0).abs() < 1e-3);
        assert!((parts[0].embedding[2] - 1.2).abs() < 1e-3);
        assert!((parts[1].embedding[2] - 0.6).abs() < 1e-3);
    }

    #[test]
    fn a_trace_of_something_is_not_a_source() {
        assert_eq!(names(&explain(&[0.1, 0.0, 0.1, 1.0], &prototypes())), [2]);
    }

    #[test]
    fn silence_and_what_points_away_from_every_prototype_is_explained_by_nothing() {
        assert!(explain(&[0.0; 4], &prototypes()).is_empty());
        assert!(explain(&[-1.0, -1.0, -1.0, -1.0], &prototypes()).is_empty());
        assert!(explain(&[1.0, 0.0, 0.0, 0.0], &[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_parts_of_a_sound_add_up_to_it(sound in prop::collection::vec(0.0f32..5.0, 4)) {
            let parts = explain(&sound, &prototypes());
            prop_assert!(parts.len() <= MOST);
            if !parts.is_empty() {
                for (d, whole) in sound.iter().enumerate() {
                    let sum: f32 = parts.iter().map(|part| part.embedding[d]).sum();
                    prop_assert!((sum - whole).abs() <= 1e-4 * (1.0 + whole));
                }
            }
        }
    }
}
