//! Delegates: what takes nodes of a net over, and how many each took.
//!
//! The interpreter asks each delegate to look at the net (`Prepare` in
//! `tensorflow/lite/core/c/common.h`) and to replace what it takes by nodes of its own. For as
//! long as a net is made, `Prepare` is called through [`watch`], which counts the nodes before
//! and after: what is told is what the library itself holds to be its plan.
#![allow(unsafe_code)]

use std::cell::RefCell;
#[cfg(feature = "delegate")]
use std::collections::BTreeMap;
#[cfg(feature = "delegate")]
use std::ffi::{CStr, CString, OsStr, c_char};
use std::ffi::{c_int, c_void};
#[cfg(feature = "delegate")]
use std::path::Path;
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use super::library::{Library, OK, Status};
use crate::error::{Error, Kind, Result};

/// XNNPACK also takes integers: `TFLITE_XNNPACK_DELEGATE_FLAG_QS8`, `…_QU8`, and
/// `…_DYNAMIC_FULLY_CONNECTED`.
const XNNPACK_FLAGS: u32 = 0x1 | 0x2 | 0x8;

/// `kTfLiteBuiltinDelegate`: the code of a node that a delegate put in.
const DELEGATE_NODE: i32 = 51;

/// `TfLiteIntArray`.
#[repr(C)]
struct IntArray {
    size: c_int,
    data: [c_int; 0],
}

/// The beginning of `TfLiteContext`.
#[repr(C)]
struct Context {
    tensors_size: usize,
    execution_plan: Option<unsafe extern "C" fn(*mut Context, *mut *mut IntArray) -> Status>,
    tensors: *mut c_void,
    hidden: *mut c_void,
    resize_tensor: *const c_void,
    report_error: *const c_void,
    add_tensors: *const c_void,
    node_and_registration: Option<
        unsafe extern "C" fn(
            *mut Context,
            c_int,
            *mut *mut c_void,
            *mut *mut Registration,
        ) -> Status,
    >,
}

/// The beginning of `TfLiteRegistration`.
#[repr(C)]
struct Registration {
    init: *const c_void,
    free: *const c_void,
    prepare: *const c_void,
    invoke: *const c_void,
    profiling_string: *const c_void,
    builtin_code: i32,
}

type Prepare = unsafe extern "C" fn(*mut Context, *mut Raw) -> Status;
type OpaquePrepare = unsafe extern "C" fn(*mut Context, *mut Raw, *mut c_void) -> Status;

/// `TfLiteDelegate`.
#[repr(C)]
struct Raw {
    data: *mut c_void,
    prepare: Option<Prepare>,
    copy_from_buffer: *const c_void,
    copy_to_buffer: *const c_void,
    free_buffer: *const c_void,
    flags: i64,
    /// Since version 2.14; older delegates end here, and their library never looks further.
    opaque: *mut Builder,
}

/// The beginning of `TfLiteOpaqueDelegateBuilder`, which goes before the fields above.
#[repr(C)]
struct Builder {
    data: *mut c_void,
    prepare: Option<OpaquePrepare>,
}

/// What one delegate took of one net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The delegate.
    pub name: String,
    /// Nodes that it was offered.
    pub offered: usize,
    /// Nodes of those that it took.
    pub taken: usize,
    /// In how many parts they run.
    pub parts: usize,
}

/// A delegate, ready to be given to an interpreter.
pub struct Delegate {
    raw: NonNull<Raw>,
    destroy: unsafe extern "C" fn(*mut c_void),
    name: String,
    /// Whose code it is.
    _code: Code,
}

