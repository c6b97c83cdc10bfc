//! What a run found, as JSON and as Markdown.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::item::Repairs;
use super::measure::{Measure, Scores};
use super::metrics::calibration::{Bin, Operating};

/// Everything that a run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// This program's version.
    pub tyto: String,
    /// The protocol's name.
    pub protocol: String,
    /// What was measured.
    pub predictor: String,
    /// What it was measured on.
    pub sets: Vec<SetInfo>,
    /// How many items were asked for.
    pub items: usize,
    /// How many were scored.
    pub scored: usize,
    /// Those that were not, and why. They count as no success anywhere.
    pub missing: Vec<Missing>,
    /// The scores.
    pub tables: Vec<Table>,
    /// Reliability diagrams, one for each set that has confidences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reliability: Vec<Reliability>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// One set of items.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetInfo {
    /// Its name.
    pub name: String,
    /// Its items.
    pub items: usize,
    /// What was wrong with its boxes.
    pub boxes: Repairs,
}

/// An item that could not be scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missing {
    /// The item.
    pub id: String,
    /// What was lacking or wrong.
    pub why: String,
}

/// Scores of several predictors on the same items.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Which items.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One predictor's scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Whose.
    pub who: String,
    /// Of how many items.
    pub n: usize,
    /// The scores: shares in percent.
    #[serde(serialize_with = "by_key")]
    pub scores: Scores,
}

/// How far confidence can be trusted on one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Which items.
    pub title: String,
    /// Confidence against "the peak is inside the truth".
    pub bins: Vec<Bin>,
    /// False "on screen" against recall, a point for every threshold.
    pub curve: Vec<Operating>,
}

fn by_key<S: Serializer>(scores: &Scores, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(scores.len()))?;
    for (measure, value) in scores {
        map.serialize_entry(measure.key, &((value * 1e4).round() / 1e4))?;
    }
    map.end()
}

/// At most this many missing items are named in Markdown; JSON has all.
const NAMED: usize = 10;

impl Report {
    /// The report as Markdown: for a terminal, an issue or a paper's appendix.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}: {}\n\n", self.protocol, self.predictor);
        for set in &self.sets {
            let boxes = set.boxes;
            text += &format!("{}: {} items, {} boxes", set.name, set.items, boxes.boxes);
            for (count, what) in [
                (boxes.inverted, "inverted"),
                (boxes.negative, "with negative coordinates"),
                (boxes.beyond, "beyond the picture"),
                (boxes.empty, "empty"),
            ] {
                if count > 0 {
                    text += &format!(", {count} {what}");
                }
            }
            text += "\n";
        }
        if self.missing.is_empty() {
            text += &format!("\nAll {} items were scored.\n", self.items);
        } else {
            let (gone, all) = (self.missing.len(), self.items);
            text += &format!(
                "\n**{gone} of {all} items are missing** and count as no success; the scores are \
                 those of the other {}.\n\n",
                self.scored
            );
            for missing in self.missing.iter().take(NAMED) {
                text += &format!("- {}: {}\n", missing.id, missing.why);
            }
            if gone > NAMED {
                text += &format!("- and {} more\n", gone - NAMED);
            }
        }
        for table in &self.tables {
            text += &table.markdown();
        }
        for set in &self.reliability {
            text += &set.markdown();
        }
        let used = self.measures();
        if !used.is_empty() {
            text += "\n";
            for measure in used {
                text += &format!("- {}: {}\n", measure.title, measure.meaning);
            }
        }
        for note in &self.notes {
            text += &format!("\n{note}\n");
        }
        text
    }

    /// The measures that occur, in the order of columns.
    fn measures(&self) -> Vec<Measure> {
        let rows = || self.tables.iter().flat_map(|table| &table.rows);
        columns(rows())
    }
}

/// The measures that occur in some rows, in their order.
fn columns<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Vec<Measure> {
    let occurs = |measure: &&Measure| {
        rows.clone().any(|row| row.scores.iter().any(|(other, _)| other == *measure))
    };
    super::measure::ALL.iter().filter(occurs).copied().collect()
}

impl Table {
    fn markdown(&self) -> String {
        let columns = columns(self.rows.iter());
        let mut text = format!("\n## {}\n\n| | n |", self.title);
        columns.iter().for_each(|measure| text += &format!(" {} |", measure.title));
        text += "\n|---|---:|";
        columns.iter().for_each(|_| text += "---:|");
        text += "\n";
        for row in &self.rows {
            text += &format!("| {} | {} |", row.who, row.n);
            for measure in &columns {
                match row.scores.iter().find(|(other, _)| other == measure) {
                    // A tenth of a percent is more than a hundred items can tell.
                    Some((_, value)) if measure.percent && row.n < 1000 => {
                        text += &format!(" {value:.1} |");
                    }
                    Some((_, value)) => text += &format!(" {value:.2} |"),
                    None => text += " – |",
                }
            }
            text += "\n";
        }
        text
    }
}

impl Reliability {
    fn markdown(&self) -> String {
        let mut text = format!(
            "\n## {}: does confidence mean what it says?\n\n\
             | confidence | n | mean | came true |\n|---|---:|---:|---:|\n",
            self.title
        );
        for bin in self.bins.iter().filter(|bin| bin.count > 0) {
            text += &format!(
                "| {:.1}–{:.1} | {} | {:.2} | {:.2} |\n",
                bin.from, bin.to, bin.count, bin.confidence, bin.came_true
            );
        }
        if !self.curve.is_empty() {
            text += "\n| recall of what is in view ≥ | threshold | false on screen |\n|---|---:|---:|\n";
            for recall in [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0] {
                if let Some(point) = super::metrics::calibration::at_recall(&self.curve, recall) {
                    text += &format!(
                        "| {:.0} | {:.3} | {:.1} |\n",
                        100.0 * recall,
                        point.threshold,
                        100.0 * point.false_on_screen
                    );
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::measure::{CIOU, MEDIAN_RANK, POINTING};

    fn report() -> Report {
        let row = |who: &str, scores| Row { who: who.to_owned(), n: 3, scores };
        let rows = vec![
            row("pack", vec![(POINTING, 66.666_666), (CIOU, 50.0)]),
            row("full", vec![(CIOU, 25.0)]),
        ];
        Report {
            tables: vec![Table { title: "pairs".to_owned(), rows }],
            items: 4,
            scored: 3,
            missing: vec![Missing { id: "x".to_owned(), why: "picture x is not there".to_owned() }],
            ..Report::default()
        }
    }

    #[test]
    fn markdown_has_a_column_for_what_occurs_and_says_what_is_missing() {
        let text = report().markdown();
        assert!(text.contains("| | n | cIoU | point |\n"), "{text}");
        assert!(text.contains("| pack | 3 | 50.0 | 66.7 |\n"), "{text}");
        assert!(text.contains("| full | 3 | 25.0 | – |\n"), "{text}");
        assert!(text.contains("**1 of 4 items are missing**"), "{text}");
        assert!(text.contains("- x: picture x is not there"), "{text}");
        assert!(!text.contains(MEDIAN_RANK.title), "{text}");
    }

    #[test]
    fn json_has_the_scores_by_key() {
        let value = serde_json::to_value(report()).unwrap();
        let scores = &value["tables"][0]["rows"][0]["scores"];
        assert_eq!((&scores["ciou"], &scores["pointing"]), (&50.0.into(), &66.6667.into()));
        assert_eq!(value["missing"][0]["id"], "x");
    }
}
