use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::error::{Error, Kind};
use crate::signal::{Filter, FrontEnd, spectrogram};

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/tiny")
}

/// A copy of the tiny pack that a test may damage.
fn copy() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(tiny()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    dir
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A copy whose `file` was changed. The manifest's checksum follows the change, so that what is
/// refused is the content.
fn rewritten(file: &str, change: impl Fn(&mut Vec<u8>)) -> TempDir {
    let dir = copy();
    let (path, manifest) = (dir.path().join(file), dir.path().join(MANIFEST));
    let before = std::fs::read(&path).unwrap();
    let mut after = before.clone();
    change(&mut after);
    std::fs::write(&path, &after).unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace(&sha256(&before), &sha256(&after))).unwrap();
    dir
}

/// What is said about a copy whose `file` was changed from `old` to `new`.
fn altered(file: &str, old: &str, new: &str) -> Error {
    let dir = rewritten(file, |bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        assert!(text.contains(old), "{file} has no {old:?}");
        *bytes = text.replacen(old, new, 1).into_bytes();
    });
    failure(dir.path())
}

/// What is said about a copy whose picture net was damaged.
fn damaged(damage: impl Fn(&mut Vec<u8>)) -> Error {
    failure(rewritten("image.onnx", damage).path())
}

fn failure(dir: &Path) -> Error {
    let error = match Pack::load(dir).and_then(|pack| open(&pack, &EngineChoice::default())) {
        Ok(_) => panic!("the damaged pack was taken"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Pack, "{error}");
    error
}

#[track_caller]
fn says(error: &Error, parts: &[&str]) {
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks one of {parts:?}");
}

#[test]
fn a_whole_pack_loads_and_says_what_it_is() {
    let pack = Pack::load(&tiny()).unwrap();
    assert_eq!(pack.title(), "tiny 0.1.0");
    assert_eq!((pack.manifest.embedding, pack.labels.tags.len()), (5, 5));
    assert_eq!(pack.manifest.audio.pooling, Pooling::LevelWeighted);
}

/// The tiny pack's manifest with what the paper's own pair would change in it.
#[test]
fn a_pack_chooses_its_front_ends_and_may_have_no_labels() {
    let dir = copy();
    let path = dir.path().join(MANIFEST);
    let text = std::fs::read_to_string(&path).unwrap();
    let labels = &text[text.find("[labels]").unwrap()..text.find("[calibration]").unwrap()];
    let text = text
        .replace(labels, "")
        .replace("yamnet-log-mel", "spectrogram")
        .replace("std =", "filter = \"bicubic\"\nstd =")
        .replace("embedding = 5", "embedding = 5\nsigned = true\nlabel = \"sound\"");
    std::fs::write(&path, &text).unwrap();
    let pack = Pack::load(dir.path()).unwrap();
    let front_end = pack.manifest.audio.front_end();
    assert_eq!(front_end, FrontEnd::Spectrogram(spectrogram::Settings::default()));
    assert_eq!(pack.manifest.image.filter, Filter::Bicubic);
    assert!(pack.manifest.signed);
    let names: Vec<&str> = pack.labels.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["sound"]);
    let mut audio = open(&pack, &EngineChoice::default()).unwrap().audio;
    audio.encode(&[0.1; 257 * 299], &mut SoundVector::default()).unwrap();
    assert!(audio.encode(&[0.1; 96 * 64], &mut SoundVector::default()).is_err());

    std::fs::write(&path, text.replace("label = \"sound\"", "")).unwrap();
    says(&failure(dir.path()), &["pack.toml", "label must be given, or [labels]"]);
}

