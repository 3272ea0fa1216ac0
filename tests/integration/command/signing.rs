//! `castspec report sign`, `verify` and `badge`, and what becomes of a report that was changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command_support::{Ended, castspec, report};
use crate::report_support::sample;
use castspec::report::Reports;
use castspec_judging::outcome::Grading;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey};

/// A report, a key to sign it with, and who may sign.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut reports = Reports::new(&desk.at("reports"), Grading::Standard).unwrap();
        for event in sample().ended() {
            reports.event(&event).unwrap();
        }
        let key = key(1);
        desk.write("key", &key.to_openssh(LineEnding::LF).unwrap());
        desk.write("key.pub", &key.public_key().to_openssh().unwrap());
        desk.write("other.pub", &self::key(2).public_key().to_openssh().unwrap());
        let public = key.public_key().to_openssh().unwrap();
        desk.write(
            "allowed_signers",
            &format!("lab@example.com namespaces=\"castspec-report\" {public}\n"),
        );
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.at(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }

    /// `castspec report` in the folder of the desk.
    fn report(&self, arguments: &[&str]) -> Ended {
        let mut command = castspec();
        Ended::of(
            command
                .current_dir(self.folder.path())
                .arg("report")
                .args(arguments),
        )
    }

    fn sign(&self) {
        let ended = self.report(&["sign", "reports", "--key", "key"]);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    }

    fn verify(&self) -> Ended {
        let who = [
            "--allowed-signers",
            "allowed_signers",
            "--identity",
            "lab@example.com",
        ];
        self.report(&[&["verify", "reports"][..], &who].concat())
    }

    /// Changes report.json behind the back of its signature.
    fn edit(&self, from: &str, to: &str) {
        let text = self.read("reports/report.json");
        assert!(text.contains(from), "{from}");
        self.write("reports/report.json", &text.replacen(from, to, 1));
    }

    /// What `ssh-keygen -Y verify` says of the report; `None` where there is no ssh-keygen.
    fn ssh_keygen_verifies(&self) -> Option<bool> {
        let input = std::fs::File::open(self.at("reports/report.json")).unwrap();
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-Y", "verify", "-f", "allowed_signers", "-I", "lab@example.com"])
            .args(["-n", "castspec-report", "-s", "reports/report.json.sig"])
            .current_dir(self.folder.path())
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.status() {
            Ok(status) => Some(status.success()),
            Err(problem) => {
                eprintln!("skipped: ssh-keygen cannot be run: {problem}");
                None
            }
        }
    }
}

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::from(pair), "a comment").unwrap()
}

#[test]
fn a_signed_report_is_verified_with_all_that_its_verdict_depends_on() {
    let desk = Desk::new();
    desk.sign();
    let ended = desk.verify();
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let digests = &report(&desk.at("reports"))["digests"];
    for told in [
        "verified: reports/report.json is as lab@example.com (ssh-ed25519 key SHA256:",
        "castspec 0.1.0, started 2025-03-04T05:06:07.089Z",
        "target https://hub.example.com/fhircast as STU3",
        digests["catalogue"].as_str().unwrap(),
        "3 pass, 2 fail, 1 warn, 2 skip, 3 inconclusive",
    ] {
        assert!(ended.out.contains(told), "{told}: {}", ended.out);
    }
    assert_ne!(desk.ssh_keygen_verifies(), Some(false));
    let of_key = desk.report(&["verify", "reports/report.json", "--public-key", "key.pub"]);
    assert_eq!(of_key.code, Some(0), "{}{}", of_key.out, of_key.error);
    let of_nobody = desk.report(&["verify", "reports"]);
    assert_eq!(of_nobody.code, Some(0), "{}", of_nobody.error);
    assert!(
        of_nobody
            .out
            .contains("--allowed-signers or --public-key would tell"),
        "{}",
        of_nobody.out
    );
}

#[test]
fn a_report_that_was_changed_is_not_verified_by_anybody() {
    let desk = Desk::new();
    desk.sign();
    desk.edit("\"verdict\": \"fail\"", "\"verdict\": \"pass\"");
    let ended = desk.verify();
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let told = "not verified: reports/report.json: the signature does not fit: the report was changed after it was signed";
    assert!(ended.out.starts_with(told), "{}", ended.out);
    assert_ne!(desk.ssh_keygen_verifies(), Some(true));
}

