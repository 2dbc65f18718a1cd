// SPDX-License-Identifier: MIT
//! Futures, over the stub: on a thread of the client's own with any executor, and in tokio where the feature is on.

mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{SECRET, eventually, open_descriptors, resident_kib, scripted, stub, threads};
use futures_core::FusedFuture;
use futures_executor::block_on;
use futures_util::future::join_all;
use plastiq::{AsyncClient, CreateParams, Created, Error, Request, Status};

fn hanging() -> AsyncClient {
    let script = format!("[{}]", vec![r#"{"hang": true}"#; 64].join(","));
    scripted(&script).timeout(Duration::MAX).build().expect("a client").to_async_with_thread().expect("a queue")
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

async fn assert_works(client: &AsyncClient) {
    let created = client.client_secrets().create(CreateParams::new()).await.expect("a secret");
    assert!(created.client_secret.read().expect("it lives").starts_with(SECRET));
}

/// Nothing is left of calls: no entry, nothing in flight, no secret that waits to be claimed.
fn assert_nothing_left(client: &AsyncClient) {
    eventually("nothing is left", || {
        let stats = client.queue_stats().expect("it lives");
        (stats.in_flight, stats.ready, stats.awaited) == (0, 0, 0)
    });
}

#[test]
fn any_executor() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    block_on(assert_works(&client));
    assert!(threads().iter().any(|name| name == "plastiq"), "{:?}", threads());
    // By hand: the waker is woken once the call is done.
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut call = client.client_secrets().create_v2(CreateParams::new());
    assert!(!call.is_terminated());
    if Pin::new(&mut call).poll(&mut Context::from_waker(&waker)).is_pending() {
        eventually("it is woken", || count.0.load(Ordering::Acquire) == 1);
        assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&waker)).is_ready());
    }
    assert!(call.is_terminated());
}

#[derive(Default)]
struct Count(AtomicUsize);

impl std::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[test]
fn a_thousand_at_once() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    let calls: Vec<_> = (0..1000).map(|_| client.client_secrets().create(CreateParams::new())).collect();
    let outcomes: Vec<Result<Created, Error>> = block_on(join_all(calls));
    let secrets: std::collections::HashSet<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().expect("a secret").client_secret.read().expect("it lives"))
        .collect();
    assert_eq!(secrets.len(), 1000);
    assert_nothing_left(&client);
}

#[test]
fn wrong_input_is_an_outcome() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    let error =
        block_on(client.client_secrets().create(CreateParams::new().payer_id("no-uuid"))).expect_err("it is wrong");
    assert_eq!(error.field(), Some("payer.id"));
    let error = block_on(client.call(&Request::new("client_secret.create"))).expect_err("there is none");
    assert_eq!(error.status(), Some(Status::UNKNOWN_OPERATION));
    assert_nothing_left(&client);
}

#[test]
fn a_future_does_nothing_before_it_is_polled() {
    let client = hanging();
    drop(client.client_secrets().create(CreateParams::new()));
    assert_eq!(client.queue_stats().expect("it lives").calls, 0);
}

#[test]
fn dropping_cancels() {
    let client = hanging();
    let mut call = client.client_secrets().create(CreateParams::new());
    assert!(poll_once(&mut call).is_pending());
    eventually("it runs", || client.queue_stats().expect("it lives").in_flight == 1);
    drop(call);
    assert_nothing_left(&client);
    let stats = client.client().stats().expect("it lives");
    assert_eq!((stats.calls, stats.calls_failed, stats.calls_in_flight), (1, 1, 0));
}

