//! What is asked of the system so that capture is never late. None of it is needed to run: a
//! refusal is told and nothing else happens.

// `mlockall` has no safe form among the crates that are built anyway.
#![allow(unsafe_code)]

use std::io;

use libc::MCL_ONFAULT;
use thread_priority::{
    Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// The priority of the capture threads under `SCHED_FIFO`, 1..=99: before everything that is
/// not real-time, and behind the kernel's own interrupt threads, which have 50.
const PRIORITY: u8 = 20;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The threads that capture from devices come before all that is not real-time.
    pub realtime: bool,
    /// Memory that was used once stays in RAM.
    pub lock_memory: bool,
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