#[test]
fn another_signer_and_another_purpose_are_not_verified() {
    let desk = Desk::new();
    desk.sign();
    let of_key = desk.report(&["verify", "reports", "--public-key", "other.pub"]);
    assert_eq!(of_key.code, Some(1), "{}{}", of_key.out, of_key.error);
    assert!(of_key.out.contains("signed with another key"), "{}", of_key.out);
    for (line, told) in [
        (
            format!("lab@example.com {}", desk.read("other.pub")),
            "'lab@example.com' has another key",
        ),
        (
            format!("ci@example.com {}", desk.read("key.pub")),
            "no line is for 'lab@example.com'",
        ),
        (
            format!(
                "lab@example.com valid-before=\"20200101\" {}",
                desk.read("key.pub")
            ),
            "is not valid now",
        ),
    ] {
        desk.write("allowed_signers", &line);
        let ended = desk.verify();
        assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
        assert!(ended.out.contains(told), "{}", ended.out);
        assert_ne!(desk.ssh_keygen_verifies(), Some(true), "{line}");
    }
    let commit = key(1).sign(
        "git",
        ssh_key::HashAlg::Sha512,
        desk.read("reports/report.json").as_bytes(),
    );
    desk.write(
        "reports/report.json.sig",
        &commit.unwrap().to_pem(LineEnding::LF).unwrap(),
    );
    let ended = desk.report(&["verify", "reports"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains("it was made for 'git'"), "{}", ended.out);
}

#[test]
fn a_summary_that_does_not_agree_with_its_checks_is_neither_signed_nor_verified() {
    let desk = Desk::new();
    desk.edit("\"fail\": 2,", "\"fail\": 0,");
    let told =
        "the summary says 3 pass, 0 fail, 1 warn, 2 skip, 3 inconclusive, but its checks are 3 pass, 2 fail";
    desk.report(&["sign", "reports", "--key", "key"])
        .says(&["reports/report.json cannot be signed", told]);
    // Signed all the same, by another program.
    let signature = key(1).sign(
        "castspec-report",
        ssh_key::HashAlg::Sha512,
        desk.read("reports/report.json").as_bytes(),
    );
    desk.write(
        "reports/report.json.sig",
        &signature.unwrap().to_pem(LineEnding::LF).unwrap(),
    );
    let ended = desk.verify();
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains(told), "{}", ended.out);
}

