//! Mistakes in scenario files, shown where they stand.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_saphyr::Location;

/// A mistake in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column, from 1; 0 where it is not known.
    pub column: u64,
    /// What is wrong, and what was expected there.
    pub message: String,
    /// The place in the file, with the mistake marked.
    pub snippet: String,
}

/// All mistakes of one or more files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioErrors(pub Vec<Fault>);

impl std::error::Error for ScenarioErrors {}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => Ok(()),
            [fault] => fault.fmt(f),
            [fault, others @ ..] => write!(
                f,
                "{fault} (and {} more; castspec scenarios --check shows all)",
                others.len()
            ),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }
    }
}

impl Fault {
    /// A mistake that reading the YAML brought to light.
    pub fn of_syntax(file: &str, text: &str, error: &serde_saphyr::Error) -> Self {
        let message = error.without_snippet().to_string();
        // The place stands before the message, as everywhere.
        let message = match message.rsplit_once(" at line ") {
            Some((told, place)) if place.contains("column") => told.to_owned(),
            _ => message,
        };
        let message = message.lines().next().unwrap_or_default().to_owned();
        Self::at(
            file,
            text,
            error.location().unwrap_or(Location::UNKNOWN),
            &message,
        )
    }

    /// A mistake at a place.
    pub fn at(file: &str, text: &str, location: Location, message: &str) -> Self {
        let (line, column) = (location.line(), location.column());
        Self {
            file: file.to_owned(),
            line,
            column,
            message: message.to_owned(),
            snippet: snippet(file, text, line, column, message).unwrap_or_default(),
        }
    }
}

/// The line in question with what stands at the column marked.
fn snippet(file: &str, text: &str, line: u64, column: u64, message: &str) -> Option<String> {
    let line_index = usize::try_from(line.checked_sub(1)?).ok()?;
    let column_index = usize::try_from(column.saturating_sub(1)).ok()?;
    let begin: usize = text.split_inclusive('\n').take(line_index).map(str::len).sum();
    let source = text.lines().nth(line_index)?;
    let offset = source
        .char_indices()
        .nth(column_index)
        .map_or(source.len(), |(at, _)| at);
    let word: usize = source[offset..]
        .chars()
        .take_while(|c| !matches!(c, ',' | '}' | ']' | ':') && !c.is_whitespace())
        .map(char::len_utf8)
        .sum();
    let (from, to) = (begin + offset, begin + offset + word);
    if to > text.len() {
        return None;
    }
    let report = Level::ERROR.primary_title(message).element(
        Snippet::source(text)
            .path(file)
            .annotation(AnnotationKind::Primary.span(from..to)),
    );
    Some(Renderer::plain().render(&[report]))
}
