//! A message as it stands on the page: pretty, cut to what is read in one sitting, with the offending place marked.

use serde::Serialize;
use serde_json::Value;

use crate::report::text;
use castspec_fhircast::json_pointer;
use castspec_judging::outcome::{Entry, Evidence, Traffic};

/// Lines of one message at the most.
const LINES: usize = 60;
/// Lines that stay before and after a mark, and at a message's beginning and end.
const AROUND: usize = 8;
/// Lines of a marked value at the most.
const MARKED: usize = 20;
/// Characters of one line at the most.
const WIDTH: usize = 240;

/// A message on the page.
#[derive(Debug, Serialize)]
pub struct Message {
    /// Position in the transcript.
    pub sequence: usize,
    /// The message in one line.
    pub headline: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body in pieces.
    pub pieces: Vec<Piece>,
    /// JSON pointer to the offending place.
    pub pointer: Option<String>,
    /// The message has nothing at the pointer; the nearest that is there is marked.
    pub absent: bool,
}

/// Lines of a message that are shown alike.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Piece {
    /// The lines.
    pub text: String,
    /// They are the offending place.
    pub marked: bool,
    /// Lines left out before it.
    pub left_out: usize,
}

/// The marked part of a text: lines from the first to before the second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mark {
    from: usize,
    to: usize,
    /// It is the place itself, not the nearest above it.
    exact: bool,
}

/// A piece of evidence as a message on the page.
pub fn message(evidence: &Evidence) -> Message {
    let (lines, mark) = body(&evidence.entry, evidence.pointer.as_deref());
    Message {
        sequence: evidence.entry.sequence,
        headline: cut(&text::headline(&evidence.entry)),
        headers: headers(&evidence.entry),
        pieces: pieces(&lines, mark),
        pointer: evidence
            .pointer
            .as_deref()
            .map(|pointer| cut(&text::line(pointer))),
        absent: evidence.pointer.is_some() && mark.is_some_and(|mark| !mark.exact),
    }
}

fn headers(entry: &Entry) -> Vec<(String, String)> {
    let headers = match &entry.traffic {
        Traffic::Request { headers, .. }
        | Traffic::Response { headers, .. }
        | Traffic::CallbackRequest { headers, .. }
        | Traffic::CallbackResponse { headers, .. } => headers.as_slice(),
        _ => &[],
    };
    let told = headers.iter().take(LINES);
    told.map(|(name, value)| (cut(&text::line(name)), cut(&text::line(value))))
        .collect()
}

/// The lines of a message's body, and which of them the pointer means.
fn body(entry: &Entry, pointer: Option<&str>) -> (Vec<String>, Option<Mark>) {
    let Some(raw) = text::raw_body(entry).filter(|raw| !raw.is_empty()) else {
        return (Vec::new(), None);
    };
    // A text that is no pointer leads nowhere, not to the whole message.
    let pointer = pointer.filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
    let steps: Option<Vec<String>> = pointer.map(steps);
    if !text::is_form(entry)
        && let Ok(json) = serde_json::from_str::<Value>(raw)
    {
        let mut pretty = Pretty::default();
        pretty.write(&json, String::new(), "", 0, steps.as_deref());
        return (pretty.lines, pretty.mark);
    }
    let shown = text::body(entry).unwrap_or_default();
    let lines: Vec<String> = shown.lines().map(str::to_owned).collect();
    let named = |name: &str| {
        lines.iter().position(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(" = "))
        })
    };
    let mark = match steps.as_deref() {
        Some([name]) => named(name).map(|at| Mark {
            from: at,
            to: at + 1,
            exact: true,
        }),
        _ => None,
    };
    (lines, mark)
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(json_pointer::unescaped).collect()
}

/// Writes JSON over lines and notes where a pointer leads.
#[derive(Debug, Default)]
struct Pretty {
    lines: Vec<String>,
    mark: Option<Mark>,
}

