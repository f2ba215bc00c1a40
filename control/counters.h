/* Counters of control, one line each: name and help. Only the event-loop thread writes them. */
#ifndef CHAPPE_CONTROL_COUNTERS_H
#define CHAPPE_CONTROL_COUNTERS_H

#define CONTROL_COUNTERS(X)                                                                        \
	X(inits, "handshake inits taken from the punt link")                                       \
	X(sessions_installed, "pending sessions sent to the dataplane")                            \
	X(sessions_confirmed, "sessions that their device confirmed")                              \
	X(sessions_kept, "sessions found in the dataplane and kept when the link came up")         \
	X(sessions_dropped, "sessions found in the dataplane whose device is gone")                \
	X(enrolments, "devices enrolled")                                                          \
	X(enrolments_lost,                                                                         \
		"confirmations that came after another device's with the same invitation")         \
	X(answers_revoked, "handshakes answered with the status revoked")                          \
	X(answers_full, "handshakes answered with the status full")                                \
	X(answers_stale_attempt, "handshakes answered with the status stale attempt")              \
	X(answers_draining, "handshakes answered with the status draining")                        \
	X(answers_invitation_used, "handshakes answered with the status invitation used")          \
	X(drop_frame, "punted frames that are no init or no control frame")                        \
	X(drop_suite, "inits of a suite that this machine lacks")                                  \
	X(drop_noise, "inits that do not open")                                                    \
	X(drop_unknown_key, "inits of a key that is not enrolled and names no invitation")         \
	X(drop_unknown_invitation, "inits that name an invitation the relay does not hold")        \
	X(drop_repeated_init, "inits whose attempt was seen before")                               \
	X(drop_queue_full, "inits while as many as fit were waiting for a responder thread")       \
	X(drop_link_down, "inits and control frames while the table link was not in step")         \
	X(drop_answer_lost, "answers that the punt link did not take")                             \
	X(drop_install_failed, "pending sessions that the dataplane refused")                      \
	X(drop_unknown_session, "control frames of a session that is not the device's")            \
	X(operations, "control operations of devices answered")                                    \
	X(operations_repeated, "control operations that were asked before, answered again")        \
	X(operations_full, "control operations refused because a table is full")                   \
	X(operations_failed, "control operations that could not be written down")                  \
	X(table_messages_sent, "messages sent to the dataplane on the table link")                 \
	X(table_messages_received, "messages received from the dataplane on the table link")       \
	X(table_failures, "records that the dataplane refused")                                    \
	X(links_lost, "times that a link to the dataplane broke")                                  \
	X(message_erasures,                                                                        \
		"times that the message store erased what waits under a revoked route")            \
	X(erasures, "times that deleted rows were erased from the store's files")

enum control_counter {
#define X(name, help) CONTROL_COUNTER_##name,
	CONTROL_COUNTERS(X)
#undef X
		CONTROL_COUNTER_COUNT
};

#endif
