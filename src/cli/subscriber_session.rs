//! The subscription of `castspec subscriber`: from the request to the unsubscribe.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::subscriber::{ACCEPTED, ChannelChoice, SubscriberCommand, status_of};
use super::subscriber_tell::Teller;
use super::{CommandError, interrupted, print_error};
use castspec_fhircast::protocol::{EventName, SubscriptionRequest, Version, join_events};
use castspec_fhircast::schema::MessageKind;
use castspec_judging::redaction::Redactor;
use castspec_runner::client::{
    Answer, Approach, Callback, CallbackOwner, Callbacks, HttpClient, Inbox, Log, OutgoingRequest, Received,
    Socket, connect,
};
use castspec_runner::run::{Control, Dialect, Target, control_of};

/// How its own doings are named in the log.
const ACTOR: &str = "subscriber";
/// How much of a lease may pass before it is renewed.
const RENEW_AFTER: f64 = 0.8;
/// A lease is not renewed more often than this.
const SHORTEST_RENEWAL: Duration = Duration::from_millis(500);

/// The way of its notifications.
enum Channel {
    WebSocket {
        endpoint: String,
        /// Keeps the WebSocket open.
        socket: Socket,
    },
    Webhook {
        callback: Callback,
        secret: String,
        /// Keeps the server running.
        callbacks: Callbacks,
    },
}

/// A subscription, from its confirmation on.
pub(super) struct Session {
    target: Target,
    http: HttpClient,
    log: Log,
    inbox: Inbox,
    dialect: Dialect,
    topic: String,
    events: Vec<EventName>,
    name: Option<String>,
    lease: Option<u64>,
    channel: Channel,
    teller: Teller,
    /// How much of the inbox has been told.
    told: usize,
    /// How many notifications have come.
    notified: usize,
    renew_at: Option<Instant>,
    /// An event was refused.
    refused: bool,
    ended_by_hub: bool,
}

/// What happens next.
enum Next {
    Received(Box<Received>),
    Closed(Option<u16>),
    Line(Option<String>),
    Renew,
    End,
}

impl Session {
    /// Subscribes, and waits until the hub has confirmed it.
    ///
    /// # Errors
    /// When the hub cannot be reached, or refuses or denies the subscription.
    pub(super) async fn begin(command: &SubscriberCommand, target: Target) -> Result<Self, CommandError> {
        let version = target.version;
        let patience = target.timing.response.max(Duration::from_secs(5)) * 2;
        let redactor = Redactor::default();
        target.tell_secrets(&redactor);
        let approach: &Approach = &target.approach;
        let http = HttpClient::new(&target.hub_url, approach, patience)?;
        let log = Log::without_budget(redactor.clone());
        let inbox = Inbox::default();
        let policy = Arc::new(Mutex::new(command.policy()));
        let teller = Teller::new(version, command.json, !command.unjudged, redactor.clone())?;
        let choice = command.channel.unwrap_or(match version {
            Version::Stu1 => ChannelChoice::Webhook,
            Version::Stu2 | Version::Stu3 => ChannelChoice::Websocket,
        });
        match (choice, version) {
            (ChannelChoice::Websocket, Version::Stu1) => {
                return Err(CommandError::new(
                    "STU1 has no WebSockets; leave out --channel websocket",
                ));
            }
            (ChannelChoice::Webhook, Version::Stu3) => {
                return Err(CommandError::new(
                    "STU3 has no webhooks; leave out --channel webhook, or name another --fhircast-version",
                ));
            }
            _ => {}
        }
        let mut request = SubscriptionRequest::subscribe(&command.topic, command.events.clone());
        request.lease_seconds = command.lease;
        request.subscriber_name.clone_from(&command.name);
        let asker = Asker {
            hub_url: target.hub_url_text(),
            http: &http,
            log: &log,
        };
        let channel = match choice {
            ChannelChoice::Websocket => {
                let answer = asker.ask(&request.to_pairs()).await?;
                let endpoint = endpoint_of(&answer)?;
                let socket = connect(
                    &endpoint,
                    http.connector(),
                    ACTOR,
                    &log,
                    &inbox,
                    &policy,
                    0,
                    patience,
                )
                .await
                .map_err(|error| CommandError::new(format!("no WebSocket came about: {error}")))?;
                Channel::WebSocket { endpoint, socket }
            }
            ChannelChoice::Webhook => {
                let secret = command.secret()?;
                redactor.know(&secret);
                let callbacks =
                    Callbacks::start(target.callback_base.as_ref(), target.callback_listen).await?;
                let owner = CallbackOwner {
                    actor: ACTOR.to_owned(),
                    log: log.clone(),
                    inbox: inbox.clone(),
                    policy: policy.clone(),
                };
                let callback = callbacks.open(owner, None, 0);
                callback.add_secret(&secret);
                let pairs = webhook_pairs(version, &callback, &secret, &request);
                asker.ask(&pairs).await?;
                Channel::Webhook {
                    callback,
                    secret,
                    callbacks,
                }
            }
        };
        let mut session = Self {
            dialect: Dialect::new(&target),
            target,
            http,
            log,
            inbox,
            topic: command.topic.clone(),
            events: command.events.clone(),
            name: command.name.clone(),
            lease: command.lease,
            channel,
            teller,
            told: 0,
            notified: 0,
            renew_at: None,
            refused: false,
            ended_by_hub: false,
        };
        session.confirmed().await?;
        Ok(session)
    }

