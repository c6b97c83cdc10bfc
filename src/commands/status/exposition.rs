//! Prometheus's text format, version 0.0.4, as far as it is needed: names and labels that the
//! program knows, values from anywhere.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use std::fmt::Write;

/// What a number means.
#[derive(Clone, Copy)]
pub enum Type {
    /// Only grows while the daemon runs; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles, under the label `quantile`.
    Summary,
}

/// Names and values of labels.
pub type Labels<'a> = Vec<(&'a str, &'a str)>;

/// A text that grows by families of metrics.
#[derive(Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Adds the one number that a name stands for.
    pub fn one(&mut self, name: &str, kind: Type, help: &str, value: f64) {
        self.family(name, kind, help, [(Labels::new(), value)]);
    }

    /// Adds all numbers of one name; without any, the name is not mentioned.
    pub fn family<'a>(
        &mut self,
        name: &str,
        kind: Type,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Summary => "summary",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        for (labels, value) in samples {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels =
                if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let value = number(value);
            self.line(format_args!("{name}{labels} {value}"));
        }
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// As Go's `ParseFloat` reads it.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_family_is_its_help_its_type_and_its_samples() {
        let mut out = Exposition::default();
        out.one("tyto_up", Type::Gauge, "One\nline with a \\.", 1.0);
        out.family(
            "tyto_x_total",
            Type::Counter,
            "Of each.",
            [
                (vec![("device", "a \"b\"\\\n"), ("kind", "é")], 3e21),
                (vec![("device", "c")], f64::INFINITY),
            ],
        );
        out.family("tyto_none", Type::Summary, "Nothing.", []);
        assert_eq!(
            out.into_text(),
            "# HELP tyto_up One\\nline with a \\\\.\n\
             # TYPE tyto_up gauge\n\
             tyto_up 1\n\
             # HELP tyto_x_total Of each.\n\
             # TYPE tyto_x_total counter\n\
             tyto_x_total{device=\"a \\\"b\\\"\\\\\\n\",kind=\"é\"} 3000000000000000000000\n\
             tyto_x_total{device=\"c\"} +Inf\n"
        );
    }

    /// A label's value as the format says it is read.
    fn unescaped(text: &str) -> String {
        let mut value = String::new();
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => value.push(match signs.next() {
                    Some('n') => '\n',
                    Some(other @ ('"' | '\\')) => other,
                    other => panic!("\\{other:?}"),
                }),
                '"' | '\n' => panic!("{sign:?} ends the value"),
                _ => value.push(sign),
            }
        }
        value
    }

    proptest! {
        #[test]
        fn whatever_a_device_is_called_its_label_reads_back(value in "(?s).{0,40}|[\\\\\"n\n]{0,20}") {
            prop_assert_eq!(unescaped(&escaped(&value)), value);
        }

        #[test]
        fn a_number_reads_back_as_it_was(value in any::<f64>()) {
            let read: f64 = number(value).parse().unwrap();
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }
    }
}