impl Pretty {
    /// Writes a value behind its name; `rest` are the steps that lead on from here, where the pointer leads through here.
    fn write(&mut self, value: &Value, name: String, after: &str, depth: usize, rest: Option<&[String]>) {
        let from = self.lines.len();
        let indent = "  ".repeat(depth);
        let next = |step: &str| match rest {
            Some([first, rest @ ..]) if first == step => Some(rest),
            _ => None,
        };
        let mut found = false;
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.lines.push(format!("{indent}{name}{{"));
                for (position, (key, member)) in members.iter().enumerate() {
                    let comma = if position + 1 < members.len() { "," } else { "" };
                    let rest = next(key);
                    found |= rest.is_some();
                    self.write(
                        member,
                        format!("{}: ", Value::from(key.as_str())),
                        comma,
                        depth + 1,
                        rest,
                    );
                }
                self.lines.push(format!("{indent}}}{after}"));
            }
            Value::Array(items) if !items.is_empty() => {
                self.lines.push(format!("{indent}{name}["));
                for (position, item) in items.iter().enumerate() {
                    let comma = if position + 1 < items.len() { "," } else { "" };
                    let rest = next(&position.to_string());
                    found |= rest.is_some();
                    self.write(item, String::new(), comma, depth + 1, rest);
                }
                self.lines.push(format!("{indent}]{after}"));
            }
            other => self.lines.push(format!("{indent}{name}{other}{after}")),
        }
        match rest {
            Some([]) => {
                self.mark = Some(Mark {
                    from,
                    to: self.lines.len(),
                    exact: true,
                });
            }
            Some(_) if !found => {
                self.mark = Some(Mark {
                    from,
                    to: from + 1,
                    exact: false,
                });
            }
            _ => {}
        }
    }
}

/// The lines as pieces, those far from the mark left out where there are too many.
fn pieces(lines: &[String], mark: Option<Mark>) -> Vec<Piece> {
    let marked = |at: usize| mark.is_some_and(|mark| (mark.from..mark.to).contains(&at));
    let kept = |at: usize| {
        let near = mark.is_some_and(|mark| {
            at + AROUND >= mark.from && at < (mark.from + MARKED).min(mark.to.saturating_add(AROUND))
        });
        let head = if mark.is_some() { AROUND } else { LINES - AROUND };
        lines.len() <= LINES || at < head || at + 2 >= lines.len() || near
    };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut left_out = 0;
    for (at, line) in lines.iter().enumerate() {
        if !kept(at) {
            left_out += 1;
            continue;
        }
        let line = cut(&text::clean(line));
        match pieces.last_mut() {
            Some(piece) if piece.marked == marked(at) && left_out == 0 => {
                piece.text.push('\n');
                piece.text.push_str(&line);
            }
            _ => pieces.push(Piece {
                text: line,
                marked: marked(at),
                left_out: std::mem::take(&mut left_out),
            }),
        }
    }
    pieces
}

/// A line cut to a width that is read at a glance.
pub fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}… ({} characters)", &line[..at], line.chars().count()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str, pointer: &str) -> Message {
        message(&Evidence {
            entry: Entry {
                sequence: 3,
                at_ms: 1.0,
                actor: "viewer".to_owned(),
                traffic: Traffic::FrameReceived {
                    text: text.to_owned(),
                    binary: false,
                },
            },
            pointer: Some(pointer.to_owned()),
        })
    }

    fn marked(message: &Message) -> Vec<&str> {
        let pieces = message.pieces.iter().filter(|piece| piece.marked);
        pieces.map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn the_offending_place_is_marked() {
        let text = r#"{"id":"1","event":{"context":[{"key":"a"},{"key/~":{"x":[1,2]}}]}}"#;
        for (pointer, shown, absent) in [
            ("/id", "  \"id\": \"1\",", false),
            ("/event/context/1/key~1~0/x/1", "            2", false),
            (
                "/event/context/0",
                "      {\n        \"key\": \"a\"\n      },",
                false,
            ),
            ("/event/hub.topic", "  \"event\": {", true),
            ("/event/context/7/key", "    \"context\": [", true),
            ("/id/deeper", "  \"id\": \"1\",", true),
        ] {
            let message = frame(text, pointer);
            assert_eq!(marked(&message), [shown], "{pointer}");
            assert_eq!(message.absent, absent, "{pointer}");
        }
    }

    #[test]
    fn a_long_message_keeps_its_mark() {
        let items: Vec<usize> = (0..100_000).collect();
        let message = frame(&serde_json::to_string(&items).unwrap(), "/50000");
        assert_eq!(marked(&message), ["  50000,"]);
        let lines: usize = message
            .pieces
            .iter()
            .map(|piece| piece.text.lines().count())
            .sum();
        assert!(lines <= LINES, "{lines}");
        let left_out: usize = message.pieces.iter().map(|piece| piece.left_out).sum();
        assert_eq!(lines + left_out, 100_002);
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        let message = frame("not { json", "/id");
        assert_eq!(message.pieces.len(), 1);
        assert_eq!(message.pieces[0].text, "not { json");
        assert!(!message.absent);
    }
}
