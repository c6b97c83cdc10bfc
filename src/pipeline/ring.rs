//! How samples get from capture to perception: blocks that go round between two
//! single-producer single-consumer queues, so that nothing is copied, allocated or waited for.

use heapless::spsc::{Consumer, Producer, Queue};

use crate::capture::{AudioFormat, AudioSource, BLOCK_VALUES, Block, Pull};
use crate::error::Result;

/// Places in each queue, one of which stays empty.
const PLACES: usize = 4096;
/// How much sound may wait for perception.
const SECONDS: usize = 4;

type Blocks = Queue<Box<Block>, PLACES>;

/// The queues: filled blocks one way, empty ones back.
pub struct Ring {
    filled: Blocks,
    empty: Blocks,
}

impl Ring {
    /// A ring for 4 s of sound, even if the source fills its blocks only by half, or with no
    /// more than 10 ms each.
    pub fn new(format: AudioFormat) -> Ring {
        let values = SECONDS * format.rate as usize * usize::from(format.channels);
        let count = (2 * values / BLOCK_VALUES).clamp(100 * SECONDS, PLACES - 2);
        let mut empty = Blocks::new();
        for _ in 0..count {
            // `count` leaves room for every block.
            let _ = empty.enqueue(Box::new(Block::empty()));
        }
        Ring { filled: Blocks::new(), empty }
    }

    /// The two ends.
    pub fn split(&mut self) -> (Recorder<'_>, Listener<'_>) {
        let (put, take) = self.filled.split();
        let (back, spare) = self.empty.split();
        (Recorder { put, spare, filling: Box::new(Block::empty()) }, Listener { take, back })
    }
}

/// Capture's end.
pub struct Recorder<'a> {
    put: Producer<'a, Box<Block>>,
    spare: Consumer<'a, Box<Block>>,
    filling: Box<Block>,
}

/// What one pull brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// So many samples of each channel went into the ring.
    Kept(u64),
    /// So many samples of each channel were lost: the ring is full.
    Lost(u64),
    /// Nothing came for a while.
    Idle,
    /// The source has ended.
    Ended,
}

impl Recorder<'_> {
    /// Pulls one block from the source into the ring. A full ring loses the new block, never
    /// the time of a thread: its gap shows in the stamps.
    ///
    /// # Errors
    /// As [`AudioSource::pull`].
    pub fn record(&mut self, source: &mut dyn AudioSource) -> Result<Recorded> {
        match source.pull(&mut self.filling)? {
            Pull::Filled => {}
            Pull::Idle => return Ok(Recorded::Idle),
            Pull::Ended => return Ok(Recorded::Ended),
        }
        let channels = usize::from(self.filling.format.channels.max(1));
        let count = (self.filling.filled / channels) as u64;
        let Some(next) = self.spare.dequeue() else { return Ok(Recorded::Lost(count)) };
        match self.put.enqueue(std::mem::replace(&mut self.filling, next)) {
            Ok(()) => Ok(Recorded::Kept(count)),
            Err(_) => Ok(Recorded::Lost(count)),
        }
    }

    /// Blocks that perception has not taken yet.
    pub fn waiting(&self) -> u64 {
        self.put.len() as u64
    }
}

/// Perception's end.
pub struct Listener<'a> {
    take: Consumer<'a, Box<Block>>,
    back: Producer<'a, Box<Block>>,
}

impl Listener<'_> {
    /// Gives every waiting block to `hear`, the oldest first, and sends it back empty.
    ///
    /// # Errors
    /// The first of `hear`; the blocks behind it wait on.
    pub fn drain(&mut self, mut hear: impl FnMut(&Block) -> Result<()>) -> Result<()> {
        while let Some(block) = self.take.dequeue() {
            let heard = hear(&block);
            // There is room for every block that exists.
            let _ = self.back.enqueue(block);
            heard?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;

    /// Counts upwards in blocks of full size, for ever.
    struct Counting(u32);

    impl AudioSource for Counting {
        fn describe(&self) -> String {
            "counting".to_owned()
        }

        fn format(&self) -> AudioFormat {
            FORMAT
        }

        fn pull(&mut self, block: &mut Block) -> Result<Pull> {
            block.stamp = Mono(u64::from(self.0));
            block.format = FORMAT;
            block.filled = BLOCK_VALUES;
            self.0 += 1;
            Ok(Pull::Filled)
        }
    }

    const FORMAT: AudioFormat = AudioFormat { rate: 48_000, channels: 2 };

    #[test]
    fn four_seconds_fit_and_what_comes_after_is_counted_as_lost() {
        let mut ring = Ring::new(FORMAT);
        let (mut recorder, mut listener) = ring.split();
        let mut source = Counting(0);
        let mut kept = 0;
        while let Recorded::Kept(count) = recorder.record(&mut source).unwrap() {
            kept += count;
        }
        let block = BLOCK_VALUES as u64 / 2;
        assert!(kept >= 4 * 48_000, "{kept}");
        assert_eq!(recorder.waiting() * block, kept);
        assert_eq!(recorder.record(&mut source).unwrap(), Recorded::Lost(block));
        let mut heard = Vec::new();
        let note = |block: &Block| {
            heard.push(block.stamp.0);
            Ok(())
        };
        listener.drain(note).unwrap();
        assert_eq!(heard.len() as u64 * block, kept);
        assert!(heard.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        assert_eq!(recorder.record(&mut source).unwrap(), Recorded::Kept(block));
    }

    #[test]
    fn across_threads_every_block_arrives_in_order_or_is_counted() {
        const TOTAL: u32 = 20_000;
        let mut ring = Ring::new(FORMAT);
        let (mut recorder, mut listener) = ring.split();
        let (mut heard, mut last) = (0, None);
        let lost = std::thread::scope(|scope| {
            let capture = scope.spawn(move || {
                let mut source = Counting(0);
                (0..TOTAL)
                    .filter(|_| matches!(recorder.record(&mut source), Ok(Recorded::Lost(_))))
                    .count()
            });
            while !capture.is_finished() {
                listener
                    .drain(|block| {
                        assert!(last.is_none_or(|last| block.stamp > last));
                        last = Some(block.stamp);
                        heard += 1;
                        Ok(())
                    })
                    .unwrap();
            }
            capture.join().unwrap()
        });
        let note = |_: &Block| {
            heard += 1;
            Ok(())
        };
        listener.drain(note).unwrap();
        assert_eq!(heard + lost, TOTAL as usize);
    }
}
