//! A conversation, wherever it was recorded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::har::{self, HarError};
use crate::capture::{CaptureError, Cut, Header, Line, Message, Reader, is_capture};
use crate::protocol::{Version, WELL_KNOWN_PATH};

/// The longest first line that is looked at, in bytes.
const LONGEST_HEADER: u64 = 64 << 10;

/// A conversation cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// It is a capture, and a bad one.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// It is a HAR file, and a bad one.
    #[error("{}: {problem}", path.display())]
    Har {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: HarError,
    },
}

/// A recorded conversation, whole.
#[derive(Debug)]
pub struct Conversation {
    /// Where and when it took place.
    pub header: Header,
    /// What passed, in order.
    pub lines: Vec<Line>,
    /// The capture ended in the middle of a line.
    pub cut: Option<Cut>,
    /// The one subscriber that took part, where there was but one, as in a browser.
    pub client: Option<String>,
}

impl Conversation {
    /// Reads a capture or a HAR file; `None` where the file is neither.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it begins as.
    pub fn open(path: &Path) -> Result<Option<Self>, ConversationError> {
        let unreadable = |source| ConversationError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut first = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        BufReader::new(file)
            .take(LONGEST_HEADER)
            .read_until(b'\n', &mut first)
            .map_err(unreadable)?;
        if is_capture(&String::from_utf8_lossy(&first)) {
            return Self::of_capture(path).map(Some);
        }
        if !first.trim_ascii_start().starts_with(b"{") {
            return Ok(None);
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        // Browsers begin some with a byte order mark; what is no JSON is told by whoever looks at it next.
        let document = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
        if !har::is_har(&document) {
            return Ok(None);
        }
        har::read(&document)
            .map(Some)
            .map_err(|problem| ConversationError::Har {
                path: path.to_owned(),
                problem,
            })
    }

    fn of_capture(path: &Path) -> Result<Self, ConversationError> {
        let mut reader = Reader::open(path)?;
        let lines = reader.by_ref().collect::<Result<_, _>>()?;
        Ok(Self {
            header: reader.header().clone(),
            lines,
            cut: reader.cut(),
            client: None,
        })
    }

    /// The version that was spoken: what the recorder was told, what the hub says of itself, or what shows by the channels of
    /// the subscriptions.
    pub fn version(&self) -> Option<Version> {
        if let [version] = self.header.fhircast_versions[..] {
            return Some(version);
        }
        self.configured().or_else(|| self.shown())
    }

    fn configured(&self) -> Option<Version> {
        let asked: Vec<u64> = self
            .lines
            .iter()
            .filter_map(|line| match &line.message {
                Message::Request { exchange, url, .. } if url.ends_with(WELL_KNOWN_PATH) => Some(*exchange),
                _ => None,
            })
            .collect();
        self.lines.iter().find_map(|line| match &line.message {
            Message::Response { exchange, body, .. } if asked.contains(exchange) => {
                let document: Value = serde_json::from_str(&body.text()).ok()?;
                let stated = document.get("fhircastVersion")?.as_str()?.to_owned();
                Version::ALL
                    .into_iter()
                    .find(|own| own.number() == stated || own.name().eq_ignore_ascii_case(&stated))
            }
            _ => None,
        })
    }

    fn shown(&self) -> Option<Version> {
        self.lines.iter().find_map(|line| match &line.message {
            Message::Request { method, body, .. } if method == "POST" => {
                let body = body.bytes();
                let has = |name: &str| url::form_urlencoded::parse(&body).any(|(own, _)| own == name);
                match (has("hub.callback"), has("hub.channel.type")) {
                    (true, true) => Some(Version::Stu2),
                    (true, false) => Some(Version::Stu1),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// Whether some subscriber had an access token.
    pub(super) fn shows_tokens(&self) -> bool {
        self.lines.iter().any(|line| match &line.message {
            Message::Request { headers, .. } => headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization")),
            _ => false,
        })
    }
}
