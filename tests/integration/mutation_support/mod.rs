//! Reads the rules of how messages are broken and may vary, and makes mutants of messages by its rules.
//!
//! Nothing here knows what the schema layer says about a mutant: that is the tests' concern.

pub mod bench;
pub mod change;
pub mod constraints;
pub mod pattern;
pub mod rule;
