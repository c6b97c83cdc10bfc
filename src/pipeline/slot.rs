//! A place for one thing where the newest wins: how pictures get from capture to perception.
//!
//! Buffers go round and are never allocated after the start. Neither side waits for the other.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Buffers that go round: one that capture fills, one in the place, and two with the taker,
/// which may hold one while it takes the next.
const BUFFERS: usize = 4;

/// The side that fills buffers.
pub struct Giver<T> {
    put: Sender<T>,
    displace: Receiver<T>,
    spare: Receiver<T>,
    back: Sender<T>,
}

/// The side that takes the newest.
pub struct Taker<T> {
    newest: Receiver<T>,
    spare: Sender<T>,
}

/// An empty place, both its sides, and the first buffer to fill. `new` makes each buffer.
pub fn slot<T>(mut new: impl FnMut() -> T) -> (Giver<T>, Taker<T>, T) {
    let (put, newest) = bounded(1);
    let (free, spare) = bounded(BUFFERS);
    for _ in 1..BUFFERS {
        // The channel has room for every buffer, and its other end is alive.
        let _ = free.try_send(new());
    }
    let giver = Giver { put, displace: newest.clone(), spare, back: free.clone() };
    (giver, Taker { newest, spare: free }, new())
}

impl<T> Giver<T> {
    /// Shows every buffer that waits to be filled to `see`.
    pub fn tend(&self, mut see: impl FnMut(&mut T)) {
        for _ in 0..self.spare.len() {
            if let Ok(mut buffer) = self.spare.try_recv() {
                see(&mut buffer);
                // There is room for every buffer that exists; the other end may be gone.
                let _ = self.back.try_send(buffer);
            }
        }
    }

    /// Puts a filled buffer into the place and gives back one to fill next, and whether it is
    /// one that the taker never saw. `None` when the taker is gone.
    pub fn put(&self, mut filled: T) -> Option<(T, bool)> {
        let mut displaced = None;
        loop {
            match self.put.try_send(filled) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return None,
                Err(TrySendError::Full(back)) => filled = back,
            }
            // The taker may have been faster; then the place is free now.
            displaced = self.displace.try_recv().ok().or(displaced);
        }
        match displaced {
            Some(buffer) => Some((buffer, true)),
            None => self.spare.try_recv().ok().map(|buffer| (buffer, false)),
        }
    }
}

impl<T> Taker<T> {
    /// The newest thing, if there is one that was not taken yet.
    pub fn take(&self) -> Option<T> {
        self.newest.try_recv().ok()
    }

    /// Returns a buffer that is no longer needed.
    pub fn give_back(&self, buffer: T) {
        // A full channel would mean a buffer that never came from here: dropping it is right.
        let _ = self.spare.try_send(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_taker_gets_the_newest_and_the_giver_learns_what_was_replaced() {
        let (giver, taker, _first) = slot(|| 0);
        assert_eq!(taker.take(), None);
        assert_eq!(giver.put(1), Some((0, false)));
        assert_eq!(giver.put(2), Some((1, true)));
        assert_eq!(giver.put(3), Some((2, true)));
        assert_eq!(taker.take(), Some(3));
        assert_eq!(taker.take(), None);
    }

    #[test]
    fn buffers_go_round_for_ever_without_a_new_one() {
        let mut made = 0;
        let (giver, taker, mut filling) = slot(|| {
            made += 1;
            vec![0_u8; 16]
        });
        let mut held = None;
        for round in 0..1000_u32 {
            let (next, _) = giver.put(filling).unwrap();
            filling = next;
            if round % 3 == 0
                && let Some(newest) = taker.take()
                && let Some(old) = held.replace(newest)
            {
                taker.give_back(old);
            }
        }
        drop((giver, taker));
        assert_eq!(made, BUFFERS);
    }

    #[test]
    fn across_threads_order_is_kept_and_every_picture_is_either_taken_or_counted() {
        let (giver, taker, mut filling) = slot(|| vec![0_u64]);
        let total = 100_000;
        let thread = std::thread::spawn(move || {
            let mut replaced = 0;
            for number in 1..=total {
                filling[0] = number;
                let Some((next, unseen)) = giver.put(filling) else { break };
                replaced += u64::from(unseen);
                filling = next;
            }
            replaced
        });
        let (mut taken, mut last) = (0, 0);
        while last < total {
            if let Some(buffer) = taker.take() {
                assert!(buffer[0] > last);
                last = buffer[0];
                taken += 1;
                taker.give_back(buffer);
            }
        }
        assert_eq!(taken + thread.join().unwrap(), total);
    }
}
