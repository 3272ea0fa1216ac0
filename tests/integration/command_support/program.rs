//! The program as people and scripts run it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::net::TcpSocket;

pub fn castspec() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_castspec"));
    without_environment(|name| {
        command.env_remove(name);
    });
    command
}

/// The program as a process that goes on beside the test.
pub fn process() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castspec"));
    without_environment(|name| {
        command.env_remove(name);
    });
    command
}

fn without_environment(mut remove: impl FnMut(&str)) {
    for name in [
        "CASTSPEC_TOKEN",
        "CASTSPEC_LOG",
        "CASTSPEC_KEY_PASSPHRASE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "GITHUB_ACTIONS",
        "GITHUB_STEP_SUMMARY",
        "GITLAB_CI",
    ] {
        remove(name);
    }
}

/// A program that ran to its end: exit code, standard output, standard error.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub error: String,
}

impl Ended {
    pub fn of(command: &mut assert_cmd::Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn with(arguments: &[&str]) -> Self {
        Self::of(castspec().args(arguments))
    }

    /// Holds that the program could not do what it was asked for, and said why in one line.
    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.error);
        assert_eq!(self.out, "", "nothing but the error is written");
        assert_eq!(self.error.lines().count(), 1, "{}", self.error);
        self.begins(words);
    }

    /// Holds that standard error begins with a line that has these words.
    #[track_caller]
    pub fn begins(&self, words: &[&str]) {
        let line = self.error.lines().next().unwrap_or_default();
        assert!(line.starts_with("castspec: "), "{}", self.error);
        for word in words {
            assert!(line.contains(word), "'{word}' is not said: {}", self.error);
        }
    }
}

/// `castspec hub` in a process of its own, ended with the test.
pub struct HubProcess {
    child: Child,
    pub url: String,
}

impl HubProcess {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = process()
            .args(["hub", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix("castspec hub listening on ");
        let url = url.unwrap_or_else(|| panic!("the hub said '{line}'")).to_owned();
        Self { child, url }
    }

    pub fn port(&self) -> String {
        url::Url::parse(&self.url).unwrap().port().unwrap().to_string()
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine where nobody listens, and that no other test is given as long as this lives.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

pub fn report(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

/// What a report says of each requirement in each scenario.
pub fn verdicts(report: &Value) -> BTreeSet<(String, String, String)> {
    let member = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                member(check, "scenario"),
                member(check, "requirement"),
                member(check, "verdict"),
            )
        })
        .collect()
}
