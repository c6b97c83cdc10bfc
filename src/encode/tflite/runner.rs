//! A net and what computes it: a delegate if one was asked for and is as good as the CPU, and
//! otherwise the CPU with XNNPACK.

use std::path::Path;
use std::sync::Arc;
#[cfg(feature = "delegate")]
use std::time::Duration;

use super::delegate::{Delegate, Share};
use super::library::Library;
use super::net::Net;
#[cfg(feature = "delegate")]
use super::trial;
#[cfg(feature = "delegate")]
use crate::config::DelegateChoice;
use crate::config::EngineChoice;
use crate::error::Result;
#[cfg(not(feature = "delegate"))]
use crate::error::{Error, Kind};

/// What nets are loaded with.
pub struct Engine {
    library: Arc<Library>,
    threads: u16,
    #[cfg(feature = "delegate")]
    delegate: Option<DelegateChoice>,
}

impl Engine {
    /// Opens the library that the choice names.
    ///
    /// # Errors
    /// As [`Library::open`]; a delegate is asked for that this program cannot load.
    pub fn open(choice: &EngineChoice) -> Result<Engine> {
        #[cfg(not(feature = "delegate"))]
        if choice.delegate.is_some() {
            let wrong = "cannot be used: delegates were left out when this program was built";
            return Err(Error::new(Kind::Config, "engine.delegate", wrong)
                .hint("build it with the feature delegate, or take the section out"));
        }
        Ok(Engine {
            library: Library::open(choice.library.as_deref())?,
            threads: choice.threads,
            #[cfg(feature = "delegate")]
            delegate: choice.delegate.clone(),
        })
    }

    /// The net on the CPU.
    fn cpu(&self, path: &Path) -> Result<Net> {
        let xnnpack = Delegate::xnnpack(&self.library, self.threads)?;
        let net = self.load(path, vec![xnnpack])?;
        // Without XNNPACK everything is right and several times slower: nobody would know why.
        if net.shares.iter().all(|share| share.taken == 0) {
            log::warn!("{}: XNNPACK took no node of it", path.display());
        }
        Ok(net)
    }

    fn load(&self, path: &Path, delegates: Vec<Delegate>) -> Result<Net> {
        Net::load(&self.library, path, self.threads, delegates)
    }

    /// The net with the delegate, and XNNPACK for what that leaves.
    #[cfg(feature = "delegate")]
    fn delegated(&self, path: &Path, choice: &DelegateChoice) -> Result<Net> {
        let delegate = Delegate::external(&choice.library, &choice.options)?;
        self.load(path, vec![delegate, Delegate::xnnpack(&self.library, self.threads)?])
    }

    /// What computes a net, in words.
    pub fn describe(&self, net: &Net) -> String {
        let mut text = format!("TensorFlow Lite {}", self.library.version());
        for Share { name, offered, taken, parts } in &net.shares {
            text += &format!(", {name} has {taken} of {offered} nodes in {parts} parts");
        }
        text
    }
}

/// A net that is ready to run.
pub struct Runner {
    pub net: Net,
    /// What computes it, in words.
    pub about: String,
    /// Why it is not the delegate, until that was told.
    pub trouble: Option<String>,
    #[cfg(feature = "delegate")]
    delegated: Option<Delegated>,
}

/// What is known of a net that a delegate computes.
#[cfg(feature = "delegate")]
struct Delegated {
    engine: Arc<Engine>,
    name: String,
    with: Duration,
    without: Duration,
}

impl Runner {
    /// Loads a net. What is wrong with the delegate is the runner's trouble and no error; that it
    /// takes no part of the net is, if it is `needed`.
    ///
    /// # Errors
    /// As [`Net::load`], for the CPU.
    pub fn open(engine: &Arc<Engine>, path: &Path, needed: bool) -> Result<Runner> {
        let net = engine.cpu(path)?;
        let about = engine.describe(&net);
        log::info!("{}: {about}", path.display());
        let cpu = Runner {
            net,
            about,
            trouble: None,
            #[cfg(feature = "delegate")]
            delegated: None,
        };
        #[cfg(feature = "delegate")]
        if let Some(choice) = &engine.delegate {
            return Ok(cpu.with_delegate(engine, choice, needed));
        }
        let _ = needed;
        Ok(cpu)
    }

    /// Runs the net on what is in its input, and makes sure that it gave numbers. A delegate
    /// that fails is left for good, and the CPU runs instead.
    ///
    /// # Errors
    /// The CPU failed.
    pub fn run(&mut self) -> Result<()> {
        match self.net.run().and_then(|()| self.net.check()) {
            #[cfg(feature = "delegate")]
            Err(error) => match self.delegated.take() {
                Some(delegated) => self.retreat(&delegated, &error),
                None => Err(error),
            },
            result => result,
        }
    }
}

#[cfg(feature = "delegate")]
impl Runner {
    /// The same net computed by the delegate, if it passes its trial.
    fn with_delegate(
        mut self,
        engine: &Arc<Engine>,
        choice: &DelegateChoice,
        needed: bool,
    ) -> Runner {
        let name = choice.library.display().to_string();
        let tried = engine.delegated(self.net.path(), choice).and_then(|mut net| {
            let taken = net.shares.first().map_or(0, |share| share.taken);
            if taken == 0 {
                return Ok(None);
            }
            let (with, without) = trial::compare(&mut net, &mut self.net)?;
            Ok(Some((net, with, without)))
        });
        match tried {
            Ok(Some((net, with, without))) => {
                self.about = engine.describe(&net);
                log::info!("{}: {}", net.path().display(), self.about);
                self.net = net;
                self.delegated =
                    Some(Delegated { engine: Arc::clone(engine), name, with, without });
            }
            Ok(None) if needed => {
                let file = self.net.path().display();
                self.trouble = Some(format!("{name} takes no part of {file}; the CPU computes it"));
            }
            Ok(None) => {}
            Err(error) => {
                self.trouble = Some(format!("{error}; the CPU computes instead of the delegate"));
            }
        }
        self
    }

    /// Runs on the CPU what the delegate failed at, and stays there.
    fn retreat(&mut self, delegated: &Delegated, error: &crate::error::Error) -> Result<()> {
        let mut net = delegated.engine.cpu(self.net.path())?;
        net.input_bytes().copy_from_slice(self.net.input_bytes());
        self.net = net;
        self.about = delegated.engine.describe(&self.net);
        let name = &delegated.name;
        self.trouble = Some(format!("{name} failed: {error}; the CPU computes from now on"));
        self.net.run()?;
        self.net.check()
    }
}

/// Says how long a look's nets take with the delegate and without.
pub fn report(runners: &[&Runner]) {
    #[cfg(feature = "delegate")]
    if let Some(name) =
        runners.iter().find_map(|runner| runner.delegated.as_ref().map(|found| &found.name))
    {
        let sum = |part: fn(&Delegated) -> Duration| -> f64 {
            let parts = runners.iter().filter_map(|runner| runner.delegated.as_ref());
            parts.map(|delegated| part(delegated).as_secs_f64() * 1e3).sum()
        };
        let (with, without) = (sum(|found| found.with), sum(|found| found.without));
        log::info!(
            "what {name} takes part in of a look takes {with:.1} ms, {without:.1} ms without"
        );
    }
    #[cfg(not(feature = "delegate"))]
    let _ = runners;
}
