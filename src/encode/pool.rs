//! Several patches, one vector: what was heard over a window longer than a patch.

use super::{Pooling, SoundVector};

/// Pools the vectors of consecutive patches into `out`, embedding and tags alike.
///
/// `levels_dbfs` holds the RMS level of each patch's samples, in the order of `patches`; a patch
/// without a level counts as silent. All patches come from one encoder and so have one width.
/// With [`Pooling::LevelWeighted`] the weight of a patch is its RMS amplitude, `10^(dB / 20)`.
/// No patches at all give an empty vector.
pub fn pool(patches: &[SoundVector], levels_dbfs: &[f32], pooling: Pooling, out: &mut SoundVector) {
    let weights = |i: usize| match pooling {
        Pooling::LevelWeighted => {
            levels_dbfs.get(i).map_or(0.0, |db| 10f32.powf(db / 20.0).max(SILENT))
        }
        Pooling::Mean | Pooling::Max => 1.0,
    };
    pool_field(patches, |patch| &patch.embedding, pooling, weights, &mut out.embedding);
    pool_field(patches, |patch| &patch.tags, pooling, weights, &mut out.tags);
}

/// The weight of digital silence, −120 dB: above zero, so that silent patches have a mean too.
const SILENT: f32 = 1e-6;

fn pool_field(
    patches: &[SoundVector],
    field: impl Fn(&SoundVector) -> &[f32],
    pooling: Pooling,
    weight: impl Fn(usize) -> f32,
    out: &mut Vec<f32>,
) {
    out.clear();
    let Some(first) = patches.first() else { return };
    if pooling == Pooling::Max {
        out.extend_from_slice(field(first));
        for patch in &patches[1..] {
            for (sum, value) in out.iter_mut().zip(field(patch)) {
                *sum = sum.max(*value);
            }
        }
        return;
    }
    out.resize(field(first).len(), 0.0);
    let mut total = 0.0;
    for (i, patch) in patches.iter().enumerate() {
        let weight = weight(i);
        total += weight;
        for (sum, value) in out.iter_mut().zip(field(patch)) {
            *sum += weight * value;
        }
    }
    out.iter_mut().for_each(|value| *value /= total.max(f32::MIN_POSITIVE));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(values: &[f32]) -> SoundVector {
        SoundVector { embedding: values.to_vec(), tags: values.iter().map(|v| v / 10.0).collect() }
    }

    fn pooled(pooling: Pooling) -> SoundVector {
        let patches = [patch(&[1.0, 0.0]), patch(&[4.0, 2.0])];
        let mut out = patch(&[9.0; 7]);
        // The second patch is 20 dB louder: ten times the amplitude.
        pool(&patches, &[-40.0, -20.0], pooling, &mut out);
        out
    }

    fn near(found: &[f32], wanted: &[f32]) {
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn the_mean_counts_every_patch_alike() {
        near(&pooled(Pooling::Mean).embedding, &[2.5, 1.0]);
        near(&pooled(Pooling::Mean).tags, &[0.25, 0.1]);
    }

    #[test]
    fn the_maximum_is_taken_in_each_dimension() {
        near(&pooled(Pooling::Max).embedding, &[4.0, 2.0]);
    }

    #[test]
    fn a_patch_ten_times_as_loud_weighs_ten_times_as_much() {
        near(&pooled(Pooling::LevelWeighted).embedding, &[41.0 / 11.0, 20.0 / 11.0]);
        near(&pooled(Pooling::LevelWeighted).tags, &[4.1 / 11.0, 2.0 / 11.0]);
    }

    #[test]
    fn silent_patches_have_a_mean_and_no_patches_have_none() {
        let mut out = SoundVector::default();
        pool(&[patch(&[2.0]), patch(&[4.0])], &[-120.0, -120.0], Pooling::LevelWeighted, &mut out);
        near(&out.embedding, &[3.0]);
        pool(&[], &[], Pooling::LevelWeighted, &mut out);
        assert_eq!(out, SoundVector::default());
    }
}
