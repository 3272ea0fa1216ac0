//! Who sends HTTP requests: no message of FHIRcast says so, but the requests of one application resemble one another.

/// Headers that tell applications apart, the surest first.
const TELLING: [&str; 4] = ["authorization", "cookie", "origin", "user-agent"];

/// What is known of who sent a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity([Option<String>; TELLING.len()]);

impl Identity {
    /// From the headers of a request; secrets in them have been replaced by markers, which are equal where the secrets are.
    pub fn of(headers: &[(String, String)]) -> Self {
        Self(TELLING.map(|name| {
            let found = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        }))
    }

    /// How alike two are: each header weighs more than all after it.
    pub fn likeness(&self, other: &Self) -> usize {
        let mut likeness = 0;
        for (own, other) in self.0.iter().zip(&other.0) {
            likeness = likeness * 2 + usize::from(own.is_some() && own == other);
        }
        likeness
    }
}
