//! Whether what is shown can be read: how tall the letters are, and whether all of it is there on every display and at every zoom.

use anyhow::Result;
use countermark_shared::verdict::{Language, Reason, Severity};
use serde_json::json;

use super::browser::Browser;

/// What `gate/src/screen/screen.css` promises: capitals of 15 mm, a 200th of three metres, on a display that is 345 mm wide.
const CAPITALS: f64 = 15.0 / 345.0;

/// As wide as displays are: a small one, a common one, a large one, and one that stands upright.
const DISPLAYS: [(u32, u32); 4] = [(1024, 600), (1366, 768), (1920, 1080), (800, 1280)];

/// The word of each verdict has tall enough capitals, in either language.
pub(crate) async fn at_three_metres(browser: &Browser, copies: &[(Severity, String)]) -> Result<()> {
    for (width, height) in [(1366, 768), (1920, 1080)] {
        browser.display(width, height, 1).await?;
        for (look, copy) in copies {
            browser.freeze(copy).await?;
            let share: f64 = browser
                .ask(
                    "const word = document.querySelector('.word'), style = getComputedStyle(word);
                     const pen = document.createElement('canvas').getContext('2d');
                     pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
                     pen.letterSpacing = style.letterSpacing === 'normal' ? '0px' : style.letterSpacing;
                     // One that is too long for its line is broken.
                     if (word.textContent.split(' ').some((one) => pen.measureText(one).width > word.clientWidth)) return 0;
                     return pen.measureText('H').actualBoundingBoxAscent / innerWidth;",
                )
                .await?;
            assert!(share >= CAPITALS, "{look} at {width} x {height}: {} mm of 15", share * 345.0);
        }
    }
    Ok(())
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
    at_three_metres(browser, &doubled).await?;
    at_every_size(browser, &doubled).await
}

/// On every display, and at 200 %, nothing is cut off, runs over something else, or can only be reached sideways, whatever the gate has to say.
pub(crate) async fn at_every_size(browser: &Browser, copies: &[(Severity, String)]) -> Result<()> {
    let longest = |language| Reason::ALL.iter().map(|reason| reason.sentence(language)).max_by_key(|text| text.len());
    let longest = json!([longest(Language::En), longest(Language::Fr)]);
    for (width, height) in DISPLAYS {
        for zoom in [1, 2] {
            browser.display(width, height, zoom).await?;
            for (look, copy) in copies {
                browser.freeze(copy).await?;
                let script = format!(
                    "const [english, french] = {longest};
                     document.querySelectorAll('.sentence').forEach((one) => {{ one.textContent = french; }});
                     document.querySelectorAll('.other-sentence').forEach((one) => {{ one.textContent = english; }});
                     const main = document.querySelector('main').getBoundingClientRect();
                     const shown = [...document.querySelectorAll('p, span, li, button')].filter((one) => one.textContent && one.offsetParent);
                     // What has no size has no place where it could be cut off, either.
                     const lanes = [...document.querySelectorAll('.lane')];
                     const tall = (name, share) => lanes.every((lane) => lane.querySelector(name).getBoundingClientRect().height >= share * Math.min(innerWidth / lanes.length, innerHeight));
                     if (!tall('.word', 0.04) || !tall('.symbol', 0.2)) return [['gone', document.querySelector('.word').textContent]];
                     return shown.flatMap((one) => {{
                       const box = one.getBoundingClientRect(), text = one.textContent;
                       if (one.closest('main') && (box.top < main.top - 1 || box.bottom > main.bottom + 1)) return [['over', text]];
                       const lane = one.closest('.lane')?.getBoundingClientRect();
                       if (lane && (box.left < lane.left - 1 || box.right > lane.right + 1)) return [['beside', text]];
                       if (box.left < -1 || box.right > innerWidth + 1 || one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0) return [['sideways', text]];
                       if (box.bottom + scrollY > document.documentElement.scrollHeight + 1) return [['below', text]];
                       return [];
                     }});"
                );
                let lost: Vec<[String; 2]> = browser.ask(&script).await?;
                assert!(lost.is_empty(), "{look} at {width} x {height}, zoom {zoom}: {lost:?}");
            }
        }
    }
    browser.display(1366, 768, 1).await
}
