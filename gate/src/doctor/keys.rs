//! The gate's keys: files of its folder, or credentials of its service, which its agent alone ever sees.

use countermark_shared::keys::SigningKey;

use super::{Finding, Standing};
use crate::data_folder::DataFolder;
use crate::identity::{stored_key, stored_unwrapping_key};
use crate::local::Status;
use crate::retire::ENROL_ANEW;

const PART: &str = "keys";

/// How it stands with the keys, and the gate's own where the folder has it: else it is the agent that proves it, by running.
pub(super) fn examine(folder: &DataFolder, status: Option<&Status>) -> (Finding, Option<SigningKey>) {
    let (key, unwrapping_key) = match (stored_key(folder), stored_unwrapping_key(folder)) {
        (Ok(key), Ok(unwrapping_key)) => (key, unwrapping_key),
        (Err(error), _) | (_, Err(error)) => {
            return (Finding::bad(Standing::Wrong, PART, error.to_string(), "see to what it says"), None);
        }
    };
    let finding = match (status.filter(|status| status.running), &key, unwrapping_key) {
        (_, Some(_), Some(_)) => Finding::good(PART, "both are there and can be read"),
        (Some(status), ..) if status.has_unwrapping_key => {
            Finding::good(PART, "the agent has both, as credentials of its service")
        }
        (Some(_), ..) => {
            Finding::bad(Standing::Warning, PART, "the agent has none for names: no name can be read", ENROL_ANEW)
        }
        (None, ..) => {
            let file = if key.is_none() { folder.key() } else { folder.unwrapping_key() };
            let says = format!("{} is not there: the service has it as a credential, or it is lost", file.display());
            let remedy = "start the agent, which knows: `systemctl start countermark-gate`, then `doctor` again";
            Finding::bad(Standing::Warning, PART, says, remedy)
        }
    };
    (finding, key)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::samples;

    fn looked_at(folder: &DataFolder, status: Option<&Status>) -> (Standing, bool) {
        let (finding, key) = examine(folder, status);
        assert_eq!(finding.remedy.is_some(), finding.standing != Standing::Good, "{finding:?}");
        (finding.standing, key.is_some())
    }

    #[test]
    fn a_key_that_is_a_credential_is_the_agents_to_prove_and_no_reason_to_enrol_anew() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(&parent.path().join("gate")).unwrap();
        let status = samples::status();
        let at_rest = Status { running: false, has_unwrapping_key: false, ..status.clone() };
        let nameless = Status { has_unwrapping_key: false, ..status.clone() };
        assert_eq!(looked_at(&folder, Some(&status)), (Standing::Good, false));
        assert_eq!(looked_at(&folder, Some(&nameless)), (Standing::Warning, false));
        for status in [None, Some(&at_rest)] {
            assert_eq!(looked_at(&folder, status), (Standing::Warning, false));
            let remedy = examine(&folder, status).0.remedy.unwrap();
            assert!(remedy.contains("systemctl start") && !remedy.contains("retire"), "{remedy}");
        }
        samples::store_keys(&folder);
        for status in [None, Some(&at_rest), Some(&status)] {
            assert_eq!(looked_at(&folder, status), (Standing::Good, true));
        }
        fs::remove_file(folder.unwrapping_key()).unwrap();
        assert_eq!(looked_at(&folder, None), (Standing::Warning, true));
        assert_eq!(looked_at(&folder, Some(&nameless)), (Standing::Warning, true));
        fs::set_permissions(folder.key(), fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(looked_at(&folder, Some(&status)), (Standing::Wrong, false));
    }
}
