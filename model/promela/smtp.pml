/*
 * SMTP with STARTTLS, its client, its server and whoever owns the wire, written by hand from
 * RFC 3207 (STARTTLS), RFC 5321 (SMTP) and RFC 4954 (AUTH) and from the meaning of the properties,
 * not from the Rust code and not exported from it. Where the walker and this model report the same
 * broken properties, two readings of the standards agree, not only two searches of one reading.
 *
 *   spin -a -DPOLICY=REQUIRED [-DPASSIVE] [-DFLAW...] smtp.pml
 *   gcc -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c && ./pan -E -n
 *
 * A run prints `upward: broken=<bits> delivers=<0|1>`: the properties that some reachable state
 * breaks, and whether a delivery can be reached. Both live outside the state vector: they sum up
 * the whole search, and what a property needs to remember of one run is in the state.
 */

#define REQUIRED 1      /* authenticated TLS by STARTTLS, or nothing */
#define IMPLICIT 2      /* the same on a port where TLS comes first (RFC 8314 section 3.3) */
#define OPPORTUNISTIC 3 /* TLS where it is offered, no certificate check, else clear text */

#ifndef POLICY
#define POLICY REQUIRED
#endif
#define NEEDS_TLS (POLICY != OPPORTUNISTIC)

/* ---- Switches: each flaw has the name of the Rust model's, in upper case ---------------------- */

#ifndef IGNORES_MISSING_OFFER
#define IGNORES_MISSING_OFFER 0
#endif
#ifndef IGNORES_CAPABILITY_ERROR
#define IGNORES_CAPABILITY_ERROR 0
#endif
#ifndef IGNORES_REFUSAL
#define IGNORES_REFUSAL 0
#endif
#ifndef ACCEPTS_GARBLED_REPLY
#define ACCEPTS_GARBLED_REPLY 0
#endif
#ifndef BELIEVES_EARLY_REPLY
#define BELIEVES_EARLY_REPLY 0
#endif
#ifndef GOES_ON_AFTER_FAILED_HANDSHAKE
#define GOES_ON_AFTER_FAILED_HANDSHAKE 0
#endif
#ifndef RECONNECTS_IN_CLEAR
#define RECONNECTS_IN_CLEAR 0
#endif
#ifndef ACCEPTS_UNTRUSTED_CERTIFICATE
#define ACCEPTS_UNTRUSTED_CERTIFICATE 0
#endif
#ifndef ACCEPTS_WRONG_NAME
#define ACCEPTS_WRONG_NAME 0
#endif
#ifndef ACCEPTS_EXPIRED
#define ACCEPTS_EXPIRED 0
#endif
#ifndef TAKES_NAME_FROM_WIRE
#define TAKES_NAME_FROM_WIRE 0
#endif
#ifndef KEEPS_BUFFER
#define KEEPS_BUFFER 0
#endif
#ifndef KEEPS_FRAGMENT
#define KEEPS_FRAGMENT 0
#endif
#ifndef KEEPS_CAPABILITIES
#define KEEPS_CAPABILITIES 0
#endif
#ifndef KEEPS_CLEAR_CHALLENGE
#define KEEPS_CLEAR_CHALLENGE 0
#endif
#ifndef BELIEVES_EARLY_SUCCESS
#define BELIEVES_EARLY_SUCCESS 0
#endif
#ifndef PIPELINES_SECRET_WITH_REQUEST
#define PIPELINES_SECRET_WITH_REQUEST 0
#endif
#ifndef SENDS_SECRET_BEFORE_REQUEST
#define SENDS_SECRET_BEFORE_REQUEST 0
#endif
#ifndef BELIEVES_POSITIVE_REPLY_WITHOUT_TLS
#define BELIEVES_POSITIVE_REPLY_WITHOUT_TLS 0
#endif
#ifndef TAKES_TRUNCATION_AS_SUCCESS
#define TAKES_TRUNCATION_AS_SUCCESS 0
#endif
#ifndef STAYS_SILENT
#define STAYS_SILENT 0
#endif
#ifndef NEVER_ENDS
#define NEVER_ENDS 0
#endif
#ifndef KEEPS_COMMAND_BUFFER
#define KEEPS_COMMAND_BUFFER 0
#endif
#ifndef KEEPS_SESSION_STATE
#define KEEPS_SESSION_STATE 0
#endif
#ifndef TAKES_LOGIN_IN_CLEAR
#define TAKES_LOGIN_IN_CLEAR 0
#endif
#ifndef OFFERS_UPGRADE_INSIDE_TLS
#define OFFERS_UPGRADE_INSIDE_TLS 0
#endif

