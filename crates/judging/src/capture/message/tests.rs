//! What is kept of payloads, and what is hidden beside them.

use super::*;

fn other(base64: Option<&str>, beginning: Option<&str>, bytes: Option<usize>) -> Payload {
    Payload::Other(Other {
        base64: base64.map(str::to_owned),
        beginning: beginning.map(str::to_owned),
        bytes,
    })
}

#[test]
fn of_a_payload_that_is_cut_off_the_beginning_is_kept_and_how_long_it_was() {
    let redactor = Redactor::default();
    let payload = |bytes: &[u8], length| Payload::redacted(bytes, length, &redactor);
    assert_eq!(payload(b"ab", 2), Payload::Text("ab".to_owned()));
    assert_eq!(payload(b"ab", 3), other(None, Some("ab"), Some(3)));
    // Where the cut goes through a character, the whole ones are a text.
    assert_eq!(payload(b"ab\xc3", 4), other(None, Some("ab"), Some(4)));
    // Other bytes that are no text are kept as they are, cut off or not.
    assert_eq!(payload(b"ab\xc3", 3), other(Some("YWLD"), None, None));
    assert_eq!(payload(b"\xffab", 3), other(Some("/2Fi"), None, None));
    assert_eq!(payload(b"\xffab", 4), other(Some("/2Fi"), None, Some(4)));
}

#[test]
fn of_bytes_with_a_secret_that_are_no_text_only_a_marker_and_their_number_are_kept() {
    let redactor = Redactor::default();
    redactor.know("opensesame");
    let payload = |bytes: &[u8]| Payload::redacted(bytes, bytes.len(), &redactor);
    let lossy = "\u{fffd}opensesame";
    let expected = other(None, Some(&redactor.marker(lossy)), Some(11));
    assert_eq!(payload(b"\xffopensesame"), expected);
    let expected = Payload::Text(format!("({})", redactor.marker("opensesame")));
    assert_eq!(payload(b"(opensesame)"), expected);
}

#[test]
fn a_payload_is_either_base64_or_the_beginning_of_a_known_number_of_bytes() {
    for (payload, is_sound) in [
        (Payload::Text(String::new()), true),
        (other(Some("YWLD"), None, None), true),
        (other(Some("YWLD"), None, Some(9)), true),
        (other(Some("?"), None, None), false),
        (other(None, Some("ab"), Some(9)), true),
        (other(None, Some("ab"), None), false),
        (other(Some("YWLD"), Some("ab"), Some(9)), false),
        (other(None, None, Some(9)), false),
        (other(None, None, None), false),
    ] {
        assert_eq!(payload.is_sound(), is_sound, "{payload:?}");
    }
}

#[test]
fn a_payload_gives_the_bytes_that_were_kept_and_tells_whether_they_are_all() {
    for (payload, bytes, text, is_whole) in [
        (Payload::Text("ab".to_owned()), &b"ab"[..], "ab", true),
        (other(Some("YWLD"), None, None), b"ab\xc3", "ab\u{fffd}", true),
        (other(Some("YWLD"), None, Some(9)), b"ab\xc3", "ab\u{fffd}", false),
        (other(None, Some("ab"), Some(9)), b"ab", "ab", false),
        (other(None, None, Some(9)), b"", "", false),
    ] {
        assert_eq!(payload.bytes(), bytes, "{payload:?}");
        assert_eq!(payload.text(), text, "{payload:?}");
        assert_eq!(payload.is_whole(), is_whole, "{payload:?}");
    }
}

/// A message of every kind with this in all its texts, and the payload that it has, where it has one.
fn every_kind(text: &str) -> Vec<(Message, Option<Payload>)> {
    let texts = || text.to_owned();
    let headers = || Headers::from(vec![("x-remark".to_owned(), text.to_owned())]);
    let body = || Payload::Text("opensesame".to_owned());
    let frame = || Frame {
        connection: 1,
        from: Side::Hub,
        body: body(),
    };
    let with_body = [
        Message::Request {
            exchange: 1,
            method: "POST".to_owned(),
            url: format!("https://h/{text}"),
            headers: headers(),
            body: body(),
            replaced: Vec::new(),
        },
        Message::Response {
            exchange: 1,
            status: 202,
            headers: headers(),
            body: body(),
            replaced: Vec::new(),
        },
        Message::CallbackRequest {
            exchange: 2,
            method: "GET".to_owned(),
            url: format!("https://h/{text}"),
            headers: headers(),
            body: body(),
        },
        Message::CallbackResponse {
            exchange: 2,
            status: 200,
            headers: headers(),
            body: body(),
        },
        Message::Text(frame()),
        Message::Binary(frame()),
        Message::Ping(frame()),
        Message::Pong(frame()),
    ];
    let without_body = [
        Message::NoResponse {
            exchange: 3,
            from: Side::Hub,
            problem: texts(),
        },
        Message::Opened {
            connection: 1,
            exchange: 4,
            url: format!("wss://h/{text}"),
        },
        Message::Closed {
            connection: 1,
            from: Side::Hub,
            code: Some(1000),
            reason: texts(),
        },
        Message::Broken {
            connection: 1,
            from: Side::Hub,
            problem: texts(),
        },
        Message::Note { text: texts() },
        Message::Gap,
        Message::Stopped,
    ];
    let with_body = with_body.into_iter().map(|message| (message, Some(body())));
    let without_body = without_body.into_iter().map(|message| (message, None));
    with_body.chain(without_body).collect()
}

#[test]
fn requests_answers_and_frames_have_a_payload_and_nothing_else_has() {
    for (message, payload) in every_kind("") {
        assert_eq!(message.payload(), payload.as_ref(), "{message:?}");
    }
}

#[test]
fn beside_the_payload_secrets_are_hidden_in_messages_of_every_kind() {
    let redactor = Redactor::default();
    redactor.know("opensesame");
    let expected = every_kind(&redactor.marker("opensesame"));
    for ((mut message, _), (expected, _)) in every_kind("opensesame").into_iter().zip(expected) {
        message.redact(&redactor);
        assert_eq!(message, expected);
    }
}
