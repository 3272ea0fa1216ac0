//! `castspec report sign`, `verify` and `badge`: who answers for a report, and that it is still the one that was signed.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{CommandError, print, print_error};
use crate::report::{Record, SignatureNote, StoredRun, badge, line};
use crate::signing::{self, AllowedSigners, NotVerified, Signer};
use castspec_judging::outcome::Summary;

/// The environment variable with the passphrase of an encrypted key.
const PASSPHRASE: &str = "CASTSPEC_KEY_PASSPHRASE";
/// Bytes of a key or a signature at the most.
const KEY: u64 = 64 << 10;
/// Bytes of a file of allowed signers at the most.
const SIGNERS: u64 = 4 << 20;

/// Sign a report with an SSH key, into report.json.sig beside it
///
/// ssh-keygen -Y verify -n castspec-report verifies it too. The passphrase of an encrypted key is read from
/// CASTSPEC_KEY_PASSPHRASE.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  castspec report sign reports --key ~/.ssh/id_ed25519")]
pub(super) struct Sign {
    /// The report.json, or the folder that has it
    report: PathBuf,
    /// An OpenSSH private key
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
}

/// Verify the signature of a report, and that its summary and its coverage are those of its checks
///
/// Exit status: 0 verified; 1 the signature does not fit, is not of who was named, or the summary does not agree with the checks;
/// 2 a file cannot be read.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec report verify reports --allowed-signers allowed_signers --identity ci@example.com"
)]
pub(super) struct Verify {
    /// The report.json, or the folder that has it
    report: PathBuf,
    /// A file of names and their keys, as ssh-keygen -Y verify reads it
    #[arg(
        long,
        value_name = "FILE",
        requires = "identity",
        conflicts_with = "public_key"
    )]
    allowed_signers: Option<PathBuf>,
    /// Who must have signed, by the name in that file
    #[arg(long, value_name = "NAME", requires = "allowed_signers")]
    identity: Option<String>,
    /// The public key that must have signed
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

/// Write the verdict as a small picture (SVG) for a page or a README
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  castspec report badge reports --out fhircast.svg")]
pub(super) struct Badge {
    /// The report.json, or the folder that has it
    report: PathBuf,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A report with the bytes that it was read from, which are what is signed.
struct Bytes {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Bytes {
    fn read(report: &Path) -> Result<Self, CommandError> {
        let path = match report.is_dir() {
            true => report.join("report.json"),
            false => report.to_owned(),
        };
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        Ok(Self { path, bytes })
    }

    fn run(&self) -> Result<StoredRun, CommandError> {
        let text = std::str::from_utf8(&self.bytes);
        let text = text.map_err(|_| self.error("is no report.json: it is not UTF-8"))?;
        Ok(StoredRun::parse(&self.path, text)?)
    }

    /// The counts that the file states and those of its checks, where they differ.
    fn disagreement(&self, record: &Record) -> Option<String> {
        let stated: Option<Summary> = serde_json::from_slice::<Value>(&self.bytes)
            .ok()
            .and_then(|report| serde_json::from_value(report.get("summary")?.clone()).ok());
        let counted = record.summary();
        if stated == Some(counted) && !self.states_its_coverage(record) {
            return Some("the coverage is not that of its checks".to_owned());
        }
        (stated != Some(counted)).then(|| {
            let stated = stated.map_or("nothing".to_owned(), counts);
            format!(
                "the summary says {stated}, but its checks are {}",
                counts(counted)
            )
        })
    }

    /// Whether the coverage that the file states, where it states one, is that of its checks.
    fn states_its_coverage(&self, record: &Record) -> bool {
        let report: Option<Value> = serde_json::from_slice(&self.bytes).ok();
        let stated = report.and_then(|report| report.get("coverage").cloned());
        stated.is_none_or(|stated| stated == record.coverage_told())
    }

    fn signature_path(&self) -> PathBuf {
        let mut name: OsString = self.path.clone().into_os_string();
        name.push(".sig");
        name.into()
    }

