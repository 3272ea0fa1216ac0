use serde_json::{Value, json};

use super::*;
use crate::capture::{Line, Side};
use crate::protocol::Version;

const HUB: &str = "https://hub.example.com/fhircast";
const ENDPOINT: &str = "wss://hub.example.com/socket/1";
const CALLBACK: &str = "http://viewer.example.com/callback";

/// Decodes lines that are 10 ms apart.
fn decode(lines: impl IntoIterator<Item = Value>) -> RecordedConversation {
    let lines = lines.into_iter().enumerate().map(|(number, mut line)| {
        line["at_ms"] = json!(number * 10);
        serde_json::from_value::<Line>(line).unwrap()
    });
    RecordedConversation::decode(HUB, lines)
}

fn request(exchange: u64, token: &str, body: &str) -> Value {
    json!({"kind": "request", "exchange": exchange, "method": "POST", "url": HUB,
        "headers": [["Authorization", token]], "body": body})
}

fn get(exchange: u64, url: &str) -> Value {
    json!({"kind": "request", "exchange": exchange, "method": "GET", "url": url, "headers": [], "body": ""})
}

fn response(exchange: u64, status: u16, body: &str) -> Value {
    json!({"kind": "response", "exchange": exchange, "status": status, "headers": [], "body": body})
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}

fn subscribe(exchange: u64, token: &str, topic: &str, events: &str) -> Value {
    let parameters = [
        ("hub.mode", "subscribe"),
        ("hub.topic", topic),
        ("hub.events", events),
    ];
    request(exchange, token, &form(&parameters))
}

fn webhook(exchange: u64, mode: &str, topic: &str, callback: &str) -> Value {
    let parameters = [
        ("hub.mode", mode),
        ("hub.topic", topic),
        ("hub.events", "open-patient-chart"),
        ("hub.callback", callback),
    ];
    request(exchange, "Bearer a", &form(&parameters))
}

fn endpoint(exchange: u64, endpoint: &str) -> Value {
    response(
        exchange,
        202,
        &json!({"hub.channel.endpoint": endpoint}).to_string(),
    )
}

fn opened(connection: u64, exchange: u64, url: &str) -> Value {
    json!({"kind": "opened", "connection": connection, "exchange": exchange, "url": url})
}

fn text(connection: u64, from: &str, body: &Value) -> Value {
    json!({"kind": "text", "connection": connection, "from": from, "body": body.to_string()})
}

fn publication(id: &str, topic: &str) -> Value {
    json!({"id": id, "timestamp": "2026-03-01T09:30:00Z",
        "event": {"hub.topic": topic, "hub.event": "Patient-open", "context": []}})
}

fn call(exchange: u64, method: &str, url: &str, body: &str) -> Value {
    json!({"kind": "callback-request", "exchange": exchange, "method": method, "url": url, "headers": [], "body": body})
}

fn call_answer(exchange: u64, status: u16, body: &str) -> Value {
    json!({"kind": "callback-response", "exchange": exchange, "status": status, "headers": [], "body": body})
}

/// The names of what happened, in order.
fn story(conversation: &RecordedConversation) -> Vec<String> {
    let told = |event: Event<'_>| match event {
        Event::Requested(exchange) => format!("request {}", exchange.number),
        Event::Answered(exchange, answer) => format!("answer {} {}", exchange.number, answer.status),
        Event::Failed(exchange, failure) => format!("no answer {} {}", exchange.number, failure.problem),
        Event::Called(call) => format!("call {}", call.number),
        Event::CallAnswered(call, answer) => format!("call answer {} {}", call.number, answer.status),
        Event::CallFailed(call, failure) => format!("no call answer {} {}", call.number, failure.problem),
        Event::Opened(socket, opening) => format!("opened {} {}", socket.number, opening.url),
        Event::Frame(socket, frame) => format!("frame {} {}", socket.number, frame.body.text()),
        Event::Ended(socket, end) => format!("ended {} {:?} {:?}", socket.number, end.by, end.code()),
        Event::Unpaired(number) => format!("unpaired {number}"),
        Event::Note(text) => format!("note {text}"),
        Event::Gap => "gap".to_owned(),
        Event::Stopped => "stopped".to_owned(),
    };
    conversation.events().map(|(_, event)| told(event)).collect()
}

