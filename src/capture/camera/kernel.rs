//! What is asked of the kernel: the requests of V4L2, here and in [`buffer`], each behind a safe
//! function. Everything here names the call that failed by its errno alone; what that means is
//! said by those who call.
#![allow(unsafe_code)]

mod buffer;

use std::fs::{File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use v4l::v4l_sys as sys;
use v4l::v4l2::{self, vidioc};

pub use buffer::{Mapping, Readiness, Taken};

use super::layout::{Fourcc, Plane, Settled};
use super::offer::{Interval, Steps};

/// One of V4L2's requests and the struct that it takes.
struct Request<T>(vidioc::_IOC_TYPE, PhantomData<T>);

impl<T> Request<T> {
    /// Pairs the two; a struct of another size than the request states does not compile.
    const fn new(code: vidioc::_IOC_TYPE) -> Self {
        assert!((code >> 16) as usize & 0x3fff == size_of::<T>());
        Request(code, PhantomData)
    }
}

const QUERYCAP: Request<sys::v4l2_capability> = Request::new(vidioc::VIDIOC_QUERYCAP);
const ENUM_FMT: Request<sys::v4l2_fmtdesc> = Request::new(vidioc::VIDIOC_ENUM_FMT);
const ENUM_SIZES: Request<sys::v4l2_frmsizeenum> = Request::new(vidioc::VIDIOC_ENUM_FRAMESIZES);
const ENUM_INTERVALS: Request<sys::v4l2_frmivalenum> =
    Request::new(vidioc::VIDIOC_ENUM_FRAMEINTERVALS);
const S_FMT: Request<sys::v4l2_format> = Request::new(vidioc::VIDIOC_S_FMT);
const G_PARM: Request<sys::v4l2_streamparm> = Request::new(vidioc::VIDIOC_G_PARM);
const S_PARM: Request<sys::v4l2_streamparm> = Request::new(vidioc::VIDIOC_S_PARM);
const QUERYCTRL: Request<sys::v4l2_queryctrl> = Request::new(vidioc::VIDIOC_QUERYCTRL);
const QUERYMENU: Request<sys::v4l2_querymenu> = Request::new(vidioc::VIDIOC_QUERYMENU);
const S_CTRL: Request<sys::v4l2_control> = Request::new(vidioc::VIDIOC_S_CTRL);
const REQBUFS: Request<sys::v4l2_requestbuffers> = Request::new(vidioc::VIDIOC_REQBUFS);
const QUERYBUF: Request<sys::v4l2_buffer> = Request::new(vidioc::VIDIOC_QUERYBUF);
const QBUF: Request<sys::v4l2_buffer> = Request::new(vidioc::VIDIOC_QBUF);
const DQBUF: Request<sys::v4l2_buffer> = Request::new(vidioc::VIDIOC_DQBUF);
const STREAMON: Request<libc::c_int> = Request::new(vidioc::VIDIOC_STREAMON);
const STREAMOFF: Request<libc::c_int> = Request::new(vidioc::VIDIOC_STREAMOFF);

/// A struct that V4L2's requests take.
///
/// # Safety
/// All its bytes may be zero.
unsafe trait Argument: Sized {
    fn zeroed() -> Self {
        // SAFETY: all bytes of an `Argument` may be zero.
        unsafe { std::mem::zeroed() }
    }
}

// SAFETY: each consists of integers, of arrays and unions of them, and of pointers in unions.
unsafe impl Argument for sys::v4l2_capability {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_fmtdesc {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_frmsizeenum {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_frmivalenum {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_format {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_streamparm {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_queryctrl {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_querymenu {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_control {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_requestbuffers {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_buffer {}
// SAFETY: as above.
unsafe impl Argument for sys::v4l2_plane {}

/// The most buffers that the planes of a picture are spread over, in the formats we know.
pub const MAX_PLANES: usize = 4;

/// Which of V4L2's two ways of describing buffers a device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planes {
    /// All planes of a picture in one buffer.
    Single,
    /// A buffer for each plane.
    Multi,
}

impl Planes {
    const fn code(self) -> u32 {
        match self {
            Planes::Single => sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE,
            Planes::Multi => sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
        }
    }
}

/// What a control can be set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub name: String,
    pub least: i32,
    pub most: i32,
    pub step: i32,
    pub flags: u32,
}

/// An open device node.
#[derive(Debug)]
pub struct Node(File);

impl Node {
    /// Opens a node without ever waiting for it.
    pub fn open(path: &Path) -> io::Result<Node> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        options.open(path).map(Node)
    }

    fn call<T>(&self, request: &Request<T>, argument: &mut T) -> io::Result<()> {
        let argument: *mut T = argument;
        loop {
            // SAFETY: the table above pairs the request with the struct that it takes, and the
            // one pointer that such a struct can hold (`v4l2_buffer.m.planes`) is set by
            // `buffer` to an array that outlives the call and whose length it states.
            match unsafe { v4l2::ioctl(self.0.as_raw_fd(), request.0, argument.cast()) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// Asks for the item of a list; `None` behind its end.
    fn item<T>(&self, request: &Request<T>, mut argument: T) -> io::Result<Option<T>> {
        match self.call(request, &mut argument) {
            Ok(()) => Ok(Some(argument)),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
            // A driver without this list.
            Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Driver, card and bus, and what this node can do (`V4L2_CAP_…`).
    pub fn capability(&self) -> io::Result<([String; 3], u32)> {
        let mut found = sys::v4l2_capability::zeroed();
        self.call(&QUERYCAP, &mut found)?;
        let names = [text(&found.driver), text(&found.card), text(&found.bus_info)];
        let node = found.capabilities & sys::V4L2_CAP_DEVICE_CAPS != 0;
        Ok((names, if node { found.device_caps } else { found.capabilities }))
    }

    /// The code and the name of a pixel format in the driver's list.
    pub fn pixel_format(&self, planes: Planes, index: u32) -> io::Result<Option<(Fourcc, String)>> {
        let mut asked = sys::v4l2_fmtdesc::zeroed();
        (asked.index, asked.type_) = (index, planes.code());
        let found = self.item(&ENUM_FMT, asked)?;
        Ok(found.map(|found| (Fourcc(found.pixelformat), text(&found.description))))
    }

    /// Width and height of a size in the list of a pixel format.
    pub fn size(&self, fourcc: Fourcc, index: u32) -> io::Result<Option<[Steps; 2]>> {
        let mut asked = sys::v4l2_frmsizeenum::zeroed();
        (asked.index, asked.pixel_format) = (index, fourcc.0);
        let Some(found) = self.item(&ENUM_SIZES, asked)? else { return Ok(None) };
        if found.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
            // SAFETY: the type says which part of the union is meant; both are integers.
            let size = unsafe { found.__bindgen_anon_1.discrete };
            return Ok(Some([size.width, size.height].map(one)));
        }
        // SAFETY: as above.
        let size = unsafe { found.__bindgen_anon_1.stepwise };
        let steps = |least, most, step: u32| Steps { least, most, step: step.max(1) };
        Ok(Some([
            steps(size.min_width, size.max_width, size.step_width),
            steps(size.min_height, size.max_height, size.step_height),
        ]))
    }

    /// The shortest and the longest time between pictures of an entry in the list of a size.
    pub fn interval(
        &self,
        fourcc: Fourcc,
        size: [u32; 2],
        index: u32,
    ) -> io::Result<Option<[Interval; 2]>> {
        let mut asked = sys::v4l2_frmivalenum::zeroed();
        (asked.index, asked.pixel_format, [asked.width, asked.height]) = (index, fourcc.0, size);
        let Some(found) = self.item(&ENUM_INTERVALS, asked)? else { return Ok(None) };
        let fraction = |f: sys::v4l2_fract| Interval(f.numerator, f.denominator);
        if found.type_ == sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
            // SAFETY: the type says which part of the union is meant; both are integers.
            let only = fraction(unsafe { found.__bindgen_anon_1.discrete });
            return Ok(Some([only, only]));
        }
        // SAFETY: as above.
        let range = unsafe { found.__bindgen_anon_1.stepwise };
        Ok(Some([fraction(range.min), fraction(range.max)]))
    }

    /// Asks for a size and pixel format, and says what the driver made of it.
    pub fn settle(&self, planes: Planes, fourcc: Fourcc, size: [u32; 2]) -> io::Result<Settled> {
        let mut format = sys::v4l2_format::zeroed();
        format.type_ = planes.code();
        let field = sys::v4l2_field_V4L2_FIELD_NONE;
        if planes == Planes::Multi {
            let mut asked = sys::v4l2_pix_format_mplane { ..pix_mp(&format) };
            ([asked.width, asked.height], asked.pixelformat) = (size, fourcc.0);
            asked.field = field;
            format.fmt.pix_mp = asked;
            self.call(&S_FMT, &mut format)?;
            let got = pix_mp(&format);
            let all = got.plane_fmt.map(|plane| Plane {
                stride: plane.bytesperline as usize,
                size: plane.sizeimage as usize,
            });
            // SAFETY: both parts of the union are the same byte.
            let encoding = unsafe { got.__bindgen_anon_1.ycbcr_enc };
            return Ok(Settled {
                size: [got.width, got.height],
                fourcc: Fourcc(got.pixelformat),
                field: got.field,
                colour: [got.colorspace, encoding.into(), got.quantization.into()],
                planes: all.into_iter().take(usize::from(got.num_planes)).collect(),
            });
        }
        let mut asked = pix(&format);
        ([asked.width, asked.height], asked.pixelformat) = (size, fourcc.0);
        asked.field = field;
        format.fmt.pix = asked;
        self.call(&S_FMT, &mut format)?;
        let got = pix(&format);
        // SAFETY: both parts of the union are the same integer.
        let encoding = unsafe { got.__bindgen_anon_1.ycbcr_enc };
        Ok(Settled {
            size: [got.width, got.height],
            fourcc: Fourcc(got.pixelformat),
            field: got.field,
            colour: [got.colorspace, encoding, got.quantization],
            planes: vec![Plane { stride: got.bytesperline as usize, size: got.sizeimage as usize }],
        })
    }

    /// Asks for a time between pictures, and says what it now is; `None` if it cannot be set.
    pub fn settle_interval(
        &self,
        planes: Planes,
        wanted: Interval,
    ) -> io::Result<Option<Interval>> {
        let mut parameters = sys::v4l2_streamparm::zeroed();
        parameters.type_ = planes.code();
        let Some(mut parameters) = self.item(&G_PARM, parameters)? else { return Ok(None) };
        // SAFETY: the type of the stream says that this part of the union is meant.
        let mut capture = unsafe { parameters.parm.capture };
        if capture.capability & sys::V4L2_CAP_TIMEPERFRAME != 0 {
            (capture.timeperframe.numerator, capture.timeperframe.denominator) =
                (wanted.0, wanted.1);
            parameters.parm.capture = capture;
            self.call(&S_PARM, &mut parameters)?;
            // SAFETY: as above.
            capture = unsafe { parameters.parm.capture };
        }
        let now = Interval(capture.timeperframe.numerator, capture.timeperframe.denominator);
        Ok(Some(now).filter(|interval| interval.0 > 0 && interval.1 > 0))
    }

    /// What a control can be set to; `None` if the device lacks it.
    pub fn control(&self, id: u32) -> io::Result<Option<Control>> {
        let mut asked = sys::v4l2_queryctrl::zeroed();
        asked.id = id;
        Ok(self.item(&QUERYCTRL, asked)?.map(|found| Control {
            name: text(&found.name),
            least: found.minimum,
            most: found.maximum,
            step: found.step.max(1),
            flags: found.flags,
        }))
    }

    /// Whether a control that is a menu has this entry.
    pub fn has_entry(&self, id: u32, index: u32) -> io::Result<bool> {
        let mut asked = sys::v4l2_querymenu::zeroed();
        (asked.id, asked.index) = (id, index);
        Ok(self.item(&QUERYMENU, asked)?.is_some())
    }

    /// Sets a control, and says what it now is.
    pub fn set_control(&self, id: u32, value: i32) -> io::Result<i32> {
        let mut control = sys::v4l2_control { id, value };
        self.call(&S_CTRL, &mut control)?;
        Ok(control.value)
    }
}

fn pix(format: &sys::v4l2_format) -> sys::v4l2_pix_format {
    // SAFETY: all parts of the union are integers.
    unsafe { format.fmt.pix }
}

fn pix_mp(format: &sys::v4l2_format) -> sys::v4l2_pix_format_mplane {
    // SAFETY: all parts of the union are integers.
    unsafe { format.fmt.pix_mp }
}

const fn one(value: u32) -> Steps {
    Steps { least: value, most: value, step: 1 }
}

/// The text in a field of fixed length; drivers need not write UTF-8.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}
