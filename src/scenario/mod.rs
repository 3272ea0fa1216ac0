//! The scenario language: what mock subscribers do to a hub and what must then be seen, as YAML files.
//!
//! This room reads files into [`Document`]s, tells every mistake with line and column, and evaluates variables and matchers.
//! It knows requirements and the protocol, but nothing of sockets, time or verdicts.

mod difference;
mod matcher;
mod near;
mod syntax;
mod template;
mod variables;

pub use matcher::{MatcherFault, Mismatch, NotHeld, TYPE_NAMES, equal, mismatches};
pub use syntax::*;
pub use template::{TemplateError, Templates, new_case};
pub use variables::{Condition, Piece, Reference, VariableError, Variables, pieces};
mod interim;
pub use interim::*;