/* Legal choices of a sound client (not flaws). */
#ifndef ANSWERS_CHALLENGE /* AUTH without initial response: 334 comes first (RFC 4954 section 4) */
#define ANSWERS_CHALLENGE KEEPS_CLEAR_CHALLENGE
#endif
#ifndef REFUSES_INJECTED_BYTES /* gives up on what is left behind 220, instead of discarding it */
#define REFUSES_INJECTED_BYTES 0
#endif

/* Errors planted on purpose: whoever compares two models must notice them. */
#ifndef PLANTED_UNCHECKED_CERTIFICATE /* the sound client does not look at the certificate */
#define PLANTED_UNCHECKED_CERTIFICATE 0
#endif
#ifndef PLANTED_ONE_PER_SEGMENT /* the attacker cannot glue: injection becomes invisible */
#define PLANTED_ONE_PER_SEGMENT 0
#endif

/* ---- Properties: bits of the set that is printed ---------------------------------------------- */

#define NO_SECRET_IN_CLEAR 0
#define NO_SECRET_TO_UNAUTHENTICATED_PEER 1
#define NOTHING_BETWEEN_REQUEST_AND_HANDSHAKE 2
#define NO_CLEAR_RETRY 3
#define NO_CLEAR_BYTES_USED_INSIDE_TLS 4
#define NO_CLEAR_COMMAND_USED_INSIDE_TLS 5
#define CLEAR_KNOWLEDGE_FORGOTTEN 6
#define CLEAR_STATE_FORGOTTEN 7
#define NO_JUMP 8
#define TRUNCATION_IS_NOT_SUCCESS 9
#define AGREEMENT 10
#define POLICY_NOT_FROM_WIRE 11
#define NAME_FROM_USER 12
#define ONLY_DENIAL_OF_SERVICE 13
#define USER_TOLD 14
#define ALWAYS_ENDS 15
#define HONEST_DELIVERS 16
#define NO_LOGIN_IN_CLEAR 17
#define NO_UPGRADE_INSIDE_TLS 18

c_decl {
  static unsigned upward_broken, upward_delivers;

  __attribute__((destructor)) static void upward_report(void)
  {
    printf("upward: broken=%u delivers=%u\n", upward_broken, upward_delivers);
  }
};

#define BREAK(property) c_code { upward_broken |= 1u << property; }

/* The client ended without a delivery: that is a fault only where nobody attacks. */
#ifdef PASSIVE
#define NOT_DELIVERED BREAK(HONEST_DELIVERS)
#else
#define NOT_DELIVERED skip
#endif

/* ---- The alphabet ----------------------------------------------------------------------------- */

/* What a client says. MAIL stands for MAIL FROM, RCPT TO and DATA (one group, RFC 2920), BODY for
 * the text and its final dot. Addresses are as confidential as the text. */
#define EHLO 1
#define STARTTLS 2
#define AUTH 3     /* with initial response: the password is in it */
#define AUTH_ASK 4 /* without: the name of a mechanism, no secret */
#define RESPONSE 5 /* answers 334: the password is in it */
#define MAIL 6
#define BODY 7
#define QUIT 8
#define SECRET(command) (command == AUTH || command == RESPONSE || command == MAIL || command == BODY)

/* What a server says, by reply code: nothing else of a reply decides anything (RFC 5321 section
 * 4.2), but for the keywords behind 250. A reply to EHLO without keywords and "250 OK" are the
 * same bytes to a client. */
#define R250 1       /* no keyword */
#define R250_TLS 2   /* STARTTLS */
#define R250_AUTH 3  /* AUTH */
#define R250_BOTH 4  /* STARTTLS and AUTH */
#define R220 5       /* greeting and "ready to start TLS" alike */
#define R235 6       /* login done */
#define R334 7       /* challenge */
#define R354 8       /* go on with the text */
#define R4XX 9       /* 454 and its like */
#define R5XX 10      /* 501, 502, 503, 530, 535, 554 */
#define GARBLED 11   /* no reply at all */
#define LAST_REPLY GARBLED
#define IS_250(reply) (reply >= R250 && reply <= R250_BOTH)
#define OFFERS_TLS(reply) (reply == R250_TLS || reply == R250_BOTH)
#define OFFERS_AUTH(reply) (reply == R250_AUTH || reply == R250_BOTH)

