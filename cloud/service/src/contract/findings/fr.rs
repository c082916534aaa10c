//! What each rule means and what to do about it, in French.

use super::rule::Rule;

/// Name, meaning and advice.
pub(super) const fn words(rule: Rule) -> [&'static str; 3] {
    match rule {
        Rule::DoubleAdmission => [
            "Admis trop de fois",
            "Des portiques qui ne pouvaient pas communiquer, ou un portique dont le disque a été restauré, ont \
             laissé entrer la même place plus souvent que son billet ne le permet.",
            "Comparez les lieux et l'écart : quelques minutes entre deux entrées signifient une copie, ou un billet \
             repassé par-dessus la clôture. Bloquez la place si l'une des deux personnes est encore à trouver.",
        ],
        Rule::UsedAfterRevocation => [
            "Utilisé après son retrait",
            "Un portique qui ne le savait pas encore a laissé entrer un billet qui avait été annulé, ou remplacé par \
             un plus récent.",
            "Regardez l'écart. Quelques secondes : le temps que la nouvelle arrive ; des heures : un portique sans réseau. \
             Voyez pourquoi le billet a été retiré avant de chercher la personne.",
        ],
        Rule::NeverIssued => [
            "Jamais vendu",
            "Un billet portant les deux signatures est entré, et le service de billetterie n'a pas dit l'avoir vendu.",
            "Un billet vendu à l'instant n'est peut-être pas encore annoncé ; cela se règle alors tout seul. Si cela dure, \
             pensez au vol des clés de signature : appelez leurs responsables, et faites restreindre ou révoquer les \
             clés.",
        ],
        Rule::ExitWithoutEntry => [
            "Sorti sans être entré",
            "Plus de personnes sont sorties avec ce billet qu'aucun portique n'en a vu entrer.",
            "Souvent un portique n'a pas encore transmis, ou une porte était ouverte. Beaucoup à une même sortie \
             signifient que l'on entre à côté des portiques.",
        ],
        Rule::Overruled => [
            "Admis par un superviseur",
            "Un superviseur a laissé entrer cette place alors que le portique ne l'avait pas fait.",
            "Rien, si le motif est bon. Beaucoup par un même superviseur méritent une question.",
        ],
        Rule::TakenBack => [
            "Annulé par le personnel",
            "Le personnel a annulé plus d'une admission de cette place, ou une après laquelle elle est entrée à nouveau.",
            "Souvent un tourniquet qui n'a pas tourné. Beaucoup à un même portique méritent une question : annuler \
             l'admission de quelqu'un qui est à l'intérieur fait entrer une seconde personne avec le même billet.",
        ],
        Rule::Held => [
            "Bloqué à un portique",
            "Le personnel bloque cette place à un portique. Tous les autres la laissent entrer.",
            "Demandez à ce portique pourquoi. Puis bloquez la place, ce qui vaut pour tous les portiques, ou faites-la \
             débloquer à ce portique.",
        ],
        Rule::Gap => [
            "Lignes manquantes",
            "Le journal du portique continue après des lignes qui ne sont jamais arrivées. On ignore ici qui elles ont \
             laissé entrer.",
            "Laissez le boîtier allumé et connecté : il les renverra. Si elles n'arrivent pas, exportez son journal \
             sur place et conservez son disque.",
        ],
        Rule::Fork => [
            "Deux versions d'un journal",
            "La clé du portique a signé deux lignes différentes portant le même numéro : son disque a été remis à un \
             état antérieur, ou copié.",
            "Demandez qui a restauré le boîtier. Si personne, suspendez-le : quelqu'un a sa clé. Un boîtier restauré \
             doit être enrôlé à nouveau.",
        ],
        Rule::ClockJump => [
            "L'horloge a sauté",
            "Les heures que ce portique a notées ne se suivent pas, ou sont en avance sur les nôtres.",
            "Lisez les heures de ce portique avec prudence. Connectez-le, pour que son horloge soit mise à l'heure ; \
             remplacez une pile qui ne tient plus.",
        ],
        Rule::LostGate => [
            "Un portique ne répond pas",
            "Les portes sont ouvertes, et ce portique ne s'est pas manifesté depuis une heure. On ignore ici qui \
             il a laissé entrer depuis.",
            "Envoyez quelqu'un. Il continue d'admettre seul ; tant qu'il ne répond pas, attendez-vous à des entrées \
             en double. Si le boîtier a disparu, suspendez-le.",
        ],
        Rule::Unproved => [
            "Lignes sans preuve",
            "Le portique a envoyé ce qu'aucun billet ne prouve ou ce qu'un portique ne fait pas, des octets qui ne sont \
             pas une ligne, ou des lignes pendant sa suspension. Aucune ne compte.",
            "Suspendez le portique à moins d'en connaître la cause : quelqu'un a peut-être sa clé. Les lignes \
             prouvées d'un portique suspendu par erreur comptent dès sa remise en service.",
        ],
    }
}
