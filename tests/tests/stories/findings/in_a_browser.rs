//! An administrator reads of a double admission in a real browser, behind the real gateway, looks after it and explains it: by mouse, by
//! keyboard, at twice the size, in both languages, and over the end of a session.

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::{Language, Reason};
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{ADMINISTRATOR, Cloud, Part};
use countermark_tests::gateway::Gateway;
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::PATIENCE;
use serde_json::Value;

use super::{Entrance, found};
use crate::screen::browser::Browser;
use crate::stage::{Stage, tell};

const TAB: &str = "\u{e004}";
const DISPLAYS: [(u32, u32); 3] = [(1024, 600), (1366, 768), (800, 1280)];

/// Calls go on without their token, as after a quarter of an hour, while `expired` is set.
const FORGETFUL: &str = "{
  const { fetch } = window;
  window.fetch = (path, options) => {
    if (window.expired) delete options.headers.Authorization;
    return fetch(path, options);
  };
}";

#[test]
fn are_read_explained_and_decided_about_in_a_browser() {
    tell(Stage::Own("findings_page"), async |cloud| {
        let double = admitted_twice(cloud).await?;
        let slot = double["about"]["slot"].as_u64().context("it is about a seat")?;
        let [first, second] =
            [&double["evidence"]["scans"][0]["objection"]["before"], &double["evidence"]["scans"][0]["scan"]]
                .map(|scan| scan["gate"].to_string());
        let gateway = Gateway::open(cloud).await?;
        let page = format!("{}/events/{FESTIVAL}/findings", gateway.url(Part::Admin));
        let password = cloud.administrator_password()?;
        Browser::used(cloud.folder(), async |browser| {
            browser.prepare(FORGETFUL).await?;
            browser.display(1366, 768, 1).await?;
            browser.open(&page).await?;
            sign_in(browser, "not the password", "Sign in").await?;
            browser.wait("it was refused", "/not accepted/.test(document.getElementById('notice').innerText)").await?;
            complained_of(browser, &["401"]).await?;
            sign_in(browser, &password, "Sign in").await?;
            browser.wait("the finding was shown", "document.querySelector('article') !== null").await?;
            browser.ask::<()>("document.querySelector('summary').click()").await?;
            let shown = text(browser).await?;
            for words in [
                &*format!("Admitted too often · Seat {slot}"),
                &format!("({first}), lane 1, 20"),
                " s later, ",
                &format!("({second}), lane 1, 20"),
                "North (",
                "South (",
                Reason::AlreadyUsed.sentence(Language::En),
                "Compare where and how far apart",
                "As of 20",
                "1 findings open",
            ] {
                assert!(shown.contains(words), "{words}: {shown}");
            }
            whoever_hears_it(browser).await?;
            whoever_has_a_keyboard(browser).await?;
            fits(browser, "findings").await?;

            browser.type_into(".decision input", "I look for both at the bar.").await?;
            browser.press("Acknowledge").await?;
            browser.wait("it was no longer open", "document.querySelector('article') === null && /Noted/.test(document.getElementById('done').innerText)").await?;
            browser.choose("acknowledged").await?;
            browser.wait("it was looked after", "document.querySelector('article') !== null").await?;
            let shown = text(browser).await?;
            assert!(shown.contains("Last decision: acknowledged") && shown.contains("“I look for both at the bar.”"), "{shown}");
            assert!(shown.contains("by you (") && !shown.contains("Acknowledge"), "{shown}");

            over_the_end_of_a_session(browser, &password).await?;
            browser.press("Resolve").await?;
            browser.wait("it was no longer looked after", "document.querySelector('article') === null").await?;

            // The browser keeps nothing, the services everything.
            browser.open(&page).await?;
            assert_eq!(browser.ask::<u32>("return localStorage.length + sessionStorage.length + document.cookie.length").await?, 0);
            sign_in(browser, &password, "Sign in").await?;
            browser.wait("nothing was open", "/Nothing\\./.test(document.getElementById('content').innerText)").await?;
            browser.choose("resolved").await?;
            browser.wait("it was resolved", "document.querySelector('article') !== null").await?;
            let shown = text(browser).await?;
            assert!(shown.contains("Last decision: resolved") && shown.contains("“A couple with one ticket.”"), "{shown}");

            browser.open(&format!("{page}?language=fr")).await?;
            sign_in(browser, &password, "Se connecter").await?;
            browser.wait("there were figures", "document.querySelector('table') !== null").await?;
            browser.choose("tous").await?;
            browser.wait("the finding was shown", "document.querySelector('article') !== null").await?;
            browser.ask::<()>("document.querySelector('summary').click()").await?;
            let shown = text(browser).await?;
            for words in [
                &*format!("Admis trop de fois · Place {slot}"),
                &format!("({first}), couloir 1, 20"),
                " s après, ",
                &format!("({second}), couloir 1, 20"),
                Reason::AlreadyUsed.sentence(Language::Fr),
                "Comparez les lieux et l'écart",
                "État au 20",
                "résolu",
                "Dernière décision : résolu",
                "par vous (",
                "« A couple with one ticket. »",
            ] {
                assert!(shown.contains(words), "{words}: {shown}");
            }
            fits(browser, "findings-fr").await?;
            complained_of(browser, &[]).await?;
            runs_nothing_else(browser).await
        })
        .await
    });
}

