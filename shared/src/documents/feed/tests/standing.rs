//! How old a feed is, and who vouched for it.

use super::*;
use crate::documents::{Authentic, Head, Standing};

/// A head of the north gate, signed at this minute.
fn head(at: u64, event: EventId, feed: Standing) -> Authentic<Head> {
    let nothing = Standing { revision: Revision::version(1), hash: DocumentHash::NONE };
    let head = Head {
        gate: NORTH,
        issued: minute(at),
        not_after: minute(at + 15),
        event,
        roots: samples::bundle().root_fingerprint(),
        bundle: nothing,
        assignment: nothing,
        document: None,
        slots: None,
        feed: Some(feed),
    };
    let bytes = Signed::seal(&head, &[&samples::list_key()]).unwrap();
    Head::accept(&bytes, &samples::bundle(), NORTH, None, minute(at)).unwrap()
}

#[test]
fn a_feed_is_as_old_as_the_last_word_that_it_is_the_newest() {
    let mut state = started(folded());
    let age = |state: &Option<FeedState>| state.as_ref().unwrap().age(minute(10));
    let mins = Duration::from_mins;
    let standing = state.as_ref().unwrap().standing();
    let other = Standing { hash: DocumentHash([2; 32]), ..standing };
    for (of, expected) in [
        (head(3, EventId(8), standing), mins(10)),
        (head(3, EVENT, other), mins(10)),
        (head(3, EVENT, standing), mins(7)),
        (head(2, EVENT, standing), mins(7)),
    ] {
        state.as_mut().unwrap().confirm(&of);
        assert_eq!(age(&state), expected);
    }
    // Signed again it says nothing new, and a newer one speaks for itself.
    let snapshot = |sequence, issued, hash| {
        let content = FeedContent::Snapshot(FeedSnapshot { hash, ..folded() });
        AdmissionFeed { issued, ..feed(revision(1, sequence), content) }
    };
    accept(&mut state, &snapshot(1, samples::DOORS, standing.hash)).unwrap();
    assert_eq!(age(&state), mins(7));
    accept(&mut state, &snapshot(2, minute(1), DocumentHash([2; 32]))).unwrap();
    assert_eq!(age(&state), mins(9));
}

#[test]
fn a_restart_forgets_no_floor() {
    let state = started(folded()).unwrap();
    let restarted = FeedState::from_record(&state.to_record()).unwrap();
    for state in [&state, &restarted] {
        assert_eq!(state.floor(&samples::bundle().list_keys()), Some(state.standing()));
        assert_eq!(state.floor(&[samples::organiser_key().verifying_key()]), None);
    }
}
