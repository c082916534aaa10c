//! The reasons in French, as an operator reads them.

use super::Reason;

pub(super) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => "Le portique ne peut pas décider. Appelez un responsable.",
        Reason::ScanAgain => "Veuillez présenter le billet à nouveau.",
        Reason::NotOurs => "Ce n'est pas un billet. Présentez le code QR du billet.",
        Reason::UnknownVersion => "Billet plus récent que ce portique. Appelez un responsable.",
        Reason::Malformed => "Ce code est abîmé. Présentez le billet d'origine.",
        Reason::Unsupported => "Ce portique ne lit pas encore ce type de billet. Appelez un responsable.",
        Reason::OtherEvent => "Ce billet est pour un autre événement.",
        Reason::KeyUnknown => "Signataire du billet inconnu de ce portique. Appelez un responsable.",
        Reason::KeyRevoked => "La signature de ce billet n'est plus valable.",
        Reason::IssuerForged => "Ce billet n'a jamais été vendu. Ne pas admettre.",
        Reason::AuthorityForged => "Ce billet n'a jamais été accordé. Ne pas admettre.",
        Reason::OutdatedGeneration => "Ce billet a été remplacé. Présentez le plus récent.",
        Reason::NotIssued => "Aucune vente connue pour ce billet. Appelez un responsable.",
        Reason::NotYetValid => "Trop tôt pour ce billet.",
        Reason::NoLongerValid => "Ce billet a expiré.",
        Reason::WrongZone => "Ce billet n'est pas pour cette entrée.",
        Reason::Blocked => "Ce billet est suspendu. Appelez un responsable.",
        Reason::Revoked => "Ce billet a été annulé.",
        Reason::AlreadyUsed => "Ce billet a déjà servi.",
        Reason::NewerThanList => "Bienvenue. Billet plus récent que la liste de ce portique.",
        Reason::ListOld => "Bienvenue. La liste de ce portique est ancienne.",
        Reason::Admitted => "Bienvenue.",
    }
}