    fn error(&self, problem: impl std::fmt::Display) -> CommandError {
        CommandError::new(format!("{} {problem}", self.path.display()))
    }
}

fn counts(summary: Summary) -> String {
    let Summary {
        pass,
        fail,
        warn,
        skip,
        inconclusive,
    } = summary;
    format!("{pass} pass, {fail} fail, {warn} warn, {skip} skip, {inconclusive} inconclusive")
}

fn unreadable(path: &Path, problem: &std::io::Error) -> CommandError {
    CommandError::new(format!("{} cannot be read: {problem}", path.display()))
}

/// The text of a file that is no longer than such files are.
fn read_short(path: &Path, most: u64) -> Result<String, CommandError> {
    let error = |problem: &std::io::Error| unreadable(path, problem);
    let file = std::fs::File::open(path).map_err(|problem| error(&problem))?;
    let mut text = String::new();
    file.take(most + 1)
        .read_to_string(&mut text)
        .map_err(|problem| error(&problem))?;
    match u64::try_from(text.len()) {
        Ok(length) if length <= most => Ok(text),
        _ => Err(CommandError::new(format!(
            "{} is longer than {most} bytes, and so not what it should be",
            path.display()
        ))),
    }
}

/// What can be said of a report's signature without knowing who may sign.
enum Signature {
    Absent,
    Fits(Box<Signer>),
    DoesNotFit(NotVerified),
    /// The file beside the report cannot be read, or not as text.
    Unreadable(String),
}

impl Signature {
    fn of(report: &Bytes) -> Self {
        let path = report.signature_path();
        if !path.exists() {
            return Self::Absent;
        }
        match read_short(&path, KEY).map(|text| signing::verify(&report.bytes, &text)) {
            Ok(Ok(signer)) => Self::Fits(Box::new(signer)),
            Ok(Err(problem)) => Self::DoesNotFit(problem),
            Err(problem) => Self::Unreadable(problem.to_string()),
        }
    }

    /// One sentence.
    fn told(&self) -> String {
        match self {
            Self::Absent => "unsigned".to_owned(),
            Self::Fits(signer) => {
                format!(
                    "signed with the {}; castspec report verify tells whose it is",
                    signer.told()
                )
            }
            Self::DoesNotFit(problem @ NotVerified::Kind(_)) => {
                line(&format!("the signature is not verified: {problem}"))
            }
            Self::DoesNotFit(problem) => line(&format!("the signature does not fit: {problem}")),
            Self::Unreadable(problem) => line(&format!("the signature is not verified: {problem}")),
        }
    }

