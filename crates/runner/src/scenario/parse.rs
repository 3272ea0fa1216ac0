//! Reading a scenario file: all mistakes of its form, not only the first.

use std::ops::Range;

use serde_saphyr::Error;

use super::document::Document;
use super::fault::Fault;
use super::positions::{Content, Node, Place, read};
use super::problem::Problem;
use super::suggestion::suggestion;
use super::variables::shorten;

/// The most mistakes of form that are reported for one file.
const MOST: usize = 50;

/// A file that is in order as far as its form goes.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// Its content.
    pub document: Document,
    /// Where everything stands.
    pub tree: Node,
}

/// A file with mistakes of form.
#[derive(Debug)]
pub(crate) struct Malformed {
    /// The mistakes.
    pub faults: Vec<Fault>,
    /// The rest of the file without them, where that is of use.
    pub rest: Option<Box<Parsed>>,
    /// Whether no subscriber had to be taken out.
    pub whole_cast: bool,
}

/// Reads a file. After a mistake, what it stands in (a step, a subscriber) is taken out and the rest read once more, so that
/// what is wrong there is found too.
///
/// # Errors
/// All mistakes of form that were found.
pub(crate) fn parse(file: &str, source: &str) -> Result<Parsed, Malformed> {
    let tree = match Node::read(source) {
        Ok(tree) if matches!(tree.content, Content::Nothing) => {
            let problem = Problem::Syntax("the file is empty".to_owned());
            return Err(Malformed {
                faults: vec![Fault::new(file, source, tree.place, problem)],
                rest: None,
                whole_cast: false,
            });
        }
        Ok(tree) => tree,
        Err(error) => {
            let (place, problem) = problem_of(&error, source, None);
            return Err(Malformed {
                faults: vec![Fault::new(file, source, place, problem)],
                rest: None,
                whole_cast: false,
            });
        }
    };
    let mut faults: Vec<(Place, Problem)> = misshapen_steps(source, &tree);
    let mut text = source.to_owned();
    for range in faults
        .iter()
        .filter_map(|(place, _)| unit_around(source, &tree, *place))
    {
        blank(&mut text, range);
    }
    let mut rest = None;
    while faults.len() < MOST {
        match read::<Document>(&text) {
            Ok(document) if faults.is_empty() => return Ok(Parsed { document, tree }),
            Ok(document) => {
                rest = Node::read(&text)
                    .ok()
                    .map(|tree| Box::new(Parsed { document, tree }));
                break;
            }
            Err(error) => {
                let (place, problem) = problem_of(&error, source, Some(&tree));
                if is_consequence(&problem, place, &faults, &tree) {
                    if place.line == tree.key("subscribers").line && blank_line(&mut text, place) {
                        continue;
                    }
                    break;
                }
                faults.push((place, problem));
                let Some(range) = unit_around(source, &tree, place) else {
                    break;
                };
                let before = text.clone();
                blank(&mut text, range);
                if text == before {
                    break;
                }
            }
        }
    }
    let steps = tree.key("steps").line;
    Err(Malformed {
        whole_cast: faults.iter().all(|(place, _)| place.line > steps),
        faults: faults
            .into_iter()
            .map(|(place, problem)| Fault::new(file, source, place, problem))
            .collect(),
        rest,
    })
}

/// Steps that are no map with one key; serde would tell these at odd places.
fn misshapen_steps(source: &str, tree: &Node) -> Vec<(Place, Problem)> {
    let mut found = Vec::new();
    for step in tree.member("steps").map_or(&[][..], Node::items) {
        match &step.content {
            Content::Map(members) => match members.as_slice() {
                [_] => {}
                [_, (_, second, _), ..] => found.push((*second, Problem::OneKey("step"))),
                [] => found.push((step.place, Problem::Empty("step"))),
            },
            _ => found.push((
                step.place,
                Problem::WrongType {
                    expected: "a step, such as 'subscribe: [viewer]'".to_owned(),
                    found: standing(source, tree, step.place),
                },
            )),
        }
    }
    found
}

