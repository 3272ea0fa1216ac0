//! What `castspec hub` tells of its subscribers: each violation on standard error as it happens, and reports at the end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::print_error;
use crate::report::{JunitCases, ReportError, Reports};
use castspec_fhircast::fhir::Validator;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, RequirementId};
use castspec_fhircast::schema::Schemas;
use castspec_hub::{Exchanges, Observer};
use castspec_judging::outcome::{Disposition, FinishedRun, FinishedScenario, Grading, Side, Target, Tool};
use castspec_judging::subscriber::{BaseFhir, Finding, Judge, Settings, SubscriberChecks};

/// How many exchanges may wait for the judge.
const WAITING: usize = 65_536;
/// How many exchanges are judged at a time.
const AT_ONCE: usize = 1_024;
/// For how long exchanges gather before they are judged.
const GATHERED: Duration = Duration::from_millis(5);
/// How often one subscriber's violation of one requirement is told; the reports count all.
const TOLD: usize = 3;
/// How many such pairs are told apart.
const PAIRS: usize = 10_000;

/// The judging of a hub's subscribers, under way: a judge for each version that it speaks.
pub(super) struct Judging {
    judges: Vec<VersionJudging>,
    reports: Option<Reports>,
    started: jiff::Timestamp,
}

/// The judging of what is spoken in one version.
struct VersionJudging {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<SubscriberChecks>>,
    version: Version,
    hub_url: String,
}

/// What the judge has to know of the hub, beside its URLs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub(super) ack_timeout: Duration,
    /// It demands access tokens.
    pub(super) authorization: bool,
    pub(super) base_fhir: BaseFhir,
    pub(super) deployment: bool,
}

/// Where the exchanges of a hub come from, before its URLs are known.
pub(super) struct Prepared {
    observed: Vec<(Version, Observer, Exchanges)>,
    reports: Option<Reports>,
}

/// Prepares the judging of what is spoken in these versions, with reports into the folder at the end.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn prepare(
    versions: &[Version],
    reports: Option<&Path>,
    cases: JunitCases,
) -> Result<Prepared, ReportError> {
    let reports = reports
        .map(|folder| Reports::new(folder, Grading::Standard).map(|reports| reports.with_junit_cases(cases)))
        .transpose()?;
    let mut distinct: Vec<Version> = Vec::new();
    for version in versions {
        if !distinct.contains(version) {
            distinct.push(*version);
        }
    }
    let observed = distinct.into_iter().map(|version| {
        let (observer, exchanges) = Observer::new(version, WAITING);
        (version, observer, exchanges)
    });
    Ok(Prepared {
        observed: observed.collect(),
        reports,
    })
}

impl Prepared {
    pub(super) fn observers(&self) -> Vec<Observer> {
        let observers = self.observed.iter().map(|(_, observer, _)| observer.clone());
        observers.collect()
    }

    /// Begins to judge; the URLs are those of the hub in each version.
    pub(super) fn begin<'u>(
        self,
        urls: impl Iterator<Item = (Version, &'u str)>,
        conditions: Conditions,
    ) -> Judging {
        let urls: HashMap<Version, &str> = urls.collect();
        let judges = self
            .observed
            .into_iter()
            .filter_map(|(version, observer, exchanges)| {
                let hub_url = *urls.get(&version)?;
                let mut settings = Settings::new(version, hub_url);
                settings.ack_timeout = conditions.ack_timeout;
                settings.authorization = conditions.authorization;
                settings.base_fhir = conditions.base_fhir;
                settings.deployment = conditions.deployment;
                // Nothing passed at this hub before it was started.
                settings.complete = true;
                let (stop, stopped) = oneshot::channel();
                Some(VersionJudging {
                    stop,
                    task: tokio::spawn(judge(settings, observer, exchanges, stopped)),
                    version,
                    hub_url: hub_url.to_owned(),
                })
            });
        Judging {
            judges: judges.collect(),
            reports: self.reports,
            started: jiff::Timestamp::now(),
        }
    }
}

async fn judge(
    settings: Settings,
    observer: Observer,
    mut exchanges: Exchanges,
    mut stopped: oneshot::Receiver<()>,
) -> Vec<SubscriberChecks> {
    let version = settings.version;
    let materials = tokio::task::spawn_blocking(move || {
        // The first publication is not to wait for it; where it cannot be loaded, the judge finds out.
        let _ = Validator::shared();
        (Catalogue::embedded(), Schemas::load(version))
    })
    .await;
    let (catalogue, schemas) = match materials {
        Ok((Ok(catalogue), Ok(schemas))) => (catalogue, schemas),
        _ => {
            print_error(
                "castspec: subscribers are not judged: the catalogue or the schemas cannot be loaded\n",
            );
            return Vec::new();
        }
    };
    let mut judge = Judge::new(Arc::new(catalogue), Arc::new(schemas), settings);
    let mut told = Told::default();
    let mut taken = Vec::new();
    loop {
        let deadline = judge.next_deadline();
        let patience = deadline.map_or(Duration::MAX, |at| at.saturating_sub(observer.elapsed()));
        tokio::select! {
            biased;
            number = exchanges.recv_many(&mut taken, AT_ONCE) => {
                taken.drain(..).for_each(|exchange| judge.observe(&exchange));
                told.tell(&mut judge);
                if number == 0 {
                    break;
                }
                if number == AT_ONCE {
                    continue;
                }
                // To be woken for each exchange would cost more than to judge it.
                if tokio::time::timeout(GATHERED, &mut stopped).await.is_ok() {
                    break;
                }
            }
            _ = &mut stopped => break,
            () = tokio::time::sleep(patience), if deadline.is_some() => {
                judge.pass_time(observer.elapsed());
                told.tell(&mut judge);
            }
        }
    }
    while let Some(exchange) = exchanges.try_recv() {
        judge.observe(&exchange);
    }
    told.tell(&mut judge);
    judge.conclude()
}

