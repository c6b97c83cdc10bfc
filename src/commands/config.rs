//! `tyto config`: what is in force, and where it came from.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

use super::Setup;

/// Options of `tyto config`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
}

/// Prints the effective configuration as TOML that `tyto --config` reads again.
///
/// # Errors
/// The configuration or the board profile is faulty. A model pack that is not there is no
/// error here, but said in a comment.
pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.setup.load()?;
    let (board, place) = config.board()?;
    let pack = match config.pack() {
        Ok(dir) => dir.display().to_string(),
        Err(error) => format!("none; {error}"),
    };
    let whole = toml::to_string(&config.effective(&board)).context("the configuration as TOML")?;
    let mut out = io::stdout().lock();
    writeln!(out, "# configuration: {}", origin(config.file.as_deref()))?;
    writeln!(out, "# board profile: {} ({})", board.name, origin(place.as_deref()))?;
    writeln!(out, "# model pack: {pack}")?;
    writeln!(out)?;
    out.write_all(whole.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn origin(file: Option<&Path>) -> String {
    file.map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
}
