//! The first line of every connection. What the devices deliver is known only when they are
//! open, and may be something else when they are opened again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use tyto::error::Result;
use tyto::event::{CameraInfo, Hello, MicrophoneInfo};
use tyto::pipeline::{Observer, Perception};
use tyto::serve::Publisher;

use super::reload::Mailbox;

/// The greeting, shared between perception, which sees what comes, and the reload.
#[derive(Clone)]
pub struct Greeting {
    hello: Arc<Mutex<Hello>>,
    publisher: Publisher,
    mailbox: Mailbox,
}

impl Greeting {
    /// A greeting that subscribers get already, and where perception is told of what changed.
    pub fn new(hello: Hello, publisher: Publisher, mailbox: Mailbox) -> Greeting {
        Greeting { hello: Arc::new(Mutex::new(hello)), publisher, mailbox }
    }

    /// The greeting, to be changed by nobody else meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, Hello> {
        self.hello.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Greeting {
    fn turn(&mut self, perception: &mut Perception) -> Result<()> {
        let mut hello = match self.hello.try_lock() {
            Ok(hello) => hello,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Perception waits for nobody; the next turn is not far.
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        // What perception goes by is no news while it has yet to read what was changed.
        if self.mailbox.waits() {
            return Ok(());
        }
        let camera = perception.picture().map(|(width, height, camera)| CameraInfo {
            width,
            height,
            hfov_deg: camera.hfov_deg(),
        });
        let microphone = perception
            .microphone()
            .map(|format| MicrophoneInfo { rate: format.rate, channels: format.channels });
        // What is lost for a while is still what will be there again.
        let (camera, microphone) = (camera.or(hello.camera), microphone.or(hello.microphone));
        if (camera, microphone) != (hello.camera, hello.microphone)
            && self.publisher.greet(Hello { camera, microphone, ..hello.clone() })
        {
            (hello.camera, hello.microphone) = (camera, microphone);
        }
        Ok(())
    }
}
