// SPDX-License-Identifier: MIT
//! Clients whose calls are futures.

mod calls;
mod thread;
#[cfg(feature = "tokio")]
mod tokio;

use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::FusedFuture;
use zeroize::Zeroize;

use self::calls::{Calls, Done};
use crate::message::{self, Message};
use crate::raw::{self, Next};
use crate::{Client, CreateParams, Created, Error, Outcome, Request, Response};

/// A client whose calls are futures.
///
/// Its calls share one completion queue of the library, with connections of their own. A future begins when it is first polled, and its
/// deadline runs from then. Dropping it cancels the call, and a result that comes all the same is wiped. At most `queue_max_calls` calls
/// (10,000) may be in flight; one more is [`Error::State`].
///
/// Clones share the queue. When the last clone and the last future are gone, what still runs is cancelled; nothing blocks.
///
/// Make one by [`Client::to_async`] or [`ClientBuilder::build_async`](crate::ClientBuilder::build_async).
#[derive(Clone)]
pub struct AsyncClient {
    queue: Arc<User>,
}

impl std::fmt::Debug for AsyncClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncClient").finish_non_exhaustive()
    }
}

/// Who does the work of the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    None,
    /// A thread, or a task of tokio.
    Runs,
    /// All was done, and nothing more will be.
    Ended,
}

/// A queue, its calls, and what its driver and its users share.
struct Shared {
    // Fields are dropped in this order: the queue before the client that made it.
    raw: raw::Queue,
    client: Client,
    calls: Mutex<Calls>,
    driver: Mutex<Driver>,
    /// Room for replies: who has it is inside of the queue, which one thread at a time may be.
    buffer: Mutex<Vec<u8>>,
    /// Nobody can wait for anything any more: the driver ends.
    abandoned: AtomicBool,
    #[cfg(feature = "tokio")]
    in_tokio: bool,
}

#[cfg(feature = "tokio")]
impl AsRef<raw::Queue> for Shared {
    fn as_ref(&self) -> &raw::Queue {
        &self.raw
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing of ours panics while it holds a lock, and what the locks guard is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What clients and futures hold. The driver holds only what is shared, so the last of these tells it to end.
struct User {
    shared: Arc<Shared>,
}

impl Drop for User {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        self.shared.raw.wake();
    }
}

/// How the driver goes on.
enum Turn {
    /// The queue is empty for now.
    Empty,
    /// There may be more: somebody else's turn first.
    More,
    /// All is done.
    End,
    /// The queue cannot work now; later it may.
    Trouble,
}

/// Most replies that are taken before others get their turn.
const TURN: usize = 256;
/// Room for a reply in the beginning; most are smaller.
const ROOM: usize = 4096;

impl Shared {
    /// Starts a driver if none runs.
    fn ensure_driver(self: &Arc<Self>) -> Result<(), Error> {
        // Claimed first, and not locked while it starts: a runtime that is shutting down drops its task at once, which ends up below.
        {
            let mut driver = lock(&self.driver);
            if *driver != Driver::None {
                return Ok(());
            }
            *driver = Driver::Runs;
        }
        #[cfg(feature = "tokio")]
        if self.in_tokio && tokio::start(self) {
            return Ok(());
        }
        thread::start(self).inspect_err(|_| *lock(&self.driver) = Driver::None)
    }

    /// A driver of tokio went with its runtime. What is still awaited elsewhere goes on with a thread.
    #[cfg(feature = "tokio")]
    fn lose_driver(self: &Arc<Self>) {
        let mut driver = lock(&self.driver);
        *driver = Driver::None;
        if self.abandoned.load(Ordering::Acquire) || lock(&self.calls).is_idle() {
            return;
        }
        match thread::start(self) {
            Ok(()) => *driver = Driver::Runs,
            Err(error) => {
                drop(driver);
                drop(error);
                self.end_driver();
            }
        }
    }

