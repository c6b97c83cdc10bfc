//! Pictures in a row, kept as a film by ffmpeg or as a folder of PNG files.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

use crate::capture::Picture;
use crate::error::{Error, Kind, Result};

/// The film formats that hold H.264 and AAC.
const CONTAINERS: [&str; 4] = ["mp4", "m4v", "mkv", "mov"];

/// How much of ffmpeg's complaints is kept, bytes.
const COMPLAINTS: u64 = 8 << 10;

/// A film being made. Dropped before [`Film::finish`], it leaves no half film behind.
pub struct Film {
    path: PathBuf,
    width: u32,
    height: u32,
    pushed: u64,
    way: Way,
}

enum Way {
    Folder,
    Ffmpeg(Encoder),
}

/// A running ffmpeg that takes raw pictures.
struct Encoder {
    child: Child,
    pictures: Option<ChildStdin>,
    complaints: Option<JoinHandle<String>>,
}

impl Film {
    /// Begins a film of `width × height` pixels and `rate` pictures a second: an mp4 (or mkv,
    /// mov) file, or a folder of PNG files if `path` has no ending or is a folder. A film
    /// that is there is replaced.
    ///
    /// # Errors
    /// [`Kind::Helper`]: ffmpeg is not installed. [`Kind::System`]: the folder cannot be made,
    /// or the ending is that of no film; or a size or rate of zero.
    pub fn create(path: &Path, width: u32, height: u32, rate: f64) -> Result<Film> {
        Film::begin(path, width, height, rate, None)
    }

    /// As [`Film::create`], with the sound of the file `sound` under it, from its beginning and
    /// cut at the film's end. A folder of pictures stays silent.
    ///
    /// # Errors
    /// As [`Film::create`]. A `sound` that cannot be read is told when the film is finished.
    pub fn with_sound(
        path: &Path,
        width: u32,
        height: u32,
        rate: f64,
        sound: &Path,
    ) -> Result<Film> {
        Film::begin(path, width, height, rate, Some(sound))
    }

