//! Resolves and loads the modules of one charm from memory.
//!
//! Owns the map of a charm's modules and the built-in specifiers. Never reads a
//! file or the network: a specifier that is in neither list is an error.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    collections::HashMap,
};

use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSource,
    ModuleSourceCode, ModuleSpecifier, ModuleType, ResolutionKind,
};
use deno_error::JsErrorBox;

use crate::frames::SourceModule;

/// URL scheme of the built-in modules, as in `ck:commonfabric/schema`.
pub(crate) const BUILT_IN: &str = "ck:";

/// A module of the charm.
struct Held {
    /// Until the engine has it, which keeps copies enough.
    code: Cell<Option<String>>,
    source_map: Option<String>,
}

/// The modules of one run.
#[derive(Default)]
pub(crate) struct MemoryLoader {
    modules: OnceCell<HashMap<String, Held>>,
    built_in: RefCell<HashMap<String, Cow<'static, str>>>,
}

impl MemoryLoader {
    /// Gives it the charm's modules; only the first ones count.
    pub(crate) fn set_modules(&self, modules: Vec<SourceModule>) {
        let by_name = modules.into_iter().map(|m| {
            let held = Held {
                code: Cell::new(Some(m.code)),
                source_map: m.source_map,
            };
            (m.specifier, held)
        });
        let _already_set = self.modules.set(by_name.collect());
    }

    fn module(&self, specifier: &str) -> Option<&Held> {
        self.modules.get()?.get(specifier)
    }

    fn is_known(&self, specifier: &str) -> bool {
        match specifier.strip_prefix(BUILT_IN) {
            Some(name) => self.built_in.borrow().contains_key(name),
            None => self.module(specifier).is_some(),
        }
    }

    /// Declares a built-in module, by the name that charms import.
    pub(crate) fn add_built_in(&self, name: &str, code: impl Into<Cow<'static, str>>) {
        let mut all = self.built_in.borrow_mut();
        all.insert(name.to_owned(), code.into());
    }

    /// Forgets the code of a built-in module that the engine has by now.
    pub(crate) fn drop_code(&self, name: &str) {
        self.add_built_in(name, "");
    }

    /// The code of a module; that of a charm's module once.
    fn take_code(&self, specifier: &str) -> Option<String> {
        if let Some(name) = specifier.strip_prefix(BUILT_IN) {
            return self
                .built_in
                .borrow()
                .get(name)
                .map(|code| code.to_string());
        }
        self.module(specifier)?.code.take()
    }
}

fn unknown(specifier: &str, referrer: &str) -> JsErrorBox {
    let from = if referrer.is_empty() || referrer == "." {
        "the program"
    } else {
        referrer
    };
    JsErrorBox::type_error(format!("Unknown module \"{specifier}\" imported by {from}"))
}

impl ModuleLoader for MemoryLoader {
    fn resolve(
        &self,
        specifier: &str,
        referrer: &str,
        _kind: ResolutionKind,
    ) -> Result<ModuleSpecifier, JsErrorBox> {
        if self.built_in.borrow().contains_key(specifier) {
            return ModuleSpecifier::parse(&format!("{BUILT_IN}{specifier}"))
                .map_err(|_| unknown(specifier, referrer));
        }
        let url = deno_core::resolve_import(specifier, referrer)
            .map_err(|_| unknown(specifier, referrer))?;
        // Refused here rather than in `load`, so that `ext:` and `node:` modules
        // that deno_core keeps itself cannot be reached either.
        if !self.is_known(url.as_str()) {
            return Err(unknown(specifier, referrer));
        }
        Ok(url)
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        _referrer: Option<&ModuleLoadReferrer>,
        _options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(match self.take_code(specifier.as_str()) {
            Some(code) => Ok(ModuleSource::new(
                ModuleType::JavaScript,
                ModuleSourceCode::String(code.into()),
                specifier,
                None,
            )),
            None => Err(unknown(specifier.as_str(), "")),
        })
    }

    fn get_source_map(&self, file_name: &str) -> Option<Cow<'_, [u8]>> {
        self.module(file_name)?
            .source_map
            .as_ref()
            .map(|m| Cow::Borrowed(m.as_bytes()))
    }

    // A map that names its source as a relative path (or as the module itself)
    // is resolved against the module; every such source belongs to the charm.
    fn source_map_source_exists(&self, _source_url: &str) -> Option<bool> {
        Some(true)
    }
}
