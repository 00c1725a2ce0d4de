//! The real icon and menu: built once, then changed in place.
//!
//! Panels reopen a menu that is rebuilt, and some lose submenus whose entries
//! come late, so entries are made in one go and only their texts change. The
//! list of accounts alone is refilled, when an account came or went.

use std::sync::Mutex;

use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Runtime};

use super::icons;
use super::model::{AccountLine, TrayModel};
use crate::menu::{self, ACCOUNT, Entry};
use crate::panel::Shade;
use crate::texts::text;
use crate::window;

/// Name of the icon; the panel shows it nowhere.
const ID: &str = "charmkeeper";

/// See the module.
pub(crate) struct Tray<R: Runtime> {
    app: AppHandle<R>,
    icon: TrayIcon<R>,
    state: MenuItem<R>,
    sync: MenuItem<R>,
    pause: Submenu<R>,
    resume: MenuItem<R>,
    accounts: Submenu<R>,
    lines: Mutex<Vec<MenuItem<R>>>,
    shown: Mutex<(TrayModel, Shade)>,
}

impl<R: Runtime> Tray<R> {
    /// Puts the icon into the panel. On the main thread.
    ///
    /// # Errors
    /// The system's, when it refuses an icon or a menu.
    pub(crate) fn build(
        app: &AppHandle<R>,
        model: &TrayModel,
        shade: Shade,
    ) -> tauri::Result<Self> {
        let entry = |e: Entry| MenuItem::with_id(app, e.id(), text(e.key()), true, None::<&str>);
        let state = MenuItem::with_id(app, "state", &model.state, false, None::<&str>)?;
        let sync = entry(Entry::SyncNow)?;
        let resume = entry(Entry::Resume)?;
        let pause = Submenu::with_items(
            app,
            &model.pause,
            true,
            &[
                &entry(Entry::PauseHour)?,
                &entry(Entry::PauseTomorrow)?,
                &entry(Entry::PauseUntilResumed)?,
                &resume,
            ],
        )?;
        let accounts = Submenu::new(app, text("tray.accounts"), true)?;
        let lines = lines(app, &model.accounts)?;
        fill(&accounts, &lines)?;
        let menu = Menu::with_items(
            app,
            &[
                &state,
                &PredefinedMenuItem::separator(app)?,
                &sync,
                &pause,
                &accounts,
                &entry(Entry::ConnectGmail)?,
                &entry(Entry::ConnectCalendar)?,
                &PredefinedMenuItem::separator(app)?,
                &entry(Entry::Open)?,
                &entry(Entry::Settings)?,
                &PredefinedMenuItem::separator(app)?,
                &entry(Entry::Quit)?,
            ],
        )?;
        sync.set_enabled(model.can_sync)?;
        resume.set_enabled(model.paused)?;
        let icon = TrayIconBuilder::with_id(ID)
            .icon(icons::image(model.icon, shade)?)
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip(&model.state)
            .menu(&menu)
            .show_menu_on_left_click(!cfg!(windows))
            .on_menu_event(|app, event| menu::clicked(app, event.id().as_ref()))
            .on_tray_icon_event(|icon, event| {
                if left_click(&event) {
                    window::open(icon.app_handle(), None);
                }
            })
            .build(app)?;
        Ok(Self {
            app: app.clone(),
            icon,
            state,
            sync,
            pause,
            resume,
            accounts,
            lines: Mutex::new(lines),
            shown: Mutex::new((model.clone(), shade)),
        })
    }

    /// Shows this instead, touching only what differs. On the main thread.
    ///
    /// # Errors
    /// The system's. What was not reached is tried again with the next change.
    pub(crate) fn show(&self, model: &TrayModel, shade: Shade) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(|e| e.into_inner());
        let (old, old_shade) = &*shown;
        if old.state != model.state {
            self.state.set_text(&model.state)?;
            self.icon.set_tooltip(Some(&model.state))?;
        }
        if old.can_sync != model.can_sync {
            self.sync.set_enabled(model.can_sync)?;
        }
        // On Linux the library cannot change the title of a submenu (its entry holds
        // a picture beside the label); the first line says the same.
        if cfg!(not(target_os = "linux")) && old.pause != model.pause {
            self.pause.set_text(&model.pause)?;
        }
        if old.paused != model.paused {
            self.resume.set_enabled(model.paused)?;
        }
        if old.accounts != model.accounts {
            self.show_accounts(model, old.same_entries(model))?;
        }
        if (old.icon, *old_shade) != (model.icon, shade) {
            let image = icons::image(model.icon, shade)?;
            self.icon
                .set_icon_with_as_template(Some(image), cfg!(target_os = "macos"))?;
        }
        *shown = (model.clone(), shade);
        Ok(())
    }

    fn show_accounts(&self, model: &TrayModel, in_place: bool) -> tauri::Result<()> {
        let mut held = self.lines.lock().unwrap_or_else(|e| e.into_inner());
        if in_place {
            for (item, line) in held.iter().zip(&model.accounts) {
                item.set_text(&line.text)?;
            }
            return Ok(());
        }
        let new = lines(&self.app, &model.accounts)?;
        for item in held.iter() {
            self.accounts.remove(item)?;
        }
        fill(&self.accounts, &new)?;
        *held = new;
        Ok(())
    }
}

/// The entries of the list of accounts: never none, an empty menu cannot open.
fn lines<R: Runtime>(
    app: &AppHandle<R>,
    accounts: &[AccountLine],
) -> tauri::Result<Vec<MenuItem<R>>> {
    if accounts.is_empty() {
        let none = text("tray.no-accounts");
        return Ok(vec![MenuItem::new(app, none, false, None::<&str>)?]);
    }
    accounts
        .iter()
        .map(|line| {
            let id = format!("{ACCOUNT}{}", line.account);
            MenuItem::with_id(app, id, &line.text, true, None::<&str>)
        })
        .collect()
}

fn fill<R: Runtime>(menu: &Submenu<R>, lines: &[MenuItem<R>]) -> tauri::Result<()> {
    let items: Vec<&dyn IsMenuItem<R>> = lines.iter().map(|l| l as &dyn IsMenuItem<R>).collect();
    menu.append_items(&items)
}

/// Only Windows tells of a left click without showing the menu; Linux never does.
fn left_click(event: &TrayIconEvent) -> bool {
    cfg!(windows)
        && matches!(
            event,
            TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            }
        )
}
