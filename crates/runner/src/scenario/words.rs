//! Steps in words, for people who want to know what a scenario does without reading its file.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_saphyr::Spanned;

use super::syntax::{
    Absent, Answer, AnswerExpectation, Bound, ContentTypeExpectation, Expect, ExpectClose, Matcher,
    MessageCheck, MessageSelector, Publish, Request, RequestSubscription, Selector, StatusExpectation, Step,
    Verifying, When,
};

impl Step {
    /// The step in one sentence, without a full stop.
    pub fn in_words(&self) -> String {
        match self {
            Self::Subscribe(names) => match names.as_slice() {
                [one] => format!(
                    "{} subscribes, connects and waits for the confirmation",
                    one.value
                ),
                _ => format!(
                    "{} subscribe, connect and wait for their confirmations, one after the other",
                    listed(names)
                ),
            },
            Self::RequestSubscription(step) => request_subscription(step),
            Self::Connect(step) => {
                let place = match &step.endpoint {
                    Some(endpoint) => endpoint.as_str(),
                    None => "its endpoint",
                };
                let refused = match step.refused {
                    Some(_) => ", which must be refused",
                    None => "",
                };
                when(
                    &step.when,
                    format!("{} connects to {place}{refused}", step.subscriber.value),
                )
            }
            Self::Unsubscribe(step) => when(
                &step.when,
                format!(
                    "{} asks for the end of its subscription{}",
                    step.by.value,
                    answered(&step.answer)
                ),
            ),
            Self::Publish(step) => publish(step),
            Self::Request(step) => request(step),
            Self::GetContext(step) => when(
                &step.when,
                format!(
                    "{} reads the current context{}",
                    step.by.value,
                    answered(&step.answer)
                ),
            ),
            Self::Discover(step) => format!("the configuration document is read{}", answered(&step.answer)),
            Self::Expect(step) => expect(step),
            Self::Absent(step) => absent(step),
            Self::ExpectClose(step) => expect_close(step),
            Self::ExpectExpiry(step) => format!(
                "{} must receive {} from {} until its lease is over, and no longer",
                step.at.value, step.event.value, step.by.value
            ),
            Self::Send(step) => {
                let content = match (&step.text, &step.json) {
                    (Some(_), _) => "a text frame",
                    (_, Some(_)) => "a frame of JSON",
                    _ => "a binary frame",
                };
                format!("{} sends {content} over its WebSocket", step.by.value)
            }
            Self::Disconnect(step) => {
                format!(
                    "{} closes its WebSocket with code {}",
                    step.subscriber.value, step.code
                )
            }
            Self::Abort(name) => format!("the connection of {} ends without a close frame", name.value),
            Self::Answers(step) => when(
                &step.when,
                format!("from now on {} answers: {}", step.of.value, rules(&step.rules)),
            ),
            Self::Verifications(step) => format!(
                "from now on the callback of {} answers intent verifications {}",
                step.of.value,
                verifying(&step.rule)
            ),
            Self::Fence(step) => {
                let publisher = step
                    .by
                    .as_ref()
                    .map_or_else(String::new, |name| format!(" from {}", name.value));
                format!(
                    "a marker event{publisher} must reach {}: all that came before it has come",
                    listed(&step.at)
                )
            }
            Self::Check(step) => {
                let verb = match (&step.requirement, &step.save_whether) {
                    (None, Some(_)) => "may be",
                    _ => "must be",
                };
                let told = format!("{} {verb} {}", shown(&step.value), step.is.describe());
                when(&step.when, told)
            }
            Self::Observe(step) => {
                format!(
                    "what the hub chose about {} is recorded",
                    step.subject.replace('-', " ")
                )
            }
        }
    }
}

fn request_subscription(step: &RequestSubscription) -> String {
    let mut told = match &step.endpoint {
        Some(_) => format!("{} asks to change its subscription", step.by.value),
        None => format!("{} asks for a subscription", step.by.value),
    };
    if let Some(events) = &step.events {
        let _ = write!(told, " to {}", listed(events));
    }
    if let Some(seconds) = step.lease_seconds {
        let _ = write!(told, " for {seconds} s");
    }
    told.push_str(&answered(&step.answer));
    when(&step.when, told)
}

