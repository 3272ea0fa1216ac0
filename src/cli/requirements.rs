//! `castspec requirements`: the catalogue, and what judges each requirement.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{CommandError, print};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level, Requirement, RequirementId, consequence_of};
use castspec_fhircast::schema::Schemas;
use castspec_hub::Defect;
use castspec_judging::subscriber as subscriber_judging;
use castspec_runner::run::AMBIENT;
use castspec_runner::scenario::Library;

/// Show the requirements, and which schemas, scenarios, ambient checks and defects cover each
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec requirements --summary\n  castspec requirements syncerror. --level SHALL\n  castspec requirements --format markdown > requirements.md"
)]
pub struct RequirementsCommand {
    /// A requirement, the beginning of one, or a section such as 2.4; all where none is named
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// The version of FHIRcast
    #[arg(long, value_name = "VERSION", default_value = "STU3")]
    fhircast_version: Version,
    /// Only this level
    #[arg(long, value_name = "SHALL|SHOULD|MAY", value_parser = level)]
    level: Option<Level>,
    /// Only requirements on this actor: hub, subscriber, authorization-server or author
    #[arg(long, value_name = "ACTOR", value_parser = actor)]
    actor: Option<Actor>,
    /// Only those that nothing judges though they can be observed
    #[arg(long)]
    uncovered: bool,
    /// Only those that are judged by this
    #[arg(long, value_enum)]
    judged_by: Option<Means>,
    /// Count by level and actor
    #[arg(long)]
    summary: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Means {
    Schema,
    Scenario,
    Ambient,
    /// The rules on subscribers over a conversation.
    #[value(name = "subscriber-rules", alias = "conduct")]
    SubscriberRules,
}

fn level(text: &str) -> Result<Level, String> {
    [Level::Shall, Level::Should, Level::May]
        .into_iter()
        .find(|level| level.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| "it is one of SHALL, SHOULD, MAY".to_owned())
}

fn actor(text: &str) -> Result<Actor, String> {
    [
        Actor::Hub,
        Actor::Subscriber,
        Actor::AuthorizationServer,
        Actor::Author,
    ]
    .into_iter()
    .find(|actor| actor.to_string() == text)
    .ok_or_else(|| "it is one of hub, subscriber, authorization-server, author".to_owned())
}

/// What judges a requirement, and what breaks it on purpose.
#[derive(Debug, Clone, Default)]
struct Cover {
    schemas: Vec<String>,
    scenarios: Vec<String>,
    ambient: bool,
    subscriber_rules: bool,
    defects: Vec<String>,
}

impl Cover {
    fn judges(&self) -> bool {
        self.ambient || self.subscriber_rules || !self.schemas.is_empty() || !self.scenarios.is_empty()
    }

