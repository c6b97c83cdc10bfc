//! Finding an item's files below the media folders, whatever the folders are called.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::item::{Medium, Wanted};
use crate::error::{Error, Kind, Result};

/// Folders below a media folder are searched this deep.
const DEEPEST: usize = 8;

/// Every picture, sound and mask below some folders, by name.
#[derive(Debug, Default)]
pub struct Media {
    /// By the last part of the name, without extension.
    files: HashMap<String, Vec<PathBuf>>,
}

impl Media {
    /// Looks through `folders`, deep. Links are followed.
    ///
    /// # Errors
    /// [`Kind::Media`]: one of `folders` is no folder that can be read.
    pub fn below(folders: &[PathBuf]) -> Result<Media> {
        let mut media = Media::default();
        for folder in folders {
            media.add(folder, DEEPEST).map_err(|error| {
                Error::new(Kind::Media, folder.display(), "is no folder that can be read")
                    .because(error)
            })?;
        }
        media.files.values_mut().for_each(|paths| paths.sort());
        Ok(media)
    }

    fn add(&mut self, folder: &Path, depth: usize) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if depth > 0 {
                    // A folder within that cannot be read has nothing to give.
                    let _ = self.add(&path, depth - 1);
                }
            } else if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                self.files.entry(stem.to_owned()).or_default().push(path);
            }
        }
        Ok(())
    }

    /// The file that is wanted. Of several that fit, the one whose folders agree best with the
    /// name's; a name with folders needs at least its last one to agree.
    pub fn find(&self, wanted: &Wanted) -> Option<PathBuf> {
        if let Some(path) = wanted.path.as_ref().filter(|path| path.is_file()) {
            return Some(path.clone());
        }
        wanted.names.iter().find_map(|name| self.named(name, wanted.medium))
    }

    fn named(&self, name: &str, medium: Medium) -> Option<PathBuf> {
        let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
        let (stem, folders) = parts.split_last()?;
        let agree = |path: &PathBuf| {
            let above = path.parent().map(Path::components).into_iter().flatten().rev();
            let theirs = folders.iter().rev();
            above.zip(theirs).take_while(|(a, b)| a.as_os_str() == **b).count()
        };
        let mut best: Option<(usize, &PathBuf)> = None;
        for path in self.files.get(*stem)?.iter().filter(|path| fits(path, medium)) {
            let agreed = agree(path);
            if best.is_none_or(|(most, _)| agreed > most) {
                best = Some((agreed, path));
            }
        }
        best.filter(|(agreed, _)| *agreed >= folders.len().min(1)).map(|(_, path)| path.clone())
    }
}

fn fits(path: &Path, medium: Medium) -> bool {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let any = |ends: &[&str]| ends.iter().any(|end| extension.eq_ignore_ascii_case(end));
    match medium {
        Medium::Picture => any(&["jpg", "jpeg", "png"]),
        Medium::Sound => any(&["wav"]),
        Medium::Mask => any(&["png", "npy", "pkl", "pickle"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(files: &[&str]) -> (tempfile::TempDir, Media) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let media = Media::below(&[folder.path().to_owned()]).unwrap();
        (folder, media)
    }

    #[test]
    fn a_file_is_found_by_name_and_kind_however_deep_it_lies() {
        let (folder, media) = media(&["a/b/clip.jpg", "sounds/clip.wav", "clip.txt"]);
        let find = |medium| media.find(&Wanted::named(medium, ["clip"]));
        assert_eq!(find(Medium::Picture), Some(folder.path().join("a/b/clip.jpg")));
        assert_eq!(find(Medium::Sound), Some(folder.path().join("sounds/clip.wav")));
        assert_eq!(find(Medium::Mask), None);
    }

    #[test]
    fn folders_of_the_name_decide_between_files_of_one_name() {
        let (folder, media) =
            media(&["frames/x_1/f.png", "frames/x_2/f.png", "masks/x_2/f.png", "loose.png"]);
        let find = |name: &str| media.find(&Wanted::named(Medium::Picture, [name]));
        assert_eq!(find("/mnt/frames/x_2/f"), Some(folder.path().join("frames/x_2/f.png")));
        assert_eq!(find("masks/x_2/f"), Some(folder.path().join("masks/x_2/f.png")));
        assert_eq!(find("frames/x_9/f"), None);
        assert_eq!(find("elsewhere/loose"), None);
    }

    #[test]
    fn the_second_name_is_tried_when_the_first_is_not_there() {
        let (folder, media) = media(&["id_000030/image_050.jpg"]);
        let wanted = Wanted::named(Medium::Picture, ["id_000030", "id_000030/image_050"]);
        assert_eq!(media.find(&wanted), Some(folder.path().join("id_000030/image_050.jpg")));
    }

    #[test]
    fn a_media_folder_that_is_none_is_an_error_that_names_it() {
        let error = Media::below(&[PathBuf::from("no/such/folder")]).unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder: is no folder"), "{error}");
    }
}
