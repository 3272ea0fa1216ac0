//! The syntax tree of a scenario file, as an integration engineer writes it.
//!
//! Steps and matchers are maps with one key that names their kind. In every string, `${name}` stands for a variable and
//! `${name#/json/pointer}` for a place in its value; a string that is nothing but one such reference takes the value's type.
//!
//! Variables that are always there: `hub_url`, `topic` (the scenario's first topic), `topic.NAME` (a further one),
//! `case.NAME` (the generated ids of a case, see [`Publish::case`]), `fhircast.STU1` and the like (whether it is played under
//! that version), and for each subscriber `NAME.topic`, `NAME.name`, `NAME.callback` (of a webhook), and once it has
//! subscribed `NAME.endpoint` (of a WebSocket), `NAME.events` and `NAME.lease_seconds`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

pub use crate::judging::hub::RequestKind;
use crate::protocol::Version;
use crate::requirement::Capability;
pub use crate::schema::Unmet;

/// A scenario file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// One sentence: what is shown.
    pub title: String,
    /// Why it matters, and the passage of the specification; free text.
    #[serde(default)]
    pub description: Option<String>,
    /// The versions that it runs under.
    pub versions: Vec<Version>,
    /// The capabilities without which the scenario is skipped.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// The mock subscribers.
    #[serde(default)]
    pub subscribers: BTreeMap<String, Subscriber>,
    /// What happens, in order.
    pub steps: Vec<Spanned<Step>>,
}

/// A mock subscriber.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// `hub.events` that it subscribes to.
    pub events: Vec<Spanned<String>>,
    /// `subscriber.name`.
    #[serde(default)]
    pub name: Option<String>,
    /// The topic's name within the scenario; those who name none share the first.
    #[serde(default)]
    pub topic: Option<String>,
    /// `hub.lease_seconds` that it asks for.
    #[serde(default)]
    pub lease_seconds: Option<u64>,
    /// How it answers notifications; the first rule that fits counts, and 200 where none does.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// The way that its notifications take; a WebSocket where nothing is said, but a webhook in STU1, which has nothing else.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// The query string that its callback has of its own, without the question mark.
    #[serde(default)]
    pub callback_query: Option<String>,
    /// `hub.secret` of its webhook; a generated one where nothing is said, and none where it is empty.
    #[serde(default)]
    pub secret: Option<String>,
    /// How its callback answers intent verifications; with the challenge where nothing is said.
    #[serde(default)]
    pub verifications: Verifying,
    /// The access token that its requests carry; the target's own where nothing is said.
    #[serde(default)]
    pub token: Option<Token>,
}

/// Which access token a subscriber's requests carry.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Token {
    /// None at all, or one that the hub must refuse.
    Word(TokenWord),
    /// One that may do less than everything.
    Restricted(Restriction),
}

/// A token that gives no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenWord {
    /// No token.
    None,
    /// The first of those that must be refused.
    Rejected,
    /// The second of them.
    #[serde(rename = "rejected-2")]
    SecondRejected,
}

/// What a token that may do less must be like. Events and accesses are written as in scopes, without their prefix:
/// `Patient-open.read`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// It allows all of these.
    #[serde(default)]
    pub may: Vec<String>,
    /// It allows none of these.
    #[serde(default)]
    pub may_not: Vec<String>,
    /// When it expires is known, and that is so many seconds after the run began, or earlier.
    #[serde(default)]
    pub expires_within: Option<u64>,
}

impl Token {
    /// The token in words, as they follow "names no token".
    pub fn describe(&self) -> String {
        match self {
            Self::Word(TokenWord::None) => "at all, so that none can be missing".to_owned(),
            Self::Word(TokenWord::Rejected) => "that must be refused (auth.rejected)".to_owned(),
            Self::Word(TokenWord::SecondRejected) => {
                "beside the first that must be refused (auth.rejected)".to_owned()
            }
            Self::Restricted(own) => {
                let mut words = Vec::new();
                if !own.may.is_empty() {
                    words.push(format!("may {}", own.may.join(", ")));
                }
                if !own.may_not.is_empty() {
                    words.push(format!("may not {}", own.may_not.join(", ")));
                }
                if let Some(seconds) = own.expires_within {
                    words.push(format!("is known to expire within {seconds} s"));
                }
                format!("that {} (auth.restricted)", words.join(" and "))
            }
        }
    }
}

