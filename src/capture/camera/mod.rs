//! Cameras behind V4L2.
//!
//! [`open`] finds the device, chooses among what it offers, sets it and starts it; what it then
//! gives is copied out of the driver's buffers as it is, stamped by the kernel. Developing it is
//! left to perception.

mod choice;
mod controls;
mod examine;
mod find;
mod kernel;
mod layout;
mod offer;
mod queue;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use v4l::v4l_sys as sys;

use super::pixel::{self, PixelFormat};
use super::{Losses, Pull, RawFrame, VideoFormat, VideoSource};
use crate::clock::{Clock, Mono, SystemClock};
use crate::config::{self, CameraFormat};
use crate::error::{Error, Kind, Result};
pub use choice::{Choice, Rate};
use choice::{Wish, choose};
pub use controls::Controls;
use examine::{Opened, refused};
pub use find::Found;
use kernel::Taken;
pub use layout::Fourcc;
use layout::{Layout, Settled};
pub use offer::{Interval, Offer, Size, Steps};
use queue::{Fault, Next, Queue};

/// How long one pull waits at most.
const PATIENCE: Duration = Duration::from_millis(200);
/// How far a kernel's stamp may lie from now. Some drivers stamp with another clock although
/// they say that it is the monotonic one, and some cameras' own clocks run wild.
const PLAUSIBLE: Duration = Duration::from_secs(5);

/// What is wanted of the camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Path, stable name, card name or number; `None`: the first that gives pictures.
    pub device: Option<String>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second.
    pub rate: f64,
    /// Only this format will do; `None`: the cheapest that fits.
    pub format: Option<PixelFormat>,
    /// What its controls are set to.
    pub controls: Controls,
    /// How long after the exposure the kernel stamps; subtracted from every stamp.
    pub delay: Duration,
}

/// A camera that is running.
struct Camera {
    /// `camera PATH (CARD)`.
    name: String,
    path: PathBuf,
    queue: Queue,
    layout: Layout,
    rate: f64,
    delay: Duration,
    losses: Losses,
    /// How many pictures came, and the number that the driver gave the last one.
    came: u64,
    sequence: u32,
    /// Whether its JPEGs have an end, so that one without has been cut short.
    ends: bool,
    /// Whether an implausible stamp was already complained about.
    complained: bool,
}

/// Opens the camera and starts it.
///
/// The device is looked for anew each time, as a camera may come back under another number.
///
/// # Errors
/// [`Kind::Device`]: it is not there, is no camera, may not be opened, is in use, or offers no
/// format that can be used.
pub fn open(wanted: &Wanted) -> Result<Box<dyn VideoSource>> {
    let size = [wanted.width, wanted.height];
    let opened = find::open(wanted.device.as_deref(), size)?;
    let choice = choose_for(&opened, wanted)?;
    let camera = Camera::start(opened, &choice, wanted)?;
    log::info!("{}: {} is {}", camera.name, choice.format.name(), choice.reason);
    let [width, height] = camera.layout.size;
    if [width, height] != size {
        log::warn!("{}: {width}×{height} instead of {}×{}", camera.name, size[0], size[1]);
    }
    Ok(Box::new(camera))
}

/// The camera that [`open`] would open, and what it would be set to. Nothing is set.
///
/// # Errors
/// As [`open`], but for a camera that is in use, which can still be asked.
pub fn would_open(wanted: &Wanted) -> Result<(PathBuf, String, Choice)> {
    let opened = find::open(wanted.device.as_deref(), [wanted.width, wanted.height])?;
    let choice = choose_for(&opened, wanted)?;
    Ok((opened.path, opened.card, choice))
}

/// All cameras there are, by their numbers, with what they offer. Where a camera offers a range
/// of sizes, its rates are those near `width`×`height`.
pub fn list(width: u32, height: u32) -> Vec<Found> {
    find::list([width, height])
}

fn choose_for(opened: &Opened, wanted: &Wanted) -> Result<Choice> {
    let size = [wanted.width, wanted.height];
    let offers = offer::read(&opened.node, opened.planes, size)
        .map_err(|error| refused(&opened.path, "does not say what it offers", error))?;
    let wish = Wish { size, rate: wanted.rate, format: wanted.format };
    choose(&offers, &wish).map_err(|wrong| unusable(opened, &wrong))
}

fn settle(opened: &Opened, choice: &Choice) -> Result<(Settled, Layout)> {
    let settled = opened
        .node
        .settle(opened.planes, choice.fourcc, choice.size)
        .map_err(|error| refused(&opened.path, &format!("cannot be set to {choice}"), error))?;
    let layout = settled
        .layout()
        .map_err(|wrong| unusable(opened, &format!("was asked for {choice}, but {wrong}")))?;
    Ok((settled, layout))
}

fn unusable(opened: &Opened, wrong: &str) -> Error {
    let thing = format!("camera {} ({})", opened.path.display(), opened.card);
    let hint = if opened.plain {
        "change `camera.format`, or name another camera: `tyto check --devices` lists them"
    } else {
        "it needs a media pipeline: feed a v4l2loopback device from libcamera, and name that"
    };
    Error::new(Kind::Device, thing, wrong).hint(hint)
}

