//! The inner loops, each by itself: `cargo bench`, or `cargo bench -- log-mel` for one of them.

use std::f32::consts::TAU;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tyto::align::Aligner;
use tyto::capture::{Developer, Picture, PixelFormat, RawFrame};
use tyto::clock::Mono;
use tyto::encode::{ImageMap, Pack, SoundVector};
use tyto::signal::{Filter, FrontEnd, Resampler, Resizer};
use tyto::track::{Settings, Tracker};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// Bytes that look like nothing, the same each time.
fn bytes(count: usize) -> Vec<u8> {
    (0..count as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn tone(count: usize) -> Vec<f32> {
    (0..count).map(|n| 0.3 * (TAU * 440.0 * n as f32 / 16_000.0).sin()).collect()
}

fn sound(c: &mut Criterion) {
    let samples = tone(60_000);
    let mut front_end = FrontEnd::LogMel.open();
    let (length, mut patch) = (front_end.samples(), Vec::new());
    c.bench_function("log-mel, a whole patch", |b| {
        b.iter(|| {
            front_end.restart();
            front_end.patch(0, &samples[..length], &mut patch);
        });
    });
    // A hop of 0.24 s is 24 frames; the rest of the patch is kept from the one before.
    let mut place = 0;
    c.bench_function("log-mel, the next hop", |b| {
        b.iter(|| {
            place = (place + 24 * 160) % (24 * 160 * 10);
            front_end.patch(place as u64, &samples[place..place + length], &mut patch);
        });
    });
    let (mut resampler, mut out) = (Resampler::new(48_000, 2).expect("a usual rate"), Vec::new());
    let stereo = tone(2 * 48 * 240);
    c.bench_function("resample, 0.24 s of 48 kHz stereo", |b| {
        b.iter(|| {
            out.clear();
            resampler.push(&stereo, &mut out);
        });
    });
}

fn picture(c: &mut Criterion) {
    let rgb = bytes((WIDTH * HEIGHT * 3) as usize);
    let picture = Picture { width: WIDTH, height: HEIGHT, rgb };
    let mut resizer = Resizer::new(512, 512, Filter::Bilinear, [127.5; 3], [127.5; 3]);
    let mut planar = Vec::new();
    c.bench_function("resize, 640×480 to 512×512", |b| {
        b.iter(|| resizer.run(&picture, &mut planar).expect("fits"));
    });
    for format in [PixelFormat::Yuyv, PixelFormat::Nv12] {
        let stride = format.row_bytes(WIDTH);
        let bytes = bytes(format.whole_bytes(stride, HEIGHT));
        let (width, height) = (WIDTH, HEIGHT);
        let mut raw = RawFrame { width, height, format, stride, bytes, ..RawFrame::default() };
        let (mut developer, mut developed) = (Developer::new(), Picture::default());
        c.bench_function(&format!("colour, {} of 640×480", format.name()), |b| {
            b.iter(|| developer.develop(&mut raw, &mut developed).expect("whole"));
        });
    }
}

fn space(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/owlet");
    let pack = Pack::load(&folder).expect("the shipped pack is sound");
    let mut aligner = Aligner::new(&pack);
    let ([width, height], dim) = (pack.manifest.image.map, pack.manifest.embedding);
    let values = bytes(dim * width * height).into_iter().map(|v| f32::from(v) / 255.0).collect();
    let image = ImageMap { dim, height, width, values };
    // Two labels at once, so that each gets a map of its own.
    let (one, other) = (&pack.labels.labels[0].prototype, &pack.labels.labels[20].prototype);
    let embedding: Vec<f32> = one.iter().zip(other).map(|(a, b)| a + 0.8 * b).collect();
    let heard = SoundVector { embedding, tags: vec![0.6; pack.labels.tags.len()] };
    c.bench_function("cosines, 32×32 places of 98", |b| {
        b.iter(|| black_box(aligner.similarity(&image, &heard)));
    });
    let mut sources = Vec::new();
    c.bench_function("align, a look", |b| {
        b.iter(|| aligner.look_again(Some(&image), &heard, &mut sources));
    });
    let map = aligner.similarity(&image, &heard);
    c.bench_function("extent of a map", |b| b.iter(|| black_box(map.extent())));

    let mut tracker = Tracker::new(Settings::default()).expect("the defaults are in range");
    let mut at = Mono(0);
    c.bench_function("track, a look", |b| {
        b.iter(|| {
            at = at + Duration::from_millis(240);
            black_box(tracker.update(at, &sources))
        });
    });
}

criterion_group!(benches, sound, picture, space);
criterion_main!(benches);
