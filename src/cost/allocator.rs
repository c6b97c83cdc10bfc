//! An allocator that counts what is asked of it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::{Add, Sub};

/// Calls for memory, and how much they asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Times that memory was asked for, or more of it.
    pub calls: u64,
    /// Bytes that were asked for, whether they were given back or not.
    pub bytes: u64,
    /// Times that memory was given back.
    pub frees: u64,
}

impl Add for Memory {
    type Output = Memory;

    fn add(self, other: Memory) -> Memory {
        let (calls, bytes) = (self.calls + other.calls, self.bytes + other.bytes);
        Memory { calls, bytes, frees: self.frees + other.frees }
    }
}

impl Sub for Memory {
    type Output = Memory;

    fn sub(self, earlier: Memory) -> Memory {
        let (calls, bytes) = (self.calls - earlier.calls, self.bytes - earlier.bytes);
        Memory { calls, bytes, frees: self.frees - earlier.frees }
    }
}

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
    static SPENT: Cell<Memory> = const { Cell::new(Memory { calls: 0, bytes: 0, frees: 0 }) };
}

/// From now on counts what this thread spends, or no longer.
pub fn count(wanted: bool) {
    COUNTED.set(wanted);
}

/// Whether this thread is counted.
pub(super) fn is_counted() -> bool {
    COUNTED.get()
}

/// What this thread has asked for while it was counted.
pub fn memory() -> Memory {
    SPENT.get()
}

fn note(more: Memory) {
    if COUNTED.get() {
        SPENT.set(SPENT.get() + more);
    }
}

fn asked(bytes: usize) -> Memory {
    Memory { calls: 1, bytes: bytes as u64, frees: 0 }
}

/// An allocator with a counter before it; on a thread that is not counted it costs reading one
/// flag of the thread.
pub struct Counting<A = System>(pub A);

// SAFETY: every call is handed on as it is; counting touches nothing but two cells of the
// thread, which need no memory and no destructor.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(asked(layout.size()));
        // SAFETY: the caller keeps what `GlobalAlloc` asks of it.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(asked(layout.size()));
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(asked(size));
        // SAFETY: as above.
        unsafe { self.0.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(Memory { frees: 1, ..Memory::default() });
        // SAFETY: as above.
        unsafe { self.0.dealloc(pointer, layout) }
    }
}
