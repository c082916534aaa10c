//! The virtual machine: a PC with a disk, a stick, and ports for two USB serial lines, a keyboard, a camera and a GPIO chip, with a display, a loudspeaker and a
//! network card. Owns how qemu is called.
//!
//! It computes in software (TCG), everywhere alike. Hardware virtualisation would be faster where it is to be had; but where a machine is itself a virtual one,
//! `/dev/kvm` may be there and its guest not get past its firmware (seen), and a test that decides by that is two tests.

use std::path::{Path, PathBuf};

use anyhow::Result;
use countermark_tests::process::Process;
use countermark_tests::wait::until;

use crate::bridge::Bridge;
use crate::camera::Camera;
use crate::disk::Disk;
use crate::display::Display;
use crate::guest::{Guest, PATIENCE};
use crate::image::Image;
use crate::keyboard::Keyboard;
use crate::loudspeaker::Loudspeaker;
use crate::network::{self, Network};
use crate::programs::program;
use crate::usb::UsbSerial;

/// The serial lines' names, and which ports of the USB controller, device 5 of the PCI bus, they are on.
const LINES: [(&str, u8); 2] = [("scanner", 1), ("relay", 2)];
/// What `usb-redir` plugs in, likewise.
const REDIRECTED: [(&str, u8); 2] = [("camera", CAMERA_PORT), ("bridge", BRIDGE_PORT)];
/// The keyboard's port.
pub(crate) const KEYBOARD_PORT: u8 = 3;
/// The camera's. The stick is in between.
pub(crate) const CAMERA_PORT: u8 = 5;
/// The GPIO chip's.
pub(crate) const BRIDGE_PORT: u8 = 6;

/// What the clocks of a machine go by.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    /// The time out here, as all does that has a clock of its own and is plugged in. It has two processors, each as fast as this machine lets it be.
    Ours,
    /// Its own instructions, a nanosecond each; they go on by themselves while it has nothing to do (QEMU, `-icount`). So it knows nothing of how busy this
    /// machine is: in there a browser starts within seconds, a verdict stands for as long as its page means it to, and nobody loses patience, however
    /// long that takes out here.
    Instructions,
}

impl Time {
    fn arguments(self) -> &'static str {
        match self {
            Self::Ours => "-accel tcg,thread=multi -smp 2",
            Self::Instructions => "-accel tcg,thread=single -icount shift=0",
        }
    }
}

/// A machine that runs.
pub(crate) struct Machine {
    qemu: Process,
    disk: Disk,
    /// The way into it.
    pub(crate) guest: Guest,
    /// What people see.
    pub(crate) display: Display,
    /// What people hear.
    pub(crate) loudspeaker: Loudspeaker,
    /// Who is outside.
    pub(crate) network: Network,
    /// What reads tickets.
    pub(crate) scanner: UsbSerial,
    /// What reads them, too.
    pub(crate) keyboard: Keyboard,
    /// What sees them.
    pub(crate) camera: Camera,
    /// What opens.
    pub(crate) relay: UsbSerial,
    /// What opens, too, and tells who has passed.
    pub(crate) bridge: Bridge,
}

impl Machine {
    /// Switches it on, with its files in `folder`, and waits until it has booted. Nothing is plugged in yet
    /// but the stick.
    pub(crate) async fn boot(image: &Image, folder: &Path, time: Time) -> Result<Self> {
        let disk = Disk::start(&folder.join("disk")).await?;
        let socket = |name: &str| folder.join(name).with_extension("socket");
        let mut qemu = program("qemu-system-x86_64", "qemu-system-x86")?;
        qemu.args("-nodefaults -display none -no-reboot -machine pc -cpu max -m 1024".split(' '));
        qemu.args(time.arguments().split(' '));
        qemu.arg("-kernel").arg(&image.kernel).arg("-initrd").arg(&image.ramdisk);
        qemu.args(["-append", "root=/dev/vda rw console=ttyS0 systemd.mask=e2scrub_reap.service"]);
        qemu.arg("-serial").arg(format!("file:{}", console(folder).display()));
        qemu.arg("-drive").arg(format!("if=virtio,format=raw,cache=writeback,file={}", disk.address()));
        // After `-nodefaults` its bus has to be named; the agent's name is qemu-ga's own.
        qemu.args(["-device", "virtio-serial", "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]);
        qemu.arg("-chardev").arg(listening("agent", &socket("agent")));
        for name in ["monitor", "display"] {
            qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", fresh(&socket(name)).display()));
        }
        qemu.arg("-device").arg(format!("qemu-xhci,addr=5,p2={BRIDGE_PORT}"));
        qemu.arg("-drive").arg(format!("if=none,id=stick,format=raw,file={}", folder.join("stick").display()));
        qemu.args(["-device", "usb-storage,drive=stick,port=4"]);
        for (name, port) in REDIRECTED {
            qemu.arg("-chardev").arg(listening(name, &socket(name)));
            qemu.arg("-device").arg(format!("usb-redir,chardev={name},port={port}"));
        }
        for (name, port) in LINES {
            qemu.arg("-chardev").arg(listening(name, &socket(name)));
            qemu.arg("-device").arg(format!("usb-serial,chardev={name},port={port}"));
        }
        qemu.args(["-device", "virtio-gpu-pci", "-nic"]).arg(network::card());
        let played = folder.join("played.wav");
        qemu.arg("-audiodev").arg(format!("wav,id=played,path={}", played.display()));
        qemu.args(["-device", "intel-hda", "-device", "hda-output,audiodev=played"]);
        let qemu = Process::start("qemu", &mut qemu, &folder.join("qemu.log"))?;
        // qemu makes its sockets in the order of the command line.
        until("qemu had started", PATIENCE, async || Ok(socket("relay").exists().then_some(()))).await?;
        let (scanner, relay) = (UsbSerial::at(socket("scanner")), UsbSerial::at(socket("relay")));
        let network = Network::at(&socket("monitor")).await?;
        let display = Display::at(&socket("display")).await?;
        let loudspeaker = Loudspeaker::at(&played)?;
        let keyboard = Keyboard::at(&socket("monitor")).await?;
        let camera = Camera::at(socket("camera"))?;
        let bridge = Bridge::at(socket("bridge"));
        let guest = Guest::reach(&socket("agent")).await?;
        Ok(Self { qemu, disk, guest, display, loudspeaker, network, scanner, keyboard, camera, relay, bridge })
    }

    /// Cuts the power.
    pub(crate) async fn cut_power(self) -> Result<()> {
        // The disk first, or the end of the machine's connection might flush it.
        self.disk.cut().await?;
        self.qemu.kill().await.map(drop)
    }
}

/// What the machine says on its console.
pub(crate) fn console(folder: &Path) -> PathBuf {
    folder.join("console")
}

fn listening(name: &str, socket: &Path) -> String {
    format!("socket,id={name},path={},server=on,wait=off", fresh(socket).display())
}

/// A socket's path, without the socket that another machine left there.
fn fresh(socket: &Path) -> &Path {
    drop(std::fs::remove_file(socket));
    socket
}
