//! The snippets of `docs/snippets`, as a reader copies them, against the running daemon.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where a program of this name is found; without it nothing is proven, so the test fails.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: `make setup` installs it"))
}

/// The example `events`, built as `cargo run --example events` builds it.
fn example() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(ROOT)
        .args(["build", "--locked", "--example", "events", "--message-format=json"])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut messages = output.stdout.lines().map(|line| line.unwrap());
    let built = messages.find_map(|line| {
        let message: Value = serde_json::from_str(&line).unwrap();
        let ours = message["target"]["name"] == "events";
        ours.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    built.expect("cargo names what it has built")
}

/// The snippets: what it is, and how it is started.
fn snippets(scratch: &Path, socket: &Path) -> Vec<(&'static str, Child)> {
    let file = |name: &str| Path::new(ROOT).join("docs/snippets").join(name);
    // Two machines: one with socat, one with nc alone.
    for (dir, tool) in [("socat", "socat"), ("nc", "nc")] {
        std::fs::create_dir(scratch.join(dir)).unwrap();
        for name in [tool, "jq"] {
            let link = scratch.join(dir).join(name);
            std::os::unix::fs::symlink(program(name), link).unwrap();
        }
    }
    let shell = |dir: &str| {
        let mut command = Command::new("/bin/sh");
        command.arg(file("events.sh")).env("PATH", scratch.join(dir));
        command
    };
    let script = |interpreter: &str, name: &str| {
        let mut command = Command::new(program(interpreter));
        command.arg(file(name));
        command
    };
    let commands = vec![
        ("sh with socat", shell("socat")),
        ("sh with nc", shell("nc")),
        ("Python", script("python3", "events.py")),
        ("Node", script("node", "events.js")),
        ("Rust", Command::new(example())),
    ];
    let start = |(what, mut command): (_, Command)| {
        command.arg(socket).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        (what, command.spawn().unwrap())
    };
    commands.into_iter().map(start).collect()
}

/// The daemon, listening to a dog again and again; killed when the test ends early.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn daemon(scratch: &Path, socket: &Path) -> Daemon {
    let clip = scratch.join("clip");
    std::fs::create_dir(&clip).unwrap();
    for file in ["dog.jpg", "dog.wav"] {
        std::fs::copy(Path::new(ROOT).join("tests/clips").join(file), clip.join(file)).unwrap();
    }
    let child = Command::new(env!("CARGO_BIN_EXE_tyto"))
        .current_dir(ROOT)
        .args(["run", "--repeat", "--source", &format!("clip:{}", clip.display()), "--socket"])
        .arg(socket)
        .stderr(Stdio::null())
        .spawn();
    Daemon(child.unwrap())
}

fn connect(socket: &Path) -> UnixStream {
    let began = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return stream,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(60), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a snippet says of a sound: phase, label, azimuth.
type Said = (String, String, Option<f64>);

fn sound(event: &Value) -> Said {
    let word = |key: &str| event[key].as_str().unwrap().to_owned();
    (word("phase"), word("label"), event["azimuth_deg"].as_f64())
}

/// Reads a line of a snippet, `start Dog +12.9°` or `start Dog out of view`.
fn parse(line: &str) -> Said {
    let (phase, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
    if let Some(label) = rest.strip_suffix(" out of view") {
        return (phase.to_owned(), label.to_owned(), None);
    }
    let (label, angle) = rest.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let angle = angle.strip_suffix('°').and_then(|number| number.parse().ok());
    (phase.to_owned(), label.to_owned(), Some(angle.unwrap_or_else(|| panic!("{line}"))))
}

fn said(what: &str, output: &Output) -> Vec<Said> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}: {complaint}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(parse).collect()
}

#[test]
fn every_snippet_tells_the_same_sounds_as_the_socket_and_ends_with_the_daemon() {
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("events.sock");
    let daemon = daemon(scratch.path(), &socket);
    let mut own = connect(&socket);
    let mut lines = BufReader::new(own.try_clone().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let snippets = snippets(scratch.path(), &socket);

    // What is told after the last of them has connected, they all must tell: at least the end
    // of the track that the daemon ends when it is stopped.
    let mut told = Vec::new();
    let mut owed = None;
    let wanted = (1 + snippets.len()) as u64;
    own.write_all(b"{\"query\":\"status\"}\n").unwrap();
    for event in &mut lines {
        if event["type"] == "status" && owed.is_none() {
            if event["counters"]["subscribers"].as_u64().unwrap() == wanted {
                owed = Some(told.len());
            } else {
                std::thread::sleep(Duration::from_millis(50));
                own.write_all(b"{\"query\":\"status\"}\n").unwrap();
            }
        }
        if event["type"] == "sound" {
            told.push(sound(&event));
        }
        if owed.is_some() && !told.is_empty() {
            break;
        }
    }
    let kill = Command::new("kill").arg(daemon.0.id().to_string()).status();
    assert!(kill.unwrap().success());
    told.extend(lines.filter(|event| event["type"] == "sound").map(|event| sound(&event)));
    let owed = told.len() - owed.expect("the daemon ended before all were connected");
    assert!(owed > 0, "nothing was told to all: {told:?}");

    for (what, child) in snippets {
        let said = said(what, &child.wait_with_output().unwrap());
        assert!(said.len() >= owed, "{what} told {} of {owed}: {said:?}", said.len());
        assert!(told.ends_with(&said), "{what} told {said:?}, the socket {told:?}");
    }
}

#[test]
fn the_guide_names_every_snippet() {
    let guide = std::fs::read_to_string(Path::new(ROOT).join("docs/devices.md")).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(Path::new(ROOT).join("docs/snippets")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(guide.contains(&format!("(snippets/{name})")), "docs/devices.md lacks {name}");
        seen += 1;
    }
    assert_eq!(seen, 4);
}
