//! Microphones: capture devices of ALSA.
//!
//! [`open`] finds the device by its name, agrees with it on what it delivers, and gives a
//! source whose blocks are stamped by the card's own clock. An overrun or a suspended machine
//! is repaired where it happens and counted; only a lost device is an error.

mod convert;
mod find;
mod open;
mod pull;
mod quiet;
mod refuse;
mod stamp;

use std::time::Duration;

pub use find::{Found, list};
pub use open::{Offer, offer};

use super::{AudioFormat, AudioSource, Block, Losses, Pull};
use crate::config;
use crate::error::Result;

/// What is asked of a microphone. Rate, channels, period and buffer are wishes: the nearest
/// that the device has is taken, and said in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// A card's id or name, or an ALSA PCM name; `None`: the system's default, or else the
    /// first card that can record.
    pub device: Option<String>,
    /// Samples a second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// The channels to deliver, counted from 0, in this order; `None`: all of them.
    pub map: Option<Vec<u16>>,
    /// From one delivery to the next.
    pub period: Duration,
    /// How much the device keeps while nobody fetches.
    pub buffer: Duration,
    /// How much too late the device's sound is stamped; subtracted from its stamps.
    pub delay: Duration,
}

impl From<&config::Microphone> for Wanted {
    fn from(microphone: &config::Microphone) -> Self {
        let milliseconds = |count: u32| Duration::from_millis(count.into());
        Wanted {
            device: microphone.device.clone(),
            rate: microphone.rate,
            channels: microphone.channels,
            map: microphone.map.clone(),
            period: milliseconds(microphone.period_ms),
            buffer: milliseconds(microphone.buffer_ms),
            delay: Duration::try_from_secs_f64(microphone.delay_ms * 1e-3).unwrap_or_default(),
        }
    }
}

/// Opens a microphone. The name is looked up anew each time, so that a card is found wherever
/// it was plugged in again.
///
/// # Errors
/// [`Kind::Device`](crate::error::Kind::Device): there is no such device, it is busy or not
/// permitted, it offers no format that can be read, or fewer channels than the map names.
pub fn open(wanted: &Wanted) -> Result<Box<dyn AudioSource>> {
    let opened = open::open(wanted)?;
    let described = describe(&opened);
    log::debug!("{described}");
    let ear = pull::Ear::new(opened, wanted.delay)?;
    Ok(Box::new(Microphone { ear, described }))
}

fn describe(opened: &open::Opened) -> String {
    let milliseconds = |samples: usize| samples as f64 * 1e3 / f64::from(opened.rate);
    let used = match opened.layout.wanted() {
        all if all == usize::from(opened.channels) => String::new(),
        some => format!(" ({some} used)"),
    };
    format!(
        "microphone {}: {}, {}/s, {} channel{}{used}, periods of {:.1} ms, buffer of {:.0} ms",
        opened.called,
        opened.encoding.format(),
        opened.rate,
        opened.channels,
        if opened.channels == 1 { "" } else { "s" },
        milliseconds(opened.period),
        milliseconds(opened.buffer),
    )
}

struct Microphone {
    ear: pull::Ear,
    described: String,
}

impl AudioSource for Microphone {
    fn format(&self) -> AudioFormat {
        self.ear.format()
    }

    fn pull(&mut self, block: &mut Block) -> Result<Pull> {
        self.ear.pull(block)
    }

    fn describe(&self) -> String {
        self.described.clone()
    }

    fn losses(&self) -> Losses {
        self.ear.losses()
    }
}
