//! Fences: a marker event that has come shows that everything before it has.

use std::time::{Duration, Instant};

use super::answers::Asked;
use super::scenario_run::{ScenarioRun, Stop};
use crate::protocol::{Action, EventName};
use crate::scenario::{Fence, RequestKind};

impl ScenarioRun<'_> {
    /// `fence`.
    pub async fn fence_step(&mut self, step: &Fence) -> Result<(), Stop> {
        let at: Vec<String> = step.at.iter().map(|name| name.value.clone()).collect();
        let by = step.by.as_ref().map(|name| name.value.as_str());
        let event = step.event.as_ref().map(|name| name.value.as_str());
        self.fence(&at, by, event).await
    }

    /// Publishes a marker and waits until it has come to all of these: what the hub had to send them before is there.
    pub async fn fence(&mut self, at: &[String], by: Option<&str>, event: Option<&str>) -> Result<(), Stop> {
        let Some(first) = at.first() else { return Ok(()) };
        let watched = self.mock(first)?;
        let event = match event {
            Some(event) => self.event(event)?,
            None => self.marker_event(at).ok_or_else(|| {
                Stop::Fault(format!(
                    "nothing that {first} is subscribed to can be published as a fence"
                ))
            })?,
        };
        let topic = watched.topic.clone();
        let suits = |name: &&String| {
            self.state.mocks.get(*name).is_some_and(|mock| {
                let granted = mock
                    .subscription()
                    .is_some_and(|subscription| subscription.current.contains(&event));
                mock.topic == topic && mock.is_active() && granted
            })
        };
        let by = match by {
            Some(by) => by.to_owned(),
            None => {
                let mut names = self.state.mocks.keys().filter(suits);
                let other = names.find(|name| !at.contains(name)).cloned();
                other.unwrap_or_else(|| first.clone())
            }
        };
        let number = self.state.publications.len();
        let draft = self.draft(&by, event, &format!("fence-{number}"))?;
        let asked = Asked {
            kind: Some(RequestKind::Publish),
            save: None,
            expectations: &[],
            must_be_accepted: false,
            spoiled: false,
        };
        self.post(draft, asked, true, None).await?;
        let Some(marker) = self.state.publications.get(number).cloned() else {
            return Err(Stop::Unreached(
                "the marker of a fence could not be published".to_owned(),
            ));
        };
        if !marker.accepted && marker.event.is(Action::Close) {
            // A hub may refuse the close of what is not open: then a silence must serve.
            self.let_the_hub_act().await;
            return Ok(());
        }
        if !marker.accepted {
            return Err(Stop::Unreached(format!(
                "the hub refused {}, the marker of a fence",
                marker.event
            )));
        }
        let awaited = format!("the marker {} of a fence", marker.event);
        let whole = self.deadline(Duration::ZERO);
        let quiet = self.setting.target.timing.quiet;
        let wait = self.setting.patience.wait(&awaited, Instant::now(), whole, quiet);
        for name in at {
            let inbox = self.mock(name)?.inbox.clone();
            let seen = inbox
                .wait(wait.until, |received, _| {
                    received
                        .iter()
                        .any(|message| self.state.origin(message) == Some(number))
                        .then_some(())
                })
                .await;
            if seen.is_none() {
                if wait.in_vain_before.is_none() {
                    self.setting.patience.missed(&awaited, &self.title);
                }
                return Err(Stop::Unreached(format!(
                    "the marker event {} that was to show what {name} does not receive did not come to it",
                    marker.event
                )));
            }
        }
        Ok(())
    }

    /// An event that all of these are granted: an open event before any other, and SyncError last.
    fn marker_event(&self, at: &[String]) -> Option<EventName> {
        let granted = |name: &String| {
            self.state
                .mocks
                .get(name)?
                .subscription()
                .map(|subscription| subscription.current.clone())
        };
        let mut candidates = granted(at.first()?)?;
        for name in &at[1..] {
            let granted_to_it = granted(name)?;
            candidates.retain(|event| granted_to_it.contains(event));
        }
        let weight = |event: &EventName| match event.resource() {
            Some((_, Action::Open)) => 0,
            Some((_, Action::Close)) => 2,
            Some(_) => 4,
            None if *event == *"SyncError" => 3,
            None => 1,
        };
        candidates.sort_by_key(weight);
        candidates.into_iter().next()
    }
}