#[test]
fn everything_is_told_in_order_with_its_line_and_time() {
    let conversation = decode([
        subscribe(1, "Bearer a", "desk", "Patient-open"),
        endpoint(1, ENDPOINT),
        get(2, ENDPOINT),
        opened(1, 2, ENDPOINT),
        json!({"kind": "ping", "connection": 1, "from": "hub", "body": "beat"}),
        json!({"kind": "note", "text": "a remark"}),
        json!({"kind": "broken", "connection": 1, "from": "hub", "problem": "reset"}),
        json!({"kind": "stopped"}),
    ]);
    let expected = [
        "request 1",
        "answer 1 202",
        "request 2",
        "opened 1 wss://hub.example.com/socket/1",
        "frame 1 beat",
        "note a remark",
        "ended 1 Hub None",
        "stopped",
    ];
    assert_eq!(story(&conversation), expected);
    for (position, (moment, _)) in conversation.events().enumerate() {
        assert_eq!(moment.line, position);
        assert_eq!(moment.at.as_millis(), position as u128 * 10);
    }
    assert_eq!(conversation.duration().as_millis(), 70);
    assert!(!conversation.has_gaps());
}

#[test]
fn answers_are_paired_with_their_requests_in_any_order() {
    let conversation = decode([
        request(1, "Bearer a", &publication("e1", "desk").to_string()),
        request(2, "Bearer a", &publication("e2", "desk").to_string()),
        response(2, 202, ""),
        response(1, 409, ""),
        request(3, "Bearer a", ""),
        json!({"kind": "no-response", "exchange": 3, "from": "hub", "problem": "reset"}),
        request(4, "Bearer a", ""),
    ]);
    let [first, second, failed, pending] = conversation.exchanges() else {
        panic!("{:?}", conversation.exchanges());
    };
    assert_eq!(first.answer().unwrap().status, 409);
    assert_eq!(first.answer().unwrap().moment.line, 3);
    assert!(!first.is_accepted() && second.is_accepted());
    assert!(matches!(&failed.outcome, Outcome::Failed(failure) if failure.by == Side::Hub));
    assert_eq!(pending.outcome, Outcome::Pending);
    let Request::Publish(event) = &first.request else {
        panic!("{:?}", first.request);
    };
    assert_eq!((event.id(), event.topic()), (Some("e1"), Some("desk")));
    assert_eq!(
        (event.name(), event.context()),
        (Some("Patient-open"), Some(&json!([])))
    );
}

#[test]
fn answers_to_what_came_before_the_recording_belong_to_nothing() {
    let conversation = decode([
        response(7, 202, ""),
        call_answer(8, 200, ""),
        json!({"kind": "no-response", "exchange": 9, "from": "subscriber", "problem": "gone"}),
        request(7, "Bearer a", ""),
        response(7, 400, ""),
        response(7, 500, ""),
    ]);
    let expected = [
        "unpaired 7",
        "unpaired 8",
        "unpaired 9",
        "request 7",
        "answer 7 400",
        "unpaired 7",
    ];
    assert_eq!(story(&conversation), expected);
    assert_eq!(conversation.exchanges()[0].answer().unwrap().status, 400);
    assert_eq!(conversation.calls(), []);
}

