//! Messages of a hub as they were observed: plain data that judging and whoever holds the conversation share.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::signature::Signature;

/// The place and the time of an entry in a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Position in the transcript.
    pub sequence: usize,
    /// Time since the conversation began.
    pub at: Duration,
}

/// A message from the hub: a frame over a WebSocket, or a call to a callback.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its place in the transcript.
    pub spot: Spot,
    /// Number of the channel that brought it: the WebSockets and the callback of this subscriber, counted from 0.
    pub socket: usize,
    /// Its text; of a call, that of its body.
    pub text: Arc<str>,
    /// Its text as JSON, where it is; of an intent verification or a denial at a callback, its query as an object of strings.
    pub json: Option<Arc<Value>>,
    /// The call that brought it, where it came to a callback.
    pub call: Option<Arc<Call>>,
}

impl Received {
    /// The message: what came as JSON, or what stands in an array of its own, as a subscriber would make sense of it.
    pub fn message(&self) -> Option<&Value> {
        self.json.as_deref().map(sole)
    }

    /// The id of the message.
    pub fn id(&self) -> Option<&str> {
        self.message()?.get("id")?.as_str()
    }
}

/// The only element of an array, or the value itself.
pub fn sole(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    }
}

/// An HTTP request from the hub to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string, as it was written.
    pub query: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The worth of the signature.
    pub signature: Signature,
}

impl Call {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The end of a WebSocket.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Its place in the transcript.
    pub spot: Spot,
    /// Number of the WebSocket, as in [`Received::socket`].
    pub socket: usize,
    /// Whether the hub ended it.
    pub by_hub: bool,
    /// The close code.
    pub code: Option<u16>,
    /// Whether a close frame ended it, with a code or without; otherwise the connection just ended.
    pub by_frame: bool,
}

/// An intent verification that a callback has answered.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Place of the question in the transcript.
    pub asked: Spot,
    /// Place of the answer in the transcript.
    pub answered: Spot,
    /// Its query as an object of strings.
    pub query: Arc<Value>,
    /// The answer was a 2xx with nothing but the challenge: the subscriber agrees.
    pub agreed: bool,
}

/// The hub's answer to an HTTP request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub text: String,
    /// The body as JSON, where it is.
    pub json: Option<Value>,
    /// Place of the request in the transcript.
    pub request: Spot,
    /// Place of the answer in the transcript.
    pub spot: Spot,
}

impl Answer {
    /// Any 2xx.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A 4xx or 5xx by which the hub itself judged the request; a time-out, a rate limit or a broken gateway says nothing.
    pub fn is_refused(&self) -> bool {
        (400..600).contains(&self.status) && !matches!(self.status, 408 | 429 | 502 | 503 | 504)
    }

    /// The media type without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(name, _)| name == "content-type")?;
        let media_type = value.split(';').next().unwrap_or_default();
        Some(media_type.trim().to_ascii_lowercase())
    }

    /// The text of a member of the body.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SPOT: Spot = Spot {
        sequence: 0,
        at: Duration::ZERO,
    };

    fn received(json: Option<Value>) -> Received {
        Received {
            spot: SPOT,
            socket: 0,
            text: "".into(),
            json: json.map(Arc::new),
            call: None,
        }
    }

    #[test]
    fn a_message_alone_in_an_array_is_the_message() {
        let message = json!({"id": "one"});
        for (json, expected) in [
            (message.clone(), message.clone()),
            (json!([message]), message.clone()),
            (json!([message, message]), json!([message, message])),
            (json!([[message]]), json!([message])),
            (json!([]), json!([])),
            (json!("text"), json!("text")),
        ] {
            assert_eq!(sole(&json), &expected);
            assert_eq!(received(Some(json)).message(), Some(&expected));
        }
        assert_eq!(received(None).message(), None);
    }

    #[test]
    fn the_id_of_a_message_is_a_string() {
        for (json, id) in [
            (Some(json!({"id": "one"})), Some("one")),
            (Some(json!([{"id": "one"}])), Some("one")),
            (Some(json!([{"id": "one"}, {"id": "two"}])), None),
            (Some(json!({"id": 1})), None),
            (Some(json!({})), None),
            (None, None),
        ] {
            assert_eq!(received(json.clone()).id(), id, "{json:?}");
        }
    }

    #[test]
    fn a_header_of_a_call_is_found_in_any_case() {
        let call = Call {
            method: "POST".to_owned(),
            path: "/callback".to_owned(),
            query: String::new(),
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("x-hub-signature".to_owned(), "first".to_owned()),
                ("x-hub-signature".to_owned(), "second".to_owned()),
            ],
            signature: Signature::Missing,
        };
        assert_eq!(call.header("X-Hub-Signature"), Some("first"));
        assert_eq!(call.header("content-type"), Some("application/json"));
        assert_eq!(call.header("content"), None);
    }

    fn answer(status: u16, headers: &[(&str, &str)], json: Option<Value>) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Answer {
            status,
            headers: headers.collect(),
            text: String::new(),
            json,
            request: SPOT,
            spot: SPOT,
        }
    }

    #[test]
    fn an_answer_accepts_refuses_or_says_nothing_of_the_request() {
        for (statuses, is_accepted, is_refused) in [
            (&[200, 202, 204, 299][..], true, false),
            (&[400, 401, 404, 409, 422, 499, 500, 501, 505, 599], false, true),
            (&[408, 429, 502, 503, 504], false, false),
            (&[100, 199, 300, 307, 399, 600], false, false),
        ] {
            for &status in statuses {
                let answer = answer(status, &[], None);
                assert_eq!(answer.is_accepted(), is_accepted, "{status}");
                assert_eq!(answer.is_refused(), is_refused, "{status}");
            }
        }
    }

    #[test]
    fn a_media_type_is_told_without_parameters_and_in_lower_case() {
        let media_type = |headers: &[(&str, &str)]| answer(200, headers, None).media_type();
        assert_eq!(
            media_type(&[
                ("date", "today"),
                ("content-type", " Application/FHIR+JSON ; charset=utf-8"),
            ]),
            Some("application/fhir+json".to_owned())
        );
        assert_eq!(media_type(&[("content-type", "")]), Some(String::new()));
        assert_eq!(media_type(&[("date", "today")]), None);
    }

    #[test]
    fn a_member_of_the_body_is_a_string() {
        let body = json!({"hub.topic": "session", "expires_in": 5});
        let answer_with = answer(200, &[], Some(body));
        assert_eq!(answer_with.member("hub.topic"), Some("session"));
        assert_eq!(answer_with.member("expires_in"), None);
        assert_eq!(answer_with.member("topic"), None);
        assert_eq!(answer(200, &[], None).member("hub.topic"), None);
    }
}