    /// All that can end has ended, and what comes later is refused.
    fn end_driver(&self) {
        self.raw.close();
        *lock(&self.driver) = Driver::Ended;
        let wakers = lock(&self.calls).end();
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Takes what the queue has, waiting for the first of it so long.
    fn turn(&self, timeout: Duration) -> Turn {
        self.turn_with(timeout, &mut lock(&self.buffer))
    }

    /// Sends the only call at once, without the detour through the runtime's poller; if the task that drives is inside of the queue
    /// already, it sees to it. Several calls are sent together by the task, which costs less than each on its own.
    #[cfg(feature = "tokio")]
    fn hasten(&self) {
        if !self.in_tokio || lock(&self.calls).len() > 1 {
            return;
        }
        let Ok(mut buffer) = self.buffer.try_lock() else { return };
        match self.turn_with(Duration::ZERO, &mut buffer) {
            Turn::Empty => {}
            // Only a queue that said that it is empty tells of what comes next: the task goes on from here.
            Turn::More | Turn::End | Turn::Trouble => self.raw.wake(),
        }
    }

    fn turn_with(&self, mut timeout: Duration, buffer: &mut Vec<u8>) -> Turn {
        for _ in 0..TURN {
            if self.abandoned.load(Ordering::Acquire) {
                return Turn::End;
            }
            match self.raw.next(timeout, buffer) {
                Next::Reply { len, tag } => {
                    let reply = &mut buffer[..len];
                    // The driver is everybody's: what an observer does to one call must not end the others.
                    let outcome = catch_unwind(AssertUnwindSafe(|| self.client.inner.finish(reply)));
                    reply.zeroize();
                    self.deliver(tag, outcome.map_or_else(Done::Panic, Done::Call));
                }
                // Nothing of a reply is in the buffer, so none is lost by taking another.
                Next::Room(room) => *buffer = vec![0; room.next_power_of_two()],
                Next::Empty => {
                    return if self.abandoned.load(Ordering::Acquire) { Turn::End } else { Turn::Empty };
                }
                Next::Closed => return Turn::End,
                Next::Failed(plastiq_sys::PLQ_E_HANDLE | plastiq_sys::PLQ_E_FORKED) => return Turn::End,
                Next::Failed(_) => return Turn::Trouble,
            }
            timeout = Duration::ZERO;
        }
        Turn::More
    }

    /// A result for nobody is dropped here, which wipes its secrets.
    fn deliver(&self, tag: u64, done: Done) {
        let (waker, _for_nobody) = lock(&self.calls).finish(tag, done);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether connections are to be opened: this blocks, so a driver in an executor leaves it to another thread.
    #[cfg(feature = "tokio")]
    fn has_warming(&self) -> bool {
        lock(&self.calls).has_warming()
    }

    /// Opens the connections that were asked for. Only where the queue is driven.
    fn warm(&self) {
        loop {
            let Some((tag, count, timeout)) = lock(&self.calls).next_warming() else { return };
            let inside = lock(&self.buffer);
            let outcome = self.raw.warm(count, timeout).map_err(Error::or_closed);
            drop(inside);
            self.deliver(tag, Done::Warm(outcome));
        }
    }
}

impl AsyncClient {
    pub(crate) fn new(client: Client, may_use_tokio: bool) -> Result<Self, Error> {
        #[cfg(not(feature = "tokio"))]
        let _ = may_use_tokio;
        let raw = raw::Queue::new(&client.inner.raw).map_err(Error::or_closed)?;
        let shared = Shared {
            raw,
            client,
            calls: Mutex::default(),
            driver: Mutex::new(Driver::None),
            buffer: Mutex::new(vec![0; ROOM]),
            abandoned: AtomicBool::new(false),
            #[cfg(feature = "tokio")]
            in_tokio: may_use_tokio && tokio::is_here(),
        };
        Ok(AsyncClient { queue: Arc::new(User { shared: Arc::new(shared) }) })
    }

    /// The client that this one is made on: for statistics, options, tokens and blocking calls.
    pub fn client(&self) -> &Client {
        &self.queue.shared.client
    }

    /// The operations on client secrets.
    pub fn client_secrets(&self) -> AsyncClientSecrets<'_> {
        AsyncClientSecrets { client: self }
    }

    /// Sends a request, by the library's own names.
    pub fn call(&self, request: &Request) -> Calling<Response> {
        let message = message::write_request(request, self.client().inner.wants_events());
        Calling { state: State::New { queue: self.queue.clone(), message }, outcome: PhantomData }
    }

    /// Opens connections ahead of the first call, so that `count` are open; says how many are. No request is sent. Calls that are in flight
    /// wait meanwhile.
    pub fn warm(&self, count: u32, timeout: Duration) -> Warming {
        Warming { queue: self.queue.clone(), asked: Some((count, timeout)), tag: None }
    }

    /// As [`Client::set_tokens`].
    ///
    /// # Errors
    /// As for [`Client::set_tokens`].
    pub fn set_tokens(&self, token: Option<&str>, second: Option<&str>) -> Result<(), Error> {
        self.client().set_tokens(token, second)
    }

    /// What this client's queue is doing.
    ///
    /// # Errors
    /// The queue is of a parent process.
    pub fn queue_stats(&self) -> Result<QueueStats, Error> {
        let shared = &self.queue.shared;
        let numbers: [i64; plastiq_sys::PLQ_QUEUE_STATS as usize] = shared.raw.stats().map_err(Error::of_handle)?;
        let at = |which: u32| u64::try_from(numbers[which as usize]).ok();
        let count = |which| at(which).unwrap_or(0);
        Ok(QueueStats {
            calls: count(plastiq_sys::PLQ_QUEUE_STAT_CALLS),
            in_flight: count(plastiq_sys::PLQ_QUEUE_STAT_IN_FLIGHT),
            ready: count(plastiq_sys::PLQ_QUEUE_STAT_READY),
            max_calls: count(plastiq_sys::PLQ_QUEUE_STAT_MAX_CALLS),
            connections_open: at(plastiq_sys::PLQ_QUEUE_STAT_CONNECTIONS_OPEN),
            connections_busy: at(plastiq_sys::PLQ_QUEUE_STAT_CONNECTIONS_BUSY),
            awaited: lock(&shared.calls).len() as u64,
        })
    }

    /// Closes this client's queue, for all of its clones: no new call starts, and those in flight are cancelled. The future is ready when
    /// each of them has ended, which is soon. The [`Client`] stays.
    pub fn close(&self) -> Closing {
        Closing { queue: self.queue.clone(), began: false }
    }
}

/// The operations on client secrets, as futures.
#[derive(Clone, Copy, Debug)]
pub struct AsyncClientSecrets<'a> {
    client: &'a AsyncClient,
}

impl AsyncClientSecrets<'_> {
    /// Makes a client secret that works once and lives 60 seconds.
    pub fn create(&self, params: CreateParams) -> Calling<Created> {
        self.client.call(&params.into_request("client_secrets.create")).into_outcome()
    }

