//! The protocols by name: which files they read, and how they are scored.

use std::path::PathBuf;

use super::item::Dataset;
use super::readers;
use super::report::Report;
use super::run::Run;
use super::sheet::Case;
use super::{mixtures, retrieve, single};
use crate::error::{Error, Kind, Result};

/// How the items of a protocol are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scoring {
    Single,
    Mixtures,
    Retrieval,
}

/// One protocol.
#[derive(Debug)]
pub struct Protocol {
    /// Its name.
    pub name: &'static str,
    /// What it asks, and of which files, in a line.
    pub about: &'static str,
    read: fn(&Files) -> Result<Vec<Dataset>>,
    scoring: Scoring,
}

/// The files that were given.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Annotations: one file, or several of one kind.
    pub annotations: Vec<PathBuf>,
    /// A list that goes with them: a subset, or the sounds of another set.
    pub list: Option<PathBuf>,
}

/// Every protocol.
pub const ALL: &[Protocol] = &[
    Protocol {
        name: "manifest",
        about: "where is it, which one is it, is it there: our own JSON lines, several files at once",
        read: manifests,
        scoring: Scoring::Single,
    },
    Protocol {
        name: "mixtures",
        about: "two sounds at once over a picture of both, made from a manifest",
        read: manifests,
        scoring: Scoring::Mixtures,
    },
    Protocol {
        name: "retrieval",
        about: "which picture goes with a sound and which sound with a picture, from a manifest",
        read: manifests,
        scoring: Scoring::Retrieval,
    },
];

impl Protocol {
    /// The protocol of this name.
    pub fn named(name: &str) -> Option<&'static Protocol> {
        ALL.iter().find(|protocol| protocol.name == name)
    }

    /// Reads the items.
    ///
    /// # Errors
    /// [`Kind::Media`]: a file is lacking or cannot be understood.
    pub fn read(&self, files: &Files) -> Result<Vec<Dataset>> {
        if files.annotations.is_empty() {
            return Err(Error::new(Kind::Media, self.name, "needs annotations")
                .hint("name them with --annotations FILE"));
        }
        (self.read)(files)
    }

    /// Scores the items, and hands each judged map to `case`.
    ///
    /// # Errors
    /// What ends a run; see [`Run::look`].
    pub fn score(
        &self,
        run: &mut Run<'_>,
        sets: &[Dataset],
        case: &mut dyn FnMut(Case),
    ) -> Result<Report> {
        match self.scoring {
            Scoring::Single => single::score(run, self.name, sets, case),
            Scoring::Mixtures => mixtures::score(run, self.name, sets),
            Scoring::Retrieval => retrieve::score(run, self.name, sets),
        }
    }
}

fn manifests(files: &Files) -> Result<Vec<Dataset>> {
    files.annotations.iter().map(|path| readers::manifest::read(path)).collect()
}
