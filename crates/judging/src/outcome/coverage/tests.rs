//! What of a scope is judged, skipped and not reached.

use super::*;

fn check(version: Version, requirement: &'static str, verdict: Verdict) -> Check {
    Check {
        id: format!("s/{requirement}@{version}"),
        scenario: "s".to_owned(),
        requirement: requirement.into(),
        fhircast_version: version,
        level: Level::Shall,
        section: String::new(),
        url: String::new(),
        statement: String::new(),
        verdict,
        message: format!("{requirement} {verdict}"),
        expected: None,
        observed: None,
        evidence: Vec::new(),
        repeat: None,
        accepted: None,
        flaky: false,
        left_out: false,
        cause: None,
    }
}

fn side(version: Version, requirements: &[&'static str]) -> Side {
    Side {
        version,
        actor: Actor::Hub,
        requirements: requirements
            .iter()
            .map(|id| (RequirementId::from(*id), format!("{id} is so.")))
            .collect(),
    }
}

fn coverage(sides: Vec<Side>, checks: &[Check]) -> Coverage {
    let scope = Scope {
        sides,
        ..Scope::default()
    };
    Coverage::of(&scope, checks)
}

#[test]
fn a_requirement_is_judged_where_any_check_of_it_has_a_verdict() {
    use Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
    for (verdicts, expected) in [
        (&[Pass][..], [1, 0, 0]),
        (&[Fail], [1, 0, 0]),
        (&[Warn], [1, 0, 0]),
        (&[Skip, Inconclusive, Pass], [1, 0, 0]),
        (&[Skip], [0, 1, 0]),
        (&[Inconclusive, Skip], [0, 1, 0]),
        (&[Inconclusive], [0, 0, 1]),
        (&[], [0, 0, 1]),
    ] {
        let checks: Vec<_> = verdicts
            .iter()
            .map(|verdict| check(Version::Stu3, "a.one", *verdict))
            .collect();
        let covered = &coverage(vec![side(Version::Stu3, &["a.one"])], &checks).sides[0];
        let counted = [
            covered.judged.len(),
            covered.skipped.len(),
            covered.not_reached.len(),
        ];
        assert_eq!(counted, expected, "{verdicts:?}");
        assert_eq!(covered.observable(), 1);
    }
}

#[test]
fn a_version_does_not_speak_for_another_nor_a_check_for_what_is_not_in_the_scope() {
    let sides = vec![side(Version::Stu3, &["a.one"]), side(Version::Stu2, &["a.one"])];
    let checks = [
        check(Version::Stu3, "a.one", Verdict::Pass),
        check(Version::Stu2, "b.other", Verdict::Pass),
    ];
    let covered = coverage(sides, &checks);
    assert_eq!(covered.sides[0].judged.len(), 1);
    let not_reached = &covered.sides[1].not_reached;
    assert_eq!(not_reached.get("a.one").map(String::as_str), Some("a.one is so."));
    let told = covered.sentence();
    assert_eq!(told.as_deref(), Some("1 of 2 requirements judged, 1 not reached"));
}

#[test]
fn what_the_operator_left_out_was_not_tried() {
    let mut left_out = check(Version::Stu3, "a.one", Verdict::Skip);
    left_out.left_out = true;
    let covered = coverage(vec![side(Version::Stu3, &["a.one"])], &[left_out]);
    assert_eq!(
        covered.sentence().as_deref(),
        Some("0 of 1 requirements judged, 1 not reached")
    );
}

#[test]
fn a_skip_is_told_with_its_reason() {
    let checks = [check(Version::Stu3, "a.one", Verdict::Skip)];
    let covered = coverage(vec![side(Version::Stu3, &["a.one", "a.two"])], &checks);
    let skipped = &covered.sides[0].skipped;
    assert_eq!(skipped.get("a.one").map(String::as_str), Some("a.one skip"));
    let told = covered.sentence();
    let expected = "0 of 2 requirements judged, 1 skipped, 1 not reached";
    assert_eq!(told.as_deref(), Some(expected));
}

#[test]
fn little_of_what_applies_is_thin_whatever_was_skipped() {
    let all = ["a.a", "a.b", "a.c", "a.d"];
    for (passed, skipped, thin) in [
        (4, 0, false),
        (3, 0, false),
        (2, 0, true),
        (2, 2, false),
        (0, 4, true),
    ] {
        let verdict = |number: usize| match number {
            _ if number < passed => Some(Verdict::Pass),
            _ if number < passed + skipped => Some(Verdict::Skip),
            _ => None,
        };
        let checks = all.iter().enumerate();
        let checks: Vec<_> = checks
            .filter_map(|(number, id)| Some(check(Version::Stu3, id, verdict(number)?)))
            .collect();
        let covered = coverage(vec![side(Version::Stu3, &all)], &checks);
        assert_eq!(covered.is_thin(), thin, "{passed} passed, {skipped} skipped");
    }
}

#[test]
fn nothing_is_told_where_no_side_is_known() {
    let covered = coverage(Vec::new(), &[check(Version::Stu3, "a.one", Verdict::Pass)]);
    assert_eq!(covered.sentence(), None);
    assert!(!covered.is_thin());
}

#[test]
fn a_side_of_the_catalogue_has_what_binds_and_can_be_observed() {
    let catalogue = Catalogue::embedded().unwrap();
    let hub = Side::of(&catalogue, Version::Stu3, Actor::Hub);
    assert!(hub.requirements.contains_key("subscribe.accepted-202"));
    for requirement in catalogue
        .iter()
        .filter(|requirement| requirement.version == Version::Stu3)
    {
        let expected = requirement.actor == Actor::Hub
            && requirement.level != Level::May
            && requirement.unobservable.is_none();
        assert_eq!(
            hub.requirements.contains_key(&requirement.id),
            expected,
            "{}",
            requirement.id
        );
    }
}

#[test]
fn shares_tell_which_are_missing() {
    let shares = |numbers: &[usize]| Shares {
        numbers: numbers.iter().copied().collect(),
        of: 4,
        plan: "p".to_owned(),
    };
    assert_eq!(shares(&[1, 3]).missing(), [2, 4]);
    assert_eq!(shares(&[1, 2, 3, 4]).missing(), [0; 0]);
    assert_eq!(shares(&[2]).to_string(), "shard 2 of 4");
    assert_eq!(shares(&[1, 3]).to_string(), "shards 1, 3 of 4");
}

#[test]
fn shares_that_no_run_can_have_are_told_apart() {
    let possible = |numbers: &[usize], of| {
        let numbers = numbers.iter().copied().collect();
        let plan = String::new();
        Shares { numbers, of, plan }.are_possible()
    };
    assert!(possible(&[1, 4], 4) && possible(&[1], 1));
    for (numbers, of) in [(&[][..], 2), (&[0], 2), (&[3], 2), (&[1], 0), (&[1], usize::MAX)] {
        assert!(!possible(numbers, of), "{numbers:?} of {of}");
    }
}
