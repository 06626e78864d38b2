//! Each mutant of the world is noticed by an assertion that says what the world means.
//!
//! A mutant is a mistake of the world itself ([`Mutation`]). The table names for each the assertion that
//! notices it: the assertion holds in the world as it is, and fails in the mutant.

mod scripts;

use std::collections::BTreeSet;

use upward_model::client::{Input, Negotiator, Output, Peer};
use upward_model::flaw::{Flaw as F, Flaws};
use upward_model::message::{Layer, Piece};
use upward_model::policy::Policy;
use upward_model::property::Property as P;
use upward_model::protocol::{FTP, IMAP, LDAP, MANUAL, MYSQL, POP3, PROTOCOLS, Protocol, SMTP};
use upward_model::server::Hosts;
use upward_model::world::{Action, Alpn, Attacker, Mutation as M, Offering, Setting};

use crate::lab::{ACTIVE, Lab, REQUIRED, Twisted};
use crate::wrong_clients::{BelievesClearText, NeverSends, TrustsDeadline};

/// A mutant, what the assertion that notices it says, and the assertion.
type Row = (M, &'static str, fn(Lab) -> bool);

const PASSIVE: Setting = Setting::of(Attacker::Passive);
const TWO_HOSTS: Setting = Setting { hosts: Hosts::TwoCertificates, ..ACTIVE };
const SHARED: Setting = Setting { hosts: Hosts::OneCertificate, ..ACTIVE };
const UPGRADE_ONLY: Setting = Setting { offering: Offering::Upgrade, ..ACTIVE };
const STRICT: Setting = Setting { alpn: Alpn::Strict, ..ACTIVE };

fn twisted(
    protocol: &'static Protocol,
    input: fn(&Input) -> Input,
    output: fn(Output) -> Vec<Output>,
) -> Twisted {
    Twisted { inner: Negotiator::sound(protocol, Policy::Required), input, output }
}

fn redirecting() -> &'static Protocol {
    PROTOCOLS.into_iter().find(|protocol| protocol.redirects).unwrap_or(&IMAP)
}

