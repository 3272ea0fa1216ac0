//! Changes of JSON: members are left out, renamed, falsified or exchanged.

use serde_json::{Map, Value, json};

use crate::alteration::Deed;

/// Does the deed to the message. Whether anything of it is other than before; deeds that change nothing of a message itself
/// leave it as it is.
pub(crate) fn change(deed: &Deed, message: &mut Value) -> bool {
    let before = message.clone();
    match deed {
        Deed::Remove(at) => each(message, &parts(at), &mut |members, name| {
            members.shift_remove(name);
        }),
        Deed::Rename(at) => each(message, &parts(at), &mut |members, name| {
            if let Some(value) = members.shift_remove(name) {
                members.insert(format!("{name}x"), value);
            }
        }),
        Deed::Falsify(at) => each(message, &parts(at), &mut |members, name| {
            if let Some(value) = members.get_mut(name) {
                *value = falsified(value);
            }
        }),
        Deed::Set { at, to } => each(message, &parts(at), &mut |members, name| {
            members.insert(name.to_owned(), to.clone());
        }),
        Deed::Swap(one, other) => {
            let found = message.pointer(one).cloned().zip(message.pointer(other).cloned());
            if let Some((first, second)) = found {
                for (at, value) in [(one, second), (other, first)] {
                    if let Some(place) = message.pointer_mut(at) {
                        *place = value;
                    }
                }
            }
        }
        Deed::Drop | Deed::Duplicate | Deed::Reorder | Deed::Delay(_) | Deed::Leak => {}
    }
    *message != before
}

fn parts(pointer: &str) -> Vec<String> {
    let parts = pointer.split('/').skip(1);
    parts
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Does something to the member that the last part names, in every object that the parts before it lead to. An element of an
/// array is treated as a member whose name is its position.
fn each(value: &mut Value, parts: &[String], deed: &mut dyn FnMut(&mut Map<String, Value>, &str)) {
    let Some((part, rest)) = parts.split_first() else {
        return;
    };
    if rest.is_empty() {
        return last(value, part, deed);
    }
    match value {
        Value::Object(members) if part == "*" => {
            members.values_mut().for_each(|value| each(value, rest, deed));
        }
        Value::Array(items) if part == "*" => items.iter_mut().for_each(|value| each(value, rest, deed)),
        Value::Object(members) => {
            if let Some(value) = members.get_mut(part) {
                each(value, rest, deed);
            }
        }
        Value::Array(items) => {
            if let Some(value) = part.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                each(value, rest, deed);
            }
        }
        _ => {}
    }
}

fn last(value: &mut Value, part: &str, deed: &mut dyn FnMut(&mut Map<String, Value>, &str)) {
    match value {
        Value::Object(members) if part == "*" => {
            let names: Vec<String> = members.keys().cloned().collect();
            names.iter().for_each(|name| deed(members, name));
        }
        Value::Object(members) => deed(members, part),
        Value::Array(items) => {
            let numbered = std::mem::take(items).into_iter().enumerate();
            let mut members: Map<String, Value> = numbered
                .map(|(index, value)| (index.to_string(), value))
                .collect();
            match part {
                "*" => {
                    let names: Vec<String> = members.keys().cloned().collect();
                    names.iter().for_each(|name| deed(&mut members, name));
                }
                part => deed(&mut members, part),
            }
            *items = members.into_iter().map(|(_, value)| value).collect();
        }
        _ => {}
    }
}

/// Another value of the same type.
fn falsified(value: &Value) -> Value {
    match value {
        Value::Null => json!("altered"),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => json!(number + 1),
            None => json!(number.as_f64().unwrap_or_default() + 1.0),
        },
        // A time stays a time.
        Value::String(text) if is_time(text) => json!("2001-02-03T04:05:06.789Z"),
        Value::String(text) => json!(format!("{text}-altered")),
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
    }
}

fn is_time(text: &str) -> bool {
    text.parse::<castspec_fhircast::protocol::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Value {
        json!({
            "id": "one", "timestamp": "2026-03-01T09:30:00.000Z",
            "event": {"context": [{"key": "patient", "n": 1}, {"key": "study"}]},
        })
    }

    fn changed(deed: Deed) -> Value {
        let mut message = message();
        assert!(change(&deed, &mut message), "{deed:?}");
        message
    }

    #[test]
    fn a_deed_changes_what_it_names_and_nothing_else() {
        let at = |pointer: &str| pointer.to_owned();
        for (deed, pointer, value) in [
            (Deed::Remove(at("/id")), "/id", None),
            (
                Deed::Remove(at("/event/context/0")),
                "/event/context/0/key",
                Some(json!("study")),
            ),
            (Deed::Rename(at("/id")), "/idx", Some(json!("one"))),
            (Deed::Falsify(at("/id")), "/id", Some(json!("one-altered"))),
            (
                Deed::Falsify(at("/timestamp")),
                "/timestamp",
                Some(json!("2001-02-03T04:05:06.789Z")),
            ),
            (
                Deed::Falsify(at("/event/context")),
                "/event/context",
                Some(json!([])),
            ),
            (
                Deed::Falsify(at("/event/context/*/n")),
                "/event/context/0/n",
                Some(json!(2)),
            ),
            (
                Deed::Falsify(at("/event/context/*/key")),
                "/event/context/1/key",
                Some(json!("study-altered")),
            ),
            (
                Deed::Set {
                    at: at("/event/context/1/more"),
                    to: json!(true),
                },
                "/event/context/1/more",
                Some(json!(true)),
            ),
            (
                Deed::Swap(at("/event/context/0"), at("/event/context/1")),
                "/event/context/0/key",
                Some(json!("study")),
            ),
        ] {
            let changed = changed(deed.clone());
            assert_eq!(changed.pointer(pointer).cloned(), value, "{deed:?}: {changed}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_changed() {
        for deed in [
            Deed::Remove("/none".to_owned()),
            Deed::Falsify("/event/context/7/key".to_owned()),
            Deed::Swap("/id".to_owned(), "/none".to_owned()),
            Deed::Drop,
            Deed::Delay(5),
        ] {
            let mut altered = message();
            assert!(!change(&deed, &mut altered), "{deed:?}");
            assert_eq!(altered, message());
        }
    }
}
