//! The gate's folder, and who it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Finding, Standing};
use crate::data_folder::DataFolder;
use crate::identity::{Identity, IdentityError, OTHERS};

const ENROL: &str = "enrol it: `countermark-gate enroll`, as the gate's user";

pub(super) fn examine(folder: &DataFolder) -> (Vec<Finding>, Option<Identity>) {
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
        Err(error @ IdentityError::NotEnrolled { .. }) => {
            return (vec![folder_finding, wrong("identity", error.to_string(), ENROL)], None);
        }
        Err(error) => return (vec![folder_finding, wrong("identity", error.to_string(), "see to what it says")], None),
    };
    let says =
        format!("gate {} (“{}”) of event {}, at {}", identity.gate, identity.name, identity.event, identity.cloud);
    let identity_finding = Finding::good("identity", says);
    (vec![folder_finding, identity_finding], Some(identity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retire::ENROL_ANEW;
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
        assert_eq!(standings(&folder), ["folder", "identity"].map(|part| found(part, Standing::Good)));
        fs::write(folder.identity(), "{").unwrap();
        let damaged = examine(&folder).0.pop().unwrap();
        assert!(damaged.says.ends_with(ENROL_ANEW) && damaged.standing == Standing::Wrong, "{damaged:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(standings(&folder)[0], found("folder", Standing::Wrong));
    }
}
