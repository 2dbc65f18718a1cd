// SPDX-License-Identifier: MIT
//! Secrets.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::Failure;
use crate::{Error, Status, raw};

/// A secret: read it, take it once, ask how much life is left, drop it and it is wiped.
///
/// Its bytes lie in libplastiq's own pages: locked into memory where the system allows it, left out of core dumps, and wiped when this is
/// dropped. It prints as `[redacted]`, and cannot be serialized: what hands it to a browser says so by [`Secret::read`].
///
/// ```no_run
/// # fn run(client: plastiq::Client) -> Result<String, plastiq::Error> {
/// let created = client.client_secrets().create(Default::default())?;
/// let page = format!("<script>tokenize('{}')</script>", created.client_secret.read()?);
/// assert!(!format!("{created:?}").contains("cs_"));
/// # Ok(page)
/// # }
/// ```
///
/// It is not written to JSON by accident:
/// ```compile_fail
/// # fn run(created: plastiq::Created) {
/// serde_json::to_string(&created.client_secret);
/// # }
/// ```
pub struct Secret(raw::Secret);

impl Secret {
    pub(crate) fn claim(handle: u64) -> Result<Self, Error> {
        raw::Secret::claim(handle).map(Secret).map_err(Error::of_handle)
    }

    /// Shows the secret.
    ///
    /// # Errors
    /// [`Error::Secret`]: it has expired, or was taken.
    pub fn read(&self) -> Result<&str, Error> {
        let bytes = self.0.read().map_err(refused)?;
        std::str::from_utf8(bytes).map_err(|_| refused(plastiq_sys::PLQ_E_TEXT_ENCODING))
    }

    /// Takes the secret out: once. The copy is wiped when it is dropped.
    ///
    /// # Errors
    /// [`Error::Secret`]: it has expired, or was taken.
    pub fn take(&mut self) -> Result<Zeroizing<String>, Error> {
        let len = self.read()?.len();
        // As long as the secret from the start: one that grows would leave copies behind.
        let mut bytes = Zeroizing::new(vec![0; len]);
        self.0.take(&mut bytes).map_err(refused)?;
        let text = String::from_utf8(std::mem::take(&mut *bytes));
        text.map(Zeroizing::new).map_err(|_| refused(plastiq_sys::PLQ_E_TEXT_ENCODING))
    }

    /// How much life is left, counted from the moment that the request was sent on a clock that runs while the machine sleeps.
    pub fn life(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.life_ms()).unwrap_or(0))
    }

    /// Whether its life is over.
    pub fn is_expired(&self) -> bool {
        self.life().is_zero()
    }

    /// When its life ends, on the clock of [`life_now`](crate::life_now).
    pub fn expires_at(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.expires_at_ms()).unwrap_or(0))
    }
}

fn refused(status: i32) -> Error {
    Error::from(Failure::bare(Status::from_code(status)))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
