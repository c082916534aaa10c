//! A bare Debian with Debian's kernel, of the suite that this machine has, as it is before anybody made it a gate: no line of ours is in it.
//! Owns how it is made, and that it is made once; kept in cargo's folder for tests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use countermark_tests::process::run_well;

use crate::programs::program;

/// As `apt` on this machine has it; else mmdebstrap knows Debian's own.
const SOURCES: &str = "/etc/apt/sources.list.d/debian.sources";
/// What a bare Debian has that a bare folder has not, what the package needs and recommends, and what this test asks the guest by.
const PACKAGES: &str = "systemd-sysv,udev,dbus,linux-image-amd64,initramfs-tools,ca-certificates,nftables,cage,chromium,seatd,alsa-utils,qemu-guest-agent";
/// An initial RAM disk for this one machine is a fifth of one for all, and boots that much sooner.
const MODULES: &str = r#"mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/machine"
printf 'virtio_pci\nvirtio_blk\next4\n' > "$1/etc/initramfs-tools/modules""#;

/// The image's files.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The root file system.
    pub(crate) root: PathBuf,
    /// Kernel.
    pub(crate) kernel: PathBuf,
    /// Initial RAM disk.
    pub(crate) ramdisk: PathBuf,
}

impl Image {
    /// The image, made now unless it was made so before.
    pub(crate) async fn make() -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("box");
        let image =
            Self { root: folder.join("root.ext4"), kernel: folder.join("vmlinuz"), ramdisk: folder.join("initrd.img") };
        // In the chroot are mounts now, /proc and others; bound elsewhere, it is without them.
        let finish = format!(
            r#"cp "$1"/boot/vmlinuz-* '{kernel}' && cp "$1"/boot/initrd.img-* '{ramdisk}'
bare=$(mktemp -d) && mount --bind "$1" "$bare" && truncate --size 3G '{root}' && mke2fs -q -F -t ext4 -d "$bare" '{root}' && umount "$bare""#,
            kernel = image.kernel.display(),
            ramdisk = image.ramdisk.display(),
            root = image.root.display(),
        );
        let suite = suite()?;
        let recipe = [&*suite, PACKAGES, MODULES, &finish].join("\n");
        let made = folder.join("recipe");
        if fs::read_to_string(&made).is_ok_and(|before| before == recipe) {
            return Ok(image);
        }
        // Of an image that was being made when somebody ended it, nothing is left to believe.
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        let mut mmdebstrap = program("mmdebstrap", "mmdebstrap")?;
        mmdebstrap.args(["--quiet", "--variant=minbase", "--format=null"]).arg(format!("--include={PACKAGES}"));
        mmdebstrap.arg(format!("--essential-hook={MODULES}")).arg(format!("--customize-hook={finish}")).arg(&suite);
        mmdebstrap.arg("/dev/null");
        mmdebstrap.args(Path::new(SOURCES).is_file().then_some(SOURCES));
        run_well(mmdebstrap).await?;
        fs::write(&made, recipe)?;
        Ok(image)
    }
}

/// This machine's Debian, so that the program under test finds the libraries that it was linked with.
fn suite() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release")?;
    let suite = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(suite.context("/etc/os-release names no suite: the box is made on Debian")?.to_owned())
}
