//! The scenario language: what mock subscribers do to a hub and what must then be seen, as YAML files.
//!
//! This room reads files into [`Document`]s, tells every mistake with line and column, and evaluates variables and matchers.
//! It knows requirements and the protocol, but nothing of sockets, time or verdicts.

mod adapted;
mod anchor;
mod answer;
mod bound;
mod check;
mod condition;
mod context;
mod cost;
mod describe;
mod difference;
mod document;
mod fault;
mod intrusion;
mod library;
mod matcher;
mod parse;
mod positions;
mod problem;
mod schema;
mod selector;
mod steps;
mod suggestion;
mod template;
mod token;
mod variables;
mod written;

pub use adapted::Adapted;
pub use anchor::{Anchor, Exchange};
pub use answer::{AnswerExpectation, ContentTypeExpectation, Refused, StatusExpectation};
pub use bound::Bound;
pub use condition::{Condition, ConditionKind, When};
pub use context::{ChangedTemplate, ContextError, PublishedContext};
pub use document::{Answer, Channel, Document, Subscriber, Verifying};
pub use fault::{Fault, ScenarioErrors};
pub use library::{Library, LibraryError, Scenario};
pub use matcher::{Matcher, MatcherFault, Mismatch, NotHeld, TYPE_NAMES, equal, mismatches};
pub use problem::Problem;
pub use schema::schema;
pub use selector::{MessageSelector, Selector};
pub use steps::{
    Abort, Absent, ChangeAnswers, ChangeVerifying, CheckValues, Connect, Disconnect, Discover, Expect,
    ExpectClose, ExpectExpiry, Fence, GetContext, MessageCheck, Observe, Publish, PublishAtOnce, Reading,
    Request, RequestSubscription, Send, StayQuiet, Step, Subscribe, Unsubscribe,
};
pub use template::{TemplateError, Templates, new_case};
pub use token::{Restriction, Token, TokenWord};
pub use variables::{Literal, Piece, Reference, VariableError, Variables, pieces};

pub use crate::judging::hub::RequestKind;
pub use crate::schema::Unmet;
