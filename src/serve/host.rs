//! What the daemon takes of its machine: memory, descriptors, processor time, and the warmth.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::clock::Mono;
use crate::event::Host;
use crate::memory;

/// The kernel is asked no more often, however often a client asks.
const FRESH: Duration = Duration::from_secs(1);

/// What a sensor may show, degrees Celsius; some that are not connected show absurdities.
const CREDIBLE: std::ops::RangeInclusive<f64> = -50.0..=200.0;

/// Reads the figures, and keeps them while they are fresh.
pub(super) struct Gauge {
    process: PathBuf,
    thermal: PathBuf,
    last: Option<(Mono, Host)>,
}

impl Gauge {
    /// A gauge for this process on this machine.
    pub fn new() -> Gauge {
        Gauge { process: "/proc/self".into(), thermal: "/sys/class/thermal".into(), last: None }
    }

    /// The figures, at most a second old. What the kernel does not tell is 0 or absent.
    pub fn read(&mut self, now: Mono) -> Host {
        if let Some((then, host)) = self.last
            && now.since(then) < FRESH
        {
            return host;
        }
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let host = Host {
            resident_bytes: resident(&self.process).unwrap_or(0),
            heap_bytes: memory::held(),
            descriptors: descriptors(&self.process),
            temperature_c: warmest(&self.thermal),
            // To a millisecond: more would only be noise in a log.
            cpu_s: cpu.tv_sec as f64 + (cpu.tv_nsec / 1_000_000) as f64 / 1e3,
        };
        self.last = Some((now, host));
        host
    }
}

/// `VmRSS` of proc_pid_status(5), in bytes.
fn resident(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Open descriptors, without the one that it takes to count them.
fn descriptors(process: &Path) -> u64 {
    fs::read_dir(process.join("fd")).map_or(0, |entries| (entries.count() as u64).saturating_sub(1))
}

/// The highest `temp` (thousandths of a degree) of all thermal zones.
fn warmest(thermal: &Path) -> Option<f64> {
    let zones = fs::read_dir(thermal).ok()?.flatten();
    zones
        .filter(|zone| zone.file_name().as_encoded_bytes().starts_with(b"thermal_zone"))
        .filter_map(|zone| fs::read_to_string(zone.path().join("temp")).ok())
        .filter_map(|text| text.trim().parse::<i32>().ok())
        .map(|thousandths| f64::from(thousandths) / 1e3)
        .filter(|degrees| CREDIBLE.contains(degrees))
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_as_it_is() {
        let mut gauge = Gauge::new();
        let before = gauge.read(Mono(0));
        assert!(before.resident_bytes > 1 << 20, "{before:?}");
        assert!(before.descriptors >= 3, "{before:?}");
        // Touched, so that it is really there.
        let ballast = vec![1_u8; 64 << 20];
        let _files: Vec<_> =
            (0..50).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        let after = gauge.read(Mono(2_000_000_000));
        assert!(after.resident_bytes > before.resident_bytes + (32 << 20), "{before:?} {after:?}");
        // Other tests open and close theirs meanwhile.
        assert!(after.descriptors > before.descriptors + 25, "{before:?} {after:?}");
        assert!(after.cpu_s > 0.0);
        drop(ballast);
    }

    #[test]
    fn the_kernel_is_asked_once_a_second() {
        let mut gauge = Gauge::new();
        let first = gauge.read(Mono(0));
        gauge.process = "/nowhere".into();
        assert_eq!(gauge.read(Mono(900_000_000)), first);
        assert_eq!(gauge.read(Mono(1_000_000_000)).resident_bytes, 0);
    }

    #[test]
    fn the_warmest_zone_that_can_be_believed_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(warmest(dir.path()), None);
        for (zone, temp) in [
            ("thermal_zone0", "48200\n"),
            ("thermal_zone1", "51300\n"),
            ("thermal_zone2", "-273000\n"),
            ("thermal_zone3", "3000000\n"),
            ("thermal_zone4", "warm\n"),
            ("cooling_device0", "99000\n"),
        ] {
            fs::create_dir(dir.path().join(zone)).unwrap();
            fs::write(dir.path().join(zone).join("temp"), temp).unwrap();
        }
        fs::create_dir(dir.path().join("thermal_zone5")).unwrap();
        assert_eq!(warmest(dir.path()), Some(51.3));
        assert_eq!(warmest(Path::new("/nowhere")), None);
    }
}
