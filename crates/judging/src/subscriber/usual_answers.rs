//! Acknowledgements that differ in nothing but the id from one that was judged before: they are judged alike, without being
//! read again.

use std::sync::Arc;

/// How many forms are known at a time. An application has one or two.
const FORMS: usize = 16;
/// The longest id that is taken for one without being read.
const LONGEST_ID: usize = 100;
/// Texts longer than this are read.
const LONGEST_TEXT: usize = 400;

/// A form of acknowledgements: all that stands around the id, and what was found of it.
#[derive(Debug)]
pub(super) struct Usual {
    before: Box<str>,
    after: Box<str>,
    /// What a message of this form satisfies, by the places of the requirements among those that are judged.
    pub(super) satisfied: Vec<usize>,
    /// The status that it tells.
    pub(super) status: Option<u16>,
}

/// The forms that were judged and found without fault.
#[derive(Debug, Default)]
pub(super) struct UsualAnswers(Vec<Arc<Usual>>);

impl UsualAnswers {
    /// The form of this text and the id in it, where the form is known.
    pub(super) fn read<'t>(&self, text: &'t str) -> Option<(Arc<Usual>, &'t str)> {
        self.0.iter().find_map(|usual| {
            let id = text.strip_prefix(&*usual.before)?.strip_suffix(&*usual.after)?;
            is_plain(id).then(|| (Arc::clone(usual), id))
        })
    }

    /// Keeps the form of this acknowledgement, which has no fault.
    pub(super) fn keep(&mut self, text: &str, id: &str, satisfied: Vec<usize>, status: Option<u16>) {
        if text.len() > LONGEST_TEXT || !is_plain(id) {
            return;
        }
        // The id stands there once, as a string of its own: what is around it says what it is.
        let quoted = format!("\"{id}\"");
        let mut places = text.match_indices(&quoted);
        let (Some((at, _)), None) = (places.next(), places.next()) else {
            return;
        };
        let (before, after) = (&text[..=at], &text[at + 1 + id.len()..]);
        if self.0.len() == FORMS {
            self.0.clear();
        }
        self.0.push(Arc::new(Usual {
            before: before.into(),
            after: after.into(),
            satisfied,
            status,
        }));
    }
}

/// Whether an id has only characters that stand for themselves in a JSON string.
fn is_plain(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(text: &str, id: &str) -> UsualAnswers {
        let mut answers = UsualAnswers::default();
        answers.keep(text, id, vec![7], Some(200));
        answers
    }

    #[test]
    fn what_differs_in_the_id_alone_is_known() {
        let answers = knowing(r#"{"id":"e-1","status":200}"#, "e-1");
        let (usual, id) = answers.read(r#"{"id":"another.2","status":200}"#).unwrap();
        assert_eq!((id, usual.status), ("another.2", Some(200)));
        assert_eq!(usual.satisfied, [7]);
    }

    #[test]
    fn what_differs_in_anything_else_is_read_again() {
        let answers = knowing(r#"{"id":"e-1","status":200}"#, "e-1");
        for other in [
            r#"{"id":"e-2","status":409}"#,
            r#"{"id": "e-2","status":200}"#,
            r#"{"id":"","status":200}"#,
            r#"{"id":"e\u0031","status":200}"#,
            r#"{"id":"e","id":"f","status":200}"#,
            r#"{"id":"e-2","status":200}x"#,
            r#"{"id":"Müller","status":200}"#,
        ] {
            assert!(answers.read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn an_id_that_stands_in_two_places_makes_no_form() {
        let text = r#"{"id":"200","status":"200"}"#;
        assert!(knowing(text, "200").read(text).is_none());
    }
}
