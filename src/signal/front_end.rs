//! What a sound encoder sees: the front end that its model pack asks for.

use super::log_mel::LogMel;
use super::spectrogram::{self, Spectrogram};

/// Turns samples at 16 kHz into the patches of one sound encoder.
///
/// A patch is made of frames, and neighbouring patches share most of theirs: a front end keeps
/// the frames of the patch before and computes only what is new.
pub trait SoundFrontEnd: Send {
    /// What it is called, for people.
    fn name(&self) -> &'static str;

    /// Samples that a patch covers.
    fn samples(&self) -> usize;

    /// Samples from one frame to the next. Patches that begin on one grid of this step share
    /// frames.
    fn hop(&self) -> usize;

    /// Rows and columns of a patch, as the encoder's input has them.
    fn shape(&self) -> [usize; 2];

    /// Lengthens a sound shorter than a patch to one, as the encoder was taught to hear it.
    /// A sound that fills a patch stays as it is, and so does one without samples.
    fn lengthen(&self, samples: &mut Vec<f32>);

    /// Writes the patch of exactly [`samples`](Self::samples) samples, full scale ±1, into `out`,
    /// row by row. `place` is that of the first one, counted in samples from the sound's
    /// beginning. Allocates nothing once `out` has the size of a patch.
    fn patch(&mut self, place: u64, samples: &[f32], out: &mut Vec<f32>);

    /// Writes what the last patch would be if its newer half had been all there was: that half of
    /// its frames, over and over.
    fn latest(&self, out: &mut Vec<f32>);

    /// Forgets the frames it keeps: places count anew, in another sound.
    fn restart(&mut self);
}

/// Which front end, with its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FrontEnd {
    /// YAMNet's log-mel spectrogram: [`log_mel`](super::log_mel).
    #[default]
    LogMel,
    /// A log power spectrogram: [`spectrogram`].
    Spectrogram(spectrogram::Settings),
}

impl FrontEnd {
    /// The front end, ready to run. Settings that [`spectrogram::Settings::check`] refuses give
    /// patches of no use.
    pub fn open(&self) -> Box<dyn SoundFrontEnd> {
        match self {
            FrontEnd::LogMel => Box::new(LogMel::new()),
            FrontEnd::Spectrogram(settings) => Box::new(Spectrogram::new(settings)),
        }
    }
}

/// One patch of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// RMS level of the samples it covers, decibels below full scale.
    pub level_dbfs: f32,
    /// Rows × columns of the front end.
    pub values: Vec<f32>,
}

/// The patches of a whole recording at 16 kHz: half a patch apart, as many as lie in it wholly.
///
/// A recording shorter than a patch is lengthened; the end of a longer one that fills no patch
/// is left out. Only a recording without samples has no patch.
pub fn patches(front_end: &mut dyn SoundFrontEnd, mut samples: Vec<f32>) -> Vec<Patch> {
    front_end.restart();
    front_end.lengthen(&mut samples);
    let hop = front_end.hop().max(1);
    let frames = front_end.samples() / hop;
    let step = (frames / 2).max(1) * hop;
    let covered = samples.windows(front_end.samples().max(1)).step_by(step);
    covered
        .enumerate()
        .map(|(n, samples)| {
            let mut values = Vec::new();
            front_end.patch((n * step) as u64, samples, &mut values);
            Patch { level_dbfs: super::level_dbfs(samples), values }
        })
        .collect()
}

/// The frames of the last patch, the oldest first.
pub(super) struct Frames {
    /// Samples that a frame covers, and from one to the next.
    length: usize,
    hop: usize,
    /// Values of a frame.
    width: usize,
    values: Vec<f32>,
    /// Place of the first frame, once there is one.
    place: Option<u64>,
}

impl Frames {
    /// No frames yet; a patch will have `count`.
    pub fn new(length: usize, hop: usize, width: usize, count: usize) -> Frames {
        Frames { length, hop: hop.max(1), width, values: vec![0.0; width * count], place: None }
    }

