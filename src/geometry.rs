//! Pixel ↔ bearing: a pinhole camera, its mounting pose, and how wide a map's peak is.
//!
//! Axes are those of ROS REP-103: x ahead, y left, z up. Azimuth is positive to the left,
//! elevation positive up. Lens distortion is not modelled: within the fields of view of the
//! usual board cameras (up to about 80°) it moves a bearing by less than the map's cells do.

use serde::Deserialize;

use crate::error::{Error, Kind, Result};

/// How the camera is mounted: its orientation in the body's frame, degrees.
///
/// The camera starts out looking along the body's x axis with its top up, and is turned about
/// *its own* axes in this order: yaw (positive turns it left), then pitch (positive tilts it
/// up), then roll (positive is clockwise seen from behind: its left side rises).
/// As a matrix from camera to body: `Rz(yaw) · Ry(−pitch) · Rx(roll)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pose {
    /// To the left.
    pub yaw_deg: f64,
    /// Up.
    pub pitch_deg: f64,
    /// Clockwise, seen from behind the camera.
    pub roll_deg: f64,
}

impl Pose {
    /// The rotation from camera to body, row by row.
    fn matrix(&self) -> [[f64; 3]; 3] {
        let (sy, cy) = self.yaw_deg.to_radians().sin_cos();
        let (sp, cp) = self.pitch_deg.to_radians().sin_cos();
        let (sr, cr) = self.roll_deg.to_radians().sin_cos();
        [
            [cy * cp, -sy * cr - cy * sp * sr, sy * sr - cy * sp * cr],
            [sy * cp, cy * cr - sy * sp * sr, -cy * sr - sy * sp * cr],
            [sp, cp * sr, cp * cr],
        ]
    }
}

/// Where something is, seen from the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bearing {
    /// Degrees to the left of straight ahead, −180..180.
    pub azimuth_deg: f64,
    /// Degrees above the horizon, −90..90.
    pub elevation_deg: f64,
    /// Unit vector: x ahead, y left, z up.
    pub direction: [f64; 3],
}

impl Bearing {
    /// The bearing of a direction vector of any length but zero.
    fn of(v: [f64; 3]) -> Bearing {
        let length = v.iter().map(|c| c * c).sum::<f64>().sqrt();
        let direction = v.map(|c| c / length);
        let [x, y, z] = direction;
        Bearing {
            azimuth_deg: y.atan2(x).to_degrees(),
            elevation_deg: z.atan2(x.hypot(y)).to_degrees(),
            direction,
        }
    }
}

/// What is known of a camera before its first picture: field of view and mounting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optics {
    /// Horizontal field of view, degrees.
    pub hfov_deg: f64,
    /// Measured vertical field of view in degrees, and the shape (width / height) of the
    /// pictures it was measured in; `None` for square pixels.
    pub vertical: Option<(f64, f64)>,
    /// How it is mounted.
    pub pose: Pose,
}

impl Optics {
    /// The camera for pictures of this size. The horizontal field of view holds for every size;
    /// the vertical one only for the shape that it was measured in, and pictures of another
    /// shape have square pixels.
    ///
    /// # Errors
    /// As [`Camera::new`] and [`Camera::with_vfov`].
    pub fn camera(&self, width: u32, height: u32) -> Result<Camera> {
        let camera = Camera::new(width, height, self.hfov_deg, self.pose)?;
        let shape = f64::from(width) / f64::from(height);
        match self.vertical {
            // A row or two more or less are the same shape.
            Some((vfov_deg, measured)) if (shape / measured - 1.0).abs() < 0.02 => {
                camera.with_vfov(vfov_deg)
            }
            _ => Ok(camera),
        }
    }
}

/// A pinhole camera of known field of view, mounted on a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    hfov_deg: f64,
    vfov_deg: f64,
    pose: Pose,
    /// Tangents of half the fields of view: where the picture's right and lower edge lie on a
    /// plane one unit ahead.
    edge: [f64; 2],
    to_body: [[f64; 3]; 3],
}

