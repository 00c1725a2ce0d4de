//! The state of the Secret Service, asked before every call (Linux).
//!
//! Owns: telling “no bus”, “no service”, “no keyring” and “locked” apart.
//! Never unlocks anything: the keyring store would open a dialog and block
//! until it is answered, so it is not called at all while locked.
//!
//! Names and paths: freedesktop.org, “Secret Service API Draft 0.2”.

use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::OwnedObjectPath;

use crate::vault::{Missing, VaultError, VaultStatus};

const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";

/// Connects to the session's bus.
pub(super) fn connect() -> Result<Connection, VaultError> {
    Connection::session().map_err(|_| VaultError::Unusable(VaultStatus::Absent(Missing::Bus)))
}

/// Succeeds when the default keyring is there and unlocked.
pub(super) fn check(bus: &Connection) -> Result<(), VaultError> {
    let status = match state(bus) {
        Ok(VaultStatus::Ready) => return Ok(()),
        Ok(status) => status,
        Err(error) => explain(&error),
    };
    Err(VaultError::Unusable(status))
}

fn state(bus: &Connection) -> zbus::Result<VaultStatus> {
    let service = Proxy::new(bus, SERVICE, SERVICE_PATH, SERVICE_INTERFACE)?;
    let path: OwnedObjectPath = service.call("ReadAlias", &("default",))?;
    if path.as_str() == "/" {
        return Ok(VaultStatus::Absent(Missing::Collection));
    }
    let collection = Proxy::new(bus, SERVICE, path, COLLECTION_INTERFACE)?;
    Ok(match collection.get_property::<bool>("Locked")? {
        true => VaultStatus::Locked,
        false => VaultStatus::Ready,
    })
}

fn explain(error: &zbus::Error) -> VaultStatus {
    match error {
        zbus::Error::MethodError(name, _, _)
            if matches!(
                name.as_str(),
                "org.freedesktop.DBus.Error.ServiceUnknown"
                    | "org.freedesktop.DBus.Error.NameHasNoOwner"
            ) =>
        {
            VaultStatus::Absent(Missing::Service)
        }
        zbus::Error::FDO(inner)
            if matches!(
                **inner,
                zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
            ) =>
        {
            VaultStatus::Absent(Missing::Service)
        }
        other => VaultStatus::Failed(other.to_string()),
    }
}
