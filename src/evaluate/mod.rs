//! The field's protocols for sound localisation, in one place.
//!
//! [`readers`] turn annotation files into items, a [`System`] answers them, [`metrics`] judge the
//! answers, and a [`Report`] says what came out, with the floors and the ceiling of the same items
//! beside it ([`Baseline`]). `docs/evaluation.md` is the reference of protocols and measures.

pub mod baseline;
pub mod grid;
pub mod item;
pub mod measure;
pub mod media;
pub mod metrics;
pub mod mix;
pub mod mixtures;
pub mod multi;
pub mod negative_audio;
pub mod picture;
pub mod protocol;
pub mod readers;
pub mod report;
mod resize;
pub mod retrieve;
pub mod run;
pub mod score_map;
pub mod sheet;
pub mod single;
pub mod stored;
pub mod system;

pub use baseline::Baseline;
pub use item::{Dataset, Item};
pub use media::Media;
pub use report::Report;
pub use run::Run;
pub use system::System;
