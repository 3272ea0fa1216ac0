//! The schemas of FHIRcast's messages, and judging messages by them in terms of requirements.
//!
//! A schema in `schemas/<version>` names, beside its keywords, the requirement that each one enforces: `x-requirement` is an id for
//! all keywords of its schema object and of those within that have none of their own, or an object from keyword to id, where
//! `required` may go on to an object from member to id. In place of an id, `{"id": …, "unmet": "warn" | "note"}` softens the
//! verdict. This room knows no sockets, scenarios or verdicts.

mod agreement;
mod documents;
mod judging;
mod kind;
mod naming;

pub use judging::{Judgement, Schemas, Softening, Violation};
pub use kind::MessageKind;

/// Why the schemas cannot be used: a fault of castspec's, not of a message.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A file is not JSON.
    #[error("schemas/{file}: {problem}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A file is no schema.
    #[error("the schema {uri} cannot be compiled: {problem}")]
    Compile {
        /// The schema's `$id`.
        uri: String,
        /// What is wrong.
        problem: String,
    },
    /// There are no schemas for this version.
    #[error("there are no schemas for {0} yet; STU3 has some")]
    NoVersion(crate::protocol::Version),
}
