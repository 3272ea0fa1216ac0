//! Replaces single values in bodies and leaves every other byte as it was.

use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

/// The member that names a WebSocket, in requests and answers.
pub(super) const ENDPOINT: &str = "hub.channel.endpoint";
/// The parameter that names a webhook, in requests.
pub(super) const CALLBACK: &str = "hub.callback";
/// The parameter that is a secret between a subscriber and its hub.
pub(super) const SECRET: &str = "hub.secret";

/// The values of a parameter of a form.
pub(super) fn values<'a>(form: &'a [u8], name: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = form_urlencoded::parse(form);
    pairs
        .filter(move |(parameter, _)| parameter == name)
        .map(|(_, value)| value.into_owned())
}

/// A form in which values are replaced by what `replacement` gives for a parameter's name and value; `None` where it gives
/// nothing for any.
pub(super) fn in_form(
    form: &[u8],
    mut replacement: impl FnMut(&str, &str) -> Option<String>,
) -> Option<Vec<u8>> {
    let mut replaced = Vec::with_capacity(form.len() + 64);
    let mut any = false;
    for (at, pair) in form.split(|byte| *byte == b'&').enumerate() {
        if at > 0 {
            replaced.push(b'&');
        }
        let value = form_urlencoded::parse(pair)
            .next()
            .and_then(|(name, value)| replacement(&name, &value));
        match (value, pair.iter().position(|byte| *byte == b'=')) {
            (Some(value), Some(equals)) => {
                replaced.extend_from_slice(&pair[..=equals]);
                replaced.extend(form_urlencoded::byte_serialize(value.as_bytes()).flat_map(str::bytes));
                any = true;
            }
            _ => replaced.extend_from_slice(pair),
        }
    }
    any.then_some(replaced)
}

/// `hub.channel.endpoint` of an answer, and where it stands: the bytes of the JSON string, with its quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) url: String,
    begin: usize,
    end: usize,
}

/// The endpoint in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It names none.
    Nothing,
    /// It names this one.
    Endpoint(Endpoint),
    /// It names one in a way that cannot be read.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "hub.channel.endpoint")]
    endpoint: Option<&'a RawValue>,
}

/// Looks for the endpoint in the body of an answer.
pub(super) fn endpoint_in(body: &[u8]) -> Answered {
    let Ok(text) = std::str::from_utf8(body) else {
        return Answered::Nothing;
    };
    if !text.contains(ENDPOINT) {
        return Answered::Nothing;
    }
    let raw = match serde_json::from_str::<Answer<'_>>(text) {
        Ok(Answer { endpoint: Some(raw) }) => raw.get(),
        // Within something else, where no subscriber looks for it.
        Ok(Answer { endpoint: None }) => return Answered::Nothing,
        Err(error) => return Answered::Unreadable(error.to_string()),
    };
    let Ok(url) = serde_json::from_str::<String>(raw) else {
        return Answered::Unreadable("it is no string".to_owned());
    };
    // The value is a part of the text, and lies where it begins in memory.
    let begin = (raw.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    match text.get(begin..begin.saturating_add(raw.len())) {
        Some(found) if found == raw => Answered::Endpoint(Endpoint {
            url,
            begin,
            end: begin + raw.len(),
        }),
        _ => Answered::Unreadable("it is not found again".to_owned()),
    }
}

impl Endpoint {
    /// The body with another URL in place of this one.
    pub(super) fn replaced(&self, body: &[u8], url: &str) -> Vec<u8> {
        let mut replaced = body[..self.begin].to_vec();
        // A string is always written.
        replaced.extend(serde_json::to_vec(url).unwrap_or_default());
        replaced.extend_from_slice(&body[self.end..]);
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_value_changes_in_a_form() {
        let form = b"hub%2Emode=subscribe&hub.callback=http%3a%2f%2Fapp%2fc%3Fa%3db&&x=%zz&hub.callback&hub.events=a,b+c";
        let replaced = in_form(form, |name, value| {
            (name == CALLBACK && !value.is_empty()).then(|| {
                assert_eq!(value, "http://app/c?a=b");
                "http://rec/k?a=b".to_owned()
            })
        });
        let expected = "hub%2Emode=subscribe&hub.callback=http%3A%2F%2Frec%2Fk%3Fa%3Db&&x=%zz&hub.callback&hub.events=a,b+c";
        assert_eq!(String::from_utf8(replaced.unwrap()).unwrap(), expected);
        assert_eq!(in_form(form, |_, _| None), None);
    }

    #[test]
    fn nothing_but_the_value_changes_in_json() {
        let body = "{ \"x\" : 1.0,\t\"hub.channel.endpoint\"\n: \"wss:\\/\\/hub\\u002Fws\" , \"é\":[ ] }\n";
        let Answered::Endpoint(found) = endpoint_in(body.as_bytes()) else {
            panic!("it is there");
        };
        assert_eq!(found.url, "wss://hub/ws");
        let replaced = String::from_utf8(found.replaced(body.as_bytes(), "ws://rec/ws")).unwrap();
        let expected = "{ \"x\" : 1.0,\t\"hub.channel.endpoint\"\n: \"ws://rec/ws\" , \"é\":[ ] }\n";
        assert_eq!(replaced, expected);
    }

    #[test]
    fn what_names_no_endpoint_is_left_and_what_does_so_wrongly_is_told() {
        for body in [
            "",
            "{}",
            "<html>",
            "[{\"hub.channel.endpoint\": 1}, ]",
            "{\"a\": {\"hub.channel.endpoint\": 1}}",
        ] {
            let found = endpoint_in(body.as_bytes());
            assert!(!matches!(found, Answered::Endpoint(_)), "{body}: {found:?}");
        }
        for body in [
            "{\"hub.channel.endpoint\": wss://hub/ws}",
            "{\"hub.channel.endpoint\": 1}",
            "{\"hub.channel.endpoint\": \"a\", \"hub.channel.endpoint\": \"b\"}",
        ] {
            assert!(
                matches!(endpoint_in(body.as_bytes()), Answered::Unreadable(_)),
                "{body}"
            );
        }
    }
}
