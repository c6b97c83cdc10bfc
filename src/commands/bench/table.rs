//! The report for people.

use std::io::{self, Write};

use super::report::{Measured, Part, Report, Row};

/// Writes a table for each engine, and one that sets them side by side if there are several.
///
/// # Errors
/// Nobody reads.
pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Report { machine, model, material, width, height, hop_s, .. } = report;
    writeln!(out, "{machine}")?;
    writeln!(out, "{model}, {width}×{height} pixels and {hop_s} s of sound a look, {material}")?;
    for engine in &report.engines {
        writeln!(out)?;
        one(out, engine)?;
    }
    for refused in &report.refused {
        writeln!(out, "\n{}: not measured: {}", refused.engine, refused.reason)?;
    }
    if report.engines.len() > 1 {
        writeln!(out)?;
        side_by_side(out, &report.engines)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, measured: &Measured) -> io::Result<()> {
    let (engine, load) = (&measured.engine, measured.load_ms);
    writeln!(
        out,
        "{engine:<16} {:>5} {:>9} {:>9} {:>9} {:>9}   {:>7} {:>9}   (loaded in {load:.0} ms)",
        "runs", "p50 ms", "p90", "p99", "busy", "calls", "memory"
    )?;
    for row in &measured.parts {
        let Row { part, runs, ms, busy_ms, calls, bytes } = row;
        let memory = size(*bytes);
        let [p50, p90, p99, busy] = [ms.p50, ms.p90, ms.p99, busy_ms.p50].map(time);
        writeln!(
            out,
            "{part:<16} {runs:>5} {p50:>9} {p90:>9} {p99:>9} {busy:>9}   {calls:>7.0} {memory:>9}"
        )?;
    }
    let (over, busy) = (measured.overhead, measured.processor_ms);
    writeln!(
        out,
        "busy is processor time; in it a look is {:.3} of its encoders ({:.3} to {:.3}), on all \
         threads {:.1} ms",
        over.p50, over.low, over.high, busy.p50
    )
}

fn side_by_side(out: &mut dyn Write, engines: &[Measured]) -> io::Result<()> {
    write!(out, "{:<16}", "busy ms")?;
    for engine in engines {
        write!(out, " {:>16}", engine.engine)?;
    }
    writeln!(out)?;
    let find = |engine: &Measured, part: Part| {
        engine.parts.iter().find(|row| row.part == part.name()).map(|row| row.busy_ms.p50)
    };
    for part in [Part::Picture, Part::Sound, Part::Encoders, Part::Look] {
        write!(out, "{:<16}", part.name())?;
        let first = engines.first().and_then(|engine| find(engine, part));
        for engine in engines {
            let cell = match (find(engine, part), first) {
                (Some(ms), Some(first)) => format!("{} (×{:.2})", time(ms), ms / first.max(1e-9)),
                _ => "–".to_owned(),
            };
            write!(out, " {cell:>16}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Milliseconds with as many decimals as can matter.
pub fn time(ms: f64) -> String {
    let decimals = if ms >= 100.0 {
        1
    } else if ms >= 1.0 {
        2
    } else {
        4
    };
    format!("{ms:.decimals$}")
}

fn size(bytes: f64) -> String {
    match bytes {
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        b => format!("{b:.0} B"),
    }
}
