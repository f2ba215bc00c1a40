/* Counters of the dataplane, one line each: name and help. Every worker has a set of its own, which
 * it alone writes; readers add them up. A name that begins with drop_ is a reason why a frame
 * ended. */
#ifndef CHAPPE_COUNTERS_H
#define CHAPPE_COUNTERS_H

#define COUNTERS(X)                                                                                \
	X(rx_frames, "frames taken from receive queues")                                           \
	X(rx_bytes, "bytes taken from receive queues, Ethernet header included")                   \
	X(tx_frames, "frames handed to transmit queues")                                           \
	X(tx_bytes, "bytes handed to transmit queues, Ethernet header included")                   \
	X(relayed_frames, "live frames opened, routed and sealed for their recipient")             \
	X(steered_frames, "frames handed to the worker that owns their session")                   \
	X(egress_frames, "sealed frames handed to a worker with a queue on their port")            \
	X(punted_inits, "handshake inits handed to control")                                       \
	X(punted_controls, "control frames handed to control")                                     \
	X(keepalives, "keepalives answered")                                                       \
	X(challenges, "endpoint challenges sent")                                                  \
	X(endpoint_moves, "sessions whose endpoint changed")                                       \
	X(sessions_confirmed, "pending sessions confirmed")                                        \
	X(resets_sent, "reset frames sent")                                                        \
	X(cookie_replies, "cookie replies sent")                                                   \
	X(injected_frames, "frames from control and store that were sealed or sent as they are")   \
	X(stored_frames, "stored frames handed to the message store")                              \
	X(received_frames, "acknowledgements of recipients handed to the message store")           \
	X(accepted_frames, "durable acknowledgements sent to the senders of stored frames")        \
	X(delivered_frames, "stored frames sent to their recipients")                              \
	X(returned_frames, "stored frames given back to the store: no session of the recipient")   \
	X(host_arp, "ARP requests answered")                                                       \
	X(host_nd, "neighbour solicitations answered")                                             \
	X(host_echo, "ICMP and ICMPv6 echo requests answered")                                     \
	X(drop_not_ip, "neither IPv4, IPv6 nor ARP")                                               \
	X(drop_not_udp, "not UDP, nor a message the relay answers")                                \
	X(drop_not_for_us, "addressed to no MAC, address, VLAN or port of the relay")              \
	X(drop_bad_source, "source address that can't be answered: multicast, unspecified, ours")  \
	X(drop_fragment, "IP fragment")                                                            \
	X(drop_truncated, "shorter than its headers say")                                          \
	X(drop_multi_segment, "in more than one buffer")                                           \
	X(drop_ip_options, "IPv4 options or IPv6 extension headers")                               \
	X(drop_checksum, "bad IP or UDP checksum")                                                 \
	X(drop_length, "a UDP payload of neither cell size, or not of its type")                   \
	X(drop_type, "no frame type, or one that devices do not send")                             \
	X(drop_version, "handshake of another version")                                            \
	X(drop_suite, "handshake of an unknown suite, or one this machine lacks")                  \
	X(drop_reserved, "a reserved byte that is not zero")                                       \
	X(drop_mac1, "init with a wrong mac1")                                                     \
	X(drop_mac2, "init without the mac2 that load demands; a cookie reply was due or sent")    \
	X(drop_init_budget, "more inits in a burst than a worker handles")                         \
	X(drop_init_source, "more inits of one source than it may have under load")                \
	X(drop_punt_full, "punt ring to control full")                                             \
	X(drop_steer_full, "steering ring to the owner full")                                      \
	X(drop_egress_full, "egress ring to a worker with a queue full")                           \
	X(drop_inject_full, "inject ring full")                                                    \
	X(drop_unknown_index, "no session of that index")                                          \
	X(drop_expired, "session past its hard lifetime")                                          \
	X(drop_aead, "transport frame that does not open")                                         \
	X(drop_replay, "counter already seen, below the window or past the last")                  \
	X(drop_unconfirmed, "session not confirmed yet and no keepalive")                          \
	X(drop_inner, "inner header of a kind or with bytes that devices do not send")             \
	X(drop_meter, "over the device's rate")                                                    \
	X(drop_control_rate, "more control frames in a second than a session may send")            \
	X(drop_no_route, "no such route")                                                          \
	X(drop_not_live, "route does not allow live frames")                                       \
	X(drop_offline, "recipient has no confirmed session")                                      \
	X(drop_no_store, "stored and received frames: no message store is connected")              \
	X(drop_store_full, "stored and received frames: the ring to the message store is full")    \
	X(drop_not_owner, "received frames: the route is none of the device's own")                \
	X(drop_store_record, "from the message store, and not a record")                           \
	X(drop_send_counter, "recipient's send counter exhausted")                                 \
	X(drop_stale_session, "session ended while the frame was in a ring")                       \
	X(drop_endpoint, "endpoint on a port that is not there, or no room for its headers")       \
	X(drop_tx_full, "transmit queue full")                                                     \
	X(drop_no_control, "control is not connected")

enum counter {
#define X(name, help) COUNTER_##name,
	COUNTERS(X)
#undef X
		COUNTER_COUNT
};

#endif
