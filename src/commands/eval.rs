//! `tyto eval`: the field's protocols, on the pack or on any other system's maps.

mod pack;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use indicatif::{ProgressBar, ProgressStyle};
use tyto::error::{Error, Kind};
use tyto::evaluate::multi::Reading;
use tyto::evaluate::protocol::{self, Choice, Files, Protocol};
use tyto::evaluate::stored::Stored;
use tyto::evaluate::{Media, Report, Run, System, sheet};

use super::Setup;
use super::locate::looker::Looker;
use pack::PackSystem;

const EXAMPLES: &str = "\
Examples:
  tyto eval --protocol manifest --annotations singles.jsonl pairs.jsonl negatives.jsonl
  tyto eval --protocol vggss --annotations vggss.json --predictor centre
  tyto eval --protocol vggss --annotations vggss.json --media frames audio --json scores.json
  tyto eval --protocol is3 --annotations is3_bbox.json --pred theirs.jsonl --sheet worst.png
  tyto eval --protocol is3 --annotations is3_bbox.json --media is3 --negative-audio

The report goes to standard output as Markdown. Beside every score stand the same scores of a
centred disc of half the area (centre), of the whole picture (full) and of the truth itself
(oracle) on the same items. docs/evaluation.md explains protocols, files and measures.";

/// Options of `tyto eval`.
#[derive(clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// What is asked, of which data set: one of the protocols below
    #[arg(long, value_name = "NAME", value_parser = protocol_values(), hide_possible_values = true)]
    protocol: String,
    /// The data set's own annotations, as the protocols below name them
    #[arg(long, visible_alias = "data", value_name = "FILE", num_args = 1.., required = true)]
    annotations: Vec<PathBuf>,
    /// A list that goes with the annotations, as the protocols below name it
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Folders with the pictures, sounds and masks, however deep; a manifest also looks beside
    /// itself
    #[arg(long, value_name = "DIR", num_args = 1..)]
    media: Vec<PathBuf>,
    /// What is measured: the model pack, or a floor or the ceiling alone, which need no media
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Predictor::Pack)]
    predictor: Predictor,
    /// Measure these maps instead: JSON lines with "id" and "map", or a folder of ID.npy
    #[arg(long, value_name = "PATH", conflicts_with = "predictor")]
    pred: Option<PathBuf>,
    /// How several maps are matched to several sources: one of the readings below
    #[arg(
        long,
        value_name = "NAME",
        value_parser = reading_values(),
        hide_possible_values = true,
        default_value = "frame-wise"
    )]
    reading: String,
    /// Measure how the maps answer silence, noise and other items' sounds instead
    #[arg(long)]
    negative_audio: bool,
    /// Score at which maps are cut, for a reading that has one or for --negative-audio
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Write the report as JSON; - is standard output, instead of Markdown
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as Markdown here instead of to standard output
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draw the best and the worst cases
    #[arg(long, value_name = "PNG")]
    sheet: Option<PathBuf>,
    /// How many of each the sheet shows
    #[arg(long, value_name = "N", default_value_t = 8, requires = "sheet")]
    cases: usize,
    #[command(flatten)]
    setup: Setup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Predictor {
    /// The model pack, through the same looks as `tyto locate`
    Pack,
    /// A centred disc of half the picture's area
    Centre,
    /// The whole picture
    Full,
    /// The truth itself
    Oracle,
}

fn protocol_values() -> Vec<PossibleValue> {
    let value =
        |protocol: &'static Protocol| PossibleValue::new(protocol.name).help(protocol.about);
    protocol::ALL.iter().map(value).collect()
}

fn reading_values() -> Vec<PossibleValue> {
    Reading::NAMES.iter().map(|(name, about)| PossibleValue::new(*name).help(*about)).collect()
}

/// Protocols and readings with what they are, then examples.
fn after_help() -> String {
    let mut text = "Protocols, and the files that --annotations and --list name:\n".to_owned();
    for protocol in protocol::ALL {
        text +=
            &format!("  {:27} {}\n{:29} {}\n", protocol.name, protocol.about, "", protocol.files);
    }
    text += "\nReadings, for protocols of several sources:\n";
    for (name, about) in Reading::NAMES {
        text += &format!("  {name:27} {about}\n");
    }
    text + "\n" + EXAMPLES
}

/// Scores, prints, writes and draws.
///
/// # Errors
/// The command line, configuration, pack or annotations are faulty, no item could be scored, or a
/// file cannot be written.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.setup.load()?;
    // The parser takes no other names.
    let Some(protocol) = Protocol::named(&args.protocol) else { return Ok(()) };
    let Some(reading) = Reading::named(&args.reading, args.threshold) else { return Ok(()) };
    let choice = Choice { reading, negative_audio: args.negative_audio, threshold: args.threshold };
    let files = Files { annotations: args.annotations.clone(), list: args.list.clone() };
    let sets = protocol.read(&files)?;
    let media = Media::below(&args.media)?;
    let mut stored = args.pred.as_deref().map(Stored::open).transpose()?;
    let mut pack = match args.predictor {
        Predictor::Pack if stored.is_none() => {
            let (board, _) = config.board()?;
            Some(PackSystem::new(Looker::open(&config.pack()?, &board.engine)?))
        }
        _ => None,
    };
    let system: Option<&mut dyn System> = match (&mut stored, &mut pack) {
        (Some(stored), _) => Some(stored),
        (None, Some(pack)) => Some(pack),
        (None, None) => None,
    };

    let mut cases = Vec::new();
    let bar = progress();
    let mut tick = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let mut run = Run::new(system, &media, &mut tick);
    let report = protocol.score(&mut run, &sets, choice, &mut |case| {
        if args.sheet.is_some() {
            cases.push(case);
        }
    })?;
    bar.finish_and_clear();
    if let Some(pack) = &pack {
        log::debug!("{}", pack.spent());
    }

    write(&args, &report)?;
    if let Some(path) = &args.sheet {
        sheet::draw(&cases, args.cases, &media)?.write_png(path)?;
    }
    if report.items > 0 && report.scored == 0 {
        let first = report.missing.first().map_or("", |missing| &missing.why).to_owned();
        let wrong = format!("none of {} items could be scored: {first}", report.items);
        return Err(Error::new(Kind::Media, protocol.name, wrong)
            .hint("name the folders of pictures and sounds with --media DIR")
            .into());
    }
    if !report.missing.is_empty() {
        log::warn!("{} of {} items are missing", report.missing.len(), report.items);
    }
    Ok(())
}

fn write(args: &Args, report: &Report) -> anyhow::Result<()> {
    let standard = Path::new("-");
    if let Some(path) = &args.json {
        let mut text = serde_json::to_vec_pretty(report)?;
        text.push(b'\n');
        put(path, &text)?;
    }
    match &args.markdown {
        Some(path) => put(path, report.markdown().as_bytes()),
        None if args.json.as_deref() == Some(standard) => Ok(()),
        None => put(standard, report.markdown().as_bytes()),
    }
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if path == Path::new("-") {
        io::stdout().lock().write_all(bytes)?;
        return Ok(());
    }
    std::fs::write(path, bytes).map_err(|error| {
        Error::new(Kind::System, path.display(), "cannot be written").because(error).into()
    })
}

/// A bar on a terminal, and nothing elsewhere.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} looks, {eta} to go") {
        bar.set_style(style);
    }
    bar
}
