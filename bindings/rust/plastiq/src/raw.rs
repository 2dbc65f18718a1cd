// SPDX-License-Identifier: MIT
//! The one module with `unsafe`: libplastiq's functions, made safe to call. Everything else of the crate is checked by the compiler.
//!
//! What makes them safe: handles are numbers that the library checks itself, a stale one is a status; an object behind a pointer has one
//! owner here, which frees it once; texts that are borrowed from an object are copied, or borrow the owner.

use std::ffi::CStr;
use std::ops::Deref;
#[cfg(feature = "tokio")]
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use plastiq_sys as sys;

use crate::error::{Attempt, Failure, LoadStep, ServiceError};
use crate::{Delivery, Error, Kind, Phase, Status};

/// A status that is no success.
pub(crate) type Refusal = i32;

pub(crate) fn times_out_ms(timeout: Duration) -> i64 {
    if timeout == Duration::MAX {
        return -1;
    }
    // A part of a millisecond counts as one: 0 would mean not to wait at all.
    i64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

// ---- texts ----

/// # Safety
/// `text` is NULL, or a C text that is never freed.
unsafe fn static_text(text: *const std::ffi::c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: the caller says so.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap_or("")
}

/// Copies a text that the library lends together with its length.
///
/// # Safety
/// `lend` gives NULL, or a pointer to as many bytes as it writes to its argument, which live until the next call into the library.
unsafe fn copied(lend: impl FnOnce(*mut usize) -> *const std::ffi::c_char) -> String {
    let mut len = 0;
    let text = lend(&mut len);
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller says so.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    String::from_utf8_lossy(bytes).into_owned()
}

fn some(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}

// ---- the library ----

pub(crate) fn version() -> &'static str {
    // SAFETY: takes nothing, and gives a static text.
    unsafe { static_text(sys::plq_version()) }
}

pub(crate) fn abi_version() -> (u32, u32) {
    // SAFETY: takes nothing.
    let version = unsafe { sys::plq_abi_version() };
    (version >> 16, version & 0xffff)
}

pub(crate) fn features() -> u64 {
    // SAFETY: takes nothing.
    unsafe { sys::plq_features() }
}

pub(crate) fn abi_require(major: u32, minor: u32) -> Refusal {
    // SAFETY: takes numbers.
    unsafe { sys::plq_abi_require(major, minor) }
}

pub(crate) fn status_name(status: i32) -> &'static str {
    // SAFETY: any number is allowed, and the text is static.
    unsafe { static_text(sys::plq_status_name(status)) }
}

pub(crate) fn status_text(status: i32) -> &'static str {
    // SAFETY: any number is allowed, and the text is static.
    unsafe { static_text(sys::plq_status_text(status)) }
}

pub(crate) fn status_kind(status: i32) -> i32 {
    // SAFETY: any number is allowed.
    unsafe { sys::plq_status_kind(status) }
}

pub(crate) fn status_phase(status: i32) -> i32 {
    // SAFETY: any number is allowed.
    unsafe { sys::plq_status_phase(status) }
}

pub(crate) fn life_now_ms() -> i64 {
    // SAFETY: takes nothing.
    unsafe { sys::plq_life_now_ms() }
}

// ---- errors ----

/// Runs a function that has an out_error, and turns what it says into an error of ours.
fn checked(call: impl FnOnce(*mut *mut sys::plq_error) -> i32) -> Result<(), Error> {
    let mut error = ptr::null_mut();
    let status = call(&mut error);
    let owned = OwnedError(error);
    if status == sys::PLQ_OK { Ok(()) } else { Err(Error::from(owned.read(status))) }
}

/// NULL where there was no memory for one.
struct OwnedError(*mut sys::plq_error);

impl Drop for OwnedError {
    fn drop(&mut self) {
        // SAFETY: it is NULL or owned, and freed here only.
        unsafe { sys::plq_error_free(self.0) }
    }
}

