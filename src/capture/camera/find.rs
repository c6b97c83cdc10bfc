//! Which device node is meant. Asked anew at each opening, so that a camera that comes back
//! under another number is found by its stable name.

use std::path::{Path, PathBuf};

use super::examine::{self, Opened, Refusal};
use super::offer::{self, Offer};
use crate::error::{Error, Kind, Result};

/// Folders in which udev keeps links that stay the same, the surest first.
const STABLE: [&str; 2] = ["/dev/v4l/by-id", "/dev/v4l/by-path"];
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
        Meaning::Path(path) => examine::open(&path),
        Meaning::Card(card) => {
            let found = list(size);
            match by_card(&card, &found) {
                Some(camera) => examine::open(&camera.path),
                None => Err(Error::new(Kind::Device, format!("camera `{name}`"), "is not there")
                    .hint(present(&found))),
            }
        }
    }
}

/// All devices that give pictures, or might if they could be opened, by their numbers.
pub fn list(size: [u32; 2]) -> Vec<Found> {
    nodes().into_iter().filter_map(|path| look(path, size)).collect()
}

fn look(path: PathBuf, size: [u32; 2]) -> Option<Found> {
    let links = links_to(&path);
    let opened = match examine::examine(&path) {
        Ok(opened) => opened,
        // A device that has another purpose is not listed; one that cannot be asked is.
        Err(Refusal::Other(_)) => return None,
        Err(Refusal::Mute(error)) => {
            let (names, offers) = (Default::default(), Vec::new());
            let said = error.to_string();
            let fault = said.strip_prefix(&format!("{}: ", error.thing())).unwrap_or(&said);
            return Some(found(path, names, links, offers, Some(fault.to_owned()), false));
        }
    };
    let Opened { node, card, driver, bus, planes, plain, .. } = opened;
    let (offers, fault) = match offer::read(&node, planes, size) {
        Ok(offers) => (offers, None),
        Err(error) => (Vec::new(), Some(format!("does not say what it offers: {error}"))),
    };
    Some(found(path, [card, driver, bus], links, offers, fault, plain))
}

fn found(
    path: PathBuf,
    [card, driver, bus]: [String; 3],
    links: Vec<PathBuf>,
    offers: Vec<Offer>,
    fault: Option<String>,
    plain: bool,
) -> Found {
    Found { path, card, driver, bus, links, offers, fault, plain }
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
        Some(camera) => examine::open(&camera.path),
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
}
