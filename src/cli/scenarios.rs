//! `castspec scenarios`: lists, explains and checks scenarios.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{CommandError, EXIT_NOT_CARRIED_OUT, print};
use crate::requirement::Catalogue;
use crate::scenario::{Library, LibraryError, Scenario};

/// List and explain the scenarios, or check files of your own
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec scenarios\n  castspec scenarios replay/latest-open\n  castspec scenarios --check my-scenarios"
)]
pub struct ScenariosCommand {
    /// Which scenarios, as for `castspec run`; everything where none is named
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// Only look for mistakes in these files or folders; repeatable
    #[arg(long, value_name = "PATH", conflicts_with = "selectors")]
    check: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl ScenariosCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// When a file cannot be read or a selector selects nothing.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded().map_err(|error| CommandError::from_error(&error))?;
        if !self.check.is_empty() {
            return self.check(&catalogue);
        }
        let library = Library::embedded(&catalogue).map_err(|error| CommandError::from_error(&error))?;
        let scenarios = library
            .select(&self.selectors, &catalogue)
            .map_err(|error| CommandError::from_error(&error))?;
        let text = if self.json {
            let listed: Vec<Value> = scenarios.iter().map(|own| describe(own)).collect();
            format!("{:#}\n", Value::Array(listed))
        } else if let ([one], false) = (scenarios.as_slice(), self.selectors.is_empty()) {
            explain(one, &catalogue)
        } else {
            let lines: Vec<String> = scenarios
                .iter()
                .map(|own| format!("{:42} {}", own.name, own.document.title))
                .collect();
            format!("{}\n{} scenarios\n", lines.join("\n"), lines.len())
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self, catalogue: &Catalogue) -> Result<ExitCode, CommandError> {
        let mut checked = 0;
        let mut mistakes = Vec::new();
        for path in &self.check {
            match Library::default().add_path(path, catalogue) {
                Ok(count) => checked += count,
                Err(LibraryError::Scenario(errors)) => mistakes.extend(errors.0),
                Err(error) => return Err(CommandError::from_error(&error)),
            }
        }
        if mistakes.is_empty() {
            let plural = if checked == 1 { " is" } else { "s are" };
            print(&format!("{checked} scenario{plural} in order\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut text = String::new();
        for fault in &mistakes {
            text.push_str(&format!("{fault}\n"));
            if !fault.snippet.is_empty() {
                text.push_str(&format!("{}\n\n", fault.snippet));
            }
        }
        super::print_error(&text);
        Ok(ExitCode::from(EXIT_NOT_CARRIED_OUT))
    }
}

fn describe(scenario: &Scenario) -> Value {
    json!({
        "name": scenario.name,
        "folder": scenario.folder,
        "title": scenario.document.title,
        "description": scenario.document.description,
        "versions": scenario.document.versions,
        "needs": scenario.document.needs,
        "requirements": scenario.requirements(),
    })
}

fn explain(scenario: &Scenario, catalogue: &Catalogue) -> String {
    let document = &scenario.document;
    let mut text = format!("{}\n  {}\n", scenario.name, document.title);
    if let Some(description) = &document.description {
        text.push_str(&format!("  {}\n", description.trim()));
    }
    let versions: Vec<&str> = document.versions.iter().map(|version| version.name()).collect();
    text.push_str(&format!("  versions: {}\n", versions.join(", ")));
    if !document.needs.is_empty() {
        let needs: Vec<&str> = document.needs.iter().map(|need| need.name()).collect();
        text.push_str(&format!("  only where the hub claims: {}\n", needs.join(", ")));
    }
    for (name, subscriber) in &document.subscribers {
        let events: Vec<&str> = subscriber
            .events
            .iter()
            .map(|event| event.value.as_str())
            .collect();
        text.push_str(&format!("  subscriber {name}: {}\n", events.join(", ")));
    }
    text.push_str("  judges:\n");
    for id in scenario.requirements() {
        for own in document
            .versions
            .iter()
            .filter_map(|version| catalogue.get(*version, &id))
        {
            text.push_str(&format!(
                "    {} ({}, {})\n      {}\n",
                own.id, own.level, own.section, own.text
            ));
        }
    }
    text.push_str("  and what holds of every message (castspec requirements --judged-by ambient)\n");
    text
}