    /// Tells on standard error what is not as it should be.
    fn warn(&self, report: &Bytes) {
        if !matches!(self, Self::Fits(_)) {
            print_error(&format!("castspec: {}: {}\n", report.path.display(), self.told()));
        }
    }
}

/// Reads a report with what can be said of its signature, which is told on standard error where it is not a good one.
pub(super) fn read_with_signature(path: &Path) -> Result<StoredRun, CommandError> {
    let report = Bytes::read(path)?;
    let mut run = report.run()?;
    let signature = Signature::of(&report);
    signature.warn(&report);
    run.record.signature = Some(SignatureNote {
        told: signature.told(),
        broken: match &signature {
            Signature::DoesNotFit(problem) => !matches!(problem, NotVerified::Kind(_)),
            Signature::Absent | Signature::Fits(_) | Signature::Unreadable(_) => false,
        },
    });
    Ok(run)
}

impl Sign {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let report = Bytes::read(&self.report)?;
        let record = report.run()?.record;
        if record.began.is_none() || record.digests.is_none() {
            return Err(report.error(
                "cannot be signed: it does not say what it was judged by, as reports of older versions; run castspec again",
            ));
        }
        if let Some(problem) = report.disagreement(&record) {
            return Err(report.error(format!("cannot be signed: {problem}")));
        }
        let text = read_short(&self.key, KEY)?;
        let passphrase = std::env::var(PASSPHRASE).ok();
        let key = signing::private_key(&text, passphrase.as_deref())
            .map_err(|problem| CommandError::new(format!("{} {problem}", self.key.display())))?;
        let signature = signing::sign(&report.bytes, &key)
            .map_err(|problem| CommandError::new(format!("{}: {problem}", self.key.display())))?;
        let path = report.signature_path();
        write(&path, &signature)?;
        let key = key.public_key().clone();
        print(&format!(
            "{}: signed with the {}\n",
            path.display(),
            Signer { key }.told()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let report = Bytes::read(&self.report)?;
        let signature = match Signature::of(&report) {
            Signature::Absent => {
                let path = report.signature_path();
                let missing = format!("{} is not there: the report is unsigned", path.display());
                return Err(CommandError::new(missing));
            }
            other => other,
        };
        let signer = match &signature {
            Signature::Fits(signer) => signer,
            Signature::DoesNotFit(problem @ NotVerified::Kind(_)) => {
                return Err(report.error(line(&format!("cannot be verified: {problem}"))));
            }
            Signature::Unreadable(problem) => return Err(CommandError::new(line(problem))),
            _ => return not_verified(&report, &signature.told()),
        };
        let who = match self.who(signer)? {
            Ok(who) => who,
            Err(problem) => return not_verified(&report, &problem),
        };
        let record = report.run()?.record;
        if let Some(problem) = report.disagreement(&record) {
            return not_verified(&report, &problem);
        }
        print(&format!(
            "verified: {} is as {who} signed it\n{}{}\n",
            report.path.display(),
            judged_by(&record),
            record.conclusion().sentence()
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Who signed, or why it is not who should have.
    fn who(&self, signer: &Signer) -> Result<Result<String, String>, CommandError> {
        let told = signer.told();
        if let Some(path) = &self.public_key {
            let key = signing::public_key(&read_short(path, KEY)?)
                .map_err(|problem| CommandError::new(format!("{} {problem}", path.display())))?;
            return Ok(match key.key_data() == signer.key.key_data() {
                true => Ok(format!("the {told}")),
                false => Err(format!("it was signed with another key, the {told}")),
            });
        }
        let (Some(path), Some(name)) = (&self.allowed_signers, &self.identity) else {
            return Ok(Ok(format!(
                "the {told} (whose that is, --allowed-signers or --public-key would tell)"
            )));
        };
        let signers = AllowedSigners::parse(&read_short(path, SIGNERS)?, &TimeZone::system())
            .map_err(|problem| CommandError::new(format!("{}: {problem}", path.display())))?;
        Ok(match signers.allow(name, &signer.key, Timestamp::now()) {
            Ok(()) => Ok(format!("{name} ({told})")),
            Err(problem) => Err(format!(
                "it was signed with the {told}, and in {} {problem}",
                path.display()
            )),
        })
    }
}

fn not_verified(report: &Bytes, problem: &str) -> Result<ExitCode, CommandError> {
    let problem = line(problem);
    print(&format!("not verified: {}: {problem}\n", report.path.display()))?;
    Ok(ExitCode::from(1))
}

/// The program, the target and the digests: what a verdict is worth only together with.
fn judged_by(record: &Record) -> String {
    let mut lines = String::new();
    if let Some(began) = &record.began {
        let tool = &began.tool;
        lines.push_str(&format!(
            "{} {}, started {}\n",
            line(&tool.name),
            line(&tool.version),
            line(&began.started)
        ));
        for target in std::iter::once(&began.target).chain(&began.further_targets) {
            lines.push_str(&format!(
                "target {} as {}\n",
                line(&target.hub_url),
                target.fhircast_version
            ));
        }
    }
    if let Some(digests) = &record.digests {
        lines.push_str(&format!("{}\n", line(&digests.to_string())));
    }
    lines
}

impl Badge {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let report = Bytes::read(&self.report)?;
        let run = report.run()?;
        let signature = Signature::of(&report);
        if let Signature::DoesNotFit(_) = signature {
            signature.warn(&report);
        }
        let signed = matches!(signature, Signature::Fits(_));
        write(&self.out, &badge(&run, signed))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file as a whole or not at all.
fn write(path: &Path, content: &str) -> Result<(), CommandError> {
    let error = |problem: std::io::Error| {
        CommandError::new(format!("{} cannot be written: {problem}", path.display()))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let builder = crate::report::readable();
    let mut file = builder
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(error)?;
    file.write_all(content.as_bytes()).map_err(error)?;
    file.persist(path).map_err(|problem| error(problem.error))?;
    Ok(())
}