    /// Makes a client secret of the later variant: it works once and lives 30 minutes.
    pub fn create_v2(&self, params: CreateParams) -> Calling<Created> {
        self.client.call(&params.into_request("client_secrets.create_v2")).into_outcome()
    }
}

/// A call of an [`AsyncClient`]: begins when it is first polled, and is cancelled when it is dropped. It borrows nothing, so it may be
/// spawned.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Calling<T> {
    state: State,
    outcome: PhantomData<fn() -> T>,
}

enum State {
    New { queue: Arc<User>, message: Message },
    Submitted { queue: Arc<User>, tag: u64, id: u64 },
    Over,
}

impl<T> std::fmt::Debug for Calling<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calling").finish_non_exhaustive()
    }
}

impl Calling<Response> {
    fn into_outcome<T: Outcome>(mut self) -> Calling<T> {
        Calling { state: std::mem::replace(&mut self.state, State::Over), outcome: PhantomData }
    }
}

impl<T> Calling<T> {
    fn submit(queue: &Arc<User>, message: &Message, cx: &Context<'_>) -> Result<State, Error> {
        let shared = &queue.shared;
        // Before it is submitted: the reply may be there before this thread is back.
        let tag = lock(&shared.calls).begin(cx.waker());
        let submitted = shared.raw.submit_message(message, tag).map_err(Error::or_closed);
        let id = submitted.inspect_err(|_| drop(lock(&shared.calls).forget(tag)))?;
        let state = State::Submitted { queue: queue.clone(), tag, id };
        match shared.ensure_driver() {
            Ok(()) => {
                #[cfg(feature = "tokio")]
                shared.hasten();
                Ok(state)
            }
            Err(error) => {
                abandon(shared, tag, id);
                Err(error)
            }
        }
    }
}

