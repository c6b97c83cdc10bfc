//! Both nets in ONNX Runtime: on the CPU, or on an NVIDIA GPU through an execution provider.

mod net;
mod runner;

use net::Session;
use runner::Runner;

use super::onnx::{self, Signature};
use super::{Encoders, Pack};
use crate::config::{EngineChoice, OnnxRuntimeChoice};
use crate::error::Result;

/// Loads both nets of a pack.
///
/// # Errors
/// Kind [`Kind::Pack`](crate::error::Kind::Pack), naming the file: it is no net that ONNX Runtime
/// can run, or its inputs or outputs are not what the manifest says. Kind
/// [`Kind::Config`](crate::error::Kind::Config): the library cannot be had. What is wrong with a
/// provider is no error: the CPU computes, and the encoder tells its trouble.
pub fn open(pack: &Pack, choice: &EngineChoice) -> Result<Encoders> {
    let runtime = choice.onnxruntime.clone().unwrap_or_default();
    net::library(runtime.library.as_deref())?;
    onnx::open(pack, |signature| runner(signature, choice.threads, &runtime))
}

fn runner(signature: Signature, threads: u16, runtime: &OnnxRuntimeChoice) -> Result<Runner> {
    let on_cpu = {
        let signature = signature.clone();
        move || Ok(Box::new(Session::load(&signature, threads, None)?) as Box<dyn onnx::Net>)
    };
    let mut runner = Runner::new(on_cpu)?;
    if let Some(provider) = runtime.provider {
        let session = Session::load(&signature, threads, Some((provider, &runtime.options)));
        let session = session.map(|session| Box::new(session) as Box<dyn onnx::Net>);
        runner = runner.with_provider(&provider.to_string(), &signature, session)?;
    }
    let about = onnx::Net::about(&runner);
    log::info!("{}: {about}", signature.path.display());
    Ok(runner)
}
