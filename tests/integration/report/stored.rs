//! Runs that were written: rendered again, put together, compared.

use std::path::Path;

use crate::report_support::{Run, check, sample};
use castspec::report::{Comparison, JunitCases, MergeError, Reports, StoredRun, Wanted, merge};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, RunEvent, Shares, Verdict};

fn stored(events: &[RunEvent], grading: Grading) -> (tempfile::TempDir, StoredRun) {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Reports::new(folder.path(), grading).unwrap();
    for event in events {
        reports.event(event).unwrap();
    }
    let run = StoredRun::read(folder.path()).unwrap();
    (folder, run)
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_rendered_again_is_the_same_to_the_byte() {
    let lost = sample()
        .lost("subscribing/refused", "POST /", "connection refused")
        .interrupted();
    for (events, grading) in [
        (sample().ended(), Grading::Standard),
        (sample().ended(), Grading::Strict),
        (lost.ended(), Grading::Standard),
    ] {
        let (folder, run) = stored(&events, grading);
        let again = tempfile::tempdir().unwrap();
        Reports::store(again.path(), run, JunitCases::default()).unwrap();
        assert_eq!(files(again.path()), files(folder.path()));
    }
}

#[test]
fn rendering_alone_leaves_report_json_as_it_is() {
    let (_folder, run) = stored(&sample().ended(), Grading::Standard);
    let again = tempfile::tempdir().unwrap();
    Reports::store_renderings(again.path(), run, JunitCases::default()).unwrap();
    assert!(again.path().join("index.html").exists());
    assert!(!again.path().join("report.json").exists());
}

#[test]
fn a_report_of_an_earlier_castspec_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.json");
    let old = serde_json::json!({
        "tool": {"name": "castspec", "version": "0.0.1"}, "started": "2025-01-01T00:00:00Z", "duration_ms": 5,
        "target": {"hub_url": "https://h", "fhircast_version": "STU3", "capabilities": {}},
        "summary": {"pass": 0, "fail": 0, "warn": 0, "skip": 0, "inconclusive": 0}, "checks": []
    });
    std::fs::write(&file, old.to_string()).unwrap();
    let run = StoredRun::read(&file).unwrap();
    assert_eq!(run.record.began.unwrap().target.hub_url, "https://h");
}

