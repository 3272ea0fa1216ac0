//! The scenario language: what mock subscribers do to a hub and what must then be seen, as YAML files.
//!
//! This room reads files into [`Scenario`]s, tells every mistake with line and column, and evaluates variables and matchers.
//! It knows requirements and the protocol, but nothing of sockets, time or verdicts.

mod syntax;

pub use syntax::*;