    /// The frames of the patch at `place`; `compute` is asked for those that the patch before
    /// did not have.
    pub fn advance(
        &mut self,
        place: u64,
        samples: &[f32],
        mut compute: impl FnMut(&[f32], &mut [f32]),
    ) -> &[f32] {
        let count = self.values.len() / self.width.max(1);
        let on = self.place.and_then(|old| place.checked_sub(old));
        let gone = match on.map(|on| (on % self.hop as u64, on / self.hop as u64)) {
            Some((0, frames)) => usize::try_from(frames).unwrap_or(count).min(count),
            _ => count,
        };
        self.values.copy_within(gone * self.width.., 0);
        let new = self.values.chunks_exact_mut(self.width.max(1)).skip(count - gone);
        let heard = samples.windows(self.length.max(1)).step_by(self.hop).skip(count - gone);
        for (frame, samples) in new.zip(heard) {
            compute(samples, frame);
        }
        self.place = Some(place);
        &self.values
    }

    /// The newer half of the frames, as often as fills a patch, one frame after the other.
    pub fn latest(&self) -> impl Iterator<Item = &[f32]> {
        let count = self.values.len() / self.width.max(1);
        let half = count.div_ceil(2);
        let frame = move |n: usize| {
            let at = (count - half + n % half) * self.width;
            // `at` is that of one of the frames.
            &self.values[at..at + self.width]
        };
        (0..count).map(frame)
    }

    pub fn restart(&mut self) {
        self.place = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> [Box<dyn SoundFrontEnd>; 2] {
        [FrontEnd::LogMel.open(), FrontEnd::Spectrogram(spectrogram::Settings::default()).open()]
    }

    fn noise(count: u32) -> Vec<f32> {
        (0..count).map(|n| n.wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5).collect()
    }

    #[test]
    fn a_recording_has_a_patch_for_every_half_that_fills_one_and_one_if_it_is_short() {
        for mut front_end in both() {
            let (whole, hop) = (front_end.samples(), front_end.hop());
            let half = whole / hop / 2 * hop;
            let mut count = |samples: usize| patches(&mut *front_end, vec![0.1; samples]).len();
            assert_eq!(count(0), 0);
            assert_eq!(count(1), 1);
            assert_eq!(count(whole - 1), 1);
            assert_eq!(count(whole + half - 1), 1);
            assert_eq!(count(whole + half), 2);
            assert_eq!(count(whole + 3 * half), 4);
        }
    }

    #[test]
    fn every_patch_has_the_shape_that_was_promised() {
        for mut front_end in both() {
            let [rows, columns] = front_end.shape();
            let patches = patches(&mut *front_end, noise(80_000));
            assert!(patches.len() > 1);
            assert!(patches.iter().all(|patch| patch.values.len() == rows * columns));
        }
    }

    #[test]
    fn frames_kept_from_the_patch_before_are_those_that_would_be_computed() {
        let sound = noise(120_000);
        for mut front_end in both() {
            let (whole, hop) = (front_end.samples(), front_end.hop());
            let (mut kept, mut fresh) = (Vec::new(), Vec::new());
            for place in [0, 24 * hop, 25 * hop, 25 * hop + 7, 400 * hop, 3 * hop] {
                let samples = &sound[place..place + whole];
                front_end.patch(place as u64, samples, &mut kept);
                let mut other = both().into_iter().find(|f| f.name() == front_end.name()).unwrap();
                other.patch(0, samples, &mut fresh);
                assert_eq!(kept, fresh, "{} at {place}", front_end.name());
            }
        }
    }

    #[test]
    fn the_latest_is_the_newer_half_over_and_over() {
        for mut front_end in both() {
            let [rows, columns] = front_end.shape();
            // Where the frames of a patch lie, and their number.
            let by_row = front_end.name() == "log-mel";
            let count = if by_row { rows } else { columns };
            let (mut patch, mut latest) = (Vec::new(), Vec::new());
            let samples = noise(front_end.samples() as u32);
            front_end.patch(0, &samples, &mut patch);
            front_end.latest(&mut latest);
            let frame = |patch: &[f32], n: usize| -> Vec<f32> {
                if by_row {
                    patch[n * columns..(n + 1) * columns].to_vec()
                } else {
                    patch.iter().skip(n).step_by(columns).copied().collect()
                }
            };
            let half = count.div_ceil(2);
            assert_eq!(latest.len(), patch.len());
            for n in 0..count {
                assert_eq!(frame(&latest, n), frame(&patch, count - half + n % half));
            }
        }
    }

    #[test]
    fn another_recording_owes_nothing_to_the_one_before() {
        for mut front_end in both() {
            let alone = patches(&mut *front_end, noise(60_000));
            patches(&mut *front_end, vec![0.3; 60_000]);
            assert_eq!(patches(&mut *front_end, noise(60_000)), alone);
        }
    }
}
