//! The totals that junit-report does not write: those of the whole on `<testsuites>`, and how many were skipped on each suite.

use junit_report::TestSuite;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::Duration;

/// Adds the totals of these suites to the report that was written of them.
pub(super) fn add(written: &str, suites: &[TestSuite]) -> Result<String, quick_xml::Error> {
    let mut reader = Reader::from_str(written);
    let mut out = Writer::new(Vec::with_capacity(written.len() + 1_024));
    let mut left = suites.iter();
    loop {
        match reader.read_event()? {
            Event::Eof => break,
            Event::Start(start) => {
                out.write_event(Event::Start(completed(&start, suites, &mut left)?))?;
            }
            Event::Empty(start) => {
                out.write_event(Event::Empty(completed(&start, suites, &mut left)?))?;
            }
            other => out.write_event(other)?,
        }
    }
    // It was valid when it came in, and attributes are escaped.
    Ok(String::from_utf8_lossy(&out.into_inner()).into_owned())
}

/// The start tag with what is missing and with times in milliseconds; the suites come in the order in which they were written.
fn completed<'s>(
    start: &BytesStart<'_>,
    suites: &[TestSuite],
    left: &mut impl Iterator<Item = &'s TestSuite>,
) -> Result<BytesStart<'static>, quick_xml::Error> {
    let sum = |count: fn(&TestSuite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut completed = BytesStart::new(String::from_utf8_lossy(start.name().as_ref()).into_owned());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        match attribute.key.as_ref() {
            b"time" => completed.push_attribute(("time", in_millis(&attribute.value).as_str())),
            _ => completed.push_attribute(attribute),
        }
    }
    let mut put = |name: &str, count: usize| completed.push_attribute((name, count.to_string().as_str()));
    match start.name().as_ref() {
        b"testsuites" => {
            put("tests", sum(TestSuite::tests));
            put("failures", sum(TestSuite::failures));
            put("errors", sum(TestSuite::errors));
            put("skipped", sum(TestSuite::skipped));
            let time: Duration = suites.iter().map(TestSuite::time).sum();
            let time = told(u128::try_from(time.whole_milliseconds()).unwrap_or_default());
            completed.push_attribute(("time", time.as_str()));
        }
        b"testsuite" => {
            if let Some(suite) = left.next() {
                put("skipped", suite.skipped());
            }
        }
        _ => {}
    }
    Ok(completed)
}

/// Seconds as junit-report writes them, such as 1.5150000000000001, with the three decimals that Jenkins' schema takes.
fn in_millis(seconds: &[u8]) -> String {
    let seconds = std::str::from_utf8(seconds)
        .ok()
        .and_then(|text| text.parse().ok());
    let seconds = std::time::Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default();
    told((seconds + std::time::Duration::from_micros(500)).as_millis())
}

fn told(millis: u128) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::junit::case::{Case, Ending};
    use junit_report::{ReportBuilder, TestSuiteBuilder};

    fn suite(name: &str, endings: Vec<Ending>) -> TestSuite {
        let cases = endings.into_iter().enumerate().map(|(number, ending)| {
            Case {
                class: "a.class".to_owned(),
                name: format!("case {number} of <{name}> & \"others\""),
                time: Duration::milliseconds(1_515),
                ending,
            }
            .build()
        });
        TestSuiteBuilder::new(name).add_testcases(cases).build()
    }

    fn failure() -> Ending {
        Ending::Failure {
            kind: "an.id".to_owned(),
            message: "a < b".to_owned(),
            told: "<testsuite> & <testsuites/> as a hub sent them".to_owned(),
        }
    }

    fn skipped() -> Ending {
        Ending::Skipped {
            kind: "skip",
            message: "not claimed".to_owned(),
            told: "not claimed".to_owned(),
        }
    }

    fn with_totals(suites: Vec<TestSuite>) -> (String, String) {
        let mut report = ReportBuilder::new();
        report.add_testsuites(suites);
        let report = report.build();
        let mut written = Vec::new();
        report.write_xml(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        let completed = add(&written, report.testsuites()).unwrap();
        (written, completed)
    }

    #[test]
    fn the_whole_and_each_suite_have_their_totals_and_nothing_else_changes() {
        let (written, completed) = with_totals(vec![
            suite("one", vec![failure(), skipped(), Ending::Success { told: None }]),
            suite("two", vec![skipped(), skipped()]),
        ]);
        let whole = r#"<testsuites tests="5" failures="1" errors="0" skipped="3" time="7.575">"#;
        assert!(completed.contains(whole), "{completed}");
        let suites: Vec<&str> = completed.split("<testsuite id=").skip(1).collect();
        for (suite, count) in suites.iter().zip([1, 2]) {
            let (tag, _) = suite.split_once('>').unwrap();
            assert!(tag.ends_with(&format!(" skipped=\"{count}\"")), "{tag}");
        }
        let without = completed
            .replace(whole, "<testsuites>")
            .replace(" skipped=\"1\">", ">")
            .replace(" skipped=\"2\">", ">");
        let exact = |text: &str| text.replace("1.5150000000000001", "1.515");
        assert_eq!(
            without,
            exact(&written).replace("time=\"3.03\"", "time=\"3.030\"")
        );
    }

    #[test]
    fn a_report_without_suites_has_totals_too() {
        let (_, completed) = with_totals(Vec::new());
        let whole = r#"<testsuites tests="0" failures="0" errors="0" skipped="0" time="0.000"/>"#;
        assert!(completed.ends_with(whole), "{completed}");
    }

    #[test]
    fn times_have_three_decimals() {
        for (written, told) in [
            ("1.5150000000000001", "1.515"),
            ("0.9999999", "1.000"),
            ("0", "0.000"),
            ("7200.25", "7200.250"),
            ("1e-7", "0.000"),
            ("-3", "0.000"),
        ] {
            assert_eq!(in_millis(written.as_bytes()), told, "{written}");
        }
    }

    #[test]
    fn what_is_no_xml_is_an_error() {
        assert!(add("<testsuites></testsuite>", &[]).is_err());
    }
}
