//! The status as Prometheus's metrics: base units, counters that end in `_total`, and labels
//! that take few values. Single subscribers come and go, so their numbers would be new series
//! without end; of them only the sum and the longest queue are told.

use tyto::event::{Counters, Device, DeviceState, State, Status, Times};

use super::exposition::{Exposition, Labels, Type};
use super::{Answer, others};

/// The metrics of an answer, or of its absence.
pub fn text(answer: Option<&Answer>) -> String {
    let mut out = Exposition::default();
    let up = if answer.is_some() { 1.0 } else { 0.0 };
    out.one("tyto_up", Type::Gauge, "Whether the daemon answers.", up);
    if let Some(Answer { hello, status, .. }) = answer {
        let labels: Labels<'_> = vec![
            ("version", hello.version.as_str()),
            ("board", hello.board.as_str()),
            ("model", hello.model.as_str()),
        ];
        let help = "What runs: the daemon's version, its board profile and its model pack.";
        out.family("tyto_info", Type::Gauge, help, [(labels, 1.0)]);
        state(&mut out, status);
        counters(&mut out, &status.counters);
        devices(&mut out, status);
        stages(&mut out, status);
        queues(&mut out, status);
        host(&mut out, status);
    }
    out.into_text()
}

/// Milliseconds as seconds, without the noise that a division adds to hundredths.
fn seconds(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e6
}

fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn state(out: &mut Exposition, status: &Status) {
    let states =
        State::ALL.map(|state| (vec![("state", state.name())], truth(state == status.state)));
    out.family("tyto_state", Type::Gauge, "The state that is 1 is the daemon's.", states);
    let help = "Time since the daemon started.";
    out.one("tyto_uptime_seconds", Type::Gauge, help, status.uptime_s);
    let help = "Keys of the configuration that wait for a restart.";
    out.one("tyto_config_needs_restart", Type::Gauge, help, status.needs_restart.len() as f64);
}

fn counters(out: &mut Exposition, counters: &Counters) {
    for (name, help, value) in [
        ("frames", "Pictures captured.", counters.frames),
        (
            "frames_replaced",
            "Pictures replaced by a newer one before they were looked at.",
            counters.frames_replaced,
        ),
        ("frames_missed", "Pictures that the camera never gave.", counters.frames_missed),
        ("frames_corrupt", "Pictures that came damaged and were dropped.", counters.frames_corrupt),
        ("samples", "Samples captured, per channel.", counters.samples),
        (
            "samples_lost",
            "Samples that perception was too slow for, per channel.",
            counters.samples_lost,
        ),
        (
            "samples_missed",
            "Samples that the microphone never gave, per channel.",
            counters.samples_missed,
        ),
        ("xruns", "Overflows of the microphone's buffer.", counters.xruns),
        ("looks", "Looks taken.", counters.looks),
        ("looks_skipped", "Looks left out because perception was behind.", counters.looks_skipped),
        ("looks_silent", "Looks that heard nothing above the floor.", counters.looks_silent),
        ("events", "Sound events.", counters.events),
        ("events_lost", "Events that slow subscribers lost.", counters.events_lost),
    ] {
        out.one(&format!("tyto_{name}_total"), Type::Counter, help, value as f64);
    }
    // The one that asked for this is no subscriber of anything.
    let subscribers = counters.subscribers.saturating_sub(1);
    let help = "Subscribers connected, without the one that asked for this.";
    out.one("tyto_subscribers", Type::Gauge, help, subscribers as f64);
}

fn devices(out: &mut Exposition, status: &Status) {
    let devices = status.devices.clone().unwrap_or_default();
    let devices: Vec<(&str, &Device)> =
        [("camera", devices.camera.as_ref()), ("microphone", devices.microphone.as_ref())]
            .into_iter()
            .filter_map(|(kind, device)| Some((kind, device?)))
            .collect();
    let running = devices.iter().map(|(kind, device)| {
        (vec![("device", *kind)], truth(device.state == DeviceState::Running))
    });
    out.family("tyto_device_up", Type::Gauge, "Whether the device gives anything.", running);
    let reopens =
        devices.iter().map(|(kind, device)| (vec![("device", *kind)], device.reopens as f64));
    let help = "Times the device was opened again after it was lost.";
    out.family("tyto_device_reopens_total", Type::Counter, help, reopens);
    let names = devices
        .iter()
        .map(|(kind, device)| (vec![("device", *kind), ("name", device.name.as_str())], 1.0));
    out.family("tyto_device_info", Type::Gauge, "What the device is.", names);
}

fn stages(out: &mut Exposition, status: &Status) {
    let Some(stages) = status.stages else { return };
    let samples = [
        ("sound", stages.sound),
        ("picture", stages.picture),
        ("align", stages.align),
        ("look", stages.look),
    ];
    let quantiles = samples.into_iter().flat_map(|(stage, Times { p50_ms, p99_ms })| {
        [("0.5", p50_ms), ("0.99", p99_ms)]
            .map(|(quantile, ms)| (vec![("stage", stage), ("quantile", quantile)], seconds(ms)))
    });
    let help = "Time of a look and of its parts, of the last minute.";
    out.family("tyto_stage_duration_seconds", Type::Summary, help, quantiles);
}

fn queues(out: &mut Exposition, status: &Status) {
    let longest = others(status).iter().map(|reader| reader.waiting).max().unwrap_or(0);
    let queues = status.queues.unwrap_or_default();
    let lengths = [
        ("blocks", queues.blocks_waiting),
        ("frames", queues.frames_waiting),
        ("events", queues.events_waiting),
        ("slowest_subscriber", longest),
    ];
    let lengths = lengths.map(|(queue, length)| (vec![("queue", queue)], length as f64));
    let help = "What waits: blocks of samples, pictures, events, lines for the slowest subscriber.";
    out.family("tyto_queue_length", Type::Gauge, help, lengths);
}

fn host(out: &mut Exposition, status: &Status) {
    let Some(host) = status.host else { return };
    let help = "Memory that the daemon holds in RAM.";
    out.one("tyto_resident_memory_bytes", Type::Gauge, help, host.resident_bytes as f64);
    let held = host.heap_bytes.map(|bytes| (Labels::new(), bytes as f64));
    let help = "Memory that the daemon has asked for and not freed, between two looks.";
    out.family("tyto_heap_bytes", Type::Gauge, help, held);
    let help = "File descriptors that the daemon has open.";
    out.one("tyto_open_fds", Type::Gauge, help, host.descriptors as f64);
    let help = "Processor time that the daemon has used.";
    out.one("tyto_cpu_seconds_total", Type::Counter, help, host.cpu_s);
    let warm = host.temperature_c.map(|degrees| (Labels::new(), degrees));
    out.family("tyto_temperature_celsius", Type::Gauge, "The machine's warmest sensor.", warm);
}
