//! Charms of our own for every name of the charm API, compiled as any charm and
//! run in real workers, in both dialects.
//!
//! Each file of `conformance/` says in comments at its end what a run prints
//! (`says:`), the notes of the runtime among it, and above that what its inputs
//! are (`argument:`). Lines of one text go on without the word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use charmkeeper_base::cell::{DocRef, DocSnapshot};
use charmkeeper_base::http::{CallError, HttpRequest, HttpResponse};
use charmkeeper_charms::compile::{CompileOptions, compile_with, program_from_files};
use charmkeeper_charms::runner::{
    Candidate, Ending, Host, HostError, LogLine, SendAnswer, SendRequest, WishAnswer, WishQuery,
};
use serde_json::{Value, json};
use support::{job, run_one};

const FILES: [(&str, &str); 9] = [
    ("background.tsx", include_str!("conformance/background.tsx")),
    ("cells.tsx", include_str!("conformance/cells.tsx")),
    ("derived.tsx", include_str!("conformance/derived.tsx")),
    ("handlers.tsx", include_str!("conformance/handlers.tsx")),
    ("live.tsx", include_str!("conformance/live.tsx")),
    ("patterns.tsx", include_str!("conformance/patterns.tsx")),
    ("web.tsx", include_str!("conformance/web.tsx")),
    ("wishes.tsx", include_str!("conformance/wishes.tsx")),
    ("writing.tsx", include_str!("conformance/writing.tsx")),
];
const DIALECTS: [&str; 2] = ["commonfabric", "commontools"];
const SPACE: &str = "did:key:zSpace";

/// What a file says of itself.
struct Row {
    name: String,
    text: String,
    says: Vec<String>,
    argument: Value,
}

fn rows(dialect: &str) -> Vec<Row> {
    let row = |(name, text): (&str, &str)| {
        let mut says: Vec<String> = Vec::new();
        let ours = text
            .lines()
            .skip_while(|line| !line.starts_with("// says:"));
        for line in ours {
            if let Some(said) = line.strip_prefix("// says:") {
                says.push(said.strip_prefix(' ').unwrap_or(said).to_owned());
            } else if let Some(more) = line.strip_prefix("// ") {
                let last = says.last_mut().unwrap();
                last.push('\n');
                last.push_str(more);
            }
        }
        let argument = text
            .lines()
            .find_map(|line| line.strip_prefix("// argument: "));
        Row {
            name: format!("{dialect} {name}"),
            text: text.replace("\"commonfabric\"", &format!("\"{dialect}\"")),
            says,
            argument: argument.map_or(json!({}), |a| serde_json::from_str(a).unwrap()),
        }
    };
    FILES.map(row).into()
}

/// Documents of a space, one other charm in it, and a network that echoes.
#[derive(Default)]
struct Shelf {
    documents: BTreeMap<String, Value>,
    said: Mutex<Vec<String>>,
}

#[async_trait]
impl Host for Shelf {
    async fn read(&self, ids: Vec<DocRef>) -> Result<Vec<DocSnapshot>, HostError> {
        let snapshot = |doc: DocRef| DocSnapshot {
            doc: self
                .documents
                .get(&doc.id)
                .map(|value| json!({ "value": value })),
            version: u64::from(self.documents.contains_key(&doc.id)),
            space: doc.space,
            id: doc.id,
        };
        Ok(ids.into_iter().map(snapshot).collect())
    }

    async fn wish(&self, query: WishQuery) -> Result<WishAnswer, HostError> {
        let other = Candidate {
            space: SPACE.to_owned(),
            id: "of:other".to_owned(),
            path: vec![],
            name: None,
            tags: vec!["Other".to_owned()],
        };
        if query.query == "#pieceRegistry" {
            return Ok(WishAnswer::default());
        }
        let found = ["#other", "#favorites", "#mentionable"].contains(&query.query.as_str());
        Ok(WishAnswer {
            candidates: if found { vec![other] } else { vec![] },
            error: (!found).then(|| format!("No favorites found matching \"{}\"", query.query)),
        })
    }

    async fn send(&self, request: SendRequest) -> Result<SendAnswer, HostError> {
        assert_eq!(
            (request.id.as_str(), &request.event),
            ("of:go", &json!({"x": 1}))
        );
        Ok(SendAnswer::default())
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        Ok(HttpResponse {
            status: 200,
            status_text: "OK".to_owned(),
            url: request.url,
            redirected: false,
            headers: vec![],
            body: request.body,
        })
    }

    fn log(&self, line: LogLine) {
        self.said.lock().unwrap().push(line.text);
    }
}

fn shelf(row: &Row) -> Shelf {
    let link = |id: &str| json!({"/": {"link@1": {"id": id, "path": []}}});
    let other = json!({"n": 7, "deep": {"list": ["a", "b"]}, "go": link("of:go")});
    let documents = [
        ("of:fid1:argument", row.argument.clone()),
        ("of:other", other),
        ("of:go", json!({"$stream": true})),
    ];
    Shelf {
        documents: documents.map(|(id, value)| (id.to_owned(), value)).into(),
        ..Shelf::default()
    }
}

/// The log of a run.
async fn run(row: &Row) -> Vec<String> {
    let program = program_from_files([("main.tsx", row.text.as_str())], "main.tsx").unwrap();
    let options = CompileOptions {
        require_bg_updater: true,
    };
    let compiled = compile_with(&program, &options).unwrap_or_else(|e| panic!("{}: {e}", row.name));
    let host = Arc::new(shelf(row));
    let (mut job, _) = job(&row.name, "");
    job.compiled = Arc::new(compiled);
    job.host = host.clone();
    let ending = run_one(job).await.ending;
    let Ending::Finished(report) = ending else {
        panic!("{}: {ending:?}", row.name)
    };
    let mut said = std::mem::take(&mut *host.said.lock().unwrap());
    if let Some(error) = report.error {
        said.push(format!("failed: {} {}", error.message, error.stack));
    }
    said
}

async fn conforms(dialect: &str) {
    let mut wrong = Vec::new();
    for row in rows(dialect) {
        let lines = run(&row).await;
        let said: Vec<String> = row.says.join("\n").lines().map(str::to_owned).collect();
        let printed: Vec<String> = lines.join("\n").lines().map(str::to_owned).collect();
        for at in 0..said.len().max(printed.len()) {
            if said.get(at) != printed.get(at) {
                wrong.push(format!(
                    "{}: {:?}, not {:?}",
                    row.name,
                    printed.get(at),
                    said.get(at)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn charms_of_todays_dialect_do_what_they_say() {
    conforms(DIALECTS[0]).await;
}

#[tokio::test]
async fn charms_of_the_older_dialect_do_what_they_say() {
    conforms(DIALECTS[1]).await;
}

#[test]
fn every_name_of_the_api_has_a_place_in_these_charms() {
    let types = include_str!("../../../../patterns/commonfabric.d.ts");
    let module = types
        .split("declare module \"commonfabric\"")
        .nth(1)
        .unwrap();
    let module = module.split("\ndeclare module").next().unwrap();
    let named = |line: &str| -> Option<String> {
        let rest = line.trim_start().strip_prefix("export ")?;
        let rest = rest
            .strip_prefix("const ")
            .or_else(|| rest.strip_prefix("function "))?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(rest[..end].to_owned())
    };
    let names: Vec<String> = module.lines().filter_map(named).collect();
    assert!(names.len() > 50, "{names:?}");
    let used = |name: &str| {
        FILES.iter().any(|(_, text)| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == name)
        })
    };
    let unused: Vec<&String> = names.iter().filter(|name| !used(name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
