//! Front ends: samples and pictures as the encoders want them.
//!
//! Each is pinned to a published definition and compared with an independent implementation of
//! it (`tests/vectors/make_signal.py`).

pub mod front_end;
pub mod level;
pub mod log_mel;
pub mod resample;
pub mod resize;
pub mod spectrogram;

pub use front_end::{FrontEnd, Patch, SoundFrontEnd, patches};
pub use level::level_dbfs;
pub use resample::{RATE, Resampler, to_mono_16k};
pub use resize::{Filter, Resizer};
