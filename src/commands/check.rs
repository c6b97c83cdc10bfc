//! `tyto check`: is everything there, and does it fit together?

mod devices;
mod tap;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use tyto::capture::Picture;
use tyto::config::{self, Board};
use tyto::encode::{self, Encoders, ImageMap, Pack, SoundVector};
use tyto::error::Result;
use tyto::signal::{self, SoundFrontEnd};

use super::Setup;

/// Trial runs of each encoder; the fastest counts, as the first has to fetch its weights.
const TRIALS: usize = 3;

/// Options of `tyto check`.
#[derive(clap::Args)]
pub struct Args {
    /// List the devices there are, and say which would be used, instead of all else
    #[arg(long)]
    devices: bool,
    /// Print one JSON object instead of lines, once everything was found in order
    #[arg(long)]
    json: bool,
    /// Show how loud each channel of the microphone is, to tap them and see which is which
    #[arg(long, conflicts_with = "devices")]
    tap: bool,
    /// End --tap after so many seconds
    #[arg(long, value_name = "N", requires = "tap", value_parser = seconds)]
    seconds: Option<f64>,
    #[command(flatten)]
    setup: Setup,
}

/// A time on the command line.
pub(super) fn seconds(text: &str) -> std::result::Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err("must be above 0".to_owned()) }
}

/// What was found in order.
#[derive(Serialize)]
struct Findings {
    configuration: String,
    board: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board_made_for_it: Option<String>,
    model: String,
    model_dir: String,
    licence: String,
    embedding: usize,
    labels: usize,
    tags: usize,
    load_ms: f64,
    picture_ms: f64,
    sound_ms: f64,
}

/// Checks configuration, board profile and model pack in this order, and says what it found,
/// a line for each. Nothing is started, and no device is opened but for `--devices` and `--tap`.
///
/// # Errors
/// The first thing that is not in order, with its kind's exit code.
pub fn run(args: Args) -> anyhow::Result<()> {
    if args.devices {
        return devices::run(&args.setup.load()?, args.json);
    }
    if args.tap {
        return tap::run(&args.setup.load()?, args.seconds, args.json);
    }
    let mut out = io::stdout().lock();
    let mut say = |what: &str, found: &str| {
        if args.json { Ok(()) } else { writeln!(out, "{what:<17}{found}") }
    };

    let config = args.setup.load()?;
    let configuration = origin(config.file.as_deref());
    say("configuration", &configuration)?;

    let (board, place) = config.board()?;
    say("board profile", &describe(&board, place.as_deref()))?;
    let machine = Board::machine();
    let dirs = config::board_dirs(&config.board.dirs);
    let made_for_it = machine.as_deref().and_then(|name| Board::made_for(name, &dirs));
    if let Some(machine) = &machine {
        say("machine", &fits(machine, &board, made_for_it.as_deref()))?;
    }

    let dir = config.pack()?;
    let pack = Pack::load(&dir)?;
    let (m, labels) = (&pack.manifest, &pack.labels);
    let (licence, dim) = (&m.licence.spdx, m.embedding);
    say("model pack", &format!("{} ({}), {licence}", pack.title(), dir.display()))?;
    let (count, tags) = (labels.labels.len(), labels.tags.len());
    say("checksums", "all files are as the manifest says")?;
    let named = match &m.label {
        Some(name) => format!("none, every source is a {name:?}, in {dim} dimensions"),
        None => format!("{count}, from {tags} tags, in {dim} dimensions"),
    };
    say("labels", &named)?;

    let start = Instant::now();
    let mut encoders = encode::open(&pack, &board.engine)?;
    let load_ms = milliseconds(start.elapsed());
    say("engine", &format!("{}, loaded in {load_ms:.0} ms", board.engine.name))?;
    let picture_ms = milliseconds(try_picture(&mut encoders, &board)?);
    let ([width, height], [across, down]) = (m.image.size, m.image.map);
    let shapes = format!("{width}×{height} pixels to {across}×{down} places");
    let engine = encoders.image.engine();
    say("picture encoder", &format!("{shapes}, {picture_ms:.1} ms, {engine}"))?;
    let mut front_end = m.audio.front_end().open();
    let sound_ms = milliseconds(try_sound(&mut encoders, &mut *front_end)?);
    let troubles = [encoders.image.trouble(), encoders.audio.trouble()];
    let [rows, columns] = front_end.shape();
    let seconds = front_end.samples() as f64 / f64::from(signal::RATE);
    let shape = format!("{seconds} s of {} ({rows}×{columns}) to one vector", front_end.name());
    let engine = encoders.audio.engine();
    say("sound encoder", &format!("{shape}, {sound_ms:.1} ms, {engine}"))?;

    for trouble in troubles.into_iter().flatten() {
        log::warn!("{trouble}");
    }

    if args.json {
        let findings = Findings {
            configuration,
            board: board.name,
            machine,
            board_made_for_it: made_for_it,
            model: pack.title(),
            model_dir: dir.display().to_string(),
            licence: licence.clone(),
            embedding: dim,
            labels: count,
            tags,
            load_ms,
            picture_ms,
            sound_ms,
        };
        serde_json::to_writer(&mut out, &findings).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

fn origin(file: Option<&Path>) -> String {
    file.map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
}

fn describe(board: &Board, place: Option<&Path>) -> String {
    let camera = &board.camera;
    let (name, place, angle) = (&board.name, origin(place), camera.hfov_deg);
    format!("{name} ({place}), camera {}×{}, {angle}° across", camera.width, camera.height)
}

/// The machine, and whether another profile than the one in force is made for it.
fn fits(machine: &str, board: &Board, made_for_it: Option<&str>) -> String {
    match made_for_it {
        _ if board.suits(machine) => format!("{machine}, as the profile expects"),
        Some(other) => {
            format!("{machine}; the profile for it is {other}: board.name = \"{other}\"")
        }
        None => format!("{machine}; no profile is made for it, {} will do", board.name),
    }
}

/// The time of one run on a grey picture of the board's size, scaling included.
fn try_picture(encoders: &mut Encoders, board: &Board) -> Result<Duration> {
    let (width, height) = (board.camera.width, board.camera.height);
    let picture = Picture { width, height, rgb: vec![127; width as usize * height as usize * 3] };
    let mut map = ImageMap::default();
    fastest(|| encoders.image.encode(&picture, &mut map))
}

/// The time of one run on a patch of silence.
fn try_sound(encoders: &mut Encoders, front_end: &mut dyn SoundFrontEnd) -> Result<Duration> {
    let patches = signal::patches(front_end, vec![0.0]);
    let mut sound = SoundVector::default();
    let mut run =
        || patches.iter().try_for_each(|patch| encoders.audio.encode(&patch.values, &mut sound));
    fastest(&mut run)
}

fn fastest(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..TRIALS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 1e2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_when_another_profile_is_made_for_it() {
        let mut board = Board::generic().unwrap();
        assert_eq!(
            fits("Raspberry Pi 5 Model B", &board, Some("rpi5")),
            "Raspberry Pi 5 Model B; the profile for it is rpi5: board.name = \"rpi5\""
        );
        assert_eq!(
            fits("Radxa ROCK 5B", &board, None),
            "Radxa ROCK 5B; no profile is made for it, generic will do"
        );
        board.machines = vec!["ROCK 5".to_owned()];
        assert_eq!(
            fits("Radxa ROCK 5B", &board, Some("other")),
            "Radxa ROCK 5B, as the profile expects"
        );
    }
}
