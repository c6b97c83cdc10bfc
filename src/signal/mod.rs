//! Front ends: samples and pictures as the encoders want them.
//!
//! Each is pinned to a published definition and compared with an independent implementation of
//! it (`tests/vectors/make_signal.py`).

pub mod level;
pub mod log_mel;
pub mod resample;
pub mod resize;

pub use level::level_dbfs;
pub use log_mel::{BANDS, FRAME, HOP, LogMel, PATCH_FRAMES, PATCH_SAMPLES, patches};
pub use resample::{RATE, Resampler, to_mono_16k};
pub use resize::Resizer;
