//! `castspec scenarios`: what can be run, what a scenario does, and whether files are in order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::scenario_index::scenario_index;
use super::{CommandError, print, print_error};
use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::{Library, LibraryError, Scenario};

/// How wide text is wrapped, in characters.
const WIDTH: usize = 100;

/// List the scenarios, explain some of them, or check files
///
/// Exit status: 0; 2 when nothing is selected, or a file has mistakes or cannot be read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec scenarios\n  castspec scenarios subscribing/accepted\n  castspec scenarios --check my-scenarios"
)]
pub struct ScenariosCommand {
    /// What to list: a folder, a section such as 2.4 or a requirement; a scenario by its name is explained
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// Only look for mistakes in these files and folders; in the built-in scenarios where none is named
    #[arg(long, value_name = "PATH", num_args = 0.., conflicts_with_all = ["selectors", "json", "scenarios"])]
    check: Option<Vec<PathBuf>>,
    /// Scenarios of your own beside the built-in ones: a file or a folder; repeatable
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<PathBuf>,
    /// Only the scenarios named by --scenarios
    #[arg(long, requires = "scenarios")]
    only_given: bool,
    /// Print the index of the built-in scenarios, a page of Markdown
    #[arg(long, conflicts_with_all = ["selectors", "check", "scenarios", "json"])]
    index: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ScenariosCommand {
    /// Lists, explains or checks.
    ///
    /// # Errors
    /// When nothing is selected, or files have mistakes or cannot be read.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded()?;
        if let Some(paths) = &self.check {
            return check(paths, &catalogue);
        }
        let library = self.library(&catalogue)?;
        let selected = library.select(&self.selectors, &catalogue)?;
        if self.index {
            print(&scenario_index(&selected, &catalogue))?;
            return Ok(ExitCode::SUCCESS);
        }
        let explains = !self.selectors.is_empty()
            && self
                .selectors
                .iter()
                .all(|selector| selected.iter().any(|scenario| scenario.name == *selector));
        let text = match (self.json, explains) {
            (true, false) => as_json(&selected.iter().map(|scenario| entry(scenario)).collect())?,
            (true, true) => as_json(
                &selected
                    .iter()
                    .map(|scenario| explained(scenario, &catalogue))
                    .collect(),
            )?,
            (false, false) => listing(&selected),
            (false, true) => {
                let all: Vec<String> = selected
                    .iter()
                    .map(|scenario| explanation(scenario, &catalogue) + &self.command(scenario))
                    .collect();
                all.join("\n")
            }
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The command that runs a scenario from where it was found.
    fn command(&self, scenario: &Scenario) -> String {
        let mut command = format!("Run it: castspec run {}", scenario.name);
        for path in &self.scenarios {
            let _ = write!(command, " --scenarios {}", path.display());
        }
        if self.only_given {
            command.push_str(" --only-given");
        }
        command + "\n"
    }

    fn library(&self, catalogue: &Catalogue) -> Result<Library, CommandError> {
        let mut library = if self.only_given {
            Library::default()
        } else {
            Library::embedded(catalogue)?
        };
        for path in &self.scenarios {
            library.add_path(path, catalogue)?;
        }
        Ok(library)
    }
}

fn check(paths: &[PathBuf], catalogue: &Catalogue) -> Result<ExitCode, CommandError> {
    let mut sound = 0;
    let mut mistakes = Vec::new();
    let mut unreadable = Vec::new();
    if paths.is_empty() {
        match Library::embedded(catalogue) {
            Ok(library) => sound += library.iter().count(),
            Err(LibraryError::Scenario(errors)) => mistakes.extend(errors.0),
            Err(error) => return Err(error.into()),
        }
    }
    for path in paths {
        match Library::default().add_path(path, catalogue) {
            Ok(count) => sound += count,
            Err(LibraryError::Scenario(errors)) => mistakes.extend(errors.0),
            Err(error) => unreadable.push(error),
        }
    }
    let files: std::collections::BTreeSet<&str> =
        mistakes.iter().map(|mistake| mistake.file.as_str()).collect();
    for mistake in &mistakes {
        print_error(&format!("{}\n\n", mistake.rendered()));
    }
    match (mistakes.len(), unreadable.as_slice()) {
        (0, []) => {
            print(&format!(
                "{} in order\n",
                counted(sound, "scenario is", "scenarios are")
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        (0, [error]) => Err(CommandError::new(error.to_string())),
        (0, errors) => {
            tell_unreadable(errors);
            Err(CommandError::new(format!(
                "{} paths cannot be read",
                errors.len()
            )))
        }
        (count, errors) => {
            tell_unreadable(errors);
            Err(CommandError::new(format!(
                "{} in {}",
                counted(count, "mistake", "mistakes"),
                counted(files.len(), "scenario", "scenarios")
            )))
        }
    }
}

fn tell_unreadable(errors: &[LibraryError]) {
    for error in errors {
        print_error(&format!("error: {error}\n\n"));
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

fn listing(scenarios: &[Arc<Scenario>]) -> String {
    let mut folders: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        folders.entry(&scenario.folder).or_default().push(scenario);
    }
    let mut text = String::new();
    let mut judged = std::collections::BTreeSet::new();
    for (folder, scenarios) in &folders {
        let _ = writeln!(text, "{folder}");
        for scenario in scenarios {
            let requirements = scenario.requirements();
            let _ = writeln!(
                text,
                "  {}\n      {} ({}{})",
                scenario.name,
                scenario.document.title.trim(),
                counted(requirements.len(), "requirement", "requirements"),
                match scenario.intrusion() {
                    Some(_) => ", intrusive",
                    None => "",
                }
            );
            judged.extend(requirements);
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{}, which name {}",
        counted(scenarios.len(), "scenario", "scenarios"),
        counted(judged.len(), "requirement", "requirements")
    );
    text
}

fn explanation(scenario: &Scenario, catalogue: &Catalogue) -> String {
    let document = &scenario.document;
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", scenario.name, document.title.trim());
    if let Some(description) = &document.description {
        let _ = write!(text, "\n{}", wrapped(description, ""));
    }
    let versions: Vec<&str> = document.versions.iter().map(|version| version.name()).collect();
    let _ = writeln!(text, "\nVersions: {}", versions.join(", "));
    if !document.needs.is_empty() {
        let needs: Vec<&str> = document.needs.iter().map(|need| need.name()).collect();
        let _ = writeln!(text, "Skipped unless the hub claims: {}", needs.join(", "));
    }
    if let Some(harm) = scenario.intrusion() {
        let told = format!(
            "Intrusive: {harm}; at a hub that is not castspec's own it is skipped without --intrusive"
        );
        text.push_str(&wrapped(&told, ""));
    }
    if !document.subscribers.is_empty() {
        text.push_str("\nSubscribers:\n");
        for (name, subscriber) in &document.subscribers {
            let events: Vec<&str> = subscriber
                .events
                .iter()
                .map(|event| event.value.as_str())
                .collect();
            let topic = subscriber
                .topic
                .as_ref()
                .map_or_else(String::new, |topic| format!(", topic {topic}"));
            text.push_str(&wrapped(&format!("{name}: {}{topic}", events.join(", ")), "  "));
        }
    }
    text.push_str("\nSteps:\n");
    for (index, step) in document.steps.iter().enumerate() {
        let ids = step.value.requirements();
        let mut told = format!("{:2}. {}", index + 1, step.value.describe());
        if !ids.is_empty() {
            let _ = write!(told, " [{}]", ids.join(", "));
        }
        text.push_str(&wrapped(&told, "  "));
    }
    let requirements = scenario.requirements();
    if !requirements.is_empty() {
        text.push_str("\nRequirements:\n");
        for id in &requirements {
            let stated = document
                .versions
                .iter()
                .find_map(|version| catalogue.get(*version, id));
            match stated {
                Some(requirement) => {
                    let _ = writeln!(text, "  {id} ({}, {})", requirement.level, requirement.section);
                    text.push_str(&wrapped(&requirement.text, "      "));
                }
                None => {
                    let _ = writeln!(text, "  {id}");
                }
            }
        }
    }
    text.push_str(
        "\nWhat must hold of every message is judged beside these (castspec requirements --judged-by ambient).\n",
    );
    text
}

fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(lines, "{indent}{line}");
            line = match indent.is_empty() {
                true => String::new(),
                false => "   ".to_owned(),
            };
        }
        if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(lines, "{indent}{line}");
    lines
}

fn as_json(value: &Value) -> Result<String, CommandError> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn entry(scenario: &Scenario) -> Value {
    json!({
        "name": scenario.name,
        "folder": scenario.folder,
        "title": scenario.document.title.trim(),
        "versions": scenario.document.versions,
        "needs": scenario.document.needs,
        "intrusive": scenario.intrusion(),
        "requirements": scenario.requirements(),
    })
}

fn explained(scenario: &Scenario, catalogue: &Catalogue) -> Value {
    let document = &scenario.document;
    let steps: Vec<Value> = document
        .steps
        .iter()
        .map(|step| {
            json!({
                "line": step.referenced.line(),
                "words": step.value.describe(),
                "requirements": step.value.requirements(),
            })
        })
        .collect();
    let requirements: Vec<Value> = scenario
        .requirements()
        .iter()
        .filter_map(|id| {
            document
                .versions
                .iter()
                .find_map(|version| catalogue.get(*version, id))
        })
        .map(|requirement| json!(requirement))
        .collect();
    let mut value = entry(scenario);
    value["description"] = json!(document.description);
    value["steps"] = json!(steps);
    value["requirements"] = json!(requirements);
    value
}
