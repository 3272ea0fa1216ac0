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

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender with a value of its own in all headers but these.
    fn alike_in(names: &[&str]) -> Identity {
        let headers = TELLING.map(|name| {
            let value = if names.contains(&name) {
                "the same"
            } else {
                "another"
            };
            (name.to_owned(), value.to_owned())
        });
        Identity::of(&headers.into_iter().collect())
    }

    #[test]
    fn a_surer_header_weighs_more_than_all_after_it() {
        let sender = alike_in(&TELLING);
        for (position, name) in TELLING.iter().enumerate() {
            let by_this = sender.likeness(&alike_in(&[name]));
            let by_those_after = sender.likeness(&alike_in(&TELLING[position + 1..]));
            assert!(by_this > by_those_after, "{name}");
        }
    }

    #[test]
    fn every_header_in_common_makes_senders_more_alike() {
        let sender = alike_in(&TELLING);
        for position in 0..TELLING.len() {
            let more = sender.likeness(&alike_in(&TELLING[position..]));
            let less = sender.likeness(&alike_in(&TELLING[position + 1..]));
            assert!(more > less, "{}", TELLING[position]);
        }
    }

    #[test]
    fn a_header_that_neither_has_makes_nobody_alike() {
        let nobody = Identity::default();
        assert_eq!(nobody.likeness(&nobody), 0);
        assert_eq!(alike_in(&TELLING).likeness(&nobody), 0);
        let agent = |name: &str| {
            let header = (name.to_owned(), "viewer".to_owned());
            Identity::of(&[header].into_iter().collect())
        };
        assert!(agent("User-Agent").likeness(&agent("user-agent")) > 0);
        assert_eq!(agent("accept").likeness(&agent("accept")), 0);
    }
}
