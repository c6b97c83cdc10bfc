//! Any sample rate and channel count to 16 kHz mono, in a stream or for a whole recording.

use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::capture::Recording;
use crate::error::{Error, Kind, Result};

/// The sample rate of everything behind this module.
pub const RATE: u32 = 16_000;

/// The sample rates that are taken.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Half the filter's length in periods of the slower of the two rates: 8 ms at 16 kHz, flat to
/// 7.6 kHz, beyond which YAMNet does not look.
const HALF_LENGTH: usize = 128;

/// The largest table of filter phases, in values. A ratio that would need more of them (a rate
/// that shares no factor with 16 000) interpolates between fewer.
const LARGEST_TABLE: usize = 1 << 19;

/// Streaming conversion to 16 kHz mono: the channels' mean through a windowed sinc.
pub struct Resampler {
    channels: usize,
    /// `None` when the rate is 16 kHz already.
    filter: Option<Filter>,
}

struct Filter {
    inner: Async<f32>,
    /// Mono samples that wait for a chunk to be full.
    input: Vec<f32>,
    waiting: usize,
    output: Vec<f32>,
    delay: Duration,
}

impl Resampler {
    /// A resampler for `channels` interleaved channels at `rate` samples a second each.
    ///
    /// # Errors
    /// [`Kind::Media`]: no channel, or a rate outside 1 kHz to 768 kHz.
    pub fn new(rate: u32, channels: u16) -> Result<Self> {
        let thing = format!("sound at {rate} Hz with {channels} channels");
        if channels == 0 || !RATES.contains(&rate) {
            return Err(Error::new(Kind::Media, thing, "cannot be resampled")
                .hint("1 or more channels at 1 to 768 kHz are needed"));
        }
        let filter = if rate == RATE {
            None
        } else {
            Some(Filter::new(rate).map_err(|error| {
                Error::new(Kind::Media, thing, "cannot be resampled").because(error)
            })?)
        };
        Ok(Resampler { channels: channels.into(), filter })
    }

    /// Takes interleaved samples, whole ones of all channels, and appends what is ready at
    /// 16 kHz to `out`. Nothing else grows.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        let scale = 1.0 / self.channels as f32;
        let mono = interleaved
            .chunks_exact(self.channels)
            .map(|sample| sample.iter().sum::<f32>() * scale);
        match &mut self.filter {
            None => out.extend(mono),
            Some(filter) => mono.for_each(|sample| filter.push(sample, out)),
        }
    }

    /// How much later than in the input a sound comes in the output: output sample `n` shows
    /// the input at `n / 16000 s - delay`.
    pub fn delay(&self) -> Duration {
        self.filter.as_ref().map_or(Duration::ZERO, |filter| filter.delay)
    }
}

impl Filter {
    fn new(rate: u32) -> std::result::Result<Self, rubato::ResamplerConstructionError> {
        let common = gcd(rate, RATE);
        let (ratio, phases) = (f64::from(RATE) / f64::from(rate), (RATE / common) as usize);
        let half = (HALF_LENGTH as f64 * ratio.recip().max(1.0)).ceil() as usize;
        // The library rounds the length up to a multiple of 8, so that half of it is one of 4.
        let length = 2 * half.next_multiple_of(4);
        let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
        let parameters = if phases * length <= LARGEST_TABLE {
            // Output samples fall on these phases exactly: nothing lies between them.
            parameters.oversampling_factor(phases).interpolation(SincInterpolationType::Nearest)
        } else {
            parameters.oversampling_factor(256).interpolation(SincInterpolationType::Cubic)
        };
        // 10 ms at once.
        let chunk = (rate / 100) as usize;
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input)?;
        let output = vec![0.0; inner.output_frames_max()];
        let delay = Duration::from_secs_f64((length / 2) as f64 / f64::from(rate));
        Ok(Filter { inner, input: vec![0.0; chunk], waiting: 0, output, delay })
    }

    fn push(&mut self, sample: f32, out: &mut Vec<f32>) {
        if let Some(place) = self.input.get_mut(self.waiting) {
            *place = sample;
            self.waiting += 1;
        }
        if self.waiting == self.input.len() {
            self.waiting = 0;
            let count = self.run().unwrap_or(0);
            // It fails only on buffers of a wrong size; these are as large as it asked for.
            debug_assert!(count > 0);
            out.extend_from_slice(&self.output[..count]);
        }
    }

    fn run(&mut self) -> Option<usize> {
        let (taken, room) = (self.input.len(), self.output.len());
        let input = InterleavedSlice::new(&self.input, 1, taken).ok()?;
        let mut output = InterleavedSlice::new_mut(&mut self.output, 1, room).ok()?;
        let (_, count) = self.inner.process_into_buffer(&input, &mut output, None).ok()?;
        Some(count)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A whole recording at 16 kHz, mono, without delay: sample `n` shows the recording at
/// `n / 16000 s`. It has `frames * 16000 / rate` samples, rounded.
///
/// # Errors
/// [`Kind::Media`]: as [`Resampler::new`].
pub fn to_mono_16k(recording: &Recording) -> Result<Vec<f32>> {
    let mut resampler = Resampler::new(recording.rate, recording.channels)?;
    let rate = u64::from(recording.rate);
    let length = (recording.frames() as u64 * u64::from(RATE) + rate / 2) / rate;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let silence = vec![0.0; usize::from(recording.channels) * recording.rate as usize / 100];

    // Silence in front makes the delay a whole number of output samples.
    let delay = (resampler.delay().as_secs_f64() * f64::from(recording.rate)).round() as u64;
    let step = rate / u64::from(gcd(recording.rate, RATE));
    let front = delay.next_multiple_of(step) - delay;
    let skipped = ((delay + front) * u64::from(RATE) / rate) as usize;

    let mut out = Vec::with_capacity(length + skipped + RATE as usize / 50);
    for _ in 0..front {
        resampler.push(&silence[..usize::from(recording.channels)], &mut out);
    }
    resampler.push(&recording.samples, &mut out);
    while out.len() < length + skipped {
        resampler.push(&silence, &mut out);
    }
    out.drain(..skipped);
    out.truncate(length);
    Ok(out)
}
