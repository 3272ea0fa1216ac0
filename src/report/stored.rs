//! Stored runs: report.json, read again.

use std::path::{Path, PathBuf};

use super::json;
use super::record::Record;

/// A run as report.json keeps it.
#[derive(Debug)]
pub struct StoredRun {
    /// Its path.
    pub name: String,
    /// Its record.
    pub record: Record,
}

/// A stored run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The file cannot be read.
    #[error("{} cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// The file is no report.json.
    #[error("{} {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The fault.
        problem: String,
    },
}

impl StoredRun {
    /// Reads a report.json, or the one in a folder.
    ///
    /// # Errors
    /// When the file cannot be read or is no report.json.
    pub fn read(path: &Path) -> Result<Self, StoredError> {
        let path = match path.is_dir() {
            true => path.join("report.json"),
            false => path.to_owned(),
        };
        let text = std::fs::read_to_string(&path).map_err(|error| StoredError::Unreadable {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        Self::parse(&path, &text)
    }

    /// Takes the text of a report.json that was read from this path.
    ///
    /// # Errors
    /// When it is no report.json.
    pub fn parse(path: &Path, text: &str) -> Result<Self, StoredError> {
        let record = json::parse(text).map_err(|problem| StoredError::Format {
            path: path.to_owned(),
            problem,
        })?;
        Ok(Self {
            name: path.display().to_string(),
            record,
        })
    }
}
