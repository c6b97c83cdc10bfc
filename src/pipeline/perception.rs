//! One object that hears, sees, looks and tells what changed. It knows no thread and no device.

use std::time::Duration;

use crate::align::{Aligner, Source};
use crate::capture::{AudioFormat, Block, Frame};
use crate::clock::{Clock, Mono};
use crate::cost::Stopwatch;
use crate::encode::{Encoders, Pooling, SoundVector, pool};
use crate::error::{Error, Kind, Result};
use crate::event::Sound;
use crate::geometry::{Camera, Optics};
use crate::signal::level::SILENCE_DBFS;
use crate::signal::{FrontEnd, RATE};
use crate::track::{self, Tracker};

use super::sight::Sight;
use super::sounds::Scribe;
use super::stages::Stages;
use super::turn::Turn;
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

impl Settings {
    /// # Errors
    /// A setting is out of its range.
    fn check(&self) -> Result<()> {
        if self.hop >= Duration::from_millis(10) && self.window > 0 {
            return Ok(());
        }
        let wrong = "the hop must be 10 ms or more and the window one patch or more";
        Err(Error::new(Kind::Config, "perception", wrong))
    }
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
    /// Gives pixels a bearing, whatever size the pictures have.
    pub optics: Optics,
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
    /// What it cost.
    pub stages: Stages,
}

/// Hears, sees and looks.
pub struct Perception {
    parts: Parts,
    settings: Settings,
    /// The microphone's history; `None` until it is known what it delivers.
    window: Option<Window>,
    scribe: Scribe,
    due: Option<Mono>,

    /// The last patches, the newest at the end; the three lists go together.
    patches: Vec<Span>,
    levels: Vec<f32>,
    vectors: Vec<SoundVector>,
    /// A vector that has gone from the list.
    spare: SoundVector,
    pooled: SoundVector,
    /// In a pack that knows names.
    turn: Option<Turn>,
    patch: Vec<f32>,

    sight: Sight,
    /// The size of the pictures that `camera` belongs to.
    size: (u32, u32),
    camera: Option<Camera>,

    span: Span,
    level_dbfs: f32,
    sources: Vec<Source>,
    sounds: Vec<Sound>,
}

impl Perception {
    /// Perception that has heard and seen nothing yet.
    ///
    /// # Errors
    /// A setting is out of its range.
    pub fn new(parts: Parts, settings: Settings) -> Result<Perception> {
        settings.check()?;
        let memory = memory(&settings, parts.front_end.open().samples());
        Ok(Perception {
            window: None,
            scribe: Scribe::new(),
            due: None,
            patches: Vec::with_capacity(settings.window),
            levels: Vec::with_capacity(settings.window),
            vectors: Vec::with_capacity(settings.window),
            spare: SoundVector::default(),
            pooled: SoundVector::default(),
            turn: parts.aligner.knows_names().then(Turn::default),
            patch: Vec::new(),
            sight: Sight::new(memory),
            size: (0, 0),
            camera: None,
            span: Span { start: Mono(0), end: Mono(0) },
            level_dbfs: SILENCE_DBFS,
            sources: Vec::new(),
            sounds: Vec::new(),
            settings,
            parts,
        })
    }

    /// Goes on with other settings, of looks, of tracks and of the camera's optics. What was
    /// heard and seen stays, and so do the tracks.
    ///
    /// # Errors
    /// A setting is out of its range; then nothing has changed.
    pub fn retune(
        &mut self,
        settings: Settings,
        tracks: track::Settings,
        optics: Optics,
    ) -> Result<()> {
        settings.check()?;
        let (width, height) = self.size;
        let camera = self.camera.as_ref().map(|_| optics.camera(width, height)).transpose()?;
        self.parts.tracker.retune(tracks)?;
        self.parts.optics = optics;
        self.camera = camera;
        self.sight.remember(memory(&settings, self.parts.front_end.open().samples()));
        self.settings = settings;
        self.due = None;
        Ok(())
    }

