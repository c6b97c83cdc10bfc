//! What the daemon looks at and listens to.

use std::fmt;
use std::sync::Arc;

use tyto::capture::clip::{Clip, ClipOptions, Pace};
use tyto::capture::{AudioFormat, VideoFormat, camera, microphone};
use tyto::clock::{Clock, Mono};
use tyto::config::{Board, Input};
use tyto::error::Result;
use tyto::pipeline::Feeds;

/// A clip, or the devices of the board.
pub enum Sources {
    Clip(Box<Clip>, String),
    Devices(Box<camera::Wanted>, Box<microphone::Wanted>),
}

impl Sources {
    /// Opens the clip, or gets ready for the devices, which the run opens.
    ///
    /// # Errors
    /// As [`Clip::open`].
    pub fn new(
        input: Input,
        repeat: bool,
        board: &Board,
        clock: &Arc<dyn Clock>,
    ) -> Result<Sources> {
        match input {
            Input::Clip(path) => {
                let pace = Pace::RealTime(Arc::clone(clock));
                let options = ClipOptions { pace, repeat, start: Mono(0) };
                let name = format!("clip:{}", path.display());
                Ok(Sources::Clip(Box::new(Clip::open(&path, &options)?), name))
            }
            Input::Devices => Ok(Sources::Devices(
                Box::new((&board.camera).into()),
                Box::new((&board.microphone).into()),
            )),
        }
    }

    /// What the pictures are delivered as, or what the camera will be asked for.
    pub fn video(&self) -> VideoFormat {
        match self {
            Sources::Clip(clip, _) => clip.video_format(),
            Sources::Devices(camera, _) => {
                VideoFormat { width: camera.width, height: camera.height, rate: camera.rate }
            }
        }
    }

    /// What the samples are delivered as, or what the microphone will be asked for.
    pub fn audio(&self) -> AudioFormat {
        match self {
            Sources::Clip(clip, _) => clip.audio_format(),
            Sources::Devices(_, microphone) => {
                let used = microphone.map.as_ref().map(|map| map.len());
                let used = used.and_then(|count| u16::try_from(count).ok());
                let channels = used.unwrap_or(microphone.channels);
                AudioFormat { rate: microphone.rate, channels }
            }
        }
    }

    /// The feeds of a run that begins `now`.
    pub fn feeds(self, now: Mono) -> Feeds {
        let expected = self.audio();
        match self {
            Sources::Clip(clip, _) => {
                let (video, audio) = clip.starting(now).split();
                Feeds::given(Some(video), audio)
            }
            Sources::Devices(camera, microphone) => Feeds::devices(
                Box::new(move || camera::open(&camera)),
                Box::new(move || microphone::open(&microphone)),
                expected,
            ),
        }
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sources::Clip(_, name) => f.write_str(name),
            Sources::Devices(..) => f.write_str("camera and microphone"),
        }
    }
}
