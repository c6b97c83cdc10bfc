//! `tyto check --tap`: how loud each channel of the microphone is, so that a person can tap
//! them one after the other and see which is which.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use console::Term;
use serde::Serialize;
use tyto::capture::microphone::{self, Wanted};
use tyto::capture::{AudioFormat, AudioSource, Block, Pull};
use tyto::config::Config;
use tyto::error::{Error, Kind, Result};

use super::super::play::stop_flag;

/// From one reading to the next.
const READING: Duration = Duration::from_millis(100);
/// From one line to the next where lines are not drawn over each other.
const LINE: usize = 5;
/// A device that gives nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(2);
/// A device that offers more channels than this is no array of microphones but a converter,
/// which makes up as many as it is asked for; and bars have to fit on a terminal.
const MOST_CHANNELS: u32 = 16;
/// The left end of a bar, dB below full scale, and how many characters it has.
const FLOOR: f32 = -60.0;
const WIDTH: usize = 40;
/// A tap stands out from the other channels by this much, or the channels were loud together.
const APART: f32 = 3.0;

/// One reading, as `--json` prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Reading {
    /// Seconds of sound up to here.
    t_s: f64,
    /// Root mean square of each channel, dB below full scale.
    levels_dbfs: Vec<f32>,
    /// Largest sample of each channel, dB below full scale.
    peaks_dbfs: Vec<f32>,
    /// The channel whose peak stands out from the others; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    loudest: Option<usize>,
}

/// Listens until it is told to stop, or for so many seconds.
///
/// # Errors
/// The microphone cannot be had, is lost, or gives nothing.
pub fn run(config: &Config, seconds: Option<f64>, json: bool) -> anyhow::Result<()> {
    let (board, _) = config.board()?;
    let mut microphone = microphone::open(&wanted(&board.microphone)?)?;
    let stop = stop_flag()?;
    let mut screen = Screen::new(json);
    screen.begin(&microphone.describe())?;
    let loudest = listen(&mut *microphone, seconds, &stop, &mut screen)?;
    screen.end(&loudest, microphone.losses().xruns)?;
    Ok(())
}

/// The configured microphone with every channel that it has.
fn wanted(configured: &tyto::config::Microphone) -> Result<Wanted> {
    let mut wanted = Wanted::from(configured);
    let offer = microphone::offer(wanted.device.as_deref())?;
    let all = Some(offer.channels.1).filter(|most| *most <= MOST_CHANNELS);
    let named = wanted.map.take().and_then(|map| map.into_iter().max());
    let needed = wanted.channels.max(named.map_or(1, |highest| highest + 1));
    wanted.channels = all.and_then(|most| u16::try_from(most).ok()).unwrap_or(needed);
    Ok(wanted)
}

/// Shows reading after reading, and gives the loudest peak of each channel.
fn listen(
    microphone: &mut dyn AudioSource,
    seconds: Option<f64>,
    stop: &AtomicBool,
    screen: &mut Screen,
) -> anyhow::Result<Reading> {
    let mut meter = Meter::new(microphone.format());
    let mut whole = Reading::default();
    let mut block = Block::empty();
    let mut heard = Instant::now();
    let end = seconds.unwrap_or(f64::INFINITY);
    while !stop.load(Ordering::Relaxed) && meter.seconds() < end {
        match microphone.pull(&mut block)? {
            Pull::Ended => break,
            Pull::Idle if heard.elapsed() > PATIENCE => {
                let wrong = "gives no samples, although it is open";
                return Err(Error::new(Kind::Device, microphone.describe(), wrong)
                    .hint("plug it in again, or look into `dmesg`")
                    .into());
            }
            Pull::Idle => {}
            Pull::Filled => {
                heard = Instant::now();
                if let Some(reading) = meter.take(block.samples()) {
                    whole.merge(&reading);
                    screen.show(&reading)?;
                }
            }
        }
    }
    whole.loudest = outstanding(&whole.peaks_dbfs);
    Ok(whole)
}

/// Adds samples up to readings.
struct Meter {
    format: AudioFormat,
    /// Sum of squares and largest magnitude of each channel, since the last reading.
    sums: Vec<(f64, f32)>,
    since: u64,
    heard: u64,
}

