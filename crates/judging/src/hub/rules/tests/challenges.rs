//! No two callbacks are asked with the same challenge.

use super::{FAIL, PASS};
use crate::hub::example::Example;
use crate::hub::ids::CHALLENGE_RANDOM;
use crate::hub::rules::judge_challenges;
use crate::outcome::Verdict;
use crate::protocol::Version;

fn verdict(example: &mut Example) -> Option<Verdict> {
    let mut judge = example.judge();
    judge_challenges(&example.conversation, &mut example.issued, &mut judge);
    example.conclude(judge).verdict(CHALLENGE_RANDOM)
}

/// Two webhooks, verified with these challenges.
fn verified(first: &str, second: &str) -> Example {
    let mut example = Example::new(Version::Stu2);
    for (name, challenge) in [("viewer", first), ("archive", second)] {
        let callback = format!("https://{name}.example.com/callback");
        example.ask_for_webhook(name, &callback, "Patient-open");
        let query = example.verification(challenge, "Patient-open");
        example.verify(name, &query);
    }
    example
}

#[test]
fn each_callback_has_a_challenge_of_its_own() {
    assert_eq!(verdict(&mut verified("one", "two")), PASS);
    assert_eq!(verdict(&mut verified("one", "one")), FAIL);
}

#[test]
fn a_callback_may_be_asked_again() {
    let mut example = Example::new(Version::Stu2);
    example.ask_for_webhook("viewer", "https://viewer.example.com", "Patient-open");
    let query = example.verification("one", "Patient-open");
    example.verify("viewer", &query);
    example.verify("viewer", &query);
    assert_eq!(verdict(&mut example), PASS);
}

#[test]
fn challenges_of_other_conversations_count() {
    let mut first = verified("one", "two");
    assert_eq!(verdict(&mut first), PASS);
    let mut second = Example::new(Version::Stu2);
    second.issued = first.issued;
    second.ask_for_webhook("reader", "https://reader.example.com", "Patient-open");
    let query = second.verification("two", "Patient-open");
    second.verify("reader", &query);
    assert_eq!(verdict(&mut second), FAIL);
}

#[test]
fn nothing_else_has_a_challenge() {
    let mut example = Example::with(&["viewer"]);
    assert_eq!(verdict(&mut example), None);
    let mut example = verified("one", "two");
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    assert_eq!(verdict(&mut example), PASS);
}
