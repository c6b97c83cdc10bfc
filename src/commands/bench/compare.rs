//! Two runs: by how much did processor time change, and is that more than noise?

use std::fmt::Write;

use super::report::{Report, Spread};
use super::table::time;

/// The ratios of every part that both runs have. `name` is what the earlier one is called.
pub fn table(before: &Report, now: &Report, name: &str) -> String {
    let mut out = format!("against {name} (tyto {}, {})\n", before.version, before.model);
    for (what, then, today) in
        [("machine", &before.machine, &now.machine), ("material", &before.material, &now.material)]
    {
        if then != today {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "another {what}: {then} before, {today} now");
        }
    }
    for engine in &now.engines {
        let Some(old) = before.engines.iter().find(|old| old.engine == engine.engine) else {
            let _ = writeln!(out, "{}: not measured before", engine.engine);
            continue;
        };
        let _ = writeln!(
            out,
            "{:<16} {:>9} {:>9} {:>7}  {:<15} {:>9}",
            engine.engine, "busy ms", "now", "ratio", "noise", "calls"
        );
        for row in &engine.parts {
            let Some(old) = old.parts.iter().find(|old| old.part == row.part) else { continue };
            let change = Change::of(old.busy_ms, row.busy_ms);
            let range = format!("{:.3} to {:.3}", change.low, change.high);
            let calls = format!("{:.0} → {:.0}", old.calls, row.calls);
            let _ = writeln!(
                out,
                "{:<16} {:>9} {:>9} {:>7.3}  {range:<15} {calls:>9}  {}",
                row.part,
                time(old.busy_ms.p50),
                time(row.busy_ms.p50),
                change.ratio,
                change.verdict(),
            );
        }
    }
    out
}

/// A ratio of medians, now over before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    ratio: f64,
    /// With both medians where noise may have put them.
    low: f64,
    high: f64,
}

impl Change {
    fn of(before: Spread, now: Spread) -> Change {
        let over = |a: f64, b: f64| a / b.max(1e-9);
        Change {
            ratio: over(now.p50, before.p50),
            low: over(now.low, before.high),
            high: over(now.high, before.low),
        }
    }

    fn verdict(self) -> &'static str {
        if self.high < 1.0 {
            "faster"
        } else if self.low > 1.0 {
            "slower"
        } else {
            "no difference beyond noise"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_noise_can_explain_is_no_change() {
        let spread = |low: f64, p50: f64, high: f64| Spread { p50, low, high, ..Spread::default() };
        let before = spread(9.0, 10.0, 11.0);
        for (now, wanted) in [
            (spread(9.5, 10.5, 11.5), "no difference beyond noise"),
            (spread(5.0, 6.0, 7.0), "faster"),
            (spread(14.0, 15.0, 16.0), "slower"),
        ] {
            assert_eq!(Change::of(before, now).verdict(), wanted);
        }
        assert_eq!(Change::of(before, spread(4.0, 5.0, 6.0)).ratio, 0.5);
    }
}
