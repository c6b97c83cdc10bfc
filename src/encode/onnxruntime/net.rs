//! The library, opened while the program runs, and one net in it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::LoadDynamicError;
use ort::ep::{
    ArbitrarilyConfigurableExecutionProvider, CUDA, ExecutionProviderDispatch, TensorRT,
};
use ort::logging::LogLevel;
use ort::session::{RunOptions, Session as OrtSession};
use ort::value::TensorRef;

use crate::config::ProviderName;
use crate::encode::onnx::{Net, Signature};
use crate::error::{Error, Kind, Result};

/// Where the library is looked for, among the places where the system keeps its libraries.
const USUAL: &str = "libonnxruntime.so";

/// What came of opening the library: its path, and why it was refused.
type Opened = (PathBuf, Option<String>);

/// Opens the library at `path`, or where it usually lies.
///
/// A process has one, and one try at it: the crate below takes a second try after a refusal for
/// done.
///
/// # Errors
/// [`Kind::Config`]: there is none, it is another library, older than 1.17, or not the one that
/// this process has tried before.
pub fn library(path: Option<&Path>) -> Result<()> {
    static OPENED: OnceLock<Opened> = OnceLock::new();
    let place = path.unwrap_or(Path::new(USUAL));
    let (opened, refusal) = OPENED.get_or_init(|| (place.to_owned(), open(place).err()));
    let wrong = |words: &str| {
        Error::new(Kind::Config, place.display(), "cannot be used").because(words).hint(
            "ONNX Runtime 1.17 or later is needed by engine.name = \"onnxruntime\": \
             cross/onnxruntime.sh fetches its library, and engine.onnxruntime.library says where \
             it is",
        )
    };
    match refusal {
        _ if opened != place => Err(wrong(&format!("this process has {}", opened.display()))),
        Some(words) => Err(wrong(words)),
        None => Ok(()),
    }
}