    fn begin(
        path: &Path,
        width: u32,
        height: u32,
        rate: f64,
        sound: Option<&Path>,
    ) -> Result<Film> {
        if width == 0 || height == 0 || !(rate > 0.0 && rate.is_finite()) {
            let wrong = format!("no film of {width} × {height} pixels at {rate} a second");
            return Err(Error::new(Kind::System, path.display(), wrong));
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let way = match ending {
            _ if path.is_dir() => folder(path)?,
            None => folder(path)?,
            Some(ending) if CONTAINERS.contains(&ending.as_str()) => {
                Way::Ffmpeg(Encoder::start(path, width, height, rate, sound)?)
            }
            Some(ending) => {
                let wrong = format!("`.{ending}` is not the ending of a film");
                return Err(Error::new(Kind::System, path.display(), wrong)
                    .hint("write a name that ends in .mp4, or a folder for PNG files"));
            }
        };
        Ok(Film { path: path.to_owned(), width, height, pushed: 0, way })
    }

    /// Adds one picture, of the size the film was begun with.
    ///
    /// # Errors
    /// [`Kind::System`]: another size, or a PNG that cannot be written. [`Kind::Helper`]: ffmpeg
    /// has given up; the text has its last words.
    pub fn push(&mut self, picture: &Picture) -> Result<()> {
        if (picture.width, picture.height) != (self.width, self.height) {
            let wrong = format!(
                "a picture of {} × {} does not fit a film of {} × {}",
                picture.width, picture.height, self.width, self.height
            );
            return Err(Error::new(Kind::System, self.path.display(), wrong));
        }
        self.pushed += 1;
        match &mut self.way {
            Way::Folder => picture.write_png(&self.path.join(frame_name(self.pushed))),
            Way::Ffmpeg(encoder) => encoder.push(&picture.rgb, &self.path),
        }
    }

    /// Completes the film and says where it is.
    ///
    /// # Errors
    /// [`Kind::Helper`]: ffmpeg failed; the text has its last words. [`Kind::System`]: no
    /// picture was ever added, and a film of none cannot be played.
    pub fn finish(mut self) -> Result<PathBuf> {
        let path = std::mem::take(&mut self.path);
        if self.pushed == 0 {
            self.path = path;
            return Err(Error::new(Kind::System, self.path.display(), "not one picture came"));
        }
        match &mut self.way {
            Way::Folder => {}
            Way::Ffmpeg(encoder) => {
                if let Err(error) = encoder.finish(&path) {
                    self.path = path;
                    return Err(error);
                }
            }
        }
        Ok(path)
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        let Way::Ffmpeg(encoder) = &mut self.way else { return };
        if encoder.abandon() {
            // What an interrupted ffmpeg leaves cannot be played.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A folder for PNG files, without those of an earlier film.
fn folder(path: &Path) -> Result<Way> {
    let wrong = |error| {
        Error::new(Kind::System, path.display(), "the folder cannot be used").because(error)
    };
    std::fs::create_dir_all(path).map_err(wrong)?;
    for entry in std::fs::read_dir(path).map_err(wrong)?.flatten() {
        if entry.file_name().to_str().is_some_and(is_frame_name) {
            std::fs::remove_file(entry.path()).map_err(wrong)?;
        }
    }
    Ok(Way::Folder)
}

fn frame_name(number: u64) -> String {
    format!("frame-{number:06}.png")
}

fn is_frame_name(name: &str) -> bool {
    let digits = name.strip_prefix("frame-").and_then(|rest| rest.strip_suffix(".png"));
    digits.is_some_and(|digits| digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit()))
}

impl Encoder {
    fn start(
        path: &Path,
        width: u32,
        height: u32,
        rate: f64,
        sound: Option<&Path>,
    ) -> Result<Encoder> {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "error", "-y"]);
        command.args(["-f", "rawvideo", "-pix_fmt", "rgb24"]);
        command.args(["-video_size", &format!("{width}x{height}")]);
        command.args(["-framerate", &rate.to_string(), "-i", "pipe:0"]);
        if let Some(sound) = sound {
            command.arg("-i").arg(url(sound)).args(["-map", "0:v", "-map", "1:a:0?"]);
            // Silence without end after the sound, so that the film ends with its pictures
            // whether the sound is shorter or longer.
            command.args(["-af", "apad", "-c:a", "aac", "-b:a", "128k", "-shortest"]);
        }
        // 4:2:0 has one colour for each two by two pixels, so the sides must be even.
        command.args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"]);
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]);
        command.args(["-pix_fmt", "yuv420p", "-movflags", "+faststart"]).arg(url(path));
        // A group of its own: Ctrl-C at the terminal is ours to handle, and then the film is
        // finished in order.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot_start)?;
        let pictures = child.stdin.take();
        // Read all along: a full pipe would stop ffmpeg.
        let complaints = child.stderr.take().map(|stream| std::thread::spawn(|| drain(stream)));
        Ok(Encoder { child, pictures, complaints })
    }

    fn push(&mut self, rgb: &[u8], path: &Path) -> Result<()> {
        let written = match &mut self.pictures {
            Some(pipe) => pipe.write_all(rgb),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => self.gave_up(path),
            _ => Error::new(Kind::Helper, "ffmpeg", "takes no pictures").because(error),
        })
    }

    fn finish(&mut self, path: &Path) -> Result<()> {
        drop(self.pictures.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(self.gave_up(path)),
            Err(error) => Err(Error::new(Kind::Helper, "ffmpeg", "is lost").because(error)),
        }
    }

    /// Ends an ffmpeg that has not ended, and says whether it had not ended well.
    fn abandon(&mut self) -> bool {
        if self.child.try_wait().is_ok_and(|status| status.is_some_and(|status| status.success())) {
            return false;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        true
    }

    fn gave_up(&mut self, path: &Path) -> Error {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let said = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let lines: Vec<&str> =
            said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let wrong = match lines.as_slice() {
            [] => "ffmpeg gave up without a word".to_owned(),
            lines => format!("ffmpeg gave up: {}", lines.join("; ")),
        };
        Error::new(Kind::Helper, path.display(), wrong)
    }
}

/// A path as ffmpeg takes it: with `file:` in front, so that no name is read as an option or as
/// the address of another protocol.
fn url(path: &Path) -> std::ffi::OsString {
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    url
}

fn cannot_start(error: io::Error) -> Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let error = Error::new(Kind::Helper, "ffmpeg", "cannot be started").because(error);
    if missing {
        error.hint(
            "install it (Debian: apt install ffmpeg), or write the film as a folder of PNG files",
        )
    } else {
        error
    }
}

