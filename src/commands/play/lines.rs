//! Prints events: as lines for people or as JSON, with a progress bar beside them.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tyto::clock::Mono;
use tyto::error::Result;
use tyto::event::{Message, Phase, Sound};
use tyto::pipeline::{Look, Observer};

/// Writes each event to standard output.
pub struct Lines {
    json: bool,
    /// The stamp that is second zero for people.
    start: Mono,
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    failed: Option<io::Error>,
}

impl Lines {
    /// A printer. There is a bar only if standard error is a terminal and the length is known.
    /// `stop` is set when nobody reads any more.
    pub fn new(json: bool, start: Mono, length: Option<Duration>, stop: Arc<AtomicBool>) -> Lines {
        let bar = match length {
            Some(length) if io::stderr().is_terminal() => {
                let bar = ProgressBar::new(length.as_millis() as u64);
                let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed}");
                // The template is a constant; without it the bar has the library's looks.
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                bar
            }
            _ => ProgressBar::hidden(),
        };
        Lines { json, start, bar, stop, failed: None }
    }

    /// Takes the bar away and says whether everything could be written.
    ///
    /// # Errors
    /// The first write that failed.
    pub fn finish(&mut self) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// For the observers of one run, while the caller keeps the printer for its last words.
impl Observer for &mut Lines {
    fn look(&mut self, look: &Look<'_>) -> Result<()> {
        self.bar.set_position(look.span.end.since(self.start).as_millis() as u64);
        Ok(())
    }

    fn sound(&mut self, sound: &Sound) -> Result<()> {
        let line = if self.json { json(sound) } else { readable(sound, self.start) };
        let print = || {
            let mut out = io::stdout().lock();
            writeln!(out, "{line}").and_then(|()| out.flush())
        };
        if let Err(error) = self.bar.suspend(print) {
            self.failed.get_or_insert(error);
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The line that the socket would give to a subscriber who did not ask for maps.
fn json(sound: &Sound) -> String {
    let message = Message::Sound(Sound { map: None, ..sound.clone() });
    // Plain fields, text keys: nothing in it can fail to be JSON.
    serde_json::to_string(&message).unwrap_or_default()
}

/// `   3.12 s  start   #1  Dog 0.91  12.9° left, 1.0° down  ±6.5°`
fn readable(sound: &Sound, start: Mono) -> String {
    let at = Mono(sound.mono_ns).since(start).as_secs_f64();
    let phase = match sound.phase {
        Phase::Start => "start ",
        Phase::Update => "update",
        Phase::End => "end   ",
    };
    let (track, label, sure) = (sound.track, &sound.label, sound.confidence);
    let place = match (sound.azimuth_deg, sound.elevation_deg, sound.spread_deg) {
        (Some(azimuth), Some(elevation), Some(spread)) => {
            let across = sided(azimuth, "left", "right");
            let up = sided(elevation, "up", "down");
            format!("{across}, {up}  ±{spread:.0}°")
        }
        _ if sound.on_screen => "in view".to_owned(),
        _ => "out of view".to_owned(),
    };
    format!("{at:7.2} s  {phase}  #{track}  {label} {sure:.2}  {place}")
}

fn sided(angle: f64, positive: &str, negative: &str) -> String {
    format!("{:.1}° {}", angle.abs(), if angle < 0.0 { negative } else { positive })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dog() -> Sound {
        Sound {
            phase: Phase::Start,
            track: 1,
            seq: 1,
            time: "1970-01-01T00:00:03.120Z".into(),
            mono_ns: 3_120_000_000,
            latency_ms: 0.0,
            label: "Dog".into(),
            label_score: 0.9,
            confidence: 0.91,
            on_screen: true,
            azimuth_deg: Some(12.9),
            elevation_deg: Some(-1.0),
            direction: Some([0.975, 0.223, -0.018]),
            spread_deg: Some(6.5),
            peak: Some([0.31, 0.52]),
            extent: Some([0.22, 0.4, 0.41, 0.77]),
            level_dbfs: -23.1,
            map: Some(vec![vec![0.1]]),
        }
    }

    #[test]
    fn a_readable_line_says_when_what_where_and_how_wide() {
        assert_eq!(
            readable(&dog(), Mono(0)),
            "   3.12 s  start   #1  Dog 0.91  12.9° left, 1.0° down  ±6°"
        );
        let away = Sound {
            on_screen: false,
            azimuth_deg: None,
            elevation_deg: None,
            spread_deg: None,
            phase: Phase::End,
            ..dog()
        };
        assert_eq!(
            readable(&away, Mono(120_000_000)),
            "   3.00 s  end     #1  Dog 0.91  out of view"
        );
    }

    #[test]
    fn a_json_line_is_what_the_socket_sends_without_the_map() {
        let line = json(&dog());
        let back: Message = serde_json::from_str(&line).unwrap();
        assert_eq!(back, Message::Sound(Sound { map: None, ..dog() }));
    }
}