impl OwnedError {
    fn read(&self, status: i32) -> Failure {
        let error = self.0;
        if error.is_null() {
            return Failure::bare(Status::from_code(status));
        }
        // Getters accept the pointer for as long as self lives, and lend texts that live as long.
        // SAFETY: as said.
        let text = |get: unsafe extern "C" fn(*const sys::plq_error, *mut usize) -> *const std::ffi::c_char| unsafe {
            copied(|len| get(error, len))
        };
        // SAFETY: as said.
        let number = |get: unsafe extern "C" fn(*const sys::plq_error) -> i32| unsafe { get(error) };
        // SAFETY: as said.
        let retry_after_ms = unsafe { sys::plq_error_retry_after_ms(error) };
        // SAFETY: as said.
        let detail_count = unsafe { sys::plq_error_detail_count(error) };
        // SAFETY: as said; each index is below the count.
        let details =
            (0..detail_count).map(|i| unsafe { copied(|len| sys::plq_error_detail(error, i, len)) }).collect();
        // SAFETY: as said.
        let attempts = unsafe { sys::plq_error_attempts(error) };
        Failure {
            status: Status::from_code(status),
            kind: Kind::from_number(number(sys::plq_error_kind)),
            phase: Phase::from_number(number(sys::plq_error_phase)),
            delivery: Delivery::from_number(number(sys::plq_error_delivery)),
            repeatable: number(sys::plq_error_repeatable) != 0,
            http_status: u16::try_from(number(sys::plq_error_http_status)).ok().filter(|status| *status != 0),
            retry_after: u64::try_from(retry_after_ms).ok().map(Duration::from_millis),
            message: text(sys::plq_error_message),
            field: some(text(sys::plq_error_field)),
            trace_id: some(text(sys::plq_error_trace_id)),
            service: ServiceError::new(
                some(text(sys::plq_error_service_code)),
                some(text(sys::plq_error_service_message)),
                details,
            ),
            // SAFETY: borrowed from the error, which lives.
            attempts: unsafe { read_attempts(attempts) },
            load: self.read_load(),
        }
    }

    fn read_load(&self) -> Vec<LoadStep> {
        // SAFETY: the error lives as long as self.
        let count = unsafe { sys::plq_error_load_count(self.0) };
        // SAFETY: as said.
        let text = |i, which| unsafe { copied(|len| sys::plq_error_load_text(self.0, i, which, len)) };
        (0..count)
            .map(|i| LoadStep {
                path: text(i, sys::PLQ_LOAD_PATH),
                stage: text(i, sys::PLQ_LOAD_STAGE),
                reason: text(i, sys::PLQ_LOAD_REASON),
            })
            .collect()
    }
}

/// # Safety
/// `attempts` is NULL or lives.
unsafe fn read_attempts(attempts: *const sys::plq_attempts) -> Vec<Attempt> {
    let number = |i, which| {
        let mut number = 0;
        // SAFETY: the attempts live; an unknown number is a status, and leaves 0.
        let status = unsafe { sys::plq_attempts_number(attempts, i, which, &mut number) };
        if status == sys::PLQ_OK { number } else { -1 }
    };
    // SAFETY: the attempts live.
    let text = |i, which| some(unsafe { copied(|len| sys::plq_attempts_text(attempts, i, which, len)) });
    let known = |i, which| u64::try_from(number(i, which)).ok().filter(|number| *number != 0);
    let lasted = |i, which| u64::try_from(number(i, which)).ok().map(Duration::from_micros);
    // SAFETY: the attempts live.
    let count = unsafe { sys::plq_attempts_count(attempts) };
    (0..count)
        .map(|i| Attempt {
            status: Status::from_code(number(i, sys::PLQ_ATTEMPT_STATUS) as i32),
            phase: Phase::from_number(number(i, sys::PLQ_ATTEMPT_PHASE) as i32),
            delivery: Delivery::from_number(number(i, sys::PLQ_ATTEMPT_DELIVERY) as i32),
            http_status: known(i, sys::PLQ_ATTEMPT_HTTP_STATUS).map(|status| status as u16),
            http_version: known(i, sys::PLQ_ATTEMPT_HTTP_VERSION).map(|version| version as u8),
            tls_version: known(i, sys::PLQ_ATTEMPT_TLS_VERSION).map(|version| version as u16),
            reused: number(i, sys::PLQ_ATTEMPT_REUSED) == 1,
            resumed: number(i, sys::PLQ_ATTEMPT_RESUMED) == 1,
            token: known(i, sys::PLQ_ATTEMPT_TOKEN).map(|token| token as u8),
            start: lasted(i, sys::PLQ_ATTEMPT_START_US),
            wait: lasted(i, sys::PLQ_ATTEMPT_WAIT_US),
            queue: lasted(i, sys::PLQ_ATTEMPT_QUEUE_US),
            resolve: lasted(i, sys::PLQ_ATTEMPT_RESOLVE_US),
            connect: lasted(i, sys::PLQ_ATTEMPT_CONNECT_US),
            tls: lasted(i, sys::PLQ_ATTEMPT_TLS_US),
            send: lasted(i, sys::PLQ_ATTEMPT_SEND_US),
            first_byte: lasted(i, sys::PLQ_ATTEMPT_FIRST_BYTE_US),
            total: lasted(i, sys::PLQ_ATTEMPT_TOTAL_US),
            bytes_sent: known(i, sys::PLQ_ATTEMPT_BYTES_SENT).unwrap_or(0),
            bytes_received: known(i, sys::PLQ_ATTEMPT_BYTES_RECEIVED).unwrap_or(0),
            peer: text(i, sys::PLQ_ATTEMPT_PEER),
            trace_id: text(i, sys::PLQ_ATTEMPT_TRACE_ID),
            message: text(i, sys::PLQ_ATTEMPT_MESSAGE),
        })
        .collect()
}

