//! Perception's side of the live path: takes what capture has put down, looks, and tells.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::capture::{Developer, Frame, RawFrame};
use crate::clock::{Clock, Mono};
use crate::error::Result;

use super::ring::Listener;
use super::slot::Taker;
use super::worker::{Post, make_room};
use super::{Observer, Perception, Progress, look_if_due};

/// So many faulty pictures in a row are no picture: what was seen before them is old.
const FAULTY: u32 = 10;

/// In silence a picture is taken this often, so that it is known what the camera gives.
const GLANCE: Duration = Duration::from_secs(1);

/// Where perception works.
pub(super) struct Desk<'a> {
    pub perception: &'a mut Perception,
    pub observer: &'a mut dyn Observer,
    pub clock: &'a dyn Clock,
    pub progress: &'a Progress,
    taker: Taker<RawFrame>,
    listener: Listener<'a>,
    developer: Developer,
    spare: Frame,
    /// When a picture was taken last.
    glanced: Option<Mono>,
    faulty: u32,
    /// How many bytes a buffer must hold.
    room: &'a AtomicU64,
    camera: Away<'a>,
    microphone: Away<'a>,
}

/// Notices when a source has gone.
struct Away<'a> {
    post: &'a Post,
    seen: u64,
}

impl Away<'_> {
    /// Whether it has gone since the last time.
    fn has_gone(&mut self) -> bool {
        let gone = self.post.gone.load(Ordering::Acquire);
        std::mem::replace(&mut self.seen, gone) != gone
    }
}

impl<'a> Desk<'a> {
    /// A desk between these ends of the slot and the ring.
    pub fn new(
        perception: &'a mut Perception,
        observer: &'a mut dyn Observer,
        (clock, progress): (&'a dyn Clock, &'a Progress),
        (taker, room): (Taker<RawFrame>, &'a AtomicU64),
        listener: Listener<'a>,
        [camera, microphone]: &'a [Post; 2],
    ) -> Self {
        let away = |post| Away { post, seen: 0 };
        Desk {
            perception,
            observer,
            clock,
            progress,
            taker,
            listener,
            developer: Developer::new(),
            spare: Frame::default(),
            glanced: None,
            faulty: 0,
            room,
            camera: away(camera),
            microphone: away(microphone),
        }
    }

    /// Takes everything that has come, and looks if it is time.
    ///
    /// # Errors
    /// An encoder or the observer failed, or the microphone's format cannot be resampled.
    pub fn turn(&mut self) -> Result<()> {
        Progress::add(&self.progress.turns, 1);
        self.observer.turn(self.perception)?;
        // Asked before slot and ring are emptied: what came before the loss is then in them.
        let (blind, deaf) = (self.camera.has_gone(), self.microphone.has_gone());
        let perception = &mut *self.perception;
        self.listener.drain(|block| perception.hear(block))?;
        self.progress.blocks_waiting.store(0, Ordering::Relaxed);
        // A picture that nobody needs stays where it is until a newer one takes its place:
        // decoding thirty JPEGs a second is most of what a board would do in silence.
        let now = self.clock.now();
        let long_ago = self.glanced.is_none_or(|then| now.since(then) >= GLANCE);
        if blind || long_ago || self.perception.needs_picture() || self.observer.watches() {
            self.see(now)?;
        }
        if blind {
            self.perception.blind();
            self.glanced = None;
        }
        look_if_due(self.perception, self.clock, self.progress, self.observer)?;
        if deaf {
            let sounds = self.perception.deaf(self.clock);
            self.progress.published(sounds.len());
            sounds.iter().try_for_each(|sound| self.observer.sound(sound))?;
        }
        Ok(())
    }

    /// Takes the newest picture, if there is one.
    fn see(&mut self, now: Mono) -> Result<()> {
        let Some(mut raw) = self.taker.take() else { return Ok(()) };
        self.glanced = Some(now);
        self.progress.frames_waiting.store(0, Ordering::Relaxed);
        let mut frame = std::mem::take(&mut self.spare);
        frame.stamp = raw.stamp;
        let developed = self.developer.develop(&mut raw, &mut frame.picture);
        // Capture must not have to enlarge what it gets back.
        let room = self.room.load(Ordering::Relaxed);
        make_room(&mut raw, usize::try_from(room).unwrap_or_default());
        self.taker.give_back(raw);
        if let Err(error) = developed {
            Progress::add(&self.progress.frames_corrupt, 1);
            self.faulty += 1;
            if self.faulty == FAULTY {
                log::warn!("camera: {FAULTY} faulty pictures in a row: {error}");
                self.perception.blind();
            }
            self.spare = frame;
            return Ok(());
        }
        self.faulty = 0;
        self.observer.frame(&frame)?;
        self.spare = self.perception.see(frame)?.unwrap_or_default();
        Ok(())
    }
}
