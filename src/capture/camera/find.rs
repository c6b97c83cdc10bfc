//! Which device node is meant. Asked anew at each opening, so that a camera that comes back
//! under another number is found by its stable name.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use v4l::v4l_sys as sys;

use super::kernel::{Node, Planes};
use super::offer::{self, Offer};
use crate::error::{Error, Kind, Result};

/// The major number of all video devices (`Documentation/admin-guide/devices.txt`).
const VIDEO_MAJOR: u32 = 81;
/// Folders in which udev keeps links that stay the same, the surest first.
const STABLE: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];
/// Drivers that only process pictures which a program gives them, though they offer capture.
const PROCESSORS: [&str; 3] = ["bcm2835-isp", "pispbe", "rpi-hevc-dec"];

/// A camera that is there.
#[derive(Clone, Debug)]
pub struct Found {
    /// The device node.
    pub path: PathBuf,
    /// What it calls itself; empty if it could not be asked.
    pub card: String,
    /// Its driver.
    pub driver: String,
    /// Where it is plugged in.
    pub bus: String,
    /// The links to it that stay the same.
    pub links: Vec<PathBuf>,
    /// What it offers.
    pub offers: Vec<Offer>,
    /// Why it cannot be asked.
    pub fault: Option<String>,
    /// Whether it gives pictures without a media pipeline being set up first.
    plain: bool,
}

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

/// What a name can mean.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// This path, whether it is there or not.
    Path(PathBuf),
    /// A camera that calls itself so.
    Card(String),
}

/// Opens the device that is meant by `wanted`, or the first that gives pictures.
///
/// # Errors
/// [`Kind::Device`]: it is not there, is no camera, or may not be opened.
pub fn open(wanted: Option<&str>, size: [u32; 2]) -> Result<Opened> {
    let Some(name) = wanted else { return first(size) };
    match meaning(name, &STABLE.map(Path::new)) {
        Meaning::Path(path) => open_path(&path),
        Meaning::Card(card) => {
            let found = list(size);
            match by_card(&card, &found) {
                Some(camera) => open_path(&camera.path),
                None => Err(Error::new(Kind::Device, format!("camera `{name}`"), "is not there")
                    .hint(present(&found))),
            }
        }
    }
}

/// Opens a device node that must be a camera.
pub fn open_path(path: &Path) -> Result<Opened> {
    let wrong = |text: &str| Error::new(Kind::Device, format!("camera {}", path.display()), text);
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let hint = "plug it in, or name another: `tyto check --devices` lists those there are";
            return Err(wrong("is not there").hint(hint));
        }
        Err(error) => return Err(wrong("cannot be looked at").because(error)),
    };
    // Nothing else is opened: with some devices that alone has an effect.
    let video =
        about.file_type().is_char_device() && rustix::fs::major(about.rdev()) == VIDEO_MAJOR;
    if !video {
        let hint = "`tyto check --devices` lists the cameras there are";
        return Err(wrong("is not a camera, nor any video device").hint(hint));
    }
    let node = Node::open(path).map_err(|error| refused(path, "cannot be opened", error))?;
    let (names, caps) =
        node.capability().map_err(|error| refused(path, "does not answer", error))?;
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
        return Err(wrong(&format!("({card}) is not a camera: {what}")).hint(hint));
    };
    if !can(sys::V4L2_CAP_STREAMING) {
        return Err(wrong(&format!("({card}) cannot stream")).hint("name another camera"));
    }
    let plain = !can(sys::V4L2_CAP_IO_MC) && !PROCESSORS.contains(&driver.as_str());
    Ok(Opened { node, path: path.to_owned(), card, driver, bus, planes, plain })
}

/// All devices that give pictures, or might if they could be opened, by their numbers.
pub fn list(size: [u32; 2]) -> Vec<Found> {
    nodes().into_iter().filter_map(|path| look(path, size)).collect()
}

fn look(path: PathBuf, size: [u32; 2]) -> Option<Found> {
    let links = links_to(&path);
    let found = |opened: Option<Opened>, offers, fault| {
        let (card, driver, bus, plain) = opened.map_or_else(Default::default, |opened| {
            (opened.card, opened.driver, opened.bus, opened.plain)
        });
        Some(Found { path: path.clone(), card, driver, bus, links, offers, fault, plain })
    };
    match open_path(&path) {
        Ok(opened) => match offer::read(&opened.node, opened.planes, size) {
            Ok(offers) => found(Some(opened), offers, None),
            Err(error) => found(Some(opened), Vec::new(), Some(error.to_string())),
        },
        // A device that has another purpose is not listed; one that cannot be asked is.
        Err(error) => {
            let fault = error.to_string();
            let asked = fault.contains("cannot be opened") || fault.contains("does not answer");
            if asked { found(None, Vec::new(), Some(fault)) } else { None }
        }
    }
}

