//! The index of the scenarios, as a page of Markdown: `scenarios/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use castspec_fhircast::requirement::{Catalogue, Requirement};
use castspec_runner::scenario::Scenario;

const HEAD: &str = "# The scenarios

A file is a scenario; [docs/scenarios.md](../docs/scenarios.md) is their language, and
[requirements](requirements) and [templates](templates) hold no scenarios but the catalogue of requirements
([docs/requirements.md](../docs/requirements.md)) and the contexts of events. `castspec scenarios NAME` tells what a scenario
does, and `castspec run SELECTOR` runs a scenario, a folder or a section of the specification (`castspec run 2.4`).

The sections are those of the requirements that a scenario names: by number in STU3, by title in versions before it.

An *intrusive* scenario could disturb others: at a hub that is not castspec's own it is skipped without `--intrusive`.

This page is written by the program: `cargo run -- scenarios --index > scenarios/README.md`.
";

/// A section of the specification; sections in their order, numbers before titles.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    /// Its number, as 2.10.
    Numbered(Vec<u32>),
    /// Its title, where the version has no numbers, or the section is a profile.
    Titled(String),
}

impl Section {
    fn of(requirement: &Requirement) -> Self {
        let first = requirement.section.split_whitespace().next().unwrap_or_default();
        let number: Result<Vec<u32>, _> = first.split('.').map(str::parse).collect();
        match number {
            Ok(number) => Self::Numbered(number),
            Err(_) => Self::Titled(requirement.section.clone()),
        }
    }
}

impl std::fmt::Display for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Numbered(number) => {
                let parts: Vec<String> = number.iter().map(u32::to_string).collect();
                f.write_str(&parts.join("."))
            }
            Self::Titled(title) => f.write_str(title),
        }
    }
}

/// The page: a table of the folders, then a table of scenarios for each folder.
pub fn scenario_index(scenarios: &[Arc<Scenario>], catalogue: &Catalogue) -> String {
    let mut folders: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        folders.entry(&scenario.folder).or_default().push(scenario);
    }
    let mut text = HEAD.to_owned();
    text.push_str("\n| folder | scenarios | sections |\n| --- | --- | --- |\n");
    for (folder, scenarios) in &folders {
        let sections = scenarios
            .iter()
            .flat_map(|scenario| sections(scenario, catalogue))
            .collect();
        let _ = writeln!(
            text,
            "| [{folder}](#{folder}) | {} | {} |",
            scenarios.len(),
            listed(&sections)
        );
    }
    for (folder, scenarios) in &folders {
        let _ = writeln!(
            text,
            "\n## {folder}\n\n| scenario | versions | sections | what it shows |\n| --- | --- | --- | --- |"
        );
        for scenario in scenarios {
            let short = scenario.name.rsplit('/').next().unwrap_or(&scenario.name);
            let versions: Vec<&str> = scenario
                .document
                .versions
                .iter()
                .map(|version| version.name())
                .collect();
            let _ = writeln!(
                text,
                "| [{short}]({}.yaml) | {} | {} | {} |",
                scenario.name,
                versions.join(", "),
                listed(&sections(scenario, catalogue)),
                cell(&shown(scenario))
            );
        }
    }
    text
}

/// The title, and that the scenario could disturb others.
fn shown(scenario: &Scenario) -> String {
    let title = scenario.document.title.trim();
    match scenario.intrusion() {
        Some(_) => format!("{title} (intrusive)"),
        None => title.to_owned(),
    }
}

/// The sections of what a scenario judges, each requirement as the newest of the scenario's versions states it.
fn sections(scenario: &Scenario, catalogue: &Catalogue) -> BTreeSet<Section> {
    let mut versions = scenario.document.versions.clone();
    versions.sort();
    scenario
        .requirements()
        .iter()
        .filter_map(|id| {
            versions
                .iter()
                .rev()
                .find_map(|version| catalogue.get(*version, id))
        })
        .map(Section::of)
        .collect()
}

fn listed(sections: &BTreeSet<Section>) -> String {
    let names: Vec<String> = sections
        .iter()
        .map(|section| cell(&section.to_string()))
        .collect();
    names.join("; ")
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use castspec_runner::scenario::Library;

    use super::*;

    #[test]
    fn the_index_beside_the_scenarios_is_up_to_date() {
        let catalogue = Catalogue::embedded().unwrap();
        let library = Library::embedded(&catalogue).unwrap();
        let scenarios = library.select(&[], &catalogue).unwrap();
        let file =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/README.md")).unwrap();
        assert!(
            file == scenario_index(&scenarios, &catalogue),
            "scenarios/README.md is not what the scenarios say: cargo run -- scenarios --index > scenarios/README.md"
        );
    }

    #[test]
    fn the_index_links_to_every_scenario_and_to_nothing_else() {
        let catalogue = Catalogue::embedded().unwrap();
        let library = Library::embedded(&catalogue).unwrap();
        let page = scenario_index(&library.select(&[], &catalogue).unwrap(), &catalogue);
        let linked: BTreeSet<&str> = page
            .split("](")
            .filter_map(|rest| rest.split(')').next()?.strip_suffix(".yaml"))
            .collect();
        let names: BTreeSet<&str> = library.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(linked, names);
        assert!(!names.iter().any(|name| name.contains("README")), "{names:?}");
    }

    #[test]
    fn sections_stand_in_the_order_of_their_numbers_and_titles_behind() {
        let section = |number: &[u32]| Section::Numbered(number.to_vec());
        let sections = BTreeSet::from([
            Section::Titled("Subscription Request".to_owned()),
            section(&[2, 10]),
            section(&[2, 4]),
            section(&[3, 2, 1]),
            section(&[2]),
        ]);
        assert_eq!(listed(&sections), "2; 2.4; 2.10; 3.2.1; Subscription Request");
    }
}
