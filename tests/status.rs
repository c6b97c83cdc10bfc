//! `tyto status` against a socket that is served, silent or gone.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tyto::clock::SystemClock;
use tyto::event::{
    Counters, Device, DeviceState, Devices, Hello, Message, Queues, SCHEMA, Stages, State, Status,
    Times,
};
use tyto::serve::{Options, Server};

/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    folder: TempDir,
    server: Option<Server>,
}

impl House {
    /// A daemon that has lost its camera, whose name is a trial for every format.
    fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.sock");
        let hello = Hello {
            schema: SCHEMA,
            version: "0.1.0".into(),
            board: "generic".into(),
            model: "owlet \"1\"".into(),
            started: "2026-02-01T00:00:00.000Z".into(),
            camera: None,
            microphone: None,
        };
        let options = Options { path, ..Options::default() };
        let server = Server::start(options.clone(), hello.clone(), Arc::new(SystemClock)).unwrap();
        let keys = vec!["camera.device".into()];
        server.publisher().reconfigure(options, hello, keys).unwrap();
        server.publisher().status(Status {
            state: State::Degraded,
            reason: Some("camera /dev/video0: no frame for 2.1 s".into()),
            time: "2026-02-01T00:00:00.000Z".into(),
            uptime_s: 3725.0,
            counters: Counters { frames: 251, xruns: 2, looks: 37, ..Counters::default() },
            devices: Some(Devices {
                camera: Some(Device {
                    name: "camera \"\\\u{1b}[31m\n".into(),
                    state: DeviceState::Lost,
                    reason: Some("no frame for 2.1 s".into()),
                    reopens: 3,
                }),
                microphone: Some(Device {
                    name: "microphone hw:0".into(),
                    state: DeviceState::Running,
                    ..Device::default()
                }),
            }),
            stages: Some(Stages {
                look: Times { p50_ms: 151.0, p99_ms: 190.5 },
                ..Stages::default()
            }),
            queues: Some(Queues { blocks_waiting: 5, ..Queues::default() }),
            ..Status::default()
        });
        House { folder, server: Some(server) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("events.sock")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tyto"));
        command.env_remove("RUST_LOG").env_remove("JOURNAL_STREAM").current_dir(&self.folder);
        command.args(["status", "--socket"]).arg(self.path()).args(args);
        command
    }

    fn ask(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The one line that is said when there is no answer.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// Every sample of a text in the exposition format, refused unless it keeps the format's rules:
/// a family's help and type come once and before its samples, families do not mix, no series
/// comes twice, names and values are well-formed.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let name_is_good = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
    let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(name_is_good(name) && help.ends_with('.'), "{line}");
            assert!(families.insert(name.to_owned()), "{name} comes twice");
            (family, kind) = (name.to_owned(), String::new());
        } else if let Some(said) = line.strip_prefix("# TYPE ") {
            let (name, said) = said.split_once(' ').unwrap();
            assert_eq!((name, kind.as_str()), (family.as_str(), ""), "{line}");
            assert_eq!(said == "counter", name.ends_with("_total"), "{line}");
            assert_eq!(said == "summary", name == "tyto_stage_duration_seconds", "{line}");
            assert!(["counter", "gauge", "summary"].contains(&said), "{line}");
            kind = said.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(series.split('{').next(), Some(family.as_str()), "{line}");
            assert!(!kind.is_empty(), "{line} has no type");
            assert!(!line.contains('\r'), "{line}");
            if let Some((_, labels)) = series.split_once('{') {
                labels_are_good(labels.strip_suffix('}').unwrap());
            }
            let before = samples.insert(series.to_owned(), value.parse().unwrap());
            assert!(before.is_none(), "{series} comes twice");
        }
    }
    samples
}

fn labels_are_good(mut labels: &str) {
    loop {
        let (name, rest) = labels.split_once("=\"").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{labels}");
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        labels = &rest[end.unwrap() + 1..];
        match labels.strip_prefix(',') {
            Some(more) => labels = more,
            None => return assert_eq!(labels, ""),
        }
    }
}

#[test]
fn people_are_told_what_is_wrong_first_and_the_terminal_is_safe() {
    let house = House::new();
    let said = good(&house.ask(&[]));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "tyto          0.1.0 on generic, model owlet \"1\"");
    assert_eq!(lines[1], "state         degraded: camera /dev/video0: no frame for 2.1 s");
    assert_eq!(lines[2], "configuration needs a restart: camera.device");
    assert_eq!(lines[3], "up            1h 2m");
    assert!(lines[4].starts_with("camera        lost: camera \"\\ [31m : no frame for 2.1 s"));
    assert!(lines[4].ends_with(", opened again 3 times"), "{said}");
    assert!(said.contains("\nsamples       0, 2 overflows\n"), "{said}");
    assert!(said.contains("look 151.0/190.5"), "{said}");
    assert!(said.ends_with("\nsubscribers   0\n"), "{said}");
    assert!(!said.contains('\u{1b}'));
}

