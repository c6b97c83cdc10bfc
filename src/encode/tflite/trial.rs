//! Whether a delegate computes what the CPU does, and how fast.

use std::time::{Duration, Instant};

use super::net::{Kinds, Net};
use crate::error::{Error, Kind, Result};

/// How far the outputs may differ, as a part of their length: integer kernels round apart by a
/// step here and there, which after a hundred layers is a few hundredths; wrong ones are off by
/// their whole length.
const TOLERANCE: f64 = 0.15;

/// Runs of each; the fastest counts, as the first fetches weights and warms the device up.
const RUNS: usize = 3;

/// Runs both nets on the same input, and says how long each took.
///
/// # Errors
/// One of them fails, or their outputs differ.
pub fn compare(candidate: &mut Net, reference: &mut Net) -> Result<(Duration, Duration)> {
    fill(reference);
    let input = reference.input_bytes().to_vec();
    let without = fastest(reference, &input)?;
    let with = fastest(candidate, &input)?;
    for (index, spec) in reference.output_specs().iter().enumerate() {
        let (found, wanted) = (candidate.output::<f32>(index)?, reference.output::<f32>(index)?);
        let apart = found.iter().zip(wanted).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let length = wanted.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        let error = (apart / length.max(f64::MIN_POSITIVE)).sqrt();
        if found.len() != wanted.len() || error > TOLERANCE {
            let wrong = format!(
                "comes out otherwise with the delegate: output {:?} differs by {:.0} % of its length",
                spec.name,
                100.0 * error
            );
            return Err(Error::new(Kind::Config, candidate.path().display(), wrong));
        }
    }
    Ok((with, without))
}

fn fastest(net: &mut Net, input: &[u8]) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        // A kernel may work in the memory of its input.
        net.input_bytes().copy_from_slice(input);
        let began = Instant::now();
        net.run()?;
        best = best.min(began.elapsed());
        net.check()?;
    }
    Ok(best)
}

/// Fills the input with the same values each time, over the range that real ones have.
fn fill(net: &mut Net) {
    // Numerical Recipes' generator: what is wanted is only that no two values are alike.
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let floats = net.input_spec().is_some_and(|spec| spec.kind == Kinds::F32);
    if floats && let Ok(values) = net.input::<f32>() {
        values.iter_mut().for_each(|value| *value = next() as f32 / (1 << 23) as f32 - 1.0);
    } else {
        net.input_bytes().iter_mut().for_each(|byte| *byte = (next() >> 16) as u8);
    }
}
