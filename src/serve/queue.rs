//! What waits to be written to one subscriber.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::Arc;

use crate::event::{Lost, Message};

/// A finished line with its newline, shared by all who get it.
pub(super) type Line = Arc<[u8]>;

/// Answers that may wait before no more questions are read.
const ANSWERS: usize = 16;

/// Lines handed to the kernel at a time.
const BATCH: usize = 32;

/// A message as the line that is sent.
pub(super) fn line(message: &Message) -> Line {
    // Every field is text, a number or a list of numbers: none can fail to become JSON.
    let mut text = serde_json::to_vec(message).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

enum Entry {
    /// Never dropped.
    Answer(Line),
    Sound(Line),
    Status(Line),
    /// So many events never came, between the one before and the one after.
    Gap(u64),
}

/// A bounded queue of events that drops its oldest. Answers stand in it where they were
/// given, so that a client knows what came after its request was understood.
pub(super) struct Queue {
    limit: usize,
    entries: VecDeque<Entry>,
    /// How many of the entries are answers.
    answers: usize,
    /// Lost since the last `lost` line; they came before the first event of `entries`.
    lost: u64,
    outgoing: VecDeque<Line>,
    /// Bytes of the first outgoing line that the kernel has taken.
    taken: usize,
    /// Sound events put into a batch, and events lost, since the beginning.
    sent: u64,
    dropped: u64,
}

impl Queue {
    /// An empty queue for `limit` events.
    pub fn new(limit: usize) -> Queue {
        Queue {
            limit,
            entries: VecDeque::new(),
            answers: 0,
            lost: 0,
            outgoing: VecDeque::new(),
            taken: 0,
            sent: 0,
            dropped: 0,
        }
    }

    /// Sound events that went out, or are about to.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Events that never will.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Lines that wait.
    pub fn waiting(&self) -> u64 {
        (self.entries.len() + self.outgoing.len()) as u64
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outgoing.is_empty()
    }

    /// Whether so many answers wait that no more questions should be read.
    pub fn answers_full(&self) -> bool {
        self.answers >= ANSWERS
    }

    /// Adds a line that is owed to the subscriber.
    pub fn push_answer(&mut self, line: Line) {
        self.answers += 1;
        self.entries.push_back(Entry::Answer(line));
    }

    /// Adds a sound event; says how many events that cost.
    pub fn push_sound(&mut self, line: Line) -> u64 {
        self.push(Entry::Sound(line))
    }

    /// Adds a status, in place of one that would be read just before it; says how many
    /// events that cost.
    pub fn push_status(&mut self, line: Line) -> u64 {
        match self.entries.back_mut() {
            Some(Entry::Status(last)) => {
                *last = line;
                0
            }
            _ => self.push(Entry::Status(line)),
        }
    }

    /// Notes that `events` never came, between what is queued and what follows; says how
    /// many events that cost, apart from those.
    pub fn push_gap(&mut self, events: u64) -> u64 {
        self.dropped += events;
        match self.entries.back_mut() {
            None => self.lost += events,
            Some(Entry::Gap(last)) => *last += events,
            Some(_) => return self.push(Entry::Gap(events)),
        }
        0
    }

    fn push(&mut self, entry: Entry) -> u64 {
        let mut cost = 0;
        if self.entries.len() - self.answers >= self.limit {
            // No further in than there are answers.
            let oldest = self.entries.iter().position(|e| !matches!(e, Entry::Answer(_)));
            match oldest.and_then(|place| self.entries.remove(place)) {
                Some(Entry::Sound(_) | Entry::Status(_)) => cost = 1,
                Some(Entry::Gap(events)) => self.lost += events,
                Some(Entry::Answer(_)) | None => {}
            }
        }
        self.lost += cost;
        self.dropped += cost;
        self.entries.push_back(entry);
        cost
    }

    /// Writes until nothing is left or the other side takes no more; says whether nothing
    /// is left.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn write_to(&mut self, to: &mut impl Write) -> io::Result<bool> {
        loop {
            self.stage();
            if self.outgoing.is_empty() {
                return Ok(true);
            }
            let mut skip = self.taken;
            let slices: Vec<IoSlice> = self
                .outgoing
                .iter()
                .map(|line| {
                    let rest = line.get(skip..).unwrap_or_default();
                    skip = 0;
                    IoSlice::new(rest)
                })
                .collect();
            match to.write_vectored(&slices) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Fills the outgoing batch: from here on nothing is dropped.
    fn stage(&mut self) {
        while self.outgoing.len() < BATCH {
            match self.entries.pop_front() {
                Some(Entry::Answer(line)) => {
                    self.answers -= 1;
                    self.outgoing.push_back(line);
                }
                Some(Entry::Sound(line)) => {
                    self.tell_lost();
                    self.sent += 1;
                    self.outgoing.push_back(line);
                }
                Some(Entry::Status(line)) => {
                    self.tell_lost();
                    self.outgoing.push_back(line);
                }
                Some(Entry::Gap(events)) => self.lost += events,
                None => break,
            }
        }
    }

    fn tell_lost(&mut self) {
        if self.lost > 0 {
            self.outgoing.push_back(line(&Message::Lost(Lost { events: self.lost })));
            self.lost = 0;
        }
    }

    fn advance(&mut self, written: usize) {
        self.taken += written;
        while let Some(first) = self.outgoing.front()
            && self.taken >= first.len()
        {
            self.taken -= first.len();
            self.outgoing.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(number: u64) -> Line {
        format!("{number}\n").into_bytes().into()
    }

    fn written(queue: &mut Queue) -> String {
        let mut bytes = Vec::new();
        assert!(queue.write_to(&mut bytes).unwrap());
        String::from_utf8(bytes).unwrap()
    }

    fn lost(events: u64) -> String {
        format!("{{\"type\":\"lost\",\"events\":{events}}}\n")
    }

    #[test]
    fn a_full_queue_drops_its_oldest_and_says_so_before_the_next() {
        let mut queue = Queue::new(3);
        let cost: u64 = (0..5).map(|number| queue.push_sound(text(number))).sum();
        assert_eq!(cost, 2);
        assert_eq!(written(&mut queue), format!("{}2\n3\n4\n", lost(2)));
        queue.push_sound(text(5));
        assert_eq!(written(&mut queue), "5\n");
    }

    #[test]
    fn answers_keep_their_place_and_are_never_dropped() {
        let mut queue = Queue::new(2);
        queue.push_answer(text(10));
        queue.push_sound(text(1));
        queue.push_answer(text(11));
        assert_eq!((2..=4).map(|number| queue.push_sound(text(number))).sum::<u64>(), 2);
        assert_eq!(written(&mut queue), format!("10\n11\n{}3\n4\n", lost(2)));
        for number in 0..ANSWERS as u64 {
            assert!(!queue.answers_full());
            queue.push_answer(text(number));
        }
        assert!(queue.answers_full());
        written(&mut queue);
        assert!(!queue.answers_full());
    }

    #[test]
    fn a_newer_status_takes_the_place_of_one_just_before_it() {
        let mut queue = Queue::new(8);
        queue.push_status(text(1));
        queue.push_status(text(2));
        queue.push_sound(text(3));
        queue.push_status(text(4));
        assert_eq!(written(&mut queue), "2\n3\n4\n");
    }

    #[test]
    fn a_gap_is_told_where_it_is() {
        let mut queue = Queue::new(8);
        queue.push_gap(2);
        queue.push_sound(text(1));
        queue.push_gap(3);
        queue.push_gap(4);
        queue.push_sound(text(2));
        assert_eq!(written(&mut queue), format!("{}1\n{}2\n", lost(2), lost(7)));
    }

    /// Takes a few bytes, then no more, in turn.
    struct Narrow {
        bytes: Vec<u8>,
        takes: std::vec::IntoIter<usize>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.takes.next() {
                Some(0) => Err(ErrorKind::WouldBlock.into()),
                Some(count) => {
                    let count = count.min(bytes.len());
                    self.bytes.extend_from_slice(&bytes[..count]);
                    Ok(count)
                }
                None => {
                    self.bytes.extend_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn however_little_is_taken_at_a_time_lines_stay_whole_and_the_counts_add_up(
            limit in 1..40_usize,
            pushes in proptest::collection::vec((0..60_u64, 0..4_usize), 1..30),
            takes in proptest::collection::vec(0..9_usize, 0..200),
        ) {
            let mut queue = Queue::new(limit);
            let mut narrow = Narrow { bytes: Vec::new(), takes: takes.into_iter() };
            let (mut pushed, mut cost) = (0, 0);
            for (events, writes) in pushes {
                for _ in 0..events {
                    cost += queue.push_sound(text(pushed));
                    pushed += 1;
                }
                for _ in 0..writes {
                    queue.write_to(&mut narrow).unwrap();
                }
                prop_assert!(queue.entries.len() <= limit);
            }
            while !queue.write_to(&mut narrow).unwrap() {}
            let (mut got, mut told, mut next) = (0, 0, 0);
            for line in String::from_utf8(narrow.bytes).unwrap().lines() {
                if let Ok(number) = line.parse::<u64>() {
                    // Exactly those that the last `lost` line spoke of are missing.
                    prop_assert_eq!(number, next);
                    got += 1;
                    next += 1;
                } else {
                    let Ok(Message::Lost(lost)) = serde_json::from_str(line) else {
                        return Err(TestCaseError::fail(line.to_owned()));
                    };
                    told += lost.events;
                    next += lost.events;
                }
            }
            prop_assert_eq!(got + told, pushed);
            prop_assert_eq!(told, cost);
        }
    }
}