fn publish(step: &Publish) -> String {
    let mut told = format!("{} publishes {}", step.by.value, step.event.value);
    if let Some(times) = step.times {
        let _ = write!(told, " {times} times");
    }
    if let Some(case) = &step.case {
        let _ = write!(told, " about case {case}");
    }
    told.push_str(&saved(step.save.as_ref()));
    told.push_str(&answered(&step.answer));
    when(&step.when, told)
}

fn request(step: &Request) -> String {
    let body = match (&step.form, &step.json, &step.text) {
        (Some(_), _, _) => "a form",
        (_, Some(_), _) => "JSON",
        (_, _, Some(_)) => "a text",
        _ => "nothing",
    };
    let told = format!(
        "{} sends {body} by {} to {}{}",
        step.by.value,
        step.method.as_deref().unwrap_or("POST"),
        step.url.as_deref().unwrap_or("hub.url"),
        answered(&step.answer)
    );
    when(&step.when, told)
}

fn expect(step: &Expect) -> String {
    let verb = match (&step.requirement, &step.save_whether) {
        (None, Some(_)) => "may receive",
        _ => "must receive",
    };
    let mut told = format!("{} {verb} {}", step.at.value, message(&step.message));
    match step.within {
        Bound::Response => {}
        Bound::AckTimeout => told.push_str(" once the hub's time for acknowledgements is over"),
        Bound::Lease => told.push_str(" once the lease is over"),
        Bound::Past => told.push_str(", and must have it already"),
        Bound::Quiet => told.push_str(" before a silence"),
    }
    if !step.checks.is_empty() {
        let checks: Vec<String> = step.checks.iter().map(checked).collect();
        let _ = write!(told, ", in which {}", checks.join("; "));
    }
    told.push_str(&saved(step.save.as_ref()));
    when(&step.when, told)
}

fn checked(check: &MessageCheck) -> String {
    let of_request = match check.request.is_empty() {
        true => None,
        false => Some(format!("of the request, {}", places(&check.request))),
    };
    let of_message = (!check.has.is_empty()).then(|| places(&check.has));
    let told: Vec<String> = of_message.into_iter().chain(of_request).collect();
    told.join(" and ")
}

fn absent(step: &Absent) -> String {
    let shown_by = match step.quiet {
        true => "a silence shows it",
        false => "a marker event that comes shows it",
    };
    let mut told = format!(
        "{} must not receive {} ({shown_by})",
        step.at.value,
        message(&step.message)
    );
    if step.unless_granted {
        told.push_str(", unless the hub granted it the event");
    }
    when(&step.when, told)
}

fn expect_close(step: &ExpectClose) -> String {
    let mut told = format!("the hub must close the WebSocket of {}", step.at.value);
    if step.not_before_lease.is_some() {
        told.push_str(", but not before the lease is over");
    }
    when(&step.when, told)
}

fn message(selector: &Selector) -> String {
    let mut told = match selector.kind {
        MessageSelector::Confirmation => "the confirmation of its subscription",
        MessageSelector::Denial => "a denial",
        MessageSelector::Notification => "a notification",
        MessageSelector::SyncError => "a SyncError",
        MessageSelector::Verification => "the verification of its intent",
    }
    .to_owned();
    if let Some(event) = &selector.event {
        let _ = write!(told, " of {event}");
    }
    if let Some(of) = &selector.of {
        let _ = write!(told, " of '{}'", of.value);
    }
    if let Some(after) = &selector.after {
        let _ = write!(told, " after '{}'", after.value);
    }
    if !selector.has.is_empty() {
        let _ = write!(told, " in which {}", places(&selector.has));
    }
    told
}

fn places(has: &BTreeMap<String, Matcher>) -> String {
    let told: Vec<String> = has
        .iter()
        .map(|(pointer, matcher)| match pointer.as_str() {
            "" => format!("there is {}", matcher.describe()),
            pointer => format!("{pointer} is {}", matcher.describe()),
        })
        .collect();
    told.join(" and ")
}

