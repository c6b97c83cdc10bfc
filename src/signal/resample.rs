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

/// Half the filter's length in periods of the slower of the two rates: 10 ms at 16 kHz. Flat to
/// 7.5 kHz, where YAMNet's bands end; nothing left from 8 kHz on.
const HALF_LENGTH: usize = 160;

/// What is left in the stop band lies more than 100 dB down, below a 16-bit sample's noise.
const WINDOW: WindowFunction = WindowFunction::Blackman2;

/// The largest table of filter phases, in values. A ratio that would need more of them (a rate
/// that shares few factors with 16 000) interpolates between fewer.
const LARGEST_TABLE: usize = 1 << 19;

/// How many phases there are at most to interpolate between.
const MOST_PHASES: u32 = 256;

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
    lag: Lag,
}

/// How far the output runs behind the input, exactly.
///
/// With `up / down` the ratio of the rates in lowest terms, output sample `n` shows the input
/// at its sample `(n + 1) * down / up - half + 1 / phases`: the library's filter is centred on
/// the last of its phases before its middle, and it steps before it reads.
#[derive(Clone, Copy)]
struct Lag {
    up: u64,
    down: u64,
    /// Half the filter's length, input samples.
    half: u64,
    /// Divides `up`.
    phases: u64,
}

impl Lag {
    /// In input samples times `up`: where output sample −1 would lie before the input's first.
    fn scaled(self) -> u64 {
        self.half * self.up - self.up / self.phases
    }

    fn delay(self, rate: u32) -> Duration {
        let samples = (self.scaled() - self.down) as f64 / self.up as f64;
        Duration::from_secs_f64(samples / f64::from(rate))
    }

    /// How much silence in front of the input, in its samples, makes the delay a whole number
    /// of output samples, and that number.
    fn aligned(self) -> (u64, u64) {
        // `up` and `down` have no common factor, so one of `down` successive shifts fits.
        let shifted = |front: u64| self.scaled() + front * self.up;
        let front = (0..self.down).find(|&f| shifted(f) % self.down == 0).unwrap_or(0);
        (front, shifted(front) / self.down - 1)
    }
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
        let rate = |lag: Lag| (u64::from(RATE) * lag.down / lag.up) as u32;
        self.filter.as_ref().map_or(Duration::ZERO, |filter| filter.lag.delay(rate(filter.lag)))
    }
}

impl Filter {
    fn new(rate: u32) -> std::result::Result<Self, rubato::ResamplerConstructionError> {
        let common = gcd(rate, RATE);
        let (up, down) = (RATE / common, rate / common);
        let ratio = f64::from(RATE) / f64::from(rate);
        let half = (HALF_LENGTH as f64 * ratio.recip().max(1.0)).ceil() as usize;
        // The library rounds the length up to a multiple of 8, so that half of it is one of 4.
        let half = half.next_multiple_of(4);
        let parameters = SincInterpolationParameters::new(2 * half, WINDOW)
            .f_cutoff(rubato::calculate_cutoff(2 * HALF_LENGTH, WINDOW));
        let (phases, interpolation) = if up as usize * 2 * half <= LARGEST_TABLE {
            // Output samples fall on these phases exactly: nothing lies between them.
            (up, SincInterpolationType::Nearest)
        } else {
            let divisor = (1..=MOST_PHASES).rev().find(|phases| up % phases == 0);
            (divisor.unwrap_or(1), SincInterpolationType::Cubic)
        };
        let parameters =
            parameters.oversampling_factor(phases as usize).interpolation(interpolation);
        // 10 ms at once.
        let chunk = (rate / 100) as usize;
        let inner = Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input)?;
        let output = vec![0.0; inner.output_frames_max()];
        let lag =
            Lag { up: up.into(), down: down.into(), half: half as u64, phases: phases.into() };
        Ok(Filter { inner, input: vec![0.0; chunk], waiting: 0, output, lag })
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
            // `count` is at most what the output was made for.
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

    let lag = resampler.filter.as_ref().map(|filter| filter.lag);
    let (front, skipped) = lag.map_or((0, 0), Lag::aligned);
    let skipped = skipped as usize;

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

#[cfg(test)]
mod tests;
