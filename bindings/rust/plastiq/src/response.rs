// SPDX-License-Identifier: MIT
//! What a call brought.

use crate::error::Attempt;
use crate::message::{Reply, Results, Shown};
use crate::{Error, Secret};

/// What a successful call brought: the general form, for [`Client::call`](crate::Client::call).
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// HTTP status of the response.
    pub http_status: u16,
    /// The id by which the service knows the call.
    pub trace_id: Option<String>,
    /// What happened in each attempt; empty unless the request asked for it.
    pub attempts: Vec<Attempt>,
    texts: Vec<(String, String)>,
    secrets: Vec<(String, Secret)>,
}

impl Response {
    pub(crate) fn from_reply(mut reply: Reply<Results>) -> Result<Self, Error> {
        let (http_status, trace_id) = (reply.http_status.unwrap_or(0), reply.trace_id.take());
        // Of a failure they are the error's.
        let attempts = if reply.status == plastiq_sys::PLQ_OK { reply.take_attempts() } else { Vec::new() };
        let mut made = Response { http_status, trace_id, attempts, texts: Vec::new(), secrets: Vec::new() };
        let mut claimed = Ok(());
        for (name, shown) in reply.into_results()?.0 {
            match shown {
                Shown::Text(text) => made.texts.push((name, text)),
                // Each is claimed, also after a failure: nobody else would free it before the client.
                Shown::Secret(handle) => match Secret::claim(handle) {
                    Ok(secret) => made.secrets.push((name, secret)),
                    Err(error) => claimed = Err(error),
                },
                Shown::Number(_) | Shown::Unknown => {}
            }
        }
        claimed.map(|()| made)
    }

    /// A result that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_str())
    }

    /// Takes out a result that is a secret.
    pub fn take_secret(&mut self, name: &str) -> Option<Secret> {
        let at = self.secrets.iter().position(|(other, _)| other == name)?;
        Some(self.secrets.swap_remove(at).1)
    }
}

/// A client secret that was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// The secret, for the buyer's browser.
    pub client_secret: Secret,
    /// HTTP status of the response: 200 or 201.
    pub http_status: u16,
    /// The id by which the service knows the call.
    pub trace_id: Option<String>,
    /// What happened in each attempt; empty unless [`CreateParams::with_attempts`](crate::CreateParams::with_attempts) asked for it.
    pub attempts: Vec<Attempt>,
}

/// What a call gives in the end.
pub trait Outcome: Sized + private::FromResponse {}

pub(crate) mod private {
    use super::{Created, Error, Response};

    pub trait FromResponse: Sized {
        fn from_response(response: Response) -> Result<Self, Error>;
    }

    impl FromResponse for Response {
        fn from_response(response: Response) -> Result<Self, Error> {
            Ok(response)
        }
    }

    impl FromResponse for Created {
        fn from_response(mut response: Response) -> Result<Self, Error> {
            let missing = || Error::Reply("it has no client secret".into());
            let client_secret = response.take_secret("client_secret").ok_or_else(missing)?;
            let Response { http_status, trace_id, attempts, .. } = response;
            Ok(Created { client_secret, http_status, trace_id, attempts })
        }
    }
}

impl Outcome for Response {}
impl Outcome for Created {}
