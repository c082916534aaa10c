//! What a gate has yet to tell again, since the database was restored from a backup. Pure: refuses to know which gates owe, and who is kept waiting for it.
//!
//! Grants that were made since the backup are forgotten, and so are rows; a seat that was used may look unused until its gate has told again. It owes all that
//! it wrote before its first log-in after the restore, and no more:
//!
//! - It says how far its journal goes once it holds the nonce that it answers. `recover` forgets all nonces, so that this one came after, and so did the look at
//!   the journal.
//! - A verdict by a forgotten grant is a row by then. A gate takes no answer to a claim later than 400 ms after it asked, and no database is restored in that time.
//!   A box that was frozen meanwhile finds its deadline past when it goes on. A gate that ended before the verdict was a row showed nobody a verdict, and
//!   refuses that question at its next start.
//! - A row that was shown is durable before: no power cut makes the journal shorter. A disk that was put back does, and what was on it nobody can tell any
//!   more: the least that a gate ever said counts.
//! - What it writes after that log-in follows from grants that are known.
//! - What it has let go it cannot tell. It keeps the rows of an event until a signed time has ended its lease there, so that these were of nights that are over for
//!   it: it says how far the rows go that it has.
//!
//! Rows come in their order, each piece after the one before it was answered: whoever has told one has told all before it.

use countermark_shared::journal::LAST_SEQUENCE;

/// The row up to which a gate has to tell again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Debt(u64);

impl Debt {
    /// Of a gate that has not said how far its journal goes: it may go as far as any can.
    pub(crate) const UNSAID: Self = Self(LAST_SEQUENCE);

    /// Up to that row.
    pub(crate) const fn up_to(row: u64) -> Self {
        Self(row)
    }

    /// The row.
    pub(crate) const fn row(self) -> u64 {
        self.0
    }

    /// Once the gate has said that its journal goes so far.
    pub(crate) fn said(self, written_up_to: u64) -> Self {
        Self(self.0.min(written_up_to))
    }

    /// What is left of it where the journal is known so far.
    pub(crate) fn left(self, known_up_to: u64) -> Option<Self> {
        (known_up_to < self.0).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_owes_until_all_that_it_had_written_when_it_logged_in_is_known() {
        assert_eq!(Debt::UNSAID.left(LAST_SEQUENCE - 1), Some(Debt::UNSAID));
        let debt = Debt::UNSAID.said(9);
        assert_eq!([0, 8, 9, 10].map(|known| debt.left(known)), [Some(debt), Some(debt), None, None]);
        // A journal with nothing in it, and one of which all is known.
        assert_eq!([(0, 0), (4, 4), (3, 4)].map(|(said, known)| Debt::UNSAID.said(said).left(known)), [None; 3]);
    }

    #[test]
    fn what_is_written_since_is_not_owed_nor_what_went_with_a_disk() {
        let debt = Debt::UNSAID.said(9);
        assert_eq!((debt.said(20), debt.said(6), debt.said(u64::MAX)), (debt, Debt::up_to(6), debt));
        assert_eq!(Debt::UNSAID.said(u64::MAX), Debt::UNSAID);
    }
}