/// Futures dropped before, while and after their results come: no entry, call, descriptor or memory is left.
fn drop_many(client: &AsyncClient, count: usize) {
    for i in 0..count {
        let mut call = client.client_secrets().create(CreateParams::new());
        if i % 7 != 0 {
            let _ = poll_once(&mut call);
        }
        if i % 11 == 0 {
            std::thread::yield_now();
        }
        if i % 501 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert_nothing_left(client);
}

#[test]
fn ten_thousand_dropped_futures_leave_nothing() {
    let client = stub().queue_max_calls(100_000).build().expect("a client").to_async_with_thread().expect("a queue");
    drop_many(&client, 2_000);
    let (descriptors, memory) = (open_descriptors(), resident_kib());
    drop_many(&client, 10_000);
    let grown = resident_kib().saturating_sub(memory);
    assert!(grown < 4096, "{grown} KiB more than before");
    // Other tests open descriptors beside this one; a leak would be one a call.
    assert!(open_descriptors() < descriptors + 200, "{} descriptors, {descriptors} before", open_descriptors());
    block_on(assert_works(&client));
    let stats = client.client().stats().expect("it lives");
    assert!(stats.calls > 5_000 && stats.calls_in_flight == 0, "{stats:?}");
}

#[test]
fn a_full_queue_says_so() {
    let script = r#"[{"hang": true}, {"hang": true}]"#;
    let client = scripted(script).timeout(Duration::MAX).queue_max_calls(1).build().expect("a client");
    let client = client.to_async_with_thread().expect("a queue");
    let mut first = client.client_secrets().create(CreateParams::new());
    assert!(poll_once(&mut first).is_pending());
    let error = block_on(client.client_secrets().create(CreateParams::new())).expect_err("there is no room");
    assert_eq!(error.status(), Some(Status::QUEUE_FULL));
    assert!(matches!(error, Error::State(_) | Error::Resource(_)), "{error:?}");
}

#[test]
fn close_ends_what_is_in_flight() {
    let client = hanging();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let mut call = client.client_secrets().create(CreateParams::new());
            assert!(poll_once(&mut call).is_pending());
            call
        })
        .collect();
    block_on(client.close()).expect("it ends");
    for outcome in block_on(join_all(calls)) {
        assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
    }
    block_on(client.close()).expect("it has ended");
    let error = block_on(client.client_secrets().create(CreateParams::new())).expect_err("closed");
    assert!(matches!(error, Error::Closed), "{error:?}");
    let error = block_on(client.warm(1, Duration::from_secs(1))).expect_err("closed");
    assert!(matches!(error, Error::Closed), "{error:?}");
    client.client().stats().expect("the client itself stays");
}

#[test]
fn closing_the_client_ends_what_is_in_flight() {
    let client = hanging();
    let mut call = client.client_secrets().create(CreateParams::new());
    assert!(poll_once(&mut call).is_pending());
    client.client().close(Duration::from_secs(5)).expect("nothing blocks");
    assert!(matches!(block_on(call), Err(Error::Cancelled(_) | Error::Closed)));
}

#[test]
fn a_future_keeps_its_queue() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    let call = client.client_secrets().create(CreateParams::new());
    drop(client);
    block_on(call).expect("a secret");
}

#[test]
fn threads_end_with_their_clients() {
    let before = open_descriptors();
    for _ in 0..50 {
        let client = hanging();
        let mut call = client.client_secrets().create(CreateParams::new());
        assert!(poll_once(&mut call).is_pending());
        drop((client, call));
    }
    eventually("their threads and queues are gone", || {
        // Other tests have some of their own.
        threads().iter().filter(|name| *name == "plastiq").count() < 20 && open_descriptors() < before + 100
    });
}

#[test]
fn warm_opens_connections() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    match block_on(client.warm(2, Duration::from_secs(5))) {
        Ok(open) => assert_eq!(open, 2),
        Err(error) => assert!(matches!(error, Error::Unsupported(_)), "{error:?}"),
    }
    let error = block_on(client.warm(1_000_000, Duration::from_secs(5))).expect_err("too many");
    assert!(error.failure().is_some(), "{error:?}");
    drop(client.warm(1, Duration::ZERO));
    block_on(assert_works(&client));
    assert_nothing_left(&client);
}

