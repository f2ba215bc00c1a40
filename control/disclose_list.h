/* What `chappectl disclose` names: every place in which the relay holds something, and every datum
 * there. Columns of the store are in STORE_COLUMNS; here are the structs of the three processes'
 * memory and what is in neither. A test compares the structs with the debugging information of the
 * programs: one that gains a field fails it until the field is named here. */
#ifndef CHAPPE_CONTROL_DISCLOSE_LIST_H
#define CHAPPE_CONTROL_DISCLOSE_LIST_H

#define CONTROL_PROCESS "chappe-control"
#define DATAPLANE_PROCESS "chappe-dataplane"
#define STORE_PROCESS "chappe-store"

/* identifier, kind (table, struct or other), name, process, medium, scope, about */
#define DISCLOSE_PLACES(P)                                                                         \
	P(relay_key, other, "relay.key", CONTROL_PROCESS, "disk and memory", relay,                \
		"the relay's identity, a file of its own")                                         \
	P(table_secret, table, "secret", CONTROL_PROCESS, "disk and memory", relay,                \
		"secrets of the relay in chappe.db")                                               \
	P(table_audit, table, "audit", CONTROL_PROCESS, "disk", relay,                             \
		"acts of administrators in chappe.db; `chappectl audit --all` prints them; never " \
		"acts of devices")                                                                 \
	P(table_message_store, table, "message_store", CONTROL_PROCESS, "disk", relay,             \
		"limits of the message store in chappe.db")                                        \
	P(table_erasure, table, "erasure", CONTROL_PROCESS, "disk", relay,                         \
		"revoked routes under which the message store is still to erase what waits, in "   \
		"chappe.db")                                                                       \
	P(backup_copy, other, "backup/", "chappe-control and chappe-store", "disk", relay,         \
		"copies of chappe.db and of the message store, while a backup is taken")           \
	P(handshakes, other, "handshakes in progress", CONTROL_PROCESS, "memory", relay,           \
		"inits that are being answered, no more than 4,096 at a time")                     \
	P(api_requests, other, "requests of administrators", CONTROL_PROCESS, "memory", relay,     \
		"rows of the store while they are read or written, and new invitations while "     \
		"they are handed out")                                                             \
	P(link_queue, other, "queues between the processes", CONTROL_PROCESS, "memory", relay,     \
		"what is on its way from control to the dataplane and back")                       \
	P(frame_buffers, other, "frame buffers", DATAPLANE_PROCESS, "memory", relay,               \
		"frames while they cross the relay, and what the next frame has not overwritten")  \
	P(workers, other, "workers", DATAPLANE_PROCESS, "memory", relay,                           \
		"counters and secrets of the packet path")                                         \
	P(store_files, other, "messages/", STORE_PROCESS, "disk", relay,                           \
		"cells/ and index/, RocksDB's files: the records of what waits (below, of each "   \
		"device), sealed under the keys of their epochs; and of what was erased, until a " \
		"file is rewritten or removed, which nobody can open once its epoch's key is "     \
		"gone")                                                                            \
	P(store_epoch, struct, "epoch", STORE_PROCESS, "disk and memory", relay,                   \
		"keys/: the keys under which records lie, one for each hour in which something "   \
		"arrived that waits")                                                              \
	P(store_calendar, struct, "calendar_page", STORE_PROCESS, "memory", relay,                 \
		"which numbers arrived in which minute, all devices together")                     \
	P(store_recent, struct, "recent_frame", STORE_PROCESS, "memory", relay,                    \
		"frames that were delivered a short while ago, so that a repetition is known; "    \
		"their records in messages/ have route and number of each, sealed together")       \
	P(store_pending, other, "batches", STORE_PROCESS, "memory", relay,                         \
		"frames on their way to the disk")                                                 \
	P(store_accept, struct, "accept_entry", STORE_PROCESS, "memory", relay,                    \
		"frames whose sender is still to hear that they were accepted: the one place "     \
		"where what waits and who sent it stand side by side")                             \
	P(store_rings, other, "rings", "chappe-dataplane and chappe-store", "memory", relay,       \
		"frames on their way between the two; a slot is wiped when it is taken")           \
	P(store_counters, other, "counters", STORE_PROCESS, "memory", relay,                       \
		"sums over all devices (chappectl store status)")                                  \
	P(logs, other, "logs", "all", "standard error, kept by whoever collects it", relay,        \
		"starts, stops, errors; no key, no route, no address of a device")                 \
	P(table_device, table, "device", CONTROL_PROCESS, "disk", device,                          \
		"the device's row in chappe.db")                                                   \
	P(table_route, table, "route", CONTROL_PROCESS, "disk", device,                            \
		"the device's routes in chappe.db; the relay does not know who holds them")        \
	P(table_invitation, table, "invitation", CONTROL_PROCESS, "disk", device,                  \
		"the invitation that the device used, in chappe.db")                               \
	P(control_device, struct, "device", CONTROL_PROCESS, "memory", device,                     \
		"the device as control remembers it")                                              \
	P(control_pending, struct, "pending", CONTROL_PROCESS, "memory", device,                   \
		"handshakes that the device has not confirmed yet")                                \
	P(control_operation, struct, "operation", CONTROL_PROCESS, "memory", device,               \
		"what the device asked of control in the last minute: routes made, revoked, set")  \
	P(dataplane_device, struct, "device", DATAPLANE_PROCESS, "memory", device,                 \
		"the device's slot in the dataplane's tables")                                     \
	P(dataplane_slot, struct, "slot", DATAPLANE_PROCESS, "memory", device,                     \
		"sessions of the device, as the main lcore keeps them")                            \
	P(session_receive, struct, "session_receive", DATAPLANE_PROCESS, "memory", device,         \
		"sessions of the device, the half that opens its frames")                          \
	P(session_send, struct, "session_send", DATAPLANE_PROCESS, "memory", device,               \
		"sessions of the device, the half that seals frames for it")                       \
	P(endpoint, struct, "endpoint", DATAPLANE_PROCESS, "memory", device,                       \
		"where the device's frames go: addresses of its sessions and candidates")          \
	P(dataplane_route, other, "route table", DATAPLANE_PROCESS, "memory", device,              \
		"the device's routes as the packet path looks them up")                            \
	P(waiting, other, "what waits", STORE_PROCESS, "disk", device,                             \
		"how much waits under each of the device's routes; nothing says who sent it")      \
	P(store_index, struct, "record_index_bytes", STORE_PROCESS, "disk", device,                \
		"a record of each frame that waits, beside the place of its cell; one entry here " \
		"for all under a route")                                                           \
	P(store_body, struct, "record_body_bytes", STORE_PROCESS, "disk", device,                  \
		"the frames themselves; one entry here for all under a route")                     \
	P(store_mailbox, struct, "mailbox", STORE_PROCESS, "memory", device,                       \
		"which frames wait under a route, and how far their delivery is")                  \
	P(store_device, struct, "deliver_device", STORE_PROCESS, "memory", device,                 \
		"how fast frames go to the device, by its slot")

