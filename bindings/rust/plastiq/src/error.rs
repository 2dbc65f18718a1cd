// SPDX-License-Identifier: MIT
//! What went wrong.

use std::time::Duration;

use serde::Deserialize;

use crate::{Delivery, Kind, Phase, raw};

/// Why something failed: a variant for each kind of failure that the library tells of, and some of this crate's own.
///
/// Every variant of the library's has a [`Failure`] with all that is known: [`Error::failure`] gives it whatever the variant, and short
/// cuts such as [`Error::http_status`] read it. Of what the service said, [`source`](std::error::Error::source) is a [`ServiceError`].
///
/// ```no_run
/// # fn run(client: plastiq::Client) -> Result<(), plastiq::Error> {
/// use plastiq::Error;
///
/// match client.client_secrets().create(Default::default()) {
///     Ok(created) => println!("{}", created.client_secret.read()?),
///     Err(Error::Http(failure)) if failure.http_status == Some(401) => eprintln!("the API key is refused"),
///     Err(error) if error.is_repeatable() => eprintln!("try again later: {error}"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// No text of an error shows a token, a secret, or a header that is marked sensitive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library was called in a way that it does not allow.
    #[error(transparent)]
    Usage(Box<Failure>),
    /// An option is missing, unknown or wrong. Nothing was sent.
    #[error(transparent)]
    Config(Box<Failure>),
    /// The request breaks a rule. Nothing was sent.
    #[error(transparent)]
    Input(Box<Failure>),
    /// The transport could not be loaded; [`Failure::load`] says where it was looked for. Nothing was sent.
    #[error(transparent)]
    Load(Box<Failure>),
    /// The host's name could not be resolved. Nothing was sent.
    #[error(transparent)]
    Resolve(Box<Failure>),
    /// No connection could be made. Nothing was sent.
    #[error(transparent)]
    Connect(Box<Failure>),
    /// The proxy did not let the connection through. Nothing was sent.
    #[error(transparent)]
    Proxy(Box<Failure>),
    /// The TLS handshake failed. Nothing was sent.
    #[error(transparent)]
    Tls(Box<Failure>),
    /// The server could not prove who it is. Nothing was sent.
    #[error(transparent)]
    Verify(Box<Failure>),
    /// The connection was lost; [`Failure::delivery`] says whether the service may have acted.
    #[error(transparent)]
    Io(Box<Failure>),
    /// The response ended before it was complete.
    #[error(transparent)]
    Truncated(Box<Failure>),
    /// Time ran out; [`Failure::phase`] says where.
    #[error(transparent)]
    Timeout(Box<Failure>),
    /// The response breaks a rule of HTTP or of the API.
    #[error(transparent)]
    Protocol(Box<Failure>),
    /// The response is larger than allowed.
    #[error(transparent)]
    Limit(Box<Failure>),
    /// The service answered with an error.
    #[error(transparent)]
    Http(Box<Failure>),
    /// The call was cancelled, or its client closed meanwhile.
    #[error(transparent)]
    Cancelled(Box<Failure>),
    /// The system lacks a resource, such as descriptors.
    #[error(transparent)]
    Resource(Box<Failure>),
    /// Out of memory.
    #[error(transparent)]
    Memory(Box<Failure>),
    /// Something is not in a state that allows this: a queue is full, a call runs already.
    #[error(transparent)]
    State(Box<Failure>),
    /// The chosen parts cannot do this.
    #[error(transparent)]
    Unsupported(Box<Failure>),
    /// The secret cannot be had: it has expired, or was taken before.
    #[error(transparent)]
    Secret(Box<Failure>),
    /// A defect in the library or in a transport: report it.
    #[error(transparent)]
    Internal(Box<Failure>),
    /// A failure of a kind that this version of the crate does not know.
    #[error(transparent)]
    Other(Box<Failure>),

    /// The client, or its queue, is closed.
    #[error("the client is closed")]
    Closed,
    /// The libplastiq that was found is not one that this crate can work with.
    #[error("libplastiq {found} was found, and this version of the crate plastiq needs {needed}")]
    Library {
        /// The library's version and ABI.
        found: String,
        /// What would be right.
        needed: String,
    },
    /// The extra members cannot be written as a message.
    #[error("extra cannot be encoded")]
    Extra(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The library's reply cannot be read: a defect, report it.
    #[error("the reply of libplastiq cannot be read")]
    Reply(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that drives an asynchronous client could not be started.
    #[error("the thread of an asynchronous client cannot be started")]
    Thread(#[source] std::io::Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = failure.kind;
        let failure = Box::new(failure);
        match kind {
            Kind::Usage => Error::Usage(failure),
            Kind::Config => Error::Config(failure),
            Kind::Input => Error::Input(failure),
            Kind::Load => Error::Load(failure),
            Kind::Resolve => Error::Resolve(failure),
            Kind::Connect => Error::Connect(failure),
            Kind::Proxy => Error::Proxy(failure),
            Kind::Tls => Error::Tls(failure),
            Kind::Verify => Error::Verify(failure),
            Kind::Io => Error::Io(failure),
            Kind::Truncated => Error::Truncated(failure),
            Kind::Timeout => Error::Timeout(failure),
            Kind::Protocol => Error::Protocol(failure),
            Kind::Limit => Error::Limit(failure),
            Kind::Http => Error::Http(failure),
            Kind::Cancelled => Error::Cancelled(failure),
            Kind::Resource => Error::Resource(failure),
            Kind::Memory => Error::Memory(failure),
            Kind::State => Error::State(failure),
            Kind::Unsupported => Error::Unsupported(failure),
            Kind::Secret => Error::Secret(failure),
            Kind::Internal => Error::Internal(failure),
            Kind::Unknown => Error::Other(failure),
        }
    }
}

impl Error {
    /// A bare status, of a function that takes a client or a queue.
    pub(crate) fn of_handle(status: i32) -> Self {
        match Status::from_code(status) {
            Status::HANDLE | Status::CLOSED => Error::Closed,
            status => Error::from(Failure::bare(status)),
        }
    }

    /// The same for an error that may already have its details.
    pub(crate) fn or_closed(self) -> Self {
        match self.status() {
            Some(Status::HANDLE | Status::CLOSED) => Error::Closed,
            _ => self,
        }
    }

    /// All that the library tells of the failure; `None` for one of this crate's own.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Error::Usage(failure)
            | Error::Config(failure)
            | Error::Input(failure)
            | Error::Load(failure)
            | Error::Resolve(failure)
            | Error::Connect(failure)
            | Error::Proxy(failure)
            | Error::Tls(failure)
            | Error::Verify(failure)
            | Error::Io(failure)
            | Error::Truncated(failure)
            | Error::Timeout(failure)
            | Error::Protocol(failure)
            | Error::Limit(failure)
            | Error::Http(failure)
            | Error::Cancelled(failure)
            | Error::Resource(failure)
            | Error::Memory(failure)
            | Error::State(failure)
            | Error::Unsupported(failure)
            | Error::Secret(failure)
            | Error::Internal(failure)
            | Error::Other(failure) => Some(failure),
            Error::Closed | Error::Library { .. } | Error::Extra(_) | Error::Reply(_) | Error::Thread(_) => None,
        }
    }

    /// The library's status.
    pub fn status(&self) -> Option<Status> {
        self.failure().map(|failure| failure.status)
    }

    /// What sort of failure it is; of this crate's own, the nearest.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Closed | Error::Library { .. } => Kind::Usage,
            Error::Extra(_) => Kind::Input,
            Error::Reply(_) => Kind::Internal,
            Error::Thread(_) => Kind::Resource,
            _ => self.failure().map_or(Kind::Unknown, |failure| failure.kind),
        }
    }

    /// Whether the request may have reached the service.
    pub fn delivery(&self) -> Delivery {
        match self {
            Error::Reply(_) => Delivery::MaybeSent,
            _ => self.failure().map_or(Delivery::NotSent, |failure| failure.delivery),
        }
    }

    /// The HTTP status of the last error that the service answered in this call.
    pub fn http_status(&self) -> Option<u16> {
        self.failure().and_then(|failure| failure.http_status)
    }

    /// The name of the option, field or header that is wrong.
    pub fn field(&self) -> Option<&str> {
        match self {
            Error::Extra(_) => Some("extra"),
            _ => self.failure().and_then(|failure| failure.field.as_deref()),
        }
    }

    /// The id by which the service knows the call.
    pub fn trace_id(&self) -> Option<&str> {
        self.failure().and_then(|failure| failure.trace_id.as_deref())
    }

    /// What the service said, if it answered with an error of its own.
    pub fn service(&self) -> Option<&ServiceError> {
        self.failure().and_then(|failure| failure.service.as_ref())
    }

    /// When the service wants to be asked again (Retry-After).
    pub fn retry_after(&self) -> Option<Duration> {
        self.failure().and_then(|failure| failure.retry_after)
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_repeatable(&self) -> bool {
        self.failure().is_some_and(|failure| failure.repeatable)
    }
}

