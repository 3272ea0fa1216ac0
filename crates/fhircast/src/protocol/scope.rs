//! FHIRcast's OAuth 2.0 scopes (2.2 FHIRcast Scopes; STU2 and STU1, FHIRcast Authorization & SMART scopes).

use std::fmt;
use std::str::FromStr;

use super::event_name::EventName;

const PREFIX: &str = "fhircast/";

/// What a scope lets an application do with its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Receive their notifications.
    Read,
    /// Request them.
    Write,
}

impl Access {
    /// The last part of a scope.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// Which events a scope is about. Names are compared without regard to case, as those of events are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Events {
    All,
    /// `patient-*`, as STU1 and STU2 have it: every action on one resource.
    OfResource(String),
    /// `*-open`, as STU2 has it: one action on every resource.
    OfAction(String),
    One(EventName),
}

/// One scope of the form `fhircast/` event `.` access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhircastScope {
    events: Events,
    /// Both, where there is none.
    access: Option<Access>,
}

/// Why a text is no FHIRcast scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no FHIRcast scope: it must be fhircast/, the name of an event or *, a dot, and read, write or * \
     (FHIRcast STU3, 2.2 FHIRcast Scopes)"
)]
pub struct ScopeError(pub String);

impl FromStr for FhircastScope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ScopeError(text.to_owned());
        let rest = text.strip_prefix(PREFIX).ok_or_else(error)?;
        // An organization's own event has dots in its name.
        let (events, access) = rest.rsplit_once('.').ok_or_else(error)?;
        let access = match access {
            "read" => Some(Access::Read),
            "write" => Some(Access::Write),
            "*" => None,
            _ => return Err(error()),
        };
        let events = match events.split_once('-') {
            _ if events == "*" => Events::All,
            Some(("*", "*")) => Events::All,
            Some((resource, "*")) if is_word(resource) => Events::OfResource(resource.to_owned()),
            Some(("*", action)) if is_word(action) => Events::OfAction(action.to_owned()),
            _ => Events::One(events.parse().map_err(|_| error())?),
        };
        Ok(Self { events, access })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}

impl fmt::Display for FhircastScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        match &self.events {
            Events::All => f.write_str("*")?,
            Events::OfResource(resource) => write!(f, "{resource}-*")?,
            Events::OfAction(action) => write!(f, "*-{action}")?,
            Events::One(event) => f.write_str(event.as_str())?,
        }
        write!(f, ".{}", self.access.map_or("*", Access::as_str))
    }
}

impl FhircastScope {
    /// The scope for one event.
    pub fn new(event: EventName, access: Access) -> Self {
        Self {
            events: Events::One(event),
            access: Some(access),
        }
    }

    /// An event and what may be done with it, as a scope writes it without its prefix: `Patient-open.read`.
    pub fn access_of(text: &str) -> Option<(EventName, Access)> {
        let (event, access) = text.rsplit_once('.')?;
        let access = match access {
            "read" => Access::Read,
            "write" => Access::Write,
            _ => return None,
        };
        Some((event.parse().ok()?, access))
    }

    /// Whether it authorizes this.
    pub fn allows(&self, event: &EventName, access: Access) -> bool {
        let part = |name: &str, first: bool| {
            event.as_str().split_once('-').is_some_and(|(resource, action)| {
                name.eq_ignore_ascii_case(if first { resource } else { action })
            })
        };
        let fits = match &self.events {
            Events::All => true,
            Events::OfResource(resource) => part(resource, true),
            Events::OfAction(action) => part(action, false),
            Events::One(own) => own == event,
        };
        fits && self.access.is_none_or(|granted| granted == access)
    }

    /// Whether it authorizes all that another does with this access.
    fn covers(&self, narrower: &Events, access: Access) -> bool {
        let fits = match (&self.events, narrower) {
            (Events::All, _) => true,
            (_, Events::One(event)) => return self.allows(event, access),
            (Events::OfResource(wide), Events::OfResource(name))
            | (Events::OfAction(wide), Events::OfAction(name)) => wide.eq_ignore_ascii_case(name),
            _ => false,
        };
        fits && self.access.is_none_or(|granted| granted == access)
    }
}

/// The scopes of a token: those of FHIRcast, and beside them whatever else was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    fhircast: Vec<FhircastScope>,
    others: Vec<String>,
}

