//! Which character a key is, by the keyboard that a scanner was set to. Owns the layouts; knows nothing of what is typed.
//!
//! A scanner that plays a keyboard sends keys, not characters: whoever set it to French makes it press the keys on which a French keyboard
//! has the characters. Key codes are the kernel's (`linux/input-event-codes.h`), the layouts those of xkeyboard-config.

/// A keyboard's printing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// As `gate.toml` names it.
    pub(crate) code: &'static str,
    /// As people call it.
    pub(crate) name: &'static str,
    plain: [&'static str; 4],
    shifted: [&'static str; 4],
    /// Behind `AltGr`, as far as tickets need it.
    third: &'static [(u16, char)],
}

/// What is held while a key is pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) shift: bool,
    pub(super) third: bool,
    /// Caps Lock, which turns letters alone.
    pub(super) capitals: bool,
}

impl Layout {
    /// What scanners are when nobody has set them.
    pub(crate) const US: &Self = &Self {
        code: "us",
        name: "US",
        plain: ["`1234567890-=", "qwertyuiop[]", r"asdfghjkl;'\", "zxcvbnm,./"],
        shifted: ["~!@#$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:\"|", "ZXCVBNM<>?"],
        third: &[],
    };

    /// All that a scanner in these parts may have been set to. A British one types tickets as a US one does.
    pub(crate) const ALL: [&Self; 9] = [
        Self::US,
        &Self {
            code: "fr",
            name: "French",
            plain: ["²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!"],
            shifted: ["~1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", "WXCVBN?./§"],
            third: &[],
        },
        &Self {
            code: "be",
            name: "Belgian",
            plain: ["²&é\"'(§è!çà)-", "azertyuiop^$", "qsdfghjklmùµ", "wxcvbn,;:="],
            shifted: ["³1234567890°_", "AZERTYUIOP¨*", "QSDFGHJKLM%£", "WXCVBN?./+"],
            third: &[],
        },
        &Self {
            code: "de",
            name: "German",
            plain: ["^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-"],
            shifted: ["°!\"§$%&/()=?`", "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", "YXCVBNM;:_"],
            third: &[],
        },
        &Self {
            code: "ch",
            name: "Swiss",
            plain: ["§1234567890'^", "qwertzuiopü¨", "asdfghjklöä$", "yxcvbnm,.-"],
            shifted: ["°+\"*ç%&/()=?`", "QWERTZUIOPè!", "ASDFGHJKLéà£", "YXCVBNM;:_"],
            third: &[],
        },
        &Self {
            code: "it",
            name: "Italian",
            plain: [r"\1234567890'ì", "qwertyuiopè+", "asdfghjklòàù", "zxcvbnm,.-"],
            shifted: ["|!\"£$%&/()=?^", "QWERTYUIOPé*", "ASDFGHJKLç°§", "ZXCVBNM;:_"],
            third: &[],
        },
        &Self {
            code: "es",
            name: "Spanish",
            plain: ["º1234567890'¡", "qwertyuiop`+", "asdfghjklñ´ç", "zxcvbnm,.-"],
            shifted: ["ª!\"·$%&/()=?¿", "QWERTYUIOP^*", "ASDFGHJKLÑ¨Ç", "ZXCVBNM;:_"],
            third: &[],
        },
        &Self {
            code: "pt",
            name: "Portuguese",
            plain: [r"\1234567890'«", "qwertyuiop+´", "asdfghjklçº~", "zxcvbnm,.-"],
            shifted: ["|!\"#$%&/()=?»", "QWERTYUIOP*`", "ASDFGHJKLÇª^", "ZXCVBNM;:_"],
            third: &[],
        },
        // Danish, Finnish and Norwegian ones differ from it in letters that no ticket has.
        &Self {
            code: "se",
            name: "Nordic",
            plain: ["§1234567890+´", "qwertyuiopå¨", "asdfghjklöä'", "zxcvbnm,.-"],
            shifted: ["½!\"#¤%&/()=?`", "QWERTYUIOPÅ^", "ASDFGHJKLÖÄ*", "ZXCVBNM;:_"],
            third: &[(5, '$')],
        },
    ];

    /// By its code.
    pub(crate) fn named(code: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|layout| layout.code == code)
    }

