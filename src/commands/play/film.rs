//! Draws what was found over the pictures and keeps it as a film.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use tyto::align::Source;
use tyto::capture::{Frame, Picture, VideoFormat};
use tyto::clock::Mono;
use tyto::error::{Error, Kind, Result};
use tyto::geometry::Camera;
use tyto::overlay::{Film, Mark, Scene, draw};
use tyto::pipeline::{Look, Observer};

use super::super::view::mark;

/// Pictures that may wait to be drawn.
const WAITING: usize = 4;

/// One picture to be drawn.
struct Shot {
    picture: Picture,
    tracks: Arc<Vec<Source>>,
    at: Mono,
    /// Its place in the film; places in between show the picture before.
    place: u64,
}

/// The film's end of the pipeline; drawing and encoding have a thread of their own.
pub struct Filming {
    shots: Option<Sender<Shot>>,
    thread: Option<JoinHandle<Result<PathBuf>>>,
    tracks: Arc<Vec<Source>>,
    taken: u64,
    /// Live: seconds between two pictures of the film.
    live_step: Option<f64>,
    start: Mono,
}

impl Filming {
    /// Begins a film of the clip `sound`, which gives it its sound if it is a file.
    ///
    /// With `live_step` the film has one picture a look and none that would hold the pipeline
    /// up; without, one for each picture of the clip.
    ///
    /// # Errors
    /// As [`Film::create`].
    pub fn begin(
        path: &Path,
        format: &VideoFormat,
        camera: Camera,
        sound: &Path,
        live_step: Option<f64>,
        start: Mono,
    ) -> Result<Filming> {
        let rate = live_step.map_or(format.rate, |step| 1.0 / step);
        let mut film = if sound.is_file() {
            Film::with_sound(path, format.width, format.height, rate, sound)?
        } else {
            Film::create(path, format.width, format.height, rate)?
        };
        let (shots, waiting) = bounded::<Shot>(WAITING);
        let work = move || {
            let mut drawn: Option<Picture> = None;
            let mut pushed = 0;
            for shot in waiting {
                while let Some(before) = drawn.as_ref().filter(|_| pushed < shot.place) {
                    film.push(before)?;
                    pushed += 1;
                }
                let picture = draw_shot(&shot, &camera, start);
                film.push(&picture)?;
                pushed += 1;
                drawn = Some(picture);
            }
            film.finish()
        };
        let thread = std::thread::Builder::new().name("tyto-film".into()).spawn(work);
        let thread = thread.map_err(|error| {
            Error::new(Kind::System, path.display(), "the film's thread cannot be started")
                .because(error)
        })?;
        Ok(Filming {
            shots: Some(shots),
            thread: Some(thread),
            tracks: Arc::default(),
            taken: 0,
            live_step,
            start,
        })
    }

    /// Ends the film and says where it is.
    ///
    /// # Errors
    /// Drawing or encoding failed.
    pub fn finish(&mut self) -> Result<PathBuf> {
        self.shots = None;
        let crash = || Error::new(Kind::System, "overlay", "the film's thread crashed");
        let thread = self.thread.take().ok_or_else(crash)?;
        thread.join().unwrap_or_else(|_| Err(crash()))
    }

    fn shot(&self, frame: &Frame, place: u64) -> Shot {
        let (picture, tracks) = (frame.picture.clone(), Arc::clone(&self.tracks));
        Shot { picture, tracks, at: frame.stamp, place }
    }
}

/// For the observers of one run, while the caller keeps the film for its end.
impl Observer for &mut Filming {
    fn watches(&self) -> bool {
        true
    }

    fn frame(&mut self, frame: &Frame) -> Result<()> {
        if self.live_step.is_none() {
            let shot = self.shot(frame, self.taken);
            self.taken += 1;
            // A thread that has gone has an error to tell, which `finish` does.
            let _ = self.shots.as_ref().map(|shots| shots.send(shot));
        }
        Ok(())
    }

    fn look(&mut self, look: &Look<'_>) -> Result<()> {
        self.tracks = Arc::new(look.tracker.tracks().map(|(_, source)| source.clone()).collect());
        if let (Some(step), Some(frame)) = (self.live_step, look.frame) {
            let place = (look.span.end.since(self.start).as_secs_f64() / step) as u64;
            let shot = self.shot(frame, place);
            let _ = self.shots.as_ref().map(|shots| shots.try_send(shot));
        }
        Ok(())
    }
}

fn draw_shot(shot: &Shot, camera: &Camera, start: Mono) -> Picture {
    let marks: Vec<Mark<'_>> = shot.tracks.iter().map(|source| mark(source, camera)).collect();
    let caption = format!("{:.2} s", shot.at.since(start).as_secs_f64());
    draw(&Scene { picture: &shot.picture, sources: &marks, caption: &caption })
}
