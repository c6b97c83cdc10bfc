//! What runs the encoders: the engine, and what it may hand on to an accelerator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::check::within;
use super::document::Document;
use crate::error::Result;

/// The highest number of a processor that the kernel's sets of them can hold.
const MOST_CORES: u16 = 1023;

/// What runs the encoders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineChoice {
    /// Which engine.
    pub name: EngineName,
    /// How many threads it computes on, 1..=64; tract computes on one.
    pub threads: u16,
    /// The processors that perception and its encoders keep to, by number, 0..=1023; empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cores: Vec<u16>,
    /// The TensorFlow Lite library; absent: where the system keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// What of tflite's nets an accelerator is offered; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<DelegateChoice>,
    /// What onnxruntime is and where it computes; absent: its usual library, on the CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<OnnxRuntimeChoice>,
}

/// `[engine.delegate]`: a library that computes parts of a net elsewhere than on the CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegateChoice {
    /// The delegate's library.
    pub library: PathBuf,
    /// Its own options: what each means is its maker's affair.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// `[engine.onnxruntime]`: the library of ONNX Runtime, and where it computes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnnxRuntimeChoice {
    /// The library; absent: where the system keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// The execution provider that is offered both nets; absent: the CPU's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// The provider's own options, by the names that ONNX Runtime gives them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// Where ONNX Runtime computes, but for the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// NVIDIA's GPUs by CUDA and cuDNN.
    Cuda,
    /// NVIDIA's GPUs by TensorRT; what that leaves by CUDA.
    TensorRt,
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProviderName::Cuda => "CUDA",
            ProviderName::TensorRt => "TensorRT",
        })
    }
}

impl Default for EngineChoice {
    fn default() -> Self {
        EngineChoice::of(EngineName::default())
    }
}

/// The engines that can run a model pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// Pure Rust, runs anywhere.
    #[default]
    Tract,
    /// TensorFlow Lite with XNNPACK: its library must be there.
    Tflite,
    /// ONNX Runtime: its library must be there.
    OnnxRuntime,
    /// TensorFlow Lite where it can be had, else tract.
    Auto,
}

impl EngineName {
    /// Every engine that computes.
    pub const ALL: [EngineName; 3] =
        [EngineName::Tract, EngineName::Tflite, EngineName::OnnxRuntime];

    /// How it is written in a board profile.
    pub const fn name(self) -> &'static str {
        match self {
            EngineName::Tract => "tract",
            EngineName::Tflite => "tflite",
            EngineName::OnnxRuntime => "onnxruntime",
            EngineName::Auto => "auto",
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EngineName {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        EngineName::ALL.into_iter().find(|engine| engine.name() == text).ok_or_else(|| {
            let known = EngineName::ALL.map(EngineName::name).join(", ");
            format!("`{text}` is no engine; known: {known}")
        })
    }
}

impl EngineChoice {
    /// An engine as it is without a profile: on one thread, its library where it usually lies.
    pub const fn of(name: EngineName) -> Self {
        EngineChoice {
            name,
            threads: 1,
            cores: Vec::new(),
            library: None,
            delegate: None,
            onnxruntime: None,
        }
    }

    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        let key = ["engine", "threads"];
        within(document, &key, self.threads, 1..=64)?;
        self.check_cores(document)?;
        if self.library.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(document.wrong(&["engine", "library"], "is empty"));
        }
        if let Some(delegate) = &self.delegate {
            if delegate.library.as_os_str().is_empty() {
                return Err(document.wrong(&["engine", "delegate", "library"], "is empty"));
            }
            if self.name != EngineName::Tflite {
                let wrong = format!("is given, but {} takes none: only tflite does", self.name);
                return Err(document.wrong(&["engine", "delegate"], &wrong));
            }
        }
        if let Some(runtime) = &self.onnxruntime {
            runtime.check(document)?;
        }
        match (self.name, self.threads) {
            // A number that changes nothing would be believed.
            (EngineName::Tract, more @ 2..) => {
                Err(document.wrong(&key, &format!("is {more}, but tract computes on one thread")))
            }
            _ => Ok(()),
        }
    }
}

impl EngineChoice {
    fn check_cores(&self, document: &Document<'_>) -> Result<()> {
        let key = ["engine", "cores"];
        let wrong = |text: &str| Err(document.wrong(&key, text));
        if let Some(core) = self.cores.iter().find(|core| **core > MOST_CORES) {
            return wrong(&format!("names processor {core}, outside 0 to {MOST_CORES}"));
        }
        let different: BTreeSet<u16> = self.cores.iter().copied().collect();
        if different.len() < self.cores.len() {
            return wrong("names a processor twice");
        }
        match (different.len(), self.threads) {
            (1.., threads) if different.len() < usize::from(threads) => {
                let few = different.len();
                wrong(&format!("names {few}, fewer than the {threads} of `engine.threads`"))
            }
            _ => Ok(()),
        }
    }
}

impl OnnxRuntimeChoice {
    fn check(&self, document: &Document<'_>) -> Result<()> {
        if self.library.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err(document.wrong(&["engine", "onnxruntime", "library"], "is empty"));
        }
        if self.provider.is_none() && !self.options.is_empty() {
            let wrong = "are given, but no provider that would take them";
            return Err(document.wrong(&["engine", "onnxruntime", "options"], wrong));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Board, Config, ProviderName};

    fn engine(text: &str) -> Result<super::EngineChoice, String> {
        let text = format!("[engine]\nname = \"onnxruntime\"\n{text}");
        let config = Config::parse(&text, "tyto.toml").map_err(|error| error.to_string())?;
        Ok(config.overrule(Board::generic().unwrap()).engine)
    }

    #[test]
    fn onnx_runtime_may_have_threads_a_provider_and_its_options() {
        let found = engine(
            "threads = 4\n[engine.onnxruntime]\nprovider = \"tensorrt\"\noptions = { a = \"1\" }\n",
        );
        let found = found.unwrap();
        let runtime = found.onnxruntime.unwrap();
        assert_eq!((found.threads, runtime.provider), (4, Some(ProviderName::TensorRt)));
        assert_eq!(runtime.options["a"], "1");
    }

    #[test]
    fn options_without_a_provider_and_an_empty_path_are_refused() {
        let refused = |text: &str| engine(&format!("[engine.onnxruntime]\n{text}")).unwrap_err();
        let error = refused("options = { a = \"1\" }\n");
        assert!(
            error.contains("`engine.onnxruntime.options` are given, but no provider"),
            "{error}"
        );
        assert!(refused("library = \"\"\n").contains("`engine.onnxruntime.library` is empty"));
        assert!(refused("provider = \"coral\"\n").contains("cuda"));
    }
}
