//! Stamps, pace and repetition for the two halves of a clip.

use std::time::Duration;

use super::{AudioReel, ClipOptions, Pace, Turn, VideoReel, time_of};
use crate::capture::{
    AudioFormat, AudioSource, Block, Picture, Pull, RawFrame, VideoFormat, VideoSource,
};
use crate::clock::Mono;
use crate::error::Result;

/// How long before the end of a turn the next one is made ready.
const AHEAD: Duration = Duration::from_secs(1);

/// Where a clip lies in time.
struct Timeline {
    pace: Pace,
    start: Mono,
}

impl Timeline {
    fn new(options: &ClipOptions) -> Self {
        Timeline { pace: options.pace.clone(), start: options.start }
    }

    fn stamp(&self, position: Duration) -> Mono {
        self.start + position
    }

    fn wait_for(&self, position: Duration) {
        if let Pace::RealTime(clock) = &self.pace {
            clock.sleep_until(self.stamp(position));
        }
    }
}

/// The pictures of a clip as a source.
pub(super) struct Video {
    reel: Box<dyn VideoReel>,
    name: String,
    /// The picture that was decoded last, on its way out.
    picture: Picture,
    timeline: Timeline,
    /// How long a turn lasts, if there is to be another one.
    turn: Option<Turn>,
    turns_done: u64,
    given_in_turn: u64,
    ended: bool,
}

impl Video {
    pub(super) fn new(
        name: String,
        reel: Box<dyn VideoReel>,
        options: &ClipOptions,
        turn: Option<Turn>,
    ) -> Self {
        Video {
            reel,
            name,
            picture: Picture::default(),
            timeline: Timeline::new(options),
            turn,
            turns_done: 0,
            given_in_turn: 0,
            ended: false,
        }
    }

    /// The next picture of the present turn and its place in it.
    fn next_in_turn(&mut self) -> Result<Option<Duration>> {
        let Some(place) = self.reel.next(&mut self.picture)? else { return Ok(None) };
        let Some(turn) = self.turn else { return Ok(Some(place)) };
        let length = turn.beginning(1);
        if place + AHEAD >= length {
            self.reel.prepare()?;
        }
        // A picture past the turn's end would come after the next turn's first.
        Ok((place < length).then_some(place))
    }
}

impl VideoSource for Video {
    fn format(&self) -> VideoFormat {
        self.reel.format()
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn pull(&mut self, raw: &mut RawFrame) -> Result<Pull> {
        while !self.ended {
            if let Some(place) = self.next_in_turn()? {
                let beginning = self.turn.map_or(Duration::ZERO, |t| t.beginning(self.turns_done));
                let position = beginning + place;
                self.given_in_turn += 1;
                self.timeline.wait_for(position);
                raw.exchange(self.timeline.stamp(position), &mut self.picture);
                return Ok(Pull::Filled);
            }
            // A turn without a single picture would be followed by another for ever.
            if self.turn.is_some() && self.given_in_turn > 0 {
                self.reel.rewind()?;
                self.turns_done += 1;
                self.given_in_turn = 0;
            } else {
                self.ended = true;
            }
        }
        Ok(Pull::Ended)
    }
}

/// The samples of a clip as a source.
pub(super) struct Audio {
    reel: Box<dyn AudioReel>,
    name: String,
    format: AudioFormat,
    timeline: Timeline,
    /// How long a turn lasts, if there is to be another one. A sound that ends before is
    /// followed by silence, as a microphone goes on when nothing sounds.
    turn: Option<Turn>,
    /// Samples a channel given in the present turn, and altogether.
    in_turn: u64,
    given: u64,
    silent: bool,
    ended: bool,
}

impl Audio {
    pub(super) fn new(
        name: String,
        reel: Box<dyn AudioReel>,
        options: &ClipOptions,
        turn: Option<Turn>,
    ) -> Self {
        Audio {
            format: reel.format(),
            reel,
            name,
            timeline: Timeline::new(options),
            turn,
            in_turn: 0,
            given: 0,
            silent: false,
            ended: false,
        }
    }

    /// Writes the next values of the present turn and says how many; 0 at its end.
    fn next_in_turn(&mut self, values: &mut [f32]) -> Result<usize> {
        let channels = usize::from(self.format.channels);
        let whole = values.len() - values.len() % channels;
        let Some(turn) = self.turn else { return self.reel.read(&mut values[..whole]) };
        let left = turn.samples - self.in_turn;
        if left < AHEAD.as_secs() * u64::from(self.format.rate) {
            self.reel.prepare()?;
        }
        let room = whole.min(usize::try_from(left).unwrap_or(usize::MAX).saturating_mul(channels));
        let values = &mut values[..room];
        if !self.silent {
            let count = if values.is_empty() { 0 } else { self.reel.read(values)? };
            if count > 0 {
                return Ok(count);
            }
            self.silent = true;
        }
        values.fill(0.0);
        Ok(values.len())
    }
}

impl AudioSource for Audio {
    fn format(&self) -> AudioFormat {
        self.format
    }

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn pull(&mut self, block: &mut Block) -> Result<Pull> {
        block.format = self.format;
        while !self.ended {
            block.filled = self.next_in_turn(&mut block.values)?;
            let frames = (block.filled / usize::from(self.format.channels)) as u64;
            if frames > 0 {
                block.stamp = self.timeline.stamp(time_of(self.given, self.format.rate));
                self.given += frames;
                self.in_turn += frames;
                self.timeline.wait_for(time_of(self.given, self.format.rate));
                return Ok(Pull::Filled);
            }
            if self.turn.is_some() {
                self.reel.rewind()?;
                self.in_turn = 0;
                self.silent = false;
            } else {
                self.ended = true;
            }
        }
        block.filled = 0;
        Ok(Pull::Ended)
    }
}
