//! `pack.toml`: what a model pack says of itself.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::signal::{Filter, FrontEnd, spectrogram};

/// The version of the pack format that this program reads.
pub const SCHEMA: u32 = 1;

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
    /// Whether that space has directions below zero. In one that has none a coordinate is an
    /// amount, and what is left of a sound is never less than nothing.
    #[serde(default)]
    pub signed: bool,
    /// What every source is called, in a pack without `[labels]`: one that knows alike from
    /// unlike and no names.
    #[serde(default)]
    pub label: Option<String>,
    /// The picture's net and front end.
    pub image: ImagePart,
    /// The sound's net and front end.
    pub audio: AudioPart,
    /// Where the labels are, unless `label` is given.
    #[serde(default)]
    pub labels: Option<LabelsPart>,
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
    /// With what filter it is stretched.
    #[serde(default)]
    pub filter: Filter,
    /// Subtracted from each channel, R G B, of values 0..255.
    pub mean: [f32; 3],
    /// Divides each channel after that.
    pub std: [f32; 3],
    /// Width and height of the output map, in places.
    pub map: [usize; 2],
    /// The same net for TensorFlow Lite: input f32 `[1, H, W, 3]` normalised as above, or the
    /// same values quantised, output f32 as above.
    #[serde(default)]
    pub tflite: Option<NetFile>,
}

/// `[audio]`: input `patch` f32 `[1, 1, rows, columns]` of the front end, outputs `embedding` f32
/// `[1, D]` and, if the labels name tags, `tags` f32 `[1, T]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioPart {
    /// ONNX file beside the manifest.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// How samples become a patch.
    pub front_end: FrontEndName,
    /// What the front end `spectrogram` is made of.
    #[serde(default)]
    pub spectrogram: Option<spectrogram::Settings>,
    /// How several patches become one vector.
    pub pooling: Pooling,
    /// The same net for TensorFlow Lite: input f32 `[1, rows, columns, 1]`, outputs as above.
    #[serde(default)]
    pub tflite: Option<NetFile>,
}

/// `[image.tflite]` and `[audio.tflite]`: a net in another engine's form.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetFile {
    /// File beside the manifest.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl AudioPart {
    /// The front end with its settings.
    pub fn front_end(&self) -> FrontEnd {
        match self.front_end {
            FrontEndName::YamnetLogMel => FrontEnd::LogMel,
            FrontEndName::Spectrogram => {
                FrontEnd::Spectrogram(self.spectrogram.clone().unwrap_or_default())
            }
        }
    }
}

/// How samples become a patch for the sound encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEndName {
    /// YAMNet's: 96 frames × 64 log-mel bands of 0.975 s at 16 kHz.
    YamnetLogMel,
    /// A log power spectrogram as `[audio.spectrogram]` says; without it the paper's, 257
    /// frequencies × 299 frames of 3 s at 16 kHz.
    Spectrogram,
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
    /// JSON file beside the manifest: see [`Labels`](super::Labels).
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

fn certain() -> f32 {
    1.0
}

/// `[calibration]`: fitted on held-out pairs of picture and sound, matched, mismatched and silent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// A source whose map peaks at this cosine or above is in view; −1..1.
    pub on_screen: f32,
    /// `[a, b]` of the confidence `ceiling / (1 + exp(-(a * peak + b)))`.
    pub confidence: [f32; 2],
    /// The confidence in the very best map: how often such a peak lies on its source; above 0, at
    /// most 1.
    #[serde(default = "certain")]
    pub ceiling: f32,
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

/// Whether every value is in its range.
///
/// # Errors
/// Kind [`Kind::Pack`], naming the file at `path` and the key.
pub(super) fn check(path: &Path, m: &Manifest) -> Result<()> {
    let rules = [
        ("schema", m.schema == SCHEMA, "must be 1: this program reads no other version"),
        ("name", !m.name.is_empty(), "must not be empty"),
        ("version", !m.version.is_empty(), "must not be empty"),
        ("embedding", (1..=4096).contains(&m.embedding), "must be 1..4096"),
        (
            "label",
            m.label.is_some() != m.labels.is_some(),
            "must be given, or [labels], and not both",
        ),
        ("label", m.label.as_deref() != Some(""), "must not be empty"),
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
            "[audio.spectrogram]",
            m.audio.spectrogram.is_none() || m.audio.front_end == FrontEndName::Spectrogram,
            "belongs to front_end = \"spectrogram\" alone",
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
            "[calibration] ceiling",
            m.calibration.ceiling > 0.0 && m.calibration.ceiling <= 1.0,
            "must be above 0 and at most 1",
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
    let refuse = |what: String| Err(Error::new(Kind::Pack, path.display(), what));
    if let Some((key, _, rule)) = rules.iter().find(|(_, kept, _)| !kept) {
        return refuse(format!("{key} {rule}"));
    }
    match m.audio.spectrogram.as_ref().map(spectrogram::Settings::check) {
        Some(Err((key, rule))) => refuse(format!("[audio.spectrogram] {key} {rule}")),
        _ => Ok(()),
    }
}
