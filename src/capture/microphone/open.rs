//! Opening a card and agreeing with it on format, channels, rate, period and buffer.

use std::ffi::CString;

use alsa::pcm::{Access, Format, HwParams, TstampType};
use alsa::{Direction, PCM, ValueOr};

use super::convert::{Encoding, Layout};
use super::find::{self, Found};
use super::{Wanted, quiet, refuse};
use crate::capture::BLOCK_VALUES;
use crate::error::Result;

/// The sample rates that can be resampled.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// The most channels that are asked of a device that offers more than was wanted.
const MOST_CHANNELS: u32 = 64;

/// A device that is ready to be started, and what was agreed with it.
pub(super) struct Opened {
    pub pcm: PCM,
    /// The PCM's name, with the card's for people.
    pub called: String,
    pub layout: Layout,
    pub encoding: Encoding,
    pub channels: u16,
    pub rate: u32,
    /// Samples of each channel from one delivery to the next.
    pub period: usize,
    /// Samples of each channel that the device keeps.
    pub buffer: usize,
}

/// Opens what is wanted.
///
/// # Errors
/// [`Kind::Device`](crate::error::Kind::Device): missing, busy, not permitted, or without a
/// format, a rate or the channels that are needed.
pub(super) fn open(wanted: &Wanted) -> Result<Opened> {
    let _said = quiet::listen();
    let there = find::list();
    let (pcm, name) = open_pcm(wanted.device.as_deref(), &there)?;
    let called = match title(&pcm) {
        Some(title) => format!("{name} ({title})"),
        None => name.clone(),
    };
    let agreed = agree(&pcm, &name, wanted)?;
    timing(&pcm, agreed.period).map_err(|e| refuse::failed(&name, "setting it up", e))?;
    let layout = Layout::new(agreed.encoding, agreed.channels, wanted.map.as_deref());
    let Agreed { encoding, channels, rate, period, buffer } = agreed;
    Ok(Opened { pcm, called, layout, encoding, channels, rate, period, buffer })
}

