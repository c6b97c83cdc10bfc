//! The model pack on disk: `pack.toml`, two nets and the labels, checked before anything runs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::manifest::{self, Manifest, NetFile};
use crate::error::{Error, Kind, Result};

/// The manifest's file name inside a pack.
pub const MANIFEST: &str = "pack.toml";

/// The labels file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// What each dimension of the embedding space stands for, for people; may be empty.
    #[serde(default)]
    pub dimensions: Vec<String>,
    /// Which dimensions stand for families (Animal) and not for single things (Dog).
    #[serde(default)]
    pub families: Vec<usize>,
    /// How much each dimension of a sound says of where to look, ≥ 0; empty if all say the same.
    #[serde(default)]
    pub weights: Vec<f32>,
    /// What a source can be called.
    pub labels: Vec<Label>,
    /// Names of the sound encoder's tags, in the order of its output; may be empty.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Labels {
    /// The one name of a pack without labels.
    fn one(name: &str) -> Labels {
        let label = Label {
            name: name.to_owned(),
            visible: true,
            general: true,
            prototype: Vec::new(),
            sounds: Vec::new(),
        };
        let (dimensions, families, weights, tags) = Default::default();
        Labels { labels: vec![label], dimensions, families, weights, tags }
    }
}

/// Something that sounds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name, unique in the pack.
    pub name: String,
    /// Whether a picture can show it (a dog can be seen; wind cannot).
    pub visible: bool,
    /// Whether it names a whole family: then nothing but the family need be in view.
    #[serde(default)]
    pub general: bool,
    /// Where it lies in the embedding space: `D` values, not all zero. Empty in a pack without
    /// labels.
    pub prototype: Vec<f32>,
    /// Which tags speak for it, and how much: index into the tags, weight above 0.
    #[serde(default)]
    pub sounds: Vec<(usize, f32)>,
}

/// A pack whose files are there, have the right checksums, and agree with each other.
#[derive(Clone, Debug)]
pub struct Pack {
    /// What `pack.toml` says.
    pub manifest: Manifest,
    /// The labels.
    pub labels: Labels,
    /// Where the pack lies.
    pub dir: PathBuf,
}

impl Pack {
    /// Reads and checks the pack in `dir`. The nets are hashed, but not yet parsed: see
    /// [`open`](super::open), which also hashes those of another engine's form.
    ///
    /// # Errors
    /// Kind [`Kind::Pack`], naming file and key: a file is missing or has another checksum, a key
    /// is unknown, missing or out of range, a prototype has the wrong width, a name occurs twice.
    pub fn load(dir: &Path) -> Result<Pack> {
        let path = dir.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(|e| {
            broken(&path, "cannot be read").because(e).hint(
                "a model pack is a folder with pack.toml, the nets and the labels; name it with --model",
            )
        })?;
        let manifest: Manifest = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            let thing = format!("{}:{line}", path.display());
            Error::new(Kind::Pack, thing, "is not a valid pack").because(e.message().to_owned())
        })?;
        manifest::check(&path, &manifest)?;

        for (section, file, sha256) in [
            ("image", &manifest.image.file, &manifest.image.sha256),
            ("audio", &manifest.audio.file, &manifest.audio.sha256),
        ] {
            let file = inside(&path, dir, section, file)?;
            let opened = File::open(&file).map_err(|e| missing(&file, section).because(e))?;
            check_hash(&file, section, sha256, opened)?;
        }

        for (section, net) in
            [("image.tflite", &manifest.image.tflite), ("audio.tflite", &manifest.audio.tflite)]
        {
            net.as_ref().map(|net| inside(&path, dir, section, &net.file)).transpose()?;
        }

        let labels = match (&manifest.labels, &manifest.label) {
            (Some(part), _) => {
                let file = inside(&path, dir, "labels", &part.file)?;
                let bytes =
                    std::fs::read(&file).map_err(|e| missing(&file, "labels").because(e))?;
                check_hash(&file, "labels", &part.sha256, bytes.as_slice())?;
                let labels: Labels = serde_json::from_slice(&bytes)
                    .map_err(|e| broken(&file, "is not a valid labels file").because(e))?;
                check_labels(&file, &labels, manifest.embedding)?;
                labels
            }
            (None, name) => Labels::one(name.as_deref().unwrap_or_default()),
        };
        Ok(Pack { manifest, labels, dir: dir.to_owned() })
    }

    /// Name and version, as subscribers see them: `owlet 0.1.0`.
    pub fn title(&self) -> String {
        format!("{} {}", self.manifest.name, self.manifest.version)
    }

    /// Where the picture's net lies.
    pub fn image_file(&self) -> PathBuf {
        self.dir.join(&self.manifest.image.file)
    }

    /// Where the sound's net lies.
    pub fn audio_file(&self) -> PathBuf {
        self.dir.join(&self.manifest.audio.file)
    }

    /// Where the nets for TensorFlow Lite lie, the picture's and the sound's, once they are
    /// known to be what the manifest says.
    ///
    /// # Errors
    /// Kind [`Kind::Pack`], naming the file: the manifest names none, it is missing, or it has
    /// another checksum.
    pub fn tflite_files(&self) -> Result<[PathBuf; 2]> {
        let file = |section: &str, net: &Option<NetFile>| {
            let Some(net) = net else {
                return Err(broken(&self.dir.join(MANIFEST), format!("has no [{section}]")).hint(
                    "this pack has no nets for TensorFlow Lite: use engine.name = \"tract\"",
                ));
            };
            let file = self.dir.join(&net.file);
            let opened = File::open(&file).map_err(|e| missing(&file, section).because(e))?;
            check_hash(&file, section, &net.sha256, opened)?;
            Ok(file)
        };
        Ok([
            file("image.tflite", &self.manifest.image.tflite)?,
            file("audio.tflite", &self.manifest.audio.tflite)?,
        ])
    }
}

