//! Owns who the server runs as. Knows nothing of what it runs.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::Error;

/// The user that the server runs as: this process's own, unless that is root, which PostgreSQL refuses.
pub(crate) struct Privilege {
    drop_to: Option<User>,
}

impl Privilege {
    pub(crate) fn least() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self { drop_to: Some(user) })
            .ok_or(Error::NoUnprivilegedUser)
    }

    /// Makes `command` run as this user.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.drop_to {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Gives `folder` to this user, once it is certain that the user can get there.
    pub(crate) fn give(&self, folder: &Path) -> Result<(), Error> {
        let Some(user) = &self.drop_to else {
            return Ok(());
        };
        let system = |source| Error::System { action: format!("give {} to `{}`", folder.display(), user.name), source };
        for above in folder.ancestors().skip(1) {
            if !may_enter(user, &fs::metadata(above).map_err(system)?) {
                return Err(Error::Unreachable { folder: above.to_path_buf(), user: user.name.clone() });
            }
        }
        chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(system)
    }
}

fn may_enter(user: &User, folder: &fs::Metadata) -> bool {
    let execute = if folder.uid() == user.uid.as_raw() {
        0o100
    } else if folder.gid() == user.gid.as_raw() {
        0o010
    } else {
        0o001
    };
    folder.mode() & execute != 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_entered_by_its_owner_and_by_those_it_lets_in() {
        let folder = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap();
        let metadata = fs::metadata(folder.path()).unwrap();
        let owner = User::from_uid(geteuid()).unwrap().unwrap();
        let mut stranger = owner.clone();
        stranger.uid = (owner.uid.as_raw() + 1).into();
        stranger.gid = (metadata.gid() + 1).into();
        assert!(may_enter(&owner, &metadata));
        assert!(!may_enter(&stranger, &metadata), "the folder is its owner's alone");
        assert!(may_enter(&stranger, &fs::metadata("/").unwrap()));
    }
}
