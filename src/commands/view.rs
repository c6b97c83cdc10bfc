//! What the commands share of the picture: the camera that the board describes, and the marks
//! that the overlay draws.

use tyto::align::Source;
use tyto::config::Board;
use tyto::error::Result;
use tyto::geometry::{Camera, Optics, Pose};
use tyto::overlay::Mark;

/// The board's optics. `hfov_deg` goes before the board's own field of view, and the vertical
/// one then follows from it.
pub fn optics(board: &Board, hfov_deg: Option<f64>) -> Optics {
    let (camera, mount) = (&board.camera, board.mount);
    let (yaw_deg, pitch_deg, roll_deg) = (mount.yaw_deg, mount.pitch_deg, mount.roll_deg);
    let shape = f64::from(camera.width) / f64::from(camera.height.max(1));
    Optics {
        hfov_deg: hfov_deg.unwrap_or(camera.hfov_deg),
        vertical: camera.vfov_deg.filter(|_| hfov_deg.is_none()).map(|angle| (angle, shape)),
        pose: Pose { yaw_deg, pitch_deg, roll_deg },
    }
}

/// The board's camera for pictures of this size.
///
/// # Errors
/// The field of view or the pose is out of its range.
pub fn camera(board: &Board, width: u32, height: u32, hfov_deg: Option<f64>) -> Result<Camera> {
    optics(board, hfov_deg).camera(width, height)
}

/// How a source is drawn.
pub fn mark<'a>(source: &'a Source, camera: &Camera) -> Mark<'a> {
    let bearing = || camera.bearing(source.peak.map(f64::from));
    Mark {
        label: &source.label,
        confidence: source.confidence,
        on_screen: source.on_screen,
        map: &source.map,
        peak: source.peak,
        extent: source.extent,
        azimuth_deg: source.on_screen.then(|| bearing().azimuth_deg),
    }
}
