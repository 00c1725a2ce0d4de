//! Development only.
#![allow(unsafe_code, missing_docs)]
use charmkeeper_charms::compile::*;
use charmkeeper_charms::testing::*;
use serde_json::{Value, json};
#[test]
fn dev() {
    let Ok(path) = std::env::var("DEV_CHARM") else { return };
    let p = load_program_within(path.as_ref(), std::env::var("DEV_ROOT").unwrap().as_ref()).unwrap();
    let c = compile_with(&p, &CompileOptions { require_bg_updater: false }).unwrap();
    if std::env::var("DEV_CODE").is_ok() { for m in &c.modules { println!("// {}\n{}", m.specifier, m.code.lines().filter(|l| l.contains("ck:")).collect::<Vec<_>>().join("\n")); } }
    let modules = |e: &str| { let mut v: Vec<_> = c.modules.iter().map(|m| charmkeeper_charms::frames::SourceModule { specifier: m.specifier.clone(), code: m.code.clone(), source_map: m.source_map.clone() }).collect(); v.sort_by_key(|m| m.specifier != e); v };
    let mut host = FakeHost::default();
    host.job["action"] = json!("inspect");
    let seen = eval_modules(modules(&c.entry), host);
    println!("LOG {:?}\nINSPECT {:#}", seen.log, seen.report());
    let report = seen.report();
    if report["ending"] != "ok" || std::env::var("DEV_RUN").is_err() { return; }
    let mut host = FakeHost::default();
    for d in report["inspection"]["documents"].as_array().unwrap() {
        host.documents.insert(("did:key:zSpace".into(), d["id"].as_str().unwrap().into()), (1, d["doc"].clone()));
    }
    let mut arg = c.facts.defaults.clone();
    if let Ok(a) = std::env::var("DEV_ARG") { let a: Value = serde_json::from_str(&a).unwrap(); for (k, v) in a.as_object().unwrap() { arg[k] = v.clone(); } }
    host.documents.insert(("did:key:zSpace".into(), "of:fid1:argument".into()), (1, json!({"value": arg})));
    host.documents.insert(("did:key:zSpace".into(), "of:fid1:auth-result".into()), (1, json!({"value": {"auth": {"/": {"link@1": {"id": "of:fid1:auth-arg", "path": ["auth"], "overwrite": "redirect"}}}}})));
    let exp = 1795253400000u64 + 3_600_000;
    host.documents.insert(("did:key:zSpace".into(), "of:fid1:auth-arg".into()), (1, json!({"value": {"auth": {"token": "kc:1", "refreshToken": "kc-r:1", "tokenType": "Bearer", "expiresIn": 3600, "expiresAt": exp, "scope": ["https://www.googleapis.com/auth/gmail.readonly", "https://www.googleapis.com/auth/calendar.readonly"], "user": {"email": "me@example.com", "name": "Me", "picture": ""}}}})));
    host.wishes.insert("#googleAuth".into(), json!({"candidates": [{"space": "did:key:zSpace", "id": "of:fid1:auth-result", "path": [], "name": "n", "tags": []}], "error": null}));
    host.network = Box::new(|head, body| google(head, body));
    let t = std::time::Instant::now();
    let seen = eval_modules(modules(&c.entry), host);
    println!("RUN took {:?} reads {} fetches {:#?}", t.elapsed(), seen.reads.len(), seen.fetches.iter().map(|f| format!("{} {}", f["method"], f["url"])).collect::<Vec<_>>());
    let r = seen.report();
    println!("ending {} error {} failed {} changes {}", r["ending"], r["error"], r["calls_failed"], r["changes"].as_array().unwrap().len());
    for c in r["changes"].as_array().unwrap().iter().take(6) { let s = c.to_string(); println!("  {}", s.chars().take(700).collect::<String>()); }
    println!("LOG {}", seen.log.iter().map(|(l, t)| format!("[{l}] {t}")).collect::<Vec<_>>().join("\n"));
}
fn ok(v: Value) -> FakeAnswer { (json!({"status": 200, "statusText": "OK", "url": "", "redirected": false, "headers": [["content-type", "application/json"]]}), v.to_string().into_bytes()) }
fn message(id: &str) -> Value {
    json!({"id": id, "threadId": id, "labelIds": ["INBOX"], "snippet": "s", "historyId": "7", "internalDate": "1", "payload": {"mimeType": "multipart/alternative", "headers": [{"name": "Subject", "value": format!("S {id}")}, {"name": "From", "value": "A <a@example.com>"}, {"name": "To", "value": "b@example.com"}, {"name": "Date", "value": "Mon, 5 Jan 2026 10:11:12 -0800"}],
     "parts": [{"mimeType": "text/plain", "body": {"data": "R3LDvMOfZQ"}}, {"mimeType": "text/html", "body": {"data": "PHA-SGk8L3A-"}}]}})
}
fn google(head: &Value, body: &[u8]) -> FakeAnswer {
    let url = head["url"].as_str().unwrap();
    if url.contains("/profile") { return ok(json!({"emailAddress": "me@example.com", "historyId": "100"})); }
    if url.contains("/calendarList") { return ok(json!({"items": [{"id": "c1", "summary": "One", "primary": true}, {"id": "c2", "summary": "Two"}]})); }
    if url.contains("/events") { let c = if url.contains("/c1/") { "c1" } else { "c2" }; return ok(json!({"items": [{"id": format!("{c}-e1"), "summary": "E", "start": {"dateTime": "2026-11-20T10:00:00Z"}, "end": {"dateTime": "2026-11-20T11:00:00Z"}, "attendees": [{"email": "x@example.com"}]}, {"id": "same", "start": {"date": "2026-11-21"}, "end": {"date": "2026-11-22"}}]})); }
    if url.contains("/batch/") {
        let text = String::from_utf8_lossy(body);
        let ids: Vec<&str> = text.split("/messages/").skip(1).map(|s| s.split(['?', ' ']).next().unwrap()).collect();
        let mut out = String::new();
        for id in ids { out += &format!("--batch_x\r\nContent-Type: application/http\r\nContent-ID: <response-{id}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}\r\n\r\n", serde_json::to_string_pretty(&message(id)).unwrap()); }
        out += "--batch_x--";
        return (json!({"status": 200, "statusText": "OK", "url": "", "redirected": false, "headers": [["content-type", "multipart/mixed; boundary=batch_x"]]}), out.into_bytes());
    }
    if url.contains("/history") { return ok(json!({"historyId": "101"})); }
    if url.contains("/messages") { return ok(json!({"messages": (0..10).map(|i| json!({"id": format!("m{i}"), "threadId": "t"})).collect::<Vec<_>>(), "resultSizeEstimate": 10})); }
    (json!({"status": 404, "statusText": "Not Found", "url": "", "redirected": false, "headers": []}), vec![])
}
#[test]
fn startup() {
    for i in 0..12 {
        let t = std::time::Instant::now();
        let seen = eval_in_engine(&[("charm:///main.js", "import { action, pattern } from 'commonfabric'; export default pattern(() => ({ bgUpdater: action(() => {}) }));")], FakeHost::default());
        let e = t.elapsed();
        assert_eq!(seen.report()["ending"], "ok");
        println!("startup {i} {e:?}");
    }
}
fn cpu() -> f64 { let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 }; unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) }; t.tv_sec as f64 * 1e3 + t.tv_nsec as f64 / 1e6 }
#[test]
fn parse_cost() {
    use deno_core::*;

    let order = vec!["rt.js"]; let _ = 0;
    let dir = std::env::var("DEV_JS").unwrap_or_else(|_| format!("{}/js", env!("CARGO_MANIFEST_DIR")));
    let src: Vec<(&'static str, &'static str)> = order.iter().filter(|n| n.ends_with(".js")).map(|n| (Box::leak(format!("ext:ck/{n}").into_boxed_str()) as &str, Box::leak(std::fs::read_to_string(format!("{dir}/{n}")).unwrap().into_boxed_str()) as &str)).collect();
    for round in 0..4 {
        for with in [false, true] {
            let t = cpu();
            let mut e = Extension { name: "ck", ..Default::default() };
            if with {
                let v: Vec<ExtensionFileSource> = src.iter().map(|(n, c)| ExtensionFileSource::new(n, FastStaticString::new_ascii(c))).collect();
                e.esm_files = std::borrow::Cow::Owned(v);
                e.esm_entry_point = Some("ext:ck/rt.js");
            }
            let rt = JsRuntime::new(RuntimeOptions { extensions: vec![e], ..Default::default() });
            println!("{round} with={with} {:.1} ms", cpu() - t);
            drop(rt);
        }
    }
}
trait NewAscii { fn new_ascii(s: &'static str) -> deno_core::FastStaticString; }
impl NewAscii for deno_core::FastStaticString { fn new_ascii(s: &'static str) -> Self { let k: &'static deno_core::v8::OneByteConst = Box::leak(Box::new(deno_core::v8::String::create_external_onebyte_const(s.as_bytes()))); deno_core::FastStaticString::new(k) } }
#[test]
fn compile_cost() {
    let src = std::fs::read_to_string("/tmp/ck/esb/plain/rt.js").unwrap();
    let body: String = src.lines().filter(|l| !l.starts_with("import ")).collect::<Vec<_>>().join("\n");
    let code = format!("import {{ action, pattern }} from 'commonfabric'; const src = {}; export default pattern(() => ({{ bgUpdater: action(() => {{ for (let i = 0; i < 5; i++) {{ const t = Date.now(); for (let j = 0; j < 10; j++) new Function(src); console.log((Date.now() - t) / 10); }} }}) }}));", json!(body));
    let seen = eval_in_engine(&[("charm:///main.js", &code)], FakeHost::default());
    println!("compile {:?} {:?}", seen.log, seen.end);
}
#[test]
fn perf() {
    let code = r#"import { handler, pattern, cell } from "commonfabric";
    const t = (name, f) => { const a = Date.now(); const r = f(); console.log(name, Date.now() - a); return r; };
    const run = handler((_e, { list }) => {
      const body = "x\u00e9".repeat(2400);
      const b64 = t("btoa 1000", () => { let r; for (let i = 0; i < 1000; i++) r = btoa(String.fromCharCode.apply(null, new TextEncoder().encode(body))); return r; });
      t("atob 1000", () => { for (let i = 0; i < 1000; i++) atob(b64); });
      t("decode 1000", () => { for (let i = 0; i < 1000; i++) { const s = atob(b64); const bytes = new Uint8Array(s.length); for (let j = 0; j < s.length; j++) bytes[j] = s.charCodeAt(j); new TextDecoder("utf-8").decode(bytes); } });
      const make = (n) => Array.from({ length: n }, (_, i) => ({ id: "m" + i, threadId: "t" + i, labelIds: ["INBOX", "UNREAD"], snippet: "s", subject: "Subject " + i, from: "a@b", date: "d", to: "c@d", plainText: body + i, htmlContent: body, markdownContent: body }));
      const mails = t("make", () => make(1000));
      t("push 1000", () => list.push(...mails));
      t("get all", () => list.get().map((e) => e.id).length);
      t("filter+set", () => list.set(list.get().filter((e) => e.id !== "m500")));
      t("set all again", () => list.set(make(1000)));
      t("map spread set", () => list.set(list.get().map((e) => ({ ...e, labelIds: ["INBOX"] }))));
      t("push one by one", () => { for (let i = 0; i < 1000; i++) list.push({ id: "n" + i, x: 1 }); });
      t("get+push", () => { for (let i = 0; i < 200; i++) { if (!list.get().some((e) => e.id === "zz")) list.push({ id: "k" + i }); } });
      const s = JSON.stringify(mails);
      console.log("json bytes", s.length);
      t("JSON.parse", () => JSON.parse(s));
      globalThis.t0 = Date.now();
    }, 'ck:{"kind":"handler","state":{"list":"cell"}}');
    export default pattern(() => { const list = cell([]); return { list, bgUpdater: run({ list }) }; });"#;
    let t = std::time::Instant::now();
    let seen = eval_in_engine(&[("charm:///main.js", code)], FakeHost::default());
    println!("{:?}\n{}", t.elapsed(), seen.log.iter().map(|l| l.1.clone()).collect::<Vec<_>>().join("\n"));
    println!("changes {}", seen.report()["changes"].as_array().unwrap().len());
}
#[test]
fn native() {
    use deno_core::*;
    let mut rt = JsRuntime::new(RuntimeOptions::default());
    let r = rt.execute_script("x.js", r#"
      const b64 = btoa("x\u00e9".repeat(3600)); const out = [];
      const t = (n, f) => { const a = Date.now(); f(); out.push(n + " " + (Date.now() - a)); };
      t("native atob 1000", () => { for (let i = 0; i < 1000; i++) atob(b64); });
      t("native btoa 1000", () => { const s = atob(b64); for (let i = 0; i < 1000; i++) btoa(s); });
      t("u8 fromBase64", () => { for (let i = 0; i < 1000; i++) Uint8Array.fromBase64(b64); });
      t("regex", () => { for (let i = 0; i < 1000; i++) /[^A-Za-z0-9+/]/.test(b64); });
      t("ws regex", () => { for (let i = 0; i < 1000; i++) b64.replace(/[\t\n\f\r ]+/g, ""); });
      const u = Uint8Array.fromBase64(b64);
      t("fromCharCode", () => { for (let i = 0; i < 1000; i++) String.fromCharCode.apply(null, u); });
      const tr = (x) => { try { return JSON.stringify(atob(x)); } catch (e) { return e.name + ":" + e.message; } };
      out.push(["", "YQ==", "YQ", " Y\nQ = =", "YWI=", "YWJj", "/+8=", "Y", "YQ=", "Y=Q=", "YQ===", "Y-Q_", "\u00e9", "YWJj====", "="].map(tr).join(" | "));
      out.push((() => { try { return btoa("\u20ac"); } catch (e) { return e.name + (e instanceof DOMException); } })());
      out.push(Object.getOwnPropertyNames(globalThis).filter((k) => !/^[A-Z]/.test(k)).join());
      out.join("\n")"#).unwrap();
    deno_core::scope!(scope, &mut rt);
    println!("{}", deno_core::v8::Local::new(scope, r).to_rust_string_lossy(scope));
}
#[test]
fn micro() {
    for (name, body) in [("base", ""), ("get+some x100", "for (let i = 0; i < 100; i++) { n.set(i); list.get().some((e) => e.id === 'zz'); }"), ("get+push x100", "for (let i = 0; i < 100; i++) { list.get().length; list.push({ id: 'k' + i }); }"),
      ("some on one view x100", "const l = list.get(); for (let i = 0; i < 100; i++) { l.some((e) => e.id === 'zz'); }"), ("array of plain", "const l = [...list.get()]; for (let i = 0; i < 100; i++) { l.some((e) => e.id === 'zz'); }"),
      ("proxy plain", "const l = new Proxy([...list.get()], { get(t, k) { return t[k]; }, has(t, k) { return k in t; } }); for (let i = 0; i < 100; i++) { l.some((e) => e.id === 'zz'); }"),
      ("weakmap get", "const w = new WeakMap(); const l = [...list.get()]; for (const e of l) w.set(e, 1); for (let i = 0; i < 100; i++) { for (const e of l) w.get(e); }"),
      ("weakmap set", "const l = [...list.get()]; for (let i = 0; i < 100; i++) { const w = new WeakMap(); for (const e of l) w.set(e, 1); }"),
      ("empty fn call", "const f = (a, b) => a; const l = [...list.get()]; for (let i = 0; i < 100; i++) { for (const e of l) f(e, 1); }"),
      ] {
        let code = format!(r#"import {{ handler, pattern, cell }} from "commonfabric";
    const run = handler((_e, {{ list, n }}) => {{ list.push(...Array.from({{ length: 2000 }}, (_, i) => ({{ id: "m" + i, x: "y" }}))); list.get().map((e) => e.id); {body} }}, 'ck:{{"kind":"handler","state":{{"list":"cell","n":"cell"}}}}');
    export default pattern(() => {{ const list = cell([]); const n = cell(0); return {{ list, bgUpdater: run({{ list, n }}) }}; }});"#);
        let t = pcpu();
        let seen = eval_in_engine(&[("charm:///main.js", &code)], FakeHost::default());
        assert_eq!(seen.report()["ending"], "ok");
        println!("{name}: {:.0} ms", pcpu() - t);
    }
}
fn pcpu() -> f64 { let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 }; unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) }; t.tv_sec as f64 * 1e3 + t.tv_nsec as f64 / 1e6 }
