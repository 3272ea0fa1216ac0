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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Reader;

    fn written(path: &Path) -> Vec<(f64, Message)> {
        let lines = Reader::open(path).unwrap();
        let lines = lines.map(|line| line.map(|line| (line.at_ms, line.message)));
        lines.collect::<Result<_, _>>().unwrap()
    }

    fn note(text: &str) -> Message {
        Message::Note {
            text: text.to_owned(),
        }
    }

    #[test]
    fn times_are_written_to_the_microsecond_and_never_go_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.jsonl");
        let mut writer = Writer::create(&path, &Header::now("", Vec::new())).unwrap();
        for at_ms in [0.0, 12.345_678, 7.0, 2_500.000_4] {
            writer.write(at_ms, Message::Gap).unwrap();
        }
        let times: Vec<f64> = written(&path).into_iter().map(|(at_ms, _)| at_ms).collect();
        assert_eq!(times, [0.0, 12.346, 12.346, 2_500.0]);
    }

    #[test]
    fn the_end_of_the_last_whole_line_is_known_so_that_a_part_of_the_next_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.jsonl");
        let mut writer = Writer::create(&path, &Header::now("", Vec::new())).unwrap();
        let length = || std::fs::metadata(&path).unwrap().len();
        assert_eq!(writer.whole, length());
        writer.write(0.0, note("é")).unwrap();
        assert_eq!(writer.whole, length());
    }

    #[test]
    fn where_messages_could_not_be_written_one_gap_tells_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.jsonl");
        let mut writer = Writer::create(&path, &Header::now("", Vec::new())).unwrap();
        writer.write(1.0, note("before")).unwrap();
        let read_only = File::open(&path).unwrap();
        let writable = std::mem::replace(&mut writer.file, read_only);
        for at_ms in [2.0, 3.0] {
            writer.write(at_ms, note("lost")).unwrap_err();
        }
        writer.file = writable;
        writer.write(4.0, note("after")).unwrap();
        writer.write(5.0, note("last")).unwrap();
        let expected = [
            (1.0, note("before")),
            (4.0, Message::Gap),
            (4.0, note("after")),
            (5.0, note("last")),
        ];
        assert_eq!(written(&path), expected);
    }
}
