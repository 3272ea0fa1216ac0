//! The kill matrix as text, for terminals and logs.

use std::fmt::Write;

use super::matrix::{Finding, Matrix, Row, Seen};

/// Renders the matrix: a line for each defect, with more where something is to be said, then the faults and the counts.
/// `everything` also lists the consequences and the messages of each defect.
pub fn render_text(matrix: &Matrix, everything: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, matrix, everything);
    out
}

fn write(out: &mut String, matrix: &Matrix, everything: bool) -> std::fmt::Result {
    let summary = &matrix.summary;
    writeln!(
        out,
        "{}, the clean hub: {} checks pass, {} do not apply{} ({:.1} s)",
        matrix.fhircast_version,
        matrix.clean.pass,
        matrix.clean.skip,
        if matrix.clean.findings.is_empty() && matrix.clean.inconclusive == 0 {
            ""
        } else {
            ", and others do not hold"
        },
        matrix.clean.seconds
    )?;
    for row in &matrix.rows {
        write_row(out, row, everything)?;
    }
    let faults = matrix.faults();
    if !faults.is_empty() {
        writeln!(out, "\nFaults:")?;
        for fault in &faults {
            writeln!(out, "  {fault}")?;
        }
    }
    writeln!(
        out,
        "\n{} of {} defects killed; failures that no defect explains: {}",
        summary.killed,
        summary.defects,
        match summary.with_unexplained {
            0 => "none".to_owned(),
            rows => format!("in {rows} of them"),
        }
    )?;
    writeln!(
        out,
        "{} of {} requirements on the hub seen to fail; {} of {} checks",
        summary.proven, summary.requirements, summary.checks_seen_to_fail, summary.checks
    )?;
    let again = matrix.rows.iter().filter(|row| row.again).count();
    if again > 0 {
        writeln!(
            out,
            "Run a second time, alone, for a fault that showed among other runs: {again}"
        )?;
    }
    writeln!(
        out,
        "{} in {:.1} s: {}",
        matrix.fhircast_version,
        matrix.seconds,
        if faults.is_empty() {
            "the checks prove themselves".to_owned()
        } else {
            format!("{} faults", faults.len())
        }
    )
}

fn write_row(out: &mut String, row: &Row, everything: bool) -> std::fmt::Result {
    let word = match (&row.error, row.is_killed()) {
        (Some(_), _) => "ERROR",
        (None, true) => "killed",
        (None, false) => "SURVIVES",
    };
    let claims: Vec<String> = row.claims.iter().map(|claim| told(&claim.finding)).collect();
    writeln!(out, "{word:<8} {}: {}", row.defect, claims.join(", "))?;
    if let Some(error) = &row.error {
        writeln!(out, "         {error}")?;
    }
    if everything {
        writeln!(out, "         the hub {}", row.description)?;
        for claim in row
            .claims
            .iter()
            .filter(|claim| !claim.finding.message.is_empty())
        {
            writeln!(out, "         {}", claim.finding.message)?;
        }
        if !row.consequences.is_empty() {
            let also: Vec<String> = row.consequences.iter().map(told).collect();
            writeln!(out, "         so also: {}", also.join(", "))?;
        }
    }
    for finding in &row.unexplained {
        writeln!(out, "         UNEXPLAINED {}: {}", told(finding), finding.message)?;
    }
    Ok(())
}

fn told(finding: &Finding) -> String {
    match finding.seen {
        Seen::Unseen => format!("{} not seen", finding.requirement),
        Seen::Noted => format!("{} (noted)", finding.requirement),
        Seen::Warned => format!("{} (warns)", finding.requirement),
        Seen::Failed => finding.requirement.to_string(),
    }
}