fn open(place: &Path) -> std::result::Result<(), String> {
    match ort::init_from(place) {
        Ok(environment) => {
            environment.with_name("tyto").with_telemetry(false).commit();
            Ok(())
        }
        // The loader's own words stand behind the error.
        Err(LoadDynamicError::Dlopen { error, .. }) => {
            Err(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Which library it is: the commit that it was built of, which is what it says of itself.
fn build_name() -> String {
    let commit = ort::info().split("git-commit-id=").nth(1).and_then(|text| text.split(',').next());
    commit.map_or_else(|| "ONNX Runtime".to_owned(), |id| format!("ONNX Runtime (commit {id})"))
}

/// How many nodes each provider has, in the order in which the library tells it.
type Placed = Vec<(String, usize)>;

/// What a line of the library's log says of which provider has how many nodes.
fn placement(line: &str) -> Option<(String, usize)> {
    let (_, text) = line.split_once("placed on [")?;
    let (provider, text) = text.split_once("]. Number of nodes: ")?;
    let provider = provider.trim_end_matches("ExecutionProvider");
    Some((provider.to_owned(), text.trim().parse().ok()?))
}

/// One net.
pub struct Session {
    signature: Signature,
    session: OrtSession,
    options: RunOptions,
    about: String,
}

impl Session {
    /// Loads a net, offered to `provider` first, and runs it once: outputs have their shapes then,
    /// and what compiles itself at the first run has done so.
    ///
    /// # Errors
    /// Kind [`Kind::Pack`]: the net cannot be loaded or run so, or an output is missing or of
    /// another shape.
    pub fn load(
        signature: &Signature,
        threads: u16,
        provider: Option<(ProviderName, &BTreeMap<String, String>)>,
    ) -> Result<Session> {
        let placed = Arc::new(Mutex::new(Placed::new()));
        let session = build(signature, threads, provider, &placed)
            .map_err(|error| signature.wrong("cannot be loaded").because(cause(&error)))?;
        let mut about = build_name();
        let placed = placed.lock().unwrap_or_else(PoisonError::into_inner);
        let whole: usize = placed.iter().map(|(_, nodes)| nodes).sum();
        for (provider, nodes) in placed.iter() {
            about += &format!(", {provider} has {nodes} of {whole} nodes");
        }
        let options = quiet()
            .map_err(|error| signature.wrong("cannot be prepared").because(cause(&error)))?;
        let mut net = Session { signature: signature.clone(), session, options, about };
        let input = vec![0.0; signature.shape.iter().product()];
        net.run(&input, &mut |_, _| ())?;
        Ok(net)
    }
}

fn build(
    signature: &Signature,
    threads: u16,
    provider: Option<(ProviderName, &BTreeMap<String, String>)>,
    placed: &Arc<Mutex<Placed>>,
) -> ort::Result<OrtSession> {
    let notes = Arc::clone(placed);
    // Which provider has which nodes is told at this level alone, and all else is left out here.
    let listen = move |level: LogLevel, _: &str, _: &str, _: &str, line: &str| {
        if let Some(found) = placement(line) {
            notes.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        } else if matches!(level, LogLevel::Error | LogLevel::Fatal) {
            log::warn!("ONNX Runtime: {line}");
        }
    };
    let mut builder = OrtSession::builder()?
        .with_logger(Arc::new(listen))?
        .with_log_level(LogLevel::Verbose)?
        .with_intra_threads(usize::from(threads))?
        // Threads that wait for the next look must not burn the time of the user's own work.
        .with_intra_op_spinning(false)?;
    if let Some((name, options)) = provider {
        builder = builder.with_execution_providers(providers(name, options))?;
    }
    builder.commit_from_file(&signature.path)
}

/// The providers to register, each refused aloud if it cannot be had.
fn providers(
    name: ProviderName,
    options: &BTreeMap<String, String>,
) -> Vec<ExecutionProviderDispatch> {
    fn with<P: ArbitrarilyConfigurableExecutionProvider>(
        provider: P,
        options: &BTreeMap<String, String>,
    ) -> P {
        options
            .iter()
            .fold(provider, |provider, (key, value)| provider.with_arbitrary_config(key, value))
    }
    let found = match name {
        ProviderName::Cuda => vec![with(CUDA::default(), options).build()],
        ProviderName::TensorRt => {
            vec![with(TensorRT::default(), options).build(), CUDA::default().build()]
        }
    };
    found.into_iter().map(ExecutionProviderDispatch::error_on_failure).collect()
}

/// Runs say nothing but errors, whatever loading says.
fn quiet() -> ort::Result<RunOptions> {
    let mut options = RunOptions::new()?;
    options.set_log_level(LogLevel::Error)?;
    Ok(options)
}

impl Net for Session {
    fn run(&mut self, input: &[f32], take: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        let Session { signature, session, options, .. } = self;
        let fail =
            |error: ort::Error| signature.wrong("failed while running").because(cause(&error));
        let tensor = TensorRef::from_array_view((signature.shape, input)).map_err(fail)?;
        let outputs = session
            .run_with_options(ort::inputs![signature.input => tensor], options)
            .map_err(fail)?;
        for (index, (name, wanted)) in signature.outputs.iter().enumerate() {
            let output = outputs
                .get(name)
                .ok_or_else(|| signature.wrong(format!("has no output {name:?}")))?;
            let (shape, values) = output.try_extract_tensor::<f32>().map_err(fail)?;
            if !shape.iter().eq(wanted.iter().map(|side| *side as i64).collect::<Vec<_>>().iter()) {
                return Err(signature.wrong(format!(
                    "output {name:?} is of shape {shape:?}, but the manifest wants {wanted:?}"
                )));
            }
            signature.finite(values)?;
            take(index, values);
        }
        Ok(())
    }

    fn about(&self) -> String {
        self.about.clone()
    }
}

/// The library's words on one line.
fn cause<R>(error: &ort::Error<R>) -> String {
    error.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::placement;

    #[test]
    fn the_library_tells_who_has_how_many_nodes() {
        let all = " All nodes placed on [CPUExecutionProvider]. Number of nodes: 303";
        assert_eq!(placement(all), Some(("CPU".to_owned(), 303)));
        let some = " Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 280";
        assert_eq!(placement(some), Some(("CUDA".to_owned(), 280)));
        assert_eq!(placement("Node placements"), None);
        assert_eq!(placement("placed on [CPU]. Number of nodes: many"), None);
    }
}