// ---- options ----

pub(crate) struct Options(NonNull<sys::plq_options>);

// SAFETY: an object of the library may be used by any thread, one at a time; it is not shared, since every function here that changes it
// takes it mutably, and those that read write nothing.
unsafe impl Send for Options {}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { sys::plq_options_free(self.0.as_ptr()) }
    }
}

impl Options {
    pub(crate) fn new(ambient: bool) -> Result<Self, Error> {
        let flags = if ambient { 0 } else { sys::PLQ_NO_AMBIENT };
        let mut options = ptr::null_mut();
        // SAFETY: the out pointers live.
        checked(|error| unsafe { sys::plq_options_new(flags, &mut options, error) })?;
        Ok(Options(NonNull::new(options).expect("a success has its result")))
    }

    /// `None` takes back what was set.
    pub(crate) fn set(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), Error> {
        let (at, len) = value.map_or((ptr::null(), 0), |value| (value.as_ptr().cast(), value.len()));
        // SAFETY: texts are given with their lengths, and copied.
        checked(|error| unsafe {
            sys::plq_options_set(self.0.as_ptr(), key.as_ptr().cast(), key.len(), at, len, error)
        })
    }

    pub(crate) fn set_number(&mut self, key: &str, value: i64) -> Result<(), Error> {
        // SAFETY: the text is given with its length, and copied.
        checked(|error| unsafe {
            sys::plq_options_set_number(self.0.as_ptr(), key.as_ptr().cast(), key.len(), value, error)
        })
    }

    /// The value, if there is one, and PLQ_SOURCE_*.
    pub(crate) fn get(&self, key: &str) -> Result<(Option<String>, i32), Error> {
        let (mut value, mut len, mut source) = (ptr::null(), 0, 0);
        // SAFETY: the text is given with its length; the out pointers live.
        let status = unsafe {
            sys::plq_options_get(self.0.as_ptr(), key.as_ptr().cast(), key.len(), &mut value, &mut len, &mut source)
        };
        if status != sys::PLQ_OK {
            let mut failure = Failure::bare(Status::from_code(status));
            failure.message = format!("{}: {key:?}", failure.message);
            failure.field = Some(key.to_owned());
            return Err(Error::from(failure));
        }
        if value.is_null() {
            return Ok((None, source));
        }
        // SAFETY: borrowed from the options, which live and are not set meanwhile.
        let text = unsafe {
            copied(|out_len| {
                *out_len = len;
                value
            })
        };
        Ok((Some(text), source))
    }
}

// ---- clients ----

