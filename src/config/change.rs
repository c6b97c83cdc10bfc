//! What differs between two configurations, and what of it a running daemon can take over.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Board, Config};
use crate::error::{Error, Kind, Result};

/// What takes effect while the daemon runs: keys, and sections that do so whole. Everything
/// else, and every key to come, needs a restart until it is named here.
pub(super) const LIVE: [&str; 10] = [
    "camera.hfov_deg",
    "camera.vfov_deg",
    "log.level",
    "mount",
    "perception.floor_dbfs",
    "socket.group",
    "socket.heartbeat_s",
    "socket.mode",
    "socket.queue",
    "track",
];

/// The keys in which two configurations differ, dotted and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that take effect while the daemon runs.
    pub live: Vec<String>,
    /// Those that need a restart.
    pub restart: Vec<String>,
}

impl Changes {
    /// What changes from one configuration to the next, each with its board profile: a value
    /// that moved from the one into the other is no change.
    pub fn between(old: (&Config, &Board), new: (&Config, &Board)) -> Changes {
        let whole = |(config, board): (&Config, &Board)| table(&config.effective(board));
        let (live, restart) =
            differences(&whole(old), &whole(new)).into_iter().partition(|key| is_live(key));
        Changes { live, restart }
    }
}

/// `old`, a configuration or a board profile, with everything from `new` that takes effect
/// while the daemon runs: what is in force after a reload.
///
/// # Errors
/// [`Kind::Config`]: the two do not go together. No two valid ones are known to do so.
pub fn merge<T: Serialize + DeserializeOwned>(old: &T, new: &T) -> Result<T> {
    let (mut merged, new) = (table(old), table(new));
    for key in differences(&merged, &new).iter().filter(|key| is_live(key)) {
        replace(&mut merged, &new, key);
    }
    Value::Table(merged)
        .try_into()
        .map_err(|error| Error::new(Kind::Config, "reload", "cannot be merged").because(error))
}

fn table(of: &impl Serialize) -> Table {
    // Texts, numbers, lists and tables of them: none can fail to become TOML.
    Table::try_from(of).unwrap_or_default()
}

/// Puts the value at a dotted key of `new` in the place of that in `old`, or its absence.
fn replace(old: &mut Table, new: &Table, key: &str) {
    let (name, rest) = match key.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (key, None),
    };
    match (rest, new.get(name), old.get_mut(name)) {
        (Some(rest), Some(Value::Table(new)), Some(Value::Table(old))) => replace(old, new, rest),
        (_, Some(value), _) => {
            old.insert(name.to_owned(), value.clone());
        }
        (_, None, _) => {
            old.remove(name);
        }
    }
}

fn is_live(key: &str) -> bool {
    LIVE.iter().any(|live| match key.strip_prefix(live) {
        Some(rest) => rest.is_empty() || rest.starts_with('.'),
        None => false,
    })
}

/// The dotted keys of all values that are not the same, or not in both.
fn differences(old: &Table, new: &Table) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let different = |name: &String| match (old.get(name), new.get(name)) {
        (Some(Value::Table(old)), Some(Value::Table(new))) => {
            differences(old, new).into_iter().map(|rest| format!("{name}.{rest}")).collect()
        }
        (old, new) if old != new => vec![name.clone()],
        _ => Vec::new(),
    };
    names.into_iter().flat_map(different).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(old: &str, new: &str) -> Changes {
        let [old, new] = [old, new].map(|text| Config::parse(text, "c.toml").unwrap());
        let board = |config: &Config| config.overrule(Board::generic().unwrap());
        Changes::between((&old, &board(&old)), (&new, &board(&new)))
    }

    #[test]
    fn what_takes_effect_is_told_from_what_needs_a_restart() {
        let new = "[log]\nlevel = \"debug\"\n[track]\nsmoothing_s = 0.1\n[mount]\nyaw_deg = 3.0\n\
                   [camera]\nhfov_deg = 70.0\nwidth = 1280\n[perception]\nhop_s = 0.48\n\
                   [socket]\npath = \"/tmp/x\"\nmode = \"0666\"\ngroup = \"tyto\"\n";
        let changes = between("", new);
        let live = [
            "camera.hfov_deg",
            "log.level",
            "mount.yaw_deg",
            "socket.group",
            "socket.mode",
            "track.smoothing_s",
        ];
        assert_eq!(changes.live, live);
        assert_eq!(changes.restart, ["camera.width", "perception.hop_s", "socket.path"]);
        let back = between(new, "");
        assert_eq!(back, changes, "a key that is left out again changes as much");
    }

    #[test]
    fn the_same_values_written_otherwise_are_no_change() {
        let board = Board::generic().unwrap();
        let text = toml::to_string(&Config::default().effective(&board)).unwrap();
        assert_eq!(between("", &text), Changes::default());
        assert_eq!(between("[board]\ndirs = []", "# nothing\n"), Changes::default());
    }

    #[test]
    fn another_profile_changes_all_that_it_says_otherwise() {
        let config = Config::default();
        let old = Board::generic().unwrap();
        let mut new = old.clone();
        new.camera.hfov_deg += 1.0;
        new.microphone.channels += 1;
        let changes = Changes::between((&config, &old), (&config, &new));
        assert_eq!(
            (changes.live, changes.restart),
            (vec!["camera.hfov_deg".to_owned()], vec!["microphone.channels".to_owned()],)
        );
    }

    #[test]
    fn what_is_in_force_after_a_reload_differs_from_the_new_in_nothing_that_is_live() {
        let new = "[log]\nlevel = \"debug\"\n[track]\nstart_hits = 3\n[mount]\npitch_deg = 3.0\n\
                   [camera]\nvfov_deg = 40.0\nwidth = 1280\n[perception]\nfloor_dbfs = -50.0\n\
                   [socket]\nmode = \"0666\"\ngroup = \"tyto\"\n[model]\npack = \"other\"\n";
        let [old, new] = ["", new].map(|text| Config::parse(text, "c.toml").unwrap());
        let board = |config: &Config| config.overrule(Board::generic().unwrap());
        for (from, to) in [(&old, &new), (&new, &old)] {
            let config = merge(from, to).unwrap();
            let (board, wanted) = (merge(&board(from), &board(to)).unwrap(), board(to));
            let left = Changes::between((&config, &board), (to, &wanted));
            assert_eq!(left.live, [""; 0]);
            assert_eq!(left.restart, ["camera.width", "model.pack"]);
            assert_eq!(board.camera.vfov_deg, wanted.camera.vfov_deg);
            assert_eq!(
                (config.socket.group, config.track),
                (to.socket.group.clone(), to.track.clone())
            );
        }
    }

    #[test]
    fn the_manual_names_what_takes_effect() {
        let manual = include_str!("../../docs/configuration.md");
        let (_, rest) = manual.split_once("## Reloading").unwrap();
        let section = rest.split("\n## ").next().unwrap();
        for key in LIVE {
            let written = if key.contains('.') { format!("`{key}`") } else { format!("`[{key}]`") };
            assert!(section.contains(&written), "{written} is missing in: {section}");
        }
    }
}
