//! Numbers as they are written. FHIR tells 1.0 from 1.00: the digits of a decimal say how precise it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::difference::{Change, Difference};

/// The numbers of a context that a copy of it, given as whole messages, writes with other digits though their value is the same.
pub(super) fn respelled(published: &str, copy: &str) -> Vec<Difference> {
    let (Some(published), Some(copy)) = (context(published), context(copy)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    compare(published, copy, &mut Vec::new(), &mut found);
    found
}

/// A notification, or a current context.
#[derive(Deserialize)]
struct Message<'m> {
    #[serde(borrow)]
    event: Option<Event<'m>>,
    #[serde(borrow)]
    context: Option<&'m RawValue>,
}

#[derive(Deserialize)]
struct Event<'m> {
    #[serde(borrow)]
    context: &'m RawValue,
}

fn context(message: &str) -> Option<&RawValue> {
    let message: Message<'_> = serde_json::from_str(message).ok()?;
    message.event.map(|event| event.context).or(message.context)
}

fn compare(published: &RawValue, copy: &RawValue, path: &mut Vec<String>, found: &mut Vec<Difference>) {
    let (one, other) = (published.get(), copy.get());
    if one == other {
        return;
    }
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => {
            let members = |text| serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(text);
            let (Ok(members), Ok(copied)) = (members(one), members(other)) else {
                return;
            };
            for (name, value) in members {
                if let Some(copied) = copied.get(&name) {
                    path.push(name.into_owned());
                    compare(value, copied, path, found);
                    path.pop();
                }
            }
        }
        (Some(b'['), Some(b'[')) => {
            let elements = |text| serde_json::from_str::<Vec<&RawValue>>(text);
            let (Ok(elements), Ok(copied)) = (elements(one), elements(other)) else {
                return;
            };
            for (at, (value, copied)) in elements.into_iter().zip(copied).enumerate() {
                path.push(at.to_string());
                compare(value, copied, path, found);
                path.pop();
            }
        }
        _ => {
            let (Some(numeral), Some(copied)) = (Numeral::parse(one), Numeral::parse(other)) else {
                return;
            };
            if numeral != copied && numeral.value() == copied.value() {
                let (one, other) = (Value::from(one), Value::from(other));
                found.push(Difference::at(Change::Spelling, path, one, other));
            }
        }
    }
}

/// A number by its digits: equal numerals have the same value and the same precision.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numeral {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Numeral {
    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let precision = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative,
            digits: digits.trim_start_matches('0').to_owned(),
            exponent: exponent.checked_sub(precision)?,
        })
    }

    /// The same whatever the precision.
    fn value(&self) -> (bool, &str, i64) {
        let digits = self.digits.trim_end_matches('0');
        match i64::try_from(self.digits.len() - digits.len()) {
            Ok(zeros) if !digits.is_empty() => (self.negative, digits, self.exponent.saturating_add(zeros)),
            _ => (false, "", 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: &str) -> String {
        format!(
            r#"{{"id": "1", "event": {{"context": [{{"key": "a", "resource": {{"value": {value}}}}}]}}}}"#
        )
    }

    #[test]
    fn a_number_written_with_another_precision_is_told() {
        for (published, copied) in [
            ("1.0", "1.00"),
            ("1.0", "1"),
            ("37", "37.0"),
            ("0", "0.0"),
            ("100", "1e2"),
            ("-0.50", "-0.5"),
            ("12345678901234567890.10", "12345678901234567890.1"),
        ] {
            let found = respelled(&message(published), &message(copied));
            assert_eq!(found.len(), 1, "{published} {copied}");
            assert_eq!(found[0].path, ["0", "resource", "value"]);
            assert_eq!(found[0].change, Change::Spelling);
        }
    }

    #[test]
    fn a_number_written_with_the_same_precision_or_another_value_is_not() {
        for (published, copied) in [
            ("1.0", "1.0"),
            ("1.5", "15e-1"),
            ("1.5", "0.15E1"),
            ("1.0", "2.0"),
            ("1.0", "\"1.00\""),
            ("1.0", "null"),
            ("[1.0]", "[1.0, 1]"),
            ("{\"a\": 1.0}", "{\"b\": 1}"),
            ("\"a\"", "\"b\""),
        ] {
            assert_eq!(
                respelled(&message(published), &message(copied)),
                [],
                "{published} {copied}"
            );
        }
        assert_eq!(respelled("no JSON", &message("1.0")), []);
        assert_eq!(respelled(&message("1.0"), r#"{"id": "1"}"#), []);
    }
}
