//! Single values of the board profile that `tyto.toml` overrules: each section is the twin of
//! one of the profile's, with every key optional.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::board::{Microphone, Mount};
use super::camera::{Camera, CameraFormat, Setting};
use super::engine::{DelegateChoice, EngineChoice, EngineName, OnnxRuntimeChoice};

/// Overrules [`Camera`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraOverride {
    /// See [`Camera::device`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// See [`Camera::width`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// See [`Camera::height`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// See [`Camera::rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// See [`Camera::format`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<CameraFormat>,
    /// See [`Camera::exposure`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Setting>,
    /// See [`Camera::power_line_hz`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_line_hz: Option<Setting>,
    /// See [`Camera::focus`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus: Option<Setting>,
    /// See [`Camera::delay_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// See [`Camera::hfov_deg`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hfov_deg: Option<f64>,
    /// See [`Camera::vfov_deg`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vfov_deg: Option<f64>,
}

/// Overrules [`Mount`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MountOverride {
    /// See [`Mount::yaw_deg`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yaw_deg: Option<f64>,
    /// See [`Mount::pitch_deg`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitch_deg: Option<f64>,
    /// See [`Mount::roll_deg`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll_deg: Option<f64>,
}

/// Overrules [`Microphone`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MicrophoneOverride {
    /// See [`Microphone::device`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// See [`Microphone::rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// See [`Microphone::channels`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u16>,
    /// See [`Microphone::map`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<Vec<u16>>,
    /// See [`Microphone::period_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_ms: Option<u32>,
    /// See [`Microphone::buffer_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_ms: Option<u32>,
    /// See [`Microphone::delay_ms`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
}

/// Overrules [`EngineChoice`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineOverride {
    /// See [`EngineChoice::name`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<EngineName>,
    /// See [`EngineChoice::threads`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u16>,
    /// See [`EngineChoice::cores`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<Vec<u16>>,
    /// See [`EngineChoice::library`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// See [`EngineChoice::delegate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<DelegateChoice>,
    /// See [`EngineChoice::onnxruntime`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<OnnxRuntimeChoice>,
}

impl CameraOverride {
    /// Overrules every key with its value in `camera`.
    pub(super) fn of(camera: &Camera) -> Self {
        CameraOverride {
            device: camera.device.clone(),
            width: Some(camera.width),
            height: Some(camera.height),
            rate: Some(camera.rate),
            format: camera.format,
            exposure: camera.exposure,
            power_line_hz: camera.power_line_hz,
            focus: camera.focus,
            delay_ms: Some(camera.delay_ms),
            hfov_deg: Some(camera.hfov_deg),
            vfov_deg: camera.vfov_deg,
        }
    }

    pub(super) fn overrule(&self, camera: &mut Camera) {
        set_optional(&mut camera.device, &self.device);
        set(&mut camera.width, self.width);
        set(&mut camera.height, self.height);
        set(&mut camera.rate, self.rate);
        set_optional(&mut camera.format, &self.format);
        set_optional(&mut camera.exposure, &self.exposure);
        set_optional(&mut camera.power_line_hz, &self.power_line_hz);
        set_optional(&mut camera.focus, &self.focus);
        set(&mut camera.delay_ms, self.delay_ms);
        set(&mut camera.hfov_deg, self.hfov_deg);
        set_optional(&mut camera.vfov_deg, &self.vfov_deg);
    }
}

impl MountOverride {
    /// Overrules every key with its value in `mount`.
    pub(super) fn of(mount: &Mount) -> Self {
        MountOverride {
            yaw_deg: Some(mount.yaw_deg),
            pitch_deg: Some(mount.pitch_deg),
            roll_deg: Some(mount.roll_deg),
        }
    }

    pub(super) fn overrule(&self, mount: &mut Mount) {
        set(&mut mount.yaw_deg, self.yaw_deg);
        set(&mut mount.pitch_deg, self.pitch_deg);
        set(&mut mount.roll_deg, self.roll_deg);
    }
}

impl MicrophoneOverride {
    /// Overrules every key with its value in `microphone`.
    pub(super) fn of(microphone: &Microphone) -> Self {
        MicrophoneOverride {
            device: microphone.device.clone(),
            rate: Some(microphone.rate),
            channels: Some(microphone.channels),
            map: microphone.map.clone(),
            period_ms: Some(microphone.period_ms),
            buffer_ms: Some(microphone.buffer_ms),
            delay_ms: Some(microphone.delay_ms),
        }
    }

    pub(super) fn overrule(&self, microphone: &mut Microphone) {
        set_optional(&mut microphone.device, &self.device);
        set(&mut microphone.rate, self.rate);
        set(&mut microphone.channels, self.channels);
        set_optional(&mut microphone.map, &self.map);
        set(&mut microphone.period_ms, self.period_ms);
        set(&mut microphone.buffer_ms, self.buffer_ms);
        set(&mut microphone.delay_ms, self.delay_ms);
    }
}

impl EngineOverride {
    /// Overrules every key with its value in `engine`.
    pub(super) fn of(engine: &EngineChoice) -> Self {
        EngineOverride {
            name: Some(engine.name),
            threads: Some(engine.threads),
            cores: Some(engine.cores.clone()),
            library: engine.library.clone(),
            delegate: engine.delegate.clone(),
            onnxruntime: engine.onnxruntime.clone(),
        }
    }

    pub(super) fn overrule(&self, engine: &mut EngineChoice) {
        set(&mut engine.name, self.name);
        set(&mut engine.threads, self.threads);
        // More threads than the profile has processors for them: then those are not meant any more.
        if usize::from(engine.threads) > engine.cores.len() {
            engine.cores.clear();
        }
        set(&mut engine.cores, self.cores.clone());
        set_optional(&mut engine.library, &self.library);
        set_optional(&mut engine.delegate, &self.delegate);
        set_optional(&mut engine.onnxruntime, &self.onnxruntime);
    }
}

fn set<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

fn set_optional<T: Clone>(value: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        value.clone_from(new);
    }
}
