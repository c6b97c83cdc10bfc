//! What is said when a microphone cannot be had: which, what was asked, what there is, and what
//! to do.

use std::fmt::Display;
use std::path::PathBuf;

use rustix::io::Errno;

use super::find::{self, Found};
use crate::config::suggest;
use crate::error::{Error, Kind};

/// An error about the PCM called `name`.
pub(super) fn wrong(name: impl Display, wrong: impl Into<String>) -> Error {
    Error::new(Kind::Device, format!("microphone {name}"), wrong)
}

/// The number of an error as the kernel has it. `poll` gives its own with a minus.
pub(super) fn errno(error: alsa::Error) -> Errno {
    Errno::from_raw_os_error(error.errno().saturating_abs())
}

/// `wanted` is a part of the names of two cards.
pub(super) fn ambiguous(wanted: &str, one: &Found, other: &Found) -> Error {
    let ids = format!("`{}` and `{}`", one.card, other.card);
    wrong(wanted, format!("fits several cards, {ids}")).hint("name one of them by its id")
}

/// The PCM `name`, which `wanted` was understood as, could not be opened.
pub(super) fn opening(
    wanted: Option<&str>,
    name: &str,
    error: alsa::Error,
    there: &[Found],
) -> Error {
    let called = wanted.unwrap_or(name);
    match errno(error) {
        Errno::BUSY | Errno::AGAIN => {
            let holder = holder(name, there).unwrap_or_default();
            wrong(called, format!("is busy: another program has it{holder}"))
                .hint("stop that program, or share the card with it: device = \"default\"")
        }
        error @ (Errno::ACCESS | Errno::PERM) => forbidden(called, "/dev/snd", error),
        Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::INVAL => missing(wanted, name, there),
        other => wrong(called, "cannot be opened").because(text(other)),
    }
}

/// There is no such device, or none at all, or none that may be seen.
fn missing(wanted: Option<&str>, name: &str, there: &[Found]) -> Error {
    let called = wanted.unwrap_or(name);
    if there.is_empty() {
        if let Some((path, error)) = find::forbidden() {
            return forbidden(called, path.display(), error);
        }
        return wrong(called, "is not there: no card of this machine can record")
            .hint("plug it in; `arecord -l` lists what the kernel sees");
    }
    let Some(wanted) = wanted else {
        return wrong(name, "cannot record").hint(format!("name a device: {}", listed(there)));
    };
    let mut known: Vec<String> = there.iter().map(|found| found.card.clone()).collect();
    known.dedup();
    let word = wanted.split_once("CARD=").map_or(wanted, |(_, rest)| rest);
    let word = word.split(',').next().unwrap_or(word);
    wrong(wanted, "there is no such capture device").hint(suggest(word, &known))
}

fn listed(there: &[Found]) -> String {
    let names = there.iter().map(|found| format!("\"{}\" ({})", found.card, found.name));
    names.collect::<Vec<_>>().join(", ")
}

/// The file's mode refuses with `EACCES`, the device list of a service or container with `EPERM`.
fn forbidden(called: &str, place: impl Display, error: Errno) -> Error {
    let hint = if error == Errno::PERM {
        "the list of devices of its service or container leaves it out: a service needs \
         DeviceAllow=char-alsa, and to be started again when sound came to the kernel after it"
    } else {
        "let the user into the group `audio`: sudo usermod -aG audio USER"
    };
    wrong(called, format!("may not be opened: no permission for {place}")).hint(hint)
}

/// Who has the device open, as far as the kernel says it, to go into the message.
fn holder(name: &str, there: &[Found]) -> Option<String> {
    let found = there.iter().find(|found| found.device == name)?;
    let device = found.device.rsplit_once("DEV=")?.1;
    let status = format!("/proc/asound/{}/pcm{device}c/sub0/status", found.card);
    let status = std::fs::read_to_string(status).ok()?;
    let pid = status.lines().find_map(|line| line.strip_prefix("owner_pid"))?;
    let pid = pid.trim_start_matches([' ', ':', '\t']).trim();
    let program = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/comm")));
    let program = program.map(|name| format!(" {}", name.trim())).unwrap_or_default();
    Some(format!(" (process {pid}{program})"))
}