#[test]
fn sockets_belong_to_the_subscription_that_was_given_their_endpoint() {
    let other = "wss://hub.example.com/socket/2";
    let conversation = decode([
        subscribe(1, "Bearer a", "desk", "Patient-open"),
        subscribe(2, "Bearer b", "ward", "Patient-open"),
        endpoint(2, other),
        endpoint(1, ENDPOINT),
        get(3, ENDPOINT),
        opened(1, 3, ENDPOINT),
        opened(2, 0, other),
        text(2, "hub", &publication("e1", "ward")),
    ]);
    let subscription = |socket: &Socket| conversation.subscription(socket.subscription.unwrap()).topic();
    let topics: Vec<_> = conversation.sockets().iter().map(subscription).collect();
    assert_eq!(topics, ["desk", "ward"]);
    let upgrade = conversation.exchanges().last().unwrap();
    let socket = &conversation.sockets()[0];
    assert_eq!(upgrade.request, Request::Upgrade);
    assert_eq!(upgrade.outcome, Outcome::Opened(socket.id));
    assert_eq!(socket.opening.as_ref().unwrap().exchange, Some(upgrade.id));
    assert_eq!(
        conversation.sockets()[1].opening.as_ref().unwrap().exchange,
        None,
        "it is not in the capture"
    );
    let frame = &conversation.sockets()[1].frames[0];
    assert!(frame.is_message() && frame.from == Side::Hub);
    assert_eq!(frame.json().unwrap()["id"], "e1");
}

#[test]
fn sockets_from_before_the_recording_have_no_opening_and_no_subscription() {
    let conversation = decode([
        text(4, "hub", &publication("e1", "desk")),
        json!({"kind": "closed", "connection": 4, "from": "subscriber", "code": 1000}),
        json!({"kind": "closed", "connection": 4, "from": "hub", "code": 1000}),
        opened(5, 0, ENDPOINT),
    ]);
    let [before, after] = conversation.sockets() else {
        panic!("{:?}", conversation.sockets());
    };
    assert_eq!(
        (&before.opening, before.subscription, before.frames.len()),
        (&None, None, 1)
    );
    let end = before.end.as_ref().unwrap();
    assert_eq!(
        (end.by, end.code()),
        (Side::Subscriber, Some(1000)),
        "the first close frame counts"
    );
    assert_eq!(
        story(&conversation)
            .iter()
            .filter(|told| told.starts_with("ended"))
            .count(),
        1
    );
    assert!(after.opening.is_some() && after.subscription.is_none() && after.end.is_none());
}

#[test]
fn pairing_goes_on_over_a_gap() {
    let conversation = decode([
        subscribe(1, "Bearer a", "desk", "Patient-open"),
        json!({"kind": "gap"}),
        endpoint(1, ENDPOINT),
        opened(1, 0, ENDPOINT),
    ]);
    assert!(conversation.has_gaps());
    assert_eq!(story(&conversation)[1], "gap");
    assert!(conversation.exchanges()[0].is_accepted());
    assert!(conversation.sockets()[0].subscription.is_some());
}

#[test]
fn requests_that_name_an_endpoint_belong_to_its_subscription() {
    let named = |mode: &str, endpoint: &str| {
        form(&[
            ("hub.mode", mode),
            ("hub.topic", "desk"),
            ("hub.channel.endpoint", endpoint),
        ])
    };
    let moved = "wss://hub.example.com/socket/9";
    let conversation = decode([
        subscribe(1, "Bearer a", "desk", "Patient-open"),
        endpoint(1, ENDPOINT),
        request(2, "Bearer a", &named("subscribe", ENDPOINT)),
        endpoint(2, moved),
        opened(1, 0, moved),
        request(3, "Bearer a", &named("unsubscribe", ENDPOINT)),
        response(3, 202, ""),
        request(
            4,
            "Bearer a",
            &named("unsubscribe", "wss://hub.example.com/earlier"),
        ),
        request(
            5,
            "Bearer a",
            &named("subscribe", "wss://hub.example.com/earlier"),
        ),
    ]);
    let [subscription, earlier] = conversation.subscriptions() else {
        panic!("{:?}", conversation.subscriptions());
    };
    let numbers: Vec<u64> = subscription
        .requests
        .iter()
        .map(|id| conversation.exchange(*id).number)
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(
        conversation.sockets()[0].subscription,
        Some(subscription.id),
        "it has moved"
    );
    assert_eq!(
        conversation.exchanges()[3].subscription,
        None,
        "it began before the recording"
    );
    assert_eq!(earlier.form.endpoint(), Some("wss://hub.example.com/earlier"));
}