const CONFIDENTIALITY: &[Row] = &[
    (M::FalsePeerGivesNothingAway, "a secret to a false peer breaks only-denial-of-service", |l| {
        l.hand_breaks(scripts::gives_to_anyone, P::OnlyDenialOfService)
    }),
    (
        M::ClearSecretGivesNothingAway,
        "a secret in clear is given away, even if the client then refuses",
        |l| l.hand_breaks(scripts::gives_in_clear, P::OnlyDenialOfService),
    ),
    (M::SecretsInHandshakeUnseen, "data behind the ClientHello are in clear", |l| {
        l.hand_breaks(scripts::sends_behind_hello, P::NoSecretInClear)
    }),
    (
        M::RequestForgotten,
        "a secret in the segment of the upgrade request is between request and handshake",
        |l| l.flaw(&MANUAL, F::PipelinesSecretWithRequest, P::NothingBetweenRequestAndHandshake),
    ),
    (M::RetryUnseen, "a client that reconnects in clear breaks no-clear-retry", |l| {
        l.flaw(&MANUAL, F::ReconnectsInClear, P::NoClearRetry)
    }),
    (M::RedirectUnseen, "a client that follows a clear redirection is caught", |l| {
        l.flaw(redirecting(), F::FollowsClearRedirect, P::NoClearRedirect)
    }),
    (M::TakenForgotten, "going on after TLS was taken away is caught", |l| {
        l.flaw(&LDAP, F::LetsTlsBeTakenAway, P::TlsNotTakenAway)
    }),
    (M::ClearChannelUnseen, "data on a clear second channel are caught", |l| {
        l.flaw(&FTP, F::SecondChannelInClear, P::NoClearSecondChannel)
    }),
    (M::ChannelHandshakeIsTls, "a second channel that still handshakes protects nothing", |l| {
        let client = twisted(&FTP, Input::clone, |output| match output {
            Output::OpenChannel(Layer::Tls) => vec![output, Output::MoveData],
            _ => vec![output],
        });
        l.client_breaks(&FTP, client, REQUIRED, ACTIVE, P::NoClearSecondChannel)
    }),
    (M::NoFalseChannel, "the second channel's certificate has to be checked as well", |l| {
        let client = twisted(
            &FTP,
            |input| match input {
                Input::Channel(_) => Input::Channel(Peer::Genuine),
                _ => input.clone(),
            },
            |output| vec![output],
        );
        l.client_breaks(&FTP, client, REQUIRED, ACTIVE, P::NoSecretToUnauthenticatedPeer)
    }),
    (M::NoOtherHost, "another host's certificate is another name", |l| {
        l.hand_breaks(scripts::accepts_other_host, P::NameFromUser)
    }),
    (M::NoExpired, "a client that accepts an expired certificate gives its data away", |l| {
        l.hand_breaks(scripts::accepts_expired, P::NoSecretToUnauthenticatedPeer)
    }),
    (
        M::NoWordsFromFalsePeer,
        "a false peer talks, and a client may answer it with its data",
        |l| l.hand_breaks(scripts::asks_anyone, P::NoSecretToUnauthenticatedPeer),
    ),
    (M::NoClearTextInHandshake, "clear text can come in place of a certificate", |l| {
        let property = P::NoSecretInClear;
        l.client_breaks(&MANUAL, BelievesClearText, REQUIRED, ACTIVE, property)
    }),
    (M::NoFailedHandshake, "an attacker can make the handshake fail", |l| {
        l.flaw(&MANUAL, F::GoesOnAfterFailedHandshake, P::NoSecretInClear)
    }),
    (M::NoEndTls, "an attacker can end TLS where the connection may go on", |l| {
        l.flaw(&LDAP, F::LetsTlsBeTakenAway, P::NoSecretInClear)
    }),
    (M::PolicyFromWireUnseen, "going on after a refusal takes the policy from the wire", |l| {
        l.flaw(&MANUAL, F::IgnoresRefusal, P::PolicyNotFromWire)
    }),
    (M::PolicyOfFirstSession, "the second session is judged by its own policy", |l| {
        let sessions = [Policy::Opportunistic, Policy::Required];
        l.breaks(&MANUAL, F::ReusesClearConnection, &sessions, ACTIVE, P::NoSecretInClear)
    }),
    (M::AnotherNameUnseen, "a certificate for another name is not the user's", |l| {
        l.flaw(&MANUAL, F::AcceptsWrongName, P::NameFromUser)
    }),
];