impl Subscriber {
    /// The way that its notifications take under a version.
    pub fn channel_in(&self, version: Version) -> Channel {
        self.channel.unwrap_or(match version {
            Version::Stu1 => Channel::Webhook,
            Version::Stu2 | Version::Stu3 => Channel::WebSocket,
        })
    }
}

/// The way that notifications take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A WebSocket that the subscriber opens (STU2, STU3).
    WebSocket,
    /// HTTP requests to the subscriber's callback (STU1, STU2).
    Webhook,
}

/// How a callback answers intent verifications: 200 with the challenge, but for what is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifying {
    /// The status, from 200 to 599.
    #[serde(default)]
    pub status: Option<u16>,
    /// The body, in which `{challenge}` stands for the challenge.
    #[serde(default)]
    pub body: Option<String>,
    /// Redirect to another path of the callback's server, which would answer with the challenge.
    #[serde(default)]
    pub redirect: bool,
    /// Wait before answering, in milliseconds.
    #[serde(default)]
    pub after_ms: Option<u64>,
}

/// A rule by which a mock subscriber answers notifications.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The event that it applies to; all, where absent. SyncErrors are always answered with 200 unless named.
    #[serde(default)]
    pub event: Option<String>,
    /// The status, from 100 to 599.
    #[serde(default)]
    pub status: Option<u16>,
    /// Write the status as a string.
    #[serde(default)]
    pub as_text: bool,
    /// Wait before answering, in milliseconds.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// Do not answer at all.
    #[serde(default)]
    pub never: bool,
}

/// One thing that happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Subscribers subscribe, connect and wait for their confirmation, one after the other. What this takes is judged by
    /// the ambient checks; if it does not come about, the rest of the scenario is inconclusive.
    Subscribe(Vec<Spanned<String>>),
    /// One subscription request for a subscriber, without connecting: for leases, re-subscribing and what is odd.
    RequestSubscription(RequestSubscription),
    /// Connect a subscriber to the endpoint that it was given.
    Connect(Connect),
    /// Ask for the end of a subscription.
    Unsubscribe(Unsubscribe),
    /// Publish an event.
    Publish(Box<Publish>),
    /// Send any HTTP request.
    Request(Box<Request>),
    /// Read the current context (2.9).
    GetContext(GetContext),
    /// Read the configuration document (2.7).
    Discover(Discover),
    /// A message must come.
    Expect(Box<Expect>),
    /// A message must not come; a fence shows when that is certain.
    Absent(Box<Absent>),
    /// The hub must close a WebSocket.
    ExpectClose(ExpectClose),
    /// A subscription must end with its lease, as the events that are delivered show.
    ExpectExpiry(ExpectExpiry),
    /// Send any frame.
    Send(Send),
    /// Close a WebSocket with a close code.
    Disconnect(Disconnect),
    /// Let the connection of a WebSocket end without a close frame.
    Abort(Spanned<String>),
    /// Change how a subscriber answers from now on.
    Answers(ChangeAnswers),
    /// Change how a subscriber's callback answers intent verifications from now on.
    Verifications(ChangeVerifying),
    /// Publish a marker event and wait until these subscribers have seen it: all that came before has come.
    Fence(Fence),
    /// Compare values that were saved.
    Check(CheckValues),
    /// Record which reading of an ambiguous passage the hub chose.
    Observe(Observe),
}

/// A condition on a step: it is taken only when the variable is `true`.
pub type When = Option<Spanned<String>>;

