//! The defects and fault rules of a running hub, which everything that a server serves shares.

use super::settings::Settings;
use crate::defect::Behaviour;
use crate::faults::FaultRules;

/// The switchable defects and the fault rules of a server. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct FaultInjection {
    pub(super) behaviour: Behaviour,
    pub(super) rules: FaultRules,
}

impl FaultInjection {
    /// The defects of the settings, and no fault rules yet.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            behaviour: Behaviour::new(&settings.defects),
            rules: FaultRules::default(),
        }
    }
}
