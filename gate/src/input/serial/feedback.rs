//! What a scanner is told of a verdict, so that it beeps as the screen shows. Owns the way from the ledger's thread to the thread that has
//! the port, on which nobody ever waits; knows no commands.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::devices::{Device, Post};
use crate::input::Source;

/// Verdicts that a scanner may lag behind.
const BACKLOG: usize = 8;

/// What became of a code that the scanner read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feedback {
    /// It opens.
    Good,
    /// It does not.
    Bad,
}

/// The way to each scanner.
#[derive(Default)]
pub(crate) struct Feedbacks(BTreeMap<Device, Way>);

struct Way {
    scanner: SyncSender<Feedback>,
    post: Post,
    /// A scanner that knows no commands is told nothing; its way says no more than that the ledger works.
    told: bool,
}

impl Feedbacks {
    /// One more; the other end of its way.
    pub(super) fn add(&mut self, post: &Post, told: bool) -> Receiver<Feedback> {
        let (scanner, receiver) = sync_channel(BACKLOG);
        self.0.insert(post.device().clone(), Way { scanner, post: post.clone(), told });
        receiver
    }

    /// Tells the scanner that read a code, if it was one, whether people may pass.
    pub(crate) fn tell(&self, source: &Source, opens: bool) {
        if let Source::Device(device) = source {
            self.send(device, if opens { Feedback::Good } else { Feedback::Bad });
        }
    }

    /// What the scanner cannot take is counted, and lost.
    pub(super) fn send(&self, device: &Device, feedback: Feedback) {
        let Some(Way { scanner, post, told: true }) = self.0.get(device) else { return };
        if scanner.try_send(feedback).is_err() {
            post.missed();
        }
    }
}
