//! Equal values, equal times, and what a copy has lost.

use serde_json::{Value, json};

use crate::hub::equal;
use crate::hub::sameness::{is_same_time, lost};

#[test]
fn numbers_are_equal_by_value_and_members_in_any_order() {
    let of = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    for (one, other, are_equal) in [
        ("1", "1", true),
        ("1", "1.0", true),
        ("1", "2", false),
        ("0.5", "0.50", true),
        ("0.5", "0.25", false),
        ("9007199254740993", "9007199254740992", false),
        ("1", "\"1\"", false),
        ("true", "true", true),
        ("true", "false", false),
        ("null", "null", true),
        ("\"a\"", "\"a\"", true),
        ("\"a\"", "\"b\"", false),
        ("[]", "[]", true),
        ("[1, 2]", "[1.0, 2]", true),
        ("[1, 2]", "[2, 1]", false),
        ("[1]", "[1, 2]", false),
        ("[1, 2]", "[1]", false),
        (r#"{"a": 1, "b": 2}"#, r#"{"b": 2.0, "a": 1}"#, true),
        (r#"{"a": 1}"#, r#"{"a": 2}"#, false),
        (r#"{"a": 1}"#, r#"{"b": 1}"#, false),
        (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, false),
        ("{}", "[]", false),
    ] {
        assert_eq!(equal(&of(one), &of(other)), are_equal, "{one} {other}");
        assert_eq!(equal(&of(other), &of(one)), are_equal, "{other} {one}");
    }
}

#[test]
fn what_is_lost_is_told_with_its_place() {
    for (original, copy, found) in [
        (json!({"a": 1}), json!({"a": 1.0, "b": 2}), None),
        (json!({"a": 1}), json!({}), Some(("/a", "is missing"))),
        (
            json!({"a/b": {"c~d": 1}}),
            json!({"a/b": {}}),
            Some(("/a~1b/c~0d", "is missing")),
        ),
        (
            json!({"a": 1}),
            json!({"a": 2}),
            Some(("/a", "has another value")),
        ),
        (json!({"a": 1}), json!([1]), Some(("", "has another value"))),
        (json!([1, 2]), json!([2, 1]), None),
        (json!([]), json!([]), None),
        (json!([1, 1]), json!([1, 2]), Some(("/1", "has another value"))),
        (
            json!([1, 2]),
            json!([1]),
            Some(("", "has 1 elements in place of 2")),
        ),
        (
            json!([1]),
            json!([1, 2]),
            Some(("", "has 2 elements in place of 1")),
        ),
        (
            json!({"list": [{"id": "p"}]}),
            json!({"list": [{}]}),
            Some(("/list/0/id", "is missing")),
        ),
        // Each element has one of its own in the copy.
        (
            json!([{"a": 1}, {"a": 1}]),
            json!([{"a": 1}, {"b": 1}]),
            Some(("/1/a", "is missing")),
        ),
        // The counterpart at its place was found for another element.
        (
            json!([1, 2, 1]),
            json!([2, 1, 2]),
            Some(("/2", "has another value")),
        ),
        (json!([1, 1, 2]), json!([2, 1, 3]), Some(("/1", "is missing"))),
    ] {
        let found = found.map(|(place, what)| (place.to_owned(), what.to_owned()));
        assert_eq!(lost(&original, &copy, ""), found, "{original} {copy}");
    }
    assert_eq!(
        lost(&json!([1]), &json!(["1"]), "/event/context"),
        Some(("/event/context/0".to_owned(), "has another value".to_owned()))
    );
}

#[test]
fn a_time_is_the_same_to_the_precision_of_the_less_precise() {
    for (one, other, is_same) in [
        ("2026-03-01T09:30:00.123Z", "2026-03-01T09:30:00.123Z", true),
        ("2026-03-01T09:30:00Z", "2026-03-01T10:30:00+01:00", true),
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.999Z", true),
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:01.000Z", false),
        ("2026-03-01T09:30:00.1Z", "2026-03-01T09:30:00.199Z", true),
        ("2026-03-01T09:30:00.1Z", "2026-03-01T09:30:00.200Z", false),
        (
            "2026-03-01T09:30:00.123456Z",
            "2026-03-01T09:30:00.123457Z",
            false,
        ),
        // One nanosecond more or less is rounding.
        (
            "2026-03-01T09:30:00.123456789Z",
            "2026-03-01T09:30:00.123456790Z",
            true,
        ),
        (
            "2026-03-01T09:30:00.123456789Z",
            "2026-03-01T09:30:00.123456791Z",
            false,
        ),
    ] {
        let time = |text: &str| text.parse().unwrap();
        assert_eq!(is_same_time(&time(one), &time(other)), is_same, "{one} {other}");
        assert_eq!(is_same_time(&time(other), &time(one)), is_same, "{other} {one}");
    }
}
