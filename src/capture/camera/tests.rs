//! What only real V4L2 devices can show: `make rig-cameras` runs these tests on the emulated
//! device, as root, one at a time, with the kernel's vivid as the cameras.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use super::*;
use crate::capture::{Developer, Picture};

fn wanted(device: &str) -> Wanted {
    Wanted {
        device: Some(device.to_owned()),
        width: 640,
        height: 480,
        rate: 15.0,
        format: None,
        controls: Controls::default(),
        delay: Duration::ZERO,
    }
}

/// The cameras that vivid plays, with what they offer.
fn vivid() -> Vec<Found> {
    let all = list(640, 480);
    let found: Vec<Found> = all.into_iter().filter(|camera| camera.driver == "vivid").collect();
    assert!(!found.is_empty(), "vivid is not loaded");
    found
}

fn path_of(camera: &Found) -> String {
    camera.path.display().to_string()
}

fn set(path: &str, control: &str) {
    let status = Command::new("v4l2-ctl").args(["-d", path, "-c", control]).status().unwrap();
    assert!(status.success(), "{control}");
}

fn write(path: &str, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// Pulls until a picture comes; what else comes in `patience` is left out.
fn next(camera: &mut dyn VideoSource, raw: &mut RawFrame, patience: Duration) -> Result<bool> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if camera.pull(raw)? == Pull::Filled {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident and mapped memory in pages (proc(5), `statm`).
fn memory() -> [usize; 2] {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut pages = text.split(' ').map(|number| number.parse().unwrap());
    let mapped = pages.next().unwrap();
    [pages.next().unwrap(), mapped]
}

const LONG: Duration = Duration::from_secs(5);

/// The bars of vivid's first test pattern, from left to right, each channel on or off.
const BARS: [[bool; 3]; 8] = [
    [true, true, true],
    [true, true, false],
    [false, true, true],
    [false, true, false],
    [true, false, true],
    [true, false, false],
    [false, false, true],
    [false, false, false],
];

fn shows_bars(picture: &Picture, colour: bool) -> std::result::Result<(), String> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut brightness = f64::MAX;
    for (bar, on) in BARS.iter().enumerate() {
        let x = (2 * bar + 1) * width / 16;
        let pixel = &picture.rgb[(height * 3 / 4 * width + x) * 3..][..3];
        if colour {
            for (channel, on) in pixel.iter().zip(on) {
                let fits = if *on { (150..=215).contains(channel) } else { *channel < 40 };
                if !fits {
                    return Err(format!("bar {bar}: {pixel:?} is not {on:?}"));
                }
            }
        } else {
            let grey = f64::from(pixel[0]);
            if pixel[0] != pixel[1] || pixel[1] != pixel[2] || grey >= brightness {
                return Err(format!("bar {bar}: {pixel:?} after {brightness}"));
            }
            brightness = grey;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn every_known_format_of_every_vivid_camera_shows_its_bars() {
    let mut seen = 0;
    for found in vivid() {
        let path = path_of(&found);
        set(&path, "osd_text_mode=2");
        set(&path, "test_pattern=0");
        for offer in found.offers.iter().filter(|offer| offer.format().is_some()) {
            let opened = find::open(Some(&path), [640, 480]).unwrap();
            let wish = Wish { size: [640, 480], rate: 15.0, format: None };
            let choice = choose(std::slice::from_ref(offer), &wish).unwrap();
            let mut camera = Camera::start(opened, &choice, &wanted(&path)).unwrap();
            let (mut raw, mut picture) = (RawFrame::default(), Picture::default());
            for _ in 0..3 {
                assert!(next(&mut camera, &mut raw, LONG).unwrap(), "{}", camera.describe());
            }
            Developer::new().develop(&mut raw, &mut picture).unwrap();
            assert_eq!([picture.width, picture.height], camera.layout.size);
            let colour = !matches!(camera.layout.format, PixelFormat::Grey | PixelFormat::Y16);
            let shown = shows_bars(&picture, colour);
            println!("{} {}: {shown:?} {:?}", offer.fourcc, camera.describe(), raw.colour);
            assert!(shown.is_ok(), "{} {}: {shown:?}", offer.fourcc, camera.describe());
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} formats");
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn stamps_are_the_kernel_s_and_follow_each_other_at_the_rate() {
    let path = path_of(&vivid()[0]);
    let mut camera = open(&wanted(&path)).unwrap();
    let period = 1.0 / camera.format().rate;
    let mut raw = RawFrame::default();
    let mut stamps = Vec::new();
    for _ in 0..20 {
        assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
        let age = SystemClock.now().since(raw.stamp);
        assert!(age < Duration::from_millis(500), "{age:?}");
        stamps.push(raw.stamp);
    }
    println!("{}, {:?}", camera.describe(), camera.losses());
    let span = stamps[19].since(stamps[0]).as_secs_f64() / 19.0;
    println!("mean {:.1} ms, nominal {:.1} ms", span * 1e3, period * 1e3);
    assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]));
    assert!((span / period - 1.0).abs() < 0.25 || camera.losses().missed > 0, "{span} {period}");
    let delay = Duration::from_millis(300);
    drop(camera);
    let mut late = open(&Wanted { delay, ..wanted(&path) }).unwrap();
    assert!(next(late.as_mut(), &mut raw, LONG).unwrap());
    assert!(SystemClock.now().since(raw.stamp) >= delay);
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn a_camera_in_use_is_refused_and_free_again_when_it_is_dropped() {
    let path = path_of(&vivid()[0]);
    let first = open(&wanted(&path)).unwrap();
    let refusal = open(&wanted(&path)).err().unwrap();
    println!("{refusal}");
    assert_eq!(refusal.kind(), Kind::Device);
    assert!(refusal.to_string().contains("another program uses it"), "{refusal}");
    drop(first);
    let mut again = open(&wanted(&path)).unwrap();
    assert!(next(again.as_mut(), &mut RawFrame::default(), LONG).unwrap());
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn what_gives_no_pictures_is_refused_by_what_it_is() {
    let mut refused = 0;
    for number in 0..64 {
        let path = format!("/dev/video{number}");
        if !Path::new(&path).exists() {
            continue;
        }
        if let Err(error) = examine::open(Path::new(&path)) {
            println!("{error}");
            assert!(error.to_string().contains("is not a camera: it "), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0, "every node is a camera");
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn an_unplugged_camera_is_an_error_at_once_and_found_again_by_its_name() {
    const DRIVER: &str = "/sys/bus/platform/drivers/vivid";
    let found = vivid().remove(0);
    let before = open_files();
    for _ in 0..3 {
        let mut camera = open(&wanted(&found.card)).unwrap();
        let mut raw = RawFrame::default();
        assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
        let pulled = AtomicBool::new(false);
        let (took, error) = thread::scope(|scope| {
            scope.spawn(|| {
                while !pulled.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
                write(&format!("{DRIVER}/unbind"), "vivid.0");
            });
            let start = Instant::now();
            pulled.store(true, Ordering::Relaxed);
            let error = loop {
                match camera.pull(&mut raw) {
                    Err(error) => break error,
                    Ok(_) => assert!(start.elapsed() < LONG, "nobody noticed"),
                }
            };
            (start.elapsed(), error)
        });
        println!("{took:?}: {error}");
        assert_eq!(error.kind(), Kind::Device);
        assert!(error.to_string().contains("was lost"), "{error}");
        // Asked again it says so again, and does not wait.
        assert!(camera.pull(&mut raw).is_err());
        drop(camera);
        let missing = open(&wanted(&found.card)).err().unwrap();
        assert!(missing.to_string().contains("is not there"), "{missing}");
        write(&format!("{DRIVER}/bind"), "vivid.0");
        thread::sleep(Duration::from_millis(500));
    }
    let mut camera = open(&wanted(&found.card)).unwrap();
    assert!(next(camera.as_mut(), &mut RawFrame::default(), LONG).unwrap());
    drop(camera);
    assert_eq!(open_files(), before);
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn faults_that_vivid_injects_are_counted_or_end_the_stream_and_never_hang() {
    let path = path_of(&vivid()[0]);
    let mut raw = RawFrame::default();

    // Lost pictures leave gaps in the sequence.
    let mut camera = open(&wanted(&path)).unwrap();
    set(&path, "percentage_of_dropped_buffers=50");
    for _ in 0..20 {
        assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
    }
    set(&path, "percentage_of_dropped_buffers=0");
    println!("dropped: {:?}", camera.losses());
    assert!(camera.losses().missed > 0);

    // A picture marked as faulty is dropped.
    let before = camera.losses().corrupt;
    set(&path, "inject_v4l2_buf_flag_error=1");
    for _ in 0..5 {
        assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
    }
    println!("flagged: {:?}", camera.losses());
    assert!(camera.losses().corrupt > before);

    // A fatal error ends the stream, and a new one can be started.
    set(&path, "inject_fatal_streaming_error=1");
    let start = Instant::now();
    let error = loop {
        match camera.pull(&mut raw) {
            Err(error) => break error,
            Ok(_) => assert!(start.elapsed() < LONG, "nobody noticed"),
        }
    };
    println!("fatal after {:?}: {error}", start.elapsed());
    drop(camera);

    // A stream that does not start says so, and the next attempt is not disturbed.
    for control in ["inject_vidioc_reqbufs_error", "inject_vidioc_streamon_error"] {
        set(&path, &format!("{control}=1"));
        let error = open(&wanted(&path)).err().unwrap();
        println!("{control}: {error}");
        assert!(error.to_string().contains("cannot start"), "{error}");
    }
    let mut camera = open(&wanted(&path)).unwrap();
    assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn a_disconnected_camera_is_an_error_at_once() {
    let path = path_of(&vivid()[0]);
    let mut camera = open(&wanted(&path)).unwrap();
    let mut raw = RawFrame::default();
    assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
    set(&path, "disconnect=1");
    let start = Instant::now();
    let error = loop {
        match camera.pull(&mut raw) {
            Err(error) => break error,
            Ok(_) => assert!(start.elapsed() < LONG, "nobody noticed"),
        }
    };
    println!("{:?}: {error}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn pulling_allocates_nothing_once_a_picture_was_held() {
    let path = path_of(&vivid()[0]);
    let mut camera = open(&wanted(&path)).unwrap();
    let mut raw = RawFrame::default();
    assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
    let held = (raw.bytes.as_ptr(), raw.bytes.capacity());
    for _ in 0..10 {
        assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
        assert_eq!((raw.bytes.as_ptr(), raw.bytes.capacity()), held);
    }
}

#[test]
#[ignore = "needs vivid: make rig-cameras"]
fn opening_it_again_and_again_leaves_nothing_behind() {
    let path = path_of(&vivid()[0]);
    let mut raw = RawFrame::default();
    let mut rounds = |count: u32| {
        for _ in 0..count {
            let mut camera = open(&Wanted { rate: 25.0, ..wanted(&path) }).unwrap();
            assert!(next(camera.as_mut(), &mut raw, LONG).unwrap());
        }
        (open_files(), memory())
    };
    let (files, before) = rounds(10);
    let (now, after) = rounds(100);
    println!("{before:?} pages, then {after:?}");
    assert_eq!(now, files);
    // A single buffer left behind each time would be 11 000 pages.
    assert!(after.iter().zip(before).all(|(after, before)| *after < before + 100));
}
