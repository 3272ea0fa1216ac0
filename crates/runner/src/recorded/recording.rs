//! Reading recordings: captures, and HAR files of browsers.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::har::{self, HarError};
use crate::capture::conversation::RecordedConversation;
use crate::capture::{CaptureError, Cut, Header, Line, Reader, is_capture};
use crate::protocol::Version;

/// The longest first line that is looked at, in bytes.
const LONGEST_HEADER: u64 = 64 << 10;
/// The largest HAR file that is read, in bytes: reading takes some times as much memory.
const LARGEST_HAR: u64 = 256 << 20;

/// The recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// It is longer than what is read.
    #[error("{}: has more than {LARGEST_HAR} bytes, which is the most that is read of one file that is no capture", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is a capture, and a bad one.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// It is a HAR file, and a bad one.
    #[error("{}: {problem}", path.display())]
    Har {
        /// The file.
        path: PathBuf,
        /// The fault.
        problem: HarError,
    },
}

/// A recorded conversation, from a capture or a HAR file.
#[derive(Debug)]
pub struct Recording {
    /// The place and time of the recording.
    pub header: Header,
    /// The messages.
    pub conversation: RecordedConversation,
    /// The last line, where it was cut off.
    pub cut: Option<Cut>,
    /// The one subscriber that took part, where there was but one, as in a browser.
    pub client: Option<String>,
}

impl Recording {
    pub(super) fn new(header: Header, lines: Vec<Line>, cut: Option<Cut>, client: Option<String>) -> Self {
        Self {
            conversation: RecordedConversation::decode(&header.upstream, lines),
            header,
            cut,
            client,
        }
    }

    /// Reads a capture or a HAR file; `None` where the file is neither.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it begins as.
    pub fn open(path: &Path) -> Result<Option<Self>, RecordingError> {
        let unreadable = |source| RecordingError::Unreadable {
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
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST_HAR + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST_HAR {
            return Err(RecordingError::TooLarge {
                path: path.to_owned(),
            });
        }
        Self::of_har(&bytes).map_err(|problem| RecordingError::Har {
            path: path.to_owned(),
            problem,
        })
    }

    /// Reads a HAR file; `None` where the bytes are none.
    ///
    /// # Errors
    /// When it is not as browsers write it, or nobody subscribes in it.
    pub fn of_har(bytes: &[u8]) -> Result<Option<Self>, HarError> {
        // Browsers begin some with a byte order mark; what is no JSON is told by whoever looks at it next.
        let document = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        if !har::is_har(&document) {
            return Ok(None);
        }
        har::read(&document).map(Some)
    }

    fn of_capture(path: &Path) -> Result<Self, RecordingError> {
        let mut reader = Reader::open(path)?;
        let lines = reader.by_ref().collect::<Result<_, _>>()?;
        let header = reader.header().clone();
        Ok(Self::new(header, lines, reader.cut(), None))
    }

    /// The version that was spoken: as stated to the recorder, else as the messages show it.
    pub fn version(&self) -> Option<Version> {
        match self.header.fhircast_versions[..] {
            [version] => Some(version),
            _ => self.conversation.version(),
        }
    }

    /// Whether some subscriber had an access token.
    pub(super) fn shows_tokens(&self) -> bool {
        let exchanges = self.conversation.exchanges();
        exchanges
            .iter()
            .any(|exchange| exchange.headers.has("authorization"))
    }
}
