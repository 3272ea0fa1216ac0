//! What was seen, without whom and when: messages about the same fault become the same text.

use std::collections::BTreeSet;

/// Words after which a number is an HTTP status or a close code: another one is another observation.
const BEFORE_A_STATUS: [&str; 4] = ["with", "status", "answered", "code"];
/// What events end in.
const EVENT_ENDINGS: [&str; 8] = [
    "open", "close", "update", "select", "opened", "closed", "updated", "selected",
];
/// Units behind a number.
const UNITS: [&str; 7] = ["ms", "s", "second", "seconds", "minute", "minutes", "bytes"];

const TEXT: &str = "<text>";
const NAME: &str = "<name>";
const EVENT: &str = "<event>";
const NUMBER: &str = "<number>";

/// A JSON pointer with `*` in place of indices.
pub(super) fn place(pointer: &str) -> String {
    let index = |step: &str| !step.is_empty() && step.chars().all(|c| c.is_ascii_digit());
    let steps = pointer
        .split('/')
        .map(|step| if index(step) { "*" } else { step });
    steps.collect::<Vec<_>>().join("/")
}

/// A message with placeholders for quoted texts, names of subscribers, events, ids, URLs, numbers and times.
pub(super) fn of(message: &str, names: &BTreeSet<String>) -> String {
    let text = without_values(message);
    let mut told: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let before = told.last().map(String::as_str).unwrap_or_default();
        if before == NUMBER && UNITS.contains(&core(word).1) {
            continue;
        }
        let (start, core, end) = core(word);
        let own = match before == NUMBER {
            true => core.trim_end_matches('s').to_owned(),
            false => placeholder(core, before, names),
        };
        told.push(format!("{start}{own}{end}"));
        shorten_list(&mut told);
    }
    told.join(" ")
}

/// A word without the punctuation around it.
fn core(word: &str) -> (&str, &str, &str) {
    let from = word.trim_start_matches(['(', '[', '“']);
    let start = &word[..word.len() - from.len()];
    let core = from.trim_end_matches([',', '.', ';', ':', ')', ']', '”', '!', '?']);
    (start, core, &from[core.len()..])
}

fn placeholder(word: &str, before: &str, names: &BTreeSet<String>) -> String {
    if word.strip_suffix("'s").is_some_and(|name| names.contains(name)) {
        return format!("{NAME}'s");
    }
    if names.contains(word) {
        return NAME.to_owned();
    }
    if word.contains("://") {
        return "<url>".to_owned();
    }
    if word.starts_with('/') {
        return place(word);
    }
    if is_event(word) {
        return EVENT.to_owned();
    }
    if is_status(word) && BEFORE_A_STATUS.contains(&before) {
        return word.to_owned();
    }
    if is_time(word) {
        return "<time>".to_owned();
    }
    if is_id(word) {
        return "<id>".to_owned();
    }
    without_numbers(word)
}

fn is_event(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if matches!(lower.as_str(), "userlogout" | "userhibernate") {
        return true;
    }
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    if let Some((resource, ending)) = lower.split_once('-') {
        return plain(resource) && EVENT_ENDINGS.contains(&ending);
    }
    // A proprietary event is named by a domain, reversed.
    ["org.", "com.", "net.", "io."]
        .iter()
        .any(|domain| lower.starts_with(domain))
}

fn is_status(word: &str) -> bool {
    matches!(word.len(), 3 | 4) && word.chars().all(|c| c.is_ascii_digit())
}

fn is_time(word: &str) -> bool {
    let form: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    form.starts_with("0000-00-00") || form.starts_with("00:00")
}

/// A long word with letters and digits, such as a UUID.
fn is_id(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=".contains(c);
    word.len() >= 8 && word.chars().all(plain) && word.chars().any(|c| c.is_ascii_digit())
}

/// A word with a placeholder for each number in it.
fn without_numbers(word: &str) -> String {
    let mut told = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        told.push_str(&rest[..at]);
        told.push_str(NUMBER);
        let after = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit());
        let fraction = after
            .strip_prefix('.')
            .map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()));
        rest = match fraction {
            Some(rest) if rest.len() + 1 < after.len() => rest,
            _ => after,
        };
    }
    told + rest
}

/// A list of the same placeholders is as long as one of them: the number of subscribers is no other fault.
fn shorten_list(told: &mut Vec<String>) {
    let same = |one: &str, other: &str| {
        let bare = core(one).1;
        bare == core(other).1 && matches!(bare, TEXT | NAME | EVENT | NUMBER)
    };
    match told.as_slice() {
        [.., one, and, other] if matches!(and.as_str(), "and" | "or") && same(one, other) => {
            let last = told.pop();
            told.truncate(told.len().saturating_sub(2));
            told.extend(last);
        }
        [.., one, other] if same(one, other) => {
            let last = told.pop();
            told.pop();
            told.extend(last);
        }
        _ => {}
    }
}

/// A message with a placeholder for everything in quotation marks and for objects and arrays of JSON. The name of what is
/// missing stays: another member that is missing is another fault.
fn without_values(message: &str) -> String {
    let mut told = String::new();
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let opens = told.is_empty() || told.ends_with([' ', '(', '[', '\n']);
        let value = match first {
            '"' => Some(closing_quote(rest, '"').unwrap_or(rest.len())),
            '\'' if opens => closing_quote(rest, '\''),
            '{' => Some(closing_bracket(rest, '{', '}')),
            '[' if rest[1..].starts_with(['"', '{', '[']) => Some(closing_bracket(rest, '[', ']')),
            _ => None,
        };
        match value {
            Some(end) if matches!(first, '"' | '\'') && told.ends_with(" has no ") => {
                told.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            Some(end) => {
                told.push_str(TEXT);
                rest = &rest[end..];
            }
            None => {
                told.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    told
}

/// Where the text behind a quotation mark ends, the closing mark included.
fn closing_quote(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        let after = text[at + c.len_utf8()..].chars().next();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // An apostrophe within a word closes nothing.
            _ if c == mark && (mark == '"' || !after.is_some_and(char::is_alphanumeric)) => {
                return Some(at + c.len_utf8());
            }
            _ => {}
        }
    }
    None
}

/// Where a value of JSON ends; a value that was cut ends with the text.
fn closing_bracket(text: &str, open: char, close: char) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ if c == open => depth += 1,
            _ if c == close && depth <= 1 => return at + c.len_utf8(),
            _ if c == close => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
