use std::fs;
use std::process::Command;
use std::sync::Mutex;

use super::*;
use crate::capture::{Block, Pull, RawFrame};
use crate::clock::SimulatedClock;

/// A folder of its own for a test.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn free() -> ClipOptions {
    ClipOptions { pace: Pace::Free, repeat: false, start: Mono(0) }
}

fn grey(width: u32, height: u32, value: u8) -> Picture {
    Picture { width, height, rgb: vec![value; (width * height * 3) as usize] }
}

/// A WAV of `frames` samples a channel that count upwards, so that each place is known.
fn write_wav(path: &Path, rate: u32, channels: u16, frames: usize) -> Vec<f32> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let values: Vec<i16> =
        (0..frames * usize::from(channels)).map(|n| (n % 30_000) as i16 + 1).collect();
    values.iter().for_each(|&value| writer.write_sample(value).unwrap());
    writer.finalize().unwrap();
    values.iter().map(|&value| f32::from(value) / 32768.0).collect()
}

/// A folder clip with pictures of value 10, 20, … and the WAV's samples.
fn folder_clip(pictures: u8, rate: u32, frames: usize) -> (tempfile::TempDir, Vec<f32>) {
    let folder = scratch();
    for n in 0..pictures {
        grey(4, 2, (n + 1) * 10).write_png(&folder.path().join(format!("{n:02}.png"))).unwrap();
    }
    let samples = write_wav(&folder.path().join("sound.wav"), rate, 1, frames);
    (folder, samples)
}

fn all_frames(source: &mut dyn VideoSource) -> Vec<(Mono, u8)> {
    let (mut frame, mut got) = (RawFrame::default(), Vec::new());
    while source.pull(&mut frame).unwrap() == Pull::Filled {
        got.push((frame.stamp, frame.bytes[0]));
    }
    got
}

/// All samples, after checking that each block begins where the one before has ended.
fn all_samples(source: &mut dyn AudioSource, start: Mono) -> Vec<f32> {
    let (mut block, mut got) = (Block::empty(), Vec::new());
    let format = source.format();
    while source.pull(&mut block).unwrap() == Pull::Filled {
        let before = (got.len() / usize::from(format.channels)) as u64;
        assert_eq!(block.stamp, start + time_of(before, format.rate));
        got.extend_from_slice(block.samples());
    }
    got
}

fn refused(path: &Path) -> Error {
    Clip::open(path, &free()).map(|_| ()).unwrap_err()
}

mod of_a_folder {
    use super::*;

    #[test]
    fn pictures_are_spread_evenly_over_the_sound() {
        let (folder, samples) = folder_clip(5, 1000, 1000);
        let options = ClipOptions { start: Mono(5_000_000_000), ..free() };
        let clip = Clip::open(folder.path(), &options).unwrap();
        assert_eq!(clip.duration(), Some(Duration::from_secs(1)));
        let (mut video, mut audio) = clip.split();
        assert_eq!(video.format(), VideoFormat { width: 4, height: 2, rate: 5.0 });
        assert_eq!(audio.format(), AudioFormat { rate: 1000, channels: 1 });
        let expected: Vec<_> =
            (0..5).map(|n| (Mono(5_000_000_000 + n * 200_000_000), (n as u8 + 1) * 10)).collect();
        assert_eq!(all_frames(&mut *video), expected);
        assert_eq!(all_samples(&mut *audio, options.start), samples);
    }

    #[test]
    fn a_single_picture_is_given_five_times_a_second() {
        let (folder, _) = folder_clip(1, 1000, 2000);
        let (mut video, _) = Clip::open(folder.path(), &free()).unwrap().split();
        let frames = all_frames(&mut *video);
        assert_eq!(frames.len(), 10);
        assert_eq!(frames[9], (Mono(1_800_000_000), 10));
    }

    #[test]
    fn clip_toml_sets_the_rate_and_nothing_else() {
        let (folder, _) = folder_clip(3, 1000, 1000);
        let settings = folder.path().join("clip.toml");
        fs::write(&settings, "rate = 10.0\n").unwrap();
        let (mut video, _) = Clip::open(folder.path(), &free()).unwrap().split();
        assert_eq!(all_frames(&mut *video)[2], (Mono(200_000_000), 30));

        for (text, said) in
            [("speed = 3\n", "speed"), ("rate = 0.0\n", "rate"), ("rate = nan\n", "rate")]
        {
            fs::write(&settings, text).unwrap();
            let error = refused(folder.path());
            assert_eq!(error.kind(), Kind::Config);
            assert!(error.to_string().contains("clip.toml") && error.to_string().contains(said));
        }
    }