/// Frees the client when dropped.
pub(crate) struct Client(sys::plq_client_id);

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: takes a number; a stale one does nothing.
        unsafe { sys::plq_client_free(self.0) }
    }
}

impl Client {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let mut client = 0;
        // SAFETY: the options live, and are copied.
        checked(|error| unsafe { sys::plq_client_new(options.0.as_ptr(), &mut client, error) })?;
        Ok(Client(client))
    }

    pub(crate) fn set_tokens(&self, first: Option<&str>, second: Option<&str>) -> Result<(), Error> {
        let (first, first_len) = first.map_or((ptr::null(), 0), |text| (text.as_ptr().cast(), text.len()));
        let (second, second_len) = second.map_or((ptr::null(), 0), |text| (text.as_ptr().cast(), text.len()));
        // SAFETY: texts are given with their lengths, and copied.
        checked(|error| unsafe { sys::plq_client_set_tokens(self.0, first, first_len, second, second_len, error) })
    }

    /// How many connections are open afterwards.
    pub(crate) fn warm(&self, count: u32, timeout: Duration) -> Result<u32, Error> {
        let mut open = 0;
        let timeout_ms = times_out_ms(timeout);
        // SAFETY: takes numbers; the out pointers live.
        checked(|error| unsafe { sys::plq_client_warm(self.0, count, timeout_ms, &mut open, error) })?;
        Ok(open)
    }

    pub(crate) fn options(&self) -> Result<Options, Error> {
        let mut options = ptr::null_mut();
        // SAFETY: takes a number; the out pointers live.
        checked(|error| unsafe { sys::plq_client_options(self.0, &mut options, error) })?;
        Ok(Options(NonNull::new(options).expect("a success has its result")))
    }

    /// The texts of the client's transport, by PLQ_TRANSPORT_*.
    pub(crate) fn transport(&self, which: &[i32]) -> Result<Vec<String>, Error> {
        let mut transports = ptr::null_mut();
        // SAFETY: takes a number; the out pointers live.
        checked(|error| unsafe { sys::plq_client_transport(self.0, &mut transports, error) })?;
        // SAFETY: the list lives until it is freed below.
        let text = |which| unsafe { copied(|len| sys::plq_transports_text(transports, 0, which, len)) };
        let texts = which.iter().map(|which| text(*which)).collect();
        // SAFETY: owned, and freed here only.
        unsafe { sys::plq_transports_free(transports) };
        Ok(texts)
    }

    pub(crate) fn close(&self, timeout: Duration) -> Result<(), Refusal> {
        // SAFETY: takes numbers.
        match unsafe { sys::plq_client_close(self.0, times_out_ms(timeout)) } {
            sys::PLQ_OK => Ok(()),
            status => Err(status),
        }
    }

    pub(crate) fn stats<const N: usize>(&self) -> Result<[i64; N], Refusal> {
        let mut values = [-1; N];
        // SAFETY: there is room for as many as are said.
        match unsafe { sys::plq_client_stats(self.0, values.as_mut_ptr(), N as u32) } {
            sys::PLQ_OK => Ok(values),
            status => Err(status),
        }
    }

    pub(crate) fn call_message(&self, message: &[u8]) -> Result<Reply, Refusal> {
        call_message(self.0, message)
    }
}

/// Without a client: for describe.
pub(crate) fn describe_message(message: &[u8]) -> Result<Reply, Refusal> {
    call_message(0, message)
}

fn call_message(client: sys::plq_client_id, message: &[u8]) -> Result<Reply, Refusal> {
    // SAFETY: the message is given with its length, and only read; the out pointers live.
    reply(|at, len| unsafe { sys::plq_call_message(client, message.as_ptr(), message.len(), at, len) })
}

fn reply(call: impl FnOnce(*mut *mut u8, *mut usize) -> i32) -> Result<Reply, Refusal> {
    let (mut at, mut len) = (ptr::null_mut(), 0);
    let status = call(&mut at, &mut len);
    match NonNull::new(at) {
        Some(at) if status == sys::PLQ_OK => Ok(Reply { at, len }),
        _ => Err(status),
    }
}

