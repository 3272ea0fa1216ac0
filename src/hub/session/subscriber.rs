//! One subscription: what it was granted, how long it lasts and what it has not answered yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::distribution::Distributed;
use crate::protocol::EventName;

/// A notification that awaits its answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) until: Duration,
    pub(super) event: Arc<Distributed>,
}

#[derive(Debug)]
pub(super) struct Subscriber {
    /// The last path segment of its endpoint.
    pub(super) endpoint: Arc<str>,
    /// `subscriber.name`, where it gave one.
    pub(super) name: Option<String>,
    pub(super) granted: Vec<EventName>,
    /// Seconds.
    pub(super) lease: u64,
    pub(super) connected: bool,
    /// When the lease ends or, before the connection, the wait for it.
    pub(super) until: Option<Duration>,
    /// In the order of their deadlines.
    pub(super) unanswered: VecDeque<Unanswered>,
    /// The last notification that was sent to it.
    pub(super) last: Option<Arc<Distributed>>,
    /// For each resource type, the resource of the last open event that it was sent and that was not closed to it.
    pub(super) in_context: Vec<(Arc<str>, Arc<str>)>,
}

impl Subscriber {
    /// What SyncErrors call it: its name, or the beginning of its endpoint's id.
    pub(super) fn display_name(&self) -> String {
        match &self.name {
            Some(name) if !name.is_empty() => name.clone(),
            _ => {
                let short: String = self.endpoint.chars().take(8).collect();
                format!("subscriber {short}")
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let answer = self.unanswered.front().map(|unanswered| unanswered.until);
        self.until.into_iter().chain(answer).min()
    }

    pub(super) fn has_in_context(&self, resource_type: &str, id: &str) -> bool {
        self.in_context
            .iter()
            .any(|(own_type, own_id)| &**own_type == resource_type && &**own_id == id)
    }

    pub(super) fn opened(&mut self, resource_type: &Arc<str>, id: &Arc<str>) {
        match self.in_context.iter_mut().find(|(own, _)| own == resource_type) {
            Some((_, own)) => *own = Arc::clone(id),
            None => self.in_context.push((Arc::clone(resource_type), Arc::clone(id))),
        }
    }

    pub(super) fn closed(&mut self, resource_type: &str, id: &str) {
        self.in_context
            .retain(|(own_type, own_id)| &**own_type != resource_type || &**own_id != id);
    }
}
