//! The scenario language: what mock subscribers do to a hub and what must then be seen, as YAML files.
//!
//! This room reads files into [`Document`]s, tells every mistake with line and column, and evaluates variables and matchers.
//! It knows requirements and the protocol, but nothing of sockets, time or verdicts.

mod check;
mod difference;
mod fault;
mod library;
mod matcher;
mod near;
mod parse;
mod positions;
mod problem;
mod requirements;
mod syntax;
mod template;
mod variables;
mod weight;
mod words;

pub use fault::{Fault, ScenarioErrors};
pub use library::{Library, LibraryError, Scenario};
pub use matcher::{MatcherFault, Mismatch, NotHeld, TYPE_NAMES, equal, mismatches};
pub use problem::Problem;
pub use requirements::step_requirements;
pub use syntax::*;
pub use template::{TemplateError, Templates, new_case};
pub use variables::{Condition, Piece, Reference, VariableError, Variables, pieces};
