//! A test case, and how it ends.

use junit_report::{TestCase, TestResult};

use super::Duration;
use crate::report::text;

/// Characters of a name at the most.
const NAME: usize = 120;
/// Characters of the message beside a test case at the most; the whole stands in its text.
const MESSAGE: usize = 300;
/// Characters of a text at the most.
const TEXT: usize = 20_000;

/// A test case in the making.
pub(super) struct Case {
    /// The id, with the words around it that servers group by.
    pub(super) class: String,
    /// In words.
    pub(super) name: String,
    pub(super) time: Duration,
    pub(super) ending: Ending,
}

/// How a test case ends. `kind` is one word that programs read; `message` one line, `told` everything that is known.
///
/// GitLab shows the text of the element alone; Jenkins and most others show the message, and the text when asked for it. Of
/// skipped test cases, most show the message alone.
pub(super) enum Ending {
    Success {
        told: Option<String>,
    },
    Skipped {
        kind: &'static str,
        message: String,
        told: String,
    },
    Error {
        kind: String,
        message: String,
        told: String,
    },
    Failure {
        kind: String,
        message: String,
        told: String,
    },
}

impl Case {
    pub(super) fn build(self) -> TestCase {
        let mut system_out = None;
        let message = |message: &str| safe(&text::words(message, MESSAGE));
        let text = |told: String| Some(bounded(&told));
        let result = match self.ending {
            Ending::Success { told } => {
                system_out = told.map(|told| bounded(&told));
                TestResult::Success
            }
            Ending::Skipped {
                kind,
                message: line,
                told,
            } => TestResult::SkippedWithCause {
                type_: kind.to_owned(),
                message: message(&line),
                cause: text(told),
            },
            Ending::Error {
                kind,
                message: line,
                told,
            } => TestResult::Error {
                type_: safe(&kind),
                message: message(&line),
                cause: text(told),
            },
            Ending::Failure {
                kind,
                message: line,
                told,
            } => TestResult::Failure {
                type_: safe(&kind),
                message: message(&line),
                cause: text(told),
            },
        };
        TestCase {
            name: safe(&self.name),
            time: self.time,
            result,
            classname: Some(safe(&self.class)),
            filepath: None,
            system_out,
            system_err: None,
        }
    }
}

/// A statement or title as the name of a test case; the id where there is none.
pub(super) fn name(statement: &str, id: &str) -> String {
    match text::words(statement, NAME) {
        name if name.is_empty() => id.to_owned(),
        name => name,
    }
}

/// A text that is no longer than a CI server bears, with its loss told.
fn bounded(told: &str) -> String {
    match told.char_indices().nth(TEXT) {
        Some((at, _)) => safe(&format!(
            "{}…\n… the rest is in report.json",
            told.get(..at).unwrap_or_default()
        )),
        None => safe(told),
    }
}

/// A text that junit-report can write: it puts texts into CDATA as they are, so `]]>` would end the section.
pub(super) fn safe(text: &str) -> String {
    text::clean(text).replace("]]>", "]] >")
}
