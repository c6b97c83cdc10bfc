use std::f64::consts::TAU;

use super::*;

/// A sine of amplitude 0.5.
fn sine(hertz: f64, rate: u32, frames: usize) -> Vec<f32> {
    (0..frames).map(|n| (0.5 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

fn mono(rate: u32, samples: Vec<f32>) -> Vec<f32> {
    to_mono_16k(&Recording { rate, channels: 1, samples }).unwrap()
}

/// Root mean square without the ends, where the filter sees the silence outside.
fn rms(samples: &[f32]) -> f64 {
    let inner = &samples[400..samples.len() - 400];
    (inner.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / inner.len() as f64).sqrt()
}

#[test]
fn a_tone_that_yamnet_hears_passes_unchanged_at_every_rate() {
    for rate in [16_001, 22_050, 32_000, 44_100, 44_101, 48_000, 88_200, 96_000, 192_000, 384_000] {
        for hertz in [100.0, 1_000.0, 7_000.0, 7_500.0] {
            let gain = rms(&mono(rate, sine(hertz, rate, rate as usize / 2)))
                / rms(&sine(hertz, RATE, 8000));
            let decibels = 20.0 * gain.log10();
            assert!(decibels.abs() < 0.05, "{hertz} Hz at {rate} Hz: {decibels:.3} dB");
        }
    }
}

#[test]
fn what_lies_above_eight_kilohertz_does_not_come_back_as_something_else() {
    for rate in [22_050, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000] {
        for hertz in [8_500.0, 9_500.0, 10_900.0] {
            let left =
                rms(&mono(rate, sine(hertz, rate, rate as usize / 2))) / (0.5 / 2_f64.sqrt());
            let decibels = 20.0 * left.log10();
            assert!(decibels < -90.0, "{hertz} Hz at {rate} Hz: {decibels:.1} dB");
        }
    }
}

#[test]
fn a_whole_recording_keeps_its_length_and_its_time() {
    for rate in [8_000, 11_025, 44_100, 44_101, 48_000, 96_000] {
        for frames in [1, 2, 100, 12_345] {
            let expected = (frames as f64 * 16_000.0 / f64::from(rate)).round() as usize;
            assert_eq!(mono(rate, vec![0.1; frames]).len(), expected);
        }
        // A click at 0.25 s is highest at 0.25 s.
        let mut click = vec![0.0; rate as usize / 2];
        click[rate as usize / 4] = 1.0;
        let out = mono(rate, click);
        let top = (0..out.len()).max_by(|&a, &b| out[a].total_cmp(&out[b])).unwrap();
        assert!(top.abs_diff(4000) <= usize::from(rate == 11_025), "{rate} Hz: {top}");
    }
}

#[test]
fn the_delay_of_a_stream_is_the_one_reported() {
    for rate in [8_000, 22_050, 44_100, 44_101, 48_000, 96_000] {
        let mut resampler = Resampler::new(rate, 1).unwrap();
        let mut out = Vec::new();
        resampler.push(&sine(500.0, rate, rate as usize / 2), &mut out);
        let delay = resampler.delay().as_secs_f64();
        assert!(delay > 0.003 && delay < 0.02, "{rate} Hz: {delay}");
        for (n, &value) in out.iter().enumerate().skip(1000) {
            let ideal = 0.5 * (TAU * 500.0 * (n as f64 / 16_000.0 - delay)).sin();
            assert!((f64::from(value) - ideal).abs() < 1e-4, "{rate} Hz, sample {n}");
        }
    }
}

#[test]
fn it_makes_no_difference_in_which_pieces_a_stream_comes() {
    let samples = sine(440.0, 44_100, 30_000);
    let mut whole = Vec::new();
    Resampler::new(44_100, 2).unwrap().push(&samples, &mut whole);
    let (mut pieces, mut resampler) = (Vec::new(), Resampler::new(44_100, 2).unwrap());
    let mut rest = &samples[..];
    for length in (1..).map(|n| 2 * n) {
        let (piece, left) = rest.split_at(rest.len().min(length));
        resampler.push(piece, &mut pieces);
        if left.is_empty() {
            break;
        }
        rest = left;
    }
    assert_eq!(pieces, whole);
}

#[test]
fn channels_become_their_mean_and_sixteen_kilohertz_stay_as_they_are() {
    let mut out = Vec::new();
    let mut resampler = Resampler::new(RATE, 4).unwrap();
    resampler.push(&[1.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, -0.5], &mut out);
    assert_eq!(out, [0.25, 0.25]);
    assert_eq!(resampler.delay(), Duration::ZERO);
}

#[test]
fn nothing_but_the_output_grows() {
    let mut resampler = Resampler::new(48_000, 1).unwrap();
    let (block, mut out) = (sine(440.0, 48_000, 1024), Vec::with_capacity(1024));
    let place = out.as_ptr();
    for _ in 0..1000 {
        out.clear();
        resampler.push(&block, &mut out);
    }
    assert_eq!(out.as_ptr(), place);
}

#[test]
fn rates_that_no_sound_has_are_refused() {
    for (rate, channels) in [(0, 1), (999, 1), (4_000_000_000, 1), (16_000, 0)] {
        let error = Resampler::new(rate, channels).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), Kind::Media);
    }
}