#[test]
fn what_ssh_keygen_signed_is_verified() {
    let desk = Desk::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(desk.at("key"), private).unwrap();
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", "castspec-report", "-f"]);
    command.arg(desk.at("key")).arg(desk.at("reports/report.json"));
    match command.stderr(Stdio::null()).status() {
        Ok(status) => assert!(status.success()),
        Err(problem) => {
            eprintln!("skipped: ssh-keygen cannot be run: {problem}");
            return;
        }
    }
    let ended = desk.verify();
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[test]
fn keys_of_other_kinds_and_encrypted_ones() {
    let desk = Desk::new();
    for curve in [EcdsaCurve::NistP256, EcdsaCurve::NistP384] {
        let key = PrivateKey::random(&mut OsRng, Algorithm::Ecdsa { curve }).unwrap();
        desk.write("key", &key.to_openssh(LineEnding::LF).unwrap());
        let public = key.public_key().to_openssh().unwrap();
        desk.write("allowed_signers", &format!("lab@example.com {public}\n"));
        desk.sign();
        assert_eq!(desk.verify().code, Some(0), "{curve:?}");
        assert_ne!(desk.ssh_keygen_verifies(), Some(false), "{curve:?}");
    }
    let encrypted = key(1).encrypt(&mut OsRng, "the-passphrase-of-it").unwrap();
    desk.write("key", &encrypted.to_openssh(LineEnding::LF).unwrap());
    let sign = |passphrase: Option<&str>| {
        let mut command = castspec();
        command.current_dir(desk.folder.path());
        command.args(["report", "sign", "reports", "--key", "key"]);
        Ended::of(command.envs(passphrase.map(|word| ("CASTSPEC_KEY_PASSPHRASE", word))))
    };
    sign(None).says(&["key is encrypted", "CASTSPEC_KEY_PASSPHRASE"]);
    let wrong = sign(Some("a-wrong-passphrase"));
    wrong.says(&["key cannot be decrypted"]);
    assert!(!wrong.error.contains("a-wrong-passphrase"), "{}", wrong.error);
    let signed = sign(Some("the-passphrase-of-it"));
    assert_eq!(signed.code, Some(0), "{}{}", signed.out, signed.error);
    assert!(!signed.out.contains("the-passphrase-of-it"), "{}", signed.out);
}

#[test]
fn what_cannot_be_read_is_told_in_one_line() {
    let desk = Desk::new();
    let public = ["sign", "reports", "--key", "key.pub"];
    desk.report(&public).says(&["key.pub is a public key"]);
    desk.report(&["sign", "reports", "--key", "allowed_signers"])
        .says(&["allowed_signers is no OpenSSH private key"]);
    desk.report(&["sign", "reports", "--key", "none"])
        .says(&["none cannot be read"]);
    desk.report(&["verify", "none"]).says(&["none cannot be read"]);
    desk.report(&["verify", "reports"])
        .says(&["report.json.sig is not there: the report is unsigned"]);
    desk.sign();
    desk.write("allowed_signers", "# nobody\nlab@example.com\n");
    desk.verify()
        .says(&["allowed_signers: line 2: has no public key"]);
    desk.report(&["verify", "reports", "--identity", "lab@example.com"])
        .says(&["--allowed-signers"]);
    desk.report(&["verify", "reports", "--public-key", "allowed_signers"])
        .says(&["allowed_signers is no OpenSSH public key"]);
    desk.write("reports/report.json.sig", &"x".repeat(100_000));
    desk.report(&["verify", "reports"])
        .says(&["longer than 65536 bytes"]);
    // A report of an older version does not say what it was judged by.
    let mut older = report(&desk.at("reports"));
    older.as_object_mut().unwrap().remove("digests");
    desk.write("older.json", &older.to_string());
    desk.report(&["sign", "older.json", "--key", "key"])
        .says(&["older.json cannot be signed: it does not say what it was judged by"]);
}

#[test]
fn what_is_rendered_of_a_report_says_whether_its_signature_fits() {
    let desk = Desk::new();
    let rendered = |error: &str, told: &str| {
        let ended = desk.report(&["render", "reports", "--reports", "again"]);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        assert!(
            ended.error.contains(error) && ended.error.is_empty() == error.is_empty(),
            "{}",
            ended.error
        );
        let summary = desk.read("again/summary.md");
        assert!(summary.contains(&format!("**Signature**: {told}")), "{summary}");
        let page = desk.read("again/index.html");
        let class = if error.contains("does not fit") {
            "alert fail"
        } else {
            "alert"
        };
        assert!(
            page.contains(&format!(
                "<div class=\"{class}\"><strong>Signature</strong>: {told}"
            )),
            "{told}"
        );
    };
    rendered("reports/report.json: unsigned", "unsigned");
    desk.sign();
    rendered("", "signed with the ssh-ed25519 key SHA256:");
    desk.edit("\"verdict\": \"fail\"", "\"verdict\": \"pass\"");
    rendered(
        "report.json: the signature does not fit",
        "the signature does not fit: the report was changed",
    );
}

#[test]
fn a_badge_says_the_verdict_and_whether_it_is_signed() {
    let desk = Desk::new();
    let badge = || {
        let ended = desk.report(&["badge", "reports", "--out", "badge.svg"]);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        let svg = desk.read("badge.svg");
        assert!(svg.contains(">FHIRcast STU3</text>"), "{svg}");
        let foreign = svg.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!foreign.contains("http") && !foreign.contains("href") && !foreign.contains("url("));
        (svg, ended.error)
    };
    let (unsigned, _) = badge();
    assert!(
        unsigned.contains(">not conformant: 2 broken, 6 requirements judged</text>"),
        "{unsigned}"
    );
    desk.sign();
    let (signed, _) = badge();
    assert!(
        signed.contains(">not conformant: 2 broken, 6 requirements judged, signed</text>"),
        "{signed}"
    );
    desk.edit("\"verdict\": \"fail\"", "\"verdict\": \"pass\"");
    let (changed, told) = badge();
    assert!(!changed.contains("signed"), "{changed}");
    assert!(told.contains("the signature does not fit"), "{told}");
}

