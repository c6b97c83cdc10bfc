//! Wires the rooms together: sources in, looks and events out.
//!
//! [`Perception`] is one object that hears, sees and looks. [`live`] feeds it from capture
//! threads, [`lockstep`] from the same sources in order of time and without a clock; what it
//! does is the same. Whoever wants the results implements [`Observer`]: the socket, the film
//! and the printed lines hang on there, and the pipeline knows none of them. Whoever wants to
//! know how a live run is doing implements [`Herald`], which its supervisor tells.

mod crash;
mod desk;
mod feed;
mod live;
mod lockstep;
mod perception;
mod progress;
mod ring;
mod sight;
mod slot;
mod sounds;
mod stages;
mod still;
mod supervisor;
mod turn;
mod window;
mod wishes;
mod worker;

#[cfg(test)]
mod soak;
#[cfg(test)]
mod tests;

pub use feed::{Feed, Feeds, Opener};
pub use live::{Live, live};
pub use lockstep::lockstep;
pub use perception::{Look, Parts, Perception, Settings};
pub use progress::{Meter, Progress};
pub use stages::Stages;
pub use supervisor::{Condition, Herald};
pub use wishes::Wishes;

use crate::capture::Frame;
use crate::error::Result;
use crate::event::Sound;

/// Hangs on to the pipeline. Every method may do nothing; an error ends the run.
///
/// The methods are called from the thread that perceives: an observer that may have to wait
/// for something keeps a thread of its own.
pub trait Observer {
    /// Whether every picture is wanted. Where nobody does, live runs leave those alone that no
    /// look needs: in silence all but one a second.
    fn watches(&self) -> bool {
        false
    }

    /// Perception has come round, live several times a second; what the observer wants to
    /// change in it is changed now.
    ///
    /// # Errors
    /// Whatever shall end the run.
    fn turn(&mut self, perception: &mut Perception) -> Result<()> {
        let _ = perception;
        Ok(())
    }

    /// A picture came. In lockstep these are all of them, in order with the looks; live only
    /// those that perception took.
    ///
    /// # Errors
    /// Whatever shall end the run.
    fn frame(&mut self, frame: &Frame) -> Result<()> {
        let _ = frame;
        Ok(())
    }

    /// A look was taken. Its events are given to [`sound`](Self::sound) after this.
    ///
    /// # Errors
    /// Whatever shall end the run.
    fn look(&mut self, look: &Look<'_>) -> Result<()> {
        let _ = look;
        Ok(())
    }

    /// An event, with its map.
    ///
    /// # Errors
    /// Whatever shall end the run.
    fn sound(&mut self, sound: &Sound) -> Result<()> {
        let _ = sound;
        Ok(())
    }
}

/// Several observers, told in turn.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn watches(&self) -> bool {
        self.iter().any(|observer| observer.watches())
    }

    fn turn(&mut self, perception: &mut Perception) -> Result<()> {
        self.iter_mut().try_for_each(|observer| observer.turn(perception))
    }

    fn frame(&mut self, frame: &Frame) -> Result<()> {
        self.iter_mut().try_for_each(|observer| observer.frame(frame))
    }

    fn look(&mut self, look: &Look<'_>) -> Result<()> {
        self.iter_mut().try_for_each(|observer| observer.look(look))
    }

    fn sound(&mut self, sound: &Sound) -> Result<()> {
        self.iter_mut().try_for_each(|observer| observer.sound(sound))
    }
}

/// Takes a look if one is due, tells the observer, and then sees ahead.
fn look_if_due(
    perception: &mut Perception,
    clock: &dyn crate::clock::Clock,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<()> {
    let Some(look) = perception.look(clock)? else { return Ok(()) };
    progress.looked(&look);
    observer.look(&look)?;
    look.sounds.iter().try_for_each(|sound| observer.sound(sound))?;
    let (at, silent, mut took) = (look.span.end, look.silent, look.stages);
    took += perception.see_ahead()?;
    progress.took(at, silent, &took);
    Ok(())
}

/// Ends every track and tells the observer.
fn finish(
    perception: &mut Perception,
    clock: &dyn crate::clock::Clock,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<()> {
    let sounds = perception.finish(clock);
    progress.published(sounds.len());
    sounds.iter().try_for_each(|sound| observer.sound(sound))
}
