//! Leaving a hub as one found it: what the scenario has begun is ended, that and nothing else.
//!
//! A topic that was made up for the scenario is nobody else's: what is open in it harms nobody. In one that is lent, the next
//! would find a patient of this scenario's; there contexts are closed.

use std::time::{Duration, Instant};

use super::begun::{BegunSubscription, Channel};
use super::mock_subscriber::MockSubscriber;
use super::scenario_run::ScenarioRun;
use crate::client::{NoAnswer, OutgoingRequest, Verifying};
use crate::protocol::{Version, join_events};

/// How long the requests by which a scenario leaves may take; closing WebSockets comes on top.
const REQUESTS_BOUND: Duration = Duration::from_secs(20);

/// `subscriber.name`.
const NAME: &str = "subscriber.name";

/// Ends what the scenario has begun; nothing of it is judged. The first unsubscribe that got no answer is returned.
pub async fn leave(run: &mut ScenarioRun<'_>, close_contexts: bool) -> Option<NoAnswer> {
    let requests = async {
        if close_contexts {
            close_open_contexts(run).await;
        }
        leave_webhooks(run).await;
        leave_endpoints(run).await
    };
    let unanswered = tokio::time::timeout(REQUESTS_BOUND, requests).await;
    close_sockets(run).await;
    unanswered.unwrap_or_default()
}

/// Unsubscribes every endpoint that the hub gave, each by itself.
async fn leave_endpoints(run: &ScenarioRun<'_>) -> Option<NoAnswer> {
    if run.setting.dialect.goes_down_on_unsubscribes() {
        return None;
    }
    for begun in run.state.begun.subscriptions() {
        let Channel::Endpoint(endpoint) = &begun.channel else {
            continue;
        };
        if was_ended_by_hub(run, &begun) {
            continue;
        }
        let mut refused = true;
        for parameters in manners(run, &begun, endpoint) {
            if !refused {
                break;
            }
            let request = OutgoingRequest::form(run.setting.dialect.hub_url(), &parameters);
            match run.transmit(&begun.by, &request).await {
                Ok(answer) => refused = answer.is_refused(),
                // Where one hangs, so would the others.
                Err(error) => return Some(error),
            }
        }
    }
    None
}

/// The hub closed the WebSocket, by a close frame: it holds that the subscription is over.
fn was_ended_by_hub(run: &ScenarioRun<'_>, begun: &BegunSubscription) -> bool {
    let Some(mock) = run.state.mocks.get(&begun.by) else {
        return false;
    };
    let closed = mock.inbox.closed();
    closed
        .iter()
        .any(|closed| Some(closed.socket) == begun.socket && closed.by_hub && closed.code.is_some())
}

/// The ways to unsubscribe an endpoint, the best one first; the others are for a hub that refuses it.
fn manners(run: &ScenarioRun<'_>, begun: &BegunSubscription, endpoint: &str) -> Vec<Vec<(String, String)>> {
    let dialect = &run.setting.dialect;
    let mock = run.state.mocks.get(&begun.by);
    let topic = begun.parameter("hub.topic");
    let topic = topic.or(mock.map(|mock| mock.topic.as_str())).unwrap_or_default();
    let mut plain = vec![
        ("hub.channel.type".to_owned(), "websocket".to_owned()),
        ("hub.mode".to_owned(), "unsubscribe".to_owned()),
        ("hub.topic".to_owned(), topic.to_owned()),
        ("hub.channel.endpoint".to_owned(), endpoint.to_owned()),
    ];
    if dialect.unsubscribes_with_events() {
        let asked = begun.parameter("hub.events").map(str::to_owned);
        let events = asked.or_else(|| mock.map(|mock| join_events(&mock.events)));
        plain.extend(events.map(|events| ("hub.events".to_owned(), events)));
    }
    // A hub that tells subscribers apart by their names must end this one alone.
    let mut named = plain.clone();
    named.extend(
        begun
            .parameter(NAME)
            .map(|name| (NAME.to_owned(), name.to_owned())),
    );
    let mut whole = named.clone();
    for (name, value) in dialect.subscribe_parameters() {
        if !whole.iter().any(|(known, _)| *known == name) && name != "hub.lease_seconds" {
            whole.push((name, value));
        }
    }
    let mut manners = vec![named, whole, plain];
    manners.dedup();
    if manners.len() == 3 && manners[0] == manners[2] {
        manners.pop();
    }
    manners
}

