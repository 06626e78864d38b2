//! Semantic mutants: deliberate errors in the world itself, one at a time.
//!
//! A test enables each of them, and checks that a meaningful assertion fails. Nothing else uses them.

use crate::client::{Client, Close, Peer};
use crate::message::Piece;
use crate::world::{Action, State, Wire, World};

/// A deliberate error in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mutation {
    /// A secret that a false peer is given counts as kept.
    FalsePeerGivesNothingAway,
    /// A secret that goes out in clear counts as kept at the end of the session.
    ClearSecretGivesNothingAway,
    /// What the client sends between ClientHello and TLS is not looked at.
    SecretsInHandshakeUnseen,
    /// A user who was told in one session counts as told in the next.
    ToldKept,
    /// No end breaks honest-delivers.
    HonestDeliversUnbroken,
    /// An end at the deadline counts as a delivery.
    DeadlineIsSuccess,
    /// The client's report counts as a delivery.
    ReportIsDelivery,
    /// The upgrade request is not remembered.
    RequestForgotten,
    /// A further connection counts as the first.
    RetryUnseen,
    /// A redirection is not noticed.
    RedirectUnseen,
    /// Commands inside TLS are not counted.
    AgreementUncounted,
    /// A goodbye has to wait for the answer to the command before.
    GoodbyeNeedsAnswer,
    /// A certificate for another name counts as the right one.
    AnotherNameUnseen,
    /// Whatever is shown counts as the server's.
    ShownUnjudged,
    /// The end of a connection counts as a confirmation.
    TruncationUnseen,
    /// A user who was not told counts as told.
    SilenceUnjudged,
    /// A delivery at the other host counts as one at the user's.
    ElsewhereUnseen,
    /// A clear second channel counts as protected.
    ClearChannelUnseen,
    /// A second channel counts as protected while it handshakes.
    ChannelHandshakeIsTls,
    /// Going on in clear counts as allowed.
    PolicyFromWireUnseen,
    /// That TLS was taken away is not remembered.
    TakenForgotten,
    /// A delivery without a login is not noticed.
    JumpUnseen,
    /// A login is not noticed.
    LoginUncounted,
    /// Every clear-text phase counts as clean.
    UncleanNeverSet,
    /// No clear-text phase counts as clean.
    AllUnclean,
    /// A client that stays behind is not watched any more.
    StalledForgotten,
    /// Every difference counts as giving up.
    AnythingGivesUp,
    /// Giving up counts as acting.
    GivingUpIsActing,
    /// The reference is taken from any clean phase.
    ReferenceFromClean,
    /// Every session is compared with the first connection of the first.
    ContextIgnored,
    /// Clean client and client are compared only when TLS begins.
    ShadowDropped,
    /// A client may do what a clean one would not.
    PartingUnjudged,
    /// What survives TLS may change a delivery.
    LureForgotten,
    /// The attacker leaves no block or literal open.
    NoBlocks,
    /// The attacker sends no half command to the server.
    NoFragmentsToServer,
    /// The attacker sends no half reply to the client.
    NoFragmentsToClient,
    /// The attacker adds nothing to a segment.
    OneMessageToClient,
    /// No other virtual host has a certificate.
    NoOtherHost,
    /// No connection is cut.
    NoCut,
    /// No TLS session is truncated.
    NoTruncation,
    /// No certificate expires.
    NoExpired,
    /// The attacker cannot lead a connection to the other port.
    NoRedial,
    /// The deadline never passes.
    NoDeadline,
    /// TLS lasts as long as the connection.
    NoEndTls,
    /// No clear text comes where the handshake should begin.
    NoClearTextInHandshake,
    /// No handshake fails.
    NoFailedHandshake,
    /// The second channel reaches the true server only.
    NoFalseChannel,
    /// The attacker leaves the host's name alone.
    NameNeverRewritten,
    /// Both virtual hosts have the same certificate.
    HostsShareCertificate,
    /// A strict server ignores ALPN.
    AlpnIgnored,
    /// A passive network loses messages.
    PassiveLoses,
    /// A false peer says nothing.
    NoWordsFromFalsePeer,
    /// A command that the server runs from before TLS is not noticed.
    ServerCommandUnseen,
    /// A login that the server takes in clear is not noticed.
    ClearLoginUnseen,
    /// A login from before TLS is not noticed.
    KeptLoginUnseen,
    /// An offer inside TLS is not noticed.
    OfferInsideUnseen,
    /// The server confirms data that have not come.
    ConfirmsWithoutData,
    /// A client may live on after its deadline.
    HangsUnjudged,
    /// All sessions are judged by the policy of the first.
    PolicyOfFirstSession,
    /// An endless user stops after the last session.
    EndlessEnds,
}