/// Everything the stream says, of which the first part is kept.
fn drain(mut stream: impl Read) -> String {
    let mut kept = Vec::new();
    // When reading fails there is nothing more to keep.
    let _ = stream.by_ref().take(COMPLAINTS).read_to_end(&mut kept);
    let _ = io::copy(&mut stream, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn picture(width: u32, height: u32, value: u8) -> Picture {
        Picture { width, height, rgb: vec![value; (width * height * 3) as usize] }
    }

    /// What ffprobe says of a file: `codec,width,height` or `codec` lines, then the length.
    fn probe(path: &Path) -> String {
        let output = Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-show_entries",
                "stream=codec_name,width,height:format=duration",
            ])
            .args(["-of", "csv=p=0"])
            .arg(path)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Half a second of silence.
    fn silence(path: &Path) {
        let format = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, format).unwrap();
        (0..8_000).for_each(|_| wav.write_sample(0_i16).unwrap());
        wav.finalize().unwrap();
    }

    #[test]
    fn a_film_of_odd_size_is_playable_and_even() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd.mp4");
        let mut film = Film::create(&path, 63, 47, 10.0).unwrap();
        (0..20).for_each(|value| film.push(&picture(63, 47, value * 10)).unwrap());
        assert_eq!(film.finish().unwrap(), path);
        assert_eq!(probe(&path), "h264,64,48\n2.000000\n");
    }

    #[test]
    fn a_film_is_as_long_as_its_pictures_whatever_the_sound_is() {
        let dir = tempfile::tempdir().unwrap();
        let (path, sound) = (dir.path().join("-loud film.mp4"), dir.path().join("s.wav"));
        silence(&sound);
        for pictures in [2, 30] {
            let mut film = Film::with_sound(&path, 64, 48, 10.0, &sound).unwrap();
            (0..pictures).for_each(|value| film.push(&picture(64, 48, value)).unwrap());
            film.finish().unwrap();
            let said = probe(&path);
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(lines[..2], ["h264,64,48", "aac"], "{said}");
            let seconds: f64 = lines[2].parse().unwrap();
            assert!((seconds - f64::from(pictures) / 10.0).abs() < 0.15, "{said}");
        }
    }

    #[test]
    fn a_folder_gets_one_png_each_and_loses_those_of_an_earlier_film_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film");
        std::fs::create_dir(&path).unwrap();
        for name in ["frame-000009.png", "holiday.png", "frame-1.png"] {
            std::fs::write(path.join(name), "x").unwrap();
        }
        let mut film = Film::create(&path, 8, 6, 10.0).unwrap();
        film.push(&picture(8, 6, 10)).unwrap();
        film.push(&picture(8, 6, 200)).unwrap();
        film.finish().unwrap();
        let mut names: Vec<String> = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["frame-000001.png", "frame-000002.png", "frame-1.png", "holiday.png"]);
        assert_eq!(Picture::read(&path.join("frame-000002.png")).unwrap(), picture(8, 6, 200));
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut film = Film::create(&dir.path().join("f"), 8, 6, 10.0).unwrap();
        let error = film.push(&picture(6, 8, 0)).unwrap_err().to_string();
        assert!(error.ends_with("a picture of 6 × 8 does not fit a film of 8 × 6"), "{error}");
    }

    #[test]
    fn a_film_that_is_not_finished_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("half.mp4");
        let mut film = Film::create(&path, 64, 48, 10.0).unwrap();
        film.push(&picture(64, 48, 0)).unwrap();
        drop(film);
        assert!(!path.exists());
    }

    #[test]
    fn a_film_without_pictures_and_one_of_a_foreign_format_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let film = Film::create(&dir.path().join("none.mp4"), 64, 48, 10.0).unwrap();
        assert!(film.finish().unwrap_err().to_string().ends_with("not one picture came"));
        let error = Film::create(&dir.path().join("a.gif"), 64, 48, 10.0).err().unwrap();
        assert!(error.to_string().contains("`.gif` is not the ending of a film"), "{error}");
        assert!(Film::create(&dir.path().join("a.mp4"), 0, 48, 10.0).is_err());
        assert!(Film::create(&dir.path().join("a.mp4"), 64, 48, f64::NAN).is_err());
    }

    #[test]
    fn when_ffmpeg_gives_up_its_words_are_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nowhere/a.mp4");
        let mut film = Film::create(&path, 64, 48, 10.0).unwrap();
        let frame = picture(64, 48, 0);
        let error = (0..10_000).find_map(|_| film.push(&frame).err());
        let error = error.unwrap_or_else(|| film.finish().unwrap_err());
        assert_eq!(error.kind(), Kind::Helper);
        assert!(error.to_string().contains("No such file or directory"), "{error}");
    }

    #[test]
    fn a_missing_ffmpeg_is_told_with_its_remedy() {
        let error = cannot_start(io::ErrorKind::NotFound.into());
        assert_eq!(error.kind(), Kind::Helper);
        assert!(error.to_string().contains("apt install ffmpeg"), "{error}");
    }
}
