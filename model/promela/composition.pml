/* One client, one server, and the attacker between them, for SPIN.
 *
 * Client and server are tables, written by upward from their step functions (above). What puts them
 * together is written here a second time: the wire, the attacker's choices, what each property sees.
 * A state of SPIN is a state of the model, field by field, and a step is an action, so that
 * both explorations count the same. SPIN has one state and one step more, for the start, and counts
 * its first state among its transitions.
 */
c_decl {
    /* The wire; TLS with the attacker is FALSE_PEER and whom he shows. */
    enum { DOWN, CLEAR, HANDSHAKE, SECURE, FALSE_PEER };
    /* The second channel; TLS with the attacker is CHANNEL_FALSE and whom he shows. */
    enum { CHANNEL_NONE, CHANNEL_CLEAR, CHANNEL_HANDSHAKE, CHANNEL_SECURE, CHANNEL_FALSE };
    /* The server's phase. */
    enum { READY, AWAITS_TLS, CLOSED };
    /* What a reply of the server answers. */
    enum { NOTHING_ASKED, A_COMMAND, THE_DELIVERY };
    /* The clean client beside the client, where it is no state of the machine. */
    enum { NO_SHADOW = 65535, STALLED = 65534 };

    struct Queue { unsigned char length, message[QUEUE], answers[QUEUE]; };

    /* It starts as zeroes and is changed field by field, so that equal states are equal bytes. */
    struct World {
        unsigned int broken;
        unsigned short client, server, shadow;
        unsigned char wire, channel;
        struct Queue to_client, to_server;
        unsigned char session, connection, outstanding;
        unsigned char implicit, requested, taken, gave_away, told, lured, refused, ended, fresh;
        unsigned char executed, confirmed, elsewhere, moved, logged_in, unclean;
    };
}