    /// Waits for the confirmation over the WebSocket, or for the verification at the callback.
    async fn confirmed(&mut self) -> Result<(), CommandError> {
        let patience = self.target.timing.response;
        let deadline = Instant::now() + patience;
        if let Channel::Webhook { callback, .. } = &self.channel {
            let agreed = self
                .inbox
                .wait(deadline, |_, _| {
                    callback
                        .verified()
                        .into_iter()
                        .find(|verification| verification.agreed)
                })
                .await;
            let Some(agreed) = agreed else {
                return Err(CommandError::new(format!(
                    "the hub did not verify the subscription at {} within {patience:?}; see callback_base in the target file",
                    callback.url()
                )));
            };
            let query = agreed.query.clone();
            // The hub tells nobody when it has read the answer; an event before that would come to nobody.
            tokio::time::sleep(self.target.timing.quiet).await;
            self.teller
                .message("verification", &query, Some(MessageKind::IntentVerification))?;
            self.note_lease(&query);
            return Ok(());
        }
        let first = self
            .inbox
            .wait(deadline, |received, closed| {
                match (received.first(), closed.first()) {
                    (Some(received), _) => Some(Ok(received.clone())),
                    (None, Some(closed)) => Some(Err(closed.code)),
                    (None, None) => None,
                }
            })
            .await;
        match first {
            Some(Ok(received)) => {
                self.told = 1;
                match self.tell(&received)? {
                    Some(Control::Denial) => Err(CommandError::new("the hub denied the subscription")),
                    _ => Ok(()),
                }
            }
            Some(Err(code)) => Err(CommandError::new(format!(
                "the hub closed the WebSocket{} before it confirmed the subscription",
                code.map(|code| format!(" with {code}")).unwrap_or_default()
            ))),
            None => Err(CommandError::new(format!(
                "the hub did not confirm the subscription within {patience:?}"
            ))),
        }
    }

