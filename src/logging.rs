//! What goes to standard error: for people with colours and times, for the journal with
//! priorities and without times, which it has itself.

use std::io::{self, Write};
use std::os::linux::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ArgAction;
use log::{Level, LevelFilter};

/// Whether the command line or `RUST_LOG` chose a level, which the configuration then may not
/// change.
static CHOSEN: AtomicBool = AtomicBool::new(false);

/// The options about logging, valid before and after any subcommand.
#[derive(clap::Args)]
pub struct Args {
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with_all = ["quiet", "log"])]
    verbose: u8,
    /// Log less: only warnings; twice for only errors
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "log")]
    quiet: u8,
    /// Least urgent messages to log: off, error, warn, info, debug, trace [default: info, or
    /// what RUST_LOG or the configuration says]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<LevelFilter>,
}

/// Starts logging; the command line comes before `RUST_LOG`, and that before the configuration.
pub fn start(args: &Args) {
    let mut builder = env_logger::Builder::new();
    let asked = asked(args);
    let variable = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let ceiling = match (asked, variable) {
        (None, Some(filters)) => {
            builder.parse_filters(&filters);
            None
        }
        (level, _) => {
            // Libraries beneath speak only of trouble: a load of a graph alone has thousands
            // of debug lines. `RUST_LOG` lets them speak.
            builder.filter(None, LevelFilter::Warn).filter(Some("tyto"), LevelFilter::Trace);
            Some(level.unwrap_or(LevelFilter::Info))
        }
    };
    CHOSEN.store(asked.is_some() || ceiling.is_none(), Ordering::Relaxed);
    if to_journal() {
        builder.format(|out, record| {
            let text = record.args().to_string();
            text.lines().try_for_each(|line| writeln!(out, "<{}>{line}", priority(record.level())))
        });
    } else {
        builder.format_timestamp_millis().format_target(false);
    }
    let logger = builder.build();
    log::set_max_level(ceiling.unwrap_or_else(|| logger.filter()));
    // Fails only if there is a logger already, and this is the only place that sets one.
    let _ = log::set_boxed_logger(Box::new(logger));
}

/// Takes over the level of the configuration, unless the user chose one.
pub fn configure(level: LevelFilter) {
    if !CHOSEN.load(Ordering::Relaxed) {
        log::set_max_level(level);
    }
}

/// Says in one line why the program ends, whatever the log level.
pub fn last_words(text: &str) {
    let line = text.replace('\n', " ");
    let start =
        if to_journal() { format!("<{}>", priority(Level::Error)) } else { "tyto: ".to_owned() };
    // When standard error is gone too, the exit code still tells.
    let _ = writeln!(io::stderr(), "{start}{line}");
}

fn asked(args: &Args) -> Option<LevelFilter> {
    match (args.verbose, args.quiet) {
        (0, 0) => args.log,
        (0, 1) => Some(LevelFilter::Warn),
        (0, _) => Some(LevelFilter::Error),
        (1, _) => Some(LevelFilter::Debug),
        _ => Some(LevelFilter::Trace),
    }
}

/// The priority that `sd-daemon(3)` gives a line by a prefix.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Whether standard error is the very stream that the journal reads: `JOURNAL_STREAM` names
/// its device and inode, and is inherited by children whose stream goes elsewhere
/// (systemd.exec(5)).
fn to_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(about) = std::fs::metadata("/proc/self/fd/2") else { return false };
    stream == format!("{}:{}", about.st_dev(), about.st_ino())
}