fn answered(expectations: &[AnswerExpectation]) -> String {
    let mut told = Vec::new();
    for own in expectations {
        match &own.status {
            Some(StatusExpectation::Accepted) => told.push("be accepted".to_owned()),
            Some(StatusExpectation::Refused) => told.push("be refused".to_owned()),
            Some(StatusExpectation::Any) => told.push("be answered".to_owned()),
            Some(StatusExpectation::OneOf(codes)) => {
                let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
                told.push(format!("be answered with {}", codes.join(" or ")));
            }
            None => {}
        }
        match own.content_type {
            Some(ContentTypeExpectation::Json) => told.push("be answered in JSON".to_owned()),
            Some(ContentTypeExpectation::ErrorText) => told.push("be answered in text or JSON".to_owned()),
            None => {}
        }
        if !own.has.is_empty() {
            told.push(format!("have an answer in which {}", places(&own.has)));
        }
        if own.described == Some(true) {
            told.push("have an answer that says why".to_owned());
        }
    }
    match told.is_empty() {
        true => String::new(),
        false => format!(", which must {}", told.join(" and ")),
    }
}

fn rules(rules: &[Answer]) -> String {
    if rules.is_empty() {
        return "everything with 200".to_owned();
    }
    let told: Vec<String> = rules
        .iter()
        .map(|rule| {
            let what = rule.event.as_deref().unwrap_or("everything");
            let how = match rule.never {
                true => "never".to_owned(),
                false => format!(
                    "with {}{}",
                    rule.status.unwrap_or(200),
                    match rule.as_text {
                        true => " as text",
                        false => "",
                    }
                ),
            };
            let delay = rule
                .after_ms
                .map_or_else(String::new, |milliseconds| format!(" after {milliseconds} ms"));
            format!("{what} {how}{delay}")
        })
        .collect();
    told.join(", ")
}

fn verifying(rule: &Verifying) -> String {
    let status = rule.status.unwrap_or(if rule.redirect { 302 } else { 200 });
    let mut told = format!("with {status}");
    match &rule.body {
        _ if rule.redirect => told.push_str(" and another place, which has the challenge"),
        None => told.push_str(" and the challenge"),
        Some(body) if body.is_empty() => told.push_str(" and nothing"),
        Some(body) => {
            let _ = write!(told, " and '{body}'");
        }
    }
    if let Some(milliseconds) = rule.after_ms {
        let _ = write!(told, " after {milliseconds} ms");
    }
    told
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => super::difference::shown(other),
    }
}

fn saved(name: Option<&Spanned<String>>) -> String {
    name.map_or_else(String::new, |name| format!(" ('{}')", name.value))
}

fn when(condition: &When, told: String) -> String {
    match condition {
        None => told,
        Some(condition) => format!("if {}: {told}", condition.value),
    }
}

fn listed(names: &[Spanned<String>]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(yaml: &str) -> String {
        serde_saphyr::from_str::<Step>(yaml).unwrap().in_words()
    }

    #[test]
    fn steps_read_as_sentences() {
        for (yaml, wanted) in [
            (
                "subscribe: [viewer, reporting]",
                "viewer and reporting subscribe, connect and wait for their confirmations, one after the other",
            ),
            (
                "publish: {by: viewer, event: Patient-open, save: opened, when: not seen}",
                "if not seen: viewer publishes Patient-open ('opened')",
            ),
            (
                "expect: {at: viewer, message: {kind: notification, of: opened}, checks: [{requirement: a, has: {/id: {equals: x}}}]}",
                "viewer must receive a notification of 'opened', in which /id is \"x\"",
            ),
            (
                "request: {by: viewer, text: x, answer: [{status: refused, described: true}]}",
                "viewer sends a text by POST to hub.url, which must be refused and have an answer that says why",
            ),
            (
                "answers: {of: viewer, rules: [{event: Patient-open, status: 409, as_text: true, after_ms: 5}]}",
                "from now on viewer answers: Patient-open with 409 as text after 5 ms",
            ),
            (
                "check: {value: \"${seen}\", is: {equals: true}, save_whether: both}",
                "${seen} may be true",
            ),
            (
                "abort: viewer",
                "the connection of viewer ends without a close frame",
            ),
        ] {
            assert_eq!(words(yaml), wanted);
        }
    }
}