#define SESSION_END "until the session ends, at most an hour after its handshake"
#define PENDING_END "until confirmed, at most 5 seconds"
#define MEMORY_END "until revoked or control stops"
#define OPERATION_END "a minute, so that a repeated request gets the same answer"
#define TABLE_END "until revoked or the dataplane stops"
#define WAITING_END                                                                                \
	"until received, expired, or the route or device is revoked; the limit is 21 days unless " \
	"`chappectl store limits` says otherwise"
#define DELIVERY_END "until chappe-store or the dataplane stops"
#define RECENT_END "ten minutes from arrival"
#define NOTHING "bookkeeping of the program; says nothing about the device"

/* place, datum, until when, what it is */
#define DISCLOSE_DATA(D)                                                                           \
	D(relay_key, secret, "as long as the relay",                                               \
		"identity key of the relay. With a recording of the wire it opens message 1 of "   \
		"handshakes: which device key called, and the id of its invitation. It opens no "  \
		"session, no frame and no payload; who has it and a device's psk can pose as the " \
		"relay to that device")                                                            \
	D(backup_copy, copies, "until the backup is taken, at most an hour; then overwritten",     \
		"what chappe.db and the message store held when the backup was begun; the backup " \
		"itself is wherever the operator keeps it, and holds all of that for as long")     \
	D(handshakes, init, "until answered, milliseconds", "the device's init, as it came")       \
	D(handshakes, endpoint, "until answered, milliseconds", "where the init came from")        \
	D(handshakes, keys, "until answered, milliseconds; then wiped",                            \
		"session keys on their way to the dataplane; they open frames of one session, no " \
		"payload")                                                                         \
	D(api_requests, rows, "until answered, milliseconds; then wiped", "as in the store")       \
	D(api_requests, secret, "until handed out, milliseconds; then wiped",                      \
		"secret of a new invitation, as in the store")                                     \
	D(link_queue, records, "until sent, milliseconds; then wiped",                             \
		"installs of sessions with their keys, routes, devices, control frames")           \
	D(frame_buffers, frames, "microseconds; the last ones until overwritten",                  \
		"opened frames: a route and a payload that stays sealed, which no key of the "     \
		"relay opens; the addresses it came from or goes to")                              \
	D(workers, counters, "until the dataplane stops",                                          \
		"sums over all devices; none is kept for one device (chappectl stats)")            \
	D(workers, cookie_secret, "4 minutes",                                                     \
		"proves that an address receives what is sent to it; opens nothing")               \
	D(workers, token_key, "until the dataplane stops",                                         \
		"proves that a device is at a new address; opens nothing")                         \
	D(workers, reset_secret, "until the dataplane stops",                                      \
		"the relay's reset secret, as in the store; opens nothing")                        \
	D(workers, source_buckets, "until the dataplane stops",                                    \
		"how many resets and, under load, handshakes a source may still have and when it " \
		"last had one, by a keyed hash of its address: many addresses share a bucket")     \
	D(store_files, records, WAITING_END, "sealed records")                                     \
	D(store_files, order, "until its file is rewritten",                                       \
		"the numbers of records, which count arrivals, and which of them were delivered: " \
		"readable without a key")                                                          \
	D(store_files, log, "until RocksDB rotates it",                                            \
		"when RocksDB opened, wrote and rewrote files, and how large they were")           \
	D(store_epoch, number, "until its last record is gone", "counts epochs")                   \
	D(store_epoch, records, "until its last record is gone", "how many records lie under it")  \
	D(store_epoch, key, "until its last record is gone; then overwritten and removed",         \
		"opens the records of that hour: route, order and time of what waits, and its "    \
		"payload, which stays sealed. Where the file system or the disk copies on write, " \
		"an overwritten key may survive in blocks that no file shows")                     \
	D(store_calendar, first, WAITING_END, "first number of the minute")                        \
	D(store_calendar, minute, WAITING_END, "the minute")                                       \
	D(store_calendar, epoch, WAITING_END, "its epoch")                                         \
	D(store_recent, hash, RECENT_END, "keyed hash of route and number of the frame")           \
	D(store_recent, arrived, RECENT_END, "minute of its arrival")                              \
	D(store_recent, epoch, RECENT_END, "the epoch of its record")                              \
	D(store_pending, route, "until written, milliseconds", "the route it was sent to")         \
	D(store_pending, frame_id, "until written, milliseconds", "random number of the frame")    \
	D(store_accept, index, "until told, milliseconds", "index of the sender's session")        \
	D(store_accept, device, "until told, milliseconds", "slot of the recipient")               \
	D(store_accept, frame_id, "until told, milliseconds", "random number of the frame")        \
	D(store_accept, route, "until told, milliseconds", "the route it was sent to")             \
	D(store_rings, frames, "until taken, milliseconds; then wiped",                            \
		"opened frames: a route and a payload that stays sealed; of stored ones the "      \
		"index "                                                                           \
		"of the sender's session and the slot of the recipient")                           \
	D(store_counters, counters, "until chappe-store stops",                                    \
		"frames accepted, delivered, refused; how long the disk took")                     \
	D(logs, lines, "as whoever collects them decides", "what the processes report")            \
	D(control_device, key, MEMORY_END, "public key, as in the store")                          \
	D(control_device, psk, MEMORY_END,                                                         \
		"as in the store: mixed into every handshake; opens no session and no payload")    \
	D(control_device, attempt, MEMORY_END,                                                     \
		"highest attempt number that the device confirmed since control started; counts "  \
		"its handshakes")                                                                  \
	D(control_device, bytes_per_s, MEMORY_END, "limit, as in the store")                       \
	D(control_device, routes_max, MEMORY_END, "limit, as in the store")                        \
	D(control_device, frames_per_s, MEMORY_END, "limit, as in the store")                      \
	D(control_device, id, MEMORY_END, "number of the device")                                  \
	D(control_device, session, SESSION_END, "index of its session")                            \
	D(control_device, earlier, SESSION_END, "index of the session before, while it ends")      \
	D(control_device, pending, PENDING_END, "its newest handshake not confirmed yet")          \
	D(control_device, next_by_key, MEMORY_END, NOTHING)                                        \
	D(control_device, next_by_id, MEMORY_END, NOTHING)                                         \
	D(control_device, state, MEMORY_END, "whether the slot is in use")                         \
	D(control_device, has_session, SESSION_END, "whether it has a session now")                \
	D(control_device, has_earlier, SESSION_END, "whether the one before still ends")           \
	D(control_pending, key, PENDING_END, "public key of the device")                           \
	D(control_pending, attempt, PENDING_END, "attempt number of the handshake")                \
	D(control_pending, index, PENDING_END, "index of the session to be")                       \
	D(control_pending, slot, PENDING_END, "slot of the device")                                \
	D(control_pending, next_of_slot, PENDING_END, NOTHING)                                     \
	D(control_pending, next_by_index, PENDING_END, NOTHING)                                    \
	D(control_pending, used, PENDING_END, NOTHING)                                             \
	D(control_pending, sent, PENDING_END, "whether the dataplane has been told")               \
	D(control_operation, frame_id, OPERATION_END, "random number of the request")              \
	D(control_operation, at_s, OPERATION_END, "when it was asked")                             \
	D(control_operation, device, OPERATION_END, "number of the device")                        \
	D(control_operation, slot, OPERATION_END, "slot of the device")                            \
	D(control_operation, session, OPERATION_END, "index of the session it came by")            \
	D(control_operation, next, OPERATION_END, NOTHING)                                         \
	D(control_operation, op, OPERATION_END, "what was asked")                                  \
	D(control_operation, status, OPERATION_END, "what was answered")                           \
	D(control_operation, flags, OPERATION_END, "flags of the route")                           \
	D(control_operation, frame_bytes, OPERATION_END, "size of the frame it came in")           \
	D(control_operation, state, OPERATION_END, "how far it is")                                \
	D(control_operation, route, OPERATION_END, "the route it is about")                        \
	D(dataplane_device, sessions, SESSION_END, "list of its sessions")                         \
	D(dataplane_device, pending, PENDING_END, "its session not confirmed yet")                 \
	D(dataplane_device, routes, TABLE_END, "list of its routes")                               \
	D(dataplane_device, limits, TABLE_END, "number of the class of its limits")                \
	D(dataplane_device, set, TABLE_END, "whether the slot is in use")                          \
	D(dataplane_device, named, TABLE_END, NOTHING)                                             \
	D(dataplane_slot, deadline, SESSION_END, "when the session ends")                          \
	D(dataplane_slot, lifetime, SESSION_END, "how long it may live")                           \
	D(dataplane_slot, index, SESSION_END, "index of the session")                              \
	D(dataplane_slot, device, SESSION_END, "slot of the device")                               \
	D(dataplane_slot, device_next, SESSION_END, NOTHING)                                       \
	D(dataplane_slot, keepalive_s, SESSION_END, "interval of keepalives granted")              \
	D(dataplane_slot, state, SESSION_END, "pending or confirmed")                              \
	D(dataplane_slot, generation, "as long as the dataplane", NOTHING)                         \
	D(dataplane_slot, reason, SESSION_END, "why it will end")                                  \
	D(dataplane_slot, named, SESSION_END, NOTHING)                                             \
	D(session_receive, key, SESSION_END,                                                       \
		"opens frames of this session on the wire, in memory only, wiped when it ends; "   \
		"what it uncovers is a route and a payload that stays sealed")                     \
	D(session_receive, confirmed, SESSION_END, "whether the device has confirmed it")          \
	D(session_receive, limits, SESSION_END, "number of the class of its limits")               \
	D(session_receive, index, SESSION_END, "index of the session, which its frames carry")     \
	D(session_receive, expires, SESSION_END, "when the session ends")                          \
	D(session_receive, source, SESSION_END,                                                    \
		"keyed hash of where the device's frames come from")                               \
	D(session_receive, head, SESSION_END,                                                      \
		"highest counter received: about how many frames the device sent")                 \
	D(session_receive, meter, SESSION_END,                                                     \
		"how much of its limits the device has used in the last second")                   \
	D(session_receive, bitmap, SESSION_END,                                                    \
		"which of the last 2,048 counters arrived, against replays")                       \
	D(session_receive, device, SESSION_END, "slot of the device")                              \
	D(session_receive, challenged, SESSION_END, "when it was last asked to prove its address") \
	D(session_receive, controls_s, SESSION_END,                                                \
		"in which second it last asked control for something, in 16 bits")                 \
	D(session_receive, controls, SESSION_END,                                                  \
		"how many requests to control it made in the last second that it made any")        \
	D(session_receive, reserved, SESSION_END, NOTHING)                                         \
	D(session_receive, candidate, SESSION_END,                                                 \
		"address that the device seems to have moved to, until proven")                    \
	D(session_send, key, SESSION_END,                                                          \
		"opens frames to the device on the wire, in memory only, wiped when it ends; "     \
		"what it uncovers is a route and a payload that stays sealed")                     \
	D(session_send, zero, SESSION_END, NOTHING)                                                \
	D(session_send, tag, SESSION_END, "index of the session, less what its place says")        \
	D(session_send, peer_index, SESSION_END, "index that the device chose for its end")        \
	D(session_send, counter, SESSION_END, "next counter to send: how many frames it got")      \
	D(session_send, endpoint, SESSION_END, "where frames for the device go")                   \
	D(endpoint, sequence, SESSION_END, NOTHING)                                                \
	D(endpoint, port, SESSION_END, "port of the relay's machine")                              \
	D(endpoint, vlan, SESSION_END, "VLAN")                                                     \
	D(endpoint, next_hop, SESSION_END, "MAC address of the next hop: a router, or the device") \
	D(endpoint, family, SESSION_END, "IPv4 or IPv6")                                           \
	D(endpoint, zero, SESSION_END, NOTHING)                                                    \
	D(endpoint, local, SESSION_END, "address of the relay that the device uses")               \
	D(endpoint, remote, SESSION_END, "IP address that the device's frames come from")          \
	D(endpoint, local_port, SESSION_END, "UDP port of the relay")                              \
	D(endpoint, remote_port, SESSION_END, "UDP port that the device's frames come from")       \
	D(endpoint, reserved, SESSION_END, NOTHING)                                                \
	D(dataplane_route, route, TABLE_END, "the route, as in the store")                         \
	D(dataplane_route, device, TABLE_END, "slot of the device it leads to")                    \
	D(dataplane_route, flags, TABLE_END, "whether live frames are allowed")                    \
	D(waiting, route, WAITING_END, "the route under which they wait")                          \
	D(waiting, frames, WAITING_END, "how many")                                                \
	D(waiting, large_frames, WAITING_END, "how many of them are of 1232 bytes")                \
	D(waiting, bytes, WAITING_END, "bytes of their cells")                                     \
	D(waiting, oldest, WAITING_END, "minute in which the first of them arrived")               \
	D(waiting, newest, WAITING_END, "minute in which the last of them arrived")                \
	D(store_index, epoch, WAITING_END, "under which key it is sealed; not sealed itself")      \
	D(store_index, route, WAITING_END, "the route it was sent to")                             \
	D(store_index, frame_id, WAITING_END, "random number that its sender gave it")             \
	D(store_index, arrived, WAITING_END, "minute in which it arrived")                         \
	D(store_index, ttl, WAITING_END, "how long its sender wants it to wait")                   \
	D(store_index, large, WAITING_END, "which of the two sizes it has")                        \
	D(store_index, tag, WAITING_END, NOTHING)                                                  \
	D(store_body, number, WAITING_END, "the how-manieth it is of all; its size")               \
	D(store_body, epoch, WAITING_END, "under which key it is sealed; not sealed itself")       \
	D(store_body, arrived, WAITING_END, "minute in which it arrived")                          \
	D(store_body, rest, WAITING_END,                                                           \
		"the frame: route, numbers, and the payload that its sender sealed for the "       \
		"recipient, which no key of the relay opens; then a tag")                          \
	D(store_mailbox, route, WAITING_END, "the route")                                          \
	D(store_mailbox, device, DELIVERY_END, "slot of the device it leads to")                   \
	D(store_mailbox, next, DELIVERY_END, NOTHING)                                              \
	D(store_mailbox, previous, DELIVERY_END, NOTHING)                                          \
	D(store_mailbox, count, WAITING_END, "how many frames wait")                               \
	D(store_mailbox, large, WAITING_END, "how many of them are of 1232 bytes")                 \
	D(store_mailbox, room, WAITING_END, NOTHING)                                               \
	D(store_mailbox, sent, DELIVERY_END, "how many are on their way to the device")            \
	D(store_mailbox, since_ms, DELIVERY_END, "since when nothing of them was received")        \
	D(store_mailbox, tries, DELIVERY_END, "how often they were sent in vain")                  \
	D(store_mailbox, has_finder, WAITING_END, NOTHING)                                         \
	D(store_mailbox, entries, WAITING_END,                                                     \
		"numbers of arrival, sizes and 14 bits of the frames' own numbers")                \
	D(store_device, due_us, DELIVERY_END, "when to look what is to be sent again")             \
	D(store_device, next, DELIVERY_END, NOTHING)                                               \
	D(store_device, previous, DELIVERY_END, NOTHING)                                           \
	D(store_device, at, DELIVERY_END, "route to go on with")                                   \
	D(store_device, acknowledged, DELIVERY_END, "frames it received in the last 5 ms")         \
	D(store_device, left, DELIVERY_END, "frames it may have in these 5 ms")                    \
	D(store_device, list, DELIVERY_END, NOTHING)                                               \
	D(store_device, in_vain, DELIVERY_END, "rounds of which nothing was received")             \
	D(store_device, online, DELIVERY_END, "whether it has a session")

/* What people ask for and does not exist. */
#define DISCLOSE_ABSENT(A)                                                                         \
	A("Plaintext of messages, or a key that opens it: payloads are sealed by one device for "  \
	  "another, and no process of the relay ever holds those keys.")                           \
	A("Live messages: a frame that can't be delivered at once is dropped, unless its sender "  \
	  "asked for it to be stored until its recipient is back.")                                \
	A("Who sent what waits: no record names a sender, a session or an address. The relay "     \
	  "knows under which route a message waits, when it arrived, and its size.")               \
	A("What was received or erased: it goes from the store, and with the last message of its " \
	  "hour the key that opens its remains. A backup that was made before holds both.")        \
	A("Who talks to whom: while a frame crosses the relay, its session and its route are in "  \
	  "memory side by side; they are never written down together, and routes do not say who "  \
	  "holds them.")                                                                           \
	A("When a device was last seen, where it was, how much it sent, on disk: sessions and "    \
	  "addresses are in memory only, and gone when the session ends or the process does.")     \
	A("Names, telephone numbers, e-mail addresses, contact lists: devices are keys.")          \
	A("Session keys of the past: they are wiped when their session ends, and neither the "     \
	  "relay's key nor a device's psk brings them back from a recording.")

#endif
