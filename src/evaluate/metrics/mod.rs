//! The field's measures, each a plain function of maps, regions and numbers.
//!
//! All give shares in 0..1 (a report prints percent). `docs/evaluation.md` lists them with their
//! formulas and where they come from.

pub mod assignment;
pub mod average_precision;
pub mod calibration;
pub mod detection;
pub mod negative;
pub mod overlap;
pub mod place;
pub mod retrieval;
pub mod segmentation;
pub mod success;
