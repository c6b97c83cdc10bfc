//! Which capture devices there are, and which one a name means.
//!
//! Numbers of cards change with the order in which they are plugged in. Names stay, so a name
//! is looked up anew each time a device is opened.

use std::fs::OpenOptions;
use std::path::PathBuf;

use alsa::card;
use alsa::ctl::{Ctl, DeviceIter};
use alsa::device_name::HintIter;
use alsa::{Card, Direction};
use rustix::io::Errno;

use super::refuse;
use crate::error::Result;

/// A capture device of a sound card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The ALSA name to open it by, such as `hw:CARD=Device,DEV=0`: the same wherever the card
    /// is plugged in.
    pub device: String,
    /// The card's id, such as `Device`: unique on this machine.
    pub card: String,
    /// The card's name for people, such as `USB Audio Device`.
    pub name: String,
    /// What the driver calls this device of the card, such as `USB Audio`.
    pub part: String,
}

/// The capture devices of all cards, in the order of the cards. Empty also if the cards may not
/// be opened.
pub fn list() -> Vec<Found> {
    card::Iter::new().flatten().flat_map(|card| devices(card).unwrap_or_default()).collect()
}

fn devices(card: Card) -> alsa::Result<Vec<Found>> {
    let ctl = Ctl::from_card(&card, true)?;
    let info = ctl.card_info()?;
    let (id, name) = (info.get_id()?, info.get_name()?);
    let captures = DeviceIter::new(&ctl).filter_map(|number| {
        let number = u32::try_from(number).ok()?;
        let info = ctl.pcm_info(number, 0, Direction::Capture).ok()?;
        Some(Found {
            device: format!("hw:CARD={id},DEV={number}"),
            card: id.to_owned(),
            name: name.to_owned(),
            part: info.get_name().unwrap_or_default().to_owned(),
        })
    });
    Ok(captures.collect())
}

/// The PCM names that `wanted` means, to be tried in this order: one, unless nothing is wanted
/// in particular; then the system's default and after it the first device of any card.
///
/// # Errors
/// [`Kind::Device`](crate::error::Kind::Device): the name fits several cards.
pub(super) fn names(wanted: Option<&str>, there: &[Found]) -> Result<Vec<String>> {
    match wanted {
        Some(name) => Ok(vec![meant(name.trim(), there, is_pcm)?]),
        None => {
            let first = there.first().map(|found| found.device.clone());
            Ok(std::iter::once("default".to_owned()).chain(first).collect())
        }
    }
}

/// The PCM name that `wanted` means: itself, or that of the card it names.
fn meant(wanted: &str, there: &[Found], is_pcm: impl Fn(&str) -> bool) -> Result<String> {
    if wanted.starts_with("CARD=") {
        return Ok(format!("hw:{wanted}"));
    }
    if wanted.contains(':') {
        return Ok(wanted.to_owned());
    }
    let lower = wanted.to_lowercase();
    let exact =
        |found: &&Found| found.card.to_lowercase() == lower || found.name.to_lowercase() == lower;
    if let Some(found) = there.iter().find(exact) {
        return Ok(found.device.clone());
    }
    if is_pcm(wanted) {
        return Ok(wanted.to_owned());
    }
    let mut like = there.iter().filter(|found| found.name.to_lowercase().contains(&lower));
    match like.next() {
        Some(found) => match like.find(|other| other.card != found.card) {
            Some(other) => Err(refuse::ambiguous(wanted, found, other)),
            None => Ok(found.device.clone()),
        },
        // It may still be a PCM that has no description.
        None => Ok(wanted.to_owned()),
    }
}

/// Whether libasound's configuration describes a PCM of this name.
fn is_pcm(name: &str) -> bool {
    let hints = HintIter::new(None, c"pcm").into_iter().flatten();
    hints.filter_map(|hint| hint.name).any(|known| known == name)
}

/// A card's control device that is there but may not be opened, and why: to libasound such a card
/// does not exist.
pub(super) fn forbidden() -> Option<(PathBuf, Errno)> {
    let entries = std::fs::read_dir("/dev/snd").ok()?;
    let mut controls: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"controlC"))
        .map(|entry| entry.path())
        .collect();
    controls.sort();
    controls.into_iter().find_map(|path| {
        let error = OpenOptions::new().read(true).open(&path).err()?;
        let errno = Errno::from_io_error(&error)?;
        matches!(errno, Errno::ACCESS | Errno::PERM).then_some((path, errno))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn found(card: &str, name: &str) -> Found {
        Found {
            device: format!("hw:CARD={card},DEV=0"),
            card: card.to_owned(),
            name: name.to_owned(),
            part: "USB Audio".to_owned(),
        }
    }

    fn there() -> Vec<Found> {
        vec![
            found("ArrayUAC10", "ReSpeaker 4 Mic Array (UAC1.0)"),
            found("Device", "USB PnP Sound Device"),
            found("Device_1", "USB PnP Sound Device"),
        ]
    }

    fn meant_here(wanted: &str) -> Result<String> {
        meant(wanted, &there(), |name| name == "default")
    }

    #[test]
    fn a_card_is_found_by_its_id_its_name_and_a_part_of_its_name() {
        for wanted in ["ArrayUAC10", "arrayuac10", "ReSpeaker 4 Mic Array (UAC1.0)", "respeaker"] {
            assert_eq!(meant_here(wanted).unwrap(), "hw:CARD=ArrayUAC10,DEV=0", "{wanted}");
        }
    }

    #[test]
    fn alsa_s_own_names_are_left_as_they_are() {
        for wanted in ["default", "plughw:CARD=Device", "hw:1,0", "something"] {
            assert_eq!(meant_here(wanted).unwrap(), wanted);
        }
        assert_eq!(meant_here("CARD=Device,DEV=1").unwrap(), "hw:CARD=Device,DEV=1");
    }

    #[test]
    fn twins_are_told_apart_by_their_ids_alone() {
        assert_eq!(meant_here("Device_1").unwrap(), "hw:CARD=Device_1,DEV=0");
        let error = meant_here("PnP").unwrap_err();
        assert_eq!(error.kind(), Kind::Device);
        let said = error.to_string();
        assert!(said.contains("`Device`") && said.contains("`Device_1`"), "{said}");
    }

    #[test]
    fn without_a_wish_the_system_s_default_comes_first_and_then_any_card() {
        assert_eq!(names(None, &there()).unwrap(), ["default", "hw:CARD=ArrayUAC10,DEV=0"]);
        assert_eq!(names(None, &[]).unwrap(), ["default"]);
    }
}
