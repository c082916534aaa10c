//! How much of everything there was: a night in which nothing happens proves nothing.

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tickets and junk shown.
    pub scans: u64,
    /// Admissions.
    pub admissions: u64,
    /// Those that were taken back, overruled, and forgiven.
    pub staff: [u64; 3],
    /// Live tickets that were let in, and pictures of them that were not.
    pub live: [u64; 2],
    /// Seats that passed at more than one gate.
    pub doubles: u64,
    /// Seats that were shown at a box which had to know by then that they came in elsewhere.
    pub told: u64,
    /// Admissions that never were.
    pub invented: u64,
    /// Disks that were put back as they were before.
    pub put_back: u64,
    /// Times that validation went on from a backup.
    pub restored: u64,
    /// Rows that boxes let go.
    pub pruned: u64,
    /// Seats with which somebody came in long after the ticket was withdrawn.
    pub used_late: u64,
    /// Questions to the other gates that were sent.
    pub questions: u64,
    /// Rows that were sent again after they had arrived.
    pub known: u64,
    /// Uploads.
    pub uploads: u64,
    /// Times at which a gate was cut off from the network.
    pub partitions: u64,
    /// Ends of a process or a machine.
    pub ends: u64,
    /// Exchanges of which one way was lost, doubled or late.
    pub faults: u64,
    /// Steps and snapshots of the list.
    pub revisions: u64,
    /// What settling found.
    pub findings: u64,
}

impl Counts {
    /// Both together.
    pub(super) fn add(&mut self, other: Self) {
        let Self {
            scans,
            admissions,
            staff,
            live,
            doubles,
            told,
            invented,
            put_back,
            restored,
            used_late,
            pruned,
            questions,
            known,
            uploads,
            partitions,
            ends,
            faults,
            revisions,
            findings,
        } = other;
        self.scans += scans;
        self.admissions += admissions;
        self.staff.iter_mut().zip(staff).for_each(|(all, one)| *all += one);
        self.live.iter_mut().zip(live).for_each(|(all, one)| *all += one);
        self.doubles += doubles;
        self.told += told;
        self.invented += invented;
        self.put_back += put_back;
        self.restored += restored;
        self.used_late += used_late;
        self.pruned += pruned;
        self.questions += questions;
        self.known += known;
        self.uploads += uploads;
        self.partitions += partitions;
        self.ends += ends;
        self.faults += faults;
        self.revisions += revisions;
        self.findings += findings;
    }
}