/// The first of the names meant by `wanted` that opens; if none does, what the first one said.
fn open_pcm(wanted: Option<&str>, there: &[Found]) -> Result<(PCM, String)> {
    let mut first_error = None;
    for name in find::names(wanted, there)? {
        let Ok(c_name) = CString::new(name.as_str()) else {
            return Err(refuse::wrong(&name, "is no name: it holds a zero byte"));
        };
        // Without waiting: a busy device is an answer.
        match PCM::open(&c_name, Direction::Capture, true) {
            Ok(pcm) => return Ok((pcm, name)),
            Err(error) => {
                let error = refuse::opening(wanted, &name, error, there);
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| refuse::wrong("default", "is not there")))
}

/// What people call the card behind a PCM, if there is one card behind it.
fn title(pcm: &PCM) -> Option<String> {
    let number = pcm.info().ok()?.get_card();
    if number < 0 { None } else { alsa::Card::new(number).get_name().ok() }
}

struct Agreed {
    encoding: Encoding,
    channels: u16,
    rate: u32,
    period: usize,
    buffer: usize,
}

fn agree(pcm: &PCM, name: &str, wanted: &Wanted) -> Result<Agreed> {
    let failed = |doing: &'static str| move |error| refuse::failed(name, doing, error);
    let params = HwParams::any(pcm).map_err(failed("asking what it offers"))?;
    // The rate that the card itself has: libasound's own conversion is not worth its time.
    let _ = params.set_rate_resample(false);
    params.set_access(Access::RWInterleaved).map_err(|_| {
        refuse::parameter(name, "to deliver its channels interleaved", "them one by one only")
    })?;
    let encoding = encoding(&params, name)?;
    let channels = channels(&params, name, wanted)?;
    let rate = rate(&params, name, wanted.rate)?;

    let frames = |time: std::time::Duration| (time.as_secs_f64() * f64::from(rate)).round();
    let period = frames(wanted.period).max(1.0);
    let buffer = frames(wanted.buffer).max(2.0 * period);
    // Whatever the card makes of these wishes is read back below.
    let _ = params.set_period_size_near(period as _, ValueOr::Nearest);
    let _ = params.set_buffer_size_near(buffer as _);
    pcm.hw_params(&params).map_err(failed("agreeing on a format"))?;

    let (buffer, period) = pcm.get_params().map_err(failed("asking what was agreed"))?;
    // Some plugins have periods of seconds. Fetching more often costs nothing.
    let most = u64::from(rate / 4).clamp(1, buffer.max(1));
    Ok(Agreed {
        encoding,
        channels,
        rate,
        period: usize::try_from(period.clamp(1, most)).unwrap_or(1),
        buffer: usize::try_from(buffer).unwrap_or(usize::MAX),
    })
}

/// Sets the first format of ours that the card offers.
fn encoding(params: &HwParams<'_>, name: &str) -> Result<Encoding> {
    let offered = Encoding::ALL.into_iter().find(|e| params.test_format(e.format()).is_ok());
    let set = offered.filter(|encoding| params.set_format(encoding.format()).is_ok());
    set.ok_or_else(|| {
        let ours: Vec<String> = Encoding::ALL.iter().map(|e| e.format().to_string()).collect();
        refuse::parameter(name, ours.join(", "), formats(params))
    })
}

/// Every format that a card offers, as ALSA writes them.
fn formats(params: &HwParams<'_>) -> String {
    // libasound ends the process when it is asked for the unknown format.
    let all = Format::all().iter().filter(|format| **format != Format::Unknown);
    let offered = all.filter(|format| params.test_format(**format).is_ok());
    let names: Vec<String> = offered.map(ToString::to_string).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Sets as many channels as are wanted, else the next larger number, else the next smaller one.
fn channels(params: &HwParams<'_>, name: &str, wanted: &Wanted) -> Result<u16> {
    let map = wanted.map.as_deref();
    let highest = map.and_then(|map| map.iter().max().copied());
    let asked = u32::from(wanted.channels.max(highest.map_or(1, |highest| highest + 1)));
    let (least, most) = range(params.get_channels_min(), params.get_channels_max());
    let mut nearest = (asked..=most.min(MOST_CHANNELS)).chain((least..asked).rev());
    let set = nearest.find(|count| params.set_channels(*count).is_ok());
    let Some(channels) = set.and_then(|count| u16::try_from(count).ok()) else {
        return Err(refuse::parameter(
            name,
            format!("{asked} channels"),
            format!("{least} to {most}"),
        ));
    };
    if let (Some(map), Some(highest)) = (map, highest.filter(|highest| *highest >= channels)) {
        return Err(refuse::channels(name, map, highest, channels.into()));
    }
    if usize::from(channels) > BLOCK_VALUES {
        return Err(refuse::parameter(name, format!("{asked} channels"), format!("{channels}")));
    }
    if u32::from(channels) != asked {
        log::warn!(
            "microphone {name}: asked for {asked} channels, it has {channels}: taking those"
        );
    }
    Ok(channels)
}

/// Sets the rate that lies nearest to the one asked for.
fn rate(params: &HwParams<'_>, name: &str, asked: u32) -> Result<u32> {
    let (least, most) = range(params.get_rate_min(), params.get_rate_max());
    let offered = if least == most { format!("{least}/s") } else { format!("{least} to {most}/s") };
    let refused = || refuse::parameter(name, format!("{asked} samples a second"), &offered);
    let rate = params.set_rate_near(asked, ValueOr::Nearest).map_err(|_| refused())?;
    if !RATES.contains(&rate) {
        return Err(refused());
    }
    if rate != asked {
        log::warn!(
            "microphone {name}: asked for {asked} samples a second, it offers {offered}: taking {rate}"
        );
    }
    Ok(rate)
}

fn range(least: alsa::Result<u32>, most: alsa::Result<u32>) -> (u32, u32) {
    let least = least.unwrap_or(1).max(1);
    (least, most.unwrap_or(least).max(least))
}

/// When to wake whoever waits, and what stamps mean.
fn timing(pcm: &PCM, period: usize) -> alsa::Result<()> {
    let params = pcm.sw_params_current()?;
    params.set_avail_min(period as _)?;
    // A read starts a device that was only prepared.
    params.set_start_threshold(1)?;
    params.set_tstamp_mode(true)?;
    // Plugins that know no clocks say so by refusing; their stamps are checked when they come.
    let _ = params.set_tstamp_type(TstampType::Monotonic);
    pcm.sw_params(&params)
}

/// What a device offers, before anything was asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The formats, as ALSA writes them.
    pub formats: String,
    /// The fewest and the most channels.
    pub channels: (u32, u32),
    /// The lowest and the highest rate, samples a second.
    pub rates: (u32, u32),
}

/// What the device that `wanted` means offers by itself.
///
/// # Errors
/// As [`super::open`]: it is missing, busy or not permitted.
pub fn offer(wanted: Option<&str>) -> Result<Offer> {
    let _said = quiet::listen();
    let (pcm, name) = open_pcm(wanted, &find::list())?;
    let params =
        HwParams::any(&pcm).map_err(|e| refuse::failed(&name, "asking what it offers", e))?;
    let _ = params.set_rate_resample(false);
    Ok(Offer {
        formats: formats(&params),
        channels: range(params.get_channels_min(), params.get_channels_max()),
        rates: range(params.get_rate_min(), params.get_rate_max()),
    })
}