c_code {
    /* What the search has seen; no part of a state. */
    static unsigned int all_broken = 0;
    static int delivers = 0;
    /* Of the step under way: whether the connection is closed, whether the server sent a notice or
     * data inside TLS, and whether a session has ended. */
    static int closing = 0, given_notice = 0, given_data = 0, some_end = 0;

    static void report(void) {
        printf("upward: broken=%u delivers=%d\n", all_broken, delivers);
    }

    static void impossible(char *what) {
        printf("upward: impossible: %s\n", what);
        exit(3);
    }

    static void empty(struct Queue *queue) { memset(queue, 0, sizeof *queue); }

    static void put(struct Queue *queue, int message, int answers) {
        if (queue->length == QUEUE) return;
        queue->message[queue->length] = message;
        queue->answers[queue->length] = answers;
        queue->length++;
    }

    static void drop_first(struct Queue *queue) {
        if (queue->length == 0) return;
        queue->length--;
        memmove(queue->message, queue->message + 1, queue->length);
        memmove(queue->answers, queue->answers + 1, queue->length);
        queue->message[queue->length] = 0;
        queue->answers[queue->length] = 0;
    }

    static int last_session(struct World *w) {
        return w->session < SESSIONS ? w->session : SESSIONS - 1;
    }

    static int needs_tls_now(struct World *w) { return needs_tls[last_session(w)]; }

    static int all_sessions_loose(void) {
        int session;
        for (session = 0; session < SESSIONS; session++)
            if (needs_tls[session]) return 0;
        return 1;
    }

    static int open_port(int port) { return port == UPGRADE_PORT ? HAS_UPGRADE_PORT : HAS_IMPLICIT_PORT; }

    static void breaks(struct World *w, int property) { w->broken |= 1u << property; }

    static int context(struct World *w) {
        return (w->session * CONNECTIONS + w->connection) * 2 + w->implicit;
    }

    static void server_did(struct World *w, int next, int outputs, int delivery);
    static void client_did(struct World *w, int next, int outputs);
    static void happens(struct World *w, int input);

    static void hang_up_on_server(struct World *w) {
        empty(&w->to_client);
        empty(&w->to_server);
        w->server = server_closed[w->server].next;
    }

    static void dial(struct World *w, int port) {
        empty(&w->to_client);
        empty(&w->to_server);
        if (open_port(port)) {
            server_did(w, server_start[port].next, server_start[port].outputs, 0);
        } else {
            w->server = server_start[port].next;
            hang_up_on_server(w);
        }
    }

    static void server_did(struct World *w, int next, int outputs, int delivery) {
        int i, answers;
        w->server = next;
        for (i = server_outputs[outputs]; i < server_outputs[outputs + 1]; i++) {
            switch (server_output[i].what) {
            case SAY:
                answers = !server_output[i].answers ? NOTHING_ASKED : delivery ? THE_DELIVERY : A_COMMAND;
                if (w->wire == SECURE || PASSIVE) put(&w->to_client, server_output[i].reply, answers);
                break;
            case EXECUTED:
                if (delivery && w->wire == SECURE) {
                    if (w->executed < 2) w->executed++;
                    if (server_elsewhere[next]) w->elsewhere = 1;
                }
                break;
            case RAN_CLEAR_COMMAND: breaks(w, NO_CLEAR_COMMAND_USED_INSIDE_TLS); break;
            case TOOK_CLEAR_LOGIN: breaks(w, NO_LOGIN_IN_CLEAR); break;
            case KEPT_CLEAR_LOGIN: breaks(w, CLEAR_STATE_FORGOTTEN); break;
            case OFFERED_UPGRADE_INSIDE: breaks(w, NO_UPGRADE_INSIDE_TLS); break;
            }
        }
    }

    static void connects(struct World *w, int target) {
        if (w->fresh) w->fresh = 0; else if (w->connection < CONNECTIONS - 1) w->connection++;
        if (target == REDIRECTED) breaks(w, NO_CLEAR_REDIRECT);
        w->wire = CLEAR;
        w->implicit = target == IMPLICIT_TARGET;
        w->channel = CHANNEL_NONE;
        w->requested = w->taken = w->outstanding = w->lured = 0;
        w->executed = w->confirmed = w->elsewhere = w->moved = w->logged_in = w->unclean = 0;
        w->shadow = NO_SHADOW;
        dial(w, target == IMPLICIT_TARGET ? IMPLICIT_PORT : UPGRADE_PORT);
    }

    static int other_name(int peer) { return peer == WRONG_NAME || peer == OTHER_HOST; }

    static void sends_to_false_peer(struct World *w, int peer) {
        breaks(w, NO_SECRET_TO_UNAUTHENTICATED_PEER);
        w->gave_away = 1;
        if (other_name(peer)) breaks(w, NAME_FROM_USER);
    }

    static void sends(struct World *w, int command) {
        int must = needs_tls_now(w);
        if (must && command == DELIVER && !w->logged_in && w->wire != DOWN && LOGS_IN) breaks(w, NO_JUMP);
        if (is_login[command]) w->logged_in = 1;
        switch (w->wire) {
        case DOWN:
            break;
        case CLEAR:
        case HANDSHAKE:
            if (is_secret[command] && (must || all_sessions_loose())) {
                breaks(w, NO_SECRET_IN_CLEAR);
                w->gave_away = 1;
            }
            if (must && !is_allowed_in_clear[command]) {
                breaks(w, POLICY_NOT_FROM_WIRE);
                if (w->connection > 0) breaks(w, NO_CLEAR_RETRY);
                if (w->taken) breaks(w, TLS_NOT_TAKEN_AWAY);
            }
            if (must && command != GOODBYE && (w->requested || w->wire == HANDSHAKE))
                breaks(w, NOTHING_BETWEEN_REQUEST_AND_HANDSHAKE);
            if (command == UPGRADE) w->requested = 1;
            if (PASSIVE) put(&w->to_server, command, 0);
            break;
        case SECURE:
            if (w->outstanding > 0 && command != GOODBYE) breaks(w, AGREEMENT);
            if (w->outstanding < 3) w->outstanding++;
            put(&w->to_server, command, 0);
            break;
        default:
            if (must && is_secret[command]) sends_to_false_peer(w, w->wire - FALSE_PEER);
            if (must && command != GOODBYE && other_name(w->wire - FALSE_PEER)) breaks(w, NAME_FROM_USER);
            break;
        }
    }

    static void moves_data(struct World *w) {
        int must = needs_tls_now(w);
        switch (w->channel) {
        case CHANNEL_NONE: break;
        case CHANNEL_CLEAR:
        case CHANNEL_HANDSHAKE:
            if (must) { breaks(w, NO_CLEAR_SECOND_CHANNEL); w->gave_away = 1; }
            w->moved = 1;
            break;
        case CHANNEL_SECURE: w->moved = 1; break;
        default:
            if (must) sends_to_false_peer(w, w->channel - CHANNEL_FALSE);
            break;
        }
    }

    static void ends(struct World *w, int delivered) {
        int session = last_session(w);
        int must = needs_tls_now(w);
        int truly = w->wire == SECURE && w->executed == 1 && w->confirmed;
        int waiting;
        /* Nobody interferes, and the server offers what the session asks for. */
        int can_deliver = PASSIVE
            && (to_implicit[session] ? HAS_IMPLICIT_PORT : HAS_UPGRADE_PORT && GRANTS_UPGRADE);
        for (waiting = 0; waiting < w->to_server.length; waiting++)
            if (w->to_server.message[waiting] == DELIVER) truly = 0;
        some_end = 1;
        if (delivered) {
            if (must && !truly) breaks(w, ONLY_DENIAL_OF_SERVICE);
            if (w->lured && w->wire == SECURE) breaks(w, SURVIVORS_ONLY_CAUSE_REFUSAL);
            if (w->elsewhere && must) breaks(w, DELIVERS_TO_NAMED_HOST);
            if (closing && !w->confirmed) breaks(w, TRUNCATION_IS_NOT_SUCCESS);
            if (can_deliver && !truly) breaks(w, HONEST_DELIVERS);
        } else {
            w->refused = 1;
            if (!w->told) breaks(w, USER_TOLD);
            if (can_deliver) breaks(w, HONEST_DELIVERS);
        }
        if (must && w->gave_away) breaks(w, ONLY_DENIAL_OF_SERVICE);
        w->session++;
        w->connection = w->told = w->gave_away = w->lured = 0;
        w->executed = w->confirmed = w->elsewhere = w->moved = 0;
        w->fresh = 1;
        if (w->session >= SESSIONS) { if (ENDLESS) w->session = 0; else w->ended = 1; }
    }

    static void client_did(struct World *w, int next, int outputs) {
        int i, connected = 0;
        w->client = next;
        for (i = client_outputs[outputs]; i < client_outputs[outputs + 1]; i++) {
            int with = client_output[i].with;
            switch (client_output[i].what) {
            case CONNECT: connected = 1; connects(w, with); break;
            case SEND: sends(w, with); break;
            case START_TLS: w->wire = HANDSHAKE; w->requested = w->logged_in = 0; break;
            case CLOSE: hang_up_on_server(w); w->wire = DOWN; w->channel = CHANNEL_NONE; break;
            case OPEN_CLEAR_CHANNEL: w->channel = CHANNEL_CLEAR; break;
            case OPEN_TLS_CHANNEL: w->channel = CHANNEL_HANDSHAKE; break;
            case MOVE_DATA: moves_data(w); break;
            case SHOWS:
                if (!(w->wire == SECURE && given_notice)) breaks(w, NO_CLEAR_TEXT_SHOWN_AS_TRUSTED);
                break;
            case HANDS_OVER:
                if (!(w->wire == SECURE && given_data)) breaks(w, NO_CLEAR_DATA_HANDED_OVER);
                break;
            case TELL: w->told = 1; break;
            case END: ends(w, with == DELIVERED); break;
            }
        }
        if (connected) {
            closing = given_notice = given_data = 0;
            happens(w, CONNECTED);
        }
    }

    /* The client does inside TLS what a clean one would not. */
    static void parts(struct World *w) {
        w->shadow = NO_SHADOW;
        if (w->unclean) breaks(w, NO_CLEAR_BYTES_USED_INSIDE_TLS);
        if (KNOWLEDGE_SURVIVES) w->lured = 1; else breaks(w, CLEAR_KNOWLEDGE_FORGOTTEN);
    }

    static int is_no_act(int i) {
        int what = client_output[i].what;
        return what == SHOWS || what == TELL || what == NOTHING;
    }

    /* Whether all that the client does beyond what a clean one does is to give up. */
    static int only_gives_up(int does, int clean) {
        int i = client_outputs[does], last = client_outputs[does + 1];
        int j = client_outputs[clean], end = client_outputs[clean + 1];
        int refused = 0, closed = 0;
        for (;; i++, j++) {
            while (i < last && is_no_act(i)) i++;
            while (j < end && is_no_act(j)) j++;
            if (i == last || j == end) break;
            if (client_output[i].what != client_output[j].what) break;
            if (client_output[i].with != client_output[j].with) break;
        }
        for (; i < last; i++) {
            int what = client_output[i].what, with = client_output[i].with;
            if (is_no_act(i) || (what == SEND && with == GOODBYE)) continue;
            if (what == CLOSE) closed = 1;
            else if (what == END && with != DELIVERED) refused = 1;
            else return refused && (closed || what == CONNECT);
        }
        return refused;
    }

    /* The client beside a clean one that was given the same. */
    static void compare(struct World *w, int begins, struct Step clean, struct Step does) {
        int acts = client_acts[does.outputs];
        if (clean.next == NONE) {
            if ((begins || w->shadow == STALLED) && acts != NO_ACTS && !client_gives_up[does.outputs]) {
                if (begins) w->unclean = 1;
                parts(w);
            } else if (begins)
                w->shadow = STALLED;
            return;
        }
        if (begins) {
            w->shadow = NO_SHADOW;
            w->unclean = (does.next != clean.next || acts != client_acts[clean.outputs])
                && (client_unclean[w->client] >> context(w) & 1);
        }
        if (acts == client_acts[clean.outputs])
            w->shadow = does.next == clean.next || w->wire != SECURE ? NO_SHADOW : clean.next;
        else if (only_gives_up(does.outputs, clean.outputs))
            w->shadow = STALLED;
        else if (acts == NO_ACTS)
            w->shadow = STALLED;
        else
            parts(w);
    }

    static void takes(struct World *w, int input, struct Step does) {
        struct Step clean = { NONE, 0 };
        int begins = input == SHOWN + GENUINE;
        if (begins)
            clean = honest_step[context(w)];
        else if (w->shadow < STALLED)
            clean = client_step[w->shadow][input];
        w->requested = 0;
        compare(w, begins, clean, does);
        client_did(w, does.next, does.outputs);
        if (w->wire != SECURE) {
            w->shadow = NO_SHADOW;
            w->unclean = 0;
        }
    }

    static void happens(struct World *w, int input) {
        struct Step step = client_step[w->client][input];
        if (step.next == NONE) impossible("an input of the client");
        takes(w, input, step);
    }

    /* The next reply of the true server is off its queue. */
    static void take_genuine(struct World *w) {
        if (w->to_client.answers[0] && w->outstanding > 0) w->outstanding--;
        if (w->to_client.answers[0] == THE_DELIVERY && w->to_client.message[0] == DONE) w->confirmed = 1;
        drop_first(&w->to_client);
    }

    /* Clear text reaches the client: what is not delivered with it is swallowed. */
    static void hears_clear_text(struct World *w) {
        if (PASSIVE) take_genuine(w); else empty(&w->to_client);
        if (w->wire == HANDSHAKE) w->wire = CLEAR;
    }

    /* The server confirms a delivery when the data have come over the second channel. */
    static int waits_for_data(struct World *w) {
        return HAS_CHANNEL && !w->moved && w->to_client.length > 0
            && w->to_client.answers[0] == THE_DELIVERY;
    }

    static void start(struct World *w) {
        w->fresh = 1;
        w->shadow = NO_SHADOW;
        w->wire = DOWN;
        client_did(w, client_start.next, client_start.outputs);
    }

    static void seen(struct World *w) {
        closing = given_notice = given_data = some_end = 0;
        all_broken |= w->broken;
        if (w->ended && !w->refused) delivers = 1;
    }

    /* Segments that the attacker can write to the client; classes of those that it cannot tell
     * apart. Inside TLS with the true server there are none. */
    static int can_write_to_client(struct World *w, int n) {
        return !PASSIVE && !w->ended && w->wire != DOWN && w->wire != SECURE
            && !client_in_channel[w->client] && n < client_classes[w->client];
    }

    static void write_to_client(struct World *w, int n) {
        struct Class class = client_class[w->client][n];
        struct Step step = { class.next, class.outputs };
        if (w->wire < FALSE_PEER) hears_clear_text(w);
        takes(w, SAID, step);
        seen(w);
    }

    /* And to the server: not those that change nothing and show nothing. */
    static int can_write_to_server(struct World *w, int n) {
        struct Class class;
        if (PASSIVE || w->ended || (w->wire != CLEAR && w->wire != HANDSHAKE)) return 0;
        if (client_in_channel[w->client]) return 0;
        if (n >= server_classes[w->server]) return 0;
        class = server_class[w->server][n];
        return class.next != w->server || class.marked;
    }

    static void write_to_server(struct World *w, int n) {
        struct Class class = server_class[w->server][n];
        empty(&w->to_server);
        server_did(w, class.next, class.outputs, 0);
        seen(w);
    }

    /* The attacker rewrites the datum that chooses the virtual host. */
    static int can_name_host(struct World *w) {
        return !PASSIVE && !w->ended && (w->wire == CLEAR || w->wire == HANDSHAKE)
            && !client_in_channel[w->client] && server_takes_name[w->server] && !server_elsewhere[w->server];
    }

    static void names_host(struct World *w) {
        struct Step step = server_named[w->server];
        if (step.next == NONE) impossible("the other host");
        server_did(w, step.next, step.outputs, 0);
        seen(w);
    }

    /* The first genuine message of a queue, where messages arrive as they were sent. */
    static int can_hear(struct World *w) {
        if (w->ended || w->to_client.length == 0 || client_in_channel[w->client]) return 0;
        if (waits_for_data(w)) return 0;
        if (PASSIVE) return w->wire != HANDSHAKE;
        return w->wire == SECURE && w->to_server.length < BOUND;
    }

    static void hears(struct World *w) {
        int reply = w->to_client.message[0];
        if (w->wire == SECURE) {
            given_notice = reply == NOTICE;
            given_data = reply == DATA;
            take_genuine(w);
        } else if (w->wire == CLEAR || w->wire == HANDSHAKE) {
            hears_clear_text(w);
        }
        happens(w, SAID + reply);
        seen(w);
    }

    static int can_serve(struct World *w) {
        if (w->ended || w->to_server.length == 0 || server_phase[w->server] != READY) return 0;
        if (client_in_channel[w->client]) return 0;
        return PASSIVE || (w->wire == SECURE && w->to_client.length < BOUND);
    }

    static void serves(struct World *w) {
        int command = w->to_server.message[0];
        struct Step step = server_step[w->server][command];
        if (step.next == NONE) impossible("a command to the server");
        drop_first(&w->to_server);
        server_did(w, step.next, step.outputs, command == DELIVER);
        seen(w);
    }

    /* The handshake ends. */
    static int can_shake_hands(struct World *w, int peer) {
        int spliced;
        if (w->ended || w->wire != HANDSHAKE) return 0;
        if (PASSIVE)
            return peer == GENUINE && server_phase[w->server] == AWAITS_TLS;
        if (!client_handshaking[w->client]) return 0;
        if (peer == OTHER_HOST) return CHOOSES_CERTIFICATE;
        if (peer != GENUINE) return 1;
        spliced = (server_port[w->server] == IMPLICIT_PORT) != w->implicit;
        return server_phase[w->server] == AWAITS_TLS && !(spliced && ALPN_STRICT)
            && (!server_elsewhere[w->server] || ONE_CERTIFICATE);
    }

    static void shakes_hands(struct World *w, int peer) {
        if (peer == GENUINE) {
            struct Step step = server_secured[w->server];
            if (step.next == NONE) impossible("TLS at the server");
            w->wire = SECURE;
            empty(&w->to_client);
            empty(&w->to_server);
            w->outstanding = 0;
            server_did(w, step.next, step.outputs, 0);
        } else {
            hang_up_on_server(w);
            w->wire = FALSE_PEER + peer;
        }
        happens(w, SHOWN + peer);
        seen(w);
    }

    static int can_fail_handshake(struct World *w) {
        if (w->ended || w->wire != HANDSHAKE) return 0;
        return PASSIVE
            ? server_phase[w->server] != AWAITS_TLS && (w->to_server.length == 0 || server_phase[w->server] != READY)
            : client_handshaking[w->client];
    }

    static void fails_handshake(struct World *w) {
        w->wire = CLEAR;
        happens(w, HANDSHAKE_FAILED);
        seen(w);
    }

    /* The second channel: its handshake, which comes before all else. */
    static int can_shake_hands_on_channel(struct World *w, int peer) {
        if (w->ended || !client_in_channel[w->client]) return 0;
        return peer == GENUINE || !PASSIVE && (peer != OTHER_HOST || CHOOSES_CERTIFICATE);
    }

    static void shakes_hands_on_channel(struct World *w, int peer) {
        w->channel = peer == GENUINE ? CHANNEL_SECURE : CHANNEL_FALSE + peer;
        happens(w, CHANNEL_SHOWN + peer);
        seen(w);
    }

    static int can_fail_channel(struct World *w) {
        return !PASSIVE && !w->ended && client_in_channel[w->client];
    }

    static void fails_channel(struct World *w) {
        w->channel = CHANNEL_CLEAR;
        happens(w, CHANNEL_FAILED);
        seen(w);
    }

    static int can_end_tls(struct World *w) {
        return !PASSIVE && !client_in_channel[w->client] && !w->ended && w->wire == SECURE && w->to_client.length == 0 && MAY_GO_ON_IN_CLEAR;
    }

    static void ends_tls(struct World *w) {
        hang_up_on_server(w);
        w->wire = CLEAR;
        w->taken = 1;
        happens(w, TLS_ENDED);
        seen(w);
    }

    /* How: in order, without a close_notify, or cut. Inside TLS only the server closes in order. */
    static int can_close(struct World *w, int how) {
        int closed = server_phase[w->server] == CLOSED && w->to_client.length == 0;
        if (w->ended || w->wire == DOWN || client_in_channel[w->client]) return 0;
        if (PASSIVE) return how == 0 && closed && w->wire != HANDSHAKE;
        if (how == 0) return w->wire != SECURE || closed;
        if (how == 1) return w->wire == SECURE || w->wire > FALSE_PEER;
        return 1;
    }

    static void closes(struct World *w, int how) {
        hang_up_on_server(w);
        w->wire = DOWN;
        closing = 1;
        happens(w, CLOSED_ORDERLY + how);
        seen(w);
    }

    /* Another connection to the server, behind the client's back. */
    static int can_redial(struct World *w) {
        return !PASSIVE && !w->ended && (w->wire == CLEAR || w->wire == HANDSHAKE) && HAS_TWIN
            && !client_in_channel[w->client]
            && open_port(!server_port[w->server]);
    }

    static void redials(struct World *w) {
        dial(w, !server_port[w->server]);
        seen(w);
    }

    /* With nobody who changes anything, the deadline passes only where nothing else can happen. */
    static int can_time_out(struct World *w) {
        if (w->ended) return 0;
        if (!PASSIVE) return 1;
        return !client_in_channel[w->client] && !can_hear(w) && !can_serve(w) && !can_shake_hands(w, GENUINE) && !can_fail_handshake(w)
            && !can_close(w, 0);
    }

    static void times_out(struct World *w) {
        some_end = 0;
        happens(w, DEADLINE);
        if (!some_end) breaks(w, ALWAYS_ENDS);
        seen(w);
    }

    static struct World *world(void) { return &now.world; }
}

c_state "struct World world" "Global"

active proctype network() {
    d_step { c_code { atexit(report); start(world()); seen(world()); } }
    do
//OPTIONS
    od
}
