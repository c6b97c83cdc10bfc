//! A file that is there whole or as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tyto::error::{Error, Kind, Result};

/// Puts `text` in the place of what the file holds; whoever reads it meanwhile gets the one or
/// the other, never a part. Everybody may read the file, as the collector is another user.
///
/// # Errors
/// `Kind::System`: the path names no file, its folder cannot be written to, or the disk is
/// full. What the file held is then untouched.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let wrong = |wrong: &str| Error::new(Kind::System, path.display(), wrong);
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(wrong("is no name for a file"));
    };
    // Begins with a dot and has another ending: the collector takes `*.prom` only. With the
    // process's number, so that two writers do not write into each other's.
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(beside);
    write(&beside, text).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // It may not even have come to be.
        let _ = fs::remove_file(&beside);
        wrong("cannot be written")
            .because(error)
            .hint("its folder must be there, with the right to write and some room")
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // One that a killed process of the same number left is no obstacle, but a link that
    // somebody laid there is not followed.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    // Whatever the umask took away.
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tyto.prom");
        replace(&path, "one\n").unwrap();
        let mut reader = File::open(&path).unwrap();
        replace(&path, "two and more\n").unwrap();
        let mut read = String::new();
        io::Read::read_to_string(&mut reader, &mut read).unwrap();
        assert_eq!(read, "one\n", "who has it open goes on reading what it opened");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two and more\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(names(dir.path()), ["tyto.prom"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().join("no/such/folder.prom"), dir.path().to_owned(), "/".into()] {
            let error = replace(&path, "x").unwrap_err();
            assert_eq!(error.kind(), Kind::System);
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
        // A folder where the new file would be laid down stands for a disk that is full.
        let path = dir.path().join("tyto.prom");
        replace(&path, "old\n").unwrap();
        fs::create_dir(dir.path().join(format!(".tyto.prom.{}", std::process::id()))).unwrap();
        replace(&path, "new\n").unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
    }

    #[test]
    fn a_link_that_lies_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let beside = dir.path().join(format!(".tyto.prom.{}", std::process::id()));
        symlink(&precious, &beside).unwrap();
        replace(&dir.path().join("tyto.prom"), "new\n").unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }
}