/* What else happens to a client that waits. */
#define CLOSED 20
#define DEADLINE 21

/* How a handshake ends. GENUINE: relayed untouched to the true server. */
#define GENUINE_HANDSHAKE 1
#define UNTRUSTED 2
#define WRONG_NAME 3
#define EXPIRED 4
#define FAILED 5     /* alert, reset, bytes that look like TLS */
#define CLEAR_TEXT 6 /* clear text where ServerHello belongs: "220", and no TLS behind it */

/* ---- The state -------------------------------------------------------------------------------- */

#define CLEAR 0
#define GENUINE 1  /* inside TLS with the true server */
#define IMPOSTOR 2 /* inside TLS with the attacker, whose certificate was accepted */
#define AWAITS_HELLO 3 /* the server said 220 and reads nothing but TLS */

#define READING 0
#define SHAKING 1
#define ENDED 2

byte at = READING;  /* what the client waits for */
byte layer = CLEAR; /* the client's */
bit connected;      /* the client has connected and not yet closed */

/* The client's receive buffer, in the order of arrival, with what layer it came through. An
 * unfinished line at its end waits apart for its tail: the tail joins it, whatever it is. */
chan buffer = [2] of { byte, bit };
byte fragment;

/* Genuine TLS: two queues that nobody can read, change or reorder. A reply carries the number of
 * the client's command inside TLS that it answers, 0 where it answers none. */
chan commands = [4] of { byte };
chan replies = [4] of { byte, byte };
byte said;  /* commands the client sent inside genuine TLS */
byte heard; /* commands the server took from there */

#ifdef PASSIVE
/* The clear wires. An active attacker needs none: whatever is on them, he can write himself. */
chan wire_to_server = [4] of { byte };
chan wire_to_client = [4] of { byte };
#endif

/* The server's receive buffer and session. */
chan command_buffer = [2] of { byte, bit };
byte server_layer = CLEAR;
bit touched;          /* the clear-text port of this connection was spoken to */
bit introduced;       /* EHLO was given */
bit logged_in;
bit logged_in_clear;  /* ... outside TLS */
byte expects;         /* RESPONSE or BODY, if the next line is one */
bit stored;           /* the text has arrived */

chan handshake = [0] of { byte };
chan event = [0] of { byte };

/* ---- The client ------------------------------------------------------------------------------- */

bit requested; /* STARTTLS was sent on this connection */
bit shaken;    /* a handshake was begun on it */
bit given_away; /* a secret left authenticated TLS: ghost */
bit checked;    /* the peer's certificate passed the check: ghost */

/* Sends a command in the layer that stands. Nothing is sent that is not judged here. */
inline say(command) {
  if
  :: layer == CLEAR ->
     if
     :: SECRET(command) -> BREAK(NO_SECRET_IN_CLEAR); given_away = 1
     :: else
     fi;
     /* RFC 3207 section 4: after the request comes the handshake. A goodbye does no harm. */
     if
     :: requested && !shaken && command != QUIT && command != STARTTLS ->
        BREAK(NOTHING_BETWEEN_REQUEST_AND_HANDSHAKE)
     :: else
     fi;
#ifdef PASSIVE
     wire_to_server ! command
#endif
  :: layer == IMPOSTOR ->
     if
     :: SECRET(command) -> BREAK(NO_SECRET_TO_UNAUTHENTICATED_PEER); given_away = 1
     :: else
     fi
  :: layer == GENUINE ->
     if
     :: SECRET(command) && !checked ->
        BREAK(NO_SECRET_TO_UNAUTHENTICATED_PEER); given_away = 1
     :: else
     fi;
     said++;
     commands ! command
  fi
}

/* Waits for the next reply, or for the end. Bytes that are in the buffer come first. `number` is
 * the command that the reply answers. */
