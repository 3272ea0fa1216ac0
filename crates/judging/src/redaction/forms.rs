//! Secrets that are told by their form or their place: parameters, members, tokens, URLs.

use std::sync::LazyLock;

use regex::{Captures, Match, Regex};

use super::headers;
use crate::protocol::canonical_resource_type;

/// What a marker begins with.
pub(super) const MARKER: &str = "redacted-";

// All patterns are constants that a test compiles; without one of them nothing would be hidden, so nothing is shown either.
type Pattern = LazyLock<Option<Regex>>;

/// `Bearer` and the like before what may be a token; whether it is one, its letters tell.
static SCHEME: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)\b(bearer|basic|negotiate)(\s+|%20|\+)([A-Za-z0-9._~+/-]{8,}={0,2})").ok()
});
/// What the secrets begin with that castspec makes up; 32 hexadecimal digits follow.
pub const OWN_SECRET: &str = "castspec-secret-";
/// Signed tokens, wherever they stand.
static SIGNED: Pattern =
    LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*").ok());
/// Parameters of a query or of a form.
static PARAMETER: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)((?:(?:^|[?&;\s]|%3F|%26)(?:access_token|refresh_token|id_token|id_token_hint|client_secret|client_assertion|assertion",
        r"|code|code_verifier|hub\.secret|password|passwd|pwd|secret|token|auth|jwt|ticket",
        r"|(?:x[_-])?api[_-]?key|key|(?:ocp-apim-)?subscription-key|x-functions-key",
        // Signed URLs of Azure, Amazon, Google and others.
        r"|sig|signature|hmac|x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|googleaccessid",
        // Behind a semicolon the session is a part of the path, and ends before the query.
        r")|(?:^|[?&\s]|%3F|%26)(?:[a-z]*sess(?:ion)?(?:[_-]?id)?|sid))(?:=|%3D))((?:%[0-9A-F]{2}|[^&\s%#'<>\x22\\])+)",
    ))
    .ok()
});
/// Session ids between the path and the query of a URL, as servers of Java and PHP write them.
static PATH_PARAMETER: Pattern = LazyLock::new(|| {
    Regex::new(r"(?i)(;(?:[a-z]*sess(?:ion)?(?:[_-]?id)?|sid)(?:=|%3D))([^;/?#&\s'<>\x22\\]+)").ok()
});
/// What may be a URL that Azure has signed: with `sig` among its parameters.
static SHARED_ACCESS: Pattern =
    LazyLock::new(|| Regex::new(r"(?i)[^\s'<>\x22\\]*(?:[?&]|%3F|%26)sig(?:=|%3D)[^\s'<>\x22\\]*").ok());
