//! How much too late a camera's pictures are stamped, from claps or flashes with a click that
//! are both seen and heard.
//!
//! [`Heard`] finds sudden sounds, [`Seen`] sudden changes of the picture, and [`measure`] finds
//! the delay that lays the most of one on the other. All three are fed as the data comes, keep
//! a few numbers a millisecond or a picture, and know no device.

mod heard;
mod matching;
mod seen;

pub use heard::Heard;
pub use matching::{Delay, Refusal, measure};
pub use seen::{Change, Seen};
