//! What client, server and attacker do to a state.

use super::state::{
    BUFFER, Client, MESSAGE, QUEUE, Server, State, Tls, command, flag, mark, reply,
};
use super::{Action, Flaw, Way};

impl State {
    pub(super) fn client_reads(&mut self) {
        let segment = take(&mut self.to_client);
        if segment.iter().all(|&cell| cell == 0 || belongs(cell, self.client_tls)) {
            self.heard = segment;
        } else {
            self.give_up();
        }
    }

    pub(super) fn client_handles(&mut self, flaw: Flaw) {
        let [cell, behind] = self.heard;
        self.heard = [behind, 0];
        if self.client_tls != Tls::None && cell & mark::INSIDE == 0 {
            self.flags |= flag::MISLED;
        }
        match (self.client, cell & MESSAGE) {
            (Client::Greeting, reply::GREETING) => self.go_on(command::ASK, Client::Offer),
            (Client::Offer, reply::OFFER) => self.go_on(command::UPGRADE, Client::GoAhead),
            (Client::GoAhead, reply::GO_AHEAD) => {
                if flaw != Flaw::KeepsBuffer {
                    self.heard = [0; BUFFER];
                }
                self.go_on(command::HELLO, Client::Handshake);
            }
            (Client::Capabilities, reply::OFFER | reply::BARE) => {
                self.go_on(command::LOGIN, Client::Login);
            }
            (Client::Login, reply::LOGGED_IN) => self.go_on(command::MAIL, Client::Done),
            (Client::Done, reply::DONE) => self.client = Client::Delivered,
            _ => self.give_up(),
        }
    }

    pub(super) fn client_shakes_hands(&mut self, flaw: Flaw) {
        let segment = take(&mut self.to_client);
        // A handshake that answers a forged hello is of no use to the client.
        self.client_tls = match segment {
            [reply::GENUINE, 0] => Tls::Honest,
            [reply::FALSE, 0] => Tls::Attacker,
            _ => Tls::None,
        };
        let believes = self.client_tls == Tls::Honest
            || self.client_tls == Tls::Attacker && flaw == Flaw::BelievesAnyone;
        if believes {
            self.go_on(command::ASK, Client::Capabilities);
        } else {
            self.give_up();
        }
    }

    pub(super) fn give_up(&mut self) {
        self.heard = [0; BUFFER];
        self.client = Client::GivingUp;
    }

    fn go_on(&mut self, command: u8, next: Client) {
        if matches!(command, command::LOGIN | command::MAIL) {
            self.flags |= match self.client_tls {
                Tls::None => flag::LEAKED,
                Tls::Honest => 0,
                Tls::Attacker => flag::BETRAYED,
            };
        }
        let inside = if self.client_tls == Tls::None { 0 } else { mark::INSIDE };
        put(&mut self.to_server, command | inside);
        self.client = next;
    }

    pub(super) fn server_reads(&mut self) {
        let segment = take(&mut self.to_server);
        if self.server == Server::Gone {
            return;
        }
        if segment.iter().all(|&cell| cell == 0 || belongs(cell, self.server_tls)) {
            self.read = segment;
        } else {
            self.server = Server::Gone;
        }
    }

    pub(super) fn server_handles(&mut self) {
        let [cell, behind] = self.read;
        self.read = [behind, 0];
        match (self.server, cell & MESSAGE) {
            (Server::Clear, command::ASK) => self.say(reply::OFFER),
            (Server::Clear, command::UPGRADE) => {
                self.read = [0; BUFFER];
                self.say(reply::GO_AHEAD);
                self.server = Server::Handshake;
            }
            (_, command::ASK) => self.say(reply::BARE),
            (Server::Inside, command::LOGIN) => {
                self.say(reply::LOGGED_IN);
                self.server = Server::LoggedIn;
            }
            (Server::LoggedIn, command::MAIL) => self.say(reply::DONE),
            _ => self.say(reply::REFUSAL),
        }
    }

    pub(super) fn server_shakes_hands(&mut self) {
        let [cell, behind] = take(&mut self.to_server);
        if cell & MESSAGE != command::HELLO || behind != 0 {
            self.server = Server::Gone;
            return;
        }
        let forged = cell & mark::FORGED;
        put(&mut self.to_client, reply::GENUINE | forged);
        self.server_tls = if forged == 0 { Tls::Honest } else { Tls::Attacker };
        self.server = Server::Inside;
    }

    pub(super) fn say(&mut self, reply: u8) {
        let inside = if self.server_tls == Tls::None { 0 } else { mark::INSIDE };
        put(&mut self.to_client, reply | inside);
    }

    /// What the attacker does; the honest do not get here.
    pub(super) fn suffer(&mut self, action: Action) {
        self.budget -= 1;
        match action {
            Action::Drop(way) => {
                let [_, second, third] = *self.queue(way);
                *self.queue(way) = [second & !mark::GLUED, third, 0];
            }
            Action::Replace(way, message) => self.queue(way)[0] = forged(way, message),
            Action::Inject(way, message) => put(self.queue(way), forged(way, message)),
            Action::Append(way, message) => {
                put(self.queue(way), forged(way, message) | mark::GLUED);
            }
            Action::SpeakTls(message) => {
                put(&mut self.to_client, message | mark::FORGED | mark::INSIDE);
            }
            _ => self.flags |= flag::CLOSED,
        }
    }

    const fn queue(&mut self, way: Way) -> &mut [u8; QUEUE] {
        match way {
            Way::ToClient => &mut self.to_client,
            Way::ToServer => &mut self.to_server,
        }
    }
}

/// Whether a party with or without TLS can read a message: inside TLS, only with whom it has it.
fn belongs(cell: u8, tls: Tls) -> bool {
    let whose = match cell & (mark::INSIDE | mark::FORGED) {
        mark::INSIDE => Tls::Honest,
        0 | mark::FORGED => Tls::None,
        _ => Tls::Attacker,
    };
    whose == tls
}

/// Takes the first segment, without the marks that made it one.
fn take(queue: &mut [u8; QUEUE]) -> [u8; BUFFER] {
    let [first, second, third] = *queue;
    if second & mark::GLUED == 0 {
        *queue = [second, third, 0];
        [first, 0]
    } else {
        *queue = [third, 0, 0];
        [first, second & !mark::GLUED]
    }
}

/// What finds no room is lost: in clear the attacker could take it away as well.
fn put(queue: &mut [u8; QUEUE], cell: u8) {
    if let Some(room) = queue.iter_mut().find(|cell| **cell == 0) {
        *room = cell;
    }
}

/// A message of the attacker's; the mark is kept to what is bound to keys, and is his word there.
const fn forged(way: Way, message: u8) -> u8 {
    match (way, message) {
        (Way::ToClient, reply::GENUINE) | (Way::ToServer, command::HELLO) => message | mark::FORGED,
        _ => message,
    }
}
