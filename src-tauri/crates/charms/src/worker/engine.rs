//! One JavaScript runtime for one run.
//!
//! Owns the set-up of deno_core on QuickJS (embedded sources, ops, memory
//! limit), the order of a run (built-ins, the charm's modules, `start`, one more
//! turn for floating failures), and telling a failure of the charm from an end
//! that was forced. Never decides *why* a run was terminated: that is known to
//! whoever terminated it (`super::watchdog`).
//!
//! Traps of the engine that are closed here (measured, not documented upstream):
//! * A process can make 252 runtimes and leaks about 0.9 MB for each. A worker
//!   makes one and copies itself (`super::copies`); where it cannot, it makes at
//!   most [`RUNTIMES_PER_PROCESS`].
//! * With a near-heap-limit callback registered the limit is raised at every
//!   call; none is registered, `heap_limits(0, n)` alone terminates and cannot be
//!   caught by the charm.
//! * A loop of microtasks that is terminated ends the event loop with `Ok`;
//!   `is_execution_terminating` is asked after every run.
//! * The default JavaScript stack is 1 MiB; [`init_process`] raises it to
//!   8 MiB, for which the thread needs [`THREAD_STACK`].
//! * `Math.random` is seeded when a runtime is made: see `prelude.js`.
//! * Of a module's text four copies stay in memory, and of a static one five. What
//!   is large runs as a script; the one text that stays is replaced.
//!
//! Two that stay: a call takes at most 65,535 arguments, so that
//! `list.push(...large)` and `Math.max(...large)` throw a `RangeError` where V8
//! would not. And the compiled form of the engine's `Temporal` is kept for a
//! second context that nobody makes, 1.4 MB in every worker.

use std::{rc::Rc, sync::Once, task::Poll};

use deno_core::{
    JsRuntime, ModuleSpecifier, PollEventLoopOptions, RuntimeOptions,
    error::{CoreError, CoreErrorKind},
    futures::future::poll_fn,
    v8,
};

use super::{
    failure::Failure,
    host::OpsHost,
    js_sources,
    loader::{BUILT_IN, MemoryLoader},
    ops,
};
use crate::frames::SourceModule;

/// Stack of the thread that runs JavaScript, in bytes.
pub const THREAD_STACK: usize = 16 * 1024 * 1024;

/// The most runtimes that one worker process makes before it is replaced.
pub const RUNTIMES_PER_PROCESS: usize = 32;

/// What a run needs.
pub struct RunConfig {
    /// JSON of the job, for `op_ck_job`.
    pub job: String,
    /// The charm's compiled modules.
    pub modules: Vec<SourceModule>,
    /// Specifier of its entry module.
    pub entry: String,
    /// The door to the outside.
    pub host: Rc<dyn OpsHost>,
}

/// How a run ended, as the engine sees it.
#[derive(Debug)]
pub enum RunEnd {
    /// `start` answered; its JSON is not checked here.
    Report(String),
    /// The charm failed outside of `start`: while its modules were loaded, in a
    /// timer, or by a rejection that nobody handled.
    Failed(Failure),
    /// The handler waits for something that cannot come.
    Stalled,
    /// Somebody terminated the runtime, or its heap was exhausted.
    Terminated,
}

/// A JavaScript runtime that has loaded the charm API and no charm yet. It has
/// no host either: until [`run`](Self::run) every op that needs one throws, so
/// that nothing of one run can be in the runtime of another.
pub struct Engine {
    runtime: JsRuntime,
    loader: Rc<MemoryLoader>,
    start: v8::Global<v8::Function>,
}

