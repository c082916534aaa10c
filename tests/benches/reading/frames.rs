//! Generated frames: a code on a surface, seen by a camera that is held badly. Owns what each level of trouble means; knows no decoder.
//!
//! A frame is drawn as a camera would take it: the code's plane is projected, the light falls unevenly and glares, the lens and the
//! movement smear, the sensor adds noise and counts in whole grey levels.

use std::f32::consts::{PI, TAU};

use image::{GrayImage, Luma};
use qrcode::QrCode;
use rand::rngs::StdRng;
use rand::{Rng, RngExt};

/// Pixels of a frame.
pub(crate) const WIDTH: u32 = 1280;
/// Pixels of a frame.
pub(crate) const HEIGHT: u32 = 720;
/// Modules of white about a code (ISO/IEC 18004, 6.3.8).
const QUIET: f32 = 4.0;
/// Samples for a pixel, each way.
const SAMPLES: u8 = 3;

/// How much goes wrong: each figure is what a frame draws from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) name: &'static str,
    /// Pixels of a module.
    module: (f32, f32),
    /// Degrees, either way.
    rotation: f32,
    /// How far a corner is off, as a part of the code's side.
    perspective: f32,
    /// σ of the lens, pixels, at most.
    blur: f32,
    /// Length of the movement, pixels, at most.
    motion: f32,
    /// σ of the sensor, grey levels, at most.
    noise: f32,
    /// Grey levels between black and white.
    contrast: (f32, f32),
    /// How much less light one side gets, at most.
    gradient: f32,
    /// Grey levels that a reflection adds at its centre, at most.
    glare: f32,
}

/// From a code held still to one that a single decoder hardly ever reads.
pub(crate) const LEVELS: [Level; 3] = [
    Level {
        name: "easy",
        module: (6.0, 9.0),
        rotation: 15.0,
        perspective: 0.02,
        blur: 0.8,
        motion: 0.0,
        noise: 5.0,
        contrast: (150.0, 210.0),
        gradient: 0.10,
        glare: 0.0,
    },
    Level {
        name: "medium",
        module: (4.2, 6.5),
        rotation: 180.0,
        perspective: 0.06,
        blur: 1.2,
        motion: 4.0,
        noise: 10.0,
        contrast: (80.0, 150.0),
        gradient: 0.25,
        glare: 70.0,
    },
    HARD,
];

const HARD: Level = Level {
    name: "hard",
    module: (3.0, 4.6),
    rotation: 180.0,
    perspective: 0.12,
    blur: 1.5,
    motion: 5.0,
    noise: 16.0,
    contrast: (45.0, 100.0),
    gradient: 0.45,
    glare: 160.0,
};

/// Further away than the hard level, where one frame is seldom enough: what frames of one held code are worth together.
pub(crate) const FAR: Level = Level { name: "far", module: (2.4, 3.2), ..HARD };

/// What a code is shown on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Surface {
    /// Printed: as bright as the level says, on something of middle grey.
    Paper,
    /// A telephone turned up: whiter than the camera likes, in a dark frame.
    Screen,
}

/// Where a code is held: the corners of its modules, in pixels of the frame, from its upper left one clockwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose(pub(crate) [(f32, f32); 4]);

impl Pose {
    /// Somewhere in the frame, all of it to be seen.
    pub(crate) fn draw(level: &Level, modules: f32, random: &mut StdRng) -> Self {
        let length = modules * between(random, level.module);
        let (sine, cosine) = signed(random, level.rotation).to_radians().sin_cos();
        let mut corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(x, y): (f32, f32)| {
            let (x, y) = (x + signed(random, level.perspective / 2.0), y + signed(random, level.perspective / 2.0));
            (length * (x * cosine - y * sine), length * (x * sine + y * cosine))
        });
        let reach = |of: fn(&(f32, f32)) -> f32| corners.iter().map(of).fold(0.0_f32, |far, at| far.max(at.abs()));
        let (across, down) = (reach(|corner| corner.0), reach(|corner| corner.1));
        let middle = (
            between(random, (across.min(640.0), (1280.0 - across).max(640.0))),
            between(random, (down.min(360.0), (720.0 - down).max(360.0))),
        );
        for corner in &mut corners {
            *corner = (corner.0 + middle.0, corner.1 + middle.1);
        }
        Self(corners)
    }

    /// The same code a moment later: no hand is still.
    pub(crate) fn moved(self, random: &mut StdRng) -> Self {
        let (x, y) = (signed(random, 6.0), signed(random, 6.0));
        Self(self.0.map(|corner| (corner.0 + x + signed(random, 2.0), corner.1 + y + signed(random, 2.0))))
    }
}

