//! Reads a capture line by line, and says what is wrong with it and where.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::message::{FORMAT, Header, Line};

/// The longest line that is read, in bytes.
pub const LONGEST_LINE: usize = 64 << 20;

/// A capture cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The first line is no header.
    #[error(
        "{}: line 1: is not the header of a capture: {problem}; a capture is what `castspec record` writes",
        path.display()
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// The fault.
        problem: String,
    },
    /// It was recorded by a later castspec.
    #[error(
        "{}: line 1: is a capture of format {format}, and this castspec reads up to {FORMAT}: use the castspec that recorded it ({recorder}), or a later one",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The format.
        format: u32,
        /// The program that recorded it.
        recorder: String,
    },
    /// A line is not in the format.
    #[error(
        "{}: line {line}: {problem}; the format is described by schemas/capture.schema.json; where the line is damaged, leave it out and put {{\"at_ms\":0,\"kind\":\"gap\"}} in its place",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The fault.
        problem: String,
    },
    /// A line is longer than any message.
    #[error(
        "{}: line {line}: is longer than {LONGEST_LINE} bytes, as no message of FHIRcast is; leave it out",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// The last line was cut off, as when the recorder was killed while it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The line, from 1.
    pub line: usize,
    /// How many bytes of it there are.
    pub bytes: usize,
}

/// Whether a file with this first line is a capture, sound or not.
pub fn is_capture(first_line: &str) -> bool {
    #[derive(Deserialize)]
    struct Mark {
        #[serde(rename = "castspec_capture")]
        _format: serde::de::IgnoredAny,
    }
    serde_json::from_str::<Mark>(first_line).is_ok()
}

/// Reads the lines of a capture after its header. It ends after an error.
pub struct Reader<R = BufReader<File>> {
    source: R,
    path: PathBuf,
    header: Header,
    line: usize,
    last_ms: f64,
    cut: Option<Cut>,
    ended: bool,
}

