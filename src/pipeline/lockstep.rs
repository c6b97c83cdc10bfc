//! The fast path: sources pulled in order of time, as fast as they come, with the same result
//! each time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::capture::{AudioSource, Block, Developer, Frame, Pull, RawFrame, VideoSource};
use crate::clock::{Mono, SimulatedClock};
use crate::error::Result;

use super::{Observer, Perception, Progress, finish, look_if_due};

/// Runs the sources through perception until both have ended or `stop` is set.
///
/// Nothing depends on how long anything takes: time is the sources' stamps, the wall clock
/// stands at the Unix epoch at stamp zero, and latency is zero. A picture is seen before the
/// sound that was complete at its moment or later.
///
/// # Errors
/// A source, an encoder or the observer failed. Every track is ended before.
pub fn lockstep(
    video: Option<Box<dyn VideoSource>>,
    mut audio: Box<dyn AudioSource>,
    perception: &mut Perception,
    progress: &Progress,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<()> {
    let clock = SimulatedClock::new();
    let played = (|| {
        let mut projector =
            Projector { video, developer: Developer::new(), raw: RawFrame::default() };
        let mut frame = projector.next(Frame::default(), progress)?;
        let mut block = Block::empty();
        let mut sound = next_block(&mut *audio, &mut block, progress)?;
        while !stop.load(Ordering::Relaxed) {
            match (frame.take(), sound) {
                (Some(seen), end) if end.is_none_or(|end| seen.stamp <= end) => {
                    observer.frame(&seen)?;
                    let spare = perception.see(seen)?.unwrap_or_default();
                    frame = projector.next(spare, progress)?;
                }
                (waiting, Some(_)) => {
                    frame = waiting;
                    perception.hear(&block)?;
                    if let Some(end) = perception.due() {
                        clock.advance_to(end);
                        look_if_due(perception, &clock, progress, observer)?;
                    }
                    sound = next_block(&mut *audio, &mut block, progress)?;
                }
                (_, None) => break,
            }
            Progress::add(&progress.turns, 1);
            while let Some(trouble) = perception.trouble() {
                log::warn!("{trouble}");
            }
        }
        Ok(())
    })();
    let finished = finish(perception, &clock, progress, observer);
    played.and(finished)
}

/// Gives the pictures of a source one by one.
struct Projector {
    video: Option<Box<dyn VideoSource>>,
    developer: Developer,
    raw: RawFrame,
}

impl Projector {
    /// The next picture, in the buffer of `spare`; `None` at the end.
    fn next(&mut self, mut spare: Frame, progress: &Progress) -> Result<Option<Frame>> {
        let Some(source) = &mut self.video else { return Ok(None) };
        loop {
            match source.pull(&mut self.raw)? {
                Pull::Filled => break,
                Pull::Idle => {}
                Pull::Ended => return Ok(None),
            }
        }
        Progress::add(&progress.frames, 1);
        spare.stamp = self.raw.stamp;
        self.developer.develop(&mut self.raw, &mut spare.picture)?;
        Ok(Some(spare))
    }
}

/// Fills the block and says when it was complete; `None` at the end.
fn next_block(
    audio: &mut dyn AudioSource,
    block: &mut Block,
    progress: &Progress,
) -> Result<Option<Mono>> {
    loop {
        match audio.pull(block)? {
            Pull::Filled => break,
            Pull::Idle => {}
            Pull::Ended => return Ok(None),
        }
    }
    let samples = block.filled / usize::from(block.format.channels.max(1));
    Progress::add(&progress.samples, samples as u64);
    let lasts = Duration::from_secs_f64(samples as f64 / f64::from(block.format.rate));
    Ok(Some(block.stamp + lasts))
}
