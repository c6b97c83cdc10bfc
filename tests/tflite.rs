//! The shipped pack through TensorFlow Lite, from the library that `cross/tflite.sh` fetches.
#![cfg(feature = "tflite")]

mod library;
mod vectors;

use std::path::{Path, PathBuf};

use library::tflite as library;
use tyto::capture::Picture;
use tyto::config::{EngineChoice, EngineName};
use tyto::encode::{self, Encoders, ImageMap, MANIFEST, Pack, SoundVector};
use tyto::error::{Error, Kind};
use vectors::{at, bytes, floats};

fn choice() -> EngineChoice {
    EngineChoice { library: Some(library()), ..EngineChoice::of(EngineName::Tflite) }
}

fn encoders() -> Encoders {
    let pack = Pack::load(&at("models/owlet")).expect("the shipped pack is sound");
    encode::open(&pack, &choice()).expect("the shipped pack runs")
}

fn refusal(dir: &Path, choice: &EngineChoice) -> Error {
    match Pack::load(dir).and_then(|pack| encode::open(&pack, choice)) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error,
    }
}

fn cosine(a: impl Iterator<Item = f32> + Clone, b: impl Iterator<Item = f32> + Clone) -> f32 {
    let dot = |a: &mut dyn Iterator<Item = f32>, b: &mut dyn Iterator<Item = f32>| -> f32 {
        a.zip(b).map(|(a, b)| a * b).sum()
    };
    let norms = dot(&mut a.clone(), &mut a.clone()) * dot(&mut b.clone(), &mut b.clone());
    dot(&mut a.clone(), &mut b.clone()) / norms.sqrt()
}

/// `(taken, offered)` of what an encoder says of XNNPACK.
fn nodes(engine: &str) -> (usize, usize) {
    let (_, text) = engine.split_once("XNNPACK has ").expect("it speaks of XNNPACK");
    let mut words = text.split(' ');
    let mut number = || words.next().expect("a number").parse().expect("a number");
    let taken = number();
    assert_eq!(words.next(), Some("of"));
    (taken, words.next().expect("a number").parse().expect("a number"))
}

/// The convolutions of the sound's net, whose ranges are found as it runs, are the library's own.
#[test]
fn xnnpack_computes_most_of_both_nets_by_the_library_s_own_plan() {
    let encoders = encoders();
    for (engine, least) in [(encoders.image.engine(), 0.85), (encoders.audio.engine(), 0.6)] {
        println!("{engine}");
        let (taken, offered) = nodes(&engine);
        assert!(offered > 30, "{engine}");
        assert!(taken as f64 >= least * offered as f64, "{engine}");
    }
}

/// The picture's net is quantised: its vectors point where ONNX Runtime's do, nearly.
#[test]
fn the_picture_s_vectors_point_where_those_of_the_float_net_do() {
    let picture = Picture { width: 97, height: 61, rgb: bytes("picture.rgb") };
    let mut map = ImageMap::default();
    encoders().image.encode(&picture, &mut map).expect("encodes");
    assert_eq!((map.dim, map.height, map.width), (98, 32, 32));
    let wanted = floats("map.f32");
    let places = map.height * map.width;
    let cosines = (0..places).map(|i| {
        let column = |values: &[f32]| values.iter().skip(i).step_by(places).copied().collect();
        let (found, wanted): (Vec<f32>, Vec<f32>) = (column(&map.values), column(&wanted));
        cosine(found.into_iter(), wanted.into_iter())
    });
    let mean = cosines.sum::<f32>() / places as f32;
    println!("mean cosine of the places: {mean:.4}");
    assert!(mean > 0.97, "{mean}");
}

