//! One object that hears, sees, looks and tells what changed. It knows no thread and no device.

use std::time::{Duration, Instant};

use crate::align::{Aligner, Source};
use crate::capture::{AudioFormat, Block, Frame};
use crate::clock::{Clock, Mono};
use crate::encode::{Encoders, ImageMap, Pooling, SoundVector, pool};
use crate::error::{Error, Kind, Result};
use crate::event::Sound;
use crate::geometry::Camera;
use crate::signal::{FrontEnd, RATE};
use crate::track::Tracker;

use super::sounds::Scribe;
use super::window::{Span, Window};

/// How often and how far back is looked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// From one look to the next.
    pub hop: Duration,
    /// Patches that one look pools, one hop apart.
    pub window: usize,
    /// Sound weaker than this is silence, dB below full scale; the pack's own floor holds too.
    pub floor_dbfs: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { hop: Duration::from_millis(240), window: 4, floor_dbfs: -60.0 }
    }
}

/// What perception is made of.
pub struct Parts {
    /// Both encoders of the pack.
    pub encoders: Encoders,
    /// The pack's labels and calibration.
    pub aligner: Aligner,
    /// How the pack wants its patches.
    pub front_end: FrontEnd,
    /// How the pack pools patches.
    pub pooling: Pooling,
    /// Follows sources from look to look.
    pub tracker: Tracker,
    /// Gives pixels a bearing; `None` if there is no camera.
    pub camera: Option<Camera>,
    /// What the microphone delivers.
    pub microphone: AudioFormat,
}

/// How long each part of one look took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Sound front end and sound encoder.
    pub sound: Duration,
    /// Resize and picture encoder; zero if the picture was not new.
    pub picture: Duration,
    /// Pooling, similarity, tracks and events.
    pub align: Duration,
}

impl Stages {
    /// The whole look.
    pub fn total(&self) -> Duration {
        self.sound + self.picture + self.align
    }
}

/// What one look found.
pub struct Look<'a> {
    /// The sound that was looked at, all pooled patches.
    pub span: Span,
    /// Its level, dB below full scale.
    pub level_dbfs: f32,
    /// Whether it was too weak to look any further.
    pub silent: bool,
    /// Looks left out since the last one.
    pub skipped: u64,
    /// The newest picture.
    pub frame: Option<&'a Frame>,
    /// What this look alone says.
    pub sources: &'a [Source],
    /// What the tracks say; every live one is in here.
    pub tracker: &'a Tracker,
    /// What subscribers are told.
    pub sounds: &'a [Sound],
    /// How long it took.
    pub stages: Stages,
}

/// One encoded patch.
struct Patch {
    span: Span,
    level_dbfs: f32,
}

/// Hears, sees and looks.
pub struct Perception {
    parts: Parts,
    settings: Settings,
    window: Window,
    scribe: Scribe,
    due: Option<Mono>,

    /// The last patches, the newest at the end; the two lists go together.
    patches: Vec<Patch>,
    vectors: Vec<SoundVector>,
    pooled: SoundVector,
    patch: Vec<f32>,

    frame: Option<Frame>,
    fresh: bool,
    /// What was seen lately, in order of time. Maps are kept instead of pictures: the window's
    /// centre lies a second or two back, and a map is a hundredth of a picture.
    seen: Vec<(Mono, ImageMap)>,
    /// How many maps reach back to the window's centre.
    memory: usize,

    span: Span,
    level_dbfs: f32,
    sources: Vec<Source>,
    sounds: Vec<Sound>,
}

impl Perception {
    /// Perception that has heard and seen nothing yet.
    ///
    /// # Errors
    /// The microphone's format cannot be resampled, or a setting is out of its range.
    pub fn new(parts: Parts, settings: Settings) -> Result<Perception> {
        if settings.hop < Duration::from_millis(10) || settings.window == 0 {
            let wrong = "the hop must be 10 ms or more and the window one patch or more";
            return Err(Error::new(Kind::Config, "perception", wrong));
        }
        let memory = memory(&settings, parts.front_end.open().samples());
        Ok(Perception {
            window: Window::new(parts.microphone, &parts.front_end)?,
            scribe: Scribe::new(parts.camera.clone()),
            parts,
            due: None,
            patches: Vec::with_capacity(settings.window),
            vectors: Vec::with_capacity(settings.window),
            pooled: SoundVector::default(),
            patch: Vec::new(),
            frame: None,
            fresh: false,
            seen: Vec::with_capacity(memory),
            memory,
            span: Span { start: Mono(0), end: Mono(0) },
            level_dbfs: crate::signal::level::SILENCE_DBFS,
            sources: Vec::new(),
            sounds: Vec::new(),
            settings,
        })
    }

    /// The camera's geometry.
    pub fn camera(&self) -> Option<&Camera> {
        self.parts.camera.as_ref()
    }

    /// Takes the next samples, in order of time.
    pub fn hear(&mut self, block: &Block) {
        if !self.window.hear(block) {
            self.due = None;
        }
    }

    /// Takes a picture, in order of time, and gives back the one before for its buffer; at
    /// first `None`.
    pub fn see(&mut self, frame: Frame) -> Option<Frame> {
        self.fresh = true;
        self.frame.replace(frame)
    }

    /// The last sample that a look would use, if one is due.
    pub fn due(&self) -> Option<Mono> {
        let end = self.window.span()?.end;
        self.due.is_none_or(|due| end >= due).then_some(end)
    }

