//! Headers: which of them carry credentials, and what of these is shown.

/// Words in the names of headers whose values are credentials.
const WORDS: [&str; 10] = [
    "token",
    "secret",
    "api-key",
    "apikey",
    "session",
    "credential",
    "password",
    "jwt",
    "assertion",
    "ticket",
];
/// Headers that are called keys and are none.
const NO_KEYS: [&str; 4] = [
    "sec-websocket-key",
    "idempotency-key",
    "surrogate-key",
    "x-cache-key",
];
/// Headers that everybody sends with much the same values. Where a target configures one, its value is hidden under its name, and
/// not looked for in texts: it would be found in all of them.
const ORDINARY: [&str; 24] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-language",
    "content-type",
    "forwarded",
    "from",
    "host",
    "origin",
    "pragma",
    "prefer",
    "referer",
    "sec-websocket-protocol",
    "te",
    "traceparent",
    "user-agent",
    "via",
    "x-correlation-id",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// Whether a header is one that everybody sends.
pub(super) fn is_ordinary(name: &str) -> bool {
    ORDINARY
        .iter()
        .any(|ordinary| name.eq_ignore_ascii_case(ordinary))
}

/// The value of a header that carries credentials, with no more shown than its scheme or names; `None` for another one.
pub(super) fn hide(name: &str, value: &str, mark: &dyn Fn(&str) -> String) -> Option<String> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        _ if name.ends_with("authorization") => Some(match value.trim().split_once(' ') {
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
        "set-cookie" | "set-cookie2" => Some(match value.split_once(';') {
            Some((cookie, attributes)) => format!("{};{attributes}", named(cookie, mark)),
            None => named(value, mark),
        }),
        _ if NO_KEYS.contains(&name.as_str()) => None,
        _ if name.ends_with("-key") || WORDS.iter().any(|word| name.contains(word)) => Some(mark(value)),
        _ => None,
    }
}

/// The credentials that a header carries.
pub(super) fn credentials(name: &str, value: &str) -> Vec<String> {
    let found = std::cell::RefCell::new(Vec::new());
    // What would be hidden is what is looked for elsewhere too.
    let _ = hide(name, value, &|credential| {
        found.borrow_mut().push(credential.to_owned());
        String::new()
    });
    found.into_inner()
}

/// `name=value` with the value hidden.
fn named(text: &str, mark: &dyn Fn(&str) -> String) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("{name}={}", mark(value.trim())),
        None => mark(text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_gateways_are_hidden_and_other_headers_are_not() {
        let hidden = |name: &str| hide(name, "abc", &|_| "hidden".to_owned());
        for name in [
            "Ocp-Apim-Subscription-Key",
            "X-Api-Key",
            "Api-Key",
            "apikey",
            "X-Functions-Key",
            "X-Goog-Api-Key",
            "X-Amz-Security-Token",
            "X-Auth-Token",
            "Proxy-Authorization",
            "X-Forwarded-Authorization",
            "X-Session-Id",
            "Cf-Access-Jwt-Assertion",
        ] {
            assert_eq!(hidden(name).as_deref(), Some("hidden"), "{name}");
        }
        for name in [
            "Sec-WebSocket-Key",
            "Idempotency-Key",
            "WWW-Authenticate",
            "X-Hub-Signature",
            "Content-Type",
            "ETag",
            "Location",
        ] {
            assert_eq!(hidden(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_hidden_of_a_header_is_its_credential() {
        assert_eq!(credentials("Authorization", "Bearer abc"), ["abc"]);
        assert_eq!(credentials("cookie", "a=one; b=two"), ["one", "two"]);
        assert_eq!(credentials("X-Api-Key", "abc"), ["abc"]);
        assert_eq!(credentials("Accept", "abc"), [""; 0]);
    }
}