/// The first camera that can be used: first those with a format that can be developed, then
/// those that need no media pipeline set up, then by number.
fn first(size: [u32; 2]) -> Result<Opened> {
    let mut found = list(size);
    found.sort_by_key(|camera| {
        let usable = camera.offers.iter().any(|offer| offer.format().is_some());
        (camera.fault.is_some(), !usable, !camera.plain)
    });
    match found.first() {
        Some(camera) => open_path(&camera.path),
        None => Err(Error::new(Kind::Device, "camera", "there is none")
            .hint("plug one in; inside a container or service, let it see /dev/video*")),
    }
}

fn meaning(name: &str, stable: &[&Path]) -> Meaning {
    if name.starts_with('/') {
        return Meaning::Path(PathBuf::from(name));
    }
    let number = name.strip_prefix("video").unwrap_or(name);
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Meaning::Path(PathBuf::from(format!("/dev/video{number}")));
    }
    let link = stable.iter().map(|dir| dir.join(name)).find(|path| path.exists());
    link.map_or_else(|| Meaning::Card(name.to_owned()), Meaning::Path)
}

/// The camera that calls itself `card`, or, if only one does, whose name holds that.
fn by_card<'a>(card: &str, found: &'a [Found]) -> Option<&'a Found> {
    let wanted = card.to_lowercase();
    let names = |camera: &Found| camera.card.to_lowercase();
    let exact: Vec<&Found> = found.iter().filter(|camera| names(camera) == wanted).collect();
    if let Some(camera) = exact.first() {
        if exact.len() > 1 {
            let paths: Vec<String> =
                exact.iter().map(|camera| camera.path.display().to_string()).collect();
            log::warn!(
                "camera `{card}`: {} are called so; the first is taken (name a link in \
                 /dev/v4l/by-path to tell them apart)",
                paths.join(", ")
            );
        }
        return Some(camera);
    }
    let mut like = found.iter().filter(|camera| names(camera).contains(&wanted));
    like.next().filter(|_| like.next().is_none())
}

/// What there is, for someone who named something else.
fn present(found: &[Found]) -> String {
    if found.is_empty() {
        return "there is no camera at all".to_owned();
    }
    let names: Vec<String> =
        found.iter().map(|camera| format!("{} ({})", camera.path.display(), camera.card)).collect();
    format!("there are {}", names.join(", "))
}

/// An error of the kernel with what it means here.
pub fn refused(path: &Path, what: &str, error: io::Error) -> Error {
    let hint = match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => {
            "who runs this must be in the group `video`; a service needs \
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

/// `/dev/video*`, by number.
fn nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| PathBuf::from(format!("/dev/video{number}"))).collect()
}

/// The stable links to a device node.
fn links_to(node: &Path) -> Vec<PathBuf> {
    let entries = STABLE.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    let mut links: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|link| std::fs::canonicalize(link).is_ok_and(|target| target == node))
        .collect();
    links.sort_by_key(|link| (!link.starts_with(STABLE[0]), link.clone()));
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(number: u32, card: &str) -> Found {
        Found {
            path: PathBuf::from(format!("/dev/video{number}")),
            card: card.to_owned(),
            driver: String::new(),
            bus: String::new(),
            links: Vec::new(),
            offers: Vec::new(),
            fault: None,
            plain: true,
        }
    }

    #[test]
    fn a_name_is_a_path_a_number_a_link_or_what_the_camera_calls_itself() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("usb-Maker_Camera-video-index0");
        std::fs::write(&link, "").unwrap();
        let of = |name: &str| meaning(name, &[Path::new("/nowhere"), dir.path()]);
        let path = |path: &str| Meaning::Path(PathBuf::from(path));
        assert_eq!(of("/dev/v4l/by-id/x"), path("/dev/v4l/by-id/x"));
        assert_eq!(of("3"), path("/dev/video3"));
        assert_eq!(of("video12"), path("/dev/video12"));
        assert_eq!(of("usb-Maker_Camera-video-index0"), Meaning::Path(link));
        assert_eq!(of("HD Webcam"), Meaning::Card("HD Webcam".to_owned()));
        assert_eq!(of("video"), Meaning::Card("video".to_owned()));
    }

    #[test]
    fn the_exact_name_comes_before_one_that_holds_it_and_two_of_those_are_none() {
        let found = [camera(0, "Webcam Pro"), camera(2, "Webcam"), camera(4, "Webcam")];
        let number = |name| by_card(name, &found).map(|camera| camera.path.display().to_string());
        assert_eq!(number("webcam").unwrap(), "/dev/video2");
        assert_eq!(number("pro").unwrap(), "/dev/video0");
        assert_eq!(number("web"), None);
        assert_eq!(number("Other"), None);
        assert_eq!(
            present(&found[..2]),
            "there are /dev/video0 (Webcam Pro), /dev/video2 (Webcam)"
        );
    }

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
            let error = open_path(path).unwrap_err();
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
        assert!(said(libc::EBUSY).contains("another program"));
        assert!(said(libc::EIO).starts_with("camera /dev/video0: cannot be opened: "));
    }
}
