// SPDX-License-Identifier: MIT
//! Clients that block.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::events::Event;
use crate::message::{self, Message, Reply, Results};
use crate::response::private::FromResponse as _;
use crate::{AsyncClient, CreateParams, Created, Error, Request, Response, Table, raw};

/// A hook that is told of events.
type Observer = Box<dyn Fn(&Event) + Send + Sync>;

pub(crate) struct Inner {
    pub(crate) raw: raw::Client,
    observers: Vec<Observer>,
}

impl Inner {
    pub(crate) fn wants_events(&self) -> bool {
        !self.observers.is_empty()
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            for observer in &self.observers {
                observer(event);
            }
        }
    }

    /// Reads a reply to the end: claims its secrets, then tells the observers.
    pub(crate) fn finish(&self, reply: &[u8]) -> Result<Response, Error> {
        let mut reply = Reply::<Results>::read(reply)?;
        let events = std::mem::take(&mut reply.events);
        let outcome = Response::from_reply(reply);
        self.tell(&events);
        outcome
    }
}

/// A client whose calls block.
///
/// It may be used by any number of threads at once; clones share one client of the library and its connections. Each call runs on the
/// thread that makes it, and no thread is started. The last clone that is dropped cancels what runs and walks away;
/// [`Client::close`] waits. What calls returned outlives the client.
///
/// After `fork` a client works in the child, with connections of its own.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Begins with what the environment says: `PLASTIQ_…` variables, and the file that `PLASTIQ_CONFIG` names.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::begin(true)
    }

    /// Begins with nothing: neither environment nor files are read.
    pub fn builder_without_environment() -> ClientBuilder {
        ClientBuilder::begin(false)
    }

    /// The operations on client secrets.
    pub fn client_secrets(&self) -> ClientSecrets<'_> {
        ClientSecrets { on: On::Client(self) }
    }

    /// Sends a request, by the library's own names, and waits for its outcome.
    ///
    /// # Errors
    /// Whatever keeps it from succeeding; see [`Error`].
    pub fn call(&self, request: &Request) -> Result<Response, Error> {
        On::Client(self).call(request)
    }

    /// A call that can be cancelled from another thread.
    ///
    /// # Errors
    /// [`Error::Closed`], or a lack of handles or memory.
    pub fn cancellable(&self) -> Result<Call, Error> {
        let raw = raw::Call::new(&self.inner.raw).map_err(Error::or_closed)?;
        Ok(Call { inner: Arc::new(CallInner { raw, client: self.clone() }) })
    }

    /// An asynchronous client on this one: the same options, tokens and observers, on connections of its own.
    ///
    /// With the feature `tokio`, inside a tokio runtime, it waits in that runtime's poller, and is to be used in that runtime. Otherwise a
    /// thread of its own, named `plastiq`, does the work, and it is for any executor.
    ///
    /// # Errors
    /// [`Error::Closed`], or what the transport says when it cannot be set up.
    pub fn to_async(&self) -> Result<AsyncClient, Error> {
        AsyncClient::new(self.clone(), true)
    }

    /// As [`Client::to_async`], but with a thread of its own in any case.
    ///
    /// # Errors
    /// As for [`Client::to_async`].
    pub fn to_async_with_thread(&self) -> Result<AsyncClient, Error> {
        AsyncClient::new(self.clone(), false)
    }

    /// Opens connections ahead of the first call, so that `count` are open; says how many are. No request is sent.
    ///
    /// # Errors
    /// Why the last one could not be opened.
    pub fn warm(&self, count: u32, timeout: Duration) -> Result<u32, Error> {
        self.inner.raw.warm(count, timeout).map_err(Error::or_closed)
    }

    /// Replaces the access tokens; attempts that were sent go on with the old ones. `second` is tried once after a 401.
    ///
    /// # Errors
    /// [`Error::Config`]: one of them has a character that no token may have, such as a line end; or the address comes from the environment,
    /// to which no token of code goes unless the option `allow_ambient_address` says so. Nothing was replaced.
    pub fn set_tokens(&self, token: Option<&str>, second: Option<&str>) -> Result<(), Error> {
        self.inner.raw.set_tokens(token, second).map_err(Error::or_closed)
    }

    /// An option as the client uses it: defaults filled in, `base_url` the effective one, secrets as `[set]`.
    ///
    /// # Errors
    /// There is no such option; [`Error::Closed`].
    pub fn option(&self, name: &str) -> Result<OptionValue, Error> {
        let options = self.inner.raw.options().map_err(Error::or_closed)?;
        let (value, source) = options.get(name)?;
        let source = match source {
            plastiq_sys::PLQ_SOURCE_FILE => Source::File,
            plastiq_sys::PLQ_SOURCE_ENVIRONMENT => Source::Environment,
            plastiq_sys::PLQ_SOURCE_CODE => Source::Code,
            _ => Source::Default,
        };
        Ok(OptionValue { value, source })
    }

    /// A table that the library has of itself, such as `options` with this client's values; see [`describe`](crate::describe).
    ///
    /// # Errors
    /// There is no such table: the error names the nearest one; [`Error::Closed`].
    pub fn describe(&self, table: &str) -> Result<Table, Error> {
        Table::read(&self.inner.raw.call_message(&message::write_describe(table)).map_err(Error::of_handle)?)
    }

    /// The facts of this client's transport.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn transport(&self) -> Result<Transport, Error> {
        use plastiq_sys::*;
        let which = [
            PLQ_TRANSPORT_NAME,
            PLQ_TRANSPORT_PATH,
            PLQ_TRANSPORT_VERSION,
            PLQ_TRANSPORT_STACK,
            PLQ_TRANSPORT_CLASS,
            PLQ_TRANSPORT_ID,
            PLQ_TRANSPORT_VENDOR,
            PLQ_TRANSPORT_LICENSE,
            PLQ_TRANSPORT_CAPABILITIES,
        ];
        let mut texts = self.inner.raw.transport(&which).map_err(Error::or_closed)?.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        Ok(Transport {
            name: next(),
            path: next(),
            version: next(),
            stack: next(),
            class: next(),
            id: next(),
            vendor: next(),
            license: next(),
            capabilities: next().split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// What the client has done, its asynchronous clients included.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn stats(&self) -> Result<Stats, Error> {
        let numbers: [i64; plastiq_sys::PLQ_STATS as usize] = self.inner.raw.stats().map_err(Error::of_handle)?;
        let at = |which: u32| u64::try_from(numbers[which as usize]).ok();
        let count = |which| at(which).unwrap_or(0);
        Ok(Stats {
            calls: count(plastiq_sys::PLQ_STAT_CALLS),
            calls_succeeded: count(plastiq_sys::PLQ_STAT_CALLS_SUCCEEDED),
            calls_failed: count(plastiq_sys::PLQ_STAT_CALLS_FAILED),
            calls_in_flight: count(plastiq_sys::PLQ_STAT_CALLS_IN_FLIGHT),
            attempts: count(plastiq_sys::PLQ_STAT_ATTEMPTS),
            repeats: count(plastiq_sys::PLQ_STAT_REPEATS),
            repeats_denied: count(plastiq_sys::PLQ_STAT_REPEATS_DENIED),
            repeats_left: count(plastiq_sys::PLQ_STAT_REPEATS_LEFT),
            connections_opened: count(plastiq_sys::PLQ_STAT_CONNECTIONS_OPENED),
            connections_reused: count(plastiq_sys::PLQ_STAT_CONNECTIONS_REUSED),
            connections_open: at(plastiq_sys::PLQ_STAT_CONNECTIONS_OPEN),
            connections_busy: at(plastiq_sys::PLQ_STAT_CONNECTIONS_BUSY),
            bytes_sent: count(plastiq_sys::PLQ_STAT_BYTES_SENT),
            bytes_received: count(plastiq_sys::PLQ_STAT_BYTES_RECEIVED),
            tokens_read: count(plastiq_sys::PLQ_STAT_TOKENS_READ),
        })
    }

    /// Closes the client, for all of its clones: no new call starts, running ones are cancelled, and the end of those that block is waited
    /// for. Calls of asynchronous clients are cancelled too, and end where they are awaited.
    ///
    /// # Errors
    /// [`Error::State`]: some calls still ran when the time was over; they end by themselves. [`Error::Closed`]: it was closed before.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.inner.raw.close(timeout).map_err(Error::of_handle)
    }
}

