//! What each rule means and what to do about it, in English.

use super::rule::Rule;

/// Name, meaning and advice.
pub(super) const fn words(rule: Rule) -> [&'static str; 3] {
    match rule {
        Rule::DoubleAdmission => [
            "Admitted too often",
            "Gates that could not hear of each other, or one whose disk was put back, let the same seat in more \
             often than its ticket allows.",
            "Compare where and how far apart: minutes between two entrances mean a copy, or one ticket handed back \
             over the fence. Block the seat if one of the two is still to be found.",
        ],
        Rule::UsedAfterRevocation => [
            "Used after it was withdrawn",
            "A gate that had not heard of it yet let in a ticket that had been cancelled, or replaced by a newer one.",
            "Look how long after: seconds are the way of the news, hours are a gate without network. Find out why \
             the ticket was withdrawn before you look for the person.",
        ],
        Rule::NeverIssued => [
            "Never sold",
            "A ticket with both signatures came in, and the ticket service has not said that it sold it.",
            "A ticket sold a moment ago may still be on its way; then this resolves itself. If it stays, suspect \
             that signing keys are stolen: call whoever keeps them, and have the keys listed-only or revoked.",
        ],
        Rule::ExitWithoutEntry => [
            "Left without having come in",
            "More persons left with this ticket than any gate saw come in with it.",
            "Often a gate has not uploaded yet, or a door was open. Many of them at one exit mean that people come \
             in beside the gates.",
        ],
        Rule::Overruled => [
            "Let in by a supervisor",
            "A supervisor let this seat in although the gate had not.",
            "Nothing, if the reason is a good one. Many by one supervisor are worth a question.",
        ],
        Rule::TakenBack => [
            "Taken back by staff",
            "Staff took more than one admission of this seat back, or one after which it came in again.",
            "Often an arm that did not turn. Many at one gate are worth a question: whoever takes back an admission \
             while somebody is inside lets a second person in by the same ticket.",
        ],
        Rule::Held => [
            "Held at a gate",
            "Staff hold this seat back at a gate. Every other gate lets it in.",
            "Ask that gate why. Then block the seat, which holds it back at all gates, or have the gate release it.",
        ],
        Rule::Gap => [
            "Rows are missing",
            "The gate's journal goes on after rows that never arrived. Whom they let in is not known here.",
            "Leave the box on and connected: it sends them again. If they stay away, export its journal on the box \
             and keep its disk.",
        ],
        Rule::Fork => [
            "Two stories of one journal",
            "The gate's key signed two different rows with the same number: its disk was put back to an earlier state, or copied.",
            "Ask who restored the box. If nobody did, suspend it: somebody has its key. A box that was restored is enrolled anew.",
        ],
        Rule::ClockJump => [
            "The clock jumped",
            "The times that this gate wrote down do not follow one another, or lie ahead of ours.",
            "Read times of this gate with care. Connect it, so that its clock is set; replace a battery that does not hold.",
        ],
        Rule::LostGate => [
            "A gate is not heard",
            "The doors are open, and nothing was heard of this gate for an hour. What it has let in since is not known here.",
            "Send somebody. It goes on admitting by itself; until it is heard, expect seats that came in twice. If \
             the box is gone, suspend it.",
        ],
        Rule::Unproved => [
            "Rows that prove nothing",
            "The gate sent what no ticket proves or what a gate does not do, bytes that are no row, or rows while it \
             was suspended. None of them counts.",
            "Suspend the gate unless you know why: somebody may have its key. Rows that a gate proved while it was \
             suspended by mistake count once it is resumed.",
        ],
    }
}
