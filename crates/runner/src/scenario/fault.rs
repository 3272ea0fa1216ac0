//! Mistakes in scenario files, shown where they stand.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::positions::Place;
use super::problem::Problem;

/// How long the longest line of a file may be that is still shown, in bytes.
const LONGEST: usize = 2_000;

/// A mistake in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: u64,
    /// The column in characters, from 1; 0 where it is not known.
    pub column: u64,
    /// The mistake.
    pub problem: Problem,
    snippet: String,
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
            0 => write!(f, "{}: {}", self.file, self.problem)?,
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.problem)?,
        }
        match (self.problem.help(), self.problem.expected()) {
            (Some(help), _) => write!(f, "; {help}"),
            (None, Some(expected))
                if !matches!(self.problem, Problem::WrongType { .. } | Problem::OneKey(_)) =>
            {
                write!(f, "; expected is {expected}")
            }
            _ => Ok(()),
        }
    }
}

impl Fault {
    /// A mistake at a place in a file.
    pub(crate) fn new(file: &str, text: &str, place: Place, problem: Problem) -> Self {
        let snippet = snippet(file, text, place, &problem);
        Self {
            file: file.to_owned(),
            line: place.line,
            column: place.column,
            problem,
            snippet,
        }
    }

    /// The mistake with the lines that it is in, several lines long.
    pub fn rendered(&self) -> &str {
        &self.snippet
    }
}

/// The line in question with what stands there marked.
fn snippet(file: &str, text: &str, place: Place, problem: &Problem) -> String {
    let title = problem.to_string();
    let help = problem.help();
    let mut report = Group::with_title(Level::ERROR.primary_title(title.as_str()));
    if let Some((from, to)) = range(text, place) {
        let mut annotation = AnnotationKind::Primary.span(from..to);
        if let Some(expected) = problem.expected() {
            annotation = annotation.label(expected);
        }
        report = report.element(Snippet::source(text).path(file).annotation(annotation));
    } else {
        report = report.element(Origin::path(file));
    }
    if let Some(help) = &help {
        report = report.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[report])
}

/// The bytes that a place covers; never more than its line.
fn range(text: &str, place: Place) -> Option<(usize, usize)> {
    let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
    let column = usize::try_from(place.column.saturating_sub(1)).ok()?;
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(index).map(str::len).sum();
    let line = lines.next().unwrap_or_default().trim_end_matches(['\n', '\r']);
    if line.len() > LONGEST {
        return None;
    }
    let offset = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let rest = line.get(offset..).unwrap_or_default();
    let length = match place.length {
        0 | 1 => rest
            .chars()
            .take_while(|c| !matches!(c, ',' | '}' | ']' | ':') && !c.is_whitespace())
            .map(char::len_utf8)
            .sum::<usize>()
            .max(rest.chars().next().map_or(0, char::len_utf8)),
        length => length.min(rest.len()),
    };
    let end = line.floor_char_boundary(offset + length);
    Some((before + offset, before + end))
}
