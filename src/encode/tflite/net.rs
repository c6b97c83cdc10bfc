//! One net in TensorFlow Lite's interpreter.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use memmap2::{Mmap, UncheckedAdvice};

use super::delegate::{Delegate, Share, counted};
use super::library::{Functions, Interpreter, Library, Model, OK, Options, Quantisation, Tensor};
use crate::error::{Error, Kind, Result};

/// What a tensor holds, as far as a pack's contract has it (`TfLiteType` of `c_api_types.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    F32,
    U8,
    I8,
    /// Another, by its number.
    Other(i32),
}

/// A tensor, seen from outside.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    pub kind: Kinds,
    pub shape: Vec<usize>,
    pub quantisation: Quantisation,
}

/// A number that a tensor can hold.
pub trait Element: Copy {
    const KIND: Kinds;
}

impl Element for f32 {
    const KIND: Kinds = Kinds::F32;
}

impl Element for u8 {
    const KIND: Kinds = Kinds::U8;
}

impl Element for i8 {
    const KIND: Kinds = Kinds::I8;
}

/// A net that is ready to run, with one input.
pub struct Net {
    path: PathBuf,
    interpreter: NonNull<Interpreter>,
    model: NonNull<Model>,
    /// What the model is read from.
    _file: Mmap,
    /// What each delegate took, in the order in which they were asked.
    pub shares: Vec<Share>,
    /// The interpreter calls them, and so they go after it.
    _delegates: Vec<Delegate>,
    library: Arc<Library>,
}

// SAFETY: neither the library nor XNNPACK binds an interpreter to a thread, and a `Net` is used
// by one at a time, as every call that computes takes `&mut self`.
unsafe impl Send for Net {}

/// The options of an interpreter, deleted when it has been made.
struct Settings<'a> {
    raw: *mut Options,
    functions: &'a Functions,
}

impl Drop for Settings<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `options_create`, and not deleted yet.
        unsafe { (self.functions.options_delete)(self.raw) }
    }
}

impl Net {
    /// Loads a net, on so many threads. The delegates are asked in their order which nodes they
    /// take; what nobody takes the library's own kernels compute.
    ///
    /// # Errors
    /// [`Kind::Pack`], naming the file: it is no net that the library can run, or a delegate
    /// refused it.
    pub fn load(
        library: &Arc<Library>,
        path: &Path,
        threads: u16,
        delegates: Vec<Delegate>,
    ) -> Result<Net> {
        let wrong = |what: &str| Error::new(Kind::Pack, path.display(), what);
        let functions = &library.functions;
        // SAFETY: packs are replaced, and not written to, while they are used.
        let file = File::open(path)
            .and_then(|file| unsafe { Mmap::map(&file) })
            .map_err(|error| wrong("cannot be read").because(error))?;
        // SAFETY: the bytes live as long as the model. The library checks their form before it
        // believes them.
        let model = unsafe { (functions.model_create)(file.as_ptr().cast(), file.len()) };
        let Some(model) = NonNull::new(model) else {
            return Err(wrong("is not a net that TensorFlow Lite can read"));
        };
        // SAFETY: takes nothing; a null is answered by the functions that take it.
        let settings = Settings { raw: unsafe { (functions.options_create)() }, functions };
        // SAFETY: the options were just made; the delegates live until after the interpreter.
        let (interpreter, shares) = unsafe {
            (functions.options_threads)(settings.raw, i32::from(threads));
            for delegate in &delegates {
                (functions.options_delegate)(settings.raw, delegate.raw());
            }
            counted(&delegates, || {
                NonNull::new((functions.create)(model.as_ptr(), settings.raw)).map(|made| {
                    // Kernels are prepared here, and with them what delegates left for later.
                    (made, (functions.allocate)(made.as_ptr()))
                })
            })
        };
        drop(settings);
        let Some((interpreter, status)) = interpreter else {
            // SAFETY: made above, and no interpreter has it.
            unsafe { (functions.model_delete)(model.as_ptr()) };
            return Err(wrong("does not run in this TensorFlow Lite, or the delegate refused it"));
        };
        // Most weights have been packed anew by now, and are not read from the file again: what
        // still is comes back by itself.
        // SAFETY: the mapping is of a file, and never written to.
        if let Err(error) = unsafe { file.unchecked_advise(UncheckedAdvice::DontNeed) } {
            log::debug!("{}: stays in memory: {error}", path.display());
        }
        let net = Net {
            path: path.to_owned(),
            interpreter,
            model,
            _file: file,
            shares,
            _delegates: delegates,
            library: Arc::clone(library),
        };
        // SAFETY: the interpreter is the net's.
        let inputs = unsafe { (functions.inputs)(interpreter.as_ptr()) };
        if status != OK {
            return Err(wrong("cannot be prepared by TensorFlow Lite"));
        }
        if inputs != 1 {
            return Err(wrong(&format!("has {inputs} inputs, but a pack's nets have one")));
        }
        Ok(net)
    }

