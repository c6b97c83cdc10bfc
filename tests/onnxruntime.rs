//! The shipped pack through ONNX Runtime, from the library that `cross/onnxruntime.sh` fetches.
#![cfg(feature = "onnxruntime")]

mod library;
mod vectors;

use std::process::Command;

use tyto::capture::Picture;
use tyto::config::{EngineChoice, EngineName, OnnxRuntimeChoice, ProviderName};
use tyto::encode::{self, Encoders, ImageMap, Pack, SoundVector};
use vectors::{at, bytes, floats};

fn encoders(provider: Option<ProviderName>) -> Encoders {
    let pack = Pack::load(&at("models/owlet")).expect("the shipped pack is sound");
    let library = Some(library::onnxruntime());
    let runtime = OnnxRuntimeChoice { library, provider, ..OnnxRuntimeChoice::default() };
    let engine = EngineName::OnnxRuntime;
    let choice = EngineChoice { onnxruntime: Some(runtime), ..EngineChoice::of(engine) };
    encode::open(&pack, &choice).expect("the shipped pack runs")
}

fn largest_difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn map_of(encoders: &mut Encoders) -> ImageMap {
    let mut map = ImageMap::default();
    let picture = Picture { width: 97, height: 61, rgb: bytes("picture.rgb") };
    encoders.image.encode(&picture, &mut map).expect("encodes");
    map
}

#[test]
fn both_nets_come_out_as_python_s_onnx_runtime_has_them() {
    let mut encoders = encoders(None);
    let map = map_of(&mut encoders);
    assert_eq!((map.dim, map.height, map.width), (98, 32, 32));
    // Most of it is the resizer's: see tests/encoders.rs.
    assert!(largest_difference(&map.values, &floats("map.f32")) < 0.05);

    let mut sound = SoundVector::default();
    encoders.audio.encode(&floats("patch.f32"), &mut sound).expect("encodes");
    assert!(largest_difference(&sound.embedding, &floats("embedding.f32")) < 1e-4);
    assert!(largest_difference(&sound.tags, &floats("tags.f32")) < 1e-4);
}

#[test]
fn the_library_itself_says_who_computes_how_many_nodes() {
    let encoders = encoders(None);
    for engine in [encoders.image.engine(), encoders.audio.engine()] {
        println!("{engine}");
        let nodes =
            engine.strip_prefix("ONNX Runtime (commit a83fc4d58c), CPU has ").expect("it is named");
        let (taken, rest) = nodes.split_once(" of ").expect("two numbers");
        assert_eq!(rest, format!("{taken} nodes"));
        assert!(taken.parse::<usize>().expect("a number") > 20, "{engine}");
    }
}

#[test]
fn a_provider_that_the_library_lacks_leaves_the_cpu_and_says_so_once() {
    let mut encoders = encoders(Some(ProviderName::Cuda));
    let trouble = encoders.image.trouble().expect("there is no CUDA in this library");
    assert!(trouble.contains("CUDA") && trouble.ends_with("the CPU computes instead of CUDA"));
    assert_eq!(encoders.image.trouble(), None);
    assert!(encoders.image.engine().contains("CPU has "));
    assert!(map_of(&mut encoders).values.iter().any(|value| *value > 0.5));
}

/// `tyto check` with a library of this name: a process has only one, so each has its own.
fn check(library: &str) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tyto.toml");
    let text = format!(
        "[engine]\nname = \"onnxruntime\"\n[engine.onnxruntime]\nlibrary = \"{library}\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut tyto = Command::new(env!("CARGO_BIN_EXE_tyto"));
    let run = tyto.arg("check").arg("--config").arg(&config).arg("--model").arg(at("models/owlet"));
    let output = run.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_library_that_is_not_there_or_is_another_is_named_with_what_to_do() {
    for library in ["/no/libonnxruntime.so", "libc.so.6"] {
        let (code, said) = check(library);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(&format!("{library}: cannot be used: ")), "{said}");
        assert!(said.contains("cross/onnxruntime.sh"), "{said}");
        assert!(said.contains("engine.onnxruntime.library"), "{said}");
    }
    let (code, said) = check(library::onnxruntime().to_str().unwrap());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ONNX Runtime (commit a83fc4d58c), CPU has "), "{said}");
}
