//! Members that stand more than once in one object of a JSON text. What reads the text keeps one of them, and does not tell.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::json_pointer;

/// The JSON pointers of the members that stand more than once in one object, each told once, in the order of the text. A text that
/// is not JSON has none.
pub fn repeated_members(text: &str) -> Vec<String> {
    let mut repeated = Repeated::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let scan = Scan {
        place: String::new(),
        repeated: &mut repeated,
    };
    match scan.deserialize(&mut reader).and_then(|()| reader.end()) {
        Ok(()) => repeated.places,
        Err(_) => Vec::new(),
    }
}

/// The places that were found, in the order of the text.
#[derive(Default)]
struct Repeated {
    places: Vec<String>,
    known: HashSet<String>,
}

impl Repeated {
    fn tell(&mut self, place: &str) {
        if self.known.insert(place.to_owned()) {
            self.places.push(place.to_owned());
        }
    }
}

/// Walks through one value at a place.
struct Scan<'r> {
    place: String,
    repeated: &'r mut Repeated,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let element = Scan {
                place: format!("{}/{index}", self.place),
                repeated: &mut *self.repeated,
            };
            if list.next_element_seed(element)?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = object.next_key::<String>()? {
            let place = json_pointer::member(&self.place, &name);
            if !seen.insert(name) {
                self.repeated.tell(&place);
            }
            object.next_value_seed(Scan {
                place,
                repeated: &mut *self.repeated,
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_stand_twice_in_one_object_are_found_wherever_it_lies() {
        for (text, expected) in [
            (r#"{"id": "a", "id": "b", "id": "c"}"#, vec!["/id"]),
            (r#"[{"x": {"a/b": 1, "a/b": 1.5}}]"#, vec!["/0/x/a~1b"]),
            (r#"{"\u0069d": null, "id": true}"#, vec!["/id"]),
            (r#"{"a": {"b": -1, "b": []}, "a": 1}"#, vec!["/a/b", "/a"]),
        ] {
            assert_eq!(repeated_members(text), expected, "{text}");
        }
    }

    #[test]
    fn one_name_in_several_objects_is_lawful_and_what_is_no_json_says_nothing() {
        for text in [
            r#"[{"id": 1}, {"id": 2, "in": {"id": 3}}]"#,
            r#"{"id": 1, "Id": 2}"#,
            r#"{"id": 1, "id": 2"#,
            "hub.mode=subscribe",
            "",
        ] {
            assert_eq!(repeated_members(text), [""; 0], "{text}");
        }
    }
}
