//! Messages and texts as people read them: pretty, shortened, and without characters that a terminal or XML cannot show.

use serde_json::Value;

use castspec_judging::outcome::{Entry, Evidence, Traffic, shortened};

/// Lines of one message at the most.
const LINES: usize = 16;
/// Characters of one line at the most.
const LINE: usize = 200;
/// Names in a list at the most.
const NAMES: usize = 5;
/// Lines of a body that is shown in short.
const SHORT: usize = 4;
/// Characters of a line of such a body at the most.
const SHORT_LINE: usize = 120;

/// A text without control characters but for line feeds and tabs; what XML 1.0 forbids is replaced too.
pub fn clean(text: &str) -> String {
    let cleaned: String = text
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\r' => ' ',
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => '\u{FFFD}',
            c => c,
        })
        .collect();
    directions_shown(&cleaned)
}

/// Whether a character changes the direction of the text around it, and so what a reader takes it to say.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// A text with the characters that would change its direction written as JSON escapes them, which keeps JSON what it is.
pub fn directions_shown(text: &str) -> String {
    if !text.contains(is_direction) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_direction(c) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

/// A clean text in one line.
pub fn line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// A clean text in one line of so many characters at the most, cut between words; a single word that is longer is cut within.
pub fn words(text: &str, longest: usize) -> String {
    let line = line(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().nth(longest).is_none() {
        return line;
    }
    // The last of them gives way to the ellipsis.
    let mut kept: String = line.chars().take(longest).collect();
    match kept.rfind(' ') {
        Some(at) => kept.truncate(at),
        None => drop(kept.pop()),
    }
    format!("{}…", kept.trim_end_matches([',', ';', ':', '(', ' ']))
}

/// A clean text with its further lines indented, so that none of them looks like a line of castspec itself.
pub fn indented(text: &str) -> String {
    clean(text).replace('\n', "\n  ")
}

/// The first of these names, and how many there are beyond them.
pub fn few(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).map(|name| line(name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A message in one line.
pub fn headline(entry: &Entry) -> String {
    let actor = &entry.actor;
    let told = match &entry.traffic {
        Traffic::Request { method, url, .. } => format!("{actor} → hub  {method} {url}"),
        Traffic::Response { status, .. } => format!("hub → {actor}  {status}"),
        Traffic::NoResponse { problem } => format!("hub → {actor}  no answer: {problem}"),
        Traffic::CallbackRequest { method, url, .. } => format!("hub → {actor}  {method} {url}"),
        Traffic::CallbackResponse { to, status, .. } => format!("{actor} → hub  {status} (to [{to}])"),
        Traffic::Connect { url } => format!("{actor} → hub  WebSocket {url}"),
        Traffic::Connected => format!("hub → {actor}  WebSocket open"),
        Traffic::ConnectFailed { problem, .. } => format!("hub → {actor}  no WebSocket: {problem}"),
        Traffic::FrameSent { .. } => format!("{actor} → hub  frame"),
        Traffic::FrameReceived { .. } => format!("hub → {actor}  frame"),
        Traffic::Closed { by_hub, code, reason } => {
            let who = if *by_hub { "the hub" } else { actor };
            let code = code.map_or("without a code".to_owned(), |code| format!("with {code}"));
            let reason = if reason.is_empty() {
                String::new()
            } else {
                format!(" ({reason})")
            };
            format!("WebSocket of {actor} closed by {who} {code}{reason}")
        }
        Traffic::Note { text } => format!("{actor}: {text}"),
    };
    line(&format!("[{}] {:>8.1} ms  {told}", entry.sequence, entry.at_ms))
}

/// The body of a message, as it came; `None` for what has no body, such as a closed socket.
pub fn raw_body(entry: &Entry) -> Option<&str> {
    match &entry.traffic {
        Traffic::Request { body, .. }
        | Traffic::Response { body, .. }
        | Traffic::CallbackRequest { body, .. }
        | Traffic::CallbackResponse { body, .. } => Some(body),
        Traffic::FrameSent { text, .. } | Traffic::FrameReceived { text, .. } => Some(text),
        _ => None,
    }
}

/// Whether the body is that of a form.
pub fn is_form(entry: &Entry) -> bool {
    let Traffic::Request { headers, .. } = &entry.traffic else {
        return false;
    };
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with("application/x-www-form-urlencoded")
    })
}

/// The body of a message, pretty where it is JSON or a form.
pub fn body(entry: &Entry) -> Option<String> {
    let text = raw_body(entry).filter(|text| !text.is_empty())?;
    if is_form(entry) {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        let lines: Vec<String> = pairs.map(|(name, value)| format!("{name} = {value}")).collect();
        return Some(clean(&lines.join("\n")));
    }
    let pretty = match serde_json::from_str::<Value>(text) {
        Ok(json) => format!("{json:#}"),
        Err(_) => text.to_owned(),
    };
    Some(clean(&pretty))
}

/// A text cut to what is read at a glance.
pub fn at_a_glance(text: &str) -> String {
    let mut lines: Vec<String> = text
        .lines()
        .take(LINES)
        .map(|line| shortened(line, LINE))
        .collect();
    let more = text.lines().count().saturating_sub(LINES);
    if more > 0 {
        lines.push(format!("… {more} more lines, in report.json"));
    }
    lines.join("\n")
}

/// A piece of evidence as lines of text.
pub fn evidence(evidence: &Evidence) -> String {
    let mut text = headline(&evidence.entry);
    if let Some(pointer) = &evidence.pointer {
        text.push_str(&format!("   at {}", line(pointer)));
    }
    if let Some(body) = body(&evidence.entry) {
        for line in at_a_glance(&body).lines() {
            text.push_str("\n    ");
            text.push_str(line);
        }
    }
    text
}

/// A piece of evidence with a few lines of its body: where it has a place in JSON, what stands around that place.
pub fn evidence_in_short(evidence: &Evidence) -> String {
    let mut text = headline(&evidence.entry);
    if let Some(pointer) = &evidence.pointer {
        text.push_str(&format!("   at {}", line(pointer)));
    }
    for line in body_in_short(evidence) {
        text.push_str("\n    ");
        text.push_str(&shortened(&line, SHORT_LINE));
    }
    text
}

fn body_in_short(evidence: &Evidence) -> Vec<String> {
    let (Some(raw), Some(body)) = (raw_body(&evidence.entry), body(&evidence.entry)) else {
        return Vec::new();
    };
    if let Ok(json) = serde_json::from_str::<Value>(raw)
        && let Some((members, marked)) = around(&json, evidence.pointer.as_deref().unwrap_or_default())
    {
        let (open, close) = match &members {
            Members::Object(_) => ("{", "}"),
            Members::Array(_) => ("[", "]"),
        };
        let lines = members.lines();
        let from = marked.map_or(0, |marked| (marked + 1).saturating_sub(SHORT));
        let mut told = vec![open.to_owned()];
        told.extend((from > 0).then(|| "  …".to_owned()));
        told.extend(lines.iter().skip(from).take(SHORT).map(|line| clean(line)));
        told.extend((lines.len() > from + SHORT).then(|| "  …".to_owned()));
        told.push(close.to_owned());
        return told;
    }
    let mut told: Vec<String> = body.lines().take(SHORT).map(str::to_owned).collect();
    if body.lines().count() > SHORT {
        told.push("…".to_owned());
    }
    told
}

/// An object or an array, whose members are shown in a line each.
enum Members<'a> {
    Object(&'a serde_json::Map<String, Value>),
    Array(&'a [Value]),
}

impl Members<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = match self {
            Self::Object(members) => {
                let told = members.iter();
                told.map(|(name, value)| format!("  {}: {value}", Value::from(name.as_str())))
                    .collect()
            }
            Self::Array(items) => items.iter().map(|item| format!("  {item}")).collect(),
        };
        let all = lines.len();
        lines
            .iter_mut()
            .take(all.saturating_sub(1))
            .for_each(|line| line.push(','));
        lines
    }
}

/// What holds the value at the pointer, or would hold it, and at which position the value is.
fn around<'a>(json: &'a Value, pointer: &str) -> Option<(Members<'a>, Option<usize>)> {
    let mut pointer = pointer;
    let mut step = "";
    // A value that holds others is shown itself; any other within what holds it.
    loop {
        match json.pointer(pointer) {
            Some(Value::Object(members)) => {
                let step = castspec_fhircast::json_pointer::unescaped(step);
                let marked = members.keys().position(|name| *name == step);
                return Some((Members::Object(members), marked));
            }
            Some(Value::Array(items)) => return Some((Members::Array(items), step.parse().ok())),
            _ => (pointer, step) = pointer.rsplit_once('/')?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_the_direction_of_a_text_is_shown_and_other_letters_stay() {
        assert_eq!(
            clean("a\u{202e}b\u{2066}\u{61c}\u{200f}"),
            "a\\u202eb\\u2066\\u061c\\u200f"
        );
        for text in ["שלום", "é – “ü”", "a\tb\nc", "👩\u{200d}⚕"] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn a_text_is_cut_between_words() {
        for (text, longest, cut) in [
            ("the confirmation has all", 30, "the confirmation has all"),
            ("the confirmation has all", 24, "the confirmation has all"),
            ("the confirmation has all", 23, "the confirmation has…"),
            ("the confirmation has all", 17, "the confirmation…"),
            ("the confirmation has all", 16, "the…"),
            ("one, two", 6, "one…"),
            ("Jürgenßen", 4, "Jür…"),
            ("a\n  b\tc", 30, "a b c"),
            ("", 5, ""),
        ] {
            let shown = words(text, longest);
            assert_eq!(shown, cut, "{text:?} in {longest}");
            assert!(shown.chars().count() <= longest);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let json = Value::from("a\u{202e}b").to_string();
        let shown = directions_shown(&json);
        assert!(!shown.contains('\u{202e}'));
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), "a\u{202e}b");
    }
}