/// One frame of a code at a pose.
pub(crate) fn frame(code: &QrCode, level: &Level, surface: Surface, pose: Pose, random: &mut StdRng) -> GrayImage {
    let scene = scene(code, surface, pose, random);
    let (dark, light) = greys(level, surface, random);
    let lit = lit(&scene, dark, light, level, random);
    let moved = motion(&lit, random.random_range(level.motion * 0.3..=level.motion), random.random_range(0.0..PI));
    let lens = blur(&moved, random.random_range(level.blur * 0.3..=level.blur));
    let noise = level.noise * random.random_range(0.5..=1.0);
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([grey(lens.at(x, y) + noise * normal(random))]))
}

/// The grey levels of black and white.
fn greys(level: &Level, surface: Surface, random: &mut StdRng) -> (f32, f32) {
    let contrast = between(random, level.contrast);
    match surface {
        Surface::Paper => {
            let dark = random.random_range(15.0..=(235.0 - contrast).clamp(16.0, 100.0));
            (dark, dark + contrast)
        }
        Surface::Screen => {
            let light = random.random_range(235.0..=275.0);
            (light - contrast * 1.3, light)
        }
    }
}

/// Grey levels, or reflectances, of a whole frame.
struct Plane(Vec<f32>);

impl Plane {
    fn draw(mut of: impl FnMut(f32, f32) -> f32) -> Self {
        let rows = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        Self(rows.map(|(x, y)| of(pixel(x), pixel(y))).collect())
    }

    /// The value at a pixel; beyond the edge, that at the edge.
    fn at(&self, x: u32, y: u32) -> f32 {
        let (x, y) = (x.min(WIDTH - 1) as usize, y.min(HEIGHT - 1) as usize);
        self.0.get(y * WIDTH as usize + x).copied().unwrap_or_default()
    }

    /// The value between four pixels.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what lies before the first is the first"
    )]
    fn between(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x.max(0.0), y.max(0.0));
        let (left, top) = (x as u32, y as u32);
        let (right, down) = (x - pixel(left), y - pixel(top));
        let upper = self.at(left, top) * (1.0 - right) + self.at(left + 1, top) * right;
        let lower = self.at(left, top + 1) * (1.0 - right) + self.at(left + 1, top + 1) * right;
        upper * (1.0 - down) + lower * down
    }
}

/// Reflectances, 0 black and 1 white: the code, its quiet zone, and what lies about.
fn scene(code: &QrCode, surface: Surface, pose: Pose, random: &mut StdRng) -> Plane {
    let width = code.width();
    #[expect(clippy::cast_precision_loss, reason = "at most 177 modules")]
    let side = width as f32;
    let modules = code.to_colors();
    let to_code = to_unit_square(pose.0);
    let background = match surface {
        Surface::Paper => random.random_range(0.3..=0.8),
        Surface::Screen => random.random_range(0.0..=0.15),
    };
    let clutter: Vec<_> = (0..12)
        .map(|_| {
            let (x, y) = (random.random_range(0.0..1280.0), random.random_range(0.0..720.0));
            let (across, down) = (random.random_range(5.0..120.0), random.random_range(5.0..120.0));
            (x, y, across, down, random.random_range(0.0..=1.0))
        })
        .collect();
    let reflectance = |x: f32, y: f32| {
        let (across, down) = to_code.apply(x, y);
        let (across, down) = (across * side, down * side);
        let within = |from: f32, to: f32| (from..to).contains(&across) && (from..to).contains(&down);
        if within(0.0, side) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the code")]
            let index = down as usize * width + across as usize;
            return modules.get(index).map_or(1.0, |color| color.select(0.0, 1.0));
        }
        if within(-QUIET, side + QUIET) {
            return 1.0;
        }
        let thing = clutter.iter().find(|thing| (x - thing.0).abs() < thing.2 && (y - thing.1).abs() < thing.3);
        thing.map_or(background, |thing| thing.4)
    };
    Plane::draw(|x, y| {
        let offset = |step: u8| (f32::from(step) + 0.5) / f32::from(SAMPLES) - 0.5;
        let samples = (0..SAMPLES).flat_map(|down| (0..SAMPLES).map(move |across| (offset(across), offset(down))));
        let sum: f32 = samples.map(|(across, down)| reflectance(x + across, y + down)).sum();
        sum / f32::from(SAMPLES * SAMPLES)
    })
}

