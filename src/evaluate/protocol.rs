//! The protocols by name: which files they read, and how they are scored.

use std::path::{Path, PathBuf};

use super::item::Dataset;
use super::multi::Reading;
use super::readers;
use super::readers::boxes::Naming;
use super::report::Report;
use super::run::Run;
use super::sheet::Case;
use super::{mixtures, multi, negative_audio, retrieve, single};
use crate::error::{Error, Kind, Result};

/// How the items of a protocol are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scoring {
    Single,
    Multi,
    Mixtures,
    Retrieval,
}

/// One protocol.
#[derive(Debug)]
pub struct Protocol {
    /// Its name.
    pub name: &'static str,
    /// What it asks.
    pub about: &'static str,
    /// The files it reads.
    pub files: &'static str,
    read: fn(&Files) -> Result<Vec<Dataset>>,
    scoring: Scoring,
}

/// The files that were given.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Annotations: one file, or several of one kind.
    pub annotations: Vec<PathBuf>,
    /// A list that goes with them: a subset, pairs, or negatives.
    pub list: Option<PathBuf>,
}

/// What may be chosen about how a protocol scores.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// How several maps are scored against several sources.
    pub reading: Reading,
    /// Measure how maps answer silence, noise and other sounds instead.
    pub negative_audio: bool,
    /// The universal threshold of negative sounds, if it is given.
    pub threshold: Option<f64>,
}

/// Declares the protocols.
macro_rules! protocols {
    ($($name:literal $scoring:ident $read:expr, $about:literal, $files:literal;)+) => {
        /// Every protocol.
        pub const ALL: &[Protocol] = &[$(Protocol {
            name: $name,
            about: $about,
            files: $files,
            read: $read,
            scoring: Scoring::$scoring,
        }),+];
    };
}

protocols! {
    "manifest" Single manifests,
        "where it is, which of several it is, whether it is there", "JSON lines, several at once";
    "mixtures" Mixtures manifests,
        "two sounds at once over a picture of both", "the same manifests";
    "retrieval" Retrieval |files| sets(files, subset),
        "the picture of a sound and the sound of a picture", "a manifest, or vggss.json";
    "vggss" Single vggss,
        "VGG-SS", "vggss.json; --list: a subset of its clips";
    "vggss-extended" Single |files| extended(files, vggss_whole(files)?),
        "VGG-SS with silent and off-screen sounds", "vggss.json; --list vggss_test_plus_silent.csv";
    "flickr" Single flickr,
        "Flickr-SoundNet, consensus of annotators", "folder of ID.xml; --list: the test ids";
    "flickr-extended" Single |files| extended(files, readers::flickr::read(one(files)?)?),
        "the same with off-screen sounds", "folder of ID.xml; --list flickr_test_plus_silent.csv";
    "is3" Single |files| boxes(files, Naming { parts: 1, class_last: true }),
        "IS3, two sources a picture", "is3_bbox.json or is3_seg.json";
    "vpo" Single |files| boxes(files, Naming { parts: 1, class_last: true }),
        "VPO", "vpo_*_bbox.json or vpo_*_seg.json";
    "ms3" Single |files| boxes(files, Naming { parts: 2, class_last: false }),
        "AVSBench, several sources", "ms3_box.json or ms3_seg.json";
    "s4" Single |files| boxes(files, Naming { parts: 3, class_last: false }),
        "AVSBench, one source", "s4_box.json or s4_seg.json";
    "music-solo" Single |files| Ok(vec![readers::music::read_solo(one(files)?)?]),
        "MUSIC-Solo", "music_solo.json";
    "music-duet" Multi |files| Ok(vec![readers::music::read_duet(one(files)?)?]),
        "MUSIC-Duet, two sources in one picture", "music_duet.json";
    "vggsound-duet" Multi |files| Ok(vec![readers::duet::read(one(files)?, list(files)?)?]),
        "two VGG-SS clips at once, side by side", "vggss.json; --list vggsound_duet_test.csv";
    "vggsound-instruments" Single |files| Ok(vec![readers::instruments::read(one(files)?, 1)?]),
        "VGGSound-Instruments, masks", "vgginstruments_test.csv; masks in --media";
    "vggsound-instruments-multi" Multi |files| Ok(vec![readers::instruments::read(one(files)?, 2)?]),
        "two of them at once, side by side", "vgginstruments_multi_test.csv; masks in --media";
}

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
        choice: Choice,
        case: &mut dyn FnMut(Case),
    ) -> Result<Report> {
        if choice.negative_audio {
            return negative_audio::score(run, self.name, sets, choice.threshold);
        }
        match self.scoring {
            Scoring::Single => single::score(run, self.name, sets, case),
            Scoring::Multi => multi::score(run, self.name, sets, choice.reading),
            Scoring::Mixtures => mixtures::score(run, self.name, sets),
            Scoring::Retrieval => retrieve::score(run, self.name, sets),
        }
    }
}

/// The one file of annotations.
fn one(files: &Files) -> Result<&Path> {
    match &files.annotations[..] {
        [path] => Ok(path),
        [_, second, ..] => Err(Error::new(Kind::Media, second.display(), "is one file too many")
            .hint("this protocol reads one; only manifests may be several")),
        [] => Err(Error::new(Kind::Media, "annotations", "are lacking")),
    }
}

/// The list that a protocol cannot do without.
fn list(files: &Files) -> Result<&Path> {
    files.list.as_deref().ok_or_else(|| {
        Error::new(Kind::Media, "list", "is lacking")
            .hint("this protocol needs a second file: name it with --list FILE")
    })
}

/// Keeps what is listed, if there is a list.
fn subset(files: &Files, mut set: Dataset) -> Result<Dataset> {
    if let Some(path) = &files.list {
        let listed = readers::list::read(path)?;
        readers::list::keep(&mut set, &listed, &path.display().to_string())?;
    }
    Ok(set)
}

fn manifests(files: &Files) -> Result<Vec<Dataset>> {
    let read = |path: &PathBuf| subset(files, readers::manifest::read(path)?);
    files.annotations.iter().map(read).collect()
}

fn vggss_whole(files: &Files) -> Result<Dataset> {
    readers::vggss::read(one(files)?)
}

fn vggss(files: &Files) -> Result<Vec<Dataset>> {
    Ok(vec![subset(files, vggss_whole(files)?)?])
}

fn flickr(files: &Files) -> Result<Vec<Dataset>> {
    Ok(vec![subset(files, readers::flickr::read(one(files)?)?)?])
}

fn extended(files: &Files, mut set: Dataset) -> Result<Vec<Dataset>> {
    readers::silent::add(&mut set, list(files)?)?;
    Ok(vec![set])
}

fn boxes(files: &Files, naming: Naming) -> Result<Vec<Dataset>> {
    Ok(vec![subset(files, readers::boxes::read(one(files)?, naming)?)?])
}

/// Manifests, or whatever else ends in `.json`: the boxes of VGG-SS.
fn sets(files: &Files, keep: fn(&Files, Dataset) -> Result<Dataset>) -> Result<Vec<Dataset>> {
    let read = |path: &PathBuf| match path.extension().is_some_and(|end| end == "json") {
        true => keep(files, readers::vggss::read(path)?),
        false => keep(files, readers::manifest::read(path)?),
    };
    files.annotations.iter().map(read).collect()
}
