//! The reasons in French, as an operator reads them, and what an operator does.

use super::{Reason, Severity};

pub(super) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => "Le portique ne peut pas décider. Appelez un responsable.",
        Reason::ScanAgain => "Veuillez présenter le billet à nouveau.",
        Reason::NotOurs => "Ce n'est pas un billet. Présentez le code QR du billet.",
        Reason::UnknownVersion => "Billet plus récent que ce portique. Appelez un responsable.",
        Reason::Malformed => "Ce code est abîmé. Présentez le billet d'origine.",
        Reason::OtherEvent => "Ce billet est pour un autre événement.",
        Reason::KeyUnknown => "Ce portique ne connaît pas la signature de ce billet. Appelez un responsable.",
        Reason::KeyRevoked => "La signature de ce billet n'est plus valable.",
        Reason::IssuerForged => "Ce billet n'a jamais été vendu. Ne pas admettre.",
        Reason::AuthorityForged => "Ce billet n'a jamais été accordé. Ne pas admettre.",
        Reason::LiveProofForged => "Billet d'autrui, présenté avec une fausse preuve. Ne pas admettre.",
        Reason::LiveProofStale => "Ce code est périmé. Affichez-le à nouveau sur le téléphone.",
        Reason::OutdatedGeneration => "Ce billet a été remplacé. Présentez le plus récent.",
        Reason::NotYetValid => "Trop tôt pour ce billet.",
        Reason::NoLongerValid => "Ce billet a expiré.",
        Reason::WrongZone => "Ce billet n'est pas pour cette entrée.",
        Reason::Revoked => "Ce billet a été annulé.",
        Reason::AlreadyInside => "Le titulaire de ce billet est déjà à l'intérieur.",
        Reason::AlreadyUsed => "Ce billet a déjà servi.",
        Reason::PlacesUsedUp => "Toutes les personnes de ce billet ont été admises.",
        Reason::EntriesUsedUp => "Ce billet n'a plus d'entrées.",
        Reason::EntriesTodayUsedUp => "Ce billet n'a plus d'entrées pour aujourd'hui.",
        Reason::PassBack => "Ce billet vient d'être utilisé. Patientez.",
        Reason::Suspended => "Ce portique est suspendu. Orientez vers une autre entrée.",
        Reason::LeaseEnded => "L'affectation de ce portique a pris fin. Appelez un responsable.",
        Reason::LiveProofMissing => "Ce billet doit être présenté en direct sur le téléphone. Appelez un responsable.",
        Reason::LiveProofFromTheFuture => "L'heure du téléphone est en avance sur le portique. Appelez un responsable.",
        Reason::ProductUnknown => "Ce portique ne connaît pas cette catégorie de billet. Appelez un responsable.",
        Reason::NotIssued => "Aucune vente connue pour ce billet. Appelez un responsable.",
        Reason::Blocked => "Ce billet est bloqué. Appelez un responsable.",
        Reason::ExitMissing => "Aucune sortie enregistrée pour ce billet. Appelez un responsable.",
        Reason::Interrupted => "On ne sait pas si ce billet est passé. Appelez un responsable.",
        Reason::UsedElsewhere => "Un autre portique a peut-être déjà accepté ce billet. Appelez un responsable.",
        Reason::OthersUnreachable => "Les autres portiques sont injoignables. Appelez un responsable.",
        Reason::CheckId => "Vérifiez l'identité : le nom est illisible. Appelez un responsable.",
        Reason::ClockUnsure => "L'horloge de ce portique ne peut pas juger ce billet. Appelez un responsable.",
        Reason::ListTooOld => "La liste de ce portique est trop ancienne. Appelez un responsable.",
        Reason::BundleTooOld => "Les clés de ce portique sont trop anciennes. Appelez un responsable.",
        Reason::Forgiven => "Bienvenue. Le tourniquet n'avait pas tourné.",
        Reason::NewerThanList => "Bienvenue. Billet plus récent que la liste de ce portique.",
        Reason::NoList => "Bienvenue. Ce portique n'a pas encore de liste.",
        Reason::ListOld => "Bienvenue. La liste de ce portique est ancienne.",
        Reason::ClockUnset => "Bienvenue. L'horloge de ce portique n'est pas réglée.",
        Reason::BundleExpired => "Bienvenue. Les clés de ce portique sont à renouveler.",
        Reason::ExitWithoutEntry => "Au revoir. Aucune entrée connue pour ce billet.",
        Reason::Exit => "Au revoir.",
        Reason::ExitUnread => "Ce portique ne peut pas lire ce code. Faites sortir la personne à la main.",
        Reason::Overruled => "Entrée autorisée par un superviseur.",
        Reason::FoundByOrder => "Trouvé par commande. Vérifiez l'identité ; un superviseur décide.",
        Reason::Admitted => "Bienvenue.",
    }
}

pub(super) const fn instruction(severity: Severity) -> &'static str {
    match severity {
        Severity::Admit => "Laissez passer.",
        Severity::Attention => "Laissez passer, et lisez le message.",
        Severity::Staff => "Ne laissez pas passer. Appelez un responsable, qui peut en décider autrement.",
        Severity::Refuse => "Ne laissez pas passer.",
        Severity::Fraud => "Ne laissez pas passer. Gardez le code, appelez la sécurité.",
    }
}
