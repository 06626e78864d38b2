//! The legal choices of a sound client.
//!
//! The standards leave choices, and clients use them. A run that one of these variants explains is
//! sound, whatever the other variants would have done.

/// What a client does with clear-text bytes that are left when TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leftover {
    /// Discards them and goes on.
    Discard,
    /// Treats them as an attack and gives up.
    Refuse,
}

/// How a client logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Login {
    /// The secret is in the first message.
    AtOnce,
    /// The secret answers a challenge.
    Challenged,
    /// It does not: only the data are confidential (mail relay).
    Never,
}

impl Login {
    /// All ways, the most common first.
    pub const ALL: [Self; 3] = [Self::AtOnce, Self::Challenged, Self::Never];
}

/// A choice that the standards leave to a sound client: each field of a [`Variant`] is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the questions are those that the fields of `Variant` answer")]
pub enum Choice {
    Leftover,
    AsksFirst,
    AsksInside,
    Pipelines,
    SaysGoodbye,
    TriesUnoffered,
    Retries,
    ReadsLaxly,
    SkipsUnasked,
    TakesAnyGreeting,
    Login,
}

impl Choice {
    /// All of them, in the order of the fields.
    pub const ALL: [Self; 11] = [
        Self::Leftover,
        Self::AsksFirst,
        Self::AsksInside,
        Self::Pipelines,
        Self::SaysGoodbye,
        Self::TriesUnoffered,
        Self::Retries,
        Self::ReadsLaxly,
        Self::SkipsUnasked,
        Self::TakesAnyGreeting,
        Self::Login,
    ];
}

/// One decision for each choice that the standards leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant {
    /// Its reaction to clear-text bytes after the reply to the upgrade request.
    pub leftover: Leftover,
    /// Whether it requests the capabilities before TLS, or requests TLS without them.
    pub asks_first: bool,
    /// Whether it requests the capabilities (again) inside TLS.
    pub asks_inside: bool,
    /// Whether it sends the request for the capabilities and the upgrade request together (RFC 3207
    /// section 4: the upgrade request comes last).
    pub pipelines: bool,
    /// Whether it sends the protocol's goodbye, or only closes.
    pub says_goodbye: bool,
    /// Whether it tries an upgrade that was not offered, if the standard allows that, or that a
    /// greeting which claims a login seems to exclude.
    pub tries_unoffered: bool,
    /// Whether it connects once more, under the same policy, after a failure.
    pub retries: bool,
    /// Whether it accepts any positive reply as the expected one.
    pub reads_laxly: bool,
    /// Whether it ignores unsolicited replies before TLS; otherwise it treats them as an attack.
    pub skips_unasked: bool,
    /// Whether it accepts any first message of the server as the greeting. Its next message may be sent
    /// in clear to any server.
    pub takes_any_greeting: bool,
    /// How it logs in.
    pub login: Login,
}

impl Variant {
    /// The choices of most clients.
    pub const COMMON: Self = Self {
        leftover: Leftover::Discard,
        asks_first: true,
        asks_inside: true,
        pipelines: false,
        says_goodbye: true,
        tries_unoffered: false,
        retries: false,
        reads_laxly: false,
        skips_unasked: false,
        takes_any_greeting: false,
        login: Login::AtOnce,
    };

    /// Whether two clients make the same choice.
    pub(crate) fn agrees(self, other: Self, choice: Choice) -> bool {
        match choice {
            Choice::Leftover => self.leftover == other.leftover,
            Choice::AsksFirst => self.asks_first == other.asks_first,
            Choice::AsksInside => self.asks_inside == other.asks_inside,
            Choice::Pipelines => self.pipelines == other.pipelines,
            Choice::SaysGoodbye => self.says_goodbye == other.says_goodbye,
            Choice::TriesUnoffered => self.tries_unoffered == other.tries_unoffered,
            Choice::Retries => self.retries == other.retries,
            Choice::ReadsLaxly => self.reads_laxly == other.reads_laxly,
            Choice::SkipsUnasked => self.skips_unasked == other.skips_unasked,
            Choice::TakesAnyGreeting => self.takes_any_greeting == other.takes_any_greeting,
            Choice::Login => self.login == other.login,
        }
    }

    /// All clients that differ from this one only in one choice.
    pub fn others(self, choice: Choice) -> impl Iterator<Item = Self> {
        let mut other = self;
        match choice {
            Choice::Leftover => {
                other.leftover = match self.leftover {
                    Leftover::Discard => Leftover::Refuse,
                    Leftover::Refuse => Leftover::Discard,
                }
            }
            Choice::AsksFirst => other.asks_first = !self.asks_first,
            Choice::AsksInside => other.asks_inside = !self.asks_inside,
            Choice::Pipelines => other.pipelines = !self.pipelines,
            Choice::SaysGoodbye => other.says_goodbye = !self.says_goodbye,
            Choice::TriesUnoffered => other.tries_unoffered = !self.tries_unoffered,
            Choice::Retries => other.retries = !self.retries,
            Choice::ReadsLaxly => other.reads_laxly = !self.reads_laxly,
            Choice::SkipsUnasked => other.skips_unasked = !self.skips_unasked,
            Choice::TakesAnyGreeting => other.takes_any_greeting = !self.takes_any_greeting,
            Choice::Login => {}
        }
        let ways = if choice == Choice::Login { &Login::ALL[..] } else { &[] };
        let logins = ways.iter().map(move |&login| Self { login, ..self });
        logins.chain([other]).filter(move |&other| other != self)
    }