inline read() {
  message = 0; number = 0; from_clear = 0; /* nothing old tells states apart */
  if
  :: buffer ? message, from_clear -> number = 0
  :: empty(buffer) && layer == GENUINE && nempty(replies) ->
     replies ? message, number;
     from_clear = 0;
     if
     :: fragment != 0 -> /* only a client that keeps it gets here with one */
        message = fragment; fragment = 0; from_clear = 1
     :: else
     fi
  :: event ? message -> from_clear = 0
  fi;
  if
  :: message >= CLOSED -> skip
  :: else ->
     if
     :: layer != CLEAR && from_clear -> BREAK(NO_CLEAR_BYTES_USED_INSIDE_TLS)
     :: else
     fi;
     /* A client in lock step takes whatever comes next for the answer to what it said last. */
     if
     :: layer == GENUINE && (from_clear || number != said) -> BREAK(AGREEMENT)
     :: else
     fi
  fi
}

/* Going on outside TLS although the user wanted TLS, because of something that the peer did. */
inline go_on_in_clear() {
  if
  :: NEEDS_TLS -> BREAK(POLICY_NOT_FROM_WIRE)
  :: else
  fi
}

/* A new connection, at both ends. */
inline connect() {
  layer = CLEAR; requested = 0; shaken = 0; checked = 0; fragment = 0; said = 0;
  offers_auth = 0; offer_from_clear = 0; challenge = 0; success = 0;
  do
  :: buffer ? _, _
  :: empty(buffer) -> break
  od;
  do
  :: commands ? _
  :: empty(commands) -> break
  od;
  do
  :: replies ? _, _
  :: empty(replies) -> break
  od;
  do
  :: command_buffer ? _, _
  :: empty(command_buffer) -> break
  od;
  server_layer = CLEAR; touched = 0; introduced = 0; logged_in = 0; logged_in_clear = 0;
  expects = 0; heard = 0;
#ifdef PASSIVE
  do
  :: wire_to_server ? _
  :: empty(wire_to_server) -> break
  od;
  do
  :: wire_to_client ? _
  :: empty(wire_to_client) -> break
  od;
  if
  :: POLICY != IMPLICIT -> wire_to_client ! R220 /* the server greets (RFC 5321 section 3.1) */
  :: else
  fi;
#endif
  connected = 1
}

/* Clear bytes behind the reply to the request: gone before the handshake begins (RFC 7457 section
 * 2.2), since afterwards nobody can tell them from what came inside TLS. */
inline discard() {
  if
  :: !KEEPS_BUFFER ->
     do
     :: buffer ? _, _
     :: empty(buffer) -> break
     od
  :: else
  fi;
  if
  :: !KEEPS_FRAGMENT -> fragment = 0
  :: else
  fi
}

/* What was learned in clear: forgotten on completion of the handshake (RFC 3207 section 4.2). A
 * handshake that fails changes nothing of what the client knows. */
inline forget() {
  if
  :: !KEEPS_CAPABILITIES -> offers_auth = 0; offer_from_clear = 0
  :: else
  fi;
  if
  :: !KEEPS_CLEAR_CHALLENGE -> challenge = 0
  :: else
  fi;
  if
  :: !BELIEVES_EARLY_SUCCESS -> success = 0
  :: else
  fi
}