/// What deno_core and the QuickJS binding leave in the global object and a charm
/// has no business with. `js/rt.js` removes most of it as well; this is the list
/// that counts. `ShadowRealm` would make a fresh global object with all of it.
/// `__v8xTemporalTimeZone` has to stay: without it every `Intl.DateTimeFormat`
/// throws.
const REMOVE_GLOBALS: &str = r#"
for (const name of ["__ck", "__bootstrap", "Deno", "gc", "ShadowRealm", "WebAssembly",
  "SharedArrayBuffer", "Atomics", "__v8x_snapshot_intrinsics", "__v8x_import_source",
  "__v8xPostForegroundTask", "__v8xAtomicsRegisterWaiter", "__v8xAtomicsNotifyWaiters",
  "__v8xAtomicsCancelWaiter", "__v8xAtomicsNumWaitersForTesting",
  "__v8xAtomicsNumUnresolvedAsyncPromisesForTesting"]) delete globalThis[name];
"#;

/// The larger scripts of deno_core itself.
const CORE_SCRIPTS: [&str; 4] = [
    "ext:core/00_primordials.js",
    "ext:core/00_infra.js",
    "ext:core/01_core.js",
    "ext:core/02_timers.js",
];

/// Settings of the whole process; call it before the first [`Engine`].
pub fn init_process() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        v8::V8::set_flags_from_string("--stack-size=8192");
        JsRuntime::init_platform(None);
    });
}

impl Engine {
    /// Makes a runtime whose JavaScript heap may grow to so many bytes. Takes 20
    /// to 60 ms, nearly all of it in the engine's own set-up.
    ///
    /// # Errors
    /// [`Failure`] when the embedded JavaScript does not start, which is a fault
    /// of the program (or the 253rd runtime of a process).
    pub async fn new(heap_bytes: usize) -> Result<Self, Failure> {
        init_process();
        let loader = Rc::new(MemoryLoader::default());
        let mut runtime = JsRuntime::try_new(RuntimeOptions {
            extensions: vec![ops::extension()],
            module_loader: Some(loader.clone()),
            create_params: Some(v8::CreateParams::default().heap_limits(0, heap_bytes)),
            ..RuntimeOptions::default()
        })
        .map_err(|e| Failure::from_core(&e))?;
        // As a text of its own: what is static the engine would keep a copy of.
        let runtime_source = js_sources::runtime().to_owned();
        runtime
            .execute_script(js_sources::ENTRY, runtime_source)
            .map_err(|e| Failure::from_js(&e))?;
        let start = take_start(&mut runtime)?;
        load_built_ins(&mut runtime, &loader).await?;
        run_script(&mut runtime, REMOVE_GLOBALS)?;
        // The engine keeps the text of what ran last under a name, for the lines of
        // its stack traces, which have no use for these.
        for name in [js_sources::ENTRY].into_iter().chain(CORE_SCRIPTS) {
            let nothing = runtime.execute_script(name, "");
            nothing.map_err(|e| Failure::from_js(&e))?;
        }
        Ok(Self {
            runtime,
            loader,
            start,
        })
    }

    /// A handle with which another thread can terminate the run.
    pub fn handle(&mut self) -> v8::IsolateHandle {
        self.runtime.v8_isolate().thread_safe_handle()
    }

    /// Loads the charm and calls `start` with the namespace of its entry module.
    /// A runtime runs once.
    pub async fn run(&mut self, config: RunConfig) -> RunEnd {
        self.loader.set_modules(config.modules);
        self.runtime.op_state().borrow_mut().put(ops::RunState {
            job: config.job,
            host: config.host,
            bodies: Rc::default(),
        });
        let end = match self.steps(&config.entry).await {
            Ok(report) => RunEnd::Report(report),
            Err(error) => match error.as_kind() {
                CoreErrorKind::PendingPromiseResolution => RunEnd::Stalled,
                // What deno_core says of a top-level `await` for nothing.
                CoreErrorKind::Js(js)
                    if js.exception_message == "Top-level await promise never resolved" =>
                {
                    RunEnd::Stalled
                }
                CoreErrorKind::ExecutionTerminated
                | CoreErrorKind::EvaluateDynamicImportedModule => RunEnd::Terminated,
                _ => RunEnd::Failed(Failure::from_core(&error)),
            },
        };
        // A terminated loop of microtasks looks like a success or a stall.
        if self.runtime.v8_isolate().is_execution_terminating() {
            RunEnd::Terminated
        } else {
            end
        }
    }

