//! One look without a stream: encoders and aligner over whole files.

use std::path::Path;
use std::time::{Duration, Instant};

use tyto::align::Aligner;
use tyto::capture::{Picture, Recording};
use tyto::config::EngineChoice;
use tyto::encode::{self, Encoders, ImageMap, Pack, Pooling, SoundVector};
use tyto::error::{Error, Kind, Result};
use tyto::signal::{self, SoundFrontEnd};

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
    front_end: Box<dyn SoundFrontEnd>,
    pooling: Pooling,
    image: Spent,
    patches: Spent,
    audio: Spent,
}

impl Looker {
    /// Loads the pack in `dir`.
    ///
    /// # Errors
    /// As [`Pack::load`] and [`encode::open`].
    pub fn open(dir: &Path, engine: &EngineChoice) -> Result<Looker> {
        let pack = Pack::load(dir)?;
        Ok(Looker {
            model: pack.title(),
            aligner: Aligner::new(&pack),
            encoders: encode::open(&pack, engine)?,
            front_end: pack.manifest.audio.front_end().open(),
            pooling: pack.manifest.audio.pooling,
            image: Spent::default(),
            patches: Spent::default(),
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
        if let Some(trouble) = self.encoders.image.trouble() {
            log::warn!("{trouble}");
        }
        Ok(map)
    }

    /// Reads and encodes a sound; see [`listen`](Self::listen).
    ///
    /// # Errors
    /// The file cannot be read or holds no samples, or the encoder failed.
    pub fn hear(&mut self, path: &Path) -> Result<Heard> {
        let samples = signal::to_mono_16k(&Recording::read(path)?)?;
        if samples.is_empty() {
            return Err(Error::new(Kind::Media, path.display(), "holds no samples"));
        }
        self.listen(samples)
    }

    /// Encodes mono samples at 16 kHz: the pack's patches, half of one apart, as many as lie in
    /// them wholly. A sound shorter than a patch is lengthened as the pack's front end does it.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn listen(&mut self, samples: Vec<f32>) -> Result<Heard> {
        let level_dbfs = signal::level_dbfs(&samples);
        let front_end = &mut *self.front_end;
        let patches = self.patches.time(|| signal::patches(front_end, samples));
        let (mut vectors, mut levels) = (Vec::new(), Vec::new());
        for patch in &patches {
            let mut vector = SoundVector::default();
            self.audio.time(|| self.encoders.audio.encode(&patch.values, &mut vector))?;
            vectors.push(vector);
            levels.push(patch.level_dbfs);
        }
        let mut vector = SoundVector::default();
        encode::pool(&vectors, &levels, self.pooling, &mut vector);
        Ok(Heard { vector, level_dbfs, silent: self.aligner.is_silent(level_dbfs) })
    }

    /// How often each stage ran, and how long it took in the mean.
    pub fn spent(&self) -> String {
        let (image, patches, audio) = (self.image, self.patches, self.audio);
        let front_end = self.front_end.name();
        format!("picture encoder {image}, {front_end} {patches}, sound encoder {audio}")
    }
}