/// A reply in the library's own pages, wiped when dropped.
pub(crate) struct Reply {
    at: NonNull<u8>,
    len: usize,
}

impl Deref for Reply {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: as many bytes as the library said, and they live until they are freed in drop.
        unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { sys::plq_message_free(self.at.as_ptr(), self.len) }
    }
}

// ---- calls that can be cancelled ----

pub(crate) struct Call(sys::plq_call_id);

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: takes a number; a stale one does nothing.
        unsafe { sys::plq_call_free(self.0) }
    }
}

impl Call {
    pub(crate) fn new(client: &Client) -> Result<Self, Error> {
        let mut call = 0;
        // SAFETY: takes a number; the out pointers live.
        checked(|error| unsafe { sys::plq_call_new(client.0, &mut call, error) })?;
        Ok(Call(call))
    }

    pub(crate) fn cancel(&self) {
        // SAFETY: takes a number. It lives as long as self, so there is nothing to report.
        unsafe { sys::plq_call_cancel(self.0) };
    }

    pub(crate) fn call_message(&self, message: &[u8]) -> Result<Reply, Refusal> {
        // SAFETY: the message is given with its length, and only read; the out pointers live.
        reply(|at, len| unsafe { sys::plq_call_run_message(self.0, message.as_ptr(), message.len(), at, len) })
    }
}

// ---- queues ----

/// What [`Queue::next`] found.
pub(crate) enum Next {
    /// A reply of this many bytes is in the buffer.
    Reply {
        len: usize,
        tag: u64,
    },
    /// The buffer has too little room: this much is needed.
    Room(usize),
    /// There is none, or somebody woke the queue.
    Empty,
    /// The queue was closed, and all was taken.
    Closed,
    Failed(Refusal),
}

/// Frees the queue when dropped: what is in flight is cancelled, and what nobody took is wiped.
pub(crate) struct Queue(sys::plq_queue_id);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: takes a number; a stale one does nothing.
        unsafe { sys::plq_queue_free(self.0) }
    }
}

impl Queue {
    pub(crate) fn new(client: &Client) -> Result<Self, Error> {
        let mut queue = 0;
        // SAFETY: takes a number; the out pointers live.
        checked(|error| unsafe { sys::plq_queue_new(client.0, &mut queue, error) })?;
        Ok(Queue(queue))
    }

    /// The id of the call.
    pub(crate) fn submit_message(&self, message: &[u8], tag: u64) -> Result<u64, Error> {
        let mut id = 0;
        // SAFETY: the message is given with its length, and copied; the out pointers live.
        checked(|error| unsafe {
            sys::plq_queue_submit_message(self.0, message.as_ptr(), message.len(), tag, 0, &mut id, error)
        })?;
        Ok(id)
    }

    pub(crate) fn next(&self, timeout: Duration, buffer: &mut [u8]) -> Next {
        let (mut len, mut tag) = (0, 0);
        // SAFETY: the buffer is given with its room, and written by nobody else; the out pointers live.
        let status = unsafe {
            sys::plq_queue_next_message(
                self.0,
                times_out_ms(timeout),
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut len,
                &mut tag,
                ptr::null_mut(),
            )
        };
        match status {
            sys::PLQ_OK => Next::Reply { len, tag },
            sys::PLQ_E_BUFFER_TOO_SMALL => Next::Room(len),
            sys::PLQ_E_QUEUE_EMPTY => Next::Empty,
            sys::PLQ_E_CLOSED => Next::Closed,
            status => Next::Failed(status),
        }
    }

    pub(crate) fn cancel(&self, id: u64) {
        // SAFETY: takes numbers. A call that is over already is none to cancel.
        unsafe { sys::plq_queue_cancel(self.0, id) };
    }

    pub(crate) fn wake(&self) {
        // SAFETY: takes a number.
        unsafe { sys::plq_queue_wake(self.0) };
    }

    pub(crate) fn close(&self) {
        // SAFETY: takes numbers.
        unsafe { sys::plq_queue_close(self.0, 1) };
    }

