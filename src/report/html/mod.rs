//! `index.html`: one self-contained page, for people, on a screen and in print.
//!
//! All that comes from elsewhere gets onto the page as text, escaped by the template. Beside that, the page carries a policy
//! that lets no script run but its own, and loads nothing.

mod broken;
mod counts;
mod covered;
mod diagram;
mod judged;
mod label;
mod message;
mod page;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest as _, Sha256};

use super::ReportError;
use super::record::Record;
use super::text;
use page::Page;

const NAME: &str = "index.html";
const TEMPLATES: [(&str, &str); 4] = [
    (NAME, include_str!("index.html.jinja")),
    ("broken.html", include_str!("broken.html.jinja")),
    ("diagram.html", include_str!("diagram.html.jinja")),
    ("tables.html", include_str!("tables.html.jinja")),
];
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Renders the page.
pub fn render(record: &Record) -> Result<String, ReportError> {
    let error = |problem: minijinja::Error| ReportError::Render {
        name: NAME,
        problem: problem.to_string(),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let mut syntax = environment.syntax().to_builder();
    let syntax = syntax
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(error)?;
    environment.set_syntax(syntax);
    for (name, template) in TEMPLATES {
        environment.add_template(name, template).map_err(error)?;
    }
    let page = Page::of(record);
    let values = context! {
        page => Serde(&page),
        style => STYLE,
        script => SCRIPT,
        script_hash => STANDARD.encode(Sha256::digest(SCRIPT)),
    };
    environment
        .get_template(NAME)
        .and_then(|template| template.render(values))
        .map(|page| text::clean(&page))
        .map_err(error)
}

/// An address that a link may lead to; a link to anything else would run whatever a hub or a file says.
fn link(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok()?;
    matches!(parsed.scheme(), "https" | "http").then(|| parsed.to_string())
}