active proctype client() {
  byte message, number;
  bit from_clear;
  bit again;            /* this is the second connection */
  bit in_clear;         /* TLS is no longer tried for */
  bit offers_auth;      /* the list of extensions that counts */
  bit offer_from_clear; /* ... was given in clear: ghost */
  bit challenge;        /* a challenge was given in clear, and is kept */
  bit success;          /* a 235 was given in clear, and is believed */

  atomic {
  skip; /* spin wants no label first in a block */

connecting:
  connect();
  if
  :: POLICY == IMPLICIT && !in_clear -> goto shaking
  :: else
  fi;

greeting:
  read();
  if
  :: message == R220 -> say(EHLO); goto asking
  :: KEEPS_CLEAR_CHALLENGE && layer == CLEAR && message == R334 -> challenge = 1; goto greeting
  :: BELIEVES_EARLY_SUCCESS && layer == CLEAR && message == R235 -> success = 1; goto greeting
  :: else -> goto giving_up
  fi;

asking: /* EHLO is said, in whatever layer */
  read();
  if
  :: IS_250(message) ->
     if
     :: KEEPS_CAPABILITIES && layer != CLEAR && offers_auth -> skip /* the old list will do */
     :: else ->
        offers_auth = OFFERS_AUTH(message);
        offer_from_clear = layer == CLEAR || from_clear
     fi;
     if
     :: layer != CLEAR || in_clear -> goto login
     :: layer == CLEAR && !in_clear && OFFERS_TLS(message) -> goto requesting
     :: layer == CLEAR && !in_clear && !OFFERS_TLS(message) ->
        if
        :: !NEEDS_TLS || IGNORES_MISSING_OFFER -> go_on_in_clear(); goto login
        :: else -> goto giving_up
        fi
     fi
  :: KEEPS_CLEAR_CHALLENGE && layer == CLEAR && message == R334 -> challenge = 1; goto asking
  :: BELIEVES_EARLY_SUCCESS && layer == CLEAR && message == R235 -> success = 1; goto asking
  :: (message == R4XX || message == R5XX) && layer == CLEAR && !in_clear &&
     (!NEEDS_TLS || IGNORES_CAPABILITY_ERROR) ->
     /* A server without EHLO has no extensions, AUTH included (RFC 5321 section 3.2): HELO is
      * folded into MAIL. */
     go_on_in_clear();
     goto mailing
  :: else -> goto giving_up
  fi;

requesting:
  if
  :: SENDS_SECRET_BEFORE_REQUEST ->
     say(AUTH);
     read();
     if
     :: message >= CLOSED -> goto giving_up
     :: else
     fi
  :: else
  fi;
  say(STARTTLS);
  requested = 1;
  if
  :: PIPELINES_SECRET_WITH_REQUEST -> say(AUTH)
  :: else
  fi;
  if
  :: BELIEVES_EARLY_REPLY && len(buffer) != 0 -> /* it was there before the request was */
     read();
     if
     :: message == R220 -> go_on_in_clear(); goto login
     :: else -> goto answered
     fi
  :: else
  fi;

requested_it:
  read();
answered:
  if
  :: message == R220 -> goto shaking
  :: KEEPS_CLEAR_CHALLENGE && message == R334 -> challenge = 1; goto requested_it
  :: BELIEVES_EARLY_SUCCESS && message == R235 -> success = 1; goto requested_it
  :: (message == R4XX || message == R5XX) && (!NEEDS_TLS || IGNORES_REFUSAL) ->
     /* RFC 3207 section 4: on 454 the client's own policy decides. */
     go_on_in_clear();
     goto login
  :: message < CLOSED && message != R220 && message != R4XX && message != R5XX &&
     ACCEPTS_GARBLED_REPLY ->
     go_on_in_clear();
     goto login
  :: else -> goto giving_up
  fi;

shaking:
  if
  :: REFUSES_INJECTED_BYTES && (len(buffer) != 0 || fragment != 0) -> goto giving_up
  :: else
  fi;
  shaken = 1;
  discard();
  message = 0; from_clear = 0;
  at = SHAKING;
  handshake ? message;
  at = READING;
  if
  :: message == GENUINE_HANDSHAKE -> layer = GENUINE; checked = NEEDS_TLS
  :: (message == UNTRUSTED && ACCEPTS_UNTRUSTED_CERTIFICATE) ||
     (message == WRONG_NAME && ACCEPTS_WRONG_NAME) || (message == EXPIRED && ACCEPTS_EXPIRED) ||
     (message <= EXPIRED && message != GENUINE_HANDSHAKE &&
      (!NEEDS_TLS || PLANTED_UNCHECKED_CERTIFICATE)) ->
     layer = IMPOSTOR
  :: message == WRONG_NAME && TAKES_NAME_FROM_WIRE && requested ->
     /* The name stood in the greeting and in the reply to EHLO (RFC 5321 section 4.2). */
     BREAK(NAME_FROM_USER);
     layer = IMPOSTOR
  :: else ->
     if
     :: (GOES_ON_AFTER_FAILED_HANDSHAKE && requested) ||
        (BELIEVES_POSITIVE_REPLY_WITHOUT_TLS && requested && message == CLEAR_TEXT) ->
        go_on_in_clear();
        goto login
     :: else
     fi;
     if
     :: !NEEDS_TLS && !again ->
        /* RFC 3207 section 4: abort the connection. What mail transfer does then is to connect
         * again and not to ask for TLS. Its policy allows that. */
        again = 1; in_clear = 1;
        goto connecting
     :: else -> goto giving_up
     fi
  fi;
  forget();
  if
  :: POLICY == IMPLICIT -> goto greeting /* inside TLS: the server greets first */
  :: else -> say(EHLO); goto asking      /* it does not greet again (RFC 3207 section 4.2) */
  fi;

login:
  if
  :: success && layer != CLEAR ->
     /* Two properties: it skips a step, and it acts on what it was told before TLS. */
     BREAK(NO_JUMP);
     BREAK(CLEAR_KNOWLEDGE_FORGOTTEN);
     goto mailing
  :: else
  fi;
  if
  :: !offers_auth -> goto giving_up /* RFC 4954 section 4: only what was offered */
  :: else
  fi;
  if
  :: layer != CLEAR && offer_from_clear -> BREAK(CLEAR_KNOWLEDGE_FORGOTTEN)
  :: else
  fi;
  if
  :: ANSWERS_CHALLENGE ->
     say(AUTH_ASK);
     if
     :: challenge && layer != CLEAR ->
        BREAK(CLEAR_KNOWLEDGE_FORGOTTEN);
        say(RESPONSE);
        goto logging_in
     :: else
     fi;
     read();
     if
     :: message == R334 -> say(RESPONSE)
     :: else -> goto giving_up
     fi
  :: else -> say(AUTH)
  fi;

logging_in:
  read();
  if
  :: message == R235 -> goto mailing
  :: message == R334 && challenge && layer != CLEAR -> goto logging_in /* answered already */
  :: else -> goto giving_up
  fi;

mailing:
  say(MAIL);
  read();
  if
  :: message == R354 -> say(BODY)
  :: else -> goto giving_up
  fi;

  read(); /* the confirmation: from here the server answers for the mail (RFC 5321 section 6.1) */
  if
  :: IS_250(message) -> skip
  :: message == CLOSED && TAKES_TRUNCATION_AS_SUCCESS -> BREAK(TRUNCATION_IS_NOT_SUCCESS)
  :: else -> goto giving_up
  fi;
  if
  :: layer == GENUINE && checked && stored -> c_code { upward_delivers = 1; }
  :: layer == GENUINE && !checked && stored -> c_code { upward_delivers = 1; }
  :: else -> BREAK(ONLY_DENIAL_OF_SERVICE); NOT_DELIVERED
  fi;
  if
  :: message < CLOSED -> say(QUIT)
  :: else
  fi;
  goto ending;

giving_up:
  if
  :: message >= CLOSED && NEVER_ENDS -> BREAK(ALWAYS_ENDS); goto hanging
  :: message < CLOSED && (layer != CLEAR || !shaken) -> say(QUIT)
  :: else
  fi;
  if
  :: RECONNECTS_IN_CLEAR && !again ->
     BREAK(NO_CLEAR_RETRY);
     go_on_in_clear();
     again = 1; in_clear = 1;
     goto connecting
  :: else
  fi;
  NOT_DELIVERED;
  if
  :: STAYS_SILENT -> BREAK(USER_TOLD)
  :: else
  fi;

ending:
  if
  :: given_away -> BREAK(ONLY_DENIAL_OF_SERVICE)
  :: else
  fi;

hanging:
  message = 0; number = 0; from_clear = 0;
  at = ENDED
  }
}

