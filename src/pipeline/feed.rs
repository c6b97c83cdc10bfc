//! Where a live run takes its pictures and samples from.

use crate::capture::{AudioFormat, AudioSource, VideoSource};
use crate::error::Result;

/// Opens a device, as often as it is lost.
pub type Opener<S> = Box<dyn FnMut() -> Result<Box<S>> + Send>;

/// One source of a live run.
pub enum Feed<S: ?Sized> {
    /// A source that is there: its end is its end, and its failure that of the run.
    Given(Box<S>),
    /// A device: it is opened on a thread of its own, and again whenever it is lost.
    Device(Opener<S>),
}

/// The sources of a live run.
pub struct Feeds {
    /// The pictures; `None` if there is no camera.
    pub video: Option<Feed<dyn VideoSource>>,
    /// The sound.
    pub audio: Feed<dyn AudioSource>,
    /// What the sound will probably be delivered as. The room for sound that waits depends on
    /// it, and nothing else.
    pub expected: AudioFormat,
}

impl Feeds {
    /// Sources that are there, such as the halves of a clip.
    pub fn given(video: Option<Box<dyn VideoSource>>, audio: Box<dyn AudioSource>) -> Feeds {
        let expected = audio.format();
        Feeds { video: video.map(Feed::Given), audio: Feed::Given(audio), expected }
    }

    /// Devices that are opened by these.
    pub fn devices(
        video: Opener<dyn VideoSource>,
        audio: Opener<dyn AudioSource>,
        expected: AudioFormat,
    ) -> Feeds {
        Feeds { video: Some(Feed::Device(video)), audio: Feed::Device(audio), expected }
    }
}

impl<S: ?Sized> Feed<S> {
    /// Whether it can be opened again.
    pub(super) fn is_device(&self) -> bool {
        matches!(self, Feed::Device(_))
    }

    /// The same for a worker, which opens whatever it has: a given source opens once.
    pub(super) fn opener(self) -> Opener<S>
    where
        S: 'static,
        Box<S>: Send,
    {
        match self {
            Feed::Device(open) => open,
            Feed::Given(source) => {
                let mut source = Some(source);
                Box::new(move || source.take().ok_or_else(gone))
            }
        }
    }
}

fn gone() -> crate::error::Error {
    crate::error::Error::new(crate::error::Kind::System, "source", "cannot be opened again")
}
