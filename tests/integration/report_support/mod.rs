//! A run that never was, and the reports made of it.

pub mod junit;
mod rendered;
mod run;
mod sample;

pub use rendered::{console, files, junit_by};
pub use run::Run;
pub use sample::{check, conversation, entry, evidence, sample};
