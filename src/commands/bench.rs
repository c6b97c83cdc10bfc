//! `tyto bench`: what each part of a look costs on this machine, on every engine.

mod compare;
mod material;
mod report;
mod runner;
mod sink;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;

use tyto::config::Board;
use tyto::config::EngineName;
use tyto::error::{Error, Kind, Result};

use super::Setup;
use super::play::Stage;
use material::Material;
use report::{Measured, Refused, Report};
use runner::Runner;
use sink::Sink;

/// Looks in a row on one engine before it is the next one's turn: short, so that a machine that
/// others use too treats all engines alike.
const TURN: usize = 5;

/// Looks that are not counted: buffers grow, and weights come into the caches.
const WARM_UP: usize = 6;

/// Options of `tyto bench`.
#[derive(clap::Args)]
pub struct Args {
    /// What is looked at: a file that ffmpeg can decode, or a folder with pictures and one WAV;
    /// without it, pictures of the board's size and noise
    clip: Option<PathBuf>,
    /// Looks on each engine
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    looks: u32,
    /// Print one JSON object, which --compare reads
    #[arg(long)]
    json: bool,
    /// Compare with a run before: ratios, and how far noise alone could have moved them
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    #[command(flatten)]
    setup: Setup,
}

/// Takes looks on every engine by turns, and prints what each part of them cost.
///
/// # Errors
/// Configuration, pack, clip or the run to compare with are faulty, or no engine runs the pack.
pub fn run(args: Args) -> anyhow::Result<()> {
    let only = args.setup.engine;
    let stage = Stage::new(args.setup.load()?)?;
    // A file that cannot be read should not cost a whole run.
    let before = args.compare.as_deref().map(Report::read).transpose()?;
    let material = match &args.clip {
        Some(clip) => Material::of_clip(clip)?,
        None => Material::made_up(stage.board().camera.width, stage.board().camera.height),
    };
    let sink = Sink::open()?;
    let (mut runners, mut refused) = (Vec::new(), Vec::new());
    for engine in wanted(only) {
        match Runner::open(&stage, engine, &material) {
            Ok(runner) => runners.push(runner),
            Err(error) => {
                refused.push(Refused { engine: engine.name().into(), reason: error.to_string() });
            }
        }
    }
    if runners.is_empty() {
        let reasons: Vec<String> = refused.into_iter().map(|refused| refused.reason).collect();
        let thing = stage.pack().title();
        return Err(Error::new(Kind::Pack, thing, "runs on no engine")
            .because(reasons.join("; "))
            .into());
    }
    measure(&mut runners, &material, &sink, args.looks as usize)?;
    let engines = runners.into_iter().map(Runner::measured).collect();
    let report = describe(&stage, stage.board(), &material, engines, refused);

    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        table::write(&mut out, &report)?;
    }
    if let (Some(before), Some(path)) = (before, &args.compare) {
        // Beside JSON, the comparison is for the eyes.
        let text = compare::table(&before, &report, &path.display().to_string());
        if args.json { io::stderr().write_all(text.as_bytes())? } else { write!(out, "\n{text}")? }
    }
    out.flush()?;
    Ok(())
}

/// The engine that was named, or all there are.
fn wanted(only: Option<EngineName>) -> impl Iterator<Item = EngineName> {
    EngineName::ALL.into_iter().filter(move |engine| only.is_none_or(|only| only == *engine))
}

/// Takes `looks` looks on each engine that are counted, by turns.
fn measure(
    runners: &mut [Runner<'_>],
    material: &Material,
    sink: &Sink,
    looks: usize,
) -> Result<()> {
    for runner in &mut *runners {
        runner.look(material, sink, WARM_UP, false)?;
    }
    let mut left = looks;
    while left > 0 {
        let turn = left.min(TURN);
        for runner in &mut *runners {
            runner.look(material, sink, turn, true)?;
        }
        left -= turn;
    }
    runners.iter_mut().try_for_each(|runner| runner.listen_to_silence(material, looks))
}

fn describe(
    stage: &Stage,
    board: &Board,
    material: &Material,
    engines: Vec<Measured>,
    refused: Vec<Refused>,
) -> Report {
    Report {
        schema: report::SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: report::machine(),
        board: board.name.clone(),
        model: stage.pack().title(),
        material: material.name.clone(),
        width: material.width,
        height: material.height,
        hop_s: stage.hop_s(),
        engines,
        refused,
    }
}