/// A call that nobody waits for any more. What comes of it is dropped where it comes, or here.
fn abandon(shared: &Shared, tag: u64, id: u64) {
    let was = lock(&shared.calls).forget(tag);
    if was.is_none() {
        shared.raw.cancel(id);
    }
}

impl<T: Outcome> Future for Calling<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New { queue, message } = &self.state {
            match Self::submit(queue, message, cx) {
                Ok(state) => self.state = state,
                Err(error) => {
                    self.state = State::Over;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let State::Submitted { queue, tag, .. } = &self.state else { panic!("a call was polled after it was over") };
        let Some(done) = lock(&queue.shared.calls).poll(*tag, cx.waker()) else { return Poll::Pending };
        self.state = State::Over;
        match done {
            Done::Call(outcome) => Poll::Ready(outcome.and_then(T::from_response)),
            Done::Panic(panic) => resume_unwind(panic),
            Done::Closed => Poll::Ready(Err(Error::Closed)),
            Done::Warm(_) => unreachable!("tags are not used twice"),
        }
    }
}

impl<T: Outcome> FusedFuture for Calling<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl<T> Drop for Calling<T> {
    fn drop(&mut self) {
        if let State::Submitted { queue, tag, id } = &self.state {
            abandon(&queue.shared, *tag, *id);
        }
    }
}

/// Connections that are being opened; see [`AsyncClient::warm`]. Dropping it does not stop what has begun.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Warming {
    queue: Arc<User>,
    asked: Option<(u32, Duration)>,
    tag: Option<u64>,
}

impl std::fmt::Debug for Warming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warming").finish_non_exhaustive()
    }
}

impl Future for Warming {
    type Output = Result<u32, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let queue = self.queue.clone();
        let shared = &queue.shared;
        if let Some((count, timeout)) = self.asked.take() {
            let tag = lock(&shared.calls).begin_warming(count, timeout, cx.waker());
            let Some(tag) = tag else { return Poll::Ready(Err(Error::Closed)) };
            self.tag = Some(tag);
            shared.raw.wake();
            if let Err(error) = shared.ensure_driver() {
                drop(lock(&shared.calls).forget(tag));
                self.tag = None;
                return Poll::Ready(Err(error));
            }
        }
        let tag = self.tag.expect("a future was polled after it was ready");
        let Some(done) = lock(&shared.calls).poll(tag, cx.waker()) else { return Poll::Pending };
        self.tag = None;
        match done {
            Done::Warm(outcome) => Poll::Ready(outcome),
            Done::Closed => Poll::Ready(Err(Error::Closed)),
            Done::Call(_) | Done::Panic(_) => unreachable!("tags are not used twice"),
        }
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        if let Some(tag) = self.tag {
            drop(lock(&self.queue.shared.calls).forget(tag));
        }
    }
}

/// A queue that is being closed; see [`AsyncClient::close`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Closing {
    queue: Arc<User>,
    began: bool,
}

impl std::fmt::Debug for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}

impl Future for Closing {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let queue = self.queue.clone();
        let shared = &queue.shared;
        let ended = lock(&shared.calls).await_end(cx.waker());
        if ended {
            return Poll::Ready(Ok(()));
        }
        if !self.began {
            self.began = true;
            shared.raw.close();
            if let Err(error) = shared.ensure_driver() {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Pending
    }
}

/// What the queue of an asynchronous client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStats {
    /// Calls that were accepted.
    pub calls: u64,
    /// Of these: that run now.
    pub in_flight: u64,
    /// Of these: whose outcome was not looked at yet.
    pub ready: u64,
    /// How many may be in flight and ready together.
    pub max_calls: u64,
    /// Connections that are open now; `None`: the transport does not tell.
    pub connections_open: Option<u64>,
    /// Of these: that carry a request now; `None`: the transport does not tell.
    pub connections_busy: Option<u64>,
    /// Futures that have begun and are neither ready nor dropped.
    pub awaited: u64,
}