    /// Looks, if the hop since the last look is over; `None` if it is not.
    ///
    /// If more than one hop is over, only the newest sound is looked at and the rest counted as
    /// skipped: an answer about now is worth more than a late one about then.
    ///
    /// # Errors
    /// An encoder failed.
    pub fn look(&mut self, clock: &dyn Clock) -> Result<Option<Look<'_>>> {
        let Some(span) = self.window.span().filter(|_| self.due().is_some()) else {
            return Ok(None);
        };
        let skipped = self.schedule(span.end);

        let began = Instant::now();
        let level = self.window.level_dbfs();
        let silent = level < self.settings.floor_dbfs || self.parts.aligner.is_silent(level);
        self.forget_patches(span.end);
        if !silent {
            self.encode_sound(span, level)?;
        }
        let sound = began.elapsed();
        self.span =
            Span { start: self.patches.first().map_or(span.start, |p| p.span.start), ..span };
        self.level_dbfs = level;

        let began = Instant::now();
        if !silent {
            self.encode_picture()?;
        }
        let picture = began.elapsed();

        let began = Instant::now();
        self.sources.clear();
        if !silent {
            let levels: Vec<f32> = self.patches.iter().map(|patch| patch.level_dbfs).collect();
            self.level_dbfs = mean_level(&levels);
            pool(&self.vectors, &levels, self.parts.pooling, &mut self.pooled);
            let image = nearest(&self.seen, self.span.centre());
            self.sources = self.parts.aligner.look(image, &self.pooled);
        }
        let changes = self.parts.tracker.update(span.end, &self.sources);
        self.sounds.clear();
        for change in changes {
            self.sounds.push(self.scribe.write(change, self.span, self.level_dbfs, clock));
        }
        let stages = Stages { sound, picture, align: began.elapsed() };
        Ok(Some(Look {
            span: self.span,
            level_dbfs: self.level_dbfs,
            silent,
            skipped,
            frame: self.frame.as_ref(),
            sources: &self.sources,
            tracker: &self.parts.tracker,
            sounds: &self.sounds,
            stages,
        }))
    }

    /// Ends every track: at a stop, or when there is no more sound.
    pub fn finish(&mut self, clock: &dyn Clock) -> &[Sound] {
        self.sounds.clear();
        for change in self.parts.tracker.end_all() {
            self.sounds.push(self.scribe.write(change, self.span, self.level_dbfs, clock));
        }
        &self.sounds
    }

    /// Sets when the look after this one, at sound up to `end`, is due, and says how many were
    /// missed before it.
    fn schedule(&mut self, end: Mono) -> u64 {
        let hop = self.settings.hop;
        let due = self.due.unwrap_or(end);
        let skipped = end.since(due).as_nanos() / hop.as_nanos();
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        self.due = Some(due + hop * skipped + hop);
        skipped.into()
    }

    /// Drops patches that no window ending at `end` reaches.
    fn forget_patches(&mut self, end: Mono) {
        let hop = self.settings.hop;
        // Half a hop of grace: patches lie on the grid of frames, not exactly a hop apart.
        let reach = hop * u32::try_from(self.settings.window - 1).unwrap_or(u32::MAX) + hop / 2;
        let stale = |patch: &Patch| end.since(patch.span.end) > reach || patch.span.end > end;
        while self.patches.first().is_some_and(stale) || self.patches.len() >= self.settings.window
        {
            self.patches.remove(0);
            self.vectors.remove(0);
        }
    }

    fn encode_sound(&mut self, span: Span, level_dbfs: f32) -> Result<()> {
        if self.window.patch(&mut self.patch) {
            let mut vector = SoundVector::default();
            self.parts.encoders.audio.encode(&self.patch, &mut vector)?;
            self.patches.push(Patch { span, level_dbfs });
            self.vectors.push(vector);
        }
        Ok(())
    }

    /// Encodes the newest picture, if it is new, into the oldest place of what was seen.
    fn encode_picture(&mut self) -> Result<()> {
        let Some(frame) = self.frame.as_ref().filter(|_| self.fresh) else { return Ok(()) };
        let mut map =
            if self.seen.len() < self.memory { ImageMap::default() } else { self.seen.remove(0).1 };
        self.parts.encoders.image.encode(&frame.picture, &mut map)?;
        self.seen.retain(|(stamp, _)| *stamp < frame.stamp);
        self.seen.push((frame.stamp, map));
        self.fresh = false;
        Ok(())
    }
}

/// How many pictures, one a look, reach back from the newest sound to the centre of a window of
/// patches of so many samples; one more lies beyond it.
fn memory(settings: &Settings, samples: usize) -> usize {
    let hop = settings.hop.as_secs_f64();
    let patch = samples as f64 / f64::from(RATE);
    let window = patch + hop * settings.window.saturating_sub(1) as f64;
    (window / 2.0 / hop).ceil() as usize + 1
}

/// What was seen nearest to an instant; the later one of two as near.
fn nearest(seen: &[(Mono, ImageMap)], at: Mono) -> Option<&ImageMap> {
    seen.iter().rev().min_by_key(|(stamp, _)| stamp.abs_diff(at)).map(|(_, map)| map)
}

/// The level of the mean power.
fn mean_level(levels: &[f32]) -> f32 {
    let power: f32 = levels.iter().map(|db| 10_f32.powf(db / 10.0)).sum();
    10.0 * (power / levels.len().max(1) as f32).max(1e-12).log10()
}
