//! What a hub sends is shown, and never does more than that: not in a terminal, not in a browser, not in a CI server.

use crate::report_support::{Run, check, console, entry, evidence, files, junit, junit_by};
use castspec::report::{ConsoleSettings, JunitCases};
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, RunEvent, Traffic, Verdict};

/// What stands for the hostile text where the page's bare structure is wanted.
const HARMLESS: &str = "harmless";

fn hostile() -> Vec<(&'static str, String)> {
    let control: String = (0..0x20).chain(0x7F..0xA0).filter_map(char::from_u32).collect();
    vec![
        ("the end of CDATA", "a]]>b]]]]>]]><x>".to_owned()),
        (
            "the end of CDATA, made by cleaning",
            "]\u{0}]>]]\u{1}>".to_owned(),
        ),
        ("control characters", control),
        (
            "ANSI escapes",
            "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}31m".to_owned(),
        ),
        ("NUL", "a\u{0}b".to_owned()),
        ("noncharacters", "\u{FFFE}\u{FFFF}\u{1FFFE}".to_owned()),
        (
            "lone surrogates, escaped",
            r#"{"id": "\ud800", "\udfff": "\ud800\ud800"}"#.to_owned(),
        ),
        (
            "escapes in JSON",
            r#"{"id": "\u0000\u001b[2J\u009b", "\u0007": "]]\u003e"}"#.to_owned(),
        ),
        (
            "a script",
            "<script>alert(1)</script><img src=x onerror=alert(1)>".to_owned(),
        ),
        ("quotes", r#"" onclick="alert(1)" x='&amp;&lt;"#.to_owned()),
        (
            "markup",
            "</pre></body><!-- <![CDATA[ <?xml ?> --> {{ 1234 * 5678 }} {% raw %}".to_owned(),
        ),
        ("line ends", "\r\nforged: conformant\nforged\r".to_owned()),
        ("a form", "a=%00%1B%5B2J&b=%0Aforged&c=%3Cscript%3E".to_owned()),
        (
            "separators and directions",
            "a\u{2028}b\u{2029}c\u{202E}d\u{2066}e\u{FEFF}f\u{85}g".to_owned(),
        ),
        (
            "the end of the page's own script and style",
            "</script><script>alert(1)</script></style></svg></title><svg onload=alert(1)>".to_owned(),
        ),
        ("the empty text", String::new()),
        ("deep JSON", "[".repeat(5_000)),
    ]
}

/// A run with the text in every place that a hub, a scenario or an argument can fill.
fn spoiled(text: &str) -> Run {
    let copy = || text.to_owned();
    let headers = || {
        vec![
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
            (copy(), copy()),
        ]
    };
    let traffic = vec![
        Traffic::Request {
            method: copy(),
            url: copy(),
            headers: headers(),
            body: copy(),
        },
        Traffic::Response {
            status: 599,
            headers: headers(),
            body: copy(),
        },
        Traffic::NoResponse { problem: copy() },
        Traffic::Connect { url: copy() },
        Traffic::Connected,
        Traffic::ConnectFailed {
            status: Some(400),
            problem: copy(),
        },
        Traffic::FrameSent {
            text: copy(),
            binary: false,
        },
        Traffic::FrameReceived {
            text: copy(),
            binary: true,
        },
        Traffic::Closed {
            by_hub: true,
            code: Some(1000),
            reason: copy(),
        },
        Traffic::Note { text: copy() },
    ];
    let name = format!("own/{text}");
    let spoil = |requirement: &str, verdict| Check {
        message: copy(),
        expected: Some(copy()),
        observed: Some(copy()),
        section: format!("2.4 {text}"),
        statement: copy(),
        url: copy(),
        repeat: Some(copy()),
        evidence: traffic
            .iter()
            .enumerate()
            .map(|(at, traffic)| evidence(entry(at, text, traffic.clone()), Some(text)))
            .collect(),
        ..check(&name, requirement, Level::Shall, verdict)
    };
    let verdicts = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Skip,
    ];
    let checks = verdicts
        .iter()
        .map(|verdict| spoil(&format!("{verdict}{text}"), *verdict))
        .collect();
    Run::against(&format!("https://hub.example.com/{text}"))
        .scenario(&name, Disposition::Completed, checks)
        .observed(&name, text, text)
        .scenario(
            &format!("skipped/{text}"),
            Disposition::Skipped(copy()),
            Vec::new(),
        )
        .scenario(
            &format!("open/{text}"),
            Disposition::Inconclusive(copy()),
            Vec::new(),
        )
        .scenario(text, Disposition::Error(copy()), Vec::new())
        .lost(text, text, text)
}

