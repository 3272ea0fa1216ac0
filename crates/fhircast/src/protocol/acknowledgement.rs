//! A subscriber's answer to a notification over its WebSocket (2.5 Event Notification Response).

use super::members::{Members, MessageError};

/// The HTTP status that a subscriber answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The status code, 100 to 599.
    pub code: u16,
    /// Whether it is written as a string, as the specification's example does against its table.
    pub as_text: bool,
}

impl Status {
    /// The subscriber took the event.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The subscriber refused the event (4xx).
    pub fn is_refusal(self) -> bool {
        (400..500).contains(&self.code)
    }

    /// The subscriber could not process the event (5xx).
    pub fn is_failure(self) -> bool {
        (500..600).contains(&self.code)
    }
}

/// The answer: which notification, and what became of it.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// The notification's id.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// All members as they came.
    members: Members,
}

impl Acknowledgement {
    /// An answer with a status as a number.
    pub fn new(id: &str, code: u16) -> Self {
        Self::with_status(id, Status { code, as_text: false })
    }

    /// An answer with the status written as the `status` says.
    pub fn with_status(id: &str, status: Status) -> Self {
        let mut members = Members::default();
        members.set_text("id", id);
        members.set_text("status", &status.code.to_string());
        if !status.as_text
            && let Ok(number) = serde_json::value::to_raw_value(&status.code)
        {
            members.set("status", number);
        }
        Self {
            id: id.to_owned(),
            status,
            members,
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When it is no JSON object, or `id` or `status` is missing or no HTTP status.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let members = Members::parse(text)?;
        let id = members.required_text("", "id")?;
        let raw = members
            .get("status")
            .ok_or_else(|| MessageError::new("/status", "is required and is missing"))?
            .get();
        let as_text = raw.starts_with('"');
        let code = raw
            .trim_matches('"')
            .parse()
            .ok()
            .filter(|code| (100..600).contains(code))
            .ok_or_else(|| {
                MessageError::new("/status", format!("must be an HTTP status code, and is {raw}"))
            })?;
        Ok(Self {
            id,
            status: Status { code, as_text },
            members,
        })
    }

    /// The answer as JSON, unknown members included.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.members).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_may_be_a_number_or_a_string() {
        let number = Acknowledgement::parse(r#"{"id":"a","status":409}"#).unwrap();
        assert_eq!(
            number.status,
            Status {
                code: 409,
                as_text: false
            }
        );
        assert!(number.status.is_refusal());
        let text = Acknowledgement::parse(r#"{"id":"a","status":"200"}"#).unwrap();
        assert_eq!(
            text.status,
            Status {
                code: 200,
                as_text: true
            }
        );
        assert!(text.status.is_success());
    }

    #[test]
    fn unknown_members_survive() {
        let text = r#"{"extension":{"a":1},"status":"500","id":"x"}"#;
        assert_eq!(Acknowledgement::parse(text).unwrap().to_text(), text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, pointer) in [
            (r#"{"status":200}"#, "/id"),
            (r#"{"id":"a"}"#, "/status"),
            (r#"{"id":"a","status":2000}"#, "/status"),
            (r#"{"id":"a","status":null}"#, "/status"),
            (r#"{"id":7,"status":200}"#, "/id"),
            ("[]", ""),
        ] {
            assert_eq!(
                Acknowledgement::parse(text).unwrap_err().pointer,
                pointer,
                "{text}"
            );
        }
    }

    #[test]
    fn ours_are_written_in_both_forms() {
        assert_eq!(
            Acknowledgement::new("a", 200).to_text(),
            r#"{"id":"a","status":200}"#
        );
        let status = Status {
            code: 409,
            as_text: true,
        };
        assert_eq!(
            Acknowledgement::with_status("a", status).to_text(),
            r#"{"id":"a","status":"409"}"#
        );
    }
}