/// What a call runs on.
#[derive(Clone, Copy)]
enum On<'a> {
    Client(&'a Client),
    Call(&'a Call),
}

impl On<'_> {
    fn client(&self) -> &Client {
        match self {
            On::Client(client) => client,
            On::Call(call) => &call.inner.client,
        }
    }

    fn call(&self, request: &Request) -> Result<Response, Error> {
        let inner = &self.client().inner;
        let message: Message = message::write_request(request, inner.wants_events());
        let reply = match self {
            On::Client(client) => client.inner.raw.call_message(&message),
            On::Call(call) => call.inner.raw.call_message(&message),
        };
        inner.finish(&reply.map_err(Error::of_handle)?)
    }
}

/// The operations on client secrets, of a [`Client`] or of a [`Call`] that can be cancelled.
#[derive(Clone, Copy)]
pub struct ClientSecrets<'a> {
    on: On<'a>,
}

impl std::fmt::Debug for ClientSecrets<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSecrets").finish_non_exhaustive()
    }
}

impl ClientSecrets<'_> {
    /// Makes a client secret that works once and lives 60 seconds.
    ///
    /// # Errors
    /// Whatever keeps it from succeeding; see [`Error`].
    pub fn create(&self, params: CreateParams) -> Result<Created, Error> {
        Created::from_response(self.on.call(&params.into_request("client_secrets.create"))?)
    }

    /// Makes a client secret of the later variant: it works once and lives 30 minutes.
    ///
    /// # Errors
    /// Whatever keeps it from succeeding; see [`Error`].
    pub fn create_v2(&self, params: CreateParams) -> Result<Created, Error> {
        Created::from_response(self.on.call(&params.into_request("client_secrets.create_v2"))?)
    }
}

