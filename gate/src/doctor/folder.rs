//! The gate's folder: who it is, and its keys.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use countermark_shared::keys::SigningKey;

use super::{Finding, Standing};
use crate::data_folder::DataFolder;
use crate::identity::{Identity, OTHERS, stored_key, stored_unwrapping_key};

const ENROL: &str = "enrol it: `countermark-gate enroll`, as the gate's user";

/// A gate that can prove who it is.
pub(super) struct Enrolled {
    pub(super) identity: Identity,
    pub(super) key: SigningKey,
}

pub(super) fn examine(folder: &DataFolder) -> (Vec<Finding>, Option<Enrolled>) {
    let path = folder.path().display();
    let wrong = |part: &str, says: String, remedy: &str| Finding::bad(Standing::Wrong, part, says, remedy);
    let others_may = match fs::metadata(folder.path()) {
        Ok(metadata) => metadata.permissions().mode() & OTHERS,
        Err(error) => return (vec![wrong("folder", format!("{path}: {error}"), ENROL)], None),
    };
    let folder_finding = if others_may == 0 {
        Finding::good("folder", format!("{path}, closed to others"))
    } else {
        let remedy = format!("`chmod 700 {path}`, and think about who read the keys");
        Finding::bad(Standing::Wrong, "folder", format!("{path} can be entered by other users"), remedy)
    };
    let identity = match Identity::load(folder) {
        Ok(identity) => identity,
        Err(error) => return (vec![folder_finding, wrong("identity", error.to_string(), ENROL)], None),
    };
    let says =
        format!("gate {} (“{}”) of event {}, at {}", identity.gate, identity.name, identity.event, identity.cloud);
    let identity_finding = Finding::good("identity", says);
    let anew = "move the folder aside, whole, for the administrator; enrol anew";
    match (stored_key(folder), stored_unwrapping_key(folder)) {
        (Ok(Some(key)), Ok(Some(_))) => {
            let keys = Finding::good("keys", "both are there and can be read");
            (vec![folder_finding, identity_finding, keys], Some(Enrolled { identity, key }))
        }
        (Ok(Some(key)), Ok(None)) => {
            let says = format!("{} is missing: no name can be read", folder.unwrapping_key().display());
            let keys = Finding::bad(Standing::Warning, "keys", says, anew);
            (vec![folder_finding, identity_finding, keys], Some(Enrolled { identity, key }))
        }
        (Ok(None), _) => {
            let says =
                format!("{} is missing; that is well where the service has it as a credential", folder.key().display());
            (vec![folder_finding, identity_finding, wrong("keys", says, anew)], None)
        }
        (Err(error), _) | (_, Err(error)) => {
            (vec![folder_finding, identity_finding, wrong("keys", error.to_string(), anew)], None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn standings(folder: &DataFolder) -> Vec<(String, Standing)> {
        examine(folder).0.into_iter().map(|finding| (finding.part, finding.standing)).collect()
    }

    fn found(part: &str, standing: Standing) -> (String, Standing) {
        (part.to_owned(), standing)
    }

    #[test]
    fn a_folder_is_good_with_all_of_it_and_says_what_is_missing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("gate");
        let folder = DataFolder::at(&path);
        assert_eq!(standings(&folder), [found("folder", Standing::Wrong)]);
        let folder = DataFolder::create(&path).unwrap();
        assert_eq!(standings(&folder), [found("folder", Standing::Good), found("identity", Standing::Wrong)]);
        samples::identity().store(&folder).unwrap();
        let expected =
            [found("folder", Standing::Good), found("identity", Standing::Good), found("keys", Standing::Wrong)];
        assert_eq!(standings(&folder), expected);
        samples::store_keys(&folder);
        let expected = ["folder", "identity", "keys"].map(|part| found(part, Standing::Good));
        assert_eq!(standings(&folder), expected);
        fs::remove_file(folder.unwrapping_key()).unwrap();
        assert_eq!(standings(&folder)[2], found("keys", Standing::Warning));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(standings(&folder)[0], found("folder", Standing::Wrong));
    }
}