impl Camera {
    /// A camera with square pixels: its vertical field of view follows from the picture's shape,
    /// `tan(v/2) = tan(h/2) · height / width`.
    ///
    /// # Errors
    /// `hfov_deg` is not between 0 and 180 (exclusive), an angle of the pose is not finite, or
    /// the picture has no area.
    pub fn new(width: u32, height: u32, hfov_deg: f64, pose: Pose) -> Result<Camera> {
        let half = half_tangent("horizontal", hfov_deg)?;
        if width == 0 || height == 0 {
            let wrong = format!("the picture is {width}×{height} pixels");
            return Err(Error::new(Kind::Config, "camera", wrong));
        }
        if [pose.yaw_deg, pose.pitch_deg, pose.roll_deg].iter().any(|angle| !angle.is_finite()) {
            return Err(Error::new(Kind::Config, "camera pose", "an angle is not a number"));
        }
        let down = half * f64::from(height) / f64::from(width);
        let vfov_deg = 2.0 * down.atan().to_degrees();
        Ok(Camera { hfov_deg, vfov_deg, pose, edge: [half, down], to_body: pose.matrix() })
    }

    /// The same camera with a measured vertical field of view, for pixels that are not square.
    ///
    /// # Errors
    /// `vfov_deg` is not between 0 and 180 (exclusive).
    pub fn with_vfov(mut self, vfov_deg: f64) -> Result<Camera> {
        self.edge[1] = half_tangent("vertical", vfov_deg)?;
        self.vfov_deg = vfov_deg;
        Ok(self)
    }

    /// Horizontal field of view, degrees.
    pub fn hfov_deg(&self) -> f64 {
        self.hfov_deg
    }

    /// Vertical field of view, degrees.
    pub fn vfov_deg(&self) -> f64 {
        self.vfov_deg
    }

    /// How it is mounted.
    pub fn pose(&self) -> Pose {
        self.pose
    }

    /// The bearing of a place in the picture: x, y in 0..1 from the top left corner.
    pub fn bearing(&self, place: [f64; 2]) -> Bearing {
        Bearing::of(self.ray(place))
    }

    /// Where in the picture a bearing lies; `None` if it is not in view.
    pub fn pixel(&self, bearing: &Bearing) -> Option<[f64; 2]> {
        // The inverse of a rotation is its transpose.
        let mut seen = [0.0; 3];
        for (row, c) in self.to_body.iter().zip(bearing.direction) {
            for (value, r) in seen.iter_mut().zip(row) {
                *value += r * c;
            }
        }
        let [ahead, left, up] = seen;
        if ahead <= 0.0 {
            return None;
        }
        let place =
            [0.5 - 0.5 * left / (ahead * self.edge[0]), 0.5 - 0.5 * up / (ahead * self.edge[1])];
        // The edges themselves are in view, whatever the last bit says.
        let in_view = |c: f64| (-1e-9..=1.0 + 1e-9).contains(&c);
        place.iter().all(|&c| in_view(c)).then(|| place.map(|c| c.clamp(0.0, 1.0)))
    }

    /// Half-angle in degrees of the cone round `peak` that holds half of the map's mass.
    ///
    /// `values` are `width × height` cells, row by row from the top. The mass of a cell is what
    /// it has above the middle between the map's median and its maximum: over a whole picture
    /// the ripple of the background would otherwise outweigh the peak. The result is never less
    /// than half a cell, which is all that the map can resolve; a flat map weighs every cell
    /// alike. A map without cells gives the angle from the centre to a corner.
    pub fn spread_deg(&self, values: &[f32], width: usize, height: usize, peak: [f64; 2]) -> f64 {
        let towards = self.ray(peak);
        if values.is_empty() || width == 0 || height == 0 {
            return angle_deg(self.ray([0.5, 0.5]), self.ray([0.0, 0.0]));
        }
        let mut sorted: Vec<f32> = values.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        // Not empty, so both the middle and the last index exist.
        let floor = 0.5 * (sorted[sorted.len() / 2] + sorted[sorted.len() - 1]);
        let flat = sorted[sorted.len() - 1] - floor <= f32::EPSILON;
        let mut mass: Vec<(f64, f64)> = values
            .iter()
            .take(width * height)
            .enumerate()
            .filter_map(|(i, &value)| {
                let weight = if flat { 1.0 } else { f64::from(value - floor) };
                let x = ((i % width) as f64 + 0.5) / width as f64;
                let y = ((i / width) as f64 + 0.5) / height as f64;
                (weight > 0.0).then(|| (angle_deg(towards, self.ray([x, y])), weight))
            })
            .collect();
        mass.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let half = 0.5 * mass.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut within = 0.0;
        let spread = mass.iter().find(|(_, weight)| {
            within += weight;
            within >= half
        });
        let half_cell = 0.5 * self.hfov_deg / width as f64;
        spread.map_or(half_cell, |(angle, _)| angle.max(half_cell))
    }

