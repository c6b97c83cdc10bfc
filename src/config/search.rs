//! Where board profiles and model packs are looked for.

use std::path::{Path, PathBuf};

use super::document::suggest;
use crate::error::{Error, Kind, Result};

/// Where a package installs what does not depend on the machine.
const SHARE: &str = "/usr/share/tyto";

/// The file that makes a folder a model pack.
const PACK: &str = "pack.toml";

/// The folders that may hold board profiles, in the order they are asked: `own` (of the
/// configuration), `board` in the working directory, `/usr/share/tyto/board`.
pub fn board_dirs(own: &[PathBuf]) -> Vec<PathBuf> {
    with_usual(own, "board")
}

/// The folders that may hold model packs, in the order they are asked: `own`, `models` in the
/// working directory, `/usr/share/tyto/models`.
pub fn pack_dirs(own: &[PathBuf]) -> Vec<PathBuf> {
    with_usual(own, "models")
}

fn with_usual(own: &[PathBuf], kind: &str) -> Vec<PathBuf> {
    own.iter().cloned().chain([PathBuf::from(kind), Path::new(SHARE).join(kind)]).collect()
}

/// The folder of the pack `wanted`: the folder itself if it holds a `pack.toml` or `wanted`
/// contains a `/`, else the first of `dirs` that has a pack of this name.
///
/// # Errors
/// [`Kind::Pack`]: there is none; the message says where was looked and what is there.
pub fn find_pack(wanted: &str, dirs: &[PathBuf]) -> Result<PathBuf> {
    let own = PathBuf::from(wanted);
    if is_pack(&own) {
        return Ok(own);
    }
    if wanted.contains('/') {
        let wrong = if own.is_dir() { "has no pack.toml" } else { "no such folder" };
        return Err(Error::new(Kind::Pack, wanted, wrong)
            .hint("a model pack is a folder with a pack.toml and the files it names"));
    }
    if let Some(found) = dirs.iter().map(|dir| dir.join(wanted)).find(|dir| is_pack(dir)) {
        return Ok(found);
    }
    let places: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let wrong = format!("no such model pack in {}", places.join(", "));
    Err(Error::new(Kind::Pack, wanted, wrong).hint(suggest(wanted, &known_packs(dirs))))
}

/// The names of the packs in `dirs`, sorted, each once.
pub fn known_packs(dirs: &[PathBuf]) -> Vec<String> {
    let entries = dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| is_pack(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_pack(dir: &Path) -> bool {
    dir.join(PACK).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the packs `barn` and `tawny`, and one that is none.
    fn aviary() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["barn", "tawny", "empty"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in ["barn", "tawny"] {
            std::fs::write(dir.path().join(name).join(PACK), "").unwrap();
        }
        dir
    }

    #[test]
    fn a_pack_is_found_by_name_and_by_folder() {
        let dir = aviary();
        let dirs = [dir.path().to_owned()];
        let barn = dir.path().join("barn");
        assert_eq!(find_pack("barn", &dirs).unwrap(), barn);
        assert_eq!(find_pack(barn.to_str().unwrap(), &[]).unwrap(), barn);
    }

    #[test]
    fn an_unknown_pack_is_answered_with_those_that_are_known() {
        let dir = aviary();
        let error = find_pack("twany", &[dir.path().to_owned()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Pack);
        let text = error.to_string();
        assert!(text.ends_with("(did you mean `tawny`? Known: barn, tawny)"), "{text}");
    }

    #[test]
    fn a_folder_that_is_no_pack_says_so() {
        let dir = aviary();
        let empty = dir.path().join("empty");
        let error = find_pack(empty.to_str().unwrap(), &[]).unwrap_err().to_string();
        assert!(error.contains("has no pack.toml"), "{error}");
        let error = find_pack("./nowhere/at/all", &[]).unwrap_err().to_string();
        assert!(error.contains("no such folder"), "{error}");
    }

    #[test]
    fn own_folders_are_asked_before_the_usual_ones() {
        let dirs = board_dirs(&[PathBuf::from("/opt/owl")]);
        let expected = ["/opt/owl", "board", "/usr/share/tyto/board"].map(PathBuf::from);
        assert_eq!(dirs, expected);
    }
}