fn broken(path: &Path, wrong: impl Into<String>) -> Error {
    Error::new(Kind::Pack, path.display(), wrong)
}

fn missing(path: &Path, section: &str) -> Error {
    broken(path, format!("cannot be read, but [{section}] file names it"))
}

/// A pack is one folder: a file name that leads out of it would escape what was checked.
fn inside(manifest: &Path, dir: &Path, section: &str, file: &str) -> Result<PathBuf> {
    let plain = Path::new(file).file_name().is_some_and(|name| name == file);
    if !plain {
        let wrong = format!("[{section}] file: {file:?} is not the name of a file in the pack");
        return Err(broken(manifest, wrong));
    }
    Ok(dir.join(file))
}

fn check_hash(path: &Path, section: &str, wanted: &str, mut bytes: impl Read) -> Result<()> {
    let mut hasher = Sha256::new();
    let mut buffer = [0; 1 << 16];
    loop {
        let count = bytes.read(&mut buffer).map_err(|e| missing(path, section).because(e))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    let wrong = format!("has SHA-256 {found}, but [{section}] sha256 says {wanted}");
    Err(broken(path, wrong)
        .hint("the file is damaged or of another version: install the pack again"))
}

fn check_labels(path: &Path, labels: &Labels, dim: usize) -> Result<()> {
    if labels.labels.is_empty() {
        return Err(broken(path, "labels is empty: a pack names at least one source"));
    }
    if !labels.dimensions.is_empty() && labels.dimensions.len() != dim {
        let count = labels.dimensions.len();
        return Err(broken(path, format!("dimensions names {count}, but embedding is {dim}")));
    }
    if let Some(index) = labels.families.iter().find(|index| **index >= dim) {
        return Err(broken(path, format!("families names dimension {index} of {dim}")));
    }
    let weights = &labels.weights;
    if !weights.is_empty() && weights.len() != dim {
        let count = weights.len();
        return Err(broken(path, format!("weights has {count} values, but embedding is {dim}")));
    }
    if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(broken(path, "weights must be finite and not below 0"));
    }
    let mut names = std::collections::HashSet::new();
    for label in &labels.labels {
        let name = &label.name;
        let wrong = if name.is_empty() {
            "a label has no name".to_owned()
        } else if !names.insert(name) {
            format!("label {name:?} occurs twice")
        } else if label.prototype.len() != dim {
            let width = label.prototype.len();
            format!("label {name:?}: prototype has {width} values, but embedding is {dim}")
        } else if !label.prototype.iter().all(|v| v.is_finite())
            || label.prototype.iter().all(|v| *v == 0.0)
        {
            format!("label {name:?}: prototype must be finite and not all zero")
        } else if let Some((tag, _)) = label.sounds.iter().find(|(t, _)| *t >= labels.tags.len()) {
            format!("label {name:?}: sounds names tag {tag}, but there are {}", labels.tags.len())
        } else if !label.sounds.iter().all(|(_, weight)| weight.is_finite() && *weight > 0.0) {
            format!("label {name:?}: the weights in sounds must be above 0")
        } else {
            continue;
        };
        return Err(broken(path, wrong));
    }
    Ok(())
}
