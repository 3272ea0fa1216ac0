//! The kill matrix: for each defect, what it claims to break, what was seen to fail, and what nothing explains.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Level, RequirementId};
use castspec_judging::outcome::{Check, Observation, Verdict};

/// How a broken requirement showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// Nothing showed.
    Unseen,
    /// It was recorded as the hub's reading, since the specification leaves too much open to judge.
    Noted,
    /// It warned.
    Warned,
    /// It failed.
    Failed,
}

/// How one requirement fared in one run of the suite, where it did not simply hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The requirement.
    pub requirement: RequirementId,
    /// How it showed at worst.
    pub seen: Seen,
    /// The scenarios in which it showed so.
    pub scenarios: Vec<String>,
    /// What the first of them says.
    pub message: String,
}

/// A requirement that a defect claims to break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// How strongly it binds.
    pub level: Level,
    /// How it fared.
    #[serde(flatten)]
    pub finding: Finding,
}

/// One defect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub defect: String,
    /// What the hub does.
    pub description: String,
    /// What it claims to break.
    pub claims: Vec<Claim>,
    /// What was seen to fail besides and follows from the defect.
    pub consequences: Vec<Finding>,
    /// What was seen to fail and nothing explains.
    pub unexplained: Vec<Finding>,
    /// Checks that could not be made because of the defect.
    pub inconclusive: usize,
    /// How long the suite took against it, in seconds.
    pub seconds: f64,
    /// Why the suite could not be run at all.
    pub error: Option<String>,
    /// It was run a second time, alone, and this is what came of that: the first time, among other runs, it had a fault.
    pub again: bool,
}

impl Row {
    /// It is killed, and explains whatever else showed.
    pub fn is_sound(&self) -> bool {
        self.is_killed() && self.unexplained.is_empty()
    }

    /// Every requirement that the defect claims to break was seen broken.
    pub fn is_killed(&self) -> bool {
        self.error.is_none() && self.claims.iter().all(|claim| claim.finding.seen > Seen::Unseen)
    }
}

/// The clean simulator's run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clean {
    /// Checks that passed.
    pub pass: usize,
    /// Checks that were skipped.
    pub skip: usize,
    /// Whatever did not hold: nothing should.
    pub findings: Vec<Finding>,
    /// Checks that could not be made: none should be.
    pub inconclusive: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why the suite could not be run at all.
    pub error: Option<String>,
}

/// The matrix counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Defects.
    pub defects: usize,
    /// Defects of which everything that they claim was seen.
    pub killed: usize,
    /// Defects with failures that nothing explains.
    pub with_unexplained: usize,
    /// Requirements on the hub that can be observed.
    pub requirements: usize,
    /// Those among them that some defect was seen to break.
    pub proven: usize,
    /// Checks (a requirement in a scenario) that some defect made fail or warn.
    pub checks_seen_to_fail: usize,
    /// All checks that the clean simulator passed.
    pub checks: usize,
}

/// The kill matrix of one version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matrix {
    /// The version.
    pub fhircast_version: Version,
    /// The clean simulator.
    pub clean: Clean,
    /// The defects.
    pub rows: Vec<Row>,
    /// Observable requirements on the hub that no defect claims to break.
    pub without_defect: Vec<RequirementId>,
    /// Whether all defects were run; where not, requirements without a defect are not counted as faults.
    pub complete: bool,
    /// The counts.
    pub summary: Summary,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

impl Matrix {
    /// Every defect was seen, nothing failed without cause, nothing is left unproven, and the clean simulator is clean.
    pub fn is_sound(&self) -> bool {
        self.faults().is_empty()
    }

    /// What is wrong, one sentence each; empty where the checks prove themselves.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(error) = &self.clean.error {
            faults.push(format!(
                "the suite could not be run against the clean hub: {error}"
            ));
        }
        for finding in &self.clean.findings {
            faults.push(format!(
                "{} shows against the clean hub, in {}: {}",
                finding.requirement,
                finding.scenarios.join(", "),
                finding.message
            ));
        }
        if self.clean.inconclusive > 0 {
            faults.push(format!(
                "{} checks could not be made against the clean hub",
                self.clean.inconclusive
            ));
        }
        for row in &self.rows {
            if let Some(error) = &row.error {
                faults.push(format!("{}: the suite could not be run: {error}", row.defect));
                continue;
            }
            for claim in row
                .claims
                .iter()
                .filter(|claim| claim.finding.seen == Seen::Unseen)
            {
                faults.push(format!(
                    "{} survives: {} was not seen broken",
                    row.defect, claim.finding.requirement
                ));
            }
            for finding in &row.unexplained {
                faults.push(format!(
                    "{} does not explain that {} shows, in {}: {}",
                    row.defect,
                    finding.requirement,
                    finding.scenarios.join(", "),
                    finding.message
                ));
            }
        }
        if self.complete {
            for id in &self.without_defect {
                faults.push(format!("{id} can be observed, and no defect breaks it"));
            }
        }
        faults
    }
}

