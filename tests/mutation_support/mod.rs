//! Reads `tests/messages/stu3/mutations.yaml` and makes mutants of messages by its rules.
//!
//! Nothing here knows what the schema layer says about a mutant: that is the tests' concern.

pub mod change;
pub mod constraints;
pub mod pattern;
pub mod rule;