    /// The character of a key; none of one that has none.
    pub(super) fn character(&self, key: u16, held: Held) -> Option<char> {
        if let Some(same) = everywhere(key) {
            return Some(same);
        }
        if held.third {
            return self.third.iter().find(|(third, _)| *third == key).map(|(_, character)| *character);
        }
        let (row, column) = position(key)?;
        let print = |rows: &[&'static str; 4]| rows.get(row)?.chars().nth(column);
        let (plain, shifted) = (print(&self.plain)?, print(&self.shifted)?);
        let letter = plain.to_uppercase().eq([shifted]) && plain != shifted;
        Some(if held.shift ^ (held.capitals && letter) { shifted } else { plain })
    }
}

/// Row and column of a key among the printed ones.
fn position(key: u16) -> Option<(usize, usize)> {
    let (row, column) = match key {
        41 => (0, 0),
        2..=13 => (0, key - 1),
        16..=27 => (1, key - 16),
        30..=40 => (2, key - 30),
        43 => (2, 11),
        44..=53 => (3, key - 44),
        _ => return None,
    };
    Some((row, column.into()))
}

/// Keys that are the same on every keyboard: the space bar and the keypad.
fn everywhere(key: u16) -> Option<char> {
    Some(match key {
        57 => ' ',
        55 => '*',
        74 => '-',
        78 => '+',
        83 => '.',
        98 => '/',
        _ => char::from(b'0' + keypad_digit(key)?),
    })
}

/// The digit of a key of the keypad.
pub(super) fn keypad_digit(key: u16) -> Option<u8> {
    Some(match key {
        71..=73 => 7 + u8::try_from(key - 71).ok()?,
        75..=77 => 4 + u8::try_from(key - 75).ok()?,
        79..=81 => 1 + u8::try_from(key - 79).ok()?,
        82 => 0,
        _ => return None,
    })
}

#[cfg(test)]
impl Layout {
    /// The key that a scanner with this layout presses for a character.
    pub(super) fn key_of(&self, character: char) -> Option<(u16, Held)> {
        let held = [(false, false), (true, false), (false, true)];
        let held = held.map(|(shift, third)| Held { shift, third, capitals: false });
        let mut pressed = (1..=57_u16).filter(|key| *key != 55).flat_map(|key| held.map(|held| (key, held)));
        pressed.find(|(key, held)| self.character(*key, *held) == Some(character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_prints_every_key_and_types_every_ticket() {
        for layout in Layout::ALL {
            for rows in [&layout.plain, &layout.shifted] {
                assert_eq!(rows.map(|row| row.chars().count()), [13, 12, 12, 10], "{}", layout.code);
            }
            for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".chars() {
                assert!(layout.key_of(character).is_some(), "{} has no {character}", layout.code);
            }
            assert_eq!(Layout::named(layout.code), Some(layout));
        }
    }

    #[test]
    fn caps_lock_turns_letters_alone() {
        let capitals = |shift| Held { shift, third: false, capitals: true };
        let typed = [(30, false), (30, true), (2, false), (2, true), (39, true)];
        let typed: String =
            typed.iter().filter_map(|(key, shift)| Layout::US.character(*key, capitals(*shift))).collect();
        assert_eq!(typed, "Aa1!:");
        let french = Layout::named("fr").unwrap();
        let typed: String = [(3, false), (3, true)]
            .iter()
            .filter_map(|(key, shift)| french.character(*key, capitals(*shift)))
            .collect();
        assert_eq!(typed, "é2");
    }

    #[test]
    fn the_keypad_is_the_same_everywhere() {
        let keys = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73, 55, 74, 78, 83, 98];
        for layout in Layout::ALL {
            let typed: String = keys.iter().filter_map(|key| layout.character(*key, Held::default())).collect();
            assert_eq!(typed, "0123456789*-+./", "{}", layout.code);
        }
    }
}
