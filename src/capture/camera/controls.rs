//! The controls that the configuration names. One that a camera lacks or refuses is a warning:
//! pictures are better than none.

use v4l::v4l_sys as sys;

use super::kernel::{Control, Node};
use crate::config::Setting;

/// What the configuration wants; `None` leaves the camera as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// Exposure time in µs.
    pub exposure: Option<Setting>,
    /// Frequency of the light's flicker in Hz: 0, 50 or 60.
    pub power_line: Option<Setting>,
    /// Focus in the camera's steps.
    pub focus: Option<Setting>,
}

/// Something with controls.
trait Panel {
    fn control(&self, id: u32) -> std::io::Result<Option<Control>>;
    fn has_entry(&self, id: u32, index: u32) -> std::io::Result<bool>;
    fn set(&self, id: u32, value: i32) -> std::io::Result<i32>;
}

impl Panel for Node {
    fn control(&self, id: u32) -> std::io::Result<Option<Control>> {
        Node::control(self, id)
    }

    fn has_entry(&self, id: u32, index: u32) -> std::io::Result<bool> {
        Node::has_entry(self, id, index)
    }

    fn set(&self, id: u32, value: i32) -> std::io::Result<i32> {
        self.set_control(id, value)
    }
}

impl Controls {
    /// Sets what is wanted, and gives a warning for each thing that could not be.
    pub fn apply(&self, node: &Node) -> Vec<String> {
        self.set_on(node)
    }

    fn set_on(&self, panel: &dyn Panel) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut note = |outcome: Result<(), String>| warnings.extend(outcome.err());
        if let Some(exposure) = self.exposure {
            note(set_exposure(panel, exposure));
        }
        if let Some(frequency) = self.power_line {
            note(set_power_line(panel, frequency));
        }
        if let Some(focus) = self.focus {
            note(set_focus(panel, focus));
        }
        warnings
    }
}

fn set_exposure(panel: &dyn Panel, wanted: Setting) -> Result<(), String> {
    const MODE: u32 = sys::V4L2_CID_EXPOSURE_AUTO;
    let manual = sys::v4l2_exposure_auto_type_V4L2_EXPOSURE_MANUAL;
    let full = sys::v4l2_exposure_auto_type_V4L2_EXPOSURE_AUTO;
    let aperture = sys::v4l2_exposure_auto_type_V4L2_EXPOSURE_APERTURE_PRIORITY;
    match wanted {
        Setting::Auto => {
            // A camera without an iris calls it aperture priority: the time is found.
            let entry = [aperture, full]
                .into_iter()
                .find(|entry| panel.has_entry(MODE, *entry).unwrap_or(false))
                .ok_or("exposure: the camera has no automatic exposure")?;
            set(panel, "exposure", MODE, i64::from(entry))
        }
        Setting::Fixed(micros) => {
            // One without the choice is always manual.
            if panel.has_entry(MODE, manual).unwrap_or(false) {
                set(panel, "exposure", MODE, i64::from(manual))?;
            }
            // The control counts in 100 µs.
            let units = i64::from(micros).div_euclid(100).max(1);
            set(panel, "exposure", sys::V4L2_CID_EXPOSURE_ABSOLUTE, units)
        }
    }
}

fn set_power_line(panel: &dyn Panel, wanted: Setting) -> Result<(), String> {
    const ID: u32 = sys::V4L2_CID_POWER_LINE_FREQUENCY;
    let entry = match wanted {
        Setting::Auto => sys::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_AUTO,
        Setting::Fixed(50) => sys::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_50HZ,
        Setting::Fixed(60) => sys::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_60HZ,
        Setting::Fixed(_) => sys::v4l2_power_line_frequency_V4L2_CID_POWER_LINE_FREQUENCY_DISABLED,
    };
    if panel.control(ID).is_ok_and(|control| control.is_some())
        && !panel.has_entry(ID, entry).unwrap_or(false)
    {
        let name = match wanted {
            Setting::Auto => "auto".to_owned(),
            Setting::Fixed(frequency) => frequency.to_string(),
        };
        return Err(format!("power_line_hz: the camera has the control, but not {name}"));
    }
    set(panel, "power_line_hz", ID, i64::from(entry))
}

fn set_focus(panel: &dyn Panel, wanted: Setting) -> Result<(), String> {
    const AUTO: u32 = sys::V4L2_CID_FOCUS_AUTO;
    match wanted {
        Setting::Auto => set(panel, "focus", AUTO, 1),
        Setting::Fixed(steps) => {
            // A camera that cannot focus by itself has nothing to switch off.
            if panel.control(AUTO).is_ok_and(|control| control.is_some()) {
                set(panel, "focus", AUTO, 0)?;
            }
            set(panel, "focus", sys::V4L2_CID_FOCUS_ABSOLUTE, i64::from(steps))
        }
    }
}

