//! What every reader turns its files into: items with pictures, sounds and the truth about them.

use std::path::PathBuf;

use super::grid::{CellBox, Grid, SIDE};

/// What a file is wanted for; decides which files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Medium {
    /// A picture to look at: JPEG or PNG.
    Picture,
    /// A sound: WAV.
    Sound,
    /// Where something is, pixel by pixel: PNG, `.npy` or a pickled array.
    Mask,
}

/// A file that an item needs, by the names under which it may lie in the media folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What for.
    pub medium: Medium,
    /// The exact path, if the annotations' own folder gives one.
    pub path: Option<PathBuf>,
    /// Names to look for, the best first: parts of a path joined by `/`, without the extension.
    pub names: Vec<String>,
}

impl Wanted {
    /// A file with these names.
    pub fn named<S: Into<String>>(medium: Medium, names: impl IntoIterator<Item = S>) -> Wanted {
        Wanted { medium, path: None, names: names.into_iter().map(Into::into).collect() }
    }

    /// What to call it in a list of what is missing.
    pub fn title(&self) -> String {
        let what = match self.medium {
            Medium::Picture => "picture",
            Medium::Sound => "sound",
            Medium::Mask => "mask",
        };
        let path = self.path.as_ref().map(|path| path.display().to_string());
        let name = path.or_else(|| self.names.first().cloned()).unwrap_or_default();
        format!("{what} {name}")
    }
}

/// Where a thing is, as the annotations say it.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Everything inside of any of these boxes.
    Boxes(Vec<CellBox>),
    /// A box from each of several annotators; see [`Region::consensus`](super::grid::Region::consensus).
    Consensus(Vec<CellBox>),
    /// What is not black in this file, brought to the grid by its nearest pixels; of which of the
    /// item's pictures, counted from 0.
    Mask(Wanted, usize),
}

/// The same boxes in the picture number `picture` of several side by side, counted from 0.
pub fn shifted(boxes: &[CellBox], picture: usize) -> Vec<CellBox> {
    let right = (picture * SIDE) as i64;
    boxes.iter().map(|[x0, y0, x1, y1]| [x0 + right, *y0, x1 + right, *y1]).collect()
}

/// A thing in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// What it is.
    pub class: String,
    /// Where it is.
    pub place: Place,
}

/// One question: what sounds here, and where?
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its name, unique within its set; predictions are matched by it.
    pub id: String,
    /// Items of one picture share a group.
    pub group: String,
    /// A subset that is also reported by itself, such as the kind of a negative.
    pub part: Option<String>,
    /// Class of the sound.
    pub class: String,
    /// Pictures side by side from the left, mostly one.
    pub pictures: Vec<Wanted>,
    /// Sounds that are heard together, mostly one. None: the item cannot be heard.
    pub sounds: Vec<Wanted>,
    /// What sounds. Empty: nothing in the picture does.
    pub sounding: Vec<Thing>,
    /// What is known to be there and silent.
    pub silent: Vec<Thing>,
}

impl Item {
    /// The grid of its pictures.
    pub fn grid(&self) -> Grid {
        Grid::side_by_side(self.pictures.len())
    }
}

/// What was wrong with boxes, and how many of them there were.
///
/// The repairs are the field's, because its figures were made with them: corners are cut at the
/// picture's edge, and a box that ends before it begins is the empty slice that numpy makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repairs {
    /// Boxes read.
    pub boxes: usize,
    /// Boxes whose end came before their beginning; they are empty.
    pub inverted: usize,
    /// Boxes that began before the picture; cut at its edge.
    pub negative: usize,
    /// Boxes that ended beyond the picture; cut at its edge.
    pub beyond: usize,
    /// Boxes without any cell after all repairs.
    pub empty: usize,
}

impl Repairs {
    /// A box in 0..1 of the picture as cells, as `(np.clip(box, 0, 1) * 224).astype(int)` does it.
    /// `slack` (in cells) is added before the fraction is cut off.
    pub fn unit_box(&mut self, corners: [f64; 4], slack: f64) -> CellBox {
        self.count(corners, 1.0);
        self.done(corners.map(|value| (value.clamp(0.0, 1.0) * SIDE as f64 + slack) as i64))
    }

    /// A box in pixels of a picture `side` wide and high: `int(224 * value / side)`, cut at the
    /// edges.
    pub fn pixel_box(&mut self, corners: [f64; 4], side: f64) -> CellBox {
        self.count(corners, side);
        let cell = |value: f64| (SIDE as f64 * value.clamp(0.0, side) / side) as i64;
        self.done(corners.map(cell))
    }

    fn count(&mut self, [x0, y0, x1, y1]: [f64; 4], side: f64) {
        self.boxes += 1;
        self.inverted += usize::from(x1 < x0 || y1 < y0);
        self.negative += usize::from(x0.min(y0).min(x1).min(y1) < 0.0);
        self.beyond += usize::from(x0.max(y0).max(x1).max(y1) > side);
    }

    fn done(&mut self, cells: CellBox) -> CellBox {
        let [x0, y0, x1, y1] = cells;
        self.empty += usize::from(x1 <= x0 || y1 <= y0);
        cells
    }
}

/// A set of items, as a reader gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// What it is called in reports.
    pub name: String,
    /// The items, in the order of the file.
    pub items: Vec<Item>,
    /// What was wrong with boxes.
    pub repairs: Repairs,
    /// What a reader of the report must know.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_cut_and_counted_and_stay_empty_if_they_end_before_they_begin() {
        let mut repairs = Repairs::default();
        assert_eq!(repairs.unit_box([0.5, 0.0, 0.25, 1.5], 0.0), [112, 0, 56, 224]);
        assert_eq!(repairs.unit_box([-0.1, 0.1, 0.5, 0.1], 0.0), [0, 22, 112, 22]);
        assert_eq!(repairs.pixel_box([3.0, 10.0, 255.0, 256.0], 256.0), [2, 8, 223, 224]);
        let wanted = Repairs { boxes: 3, inverted: 1, negative: 1, beyond: 1, empty: 2 };
        assert_eq!(repairs, wanted);
    }

    #[test]
    fn the_slack_saves_what_decimal_fractions_lose() {
        let mut repairs = Repairs::default();
        // 57 / 224 as a decimal may come out a hair below 57 cells.
        let corners = [56.999_999_9 / 224.0, 0.0, 1.0, 1.0];
        assert_eq!(repairs.unit_box(corners, 0.0)[0], 56);
        assert_eq!(repairs.unit_box(corners, 1e-6)[0], 57);
    }
}