/// Closes all WebSockets, at once.
async fn close_sockets(run: &mut ScenarioRun<'_>) {
    let mocks = run.state.mocks.values_mut();
    let sockets: Vec<_> = mocks
        .filter_map(MockSubscriber::web_socket_mut)
        .flat_map(|web_socket| {
            let current = web_socket.socket.take().into_iter();
            current.chain(web_socket.old_sockets.drain(..))
        })
        .filter(|socket| !socket.is_finished())
        .collect();
    futures_util::future::join_all(sockets.iter().map(|socket| socket.close(1000))).await;
}

/// Unsubscribes callbacks, which must still be there for the verification where the version has one.
async fn leave_webhooks(run: &mut ScenarioRun<'_>) {
    run.account_for_verifications();
    let run = &*run;
    let mut awaited = Vec::new();
    for begun in run.state.begun.subscriptions() {
        let Channel::Callback(url) = &begun.channel else {
            continue;
        };
        let mut mocks = run.state.mocks.values();
        let owner = mocks.find_map(|mock| {
            let callback = mock.callback()?;
            (callback.url() == url).then_some((mock, callback))
        });
        let version = run.setting.target.version;
        if let Some((_, callback)) = owner {
            let verified = callback.verified();
            let agreed = verified.iter().rfind(|verified| verified.agreed);
            let last_mode = agreed.and_then(|verified| verified.query.get("hub.mode")?.as_str());
            // It was ended, or it never began: its callback did not agree.
            if last_mode == Some("unsubscribe") || (last_mode.is_none() && !verified.is_empty()) {
                continue;
            }
            callback.set_verifying(Verifying::default());
        }
        let answered = owner.map_or(0, |(_, callback)| callback.verified().len());
        let parameters = mirrored(&begun, version);
        let request = OutgoingRequest::form(run.setting.dialect.hub_url(), &parameters);
        let sent = run.transmit(&begun.by, &request).await;
        let accepted = sent.as_ref().is_ok_and(|answer| answer.is_accepted());
        if let (true, Version::Stu1, Some((mock, callback))) = (accepted, version, owner) {
            awaited.push((mock, callback, answered));
        }
        if sent.is_err() {
            break;
        }
    }
    let timing = run.setting.target.timing;
    // A callback that is gone before it was asked agrees to nothing, and the hub goes on calling it.
    let patience = match run.setting.target.built_in {
        true => timing.quiet,
        false => timing.response,
    };
    let deadline = Instant::now() + patience;
    for (mock, callback, answered) in awaited {
        let verified = |_: &[_], _: &[_]| (callback.verified().len() > answered).then_some(());
        mock.inbox.wait(deadline, verified).await;
    }
}

/// The request that ends a callback's subscription: in STU1 it mirrors the one that began it.
fn mirrored(begun: &BegunSubscription, version: Version) -> Vec<(String, String)> {
    let mut parameters = begun.parameters.clone();
    parameters.retain(|(name, _)| match name.as_str() {
        "hub.mode" => false,
        "hub.events" | "hub.secret" | "hub.lease_seconds" => version == Version::Stu1,
        _ => true,
    });
    parameters.push(("hub.mode".to_owned(), "unsubscribe".to_owned()));
    parameters
}

async fn close_open_contexts(run: &ScenarioRun<'_>) {
    for begun in run.state.begun.contexts() {
        let dialect = &run.setting.dialect;
        let message = begun.closing(jiff::Timestamp::now());
        let request = dialect.request(dialect.manner(), &begun.topic, message);
        if run.transmit(&begun.by, &request).await.is_err() {
            return;
        }
    }
}
