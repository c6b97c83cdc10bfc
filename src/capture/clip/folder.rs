//! A clip as a folder: pictures in the order of their names, and one WAV.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{AudioReel, Parts, VideoReel};
use crate::capture::{AudioFormat, Picture, Recording, VideoFormat};
use crate::error::{Error, Kind, Result};

/// The longest that a picture stands before it is given again.
const LONGEST: f64 = 0.2;

/// The rates that `clip.toml` may ask for, pictures a second.
const RATES: std::ops::RangeInclusive<f64> = 0.01..=240.0;

/// `clip.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Pictures a second; without it they are spread evenly over the sound.
    rate: Option<f64>,
}

pub(super) fn open(folder: &Path) -> Result<Parts> {
    let contents = list(folder)?;
    let recording = Recording::read(&contents.sound)?;
    let settings = settings(folder)?;
    let sound = recording.duration();
    let count = contents.pictures.len();
    // A recording has at least one sample, so the sound lasts longer than nothing.
    let rate = settings.rate.unwrap_or_else(|| count as f64 / sound.as_secs_f64());
    let video = Pictures::open(contents.pictures, rate)?;
    let shown = Duration::try_from_secs_f64(count as f64 / rate).unwrap_or(Duration::MAX);
    let duration = if settings.rate.is_some() { shown.max(sound) } else { sound };
    Ok(Parts {
        video: Box::new(video),
        audio: Box::new(Sound { recording, at: 0 }),
        duration: Some(duration),
    })
}

struct Contents {
    pictures: Vec<PathBuf>,
    sound: PathBuf,
}

fn list(folder: &Path) -> Result<Contents> {
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::Media, folder.display(), "cannot be read").because(error)
    };
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            _ if hidden => {}
            Some("jpg" | "jpeg" | "png") => pictures.push(path),
            Some("wav") => sounds.push(path),
            _ => {}
        }
    }
    pictures.sort();
    sounds.sort();
    let wrong = |what: String| {
        Err(Error::new(Kind::Media, folder.display(), what)
            .hint("a clip folder holds pictures (.jpg, .png) and one .wav"))
    };
    if pictures.is_empty() {
        return wrong("holds no picture".to_owned());
    }
    match <[PathBuf; 1]>::try_from(sounds) {
        Ok([sound]) => Ok(Contents { pictures, sound }),
        Err(sounds) if sounds.is_empty() => wrong("holds no sound".to_owned()),
        Err(sounds) => {
            let names: Vec<_> =
                sounds.iter().filter_map(|s| s.file_name()).map(|n| n.to_string_lossy()).collect();
            wrong(format!("holds several sounds: {}", names.join(", ")))
        }
    }
}

fn settings(folder: &Path) -> Result<Settings> {
    let path = folder.join("clip.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(error) => {
            return Err(Error::new(Kind::Config, path.display(), "cannot be read").because(error));
        }
    };
    let settings: Settings = toml::from_str(&text).map_err(|error| {
        Error::new(Kind::Config, path.display(), "is wrong").because(error.to_string().trim_end())
    })?;
    if settings.rate.is_some_and(|rate| !RATES.contains(&rate)) {
        return Err(Error::new(
            Kind::Config,
            path.display(),
            format!("`rate` must lie in {} to {} pictures a second", RATES.start(), RATES.end()),
        ));
    }
    Ok(settings)
}

/// The pictures, each decoded when its turn comes.
struct Pictures {
    files: Vec<PathBuf>,
    /// Pictures a second.
    rate: f64,
    /// How often each is given.
    repeats: usize,
    format: VideoFormat,
    /// The picture decoded last, and which one it is.
    current: Picture,
    loaded: usize,
    /// How many were given.
    given: usize,
}

impl Pictures {
    fn open(files: Vec<PathBuf>, rate: f64) -> Result<Pictures> {
        // `list` found at least one; `first` is what an empty list would fail on.
        let first = files.first().map_or_else(|| Ok(Picture::default()), |f| Picture::read(f))?;
        // The small allowance keeps a rate of exactly 5 from being doubled by rounding.
        let repeats = ((1.0 / (rate * LONGEST)) - 1e-6).ceil().max(1.0) as usize;
        let format =
            VideoFormat { width: first.width, height: first.height, rate: rate * repeats as f64 };
        Ok(Pictures { files, rate, repeats, format, current: first, loaded: 0, given: 0 })
    }

    /// Decodes picture `index`, if there is one, unless it is there already.
    fn load(&mut self, index: usize) -> Result<bool> {
        let Some(file) = self.files.get(index) else { return Ok(false) };
        if index == self.loaded {
            return Ok(true);
        }
        let picture = Picture::read(file)?;
        if (picture.width, picture.height) != (self.format.width, self.format.height) {
            return Err(Error::new(
                Kind::Media,
                file.display(),
                format!(
                    "is {}×{}, but the clip's first picture is {}×{}",
                    picture.width, picture.height, self.format.width, self.format.height
                ),
            )
            .hint("scale the pictures of a clip to one size"));
        }
        self.current = picture;
        self.loaded = index;
        Ok(true)
    }
}

impl VideoReel for Pictures {
    fn format(&self) -> VideoFormat {
        self.format.clone()
    }

    fn next(&mut self, picture: &mut Picture) -> Result<Option<Duration>> {
        if !self.load(self.given / self.repeats)? {
            return Ok(None);
        }
        picture.width = self.current.width;
        picture.height = self.current.height;
        picture.rgb.clone_from(&self.current.rgb);
        let place = self.given as f64 / (self.rate * self.repeats as f64);
        self.given += 1;
        Ok(Some(Duration::try_from_secs_f64(place).unwrap_or(Duration::MAX)))
    }

    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    fn rewind(&mut self) -> Result<()> {
        self.given = 0;
        Ok(())
    }
}

/// The sound, read from memory.
struct Sound {
    recording: Recording,
    at: usize,
}

impl AudioReel for Sound {
    fn format(&self) -> AudioFormat {
        AudioFormat { rate: self.recording.rate, channels: self.recording.channels }
    }

    fn read(&mut self, values: &mut [f32]) -> Result<usize> {
        let rest = &self.recording.samples[self.at..];
        let count = rest.len().min(values.len());
        values[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }

    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    fn rewind(&mut self) -> Result<()> {
        self.at = 0;
        Ok(())
    }
}
