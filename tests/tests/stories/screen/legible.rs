//! Whether what is shown can be read: how tall the letters are, and whether all of it is there on every display and at every zoom.

use anyhow::Result;
use countermark_shared::verdict::{Language, Reason, Severity};
use serde_json::json;

use super::browser::Browser;

/// What `gate/src/screen/screen.css` promises: capitals of 15 mm, a 200th of three metres, on a display that is 345 mm wide.
const CAPITALS: f64 = 15.0 / 345.0;

/// As wide as displays are: a small one, a common one, a large one, and one that stands upright.
const DISPLAYS: [(u32, u32); 4] = [(1024, 600), (1366, 768), (1920, 1080), (800, 1280)];

/// Those of them that are read from three metres.
const FROM_AFAR: [u32; 2] = [1366, 1920];

/// How tall the word's capitals are, of the display's width.
const LETTERS: &str = "const word = document.querySelector('.word'), style = getComputedStyle(word);
const pen = document.createElement('canvas').getContext('2d');
pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
pen.letterSpacing = style.letterSpacing === 'normal' ? '0px' : style.letterSpacing;
// One that is too long for its line is broken.
if (word.textContent.split(' ').some((one) => pen.measureText(one).width > word.clientWidth)) return 0;
return pen.measureText('H').actualBoundingBoxAscent / innerWidth;";

/// What is cut off, runs over something else, or can only be reached sideways, and how.
const CUT_OFF: &str = "const main = document.querySelector('main').getBoundingClientRect();
const shown = [...document.querySelectorAll('p, span, li, button')].filter((one) => one.textContent && one.offsetParent);
// What has no size has no place where it could be cut off, either.
const lanes = [...document.querySelectorAll('.lane')];
const tall = (name, share) => lanes.every((lane) => lane.querySelector(name).getBoundingClientRect().height >= share * Math.min(innerWidth / lanes.length, innerHeight));
if (!tall('.word', 0.04) || !tall('.symbol', 0.18)) return [['gone', document.querySelector('.word').textContent]];
return shown.flatMap((one) => {
  const box = one.getBoundingClientRect(), text = one.textContent;
  if (one.closest('main') && (box.top < main.top - 1 || box.bottom > main.bottom + 1)) return [['over', text]];
  const lane = one.closest('.lane')?.getBoundingClientRect();
  if (lane && (box.left < lane.left - 1 || box.right > lane.right + 1)) return [['beside', text]];
  if (box.left < -1 || box.right > innerWidth + 1 || one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0) return [['sideways', text]];
  if (box.bottom + scrollY > document.documentElement.scrollHeight + 1) return [['below', text]];
  return [];
});";

/// How many may pass, or when and where the seat was used: the longest of each, in the two lines that the page makes of it.
const PERSONS: [&str; 2] = ["1 PERS.", "254 MORE · ENCORE 254"];
const USED: [&str; 2] = ["2026-11-21 19:00:00 (25 h)", "GATE\u{a0}12345 · PORTIQUE\u{a0}12345"];
/// About as long as there is room for in a ticket.
const HOLDER: &str = "Anne-Élisabeth Grandmaison-Wójcik · Rang 12, place 34";
/// The longest with which a gate goes on, and that there are others.
const NOTICE: &str = "THE CLOUD DOES NOT KNOW THIS GATE: send people to another entrance, tell the administrator, enrol it anew. · LE SERVEUR NE CONNAÎT PAS CE PORTIQUE : orientez vers une autre entrée, prévenez l'administrateur, réenrôlez-le. (+1)";

/// Has each lane say these texts, first in that language, under a notice.
const SAY: &str = "for (const lane of document.querySelectorAll('.lane')) {
  for (const [name, text] of Object.entries(said.texts)) lane.querySelector(`.${name}`).textContent = text;
  const [one, other] = ['.word', '.other-word'].map((name) => lane.querySelector(name));
  if (other.textContent && one.lang !== said.language) {
    [one.textContent, other.textContent] = [other.textContent, one.textContent];
    [one.lang, other.lang] = [other.lang, one.lang];
  }
}
const notices = said.notice === '' ? [] : [Object.assign(document.createElement('p'), { textContent: said.notice })];
document.querySelector('#notices').replaceChildren(...notices);";

/// The word can be read from three metres, and all of it is there on every display, whatever the gate has to say.
pub(crate) async fn whatever_is_said(browser: &Browser, copies: &[(Severity, String)]) -> Result<()> {
    for (look, copy) in copies {
        browser.freeze(copy).await?;
        at_every_size(browser, *look).await?;
        let longest = |language| {
            let reasons = Reason::ALL.iter().filter(|reason| reason.severity() == *look);
            reasons.map(|reason| reason.sentence(language)).max_by_key(|text| text.len())
        };
        let [detail, more] = if look.opens() { PERSONS } else { USED };
        for (language, [one, other]) in [("en", [Language::En, Language::Fr]), ("fr", [Language::Fr, Language::En])] {
            let (sentence, other_sentence) = (longest(one), longest(other));
            for (more, holder, notice) in [("", "", NOTICE), (more, HOLDER, ""), (more, HOLDER, NOTICE)] {
                let texts = json!({ "detail": detail, "more": more, "holder": holder, "sentence": sentence, "other-sentence": other_sentence });
                let said = json!({ "texts": texts, "language": language, "notice": notice });
                browser.ask::<()>(&format!("const said = {said};\n{SAY}")).await?;
                at_every_size(browser, *look).await?;
            }
        }
    }
    browser.display(1366, 768, 1).await
}

/// Both of what was said of the second of two lanes, with both lanes saying it.
pub(crate) async fn side_by_side(browser: &Browser, copies: &[(Severity, String)]) -> Result<()> {
    let mut doubled = Vec::new();
    for (look, copy) in copies {
        browser.freeze(copy).await?;
        let script = "const [first, second] = document.querySelectorAll('.lane');
                      first.replaceWith(second.cloneNode(true));
                      return '<!doctype html>' + document.documentElement.outerHTML;";
        doubled.push((*look, browser.ask(script).await?));
    }
    whatever_is_said(browser, &doubled).await
}

/// On every display, and at 200 %, nothing is cut off, runs over something else, or can only be reached sideways; and the word has tall enough capitals on
/// those that are as wide as the promise.
async fn at_every_size(browser: &Browser, look: Severity) -> Result<()> {
    for (width, height) in DISPLAYS {
        for zoom in [1, 2] {
            browser.display(width, height, zoom).await?;
            let lost: Vec<[String; 2]> = browser.ask(CUT_OFF).await?;
            assert!(lost.is_empty(), "{look} at {width} x {height}, zoom {zoom}: {lost:?}");
            if zoom == 1 && FROM_AFAR.contains(&width) {
                let share: f64 = browser.ask(LETTERS).await?;
                assert!(share >= CAPITALS, "{look} at {width} x {height}: {} mm of 15", share * 345.0);
            }
        }
    }
    Ok(())
}