impl Reader {
    /// Opens a capture and reads its header.
    ///
    /// # Errors
    /// When the file cannot be read, or is no capture of a known format.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(|source| CaptureError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::new(BufReader::new(file), path)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header of a capture that comes from anywhere; errors name it as `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is no capture of a known format.
    pub fn new(mut source: R, path: &Path) -> Result<Self, CaptureError> {
        let wrong = |problem: String| CaptureError::Header {
            path: path.to_owned(),
            problem,
        };
        let bytes = match next(&mut source) {
            Ok(Next::Line(bytes, _)) => bytes,
            Ok(Next::End) => return Err(wrong("the file is empty".to_owned())),
            Ok(Next::TooLong) => return Err(wrong("it is too long".to_owned())),
            Err(source) => {
                return Err(CaptureError::Unreadable {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        // A later format may have another header, but says which one it is.
        #[derive(Deserialize)]
        struct Mark {
            castspec_capture: u32,
        }
        let mark: Mark = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        let header: Result<Header, _> = serde_json::from_slice(&bytes);
        if mark.castspec_capture == 0 || mark.castspec_capture > FORMAT {
            let recorder = header.map_or_else(
                |_| "another version".to_owned(),
                |header| format!("{} {}", header.tool.name, header.tool.version),
            );
            return Err(CaptureError::Format {
                path: path.to_owned(),
                format: mark.castspec_capture,
                recorder,
            });
        }
        Ok(Self {
            source,
            path: path.to_owned(),
            header: header.map_err(|error| wrong(error.to_string()))?,
            line: 1,
            last_ms: 0.0,
            cut: None,
            ended: false,
        })
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether the last line was cut off and left out; known once the last line was read.
    pub fn cut(&self) -> Option<Cut> {
        self.cut
    }

    fn step(&mut self) -> Result<Option<Line>, CaptureError> {
        loop {
            let read = next(&mut self.source).map_err(|source| CaptureError::Unreadable {
                path: self.path.clone(),
                source,
            })?;
            self.line += 1;
            let (bytes, whole) = match read {
                Next::End => return Ok(None),
                Next::TooLong => {
                    return Err(CaptureError::TooLong {
                        path: self.path.clone(),
                        line: self.line,
                    });
                }
                Next::Line(bytes, whole) => (bytes, whole),
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line = match serde_json::from_slice::<Line>(&bytes) {
                Ok(line) => line,
                Err(_) if !whole => {
                    self.cut = Some(Cut {
                        line: self.line,
                        bytes: bytes.len(),
                    });
                    return Ok(None);
                }
                Err(error) => return Err(self.wrong(error.to_string())),
            };
            return self.sound(line).map(Some);
        }
    }

    fn sound(&mut self, mut line: Line) -> Result<Line, CaptureError> {
        if !line.at_ms.is_finite() || line.at_ms < 0.0 {
            return Err(self.wrong(format!(
                "at_ms is {}, and is a number of milliseconds from 0",
                line.at_ms
            )));
        }
        if line.message.payload().is_some_and(|payload| !payload.is_sound()) {
            return Err(self.wrong("its body is neither text nor base64".to_owned()));
        }
        // What was put together from several captures by hand is read in its order.
        self.last_ms = self.last_ms.max(line.at_ms);
        line.at_ms = self.last_ms;
        Ok(line)
    }

    fn wrong(&self, problem: String) -> CaptureError {
        CaptureError::Line {
            path: self.path.clone(),
            line: self.line,
            problem,
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

enum Next {
    /// A line without its end, and whether it had one.
    Line(Vec<u8>, bool),
    TooLong,
    End,
}

fn next(source: &mut impl BufRead) -> io::Result<Next> {
    let mut bytes = Vec::new();
    let limit = LONGEST_LINE as u64 + 1;
    if source.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(Next::End);
    }
    let whole = bytes.pop_if(|last| *last == b'\n').is_some();
    if bytes.len() > LONGEST_LINE {
        return Ok(Next::TooLong);
    }
    Ok(Next::Line(bytes, whole))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, repeat};

    use super::*;

    const HEADER: &str =
        r#"{"castspec_capture":1,"tool":{"name":"castspec","version":"1"},"started":"","upstream":""}"#;

    fn reader(lines: &[&str]) -> Result<Reader<Cursor<String>>, CaptureError> {
        let text = lines.concat();
        Reader::new(Cursor::new(text), Path::new("capture.jsonl"))
    }

    fn gap(at_ms: f64) -> String {
        format!("{{\"at_ms\":{at_ms},\"kind\":\"gap\"}}\n")
    }

    #[test]
    fn the_line_that_was_read_last_is_counted_with_the_empty_ones() {
        let mut reader = reader(&[HEADER, "\n", &gap(1.0), "\n", " \t\n", &gap(2.0), &gap(3.0)]).unwrap();
        assert_eq!(reader.line(), 1);
        for line in [2, 5, 6] {
            reader.next().unwrap().unwrap();
            assert_eq!(reader.line(), line);
        }
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_time_before_that_of_the_line_before_is_read_as_that() {
        let reader = reader(&[HEADER, "\n", &gap(0.0), &gap(5.5), &gap(2.0), &gap(6.0)]).unwrap();
        let times: Vec<f64> = reader.map(|line| line.unwrap().at_ms).collect();
        assert_eq!(times, [0.0, 5.5, 5.5, 6.0]);
    }

    #[test]
    fn after_an_error_nothing_more_is_read() {
        let mut reader = reader(&[HEADER, "\n", "no JSON\n", &gap(1.0)]).unwrap();
        assert!(matches!(
            reader.next(),
            Some(Err(CaptureError::Line { line: 2, .. }))
        ));
        assert!(reader.next().is_none());
        assert_eq!(reader.line(), 2);
    }

    #[test]
    fn a_capture_of_an_unknown_format_names_who_recorded_it_where_that_is_known() {
        for (header, format, recorder) in [
            (HEADER.replace(":1,", ":0,"), 0, "castspec 1"),
            (HEADER.replace(":1,", ":2,"), 2, "castspec 1"),
            (r#"{"castspec_capture":2}"#.to_owned(), 2, "another version"),
        ] {
            let error = reader(&[&header]).err().unwrap();
            let CaptureError::Format {
                format: found,
                recorder: by,
                ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!((found, by.as_str()), (format, recorder));
        }
    }

    #[test]
    fn a_file_that_is_not_there_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let error = Reader::open(&folder.path().join("capture.jsonl")).err().unwrap();
        assert!(matches!(error, CaptureError::Unreadable { .. }), "{error}");
    }

    /// What is read of so many blanks, and whether their line ends.
    fn next_of(blanks: usize, ends: bool) -> Next {
        let end = if ends { &b"\n"[..] } else { b"" };
        let source = repeat(b' ').take(blanks as u64).chain(end);
        next(&mut BufReader::new(source)).unwrap()
    }

    #[test]
    fn the_longest_line_is_read_whole() {
        for ends in [true, false] {
            let Next::Line(bytes, whole) = next_of(LONGEST_LINE, ends) else {
                panic!("a line is expected, ended: {ends}");
            };
            assert_eq!((bytes.len(), whole), (LONGEST_LINE, ends));
        }
    }

    #[test]
    fn a_line_of_one_byte_more_than_the_longest_is_not_read() {
        for ends in [true, false] {
            assert!(matches!(next_of(LONGEST_LINE + 1, ends), Next::TooLong));
        }
    }
}
