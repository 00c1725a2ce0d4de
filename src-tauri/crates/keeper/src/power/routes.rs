//! The kernel's routing tables: is there a way out of this computer?

use std::hash::{DefaultHasher, Hash, Hasher};

/// What the routing tables show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routes {
    /// At least one route leads beyond this computer and its own links.
    pub lead_out: bool,
    /// Differs when those routes do: another network was joined.
    pub print: u64,
}

/// `RTF_UP`, `RTF_GATEWAY`, `RTF_REJECT` of linux/route.h.
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

impl Routes {
    /// Reads `/proc/net/route` and `/proc/net/ipv6_route` (their columns are
    /// in proc(5) and in the kernel's ipv6/route.c). `None` without both texts.
    #[must_use]
    pub fn parse(v4: Option<&str>, v6: Option<&str>) -> Option<Self> {
        if v4.is_none() && v6.is_none() {
            return None;
        }
        let v4 = v4
            .unwrap_or_default()
            .lines()
            .skip(1)
            .filter_map(way_out_v4);
        let v6 = v6.unwrap_or_default().lines().filter_map(way_out_v6);
        let ways: Vec<_> = v4.chain(v6).collect();
        let mut hasher = DefaultHasher::new();
        ways.hash(&mut hasher);
        Some(Self {
            lead_out: !ways.is_empty(),
            print: hasher.finish(),
        })
    }
}

/// Interface and gateway of a line that leads out.
fn way_out_v4(line: &str) -> Option<(&str, &str)> {
    // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let [device, destination, gateway, flags, _, _, _, mask, ..] = columns.as_slice() else {
        return None;
    };
    let everywhere = is_zero(destination) && is_zero(mask);
    leads_out(device, flags, everywhere).then_some((*device, *gateway))
}

fn way_out_v6(line: &str) -> Option<(&str, &str)> {
    // destination length source length gateway metric refs uses flags device
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, length, _, _, gateway, _, _, _, flags, device] = columns.as_slice() else {
        return None;
    };
    leads_out(device, flags, is_zero(length)).then_some((*device, *gateway))
}

fn leads_out(device: &str, flags: &str, everywhere: bool) -> bool {
    let flags = u32::from_str_radix(flags, 16).unwrap_or(0);
    device != "lo" && flags & UP != 0 && flags & REJECT == 0 && (everywhere || flags & GATEWAY != 0)
}

fn is_zero(hex: &str) -> bool {
    hex.bytes().all(|b| b == b'0')
}
