use super::*;
use crate::judging::Spot;

const SPOT: Spot = Spot {
    sequence: 0,
    at: std::time::Duration::ZERO,
};

fn answer(status: u16, json: Value) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        text: json.to_string(),
        json: Some(json),
        request: SPOT,
        spot: SPOT,
    }
}

fn form(body: &str) -> OutgoingRequest {
    OutgoingRequest {
        method: "POST".to_owned(),
        body: Some(body.to_owned()),
        ..OutgoingRequest::default()
    }
}

fn at(endpoint: &str) -> Value {
    json!({"hub.channel.endpoint": endpoint})
}

fn endpoints(begun: &Begun) -> Vec<String> {
    let names = |begun: BegunSubscription| match begun.channel {
        Channel::Endpoint(name) | Channel::Callback(name) => name,
    };
    begun.subscriptions().into_iter().map(names).collect()
}

#[test]
fn a_subscription_that_was_taken_goes_on_until_its_unsubscribe_is_taken() {
    let begun = Begun::default();
    let subscribe =
        "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.events=a-open&subscriber.name=desk";
    begun.note("viewer", &form(subscribe), &answer(400, at("ws://refused")));
    begun.note("viewer", &form(subscribe), &answer(202, at("ws://1")));
    begun.note("viewer", &form(subscribe), &answer(202, at("ws://2")));
    begun.connected("ws://2", 7);
    assert_eq!(endpoints(&begun), ["ws://1", "ws://2"]);
    let second = &begun.subscriptions()[1];
    assert_eq!(second.parameter("subscriber.name"), Some("desk"));
    assert_eq!((second.by.as_str(), second.socket), ("viewer", Some(7)));
    // Asked for again, it is the same one.
    let again = format!("{subscribe}&hub.channel.endpoint=ws://1");
    begun.note("viewer", &form(&again), &answer(202, at("ws://1")));
    assert_eq!(endpoints(&begun), ["ws://2", "ws://1"]);
    let end = |topic: &str| {
        form(&format!(
            "hub.mode=unsubscribe&hub.topic={topic}&hub.channel.endpoint=ws://1"
        ))
    };
    begun.note("viewer", &end("t"), &answer(404, at("ws://1")));
    begun.note("viewer", &end("another"), &answer(202, at("ws://1")));
    assert_eq!(endpoints(&begun), ["ws://2", "ws://1"], "nothing was ended");
    begun.note("viewer", &end("t"), &answer(202, at("ws://1")));
    assert_eq!(endpoints(&begun), ["ws://2"]);
}

#[test]
fn what_was_to_be_refused_and_was_taken_goes_on_too() {
    let begun = Begun::default();
    for (body, endpoint) in [
        ("", "ws://of-nothing"),
        ("hub.topic=t&hub.events=a-open", "ws://without-mode"),
        (r#"{"hub.mode": "subscribe", "hub.topic": "t"}"#, "ws://of-json"),
        (
            "hub.channel.type=websocket&hub.mode=subscribe&hub.callback=http://c",
            "ws://beside-a-callback",
        ),
    ] {
        begun.note("viewer", &form(body), &answer(202, at(endpoint)));
        assert_eq!(endpoints(&begun).last().map(String::as_str), Some(endpoint));
    }
    let elsewhere = OutgoingRequest {
        method: "GET".to_owned(),
        ..form("hub.mode=subscribe")
    };
    begun.note("viewer", &elsewhere, &answer(200, at("ws://read")));
    assert_eq!(endpoints(&begun).len(), 4, "what is read begins nothing");
}

#[test]
fn a_callback_is_unsubscribed_at_once_but_in_stu1_where_it_must_agree() {
    for (channel_type, left) in [("hub.channel.type=webhook&", 0), ("", 1)] {
        let begun = Begun::default();
        let mode = |mode: &str| {
            form(&format!(
                "{channel_type}hub.mode={mode}&hub.topic=t&hub.callback=http://c"
            ))
        };
        begun.note("viewer", &mode("subscribe"), &answer(202, Value::Null));
        assert_eq!(endpoints(&begun), ["http://c"]);
        begun.note("viewer", &mode("unsubscribe"), &answer(202, Value::Null));
        assert_eq!(endpoints(&begun).len(), left, "{channel_type}");
    }
}

fn event(name: &str, topic: &str, patient: &str) -> OutgoingRequest {
    let patient = json!({"key": "patient", "resource": {"resourceType": "Patient", "id": patient}});
    let event = json!({"hub.topic": topic, "hub.event": name, "context": [patient]});
    form(&json!({"timestamp": "", "id": "1", "event": event}).to_string())
}

#[test]
fn a_context_is_open_until_the_same_one_is_closed() {
    let begun = Begun::default();
    let open = |expected: &[(&str, &str)]| {
        let contexts = begun.contexts();
        let found: Vec<_> = contexts
            .iter()
            .map(|context| {
                let patient = context.context.pointer("/0/resource/id").and_then(Value::as_str);
                (context.topic.as_str(), patient.unwrap_or_default())
            })
            .collect();
        assert_eq!(found, expected);
    };
    let (taken, refused) = (answer(202, Value::Null), answer(409, Value::Null));
    begun.note("worklist", &event("Patient-open", "t", "a"), &taken);
    begun.note("worklist", &event("patient-open", "t", "b"), &taken);
    begun.note("worklist", &event("Patient-open", "u", "a"), &taken);
    begun.note("worklist", &event("Patient-open", "t", "c"), &refused);
    begun.note("worklist", &event("Patient-open", "t", "a"), &taken);
    open(&[("t", "b"), ("u", "a"), ("t", "a")]);
    begun.note("worklist", &event("Patient-close", "t", "b"), &refused);
    begun.note("worklist", &event("Patient-close", "t", "a"), &taken);
    open(&[("t", "b"), ("u", "a")]);
    let message = begun.contexts()[0].closing(jiff::Timestamp::UNIX_EPOCH);
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["event"]["hub.event"], "patient-close");
    assert_eq!(message["event"]["context"][0]["resource"]["id"], "b");
    // What names no subject can be closed by nobody.
    let nameless = json!({"event": {"hub.topic": "t", "hub.event": "Patient-open", "context": []}});
    begun.note("worklist", &form(&nameless.to_string()), &taken);
    open(&[("t", "b"), ("u", "a")]);
}
