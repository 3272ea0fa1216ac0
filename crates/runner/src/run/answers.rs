//! Judging HTTP answers by what a scenario expects of them.

use super::scenario_run::{ScenarioRun, Stop, answer_variable, breach_of};
use crate::client::{Answer, NoAnswer, OutgoingRequest};
use crate::judging::hub::{Breach, Place, ids, shortened};
use crate::scenario::{
    AnswerExpectation, ContentTypeExpectation, Mismatch, RequestKind, StatusExpectation, Unmet, mismatches,
};

/// What a request is to the scenario.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'s> {
    /// What it asks for, for telling refusals from refusing everything.
    pub kind: Option<RequestKind>,
    /// The name to save the answer under.
    pub save: Option<&'s str>,
    /// What must hold of the answer.
    pub expectations: &'s [AnswerExpectation],
    /// The rest builds on its being accepted, where no expectation speaks of the status.
    pub must_be_accepted: bool,
    /// It is spoiled: its acceptance makes no refusal meaningful.
    pub spoiled: bool,
}

impl ScenarioRun<'_> {
    /// Sends a request and judges its answer.
    pub async fn ask(
        &mut self,
        by: &str,
        request: &OutgoingRequest,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let sent = self.transmit(by, request).await;
        self.judge_exchange(request, sent, asked).await
    }

    /// Judges an answer, or that none came.
    pub async fn judge_exchange(
        &mut self,
        request: &OutgoingRequest,
        sent: Result<Answer, NoAnswer>,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Err(self.no_answer(request, &error, asked).await),
        };
        if let Some(name) = asked.save {
            self.state.variables.set(name, answer_variable(&answer));
        }
        self.judge_answer(&answer, asked)?;
        Ok(answer)
    }

    async fn no_answer(&mut self, request: &OutgoingRequest, error: &NoAnswer, asked: Asked<'_>) -> Stop {
        let stop = self.unanswered(request, error).await;
        if !self.is_alone && !error.timed_out && !matches!(stop, Stop::HubLost(_)) {
            // It may be what others do at the same time.
            self.crowded = true;
            return stop;
        }
        let (Stop::Unreached(why) | Stop::HubLost(why)) = &stop else {
            return stop;
        };
        let ended = matches!(stop, Stop::HubLost(_));
        if ended && !self.is_alone {
            // Whose request it was that the hub went down on is not known yet.
            return stop;
        }
        let stated = asked.expectations.iter().filter_map(|expectation| {
            let requirement = expectation.requirement.as_ref()?;
            Some((requirement.value.clone(), expectation.unmet.unwrap_or_default()))
        });
        let mut owed: Vec<_> = stated.collect();
        if owed.is_empty()
            && let Some(kind) = asked.kind
        {
            owed.push((answer_owed(kind).into(), Unmet::ByLevel));
        }
        let message = match ended {
            true => format!(
                "the hub went down on {} {}, sent while nothing else was: {}",
                request.method, request.url, error.problem
            ),
            false => why.clone(),
        };
        for (requirement, unmet) in owed {
            let breach = Breach {
                message: shortened(&message),
                expected: Some("an HTTP answer".to_owned()),
                observed: Some(error.problem.clone()),
                places: vec![
                    Place::at(error.spot.sequence.saturating_sub(1)),
                    Place::at(error.spot.sequence),
                ],
                unmet,
                ..Breach::default()
            };
            self.ended_unanswered |= ended;
            self.judge.broken(&requirement, breach);
        }
        stop
    }

    /// Judges an answer that came.
    pub fn judge_answer(&mut self, answer: &Answer, asked: Asked<'_>) -> Result<(), Stop> {
        let took = answer.spot.at.saturating_sub(answer.request.at);
        self.setting.patience.answered_after(took);
        if answer.is_accepted()
            && !asked.spoiled
            && let Some(kind) = asked.kind
        {
            self.judge.accepted(kind);
        }
        let speaks_of_status = asked
            .expectations
            .iter()
            .any(|expectation| expectation.status.is_some());
        if asked.must_be_accepted && !speaks_of_status && !answer.is_accepted() {
            return Err(Stop::Unreached(refusal(answer)));
        }
        for expectation in asked.expectations {
            let counts = !expectation.of_refusal || answer.is_refused();
            if counts && self.holds(expectation.when.as_ref())? {
                self.judge_expectation(answer, expectation, asked.kind)?;
            }
        }
        Ok(())
    }

    fn judge_expectation(
        &mut self,
        answer: &Answer,
        expectation: &AnswerExpectation,
        kind: Option<RequestKind>,
    ) -> Result<(), Stop> {
        let mut found = Vec::new();
        let mut unmet = expectation.unmet.unwrap_or_default();
        if let Some(status) = &expectation.status {
            let nobody_looked = answer.status >= 400 && !answer.is_refused();
            if nobody_looked && !matches!(status, StatusExpectation::Any) {
                let why = format!(
                    "the hub answered {}, which says nothing of the request itself",
                    answer.status
                );
                return match &expectation.requirement {
                    Some(requirement) => {
                        self.judge.unreached(&requirement.value, &why);
                        Ok(())
                    }
                    None => Err(Stop::Unreached(why)),
                };
            }
            found.extend(status_mismatch(status, answer));
        }
        if let Some(wanted) = &expectation.content_type
            && let Some((mismatch, missing)) = type_mismatch(wanted, answer)
        {
            found.push(mismatch);
            // A header that is not there says nothing wrong (ambiguities, 5).
            if missing && found.len() == 1 && unmet == Unmet::ByLevel {
                unmet = Unmet::Warn;
            }
        }
        // The body of a refusal is not the document that was asked for.
        if kind.is_none()
            && expectation.status.is_none()
            && !expectation.has.is_empty()
            && !answer.is_accepted()
            && let Some(requirement) = &expectation.requirement
        {
            self.judge.unreached(&requirement.value, &refusal(answer));
            return Ok(());
        }
        let of_body = found.is_empty();
        if !expectation.has.is_empty() {
            match &answer.json {
                Some(body) => found.extend(mismatches(&expectation.has, Some(body), &self.state.variables)?),
                None => found.push(Mismatch {
                    pointer: String::new(),
                    expected: "a JSON body".to_owned(),
                    observed: described(&answer.text),
                }),
            }
        }
        if expectation.described == Some(true) && answer.text.trim().is_empty() {
            found.push(Mismatch {
                pointer: String::new(),
                expected: "a description of the error in the body".to_owned(),
                observed: "an empty body".to_owned(),
            });
        }
        // A place in the body, though it be the body itself: nothing of a status or a header.
        let in_body = found.first().filter(|_| of_body);
        let places = vec![
            Place::at(answer.request.sequence),
            Place {
                sequence: answer.spot.sequence,
                pointer: in_body.map(|mismatch| mismatch.pointer.clone()),
            },
        ];
        match &expectation.requirement {
            Some(requirement) if found.is_empty() => {
                // A refusal, and what is said of it, counts only where the same kind of request, put right, is accepted.
                let refused = matches!(expectation.status, Some(StatusExpectation::Refused))
                    || (expectation.status.is_none() && answer.is_refused());
                match kind {
                    Some(kind) if refused => {
                        self.judge
                            .refused(&requirement.value, kind, Place::at(answer.spot.sequence));
                    }
                    _ => self.judge.held(&requirement.value),
                }
                Ok(())
            }
            Some(requirement) => {
                let breach = breach_of(&found, "the hub's answer", places, unmet);
                self.judge.broken(&requirement.value, breach);
                Ok(())
            }
            None if found.is_empty() => Ok(()),
            None => Err(Stop::Unreached(
                breach_of(&found, "the hub's answer", places, unmet).message,
            )),
        }
    }
}

