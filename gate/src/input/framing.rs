//! Bytes to lines, as every serial scanner and every pipe sends them. Owns where a line ends, how long it may be and what a scanner puts
//! around a code; reads no device and no clock, and knows nothing of tickets.
//!
//! **A line ends** with CR, LF or ETX; empty ones are nothing shown, which also makes CR LF one end. STX begins a line, and NUL is filler.
//! **Half a line** that silence follows is thrown away, never glued to the next: its rest went astray. Who listens says how long it was
//! quiet. Some scanners send no end at all: for them that silence is the end.
//! **Around the code**, a prefix and a suffix of the device's own are taken off, then the AIM identifier (`]Q1`, ISO/IEC 15424) and the
//! ECI designators that may follow it (`\000026`, AIM ITS/04-023).

use std::time::Duration;

use super::ScannedText;

/// A longer line is no ticket of any kind; its rest is skipped.
pub(super) const MAX_LINE: usize = 4096;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;

/// What a device sends beside the codes that it reads.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Framing {
    /// In front of each code, where it is there.
    pub(crate) prefix: Vec<u8>,
    /// Behind each code, before the end of the line, where it is there.
    pub(crate) suffix: Vec<u8>,
    /// So much silence is no pause within a line.
    pub(crate) idle: Duration,
    /// What that silence is.
    pub(crate) silence: Silence,
}

/// What silence after some bytes says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Silence {
    /// Their rest was lost.
    #[default]
    Cuts,
    /// They are a line.
    Ends,
}

/// What came of a silence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A line, whole or damaged.
    Line(ScannedText),
    /// Something began and did not end; it is gone.
    Cut,
}

/// Collects bytes until they are a line.
#[derive(Default)]
pub(super) struct LineSplitter {
    framing: Framing,
    line: Vec<u8>,
    overlong: bool,
    quiet: Duration,
}

impl LineSplitter {
    /// For a device that frames its lines so.
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    /// The next byte; a line that it ends.
    pub(super) fn push(&mut self, byte: u8) -> Option<ScannedText> {
        self.quiet = Duration::ZERO;
        match byte {
            b'\r' | b'\n' | ETX => return self.end(),
            STX => drop(self.take()),
            0 => {}
            _ if self.line.len() < MAX_LINE => self.line.push(byte),
            _ => self.overlong = true,
        }
        None
    }

    /// No byte came for so long, after those times that no byte came either.
    pub(super) fn quiet(&mut self, waited: Duration) -> Option<Heard> {
        self.quiet = self.quiet.saturating_add(waited);
        if self.line.is_empty() || self.quiet < self.framing.idle {
            return None;
        }
        match self.framing.silence {
            Silence::Ends => self.end().map(Heard::Line),
            Silence::Cuts => {
                self.take();
                Some(Heard::Cut)
            }
        }
    }

    /// There will be no more bytes of this line.
    pub(super) fn end(&mut self) -> Option<ScannedText> {
        let (line, overlong) = self.take();
        let code = self.framing.unwrapped(&line);
        if code.is_empty() {
            return None;
        }
        Some(match str::from_utf8(code) {
            Ok(text) if !overlong => ScannedText::Whole(text.to_owned()),
            Ok(_) | Err(_) => ScannedText::Damaged(String::from_utf8_lossy(code).into_owned()),
        })
    }

    fn take(&mut self) -> (Vec<u8>, bool) {
        (std::mem::take(&mut self.line), std::mem::take(&mut self.overlong))
    }
}

impl Framing {
    fn unwrapped<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let line = line.strip_suffix(self.suffix.as_slice()).unwrap_or(line);
        without_identifier(line.strip_prefix(self.prefix.as_slice()).unwrap_or(line))
    }
}

/// Without an AIM identifier (`]`, a letter for the kind of code, and a modifier), and without what follows it, or stands alone.
pub(super) fn without_identifier(line: &[u8]) -> &[u8] {
    let is_one = |kind: u8, modifier: u8| kind.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric();
    without_designators(match line {
        [b']', kind, modifier, code @ ..] if is_one(*kind, *modifier) => code,
        _ => line,
    })
}

