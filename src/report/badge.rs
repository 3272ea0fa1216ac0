//! A badge: the verdict of a run on a few centimetres, as a picture (SVG) that refers to nothing outside itself.

use std::collections::BTreeSet;

use super::record::Record;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Outcome, Verdict};

/// Width of a character in pixels. Fonts differ: `textLength` makes the text as long as this says.
const CHARACTER: usize = 7;
/// Pixels beside a text.
const MARGIN: usize = 8;

/// Renders the badge of a run; `signed` where a signature fits its report.
pub fn render(record: &Record, signed: bool) -> String {
    let mut versions: BTreeSet<Version> = record.checks.iter().map(|check| check.fhircast_version).collect();
    if let (true, Some(began)) = (versions.is_empty(), &record.began) {
        versions.insert(began.target.fhircast_version);
    }
    let versions = versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    let label = format!("FHIRcast {}", versions.join(", "));
    let (words, colour) = verdict(record);
    let signed = if signed { ", signed" } else { "" };
    picture(label.trim(), &format!("{words}{signed}"), colour)
}

/// What speaks of a part, or is accepted, is neither green nor red.
const AMBER: &str = "#8a5a00";

/// The verdict with the numbers behind it, and its colour: dark enough for white letters.
fn verdict(record: &Record) -> (String, &'static str) {
    let conclusion = record.conclusion();
    let judged = match conclusion.coverage().sentence() {
        Some(told) => told,
        None => {
            let judged = record
                .checks
                .iter()
                .filter(|check| matches!(check.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail));
            let judged: BTreeSet<_> = judged
                .map(|check| (check.fhircast_version, check.requirement.as_str()))
                .collect();
            format!("{} requirements judged", judged.len())
        }
    };
    let headline = conclusion.headline();
    let is_partial = conclusion.is_accepted() || conclusion.limits().is_some();
    match conclusion.outcome() {
        Outcome::Conformant if is_partial => (format!("{headline}: {judged}"), AMBER),
        Outcome::Conformant => (format!("{headline}: {judged}"), "#1a7f37"),
        Outcome::NotConformant => {
            let checks = record.checks.iter();
            let broken = checks.filter(|check| record.grading.is_failure(check.verdict));
            let broken: BTreeSet<_> = broken
                .map(|check| (check.fhircast_version, check.requirement.as_str()))
                .collect();
            let colour = match conclusion.is_accepted() {
                true => AMBER,
                false => "#b42318",
            };
            (format!("{headline}: {} broken, {judged}", broken.len()), colour)
        }
        Outcome::Inconclusive => (format!("{headline}: {judged}"), AMBER),
        Outcome::NothingJudged => (headline, "#57606a"),
    }
}

fn picture(label: &str, words: &str, colour: &str) -> String {
    let width = |text: &str| text.chars().count() * CHARACTER;
    let (left, right) = (width(label), width(words));
    let (split, whole) = (left + 2 * MARGIN, left + right + 4 * MARGIN);
    let rest = whole - split;
    let title = escaped(&format!("{label}: {words}"));
    let (label, words) = (escaped(label), escaped(words));
    let at = split + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n\
         <rect width=\"{split}\" height=\"20\" fill=\"#24292f\"/>\n\
         <rect x=\"{split}\" width=\"{rest}\" height=\"20\" fill=\"{colour}\"/>\n\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\n\
         <text x=\"{MARGIN}\" y=\"14\" textLength=\"{left}\">{label}</text>\n\
         <text x=\"{at}\" y=\"14\" textLength=\"{right}\">{words}</text>\n\
         </g>\n</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(super::text::line(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let shown = picture("<script>", "\"'&\u{1b}", "#000");
        assert!(
            shown.contains("&lt;script&gt;: &quot;&apos;&amp;\u{FFFD}"),
            "{shown}"
        );
        assert!(!shown.contains("<script"));
    }

    #[test]
    fn nothing_was_judged_where_there_is_no_check() {
        let shown = render(&Record::default(), false);
        assert!(
            shown.contains(">nothing was judged</text>") && !shown.contains("signed"),
            "{shown}"
        );
    }
}