/// What must stay loaded for as long as a delegate lives.
enum Code {
    Library(#[expect(dead_code, reason = "kept, not used")] Arc<Library>),
    #[cfg(feature = "delegate")]
    Plugin(#[expect(dead_code, reason = "kept, not used")] libloading::Library),
}

impl Delegate {
    /// XNNPACK, the library's own kernels for CPUs with vector units, on so many threads.
    ///
    /// # Errors
    /// [`Kind::Config`]: the library was built without it, or it cannot be made.
    pub fn xnnpack(library: &Arc<Library>, threads: u16) -> Result<Delegate> {
        let wrong = |what: &str| Error::new(Kind::Config, "XNNPACK", what);
        let xnnpack = library.xnnpack.as_ref().ok_or_else(|| {
            wrong("is not in this TensorFlow Lite library")
                .hint("use a library that was built with it: cross/tflite.sh fetches one")
        })?;
        // SAFETY: the options are the library's own, in a place with room for more than any
        // version has; `create` copies what it needs of them.
        let raw = unsafe {
            let mut options = (xnnpack.defaults)();
            options.threads = i32::from(threads);
            options.flags |= XNNPACK_FLAGS;
            (xnnpack.create)(&raw const options)
        };
        match NonNull::new(raw.cast()) {
            Some(raw) => Ok(Delegate {
                raw,
                destroy: xnnpack.delete,
                name: "XNNPACK".to_owned(),
                _code: Code::Library(Arc::clone(library)),
            }),
            None => Err(wrong("cannot be set up on this processor")),
        }
    }

    /// A delegate of another library, which has the two functions of TensorFlow Lite's external
    /// delegates (`delegates/external/external_delegate_interface.h`).
    ///
    /// # Errors
    /// [`Kind::Config`], naming the library: it cannot be opened, is no delegate, or made none,
    /// with the words it gave.
    #[cfg(feature = "delegate")]
    pub fn external(path: &Path, options: &BTreeMap<String, String>) -> Result<Delegate> {
        let wrong = |what: &str| Error::new(Kind::Config, path.display(), what);
        let text = |text: &str| {
            CString::new(text).map_err(|e| wrong("has an option that is no text").because(e))
        };
        let keys = options.keys().map(|key| text(key)).collect::<Result<Vec<_>>>()?;
        let values = options.values().map(|value| text(value)).collect::<Result<Vec<_>>>()?;
        let keys: Vec<_> = keys.iter().map(|key| key.as_ptr()).collect();
        let values: Vec<_> = values.iter().map(|value| value.as_ptr()).collect();

        // SAFETY: what a delegate's library does when it is opened is the affair of whoever
        // named it in the board profile.
        let object = unsafe { libloading::Library::new::<&OsStr>(path.as_os_str()) }
            .map_err(|error| wrong("cannot be opened").because(error))?;
        let no_delegate = |error| wrong("is no TensorFlow Lite delegate").because(error);
        // SAFETY: the interface fixes the types of both.
        let (create, destroy) = unsafe {
            let create = object.get::<CreatePlugin>(b"tflite_plugin_create_delegate\0");
            let destroy = object.get::<DestroyPlugin>(b"tflite_plugin_destroy_delegate\0");
            (*create.map_err(no_delegate)?, *destroy.map_err(no_delegate)?)
        };
        COMPLAINT.take();
        // SAFETY: texts that end in a zero, as many as is said, alive until the call is over.
        let raw = unsafe { create(keys.as_ptr(), values.as_ptr(), keys.len(), Some(complain)) };
        let complaint = COMPLAINT.take();
        match NonNull::new(raw) {
            Some(raw) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let name = name.to_string_lossy().into_owned();
                Ok(Delegate { raw, destroy, name, _code: Code::Plugin(object) })
            }
            None if complaint.is_empty() => Err(wrong("gave no delegate, and no reason")),
            None => Err(wrong("gave no delegate").because(complaint)),
        }
    }

    /// As the interpreter's options take it.
    pub fn raw(&self) -> *mut c_void {
        self.raw.as_ptr().cast()
    }
}

impl Drop for Delegate {
    fn drop(&mut self) {
        // SAFETY: made by the function that belongs to this one; no interpreter has it any more.
        unsafe { (self.destroy)(self.raw()) }
    }
}

#[cfg(feature = "delegate")]
type CreatePlugin = unsafe extern "C" fn(
    *const *const c_char,
    *const *const c_char,
    usize,
    Option<unsafe extern "C" fn(*const c_char)>,
) -> *mut Raw;

#[cfg(feature = "delegate")]
type DestroyPlugin = unsafe extern "C" fn(*mut c_void);

#[cfg(feature = "delegate")]
thread_local! {
    /// What a plug-in said while it was asked for a delegate.
    static COMPLAINT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[cfg(feature = "delegate")]
unsafe extern "C" fn complain(text: *const c_char) {
    if !text.is_null() {
        // SAFETY: by the interface, a text that ends in a zero.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
        COMPLAINT.with_borrow_mut(|complaint| *complaint = text.trim().replace('\n', " "));
    }
}

/// One delegate under watch.
struct Watched {
    raw: *mut Raw,
    prepare: Option<Prepare>,
    opaque: Option<OpaquePrepare>,
    share: Share,
}

thread_local! {
    /// Those of the net that this thread is making.
    static WATCHED: RefCell<Vec<Watched>> = const { RefCell::new(Vec::new()) };
}

/// Calls `make`, which gives the delegates to an interpreter, and says what each took of it.
///
/// # Safety
/// The delegates are alive, and no other thread makes an interpreter with them.
pub unsafe fn counted<T>(delegates: &[Delegate], make: impl FnOnce() -> T) -> (T, Vec<Share>) {
    let watched = delegates.iter().map(|delegate| {
        let raw = delegate.raw.as_ptr();
        let share = Share { name: delegate.name.clone(), offered: 0, taken: 0, parts: 0 };
        // SAFETY: the delegate is alive and ours alone; its builder, if it has one, lives with it.
        unsafe {
            let builder = (*raw).opaque.as_mut().filter(|builder| builder.prepare.is_some());
            let opaque = builder.and_then(|builder| builder.prepare.replace(watch_opaque));
            let prepare = (*raw).prepare.map(|_| watch as Prepare);
            let prepare = std::mem::replace(&mut (*raw).prepare, prepare);
            Watched { raw, prepare, opaque, share }
        }
    });
    let watched: Vec<Watched> = watched.collect();
    WATCHED.with_borrow_mut(|list| *list = watched);
    let made = make();
    let watched = WATCHED.take();
    for delegate in &watched {
        // SAFETY: as above; what was there before comes back.
        unsafe {
            (*delegate.raw).prepare = delegate.prepare;
            if let (Some(prepare), Some(builder)) =
                (delegate.opaque, (*delegate.raw).opaque.as_mut())
            {
                builder.prepare = Some(prepare);
            }
        }
    }
    (made, watched.into_iter().map(|delegate| delegate.share).collect())
}

/// In the place of a delegate's `Prepare`.
unsafe extern "C" fn watch(context: *mut Context, raw: *mut Raw) -> Status {
    let prepare = WATCHED.with_borrow(|list| {
        list.iter().find(|delegate| delegate.raw == raw).and_then(|delegate| delegate.prepare)
    });
    // SAFETY: the interpreter's own arguments, handed on.
    unsafe {
        watched(context, raw, || match prepare {
            Some(prepare) => prepare(context, raw),
            None => OK,
        })
    }
}

/// In the place of the `Prepare` of a delegate that knows contexts only by their functions.
unsafe extern "C" fn watch_opaque(
    context: *mut Context,
    raw: *mut Raw,
    data: *mut c_void,
) -> Status {
    let prepare = WATCHED.with_borrow(|list| {
        list.iter().find(|delegate| delegate.raw == raw).and_then(|delegate| delegate.opaque)
    });
    // SAFETY: the interpreter's own arguments, handed on.
    unsafe {
        watched(context, raw, || match prepare {
            Some(prepare) => prepare(context, raw, data),
            None => OK,
        })
    }
}

/// # Safety
/// The context is one that an interpreter has handed to a delegate.
unsafe fn watched(
    context: *mut Context,
    raw: *mut Raw,
    prepare: impl FnOnce() -> Status,
) -> Status {
    // SAFETY: the caller vouches for the context.
    let before = unsafe { plan(context) };
    let status = prepare();
    // SAFETY: as before; the context is the delegate's until it returns.
    let after = unsafe { plan(context) };
    WATCHED.with_borrow_mut(|list| {
        let Some(delegate) = list.iter_mut().find(|delegate| delegate.raw == raw) else { return };
        if let (OK, Some(before), Some(after)) = (status, before, after) {
            let share = &mut delegate.share;
            share.offered += before.own;
            share.taken += before.own - after.own.min(before.own);
            share.parts += after.delegated - before.delegated.min(after.delegated);
        }
    });
    status
}

/// How many nodes of a plan are the net's own, and how many delegates put in.
struct Plan {
    own: usize,
    delegated: usize,
}

/// # Safety
/// The context is one that an interpreter has handed to a delegate.
unsafe fn plan(context: *mut Context) -> Option<Plan> {
    // SAFETY: in such a context both functions are there and answer; the list lives until the
    // next call that changes the plan, and none is made while it is read.
    unsafe {
        let mut list: *mut IntArray = null_mut();
        if ((*context).execution_plan?)(context, &raw mut list) != OK || list.is_null() {
            return None;
        }
        let size = usize::try_from((*list).size).ok()?;
        let data = (&raw const (*list).data).cast::<c_int>();
        let nodes = std::slice::from_raw_parts(data, size).to_vec();
        let mut found = Plan { own: 0, delegated: 0 };
        for index in nodes {
            let (mut node, mut registration) = (null_mut(), null_mut::<Registration>());
            let ask = (*context).node_and_registration?;
            if ask(context, index, &raw mut node, &raw mut registration) != OK {
                return None;
            }
            match registration.as_ref()?.builtin_code {
                DELEGATE_NODE => found.delegated += 1,
                _ => found.own += 1,
            }
        }
        Some(found)
    }
}
