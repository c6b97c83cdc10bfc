//! The event socket as its subscribers see it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tyto::clock::SystemClock;
use tyto::event::{
    CameraInfo, Counters, Hello, Message, MicrophoneInfo, Phase, Reader, SCHEMA, Sound, State,
    Status,
};
use tyto::serve::{Options, Publisher, Server};

mod binding;
mod flow;
mod requests;
mod speed;

/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server in a folder of its own.
struct House {
    folder: TempDir,
    server: Option<Server>,
    publisher: Publisher,
}

impl House {
    fn new() -> House {
        House::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Options)) -> House {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path().join("events.sock"));
        change(&mut options);
        let server = Server::start(options, hello(), Arc::new(SystemClock)).unwrap();
        let publisher = server.publisher();
        House { folder, server: Some(server), publisher }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("events.sock")
    }

    fn client(&self) -> Client {
        let mut client = Client::connect(&self.path());
        assert!(matches!(client.next(), Message::Hello(_)), "the first line is hello");
        client
    }

    fn stop(&mut self) {
        self.server.take().unwrap().stop();
    }
}

struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    fn connect(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { reader: BufReader::new(stream) }
    }

    fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    fn say(&self, text: impl AsRef<[u8]>) {
        self.stream().write_all(text.as_ref()).unwrap();
    }

    /// The next line, or nothing at the end of the connection.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(line),
        }
    }

    fn next(&mut self) -> Message {
        let line = self.line().expect("the connection is open");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn sound(&mut self) -> Sound {
        match self.next() {
            Message::Sound(sound) => sound,
            other => panic!("not a sound: {other:?}"),
        }
    }

    /// Asks for the status and gives what came before the answer, and the answer: whatever
    /// was said before the question has been heard by then.
    fn ask(&mut self) -> (Vec<Message>, Status) {
        self.say("{\"query\":\"status\"}\n");
        let mut before = Vec::new();
        loop {
            match self.next() {
                Message::Status(status) => return (before, status),
                other => before.push(other),
            }
        }
    }

    fn subscribe(&mut self, filter: &str) {
        self.say(format!("{{\"subscribe\":{filter}}}\n"));
        let (before, _) = self.ask();
        assert_eq!(before, [], "the filter is accepted without a word");
    }

    /// Everything until the end of the connection.
    fn rest(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.line())
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect()
    }
}

fn options(path: PathBuf) -> Options {
    Options { path, ..Options::default() }
}

fn hello() -> Hello {
    Hello {
        schema: SCHEMA,
        version: "0.1.0".into(),
        board: "generic".into(),
        model: "owlet 1".into(),
        started: "2026-02-01T00:00:00.000Z".into(),
        camera: Some(CameraInfo { width: 640, height: 480, hfov_deg: 62.2 }),
        microphone: Some(MicrophoneInfo { rate: 16_000, channels: 1 }),
    }
}

fn sound(phase: Phase, track: u64, seq: u64) -> Sound {
    Sound {
        phase,
        track,
        seq,
        time: "2026-02-01T00:00:00.000Z".into(),
        mono_ns: 123_456_789_012,
        latency_ms: 182.4,
        label: "Dog".into(),
        label_score: 0.91,
        confidence: 0.78,
        on_screen: true,
        azimuth_deg: Some(12.9),
        elevation_deg: Some(-1.0),
        direction: Some([0.975, 0.223, -0.018]),
        spread_deg: Some(6.5),
        peak: Some([0.31, 0.52]),
        extent: Some([0.22, 0.4, 0.41, 0.77]),
        level_dbfs: -23.1,
        map: Some(vec![vec![0.25; 14]; 14]),
    }
}

fn status(state: State, reason: Option<&str>) -> Status {
    Status {
        state,
        reason: reason.map(str::to_owned),
        time: "2026-02-01T00:00:00.000Z".into(),
        uptime_s: 1.5,
        counters: Counters { looks: 7, ..Counters::default() },
        ..Status::default()
    }
}

/// Waits for what another thread does.
fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}
