//! The daemon as a user meets it: started, subscribed to, and stopped by a signal.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

struct Daemon {
    child: Child,
    dir: tempfile::TempDir,
}

impl Daemon {
    fn start(options: &[&str]) -> Daemon {
        let dir = tempfile::tempdir().unwrap();
        let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips");
        let clip = dir.path().join("clip");
        std::fs::create_dir(&clip).unwrap();
        for file in ["dog.jpg", "dog.wav"] {
            std::fs::copy(clips.join(file), clip.join(file)).unwrap();
        }
        let child = Command::new(env!("CARGO_BIN_EXE_tyto"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["run", "--source", &format!("clip:{}", clip.display()), "--socket"])
            .arg(dir.path().join("events.sock"))
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Daemon { child, dir }
    }

    fn subscribe(&self) -> impl Iterator<Item = Value> {
        let socket = self.dir.path().join("events.sock");
        let began = Instant::now();
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        BufReader::new(stream).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    }

    /// Waits for the end and gives the exit code and what was logged.
    fn end(mut self) -> (Option<i32>, String, bool) {
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut log).unwrap();
        (status.code(), log, self.dir.path().join("events.sock").exists())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_signal_ends_every_track_removes_the_socket_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let daemon = Daemon::start(&["--repeat"]);
        let mut lines = daemon.subscribe();
        let hello = lines.next().unwrap();
        assert_eq!((&hello["type"], &hello["schema"]), (&"hello".into(), &1.into()));
        assert!(hello["camera"]["hfov_deg"].is_number() && hello["microphone"]["rate"].is_number());
        let mut live = std::collections::HashSet::new();
        let mut asked = false;
        for line in lines.filter(|line| line["type"] == "sound") {
            assert!(line["latency_ms"].as_f64().unwrap() >= 0.0);
            match line["phase"].as_str().unwrap() {
                "start" => assert!(live.insert(line["track"].as_u64())),
                "end" => assert!(live.remove(&line["track"].as_u64())),
                _ => assert!(live.contains(&line["track"].as_u64())),
            }
            if !asked {
                asked = true;
                let pid = daemon.child.id().to_string();
                let kill = Command::new("kill").args(["-s", signal, &pid]).status();
                assert!(kill.unwrap().success());
            }
        }
        assert!(asked, "nothing was heard");
        assert!(live.is_empty(), "{live:?} were never ended");
        let (code, log, socket) = daemon.end();
        assert_eq!((code, socket), (Some(0), false), "{log}");
    }
}

#[test]
fn the_end_of_a_clip_stops_the_daemon_like_a_signal() {
    let daemon = Daemon::start(&[]);
    let last = daemon.subscribe().filter(|line| line["type"] == "status").last().unwrap();
    assert_eq!(
        (&last["state"], &last["reason"]),
        (&"stopped".into(), &"the clip has ended".into())
    );
    assert!(last["counters"]["looks"].as_u64().unwrap() > 0);
    let (code, log, socket) = daemon.end();
    assert_eq!((code, socket), (Some(0), false), "{log}");
}

/// The paper's pair needs 3 s of sound for a look and has no labels.
#[test]
fn a_pack_with_other_front_ends_and_no_labels_runs_like_any_other() {
    let daemon = Daemon::start(&["--repeat", "--model", "tests/packs/paper"]);
    let mut lines = daemon.subscribe();
    assert_eq!(lines.next().unwrap()["model"], "paper-random 0");
    let sound = lines.find(|line| line["type"] == "sound").unwrap();
    assert_eq!((&sound["label"], &sound["phase"]), (&"sound".into(), &"start".into()));
}

/// A daemon whose configuration names devices that no machine has.
fn without_devices(options: &[&str]) -> (Child, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tyto.toml");
    let text = "[camera]\ndevice = \"/dev/v4l/by-id/none\"\n[microphone]\ndevice = \"none\"\n";
    std::fs::write(&config, text).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--config"])
        .arg(&config)
        .arg("--socket")
        .arg(dir.path().join("events.sock"))
        .args(options)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, dir)
}