/* ---- The server ------------------------------------------------------------------------------- */

/* A server that keeps a login from before TLS must have taken one: the flaw includes it. */
#define TAKES_CLEAR (TAKES_LOGIN_IN_CLEAR || KEEPS_SESSION_STATE)

inline answer(reply) {
  if
  :: server_layer == GENUINE -> replies ! reply, (in_clear -> 0 : heard)
  :: else ->
#ifdef PASSIVE
     wire_to_client ! reply
#else
     skip /* the attacker knows it, and can say it or anything else himself */
#endif
  fi
}

inline accept_login() {
  logged_in = 1;
  logged_in_clear = server_layer == CLEAR;
  if
  :: server_layer == CLEAR -> BREAK(NO_LOGIN_IN_CLEAR)
  :: else
  fi
}

/* A login: refused in clear (RFC 4954 section 4: no clear passwords without protection; RFC 3207
 * section 4: 530 until TLS), before EHLO, and a second time (RFC 4954 section 4: 503). */
inline log_in(next, positive) {
  if
  :: !introduced -> answer(R5XX)
  :: introduced && server_layer == CLEAR && !TAKES_CLEAR -> answer(R5XX)
  :: introduced && (server_layer != CLEAR || TAKES_CLEAR) && logged_in ->
     if
     :: server_layer == GENUINE && logged_in_clear -> BREAK(CLEAR_STATE_FORGOTTEN)
     :: else
     fi;
     answer(R5XX)
  :: else ->
     expects = next;
     if
     :: next == 0 -> accept_login()
     :: else
     fi;
     answer(positive)
  fi
}