/// All that the library tells of a failure.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// What happened, precisely.
    pub status: Status,
    /// What sort of failure it is.
    pub kind: Kind,
    /// Where in the call it happened; for the deadline of the call, where the time ran out.
    pub phase: Phase,
    /// Whether the request may have reached the service: of all attempts, the strongest that is true.
    pub delivery: Delivery,
    /// Whether the same call may succeed later without any change.
    pub repeatable: bool,
    /// The HTTP status of the last error that the service answered in this call.
    pub http_status: Option<u16>,
    /// When the service wants to be asked again (Retry-After).
    pub retry_after: Option<Duration>,
    /// One sentence for people.
    pub message: String,
    /// The name of the option, field or header that is wrong.
    pub field: Option<String>,
    /// The id by which the service knows the call, else the one that was sent.
    pub trace_id: Option<String>,
    /// What the service said.
    #[source]
    pub service: Option<ServiceError>,
    /// What happened in each attempt; empty if nothing was attempted.
    pub attempts: Vec<Attempt>,
    /// Every place where a transport was looked for.
    pub load: Vec<LoadStep>,
}

impl Failure {
    /// Where nothing but the status is known.
    pub(crate) fn bare(status: Status) -> Self {
        Failure {
            status,
            kind: status.kind(),
            phase: Phase::from_number(raw::status_phase(status.code())),
            delivery: Delivery::NotSent,
            repeatable: false,
            http_status: None,
            retry_after: None,
            message: status.text().to_owned(),
            field: None,
            trace_id: None,
            service: None,
            attempts: Vec::new(),
            load: Vec::new(),
        }
    }
}

