//! The way of events out of a run: nothing secret leaves, and verdicts are counted.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;

use crate::outcome::{Disposition, RunEvent, Summary};
use crate::protocol::Version;
use crate::redaction::Redactor;

/// Emits the events of a run, with secrets replaced.
#[derive(Clone)]
pub(super) struct Emitter {
    events: mpsc::UnboundedSender<RunEvent>,
    redactor: Redactor,
    summary: Arc<std::sync::Mutex<Summary>>,
    subjects: Arc<std::sync::Mutex<BTreeSet<(Version, String)>>>,
}

/// All that was emitted; its emitter is gone.
pub(super) async fn gathered(mut incoming: mpsc::UnboundedReceiver<RunEvent>) -> Vec<RunEvent> {
    let mut events = Vec::new();
    while let Some(event) = incoming.recv().await {
        events.push(event);
    }
    events
}

impl Emitter {
    /// An emitter of the run itself, which counts verdicts.
    pub(super) fn new(events: mpsc::UnboundedSender<RunEvent>, redactor: Redactor) -> Self {
        Self {
            events,
            redactor,
            summary: Arc::default(),
            subjects: Arc::default(),
        }
    }

    /// The verdicts so far.
    pub(super) fn summary(&self) -> Summary {
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An emitter whose events are kept apart from those of the run.
    pub(super) fn apart(&self) -> (Self, mpsc::UnboundedReceiver<RunEvent>) {
        let (events, incoming) = mpsc::unbounded_channel();
        let apart = Self {
            events,
            redactor: self.redactor.clone(),
            summary: Arc::default(),
            subjects: Arc::default(),
        };
        (apart, incoming)
    }

    /// Emits an event.
    pub(super) fn send(&self, mut event: RunEvent) {
        match &mut event {
            RunEvent::CheckJudged(check) => self.redactor.check(check),
            RunEvent::Observed(observation) => {
                observation.reading = self.redactor.text(&observation.reading);
                self.subjects
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert((observation.fhircast_version, observation.subject.clone()));
            }
            RunEvent::HubLost(lost) => {
                lost.request = self.redactor.text(&lost.request);
                lost.problem = self.redactor.text(&lost.problem);
            }
            RunEvent::Accommodated(accommodation) => {
                accommodation.what = self.redactor.text(&accommodation.what);
            }
            RunEvent::ScenarioEnded(ended) => match &mut ended.disposition {
                Disposition::Skipped(why)
                | Disposition::Inconclusive(why)
                | Disposition::Unjudged(why)
                | Disposition::Error(why) => {
                    *why = self.redactor.text(why);
                }
                Disposition::Completed => {}
            },
            RunEvent::RunBegan(_) | RunEvent::ScenarioBegan(_) | RunEvent::RunEnded(_) => {}
        }
        if let RunEvent::CheckJudged(check) = &event {
            self.summary
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(check.verdict);
        }
        // Nobody may be listening any more; the run goes on for those who await its summary.
        let _ = self.events.send(event);
    }
}
