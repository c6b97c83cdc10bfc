//! Looking at one device node: whether it is a camera, and what to do if not.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use v4l::v4l_sys as sys;

use super::kernel::{Node, Planes};
use crate::error::{Error, Kind, Result};

/// The major number of all video devices (`Documentation/admin-guide/devices.txt`).
const VIDEO_MAJOR: u32 = 81;
/// Drivers that only process pictures which a program gives them, though they offer capture.
const PROCESSORS: [&str; 3] = ["bcm2835-isp", "pispbe", "rpi-hevc-dec"];

/// A device that is open and gives pictures.
#[derive(Debug)]
pub struct Opened {
    /// The device.
    pub node: Node,
    /// Where it is.
    pub path: PathBuf,
    /// What it calls itself.
    pub card: String,
    /// Its driver.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// How it describes buffers.
    pub planes: Planes,
    /// Whether it gives pictures without a media pipeline being set up first.
    pub plain: bool,
}

/// Why a device node is not used.
pub enum Refusal {
    /// It might be a camera, but cannot be asked.
    Mute(Error),
    /// It is something else, or not there.
    Other(Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::Mute(error) | Refusal::Other(error) => error,
        }
    }
}

/// Opens a device node that must be a camera.
pub fn open(path: &Path) -> Result<Opened> {
    Ok(examine(path)?)
}

/// As [`open`], but tells a camera that cannot be asked from what is none.
pub fn examine(path: &Path) -> std::result::Result<Opened, Refusal> {
    let other = |error| Err(Refusal::Other(error));
    let mute = |error| Err(Refusal::Mute(error));
    let wrong = |text: &str| Error::new(Kind::Device, format!("camera {}", path.display()), text);
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let hint = "plug it in, or name another: `tyto check --devices` lists those there are";
            return other(wrong("is not there").hint(hint));
        }
        Err(error) => return other(wrong("cannot be looked at").because(error)),
    };
    // Nothing else is opened: with some devices that alone has an effect.
    let video =
        about.file_type().is_char_device() && rustix::fs::major(about.rdev()) == VIDEO_MAJOR;
    if !video {
        let hint = "`tyto check --devices` lists the cameras there are";
        return other(wrong("is not a camera, nor any video device").hint(hint));
    }
    let node = match Node::open(path) {
        Ok(node) => node,
        Err(error) => return mute(refused(path, "cannot be opened", error)),
    };
    let (names, caps) = match node.capability() {
        Ok(found) => found,
        Err(error) => return mute(refused(path, "does not answer", error)),
    };
    let [driver, card, bus] = names;
    let can = |flag| caps & flag != 0;
    let planes = if can(sys::V4L2_CAP_VIDEO_CAPTURE_MPLANE) {
        Planes::Multi
    } else if can(sys::V4L2_CAP_VIDEO_CAPTURE) && !can(sys::V4L2_CAP_TOUCH) {
        Planes::Single
    } else {
        let what = what(caps);
        let hint = if driver.contains("loopback") {
            "it becomes one when a program feeds it"
        } else {
            "a camera can have several devices: `tyto check --devices` lists those with pictures"
        };
        return other(wrong(&format!("({card}) is not a camera: {what}")).hint(hint));
    };
    if !can(sys::V4L2_CAP_STREAMING) {
        return other(wrong(&format!("({card}) cannot stream")).hint("name another camera"));
    }
    let plain = !can(sys::V4L2_CAP_IO_MC) && !PROCESSORS.contains(&driver.as_str());
    Ok(Opened { node, path: path.to_owned(), card, driver, bus, planes, plain })
}

/// An error of the kernel with what it means here.
pub fn refused(path: &Path, what: &str, error: io::Error) -> Error {
    let hint = match error.raw_os_error() {
        // The file's mode refuses with the one, a service's list of devices with the other.
        Some(libc::EACCES) => "who runs this must be in the group `video`",
        Some(libc::EPERM) => {
            "the list of devices of its service or container leaves it out: a service needs \
             DeviceAllow=char-video4linux"
        }
        Some(libc::EBUSY) => "another program uses it: `fuser -v /dev/video*` says which",
        Some(libc::ENODEV | libc::ENXIO) => "it was unplugged, or its driver lost it",
        Some(libc::ENOSPC) => {
            "the USB bus has no room for it: a lower size or rate, or \
                               `format = \"mjpeg\"`, takes less"
        }
        Some(libc::EPIPE | libc::ENOLINK) => "its media pipeline is not set up: use media-ctl",
        _ => "",
    };
    let full = Error::new(Kind::Device, format!("camera {}", path.display()), what).because(error);
    if hint.is_empty() { full } else { full.hint(hint) }
}

/// What a device that is no camera is.
fn what(caps: u32) -> &'static str {
    let can = |flags| caps & flags != 0;
    if can(sys::V4L2_CAP_TOUCH) {
        "it senses touch"
    } else if can(sys::V4L2_CAP_VIDEO_M2M | sys::V4L2_CAP_VIDEO_M2M_MPLANE) {
        "it converts pictures"
    } else if can(sys::V4L2_CAP_VIDEO_OUTPUT | sys::V4L2_CAP_VIDEO_OUTPUT_MPLANE) {
        "it shows pictures and gives none"
    } else if can(sys::V4L2_CAP_META_CAPTURE) {
        "it gives data about pictures and no pictures"
    } else {
        "it gives no pictures"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_video_device_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clip.mp4");
        std::fs::write(&file, "x").unwrap();
        for (path, part) in [
            (file.as_path(), "is not a camera"),
            (dir.path(), "is not a camera"),
            (Path::new("/dev/null"), "is not a camera"),
            (Path::new("/dev/no-such-camera"), "is not there"),
        ] {
            let error = open(path).unwrap_err();
            assert_eq!(error.kind(), Kind::Device);
            let said = error.to_string();
            assert!(said.starts_with(&format!("camera {}: ", path.display())), "{said}");
            assert!(said.contains(part) && said.contains("`tyto check --devices`"), "{said}");
        }
    }

    #[test]
    fn an_error_of_the_kernel_says_what_to_do() {
        let path = Path::new("/dev/video0");
        let said = |errno| {
            refused(path, "cannot be opened", io::Error::from_raw_os_error(errno)).to_string()
        };
        assert!(said(libc::EACCES).contains("group `video`"));
        assert!(said(libc::EPERM).contains("DeviceAllow=char-video4linux"));
        assert!(said(libc::EBUSY).contains("another program"));
        assert!(said(libc::EIO).starts_with("camera /dev/video0: cannot be opened: "));
    }
}
