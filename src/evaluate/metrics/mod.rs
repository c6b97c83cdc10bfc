//! The field's measures, each a plain function of maps, regions and numbers.
//!
//! All give shares in 0..1 (a report prints percent). `docs/evaluation.md` lists them with their
//! formulas and where they come from.

pub mod calibration;
pub mod overlap;
pub mod place;
pub mod retrieval;
pub mod success;