/// `request_subscription`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSubscription {
    /// Who asks.
    pub by: Spanned<String>,
    /// `hub.events`, where they differ from the subscriber's own.
    #[serde(default)]
    pub events: Option<Vec<Spanned<String>>>,
    /// `hub.channel.endpoint`: re-subscribes.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// `hub.lease_seconds`.
    #[serde(default)]
    pub lease_seconds: Option<u64>,
    /// `hub.secret` of a webhook, where it differs from the subscriber's own.
    #[serde(default)]
    pub secret: Option<String>,
    /// Save the answer under this name.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer. Without an expectation of its status the request must be accepted, or the rest is
    /// inconclusive.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `connect`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Who connects.
    pub subscriber: Spanned<String>,
    /// Where, when not to the endpoint that it was given.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The hub must refuse the WebSocket, or close it at once: the requirement that this is judged as.
    #[serde(default)]
    pub refused: Option<Spanned<String>>,
    /// Save whether the hub confirmed the subscription; where it denies it, or closes the WebSocket, the scenario goes on.
    #[serde(default)]
    pub save_whether: Option<Spanned<String>>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `unsubscribe`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// Who asks.
    pub by: Spanned<String>,
    /// Save the answer under this name.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer, as in `request_subscription`.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `publish`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Who publishes.
    pub by: Spanned<String>,
    /// The event.
    pub event: Spanned<String>,
    /// The case that the event is about: a patient with an encounter, a study and a report, each with generated ids. Cases
    /// are named freely; `a` where none is named. Templates in `scenarios/templates` make the context from it.
    #[serde(default)]
    pub case: Option<String>,
    /// The context, in place of the template's.
    #[serde(default)]
    pub context: Option<Value>,
    /// The id, in place of a generated one.
    #[serde(default)]
    pub id: Option<String>,
    /// The timestamp, in place of the present: any text.
    #[serde(default)]
    pub timestamp: Option<String>,
    /// The version of the context for an update or select, in place of the last that the publisher has seen; both spellings
    /// are sent.
    #[serde(default)]
    pub version: Option<String>,
    /// Further members of `event`, or others in the place of those generated.
    #[serde(default)]
    pub event_members: BTreeMap<String, Value>,
    /// Publish it this many times, each with an id and a case of its own.
    #[serde(default)]
    pub times: Option<u32>,
    /// Save the publication: its `id`, `timestamp`, `event`, `context`, and the answer under `answer`.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer. Without an expectation of its status the event must be accepted (any 2xx), or the rest
    /// is inconclusive.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

impl Publish {
    /// An event about a case, with nothing out of the ordinary.
    pub fn new(by: &Spanned<String>, event: &Spanned<String>, case: &str) -> Self {
        Self {
            by: by.clone(),
            event: event.clone(),
            case: Some(case.to_owned()),
            context: None,
            id: None,
            timestamp: None,
            version: None,
            event_members: BTreeMap::new(),
            times: None,
            save: None,
            answer: Vec::new(),
            when: None,
        }
    }
}

/// `request`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Whose request it is; its token is sent.
    pub by: Spanned<String>,
    /// The method; POST where none is named.
    #[serde(default)]
    pub method: Option<String>,
    /// The URL; `hub.url` where none is named. `${publish_url}` is where events are published.
    #[serde(default)]
    pub url: Option<String>,
    /// Headers, in place of those that the body calls for.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A form, as pairs in order; a name may stand twice.
    #[serde(default)]
    pub form: Option<Vec<(String, String)>>,
    /// A JSON body.
    #[serde(default)]
    pub json: Option<Value>,
    /// A body of any text.
    #[serde(default)]
    pub text: Option<String>,
    /// A body of this many bytes of padding after what `text` holds.
    #[serde(default)]
    pub padding: Option<usize>,
    /// What kind of request this spoils, for telling a hub that refuses it from one that refuses everything: a refusal counts
    /// only where the scenario also sees a proper request of that kind accepted.
    #[serde(default)]
    pub kind: Option<RequestKind>,
    /// Save the answer under this name: `status`, `accepted`, `refused`, `headers`, `body` (JSON) and `text`.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `get_context`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetContext {
    /// Who asks.
    pub by: Spanned<String>,
    /// The topic; the subscriber's own where none is named.
    #[serde(default)]
    pub topic: Option<String>,
    /// Save the answer under this name.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `discover`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discover {
    /// Save the answer under this name.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer.
    #[serde(default)]
    pub answer: Vec<AnswerExpectation>,
}

