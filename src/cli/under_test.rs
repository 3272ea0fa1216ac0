//! The hub under test, as the command line names it.

use std::path::PathBuf;

use clap::Args;

use super::{CommandError, SHOWN};
use crate::builtin;
use castspec_fhircast::protocol::Version;
use castspec_hub::{Defect, Server, Transport};
use castspec_runner::client::Trust;
use castspec_runner::run::Target;

/// Which hub is meant: the built-in one, unless --hub or --target is given.
#[derive(Debug, Args)]
pub(super) struct UnderTest {
    /// The hub's URL (hub.url)
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// A file that describes the hub under test (TOML)
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// The version of FHIRcast to test; repeatable. The built-in hub is run in all of them unless told, another in STU3
    #[arg(long, value_name = "VERSION")]
    fhircast_version: Vec<Version>,
    /// Where the hub reaches this machine for webhooks, as in `http://this-machine.example.com:8080`; a hub on this machine
    /// needs none
    #[arg(long, value_name = "URL")]
    callback_base: Option<url::Url>,
    /// A certificate authority to trust beside the system's (PEM)
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Accept any certificate
    #[arg(long)]
    insecure: bool,
    /// The bearer token for the hub; better given as the environment variable
    #[arg(long, value_name = "TOKEN", env = "CASTSPEC_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A deliberate deviation of the built-in hub; repeatable (castspec hub --list-defects)
    #[arg(long, value_name = "NAME")]
    defect: Vec<String>,
}

impl UnderTest {
    /// Whether another hub than the built-in one is named.
    pub(super) fn names_a_hub(&self) -> bool {
        self.hub.is_some() || self.target.is_some()
    }

    /// The hub under test, in each version; the server where it is the built-in one. Where the selectors are ids of checks, they
    /// name the versions.
    ///
    /// # Errors
    /// When there is no such hub.
    pub(super) async fn targets(
        &self,
        selectors: &[String],
    ) -> Result<(Option<Server>, Vec<Target>), CommandError> {
        let built_in = !self.names_a_hub();
        if !built_in && !self.defect.is_empty() {
            return Err(CommandError::new(
                "--defect changes the built-in hub; it has no meaning with --hub or --target",
            ));
        }
        let (server, mut targets) = if built_in {
            let (server, targets) = self.start_hub(selectors).await?;
            (Some(server), targets)
        } else {
            (None, self.outside_targets(selectors)?)
        };
        for target in &mut targets {
            target.tell_secrets(&SHOWN);
            target.arguments = self.arguments();
        }
        Ok((server, targets))
    }

    /// Starts the built-in hub in the versions of the run.
    async fn start_hub(&self, selectors: &[String]) -> Result<(Server, Vec<Target>), CommandError> {
        let defects: Result<Vec<Defect>, _> = self.defect.iter().map(|name| name.parse()).collect();
        let defects = defects?;
        let mut versions = self.versions(selectors);
        if versions.is_empty() {
            // A defect makes no difference in the versions that it is not one of.
            let defective =
                |version: &Version| defects.iter().any(|defect| defect.versions().contains(version));
            versions = Version::ALL.into_iter().rev().collect();
            versions.retain(|version| defects.is_empty() || defective(version));
        }
        Ok(builtin::start(defects.into_iter().collect(), &versions, Transport::Tls).await?)
    }

    /// The hub under test, in the versions that are named.
    fn outside_targets(&self, selectors: &[String]) -> Result<Vec<Target>, CommandError> {
        let target = self.outside_target()?;
        let mut versions = self.versions(selectors);
        if versions.is_empty() {
            versions.push(target.version);
        }
        let under = |version| Target {
            version,
            ..target.clone()
        };
        Ok(versions.into_iter().map(under).collect())
    }

    fn outside_target(&self) -> Result<Target, CommandError> {
        let mut target = match (&self.target, &self.hub) {
            (Some(file), hub) => {
                let mut target = Target::from_file_with(file, self.token.as_deref())?;
                if let Some(hub) = hub {
                    target.hub_url = Target::new(hub, target.version)?.hub_url;
                }
                target
            }
            (None, Some(hub)) => Target::new(hub, Version::Stu3)?,
            (None, None) => return Err(CommandError::new("no hub is named")),
        };
        if let Some(base) = &self.callback_base {
            target.callback_base = Some(base.clone());
        }
        if let Some(file) = &self.ca_cert {
            target.approach.trust.authorities = Trust::with_file(file).authorities;
        }
        target.approach.trust.insecure |= self.insecure;
        if let Some(token) = &self.token {
            target.approach.token = Some(token.clone());
        }
        Ok(target)
    }

    /// The arguments that lead to the same target again; the token is for the environment.
    fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut push = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if let Some(hub) = &self.hub {
            push("--hub", hub.clone());
        }
        for (name, path) in [("--target", &self.target), ("--ca-cert", &self.ca_cert)] {
            if let Some(path) = path {
                push(name, path.display().to_string());
            }
        }
        self.fhircast_version
            .iter()
            .for_each(|version| push("--fhircast-version", version.to_string()));
        self.defect
            .iter()
            .for_each(|defect| push("--defect", defect.clone()));
        if let Some(base) = &self.callback_base {
            words.extend(["--callback-base".to_owned(), base.to_string()]);
        }
        if self.insecure {
            words.push("--insecure".to_owned());
        }
        words
    }

    /// The versions that are named: by option, or by every selector being the id of a check.
    fn versions(&self, selectors: &[String]) -> Vec<Version> {
        let mut named = self.fhircast_version.clone();
        if named.is_empty() {
            let of_checks = selectors
                .iter()
                .map(|selector| selector.rsplit_once('@')?.1.parse().ok());
            named = of_checks.collect::<Option<_>>().unwrap_or_default();
        }
        let mut versions = Vec::new();
        for version in named {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        versions
    }
}