    /// Publishes what is to be published, and follows the events until the end.
    ///
    /// # Errors
    /// When the hub ends the subscription, or standard output cannot be written.
    pub(super) async fn follow(&mut self, command: &SubscriberCommand) -> Result<(), CommandError> {
        let ends_at = command.lasting.map(|lasting| Instant::now() + lasting);
        if command.current_context {
            self.current_context().await?;
        }
        let messages = command.publishing.messages(self.target.version, &self.topic)?;
        for message in &messages {
            // Whoever waits for what comes of it would wait in vain.
            if let Some(refusal) = self.publish(message).await? {
                return Err(CommandError::new(refusal));
            }
        }
        let mut input = BufReader::new(tokio::io::stdin()).lines();
        let mut reads = command.stdin;
        loop {
            if command.count.is_some_and(|count| self.notified >= count) {
                return Ok(());
            }
            match self.next(ends_at, reads.then_some(&mut input)).await {
                Next::End => return Ok(()),
                Next::Renew => self.renew().await?,
                Next::Line(None) => reads = false,
                Next::Line(Some(line)) if line.trim().is_empty() => {}
                Next::Line(Some(line)) => match serde_json::from_str(&line) {
                    Ok(message) => {
                        if let Some(refusal) = self.publish(&message).await? {
                            print_error(&format!("castspec: {refusal}\n"));
                        }
                    }
                    Err(error) => print_error(&format!(
                        "castspec: a line of standard input is not JSON: {error}\n"
                    )),
                },
                Next::Closed(code) => {
                    self.ended_by_hub = true;
                    return Err(CommandError::new(format!(
                        "the hub closed the WebSocket{}",
                        code.map(|code| format!(" with {code}")).unwrap_or_default()
                    )));
                }
                Next::Received(received) => {
                    self.told += 1;
                    let control = self.tell(&received)?;
                    if let Some(Control::Denial) = control {
                        self.ended_by_hub = matches!(self.channel, Channel::Webhook { .. });
                        if self.ended_by_hub {
                            return Err(CommandError::new("the hub denied the subscription"));
                        }
                    }
                    if command.by_hand && control.is_none() {
                        self.answer_by_hand(&received, &mut input).await;
                    } else if control.is_none() {
                        self.tell_answer(command, &received)?;
                    }
                }
            }
        }
    }

    async fn next(&mut self, ends_at: Option<Instant>, input: Option<&mut Lines<BufReader<Stdin>>>) -> Next {
        let far = Instant::now() + Duration::from_secs(3600);
        let deadline = [ends_at, self.renew_at, Some(far)].into_iter().flatten().min();
        let deadline = deadline.unwrap_or(far);
        let told = self.told;
        let line = async {
            match input {
                Some(lines) => lines.next_line().await.ok().flatten(),
                None => std::future::pending().await,
            }
        };
        let seen = self.inbox.wait(deadline, |received, closed| {
            match (received.get(told), closed.first()) {
                (Some(received), _) => Some(Next::Received(Box::new(received.clone()))),
                (None, Some(closed)) => Some(Next::Closed(closed.code)),
                (None, None) => None,
            }
        });
        tokio::select! {
            biased;
            () = interrupted() => Next::End,
            seen = seen => match seen {
                Some(next) => next,
                None if ends_at.is_some_and(|at| at <= Instant::now()) => Next::End,
                None => Next::Renew,
            },
            line = line => Next::Line(line),
        }
    }

    /// Tells of a message; what kind of control message it is, where it is one.
    fn tell(&mut self, received: &Received) -> Result<Option<Control>, CommandError> {
        let Some(message) = received.message().cloned() else {
            self.teller
                .message("no-json", &Value::String(received.text.to_string()), None)?;
            return Ok(None);
        };
        let control = control_of(&message);
        let (kind, judged_as) = match control {
            Some(Control::Confirmation) => ("confirmation", MessageKind::Confirmation),
            Some(Control::Denial) => ("denial", MessageKind::Denial),
            Some(Control::Verification) => ("verification", MessageKind::IntentVerification),
            None => ("notification", MessageKind::Notification),
        };
        if matches!(control, Some(Control::Confirmation)) {
            self.note_lease(&message);
        }
        self.notified += usize::from(control.is_none());
        self.teller.message(kind, &message, Some(judged_as))?;
        if let Some(call) = received.call.as_ref().filter(|_| control.is_none()) {
            self.teller
                .remark(&format!("  its signature is {}", call.signature.in_words()))?;
        }
        Ok(control)
    }

