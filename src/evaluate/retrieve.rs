//! Retrieval: which picture goes with a sound, and which sound with a picture?
//!
//! Every picture and every sound of the items in view is taken once. The score of a picture and a
//! sound is the peak of their map. By class, every answer of the query's class is right; by pair,
//! only those that an item joins. Where several items share a file all of its partners are right.

use super::item::{Dataset, Item, Wanted};
use super::measure::{self as m, Scores, add};
use super::metrics::retrieval::{median_rank, rank, recall_at};
use super::report::{Report, Row, Table};
use super::run::Run;
use super::system::Sound;
use crate::error::Result;

/// Whether the items of a query and those of an answer belong together.
type Right<'a> = dyn Fn(&[&Item], &[&Item]) -> bool + 'a;

/// Pictures or sounds, each once, with the items that they occur in.
struct Gallery<'a> {
    entries: Vec<(&'a Wanted, Vec<&'a Item>)>,
}

impl<'a> Gallery<'a> {
    fn of(items: &'a [Item], file: fn(&Item) -> &[Wanted]) -> Gallery<'a> {
        let mut entries: Vec<(&Wanted, Vec<&Item>)> = Vec::new();
        for item in items.iter().filter(|item| !item.sounding.is_empty()) {
            // An item made of several pictures or sounds is no single query.
            let [wanted] = file(item) else { continue };
            match entries.iter_mut().find(|(known, _)| *known == wanted) {
                Some((_, items)) => items.push(item),
                None => entries.push((wanted, vec![item])),
            }
        }
        Gallery { entries }
    }
}

/// Compares every picture with every sound of each set.
///
/// # Errors
/// What ends a run; see [`Run::look`].
pub fn score(run: &mut Run<'_>, protocol: &str, sets: &[Dataset]) -> Result<Report> {
    let galleries: Vec<(Gallery<'_>, Gallery<'_>)> = sets
        .iter()
        .map(|set| {
            (
                Gallery::of(&set.items, |item| &item.pictures),
                Gallery::of(&set.items, |item| &item.sounds),
            )
        })
        .collect();
    let total: usize = galleries.iter().map(|(p, s)| p.entries.len() * s.entries.len()).sum();
    let (mut done, mut tables) = (0, Vec::new());
    for (set, (pictures, sounds)) in sets.iter().zip(&galleries) {
        let mut scores =
            vec![vec![f64::NEG_INFINITY; sounds.entries.len()]; pictures.entries.len()];
        for (picture, line) in pictures.entries.iter().zip(&mut scores) {
            for (sound, score) in sounds.entries.iter().zip(line) {
                let id = format!("{}|{}", name(picture.0), name(sound.0));
                let (picture, sound) =
                    (std::slice::from_ref(picture.0), std::slice::from_ref(sound.0));
                match run.look(&id, picture, sound, |mut paths| Sound::File(paths.remove(0)))? {
                    Ok(prediction) => {
                        let map = prediction.and_then(|prediction| prediction.map);
                        *score = map.map_or(f64::NEG_INFINITY, |map| f64::from(map.peak().1));
                    }
                    Err(why) => run.lacks(&id, why),
                }
                done += 1;
                (run.progress)(done, total);
            }
        }
        let title = run.system.as_ref().map(|system| system.title());
        tables.push(table(set, title.as_deref(), pictures, sounds, &scores));
    }
    let mut report = run.report(protocol, sets, total);
    report.tables = tables;
    report.notes.push(
        "Score: the peak of the map of a picture and a sound. A tie with a wrong answer is lost. \
         chance: the mean over all orders."
            .to_owned(),
    );
    Ok(report)
}

fn name(wanted: &Wanted) -> &str {
    wanted.names.first().map_or("", String::as_str)
}

fn table(
    set: &Dataset,
    title: Option<&str>,
    pictures: &Gallery<'_>,
    sounds: &Gallery<'_>,
    scores: &[Vec<f64>],
) -> Table {
    let class = |a: &[&Item], b: &[&Item]| a.iter().any(|a| b.iter().any(|b| a.class == b.class));
    let pair = |a: &[&Item], b: &[&Item]| a.iter().any(|a| b.iter().any(|b| a.id == b.id));
    let across: Vec<Vec<f64>> = (0..sounds.entries.len())
        .map(|sound| scores.iter().map(|line| line.get(sound).copied().unwrap_or(0.0)).collect())
        .collect();
    let mut rows = Vec::new();
    let directions = [
        ("sound to picture", sounds, pictures, &across[..]),
        ("picture to sound", pictures, sounds, scores),
    ];
    for (direction, queries, answers, scores) in directions {
        let kinds: [(&str, &Right<'_>); 2] = [("class", &class), ("pair", &pair)];
        for (kind, right) in kinds {
            let is_right = |query: &(&Wanted, Vec<&Item>)| -> Vec<bool> {
                answers.entries.iter().map(|(_, items)| right(&query.1, items)).collect()
            };
            let rights: Vec<Vec<bool>> = queries.entries.iter().map(is_right).collect();
            if let Some(title) = title {
                let of = |(scores, right): (&Vec<f64>, &Vec<bool>)| rank(scores, |i| right[i]);
                let ranks: Vec<usize> = scores.iter().zip(&rights).filter_map(of).collect();
                let mut found = Scores::new();
                for (measure, k) in [(m::R1, 1), (m::R5, 5), (m::R10, 10)] {
                    add(&mut found, measure, recall_at(&ranks, k));
                }
                add(&mut found, m::MEDIAN_RANK, median_rank(&ranks));
                let who = format!("{title}, {direction}, by {kind}");
                rows.push(Row { who, n: ranks.len(), scores: found });
            }
            let mut chance = Scores::new();
            for (measure, k) in [(m::R1, 1), (m::R5, 5), (m::R10, 10)] {
                let of = |right: &Vec<bool>| {
                    by_chance(right.len(), right.iter().filter(|yes| **yes).count(), k)
                };
                add(&mut chance, measure, super::metrics::success::mean(rights.iter().map(of)));
            }
            let who = format!("chance, {direction}, by {kind}");
            rows.push(Row { who, n: rights.len(), scores: chance });
        }
    }
    Table { title: set.name.clone(), rows }
}

/// How likely it is that a random order of `all` answers has one of `right` right ones among its
/// first `k`: 1 − C(all − right, k) / C(all, k).
fn by_chance(all: usize, right: usize, k: usize) -> f64 {
    if right == 0 {
        return 0.0;
    }
    let miss = |i: usize| (all - right).saturating_sub(i) as f64 / (all - i) as f64;
    1.0 - (0..k.min(all)).map(miss).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_counts_the_orders_with_a_right_answer_in_front() {
        assert!((by_chance(10, 1, 1) - 0.1).abs() < 1e-12);
        assert!((by_chance(10, 1, 5) - 0.5).abs() < 1e-12);
        // Of the six pairs of four answers one has neither of the two right ones.
        assert!((by_chance(4, 2, 2) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!((by_chance(3, 2, 10), by_chance(3, 0, 2)), (1.0, 0.0));
    }
}
