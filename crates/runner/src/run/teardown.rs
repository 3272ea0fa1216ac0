//! Leaving a hub as one found it: unsubscribing, closing WebSockets and, where topics are lent, contexts.

use super::play::Play;
use crate::client::{OutgoingRequest, Verifying};
use crate::judging::hub::subject_id;
use crate::protocol::{Action, EventName, SubscriptionRequest, Version};

/// Ends what the scenario has begun; nothing of it is judged.
pub async fn leave(play: &mut Play<'_>, close_contexts: bool) {
    if close_contexts {
        close_open_contexts(play).await;
    }
    let setting = play.setting;
    leave_webhooks(play).await;
    let names: Vec<String> = play.stage.mocks.keys().cloned().collect();
    for name in names {
        let Ok(mock) = play.mock(&name) else { continue };
        if mock.is_webhook() {
            continue;
        }
        if let (true, Some(endpoint)) = (mock.is_active(), &mock.endpoint) {
            let request = SubscriptionRequest::unsubscribe(&mock.topic, endpoint);
            let outgoing = OutgoingRequest::form(&setting.target.hub_url_text(), &request.to_pairs());
            // A hub that does not answer here has nothing more to lose.
            let _ = play.transmit(&name, &outgoing).await;
        }
        let Ok(mock) = play.mock_mut(&name) else { continue };
        let sockets = mock.socket.take().into_iter().chain(mock.old_sockets.drain(..));
        for socket in sockets {
            if !socket.is_finished() {
                socket.close(1000).await;
            }
        }
    }
}

/// Unsubscribes callbacks, which must still be there for the verification where the version has one.
async fn leave_webhooks(play: &mut Play<'_>) {
    play.account_for_verifications();
    let active = play
        .stage
        .mocks
        .values()
        .filter(|mock| mock.is_webhook() && mock.is_active());
    let names: Vec<String> = active.map(|mock| mock.name.clone()).collect();
    for name in &names {
        let (Ok(request), Ok(mock)) = (play.webhook_unsubscribe(name), play.mock(name)) else {
            continue;
        };
        let Some(callback) = &mock.callback else { continue };
        callback.set_verifying(Verifying::default());
        let answered = callback.verified().len();
        let sent = play.transmit(name, &request).await;
        let accepted = sent.is_ok_and(|answer| answer.is_accepted());
        if accepted && play.setting.target.version == Version::Stu1 {
            let deadline = std::time::Instant::now() + play.setting.target.timing.quiet;
            let verified = |_: &[_], _: &[_]| (callback.verified().len() > answered).then_some(());
            mock.inbox.wait(deadline, verified).await;
        }
    }
}

async fn close_open_contexts(play: &mut Play<'_>) {
    let mut open: Vec<(String, String, EventName, serde_json::Value)> = Vec::new();
    for publication in play.stage.publications.iter().filter(|own| own.accepted) {
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
        let manner = play.setting.dialect.manner();
        let request = play.setting.dialect.request(manner, &topic, message.to_string());
        let _ = play.transmit(&by, &request).await;
    }
}
