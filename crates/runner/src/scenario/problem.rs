//! The mistakes that a scenario file can have, with messages for its author.

use super::matcher::MatcherFault;
use super::variables::VariableError;
use crate::protocol::{EventNameError, Version};
use crate::requirement::Actor;

/// A mistake in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is no YAML.
    #[error("not YAML: {0}")]
    Syntax(String),
    /// Something of another type is expected.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The expected type.
        expected: String,
        /// The content that was found.
        found: String,
    },
    /// A member that nothing knows.
    #[error("unknown field '{name}'")]
    UnknownField {
        /// The member.
        name: String,
        /// The members that are known here.
        known: Vec<String>,
        /// The nearest of them.
        suggestion: Option<String>,
    },
    /// A word that is none of those that may stand there.
    #[error("unknown {what} '{word}'")]
    UnknownWord {
        /// The kind of the word: step, matcher, value.
        what: &'static str,
        /// The word.
        word: String,
        /// The words that may stand there.
        known: Vec<String>,
        /// The nearest of them.
        suggestion: Option<String>,
    },
    /// A member that must be there.
    #[error("'{0}' is missing here")]
    MissingField(String),
    /// A member given twice.
    #[error("'{0}' is given twice")]
    Duplicate(String),
    /// More than one key where one names the kind.
    #[error("one key only: it says which {0} this is")]
    OneKey(&'static str),
    /// Nothing where something must be.
    #[error("'{0}' is empty")]
    Empty(&'static str),
    /// A subscriber that the scenario does not have.
    #[error("there is no subscriber '{name}'")]
    UnknownSubscriber {
        /// The name.
        name: String,
        /// The nearest that there is.
        suggestion: Option<String>,
    },
    /// A name that means something else already.
    #[error("'{0}' is a name that is always there, or a subscriber's")]
    ReservedName(String),
    /// A name that no reference could write.
    #[error("'{0}' cannot be a name: letters, digits, dashes and underscores make one")]
    BadName(String),
    /// An access of a token that is not written as in scopes.
    #[error(
        "'{0}' is nothing that a token may do: an event, a dot, and read or write make it, as in Patient-open.read"
    )]
    NoAccess(String),
    /// A requirement that the catalogue does not have in any version of the scenario.
    #[error("'{id}' is no requirement of {}", versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))]
    UnknownRequirement {
        /// The id.
        id: String,
        /// The versions.
        versions: Vec<Version>,
        /// The nearest that there are.
        suggestions: Vec<String>,
    },
    /// A requirement that does not bind the hub.
    #[error("'{id}' binds the {actor}, and a scenario judges the hub")]
    NotTheHubs {
        /// The id.
        id: String,
        /// Whom it binds.
        actor: Actor,
    },
    /// A name saved by two steps.
    #[error("'{name}' is saved a second time (first in line {line})")]
    SavedTwice {
        /// The name.
        name: String,
        /// The line of the first time.
        line: u64,
    },
    /// A name used before it is saved.
    #[error("'{name}' is used before it is saved (in line {line})")]
    UsedTooEarly {
        /// The name.
        name: String,
        /// The line that saves it.
        line: u64,
    },
    /// A name that nothing saves.
    #[error("nothing is saved as '{name}'")]
    NeverSaved {
        /// The name.
        name: String,
        /// The nearest that is.
        suggestion: Option<String>,
    },
    /// A saved name of the wrong kind.
    #[error("'{name}' is {is}, and {wanted} is meant here")]
    OtherKind {
        /// The name.
        name: String,
        /// The kind that it has.
        is: &'static str,
        /// The kind that is meant.
        wanted: &'static str,
    },
    /// A variable that nobody knows.
    #[error("there is no variable '{name}'")]
    UnknownVariable {
        /// The name.
        name: String,
        /// The nearest that there is.
        suggestion: Option<String>,
    },
    /// A member that a variable does not have.
    #[error("'{variable}' has no '{member}'")]
    UnknownMember {
        /// The variable.
        variable: String,
        /// The member.
        member: String,
        /// The members that it has.
        known: Vec<String>,
    },
    /// A case that no event has been published about so far.
    #[error("there is no case '{0}' yet")]
    UnknownCase(String),
    /// A variable of a subscriber that has not asked for a subscription so far.
    #[error("'{variable}' is not known yet: '{subscriber}' has not subscribed before this step")]
    NotSubscribed {
        /// The variable.
        variable: String,
        /// The subscriber.
        subscriber: String,
    },
    /// A `${` that is no reference.
    #[error(transparent)]
    Reference(VariableError),
    /// A condition that is none.
    #[error("'{0}' is no condition")]
    Condition(String),
    /// A matcher that cannot be evaluated.
    #[error(transparent)]
    Matcher(MatcherFault),
    /// A text that can be no event's name.
    #[error(transparent)]
    EventName(EventNameError),
    /// A scenario that judges nothing.
    #[error("no step judges a requirement or records a reading")]
    JudgesNothing,
    /// An expectation that expects nothing.
    #[error("nothing is expected here")]
    ExpectsNothing,
    /// A refusal beside the expectations that it stands for.
    #[error(
        "'refusal' stands for a requirement, a status, a description and its form, and one of them stands beside it"
    )]
    RefusalAndMore,
    /// A softer verdict where none is given.
    #[error("'unmet' softens the verdict on a requirement, and none is named here")]
    UnmetWithoutRequirement,
    /// A request or frame with more than one content, or none.
    #[error("{0}")]
    Bodies(&'static str),
    /// A step about the WebSocket of a subscriber that has none in some version of the scenario.
    #[error("'{0}' has no WebSocket, or not in every version of the scenario")]
    NoWebSocket(String),
    /// A step about the callback of a subscriber that has none in some version of the scenario.
    #[error("'{0}' has no callback, or not in every version of the scenario")]
    NoCallback(String),
    /// A channel that a version does not have.
    #[error("{version} has no {channel} channel")]
    NoSuchChannel {
        /// The channel.
        channel: &'static str,
        /// The version.
        version: Version,
    },
    /// A version of the scenario of which it judges nothing.
    #[error("no requirement that is named here is one of {0}")]
    JudgesNothingIn(Version),
    /// An HTTP status that is none.
    #[error("{0} is no HTTP status")]
    Status(u16),
    /// A close code that cannot be sent.
    #[error("{0} is no close code that may be sent")]
    CloseCode(u16),
    /// A method that is none.
    #[error("'{0}' is no HTTP method")]
    Method(String),
    /// Publishing no times.
    #[error("'times' is at least 1")]
    NoTimes,
    /// What one of several events that are published at once cannot have.
    #[error("an event that is published at once with others has no '{0}' of its own")]
    NotAtOnce(&'static str),
    /// An answer that is given and not given.
    #[error("'never' excludes 'status', 'as_text' and 'after_ms'")]
    NeverAndHow,
    /// A refusal without its counterpart.
    #[error(
        "a request of the kind '{0}' must be refused, and the scenario has no proper one that is accepted"
    )]
    NoCounterpart(&'static str),
    /// Any other mistake.
    #[error("{0}")]
    Other(String),
}

