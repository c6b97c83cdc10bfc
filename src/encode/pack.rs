//! The model pack on disk: `pack.toml`, two nets and the labels, checked before anything runs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};

/// The version of the pack format that this program reads.
pub const SCHEMA: u32 = 1;

/// The manifest's file name inside a pack.
pub const MANIFEST: &str = "pack.toml";

/// What `pack.toml` says. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The pack's name.
    pub name: String,
    /// The pack's version.
    pub version: String,
    /// Width `D` of the space in which sound and picture meet.
    pub embedding: usize,
    /// The picture's net and front end.
    pub image: ImagePart,
    /// The sound's net and front end.
    pub audio: AudioPart,
    /// Where the labels are.
    pub labels: LabelsPart,
    /// What turns cosines into decisions.
    pub calibration: Calibration,
    /// Under what terms the pack may be used.
    pub licence: Licence,
    /// What the pack was made from.
    #[serde(default, rename = "source")]
    pub sources: Vec<Origin>,
}

/// `[image]`: input `picture` f32 `[1, 3, H, W]`, output `map` f32 `[1, D, h, w]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// ONNX file beside the manifest.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Width and height to which the whole frame is stretched, in pixels.
    pub size: [usize; 2],
    /// Subtracted from each channel, R G B, of values 0..255.
    pub mean: [f32; 3],
    /// Divides each channel after that.
    pub std: [f32; 3],
    /// Width and height of the output map, in places.
    pub map: [usize; 2],
}

/// `[audio]`: input `patch` f32 `[1, 1, 96, 64]`, outputs `embedding` f32 `[1, D]` and, if the
/// labels name tags, `tags` f32 `[1, T]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioPart {
    /// ONNX file beside the manifest.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// How samples become a patch.
    pub front_end: FrontEnd,
    /// How several patches become one vector.
    pub pooling: Pooling,
}

/// How samples become a patch for the sound encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEnd {
    /// YAMNet's: 96 frames × 64 log-mel bands of 0.975 s at 16 kHz.
    YamnetLogMel,
}

/// How the vectors of several patches become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The mean.
    Mean,
    /// The highest value of each dimension.
    Max,
    /// The mean, each patch weighed with its RMS amplitude: loud patches tell more than rests.
    LevelWeighted,
}

/// `[labels]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsPart {
    /// JSON file beside the manifest: see [`Labels`].
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// `[calibration]`: fitted on held-out pairs of picture and sound, matched, mismatched and silent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// A source whose map peaks at this cosine or above is in view; −1..1.
    pub on_screen: f32,
    /// `[a, b]` of the confidence `1 / (1 + exp(-(a * peak + b)))`.
    pub confidence: [f32; 2],
    /// A label heard with this score or above must be borne out by what is its own: dimensions
    /// that it shares with its family do not put it in view; 0..1.
    #[serde(default)]
    pub sure_label: f32,
    /// Sounds below this level are silence; dB below full scale (RMS), −120..0.
    pub sound_floor_dbfs: f32,
}

/// `[licence]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// SPDX expression.
    pub spdx: String,
}

/// `[[source]]`: something the pack was made from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// What it is.
    pub name: String,
    /// Where it was published: the package that holds it.
    pub package: String,
    /// Version of that package.
    pub version: String,
    /// SHA-256 of each file that was used, hexadecimal.
    pub sha256: Vec<String>,
    /// SPDX expression.
    pub licence: String,
    /// What it serves for in the pack.
    #[serde(rename = "use")]
    pub used_for: String,
}

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
    /// What a source can be called.
    pub labels: Vec<Label>,
    /// Names of the sound encoder's tags, in the order of its output; may be empty.
    #[serde(default)]
    pub tags: Vec<String>,
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
    /// Where it lies in the embedding space: `D` values, not all zero.
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
    /// [`open`](super::open).
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
        check_manifest(&path, &manifest)?;

        for (section, file, sha256) in [
            ("image", &manifest.image.file, &manifest.image.sha256),
            ("audio", &manifest.audio.file, &manifest.audio.sha256),
        ] {
            let file = inside(&path, dir, section, file)?;
            let opened = File::open(&file).map_err(|e| missing(&file, section).because(e))?;
            check_hash(&file, section, sha256, opened)?;
        }

        let file = inside(&path, dir, "labels", &manifest.labels.file)?;
        let bytes = std::fs::read(&file).map_err(|e| missing(&file, "labels").because(e))?;
        check_hash(&file, "labels", &manifest.labels.sha256, bytes.as_slice())?;
        let labels: Labels = serde_json::from_slice(&bytes)
            .map_err(|e| broken(&file, "is not a valid labels file").because(e))?;
        check_labels(&file, &labels, manifest.embedding)?;
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

fn check_manifest(path: &Path, m: &Manifest) -> Result<()> {
    let rules: [(&str, bool, &str); 13] = [
        ("schema", m.schema == SCHEMA, "must be 1: this program reads no other version"),
        ("name", !m.name.is_empty(), "must not be empty"),
        ("version", !m.version.is_empty(), "must not be empty"),
        ("embedding", (1..=4096).contains(&m.embedding), "must be 1..4096"),
        (
            "[image] size",
            m.image.size.iter().all(|side| (8..=4096).contains(side)),
            "must be two sides of 8..4096 pixels",
        ),
        (
            "[image] map",
            m.image.map.iter().all(|side| (1..=512).contains(side)),
            "must be two sides of 1..512 places",
        ),
        (
            "[image] mean",
            m.image.mean.iter().all(|v| (0.0..=255.0).contains(v)),
            "must be three values of 0..255",
        ),
        (
            "[image] std",
            m.image.std.iter().all(|v| v.is_finite() && *v > 0.0),
            "must be three values above 0",
        ),
        (
            "[calibration] on_screen",
            (-1.0..=1.0).contains(&m.calibration.on_screen),
            "must be a cosine, -1..1",
        ),
        (
            "[calibration] confidence",
            m.calibration.confidence.iter().all(|v| v.is_finite())
                && m.calibration.confidence[0] > 0.0,
            "must be two finite values, the first above 0",
        ),
        (
            "[calibration] sure_label",
            (0.0..=1.0).contains(&m.calibration.sure_label),
            "must be 0..1",
        ),
        (
            "[calibration] sound_floor_dbfs",
            (-120.0..=0.0).contains(&m.calibration.sound_floor_dbfs),
            "must be -120..0",
        ),
        ("[licence] spdx", !m.licence.spdx.is_empty(), "must not be empty"),
    ];
    match rules.iter().find(|(_, kept, _)| !kept) {
        None => Ok(()),
        Some((key, _, rule)) => Err(broken(path, format!("{key} {rule}"))),
    }
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