#[test]
fn observers_are_told_of_what_was_dropped_too() {
    let (starts, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (to_starts, to_ends) = (starts.clone(), ends.clone());
    let builder = scripted(r#"[{"hang": true}]"#).timeout(Duration::MAX).observe(move |event| match event.name() {
        "call_start" => drop(to_starts.fetch_add(1, Ordering::Relaxed)),
        "call_end" if event.text("kind") == Some("cancelled") => drop(to_ends.fetch_add(1, Ordering::Relaxed)),
        _ => {}
    });
    let client = builder.build().expect("a client").to_async_with_thread().expect("a queue");
    let mut call = client.client_secrets().create(CreateParams::new());
    assert!(poll_once(&mut call).is_pending());
    eventually("it runs", || client.client().stats().expect("it lives").calls_in_flight == 1);
    drop(call);
    eventually("its end is told", || ends.load(Ordering::Relaxed) == 1);
    assert_eq!(starts.load(Ordering::Relaxed), 1);
}

/// A client whose observer panics at the end of each call that has the trace id.
fn with_a_bad_observer() -> plastiq::ClientBuilder {
    stub().observe(|event| assert!(event.name() != "call_end" || event.text("trace_id") != Some(BAD), "a bad observer"))
}

const BAD: &str = "1b4e28ba-2fa1-4d20-883f-0016d3cca427";

fn panics(run: impl FnOnce() -> Result<Created, Error>) {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).expect_err("it panics");
    assert_eq!(panicked.downcast_ref::<&str>(), Some(&"a bad observer"));
}

/// A panic of an observer is that of the call which it was told of, and nobody else's.
#[test]
fn an_observer_that_panics() {
    let shared = with_a_bad_observer().build().expect("a client");
    let bad = || CreateParams::new().trace_id(BAD);
    panics(|| shared.client_secrets().create(bad()));
    shared.client_secrets().create(CreateParams::new()).expect("a secret");
    let client = shared.to_async_with_thread().expect("a queue");
    for _ in 0..2 {
        let other = client.client_secrets().create(CreateParams::new());
        panics(|| block_on(client.client_secrets().create(bad())));
        block_on(other).expect("a secret");
    }
    assert_nothing_left(&client);
    #[cfg(feature = "tokio")]
    for runtime in [
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"),
    ] {
        let client = runtime.block_on(async { shared.to_async().expect("a queue") });
        for _ in 0..2 {
            panics(|| runtime.block_on(client.client_secrets().create(bad())));
            let calls = (0..20).map(|_| {
                tokio::time::timeout(Duration::from_secs(20), client.client_secrets().create(CreateParams::new()))
            });
            for outcome in runtime.block_on(async { join_all(calls).await }) {
                outcome.expect("it ends").expect("a secret");
            }
        }
    }
}

#[test]
#[should_panic(expected = "after it was over")]
fn polling_on_after_the_end_is_a_mistake() {
    let client = stub().build().expect("a client").to_async_with_thread().expect("a queue");
    let mut call = client.client_secrets().create(CreateParams::new());
    let mut pinned = pin!(&mut call);
    let _ = block_on(pinned.as_mut());
    let _ = block_on(pinned.as_mut());
}

#[cfg(feature = "tokio")]
mod in_tokio {
    use super::*;
    use tokio::runtime::{Builder, Runtime};