#[test]
fn without_its_devices_it_is_degraded_says_which_and_waits_for_them() {
    let (child, dir) = without_devices(&[]);
    let daemon = Daemon { child, dir };
    let mut lines = daemon.subscribe();
    let status = lines.find(|line| line["state"] == "degraded").unwrap();
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("camera ") && reason.contains("trying again"), "{reason}");
    let device = |line: &Value, which: &str| line["devices"][which]["state"].clone();
    let lost =
        |line: &Value| device(line, "camera") == "lost" && device(line, "microphone") == "lost";
    assert!(lost(&status) || lines.any(|line| lost(&line)));
    let kill = Command::new("kill").arg(daemon.child.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert_eq!(lines.last().unwrap()["state"], "stopped");
    let (code, log, socket) = daemon.end();
    assert_eq!((code, socket), (Some(0), false), "{log}");
    // A line for each device and reason, however often it is tried.
    assert_eq!(log.matches("/dev/v4l/by-id/none").count(), 1, "{log}");
}

#[test]
fn what_the_system_refuses_is_told_and_nothing_else_happens() {
    let limits = ["--rtprio=0:0", "--memlock=65536:65536"];
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tyto.toml");
    let text = "[camera]\ndevice = \"none\"\n[microphone]\ndevice = \"none\"\n\
                [process]\nrealtime = true\nlock_memory = true\n";
    std::fs::write(&config, text).unwrap();
    // A user without privileges, if the test has any to give away.
    let mut wrapped = Command::new("prlimit");
    wrapped.args(limits).arg("--").args(["setpriv", "--bounding-set=-all", "--inh-caps=-all"]);
    let child = wrapped
        .arg(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--config"])
        .arg(&config)
        .arg("--socket")
        .arg(dir.path().join("events.sock"))
        .stderr(Stdio::piped())
        .spawn();
    let Ok(child) = child else {
        eprintln!("skipped: prlimit and setpriv of util-linux are not here");
        return;
    };
    let daemon = Daemon { child, dir };
    assert!(daemon.subscribe().any(|line| line["state"] == "degraded"));
    let kill = Command::new("kill").arg(daemon.child.id().to_string()).status();
    assert!(kill.unwrap().success());
    let (code, log, _) = daemon.end();
    assert_eq!(code, Some(0), "{log}");
    for key in ["process.realtime", "process.lock_memory"] {
        assert_eq!(log.matches(&format!("{key}: refused: ")).count(), 1, "{log}");
    }
}

#[test]
fn perception_keeps_to_its_processors_and_capture_does_not() {
    let all = allowed("self".as_ref());
    let core = all.split([',', '-']).next().unwrap();
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), format!("[engine]\ncores = [{core}]\n")).unwrap();
    let daemon = Daemon::start(&["--repeat", "--config", config.path().to_str().unwrap()]);
    assert!(daemon.subscribe().any(|line| line["type"] == "sound"));
    let tasks = format!("/proc/{}/task", daemon.child.id());
    let threads = std::fs::read_dir(tasks).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<_> = threads
        .map(|task| (std::fs::read_to_string(task.join("comm")).unwrap(), allowed(&task)))
        .collect();
    let of = |name: &str| &found.iter().find(|(comm, _)| comm.trim() == name).unwrap().1;
    assert_eq!(of("tyto"), core, "{found:?}");
    assert_eq!(of("tyto-audio"), &all, "{found:?}");
    assert_eq!(of("tyto-video"), &all, "{found:?}");
}

/// The processors that a thread may run on, as `/proc` writes them.
fn allowed(task: &Path) -> String {
    let status = std::fs::read_to_string(Path::new("/proc").join(task).join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap().trim().to_owned()
}

#[test]
fn a_source_that_is_none_is_refused_with_those_there_are() {
    let run = ["run", "--source", "camera:/dev/video0"];
    let output = Command::new(env!("CARGO_BIN_EXE_tyto")).args(run).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("devices, clip:PATH"), "{said}");
}