#[test]
fn refusals_and_new_requests_make_subscriptions_of_their_own() {
    let conversation = decode([
        subscribe(1, "Bearer a", "desk", "Patient-open"),
        response(1, 403, &json!({"hub.channel.endpoint": ENDPOINT}).to_string()),
        subscribe(2, "Bearer a", "desk", "Patient-open"),
        endpoint(2, ENDPOINT),
        opened(1, 0, ENDPOINT),
        webhook(3, "subscribe", "desk", CALLBACK),
        response(3, 500, ""),
        webhook(4, "subscribe", "desk", CALLBACK),
        response(4, 202, ""),
    ]);
    let accepted: Vec<bool> = conversation
        .subscriptions()
        .iter()
        .map(|subscription| conversation.first_request(subscription).unwrap().is_accepted())
        .collect();
    assert_eq!(accepted, [false, true, false, true]);
    assert_eq!(
        conversation.sockets()[0].subscription,
        Some(conversation.subscriptions()[1].id)
    );
}

#[test]
fn callbacks_of_one_host_are_told_apart_by_path_and_topic() {
    let second = "http://viewer.example.com/other";
    let conversation = decode([
        webhook(1, "subscribe", "desk", CALLBACK),
        webhook(2, "subscribe", "ward", CALLBACK),
        webhook(3, "subscribe", "desk", second),
        call(4, "POST", CALLBACK, &publication("e1", "desk").to_string()),
        call(5, "POST", CALLBACK, &publication("e2", "ward").to_string()),
        call(6, "POST", second, &publication("e3", "desk").to_string()),
        call(7, "POST", CALLBACK, "no JSON"),
        call(8, "POST", "http://viewer.example.com/unknown", "{}"),
    ]);
    let owner = |call: &CallbackCall| {
        let subscription = conversation.subscription(call.subscription?);
        Some((subscription.topic(), subscription.requests[0]))
    };
    let owners: Vec<_> = conversation.calls().iter().map(owner).collect();
    let first = |position: usize, topic| {
        let exchange: &Exchange = &conversation.exchanges()[position];
        Some((topic, exchange.id))
    };
    assert_eq!(
        owners,
        [
            first(0, "desk"),
            first(1, "ward"),
            first(2, "desk"),
            first(1, "ward"),
            None
        ]
    );
}

#[test]
fn callbacks_with_a_query_are_found_whatever_the_hub_appends() {
    let callback = format!("{CALLBACK}?desk=7");
    let asked = format!("{callback}&hub.mode=subscribe&hub.topic=desk&hub.challenge=abc");
    let conversation = decode([
        webhook(1, "subscribe", "desk", &callback),
        call(2, "GET", &asked, ""),
        call_answer(2, 200, "abc"),
        call(3, "GET", &asked, ""),
        call_answer(3, 200, "abd"),
        call(4, "GET", &asked, ""),
        call_answer(4, 404, "abc"),
        call(5, "POST", &callback, &publication("e1", "desk").to_string()),
        call_answer(5, 200, ""),
        call(6, "POST", &callback, "{}"),
        json!({"kind": "no-response", "exchange": 6, "from": "subscriber", "problem": "gone"}),
    ]);
    let subscription = conversation.subscriptions()[0].id;
    assert!(
        conversation
            .calls()
            .iter()
            .all(|call| call.subscription == Some(subscription))
    );
    let agreed: Vec<bool> = conversation.calls().iter().map(CallbackCall::is_agreed).collect();
    assert_eq!(agreed, [true, false, false, false, false]);
    let [asked, .., notified, failed] = conversation.calls() else {
        panic!("{:?}", conversation.calls());
    };
    assert_eq!(asked.callback(), CALLBACK);
    assert!(asked.query().starts_with("desk=7&hub.mode="));
    assert_eq!(notified.message().json.unwrap()["id"], "e1");
    assert_eq!(notified.answer().unwrap().status, 200);
    assert!(matches!(&failed.outcome, CallOutcome::Failed(failure) if failure.by == Side::Subscriber));
}

