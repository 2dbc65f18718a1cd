// SPDX-License-Identifier: MIT
#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod asynchronous;
mod client;
mod describe;
mod error;
mod events;
mod generated;
mod message;
#[allow(unsafe_code)]
mod raw;
mod request;
mod response;
mod secret;

use std::time::Duration;

pub use asynchronous::{AsyncClient, AsyncClientSecrets, Calling, Closing, QueueStats, Warming};
pub use client::{Call, Client, ClientBuilder, ClientSecrets, OptionValue, Source, Stats, Transport};
pub use describe::{Table, describe};
pub use error::{Attempt, Error, Failure, LoadStep, ServiceError, Status};
pub use events::{Event, Value};
pub use generated::{Delivery, Kind, Phase};
pub use request::{CreateParams, Request, SecretType};
pub use response::{Created, Outcome, Response};
pub use secret::Secret;

/// The version of this crate, which is that of the library that it was made for.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the libplastiq that runs, which may be newer than this crate.
pub fn library_version() -> &'static str {
    raw::version()
}

/// What this build of libplastiq can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// Transports can be loaded from files.
    pub dlopen: bool,
    /// The pages of tokens and secrets are kept out of core dumps.
    pub dontdump: bool,
    /// Observers of C; this crate needs none.
    pub observers: bool,
}

/// Tells what this build of libplastiq can do.
pub fn features() -> Features {
    let bits = raw::features();
    Features {
        dlopen: bits & plastiq_sys::PLQ_FEATURE_DLOPEN != 0,
        dontdump: bits & plastiq_sys::PLQ_FEATURE_DONTDUMP != 0,
        observers: bits & plastiq_sys::PLQ_FEATURE_OBSERVERS != 0,
    }
}

/// The clock by which secrets live: it runs while the machine sleeps, and is no wall clock.
pub fn life_now() -> Duration {
    Duration::from_millis(u64::try_from(raw::life_now_ms()).unwrap_or(0))
}

/// The least minor of the ABI that has all that is used here.
const ABI_MINOR: u32 = 0;

fn check_library() -> Result<(), Error> {
    if raw::abi_require(plastiq_sys::PLQ_ABI_MAJOR, ABI_MINOR) == plastiq_sys::PLQ_OK {
        return Ok(());
    }
    let (major, minor) = raw::abi_version();
    Err(Error::Library {
        found: format!("{} with the ABI {major}.{minor}", raw::version()),
        needed: format!("the ABI {}, {}.{ABI_MINOR} or later", plastiq_sys::PLQ_ABI_MAJOR, plastiq_sys::PLQ_ABI_MAJOR),
    })
}