/// What was told already.
#[derive(Default)]
struct Told(HashMap<(String, RequirementId), usize>);

impl Told {
    fn tell(&mut self, judge: &mut Judge) {
        while let Some(finding) = judge.poll_finding() {
            let pair = (finding.subscriber.scenario(), finding.check.requirement.clone());
            if self.0.len() >= PAIRS && !self.0.contains_key(&pair) {
                continue;
            }
            let times = self.0.entry(pair).or_default();
            *times += 1;
            if *times <= TOLD {
                print_error(&lines(&finding, *times == TOLD));
            }
        }
    }
}

/// A violation in three lines: who and which requirement, what was wrong, and what is demanded.
fn lines(finding: &Finding, last: bool) -> String {
    let (who, check) = (&finding.subscriber, &finding.check);
    let within = if who.topic.is_empty() {
        String::new()
    } else {
        format!(" in topic {}", plain(&who.topic))
    };
    let came = match (&check.expected, &check.observed) {
        (Some(expected), Some(observed)) => {
            format!(" (expected {}, came {})", plain(expected), plain(observed))
        }
        _ => String::new(),
    };
    let pointer = check
        .evidence
        .iter()
        .rev()
        .find_map(|evidence| evidence.pointer.as_deref());
    let place = match pointer.filter(|pointer| !check.message.contains(pointer)) {
        Some(pointer) => format!(" (at {})", plain(pointer)),
        None => String::new(),
    };
    let further = if last { " Further ones are not told." } else { "" };
    format!(
        "{} {} by {}{within} ({}, {})\n  {}{place}{came}\n  {} {}{further}\n",
        check.verdict,
        check.requirement,
        plain(&who.name),
        check.level,
        check.section,
        plain(&check.message),
        plain(&check.statement),
        check.url,
    )
}

/// A text of others in one line that controls no terminal.
fn plain(text: &str) -> String {
    const LONGEST: usize = 400;
    let text: String = text.chars().take(LONGEST).collect();
    text.replace(|c: char| c.is_control(), " ")
}

impl Judging {
    /// Ends the judging once the hub has stopped, and writes the reports. Whether a check failed that reports were asked of.
    ///
    /// # Errors
    /// When a report cannot be written.
    pub(super) async fn end(self) -> Result<bool, ReportError> {
        let mut runs = Vec::new();
        // It was read when the hub began.
        let catalogue = Catalogue::embedded().ok();
        for judging in self.judges {
            // The judge may have ended before.
            let _ = judging.stop.send(());
            let all_checks = judging.task.await.unwrap_or_default();
            runs.push(finished(
                catalogue.as_ref(),
                all_checks,
                judging.version,
                &judging.hub_url,
                self.started,
            ));
        }
        let Some(mut reports) = self.reports else {
            return Ok(false);
        };
        let mut runs = runs.into_iter();
        if let Some(first) = runs.next() {
            for event in &first.into_events_with(runs.collect()) {
                reports.event(event)?;
            }
        }
        Ok(reports.conclusion().summary().fail > 0)
    }
}

/// What was judged of all subscribers, as a run: each subscriber in the place of a scenario.
fn finished(
    catalogue: Option<&Catalogue>,
    all_checks: Vec<SubscriberChecks>,
    version: Version,
    hub_url: &str,
    started: jiff::Timestamp,
) -> FinishedRun {
    let scenarios = all_checks.into_iter().map(|judged| FinishedScenario {
        name: judged.subscriber.scenario(),
        title: format!("What {} did", judged.subscriber.name),
        checks: judged.checks,
        observations: Vec::new(),
        disposition: Disposition::Completed,
    });
    FinishedRun {
        tool: Tool {
            name: "castspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started: started.to_string(),
        target: Target {
            hub_url: hub_url.to_owned(),
            fhircast_version: version,
            built_in: true,
            capabilities: Map::new(),
        },
        sides: catalogue
            .map(|catalogue| Side::of(catalogue, version, Actor::Subscriber))
            .into_iter()
            .collect(),
        duration: jiff::Timestamp::now().duration_since(started).unsigned_abs(),
        scenarios: scenarios.collect(),
    }
}