/// Sets a control to the value it allows that is nearest to `wanted`.
fn set(panel: &dyn Panel, key: &str, id: u32, wanted: i64) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{key}: the camera refuses it: {error}");
    let control = match panel.control(id).map_err(failed)? {
        Some(control) if control.flags & sys::V4L2_CTRL_FLAG_DISABLED == 0 => control,
        _ => return Err(format!("{key}: the camera has no such control")),
    };
    let (least, most, step) = (control.least.into(), control.most.into(), control.step.into());
    let inside = wanted.clamp(least, i64::max(least, most));
    let value: i64 = least + (inside - least) / i64::max(1, step) * i64::max(1, step);
    let value = i32::try_from(value).unwrap_or(control.most);
    let got = panel.set(id, value).map_err(failed)?;
    if inside != wanted {
        let name = &control.name;
        let range = format!("{least} to {most} of the camera's {name:?}, in its own steps");
        return Err(format!("{key}: {wanted} is outside {range}: it is {got}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;

    use super::*;

    /// A camera with these controls (number, least, most, step) and menus (number, entry).
    #[derive(Default)]
    struct Fake {
        controls: Vec<(u32, i32, i32, i32)>,
        entries: Vec<(u32, u32)>,
        set: RefCell<Vec<(u32, i32)>>,
    }

    impl Panel for Fake {
        fn control(&self, id: u32) -> io::Result<Option<Control>> {
            let found = self.controls.iter().find(|control| control.0 == id);
            let name = "The Control".to_owned();
            Ok(found.map(|&(_, least, most, step)| Control { name, least, most, step, flags: 0 }))
        }

        fn has_entry(&self, id: u32, index: u32) -> io::Result<bool> {
            Ok(self.entries.contains(&(id, index)))
        }

        fn set(&self, id: u32, value: i32) -> io::Result<i32> {
            self.set.borrow_mut().push((id, value));
            Ok(value)
        }
    }

    const MODE: u32 = sys::V4L2_CID_EXPOSURE_AUTO;
    const TIME: u32 = sys::V4L2_CID_EXPOSURE_ABSOLUTE;
    const LINE: u32 = sys::V4L2_CID_POWER_LINE_FREQUENCY;
    const AUTOFOCUS: u32 = sys::V4L2_CID_FOCUS_AUTO;
    const FOCUS: u32 = sys::V4L2_CID_FOCUS_ABSOLUTE;

    fn webcam() -> Fake {
        Fake {
            controls: vec![
                (MODE, 0, 3, 1),
                (TIME, 3, 2047, 1),
                (LINE, 0, 2, 1),
                (AUTOFOCUS, 0, 1, 1),
                (FOCUS, 0, 250, 5),
            ],
            entries: vec![(MODE, 1), (MODE, 3), (LINE, 0), (LINE, 1), (LINE, 2)],
            ..Fake::default()
        }
    }

    fn done(controls: Controls, camera: &Fake) -> (Vec<(u32, i32)>, Vec<String>) {
        let warnings = controls.set_on(camera);
        (camera.set.take(), warnings)
    }

    #[test]
    fn what_is_not_named_is_left_alone() {
        assert_eq!(done(Controls::default(), &webcam()), (vec![], vec![]));
    }

    #[test]
    fn a_fixed_value_switches_the_automatic_off_first() {
        let fixed = Some(Setting::Fixed(8_000));
        let (set, warnings) = done(Controls { exposure: fixed, ..Controls::default() }, &webcam());
        assert_eq!((set, warnings), (vec![(MODE, 1), (TIME, 80)], vec![]));
        let focus = Some(Setting::Fixed(42));
        let (set, _) = done(Controls { focus, ..Controls::default() }, &webcam());
        assert_eq!(set, [(AUTOFOCUS, 0), (FOCUS, 40)]);
    }

    #[test]
    fn what_the_camera_finds_by_itself_is_switched_on() {
        let auto = Some(Setting::Auto);
        let controls = Controls { exposure: auto, focus: auto, power_line: None };
        assert_eq!(done(controls, &webcam()).0, [(MODE, 3), (AUTOFOCUS, 1)]);
        let hertz = Controls { power_line: Some(Setting::Fixed(60)), ..Controls::default() };
        assert_eq!(done(hertz, &webcam()).0, [(LINE, 2)]);
    }

    #[test]
    fn what_the_camera_lacks_is_a_warning_that_names_the_key() {
        let auto = Some(Setting::Auto);
        let all = Controls { exposure: auto, power_line: auto, focus: auto };
        let (set, warnings) = done(all, &Fake::default());
        assert!(set.is_empty());
        let begins = ["exposure: ", "power_line_hz: ", "focus: "];
        assert_eq!(warnings.len(), 3);
        assert!(warnings.iter().zip(begins).all(|(said, key)| said.starts_with(key)));
        let (_, warnings) = done(Controls { power_line: auto, ..all }, &webcam());
        assert_eq!(warnings, ["power_line_hz: the camera has the control, but not auto"]);
    }

    #[test]
    fn what_lies_outside_is_set_to_the_nearest_and_said() {
        let long = Controls { exposure: Some(Setting::Fixed(900_000)), ..Controls::default() };
        let (set, warnings) = done(long, &webcam());
        assert_eq!(set.last(), Some(&(TIME, 2047)));
        assert!(warnings[0].contains("9000 is outside 3 to 2047"), "{warnings:?}");
    }
}
