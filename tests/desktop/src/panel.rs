//! A panel of the test's own: takes status icons as a real one does
//! (freedesktop.org, StatusNotifierItem) and reads and clicks their menu
//! (com.canonical.dbusmenu).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use charmkeeper_tests::{PATIENCE, wait_until};
use zbus::message::Header;
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, connection, interface};

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";

/// Icons that registered: bus name and object.
type Items = Arc<Mutex<Vec<(String, String)>>>;

struct Watcher(Items);

#[allow(clippy::needless_pass_by_value, reason = "how the bus hands it over")]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let item = if service.starts_with('/') {
            let sender = header.sender().expect("a bus names the sender");
            (sender.to_string(), service.to_owned())
        } else {
            (service.to_owned(), "/StatusNotifierItem".to_owned())
        };
        self.0.lock().expect("no holder panics").push(item);
    }
    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.0.lock().expect("no holder panics");
        items
            .iter()
            .map(|(bus, path)| format!("{bus}{path}"))
            .collect()
    }
}

/// See the module. Gone from the bus when dropped.
#[derive(Debug)]
pub struct Panel {
    bus: Connection,
    items: Items,
}

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number that a click names.
    pub id: i32,
    /// Its text, without the mark of a shortcut.
    pub text: String,
    /// Whether it can be chosen.
    pub enabled: bool,
    /// Whether it is a separator.
    pub separator: bool,
    /// Entries below it.
    pub below: Vec<Line>,
}

/// What comes over the bus for one entry.
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Panel {
    /// A panel on this bus.
    ///
    /// # Panics
    /// When the bus refuses it.
    pub async fn appear(address: &str) -> Self {
        let items = Items::default();
        let bus = connection::Builder::address(address)
            .expect("an address")
            .name(NAME)
            .expect("a name")
            .serve_at(PATH, Watcher(Arc::clone(&items)))
            .expect("an object")
            .build()
            .await
            .expect("a bus with no other panel");
        Self { bus, items }
    }

    /// How many icons have come, those that went again counted too.
    ///
    /// # Panics
    /// Never: no holder of the list panics.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.lock().expect("no holder panics").len()
    }

    /// Waits until so many icons have come.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn wait_for_icons(&self, count: usize) {
        wait_until("another icon in the panel", async || self.count() >= count).await;
    }

    /// Waits until one icon is there.
    ///
    /// # Panics
    /// When none comes.
    pub async fn item(&self) -> Item<'_> {
        wait_until("an icon in the panel", async || {
            !self.items.lock().expect("no holder panics").is_empty()
        })
        .await;
        let items = self.items.lock().expect("no holder panics").clone();
        let (name, path) = items.last().cloned().expect("it was there");
        Item {
            panel: self,
            name,
            path,
        }
    }
}

/// One icon in the panel.
#[derive(Debug)]
pub struct Item<'p> {
    panel: &'p Panel,
    name: String,
    path: String,
}

impl Item<'_> {
    async fn proxy<'a>(&'a self, path: &'a str, interface: &'a str) -> Proxy<'a> {
        // Icons tell of changes by a signal that the cache does not know.
        zbus::proxy::Builder::new(&self.panel.bus)
            .destination(self.name.as_str())
            .expect("a name")
            .path(path)
            .expect("a path")
            .interface(interface)
            .expect("an interface")
            .cache_properties(CacheProperties::No)
            .build()
            .await
            .expect("a proxy")
    }

    /// File or name of the picture that is shown now.
    ///
    /// # Panics
    /// When the icon is gone.
    pub async fn picture(&self) -> String {
        let item = self.proxy(&self.path, "org.kde.StatusNotifierItem").await;
        item.get_property("IconName").await.expect("an icon")
    }

    async fn menu(&self) -> Proxy<'_> {
        let item = self.proxy(&self.path, "org.kde.StatusNotifierItem").await;
        let path: OwnedObjectPath = item.get_property("Menu").await.expect("a menu");
        zbus::proxy::Builder::new(&self.panel.bus)
            .destination(self.name.clone())
            .expect("a name")
            .path(path)
            .expect("a path")
            .interface("com.canonical.dbusmenu")
            .expect("an interface")
            .cache_properties(CacheProperties::No)
            .build()
            .await
            .expect("a proxy")
    }

    /// The whole menu, as a panel reads it before it opens.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn lines(&self) -> Vec<Line> {
        let menu = self.menu().await;
        let _: bool = menu.call("AboutToShow", &0i32).await.unwrap_or(false);
        let names: Vec<String> = Vec::new();
        let (_, root): (u32, Node) = menu
            .call("GetLayout", &(0i32, -1i32, names))
            .await
            .expect("a menu");
        line(root).below
    }

    /// The texts of the first level, separators left out.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn texts(&self) -> Vec<String> {
        let lines = self.lines().await.into_iter().filter(|l| !l.separator);
        lines.map(|l| l.text).collect()
    }

    /// The first line: the state of everything.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn state(&self) -> String {
        self.texts().await.into_iter().next().expect("a first line")
    }

    /// The entry with this text, wherever it is.
    ///
    /// # Panics
    /// When there is none.
    pub async fn line(&self, text: &str) -> Line {
        let lines = self.lines().await;
        find(&lines, text).unwrap_or_else(|| panic!("no {text:?} in {lines:#?}"))
    }

    /// Chooses the entry with this text.
    ///
    /// # Panics
    /// When there is none, or it cannot be chosen.
    pub async fn click(&self, text: &str) {
        let line = self.line(text).await;
        assert!(line.enabled, "{text:?} cannot be chosen");
        let nothing = Value::from(0i32);
        // Without an answer: "Quit" may be faster than it.
        let clicked = self
            .menu()
            .await
            .call_noreply("Event", &(line.id, "clicked", nothing, 0u32))
            .await;
        clicked.expect("the bus takes the click");
    }

    /// Waits until the menu is as wanted.
    ///
    /// # Panics
    /// When it never is; with the last menu.
    pub async fn wait(&self, what: &str, holds: impl Fn(&[Line]) -> bool) {
        let mut last = Vec::new();
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(50));
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                last = self.lines().await;
                if holds(&last) {
                    return;
                }
                pace.tick().await;
            }
        });
        let done = waited.await.is_ok();
        assert!(done, "gave up waiting: {what}; the menu is {last:#?}");
    }
}

/// The entry with this text, wherever it is.
#[must_use]
pub fn find(lines: &[Line], text: &str) -> Option<Line> {
    lines.iter().find_map(|line| {
        if line.text == text {
            Some(line.clone())
        } else {
            find(&line.below, text)
        }
    })
}

fn line((id, properties, below): Node) -> Line {
    let word = |name: &str| {
        let value = properties.get(name).map(|v| &**v);
        match value {
            Some(Value::Str(text)) => Some(text.as_str().to_owned()),
            _ => None,
        }
    };
    let flag = |name: &str| !matches!(properties.get(name).map(|v| &**v), Some(Value::Bool(false)));
    let below = below.into_iter().map(|child| {
        let child: Node = child.try_into().expect("an entry");
        line(child)
    });
    Line {
        id,
        text: unmarked(&word("label").unwrap_or_default()),
        enabled: flag("enabled"),
        separator: word("type").as_deref() == Some("separator"),
        below: below
            .filter(|l| l.separator || !l.text.is_empty())
            .collect(),
    }
}

/// A single underscore marks a shortcut; two are one.
fn unmarked(label: &str) -> String {
    label
        .replace("__", "\u{1}")
        .replace('_', "")
        .replace('\u{1}', "_")
}