/// The requirement by which a request of this kind is owed an answer.
fn answer_owed(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Subscribe => ids::SUBSCRIBE_202,
        RequestKind::Unsubscribe => ids::UNSUBSCRIBE_202,
        RequestKind::Publish => ids::PUBLISH_ANSWERED,
    }
}

/// A refusal in one sentence.
pub fn refusal(answer: &Answer) -> String {
    shortened(&format!(
        "the hub refused a proper request with {}: {}",
        answer.status,
        described(&answer.text)
    ))
}

fn described(text: &str) -> String {
    match text.trim() {
        "" => "an empty body".to_owned(),
        text => text.to_owned(),
    }
}

fn status_mismatch(wanted: &StatusExpectation, answer: &Answer) -> Option<Mismatch> {
    let (holds, expected) = match wanted {
        StatusExpectation::Accepted => (answer.is_accepted(), "a 2xx status".to_owned()),
        StatusExpectation::Refused => (answer.is_refused(), "a 4xx or 5xx status".to_owned()),
        StatusExpectation::Any => (
            answer.is_accepted() || answer.status >= 400,
            "a 2xx, 4xx or 5xx status".to_owned(),
        ),
        StatusExpectation::OneOf(codes) => {
            let listed: Vec<String> = codes.iter().map(u16::to_string).collect();
            (
                codes.contains(&answer.status),
                format!("status {}", listed.join(" or ")),
            )
        }
    };
    let observed = format!("status {}", answer.status);
    (!holds).then_some(Mismatch {
        pointer: String::new(),
        expected,
        observed,
    })
}

fn type_mismatch(wanted: &ContentTypeExpectation, answer: &Answer) -> Option<(Mismatch, bool)> {
    let media_type = answer.media_type();
    let (holds, expected) = match wanted {
        ContentTypeExpectation::Json => (
            media_type.as_deref() == Some("application/json"),
            "application/json",
        ),
        ContentTypeExpectation::ErrorText => (
            // JSON by any name can be read as JSON: an OperationOutcome is application/fhir+json.
            media_type.as_deref().is_some_and(|media_type| {
                matches!(media_type, "text/plain" | "application/json") || media_type.ends_with("+json")
            }),
            "text/plain or JSON",
        ),
    };
    let observed = media_type.as_ref().map_or_else(
        || "no Content-Type".to_owned(),
        |media_type| format!("Content-Type {media_type}"),
    );
    let expected = format!("Content-Type {expected}");
    (!holds).then(|| {
        (
            Mismatch {
                pointer: String::new(),
                expected,
                observed,
            },
            media_type.is_none(),
        )
    })
}