#[test]
fn the_encoders_give_what_their_nets_say() {
    let Encoders { mut image, mut audio } =
        open(&Pack::load(&tiny()).unwrap(), &EngineChoice::default()).unwrap();
    // Left half red, right half grey.
    let row: Vec<u8> = [[255, 0, 0].repeat(64), [127, 127, 127].repeat(64)].concat();
    let picture = Picture { width: 128, height: 96, rgb: row.repeat(96) };
    let mut map = ImageMap::default();
    image.encode(&picture, &mut map).unwrap();
    assert_eq!((map.dim, map.height, map.width, map.values.len()), (5, 6, 8, 240));
    let at = |d: usize, y: usize, x: usize| map.values[(d * 6 + y) * 8 + x];
    // Red (255, 0, 0) is (1, -0.99, -0.99) after normalisation: 1 + 0.99 = 1.99 in dimension 0.
    assert!((at(0, 5, 0) - 1.9921875).abs() < 1e-4, "{}", at(0, 5, 0));
    assert!(at(0, 5, 7).abs() < 1e-4, "{}", at(0, 5, 7));
    assert!((at(3, 0, 7) - 0.25).abs() < 1e-6);

    let mut patch = vec![-6.9; 96 * 64];
    patch.chunks_mut(64).for_each(|frame| frame[30] = 1.0);
    let mut sound = SoundVector::default();
    audio.encode(&patch, &mut sound).unwrap();
    let mean = -6.9 + 7.9 / 64.0;
    assert!((sound.embedding[1] - (1.0 - mean - 2.0)).abs() < 1e-4, "{sound:?}");
    assert_eq!((sound.embedding[0], sound.embedding[2], sound.tags.len()), (0.0, 0.0, 5));
}

#[test]
fn a_patch_of_another_size_is_an_error_that_names_the_net() {
    let mut audio = open(&Pack::load(&tiny()).unwrap(), &EngineChoice::default()).unwrap().audio;
    let error = audio.encode(&[0.0; 64], &mut SoundVector::default()).unwrap_err();
    says(&error, &["audio.onnx", "failed"]);
}