    fn note_lease(&mut self, message: &Value) {
        let lease = message.get("hub.lease_seconds");
        let seconds = lease.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
        let lease = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds * RENEW_AFTER).ok());
        self.renew_at = lease.and_then(|lease| Instant::now().checked_add(lease.max(SHORTEST_RENEWAL)));
    }

    async fn renew(&mut self) -> Result<(), CommandError> {
        self.renew_at = None;
        let mut request = SubscriptionRequest::subscribe(&self.topic, self.events.clone());
        request.lease_seconds = self.lease;
        request.subscriber_name.clone_from(&self.name);
        let pairs = match &self.channel {
            Channel::WebSocket { endpoint, .. } => {
                request.endpoint = Some(endpoint.clone());
                request.to_pairs()
            }
            Channel::Webhook { callback, secret, .. } => {
                webhook_pairs(self.target.version, callback, secret, &request)
            }
        };
        let asker = Asker {
            hub_url: self.target.hub_url_text(),
            http: &self.http,
            log: &self.log,
        };
        asker.ask(&pairs).await?;
        self.teller.remark("renewed the subscription")
    }

    /// Publishes an event; the refusal, where the hub refuses it.
    async fn publish(&mut self, message: &Value) -> Result<Option<String>, CommandError> {
        let request = self
            .dialect
            .request(self.dialect.manner(), &self.topic, message.to_string());
        self.teller.message("published", message, None)?;
        match self.http.send(&self.log, ACTOR, &request).await {
            Ok(answer) if answer.is_accepted() => Ok(None),
            Ok(answer) => {
                self.refused = true;
                let (status, said) = (answer.status, said(&answer));
                Ok(Some(format!("the hub refused the event with {status}: {said}")))
            }
            Err(error) => Err(CommandError::new(format!(
                "the hub gave no answer to an event: {error}"
            ))),
        }
    }

    async fn current_context(&mut self) -> Result<(), CommandError> {
        let topic: String = url::form_urlencoded::byte_serialize(self.topic.as_bytes()).collect();
        let url = self.target.below(&format!("/{}", topic.replace('+', "%20")));
        match self
            .http
            .send(&self.log, ACTOR, &OutgoingRequest::get(&url))
            .await
        {
            Ok(answer) => match &answer.json {
                Some(context) if answer.is_accepted() => {
                    self.teller
                        .message("current-context", context, Some(MessageKind::CurrentContext))
                }
                _ => {
                    self.refused = true;
                    print_error(&format!(
                        "castspec: the hub did not tell the current context ({}): {}\n",
                        answer.status,
                        said(&answer)
                    ));
                    Ok(())
                }
            },
            Err(error) => Err(CommandError::new(format!("the hub gave no answer: {error}"))),
        }
    }

    /// Tells how a notification was answered, where not by plain success.
    fn tell_answer(&self, command: &SubscriberCommand, received: &Received) -> Result<(), CommandError> {
        let Some(message) = received.message() else {
            return Ok(());
        };
        if received.call.is_none() && message.get("id").and_then(Value::as_str).is_none() {
            return self.teller.remark("  not answered: it has no id");
        }
        let event = message.pointer("/event/hub.event").and_then(Value::as_str);
        let event = event.and_then(|event| event.parse().ok());
        match command.policy().status(event.as_ref()) {
            Some((_, status)) if status.code == ACCEPTED.code => Ok(()),
            Some((after, status)) if !after.is_zero() => self.teller.remark(&format!(
                "  answered {} after {} s",
                status.code,
                after.as_secs_f64()
            )),
            Some((_, status)) => self.teller.remark(&format!("  answered {}", status.code)),
            None => self.teller.remark("  not answered"),
        }
    }

    async fn answer_by_hand(&self, received: &Received, input: &mut Lines<BufReader<Stdin>>) {
        let Channel::WebSocket { socket, .. } = &self.channel else {
            return;
        };
        let Some(id) = received.message().and_then(|message| message.get("id")?.as_str()) else {
            return;
        };
        print_error("answer with (a status, nothing for 200, - for none): ");
        let status = loop {
            // Whoever has closed standard input answers no more; the hub is answered.
            let line = input.next_line().await.ok().flatten().unwrap_or_default();
            match line.trim() {
                "" => break Some(ACCEPTED),
                "-" => break None,
                text => match status_of(text) {
                    Ok(status) => break Some(status),
                    Err(problem) => print_error(&format!("{problem}; again: ")),
                },
            }
        };
        if let Some(status) = status {
            socket.send_text(json!({"id": id, "status": status.code}).to_string());
        }
    }

    /// Unsubscribes, and lets go.
    pub(super) async fn leave(&mut self) {
        let asker = Asker {
            hub_url: self.target.hub_url_text(),
            http: &self.http,
            log: &self.log,
        };
        match &self.channel {
            Channel::WebSocket { endpoint, socket } => {
                if !socket.is_finished() {
                    let request = SubscriptionRequest::unsubscribe(&self.topic, endpoint);
                    if let Err(error) = asker.ask(&request.to_pairs()).await {
                        tracing::info!("unsubscribing: {error}");
                    }
                    socket.close(1000).await;
                }
            }
            Channel::Webhook { callback, secret, .. } if !self.ended_by_hub => {
                let request = SubscriptionRequest::unsubscribe(&self.topic, "");
                let pairs = webhook_pairs(self.target.version, callback, secret, &request);
                let verified = callback.verified().len();
                if let Err(error) = asker.ask(&pairs).await {
                    tracing::info!("unsubscribing: {error}");
                }
                if self.target.version == Version::Stu1 {
                    let deadline = Instant::now() + self.target.timing.response;
                    let asked = |_: &[_], _: &[_]| (callback.verified().len() > verified).then_some(());
                    self.inbox.wait(deadline, asked).await;
                }
            }
            Channel::Webhook { .. } => {}
        }
        if let Channel::Webhook { callbacks, .. } = &mut self.channel {
            // What came last is answered before the program ends.
            callbacks.end(LAST_ANSWERS).await;
        }
    }

    /// How it all went.
    pub(super) fn exit_code(&self) -> ExitCode {
        match (self.teller.broken, self.refused) {
            (true, _) => ExitCode::from(1),
            (false, true) => ExitCode::from(2),
            (false, false) => ExitCode::SUCCESS,
        }
    }
}

