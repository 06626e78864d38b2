/* The benchmark model, for SPIN: the same states and steps as `model.rs`, written a second time.
 *
 *   spin -a -DBUDGET=4 [-DBELIEVES_ANYONE | -DKEEPS_BUFFER] budgeted.pml
 *   gcc -O2 -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c && ./pan -E -n -m1000000 -w22
 *
 * A state is sixteen bytes here as well, and every action is one deterministic step. SPIN has one
 * state and one step more, for the start, and counts its first state among its transitions.
 */

/* Marks of a cell. */
#define MESSAGE 31
#define INSIDE 32
#define FORGED 64
#define GLUED 128

/* What the server says; the attacker says 10, nonsense, as well. */
#define GREETING 1
#define OFFER 2
#define BARE 3
#define GO_AHEAD 4
#define REFUSAL 5
#define LOGGED_IN 6
#define DONE 7
#define GENUINE 8
#define FALSE 9

/* What the client says. */
#define ASK 1
#define UPGRADE 2
#define HELLO 3
#define LOGIN 4
#define MAIL 5

/* Where the client is. */
#define C_GREETING 0
#define C_OFFER 1
#define C_GO_AHEAD 2
#define C_HANDSHAKE 3
#define C_CAPABILITIES 4
#define C_LOGIN 5
#define C_DONE 6
#define C_GIVING_UP 7
#define C_REFUSED 8
#define C_DELIVERED 9

/* Where the server is. */
#define S_CLEAR 0
#define S_HANDSHAKE 1
#define S_INSIDE 2
#define S_LOGGED_IN 3
#define S_GONE 4

/* Whom a party has TLS with. */
#define NO_TLS 0
#define HONEST 1
#define ATTACKER 2

/* What has happened. */
#define LEAKED 1
#define BETRAYED 2
#define MISLED 4
#define CLOSED 8

byte to_client0 = GREETING, to_client1, to_client2;
byte to_server0, to_server1, to_server2;
byte heard0, heard1, read0, read1;
byte client, client_tls, server, server_tls;
byte budget = BUDGET;
byte flags;

c_decl {
    /* What the search has seen; no part of a state. */
    int all_broken = 0, delivers = 0;
    void report(void) { printf("upward: broken=%d delivers=%d\n", all_broken, delivers); }
}

inline breaks(property) {
    flags = flags | property;
    c_code { all_broken |= now.flags & 7; }
}

/* What finds no room is lost. */
inline to_client(cell) {
    if
    :: to_client0 == 0 -> to_client0 = cell
    :: else ->
        if
        :: to_client1 == 0 -> to_client1 = cell
        :: else ->
            if
            :: to_client2 == 0 -> to_client2 = cell
            :: else
            fi
        fi
    fi
}

inline to_server(cell) {
    if
    :: to_server0 == 0 -> to_server0 = cell
    :: else ->
        if
        :: to_server1 == 0 -> to_server1 = cell
        :: else ->
            if
            :: to_server2 == 0 -> to_server2 = cell
            :: else
            fi
        fi
    fi
}

/* Whether a party can read a message: inside TLS, only with whom it has it. */
#define CLEAR(cell) ((cell & INSIDE) == 0)
#define BELONGS(cell, tls) \
    ((CLEAR(cell) && tls == NO_TLS) || \
     ((cell & (INSIDE | FORGED)) == INSIDE && tls == HONEST) || \
     ((cell & (INSIDE | FORGED)) == (INSIDE | FORGED) && tls == ATTACKER))

inline gives_up() {
    heard0 = 0;
    heard1 = 0;
    client = C_GIVING_UP
}

/* Takes the first segment of a queue into a buffer. */
#define TAKE(cell0, cell1, cell2, buffer0, buffer1) \
    buffer0 = cell0; \
    if \
    :: (cell1 & GLUED) -> \
        buffer1 = cell1 & 127; \
        cell0 = cell2; \
        cell1 = 0 \
    :: else -> \
        buffer1 = 0; \
        cell0 = cell1; \
        cell1 = cell2 \
    fi; \
    cell2 = 0

