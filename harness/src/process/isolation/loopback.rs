//! The loopback interface of a new network namespace, which exists but is down.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netdevice, recv, sendto,
    socket_with,
};

/// Addresses beside 127.0.0.1 and ::1. Without other addresses, the C library concludes that the
/// machine has no IPv4 and no IPv6. Then it does not resolve names for a program that sets
/// `AI_ADDRCONFIG` (getaddrinfo(3)). No other interface in the namespace has these addresses.
const OTHERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
];

/// Sets the interface up, with messages of rtnetlink(7). A library for them would be larger than the
/// rest of the isolation.
pub(super) fn up() -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    let index = netdevice::name_to_index(&socket, "lo")?;
    ask(&socket, &setting_up(index))?;
    for address in OTHERS {
        // Without IPv6 this fails, and no program needs the address.
        let _ = ask(&socket, &adding(index, address));
    }
    Ok(())
}

/// Sends a message, and waits for the answer.
fn ask(socket: &OwnedFd, message: &[u8]) -> io::Result<()> {
    sendto(socket.as_fd(), message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 256];
    let (_, length) = recv(socket, &mut answer, RecvFlags::empty())?;
    match error(&answer[..length.min(answer.len())]) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A message: nlmsghdr (length, type, flags, sequence number, sender), and what follows it.
fn message(kind: u16, flags: u16, body: &[&[u8]]) -> Vec<u8> {
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    let body = body.concat();
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    let flags = NLM_F_REQUEST_ACK | flags;
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8], &body].concat()
}

/// `RTM_NEWLINK`: sets the flag `IFF_UP` of an interface.
fn setting_up(index: u32) -> Vec<u8> {
    const RTM_NEWLINK: u16 = 16;
    const IFF_UP: [u8; 4] = 1_u32.to_ne_bytes();
    // ifinfomsg: family and type, index, flags, mask of the flags to change.
    message(RTM_NEWLINK, 0, &[&[0; 4], &index.to_ne_bytes(), &IFF_UP, &IFF_UP])
}

/// `RTM_NEWADDR`: gives an interface an address.
fn adding(index: u32, address: IpAddr) -> Vec<u8> {
    const RTM_NEWADDR: u16 = 20;
    const NLM_F_CREATE: u16 = 0x400;
    const IFA_LOCAL: u16 = 2;
    let (family, bytes) = match address {
        IpAddr::V4(address) => (AddressFamily::INET, address.octets().to_vec()),
        IpAddr::V6(address) => (AddressFamily::INET6, address.octets().to_vec()),
    };
    let family = u8::try_from(family.as_raw()).unwrap_or_default();
    let bits = u8::try_from(8 * bytes.len()).unwrap_or_default();
    let length = u16::try_from(4 + bytes.len()).unwrap_or_default();
    // ifaddrmsg: family, bits of the prefix, flags, scope, index; then an rtattr.
    let head = [family, bits, 0, 0];
    let attribute = [&length.to_ne_bytes()[..], &IFA_LOCAL.to_ne_bytes(), &bytes].concat();
    message(RTM_NEWADDR, NLM_F_CREATE, &[&head, &index.to_ne_bytes(), &attribute])
}

/// The error code in an answer (`NLMSG_ERROR`): 0 for success, otherwise negative.
fn error(answer: &[u8]) -> Option<i32> {
    const NLMSG_ERROR: [u8; 2] = 2_u16.to_ne_bytes();
    let code = answer.get(16..20)?.try_into().ok()?;
    (answer.get(4..6)? == NLMSG_ERROR).then(|| i32::from_ne_bytes(code))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn asks_and_reads_the_answer() {
        for (message, length) in
            [(setting_up(1), 32), (adding(1, OTHERS[0]), 32), (adding(1, OTHERS[1]), 44)]
        {
            assert_eq!(message.len(), length);
            assert_eq!(message[..4], u32::try_from(length).unwrap().to_ne_bytes());
        }
        let mut answer = [0; 36];
        answer[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        assert_eq!(error(&answer), Some(0));
        answer[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(error(&answer), Some(-1));
        assert_eq!(error(&answer[..19]), None);
    }

    proptest! {
        #[test]
        fn reads_anything(bytes: Vec<u8>) {
            let _ = error(&bytes);
        }
    }
}
