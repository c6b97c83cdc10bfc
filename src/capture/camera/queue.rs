//! The buffers of a running camera: given to the driver, waited for, taken, given again.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::kernel::{Mapping, Node, Planes, Readiness, Taken};

/// How many buffers are asked for: one is filled, one waits, one is copied, one is spare.
const BUFFERS: u32 = 4;
/// How long to stay away after the driver said that it had a picture and then had none, so
/// that a faulty one cannot keep this thread busy.
const PAUSE: Duration = Duration::from_millis(10);
/// How many faults in a row are borne before the camera counts as lost.
const FAULTS: u32 = 8;

/// What failed, and how.
#[derive(Debug)]
pub struct Fault {
    /// What the kernel was asked to do.
    pub step: &'static str,
    /// Its answer.
    pub error: io::Error,
}

/// What came.
#[derive(Debug)]
pub enum Next {
    /// A buffer; it must be [given](Queue::give) back.
    Taken(Taken),
    /// A picture that the driver could not deliver.
    Failed,
    /// Nothing within the time.
    Nothing,
}

/// A running stream of pictures. It is stopped when dropped, whatever the driver says to that.
#[derive(Debug)]
pub struct Queue {
    node: Node,
    planes: Planes,
    buffers: Vec<Vec<Mapping>>,
    faults: u32,
}

impl Queue {
    /// Starts the stream of a device whose pictures lie in `count` planes each.
    ///
    /// # Errors
    /// The step that failed; what was done before is undone.
    pub fn start(node: Node, planes: Planes, count: usize) -> Result<Queue, Fault> {
        let mut queue = Queue { node, planes, buffers: Vec::new(), faults: 0 };
        let failed = |step| move |error| Fault { step, error };
        let got = queue.node.request_buffers(planes, BUFFERS).map_err(failed("REQBUFS"))?;
        for index in 0..got {
            let buffer = queue.node.map(planes, index, count).map_err(failed("mmap"))?;
            queue.buffers.push(buffer);
            queue.node.give(planes, index).map_err(failed("QBUF"))?;
        }
        if queue.buffers.is_empty() {
            return Err(Fault { step: "REQBUFS", error: io::ErrorKind::OutOfMemory.into() });
        }
        queue.node.stream(planes, true).map_err(failed("STREAMON"))?;
        Ok(queue)
    }

    /// Waits for a picture, at most for `patience`.
    ///
    /// # Errors
    /// The device is lost: it must be opened anew.
    pub fn next(&mut self, patience: Duration) -> Result<Next, Fault> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let ready = self.node.wait(left).map_err(|error| Fault { step: "poll", error })?;
            if ready == Readiness::NotYet {
                if left.is_zero() || Instant::now() >= until {
                    return Ok(Next::Nothing);
                }
                // A signal came.
                continue;
            }
            match self.node.take(self.planes) {
                Ok(taken) => {
                    self.faults = 0;
                    return Ok(Next::Taken(taken));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if ready == Readiness::Broken {
                        let error = io::Error::other("the device reports an error");
                        return Err(Fault { step: "poll", error });
                    }
                    thread::sleep(PAUSE.min(left));
                }
                // "Temporary problems like signal loss" (V4L2, VIDIOC_DQBUF).
                Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                    self.faults += 1;
                    if self.faults >= FAULTS {
                        return Err(Fault { step: "DQBUF", error });
                    }
                    self.give_strays()?;
                    thread::sleep(PAUSE.min(left));
                    return Ok(Next::Failed);
                }
                Err(error) => return Err(Fault { step: "DQBUF", error }),
            }
        }
    }

    /// The memory of a buffer, plane by plane; nothing for a number that there is not.
    pub fn buffer(&self, index: u32) -> &[Mapping] {
        self.buffers.get(index as usize).map_or(&[], Vec::as_slice)
    }

    /// Gives a buffer back to be filled again.
    ///
    /// # Errors
    /// The device is lost.
    pub fn give(&self, index: u32) -> Result<(), Fault> {
        self.node.give(self.planes, index).map_err(|error| Fault { step: "QBUF", error })
    }

    /// Gives back what a failed `DQBUF` took out of the queue without saying which it was.
    fn give_strays(&self) -> Result<(), Fault> {
        for index in 0..self.buffers.len() as u32 {
            let flags = self
                .node
                .buffer_flags(self.planes, index)
                .map_err(|error| Fault { step: "QUERYBUF", error })?;
            let held = v4l::v4l_sys::V4L2_BUF_FLAG_QUEUED | v4l::v4l_sys::V4L2_BUF_FLAG_DONE;
            if flags & held == 0 {
                self.give(index)?;
            }
        }
        Ok(())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // A device that is gone refuses all of this, and then there is nothing to undo.
        if let Err(error) = self.node.stream(self.planes, false) {
            log::debug!("STREAMOFF: {error}");
        }
        self.buffers.clear();
        if let Err(error) = self.node.request_buffers(self.planes, 0) {
            log::debug!("REQBUFS 0: {error}");
        }
    }
}
