//! What the parts of a look cost.

use std::ops::AddAssign;

use crate::cost::Cost;

/// What each part of one look cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Level and sound front end.
    pub front_end: Cost,
    /// Sound encoder; nothing in silence.
    pub sound: Cost,
    /// Resize; nothing if the picture was not new or not needed.
    pub resize: Cost,
    /// Picture encoder; nothing if the picture was not new or not needed.
    pub picture: Cost,
    /// Pooling and similarity.
    pub align: Cost,
    /// Tracks and events.
    pub track: Cost,
}

impl Stages {
    /// The whole look.
    pub fn total(&self) -> Cost {
        self.hearing() + self.seeing() + self.judging()
    }

    /// From samples to the sound's vector.
    pub fn hearing(&self) -> Cost {
        self.front_end + self.sound
    }

    /// From the picture to its map.
    pub fn seeing(&self) -> Cost {
        self.resize + self.picture
    }

    /// Whether a picture was encoded.
    pub fn has_seen(&self) -> bool {
        self.picture != Cost::default()
    }

    /// From both to events.
    pub fn judging(&self) -> Cost {
        self.align + self.track
    }
}

impl AddAssign for Stages {
    fn add_assign(&mut self, other: Stages) {
        self.front_end += other.front_end;
        self.sound += other.sound;
        self.resize += other.resize;
        self.picture += other.picture;
        self.align += other.align;
        self.track += other.track;
    }
}