    async fn steps(&mut self, entry: &str) -> Result<String, CoreError> {
        let rt = &mut self.runtime;
        let entry = ModuleSpecifier::parse(entry)?;
        let id = rt.load_main_es_module(&entry).await?;
        let evaluated = rt.mod_evaluate(id);
        rt.with_event_loop_promise(Box::pin(evaluated), PollEventLoopOptions::default())
            .await?;
        let namespace = rt.get_module_namespace(id)?;
        let namespace = {
            deno_core::scope!(scope, rt);
            let local: v8::Local<'_, v8::Value> = v8::Local::new(scope, namespace).into();
            v8::Global::new(scope, local)
        };
        let called = rt.call_with_args(&self.start, &[namespace]);
        let report = rt
            .with_event_loop_promise(Box::pin(called), PollEventLoopOptions::default())
            .await?;
        // One more turn shows rejections that nobody handled. Not until the
        // loop is empty: a charm may leave an interval running.
        poll_fn(
            |cx| match rt.poll_event_loop(cx, PollEventLoopOptions::default()) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => Poll::Ready(Ok(())),
            },
        )
        .await?;
        deno_core::scope!(scope, rt);
        let local = v8::Local::new(scope, report);
        Ok(local.to_rust_string_lossy(scope))
    }
}

/// Takes `__ck.start` before any code of a charm exists.
fn take_start(runtime: &mut JsRuntime) -> Result<v8::Global<v8::Function>, Failure> {
    let value = run_script(runtime, "globalThis.__ck.start")?;
    deno_core::scope!(scope, runtime);
    v8::Local::new(scope, value)
        .try_cast::<v8::Function>()
        .map(|f| v8::Global::new(scope, f))
        .map_err(|_| Failure::internal("the charm runtime has no start function"))
}

/// Makes an ES module of each entry of `__ck.modules`. They are evaluated now,
/// because afterwards the global is gone.
async fn load_built_ins(runtime: &mut JsRuntime, loader: &MemoryLoader) -> Result<(), Failure> {
    for (name, code) in js_sources::on_demand() {
        loader.add_built_in(name, code);
    }
    let listed = run_script(
        runtime,
        "JSON.stringify(Object.entries(globalThis.__ck.modules).map(([k, v]) => [k, Object.keys(v)]))",
    )?;
    let listed = {
        deno_core::scope!(scope, runtime);
        v8::Local::new(scope, listed).to_rust_string_lossy(scope)
    };
    let modules: Vec<(String, Vec<String>)> = serde_json::from_str(&listed)
        .map_err(|_| Failure::internal("the charm runtime lists no built-in modules"))?;
    for (name, exports) in modules {
        loader.add_built_in(&name, facade(&name, &exports));
        let url = ModuleSpecifier::parse(&format!("{BUILT_IN}{name}"))
            .map_err(|_| Failure::internal("a built-in module has an impossible name"))?;
        let load = async {
            let id = runtime.load_side_es_module(&url).await?;
            let evaluated = runtime.mod_evaluate(id);
            runtime
                .with_event_loop_promise(Box::pin(evaluated), PollEventLoopOptions::default())
                .await
        };
        load.await.map_err(|e| Failure::from_core(&e))?;
        loader.drop_code(&name);
    }
    Ok(())
}

/// Source of a module that re-exports the values that JavaScript prepared.
fn facade(name: &str, exports: &[String]) -> String {
    let mut code = format!("const m = globalThis.__ck.modules[{name:?}];\n");
    for (i, export) in exports.iter().enumerate() {
        // Through a local name: an export may be called `default` or `if`.
        code.push_str(&format!(
            "const e{i} = m[{export:?}]; export {{ e{i} as {export} }};\n"
        ));
    }
    code
}

fn run_script(
    runtime: &mut JsRuntime,
    code: &'static str,
) -> Result<v8::Global<v8::Value>, Failure> {
    runtime
        .execute_script("ext:ck/setup", code)
        .map_err(|e| Failure::from_js(&e))
}
