//! Notices that a device was plugged in, so that a lost one need not wait for its next turn.
//!
//! It watches the folders that device nodes appear in (inotify(7)). A machine that refuses this
//! loses time and nothing else: devices are tried again anyway.

use std::mem::MaybeUninit;
use std::path::PathBuf;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

/// Where the nodes of cameras and microphones appear. `/dev/snd` comes and goes with its cards.
const FOLDERS: [&str; 2] = ["/dev", "/dev/snd"];
/// What their names begin with.
const NAMES: [&str; 5] = ["video", "media", "snd", "pcm", "control"];

/// Watches for nodes that appear, or that others may open from now on.
pub(super) struct Arrivals {
    queue: OwnedFd,
    folders: Vec<PathBuf>,
}

impl Arrivals {
    /// Watches where this machine has its devices; `None` if the system does not allow it.
    pub fn of_devices() -> Option<Arrivals> {
        Arrivals::within(FOLDERS.map(PathBuf::from).to_vec())
    }

    fn within(folders: Vec<PathBuf>) -> Option<Arrivals> {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let queue = queue
            .inspect_err(|error| log::debug!("arrivals of devices are not noticed: {error}"))
            .ok()?;
        let arrivals = Arrivals { queue, folders };
        arrivals.watch();
        Some(arrivals)
    }

    /// Whether something arrived since the last time. It does not wait.
    pub fn any(&mut self) -> bool {
        let mut space = [MaybeUninit::uninit(); 4096];
        let (mut events, mut arrived) = (Reader::new(&self.queue, &mut space), false);
        let mut happened = false;
        while let Ok(event) = events.next() {
            happened = true;
            let name = event.file_name().map(|name| name.to_string_lossy());
            arrived |= name.is_some_and(|name| NAMES.iter().any(|start| name.starts_with(start)));
        }
        if happened {
            // A folder that came back is another one.
            self.watch();
        }
        arrived
    }

    /// Watches every folder that is there; one that is watched already stays so.
    fn watch(&self) {
        // Permissions are given after the node is made.
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB;
        for folder in &self.folders {
            // One that is not there is announced by the one that it will be in.
            let _ = inotify::add_watch(&self.queue, folder, flags);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, Permissions, create_dir, remove_dir_all, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_node_that_appears_or_may_be_opened_now_is_noticed_once() {
        let dev = tempfile::tempdir().unwrap();
        let snd = dev.path().join("snd");
        let mut arrivals = Arrivals::within(vec![dev.path().to_owned(), snd.clone()]).unwrap();
        assert!(!arrivals.any());
        let node = dev.path().join("video0");
        File::create(&node).unwrap();
        assert!(arrivals.any());
        assert!(!arrivals.any());
        set_permissions(&node, Permissions::from_mode(0o660)).unwrap();
        assert!(arrivals.any());
        File::create(dev.path().join("ttyUSB0")).unwrap();
        assert!(!arrivals.any());
    }

    #[test]
    fn a_folder_that_comes_and_goes_is_watched_whenever_it_is_there() {
        let dev = tempfile::tempdir().unwrap();
        let snd = dev.path().join("snd");
        let mut arrivals = Arrivals::within(vec![dev.path().to_owned(), snd.clone()]).unwrap();
        for _ in 0..3 {
            create_dir(&snd).unwrap();
            assert!(arrivals.any());
            File::create(snd.join("pcmC0D0c")).unwrap();
            assert!(arrivals.any());
            remove_dir_all(&snd).unwrap();
            arrivals.any();
            assert!(!arrivals.any());
        }
    }
}
