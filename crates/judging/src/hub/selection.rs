//! Selection of messages by what they are, and by the publication that they come of.

use super::Conversation;
use super::control::{Control, control_received};
use super::publication::{causes, event_of};
use crate::Received;
use crate::protocol::{EventKind, Version};

/// The class of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageClass {
    /// The confirmation of a subscription.
    Confirmation,
    /// A denial.
    Denial,
    /// Any event notification but SyncError.
    Notification,
    /// A `SyncError` notification.
    SyncError,
    /// An intent verification at a callback.
    Verification,
}

/// The messages that are meant, among those that a subscriber received.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Their class.
    pub class: MessageClass,
    /// Their event, without regard to case; any where `None`.
    pub event: Option<String>,
    /// Position of the publication that they come of; any where `None`.
    pub publication: Option<usize>,
    /// They came after this position in the transcript.
    pub after: Option<usize>,
}

impl Selection {
    /// Whether they are events, and not messages about the subscription itself.
    pub fn is_of_events(&self) -> bool {
        matches!(self.class, MessageClass::Notification | MessageClass::SyncError)
    }

    /// Whether this message is one of them.
    pub fn picks(&self, conversation: &Conversation, received: &Received) -> bool {
        received.message().is_some()
            && self.after.is_none_or(|after| received.spot.sequence > after)
            && self.is_of_class(conversation, received)
            && self
                .publication
                .is_none_or(|position| self.comes_of(conversation, received, position))
    }

    fn is_of_class(&self, conversation: &Conversation, received: &Received) -> bool {
        let control = control_received(received);
        // A notification that lacks its name is told by the id of what was published.
        let published = || {
            let origin = conversation.origin(received).filter(|_| control.is_none())?;
            Some(conversation.publications.get(origin)?.event.clone())
        };
        let event = event_of(received).or_else(published);
        let kind = event.as_ref().map(|event| event.kind());
        let is_of_class = match self.class {
            MessageClass::Confirmation => control == Some(Control::Confirmation),
            MessageClass::Denial => control == Some(Control::Denial),
            MessageClass::Verification => {
                // A callback does not take any other method for one.
                let by_get = received.call.as_ref().is_some_and(|call| call.method == "GET");
                control == Some(Control::Verification) && by_get
            }
            MessageClass::Notification => kind.is_some_and(|kind| kind != EventKind::SyncError),
            MessageClass::SyncError => kind == Some(EventKind::SyncError),
        };
        let wanted = self.event.as_ref();
        is_of_class && wanted.is_none_or(|wanted| event.is_some_and(|event| event == **wanted))
    }

    fn comes_of(&self, conversation: &Conversation, received: &Received, position: usize) -> bool {
        let Some(publication) = conversation.publications.get(position) else {
            return false;
        };
        if self.class != MessageClass::SyncError || publication.event.kind() == EventKind::SyncError {
            return conversation.origin(received) == Some(position);
        }
        let causes = received.message().map(causes).unwrap_or_default();
        if causes.is_empty() && conversation.version == Version::Stu1 {
            // There a SyncError need not name its event: it is about the last one before it, or, where nobody gave cause for
            // one, about any.
            let before = publication.requested.sequence < received.spot.sequence;
            let last = conversation.last_event_before(received) == Some(position);
            let is_about_it = last || (before && !conversation.has_refusals(&publication.topic));
            return is_about_it && conversation.origin(received).is_none();
        }
        let ids = conversation.ids_of(position);
        causes.iter().any(|cause| ids.contains(&cause.event_id))
    }
}