#[test]
fn what_is_no_report_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.json");
    for (content, said) in [
        ("", "is not JSON"),
        (
            "{\"checks\": 1}",
            "is no report.json: it has no checks or no summary",
        ),
        (
            "{\"checks\": 1, \"summary\": 2}",
            "is no report.json: invalid type",
        ),
        ("[[[[", "is not JSON"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = StoredRun::read(&file).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("some.json"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
    let error = StoredRun::read(&folder.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("none cannot be read"), "{error}");
}

fn one(scenario: &str, requirement: &str, verdict: Verdict) -> Run {
    let judged = vec![check(scenario, requirement, Level::Shall, verdict)];
    Run::new().scenario(scenario, Disposition::Completed, judged)
}

#[test]
fn parts_are_put_together() {
    let (_a, one_part) = stored(
        &one("b/second", "r.one", Verdict::Pass).ended(),
        Grading::Standard,
    );
    let failing = one("a/first", "r.one", Verdict::Fail).observed("a/first", "subject", "reading");
    let (_b, other_part) = stored(&failing.ended(), Grading::Standard);
    let whole = merge(vec![one_part, other_part], Wanted::Whole).unwrap();
    let ids: Vec<&str> = whole
        .record
        .checks
        .iter()
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(ids, ["a/first/r.one@STU3", "b/second/r.one@STU3"]);
    assert_eq!(whole.record.duration.as_millis(), 2 * 1_234);
    assert_eq!(whole.record.observations.len(), 1);
    assert_eq!(whole.record.conclusion().exit_code(), 1);
}

/// The report of a shard with one scenario.
fn shard(numbers: &[usize], of: usize, plan: &str) -> StoredRun {
    let scenario = format!("a/{}", numbers[0]);
    let judged = vec![check(
        &scenario,
        "subscribe.accepted-202",
        Level::Shall,
        Verdict::Pass,
    )];
    let run = Run::new().scenario(&scenario, Disposition::Completed, judged);
    let shares = Shares {
        numbers: numbers.iter().copied().collect(),
        of,
        plan: plan.to_owned(),
    };
    stored(&run.in_shares(shares).ended(), Grading::Standard).1
}

#[test]
fn all_shards_are_a_whole() {
    let parts = vec![shard(&[2], 3, "p"), shard(&[1], 3, "p"), shard(&[3], 3, "p")];
    let whole = merge(parts, Wanted::Whole).unwrap().record;
    assert_eq!(whole.began.as_ref().unwrap().scope.shares, None);
    let sentence = whole.conclusion().sentence();
    assert!(
        sentence.starts_with("conformant in what was tried: 1 of 2 requirements judged"),
        "{sentence}"
    );
}

#[test]
fn a_missing_shard_is_refused_unless_a_part_is_wanted() {
    let parts = || vec![shard(&[1], 4, "p"), shard(&[3], 4, "p")];
    let error = merge(parts(), Wanted::Whole).unwrap_err().to_string();
    assert!(error.starts_with("shards 2, 4 of 4 are missing"), "{error}");
    let part = merge(parts(), Wanted::Partial).unwrap();
    let sentence = part.record.conclusion().sentence();
    assert!(
        sentence.starts_with("conformant in shards 1, 3 of 4: 1 of 2"),
        "{sentence}"
    );
    let folder = tempfile::tempdir().unwrap();
    Reports::store(folder.path(), part, JunitCases::Requirement).unwrap();
    for (name, said) in [
        ("summary.md", "🟡 FHIRcast: conformant in shards 1, 3 of 4"),
        ("summary.md", "**Not in it**: shards 2, 4"),
        ("index.html", "Conformant in shards 1, 3 of 4"),
        ("index.html", "shards 1, 3 of 4; missing: 2, 4"),
    ] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains(said), "{name}: {said}");
    }
    // What was put together in part is completed by what was missing.
    let again = StoredRun::read(folder.path()).unwrap();
    let parts = vec![again, shard(&[2], 4, "p"), shard(&[4], 4, "p")];
    let whole = merge(parts, Wanted::Whole).unwrap().record;
    assert_eq!(whole.checks.len(), 4);
}

