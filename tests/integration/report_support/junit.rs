//! junit.xml as a CI server reads it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// A test case of junit.xml.
pub struct Case {
    pub name: String,
    pub class: String,
    pub millis: u64,
    /// `failure`, `error` or `skipped`; `None` for a success.
    pub ending: Option<String>,
    /// The attributes of that element.
    pub kind: String,
    pub message: String,
    /// Its text.
    pub text: String,
    /// What stands in system-out.
    pub out: String,
}

/// What junit.xml says: of each suite the attributes that count, and its test cases.
struct Suite {
    totals: Totals,
    cases: Vec<Case>,
}

/// What a suite, or the whole, says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    millis: u64,
}

impl Totals {
    /// What it should say.
    fn of<'c>(cases: impl Iterator<Item = &'c Case>) -> Self {
        let mut totals = Self::default();
        for case in cases {
            totals.tests += 1;
            totals.millis += case.millis;
            match case.ending.as_deref() {
                Some("failure") => totals.failures += 1,
                Some("error") => totals.errors += 1,
                Some("skipped") => totals.skipped += 1,
                _ => {}
            }
        }
        totals
    }
}

/// Reads junit.xml to its end, however it is nested: the totals of the whole, and the suites.
fn read(junit: &str) -> (Totals, Vec<Suite>) {
    let attribute = |start: &BytesStart<'_>, name: &str| -> String {
        let found = start.try_get_attribute(name).unwrap();
        let found = found.unwrap_or_else(|| panic!("{start:?} has no {name}"));
        found
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .unwrap()
            .into_owned()
    };
    let count = |start: &BytesStart<'_>, name: &str| attribute(start, name).parse().unwrap();
    let totals = |start: &BytesStart<'_>| Totals {
        tests: count(start, "tests"),
        failures: count(start, "failures"),
        errors: count(start, "errors"),
        skipped: count(start, "skipped"),
        millis: millis(&attribute(start, "time")),
    };
    let mut whole = Totals::default();
    let mut suites: Vec<Suite> = Vec::new();
    let mut inside = Vec::new();
    let mut reader = Reader::from_str(junit);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                for attribute in start.attributes() {
                    attribute.unwrap();
                }
                match start.name().as_ref() {
                    b"testsuites" => whole = totals(start),
                    b"testsuite" => suites.push(Suite {
                        totals: totals(start),
                        cases: Vec::new(),
                    }),
                    b"testcase" => {
                        let case = Case {
                            name: attribute(start, "name"),
                            class: attribute(start, "classname"),
                            millis: millis(&attribute(start, "time")),
                            ending: None,
                            kind: String::new(),
                            message: String::new(),
                            text: String::new(),
                            out: String::new(),
                        };
                        suites.last_mut().unwrap().cases.push(case);
                    }
                    ending @ (b"failure" | b"error" | b"skipped") => {
                        let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
                        case.ending = Some(String::from_utf8(ending.to_vec()).unwrap());
                        case.kind = attribute(start, "type");
                        case.message = attribute(start, "message");
                    }
                    _ => {}
                }
            }
            Event::CData(text) => {
                let text = String::from_utf8(text.to_vec()).unwrap();
                let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
                match inside.last().map(Vec::as_slice) {
                    Some(b"system-out") => case.out.push_str(&text),
                    _ => case.text.push_str(&text),
                }
            }
            _ => {}
        }
        match event {
            Event::Start(start) => {
                inside.push(start.name().as_ref().to_vec());
                depth += 1;
            }
            Event::End(_) => {
                inside.pop();
                depth -= 1;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "junit.xml ends before its elements do");
    (whole, suites)
}

/// Seconds with at most three decimals, as milliseconds.
fn millis(seconds: &str) -> u64 {
    let (whole, decimals) = seconds.split_once('.').unwrap_or((seconds, ""));
    assert!(
        decimals.len() <= 3,
        "{seconds} is finer than Jenkins' schema allows"
    );
    format!("{whole}{decimals:0<3}").parse().unwrap()
}

/// All test cases of junit.xml.
pub fn cases(junit: &str) -> Vec<Case> {
    read(junit).1.into_iter().flat_map(|suite| suite.cases).collect()
}

/// How many test cases ended in each way: failures, errors, skipped.
pub fn endings(junit: &str) -> (usize, usize, usize) {
    let cases = cases(junit);
    let of = |ending: &str| {
        let cases = cases.iter();
        cases
            .filter(|case| case.ending.as_deref() == Some(ending))
            .count()
    };
    (of("failure"), of("error"), of("skipped"))
}

/// Holds a junit.xml against everything that XML and its readers ask of it.
pub fn assert_sound(junit: &str, label: &str) {
    let forbidden = |c: char| !matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    assert_eq!(
        junit.chars().find(|c| forbidden(*c)),
        None,
        "{label}: no character of XML"
    );
    let mut names = BTreeSet::new();
    let (whole, suites) = read(junit);
    assert_eq!(
        whole,
        Totals::of(suites.iter().flat_map(|suite| &suite.cases)),
        "{label}"
    );
    for suite in suites {
        assert_eq!(suite.totals, Totals::of(suite.cases.iter()), "{label}");
        for Case { name, class, .. } in suite.cases {
            assert!(
                names.insert((class, name.clone())),
                "{label}: {name} is there twice"
            );
        }
    }
    assert_valid(junit, label);
}

/// Validates by junit.xsd where xmllint is installed.
fn assert_valid(junit: &str, label: &str) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, junit.as_bytes()).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/junit.xsd");
    let mut command = Command::new("xmllint");
    command
        .args(["--noout", "--huge", "--schema"])
        .arg(schema)
        .arg(file.path());
    match command.output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{label}: {}",
                told.chars().take(2_000).collect::<String>()
            );
        }
        Err(problem) => eprintln!("junit.xsd was not applied, for xmllint cannot be run: {problem}"),
    }
}