    #[test]
    fn it_needs_pictures_of_one_size_and_exactly_one_sound() {
        let folder = scratch();
        assert!(refused(folder.path()).to_string().contains("no picture"));
        grey(4, 2, 1).write_png(&folder.path().join("a.png")).unwrap();
        assert!(refused(folder.path()).to_string().contains("no sound"));
        write_wav(&folder.path().join("a.wav"), 1000, 1, 400);
        write_wav(&folder.path().join("b.WAV"), 1000, 1, 400);
        assert!(refused(folder.path()).to_string().contains("several sounds: a.wav, b.WAV"));
        fs::remove_file(folder.path().join("b.WAV")).unwrap();
        grey(5, 2, 1).write_png(&folder.path().join("b.png")).unwrap();
        let (mut video, _) = Clip::open(folder.path(), &free()).unwrap().split();
        let mut frame = RawFrame::default();
        let error = (0..9).find_map(|_| video.pull(&mut frame).err()).unwrap();
        assert!(error.to_string().contains("b.png: is 5×2, but the clip's first picture is 4×2"));
    }

    #[test]
    fn repeated_it_goes_on_without_a_seam() {
        let (folder, samples) = folder_clip(5, 1000, 1000);
        let options = ClipOptions { repeat: true, start: Mono(7), ..free() };
        let (mut video, mut audio) = Clip::open(folder.path(), &options).unwrap().split();
        let mut frame = RawFrame::default();
        for n in 0..23_u64 {
            assert_eq!(video.pull(&mut frame).unwrap(), Pull::Filled);
            assert_eq!(frame.stamp, Mono(7 + n * 200_000_000));
            assert_eq!(u64::from(frame.bytes[0]), (n % 5 + 1) * 10);
        }
        let (mut block, mut got) = (Block::empty(), Vec::new());
        while got.len() < 3500 {
            assert_eq!(audio.pull(&mut block).unwrap(), Pull::Filled);
            assert_eq!(block.stamp, Mono(7) + time_of(got.len() as u64, 1000));
            got.extend_from_slice(block.samples());
        }
        assert!(got.iter().enumerate().all(|(n, &value)| value == samples[n % 1000]));
    }

    #[test]
    fn a_sound_shorter_than_the_pictures_is_followed_by_silence_before_the_next_turn() {
        let (folder, samples) = folder_clip(10, 1000, 300);
        fs::write(folder.path().join("clip.toml"), "rate = 10.0").unwrap();
        let options = ClipOptions { repeat: true, ..free() };
        let clip = Clip::open(folder.path(), &options).unwrap();
        assert_eq!(clip.duration(), Some(Duration::from_secs(1)));
        let (_, mut audio) = clip.split();
        let (mut block, mut got) = (Block::empty(), Vec::new());
        while got.len() < 1300 {
            audio.pull(&mut block).unwrap();
            got.extend_from_slice(block.samples());
        }
        assert_eq!(got[..300], samples);
        assert!(got[300..1000].iter().all(|&value| value == 0.0));
        assert_eq!(got[1000..1300], samples);
    }
}

mod in_real_time {
    use super::*;

    /// A simulated clock that remembers what it was asked to wait for.
    #[derive(Default)]
    struct Witness(SimulatedClock, Mutex<Vec<Mono>>);

    impl Clock for Witness {
        fn now(&self) -> Mono {
            self.0.now()
        }
        fn wall(&self, at: Mono) -> std::time::SystemTime {
            self.0.wall(at)
        }
        fn sleep_until(&self, at: Mono) {
            self.1.lock().unwrap().push(at);
            self.0.sleep_until(at);
        }
    }

