//! What the service manager is told: ready, how it goes, that all is alive (`sd_notify(3)`).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock::{Clock, SystemClock};

/// How long a message may wait for a manager that does not read. The next tick of the watchdog
/// comes anyway, and the thread that speaks has other things to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the service manager; silent where there is none.
///
/// A message that does not arrive is logged, the first of each row of failures as a warning,
/// and otherwise ignored: the manager's watchdog then decides.
#[derive(Debug, Default)]
pub struct Notifier {
    /// Kept open, so that a process without a free descriptor can still say that it lives.
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
    failing: AtomicBool,
}

impl Notifier {
    /// The manager that `NOTIFY_SOCKET` names, with the watchdog of `WATCHDOG_USEC` if
    /// `WATCHDOG_PID` is this process or not given.
    pub fn from_env() -> Notifier {
        let Some(address) = env::var_os("NOTIFY_SOCKET").filter(|text| !text.is_empty()) else {
            return Notifier::default();
        };
        match connect(&address) {
            Ok(socket) => Notifier {
                socket: Some(socket),
                watchdog: sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero()),
                failing: AtomicBool::new(false),
            },
            Err(error) => {
                log::warn!("{}: the service manager cannot be reached: {error}", address.display());
                Notifier::default()
            }
        }
    }

    /// Whether anybody listens.
    pub fn listens(&self) -> bool {
        self.socket.is_some()
    }

    /// Within which time the manager wants to hear [`watchdog`](Self::watchdog): speak at half
    /// of it. `None`: it does not watch.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Start-up, or a reload, is finished.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// How it goes, in a line that `systemctl status` shows.
    pub fn status(&self, text: &str) {
        // A line break would begin another message, whatever the text goes on with.
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.send(&[NotifyState::Status(&line)]);
    }

    /// Everything is alive.
    pub fn watchdog(&self) {
        self.send(&[NotifyState::Watchdog]);
    }

    /// The configuration is being read again; [`ready`](Self::ready) ends it.
    pub fn reloading(&self) {
        // In nanoseconds the time of a board with 32 bits does not run over as the seconds of
        // the crate's own reading do.
        let now = i128::from(SystemClock.now().0 / 1000);
        self.send(&[NotifyState::Reloading, NotifyState::MonotonicUsec(now)]);
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else { return };
        let message: String = states.iter().map(|state| format!("{state}\n")).collect();
        match socket.send(message.as_bytes()) {
            Ok(_) => self.failing.store(false, Ordering::Relaxed),
            Err(error) if self.failing.swap(true, Ordering::Relaxed) => {
                log::debug!("the service manager was not told: {error}");
            }
            Err(error) => log::warn!("the service manager was not told: {error}"),
        }
    }
}

/// A datagram socket to a path, or to an abstract name where the address begins with `@`.
fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What a child says that calls everything with these variables set: its environment is
    /// its own, while that of a test belongs to all of them.
    fn said(socket: &UnixDatagram, address: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "serve::notify::tests::says_everything", "--ignored", "--nocapture"])
            .env("NOTIFY_SOCKET", address)
            .env_remove("WATCHDOG_PID")
            .env_remove("WATCHDOG_USEC")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        socket.set_nonblocking(true).unwrap();
        let mut messages = Vec::new();
        let mut bytes = [0; 1000];
        while let Ok(length) = socket.recv(&mut bytes) {
            messages.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
        }
        let printed = String::from_utf8(output.stdout).unwrap();
        messages.extend(printed.lines().filter(|l| l.starts_with("interval")).map(str::to_owned));
        messages
    }

    #[test]
    #[ignore = "the child of the tests below"]
    fn says_everything() {
        let notifier = Notifier::from_env();
        notifier.ready();
        notifier.status("running:\nMAINPID=1");
        notifier.watchdog();
        notifier.reloading();
        notifier.stopping();
        println!("\ninterval {:?}", notifier.watchdog_interval());
    }

    #[test]
    fn each_message_is_one_datagram_as_the_manual_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let said = said(&socket, path.to_str().unwrap(), &[("WATCHDOG_USEC", "30000000")]);
        let [ready, status, watchdog, reloading, stopping, interval] = &said[..] else {
            panic!("{said:?}");
        };
        assert_eq!(ready, "READY=1\n");
        assert_eq!(status, "STATUS=running: MAINPID=1\n");
        assert_eq!(watchdog, "WATCHDOG=1\n");
        let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        let since: u64 = since.trim_end().parse().unwrap();
        let now = SystemClock.now().0 / 1000;
        assert!((now - 60_000_000..=now).contains(&since), "{since} of {now}");
        assert_eq!(stopping, "STOPPING=1\n");
        assert_eq!(interval, "interval Some(30s)");
    }

    #[test]
    fn an_abstract_socket_is_reached_and_another_process_s_watchdog_ignored() {
        let name = format!("tyto-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let variables = [("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")];
        let said = said(&socket, &format!("@{name}"), &variables);
        assert_eq!(said.first().map(String::as_str), Some("READY=1\n"));
        assert_eq!(said.last().map(String::as_str), Some("interval None"));
    }

    #[test]
    fn without_a_manager_nothing_is_said_and_nothing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        for address in ["", folder.path().join("nobody").to_str().unwrap()] {
            assert_eq!(said(&socket, address, &[]), ["interval None"]);
        }
        Notifier::default().ready();
        assert!(!Notifier::default().listens());
    }
}
