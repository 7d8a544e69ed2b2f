//! Ports as `EXPOSE` takes them: `[[ip:]host:]container[/protocol]`, each a number or a range.

use std::net::IpAddr;

/// Why the engine refuses a port.
pub(crate) fn refused(text: &str) -> Option<String> {
    let mut parts = text.rsplitn(3, ':');
    let container = parts.next().unwrap_or_default();
    let host = parts.next().unwrap_or_default();
    let ip = parts.next().unwrap_or_default();
    let (port, protocol) = container.split_once('/').unwrap_or((container, ""));
    if port.is_empty() {
        return Some(format!("invalid port {text:?}: no port specified"));
    }
    if !matches!(
        protocol.to_lowercase().as_str(),
        "" | "tcp" | "udp" | "sctp"
    ) {
        return Some(format!("invalid port {text:?}: invalid proto: {protocol}"));
    }
    if !ip.is_empty() {
        let plain = ip
            .strip_prefix('[')
            .and_then(|i| i.strip_suffix(']'))
            .unwrap_or(ip);
        if plain.parse::<IpAddr>().is_err() {
            return Some(format!("invalid IP address: {ip}"));
        }
    }
    let Some((start, end)) = range(port) else {
        return Some(format!("invalid container port: {port}"));
    };
    if !host.is_empty() {
        let Some((host_start, host_end)) = range(host) else {
            return Some(format!("invalid host port: {host}"));
        };
        if end - start != host_end - host_start && end != start {
            return Some(format!(
                "invalid ranges specified for container and host ports: {port} and {host}"
            ));
        }
    }
    None
}

fn range(text: &str) -> Option<(u16, u16)> {
    let number = |t: &str| t.strip_prefix('+').unwrap_or(t).parse::<u16>().ok();
    match text.split_once('-') {
        None => number(text).map(|n| (n, n)),
        Some((start, end)) => {
            let (start, end) = (number(start)?, number(end)?);
            (start <= end).then_some((start, end))
        }
    }
}
