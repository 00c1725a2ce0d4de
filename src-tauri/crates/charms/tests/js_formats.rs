//! Text that other programs know how to make: dates and numbers of American
//! English, and Markdown of HTML. The tables hold what Node 20 (ICU 78) and the
//! package turndown 7.2 give.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use charmkeeper_charms::testing::{FakeHost, eval_in_engine};

/// Runs code that logs what is wrong, with a table in `rows`.
#[track_caller]
fn agrees(table: &str, code: &str) {
    let code = format!(
        "{code}\nconst rows = {table};\nfor (const row of rows) check(row);\nconsole.log(`${{rows.length}} rows`);"
    );
    let seen = eval_in_engine(&[("charm:///main.js", &code)], FakeHost::default());
    let rows = serde_json::from_str::<Vec<serde_json::Value>>(table).unwrap();
    let log: Vec<&str> = seen.log.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(log, [format!("{} rows", rows.len())]);
}

#[test]
fn dates_and_numbers_are_as_in_a_browser() {
    let code = r#"
        const attempt = (f) => { try { return f(); } catch (e) { return e.name; } };
        function made([kind, value, given]) {
          const options = given ?? undefined;
          if (kind === "number") return [attempt(() => value.toLocaleString("en-US", options))];
          if (kind === "ordinal") return [new Intl.PluralRules("en", { type: "ordinal" }).select(value)];
          if (kind === "relative") return [new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(value, given.unit)];
          const date = new Date(value);
          return [attempt(() => date.toLocaleString("en-US", options)), attempt(() => date.toLocaleDateString("en-US", options)),
            attempt(() => date.toLocaleTimeString("en-US", options)),
            attempt(() => Intl.DateTimeFormat("en-US", options).formatToParts(date).map((p) => p.type[0] + p.value).join("|"))];
        }
        function check(row) {
          const found = made(row);
          const wanted = row.slice(3);
          if (JSON.stringify(found) !== JSON.stringify(wanted)) console.log(JSON.stringify(row.slice(0, 3)), JSON.stringify(found), JSON.stringify(wanted));
        }"#;
    agrees(include_str!("js/locale.json"), code);
}

#[test]
fn other_languages_are_noted_and_wrong_options_refused() {
    let code = r#"
        const date = new Date(Date.UTC(2026, 0, 5, 18, 7, 9));
        console.log(date.toLocaleDateString("en-CA"), date.toLocaleDateString("sv-SE"), date.toLocaleString("sv-SE"), date.toLocaleDateString("en-GB"));
        console.log(date.toLocaleDateString("fr-FR"), new Date(NaN).toLocaleString(), (1234n).toLocaleString());
        for (const wrong of [() => date.toLocaleString("en-US", { timeZone: "Nope/Zone" }), () => date.toLocaleString("en-US", { month: "huge" }),
          () => date.toLocaleString("x"), () => new Intl.NumberFormat("en", { style: "currency" }), () => new Intl.DateTimeFormat().format(NaN)]) {
          try { wrong(); console.log("no error"); } catch (e) { console.log(e.name, e.message); }
        }
        const { timeZone, hour12 } = new Intl.DateTimeFormat("en", { hour: "numeric", timeZone: "america/new_york" }).resolvedOptions();
        console.log(timeZone, hour12, Object.prototype.toString.call(new Intl.DateTimeFormat()));"#;
    let seen = eval_in_engine(&[("charm:///main.js", code)], FakeHost::default());
    let log: Vec<&str> = seen.log.iter().map(|(_, text)| text.as_str()).collect();
    let wanted = [
        "2026-01-05 2026-01-05 2026-01-05 18:07:09 05/01/2026",
        "Only English formats are known here, and the charm asked for \"fr-FR\"",
        "1/5/2026 Invalid Date 1,234",
        "RangeError Invalid time zone specified: Nope/Zone",
        "RangeError Value huge out of range for Intl options property month",
        "RangeError Incorrect locale information provided: x",
        "TypeError Currency code is required with currency style.",
        "RangeError Invalid time value",
        "America/New_York true [object Intl.DateTimeFormat]",
    ];
    assert_eq!(log, wanted);
}

#[test]
fn markdown_is_as_the_package_makes_it() {
    let code = r#"import TurndownService from "turndown";
        function check([html, options, wanted]) {
          const found = new TurndownService(options).turndown(html);
          if (found !== wanted) console.log(JSON.stringify(html), JSON.stringify(found), JSON.stringify(wanted));
        }"#;
    agrees(include_str!("js/turndown.json"), code);
}

#[test]
fn markdown_rules_can_be_added_and_deep_html_is_no_trouble() {
    let code = r##"import TurndownService from "turndown";
        const service = new TurndownService({ headingStyle: "atx" });
        service.addRule("gone", { filter: ["style", "script"], replacement: () => "" })
          .addRule("mark", { filter: (node) => node.nodeName === "SPAN" && node.getAttribute("class") === "hl", replacement: (text) => `==${text}==` })
          .keep("kbd").remove("del").use((s) => s.addRule("u", { filter: "u", replacement: (text, node, o) => `${o.emDelimiter}${text}!` }));
        console.log(service.turndown("<h2>T</h2><style>a{}</style><p><span class='hl'>x</span> <kbd>K</kbd><del>no</del> <u>u</u></p>"));
        console.log(service.escape("1. a_b"), new TurndownService().turndown(""));
        try { new TurndownService().turndown(null); } catch (e) { console.log(e.name); }
        console.log(service.turndown("<div>".repeat(50000) + "deep").length, service.turndown("<".repeat(1000)).length, service.turndown("<p a=".repeat(3000)).length);"##;
    let seen = eval_in_engine(&[("charm:///main.js", code)], FakeHost::default());
    let log: Vec<&str> = seen.log.iter().map(|(_, text)| text.as_str()).collect();
    let wanted = [
        "## T\n\n==x== <kbd>K</kbd> _u!",
        "1\\. a\\_b ",
        "TypeError",
        "4 1000 0",
    ];
    assert_eq!(log, wanted);
}
