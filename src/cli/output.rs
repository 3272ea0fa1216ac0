//! Standard output and standard error: the one way to them. What others have written arrives without control characters, and a
//! standard output that cannot be written is remembered, so that no command ends as if it had been heard.

use std::io::{self, Write};
use std::sync::OnceLock;

use super::CommandError;
use crate::report::clean;

/// The first failure of standard output.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Standard output. A reader that has gone away ends the output and nothing else: what a command came to is its exit status.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Output;

impl Output {
    /// Why standard output could not be written, where it could not.
    pub(super) fn failure() -> Option<CommandError> {
        FAILURE
            .get()
            .map(|problem| CommandError::new(format!("standard output cannot be written: {problem}")))
    }
}

/// What came of writing; `gone` stands for it where nobody reads any more.
fn heard<T>(result: io::Result<T>, gone: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(gone),
        Err(error) => {
            // Later ones have the same cause.
            let _ = FAILURE.set(error.to_string());
            Err(error)
        }
        written => written,
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        heard(io::stdout().write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        heard(io::stdout().flush(), ())
    }
}

/// Writes to standard output.
///
/// # Errors
/// When it cannot be written, but for a reader that has gone away.
pub(crate) fn print(text: &str) -> Result<(), CommandError> {
    print_as_it_is(&clean(text))
}

/// Writes a text of castspec's own to standard output.
///
/// # Errors
/// As of [`print()`].
pub(super) fn print_as_it_is(text: &str) -> Result<(), CommandError> {
    let mut out = Output;
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| CommandError::new(format!("standard output cannot be written: {error}")))
}

/// Writes to standard error; where it is closed, the exit code still tells.
pub(super) fn print_error(text: &str) {
    let _ = io::stderr().write_all(clean(text).as_bytes());
}