/// What one run of the suite brought to light, gathered from its events.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    checks: Vec<(String, RequirementId, Verdict, String)>,
    noted: Vec<(String, String, String)>,
}

impl Gathered {
    pub(super) fn check(&mut self, check: &Check) {
        self.checks.push((
            check.scenario.clone(),
            check.requirement.clone(),
            check.verdict,
            if check.verdict == Verdict::Pass {
                String::new()
            } else {
                check.message.clone()
            },
        ));
    }

    pub(super) fn observation(&mut self, observation: &Observation) {
        self.noted.push((
            observation.scenario.clone(),
            observation.subject.clone(),
            observation.reading.clone(),
        ));
    }

    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.2 == verdict).count()
    }

    /// The checks that failed or warned, as scenario and requirement.
    pub(super) fn broken(&self) -> impl Iterator<Item = (&str, &RequirementId)> {
        self.checks
            .iter()
            .filter(|check| matches!(check.2, Verdict::Fail | Verdict::Warn))
            .map(|check| (check.0.as_str(), &check.1))
    }

    /// How each requirement showed at worst; those that held throughout are not among them. Readings of the hub are counted
    /// only for the requirements asked for: a reading is no fault.
    pub(super) fn findings(&self, readings_of: &[RequirementId]) -> BTreeMap<RequirementId, Finding> {
        let broken = self.checks.iter().filter_map(|(scenario, id, verdict, message)| {
            let seen = match verdict {
                Verdict::Fail => Seen::Failed,
                Verdict::Warn => Seen::Warned,
                _ => return None,
            };
            Some((scenario, id, seen, message))
        });
        let noted = self.noted.iter().filter_map(|(scenario, subject, reading)| {
            let id = readings_of.iter().find(|id| id.as_str() == subject)?;
            Some((scenario, id, Seen::Noted, reading))
        });
        let mut findings: BTreeMap<RequirementId, Finding> = BTreeMap::new();
        let mut all: Vec<_> = broken.chain(noted).collect();
        all.sort();
        for (scenario, id, seen, message) in all {
            let finding = findings.entry(id.clone()).or_insert_with(|| Finding {
                requirement: id.clone(),
                seen: Seen::Unseen,
                scenarios: Vec::new(),
                message: String::new(),
            });
            if seen > finding.seen {
                finding.seen = seen;
                finding.scenarios.clear();
                finding.message.clone_from(message);
            }
            if seen == finding.seen {
                finding.scenarios.push(scenario.clone());
            }
        }
        findings
    }
}

