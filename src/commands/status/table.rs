//! The status for people: a line for each thing, what is wrong first.

use std::fmt::Write;
use std::time::Duration;

use tyto::event::{Device, DeviceState, Reader, Status, Times};

use super::{Answer, others};

/// Width of the first column, with the space after it.
const COLUMN: usize = 14;

/// The table.
pub fn text(answer: &Answer) -> String {
    let Answer { hello, status, .. } = answer;
    let mut table = Table::default();
    table.row("tyto", &format!("{} on {}, model {}", hello.version, hello.board, hello.model));
    let state = status.state.name();
    match &status.reason {
        Some(reason) => table.row("state", &format!("{state}: {reason}")),
        None => table.row("state", state),
    }
    if !status.needs_restart.is_empty() {
        let keys = status.needs_restart.join(", ");
        table.row("configuration", &format!("needs a restart: {keys}"));
    }
    table.row("up", &span(status.uptime_s));
    let devices = status.devices.clone().unwrap_or_default();
    for (name, device) in [("camera", devices.camera), ("microphone", devices.microphone)] {
        if let Some(device) = device {
            table.row(name, &describe(&device));
        }
    }
    figures(&mut table, status);
    readers(&mut table, status);
    table.text
}

#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, name: &str, value: &str) {
        // A daemon's text must not steer the terminal. Writing to a string does not fail.
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(self.text, "{name:<COLUMN$}{value}");
    }
}

fn describe(device: &Device) -> String {
    let mut text = format!("{}: {}", device.state.name(), device.name);
    if device.state != DeviceState::Running
        && let Some(reason) = &device.reason
    {
        let _ = write!(text, ": {reason}");
    }
    match device.reopens {
        0 => {}
        1 => text.push_str(", opened again once"),
        times => {
            let _ = write!(text, ", opened again {times} times");
        }
    }
    text
}

fn figures(table: &mut Table, status: &Status) {
    let counters = &status.counters;
    // Normal, and so nothing to be looked at twice, are `replaced` and `silent`.
    let row = |first: String, others: &[(u64, &str)]| {
        let others = others.iter().filter(|(count, _)| *count > 0);
        others.fold(first, |text, (count, what)| format!("{text}, {count} {what}"))
    };
    let frames = row(
        format!("{} ({} replaced by newer ones)", counters.frames, counters.frames_replaced),
        &[(counters.frames_missed, "missed"), (counters.frames_corrupt, "damaged")],
    );
    table.row("pictures", &frames);
    let samples = row(
        counters.samples.to_string(),
        &[
            (counters.samples_lost, "lost"),
            (counters.samples_missed, "missed"),
            (counters.xruns, "overflows"),
        ],
    );
    table.row("samples", &samples);
    let looks = row(
        format!("{} ({} in silence)", counters.looks, counters.looks_silent),
        &[(counters.looks_skipped, "skipped")],
    );
    table.row("looks", &looks);
    if let Some(stages) = status.stages {
        let part =
            |name: &str, times: Times| format!("{name} {:.1}/{:.1}", times.p50_ms, times.p99_ms);
        let parts = [
            part("look", stages.look),
            part("sound", stages.sound),
            part("picture", stages.picture),
            part("align", stages.align),
        ];
        table.row("ms p50/p99", &parts.join(", "));
    }
    if let Some(queues) = status.queues {
        let waiting = format!(
            "{} blocks, {} pictures, {} events",
            queues.blocks_waiting, queues.frames_waiting, queues.events_waiting
        );
        table.row("waiting", &waiting);
    }
    table.row("events", &row(counters.events.to_string(), &[(counters.events_lost, "lost")]));
    if let Some(host) = status.host {
        let megabytes = host.resident_bytes as f64 / 1e6;
        let mut text = format!("{megabytes:.1} MB resident");
        if let Some(bytes) = host.heap_bytes {
            let _ = write!(text, " ({:.1} held)", bytes as f64 / 1e6);
        }
        let _ = write!(text, ", {} descriptors", host.descriptors);
        let _ = write!(text, ", {:.1} s of processor time", host.cpu_s);
        if let Some(degrees) = host.temperature_c {
            let _ = write!(text, ", {degrees:.1} °C");
        }
        table.row("host", &text);
    }
}

/// A line for each subscriber.
fn readers(table: &mut Table, status: &Status) {
    table.row("subscribers", &status.counters.subscribers.saturating_sub(1).to_string());
    for Reader { id, events, lost, waiting } in others(status) {
        table.row(&format!("  #{id}"), &format!("{events} events, {lost} lost, {waiting} waiting"));
    }
}

/// A time in its two largest units.
fn span(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.floor()).unwrap_or_default();
    let text = humantime::format_duration(whole).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
