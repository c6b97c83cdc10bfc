//! The process's memory: giving back what is not in use, and saying how much is.
//!
//! A look takes some tens of MiB for the encoders' tensors and frees them again. Left alone, the
//! allocator keeps what lies between longer-lived pieces, now more and now less, and resident
//! memory says little about what the program holds (docs/performance.md has figures, also of
//! other allocators).

// The allocator's own figures and its trimming have no safe form.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

/// What was held when stock was last taken; 0 before.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Notes how much is in use. To be called where the least is for a moment: between two looks.
pub fn take_stock() {
    HELD.store(in_use().unwrap_or(0), Ordering::Relaxed);
}

/// Bytes that the program had asked for and not freed when stock was last taken, through Rust
/// and C libraries alike. `None` before, and with another C library than glibc.
pub fn held() -> Option<u64> {
    Some(HELD.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

/// Gives the kernel the pages of freed memory back, also those between pieces in use. Does
/// nothing with another C library than glibc.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: gives back nothing that is in use, and locks the allocator's arenas by itself.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn in_use() -> Option<u64> {
    // SAFETY: takes no argument, and locks the allocator's arenas by itself.
    let figures = unsafe { libc::mallinfo() };
    // The fields are `int`s that hold unsigned numbers: right up to 4 GiB. (`mallinfo2`, which
    // has no such bound, is younger than some boards' systems.)
    Some([figures.uordblks, figures.hblkhd].map(|bytes| u64::from(bytes as u32)).iter().sum())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn in_use() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_and_what_was_freed_does_not() {
        // Other tests take and free some of their own meanwhile: this is more than all of them.
        const LARGE: usize = 512 << 20;
        let in_use = || in_use().unwrap();
        let before = in_use();
        let piece = std::hint::black_box(vec![0_u8; LARGE]);
        let during = in_use();
        drop(piece);
        let after = in_use();
        let half = LARGE as u64 / 2;
        assert!(during > before + half, "{before} {during}");
        assert!(after < during - half, "{during} {after}");
        take_stock();
        assert!(held().is_some());
    }
}
