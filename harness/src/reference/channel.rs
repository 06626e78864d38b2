//! The second channel of the built-in client: data move over a connection of their own, as in FTP.

use upward_model::client::{Client, Input};
use upward_model::message::Layer;

use super::Driver;
use crate::link::ClientLink;

impl<C: Client + Sync> Driver<'_, C> {
    /// Opens the second channel at the port that the server has named. Returns the client's next input: the end of the
    /// handshake. A channel in clear has none.
    pub(super) async fn open_channel(&mut self, layer: Layer) -> Option<Input> {
        let port = self.reading.words.data_port();
        let address = port.and_then(|port| self.errand.address.at(port));
        self.data = match &address {
            Some(address) => ClientLink::connect(address, false).await,
            None => ClientLink::None,
        };
        if layer == Layer::Clear {
            return None;
        }
        let shaking = self.data.handshake(&self.verifier);
        let peer = tokio::time::timeout(self.errand.deadline, shaking).await;
        Some(match peer {
            Ok(Ok(peer)) => Input::Channel(peer),
            Ok(Err(_)) | Err(_) => Input::ChannelFailed,
        })
    }

    /// Sends the data of the session over the second channel, and closes it.
    pub(super) async fn move_data(&mut self) {
        let body = self.canaries().body.clone();
        let _ = self.data.write(body.as_bytes()).await;
        let _ = self.data.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use upward_model::client::{End, Negotiator, Peer};
    use upward_model::flaw::{Flaw, Flaws};
    use upward_model::message::{Command, Layer, Piece, Reply, Segment};
    use upward_model::policy::Policy;
    use upward_model::protocol::{Channel, PROTOCOLS, Protocol};
    use upward_model::server::{self, Port, Server};

    use crate::canary::Canaries;
    use crate::certificate::Certificates;
    use crate::codec::{ClientSide, Codec, Cut, ServerSide, Verbs};
    use crate::link::Address;
    use crate::reference::{Errand, run};

    /// A codec in which each message is its name in the model, one a line.
    struct Names {
        protocol: &'static Protocol,
        data_port: u16,
    }

    impl Codec for Names {
        fn server(&self, _: &Canaries) -> Box<dyn ServerSide> {
            unreachable!("the test's server needs none")
        }

        fn client(&self) -> Box<dyn ClientSide> {
            Box::new(Self { ..*self })
        }

        fn bytes(&self, text: &str) -> Vec<u8> {
            text.as_bytes().to_vec()
        }

        fn verbs(&self) -> Verbs {
            Verbs { later: &[], with_argument: &[], goodbye: &[], announcing: &[] }
        }
    }

    impl ClientSide for Names {
        fn say(&mut self, command: Command, _: &Canaries) -> Vec<u8> {
            format!("{command:?}\n").into_bytes()
        }

        fn cut(&mut self, bytes: &[u8]) -> Cut {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let replies = self.protocol.replies();
            let named = |line: &str| replies.iter().find(|reply| format!("{reply:?}") == line);
            let pieces = text.lines().filter_map(|line| Some(Piece::Whole(*named(line)?)));
            Cut { pieces: pieces.collect(), text, ..Cut::default() }
        }

        fn data_port(&self) -> Option<u16> {
            Some(self.data_port)
        }
    }

    trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
    impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

    async fn send(stream: &mut Box<dyn Duplex>, replies: Vec<Reply>) {
        for reply in replies {
            stream.write_all(format!("{reply:?}\n").as_bytes()).await.unwrap();
        }
    }

    /// The model's server over a control connection and a data connection; the data, and whether they came in TLS.
    async fn serve(
        protocol: &'static Protocol,
        control: TcpListener,
        data: TcpListener,
        acceptor: TlsAcceptor,
    ) -> (Vec<u8>, Layer) {
        let server = Server::honest(protocol);
        let (mut state, outputs) = server.start(Port::Upgrade);
        let mut stream: Box<dyn Duplex> = Box::new(control.accept().await.unwrap().0);
        let mut moved = (Vec::new(), Layer::Clear);
        send(&mut stream, server::words(&outputs)).await;
        loop {
            let mut line = Vec::new();
            loop {
                match stream.read_u8().await {
                    Ok(b'\n') => break,
                    Ok(byte) => line.push(byte),
                    Err(_) => return moved,
                }
            }
            let line = String::from_utf8(line).unwrap();
            let commands = protocol.commands();
            let command = *commands.iter().find(|one| format!("{one:?}") == line).unwrap();
            let heard = server::Input::Segment(Segment::one(command));
            let (next, outputs) = server.step(&state, &heard);
            state = next;
            if command == Command::Deliver {
                let (mut connection, _) = data.accept().await.unwrap();
                let mut first = [0];
                connection.peek(&mut first).await.unwrap();
                // A TLS record of the handshake begins with 22 (RFC 8446 section 5.1).
                if first == [22] {
                    let mut connection = acceptor.accept(connection).await.unwrap();
                    connection.read_to_end(&mut moved.0).await.unwrap();
                    moved.1 = Layer::Tls;
                } else {
                    connection.read_to_end(&mut moved.0).await.unwrap();
                }
            }
            send(&mut stream, server::words(&outputs)).await;
            if command == Command::Upgrade {
                stream = Box::new(acceptor.accept(stream).await.unwrap());
                let (next, outputs) = server.step(&state, &server::Input::TlsStarted);
                state = next;
                send(&mut stream, server::words(&outputs)).await;
            }
        }
    }

    /// How a client ends, and what it moved where.
    async fn moved(protocol: &'static Protocol, flaws: Flaws) -> (Option<End>, Vec<u8>, Layer) {
        let certificates = Certificates::new().unwrap();
        let [control, data] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0"));
        let (control, data) = (control.await.unwrap(), data.await.unwrap());
        let port = control.local_addr().unwrap().port();
        let codec = Names { protocol, data_port: data.local_addr().unwrap().port() };
        let errand = Errand {
            address: Address::Loopback { port, trap: port },
            ca: certificates.ca.clone(),
            canaries: vec![Arc::new(Canaries::new(1))],
            deadline: Duration::from_secs(20),
        };
        let acceptor = TlsAcceptor::from(certificates.server(Peer::Genuine));
        let client = Negotiator::sound(protocol, Policy::Required).with_flaws(flaws);
        let (finished, (bytes, layer)) = tokio::join!(
            async {
                let finished = run(&client, &codec, errand).await.unwrap();
                finished.ends.last().copied()
            },
            serve(protocol, control, data, acceptor)
        );
        (finished, bytes, layer)
    }

    #[tokio::test]
    async fn data_move_over_the_second_channel() {
        let body = Canaries::new(1).body.into_bytes();
        let mut tried = 0;
        for protocol in PROTOCOLS.into_iter().filter(|one| one.channel == Channel::Second) {
            let sound = moved(protocol, Flaws::NONE).await;
            assert_eq!(sound, (Some(End::Delivered), body.clone(), Layer::Tls));
            let flawed = moved(protocol, Flaw::SecondChannelInClear.into()).await;
            assert_eq!(flawed, (Some(End::Delivered), body.clone(), Layer::Clear));
            tried += 1;
        }
        assert!(tried > 0, "no protocol has a second channel");
    }
}
