//! One running `ffmpeg`: its output, its last word, and its end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use crate::error::{Error, Kind, Result};

/// A child that decodes; killed and reaped when it is dropped.
pub(super) struct Child {
    process: std::process::Child,
    output: BufReader<ChildStdout>,
    last_word: Option<JoinHandle<Option<String>>>,
}

/// How a child ended.
pub(super) struct End {
    pub(super) success: bool,
    pub(super) signal: Option<i32>,
    /// The last line it wrote to its standard error.
    pub(super) said: Option<String>,
}

impl Child {
    pub(super) fn start(program: &OsStr, input: &OsStr, arguments: &[String]) -> Result<Child> {
        let mut process = Command::new(program)
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(input)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt from the terminal is for this process, which ends its children.
            .process_group(0)
            .spawn()
            .map_err(|error| not_started(program, error))?;
        let (Some(output), Some(errors)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(Error::new(Kind::Helper, program.display(), "has no output to read"));
        };
        let last_word = std::thread::Builder::new()
            .name("ffmpeg-stderr".to_owned())
            .spawn(move || last_line(errors))
            .map_err(|error| {
                Error::new(Kind::System, program.display(), "no thread to listen to it")
                    .because(error)
            });
        let mut child =
            Child { process, output: BufReader::with_capacity(1 << 16, output), last_word: None };
        child.last_word = Some(last_word?);
        Ok(child)
    }

    /// Reads until `bytes` are full or there is no more, and says how many it read.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            match self.output.read(&mut bytes[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Waits for its end, which comes soon after that of its output.
    pub(super) fn wait(&mut self) -> std::io::Result<End> {
        let status = self.process.wait()?;
        let said = self.last_word.take().and_then(|thread| thread.join().ok()).flatten();
        Ok(End { success: status.success(), signal: status.signal(), said })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(thread) = self.last_word.take() {
            let _ = thread.join();
        }
    }
}

/// The error for a program that did not start.
pub(super) fn not_started(program: &OsStr, error: std::io::Error) -> Error {
    let wrong = if error.kind() == std::io::ErrorKind::NotFound {
        "is not installed, and a clip that is a file needs it"
    } else {
        "cannot be started"
    };
    Error::new(Kind::Helper, program.display(), wrong)
        .because(error)
        .hint("install ffmpeg, or give a folder with pictures and one WAV as the clip")
}

/// Reads to the end, keeping the last line that says something.
fn last_line(errors: ChildStderr) -> Option<String> {
    // A line without end is no line that anybody should have to read.
    const LONGEST: u64 = 1024;
    let (mut errors, mut line, mut last) = (BufReader::new(errors), Vec::new(), None);
    loop {
        line.clear();
        match errors.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return last,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            last = Some(text.trim().to_owned());
        }
    }
}