impl Scopes {
    /// Reads scopes separated by spaces (RFC 6749, 3.3).
    ///
    /// # Errors
    /// When one that begins with `fhircast/` is not of the form of 2.2.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            if scope.starts_with(PREFIX) {
                let scope = scope.parse()?;
                if !scopes.fhircast.contains(&scope) {
                    scopes.fhircast.push(scope);
                }
            } else if !scopes.has(scope) {
                scopes.others.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }

    /// Whether they authorize this.
    pub fn allow(&self, event: &EventName, access: Access) -> bool {
        self.fhircast.iter().any(|scope| scope.allows(event, access))
    }

    /// Whether there is any of FHIRcast.
    pub fn any_fhircast(&self) -> bool {
        !self.fhircast.is_empty()
    }

    /// Whether this scope, none of FHIRcast, is among them.
    pub fn has(&self, scope: &str) -> bool {
        self.others.iter().any(|other| other == scope)
    }

    /// Whether they authorize all that these do: those of FHIRcast by their meaning, the others word by word.
    pub fn include(&self, narrower: &Self) -> bool {
        let covered = |scope: &FhircastScope| {
            let both = [Access::Read, Access::Write];
            both.into_iter()
                .filter(|access| scope.access.is_none_or(|asked| asked == *access))
                .all(|access| self.fhircast.iter().any(|own| own.covers(&scope.events, access)))
        };
        narrower.fhircast.iter().all(covered)
            && narrower.others.iter().all(|scope| self.others.contains(scope))
    }

    /// Without those that are neither of FHIRcast nor known here.
    #[must_use]
    pub fn known(mut self, known: &[&str]) -> Self {
        self.others.retain(|scope| known.contains(&scope.as_str()));
        self
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fhircast = self.fhircast.iter().map(FhircastScope::to_string);
        let all: Vec<_> = self.others.iter().cloned().chain(fhircast).collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_allow_what_they_name() {
        for (scopes, event, read, write) in [
            ("fhircast/Patient-open.read", "Patient-open", true, false),
            ("fhircast/patient-open.read", "Patient-OPEN", true, false),
            ("fhircast/Patient-open.write", "Patient-open", false, true),
            ("fhircast/Patient-open.*", "Patient-open", true, true),
            ("fhircast/Patient-open.*", "Patient-close", false, false),
            ("fhircast/*.read", "SyncError", true, false),
            ("fhircast/*.*", "org.example.x_y", true, true),
            ("fhircast/org.example.x_y.read", "org.example.x_y", true, false),
            ("fhircast/patient-*.read", "Patient-close", true, false),
            ("fhircast/patient-*.read", "Encounter-open", false, false),
            ("fhircast/*-open.write", "Encounter-open", false, true),
            ("fhircast/*-open.write", "SyncError", false, false),
            ("openid launch", "Patient-open", false, false),
            ("", "Patient-open", false, false),
        ] {
            let scopes = Scopes::parse(scopes).unwrap();
            let event = event.parse().unwrap();
            let allowed = [Access::Read, Access::Write].map(|access| scopes.allow(&event, access));
            assert_eq!(allowed, [read, write], "{scopes} of {event}");
        }
    }

    #[test]
    fn malformed_scopes_are_told() {
        for text in [
            "fhircast/Patient-open",
            "fhircast/Patient-open.rw",
            "fhircast/.read",
            "fhircast/Pat*-open.read",
            "fhircast/-*.read",
        ] {
            let error = Scopes::parse(text).unwrap_err();
            assert_eq!(error, ScopeError(text.to_owned()));
        }
        assert!("Patient-open.read".parse::<FhircastScope>().is_err());
    }

    #[test]
    fn a_scope_is_included_where_all_that_it_authorizes_is() {
        for (wide, narrow, included) in [
            ("fhircast/*.*", "fhircast/Patient-open.read", true),
            (
                "fhircast/*.*",
                "fhircast/*.write fhircast/patient-*.* fhircast/*-open.read",
                true,
            ),
            ("fhircast/*.read fhircast/*.write", "fhircast/*.*", true),
            ("fhircast/Patient-open.*", "fhircast/patient-OPEN.write", true),
            ("fhircast/patient-*.read", "fhircast/Patient-close.read", true),
            ("fhircast/Patient-*.read", "fhircast/patient-*.read", true),
            ("fhircast/*-open.*", "fhircast/Encounter-open.*", true),
            ("openid fhircast/*.*", "openid", true),
            ("fhircast/*.read", "fhircast/Patient-open.*", false),
            ("fhircast/*.read", "fhircast/Patient-open.write", false),
            ("fhircast/Patient-open.read", "fhircast/*.read", false),
            ("fhircast/Patient-open.read", "fhircast/patient-*.read", false),
            ("fhircast/patient-*.read", "fhircast/*-open.read", false),
            ("fhircast/patient-*.read", "fhircast/Encounter-open.read", false),
            ("fhircast/patient-*.*", "fhircast/*.*", false),
            ("fhircast/*.*", "openid", false),
        ] {
            let [wide_scopes, narrow_scopes] = [wide, narrow].map(|text| Scopes::parse(text).unwrap());
            assert_eq!(
                wide_scopes.include(&narrow_scopes),
                included,
                "{wide} of {narrow}"
            );
        }
    }

    #[test]
    fn they_are_written_as_they_were_read() {
        let text =
            "openid fhircast/Patient-open.read fhircast/*.write fhircast/patient-*.* fhircast/*-open.read";
        let scopes = Scopes::parse(text).unwrap();
        assert_eq!(scopes.to_string(), text);
        assert!(scopes.include(&Scopes::parse("openid fhircast/*.write").unwrap()));
        assert!(!scopes.include(&Scopes::parse("fhircast/Encounter-close.read").unwrap()));
        let known = Scopes::parse("patient/*.rs openid").unwrap().known(&["openid"]);
        assert_eq!(known.to_string(), "openid");
    }
}
