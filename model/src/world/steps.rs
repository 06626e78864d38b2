//! The steps of the parties, by the numbers of their states.
//!
//! A compiled machine contains each step of its party, and a walk looks them up there. The step
//! function itself is called if no machine has the step: in a play, and for a segment that represents
//! no class.

use std::borrow::Cow;
use std::sync::PoisonError;

use crate::client::{Client, Input, Outputs};
use crate::machine::{ClassId, Link, StateId};
use crate::server;
use crate::world::{State, World};

/// The next state of the client, and its outputs.
pub(crate) type ClientStep<'w> = (StateId, Cow<'w, Outputs>);

/// The next state of the server, and its outputs.
pub(crate) type ServerStep<'w> = (StateId, Cow<'w, server::Outputs>);

impl<C: Client> World<C> {
    /// The client's step on an input.
    pub(crate) fn client_step(&self, state: StateId, input: &Input) -> ClientStep<'_> {
        if let Some(class) = self.clients.own_class(state, input) {
            let (next, outputs) = self.clients.step(class);
            return (next, Cow::Borrowed(outputs));
        }
        let step = self.with_client(state, |(client, link)| {
            let step = self.client.step(client, input);
            let link = link.after(input, &step.outputs);
            ((step.state, link), step.outputs)
        });
        match step {
            Some((next, outputs)) => (self.client_id(next), Cow::Owned(outputs)),
            None => (state, Cow::Owned(Outputs::new())),
        }
    }

    /// The client's step on the segments of a class.
    pub(super) fn client_class(&self, state: StateId, class: ClassId) -> Option<ClientStep<'_>> {
        let class = self.clients.classes(state).get(usize::from(class))?;
        let (next, outputs) = self.clients.step(class);
        Some((next, Cow::Borrowed(outputs)))
    }

    /// The server's step on an input.
    pub(super) fn server_step(&self, state: &State, input: &server::Input) -> ServerStep<'_> {
        if let Some(class) = self.servers.own_class(state.server, input) {
            let (next, outputs) = self.servers.step(class);
            return (next, Cow::Borrowed(outputs));
        }
        let (next, outputs) = self.server.step(self.servers.state(state.server), input);
        (self.servers.id(&next).unwrap_or(state.server), Cow::Owned(outputs))
    }

    /// The server's step on the segments of a class.
    pub(super) fn server_class(&self, state: StateId, class: ClassId) -> Option<ServerStep<'_>> {
        let class = self.servers.classes(state).get(usize::from(class))?;
        let (next, outputs) = self.servers.step(class);
        Some((next, Cow::Borrowed(outputs)))
    }

    /// Calls a function with a state of the client; `None` only for an id that this world has not
    /// assigned.
    pub(crate) fn with_client<R>(
        &self,
        id: StateId,
        look: impl FnOnce(&(C::State, Link)) -> R,
    ) -> Option<R> {
        if let Some(state) = self.clients.states().get(usize::from(id)) {
            return Some(look(state));
        }
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        met.states().get(usize::from(id) - self.clients.len()).map(look)
    }

    /// The id of a state of the client: from the compiled machine, or a new one.
    pub(crate) fn client_id(&self, state: (C::State, Link)) -> StateId {
        if let Some(id) = self.clients.id(&state) {
            return id;
        }
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        let known = StateId::try_from(self.clients.len()).unwrap_or(StateId::MAX);
        known.saturating_add(met.intern(state))
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;
    use crate::protocol::PROTOCOLS;
    use crate::theorem::User;
    use crate::walk::explore;
    use crate::world::{Attacker, Setting};

    #[test]
    fn what_a_machine_knows_is_what_the_functions_do() {
        for protocol in PROTOCOLS {
            for attacker in [Attacker::Passive, Attacker::Active] {
                let world = User::of(protocol, &[Policy::Required]).sound(Setting::of(attacker));
                explore(world.initial().state, None, |state, successors| {
                    for choice in world.choices(state) {
                        let next = world.next(state, &choice.action).map(|next| next.state);
                        assert_eq!(world.after(state, &choice), next, "{}", choice.action);
                        successors.extend(next);
                    }
                });
            }
        }
    }

    /// Checks each input that is a class of its own.
    #[test]
    fn a_machine_finds_the_class_of_an_input() {
        for protocol in PROTOCOLS {
            let world =
                User::of(protocol, &[Policy::Required]).sound(Setting::of(Attacker::Active));
            for (id, (state, link)) in (0..).zip(world.clients().states()) {
                for class in world.clients().classes(id) {
                    let input = &class.representative;
                    let step = crate::client::Client::step(world.client(), state, input);
                    let next = (step.state, link.after(input, &step.outputs));
                    let found = world.client_step(id, input);
                    assert_eq!((found.0, &*found.1), (world.client_id(next), &step.outputs));
                }
            }
        }
    }
}