#[test]
fn a_net_that_gives_nan_is_an_error_that_names_it() {
    let quarter = 0.25f32.to_le_bytes();
    let dir = rewritten("image.onnx", |bytes| {
        let at = bytes.windows(4).position(|four| four == quarter).unwrap();
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    let mut image = open(&Pack::load(dir.path()).unwrap(), &EngineChoice::default()).unwrap().image;
    let picture = Picture { width: 8, height: 8, rgb: vec![127; 8 * 8 * 3] };
    let error = image.encode(&picture, &mut ImageMap::default()).unwrap_err();
    says(&error, &["image.onnx", "not finite"]);
}

#[test]
fn a_folder_without_a_manifest_is_refused_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    says(&failure(dir.path()), &["pack.toml", "cannot be read", "--model"]);
}

#[test]
fn a_missing_file_is_named_with_its_key() {
    for (file, key) in
        [("image.onnx", "[image]"), ("audio.onnx", "[audio]"), ("labels.json", "[labels]")]
    {
        let dir = copy();
        std::fs::remove_file(dir.path().join(file)).unwrap();
        says(&failure(dir.path()), &[file, key, "cannot be read"]);
    }
}

#[test]
fn a_file_with_another_checksum_is_refused_before_it_is_parsed() {
    for (file, key) in
        [("image.onnx", "[image]"), ("audio.onnx", "[audio]"), ("labels.json", "[labels]")]
    {
        let dir = copy();
        let path = dir.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[10] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        says(&failure(dir.path()), &[file, key, "SHA-256"]);
    }
}

#[test]
fn an_unknown_or_missing_key_is_named_with_its_line() {
    says(&altered("pack.toml", "std =", "stdd ="), &["pack.toml:11", "stdd"]);
    says(&altered("pack.toml", "pooling = \"level-weighted\"", ""), &["pack.toml:", "pooling"]);
    says(&altered("pack.toml", "level-weighted", "median"), &["pack.toml:", "median"]);
    says(&altered("pack.toml", "yamnet-log-mel", "mfcc"), &["pack.toml:", "mfcc"]);
    let filter = "filter = \"nearest\"\nstd =";
    says(&altered("pack.toml", "std =", filter), &["pack.toml:11", "nearest"]);
    says(&altered("pack.toml", "[licence]", "[licence"), &["pack.toml:"]);
}

#[test]
fn values_out_of_range_are_named() {
    for (old, new, key) in [
        ("schema = 1", "schema = 2", "schema"),
        ("embedding = 5", "embedding = 0", "embedding"),
        ("size = [64, 48]", "size = [64, 4]", "[image] size"),
        ("map = [8, 6]", "map = [0, 6]", "[image] map"),
        ("std = [128, 128, 128]", "std = [128, 0, 128]", "[image] std"),
        ("mean = [127, 127, 127]", "mean = [127, nan, 127]", "[image] mean"),
        ("on_screen = 0.5", "on_screen = 1.5", "[calibration] on_screen"),
        ("confidence = [10.0, -5.0]", "confidence = [-10.0, 5.0]", "[calibration] confidence"),
        ("sure_label = 0.3", "sure_label = 3.0", "[calibration] sure_label"),
        ("sure_label = 0.3", "ceiling = 0.0", "[calibration] ceiling"),
        ("embedding = 5", "embedding = 5\nlabel = \"sound\"", "label must be given, or [labels]"),
        ("[labels]", "[audio.spectrogram]\n[labels]", "[audio.spectrogram] belongs to"),
        (
            "front_end = \"yamnet-log-mel\"",
            "front_end = \"spectrogram\"\nspectrogram = { overlap = 512 }",
            "[audio.spectrogram] overlap must be",
        ),
        ("sound_floor_dbfs = -60.0", "sound_floor_dbfs = 60.0", "[calibration] sound_floor_dbfs"),
        ("file = \"image.onnx\"", "file = \"../image.onnx\"", "[image] file"),
    ] {
        says(&altered("pack.toml", old, new), &["pack.toml", key]);
    }
}

#[test]
fn labels_that_do_not_fit_the_pack_are_named() {
    for (old, new, what) in [
        ("\"Crimson\"", "\"Red\"", "\"Red\" occurs twice"),
        ("\"Crimson\"", "\"\"", "no name"),
        ("[1.0, 0.0, 0.0, 0.0, 0.0]", "[1.0, 0.0]", "\"Red\": prototype has 2 values"),
        ("[1.0, 0.0, 0.0, 0.0, 0.0]", "[0, 0, 0, 0, 0]", "\"Red\": prototype must be"),
        ("[[0, 1.0]]", "[[5, 1.0]]", "\"Red\": sounds names tag 5"),
        ("[[0, 1.0]]", "[[0, -1.0]]", "\"Red\": the weights"),
        ("\"Background\", ", "", "dimensions names 4"),
        ("\"families\": []", "\"families\": [5]", "families names dimension 5"),
        ("\"families\": []", "\"weights\": [1, 1]", "weights has 2 values"),
        ("\"families\": []", "\"weights\": [1, 1, 1, 1, -1]", "weights must be finite"),
        ("\"visible\"", "\"visibel\"", "visibel"),
    ] {
        says(&altered("labels.json", old, new), &["labels.json", what]);
    }
}

#[test]
fn nets_that_are_not_what_the_manifest_says_are_refused() {
    says(&altered("pack.toml", "map = [8, 6]", "map = [6, 8]"), &["image.onnx", "map"]);
    says(&altered("pack.toml", "size = [64, 48]", "size = [48, 64]"), &["image.onnx"]);
    says(&altered("labels.json", ", \"noise\"]}", "]}"), &["labels.json", "sounds names tag 4"]);
    says(&altered("labels.json", "\"noise\"]}", "\"noise\", \"more\"]}"), &["audio.onnx", "tags"]);
}

#[test]
fn a_net_that_is_cut_short_or_is_another_file_is_refused() {
    says(&damaged(|bytes| bytes.truncate(bytes.len() / 2)), &["image.onnx"]);
    says(&damaged(|bytes| *bytes = b"not a net at all".to_vec()), &["image.onnx"]);
    says(&damaged(Vec::clear), &["image.onnx"]);
}

#[test]
fn a_manifest_that_is_not_text_is_refused() {
    let dir = copy();
    std::fs::write(dir.path().join(MANIFEST), [0xff, 0xfe, 0, 1]).unwrap();
    says(&failure(dir.path()), &["pack.toml"]);
}

#[test]
fn a_damaged_graph_that_makes_the_engine_panic_is_an_error_like_any_other() {
    // The graph's output gets a name that no node gives.
    let dir = rewritten("image.onnx", |bytes| {
        let at = bytes.windows(3).rposition(|name| name == b"map").unwrap();
        bytes[at] = b'x';
    });
    says(&failure(dir.path()), &["image.onnx", "cannot make sense of"]);
}
