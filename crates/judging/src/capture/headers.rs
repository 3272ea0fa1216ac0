//! HTTP headers: names in any case, in their order.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// Names and values of HTTP headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values under a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether there is such a header.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(headers: T) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl From<Vec<(String, String)>> for Headers {
    fn from(headers: Vec<(String, String)>) -> Self {
        Self(headers)
    }
}

impl Deref for Headers {
    type Target = [(String, String)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Headers {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_values_keep_their_order() {
        let headers = [
            ("Upgrade", "websocket"),
            ("X-Hub-Signature", "a"),
            ("x-hub-signature", "b"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = Headers::from(headers.to_vec());
        assert_eq!(headers.get("upgrade"), Some("websocket"));
        assert_eq!(headers.all("X-HUB-SIGNATURE").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(headers.get("authorization"), None);
        assert!(headers.has("UPGRADE") && !headers.has("up-grade"));
    }
    #[test]
    fn headers_are_gathered_and_changed_in_their_order() {
        let pairs = [("a", "1"), ("B", "2"), ("a", "3")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut headers: Headers = pairs.iter().cloned().collect();
        assert_eq!(headers, Headers::from(pairs.to_vec()));
        assert_eq!(*headers, pairs);
        headers[1].1 = "4".to_owned();
        assert_eq!(headers.get("b"), Some("4"));
    }
}