const INTEGRITY: &[Row] = &[
    (
        M::UncleanNeverSet,
        "bytes that were left over when TLS began are told from other knowledge",
        |l| l.flaw(&MANUAL, F::KeepsBuffer, P::NoClearBytesUsedInsideTls),
    ),
    (M::AllUnclean, "a remembered list is no leftover", |l| {
        !l.flaw(&SMTP, F::KeepsCapabilities, P::NoClearBytesUsedInsideTls)
    }),
    (M::StalledForgotten, "a client that stays behind is still watched", |l| {
        let property = P::ClearKnowledgeForgotten;
        l.client_breaks(&MANUAL, scripts::stays_behind(), REQUIRED, ACTIVE, property)
    }),
    (M::AnythingGivesUp, "a reply that was kept changes what the client does", |l| {
        l.flaw(&MANUAL, F::KeepsBuffer, P::ClearKnowledgeForgotten)
    }),
    (M::GivingUpIsActing, "a client that gives up because of leftovers is sound", |l| {
        let property = P::ClearKnowledgeForgotten;
        !l.client_breaks(&MANUAL, scripts::gives_up_on_leftovers(), REQUIRED, ACTIVE, property)
    }),
    (M::ReferenceFromClean, "a client on an honest network is compared with itself", |l| {
        let property = P::ClearKnowledgeForgotten;
        !l.client_breaks(&MANUAL, scripts::believes_early_thanks(), REQUIRED, PASSIVE, property)
    }),
    (M::ContextIgnored, "what a client does in its last session is no use of clear text", |l| {
        let sessions = [Policy::Required, Policy::Required];
        !l.breaks(&SMTP, Flaws::NONE, &sessions, ACTIVE, P::ClearKnowledgeForgotten)
    }),
    (M::ShadowDropped, "a leftover that is used late is used", |l| {
        let property = P::ClearKnowledgeForgotten;
        l.client_breaks(&MANUAL, scripts::uses_leftovers_late(), REQUIRED, ACTIVE, property)
    }),
    (M::PartingUnjudged, "a list from before TLS that chooses the mechanism is caught", |l| {
        l.flaw(&SMTP, F::KeepsCapabilities, P::ClearKnowledgeForgotten)
    }),
    (
        M::LureForgotten,
        "Riddle: an attacker chooses the mechanism of MySQL, and the client delivers",
        |l| l.sound(&MYSQL, ACTIVE, P::SurvivorsOnlyCauseRefusal),
    ),
    (M::JumpUnseen, "a forged PREAUTH moves a client past its login", |l| {
        l.flaw(&IMAP, F::BelievesPreauth, P::NoJump)
    }),
    (M::LoginUncounted, "a client that logs in does not jump", |l| {
        !l.sound(&SMTP, UPGRADE_ONLY, P::NoJump)
    }),
    (M::TruncationUnseen, "a cut connection is no confirmation", |l| {
        l.flaw(&MANUAL, F::TakesTruncationAsSuccess, P::TruncationIsNotSuccess)
    }),
    (M::NoCut, "a connection can be cut by RST alone", |l| {
        l.hand_breaks(scripts::believes_cut, P::TruncationIsNotSuccess)
    }),
    (M::NoTruncation, "TLS can end without a close_notify", |l| {
        l.hand_breaks(scripts::believes_truncation, P::TruncationIsNotSuccess)
    }),
    (M::AgreementUncounted, "a kept reply shifts the answers", |l| {
        l.breaks(&SMTP, F::KeepsBuffer, REQUIRED, UPGRADE_ONLY, P::Agreement)
    }),
    (M::GoodbyeNeedsAnswer, "a client may take leave at any time", |l| {
        !l.hand_breaks(scripts::says_goodbye, P::Agreement)
    }),
    (M::NoRedial, "Opossum: a connection can be led from one port to the other", |l| {
        l.sound(&POP3, ACTIVE, P::Agreement)
    }),
    (M::AlpnIgnored, "strict ALPN keeps the two ports apart", |l| {
        !l.sound(&POP3, STRICT, P::Agreement)
    }),
    (M::NoBlocks, "an attacker can leave a literal open", |l| {
        l.offers(&IMAP, |action| {
            matches!(action, Action::ToClient(it)
                if it.pieces().iter().any(|piece| matches!(piece, Piece::Block(_))))
        })
    }),
    (M::NoFragmentsToServer, "an attacker can leave half a command in the server's buffer", |l| {
        l.offers(&SMTP, |action| {
            matches!(action, Action::ToServer(it) if it.pieces().iter().any(|it| it.is_fragment()))
        })
    }),
    (M::NoFragmentsToClient, "half a line from before TLS changes the first reply inside", |l| {
        l.flaw(&SMTP, F::KeepsFragment, P::ClearKnowledgeForgotten)
    }),
    (M::OneMessageToClient, "an attacker can add a message to a segment", |l| {
        l.flaw(&MANUAL, F::KeepsBuffer, P::OnlyDenialOfService)
    }),
];

