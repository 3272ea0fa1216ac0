//! `castspec init` and `castspec run --dry-run`: what one asks a hub of another maker first.

use crate::command_support::{Ended, HubProcess, castspec};

#[test]
fn a_target_file_is_made_of_what_the_hub_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, tokens, made) = (path("ca.pem"), path("tokens.toml"), path("castspec.toml"));
    let hub = HubProcess::start(&["--auth", "--ca-out", &authority, "--tokens-out", &tokens]);
    let arguments = ["init", &hub.url, "--ca-cert", &authority, "--out", &made];
    let ended = Ended::with(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    for told in ["STU3 (3.0.0)", "Patient-open", "with 401", "/token."] {
        assert!(ended.out.contains(told), "{}", ended.out);
    }
    let text = std::fs::read_to_string(&made).unwrap();
    let file: toml::Table = text.parse().unwrap();
    assert_eq!(file["hub_url"].as_str(), Some(hub.url.as_str()));
    assert_eq!(file["claims"]["get_current_context"].as_bool(), Some(true));
    assert!(
        file["claims"].get("webhook").is_none(),
        "the hub says nothing of it"
    );
    assert_eq!(file["auth"]["token_env"].as_str(), Some("HUB_TOKEN"));

    let token: toml::Table = std::fs::read_to_string(&tokens).unwrap().parse().unwrap();
    let token = token["auth"]["token"].as_str().unwrap();
    let reports = path("reports");
    let run = |further: &[&str]| {
        let mut command = castspec();
        command
            .args([
                "run",
                "subscribing/accepted",
                "authorization",
                "--target",
                &made,
                "--reports",
                &reports,
            ])
            .args(further)
            .env("HUB_TOKEN", token);
        Ended::of(&mut command)
    };
    let ended = run(&["--dry-run"]);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    assert!(
        ended.out.contains("run   subscribing/accepted\n"),
        "{}",
        ended.out
    );
    let why = "skip  authorization/rejected-token: the hub does not claim authorization\n";
    assert!(ended.out.contains(why), "{}", ended.out);
    assert!(!std::fs::exists(&reports).unwrap(), "nothing was run");
    let ended = run(&[]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);

    Ended::with(&arguments).says(&["is there already", "--force"]);
    let forced = [&arguments[..], &["--force"]].concat();
    assert_eq!(Ended::with(&forced).code, Some(0));
}

#[test]
fn the_tokens_of_a_target_file_let_authorization_be_tested() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, tokens, reports) = (path("ca.pem"), path("tokens.toml"), path("reports"));
    let judged = |defects: &[&str]| {
        let common = ["--auth", "--ca-out", &authority, "--tokens-out", &tokens];
        let _hub = HubProcess::start(&[&common[..], defects].concat());
        Ended::with(&["run", "authorization", "--target", &tokens, "--reports", &reports])
    };
    let clean = judged(&[]);
    assert_eq!(clean.code, Some(0), "{}{}", clean.out, clean.error);
    assert!(clean.out.contains(" 0 skip, "), "{}", clean.out);
    for (defect, requirement) in [
        ("expired-token-taken", "notification.authorized-resources"),
        ("scopes-ignored", "notification.authorized-resources"),
        ("lease-beyond-token", "subscribe.lease-within-token"),
    ] {
        let ended = judged(&["--defect", defect]);
        assert_eq!(ended.code, Some(1), "{defect}: {}{}", ended.out, ended.error);
        let told = format!("fail {requirement} (c");
        assert!(ended.out.contains(&told), "{defect}: {}", ended.out);
    }
}

#[test]
fn a_hub_that_is_not_there_is_told_of() {
    Ended::with(&["init", "http://127.0.0.1:1/fhircast", "--out", "-"]).says(&["cannot be reached"]);
}