/// Whether something is missing, or empty, only because it was taken out before.
fn is_consequence(problem: &Problem, place: Place, faults: &[(Place, Problem)], tree: &Node) -> bool {
    if faults.is_empty() {
        return false;
    }
    match problem {
        // The misspelt name of it has been reported.
        Problem::MissingField(name) => faults.iter().any(|(_, fault)| match fault {
            Problem::UnknownField { suggestion, .. } => suggestion.as_deref() == Some(name),
            _ => matches!(name.as_str(), "title" | "versions" | "steps"),
        }),
        // All of a list or map was taken out, item by item.
        Problem::WrongType { .. } => ["steps", "subscribers"].into_iter().any(|name| {
            tree.member(name)
                .is_some_and(|node| place.line == tree.key(name).line && node.place.line != place.line)
        }),
        Problem::Syntax(_) => true,
        _ => false,
    }
}

/// The lines of the step, the subscriber or the member of the document that a place is in.
fn unit_around(source: &str, tree: &Node, place: Place) -> Option<Range<usize>> {
    let line = |place: Place| usize::try_from(place.line).ok();
    let at = line(place)?;
    let members = tree.members();
    let position = members
        .iter()
        .rposition(|(_, key, _)| line(*key).is_some_and(|key| key <= at))?;
    let (name, key, node) = members.get(position)?;
    let end = members
        .get(position + 1)
        .and_then(|(_, next, _)| line(*next))
        .unwrap_or(usize::MAX);
    let starts: Vec<usize> = match name.as_str() {
        "steps" => node
            .items()
            .iter()
            .filter_map(|step| dash_line(source, step.place))
            .collect(),
        "subscribers" => node
            .members()
            .iter()
            .filter_map(|(_, key, _)| line(*key))
            .collect(),
        _ => vec![line(*key)?],
    };
    // In flow style, several stand in one line, and none can be taken out alone.
    if starts.windows(2).any(|pair| pair.first() == pair.last()) {
        return None;
    }
    let position = starts.iter().rposition(|start| *start <= at)?;
    let from = *starts.get(position)?;
    let to = starts.get(position + 1).copied().unwrap_or(end);
    Some(offset_of(source, from)..offset_of(source, to))
}

/// The line of the dash before an item of a list in block style.
fn dash_line(source: &str, place: Place) -> Option<usize> {
    let line = usize::try_from(place.line).ok()?;
    let begin = offset_of(source, line);
    let column = usize::try_from(place.column.checked_sub(1)?).ok()?;
    let rest = source.get(begin..)?;
    let before: String = rest.chars().take(column).collect();
    let head = format!("{}{before}", source.get(..begin)?);
    let trimmed = head.trim_end();
    let lines_after = head.get(trimmed.len()..)?.matches('\n').count();
    trimmed.ends_with('-').then_some(line - lines_after)
}

fn offset_of(source: &str, line: usize) -> usize {
    source
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum()
}

/// Takes a line out; whether anything was left of it.
fn blank_line(text: &mut String, place: Place) -> bool {
    let Ok(line) = usize::try_from(place.line) else {
        return false;
    };
    let range = offset_of(text, line)..offset_of(text, line + 1);
    let filled = text
        .get(range.clone())
        .is_some_and(|line| !line.trim().is_empty());
    blank(text, range);
    filled
}

/// Takes text out, but leaves everything else in its place.
fn blank(text: &mut String, range: Range<usize>) {
    let blanked: String = text
        .get(range.clone())
        .unwrap_or_default()
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    if blanked.len() == range.len() {
        text.replace_range(range, &blanked);
    }
}