const USERS: &[Row] = &[
    (M::ToldKept, "a client that is silent in its second session breaks user-told", |l| {
        let sessions = [Policy::Required, Policy::Required];
        l.client_breaks(&MANUAL, scripts::SilentInSecond, &sessions, ACTIVE, P::UserTold)
    }),
    (M::SilenceUnjudged, "a client that gives up in silence breaks user-told", |l| {
        l.flaw(&MANUAL, F::StaysSilent, P::UserTold)
    }),
    (M::ShownUnjudged, "text from before TLS is not the server's word", |l| {
        l.flaw(&MANUAL, F::ShowsClearAlert, P::NoClearTextShownAsTrusted)
    }),
    (
        M::HonestDeliversUnbroken,
        "a client that never sends its data fails on an honest network",
        |l| l.client_breaks(&MANUAL, NeverSends, REQUIRED, PASSIVE, P::HonestDelivers),
    ),
    (M::PassiveLoses, "a passive network delivers what was sent", |l| {
        !l.sound(&MANUAL, PASSIVE, P::HonestDelivers)
    }),
    (M::DeadlineIsSuccess, "a deadline is no delivery", |l| {
        l.client_breaks(&MANUAL, TrustsDeadline, REQUIRED, ACTIVE, P::OnlyDenialOfService)
    }),
    (M::ReportIsDelivery, "a report is no delivery", |l| {
        l.client_breaks(&MANUAL, NeverSends, REQUIRED, ACTIVE, P::OnlyDenialOfService)
    }),
    (M::NoDeadline, "a deadline can pass", |l| l.flaw(&MANUAL, F::NeverEnds, P::AlwaysEnds)),
    (M::HangsUnjudged, "a client that lives on after its deadline is caught", |l| {
        l.flaw(&SMTP, F::NeverEnds, P::AlwaysEnds)
    }),
    (M::ElsewhereUnseen, "a delivery at the other host is not at the user's", |l| {
        l.sound(&MANUAL, SHARED, P::DeliversToNamedHost)
    }),
    (M::NameNeverRewritten, "an attacker can rewrite the host's name", |l| {
        l.sound(&MANUAL, SHARED, P::DeliversToNamedHost)
    }),
    (M::HostsShareCertificate, "a certificate for each host keeps the hosts apart", |l| {
        !l.sound(&MANUAL, TWO_HOSTS, P::DeliversToNamedHost)
    }),
    (M::ConfirmsWithoutData, "a server confirms only the data that came", |l| {
        let client = twisted(&FTP, Input::clone, |output| match output {
            Output::MoveData => Vec::new(),
            _ => vec![output],
        });
        !l.delivers(&FTP, client)
    }),
    (M::EndlessEnds, "an endless user has no last session", |l| l.ends_of_endless(&MANUAL) == 0),
];

const SERVER: &[Row] = &[
    (M::ServerCommandUnseen, "a server that runs a command from before TLS is caught", |l| {
        l.flaw(&SMTP, F::KeepsCommandBuffer, P::NoClearCommandUsedInsideTls)
    }),
    (M::ClearLoginUnseen, "a server that takes a login in clear is caught", |l| {
        l.flaw(&SMTP, F::TakesLoginInClear, P::NoLoginInClear)
    }),
    (M::KeptLoginUnseen, "a login from before TLS does not count inside", |l| {
        l.flaw(&SMTP, F::KeepsSessionState, P::ClearStateForgotten)
    }),
    (M::OfferInsideUnseen, "a server that offers the upgrade inside TLS is caught", |l| {
        l.flaw(&SMTP, F::OffersUpgradeInsideTls, P::NoUpgradeInsideTls)
    }),
];

fn each_is_noticed(rows: &[Row]) {
    let mut wrong = Vec::new();
    for (mutant, says, assertion) in rows {
        if !assertion(Lab(None)) {
            wrong.push(format!("does not hold in the world: {says}"));
        }
        if assertion(Lab(Some(*mutant))) {
            wrong.push(format!("{mutant:?} is not noticed by: {says}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn mutants_of_confidentiality_are_noticed() {
    each_is_noticed(CONFIDENTIALITY);
}

#[test]
fn mutants_of_integrity_are_noticed() {
    each_is_noticed(INTEGRITY);
}

#[test]
fn mutants_about_users_are_noticed() {
    each_is_noticed(USERS);
}

#[test]
fn mutants_about_servers_are_noticed() {
    each_is_noticed(SERVER);
}

#[test]
fn every_mutant_is_listed() {
    let rows = [CONFIDENTIALITY, INTEGRITY, USERS, SERVER].concat();
    let listed: BTreeSet<M> = rows.iter().map(|(mutant, ..)| *mutant).collect();
    let all: BTreeSet<M> = M::ALL.iter().copied().collect();
    assert_eq!(listed, all);
}
