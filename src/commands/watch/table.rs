//! The live table: one row a track.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use console::{Style, Term, truncate_str};
use tyto::event::{Hello, Message, Phase, Sound, State, Status};

/// How long the row of a track that ended can still be read.
const AFTERGLOW: Duration = Duration::from_secs(3);

/// The table is drawn no more often than this.
const FRAME: Duration = Duration::from_millis(50);

const HEAD: &str =
    " track  sound                     confidence  direction                  level      age";

/// A track on the table.
struct Row {
    sound: Sound,
    since: Instant,
    ended: Option<Instant>,
}

/// What the table shows.
#[derive(Default)]
struct Table {
    rows: BTreeMap<u64, Row>,
    hello: Option<Hello>,
    status: Option<Status>,
    refusal: Option<String>,
    events: u64,
    lost: u64,
}

impl Table {
    fn take(&mut self, message: &Message, now: Instant) {
        match message {
            Message::Hello(hello) => self.hello = Some(hello.clone()),
            Message::Status(status) => self.status = Some(status.clone()),
            Message::Lost(lost) => self.lost += lost.events,
            Message::Error(refusal) => self.refusal = Some(refusal.message.clone()),
            Message::Sound(sound) => {
                self.events += 1;
                let since = self.rows.get(&sound.track).map_or(now, |row| row.since);
                let ended = (sound.phase == Phase::End).then_some(now);
                self.rows.insert(sound.track, Row { sound: sound.clone(), since, ended });
            }
        }
    }

    /// The lines of the table and their styles, for a terminal of `height` lines.
    fn lines(&mut self, now: Instant, height: usize) -> Vec<(Style, String)> {
        self.rows.retain(|_, row| {
            row.ended.is_none_or(|ended| now.saturating_duration_since(ended) < AFTERGLOW)
        });
        let mut lines = vec![(Style::new().bold(), HEAD.to_owned())];
        // The newest tracks if not all have room between head, foot and the cursor.
        let hidden = self.rows.len().saturating_sub(height.saturating_sub(3).max(1));
        lines.extend(self.rows.values().skip(hidden).map(|row| row.line(now)));
        if self.rows.is_empty() {
            lines.push((Style::new().dim(), "        nothing sounds".to_owned()));
        }
        lines.push(self.foot(hidden));
        lines
    }

    fn foot(&self, hidden: usize) -> (Style, String) {
        let mut parts = Vec::new();
        let mut style = Style::new();
        if let Some(status) = &self.status {
            let (colour, state) = match status.state {
                State::Starting => (Style::new().cyan(), "starting"),
                State::Running => (Style::new().green(), "running"),
                State::Degraded => (Style::new().yellow(), "degraded"),
                State::Failed => (Style::new().red(), "failed"),
                State::Stopped => (Style::new().cyan(), "stopped"),
            };
            style = colour;
            let reason = status.reason.iter().map(|reason| format!(": {reason}"));
            parts.push(state.to_owned() + &reason.collect::<String>());
        }
        if let Some(hello) = &self.hello {
            parts.push(format!("{}, {}", hello.board, hello.model));
        }
        parts.push(format!("events: {}", self.events));
        if self.lost > 0 {
            parts.push(format!("lost: {}", self.lost));
        }
        if hidden > 0 {
            parts.push(format!("older tracks not shown: {hidden}"));
        }
        parts.extend(self.refusal.clone());
        (style, parts.join(" · "))
    }
}

impl Row {
    fn line(&self, now: Instant) -> (Style, String) {
        let sound = &self.sound;
        let age = self.ended.unwrap_or(now).saturating_duration_since(self.since).as_secs_f64();
        let line = format!(
            "{:>6}  {:<24}  {:>10.2}  {:<23}  {:>7.1} dB  {:>6}",
            sound.track,
            truncate_str(&sound.label, 24, "…"),
            sound.confidence,
            direction(sound),
            sound.level_dbfs,
            seconds(age),
        );
        match self.ended {
            Some(_) => (Style::new().dim(), line + "  ended"),
            None => (Style::new(), line),
        }
    }
}

/// Where it is, in words.
fn direction(sound: &Sound) -> String {
    let Some(azimuth) = sound.azimuth_deg else {
        return if sound.on_screen { "in view" } else { "out of view" }.to_owned();
    };
    let sideways = degrees(azimuth, "left", "right", "ahead");
    match sound.elevation_deg {
        Some(elevation) => format!("{sideways}, {}", degrees(elevation, "up", "down", "level")),
        None => sideways,
    }
}

/// An angle with the name of its side; small ones have none.
fn degrees(angle: f64, positive: &str, negative: &str, zero: &str) -> String {
    if angle.abs() < 0.5 {
        return zero.to_owned();
    }
    format!("{:.0}° {}", angle.abs(), if angle > 0.0 { positive } else { negative })
}

fn seconds(age: f64) -> String {
    if age < 60.0 {
        format!("{age:.1} s")
    } else {
        format!("{:.0}:{:02.0}", (age / 60.0).floor(), (age % 60.0).floor())
    }
}