inline client_reads() {
    TAKE(to_client0, to_client1, to_client2, heard0, heard1);
    if
    :: BELONGS(heard0, client_tls) && (heard1 == 0 || BELONGS(heard1, client_tls))
    :: else -> gives_up()
    fi
}

inline says(command, next) {
    to_server(command | (client_tls == NO_TLS -> 0 : INSIDE));
    client = next
}

/* A login or mail. */
inline confides(command, next) {
    if
    :: client_tls == NO_TLS -> breaks(LEAKED)
    :: client_tls == ATTACKER -> breaks(BETRAYED)
    :: else
    fi;
    says(command, next)
}

inline client_handles() {
    if
    :: client_tls != NO_TLS && CLEAR(heard0) -> breaks(MISLED)
    :: else
    fi;
    word = heard0 & MESSAGE;
    heard0 = heard1;
    heard1 = 0;
    if
    :: client == C_GREETING && word == GREETING -> says(ASK, C_OFFER)
    :: client == C_OFFER && word == OFFER -> says(UPGRADE, C_GO_AHEAD)
    :: client == C_GO_AHEAD && word == GO_AHEAD ->
#ifndef KEEPS_BUFFER
        heard0 = 0;
#endif
        says(HELLO, C_HANDSHAKE)
    :: client == C_CAPABILITIES && (word == OFFER || word == BARE) -> confides(LOGIN, C_LOGIN)
    :: client == C_LOGIN && word == LOGGED_IN -> confides(MAIL, C_DONE)
    :: client == C_DONE && word == DONE ->
        client = C_DELIVERED;
        c_code { delivers = 1; }
    :: else -> gives_up()
    fi;
    word = 0
}

/* What is in its buffer is for after the handshake. */
inline client_shakes_hands() {
    TAKE(to_client0, to_client1, to_client2, word, behind);
    if
    :: word == GENUINE && behind == 0 ->
        client_tls = HONEST;
        says(ASK, C_CAPABILITIES)
    :: word == FALSE && behind == 0 ->
        client_tls = ATTACKER;
#ifdef BELIEVES_ANYONE
        says(ASK, C_CAPABILITIES)
#else
        gives_up()
#endif
    :: else -> gives_up()
    fi;
    word = 0;
    behind = 0
}

inline server_reads() {
    TAKE(to_server0, to_server1, to_server2, read0, read1);
    if
    :: server == S_GONE ->
        read0 = 0;
        read1 = 0
    :: else ->
        if
        :: BELONGS(read0, server_tls) && (read1 == 0 || BELONGS(read1, server_tls))
        :: else ->
            read0 = 0;
            read1 = 0;
            server = S_GONE
        fi
    fi
}

inline answers(reply) {
    to_client(reply | (server_tls == NO_TLS -> 0 : INSIDE))
}

inline server_handles() {
    word = read0 & MESSAGE;
    read0 = read1;
    read1 = 0;
    if
    :: word == ASK && server == S_CLEAR -> answers(OFFER)
    :: word == ASK && server != S_CLEAR -> answers(BARE)
    :: word == UPGRADE && server == S_CLEAR ->
        read0 = 0;
        answers(GO_AHEAD);
        server = S_HANDSHAKE
    :: word == LOGIN && server == S_INSIDE ->
        answers(LOGGED_IN);
        server = S_LOGGED_IN
    :: word == MAIL && server == S_LOGGED_IN -> answers(DONE)
    :: else -> answers(REFUSAL)
    fi;
    word = 0
}

inline server_shakes_hands() {
    TAKE(to_server0, to_server1, to_server2, word, behind);
    if
    :: (word & MESSAGE) == HELLO && behind == 0 ->
        to_client(GENUINE | (word & FORGED));
        server_tls = ((word & FORGED) == 0 -> HONEST : ATTACKER);
        server = S_INSIDE
    :: else -> server = S_GONE
    fi;
    word = 0;
    behind = 0
}

