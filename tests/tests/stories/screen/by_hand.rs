//! What staff do at the screen, by its buttons, and the same from a tablet that the gate let in.

use std::io::Write;
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use countermark_shared::verdict::{Language, Reason};
use countermark_tests::proxy::{Fault, Proxy};

use super::browser::Browser;
use super::{Entrance, PIN, Stage, tell};

/// CSS pixels: 9 mm on a display of 160 pixels an inch that is not scaled, and more on all others.
const TOUCH: f64 = 57.0;

#[test]
fn an_admission_is_taken_back_a_refusal_overruled_and_a_ticket_typed() {
    tell(Stage::Own("screen_by_hand"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        let mut running = entrance.open().await?;
        let mut lines = running.lines()?;
        let file = cloud.folder().join("pin");
        std::fs::write(&file, PIN)?;
        entrance.gate.add_supervisor("Ada", &file).await?;
        Browser::used(cloud.folder(), async |browser| {
            browser.display(1366, 768, 1).await?;
            browser.open(&running.screen).await?;
            browser.seen("ready").await?;
            let mut show = async |text: &str, look: &str| -> Result<()> {
                writeln!(lines, "{text}")?;
                browser.seen(look).await?;
                browser.seen("ready").await.map(drop)
            };

            show(&entrance.solo[0], "admit").await?;
            choose_the_newest(browser, "PASS").await?;
            browser.press("BACK").await?;
            let ages = "/keys · clés : \\d+ \\w+; .*event · événement : \\d+ \\w+; /.test(document.getElementById('menu').textContent)";
            browser.wait("the ages of keys and event were told", ages).await?;
            browser.press("PASS").await?;
            browser.press("Take back").await?;
            fingers_fit(browser).await?;
            browser.press("YES").await?;
            browser
                .wait("it was taken back", "/TAKEN BACK/.test(document.querySelector('#recent li')?.textContent)")
                .await?;
            browser.press("BACK").await?;
            browser.press("CLOSE").await?;
            // Nobody went through, so that the seat is free again.
            show(&entrance.solo[0], "admit").await?;
            show(&entrance.solo[0], "refuse").await?;

            // Long after the verdict went: of several that were refused, which was it, and why?
            choose_the_newest(browser, "STOP").await?;
            let told: Vec<String> =
                browser.ask("return [...document.querySelectorAll('#menu p')].map((one) => one.textContent)").await?;
            let [english, french] =
                [Language::En, Language::Fr].map(|language| Reason::AlreadyUsed.sentence(language));
            assert_eq!(told[..2], [english, french]);
            assert!(told[2].starts_with("Used · Utilisé : ") && told[2].ends_with(" s)"), "{told:?}");
            browser.press("Let in all the same").await?;
            browser.press("They showed who they are").await?;
            digits(browser, PIN).await?;
            fingers_fit(browser).await?;
            let page: String = browser.ask("return document.documentElement.outerHTML").await?;
            assert!(!page.contains(PIN) && page.contains("••••••"), "a PIN is on the page");
            browser.picture("menu").await?;
            browser.press("OK").await?;
            let overruled = browser.seen("attention").await?;
            assert!(
                overruled.contains(Reason::Overruled.sentence(Language::Fr)),
                "{overruled}"
            );
            browser.press("BACK").await?;

            // Whoever pressed a key has a keyboard.
            let types = "[...document.querySelectorAll('#menu button')].some((one) => one.textContent.includes('Type a ticket'))";
            browser.wait("nobody was asked to type without one", &format!("!{types}")).await?;
            browser.type_into("body", "x").await?;
            browser.press("CLOSE").await?;
            browser.press("MENU").await?;
            browser.press("Type a ticket").await?;
            browser.type_into("#menu textarea", &entrance.solo[1]).await?;
            browser.press("DECIDE").await?;
            browser.seen("admit").await?;
            browser.wait("it had counted", "/^IN\\D*3$/.test(document.querySelector('#counts li').textContent)").await
        })
        .await?;
        running.kill().await?;
        Ok(())
    });
}

/// Opens the menu and the scan on top, which begins with a word.
async fn choose_the_newest(browser: &Browser, word: &str) -> Result<()> {
    browser.press("MENU").await?;
    browser
        .wait(
            "the newest scan was listed",
            &format!("document.querySelector('#menu li button')?.textContent.includes('{word}')"),
        )
        .await?;
    browser.press(word).await
}

