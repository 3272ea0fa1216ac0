//! Whether a copy of an event is what was published: the same time, and nothing of its context lost.

use serde_json::Value;

use crate::protocol::Timestamp;

/// The same instant, to the precision that the less precise of the two is written in.
pub fn is_same_time(one: &Timestamp, other: &Timestamp) -> bool {
    let difference = (one.instant().as_nanosecond() - other.instant().as_nanosecond()).unsigned_abs();
    let precision = |timestamp: &Timestamp| {
        let fraction = timestamp
            .as_str()
            .split_once(['.', ','])
            .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        10_u128.pow(9_u32.saturating_sub(u32::try_from(fraction).unwrap_or(9)))
    };
    difference < precision(one).max(precision(other)).max(2)
}

/// What of the original is missing or other in the copy: where, and what. Entries may come in another order and members may
/// be added; nothing that was published may be lost.
pub fn lost(original: &Value, copy: &Value, pointer: &str) -> Option<(String, String)> {
    match (original, copy) {
        (Value::Object(published), Value::Object(other)) => published.iter().find_map(|(name, value)| {
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match other.get(name) {
                None => Some((place, "is missing".to_owned())),
                Some(found) => lost(value, found, &place),
            }
        }),
        (Value::Array(published), Value::Array(other)) if published.len() == other.len() => {
            let mut left: Vec<&Value> = other.iter().collect();
            for (position, value) in published.iter().enumerate() {
                let place = format!("{pointer}/{position}");
                let Some(at) = left.iter().position(|found| lost(value, found, &place).is_none()) else {
                    let found = other.get(position)?;
                    return lost(value, found, &place).or(Some((place, "is missing".to_owned())));
                };
                left.remove(at);
            }
            None
        }
        (Value::Array(published), Value::Array(other)) => Some((
            pointer.to_owned(),
            format!("has {} elements in place of {}", other.len(), published.len()),
        )),
        (published, other) if equal(published, other) => None,
        _ => Some((pointer.to_owned(), "has another value".to_owned())),
    }
}

/// Whether two values are equal as JSON: numbers by value, members in any order.
pub fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_may_be_lost_but_order_and_additions_are_free() {
        let original =
            json!([{"key": "patient", "resource": {"id": "p", "active": true}}, {"key": "encounter"}]);
        let other_order = json!([{"key": "encounter"}, {"resource": {"active": true, "id": "p"}, "key": "patient", "x": 1}]);
        assert_eq!(lost(&original, &other_order, ""), None);
        let dropped = json!([{"key": "patient", "resource": {"id": "p"}}, {"key": "encounter"}]);
        assert_eq!(
            lost(&original, &dropped, ""),
            Some(("/0/resource/active".to_owned(), "is missing".to_owned()))
        );
        let shorter = json!([{"key": "encounter"}]);
        assert!(lost(&original, &shorter, "").is_some());
        let changed =
            json!([{"key": "patient", "resource": {"id": "q", "active": true}}, {"key": "encounter"}]);
        assert_eq!(
            lost(&original, &changed, "").map(|found| found.0),
            Some("/0/resource/id".to_owned())
        );
    }

    #[test]
    fn times_are_the_same_within_the_precision_that_they_are_written_in() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00.123000+00:00")
        ));
        assert!(is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00Z")
        ));
        assert!(!is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00.125Z")
        ));
        assert!(!is_same_time(
            &time("2026-03-01T09:30:00Z"),
            &time("2026-03-01T09:30:01Z")
        ));
    }
}