#define WAITS (client < C_GIVING_UP)
#define GOES_ON (client < C_REFUSED)
#define ACTS (budget > 0 && GOES_ON)
#define OPEN ((flags & CLOSED) == 0)

/* The attacker's marks: what is bound to keys is his word. */
#define REPLY(word) (word | (word == GENUINE) * FORGED)
#define COMMAND(word) (word | (word == HELLO) * FORGED)

#define CAN_TAKE(cell) (ACTS && cell != 0 && CLEAR(cell))
#define CAN_INJECT(cell2) (ACTS && OPEN && cell2 == 0)
#define CAN_APPEND(cell0, cell1, cell2) \
    (CAN_INJECT(cell2) && cell0 != 0 && \
     ((cell1 == 0 && (cell0 & (INSIDE | GLUED)) == 0) || \
      (cell1 != 0 && (cell1 & (INSIDE | GLUED)) == 0)))

#define REPLACES(cell, word, as) \
    :: d_step { CAN_TAKE(cell) && (cell & MESSAGE) != word -> cell = as; budget-- }

#define TO_CLIENT(word) \
    REPLACES(to_client0, word, REPLY(word)) \
    :: d_step { CAN_INJECT(to_client2) -> to_client(REPLY(word)); budget-- } \
    :: d_step { CAN_APPEND(to_client0, to_client1, to_client2) -> \
        to_client(REPLY(word) | GLUED); budget-- } \
    :: d_step { CAN_INJECT(to_client2) && client_tls == ATTACKER -> \
        to_client(word | INSIDE | FORGED); budget-- }

#define TO_SERVER(word) \
    REPLACES(to_server0, word, COMMAND(word)) \
    :: d_step { CAN_INJECT(to_server2) -> to_server(COMMAND(word)); budget-- } \
    :: d_step { CAN_APPEND(to_server0, to_server1, to_server2) -> \
        to_server(COMMAND(word) | GLUED); budget-- }

/* A scratch pad of the steps, 0 between them and no part of a state. */
hidden byte word, behind;

active proctype session() {
    d_step { c_code { atexit(report); } }
    do
    :: d_step { WAITS && client == C_HANDSHAKE && to_client0 != 0 -> client_shakes_hands() }
    :: d_step { WAITS && client != C_HANDSHAKE && heard0 != 0 -> client_handles() }
    :: d_step { WAITS && client != C_HANDSHAKE && heard0 == 0 && to_client0 != 0 -> client_reads() }
    :: d_step { WAITS && to_client0 == 0 && (client == C_HANDSHAKE || heard0 == 0) &&
                (!OPEN || (read0 == 0 && to_server0 == 0)) -> gives_up() }
    :: d_step { client == C_GIVING_UP -> client = C_REFUSED }
    :: d_step { GOES_ON && read0 != 0 -> server_handles() }
    :: d_step { GOES_ON && read0 == 0 && to_server0 != 0 && server == S_HANDSHAKE ->
                server_shakes_hands() }
    :: d_step { GOES_ON && read0 == 0 && to_server0 != 0 && server != S_HANDSHAKE ->
                server_reads() }
    :: d_step { CAN_TAKE(to_client0) ->
                to_client0 = to_client1 & 127; to_client1 = to_client2; to_client2 = 0; budget-- }
    :: d_step { CAN_TAKE(to_server0) ->
                to_server0 = to_server1 & 127; to_server1 = to_server2; to_server2 = 0; budget-- }
    :: d_step { ACTS && OPEN -> flags = flags | CLOSED; budget-- }
    TO_CLIENT(1) TO_CLIENT(2) TO_CLIENT(3) TO_CLIENT(4) TO_CLIENT(5)
    TO_CLIENT(6) TO_CLIENT(7) TO_CLIENT(8) TO_CLIENT(9) TO_CLIENT(10)
    TO_SERVER(1) TO_SERVER(2) TO_SERVER(3)
    od
}