impl Problem {
    /// Whether it is one whatever else stands in the file: nothing that was taken out can be its cause.
    pub(crate) fn stands_alone(&self, whole_cast: bool) -> bool {
        match self {
            Self::UnknownSubscriber { .. } => whole_cast,
            Self::UsedTooEarly { .. }
            | Self::NeverSaved { .. }
            | Self::UnknownVariable { .. }
            | Self::UnknownMember { .. }
            | Self::UnknownCase(_)
            | Self::NotSubscribed { .. }
            | Self::Empty(_)
            | Self::JudgesNothing
            | Self::JudgesNothingIn(_)
            | Self::NoWebSocket(_)
            | Self::NoCallback(_)
            | Self::NoCounterpart(_) => false,
            _ => true,
        }
    }

    /// The expectation, in a few words, to stand beside the place.
    pub fn expected(&self) -> Option<String> {
        Some(match self {
            Self::WrongType { expected, .. } => expected.clone(),
            Self::UnknownField { .. } | Self::UnknownWord { .. } => "not known here".to_owned(),
            Self::UnknownSubscriber { .. } => "no such subscriber".to_owned(),
            Self::Status(_) => "a status from 100 to 599".to_owned(),
            Self::CloseCode(_) => "1000, or from 3000 to 4999".to_owned(),
            Self::Condition(_) => "NAME, not NAME, or a map with all or any".to_owned(),
            Self::OneKey(_) => "the second".to_owned(),
            _ => return None,
        })
    }

    /// The way to mend it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownField {
                known, suggestion, ..
            }
            | Self::UnknownWord {
                known, suggestion, ..
            } => match suggestion {
                Some(name) => format!("did you mean '{name}'?"),
                None => format!("known here: {}", known.join(", ")),
            },
            Self::UnknownSubscriber { suggestion, .. } => match suggestion {
                Some(name) => format!("did you mean '{name}'?"),
                None => "describe it under 'subscribers'".to_owned(),
            },
            Self::NeverSaved { suggestion, .. } => match suggestion {
                Some(name) => format!("did you mean '{name}'?"),
                None => "write 'save: NAME' in the step that it comes from".to_owned(),
            },
            Self::UnknownVariable { suggestion, .. } => match suggestion {
                Some(name) => format!("did you mean '{name}'?"),
                None => "a step before must save it".to_owned(),
            },
            Self::UnknownRequirement { suggestions, .. } => match suggestions.as_slice() {
                [] => "castspec requirements lists them".to_owned(),
                names => format!("did you mean {}?", names.join(" or ")),
            },
            Self::UnknownMember { known, .. } if known.is_empty() => "it has no members".to_owned(),
            Self::UnknownMember { known, .. } => format!("it has {}", known.join(", ")),
            Self::UnknownCase(_) => {
                "a case is there once an event has been published about it; 'a' always is".to_owned()
            }
            Self::NotSubscribed { .. } => {
                "a step before must subscribe it or ask for its subscription".to_owned()
            }
            Self::SavedTwice { .. } | Self::ReservedName(_) => "take another name".to_owned(),
            Self::JudgesNothing => {
                "name a requirement beside what is expected, or the scenario shows nothing".to_owned()
            }
            Self::ExpectsNothing => {
                "say what must hold: status, content_type, has, request, described or refusal".to_owned()
            }
            Self::NoCounterpart(kind) => {
                format!("a hub that refuses everything would pass; add a '{kind}' that must be accepted")
            }
            Self::NoWebSocket(_) => {
                "STU1 has webhooks only, and 'channel: webhook' makes one; leave these out, or the version"
                    .to_owned()
            }
            Self::NoCallback(_) => {
                "write 'channel: webhook' beside its events, or run it under STU1 alone".to_owned()
            }
            Self::NoSuchChannel { .. } => {
                "STU1 has webhooks, STU2 has webhooks and WebSockets, and STU3 has WebSockets".to_owned()
            }
            Self::JudgesNothingIn(_) => "take the version out, or judge something that it states".to_owned(),
            Self::Method(_) => "methods are in upper case, such as POST".to_owned(),
            _ => return None,
        })
    }
}
