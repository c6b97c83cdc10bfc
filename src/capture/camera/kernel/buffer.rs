//! Buffers that the driver fills and this process maps, and waiting for them.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::time::Duration;

use v4l::v4l_sys as sys;
use v4l::v4l2;

use super::{
    Argument, DQBUF, MAX_PLANES, Node, Planes, QBUF, QUERYBUF, REQBUFS, Request, STREAMOFF,
    STREAMON,
};

/// What the kernel said when it was asked whether there is a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The time was up first.
    NotYet,
    /// There is one.
    Ready,
    /// The queue does not run, or the device is gone.
    Broken,
}

/// A buffer that the kernel has given back.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub index: u32,
    pub flags: u32,
    pub sequence: u32,
    pub stamp: Duration,
    /// Where the bytes of each plane begin, and how many they are.
    pub planes: [(usize, usize); MAX_PLANES],
}

impl Node {
    /// Asks for buffers that can be mapped, and says how many there now are; 0 frees them.
    pub fn request_buffers(&self, planes: Planes, count: u32) -> io::Result<u32> {
        let mut asked = sys::v4l2_requestbuffers::zeroed();
        (asked.count, asked.type_) = (count, planes.code());
        asked.memory = sys::v4l2_memory_V4L2_MEMORY_MMAP;
        self.call(&REQBUFS, &mut asked)?;
        Ok(asked.count)
    }

    fn buffer(
        &self,
        request: &Request<sys::v4l2_buffer>,
        planes: Planes,
        index: u32,
        details: &mut [sys::v4l2_plane; MAX_PLANES],
    ) -> io::Result<sys::v4l2_buffer> {
        let mut buffer = sys::v4l2_buffer::zeroed();
        (buffer.index, buffer.type_) = (index, planes.code());
        buffer.memory = sys::v4l2_memory_V4L2_MEMORY_MMAP;
        if planes == Planes::Multi {
            buffer.m.planes = details.as_mut_ptr();
            buffer.length = MAX_PLANES as u32;
        }
        self.call(request, &mut buffer)?;
        Ok(buffer)
    }

    /// Maps the planes of a buffer, of which there are `count`.
    pub fn map(&self, planes: Planes, index: u32, count: usize) -> io::Result<Vec<Mapping>> {
        let mut details = [sys::v4l2_plane::zeroed(); MAX_PLANES];
        let buffer = self.buffer(&QUERYBUF, planes, index, &mut details)?;
        if planes == Planes::Single {
            // SAFETY: the memory of the buffer is mapped, so this part of the union is meant.
            let offset = unsafe { buffer.m.offset };
            return Ok(vec![Mapping::new(&self.0, offset, buffer.length)?]);
        }
        let details = details.iter().take(count);
        details
            // SAFETY: as above.
            .map(|plane| Mapping::new(&self.0, unsafe { plane.m.mem_offset }, plane.length))
            .collect()
    }

    /// What `V4L2_BUF_FLAG_…` say of a buffer.
    pub fn buffer_flags(&self, planes: Planes, index: u32) -> io::Result<u32> {
        let mut details = [sys::v4l2_plane::zeroed(); MAX_PLANES];
        Ok(self.buffer(&QUERYBUF, planes, index, &mut details)?.flags)
    }

    /// Gives a buffer to the driver to be filled.
    pub fn give(&self, planes: Planes, index: u32) -> io::Result<()> {
        let mut details = [sys::v4l2_plane::zeroed(); MAX_PLANES];
        self.buffer(&QBUF, planes, index, &mut details).map(|_| ())
    }

    /// Takes a filled buffer from the driver; `WouldBlock` if there is none.
    pub fn take(&self, planes: Planes) -> io::Result<Taken> {
        let mut details = [sys::v4l2_plane::zeroed(); MAX_PLANES];
        let buffer = self.buffer(&DQBUF, planes, 0, &mut details)?;
        let filled = match planes {
            Planes::Single => {
                let mut filled = [(0, 0); MAX_PLANES];
                filled[0] = (0, buffer.bytesused as usize);
                filled
            }
            Planes::Multi => details.map(|plane| {
                let from = plane.data_offset as usize;
                (from, (plane.bytesused as usize).saturating_sub(from))
            }),
        };
        let seconds = u64::try_from(buffer.timestamp.tv_sec).unwrap_or(0);
        let micros = u64::try_from(buffer.timestamp.tv_usec).unwrap_or(0);
        Ok(Taken {
            index: buffer.index,
            flags: buffer.flags,
            sequence: buffer.sequence,
            stamp: Duration::from_secs(seconds) + Duration::from_micros(micros),
            planes: filled,
        })
    }

    /// Starts or stops the stream.
    pub fn stream(&self, planes: Planes, on: bool) -> io::Result<()> {
        let mut kind = planes.code() as libc::c_int;
        self.call(if on { &STREAMON } else { &STREAMOFF }, &mut kind)
    }

    /// Waits until there is a picture, or something is wrong, or the time is up.
    pub fn wait(&self, patience: Duration) -> io::Result<Readiness> {
        let milliseconds = patience.as_micros().div_ceil(1000);
        let limit = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        let mut asked = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: `asked` is one valid struct, as the count says, and outlives the call.
        let count = unsafe { libc::poll(&raw mut asked, 1, limit) };
        match count {
            0 => Ok(Readiness::NotYet),
            // A driver whose queue is at fault can set both; what `DQBUF` then says decides.
            1.. if asked.revents & libc::POLLIN != 0 => Ok(Readiness::Ready),
            1.. => Ok(Readiness::Broken),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Readiness::NotYet),
                error => Err(error),
            },
        }
    }
}

/// Memory of the driver that this process can read.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to the process, not to the thread that mapped it.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(file: &File, offset: u32, length: u32) -> io::Result<Mapping> {
        let length = length as usize;
        // Where `off_t` has 32 bits the upper half wraps, and is meant so.
        let offset = offset as libc::off_t;
        let (fd, read, shared) = (file.as_raw_fd(), libc::PROT_READ, libc::MAP_SHARED);
        // SAFETY: the kernel chooses the place, so nothing that is mapped is replaced.
        let start = unsafe { v4l2::mmap(ptr::null_mut(), length, read, shared, fd, offset) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Mapping { start, length })
    }

    /// How many bytes there are.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Appends `count` of the bytes from `from` on, or as many as there are.
    pub fn append_to(&self, from: usize, count: usize, bytes: &mut Vec<u8>) {
        let from = from.min(self.length);
        let count = count.min(self.length - from);
        bytes.reserve(count);
        // SAFETY: both ends lie in the mapping, the vector has room, and they do not overlap.
        // The bytes are copied without a reference to them, as the device might write to a
        // buffer that it has given back.
        unsafe {
            let to = bytes.as_mut_ptr().add(bytes.len());
            ptr::copy_nonoverlapping(self.start.as_ptr().add(from), to, count);
            bytes.set_len(bytes.len() + count);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and never used after this.
        if let Err(error) = unsafe { v4l2::munmap(self.start.as_ptr().cast(), self.length) } {
            log::debug!("munmap of {} bytes: {error}", self.length);
        }
    }
}
