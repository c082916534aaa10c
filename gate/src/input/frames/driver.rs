//! The kernel's cameras (`Video4Linux`), through nokhwa. Owns which format is asked for, and what of a picture is its brightness. It takes bytes:
//! whoever asks for the picture makes it.
//!
//! A program that was built without the feature `camera` has none, and says so.

use std::path::Path;

use super::{Eye, Frames};
use crate::config::Place;
use crate::devices::{Cause, Trouble};

#[cfg(not(feature = "camera"))]
pub(super) fn open(
    _eye: Eye,
    place: &Place,
    _device: &Path,
    _resolution: [u32; 2],
) -> Result<Box<dyn Frames>, Trouble> {
    let what = "this program was built without cameras; build it with `--features camera`";
    Err(Trouble::new(Cause::Failed, format!("{place}: {what}")))
}

#[cfg(feature = "camera")]
pub(super) use device::open;

#[cfg(feature = "camera")]
mod device {
    use std::io;

    use countermark_reading::motion_jpeg;
    use image::GrayImage;
    use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType};
    use nokhwa::{Camera, NokhwaError};

    use super::{Cause, Eye, Frames, Path, Place, Trouble};
    use crate::input::frames::Next;

    /// Those whose brightness can be had, the cheapest first. nokhwa-bindings-linux 0.1.4 asks for grey by `GRAY` where Linux has `GREY`
    /// (`videodev2.h`), so that nobody has it yet.
    const FORMATS: [FrameFormat; 4] = [FrameFormat::GRAY, FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG];
    /// Pictures a second below which a person waits for the camera.
    const ENOUGH: u32 = 10;

    /// A camera that gives pictures.
    struct Device {
        eye: Eye,
        camera: Camera,
        place: Place,
    }

    /// Opens the camera, and asks for the resolution by name: left to itself a driver gives what is fast, and small.
    pub(in super::super) fn open(
        eye: Eye,
        place: &Place,
        device: &Path,
        resolution: [u32; 2],
    ) -> Result<Box<dyn Frames>, Trouble> {
        let named = format!("{place}: {}", device.display());
        let number = number(device).map_err(|error| {
            Trouble::new(
                cause(&error),
                format!("{named}: {error}; look at the camera's cable; `ls /dev/video*` shows what is there"),
            )
        })?;
        let failed = |error: NokhwaError| {
            Trouble::new(Cause::Failed, format!("{named}: {error}; plug the camera in again, or take another"))
        };
        let any = RequestedFormat::with_formats(RequestedFormatType::None, &FORMATS);
        let mut camera = Camera::new(CameraIndex::Index(number), any).map_err(failed)?;
        let offered = camera.compatible_camera_formats().map_err(failed)?;
        let chosen = choose(&offered, resolution).ok_or_else(|| {
            Trouble::new(Cause::Failed, format!("{named}: it offers neither YUYV, MJPEG nor NV12; take another camera"))
        })?;
        let formats = [chosen.format()];
        camera
            .set_camera_requset(RequestedFormat::with_formats(RequestedFormatType::Exact(chosen), &formats))
            .map_err(failed)?;
        camera.open_stream().map_err(failed)?;
        tracing::info!(device = %device.display(), format = %camera.camera_format(), "the camera gives");
        Ok(Box::new(Device { eye, camera, place: place.clone() }))
    }

    /// The number in the name that the kernel gave it, which is behind any name of udev's.
    fn number(device: &Path) -> io::Result<u32> {
        let file = device.canonicalize()?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("video").and_then(|number| number.parse().ok());
        number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no /dev/video…"))
    }

    fn cause(error: &io::Error) -> Cause {
        if error.kind() == io::ErrorKind::NotFound { Cause::Gone } else { Cause::Failed }
    }

    /// The nearest resolution first, then enough pictures a second, then what is cheapest to look at, then no more of them than that.
    fn choose(offered: &[CameraFormat], [width, height]: [u32; 2]) -> Option<CameraFormat> {
        let far = |format: &CameraFormat| {
            format.resolution().x().abs_diff(width).saturating_add(format.resolution().y().abs_diff(height))
        };
        let cost = |format: &CameraFormat| FORMATS.iter().position(|known| *known == format.format());
        let known = offered.iter().filter(|format| cost(format).is_some());
        let lacks = |format: &CameraFormat| ENOUGH.saturating_sub(format.frame_rate());
        known.min_by_key(|format| (far(format), lacks(format), cost(format), format.frame_rate())).copied()
    }

    impl Frames for Device {
        fn next(&mut self) -> Result<Next, Trouble> {
            let place = self.place.clone();
            let format = self.camera.camera_format();
            // The driver waits for the next one.
            let taken = self
                .camera
                .frame_raw()
                .map_err(|error| Trouble::new(Cause::Gone, format!("{place}: {error}; look at the camera's cable")));
            let bytes = taken?.into_owned();
            Ok(self.eye.sees(move || {
                brightness(format, &bytes).ok_or_else(|| {
                    Trouble::new(Cause::Failed, format!("{place}: its pictures are damaged; plug the camera in again"))
                })
            }))
        }
    }

    /// The grey levels of a picture as the driver gives it. Where it was cut short on its way, the rest is what lay in the buffer before, a few
    /// pictures old.
    fn brightness(format: CameraFormat, bytes: &[u8]) -> Option<GrayImage> {
        let (width, height) = (format.resolution().x(), format.resolution().y());
        let pixels = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
        let levels = match format.format() {
            // The planes of colour come behind.
            FrameFormat::GRAY | FrameFormat::NV12 => bytes.get(..pixels)?.to_vec(),
            // Brightness and colour by turns.
            FrameFormat::YUYV => bytes.get(..pixels * 2)?.iter().step_by(2).copied().collect(),
            FrameFormat::MJPEG => return motion_jpeg(bytes, (width, height)),
            FrameFormat::RAWRGB | FrameFormat::RAWBGR => return None,
        };
        GrayImage::from_raw(width, height, levels)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::clock::Clock;
        use crate::input::Source;
        use nokhwa::utils::Resolution;

        fn format(width: u32, height: u32, format: FrameFormat, rate: u32) -> CameraFormat {
            CameraFormat::new(Resolution::new(width, height), format, rate)
        }

        #[test]
        fn resolution_comes_first_then_enough_pictures_then_what_is_cheap() {
            let fast = format(640, 480, FrameFormat::YUYV, 60);
            let slow = format(1280, 720, FrameFormat::YUYV, 5);
            let packed = format(1280, 720, FrameFormat::MJPEG, 30);
            let plain = format(1280, 720, FrameFormat::YUYV, 10);
            let colours = format(1280, 720, FrameFormat::RAWRGB, 30);
            let wanted = [1280, 720];
            assert_eq!(choose(&[fast, slow], wanted), Some(slow));
            assert_eq!(choose(&[fast, slow, packed], wanted), Some(packed));
            assert_eq!(choose(&[fast, slow, packed, plain], wanted), Some(plain));
            assert_eq!(choose(&[colours], wanted), None);
            let [faster, enough] = [30, 15].map(|rate| format(1280, 720, FrameFormat::MJPEG, rate));
            assert_eq!(choose(&[faster, enough, slow], wanted), Some(enough), "more are taken, and not looked at");
        }

        #[test]
        fn brightness_is_what_a_code_is_printed_in() {
            let yuyv = [10, 128, 20, 128, 30, 128, 40, 128];
            let picture = brightness(format(2, 2, FrameFormat::YUYV, 30), &yuyv).unwrap();
            assert_eq!(picture.into_raw(), [10, 20, 30, 40]);
            let nv12 = [1, 2, 3, 4, 128, 128];
            assert_eq!(brightness(format(2, 2, FrameFormat::NV12, 30), &nv12).unwrap().into_raw(), [1, 2, 3, 4]);
            assert!(brightness(format(2, 2, FrameFormat::YUYV, 30), &yuyv[..7]).is_none());
            assert!(brightness(format(2, 2, FrameFormat::MJPEG, 30), &yuyv).is_none());
        }

        #[test]
        fn a_camera_that_is_not_there_is_said_with_its_line() {
            let file = crate::config::TomlFile::of_text("gate.toml", "\n".to_owned());
            let place = file.place(&(0..0));
            let eye = Eye { source: Source::Lines, clock: Clock::start() };
            let trouble = open(eye, &place, Path::new("/dev/countermark/no-camera"), [1280, 720]).err().unwrap();
            assert_eq!(trouble.cause, Cause::Gone);
            assert!(trouble.detail.starts_with("gate.toml:1: /dev/countermark/no-camera"), "{}", trouble.detail);
        }
    }
}
