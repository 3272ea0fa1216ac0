//! Appends to a capture, a whole line at a time.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::message::{Header, Line, Message};

/// Writes a capture. Each line is given to the operating system in one piece before [`Writer::write`] returns, so that nothing
/// that was written is lost when the process is killed.
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// How long the file is up to its last whole line.
    whole: u64,
    last_ms: f64,
    /// Lines are missing since the last one that was written.
    missing: bool,
}

impl Writer {
    /// Begins a capture in a new file.
    ///
    /// # Errors
    /// When there is such a file already, as captures are not made again, or it cannot be written.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // What patients' data there is, is for whoever recorded it.
            options.mode(0o600);
        }
        let mut writer = Self {
            file: options.open(path)?,
            whole: 0,
            last_ms: 0.0,
            missing: false,
        };
        writer.append(&serde_json::to_string(header)?)?;
        Ok(writer)
    }

    /// Appends a message. Where the file could not be written before and now can, a [`Message::Gap`] tells so.
    ///
    /// # Errors
    /// When the file cannot be written; what was written of this message is taken back.
    pub fn write(&mut self, at_ms: f64, message: Message) -> io::Result<()> {
        // What happens at once on several connections may come here in another order.
        self.last_ms = at_ms.max(self.last_ms);
        if self.missing {
            self.line(Message::Gap)?;
            self.missing = false;
        }
        let written = self.line(message);
        self.missing = written.is_err();
        written
    }

    fn line(&mut self, message: Message) -> io::Result<()> {
        let line = Line {
            at_ms: (self.last_ms * 1_000.0).round() / 1_000.0,
            message,
        };
        self.append(&serde_json::to_string(&line)?)
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        let mut line = String::with_capacity(text.len() + 1);
        line.push_str(text);
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // The first error says more than a second one.
            let _ = self.file.set_len(self.whole);
            let _ = self.file.seek(SeekFrom::Start(self.whole));
            return Err(error);
        }
        self.whole += line.len() as u64;
        Ok(())
    }
}
