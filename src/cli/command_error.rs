//! The error of a command, told in one line.

use castspec_fhircast::fhir::FhirError;
use castspec_fhircast::requirement::CatalogueError;
use castspec_fhircast::schema::SchemaError;
use castspec_hub::UnknownDefect;
use castspec_judging::capture::CaptureError;
use castspec_runner::client::{CallbackError, TrustError};
use castspec_runner::recorded::RecordingError;
use castspec_runner::recorder::RecorderError;
use castspec_runner::replay::{ReplayError, ReplayHubError};
use castspec_runner::run::{MaterialsError, RunError, TargetError};
use castspec_runner::scenario::{LibraryError, ScenarioErrors, TemplateError};

use super::hub::HubCommandError;
use crate::builtin::BuiltinError;
use crate::expectation::ExpectationError;
use crate::report::{MergeError, ReportError, StoredError};
use crate::selfcheck::{PageError, SelfCheckError};

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CommandError(String);

impl CommandError {
    /// An error told in this line.
    pub fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

macro_rules! told_in_their_own_words {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}

// Errors that name the file or hub that they are about, so that `?` suffices. `std::io::Error` names none and is left out
// on purpose: whoever meets one says what could not be read or written.
told_in_their_own_words! {
    &FhirError,
    CallbackError,
    CaptureError,
    CatalogueError,
    RecordingError,
    ExpectationError,
    HubCommandError,
    LibraryError,
    MaterialsError,
    MergeError,
    PageError,
    RecorderError,
    ReplayError,
    ReplayHubError,
    ReportError,
    RunError,
    ScenarioErrors,
    SchemaError,
    SelfCheckError,
    BuiltinError,
    StoredError,
    TargetError,
    TemplateError,
    TrustError,
    UnknownDefect,
    serde_json::Error,
}
