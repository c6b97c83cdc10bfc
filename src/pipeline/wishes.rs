//! What is asked of the system so that capture is never late, and whoever shares the board with
//! Tyto keeps a part of it. None of it is needed to run: a refusal is told and nothing else happens.

// `mlockall` has no safe form among the crates that are built anyway.
#![allow(unsafe_code)]

use std::io;

use libc::MCL_ONFAULT;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{
    Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// The priority of the capture threads under `SCHED_FIFO`, 1..=99: before everything that is
/// not real-time, and behind the kernel's own interrupt threads, which have 50.
const PRIORITY: u8 = 20;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The threads that capture from devices come before all that is not real-time.
    pub realtime: bool,
    /// Memory that was used once stays in RAM.
    pub lock_memory: bool,
    /// The processors that perception and its encoders keep to, by number; empty: any.
    pub cores: Vec<u16>,
}

impl Wishes {
    /// Does `work` on [`cores`](Self::cores) alone, and tells `refused` why not if the system does
    /// not let it. Threads that `work` starts keep to them for good; the calling one until its end.
    pub fn on_cores<T>(&self, refused: impl FnOnce(String), work: impl FnOnce() -> T) -> T {
        if self.cores.is_empty() {
            return work();
        }
        let before = match keep_to(&self.cores) {
            Ok(before) => Some(before),
            Err(refusal) => {
                refused(refusal);
                None
            }
        };
        let done = work();
        // What was allowed before is allowed again, unless the processor is gone since then.
        before.map(|before| sched_setaffinity(None, &before));
        done
    }
}

/// Keeps the calling thread to these processors, and gives those that it was allowed before.
fn keep_to(cores: &[u16]) -> Result<CpuSet, String> {
    let told = |error: rustix::io::Errno| {
        format!(
            "engine.cores: refused: {error} (this machine has processors 0 to {}, not all of which \
             may be on; a service that may choose needs SystemCallFilter=sched_setaffinity)",
            std::thread::available_parallelism().map_or(0, |count| count.get() - 1)
        )
    };
    let mut wanted = CpuSet::new();
    // The configuration names none beyond what a set holds.
    cores.iter().for_each(|core| wanted.set(usize::from(*core)));
    let before = sched_getaffinity(None).map_err(told)?;
    sched_setaffinity(None, &wanted).map_err(told)?;
    Ok(before)
}

/// Lets the calling thread come before all that is not real-time, and says why not.
pub(super) fn run_in_real_time() -> Option<String> {
    // 20 is less than the type's limit of 100.
    let priority = ThreadPriority::Crossplatform(PRIORITY.try_into().ok()?);
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let error = set_thread_priority_and_policy(thread_native_id(), priority, policy).err()?;
    let text = match error {
        Error::OS(code) => io::Error::from_raw_os_error(code).to_string(),
        other => other.to_string(),
    };
    Some(format!(
        "process.realtime: refused: {text} (it takes LimitRTPRIO={PRIORITY} or more and \
         RestrictRealtime=no in the unit, or CAP_SYS_NICE)"
    ))
}

/// Keeps what is in memory there, and says why not. Pages are locked as they are first used:
/// to fill in whole stacks and arenas would cost a small board more than it has.
pub(super) fn lock_memory() -> Option<String> {
    // SAFETY: the call takes no pointer, and where memory stays is not visible to a program.
    let refused = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | MCL_ONFAULT) };
    if refused == 0 {
        return None;
    }
    Some(format!(
        "process.lock_memory: refused: {} (it takes LimitMEMLOCK=infinity in the unit, or \
         CAP_IPC_LOCK)",
        io::Error::last_os_error()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<usize> {
        let set = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
    }

    #[test]
    fn work_and_the_threads_that_it_starts_keep_to_the_cores() {
        let before = allowed();
        let core = before[0];
        let wishes = Wishes { cores: vec![core as u16], ..Wishes::default() };
        let found = wishes.on_cores(
            |refusal| panic!("{refusal}"),
            || [allowed(), std::thread::spawn(allowed).join().unwrap()],
        );
        assert_eq!(found, [[core], [core]]);
        assert_eq!(allowed(), before, "afterwards the thread may run anywhere again");
    }

    #[test]
    fn a_core_that_is_not_there_is_told_and_the_work_done() {
        let wishes = Wishes { cores: vec![1023], ..Wishes::default() };
        let mut told = String::new();
        let before = allowed();
        assert_eq!(wishes.on_cores(|refusal| told = refusal, allowed), before);
        assert!(told.starts_with("engine.cores: refused: "), "{told}");
    }
}