/// The card refused a parameter: what was asked, and what it offers.
pub(super) fn parameter(name: &str, asked: impl Display, offered: impl Display) -> Error {
    wrong(name, format!("refuses {asked}; it offers {offered}"))
        .hint("ask for what it offers, or let ALSA convert: device = \"plughw:CARD=…\"")
}

/// The map names more channels than the card has.
pub(super) fn channels(name: &str, map: &[u16], highest: u16, offered: u32) -> Error {
    let noun = if offered == 1 { "channel" } else { "channels" };
    let wrong_text =
        format!("has {offered} {noun}, but microphone.map = {map:?} names channel {highest}");
    let hint = match offered {
        0 | 1 => "channels count from 0: use map = [0], or leave the map out".to_owned(),
        more => format!("channels count from 0: use 0 to {}", more - 1),
    };
    wrong(name, wrong_text).hint(hint)
}

/// Something in talking to the card failed while it was set up or read.
pub(super) fn failed(name: &str, doing: &str, error: alsa::Error) -> Error {
    match errno(error) {
        Errno::NODEV | Errno::NXIO | Errno::BADFD => {
            wrong(name, "is gone").hint("was it unplugged?")
        }
        Errno::BUSY => wrong(name, "is busy: another program has it"),
        other => wrong(name, format!("{doing} failed")).because(text(other)),
    }
}

/// What the system calls an error.
fn text(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there() -> Vec<Found> {
        vec![Found {
            device: "hw:CARD=ArrayUAC10,DEV=0".to_owned(),
            card: "ArrayUAC10".to_owned(),
            name: "ReSpeaker 4 Mic Array (UAC1.0)".to_owned(),
            part: "USB Audio".to_owned(),
        }]
    }

    fn said(wanted: Option<&str>, name: &str, errno: Errno) -> String {
        let error = alsa::Error::new("snd_pcm_open", errno.raw_os_error());
        let error = opening(wanted, name, error, &there());
        assert_eq!(error.kind(), Kind::Device);
        error.to_string()
    }

    #[test]
    fn a_missing_card_is_answered_with_those_that_are_there() {
        assert_eq!(
            said(Some("hw:CARD=ArayUAC10,DEV=0"), "hw:CARD=ArayUAC10,DEV=0", Errno::NODEV),
            "microphone hw:CARD=ArayUAC10,DEV=0: there is no such capture device \
             (did you mean `ArrayUAC10`? Known: ArrayUAC10)"
        );
        assert_eq!(
            said(None, "default", Errno::NOENT),
            "microphone default: cannot record \
             (name a device: \"ArrayUAC10\" (ReSpeaker 4 Mic Array (UAC1.0)))"
        );
    }

    #[test]
    fn a_busy_card_and_one_without_permission_say_what_to_do() {
        let busy = said(Some("ArrayUAC10"), "hw:CARD=ArrayUAC10,DEV=0", Errno::BUSY);
        assert!(busy.starts_with("microphone ArrayUAC10: is busy"), "{busy}");
        assert!(busy.contains("device = \"default\""), "{busy}");
        let closed = said(Some("ArrayUAC10"), "hw:CARD=ArrayUAC10,DEV=0", Errno::ACCESS);
        assert!(closed.contains("usermod -aG audio"), "{closed}");
        let unlisted = said(Some("ArrayUAC10"), "hw:CARD=ArrayUAC10,DEV=0", Errno::PERM);
        assert!(unlisted.contains("DeviceAllow=char-alsa"), "{unlisted}");
        assert!(!unlisted.contains("usermod"), "{unlisted}");
    }

    #[test]
    fn a_map_beyond_the_card_says_what_the_card_has_and_how_channels_count() {
        assert_eq!(
            channels("hw:0", &[1, 5], 5, 2).to_string(),
            "microphone hw:0: has 2 channels, but microphone.map = [1, 5] names channel 5 \
             (channels count from 0: use 0 to 1)"
        );
        assert!(channels("hw:0", &[1], 1, 1).to_string().contains("has 1 channel, "));
    }

    #[test]
    fn a_card_that_went_away_is_called_gone_whatever_was_being_done() {
        for errno in [Errno::NODEV, Errno::NXIO, Errno::BADFD] {
            let error = alsa::Error::new("poll", -errno.raw_os_error());
            assert!(failed("hw:0", "reading", error).to_string().contains("is gone"));
        }
    }
}
