//! Tyto: which thing in view is making the sound, and in what direction is it?
//!
//! The data flows one way, and each module is a room on its way:
//!
//! ```text
//! capture ─▶ signal ─▶ encode ─▶ align ─▶ track ─▶ event ─▶ serve
//! ```
//!
//! [`pipeline`] wires the rooms together and is the only one that sees them all;
//! [`error`], [`clock`], [`cost`], [`memory`], [`event`] and [`geometry`] are the ground floor.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

// Tests of the library and tests beside it share what they play with.
#[cfg(test)]
extern crate self as tyto;

pub mod clock;
pub mod config;
pub mod cost;
pub mod error;
pub mod event;
pub mod geometry;
pub mod memory;

pub mod align;
pub mod calibrate;
pub mod capture;
pub mod encode;
pub mod evaluate;
pub mod overlay;
pub mod pipeline;
pub mod serve;
pub mod signal;
pub mod track;
