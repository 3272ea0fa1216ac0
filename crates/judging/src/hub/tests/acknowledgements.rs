//! Acknowledgements over both channels.

use serde_json::json;

use crate::Signature;
use crate::hub::acknowledgements::{acknowledgement_in, acknowledgements};
use crate::hub::example::Example;
use crate::outcome::Traffic;
use crate::protocol::Version;

fn all(example: &Example) -> Vec<(usize, String, u16)> {
    acknowledgements(&example.conversation.transcript)
        .map(|(entry, answer)| (entry.sequence, answer.id, answer.status.code))
        .collect()
}

fn answer_of_callback(to: usize, status: u16) -> Traffic {
    Traffic::CallbackResponse {
        to,
        status,
        headers: Vec::new(),
        body: String::new(),
    }
}

#[test]
fn a_frame_acknowledges_a_notification() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    let first = example.acknowledge("viewer", "event-0", 200);
    let second = example.acknowledge("viewer", "event-1", 409);
    let text = "no acknowledgement".to_owned();
    example.add("viewer", Traffic::FrameSent { text, binary: false });
    assert_eq!(
        all(&example),
        [
            (first.sequence, "event-0".to_owned(), 200),
            (second.sequence, "event-1".to_owned(), 409),
        ]
    );
}

#[test]
fn what_the_hub_sends_is_no_acknowledgement() {
    let mut example = Example::with(&["viewer"]);
    example.send("viewer", &json!({"id": "event-0", "status": 200}));
    assert_eq!(all(&example), []);
}

#[test]
fn the_answer_of_a_callback_acknowledges_the_notification_in_the_call() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", "https://viewer.example.com/callback", "Patient-open");
    assert_eq!(all(&example), [], "the answer to a verification is none");
    let opened = example.publish("viewer", "Patient-open");
    let called = example.deliver("viewer", opened);
    let answered = example.add("viewer", answer_of_callback(called.sequence, 409));
    assert_eq!(all(&example), [(answered.sequence, "event-0".to_owned(), 409)]);
}

#[test]
fn the_answer_to_anything_else_is_no_acknowledgement() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", "https://viewer.example.com/callback", "Patient-open");
    for body in ["", "no JSON", "{}", r#"{"id": 7}"#] {
        let called = example.call("viewer", "POST", "", body, Signature::Missing);
        example.add("viewer", answer_of_callback(called.sequence, 200));
    }
    // The call that it answers was not seen, or was none.
    for to in [0, 999] {
        example.add("viewer", answer_of_callback(to, 200));
    }
    assert_eq!(all(&example), []);
    let transcript = &example.conversation.transcript;
    assert!(
        transcript
            .iter()
            .all(|entry| acknowledgement_in(entry, transcript).is_none())
    );
}
