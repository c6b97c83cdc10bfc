//! A clip as a file: the `ffmpeg` program decodes it, one child for the pictures and one for
//! the sound, so that neither waits for the other.

mod child;
mod probe;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use self::child::Child;
use self::probe::Probe;
use super::{AudioReel, Parts, VideoReel, time_of};
use crate::capture::{AudioFormat, Picture, VideoFormat};
use crate::error::{Error, Kind, Result};

/// The programs that are run.
#[derive(Clone)]
pub(super) struct Programs {
    pub(super) ffmpeg: OsString,
    pub(super) ffprobe: OsString,
}

impl Default for Programs {
    fn default() -> Self {
        Programs { ffmpeg: "ffmpeg".into(), ffprobe: "ffprobe".into() }
    }
}

/// `file:` keeps a name with a colon or a leading dash from meaning something else.
fn input(path: &Path) -> OsString {
    let mut input = OsString::from("file:");
    input.push(path);
    input
}

pub(super) fn open(path: &Path, programs: &Programs) -> Result<Parts> {
    let probe = Probe::of(path, programs)?;
    let job = |arguments: Vec<String>| Job {
        program: programs.ffmpeg.clone(),
        input: input(path),
        arguments,
        name: path.display().to_string(),
        duration: probe.duration,
        child: None,
        next: None,
    };
    let video = Pictures::open(job(picture_arguments(&probe)), &probe)?;
    let audio = Sound::open(job(sound_arguments(probe.audio)), probe.audio)?;
    Ok(Parts { video: Box::new(video), audio: Box::new(audio), duration: probe.duration })
}

/// PPM carries the size in front of each picture: after rotation and scaling, as it really is.
fn picture_arguments(probe: &Probe) -> Vec<String> {
    let (number, every) = probe.rate;
    // A constant rate from the clip's beginning: picture n was taken at n / rate.
    let filter = format!("fps=fps={number}/{every}:start_time=0");
    ["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", &filter]
        .into_iter()
        .chain(["-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1"])
        .map(str::to_owned)
        .collect()
}

fn sound_arguments(format: AudioFormat) -> Vec<String> {
    let (rate, channels) = (format.rate.to_string(), format.channels.to_string());
    // Gaps and a late beginning are filled with silence: sample n was taken at n / rate.
    ["-map", "0:a:0", "-vn", "-sn", "-dn", "-af", "aresample=async=1:first_pts=0"]
        .into_iter()
        .chain(["-ar", &rate, "-ac", &channels, "-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"])
        .map(str::to_owned)
        .collect()
}

/// One of the two decodings of the file, as often as it is needed.
struct Job {
    program: OsString,
    input: OsString,
    arguments: Vec<String>,
    name: String,
    /// How long the file says it is.
    duration: Option<Duration>,
    child: Option<Child>,
    /// The child for the next turn, started before the present one has ended.
    next: Option<Child>,
}

impl Job {
    fn start(&self) -> Result<Child> {
        Child::start(&self.program, &self.input, &self.arguments)
    }

    fn child(&mut self) -> Result<&mut Child> {
        let child = match self.child.take() {
            Some(child) => child,
            None => self.start()?,
        };
        Ok(self.child.insert(child))
    }

    fn prepare(&mut self) -> Result<()> {
        if self.next.is_none() {
            self.next = Some(self.start()?);
        }
        Ok(())
    }

    fn rewind(&mut self) {
        self.child = self.next.take();
    }

