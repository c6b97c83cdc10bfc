//! What libasound would print to standard error goes to the log instead.

use std::cell::RefCell;
use std::rc::Rc;

use alsa::Output;

/// Collects what libasound says on this thread from now on, and logs what it has said before.
pub(super) fn listen() -> Said {
    Said(Output::local_error_handler().ok())
}

/// What was said since [`listen`].
pub(super) struct Said(Option<Rc<RefCell<Output>>>);

impl Drop for Said {
    fn drop(&mut self) {
        let said = self.0.as_ref().and_then(|output| output.try_borrow().ok()?.to_string().into());
        for line in said.iter().flat_map(|text: &String| text.lines()) {
            log::debug!("libasound: {line}");
        }
        // The handler stays installed for the thread; a new one begins with nothing, so that
        // what is said over months does not add up.
        let _ = Output::local_error_handler();
    }
}
