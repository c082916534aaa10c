//! Lists that come in pages. Owns their length and how the next one is asked for; refuses to know what they list.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// How many entries a page has at most.
const PAGE: usize = 50;

/// How many to read: one more than a page has, which says whether another follows.
pub(super) const READ: i64 = 51;

/// Where a page begins.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Before {
    /// The `next` of the page before; without it, the newest come.
    pub(super) before: Option<Uuid>,
}

/// Cuts what was read to a page. The second is where the next begins; none after the last.
pub(super) fn cut<T>(mut read: Vec<T>, name: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Uuid>) {
    let is_last = read.len() <= PAGE;
    read.truncate(PAGE);
    let next = if is_last { None } else { read.last().map(name) };
    (read, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_says_nothing() {
        for (read, expected, next) in [(0, 0, None), (1, 1, None), (50, 50, None), (51, 50, Some(Uuid::from_u128(49)))]
        {
            let (page, found) = cut((0..read).collect(), |number| Uuid::from_u128(*number));
            assert_eq!((page.len(), found), (expected, next), "{read}");
        }
    }
}
