//! The shipped pack through tract, against what ONNX Runtime makes of the same picture and
//! patch (`models/recipe/vectors.py` writes the references).

mod vectors;

use tyto::capture::Picture;
use tyto::config::EngineChoice;
use tyto::encode::{self, Encoders, ImageMap, Pack, SoundVector};
use vectors::{at, bytes, floats};

fn encoders() -> Encoders {
    let pack = Pack::load(&at("models/owlet")).expect("the shipped pack is sound");
    encode::open(&pack, &EngineChoice::default()).expect("the shipped pack runs")
}

fn largest_difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The resizer may differ from Pillow's by one grey level here and there, which is most of the
/// difference on this picture; on equal pixels the engines agree to 2e-6.
#[test]
fn the_picture_s_map_is_onnx_runtime_s_within_0_05_of_values_that_reach_2() {
    let picture = Picture { width: 97, height: 61, rgb: bytes("picture.rgb") };
    let mut map = ImageMap::default();
    encoders().image.encode(&picture, &mut map).expect("encodes");
    assert_eq!((map.dim, map.height, map.width), (98, 32, 32));
    let difference = largest_difference(&map.values, &floats("map.f32"));
    println!("largest difference on the map: {difference:.2e}");
    assert!(difference < 0.05, "{difference}");
}

#[test]
fn the_sound_s_vector_and_tags_are_onnx_runtime_s_within_2e_3() {
    let mut sound = SoundVector::default();
    encoders().audio.encode(&floats("patch.f32"), &mut sound).expect("encodes");
    let embedding = largest_difference(&sound.embedding, &floats("embedding.f32"));
    let tags = largest_difference(&sound.tags, &floats("tags.f32"));
    println!("largest differences: embedding {embedding:.2e}, tags {tags:.2e}");
    assert!(embedding < 2e-3 && tags < 1e-4, "{embedding} {tags}");
}