    /// Every combination, [`Variant::COMMON`] first.
    pub fn all() -> Vec<Self> {
        Login::ALL
            .into_iter()
            .flat_map(|login| (0..1 << 10).map(move |bits| Self { login, ..Self::from_bits(bits) }))
            .collect()
    }

    /// [`Variant::COMMON`] and each variant that differs from it in one choice.
    pub fn single() -> Vec<Self> {
        let others = (0..10).map(|bit| Self::from_bits(1 << bit));
        let logins = Login::ALL.into_iter().map(|login| Self { login, ..Self::COMMON });
        logins.chain(others).collect()
    }

    /// The variants used to name a flaw: those that differ in one choice, and those that request no
    /// capabilities inside TLS and log in either way.
    pub fn usual() -> Vec<Self> {
        let asks_inside = !Self::COMMON.asks_inside;
        let logins = Login::ALL.into_iter().filter(|&login| login != Self::COMMON.login);
        let both = logins.map(|login| Self { asks_inside, login, ..Self::COMMON });
        Self::single().into_iter().chain(both).collect()
    }

    /// Whether it is one of [`usual`](Self::usual).
    pub fn is_usual(self) -> bool {
        let differs = self.differences().len();
        let asks_no_more = !self.asks_inside && self.login != Self::COMMON.login;
        differs <= 1 || differs == 2 && asks_no_more
    }

    fn from_bits(bits: u16) -> Self {
        let differs = |bit: u8| bits & (1 << bit) != 0;
        let common = Self::COMMON;
        Self {
            leftover: if differs(0) { Leftover::Refuse } else { common.leftover },
            asks_first: common.asks_first != differs(1),
            asks_inside: common.asks_inside != differs(2),
            pipelines: common.pipelines != differs(3),
            says_goodbye: common.says_goodbye != differs(4),
            tries_unoffered: common.tries_unoffered != differs(5),
            retries: common.retries != differs(6),
            reads_laxly: common.reads_laxly != differs(7),
            skips_unasked: common.skips_unasked != differs(8),
            takes_any_greeting: common.takes_any_greeting != differs(9),
            login: common.login,
        }
    }

    /// The choices in which it differs from [`Variant::COMMON`], as words; empty for that one.
    pub fn differences(self) -> Vec<&'static str> {
        let common = Self::COMMON;
        [
            (self.leftover != common.leftover, "refuses-injected-bytes"),
            (self.asks_first != common.asks_first, "upgrades-blindly"),
            (self.asks_inside != common.asks_inside, "does-not-ask-again"),
            (self.pipelines != common.pipelines, "pipelines"),
            (self.says_goodbye != common.says_goodbye, "just-closes"),
            (self.tries_unoffered != common.tries_unoffered, "tries-unoffered"),
            (self.retries != common.retries, "retries"),
            (self.reads_laxly != common.reads_laxly, "reads-laxly"),
            (self.skips_unasked != common.skips_unasked, "skips-unasked"),
            (self.takes_any_greeting != common.takes_any_greeting, "takes-any-greeting"),
            (self.login == Login::Challenged, "answers-challenge"),
            (self.login == Login::Never, "does-not-log-in"),
        ]
        .into_iter()
        .filter_map(|(differs, word)| differs.then_some(word))
        .collect()
    }

    /// A name: the differences joined, or `common`.
    pub fn name(self) -> String {
        let differences = self.differences();
        if differences.is_empty() { "common".to_owned() } else { differences.join("+") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn combinations_are_distinct_and_start_with_the_common_one() {
        let all = Variant::all();
        assert_eq!(all.first(), Some(&Variant::COMMON));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3072);
        let usual = Variant::usual();
        assert!(all.iter().all(|variant| variant.is_usual() == usual.contains(variant)));
        assert_eq!(Variant::single().len(), 13);
        assert!(Variant::single().iter().all(|variant| variant.differences().len() <= 1));
    }

    #[test]
    fn one_answer_leads_to_each_variant_in_one_choice() {
        let others = Choice::ALL.into_iter().flat_map(|choice| Variant::COMMON.others(choice));
        let reached: BTreeSet<Variant> = others.chain([Variant::COMMON]).collect();
        assert_eq!(reached, Variant::single().into_iter().collect());
    }
}