/// The scene in its light.
fn lit(scene: &Plane, dark: f32, light: f32, level: &Level, random: &mut StdRng) -> Plane {
    let (sine, cosine) = random.random_range(0.0..TAU).sin_cos();
    let gradient = random.random_range(0.0..=level.gradient);
    let glare = random.random_range(0.0..=level.glare);
    let centre = (random.random_range(0.0..1280.0), random.random_range(0.0..720.0));
    let wide = random.random_range(40.0..160.0_f32);
    let mut pixels = scene.0.iter();
    Plane::draw(|x, y| {
        let along = ((x - 640.0) * cosine + (y - 360.0) * sine) / 1468.0 + 0.5;
        let away = ((x - centre.0).powi(2) + (y - centre.1).powi(2)) / (2.0 * wide * wide);
        let reflectance = pixels.next().copied().unwrap_or_default();
        (dark + (light - dark) * reflectance) * (1.0 - gradient * along) + glare * (-away).exp()
    })
}

/// Smeared over a straight way.
fn motion(plane: &Plane, length: f32, angle: f32) -> Plane {
    const STEPS: u8 = 9;
    if length < 0.3 {
        return Plane(plane.0.clone());
    }
    let (sine, cosine) = angle.sin_cos();
    let ways: Vec<_> = (0..STEPS)
        .map(|step| {
            let along = length * ((f32::from(step) + 0.5) / f32::from(STEPS) - 0.5);
            (along * cosine, along * sine)
        })
        .collect();
    Plane::draw(|x, y| {
        ways.iter().map(|(across, down)| plane.between(x + across, y + down)).sum::<f32>() / f32::from(STEPS)
    })
}

/// Through a lens of this σ.
fn blur(plane: &Plane, sigma: f32) -> Plane {
    const REACH: i16 = 5;
    let weights = (-REACH..=REACH).map(|at| (f32::from(at), (-f32::from(at * at) / (2.0 * sigma * sigma)).exp()));
    let weights: Vec<_> = weights.collect();
    let whole: f32 = weights.iter().map(|(_, weight)| weight).sum();
    let pass = |plane: &Plane, across: f32, down: f32| {
        Plane::draw(|x, y| {
            let sum: f32 = weights.iter().map(|(at, w)| w * plane.between(x + at * across, y + at * down)).sum();
            sum / whole
        })
    };
    pass(&pass(plane, 1.0, 0.0), 0.0, 1.0)
}

/// A projection of the plane.
struct Projection([f32; 9]);

impl Projection {
    #[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let depth = g * x + h * y + i;
        ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth)
    }
}

/// What takes four corners to those of the unit square (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, 2.2.3).
#[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
fn to_unit_square([(x0, y0), (x1, y1), (x2, y2), (x3, y3)]: [(f32, f32); 4]) -> Projection {
    let (dx1, dx2, sx) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, sy) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let whole = dx1 * dy2 - dx2 * dy1;
    let (g, h) = ((sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole);
    let [a, b, c] = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0];
    let [d, e, f] = [y1 - y0 + g * y1, y3 - y0 + h * y3, y0];
    // The inverse of it, but for a factor: the adjugate.
    Projection([
        e - f * h,
        c * h - b,
        b * f - c * e,
        f * g - d,
        a - c * g,
        c * d - a * f,
        d * h - e * g,
        b * g - a * h,
        a * e - b * d,
    ])
}

fn between(random: &mut StdRng, (low, high): (f32, f32)) -> f32 {
    random.random_range(low..=high)
}

fn signed(random: &mut StdRng, most: f32) -> f32 {
    random.random_range(-most..=most)
}

/// Of mean 0 and variance 1: the sum of sixteen numbers is as good as normal, and cheap.
fn normal(random: &mut StdRng) -> f32 {
    let sum: u32 =
        random.next_u64().to_le_bytes().into_iter().chain(random.next_u64().to_le_bytes()).map(u32::from).sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 4080")]
    let sum = sum as f32;
    // Mean 16 · 127.5; variance 16 · (256² − 1) / 12.
    (sum - 2040.0) / 295.6
}

#[expect(clippy::cast_precision_loss, reason = "at most 1280")]
fn pixel(at: u32) -> f32 {
    at as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn grey(level: f32) -> u8 {
    level.round().clamp(0.0, 255.0) as u8
}
