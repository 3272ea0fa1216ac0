//! What the hub holds for the same thing: contexts, resources of the content, versions, subscribers.

use super::Behaviour;
use crate::defect::Defect;

/// The type and the id of a resource.
type Named<'a> = (&'a str, &'a str);

/// Contexts and resources.
impl Behaviour {
    /// Whether the close of one context closes this open one.
    pub(crate) fn closes(&self, named: Named, open: Named) -> bool {
        let (named_type, named_id) = named;
        let (open_type, open_id) = open;
        named == open
            || self.has(Defect::CloseClosesEverything)
            || (self.has(Defect::CloseByTypeAlone) && named_type == open_type)
            || (self.has(Defect::CloseByIdAlone) && named_id == open_id)
            || (named_type == open_type && self.is_like(named_id, open_id))
    }

    /// Whether a change of one resource is for this one of the content.
    pub(crate) fn changes(&self, named: Named, held: Named) -> bool {
        let (named_type, named_id) = named;
        let (held_type, held_id) = held;
        named == held
            || (self.has(Defect::ContentByIdAlone) && named_id == held_id)
            || (named_type == held_type && self.is_like(named_id, held_id))
    }

    fn is_like(&self, named: &str, known: &str) -> bool {
        (self.has(Defect::IdsInAnyCase) && named.eq_ignore_ascii_case(known))
            || (self.has(Defect::IdsByTheirBeginning) && known.starts_with(named))
    }

    /// Whether an update that puts resources deletes none.
    pub(crate) fn skips_deletes_beside_puts(&self) -> bool {
        self.has(Defect::DeletesBesidePutsSkipped)
    }

    /// Whether an update deletes in every open context.
    pub(crate) fn deletes_everywhere(&self) -> bool {
        self.has(Defect::DeletesEverywhere)
    }

    pub(crate) fn counts_opens(&self) -> bool {
        self.has(Defect::OpensCounted)
    }

    /// Whether a context that was closed stays so when it is opened again.
    pub(crate) fn closes_for_good(&self) -> bool {
        self.has(Defect::ClosedForGood)
    }
}

/// Versions.
impl Behaviour {
    /// The version that a context gets when it is opened.
    pub(crate) fn opening_version(&self, (resource_type, id): Named, is_open: bool, next: String) -> String {
        if self.has(Defect::VersionsBeginAnew) && !is_open {
            format!("{resource_type}-{id}-1")
        } else {
            self.version(next)
        }
    }

    /// Of the versions that an update states, those that are compared with the context's.
    pub(crate) fn versions_looked_at(&self, mut stated: Vec<String>) -> Vec<String> {
        if self.has(Defect::StaleVersionBesideRightOne) {
            stated.truncate(1);
        }
        if self.has(Defect::VersionsTrimmed) {
            for version in &mut stated {
                *version = version.trim().to_owned();
            }
        }
        stated
    }

    /// Whether an update may state any version that some context of the topic has had.
    pub(crate) fn takes_known_versions(&self) -> bool {
        self.has(Defect::KnownVersionTaken)
    }
}

/// Subscribers.
impl Behaviour {
    /// Whether a request of one subscriber is for all that have its name.
    pub(crate) fn knows_subscribers_by_name(&self) -> bool {
        self.has(Defect::SubscribersByName)
    }

    /// Whether the unsubscribe of what is not subscribed ends the earliest subscription of the topic.
    pub(crate) fn ends_another(&self) -> bool {
        self.has(Defect::UnknownUnsubscribeEndsAnother)
    }

    /// Whether the unsubscribe of what is not subscribed leaves the earliest subscriber of the topic without events.
    pub(crate) fn silences_another(&self) -> bool {
        self.has(Defect::UnknownUnsubscribeSilencesAnother)
    }

    /// Whether those who have the name of the subscriber that failed are left out of a SyncError about it.
    pub(crate) fn leaves_namesakes_out(&self) -> bool {
        self.has(Defect::NamesakesUntold)
    }
}