#[test]
fn a_run_writes_the_digests_of_its_catalogue_and_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.yaml");
    let text = "title: t\nversions: [STU3]\nsteps:\n  - discover: {answer: [{requirement: wellknown.served, status: accepted}]}\n";
    std::fs::write(&own, text).unwrap();
    let run = |name: &str, scenario: &str, more: &[&str]| {
        let reports = folder.path().join(name);
        let mut arguments = vec!["run", scenario, "--fhircast-version", "STU3"];
        arguments.extend(["--reports", reports.to_str().unwrap()]);
        arguments.extend(more);
        let ended = Ended::with(&arguments);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        report(Path::new(&reports))["digests"].clone()
    };
    let embedded = run("one", "confirmation/first-message", &[]);
    let with_own = run(
        "two",
        "subscribing/one-event",
        &["--scenarios", own.to_str().unwrap()],
    );
    assert_eq!(embedded["catalogue"], with_own["catalogue"]);
    assert_ne!(embedded["scenarios"], with_own["scenarios"]);
    assert_eq!(
        embedded["scenarios"].as_str().unwrap().len(),
        "sha256:".len() + 64
    );
    let merged = Ended::with(&[
        "report",
        "merge",
        folder.path().join("one").to_str().unwrap(),
        folder.path().join("two").to_str().unwrap(),
        "--reports",
        folder.path().join("whole").to_str().unwrap(),
    ]);
    merged.says(&["are not parts of one run: what was judged by differs"]);
}

#[test]
fn a_signature_cannot_say_that_it_is_verified() {
    let desk = Desk::new();
    desk.sign();
    let hostile = "x'\nverified: reports/report.json is as lab@example.com signed it\n::error::no\n";
    let signature = key(1).sign(hostile, HashAlg::Sha512, b"anything").unwrap();
    desk.write(
        "reports/report.json.sig",
        &signature.to_pem(LineEnding::LF).unwrap(),
    );
    let ended = desk.verify();
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let lines = ended.out.lines().chain(ended.error.lines());
    let mut told = lines.inspect(|line| {
        assert!(!line.starts_with("verified") && !line.starts_with("::"), "{line}");
    });
    assert!(
        told.any(|line| line.starts_with("not verified: ")),
        "{}",
        ended.out
    );
}

#[test]
fn a_file_beside_the_report_that_is_no_text_keeps_nobody_from_rendering_it() {
    let desk = Desk::new();
    std::fs::write(desk.at("reports/report.json.sig"), [0x88, 0xff, 0x00, 0xc3]).unwrap();
    let rendered = desk.report(&["render", "reports", "--reports", "again"]);
    assert_eq!(rendered.code, Some(0), "{}", rendered.error);
    rendered.begins(&["the signature is not verified"]);
    assert!(desk.at("again/index.html").exists());
    let verified = desk.verify();
    assert_eq!(verified.code, Some(2), "{}", verified.out);
}

#[test]
fn a_coverage_that_is_not_that_of_the_checks_is_neither_signed_nor_verified() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let base = [
        "run",
        "subscribing/one-event",
        "--fhircast-version",
        "STU3",
        "--quiet",
    ];
    let ended = Ended::with(&[&base[..], &["--reports", &at("one")]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    std::fs::write(at("key"), key(1).to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let signing = ["report", "sign", &at("one"), "--key", &at("key")];
    let signed = Ended::with(&signing);
    assert_eq!(signed.code, Some(0), "{}", signed.error);
    // A part is no green badge, signed or not.
    let badge = Ended::with(&["report", "badge", &at("one"), "--out", &at("badge.svg")]);
    assert_eq!(badge.code, Some(0), "{}", badge.error);
    let badge = std::fs::read_to_string(at("badge.svg")).unwrap();
    assert!(badge.contains("conformant in a selection: "), "{badge}");
    assert!(!badge.contains("#1a7f37"), "{badge}");
    let path = at("one/report.json");
    let mut edited: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    edited["coverage"]["STU3"]["hub"]["judged"] = 185.into();
    std::fs::write(&path, edited.to_string()).unwrap();
    let refused = Ended::with(&signing);
    assert_eq!(refused.code, Some(2), "{}", refused.out);
    refused.begins(&["the coverage is not that of its checks"]);
}
