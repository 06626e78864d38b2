//! Worlds with or without a mistake of their own, and clients to put into them.

use upward_model::client::{Client, Input, Negotiator, Output, Step, View};
use upward_model::flaw::{Flaw, Flaws};
use upward_model::policy::Policy;
use upward_model::property::{Properties, Property};
use upward_model::protocol::Protocol;
use upward_model::theorem::User;
use upward_model::walk::{breaks, explore, walk};
use upward_model::world::{Action, Attacker, Mutation, Setting, World};

use crate::wrong_clients::{Wait, start};

/// Where an assertion is tried: in the world as it is, or in a mutant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lab(pub(crate) Option<Mutation>);

pub(crate) const REQUIRED: &[Policy] = &[Policy::Required];

pub(crate) const ACTIVE: Setting = Setting::of(Attacker::Active);

impl Lab {
    /// Whether a client breaks a property in a setting.
    pub(crate) fn client_breaks<C: Client>(
        self,
        protocol: &'static Protocol,
        client: C,
        sessions: &[Policy],
        setting: Setting,
        property: Property,
    ) -> bool {
        let world = World::new(protocol, client, sessions.to_vec(), setting).mutated(self.0);
        breaks(&world, Properties::of(&[property])).has(property)
    }

    /// Whether a client of the manual's protocol that is written by hand breaks a property.
    pub(crate) fn hand_breaks(
        self,
        step: fn(Wait, &Input) -> Step<Wait>,
        property: Property,
    ) -> bool {
        let client = Scripted { start: start(), step: ByWait(step) };
        let manual = &upward_model::protocol::MANUAL;
        self.client_breaks(manual, client, REQUIRED, ACTIVE, property)
    }

    /// Whether the model's client with these sessions and flaws breaks a property.
    pub(crate) fn breaks(
        self,
        protocol: &'static Protocol,
        flaws: impl Into<Flaws>,
        sessions: &[Policy],
        setting: Setting,
        property: Property,
    ) -> bool {
        let world = User::of(protocol, sessions).flawed(flaws, setting).mutated(self.0);
        breaks(&world, Properties::of(&[property])).has(property)
    }

    /// Whether a flaw breaks a property, where TLS is required and the attacker owns the wire.
    pub(crate) fn flaw(self, protocol: &'static Protocol, flaw: Flaw, property: Property) -> bool {
        self.breaks(protocol, flaw, REQUIRED, ACTIVE, property)
    }

    /// Whether the sound client breaks a property, where TLS is required.
    pub(crate) fn sound(
        self,
        protocol: &'static Protocol,
        setting: Setting,
        property: Property,
    ) -> bool {
        self.breaks(protocol, Flaws::NONE, REQUIRED, setting, property)
    }

    /// Whether something like this can ever happen to the sound parties.
    pub(crate) fn offers(
        self,
        protocol: &'static Protocol,
        wanted: impl Fn(&Action) -> bool,
    ) -> bool {
        let world = User::of(protocol, REQUIRED).sound(ACTIVE).mutated(self.0);
        let mut offered = false;
        explore(world.initial().state, None, |state, successors| {
            for choice in world.choices(state) {
                offered |= wanted(&choice.action);
                successors.extend(world.next(state, &choice.action).map(|it| it.state));
            }
        });
        offered
    }

    /// Whether some run of a client ends in delivery.
    pub(crate) fn delivers<C: Client>(self, protocol: &'static Protocol, client: C) -> bool {
        walk(&World::new(protocol, client, REQUIRED.to_vec(), ACTIVE).mutated(self.0), None)
            .delivers
    }

    /// How many ends a user has who begins the sessions again for ever.
    pub(crate) fn ends_of_endless(self, protocol: &'static Protocol) -> usize {
        let user = User::of(protocol, REQUIRED).endless();
        walk(&user.sound(ACTIVE).mutated(self.0), None).ends
    }
}

/// A client that is a function of a state and an input.
#[derive(Clone, Debug)]
pub(crate) struct Scripted<S, F> {
    pub(crate) start: Step<S>,
    pub(crate) step: F,
}

/// What a scripted client is made of.
pub(crate) trait Script<S> {
    fn step(&self, state: &S, input: &Input) -> Step<S>;
    fn view(&self, state: &S) -> View;
}

impl<S, F> Client for Scripted<S, F>
where
    S: Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static,
    F: Script<S>,
{
    type State = S;

    fn start(&self) -> Step<S> {
        self.start.clone()
    }

    fn step(&self, state: &S, input: &Input) -> Step<S> {
        self.step.step(state, input)
    }

    fn view(&self, state: &S) -> View {
        self.step.view(state)
    }
}

/// A script that remembers nothing but what it waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByWait(pub(crate) fn(Wait, &Input) -> Step<Wait>);

impl Script<Wait> for ByWait {
    fn step(&self, state: &Wait, input: &Input) -> Step<Wait> {
        (self.0)(*state, input)
    }

    fn view(&self, state: &Wait) -> View {
        state.view()
    }
}

/// A script that also remembers that something came in clear which should not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByMark(pub(crate) fn(Wait, bool, &Input) -> Step<(Wait, bool)>);

impl Script<(Wait, bool)> for ByMark {
    fn step(&self, state: &(Wait, bool), input: &Input) -> Step<(Wait, bool)> {
        (self.0)(state.0, state.1, input)
    }

    fn view(&self, state: &(Wait, bool)) -> View {
        state.0.view()
    }
}

/// The model's sound client with a twist: what it is given and what it does can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Twisted {
    pub(crate) inner: Negotiator,
    pub(crate) input: fn(&Input) -> Input,
    pub(crate) output: fn(Output) -> Vec<Output>,
}

impl Client for Twisted {
    type State = <Negotiator as Client>::State;

    fn start(&self) -> Step<Self::State> {
        self.inner.start()
    }

    fn step(&self, state: &Self::State, input: &Input) -> Step<Self::State> {
        let mut step = self.inner.step(state, &(self.input)(input));
        step.outputs = step.outputs.into_iter().flat_map(self.output).collect();
        step
    }

    fn view(&self, state: &Self::State) -> View {
        self.inner.view(state)
    }
}