impl Meter {
    fn new(format: AudioFormat) -> Meter {
        Meter { format, sums: vec![(0.0, 0.0); format.channels.into()], since: 0, heard: 0 }
    }

    fn seconds(&self) -> f64 {
        self.heard as f64 / f64::from(self.format.rate.max(1))
    }

    /// Takes interleaved samples, and gives a reading when it is time for one.
    fn take(&mut self, samples: &[f32]) -> Option<Reading> {
        for frame in samples.chunks_exact(self.sums.len().max(1)) {
            for (sum, sample) in self.sums.iter_mut().zip(frame) {
                sum.0 += f64::from(*sample).powi(2);
                sum.1 = sum.1.max(sample.abs());
            }
            self.since += 1;
            self.heard += 1;
        }
        let enough = READING.as_secs_f64() * f64::from(self.format.rate);
        if (self.since as f64) < enough {
            return None;
        }
        let count = self.since as f64;
        let peaks: Vec<f32> = self.sums.iter().map(|sum| decibels(sum.1)).collect();
        let reading = Reading {
            t_s: (self.seconds() * 1e3).round() / 1e3,
            levels_dbfs: self.sums.iter().map(|s| decibels((s.0 / count).sqrt() as f32)).collect(),
            loudest: outstanding(&peaks),
            peaks_dbfs: peaks,
        };
        self.sums.fill((0.0, 0.0));
        self.since = 0;
        Some(reading)
    }
}

impl Reading {
    /// Keeps the louder of both, channel by channel.
    fn merge(&mut self, other: &Reading) {
        self.t_s = other.t_s;
        let louder = |mine: &mut Vec<f32>, theirs: &[f32]| {
            mine.resize(theirs.len(), f32::NEG_INFINITY);
            mine.iter_mut().zip(theirs).for_each(|(a, b)| *a = a.max(*b));
        };
        louder(&mut self.levels_dbfs, &other.levels_dbfs);
        louder(&mut self.peaks_dbfs, &other.peaks_dbfs);
    }
}

/// The channel that is louder than every other by more than [`APART`], if it is not silent.
fn outstanding(peaks: &[f32]) -> Option<usize> {
    let (loudest, peak) = peaks.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let others = peaks.iter().enumerate().filter(|(channel, _)| *channel != loudest);
    let next = others.map(|(_, peak)| *peak).fold(FLOOR, f32::max);
    (*peak > next + APART).then_some(loudest)
}

/// To a tenth, and no lower than a 24-bit sample reaches.
fn decibels(magnitude: f32) -> f32 {
    let level = (20.0 * magnitude.log10()).max(-144.0);
    (level * 10.0).round() / 10.0
}

/// Bars on a terminal, lines elsewhere.
enum Screen {
    Bars { term: Term, drawn: usize, held: Vec<f32> },
    Lines { gathered: Reading, count: usize },
    Json,
}

impl Screen {
    fn new(json: bool) -> Screen {
        if json {
            Screen::Json
        } else if io::stdout().is_terminal() {
            Screen::Bars { term: Term::stdout(), drawn: 0, held: Vec::new() }
        } else {
            Screen::Lines { gathered: Reading::default(), count: 0 }
        }
    }

    fn begin(&mut self, described: &str) -> io::Result<()> {
        match self {
            Screen::Json => Ok(()),
            Screen::Bars { term, .. } => {
                term.write_line(&format!("{described}\ntap the microphones; Ctrl-C ends"))
            }
            Screen::Lines { .. } => writeln!(io::stdout(), "{described}"),
        }
    }

