//! `docs/events.md` says what the types say.

use std::collections::BTreeSet;

use serde_json::Value;
use tyto::event::request::{LINE_LIMIT, Query, Request};
use tyto::event::{Message, SCHEMA};
use tyto::serve::Options;

const DOC: &str = include_str!("../docs/events.md");

/// The lines of the JSON blocks.
fn examples() -> Vec<&'static str> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in DOC.lines() {
        match line {
            "```json" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line),
            _ => {}
        }
    }
    lines
}

fn parts() -> (Vec<&'static str>, Vec<&'static str>) {
    examples().into_iter().partition(|line| line.starts_with("{\"type\""))
}

#[test]
fn every_message_is_shown_as_it_is_written() {
    let mut shown = BTreeSet::new();
    for line in parts().0 {
        let message: Message = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        // Not one field more or fewer, and in this order.
        assert_eq!(serde_json::to_string(&message).unwrap(), line);
        shown.insert(match message {
            Message::Hello(_) => "hello",
            Message::Sound(_) => "sound",
            Message::Status(_) => "status",
            Message::Lost(_) => "lost",
            Message::Error(_) => "error",
        });
    }
    assert_eq!(shown.len(), 5, "{shown:?}");
}

/// The keys of an object and of everything in it.
fn keys(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let inner = fields.values().flat_map(keys);
            fields.keys().map(String::as_str).chain(inner).collect()
        }
        Value::Array(values) => values.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_field_of_a_sound_and_of_a_status_is_explained() {
    let mut explained = 0;
    for line in parts().0 {
        let value: Value = serde_json::from_str(line).unwrap();
        if value["type"] != "sound" && value["type"] != "status" {
            continue;
        }
        for key in keys(&value).into_iter().filter(|key| *key != "type") {
            assert!(DOC.contains(&format!("`{key}`")), "{key} is not explained");
            explained += 1;
        }
    }
    assert!(explained > 50, "{explained}");
}

#[test]
fn the_example_of_a_status_has_every_field_there_is() {
    let line = parts().0.into_iter().find(|line| line.contains("\"status\"")).unwrap();
    let Message::Status(status) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
    let devices = status.devices.unwrap();
    assert!(devices.camera.unwrap().reason.is_some() && devices.microphone.is_some());
    assert!(status.stages.is_some() && status.queues.is_some());
    assert!(status.host.unwrap().temperature_c.is_some());
    assert!(!status.readers.is_empty() && !status.needs_restart.is_empty());
}

#[test]
fn every_request_is_understood_and_the_refused_line_is_refused_so() {
    let requests = parts().1;
    let parsed: Vec<_> =
        requests.iter().map(|line| Request::parse(line.as_bytes()).unwrap()).collect();
    assert!(matches!(parsed[..], [Request::Subscribe(_), Request::Query(Query::Status)]));
    let refusal = Request::parse(br#"{"subscribe":{"lables":["Dog"]}}"#).unwrap_err();
    let line = serde_json::to_string(&Message::Error(refusal)).unwrap();
    assert!(examples().contains(&line.as_str()), "{line}");
}

#[test]
fn the_numbers_are_those_of_the_program() {
    let options = Options::default();
    assert!(DOC.contains(&format!("at present {SCHEMA}.")));
    assert!(DOC.contains(&options.path.display().to_string()));
    assert!(DOC.contains(&format!("(mode 0{:o})", options.mode)));
    assert!(DOC.contains(&format!("({} events, `socket.queue`)", options.queue)));
    assert!(DOC.contains(&format!("nothing for {} s", options.heartbeat.as_secs())));
    let limit = format!("{},{:03}", LINE_LIMIT / 1000, LINE_LIMIT % 1000);
    assert!(DOC.contains(&format!("at most {limit} bytes")));
}
