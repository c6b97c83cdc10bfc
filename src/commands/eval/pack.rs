//! A model pack as a system under test: the same looks as `tyto locate` takes.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::path::PathBuf;
use std::rc::Rc;

use tyto::encode::ImageMap;
use tyto::error::{Error, Kind, Result};
use tyto::evaluate::system::{Found, Prediction, Scene, Sound, System};
use tyto::evaluate::{mix, picture};

use crate::commands::locate::looker::{Heard, Looker};

/// Encoded pictures and sounds that are kept for later looks: about 300 MB of the default pack's.
const KEPT: usize = 4096;

/// A pack that answers scenes.
pub struct PackSystem {
    looker: Looker,
    pictures: Cache<Vec<PathBuf>, ImageMap>,
    sounds: Cache<String, Heard>,
}

impl PackSystem {
    /// The pack that `looker` holds.
    pub fn new(looker: Looker) -> PackSystem {
        PackSystem { looker, pictures: Cache::default(), sounds: Cache::default() }
    }

    /// How often each encoder ran, and how long it took.
    pub fn spent(&self) -> String {
        self.looker.spent()
    }
}

impl System for PackSystem {
    fn title(&self) -> String {
        self.looker.model.clone()
    }

    fn needs_media(&self) -> bool {
        true
    }

    fn look(&mut self, scene: &Scene) -> Result<Prediction> {
        let looker = &mut self.looker;
        let seen = self
            .pictures
            .get(scene.pictures.clone(), || looker.see(&picture::side_by_side(&scene.pictures)?))?;
        let heard = match &scene.sound {
            // Made for this scene alone.
            sound @ Sound::Mix(_) => Rc::new(looker.listen(mix::samples(sound)?)?),
            sound => {
                self.sounds.get(format!("{sound:?}"), || looker.listen(mix::samples(sound)?))?
            }
        };
        let answer = looker.aligner.answer(&seen, &heard.vector);
        if heard.silent {
            return Ok(Prediction {
                map: Some(answer.map),
                confidence: Some(0.0),
                on_screen: Some(false),
                sources: Vec::new(),
            });
        }
        let found = |source: tyto::align::Source| Found {
            label: Some(source.label.to_string()),
            confidence: Some(f64::from(source.confidence)),
            on_screen: source.on_screen,
            peak: source.peak.map(f64::from),
            map: Some(source.map),
        };
        let sources = looker.aligner.look(Some(&seen), &heard.vector);
        Ok(Prediction {
            map: Some(answer.map),
            confidence: Some(f64::from(answer.confidence)),
            on_screen: Some(answer.on_screen),
            sources: sources.into_iter().map(found).collect(),
        })
    }
}

/// What was made, or why it could not be; the oldest goes when there are too many.
struct Cache<K, V> {
    made: HashMap<K, std::result::Result<Rc<V>, String>>,
    order: VecDeque<K>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Cache { made: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// What `make` makes the first time; a faulty file is tried once.
    fn get(&mut self, key: K, make: impl FnOnce() -> Result<V>) -> Result<Rc<V>> {
        let again = |made: &std::result::Result<Rc<V>, String>| match made {
            Ok(value) => Ok(Rc::clone(value)),
            Err(why) => Err(Error::new(Kind::Media, "scene", why.clone())),
        };
        if let Some(made) = self.made.get(&key) {
            return again(made);
        }
        let made = match make() {
            Ok(value) => Ok(Rc::new(value)),
            Err(error) if error.kind() == Kind::Media => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.made.remove(&oldest);
        }
        let value = again(&made);
        self.order.push_back(key.clone());
        self.made.insert(key, made);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_made_once_and_a_faulty_one_is_not_tried_again() {
        let mut cache = Cache::<u32, u32>::default();
        assert_eq!(*cache.get(1, || Ok(10)).unwrap(), 10);
        assert_eq!(*cache.get(1, || unreachable!("it is known")).unwrap(), 10);
        assert!(cache.get(2, || Err(Error::new(Kind::Media, "x", "is bad"))).is_err());
        let again = cache.get(2, || unreachable!("it is known to be bad")).unwrap_err();
        assert!(again.to_string().contains("x: is bad"), "{again}");
        assert!(cache.get(3, || Err(Error::new(Kind::Pack, "net", "failed"))).is_err());
        assert_eq!(*cache.get(3, || Ok(30)).unwrap(), 30);
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut cache = Cache::<usize, usize>::default();
        for key in 0..=KEPT {
            cache.get(key, || Ok(key)).unwrap();
        }
        assert_eq!(cache.made.len(), KEPT);
        assert_eq!(*cache.get(0, || Ok(77)).unwrap(), 77);
    }
}
