//! Secrets that are told by their form or their place: headers, parameters, members, tokens, URLs.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a marker begins with.
pub(super) const MARKER: &str = "redacted-";

// All patterns are constants that a test compiles; without one of them nothing would be hidden, so nothing is shown either.
type Pattern = LazyLock<Option<Regex>>;

/// `Bearer` and the like before what may be a token; whether it is one, its letters tell.
static SCHEME: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)\b(bearer|basic|negotiate)(\s+|%20|\+)([A-Za-z0-9._~+/-]{8,}={0,2})").ok()
});
/// Signed tokens, wherever they stand.
static SIGNED: Pattern =
    LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*").ok());
/// Parameters of a query or of a form.
static PARAMETER: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)((?:^|[?&;\s]|%3F|%26)(?:access_token|refresh_token|id_token|client_secret|client_assertion|code|code_verifier|hub\.secret",
        r"|password|passwd|pwd|secret|token|auth|api[_-]?key|key|sig|signature|session|sessionid|jwt)(?:=|%3D))([^&\s%#'<>]+(?:%[0-9A-F]{2}[^&\s%#'<>]*)*)",
    ))
    .ok()
});
/// Members of JSON, also of JSON within a string of JSON.
static MEMBER: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)(\\*"(?:access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier|hub\.secret|password|passwd"#,
        r#"|secret|api[_-]?key)\\*"\s*:\s*\\*")([^"\\]+)"#,
    ))
    .ok()
});
/// A user and a password before a host.
static USER: Pattern = LazyLock::new(|| Regex::new(r#"(://)([^/\s@"'<>?#]+)(@)"#).ok());
/// The URL of a WebSocket.
static ENDPOINT: Pattern = LazyLock::new(|| {
    Regex::new(r#"(?i)(\bwss?(?:://|%3A%2F%2F)[^\s"'&<>\\]*(?:/|%2F))([^\s"'&<>\\/%]+)"#).ok()
});

/// Whether a text is a marker already.
pub(super) fn is_marker(text: &str) -> bool {
    text.strip_prefix(MARKER)
        .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A text without what has the form of a secret.
pub(super) fn hide(text: &str, endpoints: bool, mark: &dyn Fn(&str) -> String) -> String {
    let (Some(scheme), Some(signed), Some(parameter), Some(member), Some(user), Some(endpoint)) =
        (&*SCHEME, &*SIGNED, &*PARAMETER, &*MEMBER, &*USER, &*ENDPOINT)
    else {
        return mark(text);
    };
    let second = |found: &Captures<'_>| format!("{}{}", &found[1], mark(&found[2]));
    let text = scheme.replace_all(text, |found: &Captures<'_>| {
        if is_token(&found[3]) {
            format!("{}{}{}", &found[1], &found[2], mark(&found[3]))
        } else {
            found[0].to_owned()
        }
    });
    let text = signed.replace_all(&text, |found: &Captures<'_>| mark(&found[0]));
    let text = parameter.replace_all(&text, |found: &Captures<'_>| {
        // The same secret has the same marker in a form as elsewhere.
        let value = url::form_urlencoded::parse(found[2].as_bytes()).next();
        let value = value.map_or_else(|| found[2].to_owned(), |(name, _)| name.into_owned());
        format!("{}{}", &found[1], mark(&value))
    });
    let text = member.replace_all(&text, second);
    let text = user.replace_all(&text, |found: &Captures<'_>| {
        format!("{}{}{}", &found[1], mark(&found[2]), &found[3])
    });
    if endpoints {
        return endpoint.replace_all(&text, second).into_owned();
    }
    text.into_owned()
}

/// Whether what follows a scheme is a token and no word of a sentence.
fn is_token(text: &str) -> bool {
    !is_marker(text) && (text.len() >= 24 || text.bytes().any(|byte| byte.is_ascii_digit()))
}

/// The value of a header that carries credentials; `None` for another one.
pub(super) fn hide_header(name: &str, value: &str, mark: &dyn Fn(&str) -> String) -> Option<String> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "authorization" | "proxy-authorization" => Some(match value.trim().split_once(' ') {
            Some((scheme, rest)) => format!("{scheme} {}", mark(rest.trim())),
            None if value.trim().is_empty() => value.to_owned(),
            None => mark(value.trim()),
        }),
        "cookie" => Some(
            value
                .split(';')
                .map(|cookie| named(cookie, mark))
                .collect::<Vec<_>>()
                .join(";"),
        ),
        "set-cookie" => Some(match value.split_once(';') {
            Some((cookie, attributes)) => format!("{};{attributes}", named(cookie, mark)),
            None => named(value, mark),
        }),
        _ if [
            "token",
            "secret",
            "api-key",
            "apikey",
            "session",
            "credential",
            "password",
        ]
        .iter()
        .any(|word| name.contains(word)) =>
        {
            Some(mark(value))
        }
        _ => None,
    }
}

/// `name=value` with the value hidden.
fn named(text: &str, mark: &dyn Fn(&str) -> String) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("{name}={}", mark(value.trim())),
        None => mark(text.trim()),
    }
}
