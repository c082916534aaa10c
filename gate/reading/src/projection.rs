//! Points, and projections that take those of one plane to another. Owns plane geometry; knows neither pictures nor codes.

/// A point of a picture in pixels, or of a code in modules; the first pixel's centre is at a half.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// How far it is to another.
    pub(crate) fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The same in a picture so many times larger.
    pub(crate) fn scaled(self, by: f32) -> Self {
        Self { x: self.x * by, y: self.y * by }
    }

    /// The point this much further to the right and down.
    pub(crate) fn plus(self, x: f32, y: f32) -> Self {
        Self { x: self.x + x, y: self.y + y }
    }
}

/// A projection between planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projection([f32; 9]);

impl Projection {
    /// What takes four points to four others; `None` where three of them are on a line.
    pub(crate) fn between(from: [Point; 4], to: [Point; 4]) -> Option<Self> {
        let whole = Self::from_unit_square(to).after(&Self::from_unit_square(from).inverse());
        whole.0.iter().all(|entry| entry.is_finite()).then_some(whole)
    }

    /// Where a point comes to lie.
    #[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
    #[inline]
    pub(crate) fn apply(&self, Point { x, y }: Point) -> Point {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let scale = 1.0 / (g * x + h * y + i);
        Point { x: (a * x + b * y + c) * scale, y: (d * x + e * y + f) * scale }
    }

    /// Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, 2.2.3.
    #[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
    fn from_unit_square([p0, p1, p2, p3]: [Point; 4]) -> Self {
        let (dx1, dx2, sx) = (p1.x - p2.x, p3.x - p2.x, p0.x - p1.x + p2.x - p3.x);
        let (dy1, dy2, sy) = (p1.y - p2.y, p3.y - p2.y, p0.y - p1.y + p2.y - p3.y);
        let whole = dx1 * dy2 - dx2 * dy1;
        let (g, h) = ((sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole);
        let across = [p1.x - p0.x + g * p1.x, p3.x - p0.x + h * p3.x, p0.x];
        let down = [p1.y - p0.y + g * p1.y, p3.y - p0.y + h * p3.y, p0.y];
        let ([a, b, c], [d, e, f]) = (across, down);
        Self([a, b, c, d, e, f, g, h, 1.0])
    }

    /// The adjugate: the inverse but for a factor.
    #[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
    fn inverse(&self) -> Self {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        Self([
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ])
    }

    /// This one after another.
    #[expect(clippy::many_single_char_names, reason = "the entries of a matrix")]
    fn after(&self, first: &Self) -> Self {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let [j, k, l, m, n, o, p, q, r] = first.0;
        let row = |x: f32, y: f32, z: f32| [x * j + y * m + z * p, x * k + y * n + z * q, x * l + y * o + z * r];
        let ([a, b, c], [d, e, f], [g, h, i]) = (row(a, b, c), row(d, e, f), row(g, h, i));
        Self([a, b, c, d, e, f, g, h, i])
    }
}