/// What must hold of an HTTP answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerExpectation {
    /// The requirement that this is judged as; without one, the rest of the scenario builds on it.
    #[serde(default)]
    pub requirement: Option<Spanned<String>>,
    /// A softer verdict than the requirement's level, for readings that may be defended.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// The status: a code, or a class of codes.
    #[serde(default)]
    pub status: Option<StatusExpectation>,
    /// The media type, without parameters.
    #[serde(default)]
    pub content_type: Option<ContentTypeExpectation>,
    /// Places in the JSON body.
    #[serde(default)]
    pub has: BTreeMap<String, Matcher>,
    /// The body has something in it, whatever its type.
    #[serde(default)]
    pub described: Option<bool>,
    /// Judged only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// Which status an answer may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusExpectation {
    /// Any 2xx.
    Accepted,
    /// Any 4xx or 5xx but those that say that nobody looked at the request (408, 429, 502, 503, 504).
    Refused,
    /// Accepted or refused, but some answer.
    Any,
    /// One of these codes.
    OneOf(Vec<u16>),
}

/// Which media type an answer may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentTypeExpectation {
    /// `application/json`; a missing header only warns (ambiguities, 5).
    Json,
    /// `text/plain`, `application/json` or `application/problem+json` (ambiguities, 5).
    ErrorText,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageSelector {
    /// The confirmation of a subscription.
    Confirmation,
    /// A denial.
    Denial,
    /// Any event notification but SyncError.
    Notification,
    /// A `SyncError` notification.
    SyncError,
    /// An intent verification at a callback.
    Verification,
}

/// Picks messages that a subscriber received.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// What it is.
    pub kind: MessageSelector,
    /// The event's name, without regard to case.
    #[serde(default)]
    pub event: Option<String>,
    /// The saved publication that it comes from: a notification with the same event and the same id or resource; a SyncError
    /// that names the publication's id.
    #[serde(default)]
    pub of: Option<Spanned<String>>,
    /// Only messages after the publication or message saved under this name.
    #[serde(default)]
    pub after: Option<Spanned<String>>,
    /// Places in the message.
    #[serde(default)]
    pub has: BTreeMap<String, Matcher>,
}

/// `expect`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Who must receive it.
    pub at: Spanned<String>,
    /// The message.
    pub message: Selector,
    /// The requirement that its arrival is judged as; without one, the rest of the scenario builds on it.
    #[serde(default)]
    pub requirement: Option<Spanned<String>>,
    /// A softer verdict than the requirement's level.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// How long to wait.
    #[serde(default)]
    pub within: Bound,
    /// Save the message under this name.
    #[serde(default)]
    pub save: Option<Spanned<String>>,
    /// Judged also where the hub's confirmation does not grant the message's event to the subscriber; a hub may otherwise
    /// grant less than was asked for, and then owes nothing.
    #[serde(default)]
    pub despite_grant: bool,
    /// Save under this name whether it came, and build nothing on it.
    #[serde(default)]
    pub save_whether: Option<Spanned<String>>,
    /// What must hold of it.
    #[serde(default)]
    pub checks: Vec<MessageCheck>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// How long a wait may last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The target's time for a message that must come.
    #[default]
    Response,
    /// The target's time-out for acknowledgements, and a response.
    AckTimeout,
    /// The lease that the subscriber was granted, and a response.
    Lease,
    /// No time at all: what has come already.
    Past,
    /// The target's silence.
    Quiet,
}

