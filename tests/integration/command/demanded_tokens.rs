//! A hub that demands access tokens, tested with nothing but one of them: what it demands is found out.

use serde_json::Value;

use crate::command_support::{Ended, HubProcess, report};

const SCENARIO: &str = "authorization/made-up-token";

/// Runs the scenarios of authorization against a hub with these options; `further` stands in the target file behind its token.
fn judged(options: &[&str], further: &str) -> (Ended, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, tokens, target, reports) = (
        path("ca.pem"),
        path("tokens.toml"),
        path("target.toml"),
        path("reports"),
    );
    let demands = options.contains(&"--auth");
    let common = ["--ca-out", &authority];
    let issued = ["--tokens-out", &tokens];
    let issued = if demands { &issued[..] } else { &[] };
    let hub = HubProcess::start(&[&common[..], issued, options].concat());
    let token = match demands {
        true => {
            let file: toml::Table = std::fs::read_to_string(&tokens).unwrap().parse().unwrap();
            file["auth"]["token"].as_str().unwrap().to_owned()
        }
        false => "anything".to_owned(),
    };
    let file = format!(
        "hub_url = \"{}\"\nca_cert = \"ca.pem\"\n[auth]\ntoken = \"{token}\"\n{further}",
        hub.url
    );
    std::fs::write(&target, file).unwrap();
    let arguments = [
        "run",
        "authorization",
        "subscribing/accepted",
        "--target",
        &target,
    ];
    let ended = Ended::with(&[&arguments[..], &["--reports", &reports]].concat());
    let told = report(reports.as_ref());
    (ended, told)
}

/// The verdicts on what a made-up token is sent.
fn verdicts(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let of_scenario = checks.filter(|check| {
        check["scenario"] == SCENARIO && check["requirement"] == "notification.authorized-resources"
    });
    of_scenario
        .map(|check| check["verdict"].as_str().unwrap())
        .collect()
}

#[test]
fn a_made_up_token_is_tried_though_nobody_names_one() {
    let (ended, report) = judged(&["--auth"], "");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report["target"]["capabilities"]["authorization"], true);
    assert_eq!(verdicts(&report), ["pass"]);
    assert!(ended.out.contains("names no token that"), "{}", ended.out);

    let (ended, report) = judged(&["--auth", "--defect", "foreign-token-taken"], "");
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert_eq!(verdicts(&report), ["fail"]);
}

#[test]
fn a_hub_that_demands_no_token_is_not_asked_for_what_it_never_claimed() {
    let (ended, report) = judged(&[], "");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report["target"]["capabilities"]["authorization"], false);
    assert!(
        ended.out.contains("does not claim authorization"),
        "{}",
        ended.out
    );
    assert!(!verdicts(&report).contains(&"pass"), "{}", ended.out);
}

#[test]
fn the_operator_s_word_goes_before_what_the_hub_shows() {
    let (ended, report) = judged(&["--auth"], "[claims]\nauthorization = false\n");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report["target"]["capabilities"]["authorization"], false);
    assert!(!verdicts(&report).contains(&"pass"), "{}", ended.out);
}
