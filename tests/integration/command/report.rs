//! `castspec report`, and runs that are split for it.

use std::path::Path;

use crate::command_support::{Ended, report, verdicts};

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

fn run(arguments: &[&str], reports: &Path) -> Ended {
    let common = [
        "run",
        "--quiet",
        "--fhircast-version",
        "STU3",
        "--reports",
        path(reports),
    ];
    Ended::with(&[&common, arguments].concat())
}

#[test]
fn shards_merge_into_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let selected = ["confirmation", "discovery", "replay/latest-open"];
    assert_eq!(run(&selected, &at("whole")).code, Some(0));
    let whole = verdicts(&report(&at("whole")));
    let mut seen = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        let ended = run(&[&selected[..], &["--shard", shard]].concat(), &at(&shard[..1]));
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        let part = verdicts(&report(&at(&shard[..1])));
        assert!(part.is_subset(&whole) && part.len() < whole.len());
        seen += part.len();
    }
    assert_eq!(seen, whole.len());
    let parts = [at("1"), at("2"), at("3")];
    let merged = Ended::with(&[
        "report",
        "merge",
        path(&parts[0]),
        path(&parts[1]),
        path(&parts[2]),
        "--reports",
        path(&at("merged")),
    ]);
    assert_eq!(merged.code, Some(0), "{}", merged.error);
    let told = "conformant in a selection: ";
    assert!(merged.out.starts_with(told), "{}", merged.out);
    assert_eq!(verdicts(&report(&at("merged"))), whole);
    for name in ["index.html", "junit.xml"] {
        assert!(at("merged").join(name).exists());
    }
    let two = ["report", "merge", path(&parts[0]), path(&parts[2])];
    let into = at("two");
    let two = [&two[..], &["--reports", path(&into)]].concat();
    let incomplete = Ended::with(&two);
    assert_eq!(incomplete.code, Some(2), "{}", incomplete.out);
    incomplete.begins(&["shard 2 of 3 is missing"]);
    let partial = Ended::with(&[&two[..], &["--partial"]].concat());
    assert_eq!(partial.code, Some(0), "{}", partial.error);
    let told = "conformant in shards 1, 3 of 3: ";
    assert!(partial.out.starts_with(told), "{}", partial.out);
    assert_eq!(report(&into)["shard"]["numbers"], serde_json::json!([1, 3]));
    let twice = Ended::with(&[
        "report",
        "merge",
        path(&parts[0]),
        path(&parts[0]),
        "--reports",
        path(&at("none")),
    ]);
    twice.says(&["shard 1 is there already"]);
    assert!(!at("none").exists(), "nothing is written");
}

#[test]
fn a_regression_is_told_by_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    assert_eq!(run(&["confirmation/first-message"], &good).code, Some(0));
    let broken = run(
        &[
            "confirmation/first-message",
            "--defect",
            "confirmation-without-lease",
        ],
        &bad,
    );
    assert_eq!(broken.code, Some(1));
    let worse = Ended::with(&["report", "compare", path(&good), path(&bad)]);
    assert_eq!(worse.code, Some(1), "{}", worse.error);
    assert!(
        worse
            .out
            .contains("pass → fail  confirmation/first-message/confirmation.lease-seconds@STU3"),
        "{}",
        worse.out
    );
    let better = Ended::with(&["report", "compare", path(&bad), path(&good), "--json"]);
    assert_eq!(better.code, Some(0));
    let told: serde_json::Value = serde_json::from_str(&better.out).unwrap();
    assert_eq!(told["better"][0]["new"], "pass");
    assert_eq!(told["worse"], serde_json::json!([]));
    let markdown = Ended::with(&["report", "compare", path(&good), path(&bad), "--markdown"]);
    assert!(markdown.out.starts_with("### castspec: "), "{}", markdown.out);
}

#[test]
fn what_cannot_be_done_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none.json");
    Ended::with(&["report", "compare", path(&none), path(&none)]).says(&["none.json cannot be read"]);
    Ended::with(&["report", "render", path(folder.path())]).says(&["report.json cannot be read"]);
    run(&["confirmation/first-message", "--shard", "5/4"], folder.path()).says(&["5/4", "2/4"]);
    run(&["confirmation/first-message", "--shard", "2/2"], folder.path()).says(&["nothing to run", "2/2"]);
}