struct CallInner {
    raw: raw::Call,
    client: Client,
}

/// A call that can be cancelled from another thread: make one by [`Client::cancellable`], clone it, run it here and cancel it there.
///
/// ```no_run
/// # fn run(client: plastiq::Client) -> Result<(), plastiq::Error> {
/// let call = client.cancellable()?;
/// let other = call.clone();
/// std::thread::spawn(move || {
///     std::thread::sleep(std::time::Duration::from_secs(1));
///     other.cancel();
/// });
/// let created = call.client_secrets().create(Default::default())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Call {
    inner: Arc<CallInner>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Call {
    /// The operations on client secrets; one at a time.
    pub fn client_secrets(&self) -> ClientSecrets<'_> {
        ClientSecrets { on: On::Call(self) }
    }

    /// As [`Client::call`].
    ///
    /// # Errors
    /// As for [`Client::call`], and [`Error::Cancelled`]; [`Error::State`]: it runs a call already.
    pub fn call(&self, request: &Request) -> Result<Response, Error> {
        On::Call(self).call(request)
    }

    /// Cancels what runs, or what will run next: a cancel is never lost.
    pub fn cancel(&self) {
        self.inner.raw.cancel();
    }
}

/// Options for a client. The first mistake is kept, and told by [`ClientBuilder::build`].
///
/// There is a method for each option. A value that is set here is stronger than a `PLASTIQ_…` variable, which is stronger than the file
/// that `PLASTIQ_CONFIG` names. Values are checked, and tokens copied into the library's own pages, at once.
///
/// ```
/// # fn run() -> Result<(), plastiq::Error> {
/// use std::time::Duration;
///
/// let client = plastiq::Client::builder_without_environment()
///     .access_token("test-key-0000000000000000")
///     .timeout(Duration::from_secs(5))
///     .transport("stub")
///     .allow_test_transports(true)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a client is only made by build()"]
pub struct ClientBuilder {
    options: Result<raw::Options, Error>,
    observers: Vec<Observer>,
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

impl ClientBuilder {
    fn begin(ambient: bool) -> Self {
        let options = crate::check_library().and_then(|()| raw::Options::new(ambient));
        ClientBuilder { options, observers: Vec::new() }
    }

    fn change(mut self, change: impl FnOnce(&mut raw::Options) -> Result<(), Error>) -> Self {
        if let Ok(options) = &mut self.options {
            if let Err(error) = change(options) {
                self.options = Err(error);
            }
        }
        self
    }

    /// Sets an option by its name, from text; also one of a transport, such as `curl.something`.
    pub fn option(self, name: &str, value: impl AsRef<str>) -> Self {
        self.change(|options| options.set(name, Some(value.as_ref().as_bytes())))
    }