    /// Width, height and geometry of the last picture that came; `None` until there was one.
    pub fn picture(&self) -> Option<(u32, u32, &Camera)> {
        let (width, height) = self.size;
        self.camera.as_ref().map(|camera| (width, height, camera))
    }

    /// What the microphone delivers, or last did; `None` until it has.
    pub fn microphone(&self) -> Option<AudioFormat> {
        self.window.as_ref().map(Window::format)
    }

    /// Takes the next samples, in order of time. Samples of another format are another
    /// microphone's: what was heard before is forgotten.
    ///
    /// # Errors
    /// The format cannot be resampled.
    pub fn hear(&mut self, block: &Block) -> Result<()> {
        let window = match &mut self.window {
            Some(window) if window.format() == block.format => window,
            window => {
                self.due = None;
                window.insert(Window::new(block.format, &self.parts.front_end)?)
            }
        };
        if !window.hear(block) {
            self.due = None;
        }
        Ok(())
    }

    /// Takes a picture, in order of time, and gives back the one before for its buffer; at
    /// first `None`. The camera's geometry follows the picture's size.
    ///
    /// # Errors
    /// The picture has no area.
    pub fn see(&mut self, frame: Frame) -> Result<Option<Frame>> {
        let size = (frame.picture.width, frame.picture.height);
        if self.camera.is_none() || size != self.size {
            self.camera = Some(self.parts.optics.camera(size.0, size.1)?);
            self.size = size;
        }
        Ok(self.sight.see(frame))
    }

    /// There are no pictures any more: what was seen is forgotten, and until the next picture
    /// everything that sounds is out of view.
    pub fn blind(&mut self) {
        self.sight.blind();
    }

    /// There is no sound any more: every track ends, and what was heard is forgotten.
    pub fn deaf(&mut self, clock: &dyn Clock) -> &[Sound] {
        // The same microphone will probably be back: its tables stay.
        self.window.iter_mut().for_each(Window::clear);
        self.due = None;
        self.patches.clear();
        self.levels.clear();
        self.vectors.clear();
        self.finish(clock)
    }

    /// Whether a look is due that will look at a picture.
    pub fn needs_picture(&self) -> bool {
        let heard = self.due().and(self.window.as_ref()).and_then(Window::heard);
        heard.is_some_and(|(_, level)| !self.is_silent(level))
    }

    fn is_silent(&self, level_dbfs: f32) -> bool {
        level_dbfs < self.settings.floor_dbfs || self.parts.aligner.is_silent(level_dbfs)
    }

    /// Why the CPU computes what an accelerator should, once each time that it comes to that.
    pub fn trouble(&mut self) -> Option<String> {
        let Encoders { image, audio } = &mut self.parts.encoders;
        image.trouble().or_else(|| audio.trouble())
    }

    /// The last sample that a look would use, if one is due.
    pub fn due(&self) -> Option<Mono> {
        let end = self.window.as_ref()?.span()?.end;
        self.due.is_none_or(|due| end >= due).then_some(end)
    }

    /// Looks, if the hop since the last look is over; `None` if it is not.
    ///
    /// If more than one hop is over, only the newest sound is looked at and the rest counted as
    /// skipped: an answer about now is worth more than a late one about then.
    ///
    /// A picture that the look does without is left to [`see_ahead`](Self::see_ahead).
    ///
    /// # Errors
    /// An encoder failed.
    pub fn look(&mut self, clock: &dyn Clock) -> Result<Option<Look<'_>>> {
        if self.due().is_none() {
            return Ok(None);
        }
        let mut watch = Stopwatch::start();
        let mut stages = Stages::default();
        let heard = self.window.as_ref().and_then(Window::heard);
        let Some((span, level)) = heard else { return Ok(None) };
        let skipped = self.schedule(span.end);

        let silent = self.is_silent(level);
        self.forget_patches(span.end);
        if !silent {
            self.encode_sound(span, level, &mut watch, &mut stages)?;
        }
        self.span =
            Span { start: self.patches.first().map_or(span.start, |patch| patch.start), ..span };
        self.level_dbfs = level;

