//! What several rows share is made once, and dropped after the last of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tyto::error::{Kind, Result};

/// What became of a file: what was made of it, or why it cannot be used.
pub type Made<T> = std::result::Result<Rc<T>, String>;

/// Things made from files, kept while rows to come still need them.
pub struct Shared<T> {
    /// How often each file is still asked for.
    uses: HashMap<PathBuf, usize>,
    made: HashMap<PathBuf, Made<T>>,
}

impl<T> Shared<T> {
    /// One that expects to be asked for each of `paths`, as often as it occurs.
    pub fn counting<'a>(paths: impl Iterator<Item = &'a Path>) -> Shared<T> {
        let mut uses = HashMap::new();
        for path in paths {
            *uses.entry(path.to_owned()).or_insert(0) += 1;
        }
        Shared { uses, made: HashMap::new() }
    }

    /// What is made of `path`; `make` runs the first time only, also if it failed.
    ///
    /// # Errors
    /// Only what is no fault of the file (the pack's encoder fails); the file's own faults are in
    /// the value.
    pub fn get(&mut self, path: &Path, make: impl FnOnce(&Path) -> Result<T>) -> Result<Made<T>> {
        let made = match self.made.remove(path) {
            Some(made) => made,
            None => match make(path) {
                Ok(thing) => Ok(Rc::new(thing)),
                Err(error) if error.kind() == Kind::Media => Err(error.to_string()),
                Err(error) => return Err(error),
            },
        };
        if let Some(uses) = self.uses.get_mut(path) {
            *uses = uses.saturating_sub(1);
            if *uses > 0 {
                self.made.insert(path.to_owned(), made.clone());
            }
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tyto::error::Error;

    #[test]
    fn a_file_is_made_once_and_dropped_after_its_last_use() {
        let (a, b) = (Path::new("a"), Path::new("b"));
        let mut shared = Shared::counting([a, b, a].into_iter());
        let mut made = 0;
        let mut get = |path: &Path, shared: &mut Shared<String>| {
            shared.get(path, |path| {
                made += 1;
                Ok(path.display().to_string())
            })
        };
        let first = get(a, &mut shared).unwrap().unwrap();
        assert_eq!(first.as_str(), "a");
        get(b, &mut shared).unwrap().unwrap();
        assert_eq!(shared.made.len(), 1);
        get(a, &mut shared).unwrap().unwrap();
        assert!(shared.made.is_empty());
        assert_eq!((made, Rc::strong_count(&first)), (2, 1));
    }

    #[test]
    fn a_faulty_file_is_tried_once_and_a_failing_encoder_ends_everything() {
        let path = Path::new("x");
        let mut shared = Shared::<()>::counting([path, path].into_iter());
        let bad = shared.get(path, |_| Err(Error::new(Kind::Media, "x", "is no picture"))).unwrap();
        assert_eq!(bad.unwrap_err(), "x: is no picture");
        let again = shared.get(path, |_| unreachable!("it is known to be faulty")).unwrap();
        assert!(again.is_err());
        assert!(shared.get(path, |_| Err(Error::new(Kind::Pack, "net", "failed"))).is_err());
    }
}
