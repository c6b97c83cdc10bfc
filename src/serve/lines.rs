//! Bytes from a subscriber, cut into lines.

use std::mem;

use crate::event::request::LINE_LIMIT;

/// What was found in the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A line without its newline.
    Line(Vec<u8>),
    /// A line grew longer than [`LINE_LIMIT`]; the rest of it is skipped.
    TooLong,
}

/// Collects bytes until there is a newline; never keeps more than the limit and one read.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// So many of them hold no newline.
    searched: usize,
    /// Everything up to the next newline belongs to a line that was too long.
    skipping: bool,
}

impl Lines {
    /// Adds what was read.
    pub fn push(&mut self, read: &[u8]) {
        self.bytes.extend_from_slice(read);
    }

    /// The next line, or nothing if more bytes are needed.
    pub fn next(&mut self) -> Option<Incoming> {
        loop {
            let newline = self.bytes.iter().skip(self.searched).position(|&byte| byte == b'\n');
            match newline.map(|offset| self.searched + offset) {
                Some(end) => {
                    let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
                    line.pop();
                    self.searched = 0;
                    if mem::take(&mut self.skipping) {
                        continue;
                    }
                    let fits = line.len() <= LINE_LIMIT;
                    return Some(if fits { Incoming::Line(line) } else { Incoming::TooLong });
                }
                None if self.skipping => {
                    self.bytes.clear();
                    return None;
                }
                None if self.bytes.len() > LINE_LIMIT => {
                    self.bytes = Vec::new();
                    self.searched = 0;
                    self.skipping = true;
                    return Some(Incoming::TooLong);
                }
                None => {
                    self.searched = self.bytes.len();
                    return None;
                }
            }
        }
    }

    /// The last line, if the subscriber ended its side without a newline.
    pub fn finish(&mut self) -> Option<Incoming> {
        let rest = mem::take(&mut self.bytes);
        (!rest.is_empty() && !self.skipping).then_some(Incoming::Line(rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &[u8]) -> Option<Incoming> {
        Some(Incoming::Line(text.to_vec()))
    }

    #[test]
    fn lines_come_whole_however_they_were_read() {
        let mut lines = Lines::default();
        lines.push(b"one\ntw");
        assert_eq!(lines.next(), line(b"one"));
        assert_eq!(lines.next(), None);
        lines.push(b"o\n\nlast");
        assert_eq!(lines.next(), line(b"two"));
        assert_eq!(lines.next(), line(b""));
        assert_eq!(lines.next(), None);
        assert_eq!(lines.finish(), line(b"last"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_line_of_just_the_limit_is_a_line() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; LINE_LIMIT]);
        assert_eq!(lines.next(), None);
        lines.push(b"\n");
        assert_eq!(lines.next(), line(&vec![b'x'; LINE_LIMIT]));
    }

    #[test]
    fn a_line_too_long_is_told_once_and_skipped_in_bounded_memory() {
        let mut lines = Lines::default();
        let mut told = 0;
        for _ in 0..2560 {
            lines.push(&[b'x'; 4096]);
            while let Some(incoming) = lines.next() {
                assert_eq!(incoming, Incoming::TooLong);
                told += 1;
            }
            assert!(lines.bytes.capacity() <= 4 * LINE_LIMIT);
        }
        assert_eq!(told, 1);
        assert_eq!(lines.finish(), None);
        lines.push(b"tail\nnext\n");
        assert_eq!(lines.next(), line(b"next"));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_lines(
            texts in proptest::collection::vec("[a-z]{0,9}", 0..9),
            cuts in proptest::collection::vec(1..7_usize, 1..40),
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|t| format!("{t}\n").into_bytes()).collect();
            let mut lines = Lines::default();
            let mut found = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (read, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                lines.push(read);
                rest = later;
                while let Some(incoming) = lines.next() {
                    found.push(incoming);
                }
            }
            let expected: Vec<_> =
                texts.into_iter().map(|text| Incoming::Line(text.into_bytes())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
