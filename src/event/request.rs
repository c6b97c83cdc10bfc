//! What a subscriber may say: one JSON object a line.

use serde::{Deserialize, Serialize};

use super::Refusal;
use super::filter::Filter;

/// The longest line that a subscriber may send, in bytes without its newline.
pub const LINE_LIMIT: usize = 64 * 1024;

/// Longest account of what was wrong with a line, in bytes: it may quote the line.
const QUOTE_LIMIT: usize = 300;

const UNDERSTOOD: &str = r#"understood are {"subscribe":{"labels":["Dog"],"min_confidence":0.5,"azimuth_deg":[-30,30],"max_rate_hz":2,"map":true}} with any of these keys, and {"query":"status"}"#;

/// A line from a subscriber, understood and checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// From now on send only what passes this filter, instead of the one before.
    Subscribe(Filter),
    /// Answer at once.
    Query(Query),
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Query {
    /// The daemon's state and counters.
    Status,
}

/// The line as it is written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscribe: Option<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<Query>,
}

impl Request {
    /// Reads one line, with or without its line end.
    ///
    /// # Errors
    /// What is wrong with the line and what is understood, to be sent back as it is.
    pub fn parse(line: &[u8]) -> Result<Request, Refusal> {
        if line.len() > LINE_LIMIT + 2 {
            return Err(too_long());
        }
        if line.trim_ascii().is_empty() {
            return Err(refusal("an empty line"));
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| {
            refusal(match error.classify() {
                serde_json::error::Category::Data => error.to_string(),
                _ => format!("not a line of JSON: {error}"),
            })
        })?;
        match (line.subscribe, line.query) {
            (Some(filter), None) => {
                filter.check().map_err(refusal)?;
                Ok(Request::Subscribe(filter))
            }
            (None, Some(query)) => Ok(Request::Query(query)),
            (None, None) => Err(refusal("neither `subscribe` nor `query`")),
            (Some(_), Some(_)) => Err(refusal("`subscribe` and `query` in one line; send two")),
        }
    }

    /// The line that says this, with its newline.
    pub fn to_line(&self) -> String {
        let line = match self {
            Request::Subscribe(filter) => {
                Line { subscribe: Some(filter.clone()), ..Line::default() }
            }
            Request::Query(query) => Line { query: Some(*query), ..Line::default() },
        };
        // Strings, numbers and flags: none of them can fail to become JSON.
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The answer to a line longer than [`LINE_LIMIT`].
pub fn too_long() -> Refusal {
    refusal(format!("a line longer than {LINE_LIMIT} bytes; the rest of it is skipped"))
}

fn refusal(wrong: impl Into<String>) -> Refusal {
    let mut wrong = wrong.into();
    if wrong.len() > QUOTE_LIMIT {
        wrong.truncate(wrong.floor_char_boundary(QUOTE_LIMIT));
        wrong.push('…');
    }
    Refusal { message: format!("not understood, nothing changed: {wrong}; {UNDERSTOOD}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(line: &str) -> String {
        let message = Request::parse(line.as_bytes()).unwrap_err().message;
        assert!(message.contains(UNDERSTOOD), "{message}");
        message
    }

    #[test]
    fn every_key_of_a_subscription_is_understood() {
        let line = br#"{"subscribe":{"labels":["Dog"],"min_confidence":0.5,"azimuth_deg":[-30,30],"max_rate_hz":2,"map":true}}"#;
        let filter = Filter {
            labels: Some(vec!["Dog".into()]),
            min_confidence: Some(0.5),
            azimuth_deg: Some([-30.0, 30.0]),
            max_rate_hz: Some(2.0),
            map: true,
        };
        assert_eq!(Request::parse(line), Ok(Request::Subscribe(filter)));
    }

    #[test]
    fn an_empty_subscription_asks_for_everything() {
        let everything = Ok(Request::Subscribe(Filter::default()));
        assert_eq!(Request::parse(b"{\"subscribe\":{}}\r\n"), everything);
        assert_eq!(Request::parse(b" {\"subscribe\":{\"labels\":null}} "), everything);
    }

    #[test]
    fn the_status_can_be_asked_for() {
        assert_eq!(Request::parse(br#"{"query":"status"}"#), Ok(Request::Query(Query::Status)));
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        assert!(refused(r#"{"subscribe":{"lables":["Dog"]}}"#).contains("`lables`"));
        assert!(refused(r#"{"unsubscribe":{}}"#).contains("`unsubscribe`"));
        assert!(refused(r#"{"query":"weather"}"#).contains("`weather`"));
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        for (key, values) in [
            ("min_confidence", &["-0.1", "1.1", "1e999", "\"high\""][..]),
            ("azimuth_deg", &["[30,-30]", "[-400,0]", "[-300,300]", "[1]", "[1,2,3]", "30"]),
            ("max_rate_hz", &["0", "-1", "1001", "[]"]),
            ("labels", &["[]", "\"Dog\"", "[\"\"]", "[1]"]),
            ("map", &["1", "null"]),
        ] {
            for value in values {
                let line = format!(r#"{{"subscribe":{{"{key}":{value}}}}}"#);
                refused(&line);
            }
        }
        assert!(refused(r#"{"subscribe":{"min_confidence":1.1}}"#).contains("min_confidence"));
        assert!(refused(r#"{"subscribe":{"azimuth_deg":[30,-30]}}"#).contains("azimuth_deg"));
        assert!(refused(r#"{"subscribe":{"max_rate_hz":0}}"#).contains("max_rate_hz"));
        assert!(refused(r#"{"subscribe":{"labels":[]}}"#).contains("labels"));
    }

    #[test]
    fn what_is_not_one_request_is_refused() {
        for line in
            ["", "\n", "hello", "{}", "[]", "null", "{\"query\":\"status\"} {}", "{\"a\"", "7"]
        {
            refused(line);
        }
        assert!(refused(r#"{"subscribe":{},"query":"status"}"#).contains("send two"));
        assert!(refused(r#"{"subscribe":{},"subscribe":{}}"#).contains("duplicate"));
        assert!(Request::parse(b"\xff\xfe").is_err());
        assert!(Request::parse("[".repeat(60_000).as_bytes()).is_err());
    }

    #[test]
    fn a_refusal_quotes_only_a_little_of_a_long_line() {
        let line = format!(r#"{{"{}":1}}"#, "ü".repeat(20_000));
        assert!(refused(&line).len() < QUOTE_LIMIT + UNDERSTOOD.len() + 100);
        assert_eq!(Request::parse(&[b' '; LINE_LIMIT + 3]), Err(too_long()));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::parse(&line);
        }

        #[test]
        fn a_request_reads_back_as_it_was_written(
            labels in proptest::option::of(proptest::collection::vec("[^\u{0}]{0,12}x", 1..5)),
            min_confidence in proptest::option::of(0..=64),
            low in -360 * 64..=0,
            span in proptest::option::of(0..=360 * 64),
            max_rate_hz in proptest::option::of(1..=64_000),
            map in any::<bool>(),
        ) {
            // Sixty-fourths have an exact decimal form.
            let exact = |parts: i32| f64::from(parts) / 64.0;
            let filter = Filter {
                labels,
                min_confidence: min_confidence.map(exact),
                azimuth_deg: span.map(|span| [exact(low), exact(low + span)]),
                max_rate_hz: max_rate_hz.map(exact),
                map,
            };
            let request = Request::Subscribe(filter);
            prop_assert_eq!(Request::parse(request.to_line().as_bytes()), Ok(request));
        }
    }
}
