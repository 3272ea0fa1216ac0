use std::io::Cursor;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::protocol::Version;
use crate::redaction::Redactor;

fn frame(body: &[u8]) -> Frame {
    Frame {
        connection: 1,
        from: Side::Hub,
        body: Payload::redacted(body, body.len(), &Redactor::default()),
    }
}

fn every_kind() -> Vec<Message> {
    let headers = Headers::from(vec![("content-type".to_owned(), "text/plain".to_owned())]);
    let body = || Payload::Text("hub.mode=subscribe".to_owned());
    vec![
        Message::Request {
            exchange: 1,
            method: "POST".to_owned(),
            url: "http://hub/fhircast".to_owned(),
            headers: headers.clone(),
            body: body(),
            replaced: vec!["hub.callback".to_owned()],
        },
        Message::Response {
            exchange: 1,
            status: 202,
            headers: headers.clone(),
            body: body(),
            replaced: Vec::new(),
        },
        Message::CallbackRequest {
            exchange: 2,
            method: "GET".to_owned(),
            url: "http://app/callback?hub.mode=subscribe".to_owned(),
            headers: headers.clone(),
            body: Payload::Text(String::new()),
        },
        Message::CallbackResponse {
            exchange: 2,
            status: 200,
            headers,
            body: body(),
        },
        Message::NoResponse {
            exchange: 3,
            from: Side::Hub,
            problem: "refused".to_owned(),
        },
        Message::Opened {
            connection: 1,
            exchange: 4,
            url: "ws://hub/socket".to_owned(),
        },
        Message::Text(frame("{\"id\":\"é\"}".as_bytes())),
        Message::Binary(frame(&[0, 159, 146, 150])),
        Message::Ping(frame(b"")),
        Message::Pong(frame(b"")),
        Message::Closed {
            connection: 1,
            from: Side::Subscriber,
            code: Some(1000),
            reason: "done".to_owned(),
        },
        Message::Closed {
            connection: 1,
            from: Side::Hub,
            code: None,
            reason: String::new(),
        },
        Message::Broken {
            connection: 2,
            from: Side::Subscriber,
            problem: "reset".to_owned(),
        },
        Message::Note {
            text: "a remark".to_owned(),
        },
        Message::Gap,
        Message::Stopped,
    ]
}

fn written() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.jsonl");
    let header = Header::now("http://hub/fhircast", vec![Version::Stu3]);
    let mut writer = Writer::create(&path, &header).unwrap();
    for (at, message) in every_kind().into_iter().enumerate() {
        writer.write(at as f64 * 1.5, message).unwrap();
    }
    std::fs::read_to_string(path).unwrap()
}

fn read(text: impl AsRef<[u8]>) -> Result<(Vec<Line>, Option<Cut>), CaptureError> {
    let mut reader = Reader::new(Cursor::new(text.as_ref()), Path::new("capture.jsonl"))?;
    let lines = reader.by_ref().collect::<Result<_, _>>()?;
    Ok((lines, reader.cut()))
}

#[test]
fn what_is_written_is_by_the_schema_and_reads_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/capture.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let schema = jsonschema::validator_for(&schema).unwrap();
    let text = written();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let problems: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(problems, Vec::<String>::new(), "{line}");
    }
    let (lines, cut) = read(&text).unwrap();
    assert_eq!(cut, None);
    let messages: Vec<Message> = lines.into_iter().map(|line| line.message).collect();
    assert_eq!(messages, every_kind());
}

#[test]
fn wherever_a_capture_is_cut_off_all_whole_lines_are_read() {
    let text = written();
    let header = text.find('\n').unwrap() + 1;
    for end in header..=text.len() {
        let (lines, cut) = read(&text.as_bytes()[..end]).unwrap();
        let whole = text.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            - 1;
        // A line of which nothing but its end is missing is whole.
        assert!(lines.len() == whole || (lines.len() == whole + 1 && text.as_bytes()[end] == b'\n'));
        assert_eq!(
            cut.is_some(),
            lines.len() == whole && text.as_bytes()[end - 1] != b'\n'
        );
        if let Some(cut) = cut {
            assert_eq!(cut.line, whole + 2);
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let header = written().lines().next().unwrap().to_owned();
    for (text, words) in [
        (
            String::new(),
            "line 1: is not the header of a capture: the file is empty",
        ),
        (
            "{}\n".to_owned(),
            "line 1: is not the header of a capture: missing field",
        ),
        (
            header.replace(":1,", ":2,"),
            "line 1: is a capture of format 2, and this castspec reads up to 1",
        ),
        (
            format!("{header}\n{{\"at_ms\":1,\"kind\":\"gap\"}}\n{{\"at_ms\"\n"),
            "line 3: EOF while parsing",
        ),
        (
            format!("{header}\n{{\"at_ms\":1,\"kind\":\"dance\"}}\n"),
            "line 2: unknown variant `dance`",
        ),
        (
            format!("{header}\n{{\"at_ms\":-1,\"kind\":\"gap\"}}\n"),
            "line 2: at_ms is -1",
        ),
        (
            format!(
                "{header}\n{{\"at_ms\":1,\"kind\":\"text\",\"connection\":1,\"from\":\"hub\",\"body\":{{\"base64\":\"?\"}}}}\n"
            ),
            "line 2: its body is neither text nor base64",
        ),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(
            error.starts_with("capture.jsonl: ") && error.contains(words),
            "{error}"
        );
    }
}

#[test]
fn a_capture_is_not_written_over_and_is_told_by_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.jsonl");
    let header = Header::now("http://hub/fhircast", Vec::new());
    Writer::create(&path, &header).unwrap();
    let error = Writer::create(&path, &header).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(is_capture(
        std::fs::read_to_string(path).unwrap().lines().next().unwrap()
    ));
    assert!(!is_capture("{\"log\": {\"version\": \"1.2\"}}"));
}

#[test]
fn of_payloads_bytes_are_kept_but_for_secrets_and_what_is_too_long() {
    let redactor = Redactor::default();
    let payload = |bytes: &[u8]| Payload::redacted(bytes, bytes.len(), &redactor);
    for bytes in [&b"plain"[..], "é\u{2028}\0".as_bytes(), &[0xff, 0, 0xc3]] {
        assert_eq!(payload(bytes).bytes(), bytes);
        assert!(payload(bytes).is_whole());
    }
    redactor.know("opensesame");
    let shown = payload(b"\xffopensesame");
    assert!(!shown.is_whole() && !shown.text().contains("sesame"));
    let long = "é".repeat(9 << 20);
    let shown = payload(long.as_bytes());
    assert!(!shown.is_whole() && long.starts_with(&shown.text()) && shown.text().len() >= 16 << 20);
}
