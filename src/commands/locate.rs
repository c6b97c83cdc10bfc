//! `tyto locate`: one look at a picture and a sound, or one for each row of a manifest.

mod batch;
pub(super) mod looker;
mod shared;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tyto::align::{SimilarityMap, Source};
use tyto::capture::Picture;
use tyto::config::Board;
use tyto::geometry::Camera;
use tyto::overlay::{self, Mark, Scene};

use super::Setup;
use super::view::{camera, mark};
use looker::Looker;

/// Options of `tyto locate`.
#[derive(clap::Args)]
pub struct Args {
    /// Picture: JPEG or PNG of any size
    #[arg(required_unless_present = "manifest", conflicts_with = "manifest", requires = "audio")]
    image: Option<PathBuf>,
    /// Sound: WAV of any rate, width and number of channels
    audio: Option<PathBuf>,
    /// Draw what was found onto the picture and write it here
    #[arg(long, value_name = "PNG", conflicts_with = "manifest")]
    overlay: Option<PathBuf>,
    /// Add the similarity map of each source
    #[arg(long, conflicts_with = "manifest")]
    map: bool,
    /// Horizontal field of view of the picture in degrees [default: the board's]
    #[arg(long, value_name = "DEG", conflicts_with = "manifest")]
    hfov: Option<f64>,
    /// Look at every row of this file: JSON lines with "id", "image", "audio", paths relative to it
    #[arg(long, value_name = "JSONL")]
    manifest: Option<PathBuf>,
    /// Where the rows of the manifest are answered, in their order; - is standard output
    #[arg(long, value_name = "JSONL", requires = "manifest", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    setup: Setup,
}

/// Prints what was found as one JSON object, or as one line for each row of the manifest.
///
/// # Errors
/// The configuration, the pack, the picture or the sound is faulty, or the output cannot be
/// written. Faulty rows of a manifest are reported, the others answered, and the whole then
/// fails as faulty media.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.setup.load()?;
    let (board, _) = config.board()?;
    let mut looker = Looker::open(&config.pack()?, &board.engine)?;
    match (&args.manifest, &args.image, &args.audio) {
        (Some(manifest), _, _) => batch::run(&mut looker, manifest, &args.out),
        (None, Some(image), Some(audio)) => single(&mut looker, &board, &args, image, audio),
        _ => unreachable!("clap asks for both files unless there is a manifest"),
    }
}

/// What one look found.
#[derive(Serialize)]
struct Found<'a> {
    picture: &'a Path,
    sound: &'a Path,
    model: &'a str,
    level_dbfs: f64,
    sources: Vec<Place<'a>>,
}

/// One source. Places and angles are absent for a source out of view.
#[derive(Serialize)]
struct Place<'a> {
    label: &'a str,
    label_score: f64,
    confidence: f64,
    on_screen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    azimuth_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elevation_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spread_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<[f64; 2]>,
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    extent: Option<[f64; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<Vec<Vec<f64>>>,
}

fn single(
    looker: &mut Looker,
    board: &Board,
    args: &Args,
    image: &Path,
    audio: &Path,
) -> anyhow::Result<()> {
    let picture = Picture::read(image)?;
    let camera = camera(board, picture.width, picture.height, args.hfov)?;
    let heard = looker.hear(audio)?;
    let seen = looker.see(&picture)?;
    let sources =
        if heard.silent { Vec::new() } else { looker.aligner.look(Some(&seen), &heard.vector) };
    let found = Found {
        picture: image,
        sound: audio,
        model: &looker.model,
        level_dbfs: rounded(heard.level_dbfs),
        sources: sources.iter().map(|source| place(source, &camera, args.map)).collect(),
    };
    if let Some(path) = &args.overlay {
        let marks: Vec<Mark<'_>> = sources.iter().map(|source| mark(source, &camera)).collect();
        let caption = if heard.silent { "silence" } else { "" };
        overlay::draw(&Scene { picture: &picture, sources: &marks, caption }).write_png(path)?;
    }
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &found).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn place<'a>(source: &'a Source, camera: &Camera, with_map: bool) -> Place<'a> {
    let map = &source.map;
    let peak = source.peak.map(f64::from);
    let seen = source.on_screen.then(|| camera.bearing(peak));
    let spread = || camera.spread_deg(&map.values, map.width, map.height, peak);
    Place {
        label: &source.label,
        label_score: rounded(source.label_score),
        confidence: rounded(source.confidence),
        on_screen: source.on_screen,
        azimuth_deg: seen.map(|bearing| rounded(bearing.azimuth_deg)),
        elevation_deg: seen.map(|bearing| rounded(bearing.elevation_deg)),
        spread_deg: seen.map(|_| rounded(spread())),
        peak: seen.map(|_| source.peak.map(rounded)),
        extent: seen.map(|_| source.extent.map(rounded)),
        map: with_map.then(|| rows(map)),
    }
}

/// To four digits after the point, as no one reads more.
fn rounded(value: impl Into<f64>) -> f64 {
    (value.into() * 1e4).round() / 1e4
}

/// The map as rows of JSON, to six digits from the first that is none 0 on, however small the value:
/// ties must not arise where there are none.
fn rows(map: &SimilarityMap) -> Vec<Vec<f64>> {
    let digits = |value: f32| format!("{value:.5e}").parse().unwrap_or_else(|_| f64::from(value));
    map.rows().into_iter().map(|row| row.into_iter().map(digits).collect()).collect()
}