    #[test]
    fn a_frame_waits_for_its_stamp_and_a_block_for_its_last_sample() {
        let (folder, _) = folder_clip(5, 16_000, 16_000);
        let witness = Arc::new(Witness::default());
        let pace = Pace::RealTime(Arc::clone(&witness) as Arc<dyn Clock>);
        let options = ClipOptions { pace, repeat: false, start: Mono(1_000) };
        let (mut video, mut audio) = Clip::open(folder.path(), &options).unwrap().split();

        let mut block = Block::empty();
        audio.pull(&mut block).unwrap();
        assert_eq!((block.stamp, witness.now()), (Mono(1_000), Mono(1_000 + 64_000_000)));
        witness.1.lock().unwrap().clear();
        let stamps: Vec<Mono> = all_frames(&mut *video).iter().map(|f| f.0).collect();
        assert_eq!(stamps.len(), 5);
        assert_eq!(*witness.1.lock().unwrap(), stamps);
    }

    #[test]
    fn the_beginning_can_be_set_after_opening() {
        let (folder, _) = folder_clip(5, 1000, 1000);
        let clip = Clip::open(folder.path(), &free()).unwrap().starting(Mono(42));
        let (mut video, _) = clip.split();
        let mut frame = RawFrame::default();
        video.pull(&mut frame).unwrap();
        assert_eq!(frame.stamp, Mono(42));
    }
}

mod of_a_file {
    use super::*;
    use crate::capture::clip::ffmpeg::{Programs, open};

    /// Runs `ffmpeg` to make a clip: 2 s of pictures at 10 a second, each brighter than the one
    /// before, with `sound` as its sound. These tests need it, as the README says.
    fn make(path: &Path, sound: Option<&Path>, more: &[&str]) {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"]);
        command.arg("color=black:s=32x16:r=10:d=2,format=rgb24,geq=r='10*N':g='10*N':b='10*N'");
        if let Some(sound) = sound {
            command.arg("-i").arg(sound).args(["-c:a", "copy"]);
        }
        command.args(["-c:v", "png"]).args(more).arg(path);
        assert!(command.status().unwrap().success(), "ffmpeg could not make {}", path.display());
    }

    fn stereo_clip(folder: &Path) -> (std::path::PathBuf, Vec<f32>) {
        let (sound, clip) = (folder.join("sound.wav"), folder.join("clip.mkv"));
        let samples = write_wav(&sound, 22_050, 2, 44_100);
        make(&clip, Some(&sound), &[]);
        (clip, samples)
    }

    #[test]
    fn pictures_and_samples_come_as_they_were_recorded() {
        let folder = scratch();
        let (path, samples) = stereo_clip(folder.path());
        let clip = Clip::open(&path, &free()).unwrap();
        assert_eq!(clip.duration(), Some(Duration::from_secs(2)));
        let (mut video, mut audio) = clip.split();
        assert_eq!(video.format(), VideoFormat { width: 32, height: 16, rate: 10.0 });
        assert_eq!(audio.format(), AudioFormat { rate: 22_050, channels: 2 });
        // The sound is taken whole before the first picture: neither waits for the other.
        assert_eq!(all_samples(&mut *audio, Mono(0)), samples);
        let expected: Vec<_> = (0..20).map(|n| (Mono(n * 100_000_000), n as u8 * 10)).collect();
        assert_eq!(all_frames(&mut *video), expected);
    }

    #[test]
    fn repeated_it_goes_on_without_a_seam() {
        let folder = scratch();
        let (path, samples) = stereo_clip(folder.path());
        let options = ClipOptions { repeat: true, ..free() };
        let (mut video, mut audio) = Clip::open(&path, &options).unwrap().split();
        let mut frame = RawFrame::default();
        for n in 0..45_u64 {
            assert_eq!(video.pull(&mut frame).unwrap(), Pull::Filled);
            assert_eq!(
                (frame.stamp, u64::from(frame.bytes[0])),
                (Mono(n * 100_000_000), n % 20 * 10)
            );
        }
        let (mut block, mut got) = (Block::empty(), Vec::new());
        while got.len() < 200_000 {
            audio.pull(&mut block).unwrap();
            assert_eq!(block.stamp, Mono(0) + time_of(got.len() as u64 / 2, 22_050));
            got.extend_from_slice(block.samples());
        }
        assert!(got.iter().enumerate().all(|(n, &value)| value == samples[n % samples.len()]));
    }