        stages.front_end += watch.lap();
        let mut sudden: &[Source] = &[];
        if silent {
            self.sources.clear();
        } else {
            self.level_dbfs = mean_level(&self.levels);
            pool(&self.vectors, &self.levels, self.parts.pooling, &mut self.pooled);
            let aligner = &mut self.parts.aligner;
            let (pooled, level) = (&self.pooled, self.level_dbfs);
            let turned = |turn: &Turn| turn.has_turned(aligner, pooled, level);
            let turned = self.turn.as_ref().is_some_and(turned);
            stages.align += watch.lap();
            self.sight.notice();
            stages.resize += watch.lap();
            if turned || self.sight.is_nearest(self.span.centre()) {
                let encoder = &mut *self.parts.encoders.image;
                self.sight.encode(encoder, &mut watch, &mut stages)?;
            }
            let image = self.sight.nearest(self.span.centre());
            let aligner = &mut self.parts.aligner;
            aligner.look_again(image, &self.pooled, &mut self.sources);
            if let Some(turn) = self.turn.as_mut().filter(|_| turned) {
                let image = self.sight.nearest(span.end);
                sudden = turn.sources(aligner, image, &mut self.sources);
            }
        }
        stages.align += watch.lap();
        let changes = self.parts.tracker.update_suddenly(span.end, &self.sources, sudden);
        self.sources.extend_from_slice(sudden);
        self.sounds.clear();
        for change in changes {
            let camera = self.camera.as_ref();
            let sound = self.scribe.write(change, camera, self.span, self.level_dbfs, clock);
            self.sounds.push(sound);
        }
        stages.track = watch.lap();
        Ok(Some(Look {
            span: self.span,
            level_dbfs: self.level_dbfs,
            silent,
            skipped,
            frame: self.sight.frame(),
            sources: &self.sources,
            tracker: &self.parts.tracker,
            sounds: &self.sounds,
            stages,
        }))
    }

    /// Encodes the newest picture for the looks to come, if the last one did without it, and says
    /// what that cost: nothing if it did not.
    ///
    /// To be called when what the look says has been told. Its sound reaches back more than a
    /// second, and the picture that belongs to it was seen in the middle of that: what it says
    /// need not wait for the newest one.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn see_ahead(&mut self) -> Result<Stages> {
        let mut stages = Stages::default();
        let encoder = &mut *self.parts.encoders.image;
        self.sight.encode(encoder, &mut Stopwatch::start(), &mut stages)?;
        Ok(stages)
    }

    /// Ends every track: at a stop, or when there is no more sound.
    pub fn finish(&mut self, clock: &dyn Clock) -> &[Sound] {
        self.sounds.clear();
        for change in self.parts.tracker.end_all() {
            let camera = self.camera.as_ref();
            let sound = self.scribe.write(change, camera, self.span, self.level_dbfs, clock);
            self.sounds.push(sound);
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
        let stale = |patch: &Span| end.since(patch.end) > reach || patch.end > end;
        while self.patches.first().is_some_and(stale) || self.patches.len() >= self.settings.window
        {
            self.patches.remove(0);
            self.levels.remove(0);
            self.spare = self.vectors.remove(0);
        }
    }

    fn encode_sound(
        &mut self,
        span: Span,
        level_dbfs: f32,
        watch: &mut Stopwatch,
        stages: &mut Stages,
    ) -> Result<()> {
        let Some(window) = &mut self.window else { return Ok(()) };
        if window.patch(&mut self.patch) {
            stages.front_end += watch.lap();
            let mut vector = std::mem::take(&mut self.spare);
            let encoder = &mut *self.parts.encoders.audio;
            encoder.encode(&self.patch, &mut vector)?;
            if let Some(turn) = &mut self.turn {
                turn.hear(window, encoder)?;
            }
            stages.sound += watch.lap();
            self.patches.push(span);
            self.levels.push(level_dbfs);
            self.vectors.push(vector);
        }
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

/// The level of the mean power.
fn mean_level(levels: &[f32]) -> f32 {
    let power: f32 = levels.iter().map(|db| 10_f32.powf(db / 10.0)).sum();
    10.0 * (power / levels.len().max(1) as f32).max(1e-12).log10()
}