/// The table and the terminal that it is on.
pub(super) struct Screen {
    term: Term,
    table: Table,
    /// Lines of it that stand on the terminal.
    drawn: usize,
    next: Option<Instant>,
}

impl Screen {
    /// An empty table on standard output.
    pub fn new() -> Screen {
        Screen { term: Term::buffered_stdout(), table: Table::default(), drawn: 0, next: None }
    }

    /// Takes in a message.
    pub fn take(&mut self, message: &Message, now: Instant) {
        self.table.take(message, now);
    }

    /// Forgets what one daemon told.
    pub fn forget(&mut self) {
        self.table = Table::default();
    }

    /// Draws the table over the one before, unless that is only just drawn.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn draw(&mut self, now: Instant) -> io::Result<()> {
        if self.next.is_some_and(|next| now < next) {
            return Ok(());
        }
        self.draw_now(now)
    }

    /// Draws the table over the one before.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn draw_now(&mut self, now: Instant) -> io::Result<()> {
        self.next = Some(now + FRAME);
        let (height, width) = self.term.size();
        let lines = self.table.lines(now, height.into());
        self.term.clear_last_lines(self.drawn)?;
        for (style, text) in &lines {
            let text = truncate_str(text, width.into(), "…");
            self.term.write_line(&style.apply_to(text).to_string())?;
        }
        self.drawn = lines.len();
        self.term.flush()
    }

    /// Takes the table off the terminal.
    ///
    /// # Errors
    /// The terminal has gone.
    pub fn clear(&mut self) -> io::Result<()> {
        self.term.clear_last_lines(self.drawn)?;
        self.drawn = 0;
        self.next = None;
        self.term.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(phase: Phase, track: u64, azimuth_deg: Option<f64>) -> Message {
        Message::Sound(Sound {
            phase,
            track,
            seq: 1,
            time: "2026-02-01T00:00:00.000Z".into(),
            mono_ns: 0,
            latency_ms: 180.0,
            label: "Dog".into(),
            label_score: 0.9,
            confidence: 0.78,
            on_screen: azimuth_deg.is_some(),
            azimuth_deg,
            elevation_deg: azimuth_deg.map(|_| -7.0),
            direction: None,
            spread_deg: None,
            peak: None,
            extent: None,
            level_dbfs: -23.1,
            map: None,
        })
    }

    fn text(table: &mut Table, now: Instant, height: usize) -> Vec<String> {
        table.lines(now, height).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_track_is_a_row_with_its_direction_in_words() {
        let (mut table, start) = (Table::default(), Instant::now());
        table.take(&sound(Phase::Start, 7, Some(12.9)), start);
        let later = start + Duration::from_millis(3200);
        table.take(&sound(Phase::Update, 7, Some(-0.2)), later);
        table.take(&sound(Phase::Start, 8, None), later);
        let lines = text(&mut table, later, 24);
        assert_eq!(lines.len(), 4);
        for part in ["7  Dog", "0.78", "ahead, 7° down", "-23.1 dB", "3.2 s"] {
            assert!(lines[1].contains(part), "{part} in {}", lines[1]);
        }
        assert!(lines[2].contains("out of view"));
        assert_eq!(lines[3], "events: 3");
        // Head and rows stand in the same columns.
        assert_eq!(HEAD.find("direction"), lines[1].find("ahead"));
    }

    #[test]
    fn left_is_where_the_azimuth_is_positive() {
        assert_eq!(degrees(12.9, "left", "right", "ahead"), "13° left");
        assert_eq!(degrees(-90.0, "left", "right", "ahead"), "90° right");
    }

    #[test]
    fn a_track_that_ended_stays_readable_for_a_moment() {
        let (mut table, start) = (Table::default(), Instant::now());
        table.take(&sound(Phase::Start, 7, Some(12.9)), start);
        table.take(&sound(Phase::End, 7, Some(12.9)), start + Duration::from_secs(1));
        let lines = text(&mut table, start + Duration::from_secs(3), 24);
        assert!(lines[1].contains("1.0 s") && lines[1].ends_with("ended"), "{}", lines[1]);
        let lines = text(&mut table, start + Duration::from_secs(5), 24);
        assert!(lines[1].contains("nothing sounds"));
    }

    #[test]
    fn more_tracks_than_lines_show_the_newest_and_say_so() {
        let (mut table, now) = (Table::default(), Instant::now());
        for track in 1..=30 {
            table.take(&sound(Phase::Start, track, None), now);
        }
        let lines = text(&mut table, now, 10);
        assert_eq!(lines.len(), 9);
        assert!(lines[7].contains("30  Dog"));
        assert!(lines[8].contains("older tracks not shown: 23"), "{}", lines[8]);
    }

    #[test]
    fn ages_read_as_seconds_and_then_as_minutes() {
        assert_eq!(seconds(59.94), "59.9 s");
        assert_eq!(seconds(61.9), "1:01");
    }
}
