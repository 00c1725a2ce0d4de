// Every command that the window may call, in one place: the build script
// declares them (an undeclared command is open to every page), the program
// registers them, a test compares them with the capability file.
//
// `requests` are the keeper's, named as in its API; `shell` is what only a
// desktop can do.

macro_rules! each_command {
    ($use:ident) => {
        $use! {
            requests {
                status => "status",
                charms => "charms",
                add => "add",
                remove => "remove",
                pause => "pause",
                resume => "resume",
                set_interval => "set-interval",
                run => "run",
                cancel => "cancel",
                cells => "cells",
                preview => "preview",
                restore => "restore",
                set_account => "set-account",
                set_hosts => "set-hosts",
                wishes => "wishes",
                choose_wish => "choose-wish",
                history => "history",
                facets => "facets",
                lanes => "lanes",
                run_report => "run-report",
                export_history => "export-history",
                export_all => "export-all",
                reset => "reset",
                settings => "settings",
                change_settings => "change-settings",
                use_client => "use-client",
                forget_client => "forget-client",
                run_all => "run-all",
                cancel_connect => "cancel-connect",
                spaces => "spaces",
                connect_space => "connect-space",
                disconnect_space => "disconnect-space",
                retry_change => "retry-change",
                drop_change => "drop-change",
                favorites => "favorites",
                set_favorite => "set-favorite",
                take_over => "take-over",
                publish => "publish",
                register => "register",
                run_details => "run-details",
                accounts => "accounts",
                connect => "connect",
                disconnect => "disconnect",
                pause_all => "pause-all",
                resume_all => "resume-all",
                doctor => "doctor",
                dismiss_warning => "dismiss-warning",
            }
            shell {
                autostart_get,
                autostart_set,
                open_url,
                pick,
                copy_text,
                use_client_text,
                space_identity,
                app_info,
                quit,
                reveal,
                try_sandbox,
            }
        }
    };
}
