//! The kernel's power supplies: mains or battery.

/// True when the computer runs on its battery: it has one, and nothing feeds
/// it. `texts` are the `uevent` files below `/sys/class/power_supply`
/// (Documentation/ABI/testing/sysfs-class-power).
pub(super) fn on_battery(texts: impl IntoIterator<Item = String>) -> bool {
    let (mut feeds, mut draws) = (false, false);
    for text in texts {
        let value = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let mut values = lines.filter(|(n, _)| n.strip_prefix("POWER_SUPPLY_") == Some(name));
            values.next().map_or("", |(_, value)| value.trim())
        };
        // The batteries of mice and keyboards do not count.
        if value("SCOPE") == "Device" {
            continue;
        }
        if value("TYPE") == "Battery" {
            draws |= value("STATUS") == "Discharging";
        } else {
            feeds |= matches!(value("ONLINE"), "1" | "2");
        }
    }
    draws && !feeds
}

/// True when `/sys/firmware/acpi/platform_profile` says that power is saved.
/// Desktops set it when a person chooses their power saver.
pub(super) fn is_saving(profile: &str) -> bool {
    profile.trim() == "low-power"
}