    fn current() -> Runtime {
        Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    async fn client() -> AsyncClient {
        stub().build_async().expect("a client")
    }

    /// Threads come and go beside this test; in a process of its own there are none: see the example `idle`.
    #[test]
    fn it_works_in_both_runtimes() {
        for runtime in
            [current(), Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")]
        {
            runtime.block_on(async {
                let client = client().await;
                assert_works(&client).await;
                let calls = (0..1000).map(|_| tokio::spawn(client.client_secrets().create(CreateParams::new())));
                for outcome in join_all(calls).await {
                    outcome.expect("it ends").expect("a secret");
                }
                assert_nothing_left_now(&client).await;
            });
        }
    }

    async fn assert_nothing_left_now(client: &AsyncClient) {
        for _ in 0..1000 {
            let stats = client.queue_stats().expect("it lives");
            if (stats.in_flight, stats.ready, stats.awaited) == (0, 0, 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("something is left: {:?}", client.queue_stats());
    }

    #[tokio::test]
    async fn a_timeout_of_tokio_cancels() {
        let client = scripted(r#"[{"hang": true}]"#).timeout(Duration::MAX).build_async().expect("a client");
        let call = client.client_secrets().create(CreateParams::new());
        tokio::time::timeout(Duration::from_millis(30), call).await.expect_err("too late");
        assert_nothing_left_now(&client).await;
        assert_eq!(client.client().stats().expect("it lives").calls_failed, 1);
    }

    #[tokio::test]
    async fn ten_thousand_dropped_futures_leave_nothing() {
        let client = stub().queue_max_calls(100_000).build_async().expect("a client");
        for i in 0..10_000 {
            let mut call = client.client_secrets().create(CreateParams::new());
            let _ = poll_once(&mut call);
            drop(call);
            if i % 97 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_nothing_left_now(&client).await;
        assert_works(&client).await;
    }

    #[tokio::test]
    async fn close_and_warm() {
        let client = client().await;
        match client.warm(2, Duration::from_secs(5)).await {
            Ok(open) => assert_eq!(open, 2),
            Err(error) => assert!(matches!(error, Error::Unsupported(_)), "{error:?}"),
        }
        assert_works(&client).await;
        client.close().await.expect("it ends");
        let error = client.client_secrets().create(CreateParams::new()).await.expect_err("closed");
        assert!(matches!(error, Error::Closed), "{error:?}");
    }

    /// Connections are opened beside the runtime's own threads: calls that begin meanwhile do not get into their way.
    #[test]
    fn warming_beside_calls() {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = client().await;
            let calls = tokio::spawn({
                let client = client.clone();
                async move {
                    for _ in 0..2000 {
                        assert_works(&client).await;
                    }
                }
            });
            while !calls.is_finished() {
                client.warm(2, Duration::from_secs(5)).await.expect("nobody else is in the queue");
            }
            calls.await.expect("they end");
        });
    }

    /// Who awaits the end of a queue is told of it also if the runtime goes that drove it.
    #[test]
    fn an_end_is_awaited_elsewhere() {
        for _ in 0..20 {
            let runtime = current();
            let client = runtime.block_on(client());
            let mut call = Box::pin(client.client_secrets().create(CreateParams::new()));
            runtime.block_on(async { drop(poll_once(&mut call)) });
            drop(call);
            let mut closing = client.close();
            let _ = poll_once(&mut closing);
            let waiter = std::thread::spawn(move || block_on(closing));
            drop(runtime);
            eventually("it ends", || waiter.is_finished());
            waiter.join().expect("it ends").expect("it has ended");
        }
    }

    /// The runtime goes, and with it the task that drives: a thread takes over what is still awaited.
    #[test]
    fn a_client_survives_its_runtime() {
        let runtime = current();
        let client = runtime.block_on(client());
        runtime.block_on(assert_works(&client));
        let mut call = client.client_secrets().create(CreateParams::new());
        let polled = poll_once(&mut call);
        drop(runtime);
        if polled.is_pending() {
            block_on(call).expect("a secret");
        }
        block_on(assert_works(&client));
        current().block_on(assert_works(&client));
    }

    /// A runtime that has shut down drops what is spawned there at once.
    #[test]
    fn a_call_is_begun_where_no_runtime_is() {
        let client = current().block_on(client());
        block_on(assert_works(&client));
    }

    #[test]
    fn a_runtime_without_io_is_served_by_a_thread() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let client = client().await;
            assert_works(&client).await;
        });
    }

    #[test]
    fn clients_of_three_runtimes_in_three_threads() {
        let shared = stub().build().expect("a client");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    current().block_on(async {
                        let client = shared.to_async().expect("a queue");
                        for _ in 0..100 {
                            assert_works(&client).await;
                        }
                    });
                });
            }
        });
    }

    #[test]
    fn dropping_the_runtime_with_calls_in_flight() {
        for _ in 0..50 {
            let runtime = current();
            runtime.block_on(async {
                let client = scripted(r#"[{"hang": true}]"#).timeout(Duration::MAX).build_async().expect("a client");
                tokio::spawn(client.client_secrets().create(CreateParams::new()));
                tokio::task::yield_now().await;
            });
        }
    }
}
