//! SIGHUP: the configuration is read again, and what can take effect does.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use signal_hook::consts::SIGHUP;
use signal_hook::iterator::{Handle, Signals};
use tyto::config::{Board, Changes, Config, merge};
use tyto::error::{Error, Kind, Result};
use tyto::event::{CameraInfo, Hello};
use tyto::geometry::Optics;
use tyto::pipeline::{Observer, Perception, Settings};
use tyto::serve::{self, Notifier, Publisher};
use tyto::track;

use super::greeting::Greeting;
use crate::commands::play::looks;
use crate::commands::view::optics;

/// The signal, from the moment that it does not end the process any more.
pub struct Hangup(Signals);

impl Hangup {
    /// From here on SIGHUP is kept for whoever reloads.
    ///
    /// # Errors
    /// The system refuses the handler.
    pub fn catch() -> Result<Hangup> {
        Signals::new([SIGHUP])
            .map(Hangup)
            .map_err(|error| Error::new(Kind::System, "SIGHUP", "cannot be handled").because(error))
    }
}

/// What perception goes on with.
struct Tuning {
    looks: Settings,
    tracks: track::Settings,
    optics: Optics,
}

/// Where perception finds its next tuning.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<Option<Tuning>>>);

impl Mailbox {
    fn put(&self, tuning: Tuning) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tuning);
    }

    /// Whether perception still goes by an older tuning than the newest.
    pub fn waits(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Observer for Mailbox {
    fn turn(&mut self, perception: &mut Perception) -> Result<()> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tuning { looks, tracks, optics }) = found else { return Ok(()) };
        // It was checked before; if it is refused all the same, all goes on as before.
        perception
            .retune(looks, tracks, optics)
            .unwrap_or_else(|error| log::error!("perception goes on as before: {error}"));
        Ok(())
    }
}

/// What a reload starts from, and whom it tells.
pub struct Reload {
    /// Reads the configuration as at the start, options of the command line included.
    pub read: Box<dyn Fn() -> Result<Config> + Send>,
    /// In force since the start, apart from what was reloaded since.
    pub config: Config,
    /// Its board profile.
    pub board: Board,
    /// The first line of each connection.
    pub greeting: Greeting,
    /// The event service.
    pub publisher: Publisher,
    /// The service manager.
    pub notifier: Arc<Notifier>,
    /// Perception.
    pub mailbox: Mailbox,
}

/// The thread that waits for the signal. Dropping it ends it.
pub struct Reloader {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Reloader {
    /// Starts it; a signal that came since it was caught is answered at once.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(hangup: Hangup, mut reload: Reload) -> Result<Reloader> {
        let Hangup(mut signals) = hangup;
        let handle = signals.handle();
        let work = move || {
            for _ in &mut signals {
                reload.notifier.reloading();
                if let Err(error) = reload.reload() {
                    log::error!("the configuration stays as it was: {error}");
                }
                reload.notifier.ready();
            }
        };
        let name = "tyto-reload";
        let thread =
            std::thread::Builder::new().name(name.into()).spawn(work).map_err(|error| {
                Error::new(Kind::System, name, "the thread cannot be started").because(error)
            })?;
        Ok(Reloader { handle, thread: Some(thread) })
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that reloads ended in a panic");
        }
    }
}

impl Reload {
    /// # Errors
    /// The configuration is faulty, or the socket cannot be as it says. Nothing has changed.
    fn reload(&mut self) -> Result<()> {
        let wanted = (self.read)()?;
        let (wanted_board, _) = wanted.board()?;
        let changes = Changes::between((&self.config, &self.board), (&wanted, &wanted_board));
        let (config, board) = (merge(&self.config, &wanted)?, merge(&self.board, &wanted_board)?);
        let tuning = Tuning {
            looks: looks(&config),
            tracks: config.track.clone(),
            optics: optics(&board, None),
        };
        tuning.optics.camera(board.camera.width, board.camera.height)?;
        let mut hello = self.greeting.lock();
        let camera = hello.camera.map(|c| CameraInfo { hfov_deg: board.camera.hfov_deg, ..c });
        let greeting = Hello { camera, ..hello.clone() };
        let options = serve::Options::from(&config.socket);
        self.publisher.reconfigure(options, greeting, changes.restart.clone())?;
        hello.camera = camera;
        // Put before perception may greet again, lest it do so by the older optics.
        self.mailbox.put(tuning);
        drop(hello);
        // Before the log may fall silent by its own new level.
        let file = wanted.file.unwrap_or_else(|| PathBuf::from("the built-in configuration"));
        let file = file.display();
        match changes.live[..] {
            [] => log::info!("{file}: read again; nothing that can take effect has changed"),
            _ => log::info!("{file}: read again; in force now: {}", changes.live.join(", ")),
        }
        if !changes.restart.is_empty() {
            log::warn!("{file}: needs a restart: {}", changes.restart.join(", "));
        }
        crate::logging::configure(config.log.level.into());
        (self.config, self.board) = (config, board);
        Ok(())
    }
}