    pub(crate) fn warm(&self, count: u32, timeout: Duration) -> Result<u32, Error> {
        let mut open = 0;
        let timeout_ms = times_out_ms(timeout);
        // SAFETY: takes numbers; the out pointers live.
        checked(|error| unsafe { sys::plq_queue_warm(self.0, count, timeout_ms, &mut open, error) })?;
        Ok(open)
    }

    pub(crate) fn stats<const N: usize>(&self) -> Result<[i64; N], Refusal> {
        let mut values = [-1; N];
        // SAFETY: there is room for as many as are said.
        match unsafe { sys::plq_queue_stats(self.0, values.as_mut_ptr(), N as u32) } {
            sys::PLQ_OK => Ok(values),
            status => Err(status),
        }
    }
}

/// A queue's descriptor, for tokio's poller, together with what keeps the queue alive.
#[cfg(feature = "tokio")]
pub(crate) struct Watched<K> {
    fd: RawFd,
    pub(crate) keeper: std::sync::Arc<K>,
}

#[cfg(feature = "tokio")]
impl<K> std::os::fd::AsRawFd for Watched<K> {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

/// Has tokio's poller, in whose context this is called, watch the queue of the keeper.
#[cfg(feature = "tokio")]
pub(crate) fn watch<K: AsRef<Queue>>(keeper: std::sync::Arc<K>) -> Option<tokio::io::unix::AsyncFd<Watched<K>>> {
    let mut fd = -1;
    // SAFETY: takes a number; the out pointer lives.
    let status = unsafe { sys::plq_queue_fd((*keeper).as_ref().0, &mut fd) };
    if status != sys::PLQ_OK {
        return None;
    }
    let watched = Watched { fd, keeper };
    // SAFETY: the descriptor is the library's, open and the same until the queue is freed, which the keeper prevents.
    unsafe { tokio::io::unix::AsyncFd::register_with_interest(watched, tokio::io::Interest::READABLE) }.ok()
}

// ---- secrets ----

/// A secret in the library's own pages, wiped when dropped.
pub(crate) struct Secret {
    at: NonNull<sys::plq_secret>,
    /// The library allows one thread at a time. Bytes that were read need no lock: only what takes the secret mutably ends them.
    lock: Mutex<()>,
}

// SAFETY: any thread may use it, one at a time, which the lock sees to.
unsafe impl Send for Secret {}
// SAFETY: as above.
unsafe impl Sync for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        // SAFETY: owned, and freed here only.
        unsafe { sys::plq_secret_free(self.at.as_ptr()) }
    }
}

impl Secret {
    pub(crate) fn claim(handle: u64) -> Result<Self, Refusal> {
        let mut secret = ptr::null_mut();
        // SAFETY: takes a number; the out pointer lives.
        let status = unsafe { sys::plq_secret_claim(handle, &mut secret) };
        NonNull::new(secret).map(|at| Secret { at, lock: Mutex::new(()) }).ok_or(status)
    }

    pub(crate) fn read(&self) -> Result<&[u8], Refusal> {
        let (mut bytes, mut len) = (ptr::null(), 0);
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the secret lives; the out pointers live.
        match unsafe { sys::plq_secret_read(self.at.as_ptr(), &mut bytes, &mut len) } {
            // SAFETY: as many bytes as the library said, lent until the secret is taken or freed, and both need self mutably.
            sys::PLQ_OK => Ok(unsafe { std::slice::from_raw_parts(bytes.cast(), len) }),
            status => Err(status),
        }
    }

    /// Moves the bytes into the buffer, which has room for [`Secret::read`]'s.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> Result<usize, Refusal> {
        let mut len = 0;
        // SAFETY: the secret is borrowed mutably; the buffer is given with its room.
        match unsafe { sys::plq_secret_take(self.at.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len(), &mut len) } {
            sys::PLQ_OK => Ok(len),
            status => Err(status),
        }
    }

    pub(crate) fn life_ms(&self) -> i64 {
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the secret lives.
        unsafe { sys::plq_secret_life_ms(self.at.as_ptr()) }
    }

    pub(crate) fn expires_at_ms(&self) -> i64 {
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the secret lives.
        unsafe { sys::plq_secret_expires_at_ms(self.at.as_ptr()) }
    }
}