/// An error in the service's own words: the source of an [`Error`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceError {
    /// Its code, such as `VALIDATION_ERROR`.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// Its list of details.
    pub details: Vec<String>,
}

impl ServiceError {
    pub(crate) fn new(code: Option<String>, message: Option<String>, details: Vec<String>) -> Option<Self> {
        let said = code.is_some() || message.is_some() || !details.is_empty();
        said.then_some(ServiceError { code, message, details })
    }
}

impl std::error::Error for ServiceError {}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for text in self.code.iter().chain(&self.message).chain(&self.details) {
            write!(f, "{between}{text}")?;
            between = ": ";
        }
        Ok(())
    }
}

/// A status: kind times 1000, and a number within it. Of one that is not among the constants here, [`Status::kind`] still says what to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub(crate) i32);

impl Status {
    pub(crate) fn from_code(code: i32) -> Self {
        Status(code)
    }

    /// The number.
    pub fn code(self) -> i32 {
        self.0
    }

    /// Its name, such as `PLQ_E_CONNECT_REFUSED`.
    pub fn name(self) -> &'static str {
        raw::status_name(self.0)
    }

    /// What it means, for people.
    pub fn text(self) -> &'static str {
        raw::status_text(self.0)
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        Kind::from_number(raw::status_kind(self.0))
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What happened in one attempt. Durations that are not known, or of what did not happen, are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// [`Status::OK`], or why it failed.
    pub status: Status,
    /// Where it ended.
    pub phase: Phase,
    /// Whether its request may have reached the service.
    pub delivery: Delivery,
    /// HTTP status of its response.
    pub http_status: Option<u16>,
    /// 10, 11 or 20.
    pub http_version: Option<u8>,
    /// 0x0303 is TLS 1.2, 0x0304 is TLS 1.3.
    pub tls_version: Option<u16>,
    /// Whether it went over a connection that was open before.
    pub reused: bool,
    /// Whether the connection's TLS session was resumed.
    pub resumed: bool,
    /// 1: the access token, 2: the second one.
    pub token: Option<u8>,
    /// From the start of the call to the start of this attempt.
    pub start: Option<Duration>,
    /// The wait between the attempt before and this one.
    pub wait: Option<Duration>,
    /// Waiting for a connection to become free.
    pub queue: Option<Duration>,
    /// Looking up the name.
    pub resolve: Option<Duration>,
    /// Opening the connection, a proxy included.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// Writing the request.
    pub send: Option<Duration>,
    /// From the request written to the first byte of the response.
    pub first_byte: Option<Duration>,
    /// The whole attempt.
    pub total: Option<Duration>,
    /// Bytes of the request, as HTTP sees them.
    pub bytes_sent: u64,
    /// Bytes of the response, as HTTP sees them.
    pub bytes_received: u64,
    /// The address and port that the connection went to.
    pub peer: Option<String>,
    /// The trace id of the response, else of the request.
    pub trace_id: Option<String>,
    /// What went wrong, in words.
    pub message: Option<String>,
}

/// One place where a transport was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct LoadStep {
    /// The file or name that was tried.
    pub path: String,
    /// How far it came.
    pub stage: String,
    /// What happened there, in words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "it asks the library")]
    fn every_status_has_a_kind_and_every_kind_a_variant() {
        let statuses = crate::describe("statuses").expect("a table");
        let rows = |name| statuses.column(name).expect("a column");
        let mut count = 0;
        for ((number, name), (kind, phase)) in rows("number").zip(rows("name")).zip(rows("kind").zip(rows("phase"))) {
            if kind == "ok" {
                continue;
            }
            let failure = Failure::bare(Status::from_code(number.parse().expect("a number")));
            assert_eq!((failure.status.name(), failure.kind.name(), failure.phase.name()), (name, kind, phase));
            assert_eq!(Kind::from_name(kind), failure.kind);
            assert_eq!(Phase::from_name(phase), failure.phase);
            let error = Error::from(failure);
            assert!(!matches!(error, Error::Other(_)), "{kind} has no variant");
            assert_eq!((error.kind().name(), error.status().map(Status::code)), (kind, number.parse().ok()));
            count += 1;
        }
        assert!(count > 80, "only {count} statuses");
        assert!(matches!(Error::from(Failure::bare(Status::from_code(999_001))), Error::Other(_)));
    }
}
