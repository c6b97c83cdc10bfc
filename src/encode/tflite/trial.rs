//! Whether a delegate computes what the CPU does, and how fast.

use std::time::{Duration, Instant};

use super::net::{Kinds, Net};
use crate::encode::trial::{RUNS, differs, noise};
use crate::error::{Error, Kind, Result};

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
        if let Some(how) = differs(candidate.output(index)?, reference.output(index)?) {
            let wrong =
                format!("comes out otherwise with the delegate: output {:?} {how}", spec.name);
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
    let mut next = noise();
    let floats = net.input_spec().is_some_and(|spec| spec.kind == Kinds::F32);
    if floats && let Ok(values) = net.input::<f32>() {
        values.iter_mut().for_each(|value| *value = next());
    } else {
        net.input_bytes().iter_mut().for_each(|byte| *byte = (128.0 * (next() + 1.0)) as u8);
    }
}