impl Camera {
    /// Sets a device as chosen and starts it.
    fn start(opened: Opened, choice: &Choice, wanted: &Wanted) -> Result<Camera> {
        let (settled, layout) = settle(&opened, choice)?;
        let Opened { node, path, card, planes, .. } = opened;
        let name = format!("camera {} ({card})", path.display());
        let interval = node.settle_interval(planes, choice.interval).unwrap_or_else(|error| {
            log::warn!("{name}: its rate cannot be set: {error}");
            None
        });
        for warning in wanted.controls.apply(&node) {
            log::warn!("{name}: {warning}");
        }
        let queue = Queue::start(node, planes, settled.planes.len()).map_err(|fault| {
            refused(&path, &format!("cannot start ({})", fault.step), fault.error)
        })?;
        Ok(Camera {
            name,
            path,
            queue,
            layout,
            rate: interval.unwrap_or(choice.interval).rate(),
            delay: wanted.delay,
            losses: Losses::default(),
            came: 0,
            sequence: 0,
            ends: false,
            complained: false,
        })
    }

    /// Copies a buffer into `raw`; false if it is to be dropped.
    fn accept(&mut self, taken: &Taken, raw: &mut RawFrame) -> bool {
        self.count(taken.sequence);
        if taken.flags & sys::V4L2_BUF_FLAG_ERROR != 0
            || !self.layout.gather(taken, self.queue.buffer(taken.index), raw)
        {
            return false;
        }
        if self.layout.format == PixelFormat::Mjpeg {
            let ends = pixel::jpeg_ends(&raw.bytes);
            self.ends |= ends;
            // A camera that never writes the end may be sound; decoding will tell.
            if !raw.bytes.starts_with(&[0xff, 0xd8]) || (self.ends && !ends) {
                return false;
            }
        }
        raw.stamp = self.stamp(taken) - self.delay;
        true
    }

    /// Counts the pictures between this one and the one before.
    fn count(&mut self, sequence: u32) {
        let step = sequence.wrapping_sub(self.sequence);
        // Before the second picture a camera may still be settling. A driver that counts
        // backwards, or not at all, has begun anew or cannot count.
        if self.came > 1 && (1..=u32::MAX / 2).contains(&step) {
            self.losses.missed += u64::from(step - 1);
        }
        self.came += 1;
        self.sequence = sequence;
    }

    fn stamp(&mut self, taken: &Taken) -> Mono {
        let now = SystemClock.now();
        let kind = taken.flags & sys::V4L2_BUF_FLAG_TIMESTAMP_MASK;
        if kind != sys::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC {
            return now;
        }
        let stamp = Mono(u64::try_from(taken.stamp.as_nanos()).unwrap_or(u64::MAX));
        if now.abs_diff(stamp) <= PLAUSIBLE {
            // Some drivers stamp with when a picture was due.
            return stamp.min(now);
        }
        if !self.complained {
            self.complained = true;
            let apart = now.abs_diff(stamp).as_secs_f64();
            log::warn!("{}: its stamps lie {apart:.0} s from now; arrival counts", self.name);
        }
        now
    }

    fn lost(&self, Fault { step, error }: Fault) -> Error {
        // An unplugged camera answers EINVAL as often as ENODEV.
        let gone = matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENODEV | libc::ENXIO));
        let error = if gone && !self.path.exists() {
            io::Error::from_raw_os_error(libc::ENODEV)
        } else {
            error
        };
        Error::new(Kind::Device, &self.name, format!("was lost ({step})")).because(error)
    }
}

impl VideoSource for Camera {
    fn format(&self) -> VideoFormat {
        let [width, height] = self.layout.size;
        VideoFormat { width, height, rate: self.rate }
    }

    fn pull(&mut self, raw: &mut RawFrame) -> Result<Pull> {
        let until = SystemClock.now() + PATIENCE;
        loop {
            let left = until.since(SystemClock.now());
            match self.queue.next(left).map_err(|fault| self.lost(fault))? {
                Next::Nothing => return Ok(Pull::Idle),
                Next::Failed => self.losses.corrupt += 1,
                Next::Taken(taken) => {
                    let good = self.accept(&taken, raw);
                    self.queue.give(taken.index).map_err(|fault| self.lost(fault))?;
                    if good {
                        return Ok(Pull::Filled);
                    }
                    self.losses.corrupt += 1;
                }
            }
            if left.is_zero() {
                return Ok(Pull::Idle);
            }
        }
    }

    fn describe(&self) -> String {
        let [width, height] = self.layout.size;
        let (name, format) = (&self.name, self.layout.format.name());
        format!("{name}: {format} {width}×{height}, {}/s", Rate(self.rate))
    }

    fn losses(&self) -> Losses {
        self.losses
    }
}

impl From<&config::Camera> for Wanted {
    fn from(camera: &config::Camera) -> Self {
        Wanted {
            device: camera.device.clone(),
            width: camera.width,
            height: camera.height,
            rate: camera.rate,
            format: camera.format.map(PixelFormat::from),
            controls: Controls {
                exposure: camera.exposure,
                power_line: camera.power_line_hz,
                focus: camera.focus,
            },
            delay: Duration::from_secs_f64(camera.delay_ms.max(0.0) / 1000.0),
        }
    }
}

impl From<CameraFormat> for PixelFormat {
    fn from(format: CameraFormat) -> Self {
        match format {
            CameraFormat::Yuyv => PixelFormat::Yuyv,
            CameraFormat::Uyvy => PixelFormat::Uyvy,
            CameraFormat::Nv12 => PixelFormat::Nv12,
            CameraFormat::Yu12 => PixelFormat::Yu12,
            CameraFormat::Mjpeg => PixelFormat::Mjpeg,
            CameraFormat::Grey => PixelFormat::Grey,
            CameraFormat::Y16 => PixelFormat::Y16,
            CameraFormat::Rgb24 => PixelFormat::Rgb24,
            CameraFormat::Bgr24 => PixelFormat::Bgr24,
        }
    }
}

#[cfg(test)]
mod tests;
