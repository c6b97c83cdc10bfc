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

#[test]
fn every_field_of_a_sound_is_explained() {
    for line in parts().0 {
        let Ok(Value::Object(fields)) = serde_json::from_str(line) else { panic!("{line}") };
        for field in fields.keys().filter(|field| *field != "type" && fields["type"] == "sound") {
            assert!(DOC.contains(&format!("`{field}`")), "{field} is not explained");
        }
    }
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
