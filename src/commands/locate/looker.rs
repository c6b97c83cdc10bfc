//! One look without a stream: encoders and aligner over whole files.

use std::path::Path;
use std::time::{Duration, Instant};

use tyto::align::Aligner;
use tyto::capture::{Picture, Recording};
use tyto::encode::{self, Encoders, Engine, ImageMap, Pack, Pooling, SoundVector};
use tyto::error::{Error, Kind, Result};
use tyto::signal;

/// From one patch to the next, in log-mel frames: half a patch, as YAMNet does.
const HOP_FRAMES: usize = signal::PATCH_FRAMES / 2;

/// The same in samples.
const HOP_SAMPLES: usize = HOP_FRAMES * signal::HOP;

/// What was heard in a file.
pub struct Heard {
    /// Its patches, pooled.
    pub vector: SoundVector,
    /// RMS over the whole file.
    pub level_dbfs: f32,
    /// Whether that is below the pack's floor.
    pub silent: bool,
}

/// How long a stage took, all its runs together.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    total: Duration,
    runs: u32,
}

impl Spent {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.total += start.elapsed();
        self.runs += 1;
        result
    }
}

impl std::fmt::Display for Spent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mean = self.total.as_secs_f64() * 1e3 / f64::from(self.runs.max(1));
        write!(f, "{} × {mean:.2} ms", self.runs)
    }
}

/// A pack that is ready to look.
pub struct Looker {
    /// Name and version of the pack.
    pub model: String,
    /// Compares what was seen and heard.
    pub aligner: Aligner,
    encoders: Encoders,
    pooling: Pooling,
    image: Spent,
    front_end: Spent,
    audio: Spent,
}

impl Looker {
    /// Loads the pack in `dir`.
    ///
    /// # Errors
    /// As [`Pack::load`] and [`encode::open`].
    pub fn open(dir: &Path, engine: Engine) -> Result<Looker> {
        let pack = Pack::load(dir)?;
        Ok(Looker {
            model: pack.title(),
            aligner: Aligner::new(&pack),
            encoders: encode::open(&pack, engine)?,
            pooling: pack.manifest.audio.pooling,
            image: Spent::default(),
            front_end: Spent::default(),
            audio: Spent::default(),
        })
    }

    /// Encodes a picture.
    ///
    /// # Errors
    /// The picture has no pixels, or the encoder failed.
    pub fn see(&mut self, picture: &Picture) -> Result<ImageMap> {
        let mut map = ImageMap::default();
        self.image.time(|| self.encoders.image.encode(picture, &mut map))?;
        Ok(map)
    }

    /// Reads and encodes a sound: patches of 0.975 s, half of it apart, as many as lie in it
    /// wholly. A shorter sound is followed by silence.
    ///
    /// # Errors
    /// The file cannot be read or holds no samples, or the encoder failed.
    pub fn hear(&mut self, path: &Path) -> Result<Heard> {
        let mut samples = signal::to_mono_16k(&Recording::read(path)?)?;
        if samples.is_empty() {
            return Err(Error::new(Kind::Media, path.display(), "holds no samples"));
        }
        let level_dbfs = signal::level_dbfs(&samples);
        whole_patches(&mut samples);
        let patches = self.front_end.time(|| signal::patches(&samples, HOP_FRAMES));
        let (mut vectors, mut levels) = (Vec::new(), Vec::new());
        for (i, patch) in patches.iter().enumerate() {
            let mut vector = SoundVector::default();
            self.audio.time(|| self.encoders.audio.encode(patch, &mut vector))?;
            vectors.push(vector);
            let start = (i * HOP_SAMPLES).min(samples.len());
            let end = (start + signal::PATCH_SAMPLES).min(samples.len());
            levels.push(signal::level_dbfs(&samples[start..end]));
        }
        let mut vector = SoundVector::default();
        encode::pool(&vectors, &levels, self.pooling, &mut vector);
        Ok(Heard { vector, level_dbfs, silent: self.aligner.is_silent(level_dbfs) })
    }

    /// How often each stage ran, and how long it took in the mean.
    pub fn spent(&self) -> String {
        let (image, front_end, audio) = (self.image, self.front_end, self.audio);
        format!("picture encoder {image}, log-mel {front_end}, sound encoder {audio}")
    }
}

/// Cuts `samples` so that whole patches cover them; a sound shorter than a patch stays, and is
/// followed by silence.
fn whole_patches(samples: &mut Vec<f32>) {
    if let Some(beyond) = samples.len().checked_sub(signal::PATCH_SAMPLES) {
        samples.truncate(signal::PATCH_SAMPLES + beyond / HOP_SAMPLES * HOP_SAMPLES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_that_fills_no_patch_is_left_out_unless_there_is_nothing_else() {
        for (length, kept, patches) in [
            (7_000, 7_000, 1),
            (15_600, 15_600, 1),
            (23_279, 15_600, 1),
            (23_280, 23_280, 2),
            (40_000, 38_640, 4),
        ] {
            let mut samples = vec![0.0; length];
            whole_patches(&mut samples);
            assert_eq!(samples.len(), kept);
            assert_eq!(signal::patches(&samples, HOP_FRAMES).len(), patches);
        }
    }
}