    /// The ray through a place of the picture, in the body's frame, not normalised.
    fn ray(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        let seen = [1.0, (1.0 - 2.0 * x) * self.edge[0], (1.0 - 2.0 * y) * self.edge[1]];
        self.to_body.map(|row| row.iter().zip(seen).map(|(r, c)| r * c).sum())
    }
}

/// The tangent of half a field of view.
fn half_tangent(which: &str, fov_deg: f64) -> Result<f64> {
    if fov_deg > 0.0 && fov_deg < 180.0 {
        return Ok((0.5 * fov_deg).to_radians().tan());
    }
    let wrong = format!("a {which} field of view of {fov_deg}° is not possible");
    Err(Error::new(Kind::Config, "camera", wrong)
        .hint("give the angle between the picture's edges, more than 0 and less than 180 degrees"))
}

/// The angle between two vectors; by `atan2`, as `acos` is blind to small angles.
fn angle_deg(a: [f64; 3], b: [f64; 3]) -> f64 {
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let sine = cross.iter().map(|c| c * c).sum::<f64>().sqrt();
    let cosine: f64 = a.iter().zip(b).map(|(p, q)| p * q).sum();
    sine.atan2(cosine).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level(hfov_deg: f64) -> Camera {
        Camera::new(640, 480, hfov_deg, Pose::default()).unwrap()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_centre_of_the_picture_is_straight_ahead() {
        let bearing = level(62.2).bearing([0.5, 0.5]);
        assert_eq!((bearing.azimuth_deg, bearing.elevation_deg), (0.0, 0.0));
        assert_eq!(bearing.direction, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_middles_of_the_edges_lie_half_a_field_of_view_away() {
        let camera = level(62.2);
        assert!(near(camera.bearing([0.0, 0.5]).azimuth_deg, 31.1));
        assert!(near(camera.bearing([1.0, 0.5]).azimuth_deg, -31.1));
        assert!(near(camera.bearing([0.5, 0.0]).elevation_deg, 0.5 * camera.vfov_deg()));
        // 2·atan(tan(31.1°)·480/640), by hand.
        assert!((camera.vfov_deg() - 48.687).abs() < 1e-3, "{}", camera.vfov_deg());
    }

    #[test]
    fn the_four_corners_have_the_signs_of_left_and_up() {
        // With 90° across and a square picture the corners are the rays (1, ±1, ±1).
        let camera = Camera::new(100, 100, 90.0, Pose::default()).unwrap();
        let elevation = (1.0 / 2.0_f64.sqrt()).atan().to_degrees();
        for (corner, left, up) in [
            ([0.0, 0.0], 1.0, 1.0),
            ([1.0, 0.0], -1.0, 1.0),
            ([0.0, 1.0], 1.0, -1.0),
            ([1.0, 1.0], -1.0, -1.0),
        ] {
            let bearing = camera.bearing(corner);
            assert!(near(bearing.azimuth_deg, left * 45.0), "{corner:?} {bearing:?}");
            assert!(near(bearing.elevation_deg, up * elevation), "{corner:?} {bearing:?}");
        }
    }

    #[test]
    fn a_given_vertical_field_of_view_goes_before_the_shape_of_the_picture() {
        let camera = level(62.2).with_vfov(40.0).unwrap();
        assert!(near(camera.bearing([0.5, 1.0]).elevation_deg, -20.0));
        assert!(near(camera.bearing([0.0, 0.5]).azimuth_deg, 31.1));
    }

    #[test]
    fn each_angle_of_the_pose_turns_the_view_its_own_way() {
        let with = |pose| Camera::new(100, 100, 90.0, pose).unwrap();
        let yawed = with(Pose { yaw_deg: 30.0, ..Pose::default() }).bearing([0.5, 0.5]);
        assert!(near(yawed.azimuth_deg, 30.0) && near(yawed.elevation_deg, 0.0));
        let pitched = with(Pose { pitch_deg: 20.0, ..Pose::default() }).bearing([0.5, 0.5]);
        assert!(near(pitched.azimuth_deg, 0.0) && near(pitched.elevation_deg, 20.0));
        // Rolled clockwise by a quarter, the picture's right edge looks down.
        let rolled = with(Pose { roll_deg: 90.0, ..Pose::default() }).bearing([1.0, 0.5]);
        assert!(near(rolled.azimuth_deg, 0.0) && near(rolled.elevation_deg, -45.0), "{rolled:?}");
    }

    #[test]
    fn yaw_comes_first_so_that_a_pitched_camera_still_looks_where_it_was_yawed() {
        let pose = Pose { yaw_deg: 90.0, pitch_deg: 30.0, roll_deg: 0.0 };
        let bearing = Camera::new(100, 100, 90.0, pose).unwrap().bearing([0.5, 0.5]);
        assert!(near(bearing.azimuth_deg, 90.0) && near(bearing.elevation_deg, 30.0));
    }

    #[test]
    fn what_is_behind_or_beside_the_camera_has_no_pixel() {
        let camera = level(60.0);
        assert_eq!(camera.pixel(&Bearing::of([-1.0, 0.0, 0.0])), None);
        assert_eq!(camera.pixel(&Bearing::of([1.0, 1.0, 0.0])), None);
        assert!(camera.pixel(&Bearing::of([1.0, 0.5, 0.0])).is_some());
    }

    #[test]
    fn impossible_fields_of_view_are_refused_with_the_number() {
        for hfov in [0.0, -10.0, 180.0, 400.0, f64::NAN, f64::INFINITY] {
            let refusal = Camera::new(640, 480, hfov, Pose::default()).unwrap_err();
            assert_eq!(refusal.kind(), Kind::Config);
            assert!(refusal.to_string().contains(&format!("{hfov}°")), "{refusal}");
        }
        assert!(level(60.0).with_vfov(180.0).is_err());
        assert!(Camera::new(0, 480, 60.0, Pose::default()).is_err());
        let crooked = Pose { roll_deg: f64::NAN, ..Pose::default() };
        assert!(Camera::new(640, 480, 60.0, crooked).is_err());
    }

    #[test]
    fn a_single_hot_cell_spreads_half_a_cell_and_a_flat_map_a_good_part_of_the_view() {
        let camera = level(60.0);
        let mut map = vec![0.0_f32; 13 * 13];
        map[6 * 13 + 6] = 1.0;
        assert!(near(camera.spread_deg(&map, 13, 13, [0.5, 0.5]), 30.0 / 13.0));
        let flat = camera.spread_deg(&[0.3; 169], 13, 13, [0.5, 0.5]);
        assert!(flat > 15.0 && flat < 30.0, "{flat}");
    }

    #[test]
    fn a_broad_peak_spreads_more_than_a_narrow_one_and_background_ripple_does_not_count() {
        let camera = level(60.0);
        let bump = |sigma: f64| -> Vec<f32> {
            (0..169)
                .map(|i| {
                    let (x, y) = (f64::from(i % 13) - 6.0, f64::from(i / 13) - 6.0);
                    let ripple = 0.1 * (x * 2.3).sin() * (y * 1.7).cos();
                    ((-(x * x + y * y) / (2.0 * sigma * sigma)).exp() + ripple) as f32
                })
                .collect()
        };
        let (narrow, broad) = (
            camera.spread_deg(&bump(1.2), 13, 13, [0.5, 0.5]),
            camera.spread_deg(&bump(3.0), 13, 13, [0.5, 0.5]),
        );
        assert!(narrow < 6.0 && broad > 1.5 * narrow, "{narrow} {broad}");
    }

    proptest! {
        #[test]
        fn pixel_undoes_bearing(
            x in 0.0..=1.0, y in 0.0..=1.0, hfov in 1.0..170.0,
            yaw in -180.0..180.0, pitch in -90.0..90.0, roll in -180.0..180.0,
        ) {
            let pose = Pose { yaw_deg: yaw, pitch_deg: pitch, roll_deg: roll };
            let camera = Camera::new(640, 480, hfov, pose).unwrap();
            let bearing = camera.bearing([x, y]);
            let length: f64 = bearing.direction.iter().map(|c| c * c).sum();
            prop_assert!((length - 1.0).abs() < 1e-12);
            let back = camera.pixel(&bearing).unwrap();
            prop_assert!((back[0] - x).abs() < 1e-6 && (back[1] - y).abs() < 1e-6, "{:?}", back);
        }

        #[test]
        fn azimuth_and_elevation_say_the_same_as_the_direction(
            x in 0.0..=1.0, y in 0.0..=1.0, yaw in -180.0..180.0, pitch in -80.0..80.0,
        ) {
            let pose = Pose { yaw_deg: yaw, pitch_deg: pitch, roll_deg: 0.0 };
            let bearing = Camera::new(640, 480, 62.2, pose).unwrap().bearing([x, y]);
            let (az, el) = (bearing.azimuth_deg.to_radians(), bearing.elevation_deg.to_radians());
            let again = [el.cos() * az.cos(), el.cos() * az.sin(), el.sin()];
            for (a, b) in bearing.direction.iter().zip(again) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }
}