/// What must hold of a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageCheck {
    /// The requirement that this is judged as.
    pub requirement: Spanned<String>,
    /// A softer verdict than the requirement's level.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// Places in the message.
    #[serde(default)]
    pub has: BTreeMap<String, Matcher>,
    /// Places in the HTTP request that brought it to a callback: `method`, `path`, `query` (as it was written), `headers` (names in lower
    /// case), `body` (as text) and `signature` (`missing`, `malformed`, `unknown method`, `wrong`, `right`).
    #[serde(default)]
    pub request: BTreeMap<String, Matcher>,
    /// Judged only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `absent`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// Who must not receive it.
    pub at: Spanned<String>,
    /// The message.
    pub message: Selector,
    /// The requirement that this is judged as.
    pub requirement: Spanned<String>,
    /// A softer verdict than the requirement's level.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// Who publishes the marker event that must come; another connected subscriber of the topic where none is named, else the
    /// subscriber itself.
    #[serde(default)]
    pub fence_by: Option<Spanned<String>>,
    /// The marker event; the first `*-open` that the subscriber is subscribed to where none is named.
    #[serde(default)]
    pub fence_event: Option<Spanned<String>>,
    /// Wait for the target's silence in place of a fence, where nothing could be fenced with.
    #[serde(default)]
    pub quiet: bool,
    /// Not judged where the hub's confirmation grants the message's event to the subscriber after all.
    #[serde(default)]
    pub unless_granted: bool,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `expect_close`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectClose {
    /// Whose WebSocket.
    pub at: Spanned<String>,
    /// The requirement that this is judged as.
    pub requirement: Spanned<String>,
    /// A softer verdict than the requirement's level.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// How long to wait.
    #[serde(default)]
    pub within: Bound,
    /// It must not close before the granted lease has run out (with a second's tolerance): the requirement for that.
    #[serde(default)]
    pub not_before_lease: Option<Spanned<String>>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `expect_expiry`: an event that is published before the granted lease has run out must come, and one that is published
/// afterwards must not. A lease longer than the target's `longest_lease` is not waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectExpiry {
    /// Whose subscription.
    pub at: Spanned<String>,
    /// Who publishes.
    pub by: Spanned<String>,
    /// The event that is published, before the end of the lease and from then on.
    pub event: Spanned<String>,
    /// The requirement that its end is judged as. A hub may take the target's `response` to notice that a lease is over.
    pub requirement: Spanned<String>,
    /// The requirement that it must not end before the lease is judged as.
    #[serde(default)]
    pub not_before_lease: Option<Spanned<String>>,
}

/// `send`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// Who sends.
    pub by: Spanned<String>,
    /// A text frame.
    #[serde(default)]
    pub text: Option<String>,
    /// A text frame of JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// A binary frame of these bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

/// `disconnect`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// Who closes.
    pub subscriber: Spanned<String>,
    /// The close code.
    pub code: u16,
}

/// `answers`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeAnswers {
    /// Whose answers.
    pub of: Spanned<String>,
    /// The rules, in place of all before.
    pub rules: Vec<Answer>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `verifications`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeVerifying {
    /// Whose callback.
    pub of: Spanned<String>,
    /// How it answers, in place of what held before.
    pub rule: Verifying,
}

/// `fence`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fence {
    /// Who must see the marker.
    pub at: Vec<Spanned<String>>,
    /// Who publishes it.
    #[serde(default)]
    pub by: Option<Spanned<String>>,
    /// The marker event.
    #[serde(default)]
    pub event: Option<Spanned<String>>,
}

/// `check`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckValues {
    /// The requirement that this is judged as; without one, the rest of the scenario builds on it.
    #[serde(default)]
    pub requirement: Option<Spanned<String>>,
    /// A softer verdict than the requirement's level.
    #[serde(default)]
    pub unmet: Option<Unmet>,
    /// The value.
    pub value: Value,
    /// What must hold of it.
    pub is: Matcher,
    /// Save whether it held (true or false), and build nothing on it.
    #[serde(default)]
    pub save_whether: Option<Spanned<String>>,
    /// Taken only when this variable is true.
    #[serde(default)]
    pub when: When,
}

/// `observe`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// What is left open, in kebab-case.
    pub subject: String,
    /// The readings; the first whose condition holds is recorded.
    pub readings: Vec<Reading>,
}

/// A reading of an ambiguous passage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The reading, one sentence.
    pub reading: String,
    /// It was chosen when this variable is true; always, where absent.
    #[serde(default)]
    pub when: When,
}

/// What must hold of a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matcher {
    /// Equal as JSON; numbers by value, members in any order.
    Equals(Value),
    /// Not equal as JSON.
    Differs(Value),
    /// A string, equal without regard to case.
    EqualsIgnoringCase(String),
    /// A timestamp of the same instant.
    SameInstant(String),
    /// A comma-separated list of the same events, in any order and case.
    SameEvents(String),
    /// A string that this regular expression finds something in.
    Matches(String),
    /// One of these, equal as JSON.
    OneOf(Vec<Value>),
    /// It is there (or is not).
    Exists(bool),
    /// Its JSON type: `string`, `number`, `boolean`, `array`, `object`, `null`.
    Type(String),
    /// An array or object with nothing in it, or an empty string (or not).
    Empty(bool),
    /// An array that has an element of which all this holds.
    Contains(BTreeMap<String, Matcher>),
    /// An array that has no element of which all this holds.
    Lacks(BTreeMap<String, Matcher>),
}
