//! The page in a real browser, where there is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::report_support::{Run, check, entry, evidence, sample};
use castspec::report::Reports;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, RunEvent, Traffic, Verdict};

/// How long the browser may take for one page.
const PATIENCE: Duration = Duration::from_secs(60);

struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// What the browser made of a page.
struct Seen {
    dom: String,
    console: String,
}

impl Browser {
    /// The browser of this machine, with the page of a run before it; `None`, told on standard error, where there is none.
    fn with(events: &[RunEvent]) -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut programs =
            std::env::split_paths(&paths).flat_map(|folder| names.map(|name| folder.join(name)));
        let Some(program) = programs.find(|program| program.is_file()) else {
            eprintln!("skipped: there is no chromium, chromium-browser or google-chrome in PATH");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut reports = Reports::new(folder.path(), Grading::Standard).unwrap();
        for event in events {
            reports.event(event).unwrap();
        }
        Some(Self { program, folder })
    }

    fn run(&self, arguments: &[&str], query: &str) -> Seen {
        let mut command = Command::new(&self.program);
        let profile = self.folder.path().join("profile");
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ])
            .args(["--enable-logging=stderr", "--virtual-time-budget=5000"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .arg(format!(
                "file://{}{query}",
                self.folder.path().join("index.html").display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let (ended, end) = std::sync::mpsc::channel();
        let id = child.id();
        std::thread::spawn(move || ended.send(child.wait_with_output()));
        let Ok(output) = end.recv_timeout(PATIENCE) else {
            let _ = Command::new("kill").arg(id.to_string()).status();
            panic!("the browser took longer than {PATIENCE:?}");
        };
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let error = text(output.stderr);
        assert!(output.status.success(), "the browser failed: {error}");
        let console: Vec<&str> = error.lines().filter(|line| line.contains("CONSOLE")).collect();
        Seen {
            dom: text(output.stdout),
            console: console.join("\n"),
        }
    }

    fn open(&self, query: &str) -> Seen {
        self.run(&["--dump-dom"], query)
    }

    fn shown(&self, size: &str) -> Vec<u8> {
        let file = self.folder.path().join("screenshot.png");
        let screenshot = format!("--screenshot={}", file.display());
        self.run(
            &["--hide-scrollbars", &screenshot, &format!("--window-size={size}")],
            "",
        );
        read(&file)
    }
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

/// The requirements that the table shows.
fn visible(dom: &str) -> Vec<String> {
    let row = regex::Regex::new(r#"<tr class="item" id="([^"]*)"([^>]*)>"#).unwrap();
    let rows = row.captures_iter(dom);
    rows.filter(|found| !found[2].contains("hidden"))
        .map(|found| found[1].to_owned())
        .collect()
}

#[test]
fn the_filters_leave_what_fits() {
    let Some(browser) = Browser::with(&sample().ended()) else {
        return;
    };
    let all = browser.open("");
    assert_eq!(all.console, "", "the browser complains of nothing");
    assert_eq!(visible(&all.dom).len(), 11, "{:?}", visible(&all.dom));
    assert!(
        all.dom.contains("11 of 11 requirements</output>"),
        "the page's script ran"
    );
    for (query, left) in [
        (
            "?verdict=fail",
            vec!["stu3.confirmation.events", "stu3.notification.context-unaltered"],
        ),
        (
            "?verdict=warn&level=SHOULD",
            vec!["stu3.subscribe.refusal-description"],
        ),
        ("?text=REPLAY%20order", vec!["stu3.replay.in-order"]),
        (
            "?text=subscribing/refused&verdict=-pass",
            vec!["stu3.subscribe.refusal-description"],
        ),
        (
            "?chapter=STU3%202.5%20Event%20Notification",
            vec!["stu3.notification.context-unaltered"],
        ),
        ("?verdict=fail&level=MAY", vec![]),
    ] {
        let seen = browser.open(query);
        assert_eq!(visible(&seen.dom), left, "{query}");
        let told = format!("{} of 11 requirements</output>", left.len());
        assert!(seen.dom.contains(&told), "{query}");
    }
    let unknown = browser.open("?verdict=none-such&constructor=x&other=y");
    assert_eq!(
        visible(&unknown.dom).len(),
        11,
        "what is no filter filters nothing"
    );
}

#[test]
fn the_page_is_drawn_wide_and_narrow_and_prints() {
    let Some(browser) = Browser::with(&sample().ended()) else {
        return;
    };
    let (wide, narrow) = (browser.shown("1400,1600"), browser.shown("500,1600"));
    for drawn in [&wide, &narrow] {
        assert!(drawn.starts_with(b"\x89PNG"));
        assert!(drawn.len() > 20_000, "an empty page takes {} bytes", drawn.len());
    }
    assert_ne!(wide, narrow);
    let file = browser.folder.path().join("page.pdf");
    browser.run(&[&format!("--print-to-pdf={}", file.display())], "");
    assert!(read(&file).starts_with(b"%PDF"));
}

#[test]
fn nothing_that_a_hub_sends_is_carried_out() {
    let hostile = concat!(
        "</script><script>document.title='owned'</script></style></svg></title></textarea>",
        "<img src=x onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\">",
        "\" onfocus=\"document.title='owned'\" autofocus x='\u{2028}document.title=`owned`",
        "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
        "<meta http-equiv=refresh content=\"0;url=javascript:document.title='owned'\">"
    );
    let copy = || hostile.to_owned();
    let shown = Check {
        message: copy(),
        expected: Some(copy()),
        observed: Some(copy()),
        section: format!("2.4 {hostile}"),
        statement: copy(),
        url: format!("javascript:document.title='owned'//{hostile}"),
        repeat: Some(copy()),
        evidence: vec![evidence(
            entry(
                0,
                hostile,
                Traffic::FrameReceived {
                    text: format!("{{\"id\": {}}}", serde_json::Value::from(hostile)),
                    binary: false,
                },
            ),
            Some("/id"),
        )],
        ..check("own/hostile", hostile, Level::Shall, Verdict::Fail)
    };
    let run = Run::against(&format!("https://hub.example.com/{hostile}"))
        .scenario("own/hostile", Disposition::Completed, vec![shown])
        .scenario(hostile, Disposition::Error(copy()), Vec::new())
        .observed(hostile, hostile, hostile)
        .lost(hostile, hostile, hostile);
    let Some(browser) = Browser::with(&run.ended()) else {
        return;
    };
    let seen = browser.open("");
    assert!(!seen.dom.contains("<title>owned"), "a text was carried out");
    assert!(seen.dom.contains("<title>castspec: not conformant"));
    for element in ["<script", "<svg", "<iframe", "<img", "<meta http-equiv"] {
        let expected = match element {
            "<script" | "<svg" | "<meta http-equiv" => 1,
            _ => 0,
        };
        assert_eq!(seen.dom.matches(element).count(), expected, "{element}");
    }
    assert_eq!(seen.console, "", "the policy had nothing to refuse");
}
