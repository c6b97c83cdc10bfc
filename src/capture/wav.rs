//! Sounds from WAV files: what a recorder, a converter or a broken pipe leaves behind.
//!
//! The chunks are walked here, because real files have chunks of odd length, lengths that
//! were never filled in, and headers that promise more than is there; the format and the
//! samples themselves are `hound`'s to read.

use std::io::{Cursor, Read};
use std::path::Path;

use hound::{SampleFormat, WavReader};

use crate::error::{Error, Kind, Result};

/// A whole recording in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Samples a second and channel.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: u16,
    /// Interleaved samples, full scale ±1; a multiple of `channels`, never empty.
    pub samples: Vec<f32>,
}

/// What a streaming writer leaves in a length field that it could not go back to fill in.
const UNKNOWN_LENGTH: u32 = u32::MAX;

impl Recording {
    /// Reads a WAV file.
    ///
    /// # Errors
    /// [`Kind::Media`]: the file cannot be read, is no WAV, holds no samples or fewer than it
    /// announces, is in an encoding other than 8, 16, 24 or 32 bit integers or 32 bit floats,
    /// or holds a sample that is no number. The text names the file.
    pub fn read(path: &Path) -> Result<Recording> {
        let bytes = std::fs::read(path).map_err(|error| {
            Error::new(Kind::Media, path.display(), "cannot be read").because(error)
        })?;
        Recording::decode(&bytes, &path.display().to_string())
    }

    /// Decodes the bytes of a WAV file; `name` is what an error calls it.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn decode(bytes: &[u8], name: &str) -> Result<Recording> {
        let (format, data) = chunks(bytes, name)?;
        let header = header(format, data.len());
        let reader = WavReader::new(Cursor::new(header).chain(data)).map_err(|error| {
            Error::new(Kind::Media, name, "is a WAV file in a form that cannot be read")
                .because(error)
                .hint("convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav")
        })?;
        let spec = reader.spec();
        if spec.sample_rate == 0 {
            return Err(Error::new(Kind::Media, name, "is a WAV file with a sample rate of 0"));
        }
        let samples = match spec.sample_format {
            SampleFormat::Float => floats(reader, name)?,
            SampleFormat::Int => integers(reader, name)?,
        };
        if samples.is_empty() {
            return Err(Error::new(Kind::Media, name, "is a WAV file without samples"));
        }
        Ok(Recording { rate: spec.sample_rate, channels: spec.channels, samples })
    }

    /// How many samples each channel has.
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// How long it lasts.
    pub fn duration(&self) -> std::time::Duration {
        super::clip::time_of(self.frames() as u64, self.rate)
    }
}

/// The format chunk and the data chunk of a RIFF file, both as long as they say.
fn chunks<'a>(bytes: &'a [u8], name: &str) -> Result<(&'a [u8], &'a [u8])> {
    let wrong = |what: String| Err(Error::new(Kind::Media, name, what));
    if bytes.is_empty() {
        return wrong("is no sound that can be read: the file is empty".to_owned());
    }
    if !bytes.starts_with(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        let found = if bytes.starts_with(b"RF64") {
            "an RF64 file, which is not supported"
        } else if image::guess_format(bytes).is_ok() {
            "a picture"
        } else {
            "something else"
        };
        return wrong(format!("is no WAV file: its content is {found}"));
    }
    let (mut format, mut at) = (None, 12);
    while let Some(&[a, b, c, d, l0, l1, l2, l3]) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let rest = &bytes[at + 8..];
        let body = rest.get(..length as usize);
        match (&[a, b, c, d], body) {
            (b"data", body) => {
                let Some(format) = format else {
                    return wrong("is a WAV file whose format chunk is missing".to_owned());
                };
                return match body {
                    Some(body) => Ok((format, body)),
                    None if length == UNKNOWN_LENGTH => Ok((format, whole_samples(format, rest))),
                    None => Err(Error::new(
                        Kind::Media,
                        name,
                        format!(
                            "is a truncated WAV file: {length} bytes of sound announced, {} there",
                            rest.len()
                        ),
                    )
                    .hint("copy or record it again, or convert what is there with ffmpeg")),
                };
            }
            (b"fmt ", Some(body)) if body.len() >= 16 => format = Some(body),
            (_, Some(_)) => {}
            (_, None) => break,
        }
        // Chunks start at even places (RIFF, section "Chunks").
        at += 8 + length as usize + length as usize % 2;
    }
    wrong("is a truncated WAV file: no sound in it".to_owned())
}

/// What a stream that was cut anywhere holds, up to the last sample that all channels have.
fn whole_samples<'a>(format: &[u8], data: &'a [u8]) -> &'a [u8] {
    let align = usize::from(u16::from_le_bytes([format[12], format[13]])).max(1);
    let length = data.len().min(UNKNOWN_LENGTH as usize);
    &data[..length - length % align]
}

/// A header that `hound` takes at its word: the format chunk without redundant fields that
/// contradict the others, and the data chunk's true length. `format` has at least 16 bytes.
fn header(format: &[u8], length: usize) -> Vec<u8> {
    const EXTENSIBLE: [u8; 2] = [0xfe, 0xff];
    let extensible = format.starts_with(&EXTENSIBLE) && format.len() >= 40;
    let mut format = format[..if extensible { 40 } else { 16 }].to_vec();
    if extensible {
        format[16..18].copy_from_slice(&22_u16.to_le_bytes());
        // Samples with fewer valid bits than their container are left-justified in it, so the
        // container's width is their full scale; 0 tells `hound` to take that.
        format[18..20].fill(0);
    }
    let rate = u32::from_le_bytes([format[4], format[5], format[6], format[7]]);
    let align = u16::from_le_bytes([format[12], format[13]]);
    let bytes_per_second = rate.saturating_mul(u32::from(align));
    format[8..12].copy_from_slice(&bytes_per_second.to_le_bytes());

    let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt ".to_vec();
    header.extend((format.len() as u32).to_le_bytes());
    header.extend(&format);
    header.extend(b"data");
    header.extend((length as u32).to_le_bytes());
    header
}

fn floats(reader: WavReader<impl Read>, name: &str) -> Result<Vec<f32>> {
    let mut samples = Vec::with_capacity(reader.len() as usize);
    for (index, sample) in reader.into_samples::<f32>().enumerate() {
        let sample = sample.map_err(|error| unreadable(error, name))?;
        if !sample.is_finite() {
            return Err(Error::new(
                Kind::Media,
                name,
                format!("is a WAV file whose sample {index} is no finite number ({sample})"),
            ));
        }
        samples.push(sample);
    }
    Ok(samples)
}

fn integers(reader: WavReader<impl Read>, name: &str) -> Result<Vec<f32>> {
    let full_scale = 2_f64.powi(i32::from(reader.spec().bits_per_sample) - 1);
    let mut samples = Vec::with_capacity(reader.len() as usize);
    for sample in reader.into_samples::<i32>() {
        let sample = sample.map_err(|error| unreadable(error, name))?;
        samples.push((f64::from(sample) / full_scale) as f32);
    }
    Ok(samples)
}

fn unreadable(error: hound::Error, name: &str) -> Error {
    Error::new(Kind::Media, name, "is a WAV file whose samples cannot be read")
        .because(error)
        .hint("convert it with: ffmpeg -i IN -c:a pcm_s16le OUT.wav")
}

#[cfg(test)]
mod tests;