active proctype server() {
  byte command, offer;
  bit in_clear; /* the command came through the clear wire */
end:
  do
  :: atomic {
       at != ENDED &&
       (nempty(command_buffer) || (server_layer == GENUINE && nempty(commands) && nfull(replies))) ->
       if
       :: command_buffer ? command, in_clear
       :: empty(command_buffer) -> commands ? command; in_clear = 0; heard++
       fi;
       if
       :: in_clear && server_layer == GENUINE -> BREAK(NO_CLEAR_COMMAND_USED_INSIDE_TLS)
       :: else
       fi;
       if
       :: command == EHLO ->
          introduced = 1;
          expects = 0;
          if
          :: server_layer == GENUINE && OFFERS_UPGRADE_INSIDE_TLS ->
             BREAK(NO_UPGRADE_INSIDE_TLS); answer(R250_BOTH)
          :: server_layer == GENUINE && !OFFERS_UPGRADE_INSIDE_TLS -> answer(R250_AUTH)
          :: server_layer == CLEAR && TAKES_CLEAR -> answer(R250_BOTH)
          :: server_layer == CLEAR && !TAKES_CLEAR -> answer(R250_TLS)
          fi
       :: command == STARTTLS && server_layer == CLEAR ->
          answer(R220);
          server_layer = AWAITS_HELLO;
          /* RFC 3207 section 4.2: everything from before TLS is forgotten. */
          expects = 0;
          if
          :: !KEEPS_SESSION_STATE -> introduced = 0; logged_in = 0; logged_in_clear = 0
          :: else
          fi;
          if
          :: !KEEPS_COMMAND_BUFFER ->
             do
             :: command_buffer ? _, _
             :: empty(command_buffer) -> break
             od
          :: else
          fi
       :: command == STARTTLS && server_layer != CLEAR -> answer(R5XX)
       :: command == AUTH -> log_in(0, R235)
       :: command == AUTH_ASK -> log_in(RESPONSE, R334)
       :: command == RESPONSE && expects == RESPONSE ->
          expects = 0; accept_login(); answer(R235)
       :: command == MAIL ->
          if
          :: introduced && logged_in && (server_layer == GENUINE || TAKES_CLEAR) ->
             if
             :: server_layer == GENUINE && logged_in_clear -> BREAK(CLEAR_STATE_FORGOTTEN)
             :: else
             fi;
             expects = BODY;
             answer(R354)
          :: else -> expects = 0; answer(R5XX)
          fi
       :: command == BODY && expects == BODY ->
          expects = 0;
          if
          :: !in_clear && server_layer == GENUINE -> stored = 1
          :: else
          fi;
          answer(R250)
       :: (command == RESPONSE || command == BODY) && expects != command ->
          expects = 0; answer(R5XX)
       :: command == QUIT -> skip /* that the server closes is one of the network's choices */
       fi;
       command = 0; in_clear = 0
     }
  od
}

/* ---- The network ------------------------------------------------------------------------------ */

#ifdef PASSIVE

/* Relays everything, and does nothing else. No deadline fires: it is not slow either. What waits
 * on a wire together arrives as one segment. */