/// How long the answers to the last calls may take.
const LAST_ANSWERS: std::time::Duration = std::time::Duration::from_secs(2);

/// Asks the hub by forms.
struct Asker<'s> {
    hub_url: String,
    http: &'s HttpClient,
    log: &'s Log,
}

impl Asker<'_> {
    async fn ask(&self, pairs: &[(String, String)]) -> Result<Answer, CommandError> {
        let request = OutgoingRequest::form(&self.hub_url, pairs);
        let answer = self.http.send(self.log, ACTOR, &request).await.map_err(|error| {
            CommandError::new(format!("the hub at {} cannot be reached: {error}", self.hub_url))
        })?;
        if answer.is_accepted() {
            return Ok(answer);
        }
        Err(CommandError::new(format!(
            "the hub refused the request with {}: {}",
            answer.status,
            said(&answer)
        )))
    }
}

/// What an answer says, in a line.
fn said(answer: &Answer) -> String {
    const LONGEST: usize = 300;
    let text: String = answer.text.chars().take(LONGEST).collect();
    match text.trim() {
        "" => "without a word".to_owned(),
        text => text.replace(|c: char| c.is_control(), " "),
    }
}

fn endpoint_of(answer: &Answer) -> Result<String, CommandError> {
    let endpoint = answer
        .json
        .as_ref()
        .and_then(|body| body.get("hub.channel.endpoint")?.as_str());
    endpoint.map(str::to_owned).ok_or_else(|| {
        CommandError::new(format!(
            "the hub accepted the subscription, but named no hub.channel.endpoint: {}",
            said(answer)
        ))
    })
}

fn webhook_pairs(
    version: Version,
    callback: &Callback,
    secret: &str,
    request: &SubscriptionRequest,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
    if version != Version::Stu1 {
        push("hub.channel.type", "webhook".to_owned());
    }
    push("hub.callback", callback.url().to_owned());
    push("hub.mode", request.mode.as_str().to_owned());
    push("hub.topic", request.topic.clone());
    push("hub.secret", secret.to_owned());
    if let Some(events) = &request.events {
        push("hub.events", join_events(events));
    }
    if let Some(lease) = request.lease_seconds {
        push("hub.lease_seconds", lease.to_string());
    }
    pairs
}