    fn told(&self) -> String {
        let mut told = Vec::new();
        if self.ambient {
            told.push("every scenario (ambient)".to_owned());
        }
        if self.subscriber_rules {
            told.push("the rules on subscribers".to_owned());
        }
        if !self.schemas.is_empty() {
            told.push(format!("schemas: {}", self.schemas.join(", ")));
        }
        if !self.scenarios.is_empty() {
            told.push(format!("scenarios: {}", self.scenarios.join(", ")));
        }
        if told.is_empty() {
            "nothing".to_owned()
        } else {
            told.join("; ")
        }
    }
}

impl RequirementsCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// When the catalogue, a schema or a scenario cannot be read.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded()?;
        let covers = self.covers(&catalogue)?;
        let none = Cover::default();
        let cover_of = |requirement: &Requirement| covers.get(&requirement.id).unwrap_or(&none);
        let listed: Vec<&Requirement> = catalogue
            .iter()
            .filter(|requirement| requirement.version == self.fhircast_version)
            .filter(|requirement| self.picks(requirement))
            .filter(|requirement| !self.uncovered || requirement.level != Level::May)
            .filter(|requirement| {
                !self.uncovered || (requirement.unobservable.is_none() && !cover_of(requirement).judges())
            })
            .filter(|requirement| {
                let cover = cover_of(requirement);
                match self.judged_by {
                    None => true,
                    Some(Means::Schema) => !cover.schemas.is_empty(),
                    Some(Means::Scenario) => !cover.scenarios.is_empty(),
                    Some(Means::Ambient) => cover.ambient,
                    Some(Means::SubscriberRules) => cover.subscriber_rules,
                }
            })
            .collect();
        if listed.is_empty() && !self.summary {
            return self.tell_none(&catalogue);
        }
        let text = if self.summary {
            summary(&listed, cover_of)
        } else {
            match self.format {
                Format::Text => listed
                    .iter()
                    .map(|requirement| as_text(requirement, cover_of(requirement)))
                    .collect(),
                Format::Json => {
                    let values: Vec<Value> = listed
                        .iter()
                        .map(|requirement| as_json(requirement, cover_of(requirement)))
                        .collect();
                    format!("{:#}\n", Value::Array(values))
                }
                Format::Markdown => as_markdown(&listed, cover_of),
            }
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What there is to say where nothing is listed.
    fn tell_none(&self, catalogue: &Catalogue) -> Result<ExitCode, CommandError> {
        let version = self.fhircast_version;
        let mut of_version = catalogue
            .iter()
            .filter(|requirement| requirement.version == version);
        let none_is_meant = !of_version.any(|requirement| self.picks(requirement));
        if none_is_meant && !self.selectors.is_empty() {
            return Err(CommandError::new(format!(
                "no requirement of {version} is meant by {}; castspec requirements lists them all",
                self.selectors.join(", ")
            )));
        }
        match self.format {
            Format::Json => print("[]\n")?,
            Format::Text | Format::Markdown => {
                let none = match self.uncovered {
                    true if !none_is_meant => {
                        "none: every SHALL and SHOULD of these that can be observed is judged\n"
                    }
                    true | false => "none: no requirement is of this kind\n",
                };
                print(none)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn picks(&self, requirement: &Requirement) -> bool {
        let named = self.selectors.is_empty()
            || self.selectors.iter().any(|selector| {
                requirement.id == selector.as_str()
                    || requirement.id.starts_with(selector.as_str())
                    || requirement.section.split_whitespace().next() == Some(selector)
            });
        named
            && self.level.is_none_or(|level| requirement.level == level)
            && self.actor.is_none_or(|actor| requirement.actor == actor)
    }

    fn covers(&self, catalogue: &Catalogue) -> Result<BTreeMap<RequirementId, Cover>, CommandError> {
        let mut covers: BTreeMap<RequirementId, Cover> = BTreeMap::new();
        let schemas = Schemas::load(self.fhircast_version)?;
        for (id, files) in schemas.requirements() {
            covers.entry(id).or_default().schemas = files;
        }
        let library = Library::embedded(catalogue)?;
        for scenario in library
            .iter()
            .filter(|scenario| scenario.document.versions.contains(&self.fhircast_version))
        {
            for id in scenario.requirements() {
                covers
                    .entry(id)
                    .or_default()
                    .scenarios
                    .push(scenario.name.clone());
            }
        }
        // Where no scenario runs, nothing is ambient and no defect shows.
        if !library
            .iter()
            .any(|scenario| scenario.document.versions.contains(&self.fhircast_version))
        {
            return Ok(covers);
        }
        for id in subscriber_judging::requirements_of(catalogue, self.fhircast_version) {
            covers.entry(id.into()).or_default().subscriber_rules = true;
        }
        for id in AMBIENT {
            covers.entry((*id).into()).or_default().ambient = true;
        }
        for defect in Defect::of(self.fhircast_version) {
            for id in defect.breaks_in(self.fhircast_version) {
                covers
                    .entry((*id).into())
                    .or_default()
                    .defects
                    .push(defect.name().to_owned());
            }
        }
        Ok(covers)
    }
}

fn as_text(requirement: &Requirement, cover: &Cover) -> String {
    let mut text = format!(
        "{} ({}, {}, {})\n  {}\n  {}\n",
        requirement.id,
        requirement.level,
        requirement.actor,
        requirement.section,
        requirement.text,
        requirement.url
    );
    if let Some(why) = &requirement.unobservable {
        text.push_str(&format!("  cannot be observed: {why}\n"));
    }
    if let Some(consequence) = consequence_of(&requirement.id) {
        text.push_str(&format!("  at the desk, where it is broken: {consequence}\n"));
    }
    if let Some(evidence) = requirement.evidence {
        text.push_str(&format!("  evidence: {evidence}\n"));
    }
    if let Some(capability) = requirement.capability {
        text.push_str(&format!("  only where the hub claims {capability}\n"));
    }
    if let Some(note) = &requirement.note {
        text.push_str(&format!("  note: {note}\n"));
    }
    text.push_str(&format!("  judged by {}\n", cover.told()));
    if !cover.defects.is_empty() {
        text.push_str(&format!("  broken by the defects {}\n", cover.defects.join(", ")));
    }
    text
}

fn as_json(requirement: &Requirement, cover: &Cover) -> Value {
    let mut value = json!(requirement);
    value["observable"] = json!(requirement.unobservable.is_none());
    value["judged_by"] = json!({"schemas": cover.schemas, "scenarios": cover.scenarios, "ambient": cover.ambient, "conduct": cover.subscriber_rules});
    value["consequence"] = json!(consequence_of(&requirement.id));
    value["defects"] = json!(cover.defects);
    value
}

fn as_markdown<'c>(listed: &[&Requirement], cover_of: impl Fn(&Requirement) -> &'c Cover) -> String {
    let mut text = "| requirement | level | actor | section | statement | judged by |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for requirement in listed {
        let judged = match &requirement.unobservable {
            Some(why) => format!("cannot be observed: {why}"),
            None => cover_of(requirement).told(),
        };
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        text.push_str(&format!(
            "| `{}` | {} | {} | [{}]({}) | {} | {} |\n",
            requirement.id,
            requirement.level,
            requirement.actor,
            cell(&requirement.section),
            requirement.url,
            cell(&requirement.text),
            cell(&judged)
        ));
    }
    text
}

fn summary<'c>(listed: &[&Requirement], cover_of: impl Fn(&Requirement) -> &'c Cover) -> String {
    let mut rows: BTreeMap<(Actor, Level), [usize; 4]> = BTreeMap::new();
    for requirement in listed {
        let row = rows.entry((requirement.actor, requirement.level)).or_default();
        row[0] += 1;
        if requirement.unobservable.is_none() {
            row[1] += 1;
            row[2] += usize::from(cover_of(requirement).judges());
            row[3] += usize::from(!cover_of(requirement).defects.is_empty());
        }
    }
    let mut text = format!(
        "{:22} {:7} {:>12} {:>11} {:>8} {:>13}\n",
        "actor", "level", "requirements", "observable", "covered", "with a defect"
    );
    for ((actor, level), [all, observable, covered, defects]) in rows {
        let (actor, level) = (actor.to_string(), level.to_string());
        text.push_str(&format!(
            "{actor:22} {level:7} {all:>12} {observable:>11} {covered:>8} {defects:>13}\n"
        ));
    }
    text
}
