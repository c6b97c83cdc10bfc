//! The daemon as its service manager meets it: told of everything, asked to reload, given a
//! socket.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

mod activation;
mod manager;
mod reload;

/// Longer than anything here takes on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a clip, a configuration and a manager's ear.
struct Site {
    folder: TempDir,
    ear: UnixDatagram,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clips");
        fs::create_dir(folder.path().join("clip")).unwrap();
        for file in ["dog.jpg", "dog.wav"] {
            fs::copy(clips.join(file), folder.path().join("clip").join(file)).unwrap();
        }
        let ear = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        ear.set_read_timeout(Some(PATIENCE)).unwrap();
        let site = Site { folder, ear };
        site.configure("");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the configuration; `more` are further lines of it.
    fn configure(&self, more: &str) {
        fs::write(self.path("tyto.toml"), more).unwrap();
    }

    /// The daemon's command line, run by a shell after `script`.
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "-c",
                &format!("{script}\nexec \"$@\""),
                "sh",
                env!("CARGO_BIN_EXE_tyto"),
                "run",
            ])
            .args(["--repeat", "--source", &format!("clip:{}", self.path("clip").display())])
            .arg("--config")
            .arg(self.path("tyto.toml"))
            .arg("--socket")
            .arg(self.path("events.sock"))
            .env("NOTIFY_SOCKET", self.path("notify"))
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stderr(fs::File::create(self.path("log")).unwrap());
        command
    }

    /// A daemon that is ready.
    fn start(&self) -> Daemon {
        let daemon = Daemon(self.command("").spawn().unwrap());
        self.until("READY=1");
        daemon
    }

    /// Waits for a message to the manager and gives those before it.
    fn until(&self, wanted: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let mut bytes = [0; 4096];
            let length = self.ear.recv(&mut bytes).unwrap_or_else(|error| {
                panic!("{wanted} did not come but {before:?}: {error}; {}", self.log())
            });
            let message = String::from_utf8(bytes[..length].to_vec()).unwrap();
            if message.lines().any(|line| line == wanted) {
                return before;
            }
            before.push(message);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// The first line of a new connection, and the answer to a question.
    fn ask(&self) -> (Value, Value) {
        let stream = UnixStream::connect(self.path("events.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        (&stream).write_all(b"{\"query\":\"status\"}\n").unwrap();
        let mut lines = BufReader::new(stream)
            .lines()
            .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let hello = lines.next().unwrap();
        (hello, lines.find(|line| line["type"] == "status").unwrap())
    }

    fn status(&self) -> Value {
        self.ask().1
    }

    /// Waits until the status is as wanted.
    fn status_until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{what} did not come about: {status}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

struct Daemon(Child);

impl Daemon {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Asks it to end, and gives its exit code.
    fn end(self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for its end, and gives its exit code.
    fn wait(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
