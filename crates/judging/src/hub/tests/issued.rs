//! Endpoints and challenges that are to be new.

use crate::hub::Issued;

#[test]
fn an_endpoint_is_new_once() {
    let mut issued = Issued::default();
    assert!(issued.is_new_endpoint("wss://hub.example.com/1"));
    assert!(issued.is_new_endpoint("wss://hub.example.com/2"));
    assert!(!issued.is_new_endpoint("wss://hub.example.com/1"));
}

#[test]
fn a_challenge_is_new_to_one_callback() {
    let mut issued = Issued::default();
    let (one, other) = ("https://one.example.com/", "https://other.example.com/");
    assert!(issued.is_new_challenge("a", one));
    assert!(issued.is_new_challenge("a", one), "a hub may ask again");
    assert!(!issued.is_new_challenge("a", other));
    assert!(!issued.is_new_challenge("a", other), "it stays that of the first");
    assert!(issued.is_new_challenge("b", other));
}
