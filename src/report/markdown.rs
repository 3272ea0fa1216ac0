//! `summary.md`: the outcome of a run on one screen, for the page of a CI server.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::record::Record;
use super::{scope, text};
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Cause, Check, Outcome, Summary, Verdict};

/// Causes that are listed at the most.
const BROKEN: usize = 50;
/// Characters of one text at the most.
const LONGEST: usize = 300;

/// Renders the summary.
pub fn render(record: &Record) -> String {
    let conclusion = record.conclusion();
    let sign = match conclusion.outcome() {
        // Green is for what speaks of all.
        Outcome::Conformant if conclusion.limits().is_some() => "🟡",
        _ if conclusion.is_accepted() => "🟡",
        Outcome::Conformant => "✅",
        Outcome::NotConformant => "❌",
        Outcome::Inconclusive | Outcome::NothingJudged => "⚠️",
    };
    let mut out = format!("## {sign} FHIRcast: {}\n\n", conclusion.sentence());
    if let Some(began) = &record.began {
        let tool = format!("{} {}", began.tool.name, began.tool.version);
        let hub = plain(&began.target.hub_url);
        let (started, seconds) = (plain(&began.started), record.duration.as_secs_f64());
        let scenarios = match record.scenarios.len() {
            1 => "1 scenario".to_owned(),
            count => format!("{count} scenarios"),
        };
        put(
            &mut out,
            &format!("{hub}, {scenarios}, {started}, {seconds:.1} s, {tool}\n\n"),
        );
    }
    limits(&mut out, record);
    if let Some(signature) = &record.signature {
        put(
            &mut out,
            &format!("**Signature**: {}\n\n", plain(&signature.told)),
        );
    }
    if let Some(lost) = &record.hub_lost {
        let (scenario, problem) = (plain(&lost.scenario), plain(&lost.problem));
        let request = plain(&lost.request);
        put(
            &mut out,
            &format!(
                "**The hub stopped answering** in {scenario}: {problem}. The request that went unanswered: {request}\n\n"
            ),
        );
    }
    if let Some(obstacle) = &record.obstacle {
        put(
            &mut out,
            &format!("**Nothing could be judged**: {}\n\n", plain(obstacle)),
        );
    }
    if !record.accommodations.is_empty() {
        put(
            &mut out,
            "So that the rest could be judged, castspec did as this hub wants it:\n\n",
        );
        for accommodation in &record.accommodations {
            put(&mut out, &format!("- {}\n", plain(&accommodation.what)));
        }
        put(&mut out, "\n");
    }
    versions(&mut out, record);
    broken(&mut out, record);
    flaky(&mut out, record);
    out
}

/// Writing to a string cannot fail.
fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

/// What the verdict does not speak of.
fn limits(out: &mut String, record: &Record) {
    let Some(began) = &record.began else { return };
    if let Some(told) = scope::told(&began.scope) {
        put(out, &format!("**Not the whole suite**: {}\n\n", plain(&told)));
    }
    if let Some(shares) = &began.scope.shares {
        let missing: Vec<String> = shares.missing().iter().map(ToString::to_string).collect();
        put(out, &format!("**Not in it**: shards {}\n\n", missing.join(", ")));
    }
}

fn versions(out: &mut String, record: &Record) {
    let mut versions: BTreeMap<Version, Summary> = BTreeMap::new();
    for check in &record.checks {
        versions
            .entry(check.fhircast_version)
            .or_default()
            .add(check.verdict);
    }
    put(
        out,
        "| version | pass | fail | warn | skip | inconclusive |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (version, summary) in versions.iter().rev() {
        let Summary {
            pass,
            fail,
            warn,
            skip,
            inconclusive,
        } = summary;
        let _ = writeln!(
            out,
            "| {version} | {pass} | {fail} | {warn} | {skip} | {inconclusive} |"
        );
    }
}

fn flaky(out: &mut String, record: &Record) {
    let flaky = record.checks.iter().filter(|check| check.flaky);
    let told: Vec<String> = flaky.map(|check| plain(&check.id)).collect();
    if told.is_empty() {
        return;
    }
    let more = match told.len().saturating_sub(BROKEN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = told.into_iter().take(BROKEN).collect::<Vec<_>>().join(", ");
    put(
        out,
        &format!("\nFlaky, held only when tried again: {shown}{more}\n"),
    );
}

fn broken(out: &mut String, record: &Record) {
    let causes = causes(record);
    if causes.is_empty() {
        return;
    }
    put(
        out,
        "\n| | requirement | what was found | where | hides |\n| --- | --- | --- | --- | ---: |\n",
    );
    for (cause, checks) in causes.iter().take(BROKEN) {
        let Some(check) = checks.first() else {
            continue;
        };
        let accepted = match checks.iter().all(|check| check.accepted.is_some()) {
            true => " (accepted)",
            false => "",
        };
        let desk = match cause.consequence {
            Some(consequence) => format!("<br>*{}*", plain(consequence)),
            None => String::new(),
        };
        let more = match checks.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            out,
            "| {}{accepted} | [{}]({}) {} {} | {}{desk} | {}{more} | {} |",
            cause.verdict,
            plain(&check.requirement),
            address(&check.url),
            check.level,
            check.fhircast_version,
            plain(&check.message),
            plain(&check.scenario),
            cause.hides,
        );
    }
    if causes.len() > BROKEN {
        let _ = writeln!(out, "\nand {} more causes, in index.html", causes.len() - BROKEN);
    }
}

/// The causes with their broken checks: failures first, those of most checks before others.
pub(super) fn causes(record: &Record) -> Vec<(&Cause, Vec<&Check>)> {
    let all = record.causes.all.iter();
    let mut causes: Vec<(&Cause, Vec<&Check>)> = all
        .map(|cause| (cause, record.broken_by(cause).collect()))
        .collect();
    for (_, checks) in &mut causes {
        checks.sort_by_key(|check| check.verdict != Verdict::Fail);
    }
    causes.sort_by_key(|(cause, _)| (cause.verdict != Verdict::Fail, Reverse(cause.checks)));
    causes
}

/// A text in which nothing is markup, neither of Markdown nor of HTML.
pub(super) fn plain(text: &str) -> String {
    let line = text::line(text);
    let mut out = String::new();
    for c in line.chars().take(LONGEST) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A number in place of the character works in tables too, where a backslash may not.
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '@' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    // A bare address would be made a link.
    out = out.replace("://", "&#58;//");
    if line.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// An address that can stand between parentheses; of anything but the web, none.
fn address(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            let escaped = url
                .as_str()
                .replace('(', "%28")
                .replace(')', "%29")
                .replace('|', "%7C");
            escaped.replace(['<', '>', ' '], "")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let shown = plain("<img src=x>|[a](b) `c` **d** @someone\n# e &amp; https://x");
        let plain = |c: char| c.is_ascii_alphanumeric() || " =/&#;()".contains(c);
        assert!(shown.chars().all(plain), "{shown}");
        assert!(!shown.contains("://"), "{shown}");
        assert_eq!(
            super::plain(&"a".repeat(LONGEST + 1)).chars().count(),
            LONGEST + 1
        );
    }

    #[test]
    fn only_the_web_is_linked() {
        assert_eq!(address("https://h/a(b)#c"), "https://h/a%28b%29#c");
        assert_eq!(address("javascript:alert(1)"), "");
        assert_eq!(address("no address"), "");
    }
}