pub(super) async fn digits(browser: &Browser, pin: &str) -> Result<()> {
    for digit in pin.chars() {
        browser.press_key(digit).await?;
    }
    Ok(())
}

async fn type_pin(browser: &Browser, pin: &str) -> Result<()> {
    digits(browser, pin).await?;
    browser.press("OK").await
}

/// Each button of the menu is large enough.
pub(super) async fn fingers_fit(browser: &Browser) -> Result<()> {
    let sizes: Vec<[f64; 2]> = browser
        .ask("return [...document.querySelectorAll('#menu button')].map((one) => [one.offsetWidth, one.offsetHeight])")
        .await?;
    assert!(!sizes.is_empty() && sizes.iter().flatten().all(|side| *side >= TOUCH), "{sizes:?}");
    Ok(())
}

#[test]
fn a_tablet_is_let_in_by_a_code_and_sees_nothing_once_it_is_revoked() {
    tell(Stage::Own("screen_tablet"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        let config = cloud.folder().join("gate.toml");
        std::fs::write(&config, "[tablet]\nlisten = \"127.0.0.1:0\"\n")?;
        let mut running = entrance.gate.stand(&config).await?;
        let mut lines = running.lines()?;
        entrance.gate.would_say(&entrance.solo[0], Reason::Admitted).await?;
        let file = cloud.folder().join("pin");
        std::fs::write(&file, PIN)?;
        entrance.gate.add_supervisor("Ada", &file).await?;
        Browser::used(cloud.folder(), async |browser| {
            browser.display(800, 1280, 1).await?;
            browser.open(&running.screen).await?;
            browser.seen("ready").await?;
            browser.press("MENU").await?;
            browser.press("Let a tablet in").await?;
            type_pin(browser, "314159").await?;
            browser.wait("it was no supervisor's", "/Wrong PIN/.test(document.getElementById('menu').textContent)").await?;
            browser.press("BACK").await?;
            browser.press("Let a tablet in").await?;
            type_pin(browser, PIN).await?;
            browser.wait("a code was shown", "/^[0-9]{6}$/.test(document.querySelector('#menu .code')?.textContent)").await?;
            browser.picture("invitation").await?;
            let [code, address]: [String; 2] = browser
                .ask("return [document.querySelector('#menu .code').textContent, document.querySelector('#menu p').textContent]")
                .await?;

            // The Wi-Fi between them: another address of this machine, and the same port.
            let port = address.rsplit_once(':').and_then(|(_, port)| port.trim_end_matches('/').parse().ok()).context("no port")?;
            let wifi = Proxy::bind_at((Ipv4Addr::new(127, 0, 0, 2), port).into()).await?;
            wifi.point_to((Ipv4Addr::LOCALHOST, port).into());
            let address = format!("https://{}/", wifi.address());

            browser.open(&address).await?;
            browser.wait("it was sent to the pairing page", "location.pathname === '/pair'").await?;
            browser.picture("pairing").await?;
            browser.type_into("#code", &code).await?;
            browser.press("PAIR").await?;
            browser.seen("ready").await?;
            let secret: String = browser.ask("return document.cookie").await?;
            assert_eq!(secret, "", "a script can read what makes the tablet known");
            writeln!(lines, "{}", entrance.solo[0])?;
            browser.seen("admit").await?;
            browser.press("MENU").await?;
            browser.wait("it counted itself", "/Tablets paired\\D*1$/m.test([...document.querySelectorAll('#menu p')].map((one) => one.textContent).join('\\n'))").await?;
            browser.press("CLOSE").await?;

            // What is on its way now never comes, on a connection that stays open.
            browser.ask::<()>("window.looks = []; new MutationObserver(() => looks.push(document.body.dataset.look)).observe(document.body, { attributeFilter: ['data-look'] })").await?;
            wifi.cut(Fault::Strand);
            browser.wait("it said so, and found the gate again", "looks.includes('stopped') && looks.at(-1) === 'heard'").await?;
            browser.seen("ready").await?;

            entrance.gate.revoke_tablet(1).await?;
            browser.wait("it is a stranger again", "location.pathname === '/pair'").await
        })
        .await?;
        running.kill().await?;
        Ok(())
    });
}