/// A mistake that serde found, as a problem of a scenario.
fn problem_of(error: &Error, source: &str, tree: Option<&Node>) -> (Place, Problem) {
    let error = error.without_snippet();
    let place = error.location().map_or(
        Place {
            line: 0,
            column: 0,
            length: 0,
        },
        Place::from,
    );
    let owned = |words: &[&'static str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let found = || {
        tree.map_or_else(
            || "something else".to_owned(),
            |tree| standing(source, tree, place),
        )
    };
    let problem = match error {
        Error::SerdeUnknownField { field, expected, .. } => Problem::UnknownField {
            name: field.clone(),
            suggestion: suggestion(field, expected.iter().copied()).map(str::to_owned),
            known: owned(expected),
        },
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => Problem::UnknownWord {
            what: word_kind(expected),
            word: variant.clone(),
            suggestion: suggestion(variant, expected.iter().copied()).map(str::to_owned),
            known: owned(expected),
        },
        Error::SerdeMissingField { field, .. } => Problem::MissingField((*field).to_owned()),
        Error::DuplicateMappingKey { key, .. } => {
            Problem::Duplicate(key.clone().unwrap_or_else(|| "a key".to_owned()))
        }
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => Problem::OneKey("matcher"),
        Error::Unexpected { expected, .. } => Problem::WrongType {
            expected: shape_name(expected),
            found: found(),
        },
        Error::InvalidScalar { ty, .. } => Problem::WrongType {
            expected: type_name(ty),
            found: found(),
        },
        Error::SerdeInvalidType {
            unexpected, expected, ..
        }
        | Error::SerdeInvalidValue {
            unexpected, expected, ..
        } => Problem::WrongType {
            expected: expected.clone(),
            found: unexpected.clone(),
        },
        Error::SerdeInvalidLength { len, expected, .. } => match expected.contains("tuple of size 2") {
            true => Problem::WrongType {
                expected: "a pair, [name, value]".to_owned(),
                found: format!("a list of {len}"),
            },
            false => Problem::WrongType {
                expected: expected.clone(),
                found: format!("a list of {len}"),
            },
        },
        Error::NullIntoString { .. } => Problem::WrongType {
            expected: "a text".to_owned(),
            found: "nothing".to_owned(),
        },
        Error::Eof { .. } => match tree {
            None => Problem::Syntax("the file is empty or ends too early".to_owned()),
            Some(_) => Problem::WrongType {
                expected: "more".to_owned(),
                found: "nothing".to_owned(),
            },
        },
        Error::UnknownAnchor { .. } => {
            Problem::Syntax("an alias (*) names an anchor (&) that is not there".to_owned())
        }
        Error::Budget { .. } => Problem::Syntax("it is too large, or nests too deep".to_owned()),
        Error::MultipleDocuments { .. } => {
            Problem::Syntax("one file holds one scenario; '---' begins another".to_owned())
        }
        other => match tree {
            None => Problem::Syntax(bare(other)),
            Some(_) => Problem::Other(bare(other)),
        },
    };
    (place, problem)
}

/// The message without its place, which stands before it.
fn bare(error: &Error) -> String {
    let message = error.to_string();
    let line = message.lines().next().unwrap_or_default();
    match line.rsplit_once(" at line ") {
        Some((bare, place)) if place.contains("column") => bare.to_owned(),
        _ => line.to_owned(),
    }
}

fn word_kind(expected: &[&str]) -> &'static str {
    if expected.contains(&"request_subscription") {
        "step"
    } else if expected.contains(&"equals_ignoring_case") {
        "matcher"
    } else if expected == ["all", "any"] {
        "condition"
    } else {
        "value"
    }
}

fn shape_name(expected: &str) -> String {
    match expected {
        "sequence start" => "a list".to_owned(),
        "mapping start" => "a map".to_owned(),
        "string scalar" | "scalar" => "a single value".to_owned(),
        other => other.to_owned(),
    }
}

fn type_name(name: &str) -> String {
    match name {
        "u8" => "a number from 0 to 255".to_owned(),
        "u16" => "a number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "bool" | "boolean" => "true or false".to_owned(),
        other => format!("a {other}"),
    }
}

/// The content of a place: a single value as it is written, or what kind of node it is.
fn standing(source: &str, tree: &Node, place: Place) -> String {
    let node = node_at(tree, place);
    if node.is_none_or(|node| matches!(node.content, Content::Scalar))
        && let Ok(line) = usize::try_from(place.line)
        && let Ok(column) = usize::try_from(place.column.saturating_sub(1))
    {
        let rest: String = source
            .get(offset_of(source, line)..)
            .unwrap_or_default()
            .chars()
            .skip(column)
            .take_while(|c| *c != '\n')
            .collect();
        let text = rest.get(..place.length).unwrap_or(&rest).trim();
        if !text.is_empty() {
            return format!("'{}'", shorten(text, 40));
        }
    }
    node.map_or("something else", Node::kind).to_owned()
}

fn node_at(node: &Node, place: Place) -> Option<&Node> {
    if (node.place.line, node.place.column) == (place.line, place.column) {
        return Some(node);
    }
    match &node.content {
        Content::List(items) => items.iter().find_map(|item| node_at(item, place)),
        Content::Map(members) => members.iter().find_map(|(_, _, value)| node_at(value, place)),
        _ => None,
    }
}
