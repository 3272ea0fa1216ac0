//! Hubs that behave as hubs in the field do: the simulator with a front before it that has one behaviour of its own.

mod flood;
mod front;
mod habit;
mod message;
mod record;
mod tunnel;

use std::fmt::Write;

pub use flood::{Flood, start as start_flood};
pub use front::{Behaviour, Front};
pub use habit::HABITS;
pub use record::Seen;
use serde_json::Value;

use crate::command_support::{Ended, castspec, report};

/// A target file for the hub behind this front, with these lines more.
pub fn target_file(front: &Front, further: &str) -> String {
    format!(
        "hub_url = \"{}\"\nfhircast_version = \"{}\"\n{further}\n[timing]\nquiet = 0.2\nrestart = 3\n",
        front.url, front.version
    )
}

/// What came of a run against such a hub.
pub struct Played {
    pub ended: Ended,
    pub report: Value,
}

impl Played {
    /// Runs these scenarios against a hub of this behaviour.
    pub fn at(behaviour: Behaviour, selection: &[&str]) -> Self {
        Self::with(behaviour, selection, &[])
    }

    /// The same with more arguments.
    pub fn with(behaviour: Behaviour, selection: &[&str], arguments: &[&str]) -> Self {
        Self::behind(&Front::start(behaviour), "", selection, arguments)
    }

    /// The same before a simulator of this version with these arguments of its own.
    pub fn before(
        version: &str,
        hub: &[&str],
        behaviour: Behaviour,
        selection: &[&str],
        arguments: &[&str],
    ) -> Self {
        let front = Front::before(version, hub, behaviour);
        Self::behind(&front, "", selection, arguments)
    }

    /// Runs these scenarios against the hub behind this front, with more in the target file.
    pub fn behind(front: &Front, further: &str, selection: &[&str], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target.toml");
        std::fs::write(&target, target_file(front, further)).unwrap();
        let mut command = castspec();
        command.arg("run").args(selection).args(arguments);
        command
            .arg("--target")
            .arg(&target)
            .arg("--reports")
            .arg(folder.path());
        command.timeout(std::time::Duration::from_secs(600));
        let ended = Ended::of(&mut command);
        let report = report(folder.path());
        Self { ended, report }
    }

    /// Scenario and requirement of all checks of this verdict.
    pub fn checks(&self, verdict: &str) -> Vec<(&str, &str)> {
        let all = self.report["checks"].as_array().unwrap().iter();
        let mut found: Vec<_> = all
            .filter(|check| check["verdict"] == verdict)
            .map(|check| {
                let member = |name: &str| check[name].as_str().unwrap();
                (member("scenario"), member("requirement"))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// How many checks were judged, and how many skipped.
    pub fn counts(&self) -> (u64, u64) {
        let summary = &self.report["summary"];
        let of = |verdict: &str| summary[verdict].as_u64().unwrap();
        (of("pass") + of("warn") + of("fail"), of("skip"))
    }

    /// What castspec does as the hub wants it.
    pub fn accommodations(&self) -> Vec<&str> {
        let all = self.report["accommodations"].as_array().unwrap().iter();
        all.map(|accommodation| accommodation["what"].as_str().unwrap())
            .collect()
    }

    /// All that is told of it, for the message of a failed test.
    pub fn told(&self) -> String {
        let mut told = format!(
            "exit {:?}\n{}{}\n",
            self.ended.code, self.ended.out, self.ended.error
        );
        for verdict in ["fail", "warn", "inconclusive"] {
            writeln!(told, "{verdict}: {:?}", self.checks(verdict)).unwrap();
        }
        writeln!(told, "{:?}", self.accommodations()).unwrap();
        told
    }

    /// Holds that nothing failed, nothing warned, and nothing stayed open.
    #[track_caller]
    pub fn is_conformant(&self) {
        assert_eq!(self.ended.code, Some(0), "{}", self.told());
        for verdict in ["fail", "inconclusive"] {
            assert_eq!(self.checks(verdict), [], "{}", self.told());
        }
    }

    /// Holds that the hub could not be tested, that nothing was judged, and that one line says so with these words.
    #[track_caller]
    pub fn cannot_be_carried_out(&self, words: &[&str]) {
        assert_eq!(self.ended.code, Some(2), "{}", self.told());
        assert_eq!(self.report["checks"].as_array().unwrap().len(), 0);
        assert_eq!(self.ended.error.lines().count(), 1, "{}", self.ended.error);
        self.ended.begins(words);
    }

    /// The same verdicts as this one has, but for those of the first contact.
    pub fn scenarios_equal(&self, other: &Self) -> bool {
        let all = |played: &Self| {
            let mut found = Vec::new();
            for verdict in ["pass", "fail", "warn", "skip", "inconclusive"] {
                let checks = played.checks(verdict).into_iter();
                let checks = checks.filter(|(scenario, _)| *scenario != "first-contact");
                found.extend(checks.map(|(scenario, name)| format!("{verdict} {scenario} {name}")));
            }
            found
        };
        all(self) == all(other)
    }
}
