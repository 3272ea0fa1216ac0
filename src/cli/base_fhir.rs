//! The option that says what it weighs that a published resource is not FHIR R4: one for all commands that judge subscribers.

use clap::{Args, ValueEnum};

use castspec_judging::subscriber::BaseFhir;

/// What it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Weight {
    /// Who publishes it breaks a SHALL
    Fail,
    /// It is noted, and breaks nothing
    Note,
    /// It is not looked at
    Off,
}

/// The option, as commands take it.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct BaseFhirArgument {
    /// What it weighs that a resource which a subscriber publishes is not FHIR R4. A hub is never blamed for it, and neither is
    /// a message whose sender is not known
    #[arg(long, value_enum, value_name = "WEIGHT", default_value = "fail")]
    base_fhir: Weight,
}

impl BaseFhirArgument {
    pub(super) fn weight(self) -> BaseFhir {
        match self.base_fhir {
            Weight::Fail => BaseFhir::Fail,
            Weight::Note => BaseFhir::Note,
            Weight::Off => BaseFhir::Off,
        }
    }
}
