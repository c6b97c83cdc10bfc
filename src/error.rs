//! One error type: what kind, what was being done, to which thing, and what to do about it.

use std::fmt;

/// The result of anything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as far as a caller can act on it. Each kind has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A configuration file or board profile: unknown key, wrong value, unreadable file.
    Config,
    /// A picture, sound or clip that cannot be read.
    Media,
    /// A model pack: missing file, wrong checksum or shape, a graph that does not run.
    Pack,
    /// A camera or microphone.
    Device,
    /// The event socket: taken, not writable, not reachable.
    Socket,
    /// A program that Tyto starts (`ffmpeg`) is missing or failed.
    Helper,
    /// A file that was to be written, or any other failure of the system beneath.
    System,
}

impl Kind {
    /// The exit code of the process when an error of this kind ends it.
    ///
    /// 0 is success and 2 a wrong command line, which `clap` reports by itself.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::System => 1,
            Kind::Config => 3,
            Kind::Media => 4,
            Kind::Pack => 5,
            Kind::Device => 6,
            Kind::Socket => 7,
            Kind::Helper => 8,
        }
    }
}

/// An error whose text reads `THING: what went wrong: cause (what to do)`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    thing: String,
    wrong: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` about `thing` (a path, key, device), saying what is wrong with it.
    pub fn new(kind: Kind, thing: impl fmt::Display, wrong: impl Into<String>) -> Self {
        Error { kind, thing: thing.to_string(), wrong: wrong.into(), hint: None, source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with where its thing is written, such as `tyto.toml:3`.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.thing = format!("{place}: {}", self.thing);
        self
    }

    /// What the error is about: a path, key or device.
    pub fn thing(&self) -> &str {
        &self.thing
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.thing, self.wrong)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// The text already holds the whole chain of causes, so `source` stays `None`:
/// a reporter that walks the chain would otherwise say everything twice.
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_thing_the_fault_the_cause_and_the_remedy() {
        let error = Error::new(Kind::Media, "clip.wav", "cannot be read")
            .because("unexpected end of file")
            .hint("record it again");
        assert_eq!(
            error.to_string(),
            "clip.wav: cannot be read: unexpected end of file (record it again)"
        );
    }

    #[test]
    fn every_kind_has_an_exit_code_of_its_own_apart_from_clap_s() {
        let kinds = [
            Kind::System,
            Kind::Config,
            Kind::Media,
            Kind::Pack,
            Kind::Device,
            Kind::Socket,
            Kind::Helper,
        ];
        let mut codes: Vec<u8> = kinds.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), kinds.len());
        assert!(!codes.contains(&0) && !codes.contains(&2));
    }
}
