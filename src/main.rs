//! The program `tyto`: the command line in, an exit code out.

// `println!` panics when the reader of a pipe has gone. Commands write with `writeln!` and `?`,
// and a closed pipe ends them quietly.
#![deny(clippy::print_stdout)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod commands;
mod logging;
#[cfg(test)]
mod manual;

use std::alloc::System;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use tyto::cost::Counting;
use tyto::error::{Error, Kind};

/// So that `tyto bench` can tell who calls for memory; elsewhere it only hands the calls on.
#[global_allocator]
static ALLOCATOR: Counting = Counting(System);

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or whoever read the output has gone
  1  a file could not be written, or the system failed
  2  wrong command line
  3  configuration or board profile
  4  picture, sound or clip
  5  model pack
  6  camera or microphone
  7  event socket
  8  a helper program (ffmpeg) is missing or failed";

/// Says which thing in view is making the sound, and in what direction it is.
#[derive(Parser)]
#[command(name = "tyto", version, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    logging: logging::Args,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.logging);
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if reader_has_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            logging::last_words(&format!("{error:#}"));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let known = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    known.map_or(Kind::System, Error::kind).exit_code()
}

fn reader_has_gone(error: &anyhow::Error) -> bool {
    let broken = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_exit_code_is_that_of_the_error_however_deep_it_lies() {
        let deep = Err::<(), _>(Error::new(Kind::Pack, "owlet", "wrong checksum"))
            .context("loading")
            .context("starting")
            .unwrap_err();
        assert_eq!(exit_code(&deep), Kind::Pack.exit_code());
        assert_eq!(exit_code(&anyhow::anyhow!("anything else")), 1);
    }

    #[test]
    fn only_a_closed_pipe_ends_quietly() {
        let pipe = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("out");
        assert!(reader_has_gone(&pipe));
        let full = anyhow::Error::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!reader_has_gone(&full));
    }
}