#[test]
fn webhook_resubscriptions_and_ends_belong_to_the_same_subscription() {
    let conversation = decode([
        webhook(1, "subscribe", "desk", CALLBACK),
        response(1, 202, ""),
        webhook(2, "subscribe", "desk", &format!("{CALLBACK}?again=1")),
        response(2, 202, ""),
        webhook(3, "unsubscribe", "desk", CALLBACK),
        webhook(4, "unsubscribe", "ward", CALLBACK),
    ]);
    let [subscription] = conversation.subscriptions() else {
        panic!("{:?}", conversation.subscriptions());
    };
    assert_eq!(subscription.requests.len(), 3);
    assert_eq!(
        conversation.exchanges()[3].subscription,
        None,
        "nobody subscribed to this topic"
    );
    assert_eq!(
        subscription.channel,
        Channel::Webhook {
            callback: CALLBACK.to_owned()
        }
    );
}

#[test]
fn senders_are_the_accepted_subscribers_of_the_topic_that_are_most_alike() {
    let message = |topic: &str| publication("e1", topic).to_string();
    let conversation = decode([
        request(1, "Bearer a", &message("desk")),
        subscribe(2, "Bearer a", "desk", "Patient-open"),
        endpoint(2, ENDPOINT),
        subscribe(3, "Bearer b", "desk", "Patient-open"),
        endpoint(3, "wss://hub.example.com/socket/2"),
        subscribe(4, "Bearer b", "desk", "Patient-open"),
        response(4, 403, ""),
        request(5, "Bearer b", &message("desk")),
        request(6, "Bearer c", &message("desk")),
        request(7, "Bearer b", &message("ward")),
    ]);
    let senders = |number: u64, topic: &str| {
        let exchange = conversation
            .exchanges()
            .iter()
            .find(|exchange| exchange.number == number);
        conversation.likely_senders(exchange.unwrap(), topic)
    };
    let ids: Vec<SubscriptionId> = conversation
        .subscriptions()
        .iter()
        .map(|known| known.id)
        .collect();
    assert_eq!(senders(1, "desk"), [], "nobody had subscribed by then");
    assert_eq!(senders(5, "desk"), [ids[1]]);
    assert_eq!(senders(6, "desk"), [ids[0], ids[1]], "nothing tells them apart");
    assert_eq!(senders(7, "ward"), []);
}

#[test]
fn versions_are_told_by_the_configuration_then_by_the_parameters_of_webhooks() {
    let configuration = format!("{HUB}/.well-known/fhircast-configuration");
    let websocket = subscribe(1, "Bearer a", "desk", "Patient-open");
    assert_eq!(decode([websocket]).version(), None);
    assert_eq!(
        decode([webhook(1, "subscribe", "desk", CALLBACK)]).version(),
        Some(Version::Stu1)
    );
    let channel = form(&[
        ("hub.mode", "subscribe"),
        ("hub.channel.type", "webhook"),
        ("hub.callback", CALLBACK),
    ]);
    let channel = request(1, "Bearer a", &channel);
    assert_eq!(decode([channel.clone()]).version(), Some(Version::Stu2));
    // Over a WebSocket nobody calls the callback.
    for kind in ["websocket", "WebSocket"] {
        let beside = form(&[
            ("hub.mode", "subscribe"),
            ("hub.channel.type", kind),
            ("hub.callback", CALLBACK),
        ]);
        let beside = request(1, "Bearer a", &beside);
        assert_eq!(decode([beside.clone()]).version(), None);
        let conversation = decode([beside]);
        assert!(conversation.calls().is_empty());
    }
    let stated = json!({"fhircastVersion": "STU3"}).to_string();
    let conversation = decode([channel, get(2, &configuration), response(2, 200, &stated)]);
    assert_eq!(conversation.version(), Some(Version::Stu3));
}
