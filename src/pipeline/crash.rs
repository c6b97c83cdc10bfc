//! A panic where it must not spread becomes an error with the panic's words.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Kind, Result};

/// Calls, and makes a panic in `what` an error. Whoever calls drops what the panic may have
/// left half done, or does not use it again.
pub(super) fn guarded<T>(what: &str, call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(crash(what, &*panic)))
}

/// The error for a panic.
pub(super) fn crash(what: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    Error::new(Kind::System, what, "crashed, which is a fault of this program")
        .because(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_words() {
        let number = 7;
        let error = guarded("capture", || -> Result<()> { panic!("row {number}") }).unwrap_err();
        assert_eq!(error.to_string(), "capture: crashed, which is a fault of this program: row 7");
        assert_eq!(guarded("capture", || Ok(5)).unwrap(), 5);
    }
}
