//! `castspec record` in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};

use castspec_judging::capture::{Line, Message, Reader};

use super::program::process;

/// Ended with the test.
pub struct RecorderProcess {
    child: Child,
    stderr: Option<ChildStderr>,
    folder: tempfile::TempDir,
    pub url: String,
}

impl RecorderProcess {
    pub fn start(upstream: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = process()
            .args(["record", "--upstream", upstream, "--out"])
            .arg(folder.path().join("capture.jsonl"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix("castspec record listening on ");
        let url = url
            .unwrap_or_else(|| panic!("the recorder said '{line}'"))
            .to_owned();
        Self {
            stderr: child.stderr.take(),
            child,
            folder,
            url,
        }
    }

    pub fn capture(&self) -> PathBuf {
        self.folder.path().join("capture.jsonl")
    }

    /// Ends it at once, as SIGKILL does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop; its exit code and what it said on standard error.
    pub fn stop(&mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        let asked = std::process::Command::new("kill").arg(&id).status().unwrap();
        assert!(asked.success());
        let mut said = String::new();
        self.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for RecorderProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The messages of a capture that was not cut off.
pub fn messages(capture: &Path) -> Vec<Message> {
    let mut reader = Reader::open(capture).unwrap();
    let lines: Result<Vec<Line>, _> = reader.by_ref().collect();
    assert_eq!(reader.cut(), None);
    lines.unwrap().into_iter().map(|line| line.message).collect()
}
