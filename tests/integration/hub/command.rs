//! `castspec hub` as a program: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn hub(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_castspec"));
    command.arg("hub").args(arguments);
    command.env_remove("CASTSPEC_CLIENT_SECRET");
    command
}

fn run(arguments: &[&str]) -> Output {
    hub(arguments).output().unwrap()
}

#[test]
fn it_says_where_it_listens_and_ends_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let mut process = hub(&["--ca-out", authority.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let url = line
        .strip_prefix("castspec hub listening on ")
        .unwrap()
        .trim_end();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert!(
        std::fs::read_to_string(authority)
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );

    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let second = run(&["--port", port]);
    assert_eq!(second.status.code(), Some(2));
    assert!(second.stdout.is_empty());
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains("the port is in use"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");

    let asked = Command::new("kill")
        .arg(process.id().to_string())
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line and no more");
}

#[test]
fn several_versions_have_a_line_each() {
    let versions = ["STU2", "STU1"].map(|version| ["--fhircast-version", version]);
    let mut process = hub(&versions.concat()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
    let lines: Vec<_> = (0..2).map(|_| stdout.next().unwrap().unwrap()).collect();
    for (line, path) in lines.iter().zip(["/stu2/fhircast", "/stu1/fhircast"]) {
        assert!(
            line.starts_with("castspec hub listening on https://127.0.0.1:"),
            "{line}"
        );
        assert!(line.ends_with(path), "{line}");
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn the_defects_are_listed_with_what_they_break() {
    let output = run(&["--list-defects"]);
    assert_eq!(output.status.code(), Some(0));
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(
        listed.contains("no-confirmation\n    sends no confirmation"),
        "{listed}"
    );
    assert!(listed.contains("breaks confirmation.sent"), "{listed}");
}

#[test]
fn what_it_cannot_do_is_told() {
    for (arguments, says) in [
        (
            &["--defect", "no-confirmaton"][..],
            "did you mean no-confirmation",
        ),
        (&["--auth", "--bind", "0.0.0.0"], "--auth"),
        (
            &["--auth", "--tokens-out", "/nowhere/at/all.toml"],
            "/nowhere/at/all.toml",
        ),
        (&["--tokens-out", "tokens.toml"], "--auth"),
        (&["--client-id", "script"], "--auth"),
        (&["--auth", "--client-id", "script"], "set CASTSPEC_CLIENT_SECRET"),
        (
            &["--auth", "--client-id", "", "--client-secret", "x"],
            "the client id must have",
        ),
        (
            &["--allow-origin", "viewer.example.com"],
            "such as https://viewer.example.com:8080",
        ),
        (
            &["--callbacks-to", "http://app.example.com"],
            "such as app.example.com",
        ),
        (&["--callback-ca", "/nowhere/at/all.pem"], "/nowhere/at/all.pem"),
        (&["--fhircast-version", "STU9"], "STU9"),
        (&["--bind", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (&["--ca-out", "/nowhere/at/all/ca.pem"], "/nowhere/at/all/ca.pem"),
        (&["--ack-timeout", "0"], "above 0"),
        (&["--port", "70000"], "--port"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(says), "{arguments:?}: {told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}

#[test]
fn tokens_for_scripts_are_written_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("target.toml"), "readable by all, and longer than nothing").unwrap();
    let arguments = [
        "--auth",
        "--token-life",
        "900",
        "--ca-out",
        &at("ca.pem"),
        "--tokens-out",
        &at("target.toml"),
    ];
    let mut process = hub(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(at("target.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(at("target.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    let auth = file["auth"].as_table().unwrap();
    let restricted = auth["restricted"].as_array().unwrap();
    assert_eq!(restricted[1]["scopes"].as_str(), Some("fhircast/*.read"));
    assert_eq!(restricted[1]["expires_in"].as_integer(), Some(900));
    assert_eq!(auth["rejected"].as_array().unwrap().len(), 2);

    let run = |target: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_castspec"));
        command.current_dir(folder.path()).env_remove("CASTSPEC_TOKEN");
        command.args(["run", "--target", target, "replay/latest-open"]);
        command.output().unwrap()
    };
    let admitted = run("target.toml");
    assert_eq!(admitted.status.code(), Some(0), "{admitted:?}");
    let without: String = text
        .lines()
        .take_while(|line| *line != "[auth]")
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(at("without.toml"), without).unwrap();
    assert_ne!(run("without.toml").status.code(), Some(0), "no token, no service");

    process.kill().unwrap();
    let told = process.wait_with_output().unwrap();
    let token = auth["token"].as_str().unwrap();
    for told in [line.as_bytes(), &told.stderr, &admitted.stdout, &admitted.stderr] {
        let told = String::from_utf8_lossy(told);
        assert!(!told.contains(token), "secrets are never printed");
    }
    for report in ["report.json", "junit.xml", "index.html"] {
        let report = std::fs::read_to_string(folder.path().join("reports").join(report)).unwrap();
        assert!(!report.contains(token), "nor written into reports");
    }
}

#[test]
fn the_client_has_its_secret_from_the_environment_and_nobody_is_told_it() {
    let mut process = hub(&["--auth", "--plaintext", "--client-id", "script"])
        .env("CASTSPEC_CLIENT_SECRET", "a-secret-of-its-own")
        .env("CASTSPEC_LOG", "debug")
        .args([
            "--allow-origin",
            "https://viewer.example.com",
            "--callbacks-to",
            "app.example.com:8080",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let url = line
        .strip_prefix("castspec hub listening on ")
        .unwrap()
        .trim_end();
    let at = format!("{}/token", url.strip_suffix("/fhircast").unwrap());
    let ask = async |secret: &str| {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let asked = reqwest::Client::new()
            .post(&at)
            .header("Origin", "https://viewer.example.com")
            .basic_auth("script", Some(secret))
            .form(&[("grant_type", "client_credentials")]);
        asked.send().await.unwrap().status().as_u16()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(ask("a-secret-of-its-own")), 200);
    assert_eq!(runtime.block_on(ask("a-secret-of-another")), 401);
    process.kill().unwrap();
    let told = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&told.stderr);
    assert!(!told.contains("a-secret-of"), "{told}");
}

#[test]
fn the_control_api_is_served_to_whoever_has_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let header = folder.path().join("header");
    let mut process = hub(&["--plaintext", "--control", "--control-header"])
        .arg(&header)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(
        stdout
            .next()
            .unwrap()
            .unwrap()
            .starts_with("castspec hub listening on ")
    );
    let line = stdout.next().unwrap().unwrap();
    let url = line
        .strip_prefix("castspec hub control listening on ")
        .unwrap()
        .to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&header).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let header = std::fs::read_to_string(&header).unwrap();
    let (name, value) = header.trim().split_once(": ").unwrap();
    assert_eq!(name, "Authorization");
    let ask = |value: String| async move {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let answer = client
            .get(url)
            .header("Authorization", value)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(ask(value.to_owned())), 200);
    process.kill().unwrap();
    process.wait().unwrap();
    let rest: Vec<_> = stdout.map_while(Result::ok).collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn staging_that_cannot_be_set_up_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let unknown = path("unknown.yaml", "# a rule\n- do: drop\n  when: never\n");
    let impossible = path(
        "impossible.json",
        r#"[{"do":"drop"},{"do":{"reorder":{"of":1}}}]"#,
    );
    let header = folder.path().join("header").to_str().unwrap().to_owned();
    for (arguments, told) in [
        (
            vec!["--control"],
            "--control-header FILE, or set CASTSPEC_CONTROL_TOKEN",
        ),
        (
            vec!["--control", "0.0.0.0:0", "--control-header", &header],
            "listens on loopback only",
        ),
        (vec!["--trouble", "missing.yaml"], "missing.yaml: No such file"),
        (vec!["--trouble", &unknown], "unknown field"),
        (
            vec!["--trouble", &impossible],
            "rule 2: /do/reorder/of: must be at least 2",
        ),
    ] {
        let ended = run(&arguments);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(ended.stdout.is_empty());
        assert!(said.contains(told), "{said}");
    }
    let mut chosen = hub(&["--control"]);
    let ended = chosen.env("CASTSPEC_CONTROL_TOKEN", "short").output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("at least 16 characters"), "{said}");
    assert!(!said.contains("short "), "{said}");
}