/// Without the ECI designators in front: `\` and six digits each.
fn without_designators(code: &[u8]) -> &[u8] {
    let after = code.strip_prefix(br"\");
    match after.and_then(|after| after.split_at_checked(6)) {
        Some((digits, rest)) if digits.iter().all(u8::is_ascii_digit) => without_designators(rest),
        Some(_) | None => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDLE: Duration = Duration::from_millis(200);
    const SHORTER: Duration = Duration::from_millis(199);

    fn whole(text: &str) -> ScannedText {
        ScannedText::Whole(text.to_owned())
    }

    fn damaged(text: &str) -> ScannedText {
        ScannedText::Damaged(text.to_owned())
    }

    fn framing(silence: Silence) -> Framing {
        Framing { idle: IDLE, silence, ..Framing::default() }
    }

    fn lines(framing: Framing, bytes: &[u8]) -> Vec<ScannedText> {
        let mut splitter = LineSplitter::new(framing);
        let mut lines: Vec<_> = bytes.iter().filter_map(|byte| splitter.push(*byte)).collect();
        lines.extend(splitter.end());
        lines
    }

    #[test]
    fn every_ending_ends_a_line_once() {
        let input = b"a\r\nb c\rd\n\n\r\ne\x03\r\n\x02f\x03\0g\0\r\0";
        let expected = ["a", "b c", "d", "e", "f", "g"].map(whole);
        assert_eq!(lines(Framing::default(), input), expected);
    }

    #[test]
    fn a_bad_line_spoils_none_after_it() {
        let long = "x".repeat(MAX_LINE);
        let endless = "y".repeat(100_000);
        let input =
            [long.as_bytes(), b"\n", long.as_bytes(), b"y\n", endless.as_bytes(), b"\r\xff\xfe\nlost\x02good\n"]
                .concat();
        let cut = endless.get(..MAX_LINE).unwrap();
        let expected = [whole(&long), damaged(&long), damaged(cut), damaged("\u{fffd}\u{fffd}"), whole("good")];
        assert_eq!(lines(Framing::default(), &input), expected);
    }

    #[test]
    fn what_a_scanner_puts_around_a_code_is_taken_off() {
        for (sent, code) in [
            ("]Q1CM1:A", "CM1:A"),
            ("]Q3CM1:A", "CM1:A"),
            (r"]Q2\000026CM1:A", "CM1:A"),
            (r"]Q2\000003\000026CM1:A", "CM1:A"),
            ("]zCCM1:A", "CM1:A"),
            (r"]Q2\00026CM1:A", r"\00026CM1:A"),
            (r"\000026CM1:A", "CM1:A"),
            ("]1QCM1:A", "]1QCM1:A"),
            ("]Q", "]Q"),
        ] {
            assert_eq!(lines(Framing::default(), sent.as_bytes()), [whole(code)], "{sent}");
        }
        assert_eq!(lines(Framing::default(), b"]Q1\r"), []);
        let around = Framing { prefix: b"<".to_vec(), suffix: b">\t".to_vec(), ..Framing::default() };
        assert_eq!(lines(around, b"<]Q1CM1:A>\t\rCM1:B\r"), [whole("CM1:A"), whole("CM1:B")]);
    }

    #[test]
    fn half_a_line_before_a_silence_is_glued_to_nothing() {
        let mut splitter = LineSplitter::new(framing(Silence::Cuts));
        assert_eq!(splitter.quiet(IDLE), None);
        assert_eq!(splitter.push(b'a'), None);
        assert_eq!(splitter.quiet(IDLE / 2), None);
        assert_eq!(splitter.push(b'b'), None);
        assert_eq!(splitter.quiet(IDLE / 2), None);
        assert_eq!(splitter.quiet(IDLE / 2), Some(Heard::Cut));
        assert_eq!(splitter.quiet(IDLE), None);
        assert_eq!(splitter.push(b'c'), None);
        assert_eq!(splitter.push(b'\r'), Some(whole("c")));
    }

    #[test]
    fn silence_ends_the_lines_of_a_device_that_sends_no_end() {
        let mut splitter = LineSplitter::new(framing(Silence::Ends));
        assert_eq!(splitter.push(b'a'), None);
        assert_eq!(splitter.quiet(IDLE), Some(Heard::Line(whole("a"))));
        assert_eq!(splitter.push(b'b'), None);
        assert_eq!(splitter.push(b'\r'), Some(whole("b")));
        assert_eq!(splitter.quiet(IDLE), None);
    }

    /// What a line may bring.
    #[derive(Clone, Debug)]
    enum Event {
        Byte(u8),
        Quiet(u16),
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(STX), Just(ETX), Just(b']'), any::<u8>()];
        prop_oneof![8 => byte.prop_map(Event::Byte), 1 => (0_u16..400).prop_map(Event::Quiet)]
    }

    proptest! {
        /// After whatever came before it, one silence is enough: the ticket behind it is read, once, as it was sent.
        #[test]
        fn after_any_noise_and_a_silence_the_next_ticket_is_whole(
            noise in proptest::collection::vec(any_event(), 0..200),
            ends in any::<bool>(),
            code in "[0-9A-Z $%*+./:-]{1,80}",
        ) {
            let mut splitter = LineSplitter::new(framing(if ends { Silence::Ends } else { Silence::Cuts }));
            for event in noise {
                match event {
                    Event::Byte(byte) => drop(splitter.push(byte)),
                    Event::Quiet(milliseconds) => drop(splitter.quiet(Duration::from_millis(milliseconds.into()))),
                }
                prop_assert!(splitter.line.len() <= MAX_LINE);
            }
            splitter.quiet(IDLE);
            let read: Vec<_> = code.bytes().chain([b'\r']).filter_map(|byte| splitter.push(byte)).collect();
            prop_assert_eq!(read, [whole(&code)]);
        }

        /// Silences shorter than a pause make no difference, wherever they fall.
        #[test]
        fn short_silences_make_no_difference(codes in proptest::collection::vec("[0-9A-Z:]{1,40}", 0..8), step in 1_usize..20) {
            let bytes = codes.iter().flat_map(|code| code.bytes().chain([b'\r', b'\n']));
            let mut splitter = LineSplitter::new(framing(Silence::Cuts));
            let mut read = Vec::new();
            for (index, byte) in bytes.enumerate() {
                read.extend(splitter.push(byte));
                if index % step == 0 {
                    prop_assert_eq!(splitter.quiet(SHORTER), None);
                }
            }
            let expected: Vec<_> = codes.iter().map(|code| whole(code)).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
