use super::*;
use crate::capture::BLOCK_VALUES;
use crate::signal::spectrogram;

const MONO_16K: AudioFormat = AudioFormat { rate: 16_000, channels: 1 };

fn seconds(s: f64) -> Mono {
    Mono((s * 1e9).round() as u64)
}

fn apart_ms(a: Mono, b: Mono) -> f64 {
    a.abs_diff(b).as_secs_f64() * 1e3
}

/// A block of `count` samples a channel, all of the same value.
fn block(stamp: Mono, values: usize, value: f32) -> Block {
    let mut block = Block { stamp, filled: values, ..Block::empty() };
    block.values[..values].fill(value);
    block
}

#[test]
fn there_is_no_patch_before_a_whole_one_was_heard() {
    let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
    assert_eq!(window.span(), None);
    let mut patch = Vec::new();
    for i in 0..15 {
        window.hear(&block(seconds(f64::from(i) * 0.064), 1024, 0.1));
        assert!(!window.patch(&mut patch));
    }
    window.hear(&block(seconds(0.96), 1024, 0.1));
    assert!(window.patch(&mut patch));
    assert_eq!(patch.len(), 96 * 64);
    let span = window.span().unwrap();
    assert!(apart_ms(span.start, seconds(0.04)) < 1.0, "{span:?}");
    assert!(apart_ms(span.end, seconds(0.04 + 0.975)) < 1.0, "{span:?}");
    assert!((window.level_dbfs() + 20.0).abs() < 0.01);
}

#[test]
fn frames_kept_from_earlier_patches_give_the_same_patch_as_fresh_ones() {
    let samples: Vec<f32> = (0..48_000).map(|i| (i as f32 * 0.07).sin() * 0.3).collect();
    let feed = |upto: usize, patches: bool| {
        let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
        let mut patch = Vec::new();
        for (i, chunk) in samples[..upto].chunks(640).enumerate() {
            let mut block = block(seconds(i as f64 * 0.04), chunk.len(), 0.0);
            block.values[..chunk.len()].copy_from_slice(chunk);
            window.hear(&block);
            if patches && i % 6 == 5 {
                window.patch(&mut patch);
            }
        }
        window.patch(&mut patch);
        patch
    };
    assert_eq!(feed(46_080, true), feed(46_080, false));
}

#[test]
fn a_pack_that_listens_longer_gets_its_first_patch_later() {
    let front_end = FrontEnd::Spectrogram(spectrogram::Settings::default());
    let mut window = Window::new(MONO_16K, &front_end).unwrap();
    let mut patch = Vec::new();
    for i in 0..47 {
        assert!(!window.patch(&mut patch));
        window.hear(&block(seconds(f64::from(i) * 0.064), 1024, 0.1));
    }
    assert!(window.patch(&mut patch));
    assert_eq!(patch.len(), 257 * 299);
    let span = window.span().unwrap();
    assert!(apart_ms(span.end, span.start + Duration::from_secs(3)) < 1.0, "{span:?}");
    let capacity = window.samples.capacity();
    for i in 47..3000 {
        window.hear(&block(seconds(f64::from(i) * 0.064), 1024, 0.1));
        assert!(window.patch(&mut patch));
    }
    assert_eq!(window.samples.capacity(), capacity);
}

#[test]
fn an_hour_with_a_card_that_runs_half_a_percent_fast_or_slow_stays_on_the_clock() {
    for drift in [1.005, 0.995] {
        let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
        let true_rate = 16_000.0 * drift;
        let blocks = (3600.0 * true_rate / 1024.0) as u64;
        let mut patch = Vec::new();
        for i in 0..blocks {
            window.hear(&block(seconds((i * 1024) as f64 / true_rate), 1024, 0.1));
            if i % 1000 == 999 {
                let newest = ((i + 1) * 1024 - 1) as f64 / true_rate;
                let off = apart_ms(window.time(window.end() - 1).unwrap(), seconds(newest));
                assert!(off < 1.0, "{off} ms after {newest} s");
                // 0.975 s by the card's count are a little less or more by the clock.
                let span = window.span().unwrap();
                let lasts = span.end.since(span.start).as_secs_f64();
                assert!((lasts - 15_599.0 / true_rate).abs() < 0.001, "{lasts}");
                assert!(window.patch(&mut patch), "no hole was seen where there is none");
            }
        }
        assert_eq!(window.filled, 0);
    }
}

