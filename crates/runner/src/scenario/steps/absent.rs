//! `absent`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::bound::Bound;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::selector::Selector;
use crate::scenario::written::{EventText, RequirementText, SubscriberName, UnmetText};
use crate::schema::Unmet;

/// A message must not come. A marker event, published after it and received, shows that it would have come by then.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "absent")]
pub struct Absent {
    /// Who must not receive it.
    #[schemars(with = "SubscriberName")]
    pub at: Spanned<String>,
    /// The message.
    pub message: Selector,
    /// The requirement that this is judged as.
    #[schemars(with = "RequirementText")]
    pub requirement: Spanned<RequirementId>,
    /// A softer verdict than the requirement's level.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// Who publishes the marker event that must come; another connected subscriber of the topic where none is named, else the
    /// subscriber itself.
    #[schemars(with = "Option<SubscriberName>")]
    pub fence_by: Option<Spanned<String>>,
    /// The marker event; the first `*-open` that the subscriber is subscribed to where none is named.
    #[schemars(with = "Option<EventText>")]
    pub fence_event: Option<Spanned<String>>,
    /// Wait for the target's silence in place of a fence, where nothing could be fenced with.
    #[serde(default)]
    pub quiet: bool,
    /// Not judged where the hub's confirmation grants the message's event to the subscriber after all.
    #[serde(default)]
    pub unless_granted: bool,
    /// What must have come about when the scenario ends, else this shows nothing: the same request put right was accepted, or the
    /// same subscriber was notified.
    pub control: When,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Absent {
    fn describe(&self) -> String {
        let shown_by = match self.quiet {
            true => "a silence shows it",
            false => "a marker event that comes shows it",
        };
        let unless = match self.unless_granted {
            true => ", unless the hub granted it the event",
            false => "",
        };
        format!(
            "{} must not receive {} ({shown_by}){unless}",
            self.at.value,
            self.message.describe()
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.selector(&self.message, node.field("message"));
        checker.at_channel(&self.at, &self.message);
        if let Some(name) = &self.fence_by {
            checker.subscriber(name);
        }
        if let Some(event) = &self.fence_event {
            checker.event(&event.value, event.referenced.into());
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn control(&self) -> Option<&Condition> {
        self.control.as_ref()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        vec![&self.requirement]
    }

    fn waits(&self) -> Bound {
        match self.quiet {
            true => Bound::Quiet,
            false => Bound::Response,
        }
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Publish && !self.quiet
    }
}
