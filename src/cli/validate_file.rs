//! The messages in a file: JSON, alone, in an array or in a wrapper, and forms as bug reports quote them.

use serde_json::Value;

use super::CommandError;
use castspec_fhircast::json_pointer;
use castspec_fhircast::protocol::{parameters_of, repeated_members};
use castspec_fhircast::schema::{MessageKind, Schemas};

/// A message with its place in the file.
#[derive(Debug, PartialEq)]
pub(super) struct PlacedMessage {
    /// What errors and results call it by.
    pub(super) label: String,
    /// The JSON pointer from the file's root; empty where the file holds nothing else.
    pub(super) place: String,
    /// The message; of a form, an object of strings.
    pub(super) message: Value,
    /// The JSON pointers, from the file's root, of members that stand more than once in one object of it.
    pub(super) repeated: Vec<String>,
}

/// The messages in a file's text; `name` is what errors call the file by.
///
/// # Errors
/// When the text is neither JSON nor a form, or holds nothing.
pub(super) fn messages(
    name: &str,
    text: &str,
    kind: Option<MessageKind>,
    schemas: &Schemas,
) -> Result<Vec<PlacedMessage>, CommandError> {
    let text = text.trim_start_matches('\u{feff}');
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let form =
                form(text, kind).ok_or_else(|| CommandError::new(format!("{name}: is not JSON: {error}")))?;
            return Ok(vec![PlacedMessage {
                label: name.to_owned(),
                place: String::new(),
                message: form,
                repeated: Vec::new(),
            }]);
        }
    };
    let repeated = Repeated::of(text);
    let placed = |label: String, place: String, message: Value| PlacedMessage {
        label,
        repeated: repeated.within(&place),
        place,
        message,
    };
    match document {
        Value::Array(elements) if kind == Some(MessageKind::CurrentContext) && is_context(&elements) => Ok(
            vec![placed(name.to_owned(), String::new(), Value::Array(elements))],
        ),
        Value::Array(messages) if messages.is_empty() => {
            Err(CommandError::new(format!("{name}: holds no message")))
        }
        Value::Array(messages) => {
            let alone = messages.len() == 1;
            let numbered = messages.into_iter().enumerate();
            Ok(numbered
                .map(|(position, message)| {
                    let label = match alone {
                        true => name.to_owned(),
                        false => format!("{name}[{position}]"),
                    };
                    placed(label, format!("/{position}"), message)
                })
                .collect())
        }
        document => Ok(match wrapped(&document, kind, schemas) {
            Some((member, message)) => vec![placed(
                name.to_owned(),
                json_pointer::member("", member),
                message.clone(),
            )],
            None => vec![placed(name.to_owned(), String::new(), document)],
        }),
    }
}

/// The members that stand more than once, sorted, so that there can be as many of them as messages; each with its position in
/// the text.
struct Repeated(Vec<(String, usize)>);

impl Repeated {
    fn of(text: &str) -> Self {
        let listed = repeated_members(text).into_iter().enumerate();
        let mut sorted: Vec<_> = listed.map(|(position, pointer)| (pointer, position)).collect();
        sorted.sort();
        Self(sorted)
    }

    /// Those that lead to the place or below it, in the order of the text.
    fn within(&self, place: &str) -> Vec<String> {
        let first = self.0.partition_point(|(pointer, _)| pointer.as_str() < place);
        let mut within: Vec<_> = self.0[first..]
            .iter()
            .take_while(|(pointer, _)| pointer.starts_with(place))
            .filter(|(pointer, _)| is_within(pointer, place))
            .collect();
        within.sort_by_key(|(_, position)| *position);
        within.into_iter().map(|(pointer, _)| pointer.clone()).collect()
    }
}

/// Whether the pointer leads to the place or below it.
fn is_within(pointer: &str, place: &str) -> bool {
    pointer
        .strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an array is an answer to Get Current Context as hubs of old give it, the context itself, and not a list of answers.
fn is_context(elements: &[Value]) -> bool {
    let is_answer = |element: &Value| {
        ["context.type", "context"]
            .into_iter()
            .any(|member| element.get(member).is_some())
    };
    !elements.iter().any(is_answer)
}

/// The message in a wrapper: the one member of an object, itself no message, that is one.
fn wrapped<'d>(
    document: &'d Value,
    kind: Option<MessageKind>,
    schemas: &Schemas,
) -> Option<(&'d str, &'d Value)> {
    if kind.is_some() || schemas.detect(document).is_some() {
        return None;
    }
    let mut messages = document
        .as_object()?
        .iter()
        .filter(|(_, value)| value.is_object() && schemas.detect(value).is_some());
    let (member, message) = messages.next()?;
    messages.next().is_none().then_some((member.as_str(), message))
}