impl Mutation {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::FalsePeerGivesNothingAway,
        Self::ClearSecretGivesNothingAway,
        Self::SecretsInHandshakeUnseen,
        Self::ToldKept,
        Self::HonestDeliversUnbroken,
        Self::DeadlineIsSuccess,
        Self::ReportIsDelivery,
        Self::RequestForgotten,
        Self::RetryUnseen,
        Self::RedirectUnseen,
        Self::AgreementUncounted,
        Self::GoodbyeNeedsAnswer,
        Self::AnotherNameUnseen,
        Self::ShownUnjudged,
        Self::TruncationUnseen,
        Self::SilenceUnjudged,
        Self::ElsewhereUnseen,
        Self::ClearChannelUnseen,
        Self::ChannelHandshakeIsTls,
        Self::PolicyFromWireUnseen,
        Self::TakenForgotten,
        Self::JumpUnseen,
        Self::LoginUncounted,
        Self::UncleanNeverSet,
        Self::AllUnclean,
        Self::StalledForgotten,
        Self::AnythingGivesUp,
        Self::GivingUpIsActing,
        Self::ReferenceFromClean,
        Self::ContextIgnored,
        Self::ShadowDropped,
        Self::PartingUnjudged,
        Self::LureForgotten,
        Self::NoBlocks,
        Self::NoFragmentsToServer,
        Self::NoFragmentsToClient,
        Self::OneMessageToClient,
        Self::NoOtherHost,
        Self::NoCut,
        Self::NoTruncation,
        Self::NoExpired,
        Self::NoRedial,
        Self::NoDeadline,
        Self::NoEndTls,
        Self::NoClearTextInHandshake,
        Self::NoFailedHandshake,
        Self::NoFalseChannel,
        Self::NameNeverRewritten,
        Self::HostsShareCertificate,
        Self::AlpnIgnored,
        Self::PassiveLoses,
        Self::NoWordsFromFalsePeer,
        Self::ServerCommandUnseen,
        Self::ClearLoginUnseen,
        Self::KeptLoginUnseen,
        Self::OfferInsideUnseen,
        Self::ConfirmsWithoutData,
        Self::HangsUnjudged,
        Self::PolicyOfFirstSession,
        Self::EndlessEnds,
    ];
}

impl<C: Client> World<C> {
    pub(super) const fn is_mutant(&self) -> bool {
        self.mutation.is_some()
    }

    /// Whether a mutant excludes this action.
    pub(super) fn overlooks(&self, state: &State, action: &Action) -> bool {
        use Mutation as M;
        let Some(mutation) = self.mutation else { return false };
        match (mutation, action) {
            (M::NoBlocks, Action::ToClient(segment)) => {
                segment.pieces().iter().any(|piece| matches!(piece, Piece::Block(_)))
            }
            (M::NoFragmentsToClient, Action::ToClient(segment)) => {
                segment.pieces().iter().any(|piece| piece.is_fragment())
            }
            (M::NoFragmentsToServer, Action::ToServer(segment)) => {
                segment.pieces().iter().any(|piece| piece.is_fragment())
            }
            (M::OneMessageToClient, Action::ToClient(segment)) => segment.pieces().len() > 1,
            (M::NoClearTextInHandshake, Action::ToClient(_)) => state.wire == Wire::Handshake,
            (M::NoWordsFromFalsePeer, Action::ToClient(_)) => {
                matches!(state.wire, Wire::False(_))
            }
            (M::NoFalseChannel, Action::Channel(peer)) => *peer != Peer::Genuine,
            (
                M::NoOtherHost,
                Action::Handshake(Peer::OtherHost) | Action::Channel(Peer::OtherHost),
            )
            | (M::NoExpired, Action::Handshake(Peer::Expired) | Action::Channel(Peer::Expired))
            | (M::NoCut, Action::Close(Close::Cut))
            | (M::NoTruncation, Action::Close(Close::Truncated))
            | (M::NoRedial, Action::Redial(_))
            | (M::NoDeadline, Action::Deadline)
            | (M::NoEndTls, Action::EndTls)
            | (M::NoFailedHandshake, Action::FailHandshake)
            | (M::NameNeverRewritten, Action::NameOtherHost) => true,
            _ => false,
        }
    }
}