    /// Where the net lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn wrong(&self, what: impl Into<String>) -> Error {
        Error::new(Kind::Pack, self.path.display(), what)
    }

    fn functions(&self) -> &Functions {
        &self.library.functions
    }

    /// # Safety
    /// `tensor` is null or one of this net's.
    unsafe fn spec(&self, tensor: *const Tensor) -> Option<Spec> {
        let f = self.functions();
        if tensor.is_null() {
            return None;
        }
        // SAFETY: the tensor is this net's; its name is a text that ends in a zero, or null.
        unsafe {
            let name = (f.name)(tensor);
            let name = if name.is_null() { c"" } else { CStr::from_ptr(name) };
            let kind = match (f.kind)(tensor) {
                1 => Kinds::F32,
                3 => Kinds::U8,
                9 => Kinds::I8,
                other => Kinds::Other(other),
            };
            let side = |i| usize::try_from((f.side)(tensor, i)).unwrap_or(0);
            let shape = (0..(f.rank)(tensor)).map(side).collect();
            let quantisation = (f.quantisation)(tensor);
            Some(Spec { name: name.to_string_lossy().into_owned(), kind, shape, quantisation })
        }
    }

    fn input_tensor(&self) -> *mut Tensor {
        // SAFETY: every net has an input, as `load` saw.
        unsafe { (self.functions().input)(self.interpreter.as_ptr(), 0) }
    }

    fn output_tensor(&self, index: i32) -> *const Tensor {
        // SAFETY: an index that does not exist is answered by null.
        unsafe { (self.functions().output)(self.interpreter.as_ptr(), index) }
    }

    /// What the input is.
    pub fn input_spec(&self) -> Option<Spec> {
        // SAFETY: this net's tensor.
        unsafe { self.spec(self.input_tensor()) }
    }

    /// What the outputs are, each at its index.
    pub fn output_specs(&self) -> Vec<Spec> {
        // SAFETY: this net's interpreter and tensors.
        unsafe {
            let count = (self.functions().outputs)(self.interpreter.as_ptr());
            (0..count).filter_map(|i| self.spec(self.output_tensor(i))).collect()
        }
    }

    /// The values of the input, to be written.
    ///
    /// # Errors
    /// It holds values of another kind.
    pub fn input<T: Element>(&mut self) -> Result<&mut [T]> {
        // SAFETY: the memory is the tensor's own, of `len` values of this kind, aligned for
        // every kind (the library's arena is to 64 bytes), and borrowed as the net is.
        unsafe {
            let (data, len) = self.values::<T>(self.input_tensor())?;
            Ok(std::slice::from_raw_parts_mut(data, len))
        }
    }

    /// The input's memory, whatever it holds.
    #[cfg(feature = "delegate")]
    pub fn input_bytes(&mut self) -> &mut [u8] {
        let (tensor, f) = (self.input_tensor(), self.functions());
        // SAFETY: the memory is the tensor's own, borrowed as the net is; bytes need no form.
        unsafe {
            let data = (f.data)(tensor).cast::<u8>();
            if data.is_null() {
                return &mut [];
            }
            std::slice::from_raw_parts_mut(data, (f.bytes)(tensor))
        }
    }

    /// The values of the output at `index`, as the last run left them.
    ///
    /// # Errors
    /// There is no such output, or it holds values of another kind.
    pub fn output<T: Element>(&self, index: usize) -> Result<&[T]> {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        // SAFETY: as for `input`.
        unsafe {
            let (data, len) = self.values::<T>(self.output_tensor(index))?;
            Ok(std::slice::from_raw_parts(data, len))
        }
    }

    /// # Safety
    /// `tensor` is null or one of this net's.
    unsafe fn values<T: Element>(&self, tensor: *const Tensor) -> Result<(*mut T, usize)> {
        let f = self.functions();
        // SAFETY: the tensor is this net's.
        let found = unsafe { self.spec(tensor) }
            .filter(|spec| spec.kind == T::KIND)
            .map(|_| unsafe { ((f.data)(tensor).cast::<T>(), (f.bytes)(tensor)) })
            .filter(|(data, _)| !data.is_null() && data.is_aligned());
        match found {
            Some((data, bytes)) => Ok((data, bytes / size_of::<T>())),
            None => Err(self.wrong(format!("has no tensor of {:?} where one was", T::KIND))),
        }
    }

    /// Runs the net on what is in its input.
    ///
    /// # Errors
    /// A kernel or a delegate failed.
    pub fn run(&mut self) -> Result<()> {
        // SAFETY: the interpreter is this net's, and its tensors have their memory.
        match unsafe { (self.functions().invoke)(self.interpreter.as_ptr()) } {
            OK => Ok(()),
            status => Err(self.wrong(format!("failed while running, with status {status}"))),
        }
    }

    /// Whether all that the last run left are numbers.
    ///
    /// # Errors
    /// They are not, or an output holds something else.
    pub fn check(&self) -> Result<()> {
        // SAFETY: this net's interpreter.
        let count = unsafe { (self.functions().outputs)(self.interpreter.as_ptr()) };
        for index in 0..usize::try_from(count).unwrap_or(0) {
            if !self.output::<f32>(index)?.iter().all(|value| value.is_finite()) {
                let hint = "the net's weights are damaged, or its input was";
                return Err(self.wrong("gave values that are not finite").hint(hint));
            }
        }
        Ok(())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let f = &self.library.functions;
        // SAFETY: both are this net's and not deleted yet; the interpreter goes before its model.
        unsafe {
            (f.delete)(self.interpreter.as_ptr());
            (f.model_delete)(self.model.as_ptr());
        }
    }
}