/// A form as an object of strings: in one line, or a line a parameter, percent-encoded or not. `None` where the text is none:
/// without a kind that has forms, `hub.mode` must be among its parameters.
fn form(text: &str, kind: Option<MessageKind>) -> Option<Value> {
    let of_forms = [
        MessageKind::SubscriptionRequest,
        MessageKind::UnsubscribeRequest,
        MessageKind::IntentVerification,
        MessageKind::WebhookDenial,
    ];
    let is_meant = match kind {
        None => false,
        Some(kind) if of_forms.contains(&kind) => true,
        Some(_) => return None,
    };
    let mut joined = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // A line without a name goes on with the value before it.
        let begins = line.contains('=') || line.starts_with('&');
        if begins && !joined.is_empty() && !joined.ends_with('&') && !line.starts_with('&') {
            joined.push('&');
        }
        joined.push_str(line);
    }
    let parameters = parameters_of(joined.trim_matches(|end| matches!(end, '?' | '&')));
    let is_form = match is_meant {
        true => joined.contains('=') && !parameters.is_empty(),
        false => parameters.contains_key("hub.mode"),
    };
    // What begins as JSON is JSON that is broken.
    let is_json = joined.starts_with(['{', '[', '"']);
    (is_form && !is_json).then_some(Value::Object(parameters))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use castspec_fhircast::protocol::Version;
    use serde_json::json;

    use super::*;

    fn read(text: &str, kind: Option<MessageKind>) -> Result<Vec<PlacedMessage>, CommandError> {
        messages("f", text, kind, &Schemas::load(Version::Stu3).unwrap())
    }

    fn one(text: &str, kind: Option<MessageKind>) -> PlacedMessage {
        let mut read = read(text, kind).unwrap();
        assert_eq!(read.len(), 1, "{text}");
        read.remove(0)
    }

    #[test]
    fn forms_are_read_however_they_are_quoted() {
        let expected =
            json!({"hub.mode": "subscribe", "hub.topic": "a b", "hub.events": "Patient-open,Patient-close"});
        for text in [
            "hub.mode=subscribe&hub.topic=a+b&hub.events=Patient-open%2CPatient-close",
            "hub.mode=subscribe&hub.topic=a%20b&hub.events=Patient-open,Patient-close\n",
            "hub.mode=subscribe\nhub.topic=a b\nhub.events=Patient-open,Patient-close",
            "hub.mode=subscribe\r\n&hub.topic=a+b\r\n&hub.events=Patient-open,\r\nPatient-close\r\n\r\n",
            "hub%2Emode=subscribe&\nhub.topic=a+b&\nhub.events=Patient-open%2cPatient-close&\n",
        ] {
            assert_eq!(one(text, None).message, expected, "{text}");
            assert_eq!(
                one(text, Some(MessageKind::SubscriptionRequest)).message,
                expected,
                "{text}"
            );
        }
        let repeated = one("hub.mode=subscribe&hub.topic=a&hub.topic=b", None);
        assert_eq!(repeated.message["hub.topic"], json!(["a", "b"]));
    }

    #[test]
    fn what_is_neither_json_nor_a_form_is_refused_as_no_json() {
        for (text, kind) in [
            ("hello", None),
            ("a=b", None),
            ("", Some(MessageKind::SubscriptionRequest)),
            ("hello", Some(MessageKind::SubscriptionRequest)),
            ("{\"hub.mode\": \"a=b\"", Some(MessageKind::SubscriptionRequest)),
            ("hub.mode=subscribe", Some(MessageKind::Notification)),
        ] {
            let error = read(text, kind).unwrap_err().to_string();
            assert!(error.starts_with("f: is not JSON: "), "{text}: {error}");
        }
    }

    #[test]
    fn an_array_is_the_current_context_where_no_element_is_an_answer() {
        let kind = Some(MessageKind::CurrentContext);
        for text in [
            r#"[{"key": "patient"}, {"key": "study"}]"#,
            r#"[{"key": "patient"}]"#,
            "[]",
        ] {
            let read = one(text, kind);
            assert!(read.message.is_array() && read.place.is_empty(), "{text}");
        }
        let answers = r#"[{"context.type": "", "context": []}, {"context.type": "", "context": []}]"#;
        assert_eq!(read(answers, kind).unwrap().len(), 2);
        assert_eq!(
            read(
                r#"[{"id": "a"}, {"id": "b"}]"#,
                Some(MessageKind::Acknowledgement)
            )
            .unwrap()
            .len(),
            2
        );
        assert!(read("[]", None).is_err());
    }

    #[test]
    fn places_begin_at_the_root_of_the_file() {
        let ack = r#"{"id": "a", "status": "200"}"#;
        assert_eq!(one(ack, None).place, "");
        assert_eq!(one(&format!("[{ack}]"), None).place, "/0");
        let both = read(
            &format!(r#"[{ack}, {{"id": 1, "id": 2, "status": "200"}}]"#),
            None,
        )
        .unwrap();
        assert_eq!((both[1].place.as_str(), both[1].label.as_str()), ("/1", "f[1]"));
        assert_eq!(
            (&both[0].repeated, &both[1].repeated),
            (&vec![], &vec!["/1/id".to_owned()])
        );
        let wrapper = one(&format!(r#"{{"at": "now", "a/b": {ack}}}"#), None);
        assert_eq!(
            (wrapper.place.as_str(), &wrapper.message["id"]),
            ("/a~1b", &json!("a"))
        );
        let ambiguous = one(&format!(r#"{{"one": {ack}, "two": {ack}}}"#), None);
        assert_eq!(ambiguous.place, "");
    }
}
