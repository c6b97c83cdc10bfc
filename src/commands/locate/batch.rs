//! A manifest: many looks, each picture and each sound encoded once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use tyto::capture::Picture;
use tyto::encode::ImageMap;
use tyto::error::{Error, Kind};

use super::looker::{Heard, Looker};
use super::shared::Shared;
use super::{rounded, rows};

/// One row of the manifest; what else it carries is of no concern here.
#[derive(Deserialize)]
struct Row {
    id: String,
    image: PathBuf,
    audio: PathBuf,
}

/// The answer to one row. Peak and box are those of the map, whether the source is in view or not.
#[derive(Serialize)]
struct Prediction<'a> {
    id: &'a str,
    map: Vec<Vec<f64>>,
    confidence: f64,
    on_screen: bool,
    label: Option<String>,
    peak: [f64; 2],
    #[serde(rename = "box")]
    extent: [f64; 4],
}

/// Answers the rows of `manifest` in their order to `out` (`-`: standard output).
///
/// # Errors
/// The manifest cannot be read, the output cannot be written, or an encoder failed. Rows that
/// could not be done are logged with their line, and counted in an error at the end.
pub fn run(looker: &mut Looker, manifest: &Path, out: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(manifest).map_err(|error| {
        Error::new(Kind::Media, manifest.display(), "cannot be read").because(error)
    })?;
    let table = read(&text, manifest.parent().unwrap_or(Path::new("")));
    let (mut sink, name) = sink(out)?;

    let good = || table.iter().filter_map(|(_, row)| row.as_ref().ok());
    let mut pictures: Shared<ImageMap> = Shared::counting(good().map(|row| row.image.as_path()));
    let mut sounds: Shared<Heard> = Shared::counting(good().map(|row| row.audio.as_path()));
    let bar = progress(table.len());
    let mut failed = 0usize;
    for (line, row) in &table {
        let answer = match row {
            Err(wrong) => Err(wrong.clone()),
            Ok(row) => {
                let seen = pictures.get(&row.image, |path| looker.see(&Picture::read(path)?))?;
                let heard = sounds.get(&row.audio, |path| looker.hear(path))?;
                seen.and_then(|seen| Ok((row, seen, heard?)))
            }
        };
        match answer {
            Ok((row, seen, heard)) => {
                let mut bytes = serde_json::to_vec(&predict(looker, &row.id, &seen, &heard))?;
                bytes.push(b'\n');
                sink.write_all(&bytes).with_context(|| name.clone())?;
            }
            Err(wrong) => {
                failed += 1;
                bar.suspend(|| log::error!("{}:{line}: {wrong}", manifest.display()));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    sink.flush().with_context(|| name.clone())?;
    log::debug!("{}", looker.spent());
    if failed > 0 {
        let wrong = format!("{failed} of {} rows could not be done", table.len());
        return Err(Error::new(Kind::Media, manifest.display(), wrong).into());
    }
    Ok(())
}

/// The rows with their line numbers from 1, paths taken from `folder`; blank lines are no rows.
fn read(text: &[u8], folder: &Path) -> Vec<(usize, Result<Row, String>)> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(n, line)| {
            let row = serde_json::from_slice::<Row>(line)
                .map(|row| Row {
                    image: folder.join(row.image),
                    audio: folder.join(row.audio),
                    ..row
                })
                .map_err(|error| format!("is no row with id, image and audio: {error}"));
            (n + 1, row)
        })
        .collect()
}

fn sink(out: &Path) -> anyhow::Result<(BufWriter<Box<dyn Write>>, String)> {
    if out == Path::new("-") {
        return Ok((BufWriter::new(Box::new(io::stdout())), "standard output".to_owned()));
    }
    let name = out.display().to_string();
    let file = File::create(out)
        .map_err(|error| Error::new(Kind::System, &name, "cannot be written").because(error))?;
    Ok((BufWriter::new(Box::new(file)), name))
}

/// A bar on a terminal, and nothing elsewhere.
fn progress(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64);
    let template = "{bar:32} {pos}/{len} looks, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn predict<'a>(looker: &mut Looker, id: &'a str, seen: &ImageMap, heard: &Heard) -> Prediction<'a> {
    let answer = looker.aligner.answer(seen, &heard.vector);
    let (map, loud) = (&answer.map, !heard.silent);
    Prediction {
        id,
        confidence: if loud { rounded(answer.confidence) } else { 0.0 },
        on_screen: loud && answer.on_screen,
        label: answer.label.filter(|_| loud),
        peak: map.peak().0.map(rounded),
        extent: map.extent().map(rounded),
        map: rows(map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_line_and_bad_ones_say_what_is_wrong() {
        let text = b"{\"id\":\"a\",\"image\":\"i.png\",\"audio\":\"s.wav\",\"class\":\"dog\"}\n\n\
                     {\"image\":\"i.png\",\"audio\":\"s.wav\"}\nnot json\n\xff\xfe\n";
        let rows = read(text, Path::new("set"));
        let lines: Vec<usize> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        let good = rows[0].1.as_ref().unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!((good.id.as_str(), good.image.as_path()), ("a", Path::new("set/i.png")));
        assert!(rows[1].1.as_ref().is_err_and(|wrong| wrong.contains("missing field `id`")));
        assert!(rows[2..].iter().all(|(_, row)| row.is_err()));
    }
}
