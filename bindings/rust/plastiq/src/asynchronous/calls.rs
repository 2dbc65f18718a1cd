// SPDX-License-Identifier: MIT
//! The table of calls: who is to be woken when one is done.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::task::Waker;
use std::time::Duration;

use crate::{Error, Response};

/// How something ended.
pub(super) enum Done {
    Call(Result<Response, Error>),
    Warm(Result<u32, Error>),
    /// An observer panicked: that goes on where the call is awaited.
    Panic(Box<dyn Any + Send>),
    /// The queue ended first.
    Closed,
}

enum Entry {
    Waits(Waker),
    Done(Done),
}

/// Tags count up: they need no more mixing than this.
#[derive(Default)]
pub(super) struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("tags are u64")
    }

    fn write_u64(&mut self, tag: u64) {
        self.0 = tag.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Nothing here calls anybody else: wakers are given back, to be woken when the table is not locked.
#[derive(Default)]
pub(super) struct Calls {
    /// Tags are never used twice, so a late reply cannot be taken for another's.
    last_tag: u64,
    entries: HashMap<u64, Entry, BuildHasherDefault<TagHasher>>,
    warmings: VecDeque<(u64, u32, Duration)>,
    ended: bool,
    closers: Vec<Waker>,
}

impl Calls {
    pub(super) fn begin(&mut self, waker: &Waker) -> u64 {
        self.last_tag += 1;
        self.entries.insert(self.last_tag, Entry::Waits(waker.clone()));
        self.last_tag
    }

    /// `None`: the queue has ended.
    pub(super) fn begin_warming(&mut self, count: u32, timeout: Duration, waker: &Waker) -> Option<u64> {
        if self.ended {
            return None;
        }
        let tag = self.begin(waker);
        self.warmings.push_back((tag, count, timeout));
        Some(tag)
    }

    pub(super) fn next_warming(&mut self) -> Option<(u64, u32, Duration)> {
        self.warmings.pop_front()
    }

    #[cfg(feature = "tokio")]
    pub(super) fn has_warming(&self) -> bool {
        !self.warmings.is_empty()
    }

    /// The waker of who waits; or what is for nobody, to be dropped when the table is not locked.
    pub(super) fn finish(&mut self, tag: u64, done: Done) -> (Option<Waker>, Option<Done>) {
        match self.entries.get_mut(&tag) {
            Some(entry @ Entry::Waits(_)) => match std::mem::replace(entry, Entry::Done(done)) {
                Entry::Waits(waker) => (Some(waker), None),
                Entry::Done(_) => unreachable!("it was looked at"),
            },
            Some(Entry::Done(_)) | None => (None, Some(done)),
        }
    }

    /// What came of a call, which is forgotten then. If nothing did, its waker is replaced.
    pub(super) fn poll(&mut self, tag: u64, waker: &Waker) -> Option<Done> {
        match self.entries.get_mut(&tag) {
            Some(Entry::Waits(known)) => {
                known.clone_from(waker);
                None
            }
            _ => self.forget(tag),
        }
    }

    /// What had come of the call, if something had.
    pub(super) fn forget(&mut self, tag: u64) -> Option<Done> {
        match self.entries.remove(&tag) {
            Some(Entry::Done(done)) => Some(done),
            Some(Entry::Waits(_)) | None => None,
        }
    }

    /// Whether all has ended; otherwise the waker is woken then.
    pub(super) fn await_end(&mut self, waker: &Waker) -> bool {
        if !self.ended && !self.closers.iter().any(|known| known.will_wake(waker)) {
            self.closers.push(waker.clone());
        }
        self.ended
    }

    /// Nothing will come any more: who still waits gets an error.
    pub(super) fn end(&mut self) -> Vec<Waker> {
        self.ended = true;
        let mut wakers = std::mem::take(&mut self.closers);
        self.warmings.clear();
        for entry in self.entries.values_mut().filter(|entry| matches!(entry, Entry::Waits(_))) {
            if let Entry::Waits(waker) = std::mem::replace(entry, Entry::Done(Done::Closed)) {
                wakers.push(waker);
            }
        }
        wakers
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody waits for anything, the end included.
    #[cfg(feature = "tokio")]
    pub(super) fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.closers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), Waker::from(count))
    }

    fn over() -> Done {
        Done::Call(Err(Error::Closed))
    }

    #[test]
    fn a_call_is_done_once() {
        let (_, waker) = count();
        let mut calls = Calls::default();
        let tag = calls.begin(&waker);
        assert!(calls.poll(tag, &waker).is_none());
        assert!(matches!(calls.finish(tag, over()), (Some(_), None)));
        assert!(matches!(calls.finish(tag, over()), (None, Some(_))), "a second reply is for nobody");
        assert!(matches!(calls.poll(tag, &waker), Some(Done::Call(Err(Error::Closed)))));
        assert_eq!(calls.len(), 0);
    }

    #[test]
    fn a_late_result_is_for_nobody() {
        let (_, waker) = count();
        let mut calls = Calls::default();
        let tag = calls.begin(&waker);
        assert!(calls.forget(tag).is_none(), "it had not come: cancel it");
        assert!(matches!(calls.finish(tag, over()), (None, Some(_))));
        assert_ne!(calls.begin(&waker), tag, "a tag is not used twice");
    }

    #[test]
    fn the_last_waker_counts() {
        let ((first, waker), (second, other)) = (count(), count());
        let mut calls = Calls::default();
        let tag = calls.begin(&waker);
        assert!(calls.poll(tag, &other).is_none());
        let (woken, _) = calls.finish(tag, over());
        woken.expect("somebody waits").wake();
        assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn an_end_reaches_everybody() {
        let (woken, waker) = count();
        let mut calls = Calls::default();
        let (call, warming) = (calls.begin(&waker), calls.begin_warming(1, Duration::ZERO, &waker).expect("it runs"));
        assert!(!calls.await_end(&waker) && !calls.await_end(&waker));
        for waker in calls.end() {
            waker.wake();
        }
        // Whether two wakers are the same can only be guessed (miri sees to that), so a closer may be woken twice.
        assert!((3..=4).contains(&woken.0.load(Ordering::Relaxed)), "a call, a warming and a closer");
        assert!(matches!(calls.poll(call, &waker), Some(Done::Closed)));
        assert!(matches!(calls.poll(warming, &waker), Some(Done::Closed)));
        assert!(calls.await_end(&waker) && calls.begin_warming(1, Duration::ZERO, &waker).is_none());
        assert!(calls.next_warming().is_none());
    }

    #[test]
    fn ten_thousand_are_forgotten() {
        let (_, waker) = count();
        let mut calls = Calls::default();
        let tags: Vec<_> = (0..if cfg!(miri) { 100 } else { 10_000 }).map(|_| calls.begin(&waker)).collect();
        for tag in tags {
            calls.forget(tag);
        }
        assert_eq!(calls.len(), 0);
    }
}
