//! How castspec behaves at a hub that others use too, and how long it waits there, as the command line says it.

use std::time::Duration;

use clap::Args;

use castspec_runner::run::Target;

/// What may be done, and for how long.
#[derive(Debug, Args)]
pub(super) struct GuestArguments {
    /// Try what could disturb others on the hub as well; the built-in hub bears it anyway
    #[arg(long)]
    intrusive: bool,
    /// Judge the hub as one in use: requests or WebSockets without TLS are a failure, also on this machine
    #[arg(long)]
    deployment: bool,
    /// How long a WebSocket over which nothing passes must live; at another hub than the built-in one it is not tried where
    /// nothing is said
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle: Option<Duration>,
    /// How long an answer, or a message that must come, may take; 5 where neither this nor the target file says
    #[arg(long, value_name = "SECONDS", value_parser = some_time)]
    timeout: Option<Duration>,
    /// How long to wait for a hub that is not there yet
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    wait_for_hub: Option<Duration>,
    /// Leave out what must wait long: quiet WebSockets, and leases that the hub makes long
    #[arg(long)]
    quick: bool,
}

impl GuestArguments {
    /// Has the target say so, and the commands that lead to it again.
    pub(super) fn apply(&self, target: &mut Target) {
        target.intrusive |= self.intrusive;
        target.deployment |= self.deployment;
        target.timing.idle = self.idle.or(target.timing.idle);
        target.timing.response = self.timeout.unwrap_or(target.timing.response);
        target.wait_for_hub = self.wait_for_hub.unwrap_or_default();
        if self.quick {
            target.make_quick();
        }
        for (name, time) in [("--idle", self.idle), ("--timeout", self.timeout)] {
            if let Some(time) = time {
                let words = [name.to_owned(), time.as_secs_f64().to_string()];
                target.arguments.extend(words);
            }
        }
        for (name, is_given) in [
            ("--intrusive", self.intrusive),
            ("--deployment", self.deployment),
            ("--quick", self.quick),
        ] {
            target.arguments.extend(is_given.then(|| name.to_owned()));
        }
    }
}

/// A number of seconds, as in the target file.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= Duration::from_secs(3600))
        .ok_or_else(|| "it must be a number of seconds from 0 to 3600".to_owned())
}

/// A number of seconds in which something can come.
fn some_time(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_millis(100);
    let time = seconds(text)?;
    match time >= LEAST {
        true => Ok(time),
        false => Err("it must be 0.1 at least: nothing comes at once".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use castspec_fhircast::protocol::Version;

    use super::*;

    #[test]
    fn what_is_said_goes_before_what_the_target_file_says() {
        let mut target = Target::new("https://hub.example.com", Version::Stu3).unwrap();
        target.timing.idle = Some(Duration::from_secs(75));
        let mut arguments = GuestArguments {
            intrusive: false,
            deployment: false,
            idle: None,
            timeout: None,
            wait_for_hub: None,
            quick: false,
        };
        arguments.apply(&mut target);
        assert_eq!(target.timing.idle, Some(Duration::from_secs(75)));
        assert!(!target.intrusive && !target.deployment && !target.quick && target.arguments.is_empty());
        arguments = GuestArguments {
            intrusive: true,
            deployment: true,
            idle: Some(Duration::from_millis(2_500)),
            timeout: Some(Duration::from_secs(9)),
            wait_for_hub: Some(Duration::from_secs(60)),
            quick: true,
        };
        arguments.apply(&mut target);
        assert_eq!(target.timing.idle, Some(Duration::from_millis(2_500)));
        assert_eq!(target.timing.response, Duration::from_secs(9));
        assert_eq!(target.wait_for_hub, Duration::from_secs(60));
        assert!(target.intrusive && target.deployment && target.quick);
        assert!(target.timing.longest_lease <= Duration::from_secs(2));
        assert_eq!(
            target.arguments,
            [
                "--idle",
                "2.5",
                "--timeout",
                "9",
                "--intrusive",
                "--deployment",
                "--quick"
            ]
        );
    }

    #[test]
    fn seconds_are_a_number_from_0_to_an_hour() {
        for (text, wanted) in [
            ("75", Some(75.0)),
            ("0.5", Some(0.5)),
            ("3600", Some(3600.0)),
            ("3601", None),
            ("-1", None),
            ("NaN", None),
            ("75s", Some(75.0)),
            ("75m", None),
            ("", None),
        ] {
            assert_eq!(
                seconds(text).ok().map(|found| found.as_secs_f64()),
                wanted,
                "{text}"
            );
        }
    }
}