    #[test]
    fn a_sound_that_begins_late_is_preceded_by_silence() {
        let folder = scratch();
        let (sound, path) = (folder.path().join("sound.wav"), folder.path().join("clip.mkv"));
        let samples = write_wav(&sound, 16_000, 1, 8_000);
        let late = sound.to_str().unwrap();
        make(
            &path,
            None,
            &["-itsoffset", "0.5", "-i", late, "-map", "0:v", "-map", "1:a", "-c:a", "copy"],
        );
        let (_, mut audio) = Clip::open(&path, &free()).unwrap().split();
        let got = all_samples(&mut *audio, Mono(0));
        assert_eq!(got.len(), 16_000);
        assert!(got[..8_000].iter().all(|&value| value == 0.0));
        assert_eq!(got[8_000..], samples);
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_do() {
        let folder = scratch();
        let (path, _) = stereo_clip(folder.path());
        let gone = |name: &str| std::ffi::OsString::from(format!("/nonexistent/{name}"));
        let no_probe = Programs { ffprobe: gone("ffprobe"), ..Programs::default() };
        let no_decoder = Programs { ffmpeg: gone("ffmpeg"), ..Programs::default() };
        for (programs, name) in [(no_probe, "ffprobe"), (no_decoder, "ffmpeg")] {
            let error = open(&path, &programs).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), Kind::Helper);
            let text = error.to_string();
            assert!(text.starts_with(&format!("/nonexistent/{name}: is not installed")), "{text}");
            assert!(text.contains("install ffmpeg"), "{text}");
        }
    }

    #[test]
    fn what_is_no_clip_is_refused_by_name_with_ffmpeg_s_own_words() {
        let folder = scratch();
        let path = folder.path().join("-clip: odd.mp4");
        fs::write(&path, [7; 5000]).unwrap();
        let error = refused(&path);
        assert_eq!(error.kind(), Kind::Media);
        let text = error.to_string();
        assert!(text.contains("-clip: odd.mp4: is no clip that ffmpeg can read"), "{text}");
        assert!(text.ends_with("Invalid data found when processing input"), "{text}");

        fs::write(&path, []).unwrap();
        assert!(refused(&path).to_string().contains("the file is empty"));
        assert_eq!(refused(Path::new("/nonexistent.mp4")).kind(), Kind::Media);
        assert!(
            refused(Path::new("/dev/null")).to_string().contains("neither a file nor a folder")
        );
    }

    #[test]
    fn a_file_without_sound_or_without_pictures_is_refused() {
        let folder = scratch();
        let mute = folder.path().join("mute.mkv");
        make(&mute, None, &[]);
        assert!(refused(&mute).to_string().contains("has no sound in it"));
        let blind = folder.path().join("blind.wav");
        write_wav(&blind, 16_000, 1, 16_000);
        assert!(refused(&blind).to_string().contains("has no moving pictures in it"));
    }

    #[test]
    fn a_file_that_breaks_off_says_so_when_its_end_is_reached() {
        let folder = scratch();
        let (path, _) = stereo_clip(folder.path());
        let mp4 = folder.path().join("clip.mp4");
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&path)
            .args(["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"])
            .arg(&mp4)
            .status()
            .unwrap();
        assert!(status.success());
        let whole = fs::read(&mp4).unwrap();
        fs::write(&mp4, &whole[..whole.len() / 2]).unwrap();
        let (_, mut audio) = Clip::open(&mp4, &free()).unwrap().split();
        let mut block = Block::empty();
        let error = loop {
            match audio.pull(&mut block) {
                Ok(Pull::Filled | Pull::Idle) => {}
                Ok(Pull::Ended) => panic!("the loss went unnoticed"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), Kind::Media);
        assert!(error.to_string().contains("breaks off"), "{error}");
    }

    #[test]
    fn its_children_end_with_it() {
        let folder = scratch();
        let (path, _) = stereo_clip(folder.path());
        let running = || {
            let name = path.to_str().unwrap();
            fs::read_dir("/proc")
                .unwrap()
                .filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok())
                .filter(|line| String::from_utf8_lossy(line).contains(name))
                .count()
        };
        let options = ClipOptions { repeat: true, ..free() };
        let (mut video, audio) = Clip::open(&path, &options).unwrap().split();
        let mut frame = RawFrame::default();
        for _ in 0..15 {
            video.pull(&mut frame).unwrap();
        }
        assert!(running() > 0);
        drop((video, audio));
        assert_eq!(running(), 0);
    }
}
