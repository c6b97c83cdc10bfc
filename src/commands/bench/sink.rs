//! An event socket with one subscriber: what publishing costs until somebody has the line.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};

use tyto::clock::SystemClock;
use tyto::error::{Error, Kind, Result};
use tyto::event::{self, Hello, Sound, rfc3339};
use tyto::serve::{Options, Publisher, Server};

/// A line that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket and its reader.
pub struct Sink {
    publisher: Publisher,
    /// Told of each event that was read.
    read: Receiver<()>,
    folder: PathBuf,
    /// Gone when this is dropped.
    server: Option<Server>,
}

impl Sink {
    /// Opens a socket in a folder of its own, and subscribes.
    ///
    /// # Errors
    /// The system refuses folder, socket or thread.
    pub fn open() -> Result<Sink> {
        let folder = std::env::temp_dir().join(format!("tyto-bench-{}", std::process::id()));
        let refused = |wrong: &str, error: std::io::Error| {
            Error::new(Kind::System, folder.display(), wrong).because(error)
        };
        std::fs::create_dir_all(&folder).map_err(|error| refused("cannot be made", error))?;
        let path = folder.join("events.sock");
        let hello = Hello {
            schema: event::SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            board: "bench".to_owned(),
            model: "bench".to_owned(),
            started: rfc3339(SystemTime::now()),
            camera: None,
            microphone: None,
        };
        let options = Options { path: path.clone(), ..Options::default() };
        let server = Server::start(options, hello, Arc::new(SystemClock))?;
        let stream = UnixStream::connect(&path)
            .map_err(|error| refused("cannot be subscribed to", error))?;
        let (tell, read) = channel();
        let follow = move || {
            let lines = BufReader::new(stream).lines().map_while(std::result::Result::ok);
            // The first line greets. Whoever has gone needs no more of them.
            let sounds = lines.skip(1).filter(|line| line.contains("\"type\":\"sound\""));
            let _ = sounds.map(|_| tell.send(())).take_while(std::result::Result::is_ok).count();
        };
        std::thread::Builder::new()
            .name("tyto-bench".to_owned())
            .spawn(follow)
            .map_err(|error| refused("the reader cannot be started", error))?;
        let publisher = server.publisher();
        // Who connects is known to the service a moment later.
        while publisher.subscribers() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Sink { publisher, read, folder, server: Some(server) })
    }

    /// Publishes an event, and waits until it was read.
    ///
    /// # Errors
    /// It never arrived.
    pub fn publish(&self, sound: Sound) -> Result<()> {
        self.publisher.sound(sound);
        self.read.recv_timeout(PATIENCE).map_err(|error| {
            Error::new(Kind::Socket, self.folder.display(), "an event did not arrive")
                .because(error)
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // The socket goes with its server; an empty folder that stays does no harm.
        self.server = None;
        let _ = std::fs::remove_dir(&self.folder);
    }
}
