//! `tyto watch` as a user runs it, against a real socket.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tyto::clock::SystemClock;
use tyto::event::{Hello, Message, Phase, SCHEMA, Sound};
use tyto::serve::{Options, Server};

/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

fn serve(folder: &TempDir) -> Server {
    let hello = Hello {
        schema: SCHEMA,
        version: "0.1.0".into(),
        board: "generic".into(),
        model: "owlet 1".into(),
        started: "2026-02-01T00:00:00.000Z".into(),
        camera: None,
        microphone: None,
    };
    let options = Options { path: folder.path().join("t.sock"), ..Options::default() };
    Server::start(options, hello, Arc::new(SystemClock)).unwrap()
}

fn sound(seq: u64, label: &str, confidence: f64, azimuth_deg: Option<f64>) -> Sound {
    Sound {
        phase: Phase::Start,
        track: seq,
        seq,
        time: "2026-02-01T00:00:00.000Z".into(),
        mono_ns: 1,
        latency_ms: 180.0,
        label: label.into(),
        label_score: 0.9,
        confidence,
        on_screen: azimuth_deg.is_some(),
        azimuth_deg,
        elevation_deg: None,
        direction: None,
        spread_deg: None,
        peak: None,
        extent: None,
        level_dbfs: -20.0,
        map: Some(vec![vec![0.5; 2]; 2]),
    }
}

/// A running `tyto watch`; ended with the test.
struct Watch {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Watch {
    fn start(folder: &TempDir, args: &[&str]) -> Watch {
        Watch::at(&folder.path().join("t.sock"), args)
    }

