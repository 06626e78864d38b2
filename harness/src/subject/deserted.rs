//! A port on which nothing listens.

use std::net::Ipv4Addr;

use tokio::net::TcpSocket;

use super::SubjectError;

/// A port of 127.0.0.1 on which nothing listens. A socket is bound and does not listen: it refuses
/// connections, and keeps the port until this is dropped.
pub(crate) struct Deserted {
    pub(crate) port: u16,
    _socket: TcpSocket,
}

impl Deserted {
    pub(crate) fn reserve() -> Result<Self, SubjectError> {
        let reserve = || {
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            Ok(Self { port: socket.local_addr()?.port(), _socket: socket })
        };
        reserve().map_err(SubjectError::Listen)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn nobody_listens_where_a_port_is_reserved() {
        let nobody = Deserted::reserve().unwrap();
        let refused = TcpStream::connect(("127.0.0.1", nobody.port)).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        let taken = tokio::net::TcpListener::bind(("127.0.0.1", nobody.port)).await.unwrap_err();
        assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    }
}
