//! Prints what sounds and where: `cargo run --example events [SOCKET]`. Needs the crate serde_json.
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;

use serde_json::Value;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/run/tyto/events.sock".to_owned());
    for line in BufReader::new(UnixStream::connect(path)?).lines() {
        let event: Value = serde_json::from_str(&line?)?;
        let word = |key| event[key].as_str().unwrap_or_default();
        match (word("type"), event["azimuth_deg"].as_f64()) {
            ("sound", Some(angle)) => println!("{} {} {angle:+.1}°", word("phase"), word("label")),
            ("sound", None) => println!("{} {} out of view", word("phase"), word("label")),
            _ => {}
        }
    }
    Ok(())
}
