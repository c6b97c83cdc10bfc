//! Getting the socket, and giving it back.

use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mio::net::{UnixListener, UnixStream};
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::Options;
use crate::error::{Error, Kind, Result};

/// `sun_path` of unix(7) has 108 bytes, the last of them zero.
const LONGEST_PATH: usize = 107;

/// A listening socket. Dropping it removes its path if this process has bound it, and it is
/// not another's by now.
pub(super) struct Bound {
    pub listener: UnixListener,
    own: Option<Arc<Own>>,
}

/// A path that this process has bound.
pub(super) struct Own {
    path: PathBuf,
    identity: (u64, u64),
}

impl Bound {
    /// Binds the socket of `options`, in place of a dead one if need be.
    pub fn new(options: &Options) -> Result<Bound> {
        let path = options.path.as_path();
        let length = path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH {
            return Err(wrong(path, format!("the path has {length} bytes")).hint(format!(
                "a socket's path has at most {LONGEST_PATH}: choose a shorter one"
            )));
        }
        let gid = wanted_group(options)?;
        // Held while a dead socket is told from a live one and replaced: otherwise two
        // daemons that start together could each remove the other's.
        let _lock = lock_folder(path)?;
        clear_dead(path)?;
        let listener = UnixListener::bind(path).map_err(|error| bind_error(path, error))?;
        let identity = identity(path)
            .map_err(|error| wrong(path, "cannot be looked at after binding").because(error))?;
        let bound =
            Bound { listener, own: Some(Arc::new(Own { path: path.to_owned(), identity })) };
        admit(path, gid, options.mode)?;
        Ok(bound)
    }

    /// The path, if this process has bound it.
    pub fn own(&self) -> Option<Arc<Own>> {
        self.own.clone()
    }

    /// A socket that was bound by another, who also cares for its path, group and mode.
    ///
    /// # Errors
    /// The system refuses to make it non-blocking.
    pub fn handed(listener: std::os::unix::net::UnixListener, path: &Path) -> Result<Bound> {
        listener
            .set_nonblocking(true)
            .map_err(|error| wrong(path, "cannot be waited on").because(error))?;
        Ok(Bound { listener: UnixListener::from_std(listener), own: None })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let Some(own) = &self.own else { return };
        let path = own.path.as_path();
        let _lock = lock_folder(path);
        match identity(path) {
            // The listener still lives here and keeps its inode: no other socket can have the
            // same number.
            Ok(found) if found == own.identity => {
                if let Err(error) = fs::remove_file(path) {
                    log::warn!("{}: cannot be removed: {error}", path.display());
                }
            }
            _ => log::warn!("{}: is another's by now and stays", path.display()),
        }
    }
}

impl Own {
    /// Gives the socket another group and mode; those who are connected stay.
    ///
    /// # Errors
    /// There is no such group, or the socket cannot be given to it, or is another's by now.
    pub fn admit(&self, options: &Options) -> Result<()> {
        let gid = wanted_group(options)?;
        // Without a group, that of the process, which it had when it was bound.
        let gid = gid.unwrap_or_else(|| rustix::process::getegid().as_raw());
        let _lock = lock_folder(&self.path)?;
        if identity(&self.path).ok() != Some(self.identity) {
            return Err(wrong(&self.path, "is another's by now"));
        }
        admit(&self.path, Some(gid), options.mode)
    }
}

fn wanted_group(options: &Options) -> Result<Option<u32>> {
    options.group.as_deref().map(|group| group_id(&options.path, group)).transpose()
}

/// Lets those in who may connect.
fn admit(path: &Path, gid: Option<u32>, mode: u32) -> Result<()> {
    // First the group, then the mode: the umask has left no more rights than the daemon's own,
    // and none may be added for the wrong group meanwhile.
    if let Some(gid) = gid {
        chown(path, None, Some(gid)).map_err(|error| {
            wrong(path, format!("cannot be given to group {gid}"))
                .because(error)
                .hint("the daemon must belong to that group: SupplementaryGroups= of its unit")
        })?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| wrong(path, format!("cannot be given mode {mode:#o}")).because(error))
}

fn wrong(path: &Path, wrong: impl Into<String>) -> Error {
    Error::new(Kind::Socket, path.display(), wrong)
}

/// Device and inode: what tells this socket from another at the same path.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

/// An advisory lock on the folder itself, so that no lock file is left behind.
fn lock_folder(path: &Path) -> Result<OwnedFd> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| {
        let error = std::io::Error::from(error);
        let folder = folder.display();
        match error.kind() {
            ErrorKind::NotFound => wrong(path, format!("its folder {folder} is not there"))
                .hint(format!("create it with `mkdir -p {folder}`, or let systemd do it: RuntimeDirectory=tyto")),
            ErrorKind::NotADirectory => wrong(path, format!("{folder} is not a folder"))
                .hint("choose another path for the socket"),
            _ => wrong(path, format!("its folder {folder} cannot be opened")).because(error),
        }
    })?;
    for _ in 0..40 {
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(opened),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => {
                return Err(
                    wrong(path, "its folder cannot be locked").because(std::io::Error::from(error))
                );
            }
        }
    }
    Err(wrong(path, "another program holds the lock on its folder").hint("try again"))
}

/// Removes the socket that a daemon left behind when it died. Anything else stays.
fn clear_dead(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(wrong(path, "cannot be looked at").because(error)),
    };
    if !found.file_type().is_socket() {
        let what = if found.is_dir() { "a folder" } else { "a file, not a socket" };
        return Err(wrong(path, format!("there is {what} of that name"))
            .hint("choose another path, or move it out of the way yourself"));
    }
    // Not the blocking kind of the standard library: it would wait for as long as a
    // stuck daemon leaves its queue of connections full.
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            log::info!("{}: removed, its daemon is gone", path.display());
            fs::remove_file(path)
                .map_err(|error| wrong(path, "a dead socket that cannot be removed").because(error))
        }
        Ok(_) => Err(taken(path)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(taken(path)),
        Err(error) => Err(wrong(path, "is a socket of somebody else")
            .because(error)
            .hint("choose another path, or remove it yourself")),
    }
}

fn taken(path: &Path) -> Error {
    wrong(path, "taken by a running daemon")
        .hint("stop that one first, or give this one a path of its own with --socket")
}

fn bind_error(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            wrong(path, "its folder is not writable for this user")
                .because(error)
                .hint("run as the user that owns the folder, or choose another path with --socket")
        }
        _ => wrong(path, "cannot be bound").because(error),
    }
}

/// The number of a group, from its number or its name in `/etc/group`.
fn group_id(path: &Path, group: &str) -> Result<u32> {
    if let Ok(gid) = group.parse() {
        return Ok(gid);
    }
    let database = fs::read("/etc/group")
        .map_err(|error| wrong(path, "cannot look up its group in /etc/group").because(error))?;
    find_group(&String::from_utf8_lossy(&database), group).ok_or_else(|| {
        wrong(path, format!("there is no group \"{group}\" in /etc/group")).hint(format!(
            "create it with `groupadd --system {group}`, or name another: socket.group"
        ))
    })
}

/// The third field of the line that begins with the name; see group(5).
fn find_group(database: &str, group: &str) -> Option<u32> {
    database.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == group).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let database = "root:x:0:\n# comment\ntytonic:x:7:\ntyto:x:998:pi,ada\n";
        assert_eq!(find_group(database, "tyto"), Some(998));
        assert_eq!(find_group(database, "tyt"), None);
        assert_eq!(find_group(database, ""), None);
    }
}
