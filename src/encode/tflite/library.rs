//! The TensorFlow Lite library, opened while the program runs: nothing is linked against it, and
//! without it the program is the same but for this engine.
//!
//! The functions are those of `tensorflow/lite/c/c_api.h`, which no version has changed or taken
//! away, and XNNPACK's of `delegates/xnnpack/xnnpack_delegate.h`.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libloading::Library as Object;

use crate::error::{Error, Kind, Result};

/// Where the library is looked for, after the places where the system keeps its libraries.
const USUAL: [&str; 2] = ["libtensorflowlite_c.so", "/usr/lib/tyto/libtensorflowlite_c.so"];

/// What a call came to: 0 is well.
pub type Status = c_int;
pub const OK: Status = 0;

/// Something of the library's own, seen from outside as an address.
macro_rules! opaque {
    ($($name:ident)+) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )+ };
}

opaque! { Model Options Interpreter Tensor }

/// How a tensor's integers stand for numbers: `scale · (integer − zero)`; a scale of 0 says that
/// they do not.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    pub scale: f32,
    pub zero: i32,
}

/// XNNPACK's options. The library returns them by value, and each version has more of them: the
/// room behind the two that are known is for all that is not.
#[repr(C)]
pub struct XnnpackOptions {
    pub threads: i32,
    pub flags: u32,
    _more: MaybeUninit<[u64; 63]>,
}

/// A table of functions of one library.
macro_rules! functions {
    ($table:ident { $($name:ident = $symbol:literal ($($argument:ty),*) $(-> $result:ty)?;)+ }) => {
        pub struct $table {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
        }

        impl $table {
            /// # Safety
            /// The object's functions of these names have these types, and the table is not used
            /// after the object is closed.
            unsafe fn of(object: &Object) -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the caller vouches for the types.
                Ok($table { $($name: *unsafe { object.get(concat!($symbol, "\0").as_bytes()) }?,)+ })
            }
        }
    };
}

functions! { Functions {
    version = "TfLiteVersion"() -> *const c_char;
    model_create = "TfLiteModelCreate"(*const c_void, usize) -> *mut Model;
    model_delete = "TfLiteModelDelete"(*mut Model);
    options_create = "TfLiteInterpreterOptionsCreate"() -> *mut Options;
    options_delete = "TfLiteInterpreterOptionsDelete"(*mut Options);
    options_threads = "TfLiteInterpreterOptionsSetNumThreads"(*mut Options, i32);
    options_delegate = "TfLiteInterpreterOptionsAddDelegate"(*mut Options, *mut c_void);
    create = "TfLiteInterpreterCreate"(*const Model, *const Options) -> *mut Interpreter;
    delete = "TfLiteInterpreterDelete"(*mut Interpreter);
    allocate = "TfLiteInterpreterAllocateTensors"(*mut Interpreter) -> Status;
    invoke = "TfLiteInterpreterInvoke"(*mut Interpreter) -> Status;
    inputs = "TfLiteInterpreterGetInputTensorCount"(*const Interpreter) -> i32;
    input = "TfLiteInterpreterGetInputTensor"(*const Interpreter, i32) -> *mut Tensor;
    outputs = "TfLiteInterpreterGetOutputTensorCount"(*const Interpreter) -> i32;
    output = "TfLiteInterpreterGetOutputTensor"(*const Interpreter, i32) -> *const Tensor;
    kind = "TfLiteTensorType"(*const Tensor) -> c_int;
    rank = "TfLiteTensorNumDims"(*const Tensor) -> i32;
    side = "TfLiteTensorDim"(*const Tensor, i32) -> i32;
    bytes = "TfLiteTensorByteSize"(*const Tensor) -> usize;
    data = "TfLiteTensorData"(*const Tensor) -> *mut c_void;
    name = "TfLiteTensorName"(*const Tensor) -> *const c_char;
    quantisation = "TfLiteTensorQuantizationParams"(*const Tensor) -> Quantisation;
} }

functions! { Xnnpack {
    defaults = "TfLiteXNNPackDelegateOptionsDefault"() -> XnnpackOptions;
    create = "TfLiteXNNPackDelegateCreate"(*const XnnpackOptions) -> *mut c_void;
    delete = "TfLiteXNNPackDelegateDelete"(*mut c_void);
} }

/// The opened library.
pub struct Library {
    pub functions: Functions,
    /// A library may have been built without.
    pub xnnpack: Option<Xnnpack>,
    _object: Object,
}

impl Library {
    /// Opens the library at `path`, or the first where it usually lies.
    ///
    /// # Errors
    /// [`Kind::Config`]: there is none, or it is another library.
    pub fn open(path: Option<&Path>) -> Result<Arc<Library>> {
        let places = path.map_or_else(|| USUAL.map(PathBuf::from).to_vec(), |p| vec![p.to_owned()]);
        let mut refusal = None;
        for place in &places {
            // SAFETY: what the library does when it is opened is the affair of whoever named or
            // installed it; TensorFlow Lite's own only fills its tables.
            match unsafe { Object::new::<&OsStr>(place.as_os_str()) } {
                Ok(object) => return Library::of(object, place),
                Err(error) => refusal = Some(error),
            }
        }
        let names: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        let error = Error::new(Kind::Config, names.join(", "), "cannot be opened").hint(
            "TensorFlow Lite is needed by engine.name = \"tflite\": cross/tflite.sh fetches its \
             library, and engine.library says where it is",
        );
        Err(match refusal {
            Some(refusal) => error.because(refusal),
            None => error,
        })
    }

    fn of(object: Object, place: &Path) -> Result<Arc<Library>> {
        // SAFETY: the types are those of the C headers, and the object lives as long as the table.
        let (functions, xnnpack) = unsafe { (Functions::of(&object), Xnnpack::of(&object).ok()) };
        let functions = functions.map_err(|error| {
            let wrong = "is not a TensorFlow Lite library with a C interface";
            Error::new(Kind::Config, place.display(), wrong).because(error)
        })?;
        Ok(Arc::new(Library { functions, xnnpack, _object: object }))
    }

    /// Its version, such as `2.17.1`.
    pub fn version(&self) -> String {
        // SAFETY: the function takes nothing and returns a constant of the library.
        let text = unsafe { (self.functions.version)() };
        if text.is_null() {
            return "of unknown version".to_owned();
        }
        // SAFETY: it is a text that ends in a zero.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}
