//! The contexts of a session: current, versions, content.

use serde_json::{Value, json};

use super::Behaviour;
use crate::defect::Defect;

impl Behaviour {
    pub(crate) fn keeps_current_after_close(&self) -> bool {
        self.has(Defect::CloseKeepsCurrent)
    }

    pub(crate) fn returns_the_oldest(&self) -> bool {
        self.has(Defect::CurrentOldest)
    }

    pub(crate) fn merges_contexts(&self) -> bool {
        self.has(Defect::ContextsMerged)
    }

    pub(crate) fn updates_contexts(&self) -> bool {
        self.has(Defect::ContextUpdated)
    }

    pub(crate) fn hides_changed_resources(&self) -> bool {
        self.has(Defect::ChangedResourcesMissing)
    }

    pub(crate) fn shares_content_among_contexts(&self) -> bool {
        self.has(Defect::ContentShared)
    }

    pub(crate) fn keeps_content_after_close(&self) -> bool {
        self.has(Defect::ContentKeptAfterClose)
    }

    pub(crate) fn drops_content_on_open(&self) -> bool {
        self.has(Defect::ContentDroppedOnOpen)
    }

    /// The version that a context gets.
    pub(crate) fn version(&self, next: String) -> String {
        if self.has(Defect::VersionRepeated) {
            "1".to_owned()
        } else {
            next
        }
    }

    /// The number of times that the content is returned.
    pub(crate) fn content_copies(&self) -> usize {
        if self.has(Defect::CurrentContentMissing) {
            0
        } else if self.has(Defect::CurrentContentTwice) {
            2
        } else {
            1
        }
    }

    pub(crate) fn content_link(&self) -> Option<Value> {
        self.has(Defect::CurrentContentWithLink)
            .then(|| json!([{"relation": "self", "url": "https://hub.example.com"}]))
    }

    pub(crate) fn versions_opens(&self) -> bool {
        !self.has(Defect::OpenWithoutVersion)
    }

    /// The version and the version before that a distributed update states.
    pub(crate) fn update_versions<'a>(&self, next: &'a str, prior: &'a str) -> (&'a str, Option<&'a str>) {
        let next = if self.has(Defect::UpdateKeepsVersion) {
            prior
        } else {
            next
        };
        (next, (!self.has(Defect::PriorVersionMissing)).then_some(prior))
    }

    /// The status of the answer to an update that states another version.
    pub(crate) fn stale_update_status(&self) -> u16 {
        if self.has(Defect::StaleUpdateFails) {
            500
        } else {
            409
        }
    }

    /// Whether an update of so many entries is too much.
    pub(crate) fn fails_on(&self, entries: usize) -> bool {
        self.has(Defect::LargeUpdateFails) && entries > 20
    }

    pub(crate) fn accepts_stale_updates(&self) -> bool {
        self.has(Defect::StaleUpdateAccepted)
    }

    pub(crate) fn applies_refused_updates(&self) -> bool {
        self.has(Defect::PartialUpdate)
    }

    pub(crate) fn keeps_content(&self) -> bool {
        !self.has(Defect::ContentNotKept)
    }

    pub(crate) fn content_bundle_type(&self) -> &'static str {
        if self.has(Defect::CurrentContentWrongType) {
            "transaction"
        } else {
            "collection"
        }
    }

    pub(crate) fn content_request(&self, url: &str) -> Option<Value> {
        self.has(Defect::CurrentContentWithRequest)
            .then(|| json!({"method": "PUT", "url": url}))
    }
}
