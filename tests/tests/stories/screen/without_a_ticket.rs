//! Somebody left their ticket at home and knows their order's code: staff find them by name, and a supervisor lets them in.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::order_code::OrderCode;
use countermark_shared::verdict::{Language, Reason};
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::clock;
use countermark_tests::gate::Gate;
use countermark_tests::season::{self, FESTIVAL, NAMED};
use countermark_tests::wait::{PATIENCE, until};
use serde_json::Value;

use super::browser::Browser;
use super::by_hand::{digits, fingers_fit};
use super::{GUEST, Stage, tell};

const PIN: &str = "314159";

#[test]
fn is_found_by_an_orders_code_let_in_by_a_supervisor_and_in_only_once() {
    tell(Stage::Bare("screen_found"), async |cloud| {
        let now = clock::now();
        let mut festival = season::festival(now, now + Duration::from_hours(6))?;
        festival.find_by_order = true;
        let administrator = Administrator::log_in(cloud).await?;
        administrator.publish(&festival).await?;
        let offer = administrator.offer(&NAMED).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let order = buyer.order_for(&offer, GUEST).await?;
        let code = order.code.clone();
        let ticket = buyer.complete(order).await?.first().context("no ticket was sold")?.clone();
        let enrol = async |name: &str| Gate::enrol(cloud, name, &administrator.gate(name, FESTIVAL).await?).await;
        let (north, south) = (enrol("North").await?, enrol("South").await?);
        let (mut at_north, mut at_south) = (north.listen().await?, south.listen().await?);
        let (mut lines, mut southern_lines) = (at_north.lines()?, at_south.lines()?);
        let pin = cloud.folder().join("pin");
        std::fs::write(&pin, PIN)?;
        north.add_supervisor("Ada", &pin).await?;
        south.would_say(&ticket.text, Reason::Admitted).await?;

        // By numbers on the command line, by name on the screen alone.
        let found = until("the guest list had come", PATIENCE, async || {
            let found = north.find(&code.to_lowercase()).await?;
            Ok((!found.is_empty()).then_some(found))
        })
        .await?;
        let seat: Value = serde_json::from_str(&found[0])?;
        assert_eq!((&seat["slot"], &seat["standing"]), (&ticket.slot.into(), &"admitted".into()), "{found:?}");
        assert!(found.len() == 1 && !found[0].contains("Zo"), "{found:?}");

        Browser::used(cloud.folder(), async |browser| {
            browser.display(1366, 768, 1).await?;
            browser.open(&at_north.screen).await?;
            browser.seen("ready").await?;
            look_for(browser, "00000-00000").await?;
            browser.wait("nobody was found", &menu_says("No order has this code.")).await?;
            browser.press("BACK").await?;
            browser.press("CLOSE").await?;

            // By touch: a box at an entrance has no keyboard.
            browser.press("MENU").await?;
            browser.press("Find by order code").await?;
            fingers_fit(browser).await?;
            keys_are_a_codes(browser).await?;
            browser.press_key('A').await?;
            browser.press("DELETE").await?;
            for symbol in code.chars().filter(|symbol| *symbol != '-') {
                browser.press_key(symbol).await?;
            }
            let typed: String = browser.ask("return document.querySelector('#menu input').value").await?;
            assert_eq!(typed, code);
            browser.picture("keys").await?;
            browser.press("FIND").await?;
            browser.wait("somebody was found", &menu_says("Not let in yet. · Pas encore entré.")).await?;
            browser.picture("found").await?;
            browser.press(GUEST).await?;
            browser.press("YES, to the supervisor").await?;
            let asked = browser.seen("staff").await?;
            assert!(asked.contains(GUEST) && asked.contains(Reason::FoundByOrder.sentence(Language::En)), "{asked}");
            browser.press("They showed who they are").await?;
            digits(browser, PIN).await?;
            browser.press("OK").await?;
            let let_in = browser.seen("attention").await?;
            assert!(let_in.contains(Reason::Overruled.sentence(Language::Fr)) && let_in.contains(GUEST), "{let_in}");
            browser.press("BACK").await?;
            browser.press("CLOSE").await?;
            browser.seen("ready").await?;
            let left: String = browser.ask("return document.documentElement.outerHTML").await?;
            assert!(!left.contains("Zoë"), "a name stayed on the page: {left}");
            look_for(browser, &code).await?;
            browser.wait("they were let in before", &menu_says(Reason::AlreadyUsed.sentence(Language::En))).await
        })
        .await?;
        let verdicts = [at_north.verdict().await?, at_north.verdict().await?];
        let said = verdicts.each_ref().map(|said| (&*said.source, said.verdict, said.opens));
        assert_eq!(said, [("order", Reason::FoundByOrder, false), ("supervisor", Reason::Overruled, true)]);

        // The ticket itself is used, here. No other gate believes that without it, and validation finds it out.
        writeln!(lines, "{}", ticket.text)?;
        assert_eq!(at_north.verdict().await?.verdict, Reason::AlreadyUsed);
        assert_eq!(north.settled(PATIENCE).await?.contested, 0, "rows without a ticket are in no dispute");
        writeln!(southern_lines, "{}", ticket.text)?;
        assert_eq!(at_south.verdict().await?.verdict, Reason::Admitted);
        let double = until("the double admission was found", PATIENCE, async || {
            Ok(administrator.findings(FESTIVAL, "double-admission").await?.pop())
        })
        .await?;
        let doubt = &double["evidence"]["scans"][0];
        let gates = [&doubt["scan"]["gate"], &doubt["objection"]["before"]["gate"]].map(Value::as_u64);
        assert_eq!(gates, [Some(south.number.into()), Some(north.number.into())], "{double}");
        assert!(administrator.findings(FESTIVAL, "unproved").await?.is_empty(), "the gate is accused of nothing");
        at_north.kill().await?;
        at_south.kill().await?;
        Ok(())
    });
}

async fn look_for(browser: &Browser, code: &str) -> Result<()> {
    browser.press("MENU").await?;
    browser.press("Find by order code").await?;
    browser.type_into("#menu input", code).await?;
    browser.press("FIND").await
}

/// Each symbol of an order's code has one key.
async fn keys_are_a_codes(browser: &Browser) -> Result<()> {
    let script =
        "return [...document.querySelectorAll('#menu .symbols button:not(.removes)')].map((one) => one.textContent)";
    let keys: Vec<String> = browser.ask(script).await?;
    for key in &keys {
        let code: OrderCode = key.repeat(10).parse().with_context(|| format!("no code has a {key}"))?;
        assert_eq!(code.to_string(), format!("{0}-{0}", key.repeat(5)));
    }
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (32, 32), "{keys:?}");
    Ok(())
}

fn menu_says(words: &str) -> String {
    format!("document.querySelector('#menu').textContent.includes('{words}')")
}
