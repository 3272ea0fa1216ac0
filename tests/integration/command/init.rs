//! `castspec init` and `castspec run --dry-run`: what one asks a hub of another maker first.

use crate::command_support::{ClosedPort, Ended, HubProcess, castspec};

#[test]
fn a_target_file_is_made_of_what_the_hub_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, tokens, made) = (path("ca.pem"), path("tokens.toml"), path("castspec.toml"));
    let hub = HubProcess::start(&["--auth", "--ca-out", &authority, "--tokens-out", &tokens]);
    let arguments = ["init", &hub.url, "--ca-cert", &authority, "--out", &made];
    let ended = Ended::with(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    for told in [
        "STU3 (3.0.0)",
        "Patient-open",
        "with 401",
        "set CASTSPEC_TOKEN",
        "/token.",
    ] {
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
    assert_eq!(file["auth"]["token_env"].as_str(), Some("CASTSPEC_TOKEN"));

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
            .env("CASTSPEC_TOKEN", token);
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

/// Runs a scenario with this target file and nothing else; `variable` is the token in the environment.
fn run_with(file: &str, variable: Option<&str>) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut command = castspec();
    command
        .args(["run", "subscribing/accepted", "--target", file, "--reports"])
        .arg(folder.path());
    if let Some(token) = variable {
        command.env("CASTSPEC_TOKEN", token);
    }
    Ended::of(&mut command)
}

#[test]
fn the_file_works_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (authority, tokens) = (path("ca.pem"), path("tokens.toml"));
    std::fs::create_dir(path("elsewhere")).unwrap();
    let hub = HubProcess::start(&["--auth", "--ca-out", &authority, "--tokens-out", &tokens]);
    let token: toml::Table = std::fs::read_to_string(&tokens).unwrap().parse().unwrap();
    let token = token["auth"]["token"].as_str().unwrap();
    for (name, arguments, variable) in [
        // The authority is named from here, and the file lies elsewhere.
        (
            "elsewhere/by-variable.toml",
            &["--ca-cert", "ca.pem"][..],
            Some(token),
        ),
        ("by-option.toml", &["--insecure", "--token", token][..], None),
        ("without.toml", &["--ca-cert", "ca.pem"][..], None),
    ] {
        let mut command = castspec();
        command
            .current_dir(folder.path())
            .args(["init", &hub.url, "--out", name])
            .args(arguments);
        if let Some(token) = variable {
            command.env("CASTSPEC_TOKEN", token);
        }
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.error);
        assert!(ended.out.contains("set CASTSPEC_TOKEN"), "{name}: {}", ended.out);
        let text = std::fs::read_to_string(path(name)).unwrap();
        assert!(
            !text.contains(token) && !ended.out.contains(token),
            "{name}: {text}"
        );
        let ended = run_with(&path(name), Some(token));
        assert_eq!(ended.code, Some(0), "{name}: {}{}", ended.out, ended.error);
        run_with(&path(name), None).begins(&["CASTSPEC_TOKEN", "not set"]);
    }
}

#[test]
fn a_hub_that_wants_no_token_gets_a_file_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("castspec.toml").to_str().unwrap().to_owned();
    let hub = HubProcess::start(&["--plaintext"]);
    let ended = Ended::with(&["init", &hub.url, "--out", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    assert!(!ended.out.contains("CASTSPEC_TOKEN"), "{}", ended.out);
    let ended = run_with(&file, None);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[test]
fn a_hub_that_cannot_be_asked_is_told_of_as_a_run_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let authority = path("ca.pem");
    let secure = HubProcess::start(&["--auth", "--ca-out", &authority]);
    let plain = HubProcess::start(&["--plaintext"]);
    let nobody = ClosedPort::reserve();
    let nobody = format!("http://127.0.0.1:{}/fhircast", nobody.number());
    let (without_tls, with_tls) = (
        secure.url.replace("https:", "http:"),
        plain.url.replace("http:", "https:"),
    );
    let elsewhere = format!("{}/elsewhere", plain.url.trim_end_matches("/fhircast"));
    for (url, further, words) in [
        (
            nobody.as_str(),
            &[][..],
            &["cannot be reached", "nobody listens there"][..],
        ),
        (secure.url.as_str(), &[], &["cannot be reached", "--ca-cert FILE"]),
        (
            without_tls.as_str(),
            &[],
            &["cannot be reached", "is it an https:// URL?"],
        ),
        (
            with_tls.as_str(),
            &[],
            &["cannot be reached", "is it an http:// URL?"],
        ),
        (elsewhere.as_str(), &[], &["404", "there is no hub at this URL"]),
        (
            secure.url.as_str(),
            &["--token", "made-up", "--ca-cert", &authority],
            &["401", "does not take the token that was given"],
        ),
    ] {
        let init = Ended::with(&[&["init", url, "--out", "-"][..], further].concat());
        init.says(words);
        let reports = path("reports");
        let run = ["run", "subscribing/accepted", "--hub", url, "--reports", &reports];
        let run = Ended::with(&[&run[..], further].concat());
        assert_eq!(run.code, Some(2), "{url}: {}", run.out);
        assert_eq!(init.error, run.error, "the same sentence");
    }
}