/// One seat, let in by two gates that could not hear each other; the answer is what was found of it.
async fn admitted_twice(cloud: &Cloud) -> Result<Value> {
    let administrator = Administrator::log_in(cloud).await?;
    let offer = administrator.offer(&SOLO).await?;
    let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
    let twice = tickets.first().context("no ticket was sold")?;
    let mut north = Entrance::open(cloud, &administrator, "North").await?;
    let mut south = Entrance::open(cloud, &administrator, "South").await?;
    for gate in [&north.gate, &south.gate] {
        gate.would_say(&twice.text, Reason::Admitted).await?;
    }
    cloud.gate_line().cut(Fault::Swallow);
    north.admits(&twice.text).await?;
    south.admits(&twice.text).await?;
    cloud.gate_line().mend();
    for gate in [&north.gate, &south.gate] {
        gate.settled(PATIENCE).await?;
    }
    let double = found(&administrator, "double-admission", 1).await?;
    north.running.kill().await?;
    south.running.kill().await?;
    Ok(double)
}

async fn sign_in(browser: &Browser, password: &str, button: &str) -> Result<()> {
    browser.ask::<()>("document.querySelector('#sign-in').reset()").await?;
    browser.type_into("input[name=email]", ADMINISTRATOR).await?;
    browser.type_into("input[name=password]", password).await?;
    browser.press(button).await
}

/// What stands on the page, in one line.
async fn text(browser: &Browser) -> Result<String> {
    browser.ask("return document.body.innerText.replace(/\\s+/g, ' ')").await
}

/// A decision meets the end of its session: what was read and written stays, and goes on once somebody has signed in above it.
async fn over_the_end_of_a_session(browser: &Browser, password: &str) -> Result<()> {
    browser.type_into(".decision input", "A couple with one ticket.").await?;
    browser.ask::<()>("window.expired = true").await?;
    browser.press("Resolve").await?;
    browser.wait("somebody was to sign in", "document.getElementById('sign-in').hidden === false").await?;
    let above = "document.getElementById('sign-in').getBoundingClientRect().bottom <= document.querySelector('article').getBoundingClientRect().top";
    browser.wait("the form was above what was read", above).await?;
    assert!(text(browser).await?.contains("You are signed out"));
    complained_of(browser, &["401"]).await?;
    browser.picture("findings-signed-out").await?;
    browser.ask::<()>("window.expired = false").await?;
    sign_in(browser, password, "Sign in").await?;
    browser.wait("they were signed in", "document.getElementById('sign-in').hidden").await?;
    browser
        .wait(
            "what was written was there",
            "document.querySelector('.decision input')?.value === 'A couple with one ticket.'",
        )
        .await
}

/// Everything that can be used has a name.
async fn whoever_hears_it(browser: &Browser) -> Result<()> {
    let told = browser.told().await?;
    let used = ["button", "combobox", "textbox", "link", "form", "region", "image", "article", "DisclosureTriangle"];
    let nameless: Vec<_> = told.iter().filter(|(role, name)| used.contains(&&**role) && name.is_empty()).collect();
    assert!(nameless.is_empty(), "{nameless:?}");
    for (role, name) in [
        ("combobox", "Show"),
        ("textbox", "Why"),
        ("button", "Acknowledge"),
        ("button", "Resolve"),
        ("heading", "What was found"),
        ("link", "Français"),
    ] {
        assert!(told.iter().any(|(is, says)| is == role && says == name), "{role} {name}: {told:#?}");
    }
    Ok(())
}

/// Whoever goes on by tabulator sees where they are.
async fn whoever_has_a_keyboard(browser: &Browser) -> Result<()> {
    browser.type_into("#state", TAB).await?;
    let mut places = Vec::new();
    while places.last().is_none_or(|place| place != "resolve") {
        ensure!(places.len() < 12, "the buttons are not reached: {places:?}");
        let (place, outline): (String, f64) = browser
            .ask(
                "const { outlineStyle: style, outlineWidth: width } = getComputedStyle(document.activeElement);
                 const { value, localName } = document.activeElement;
                 return [value || localName, style === 'solid' ? parseFloat(width) : 0];",
            )
            .await?;
        assert!(outline >= 2.0, "{place} does not show that it is next");
        places.push(place);
        browser.type_into(":focus", TAB).await?;
    }
    Ok(())
}

/// On every display, as it is and twice as large, nobody has to scroll sideways; on the narrowest, a table alone.
async fn fits(browser: &Browser, name: &str) -> Result<()> {
    for (width, height) in DISPLAYS {
        for zoom in [1, 2] {
            browser.display(width, height, zoom).await?;
            let wide: Vec<String> = browser
                .ask(
                    "const width = document.documentElement.clientWidth;
                     if (document.documentElement.scrollWidth > width) return ['the page'];
                     const there = [...document.querySelectorAll('body *')].filter((one) => width > 500 || one.matches('.wide') || one.closest('.wide') === null);
                     return there.filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 80));",
                )
                .await?;
            assert!(wide.is_empty(), "{width} x {height}, zoom {zoom}: {wide:?}");
            browser.picture(&format!("{name}-{width}-{zoom}")).await?;
        }
    }
    browser.display(1366, 768, 1).await
}

/// The console has these complaints and no other.
async fn complained_of(browser: &Browser, expected: &[&str]) -> Result<()> {
    let complaints = browser.complaints().await?;
    let as_expected = complaints.len() == expected.len()
        && complaints.iter().zip(expected).all(|(complaint, expected)| complaint.contains(expected));
    ensure!(as_expected, "the console has {complaints:#?}, of which {expected:?} were expected");
    Ok(())
}

/// The page's policy refuses a script in the page itself, and the console says so.
async fn runs_nothing_else(browser: &Browser) -> Result<()> {
    let ran: bool = browser
        .ask(
            "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }));
             return window.ran === true;",
        )
        .await?;
    assert!(!ran, "a script ran that is not admin's");
    complained_of(browser, &["Content Security Policy"]).await
}