#[test]
fn a_foreign_shard_is_named() {
    let no_shard = || {
        stored(
            &one("b/second", "r.one", Verdict::Pass).ended(),
            Grading::Standard,
        )
        .1
    };
    for (first, second, why) in [
        (shard(&[1], 2, "p"), shard(&[2], 2, "q"), "its plan is q, not p"),
        (
            shard(&[1], 2, "p"),
            shard(&[2], 3, "p"),
            "one of 3 shards, not of 2",
        ),
        (
            shard(&[1], 2, "p"),
            shard(&[1], 2, "p"),
            "shard 1 is there already",
        ),
        (shard(&[1], 2, "p"), no_shard(), "it is no shard"),
        (no_shard(), shard(&[1], 2, "p"), "it is shard 1 of 2"),
    ] {
        let error = merge(vec![first, second], Wanted::Partial)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_are_no_parts_of_one_run_is_named() {
    let run = |run: Run, grading| stored(&run.ended(), grading);
    let pass = || one("a/first", "r.one", Verdict::Pass);
    let (_a, first) = run(pass(), Grading::Standard);
    let (_b, again) = run(pass(), Grading::Standard);
    let error = merge(vec![first, again], Wanted::Whole).unwrap_err();
    assert!(
        matches!(&error, MergeError::Twice { id, .. } if id == "a/first/r.one@STU3"),
        "{error}"
    );
    let (_c, first) = run(pass(), Grading::Standard);
    let (_d, strict) = run(one("b/second", "r.one", Verdict::Pass), Grading::Strict);
    let error = merge(vec![first, strict], Wanted::Whole).unwrap_err().to_string();
    assert!(error.contains("--strict differs, false and"), "{error}");
    let (_e, first) = run(pass(), Grading::Standard);
    let (_f, elsewhere) = run(Run::against("https://other.example.com"), Grading::Standard);
    let error = merge(vec![first, elsewhere], Wanted::Whole)
        .unwrap_err()
        .to_string();
    assert!(error.contains("the hub differs"), "{error}");
    assert_eq!(merge(Vec::new(), Wanted::Whole).unwrap_err(), MergeError::Nothing);
}

/// A run with these checks in one scenario; absent ones left out.
fn with(verdicts: &[(&str, Option<Verdict>)]) -> (tempfile::TempDir, StoredRun) {
    let checks: Vec<Check> = verdicts
        .iter()
        .filter_map(|(name, verdict)| Some(check("own/one", name, Level::Shall, (*verdict)?)))
        .collect();
    stored(
        &Run::new()
            .scenario("own/one", Disposition::Completed, checks)
            .ended(),
        Grading::Standard,
    )
}

#[test]
fn a_comparison_tells_better_from_worse() {
    use Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
    let changes = [
        ("a.pass-fail", Some(Pass), Some(Fail), "worse"),
        ("b.pass-warn", Some(Pass), Some(Warn), "worse"),
        ("c.pass-open", Some(Pass), Some(Inconclusive), "worse"),
        ("d.absent-fail", None, Some(Fail), "worse"),
        ("e.skip-fail", Some(Skip), Some(Fail), "worse"),
        ("f.fail-pass", Some(Fail), Some(Pass), "better"),
        ("g.fail-warn", Some(Fail), Some(Warn), "better"),
        ("h.open-pass", Some(Inconclusive), Some(Pass), "better"),
        ("i.fail-absent", Some(Fail), None, "no longer"),
        ("j.fail-open", Some(Fail), Some(Inconclusive), "no longer"),
        ("k.pass-skip", Some(Pass), Some(Skip), "no longer"),
        ("l.absent-pass", None, Some(Pass), "newly"),
        ("m.skip-pass", Some(Skip), Some(Pass), "newly"),
        ("n.fail-fail", Some(Fail), Some(Fail), "unchanged"),
        ("o.absent-skip", None, Some(Skip), "unchanged"),
    ];
    type Row = (&'static str, Option<Verdict>, Option<Verdict>, &'static str);
    let side = |pick: fn(&Row) -> Option<Verdict>| {
        let checks: Vec<(&str, Option<Verdict>)> =
            changes.iter().map(|change| (change.0, pick(change))).collect();
        with(&checks)
    };
    let ((_a, old), (_b, new)) = (side(|change| change.1), side(|change| change.2));
    let comparison = Comparison::of(&old.record, &new.record);
    for (list, kind) in [
        (&comparison.worse, "worse"),
        (&comparison.better, "better"),
        (&comparison.no_longer_judged, "no longer"),
    ] {
        let found: Vec<String> = list.iter().map(|change| change.id.clone()).collect();
        let wanted = changes.iter().filter(|change| change.3 == kind);
        let wanted: Vec<String> = wanted
            .map(|change| format!("own/one/{}@STU3", change.0))
            .collect();
        assert_eq!(found, wanted, "{kind}");
    }
    assert_eq!((comparison.newly_judged, comparison.unchanged), (2, 2));
    assert!(comparison.is_regression());
    insta::assert_snapshot!(comparison.text());
    let back = Comparison::of(&new.record, &new.record);
    assert!(!back.is_regression());
}

#[test]
fn versions_are_compared_apart() {
    let under = |version: Version, verdict| {
        let judged = check("own/one", "r.one", Level::Shall, verdict);
        Check {
            id: format!("own/one/r.one@{version}"),
            fhircast_version: version,
            ..judged
        }
    };
    let run = |stu3, stu2| {
        let run = Run::new().scenario(
            "own/one",
            Disposition::Completed,
            vec![under(Version::Stu3, stu3)],
        );
        let checks = vec![under(Version::Stu2, stu2)];
        stored(
            &run.scenario_under(Version::Stu2, "own/one", Disposition::Completed, checks)
                .ended(),
            Grading::Standard,
        )
    };
    let (_a, old) = run(Verdict::Pass, Verdict::Fail);
    let (_b, new) = run(Verdict::Fail, Verdict::Pass);
    let comparison = Comparison::of(&old.record, &new.record);
    assert_eq!(comparison.worse[0].id, "own/one/r.one@STU3");
    assert_eq!(comparison.better[0].id, "own/one/r.one@STU2");
}

#[test]
fn markdown_shows_messages_as_they_are() {
    let hostile = "a | b <img src=x> `c` *d* [e](javascript:f)\n# g @team";
    let failed = Check {
        message: hostile.to_owned(),
        ..check("own/one", "r.one", Level::Shall, Verdict::Fail)
    };
    let (_a, old) = with(&[("r.one", Some(Verdict::Pass))]);
    let run = Run::new().scenario("own/one", Disposition::Completed, vec![failed]);
    let (_b, new) = stored(&run.ended(), Grading::Standard);
    let told = Comparison::of(&old.record, &new.record).markdown();
    let row = told.lines().find(|line| line.starts_with("| own/one")).unwrap();
    let shown =
        "a &#124; b &lt;img src=x&gt; &#96;c&#96; &#42;d&#42; &#91;e&#93;(javascript:f) &#35; g &#64;team |";
    assert!(row.ends_with(shown), "{row}");
}

#[test]
fn causes_are_in_report_json_and_found_anew_where_they_are_not() {
    let (folder, run) = stored(&sample().ended(), Grading::Standard);
    let file = folder.path().join("report.json");
    let mut report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let causes = report["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 3);
    assert_eq!(causes[0]["id"], "c1");
    assert_eq!(causes[0]["requirement"], "confirmation.events");
    assert_eq!(causes[0]["pointer"], "/hub.events");
    let marked = |report: &serde_json::Value| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().filter(|check| check.get("cause").is_some()).count()
    };
    assert_eq!(marked(&report), 3);
    // An older castspec wrote neither causes nor the names of causes.
    report.as_object_mut().unwrap().remove("causes");
    for check in report["checks"].as_array_mut().unwrap() {
        check.as_object_mut().unwrap().remove("cause");
    }
    assert_eq!(marked(&report), 0);
    std::fs::write(&file, report.to_string()).unwrap();
    let older = StoredRun::read(&file).unwrap();
    assert_eq!(older.record.causes, run.record.causes);
    assert_eq!(older.record.checks, run.record.checks);
}

#[test]
fn a_comparison_tells_new_causes_and_those_that_are_gone() {
    let run = |message: &str| {
        let broken = Check {
            message: message.to_owned(),
            ..check("own/one", "r.one", Level::Shall, Verdict::Fail)
        };
        stored(
            &Run::new()
                .scenario("own/one", Disposition::Completed, vec![broken])
                .ended(),
            Grading::Standard,
        )
    };
    let ((_a, late), (_b, later), (_c, never)) =
        (run("came after 5 ms"), run("came after 7 ms"), run("never came"));
    let same = Comparison::of(&late.record, &later.record);
    assert!(same.new_causes.is_empty() && same.gone_causes.is_empty());
    let other = Comparison::of(&late.record, &never.record);
    let text = other.text();
    assert!(
        text.contains("New causes:\n  fail r.one [STU3] in 1 check\n    never came\n"),
        "{text}"
    );
    assert!(
        text.contains("Causes that are gone:\n  fail r.one [STU3] in 1 check\n    came after 5 ms\n"),
        "{text}"
    );
    assert!(text.contains("1 as before; causes: 1 new, 1 gone"), "{text}");
    assert!(!other.is_regression());
}