    /// Sets an option by its name, from a number.
    pub fn option_number(self, name: &str, value: i64) -> Self {
        self.change(|options| options.set_number(name, value))
    }

    /// Takes back what was set here: the environment's value counts again, or the default.
    pub fn unset(self, name: &str) -> Self {
        self.change(|options| options.set(name, None))
    }

    pub(crate) fn set_duration(self, name: &str, value: Duration) -> Self {
        self.option_number(name, raw::times_out_ms(value))
    }

    pub(crate) fn set_path(self, name: &str, path: &Path) -> Self {
        // What is no UTF-8 is refused by the library, which says so.
        self.change(|options| options.set(name, Some(path.as_os_str().as_bytes())))
    }

    pub(crate) fn set_list(self, name: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let values: Vec<_> = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
        self.option(name, values.join(","))
    }

    /// Has a function of yours told what happens during calls, for logs, metrics and traces.
    ///
    /// It is called when a call is over, once for each of its events in their order: of a call that blocks on its thread, before the call
    /// returns; of an asynchronous one where the queue is driven, also if the future was dropped meanwhile. It may run on several threads
    /// at once. Be quick: other calls wait; and await nothing of the same client. If it panics, the panic goes on in the call that it was told
    /// of, where that is made or awaited. What belongs to no call is not told: the event `warm`, and lines of `log` outside of calls.
    ///
    /// ```
    /// let builder = plastiq::Client::builder_without_environment().observe(|event| {
    ///     if event.name() == "call_end" {
    ///         eprintln!("{:?} after {:?}", event.text("status_name"), event.duration("elapsed_us"));
    ///     }
    /// });
    /// ```
    pub fn observe(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Makes the client: checks the options together, loads the transport, reads CA certificates and keys. No network I/O.
    ///
    /// # Errors
    /// The first mistake in the options; [`Error::Config`], [`Error::Load`]; [`Error::Library`].
    pub fn build(self) -> Result<Client, Error> {
        let raw = raw::Client::new(&self.options?)?;
        Ok(Client { inner: Arc::new(Inner { raw, observers: self.observers }) })
    }

    /// Makes an asynchronous client; see [`Client::to_async`].
    ///
    /// # Errors
    /// As for [`ClientBuilder::build`].
    pub fn build_async(self) -> Result<AsyncClient, Error> {
        self.build()?.to_async()
    }
}

/// Where an option's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The library's default.
    Default,
    /// The file that `PLASTIQ_CONFIG` names.
    File,
    /// A `PLASTIQ_…` variable.
    Environment,
    /// The program.
    Code,
}

/// An option as a client uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionValue {
    /// Its value; `[set]` for a secret; `None` if there is neither a value nor a default.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
}

/// The facts of a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transport {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Its own version.
    pub version: String,
    /// The libraries under it, with their versions.
    pub stack: String,
    /// `production` or `test`.
    pub class: String,
    /// Its reverse-DNS name.
    pub id: String,
    /// Who makes it.
    pub vendor: String,
    /// Its licence.
    pub license: String,
    /// What it can do.
    pub capabilities: Vec<String>,
}

/// What a client has done, counted since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that began.
    pub calls: u64,
    /// Of these: that ended well.
    pub calls_succeeded: u64,
    /// Of these: that failed.
    pub calls_failed: u64,
    /// Of these: that run now.
    pub calls_in_flight: u64,
    /// Requests that a transport was asked to carry.
    pub attempts: u64,
    /// Attempts that came after another one of the same call.
    pub repeats: u64,
    /// Repeats that were not made because the budget was used up.
    pub repeats_denied: u64,
    /// What is left of the option `repeat_budget` now.
    pub repeats_left: u64,
    /// Attempts on a new connection.
    pub connections_opened: u64,
    /// Attempts on one that was open already.
    pub connections_reused: u64,
    /// Connections that are open now; `None`: the transport does not tell.
    pub connections_open: Option<u64>,
    /// Of these: that carry a request now; `None`: the transport does not tell.
    pub connections_busy: Option<u64>,
    /// Bytes of requests, as HTTP sees them.
    pub bytes_sent: u64,
    /// Bytes of responses, as HTTP sees them.
    pub bytes_received: u64,
    /// How often a file of a token was read again because it had changed.
    pub tokens_read: u64,
}