    fn show(&mut self, reading: &Reading) -> anyhow::Result<()> {
        match self {
            Screen::Json => {
                let mut out = io::stdout().lock();
                serde_json::to_writer(&mut out, reading).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            Screen::Bars { term, drawn, held } => {
                // A peak stays a while, so that a tap can be seen.
                held.resize(reading.peaks_dbfs.len(), FLOOR);
                for (held, peak) in held.iter_mut().zip(&reading.peaks_dbfs) {
                    *held = (*held - 1.5).max(*peak).max(FLOOR);
                }
                let lines = reading.levels_dbfs.iter().zip(held.iter()).enumerate();
                let lines = lines.map(|(channel, (level, held))| {
                    let mark = if reading.loudest == Some(channel) { " ◀" } else { "" };
                    let bar = bar(*level, *held);
                    format!("{channel:>3} {bar} {level:>6.1} dBFS, peak {held:>6.1}{mark}\n")
                });
                let text: String = lines.collect();
                term.clear_last_lines(*drawn)?;
                term.write_str(&text)?;
                *drawn = reading.levels_dbfs.len();
            }
            Screen::Lines { gathered, count } => {
                gathered.merge(reading);
                *count += 1;
                if *count == LINE {
                    gathered.loudest = outstanding(&gathered.peaks_dbfs);
                    writeln!(io::stdout(), "{}", line(gathered))?;
                    (*gathered, *count) = (Reading::default(), 0);
                }
            }
        }
        Ok(())
    }

    /// The sum of it all.
    fn end(&self, whole: &Reading, xruns: u64) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if matches!(self, Screen::Json) {
            #[derive(Serialize)]
            struct Sum<'a> {
                seconds: f64,
                peaks_dbfs: &'a [f32],
                loudest: Option<usize>,
                xruns: u64,
            }
            let Reading { t_s: seconds, loudest, .. } = *whole;
            let sum = Sum { seconds, peaks_dbfs: &whole.peaks_dbfs, loudest, xruns };
            serde_json::to_writer(&mut out, &sum).map_err(io::Error::from)?;
            writeln!(out)?;
            return Ok(());
        }
        match whole.loudest.and_then(|l| Some((l, whole.peaks_dbfs.get(l)?))) {
            Some((channel, peak)) => {
                writeln!(out, "channel {channel} was the loudest: {peak:.1} dBFS")?;
            }
            None => writeln!(out, "no channel was louder than the others")?,
        }
        if xruns > 0 {
            writeln!(out, "overruns: {xruns}")?;
        }
        Ok(())
    }
}

fn line(reading: &Reading) -> String {
    let channels = reading.peaks_dbfs.iter().enumerate();
    let levels: Vec<String> = channels.map(|(c, peak)| format!("{c}: {peak:.1}")).collect();
    let loudest = reading.loudest.map(|c| format!("  loudest {c}")).unwrap_or_default();
    format!("{:>7.1} s  peaks, dBFS  {}{loudest}", reading.t_s, levels.join("  "))
}

/// A level as a bar, with a mark where the last peak was.
fn bar(level: f32, peak: f32) -> String {
    let place = |value: f32| {
        let part = ((value - FLOOR) / -FLOOR).clamp(0.0, 1.0);
        (part * WIDTH as f32).round() as usize
    };
    let (filled, peak) = (place(level), place(peak));
    let character = |at: usize| {
        if at < filled {
            '█'
        } else if at + 1 == peak {
            '│'
        } else {
            '·'
        }
    };
    (0..WIDTH).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_comes_every_tenth_of_a_second_with_the_level_of_each_channel() {
        let mut meter = Meter::new(AudioFormat { rate: 1000, channels: 2 });
        let samples: Vec<f32> =
            (0..100).flat_map(|n| [if n % 2 == 0 { 0.1 } else { -0.1 }, 1.0]).collect();
        assert_eq!(meter.take(&samples[..100]), None);
        let reading = meter.take(&samples[100..]).unwrap();
        assert_eq!(reading.t_s, 0.1);
        assert_eq!(reading.levels_dbfs, [-20.0, 0.0]);
        assert_eq!(reading.peaks_dbfs, [-20.0, 0.0]);
        assert_eq!(reading.loudest, Some(1));
    }

    #[test]
    fn only_a_channel_that_stands_out_is_called_the_loudest() {
        assert_eq!(outstanding(&[-10.0, -12.0]), None);
        assert_eq!(outstanding(&[-30.0, -12.0, -40.0]), Some(1));
        assert_eq!(outstanding(&[-90.0, -80.0]), None);
        assert_eq!(outstanding(&[]), None);
    }

    #[test]
    fn a_bar_grows_with_the_level_and_keeps_its_length() {
        assert_eq!(bar(-144.0, -144.0), "·".repeat(WIDTH));
        assert_eq!(bar(0.0, 0.0), "█".repeat(WIDTH));
        let half = bar(-30.0, -6.0);
        assert_eq!(half.chars().filter(|c| *c == '█').count(), WIDTH / 2);
        assert_eq!(half.chars().position(|c| c == '│'), Some(35));
    }
}