    /// Reads until `bytes` are full or the child has no more, and says how many it read.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let count = self.child()?.read(bytes);
        count.map_err(|error| {
            Error::new(Kind::Helper, &self.name, "could not be read from ffmpeg").because(error)
        })
    }

    /// After the child's last byte: whether it had reached the file's end by then.
    fn finish(&mut self, delivered: Duration) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let end = child.wait().map_err(|error| {
            Error::new(Kind::Helper, &self.name, "ffmpeg cannot be waited for").because(error)
        })?;
        let so_far = format!("after {:.2} s", delivered.as_secs_f64());
        if let Some(signal) = end.signal {
            return Err(Error::new(
                Kind::Helper,
                &self.name,
                format!("ffmpeg was killed by signal {signal} {so_far}"),
            ));
        }
        if !end.success {
            let said = end.said.unwrap_or_else(|| "it gave no reason".to_owned());
            return Err(Error::new(
                Kind::Media,
                &self.name,
                format!("ffmpeg stopped decoding {so_far}"),
            )
            .because(said));
        }
        let Some(said) = end.said else { return Ok(()) };
        // `ffmpeg` calls a file that breaks off a success. Containers round their length, so
        // only a loss that comes with a complaint, and that one would notice, counts.
        let missing = self.duration.map_or(Duration::ZERO, |d| d.saturating_sub(delivered));
        if missing > Duration::from_millis(500) {
            return Err(Error::new(
                Kind::Media,
                &self.name,
                format!("breaks off: {:.2} s are missing at its end", missing.as_secs_f64()),
            )
            .because(said));
        }
        log::warn!("{}: ffmpeg found something damaged: {said}", self.name);
        Ok(())
    }
}

/// The pictures of the file.
struct Pictures {
    job: Job,
    format: VideoFormat,
    /// Seconds a picture as a fraction: `every / number`.
    rate: (u32, u32),
    /// The first picture, decoded to learn its size.
    first: Option<Picture>,
    given: u64,
}

impl Pictures {
    fn open(job: Job, probe: &Probe) -> Result<Pictures> {
        let (number, every) = probe.rate;
        let rate = f64::from(number) / f64::from(every);
        let mut pictures = Pictures {
            job,
            format: VideoFormat { width: 0, height: 0, rate },
            rate: probe.rate,
            first: None,
            given: 0,
        };
        let mut first = Picture::default();
        if !pictures.read(&mut first)? {
            return Err(Error::new(
                Kind::Media,
                &pictures.job.name,
                "holds no picture that ffmpeg can decode",
            ));
        }
        pictures.format.width = first.width;
        pictures.format.height = first.height;
        pictures.first = Some(first);
        Ok(pictures)
    }

    /// Where the picture lies that comes after `given` others.
    fn place(&self, given: u64) -> Duration {
        let (number, every) = self.rate;
        time_of(given.saturating_mul(u64::from(every)), number)
    }

    fn read(&mut self, picture: &mut Picture) -> Result<bool> {
        let Some((width, height)) = self.header()? else {
            self.job.finish(self.place(self.given))?;
            return Ok(false);
        };
        picture.width = width;
        picture.height = height;
        picture.rgb.resize(width as usize * height as usize * 3, 0);
        let count = self.job.read(&mut picture.rgb)?;
        if count < picture.rgb.len() {
            self.job.finish(self.place(self.given))?;
            return Err(self.torn());
        }
        Ok(true)
    }

    /// Reads `P6 WIDTH HEIGHT 255`, each followed by one white space.
    fn header(&mut self) -> Result<Option<(u32, u32)>> {
        const WORDS: usize = 4;
        const LONGEST: usize = 40;
        let (mut text, mut length, mut words) = ([0_u8; LONGEST], 0, 0);
        while words < WORDS {
            let Some(byte) = text.get_mut(length..=length) else { return Err(self.torn()) };
            if self.job.read(byte)? == 0 {
                return if length == 0 { Ok(None) } else { Err(self.torn()) };
            }
            words += usize::from(byte.first().is_some_and(u8::is_ascii_whitespace));
            length += 1;
        }
        let text = std::str::from_utf8(&text[..length]).unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        let magic = words.next();
        let mut number = || words.next().and_then(|word| word.parse::<u32>().ok());
        match (magic, number(), number(), number()) {
            (Some("P6"), Some(width), Some(height), Some(255)) if self.fits(width, height) => {
                Ok(Some((width, height)))
            }
            _ => Err(self.torn()),
        }
    }

