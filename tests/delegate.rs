//! Delegates, proven with one of our own: a shared object in C (`tests/delegate/plugin.c`) that
//! takes nodes of the shipped nets and computes them, loaded as an accelerator's would be.
#![cfg(feature = "delegate")]

mod library;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use library::tflite as library;
use tyto::capture::Picture;
use tyto::config::{DelegateChoice, EngineChoice, EngineName};
use tyto::encode::{self, Encoders, ImageMap, Pack, SoundVector};

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The plug-in, built.
fn plugin() -> PathBuf {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libtyto_test_delegate.so");
        // Where the tests are built for another processor, its compiler is named for the build.
        let foreign = format!("CC_{}_unknown_linux_gnu", std::env::consts::ARCH);
        let named = std::env::var(foreign).or_else(|_| std::env::var("CC"));
        let cc = named.unwrap_or_else(|_| "cc".to_owned());
        let run = Command::new(cc)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([&out, &at("tests/delegate/plugin.c")])
            .arg("-lm")
            .output()
            .expect("a C compiler");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        out
    };
    PLUGIN.get_or_init(build).clone()
}

fn open(library_of_delegate: PathBuf, options: &[(&str, &str)]) -> Encoders {
    let options = options.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    let delegate = DelegateChoice {
        library: library_of_delegate,
        options: options.collect::<BTreeMap<_, _>>(),
    };
    let choice = EngineChoice {
        library: Some(library()),
        delegate: Some(delegate),
        ..EngineChoice::of(EngineName::Tflite)
    };
    let pack = Pack::load(&at("models/owlet")).expect("the shipped pack is sound");
    encode::open(&pack, &choice).expect("whatever the delegate does, the pack runs")
}

fn with(options: &[(&str, &str)]) -> Encoders {
    open(plugin(), options)
}

fn without() -> Encoders {
    let choice = EngineChoice { library: Some(library()), ..EngineChoice::of(EngineName::Tflite) };
    encode::open(&Pack::load(&at("models/owlet")).unwrap(), &choice).unwrap()
}

fn picture() -> Picture {
    let rgb = (0..96 * 64 * 3).map(|i| (i * i % 251) as u8).collect();
    Picture { width: 96, height: 64, rgb }
}

fn map(encoders: &mut Encoders) -> Vec<f32> {
    let mut map = ImageMap::default();
    encoders.image.encode(&picture(), &mut map).expect("it runs");
    map.values
}

fn sound(encoders: &mut Encoders) -> Vec<f32> {
    let patch: Vec<f32> = (0..96 * 64).map(|i| -3.0 + (i % 17) as f32 / 4.0).collect();
    let mut sound = SoundVector::default();
    encoders.audio.encode(&patch, &mut sound).expect("it runs");
    [sound.embedding, sound.tags].concat()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_delegate_takes_nodes_of_both_nets_and_xnnpack_takes_the_rest() {
    let mut encoders = with(&[]);
    for engine in [encoders.image.engine(), encoders.audio.engine()] {
        println!("{engine}");
        let (before, after) = engine.split_once(", XNNPACK has ").expect("XNNPACK comes second");
        let (_, ours) = before.split_once("libtyto_test_delegate.so has ").expect("ours first");
        let taken: usize = ours.split(' ').next().unwrap().parse().unwrap();
        assert!((1..20).contains(&taken), "{engine}");
        let rest: usize = after.split(' ').next().unwrap().parse().unwrap();
        assert!(rest > 10 * taken, "{engine}");
    }
    assert_eq!((encoders.image.trouble(), encoders.audio.trouble()), (None, None));
    let mut plain = without();
    assert!(largest_difference(&map(&mut encoders), &map(&mut plain)) < 1e-4);
    assert!(largest_difference(&sound(&mut encoders), &sound(&mut plain)) < 1e-4);
}

/// The CPU computes, and the reason names the delegate and what it said.
#[track_caller]
fn is_left_out(mut encoders: Encoders, reasons: &[&str]) {
    let trouble = encoders.image.trouble().expect("it is told");
    assert!(reasons.iter().all(|reason| trouble.contains(reason)), "{trouble}");
    assert_eq!(encoders.image.trouble(), None, "once");
    let engine = encoders.image.engine();
    assert!(engine.contains("XNNPACK has ") && !engine.contains("delegate"), "{engine}");
    assert_eq!(map(&mut encoders), map(&mut without()));
    assert_eq!(sound(&mut encoders), sound(&mut without()));
}

#[test]
fn a_delegate_that_is_not_there_is_left_out() {
    let reasons = ["/no/libvx_delegate.so: cannot be opened", "the CPU computes"];
    is_left_out(open("/no/libvx_delegate.so".into(), &[]), &reasons);
}

#[test]
fn a_library_that_is_no_delegate_is_left_out() {
    is_left_out(open("libc.so.6".into(), &[]), &["libc.so.6: is no TensorFlow Lite delegate"]);
}

#[test]
fn a_delegate_that_finds_no_accelerator_is_left_out_with_its_own_words() {
    let reasons = ["gave no delegate: no accelerator on this board", "libtyto_test_delegate.so"];
    is_left_out(with(&[("fail", "create")]), &reasons);
}

#[test]
fn a_delegate_that_refuses_the_net_is_left_out() {
    is_left_out(with(&[("fail", "prepare")]), &["image.tflite", "the delegate"]);
}

#[test]
fn a_delegate_whose_numbers_are_wrong_is_left_out() {
    let reasons = ["image.tflite: comes out otherwise with the delegate", "\"map\""];
    is_left_out(with(&[("fail", "numbers")]), &reasons);
}

#[test]
fn a_delegate_that_takes_nothing_of_the_picture_s_net_is_left_out() {
    is_left_out(with(&[("claim", "none")]), &["takes no part of", "image.tflite"]);
}

#[test]
fn a_delegate_that_dies_later_is_left_and_the_look_is_the_cpu_s() {
    let mut encoders = with(&[("fail", "later")]);
    assert!(encoders.image.engine().contains("libtyto_test_delegate.so has "));
    assert_eq!(encoders.image.trouble(), None);
    let wanted = map(&mut without());
    let trouble = (0..40).find_map(|_| {
        assert!(largest_difference(&map(&mut encoders), &wanted) < 1e-4);
        encoders.image.trouble()
    });
    let trouble = trouble.expect("it dies");
    assert!(trouble.contains("libtyto_test_delegate.so failed: "), "{trouble}");
    assert!(trouble.contains("the CPU computes from now on"), "{trouble}");
    assert_eq!(map(&mut encoders), wanted, "and so it stays");
    assert_eq!(encoders.image.trouble(), None);
}