/// The tags of a page, without the values of their attributes.
fn tags(html: &str) -> Vec<String> {
    let tag = regex::Regex::new("<[^>]*>").unwrap();
    let value = regex::Regex::new("\"[^\"]*\"").unwrap();
    let stripped = tag
        .find_iter(html)
        .map(|found| value.replace_all(found.as_str(), "\"\"").into_owned());
    stripped
        .filter(|tag| {
            !matches!(
                tag.as_str(),
                "<tr>" | "</tr>" | "<th>" | "</th>" | "<td>" | "</td>" | "<code>" | "</code>"
            )
        })
        .collect()
}

fn shows_no_control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

#[test]
fn junit_stays_well_formed() {
    for (label, text) in hostile() {
        for grading in [Grading::Standard, Grading::Strict] {
            for cases in [JunitCases::Requirement, JunitCases::Check] {
                let junit = junit_by(cases, &spoiled(&text).ended(), grading);
                let forbidden = |c: char| !matches!(c, '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
                assert_eq!(junit.chars().find(|c| forbidden(*c)), None, "{label}");
                junit::assert_sound(&junit, label);
            }
        }
    }
}

#[test]
fn the_page_has_no_markup_but_its_own() {
    let harmless = tags(&files(&spoiled(HARMLESS).ended(), Grading::Standard).html);
    assert!(harmless.len() > 30, "{harmless:?}");
    for (label, text) in hostile() {
        if text.is_empty() {
            continue;
        }
        let html = files(&spoiled(&text).ended(), Grading::Standard).html;
        let shown = tags(&html);
        let differs = shown.iter().zip(&harmless).position(|(one, other)| one != other);
        let around = |tags: &[String]| differs.map(|at| tags[at.saturating_sub(5)..=at].join(""));
        assert_eq!(around(&shown), around(&harmless), "{label}");
        assert_eq!(shown.len(), harmless.len(), "{label}");
        assert_eq!(shows_no_control(&html), None, "{label}");
        assert!(
            !html.contains("7006652"),
            "{label}: a template in a message was carried out"
        );
    }
}

#[test]
fn a_ci_server_is_told_nothing_but_what_is_meant() {
    let harmless = files(&spoiled(HARMLESS).ended(), Grading::Standard);
    for (label, text) in hostile() {
        let written = files(&spoiled(&text).ended(), Grading::Standard);
        assert_eq!(written.github.len(), harmless.github.len(), "{label}");
        for (line, expected) in written.github.iter().zip(&harmless.github) {
            assert_eq!(
                line.find(' '),
                expected.find(' '),
                "{label}: another command: {line}"
            );
            assert!(line.starts_with("::"), "{label}: {line}");
            assert_eq!(shows_no_control(line), None, "{label}: {line}");
            assert!(!line.contains('\n'), "{label}: {line}");
            // The title ends where its command does.
            let (_, property) = line.split_once("title=").unwrap();
            let (title, _) = property.split_once("::").unwrap();
            assert!(!title.contains([':', ',']), "{label}: {line}");
        }
        assert_eq!(
            written.gitlab.as_array().unwrap().len(),
            harmless.gitlab.as_array().unwrap().len(),
            "{label}"
        );
        let lines = |summary: &str| summary.lines().count();
        assert_eq!(
            lines(&written.summary),
            lines(&harmless.summary),
            "{label}: {}",
            written.summary
        );
        assert_eq!(
            written.summary.matches('|').count(),
            harmless.summary.matches('|').count(),
            "{label}"
        );
        assert!(
            !written.summary.contains(['<', '`']),
            "{label}: {}",
            written.summary
        );
        assert_eq!(shows_no_control(&written.summary), None, "{label}");
    }
}

#[test]
fn the_console_shows_no_control_characters() {
    for (label, text) in hostile() {
        for (terminal, quiet) in [(false, false), (true, false), (false, true)] {
            let settings = ConsoleSettings {
                terminal,
                quiet,
                ..ConsoleSettings::default()
            };
            let shown = console(&spoiled(&text).ended(), settings);
            assert_eq!(shows_no_control(&shown), None, "{label}");
            let forged = shown.lines().find(|line| line.starts_with("forged"));
            assert_eq!(forged, None, "{label}: a message begins a line of its own");
        }
    }
}

#[test]
fn report_json_keeps_every_text_as_it_was() {
    for (label, text) in hostile() {
        let events = spoiled(&text).ended();
        let judged = events.iter().filter_map(|event| match event {
            RunEvent::CheckJudged(check) => Some((**check).clone()),
            _ => None,
        });
        let mut judged: Vec<Check> = judged.collect();
        judged.sort_by(|one, other| one.requirement.cmp(&other.requirement));
        let report = files(&events, Grading::Standard).json;
        let mut checks: Vec<Check> = serde_json::from_value(report["checks"].clone()).unwrap();
        checks.iter_mut().for_each(|check| check.cause = None);
        assert_eq!(checks, judged, "{label}");
        assert_eq!(report["hub_lost"]["request"], text.as_str(), "{label}");
        assert_eq!(report["observations"][0]["reading"], text.as_str(), "{label}");
    }
}

#[test]
fn a_megabyte_is_no_trouble() {
    for text in ["x".repeat(1 << 20), "<]]>\n".repeat(1 << 18)] {
        let long = Check {
            message: text.clone(),
            observed: Some(text.clone()),
            evidence: vec![evidence(
                entry(
                    0,
                    "a",
                    Traffic::FrameReceived {
                        text: text.clone(),
                        binary: false,
                    },
                ),
                None,
            )],
            ..check(
                "own/long",
                "transport.websocket-json",
                Level::Shall,
                Verdict::Fail,
            )
        };
        let events = Run::new()
            .scenario("own/long", Disposition::Completed, vec![long.clone()])
            .ended();
        let files = files(&events, Grading::Standard);
        junit::assert_sound(&files.junit, "a megabyte");
        let mut checks: Vec<Check> = serde_json::from_value(files.json["checks"].clone()).unwrap();
        checks.iter_mut().for_each(|check| check.cause = None);
        // A report holds the beginning of a long body, and its length.
        let mut cut = long.clone();
        cut.evidence[0].entry.traffic.shorten(64 * 1024);
        let kept = serde_json::to_string(&cut.evidence).unwrap();
        assert!(kept.len() < 200_000 && kept.contains(&format!("the first 65536 of {} bytes", text.len())));
        assert_eq!(checks, [cut]);
        let shown = console(&events, ConsoleSettings::default());
        assert!(shown.contains("fail transport.websocket-json (c1)"));
        assert!(
            files.summary.len() < 10_000,
            "the summary is {} bytes",
            files.summary.len()
        );
        assert!(
            files.github.iter().all(|line| line.len() < 10_000),
            "an annotation is too long"
        );
        assert!(
            files.html.len() < 100_000,
            "the page is {} bytes",
            files.html.len()
        );
    }
}
