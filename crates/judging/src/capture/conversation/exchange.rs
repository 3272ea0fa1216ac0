//! Requests to the hub and its calls to callbacks, with their answers.

use serde_json::Value;

use super::super::headers::Headers;
use super::super::identity::Identity;
use super::super::message::{Payload, Side};
use super::ids::{ExchangeId, Moment, SocketId, SubscriptionId};
use super::request::{Request, without_query};
use crate::protocol::CallMessage;

/// A request to the hub, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its place among the exchanges of the conversation.
    pub id: ExchangeId,
    /// Its number in the capture.
    pub number: u64,
    /// The moment of the request.
    pub requested: Moment,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The part of the URL that follows `hub.url`, with the query; `None` where it is no URL below `hub.url`.
    pub path: Option<String>,
    /// The headers of the request.
    pub headers: Headers,
    /// The body of the request.
    pub body: Payload,
    /// The purpose of the request.
    pub request: Request,
    /// The subscription that the request asks for, changes or ends; `None` where it began before the recording.
    pub subscription: Option<SubscriptionId>,
    /// The end of the exchange.
    pub outcome: Outcome,
}

impl Exchange {
    /// The hub's answer, where it gave one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Pending | Outcome::Opened(_) | Outcome::Failed(_) => None,
        }
    }

    /// Whether the hub answered with success.
    pub fn is_accepted(&self) -> bool {
        self.answer().is_some_and(Answer::is_success)
    }

    /// The sender of the request, as far as its headers tell.
    pub fn identity(&self) -> Identity {
        Identity::of(&self.headers)
    }
}

/// The end of a request to the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The capture has no answer.
    Pending,
    /// The hub answered.
    Answered(Answer),
    /// A WebSocket was opened.
    Opened(SocketId),
    /// One side failed.
    Failed(Failure),
}

/// The end of a call of the hub to a callback.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// The capture has no answer.
    Pending,
    /// The subscriber answered.
    Answered(Answer),
    /// One side failed.
    Failed(Failure),
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The moment of the response.
    pub moment: Moment,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Payload,
}

impl Answer {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, where it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body.text()).ok()
    }

    /// `hub.channel.endpoint` in the body.
    pub fn endpoint(&self) -> Option<String> {
        Some(self.json()?.get("hub.channel.endpoint")?.as_str()?.to_owned())
    }
}

/// The end of an exchange without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The moment.
    pub moment: Moment,
    /// The side that failed.
    pub by: Side,
    /// The cause.
    pub problem: String,
}

/// A request of the hub to a callback, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackCall {
    /// Its number in the capture.
    pub number: u64,
    /// The moment of the request.
    pub requested: Moment,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers of the request.
    pub headers: Headers,
    /// The body of the request.
    pub body: Payload,
    /// The subscription whose callback it is; `None` where it began before the recording.
    pub subscription: Option<SubscriptionId>,
    /// The end of the call.
    pub outcome: CallOutcome,
}

impl CallbackCall {
    /// The query of the URL, that of the callback included.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The URL of the callback, without a query.
    pub fn callback(&self) -> &str {
        without_query(&self.url)
    }

    /// The message: a notification, or the parameters of an intent verification or a denial.
    pub fn message(&self) -> CallMessage {
        CallMessage::of(self.query(), &self.body.text())
    }

    /// The subscriber's answer, where it gave one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            CallOutcome::Answered(answer) => Some(answer),
            CallOutcome::Pending | CallOutcome::Failed(_) => None,
        }
    }

    /// Whether it is an intent verification, to which the subscriber agreed by its challenge.
    pub fn is_agreed(&self) -> bool {
        let challenge = self.message().asked();
        let answer = self.answer().filter(|answer| answer.is_success());
        matches!((challenge, answer), (Some(challenge), Some(answer)) if answer.body.text() == challenge)
    }
}