active proctype network() {
  byte message;
end:
  do
  :: atomic {
       nempty(wire_to_server) && server_layer == CLEAR && empty(command_buffer) ->
       touched = 1;
       do
       :: nfull(command_buffer) -> wire_to_server ? message; command_buffer ! message, 1
       :: empty(wire_to_server) || full(command_buffer) -> break
       od;
       message = 0
     }
  :: atomic {
       nempty(wire_to_client) && at == READING && layer == CLEAR && empty(buffer) ->
       do
       :: nfull(buffer) -> wire_to_client ? message; buffer ! message, 1
       :: empty(wire_to_client) || full(buffer) -> break
       od;
       message = 0
     }
  :: atomic {
       at == SHAKING && POLICY != IMPLICIT && server_layer == AWAITS_HELLO ->
       server_layer = GENUINE; handshake ! GENUINE_HANDSHAKE
     }
  :: atomic {
       at == SHAKING && POLICY == IMPLICIT && server_layer == CLEAR ->
       server_layer = GENUINE; replies ! R220, 0; handshake ! GENUINE_HANDSHAKE
     }
  :: timeout -> /* nothing can happen any more */
     if
     :: at != ENDED -> NOT_DELIVERED
     :: else
     fi;
     break
  od
}

#else

/* Owns both clear wires. Nothing limits what he does or how often: only what is in flight is
 * bounded, by two messages in a segment. */
active proctype attacker() {
  byte first, second;
  bit unfinished; /* the last message of the segment has no end */
end:
  do
  /* Anything to the client, genuine or forged: in clear, or inside TLS of his own. A message that
   * the true server sent is among them, and so is one that nobody sent. */
  :: atomic {
       connected && at == READING && layer != GENUINE && empty(buffer) ->
       select(first : 1 .. LAST_REPLY);
       if
       :: second = 0
       :: !PLANTED_ONE_PER_SEGMENT -> select(second : 1 .. LAST_REPLY)
       fi;
       if
       :: unfinished = 0
       :: layer == CLEAR -> unfinished = 1
       fi;
       if
       :: fragment != 0 -> /* what arrives now is its tail: the head decides what it is */
          buffer ! fragment, 1; fragment = 0;
          if
          :: second != 0 && !unfinished -> buffer ! second, layer == CLEAR
          :: second != 0 && unfinished -> fragment = second
          :: else
          fi
       :: fragment == 0 && second == 0 ->
          if
          :: unfinished -> fragment = first
          :: else -> buffer ! first, layer == CLEAR
          fi
       :: fragment == 0 && second != 0 ->
          buffer ! first, layer == CLEAR;
          if
          :: unfinished -> fragment = second
          :: else -> buffer ! second, layer == CLEAR
          fi
       fi;
       first = 0; second = 0; unfinished = 0
     }
  /* FIN or RST, and silence until the client's own deadline; inside genuine TLS as well, where
   * what was on its way is lost. */
  :: atomic { connected && at == READING && empty(buffer) -> event ! CLOSED }
  :: atomic { connected && at == READING && empty(buffer) -> event ! DEADLINE }
  /* The handshake: led to the true server once that awaits it, whoever asked for it; led to the
   * server's implicit port, whose greeting then comes inside TLS (the Opossum attack); or ended. */
  :: atomic {
       at == SHAKING && server_layer == AWAITS_HELLO ->
       server_layer = GENUINE; handshake ! GENUINE_HANDSHAKE
     }
  :: atomic {
       at == SHAKING && server_layer == CLEAR && !touched ->
       server_layer = GENUINE; replies ! R220, 0; handshake ! GENUINE_HANDSHAKE
     }
  :: atomic { at == SHAKING -> handshake ! UNTRUSTED }
  :: atomic { at == SHAKING -> handshake ! WRONG_NAME }
  :: atomic { at == SHAKING -> handshake ! EXPIRED }
  :: atomic { at == SHAKING -> handshake ! FAILED }
  :: atomic { at == SHAKING -> handshake ! CLEAR_TEXT }
  /* Anything to the server in clear: his own commands, or the client's, changed or not. Logins
   * are with an account of his own. */
  :: atomic {
       at != ENDED && connected && server_layer == CLEAR && empty(command_buffer) ->
       touched = 1;
       select(first : EHLO .. BODY);
       command_buffer ! first, 1;
       if
       :: second = 0
       :: !PLANTED_ONE_PER_SEGMENT -> select(second : EHLO .. BODY); command_buffer ! second, 1
       fi;
       first = 0; second = 0
     }
  od
}

#endif