    fn at(socket: &Path, args: &[&str]) -> Watch {
        let mut child = command(socket, args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Watch { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn message(&mut self) -> Message {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Reads hello and the status that it asks for: from here on its filter holds.
    fn greeting(&mut self) {
        assert!(matches!(self.message(), Message::Hello(_)));
        assert!(matches!(self.message(), Message::Status(_)));
    }

    fn sound(&mut self) -> Sound {
        match self.message() {
            Message::Sound(sound) => sound,
            other => panic!("{other:?}"),
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit code and what it said on standard error.
    fn end(mut self) -> (i32, String) {
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code().expect("no signal ended it"), said)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(socket: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tyto"));
    command.arg("watch").arg("--socket").arg(socket).args(args);
    command.env_remove("RUST_LOG").env_remove("JOURNAL_STREAM");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn lines_go_out_exactly_as_the_daemon_sent_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder);
    let stream = UnixStream::connect(folder.path().join("t.sock")).unwrap();
    let mut direct = BufReader::new(stream);
    let mut line = String::new();
    direct.read_line(&mut line).unwrap();

    let mut watch = Watch::start(&folder, &[]);
    assert_eq!(watch.line(), line);
    assert!(matches!(watch.message(), Message::Status(_)));
    for seq in 1..4 {
        server.publisher().sound(sound(seq, "Dog", 0.9, Some(3.0)));
        line.clear();
        direct.read_line(&mut line).unwrap();
        assert_eq!(watch.line(), line);
    }
}

#[test]
fn the_filters_are_options() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder);
    let args = ["--label", "cat", "--label", "DOG", "--min-confidence", "0.5"];
    let mut narrow =
        Watch::start(&folder, &[&args[..], &["--azimuth", "-30,30", "--map"]].concat());
    let mut slow = Watch::start(&folder, &["--max-rate", "0.01"]);
    narrow.greeting();
    slow.greeting();
    for (seq, event) in [
        sound(1, "Bird", 0.9, Some(0.0)),
        sound(2, "Dog", 0.4, Some(0.0)),
        sound(3, "Dog", 0.9, Some(31.0)),
        sound(4, "Dog", 0.9, None),
        Sound { phase: Phase::Update, ..sound(3, "Dog", 0.9, Some(32.0)) },
        sound(6, "Cat", 0.5, Some(-30.0)),
    ]
    .into_iter()
    .enumerate()
    {
        server.publisher().sound(Sound { seq: seq as u64 + 1, ..event });
    }
    let seen = narrow.sound();
    assert_eq!(seen.seq, 6);
    assert!(seen.map.is_some());
    let seen: Vec<u64> = (0..5).map(|_| slow.sound().seq).collect();
    assert_eq!(seen, [1, 2, 3, 4, 6], "the update comes too early");
}

#[test]
fn it_ends_after_as_many_events_as_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder);
    let mut three = Watch::start(&folder, &["--count", "3"]);
    let mut one = Watch::start(&folder, &["--once"]);
    three.greeting();
    one.greeting();
    (1..9).for_each(|seq| server.publisher().sound(sound(seq, "Dog", 0.9, None)));
    for (mut watch, events) in [(three, 3), (one, 1)] {
        (1..=events).for_each(|seq| assert_eq!(watch.sound().seq, seq));
        assert_eq!(watch.line(), "");
        assert_eq!(watch.end(), (0, String::new()));
    }
}

#[test]
fn it_waits_for_the_daemon_and_connects_again_when_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut watch = Watch::start(&folder, &["--count", "2"]);
    let mut said = BufReader::new(watch.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let socket = folder.path().join("t.sock").display().to_string();
    let first = said.next().unwrap();
    assert!(first.contains(&socket) && first.contains("no daemon listens there"), "{first}");

    let server = serve(&folder);
    watch.greeting();
    assert!(said.next().unwrap().contains("connected"));
    server.publisher().sound(sound(1, "Dog", 0.9, None));
    assert_eq!(watch.sound().seq, 1);
    server.stop();
    assert!(said.next().unwrap().contains("closed the connection"));

    let server = serve(&folder);
    watch.greeting();
    assert!(said.next().unwrap().contains("connected"));
    server.publisher().sound(sound(2, "Dog", 0.9, None));
    assert_eq!(watch.sound().seq, 2);
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_daemon_and_without_patience_it_fails_with_the_socket_s_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = Watch::start(&folder, &["--no-reconnect"]).end();
    assert_eq!(code, 7);
    assert!(said.contains("t.sock") && said.contains("tyto run"), "{said}");

    let (code, said) = Watch::at(Path::new(&"x".repeat(200)), &[]).end();
    assert_eq!((code, said.contains("no path for a socket")), (7, true), "{said}");
}

#[test]
fn when_the_daemon_stops_it_ends_too_if_it_is_not_to_connect_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder);
    let mut patient = Watch::start(&folder, &["--no-reconnect"]);
    let mut wanting = Watch::start(&folder, &["--no-reconnect", "--once"]);
    patient.greeting();
    wanting.greeting();
    server.stop();
    assert_eq!(patient.end(), (0, String::new()));
    let (code, said) = wanting.end();
    assert_eq!((code, said.contains("closed the connection")), (7, true), "{said}");
}

#[test]
fn signals_end_it_cleanly_connected_or_not() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let _server = serve(&folder);
        let mut connected = Watch::start(&folder, &[]);
        connected.greeting();
        connected.signal(signal);
        assert_eq!(connected.end(), (0, String::new()));

        let empty = tempfile::tempdir().unwrap();
        let mut waiting = Watch::start(&empty, &[]);
        // It has said that it waits: it catches signals by now.
        let mut said = BufReader::new(waiting.child.stderr.as_mut().unwrap());
        said.read_line(&mut String::new()).unwrap();
        waiting.signal(signal);
        assert_eq!(waiting.end().0, 0);
    }
}

#[test]
fn a_closed_output_ends_it_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder);
    let mut child = command(&folder.path().join("t.sock"), &[]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it does not end");
        server.publisher().sound(sound(1, "Dog", 0.9, None));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn wrong_values_are_refused_by_the_option_s_name() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        ["--min-confidence", "1.5"],
        ["--azimuth", "30,-30"],
        ["--azimuth", "30"],
        ["--max-rate", "0"],
        ["--label", ""],
        ["--count", "0"],
    ] {
        let (code, said) = Watch::start(&folder, &args).end();
        assert_eq!(code, 2, "{args:?}");
        assert!(said.contains(args[0]), "{said}");
    }
}
