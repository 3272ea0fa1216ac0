//! Showing JSON values, and what is different in two of them, in few words.

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::variables::shorten;

/// How long a value may be on one line, in characters.
const LINE: usize = 120;
/// How many lines of a difference are shown.
const LINES: usize = 24;
/// How long one line of a difference may be, in characters.
const WIDTH: usize = 160;

/// A value as JSON on one line, cut when long.
pub(crate) fn shown(value: &Value) -> String {
    shorten(&value.to_string(), LINE)
}

/// Two different values as `expected` and `observed`: as they are when they are short, else the second with the lines that
/// differ.
pub(crate) fn difference(expected: &Value, observed: &Value) -> (String, String) {
    let (one, other) = (expected.to_string(), observed.to_string());
    let structured = |value: &Value| value.is_array() || value.is_object();
    if one.chars().count().max(other.chars().count()) <= LINE
        || !structured(expected)
        || !structured(observed)
    {
        return (shorten(&one, LINE), shorten(&other, LINE));
    }
    let (one, other) = (pretty(expected), pretty(observed));
    let diff = TextDiff::from_lines(&one, &other);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(1).iter().enumerate() {
        if index > 0 {
            lines.push("  …".to_owned());
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            lines.push(shorten(&format!("{sign} {}", change.value().trim_end()), WIDTH));
        }
    }
    let total = lines.len();
    if total > LINES {
        lines.truncate(LINES);
        lines.push(format!("  … {} more lines", total - LINES));
    }
    (
        shorten(&expected.to_string(), LINE),
        format!("another value (- expected, + observed):\n{}", lines.join("\n")),
    )
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&sorted(value)).unwrap_or_default()
}

/// The value with its members sorted, and numbers that are equal written alike, so that only what differs is shown.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            names
                .into_iter()
                .filter_map(|name| Some((name.clone(), sorted(members.get(name)?))))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                Value::from(float as i64)
            }
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_shown_of_long_values() {
        let patient = |family: &str, number: Value| {
            json!({"resourceType": "Patient", "id": "503824b8-fe8c-4227-b061-7181ba6c3926", "birthDate": "1978-11-03",
                   "name": [{"use": "official", "family": family, "given": ["John"]}], "n": number})
        };
        let (expected, observed) = difference(&patient("Smith", json!(1)), &patient("Smyth", json!(1.0)));
        assert!(expected.ends_with('…'));
        assert_eq!(
            observed,
            "another value (- expected, + observed):\n      {\n-       \"family\": \"Smith\",\n+       \"family\": \"Smyth\",\n        \"given\": ["
        );
    }

    #[test]
    fn short_values_stand_as_they_are() {
        assert_eq!(
            difference(&json!({"a": 1}), &json!({"a": 2})),
            (r#"{"a":1}"#.to_owned(), r#"{"a":2}"#.to_owned())
        );
    }
}
