//! The kill matrix as one self-contained HTML page.

use minijinja::{AutoEscape, Environment};
use serde_json::json;

use super::matrix::Matrix;

const TEMPLATE: &str = include_str!("selfcheck.html.jinja");

/// The page could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("selfcheck.html could not be rendered: {0}")]
pub struct PageError(#[from] minijinja::Error);

/// Renders the page of these matrices, one for each version.
///
/// # Errors
/// When the template does not fit the matrix, which would be a mistake of castspec's.
pub fn render_page(matrices: &[Matrix]) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("selfcheck.html", TEMPLATE)?;
    let part = |matrix: &Matrix| {
        let rows = matrix.rows.iter();
        let rows: Vec<_> = rows
            .map(|row| json!({"killed": row.is_killed(), "row": row}))
            .collect();
        json!({
            "matrix": matrix,
            "rows": rows,
            "faults": matrix.faults(),
            "seconds": format!("{:.1}", matrix.seconds),
        })
    };
    let parts: Vec<_> = matrices.iter().map(part).collect();
    let page = json!({"version": env!("CARGO_PKG_VERSION"), "parts": parts});
    let template = environment.get_template("selfcheck.html")?;
    Ok(template.render(minijinja::value::Serde(&page))?)
}
