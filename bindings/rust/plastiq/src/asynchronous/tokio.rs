// SPDX-License-Identifier: MIT
//! A driver that is a task of tokio: it waits for the queue's descriptor in the runtime's own poller.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use super::{Shared, Turn};
use crate::raw::{self, Watched};

/// Tells of its end, whichever way that comes: tokio drops tasks together with the runtime.
struct Presence {
    shared: Arc<Shared>,
    ended: bool,
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.ended { self.shared.end_driver() } else { self.shared.lose_driver() }
    }
}

/// Fields are dropped in this order: the descriptor leaves the poller before another driver begins.
struct Task {
    fd: AsyncFd<Watched<Shared>>,
    presence: Presence,
}

pub(super) fn is_here() -> bool {
    Handle::try_current().is_ok()
}

/// Whether it could be started; otherwise a thread is.
pub(super) fn start(shared: &Arc<Shared>) -> bool {
    let Ok(handle) = Handle::try_current() else { return false };
    // A runtime that was built without I/O panics here, and has no other way to say so: for that one a thread does the work.
    let watched = std::panic::catch_unwind(AssertUnwindSafe(|| raw::watch(shared.clone())));
    let Ok(Some(fd)) = watched else { return false };
    handle.spawn(run(Task { fd, presence: Presence { shared: shared.clone(), ended: false } }));
    true
}

async fn run(mut task: Task) {
    loop {
        let Ok(mut ready) = task.fd.readable().await else { return };
        let shared = &ready.get_inner().keeper;
        loop {
            match shared.turn(Duration::ZERO) {
                // The descriptor is edge-triggered here: only what comes after the queue said that it is empty is a new edge.
                Turn::Empty => break,
                Turn::More => tokio::task::yield_now().await,
                Turn::End => {
                    task.presence.ended = true;
                    return;
                }
                // A thread can wait and try again.
                Turn::Trouble => return,
            }
        }
        let warming = shared.has_warming().then(|| shared.clone());
        ready.clear_ready();
        drop(ready);
        if let Some(shared) = warming {
            // It blocks, so not on this thread.
            if tokio::task::spawn_blocking(move || shared.warm()).await.is_err() {
                return;
            }
        }
    }
}
