//! `[camera]`: which camera, how it is set, and its optics.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::{named, within};
use super::document::Document;
use crate::error::Result;

/// The camera and its optics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Stable name or path of the device; absent: the first that gives pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Pixels across, 16..=16384.
    pub width: u32,
    /// Pixels down, 16..=16384.
    pub height: u32,
    /// Pictures a second, 0.1..=240.
    pub rate: f64,
    /// How the pictures are delivered; absent: whatever costs this board least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<CameraFormat>,
    /// Exposure time in µs, 1..=10 000 000; absent: as the camera has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Setting>,
    /// Frequency of the light's flicker in Hz, 0 (none), 50 or 60; absent: as the camera has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_line_hz: Option<Setting>,
    /// Focus in the camera's own steps, 0..=1 000 000; absent: as the camera has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<Setting>,
    /// Milliseconds from the exposure to the kernel's stamp, 0..=2000.
    #[serde(default)]
    pub delay_ms: f64,
    /// Horizontal field of view in degrees, 1..=179.
    pub hfov_deg: f64,
    /// Vertical field of view in degrees, 1..=179; absent: square pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vfov_deg: Option<f64>,
}

/// The formats that a camera can be asked for, named after V4L2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraFormat {
    /// 4:2:2, Y U Y V.
    Yuyv,
    /// 4:2:2, U Y V Y.
    Uyvy,
    /// 4:2:0, a plane of Y and one of U V.
    Nv12,
    /// 4:2:0, a plane each of Y, U and V.
    Yu12,
    /// A JPEG for each picture.
    Mjpeg,
    /// 8 bits of grey.
    Grey,
    /// 16 bits of grey, little-endian.
    Y16,
    /// R G B, 8 bits each.
    Rgb24,
    /// B G R, 8 bits each.
    Bgr24,
}

/// A setting that the camera can find by itself: `"auto"` or a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The camera finds it.
    Auto,
    /// It stays at this.
    Fixed(u32),
}

impl Camera {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<()> {
        if let Some(device) = &self.device {
            named(document, &["camera", "device"], device)?;
        }
        within(document, &["camera", "width"], self.width, 16..=16384)?;
        within(document, &["camera", "height"], self.height, 16..=16384)?;
        within(document, &["camera", "rate"], self.rate, 0.1..=240.0)?;
        if let Some(Setting::Fixed(time)) = self.exposure {
            within(document, &["camera", "exposure"], time, 1..=10_000_000)?;
        }
        match self.power_line_hz {
            None | Some(Setting::Auto | Setting::Fixed(0 | 50 | 60)) => {}
            Some(Setting::Fixed(other)) => {
                let wrong = format!("is {other}, which is none of 0, 50, 60 and \"auto\"");
                return Err(document.wrong(&["camera", "power_line_hz"], &wrong));
            }
        }
        if let Some(Setting::Fixed(steps)) = self.focus {
            within(document, &["camera", "focus"], steps, 0..=1_000_000)?;
        }
        within(document, &["camera", "delay_ms"], self.delay_ms, 0.0..=2000.0)?;
        within(document, &["camera", "hfov_deg"], self.hfov_deg, 1.0..=179.0)?;
        match self.vfov_deg {
            Some(angle) => within(document, &["camera", "vfov_deg"], angle, 1.0..=179.0),
            None => Ok(()),
        }
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Setting::Auto => serializer.serialize_str("auto"),
            Setting::Fixed(value) => serializer.serialize_u32(*value),
        }
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

/// Reads a [`Setting`].
struct Read;

impl Visitor<'_> for Read {
    type Value = Setting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"auto\" or a whole number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Setting, E> {
        match text {
            "auto" => Ok(Setting::Auto),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<Setting, E> {
        u32::try_from(value)
            .map(Setting::Fixed)
            .map_err(|_| E::custom(format_args!("{value} is outside 0 to {}", u32::MAX)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Setting, E> {
        u32::try_from(value)
            .map(Setting::Fixed)
            .map_err(|_| E::custom(format_args!("{value} is outside 0 to {}", u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{CameraFormat, Config, Setting};

    fn camera(text: &str) -> crate::config::CameraOverride {
        Config::parse(&format!("[camera]\n{text}\n"), "tyto.toml").unwrap().camera
    }

    fn refusal(text: &str) -> String {
        let text = format!("[camera]\n{text}\n");
        Config::parse(&text, "tyto.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_setting_is_left_to_the_camera_or_a_number() {
        assert_eq!(camera("exposure = \"auto\"").exposure, Some(Setting::Auto));
        assert_eq!(camera("exposure = 8000").exposure, Some(Setting::Fixed(8000)));
        assert_eq!(camera("power_line_hz = 0").power_line_hz, Some(Setting::Fixed(0)));
        assert_eq!(camera("focus = 0").focus, Some(Setting::Fixed(0)));
        assert_eq!(camera("").focus, None);
        assert_eq!(camera("format = \"mjpeg\"").format, Some(CameraFormat::Mjpeg));
    }

    #[test]
    fn what_no_camera_can_be_set_to_is_refused_with_line_and_key() {
        for (text, parts) in [
            ("exposure = 0", ["`camera.exposure` is 0", "1 to 10000000"]),
            ("exposure = \"long\"", ["`camera.exposure`", "\"auto\" or a whole number"]),
            ("exposure = -5", ["`camera.exposure`", "-5 is outside 0"]),
            ("exposure = 1.5", ["`camera.exposure`", "\"auto\" or a whole number"]),
            ("power_line_hz = 55", ["`camera.power_line_hz` is 55", "0, 50, 60"]),
            ("focus = 1000001", ["`camera.focus` is 1000001", "0 to 1000000"]),
            ("delay_ms = 9000.0", ["`camera.delay_ms` is 9000", "0 to 2000"]),
            ("format = \"yuv\"", ["`camera.format`", "`yuyv`"]),
        ] {
            let said = refusal(text);
            assert!(said.starts_with("tyto.toml:2: "), "{said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{said} lacks one of {parts:?}");
        }
    }
}
