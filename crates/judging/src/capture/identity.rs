//! The senders of HTTP requests: no message of FHIRcast names its sender, but the requests of one application resemble one another.

use super::headers::Headers;

/// Headers that tell applications apart, the surest first.
const TELLING: [&str; 4] = ["authorization", "cookie", "origin", "user-agent"];

/// The sender of a request, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity([Option<String>; TELLING.len()]);

impl Identity {
    /// From the headers of a request; secrets in them have been replaced by markers, which are equal where the secrets are.
    pub fn of(headers: &Headers) -> Self {
        Self(TELLING.map(|name| headers.get(name).map(str::to_owned)))
    }

    /// How alike two are: each header weighs more than all after it.
    pub fn likeness(&self, other: &Self) -> usize {
        let mut likeness = 0;
        for (one, other) in self.0.iter().zip(&other.0) {
            likeness = likeness * 2 + usize::from(one.is_some() && one == other);
        }
        likeness
    }
}
