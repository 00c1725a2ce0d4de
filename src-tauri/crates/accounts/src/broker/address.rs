//! Which IP addresses a charm may reach: those of the public internet.
//!
//! Owns: the table of special-purpose ranges (IANA IPv4 and IPv6
//! Special-Purpose Address Registries, RFC 6890) and of IPv6 forms that carry an
//! IPv4 address. Never resolves a name and never opens a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why `ip` may not be connected to, in words for a sentence; `None` when it is
/// an ordinary public address.
pub(crate) fn forbidden(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
}

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    // The Azure platform's own service answers at a public-looking address.
    if ip == Ipv4Addr::new(168, 63, 129, 16) {
        return Some("a cloud metadata address");
    }
    match ip.octets() {
        [0, ..] => Some("an unspecified address"),
        [127, ..] => Some("an address of this computer"),
        [10, ..] | [192, 168, ..] => Some("a private address"),
        [172, b, ..] if (16..32).contains(&b) => Some("a private address"),
        // 169.254.169.254 is where clouds keep a machine's credentials.
        [169, 254, ..] => Some("a link-local address"),
        [100, b, ..] if (64..128).contains(&b) => Some("a carrier-internal address"),
        [192, 0, 0, _] | [192, 0, 2, _] | [192, 88, 99, _] => Some("a reserved address"),
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Some("a reserved address"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = carried_v4(ip) {
        return forbidden_v4(inner);
    }
    let s = ip.segments();
    if ip.is_loopback() {
        return Some("an address of this computer");
    }
    if ip.is_unspecified() {
        return Some("an unspecified address");
    }
    match s[0] {
        0xfc00..=0xfdff => return Some("a private address"),
        0xfe80..=0xfebf => return Some("a link-local address"),
        0xff00.. => return Some("a multicast address"),
        _ => {}
    }
    // Only 2000::/3 is given out as global unicast (RFC 4291 §2.4, IANA).
    let global = (0x2000..0x4000).contains(&s[0]);
    let documentation = (s[0] == 0x2001 && s[1] == 0x0db8) || (s[0] == 0x3fff && s[1] < 0x1000);
    // 2001::/23: Teredo, benchmarking, ORCHID and other protocol assignments.
    let protocol = s[0] == 0x2001 && s[1] < 0x0200;
    (!global || documentation || protocol).then_some("a reserved address")
}

/// The IPv4 address that packets to `ip` end up at, for the forms that carry
/// one: mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn carried_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_pass() {
        for good in [
            "8.8.8.8",
            "142.250.74.10",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "169.253.1.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2a00:1450:4001::200e",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(forbidden(good.parse().unwrap()), None, "{good}");
        }
    }

    #[test]
    fn every_other_kind_is_refused() {
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.1.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001:0:53aa:64c::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
            "5f00::1",
        ] {
            assert!(
                forbidden(bad.parse().unwrap()).is_some(),
                "{bad} was let through"
            );
        }
    }
}