#[test]
fn the_sound_s_vector_and_tags_are_those_of_the_float_net_within_0_1() {
    let mut sound = SoundVector::default();
    encoders().audio.encode(&floats("patch.f32"), &mut sound).expect("encodes");
    for (found, wanted) in [(sound.embedding, "embedding.f32"), (sound.tags, "tags.f32")] {
        let wanted = floats(wanted);
        assert_eq!(found.len(), wanted.len());
        let worst = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("largest difference: {worst:.2e}");
        assert!(worst < 0.1, "{worst}");
    }
}

#[test]
fn a_library_that_is_not_there_or_is_another_is_named_with_what_to_do() {
    let pack = at("models/owlet");
    let with = |path: &str| EngineChoice {
        library: Some(path.into()),
        ..EngineChoice::of(EngineName::Tflite)
    };
    let missing = refusal(&pack, &with("/no/libtensorflowlite_c.so"));
    assert_eq!(missing.kind(), Kind::Config, "{missing}");
    let text = missing.to_string();
    assert!(text.starts_with("/no/libtensorflowlite_c.so: cannot be opened: "), "{text}");
    assert!(text.contains("cross/tflite.sh") && text.contains("engine.library"), "{text}");

    let other = refusal(&pack, &with("libc.so.6"));
    assert_eq!(other.kind(), Kind::Config, "{other}");
    assert!(other.to_string().contains("is not a TensorFlow Lite library"), "{other}");
}

#[test]
fn without_its_library_auto_computes_in_tract_and_with_it_in_tensorflow_lite() {
    let pack = at("models/owlet");
    let auto =
        |path: PathBuf| EngineChoice { library: Some(path), ..EngineChoice::of(EngineName::Auto) };
    let pack = Pack::load(&pack).unwrap();
    let without = encode::open(&pack, &auto("/no/libtensorflowlite_c.so".into())).unwrap();
    assert_eq!(without.image.engine(), "tract");
    let with = encode::open(&pack, &auto(library())).unwrap();
    assert!(with.image.engine().starts_with("TensorFlow Lite"), "{}", with.image.engine());
}

/// A copy of the shipped pack whose net for TensorFlow Lite was changed, checksum and all.
fn rewritten(change: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let (dir, shipped) = (tempfile::tempdir().unwrap(), at("models/owlet"));
    for entry in std::fs::read_dir(&shipped).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "image.tflite" || entry.file_name() == MANIFEST {
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        } else {
            std::os::unix::fs::symlink(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
    }
    let hash = |bytes: &[u8]| -> String {
        use sha2::Digest;
        sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (net, manifest) = (dir.path().join("image.tflite"), dir.path().join(MANIFEST));
    let before = std::fs::read(&net).unwrap();
    let mut after = before.clone();
    change(&mut after);
    std::fs::write(&net, &after).unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace(&hash(&before), &hash(&after))).unwrap();
    dir
}

#[test]
fn a_net_with_another_checksum_is_refused_before_it_is_opened() {
    let dir = rewritten(|_| ());
    std::fs::write(dir.path().join("image.tflite"), b"TFL3").unwrap();
    let error = refusal(dir.path(), &choice());
    assert_eq!(error.kind(), Kind::Pack);
    let text = error.to_string();
    assert!(text.contains("image.tflite: has SHA-256 "), "{text}");
    assert!(text.contains("[image.tflite] sha256"), "{text}");
}

#[test]
fn a_damaged_net_is_refused_with_its_name() {
    for (what, length) in [("nothing", 0), ("a part", 1 << 20)] {
        let dir = rewritten(|bytes| bytes.truncate(length));
        let error = refusal(dir.path(), &choice());
        assert_eq!(error.kind(), Kind::Pack, "{what}: {error}");
        assert!(error.to_string().contains("image.tflite: is not a net"), "{what}: {error}");
    }
}

#[test]
fn a_pack_without_nets_for_this_engine_says_which_engine_it_has_some_for() {
    let error = refusal(&at("tests/packs/tiny"), &choice());
    let text = error.to_string();
    assert!(text.contains("pack.toml: has no [image.tflite]"), "{text}");
    assert!(text.contains("tract"), "{text}");
}
