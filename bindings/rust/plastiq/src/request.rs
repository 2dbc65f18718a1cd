// SPDX-License-Identifier: MIT
//! What is asked for.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::{Error, raw};

/// One operation with its fields, further headers and settings: the general form, by the library's own names.
///
/// For an operation that has a type of its own, such as [`CreateParams`], that is simpler. Values are checked by the call, before
/// anything is sent; the error names the field and shows its rule. [`describe`](crate::describe) with `"operations"` and
/// `"operation_fields"` lists what there is.
///
/// ```no_run
/// # fn run(client: plastiq::Client) -> Result<(), plastiq::Error> {
/// let request = plastiq::Request::new("client_secrets.create").param("end_user_ip", "192.0.2.1");
/// let mut response = client.call(&request)?;
/// let secret = response.take_secret("client_secret");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is called"]
pub struct Request {
    pub(crate) operation: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) headers: Vec<Header>,
    pub(crate) extra: Option<Vec<u8>>,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) max_repeats: Option<u32>,
    pub(crate) attempts: bool,
}

#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: Zeroizing<String>,
    pub(crate) sensitive: bool,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.sensitive { "[redacted]" } else { self.value.as_str() };
        write!(f, "{}: {value}", self.name)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("params", &self.params)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request for an operation, by its name.
    pub fn new(operation: impl Into<String>) -> Self {
        Request {
            operation: operation.into(),
            params: Vec::new(),
            headers: Vec::new(),
            extra: None,
            timeout_ms: None,
            max_repeats: None,
            attempts: false,
        }
    }

    /// Sets a field, by its path such as `payer.id`. The last value counts.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.params.retain(|(other, _)| *other != name);
        self.params.push((name, value.into()));
        self
    }

    /// Adds a header that the operation has no field for.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: Zeroizing::new(value.into()), sensitive: false });
        self
    }

    /// Adds a header whose value is a secret: it never reaches a log, an observer or an error, and is wiped.
    pub fn sensitive_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: Zeroizing::new(value.into()), sensitive: true });
        self
    }

    /// Adds members to the body that the library does not know: a map, or a struct. They pass unchecked, and merge with fields.
    ///
    /// # Errors
    /// [`Error::Extra`] if it cannot be encoded. One that is no map is refused by the call.
    pub fn extra(mut self, members: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        self.extra = Some(rmp_serde::to_vec_named(members).map_err(|error| Error::Extra(error.into()))?);
        Ok(self)
    }

    /// The deadline of this call, repeats and waits included, in place of the client's; [`Duration::MAX`]: none.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout_ms = Some(raw::times_out_ms(timeout));
        self
    }

    /// How often this call may be repeated, in place of the client's option.
    pub fn max_repeats(mut self, max_repeats: u32) -> Self {
        self.max_repeats = Some(max_repeats);
        self
    }

    /// Has the response say what happened in each attempt. Of a failure it is always known.
    pub fn with_attempts(mut self) -> Self {
        self.attempts = true;
        self
    }
}

/// What a client secret tokenizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretType {
    /// A card.
    #[default]
    Card,
}

/// What a client secret is to be made for. Everything may be left out.
///
/// ```
/// use plastiq::CreateParams;
///
/// let params = CreateParams::new()
///     .payer_id("3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f")
///     .user_agent("Mozilla/5.0")
///     .end_user_ip(std::net::Ipv4Addr::new(192, 0, 2, 1))
///     .sensitive_header("X-Session", "test-private-1");
/// ```
#[derive(Clone, Debug)]
#[must_use = "params do nothing until a secret is created with them"]
pub struct CreateParams {
    request: Request,
}

impl Default for CreateParams {
    fn default() -> Self {
        CreateParams { request: Request::new("") }
    }
}

impl CreateParams {
    /// With nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_request(mut self, operation: &str) -> Request {
        operation.clone_into(&mut self.request.operation);
        self.request
    }

    fn set(self, name: &str, value: impl fmt::Display) -> Self {
        self.change(|request| request.param(name, value.to_string()))
    }

    fn change(self, change: impl FnOnce(Request) -> Request) -> Self {
        CreateParams { request: change(self.request) }
    }

    /// Id of the payer that the secret is for: a UUID.
    pub fn payer_id(self, id: impl fmt::Display) -> Self {
        self.set("payer.id", id)
    }

    /// What the secret tokenizes. The service's default is a card.
    pub fn secret_type(self, secret_type: SecretType) -> Self {
        let SecretType::Card = secret_type;
        self.set("type", "CARD")
    }

    /// Id that follows the call through the service's logs: a UUID of version 4. Without one the library makes one.
    pub fn trace_id(self, id: impl fmt::Display) -> Self {
        self.set("trace_id", id)
    }

    /// The end user's User-Agent. Without one the library sends its own.
    pub fn user_agent(self, user_agent: impl fmt::Display) -> Self {
        self.set("user_agent", user_agent)
    }

    /// Unique id of the end user's browser or device; recommended for compliance.
    pub fn end_user_device_id(self, id: impl fmt::Display) -> Self {
        self.set("end_user_device_id", id)
    }

    /// The end user's IPv4 or IPv6 address, as an [`IpAddr`](std::net::IpAddr) or a text; recommended for compliance.
    pub fn end_user_ip(self, address: impl fmt::Display) -> Self {
        self.set("end_user_ip", address)
    }

    /// As [`Request::header`].
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.change(|request| request.header(name, value))
    }

    /// As [`Request::sensitive_header`].
    pub fn sensitive_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.change(|request| request.sensitive_header(name, value))
    }

    /// As [`Request::extra`].
    ///
    /// # Errors
    /// [`Error::Extra`] if it cannot be encoded.
    pub fn extra(self, members: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(CreateParams { request: self.request.extra(members)? })
    }

    /// As [`Request::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|request| request.timeout(timeout))
    }

    /// As [`Request::max_repeats`].
    pub fn max_repeats(self, max_repeats: u32) -> Self {
        self.change(|request| request.max_repeats(max_repeats))
    }

    /// As [`Request::with_attempts`].
    pub fn with_attempts(self) -> Self {
        self.change(Request::with_attempts)
    }
}