#[test]
fn jitter_of_the_stamps_is_no_hole() {
    let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
    for i in 0..200_u32 {
        let jitter = f64::from(i * 7 % 13) * 0.001;
        window.hear(&block(seconds(f64::from(i) * 0.064 + jitter), 1024, 0.1));
    }
    assert_eq!(window.filled, 0);
    assert!(window.span().is_some());
}

#[test]
fn a_short_hole_becomes_silence_and_the_window_stays_true_to_time() {
    let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
    for i in (0..40).filter(|i| !(30..34).contains(i)) {
        window.hear(&block(seconds(f64::from(i) * 0.064), 1024, 0.1));
    }
    assert_eq!(window.filled, 4 * 1024);
    let span = window.span().unwrap();
    assert!(apart_ms(span.end, seconds(40.0 * 0.064)) < 11.0, "{span:?}");
    assert!(apart_ms(span.start, seconds(40.0 * 0.064 - 0.975)) < 11.0, "{span:?}");
    // 0.256 of 0.975 s are silent.
    let expected = -20.0 + 10.0 * (1.0_f32 - 0.256 / 0.975).log10();
    assert!((window.level_dbfs() - expected).abs() < 0.1, "{}", window.level_dbfs());
}

#[test]
fn a_long_hole_or_a_step_back_empties_the_window_and_it_fills_anew() {
    for restart_at in [100.0, 1.0] {
        let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
        for i in 0..40 {
            window.hear(&block(seconds(10.0 + f64::from(i) * 0.064), 1024, 0.1));
        }
        window.hear(&block(seconds(restart_at), 1024, 0.1));
        assert_eq!(window.span(), None);
        for i in 1..16 {
            window.hear(&block(seconds(restart_at + f64::from(i) * 0.064), 1024, 0.1));
        }
        let span = window.span().unwrap();
        assert!(apart_ms(span.end, seconds(restart_at + 1.024)) < 11.0, "{span:?}");
    }
}

#[test]
fn a_click_at_48_khz_stereo_is_found_at_its_stamp() {
    let format = AudioFormat { rate: 48_000, channels: 2 };
    let mut window = Window::new(format, &FrontEnd::LogMel).unwrap();
    let per_block = BLOCK_VALUES / 2;
    for i in 0..94_usize {
        let mut block = block(seconds(i as f64 * per_block as f64 / 48_000.0), BLOCK_VALUES, 0.0);
        if i == 60 {
            block.values[..2].fill(0.9);
        }
        window.hear(&block);
    }
    let loudest = |samples: &[f32]| {
        let by_size = |a: &(usize, &f32), b: &(usize, &f32)| a.1.abs().total_cmp(&b.1.abs());
        samples.iter().enumerate().max_by(by_size).map(|(i, _)| i).unwrap()
    };
    let place = window.first + loudest(&window.samples) as u64;
    let click = seconds(60.0 * per_block as f64 / 48_000.0);
    let off = apart_ms(window.time(place).unwrap(), click);
    assert!(off < 0.2, "{off} ms");
}

#[test]
fn memory_does_not_grow_with_time() {
    let mut window = Window::new(MONO_16K, &FrontEnd::LogMel).unwrap();
    let capacity = window.samples.capacity();
    for i in 0..5000 {
        window.hear(&block(seconds(f64::from(i) * 0.064), 1024, 0.1));
    }
    assert_eq!(window.samples.capacity(), capacity);
    assert!(window.anchors.len() < 64);
}