    /// Whether a picture is of the clip's size; the first one only has to be of a sane size.
    fn fits(&self, width: u32, height: u32) -> bool {
        if self.format.width == 0 {
            u64::from(width) * u64::from(height) <= crate::capture::picture::MAX_PIXELS
        } else {
            (width, height) == (self.format.width, self.format.height)
        }
    }

    fn torn(&self) -> Error {
        Error::new(
            Kind::Helper,
            &self.job.name,
            format!("ffmpeg did not give picture {} whole", self.given),
        )
    }
}

impl VideoReel for Pictures {
    fn format(&self) -> VideoFormat {
        self.format.clone()
    }

    fn next(&mut self, picture: &mut Picture) -> Result<Option<Duration>> {
        match self.first.take() {
            Some(first) => *picture = first,
            None if self.read(picture)? => {}
            None => return Ok(None),
        }
        let place = self.place(self.given);
        self.given += 1;
        Ok(Some(place))
    }

    fn prepare(&mut self) -> Result<()> {
        self.job.prepare()
    }

    fn rewind(&mut self) -> Result<()> {
        self.job.rewind();
        self.given = 0;
        Ok(())
    }
}

/// How many bytes of sound are fetched at once.
const BYTES: usize = 4096;

/// The sound of the file.
struct Sound {
    job: Job,
    format: AudioFormat,
    bytes: [u8; BYTES],
    /// What `bytes` holds when the child was asked before anyone asked for it.
    waiting: usize,
    /// Samples a channel given in this turn.
    given: u64,
}

impl Sound {
    fn open(job: Job, format: AudioFormat) -> Result<Sound> {
        let mut sound = Sound { job, format, bytes: [0; BYTES], waiting: 0, given: 0 };
        let first = sound.room(usize::MAX);
        sound.waiting = sound.job.read(&mut sound.bytes[..first])?;
        if sound.waiting == 0 {
            sound.job.finish(Duration::ZERO)?;
            return Err(Error::new(
                Kind::Media,
                &sound.job.name,
                "holds no sound that ffmpeg can decode",
            ));
        }
        Ok(sound)
    }

    /// How many bytes hold the most whole samples of all channels that are at most `values`.
    fn room(&self, values: usize) -> usize {
        let channels = usize::from(self.format.channels).max(1);
        let values = values.min(BYTES / 4);
        (values - values % channels) * 4
    }
}

impl AudioReel for Sound {
    fn format(&self) -> AudioFormat {
        self.format
    }

    fn read(&mut self, values: &mut [f32]) -> Result<usize> {
        let wanted = self.room(values.len());
        if self.waiting == 0 {
            self.waiting = self.job.read(&mut self.bytes[..wanted])?;
        }
        let taken = self.waiting.min(wanted) / 4;
        let channels = u64::from(self.format.channels).max(1);
        if taken == 0 {
            self.job.finish(time_of(self.given, self.format.rate))?;
            return Ok(0);
        }
        for (index, (value, bytes)) in
            values.iter_mut().zip(self.bytes[..taken * 4].chunks_exact(4)).enumerate()
        {
            // Chunks of four have four bytes.
            *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if !value.is_finite() {
                let sample = self.given + index as u64 / channels;
                return Err(Error::new(
                    Kind::Media,
                    &self.job.name,
                    format!("has a sound whose sample {sample} is no finite number ({value})"),
                ));
            }
        }
        self.bytes.copy_within(taken * 4..self.waiting, 0);
        self.waiting -= taken * 4;
        self.given += taken as u64 / channels;
        Ok(taken)
    }

    fn prepare(&mut self) -> Result<()> {
        self.job.prepare()
    }

    fn rewind(&mut self) -> Result<()> {
        self.job.rewind();
        self.waiting = 0;
        self.given = 0;
        Ok(())
    }
}