#[test]
fn programs_get_the_line_as_the_daemon_sent_it() {
    let house = House::new();
    let said = good(&house.ask(&["--json"]));
    assert_eq!(said.lines().count(), 1);
    let Ok(Message::Status(status)) = serde_json::from_str(&said) else { panic!("{said}") };
    assert_eq!((status.state, status.counters.frames), (State::Degraded, 251));
    assert!(status.host.unwrap().descriptors > 0);
}

#[test]
fn prometheus_gets_base_units_and_counters_in_its_own_format() {
    let house = House::new();
    let said = good(&house.ask(&["--prometheus"]));
    let samples = samples(&said);
    for (series, value) in [
        ("tyto_up", 1.0),
        ("tyto_info{version=\"0.1.0\",board=\"generic\",model=\"owlet \\\"1\\\"\"}", 1.0),
        ("tyto_state{state=\"degraded\"}", 1.0),
        ("tyto_state{state=\"running\"}", 0.0),
        ("tyto_frames_total", 251.0),
        ("tyto_xruns_total", 2.0),
        ("tyto_subscribers", 0.0),
        ("tyto_device_up{device=\"camera\"}", 0.0),
        ("tyto_device_up{device=\"microphone\"}", 1.0),
        ("tyto_device_reopens_total{device=\"camera\"}", 3.0),
        ("tyto_device_info{device=\"camera\",name=\"camera \\\"\\\\\u{1b}[31m\\n\"}", 1.0),
        ("tyto_stage_duration_seconds{stage=\"look\",quantile=\"0.5\"}", 0.151),
        ("tyto_stage_duration_seconds{stage=\"look\",quantile=\"0.99\"}", 0.1905),
        ("tyto_queue_length{queue=\"blocks\"}", 5.0),
        ("tyto_config_needs_restart", 1.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series} in:\n{said}");
    }
    assert!(samples["tyto_uptime_seconds"] >= 3725.0);
    assert!(samples["tyto_resident_memory_bytes"] > 1e6);
    assert!(samples["tyto_cpu_seconds_total"] > 0.0);
}

#[test]
fn every_counter_of_the_status_is_a_metric() {
    let house = House::new();
    let samples = samples(&good(&house.ask(&["--prometheus"])));
    let counters = serde_json::to_value(Counters::default()).unwrap();
    for name in counters.as_object().unwrap().keys() {
        // Milliseconds are told in seconds, under the stages.
        let told = name.starts_with("look_ms_")
            || samples.contains_key(&format!("tyto_{name}_total"))
            || samples.contains_key(&format!("tyto_{name}"));
        assert!(told, "{name}");
    }
}

#[test]
fn without_a_daemon_it_says_so_and_ends_with_7() {
    let mut house = House::new();
    house.server.take().unwrap().stop();
    for args in [&[][..], &["--json"], &["--prometheus"]] {
        let output = house.ask(args);
        assert!(refused(&output).contains("no daemon listens there"), "{output:?}");
        assert!(output.stdout.is_empty());
    }
    let output = house.ask(&["--textfile", "tyto.prom"]);
    assert!(refused(&output).contains("no daemon listens there"), "{output:?}");
    let written = std::fs::read_to_string(house.folder.path().join("tyto.prom")).unwrap();
    assert_eq!(samples(&written), BTreeMap::from([("tyto_up".to_owned(), 0.0)]));
}

#[test]
fn a_daemon_that_hangs_is_not_waited_for_without_end() {
    let mut house = House::new();
    house.server.take().unwrap().stop();
    let _silent = UnixListener::bind(house.path()).unwrap();
    assert!(refused(&house.ask(&[])).contains("does not answer"));
}

#[test]
fn the_file_follows_the_daemon_until_a_signal_comes() {
    let mut house = House::new();
    let file = house.folder.path().join("tyto.prom");
    let mut child = house
        .command(&["--textfile", "tyto.prom", "--every", "0.1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until_up_is = |wanted: f64| {
        let end = Instant::now() + PATIENCE;
        loop {
            let up = std::fs::read_to_string(&file).ok().map(|text| samples(&text)["tyto_up"]);
            if up == Some(wanted) {
                return;
            }
            assert!(Instant::now() < end, "tyto_up is {up:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until_up_is(1.0);
    house.server.take().unwrap().stop();
    until_up_is(0.0);
    let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_ends_with_1() {
    let house = House::new();
    for args in [&["--textfile", "no/such/tyto.prom"][..], &["--textfile", ".", "--every", "1"]] {
        let output = house.ask(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains(args[1]), "{output:?}");
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let house = House::new();
    for args in [
        &["--json", "--prometheus"][..],
        &["--json", "--textfile", "x"],
        &["--every", "1"],
        &["--textfile", "x", "--every", "0"],
        &["--textfile", "x", "--every", "soon"],
    ] {
        assert_eq!(house.ask(args).status.code(), Some(2), "{args:?}");
    }
}
