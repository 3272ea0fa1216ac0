//! Leaving a hub as one found it: unsubscribing, closing WebSockets and, where topics are lent, contexts.

use super::scenario_run::ScenarioRun;
use crate::client::{NoAnswer, OutgoingRequest, Verifying};
use crate::judging::hub::subject_id;
use crate::protocol::{Action, EventName, Version};

/// Ends what the scenario has begun; nothing of it is judged. The first unsubscribe that got no answer is returned.
pub async fn leave(run: &mut ScenarioRun<'_>, close_contexts: bool) -> Option<NoAnswer> {
    let mut unanswered = None;
    if close_contexts {
        close_open_contexts(run).await;
    }
    let setting = run.setting;
    leave_webhooks(run).await;
    let names: Vec<String> = run.state.mocks.keys().cloned().collect();
    for name in names {
        let Ok(mock) = run.mock(&name) else { continue };
        if let (true, Some(endpoint)) = (mock.is_active(), mock.endpoint())
            && !setting.dialect.goes_down_on_unsubscribes()
        {
            let request = run.unsubscribe_request(mock, endpoint);
            let outgoing = OutgoingRequest::form(setting.dialect.hub_url(), &request.to_pairs());
            if let Err(error) = run.transmit(&name, &outgoing).await {
                unanswered.get_or_insert(error);
            }
        }
        let Ok(mock) = run.mock_mut(&name) else { continue };
        let Some(web_socket) = mock.web_socket_mut() else {
            continue;
        };
        let sockets = web_socket.socket.take().into_iter();
        for socket in sockets.chain(web_socket.old_sockets.drain(..)) {
            if !socket.is_finished() {
                socket.close(1000).await;
            }
        }
    }
    unanswered
}

/// Unsubscribes callbacks, which must still be there for the verification where the version has one.
async fn leave_webhooks(run: &mut ScenarioRun<'_>) {
    run.account_for_verifications();
    let active = run
        .state
        .mocks
        .values()
        .filter(|mock| mock.is_webhook() && mock.is_active());
    let names: Vec<String> = active.map(|mock| mock.name.clone()).collect();
    for name in &names {
        let (Ok(request), Ok(mock)) = (run.webhook_unsubscribe(name), run.mock(name)) else {
            continue;
        };
        let Some(callback) = mock.callback() else { continue };
        callback.set_verifying(Verifying::default());
        let answered = callback.verified().len();
        let sent = run.transmit(name, &request).await;
        let accepted = sent.is_ok_and(|answer| answer.is_accepted());
        if accepted && run.setting.target.version == Version::Stu1 {
            let deadline = std::time::Instant::now() + run.setting.target.timing.quiet;
            let verified = |_: &[_], _: &[_]| (callback.verified().len() > answered).then_some(());
            mock.inbox.wait(deadline, verified).await;
        }
    }
}

async fn close_open_contexts(run: &mut ScenarioRun<'_>) {
    let mut open: Vec<(String, String, EventName, serde_json::Value)> = Vec::new();
    for publication in run
        .state
        .publications
        .iter()
        .filter(|publication| publication.accepted)
    {
        let Some((resource_type, action)) = publication.event.resource() else {
            continue;
        };
        match action {
            Action::Open => {
                if let Ok(close) = format!("{resource_type}-close").parse() {
                    open.push((
                        publication.by.clone().unwrap_or_default(),
                        publication.topic.clone(),
                        close,
                        publication.context.clone(),
                    ));
                }
            }
            Action::Close => open.retain(|(_, _, close, context)| {
                *close != publication.event
                    || subject_id(close, context) != subject_id(&publication.event, &publication.context)
            }),
            Action::Update | Action::Select => {}
        }
    }
    for (by, topic, close, context) in open {
        let timestamp = crate::protocol::Timestamp::from_instant(jiff::Timestamp::now());
        let message = serde_json::json!({
            "timestamp": timestamp.as_str(),
            "id": uuid::Uuid::new_v4().to_string(),
            "event": {"hub.topic": topic, "hub.event": close.as_str(), "context": context},
        });
        let manner = run.setting.dialect.manner();
        let request = run.setting.dialect.request(manner, &topic, message.to_string());
        let _ = run.transmit(&by, &request).await;
    }
}
