//! What `ffprobe` says about a file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use super::{Programs, child, input};
use crate::capture::AudioFormat;
use crate::error::{Error, Kind, Result};

/// What is needed to decode the file.
#[derive(Debug, PartialEq)]
pub(super) struct Probe {
    /// Pictures a second as a fraction, within [`SLOWEST`] to [`FASTEST`].
    pub(super) rate: (u32, u32),
    pub(super) audio: AudioFormat,
    pub(super) duration: Option<Duration>,
}

/// A picture that stands for longer is given again: a live camera would not fall silent either.
const SLOWEST: (u32, u32) = (5, 1);

/// More pictures a second than this are not worth their decoding; containers without a constant
/// rate often claim 1000 or 90000.
const FASTEST: (u32, u32) = (60, 1);

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
struct Format {
    duration: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    codec_type: String,
    avg_frame_rate: String,
    r_frame_rate: String,
    sample_rate: String,
    channels: u16,
    disposition: Disposition,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    /// A cover in a music file.
    attached_pic: u8,
}

impl Probe {
    pub(super) fn of(path: &Path, programs: &Programs) -> Result<Probe> {
        const ENTRIES: &str = "format=duration:stream_disposition=attached_pic:\
             stream=codec_type,avg_frame_rate,r_frame_rate,sample_rate,channels";
        let output = Command::new(&programs.ffprobe)
            .args(["-v", "error", "-of", "json", "-show_entries", ENTRIES, "-i"])
            .arg(input(path))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| child::not_started(&programs.ffprobe, error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            // ffprobe repeats the file's name, which the error gives already.
            let last = last.unwrap_or("it gave no reason").trim();
            let last = last.strip_prefix(&format!("file:{}: ", path.display())).unwrap_or(last);
            return Err(Error::new(Kind::Media, path.display(), "is no clip that ffmpeg can read")
                .because(last));
        }
        let report = serde_json::from_slice(&output.stdout).map_err(|error| {
            Error::new(Kind::Helper, path.display(), "ffprobe gave no report that can be read")
                .because(error)
        })?;
        Probe::from_report(&report, path)
    }

    fn from_report(report: &Report, path: &Path) -> Result<Probe> {
        let lacks = |what: &str| {
            Error::new(Kind::Media, path.display(), format!("has no {what} in it"))
                .hint("a clip needs both pictures and sound")
        };
        let find = |kind: &str| {
            report
                .streams
                .iter()
                .find(|stream| stream.codec_type == kind && stream.disposition.attached_pic == 0)
        };
        let video = find("video").ok_or_else(|| lacks("moving pictures"))?;
        let audio = find("audio").ok_or_else(|| lacks("sound"))?;
        let rate = match audio.sample_rate.parse() {
            Ok(rate) if rate > 0 && audio.channels > 0 => rate,
            _ => return Err(lacks("sound that ffmpeg can decode")),
        };
        Ok(Probe {
            rate: picture_rate(video),
            audio: AudioFormat { rate, channels: audio.channels },
            duration: report.format.duration.as_deref().and_then(seconds),
        })
    }
}

/// The mean rate, else the nominal one.
fn picture_rate(stream: &Stream) -> (u32, u32) {
    let rate = fraction(&stream.avg_frame_rate).or_else(|| fraction(&stream.r_frame_rate));
    let value = |(number, every): (u32, u32)| f64::from(number) / f64::from(every);
    match rate {
        Some(rate) if value(rate) > value(FASTEST) => FASTEST,
        Some(rate) if value(rate) >= value(SLOWEST) => rate,
        _ => SLOWEST,
    }
}

/// `30000/1001`; nothing if either part is 0.
fn fraction(text: &str) -> Option<(u32, u32)> {
    let (number, every) = text.split_once('/')?;
    let (number, every) = (number.parse().ok()?, every.parse().ok()?);
    (number > 0 && every > 0).then_some((number, every))
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(json: &str) -> Result<Probe> {
        Probe::from_report(&serde_json::from_str(json).unwrap(), Path::new("clip.mp4"))
    }

    #[test]
    fn the_first_moving_picture_and_the_first_sound_are_taken() {
        let found = probe(
            r#"{"streams":[
                {"codec_type":"video","avg_frame_rate":"0/0","disposition":{"attached_pic":1}},
                {"codec_type":"audio","sample_rate":"44100","channels":2},
                {"codec_type":"video","avg_frame_rate":"30000/1001","r_frame_rate":"30/1"}],
              "format":{"duration":"20.5"}}"#,
        )
        .unwrap();
        assert_eq!(
            found,
            Probe {
                rate: (30000, 1001),
                audio: AudioFormat { rate: 44100, channels: 2 },
                duration: Some(Duration::from_millis(20_500)),
            }
        );
    }

    #[test]
    fn a_file_that_lacks_one_half_is_refused_by_name() {
        let cover = r#"{"streams":[{"codec_type":"audio","sample_rate":"8000","channels":1},
            {"codec_type":"video","disposition":{"attached_pic":1}}]}"#;
        assert!(probe(cover).unwrap_err().to_string().contains("no moving pictures"));
        let mute = r#"{"streams":[{"codec_type":"video","avg_frame_rate":"25/1"}]}"#;
        let error = probe(mute).unwrap_err();
        assert_eq!(error.kind(), Kind::Media);
        assert!(error.to_string().contains("clip.mp4: has no sound"));
    }

    #[test]
    fn rates_that_no_camera_has_are_brought_within_reason() {
        let rate = |average: &str, nominal: &str| {
            picture_rate(&Stream {
                avg_frame_rate: average.to_owned(),
                r_frame_rate: nominal.to_owned(),
                ..Stream::default()
            })
        };
        assert_eq!(rate("90000/1", "90000/1"), FASTEST);
        assert_eq!(rate("1/2", "1/2"), SLOWEST);
        assert_eq!(rate("0/0", "25/1"), (25, 1));
        assert_eq!(rate("0/0", "0/0"), SLOWEST);
    }
}
