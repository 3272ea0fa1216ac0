//! What cannot be carried out ends with 2 and one clear line on standard error.

use crate::command_support::{ClosedPort, Ended, HubProcess};

#[test]
fn words_that_castspec_does_not_know() {
    Ended::with(&["run", "--nonsense"]).says(&["--nonsense", "castspec --help"]);
    Ended::with(&["dance"]).says(&["'dance'", "castspec --help"]);
    Ended::with(&["run", "--parallel", "0"]).says(&["--parallel", "'0'"]);
    Ended::with(&["run", "--fhircast-version", "STU9"]).says(&["STU9"]);
    Ended::with(&["hub", "--port", "65536"]).says(&["--port", "65536"]);
}

#[test]
fn no_command_shows_what_there_is() {
    let ended = Ended::with(&[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error.contains("Usage: castspec"), "{}", ended.error);
}

#[test]
fn a_hub_that_is_no_url() {
    for url in ["nowhere", "ftp://hub.example.com", "https://", "unix:/run/hub"] {
        Ended::with(&["run", "--hub", url]).says(&[
            url,
            "is not the URL of a hub",
            "https://hub.example.com",
        ]);
    }
}

#[test]
fn a_hub_that_is_not_there() {
    let closed = ClosedPort::reserve();
    let url = format!("http://127.0.0.1:{}/fhircast", closed.number());
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    Ended::with(&["run", "--hub", &url, "--reports", reports.to_str().unwrap()]).says(&[
        &url,
        "cannot be reached",
        "refused",
    ]);
    assert!(
        !reports.join("report.json").exists(),
        "there is nothing to report"
    );
}

#[test]
fn tls_with_a_hub_that_speaks_none() {
    let hub = HubProcess::start(&["--plaintext"]);
    let secure = hub.url.replacen("http://", "https://", 1);
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    Ended::with(&["run", "--hub", &secure, "--reports", reports]).says(&[
        "cannot be reached",
        "it speaks no TLS",
        "http://",
    ]);
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let hub = HubProcess::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    Ended::with(&["run", "--hub", &hub.url, "--reports", reports]).says(&[
        &hub.url,
        "not trusted",
        "--ca-cert",
    ]);
}

#[test]
fn certificate_files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("ca.pem");
    std::fs::write(&text, "no certificate").unwrap();
    let reports = folder.path().join("reports");
    for file in [text, folder.path().join("missing.pem")] {
        let file = file.to_str().unwrap();
        let arguments = [
            "run",
            "--hub",
            "https://127.0.0.1:1/",
            "--ca-cert",
            file,
            "--reports",
        ];
        let ended = Ended::with(&[&arguments[..], &[reports.to_str().unwrap()]].concat());
        ended.says(&[file]);
    }
}

#[test]
fn target_files_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.toml");
    let file = path.to_str().unwrap();
    Ended::with(&["run", "--target", file]).says(&[file, "cannot be read"]);
    for (text, word) in [
        ("hub_url = ", "line 1"),
        ("hub_url = \"https://h\"\nspeed = 9", "line 2"),
    ] {
        std::fs::write(&path, text).unwrap();
        let ended = Ended::with(&["run", "--target", file]);
        assert_eq!(ended.code, Some(2), "{}", ended.error);
        ended.begins(&[file, word]);
    }
    std::fs::write(&path, "hub_url = \"https://h\"\n[timing]\nquiet = -1").unwrap();
    Ended::with(&["run", "--target", file]).says(&[file, "timing.quiet"]);
    std::fs::write(
        &path,
        "hub_url = \"https://h\"\n[auth]\ntoken_env = \"CASTSPEC_TEST_UNSET\"",
    )
    .unwrap();
    Ended::with(&["run", "--target", file]).says(&[file, "CASTSPEC_TEST_UNSET"]);
}

#[test]
fn a_selector_that_selects_nothing() {
    Ended::with(&["run", "subscribing/no-such-scenario"]).says(&[
        "'subscribing/no-such-scenario'",
        "selects no scenario",
        "did you mean subscribing",
    ]);
}

#[test]
fn a_defect_that_is_not_there() {
    for command in ["run", "hub"] {
        Ended::with(&[command, "--defect", "no-confirmations"])
            .says(&["'no-confirmations' is no defect", "did you mean no-confirmation"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let arguments = [
        "run",
        "--hub",
        "https://127.0.0.1:1/",
        "--defect",
        "no-confirmation",
        "--reports",
        reports,
    ];
    Ended::with(&arguments).says(&["--defect", "built-in hub"]);
}

#[test]
fn reports_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file, no folder").unwrap();
    let taken = taken.to_str().unwrap();
    Ended::with(&["run", "subscribing", "--reports", taken]).says(&[taken, "cannot be written"]);
}

#[test]
fn a_port_that_is_in_use() {
    let hub = HubProcess::start(&[]);
    let port = hub.port();
    Ended::with(&["hub", "--port", &port]).says(&[&port, "in use"]);
}

#[test]
fn a_place_where_the_authority_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("missing/ca.pem");
    let place = place.to_str().unwrap();
    Ended::with(&["hub", "--ca-out", place]).says(&["certificate authority", place]);
    Ended::with(&["hub", "--plaintext", "--ca-out", place]).says(&["--plaintext", "--ca-out"]);
}

#[test]
fn a_list_of_requirements_with_nothing_in_it_says_so() {
    let unknown = Ended::with(&["requirements", "nosuch."]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.out);
    unknown.begins(&["no requirement of STU3 is meant by nosuch."]);
    let uncovered = Ended::with(&["requirements", "--uncovered"]);
    assert_eq!(uncovered.code, Some(0));
    assert!(uncovered.out.starts_with("none: "), "{}", uncovered.out);
    let json = Ended::with(&["requirements", "--uncovered", "--format", "json"]);
    assert_eq!((json.code, json.out.as_str()), (Some(0), "[]\n"));
}
