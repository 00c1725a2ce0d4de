//! Stands in for the WebAssembly engine that deno_core's QuickJS binding links.
//!
//! The binding (v8x) names 64 functions of WAMR. Building WAMR needs cmake, and
//! charms are TypeScript, so `.cargo/config.toml` points `WAMR_LIB_DIR` at two
//! empty archives in `no-wasm/` and this file defines the names. Nothing calls
//! them: the global `WebAssembly` is deleted before a charm's code is loaded.
//!
//! The list is the set of `wasm_*` functions and `v82jsc_wasm_*` /
//! `v82jsc_set_mem_grow_cb` that `src/quickjs/wasm.rs` of v8x 149.4.0-rc.4
//! declares. A new v8x with another list fails to link, so the two cannot drift
//! apart unseen. With the feature `v8` nothing here is compiled.
#![allow(
    unsafe_code,
    reason = "`no_mangle` is the only way to define a symbol by its C name"
)]

macro_rules! stubs {
    ($($name:ident)*) => {
        $(
            // SAFETY: the name is part of no other library in this program (see
            // the module's text), and the function touches none of its arguments.
            #[unsafe(no_mangle)]
            extern "C" fn $name() -> usize {
                0
            }
        )*
    };
}

stubs! {
    wasm_engine_new wasm_store_new wasm_runtime_set_log_level v82jsc_wasm_module_error
    wasm_byte_vec_new wasm_byte_vec_delete wasm_module_new wasm_module_validate
    wasm_module_imports wasm_module_exports wasm_importtype_module wasm_importtype_name
    wasm_importtype_type wasm_externtype_kind wasm_externtype_as_functype_const
    wasm_externtype_as_globaltype_const wasm_exporttype_name wasm_exporttype_type
    wasm_functype_params wasm_functype_results wasm_valtype_kind wasm_func_new_with_env
    wasm_func_call v82jsc_wasm_func_terminate wasm_func_type v82jsc_wasm_func_index
    wasm_func_as_extern wasm_instance_new wasm_instance_exports wasm_extern_kind
    wasm_extern_as_func wasm_extern_as_memory wasm_memory_data wasm_memory_data_size
    wasm_memory_size wasm_memory_grow wasm_trap_delete wasm_trap_message wasm_trap_trace
    wasm_frame_func_index wasm_frame_func_offset wasm_frame_module_offset
    wasm_frame_vec_delete wasm_trap_new wasm_extern_as_global wasm_global_as_extern
    wasm_valtype_new wasm_globaltype_new wasm_global_new wasm_global_get wasm_global_set
    wasm_global_type wasm_globaltype_content wasm_globaltype_mutability wasm_extern_as_table
    wasm_table_size wasm_table_grow wasm_table_get wasm_table_set wasm_foreign_new
    wasm_foreign_as_ref wasm_ref_get_host_info wasm_foreign_set_host_info_with_finalizer
    v82jsc_set_mem_grow_cb
}