/// What such a URL grants, to whom and until when.
static GRANT: Pattern = LazyLock::new(|| {
    Regex::new(
        r"(?i)((?:[?&]|%3F|%26)(?:s[epvrtsip]|spr|srt|sdd|sk(?:oid|tid|t|e|s|v)|saoid|suoid|scid)(?:=|%3D))((?:%[0-9A-F]{2}|[^&\s%#'<>\x22\\])+)",
    )
    .ok()
});
/// Members of JSON, of which nothing but the end of its string ends the secret.
static MEMBER: Pattern = LazyLock::new(|| {
    Regex::new(&format!(
        r#"(?i)((?:^|[^\\])"(?:{MEMBERS})"\s*:\s*")((?:[^"\\]|\\.)+)"#
    ))
    .ok()
});
/// Members of JSON within a string of JSON.
static INNER_MEMBER: Pattern =
    LazyLock::new(|| Regex::new(&format!(r#"(?i)(\\+"(?:{MEMBERS})\\+"\s*:\s*\\+")([^"\\]+)"#)).ok());
const MEMBERS: &str = concat!(
    r"access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier|hub\.secret|password|passwd",
    r"|secret|token|auth[_-]?token|private_key|(?:x[_-])?api[_-]?key|session[_-]?id",
);
/// Headers in a text, as logs and careless hubs repeat them.
static HEADER_LINE: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)\b((?:ocp-apim-subscription-key|(?:x-)?(?:goog-)?api-?key|x-functions-key|x-amz-security-token|x-auth-token)"#,
        r#"\\*"?\s*:\s*\\*"?)([^\s"',;|\\]+)"#,
    ))
    .ok()
});
/// Cookies in a text: the name of the header, and all of them.
static COOKIE_LINE: Pattern = LazyLock::new(|| {
    Regex::new(r#"(?i)\b((set-cookie2?|cookie)\\*"?\s*:\s*\\*"?)([^\s"'|\\;=]+=[^\r\n"|\\]*)"#).ok()
});
/// A secret that castspec made up for a callback.
static OWN: Pattern = LazyLock::new(|| Regex::new(&format!("{OWN_SECRET}[0-9a-f]{{32}}")).ok());
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
    let (Some(scheme), Some(signed), Some(parameter), Some(in_path), Some(member), Some(inner_member)) = (
        &*SCHEME,
        &*SIGNED,
        &*PARAMETER,
        &*PATH_PARAMETER,
        &*MEMBER,
        &*INNER_MEMBER,
    ) else {
        return mark(text);
    };
    let (Some(own), Some(shared), Some(grant), Some(header), Some(cookies), Some(user), Some(endpoint)) = (
        &*OWN,
        &*SHARED_ACCESS,
        &*GRANT,
        &*HEADER_LINE,
        &*COOKIE_LINE,
        &*USER,
        &*ENDPOINT,
    ) else {
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
    let text = own.replace_all(&text, |found: &Captures<'_>| mark(&found[0]));
    let text = cookies.replace_all(&text, |found: &Captures<'_>| {
        let shown = headers::hide(&found[2], &found[3], mark);
        format!("{}{}", &found[1], shown.unwrap_or_else(|| mark(&found[3])))
    });
    let text = header.replace_all(&text, second);
    // The same secret has the same marker in a form as elsewhere.
    let decoded = |value: &str| {
        let pair = url::form_urlencoded::parse(value.as_bytes()).next();
        pair.map_or_else(|| value.to_owned(), |(name, _)| name.into_owned())
    };
    let text = shared.replace_all(&text, |found: &Captures<'_>| {
        let hidden = grant.replace_all(&found[0], |found: &Captures<'_>| {
            format!("{}{}", &found[1], mark(&decoded(&found[2])))
        });
        hidden.into_owned()
    });
    let text = in_path.replace_all(&text, second);
    let text = parameter.replace_all(&text, |found: &Captures<'_>| {
        let is_kept =
            begins_with_marker(&found[2]) || found.get(0).is_some_and(|all| is_search(&text, all, found));
        match is_kept {
            true => found[0].to_owned(),
            false => format!("{}{}", &found[1], mark(&decoded(&found[2]))),
        }
    });
    let text = member.replace_all(&text, |found: &Captures<'_>| {
        let secret = serde_json::from_str::<String>(&format!("\"{}\"", &found[2]));
        format!(
            "{}{}",
            &found[1],
            mark(&secret.unwrap_or_else(|_| found[2].to_owned()))
        )
    });
    let text = inner_member.replace_all(&text, second);
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

/// Whether a value was hidden already, by a pattern that ends earlier.
fn begins_with_marker(text: &str) -> bool {
    let end = MARKER.len() + 8;
    text.get(..end).is_some_and(is_marker)
        && !text[end..].starts_with(|next: char| next.is_ascii_alphanumeric())
}

/// Whether `code=…` is a parameter of a search among resources and no authorization code: it stands behind the name of a resource
/// type, or begins with the URI of a system of codes.
fn is_search(text: &str, all: Match<'_>, found: &Captures<'_>) -> bool {
    let name = found[1].trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    if !name.to_ascii_lowercase().starts_with("code") || name.len() > "code%3D".len() {
        return false;
    }
    let value = found[2].to_ascii_lowercase();
    if ["http:", "https:", "urn:", "http%3a", "https%3a", "urn%3a"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
    {
        return true;
    }
    // Far enough for any URL, and not so far that a text full of codes takes forever.
    const FARTHEST: usize = 2_000;
    let end = all.start() + found[1].len();
    let from = text.floor_char_boundary(end.saturating_sub(FARTHEST));
    let before = &text[from..end];
    let url = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '\\'))
        .next()
        .unwrap_or(before);
    let Some((path, _)) = url.split_once('?') else {
        return false;
    };
    // Where an authorization ends, at whatever path, there is a state.
    let after = &text[end..text.floor_char_boundary(end.saturating_add(FARTHEST))];
    let after = after
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '\\'))
        .next()
        .unwrap_or_default();
    if [before, after].iter().any(|part| part.contains("state=")) {
        return false;
    }
    let path = path.strip_suffix("/_search").unwrap_or(path);
    let last = path.rsplit('/').next().unwrap_or(path);
    canonical_resource_type(last) == Some(last)
}