/// Sorts what was seen into what the defect claims, what follows from it, and what nothing explains.
pub(super) fn sort_out(
    gathered: &Gathered,
    breaks: &[(&'static str, Level)],
    consequences: &[&str],
) -> (Vec<Claim>, Vec<Finding>, Vec<Finding>) {
    let claimed: Vec<RequirementId> = breaks.iter().map(|(id, _)| RequirementId::from(*id)).collect();
    let mut findings = gathered.findings(&claimed);
    let claims = breaks
        .iter()
        .map(|(id, level)| Claim {
            level: *level,
            finding: findings.remove(*id).unwrap_or_else(|| Finding {
                requirement: RequirementId::from(*id),
                seen: Seen::Unseen,
                scenarios: Vec::new(),
                message: String::new(),
            }),
        })
        .collect();
    let (explained, unexplained) = findings
        .into_values()
        .partition(|finding| consequences.contains(&finding.requirement.as_str()));
    (claims, explained, unexplained)
}

/// Counts a matrix; `seen` are the checks that some defect made fail or warn, `passed` those that the clean hub passed.
pub(super) fn summarise(
    rows: &[Row],
    observable: &BTreeSet<RequirementId>,
    seen: &BTreeSet<(String, RequirementId)>,
    passed: &BTreeSet<(String, RequirementId)>,
) -> Summary {
    let proven: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| &row.claims)
        .filter(|claim| claim.finding.seen > Seen::Unseen)
        .map(|claim| claim.finding.requirement.as_str())
        .filter(|id| observable.contains(*id))
        .collect();
    Summary {
        defects: rows.len(),
        killed: rows.iter().filter(|row| row.is_killed()).count(),
        with_unexplained: rows.iter().filter(|row| !row.unexplained.is_empty()).count(),
        requirements: observable.len(),
        proven: proven.len(),
        checks_seen_to_fail: passed.intersection(seen).count(),
        checks: passed.len(),
    }
}

impl Gathered {
    pub(super) fn passed(&self) -> impl Iterator<Item = (String, RequirementId)> + '_ {
        self.checks
            .iter()
            .filter(|check| check.2 == Verdict::Pass)
            .map(|check| (check.0.clone(), check.1.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(requirement: &'static str, verdict: Verdict) -> (String, RequirementId, Verdict, String) {
        (
            "folder/scenario".into(),
            requirement.into(),
            verdict,
            "so it was".into(),
        )
    }

    fn gathered(checks: &[(&'static str, Verdict)]) -> Gathered {
        Gathered {
            checks: checks.iter().map(|(id, verdict)| seen(id, *verdict)).collect(),
            noted: vec![
                (
                    "folder/scenario".into(),
                    "a.noted".into(),
                    "the hub does so".into(),
                ),
                (
                    "folder/scenario".into(),
                    "some-reading".into(),
                    "it reads so".into(),
                ),
            ],
        }
    }

    fn row(
        checks: &[(&'static str, Verdict)],
        breaks: &[(&'static str, Level)],
        consequences: &[&str],
    ) -> Row {
        let gathered = gathered(checks);
        let (claims, consequences, unexplained) = sort_out(&gathered, breaks, consequences);
        Row {
            defect: "a-defect".to_owned(),
            description: "does what it must not".to_owned(),
            claims,
            consequences,
            unexplained,
            inconclusive: gathered.count(Verdict::Inconclusive),
            seconds: 0.0,
            error: None,
            again: false,
        }
    }

    fn matrix(rows: Vec<Row>) -> Matrix {
        let observable = BTreeSet::from(["a.claim".into()]);
        Matrix {
            fhircast_version: Version::Stu3,
            clean: Clean {
                pass: 1,
                skip: 0,
                findings: Vec::new(),
                inconclusive: 0,
                seconds: 0.0,
                error: None,
            },
            summary: summarise(&rows, &observable, &BTreeSet::new(), &BTreeSet::new()),
            rows,
            without_defect: Vec::new(),
            complete: true,
            seconds: 0.0,
        }
    }

    #[test]
    fn a_defect_is_killed_when_each_of_its_claims_shows() {
        let killed = row(
            &[("a.claim", Verdict::Fail), ("b.claim", Verdict::Warn)],
            &[
                ("a.claim", Level::Shall),
                ("b.claim", Level::Should),
                ("a.noted", Level::Shall),
            ],
            &[],
        );
        assert!(killed.is_killed());
        assert_eq!(killed.claims[2].finding.seen, Seen::Noted);
        let sound = matrix(vec![killed]);
        assert!(sound.is_sound(), "{:?}", sound.faults());
        assert_eq!((sound.summary.killed, sound.summary.proven), (1, 1));

        for other in [Verdict::Pass, Verdict::Skip, Verdict::Inconclusive] {
            let survivor = row(&[("a.claim", other)], &[("a.claim", Level::Shall)], &[]);
            assert!(!survivor.is_killed(), "{other}");
            let faults = matrix(vec![survivor]).faults();
            assert_eq!(faults, ["a-defect survives: a.claim was not seen broken"]);
        }
    }

    #[test]
    fn what_no_claim_and_no_consequence_explains_is_a_fault() {
        let checks = [
            ("a.claim", Verdict::Fail),
            ("b.follows", Verdict::Fail),
            ("c.stray", Verdict::Warn),
        ];
        let row = row(&checks, &[("a.claim", Level::Shall)], &["b.follows", "d.could"]);
        assert_eq!(row.consequences.len(), 1);
        assert_eq!(row.unexplained.len(), 1);
        let faults = matrix(vec![row]).faults();
        assert_eq!(
            faults,
            ["a-defect does not explain that c.stray shows, in folder/scenario: so it was"]
        );
    }

    #[test]
    fn a_clean_hub_that_is_not_clean_and_a_requirement_without_a_defect_are_faults() {
        let mut matrix = matrix(Vec::new());
        matrix.clean.inconclusive = 1;
        matrix.clean.findings = gathered(&[("a.claim", Verdict::Warn)])
            .findings(&[])
            .into_values()
            .collect();
        matrix.without_defect = vec!["e.unproven".into()];
        assert_eq!(matrix.faults().len(), 3, "{:?}", matrix.faults());
        matrix.complete = false;
        assert_eq!(matrix.faults().len(), 2, "a part of the defects proves a part");
        matrix.clean.error = Some("no port".to_owned());
        assert!(matrix.faults()[0].ends_with("no port"));
    }

    #[test]
    fn a_suite_that_could_not_be_run_kills_nothing() {
        let mut row = row(&[("a.claim", Verdict::Fail)], &[("a.claim", Level::Shall)], &[]);
        row.error = Some("the hub did not start".to_owned());
        assert!(!row.is_killed());
        assert_eq!(
            matrix(vec![row]).faults(),
            ["a-defect: the suite could not be run: the hub did not start"]
        );
    }
}
