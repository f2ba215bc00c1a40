/* Messages with a contact who means no good: a script of steps against one end. It must deliver no
 * number twice, acknowledge no number that it did not send or that it was told of before, take no
 * plaintext for one that breaks the rules, and stay within its memory (the run's -rss_limit_mb). */
#include "fuzz.h"
#include "src/message/ack.h"
#include <errno.h>

enum step {
	STEP_ADVANCE,  /* u16 ms */
	STEP_FRAGMENT, /* message u16, frag u16, frags u16, bytes of the last fragment u16 */
	STEP_HELLO,    /* message u16 */
	STEP_ACK,     /* floor u8, done u8, epoch u8, ranges u8, then offset, first, last u8 each */
	STEP_RAW_ACK, /* len u8, that many bytes */
	STEP_SEND,    /* u16 bytes */
	STEP_CANCEL,  /* number u8 */
	STEP_NEXT,    /* all that is due */
	STEP_OFFER,
	STEP_PATH,
	STEP_CALLS, /* bit 0: deliver() says -EAGAIN, bit 1: save() fails */
	STEP_REOPEN,
	STEP_SEND_STORED, /* u16 bytes */
	STEP_ACCEPTED,    /* u8: one of the last stored frames */
	STEP_DROP,        /* number u8 */
	STEP_STORED,      /* what comes next comes, or does not come, by the store */
	STEP_GIVEN_UP,    /* message u16, skip u8 */
	STEP_RECEIPTS,
	STEPS
};

enum { NUMBERS = 1 << 16, STEPS_MAX = 400, FRAMES_MAX = 4000, QUEUE_MAX = 64 };
enum { KEPT_MAX = 2 * QUEUE_MAX, KEPT_FRAGMENTS = 64, RECENT = 32 };

struct kept {
	uint64_t number; /* 0: free */
	enum seal_type type;
	uint16_t fragments;
	bool small_end;
	uint64_t frame_ids[KEPT_FRAGMENTS];
};

struct script {
	const uint8_t *data;
	size_t len;
	struct message_peer *peer;
	uint64_t now_ns;
	bool again, save_fails;
	uint8_t record[MESSAGE_RECORD_BYTES];
	size_t record_len;
	bool sent[NUMBERS], acknowledged[NUMBERS], delivered[NUMBERS];
	bool stored; /* how frames come */
	struct kept kept[KEPT_MAX];
	uint64_t recent[RECENT]; /* frame_ids of stored frames that went out */
	unsigned recent_count;
};

/* Zeros follow the end of the script. */
static uint16_t take8(struct script *s)
{
	if (s->len == 0)
		return 0;
	s->len--;
	return *s->data++;
}

static uint16_t take16(struct script *s)
{
	uint16_t low = take8(s);
	return (uint16_t)(low | take8(s) << 8);
}

static int on_save(void *context, const uint8_t *record, size_t len)
{
	struct script *s = context;
	if (s->save_fails)
		return -EIO;
	MUST(len == sizeof s->record);
	memcpy(s->record, record, len);
	s->record_len = len;
	return 0;
}

static int on_deliver(
	void *context, enum seal_type type, uint64_t number, const uint8_t *data, size_t len)
{
	struct script *s = context;
	MUST(type == SEAL_DATA || type == SEAL_HELLO);
	MUST(number > 0 && number < NUMBERS && !s->delivered[number]);
	MUST(len <= SEAL_MESSAGE_BYTES_MAX && (data || len == 0));
	if (s->again)
		return -EAGAIN;
	/* Every byte is read, for the sanitizer. */
	uint8_t any = 0;
	for (size_t i = 0; i < len; i++)
		any |= data[i];
	MUST(any == 0 || any == 'x');
	s->delivered[number] = true;
	return 0;
}

static void on_acknowledged(void *context, uint64_t number)
{
	struct script *s = context;
	MUST(number < NUMBERS && s->sent[number] && !s->acknowledged[number]);
	s->acknowledged[number] = true;
}

static struct kept *find_kept(struct script *s, uint64_t number)
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (s->kept[i].number == number)
			return &s->kept[i];
	return NULL;
}

static void on_accepted(void *context, uint64_t number)
{
	struct script *s = context;
	MUST(number < NUMBERS && s->sent[number] && find_kept(s, number));
}

static void on_not_accepted(void *context, uint64_t number)
{
	const struct script *s = context;
	MUST(number < NUMBERS && s->sent[number]);
}

static int on_keep(
	void *context, uint64_t number, uint16_t fragments, const struct outgoing *message)
{
	struct script *s = context;
	struct kept *kept = find_kept(s, number);
	struct message_frame frame;
	if (s->save_fails)
		return -EIO;
	if (!kept)
		kept = find_kept(s, 0);
	MUST(kept && number > 0 && fragments > 0 && fragments <= KEPT_FRAGMENTS);
	kept->number = number;
	kept->fragments = fragments;
	for (uint16_t i = 0; i < fragments; i++) {
		message_fill(message, i, &frame);
		MUST(!frame.kept && frame.number == number && frame.index == i);
		kept->type = (enum seal_type)frame.plain.type;
		kept->small_end = frame.plain_len == SEAL_SMALL_PLAIN_BYTES;
		kept->frame_ids[i] = frame.frame_id;
	}
	return 0;
}

static void on_discard(void *context, uint64_t number)
{
	struct kept *kept = find_kept(context, number);
	MUST(kept);
	kept->number = 0;
}

static const struct message_calls calls = { on_save, on_deliver, on_acknowledged, on_accepted,
	on_not_accepted, on_keep, on_discard };

struct opened {
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	};
};

static void receive_opened(struct script *s, const struct opened *in)
{
	uint64_t frame_id = s->now_ns + get16(in->plain.len);
	int result = s->stored ? message_receive_stored(s->peer, s->now_ns, frame_id, &in->plain)
			       : message_receive(s->peer, s->now_ns, frame_id, &in->plain);
	MUST(result == 0 || result == -EPROTO);
}

static void receive(struct script *s, enum seal_type type, uint64_t message, uint16_t frag,
	uint16_t frags, const uint8_t *data, size_t len)
{
	struct opened in = { .bytes = { 0 } };
	in.plain.type = (uint8_t)type;
	in.plain.frag = put16(frag);
	in.plain.frags = put16(frags);
	in.plain.len = put16((uint16_t)len);
	in.plain.message = put64(message);
	if (data)
		memcpy(in.plain.data, data, len);
	else
		memset(in.plain.data, 'x', len);
	receive_opened(s, &in);
}

static void receive_given_up(struct script *s)
{
	struct opened in = { .plain = { .type = SEAL_GIVEN_UP, .frags = put16(1) } };
	uint16_t message = take16(s) | 1;
	uint8_t skip = (uint8_t)take8(s);
	in.plain.message = put64(message);
	in.plain.skip = (skip & SEAL_SKIP_MAX) < message ? skip : 0;
	receive_opened(s, &in);
}

/* What seal_open() lets through, and nothing else. */
static void receive_fragment(struct script *s)
{
	uint16_t message = take16(s), frags = take16(s), frag = take16(s), len = take16(s);
	if (message == 0)
		message = 1;
	frags = (uint16_t)(frags % SEAL_FRAGMENTS_MAX + 1);
	frag %= frags;
	len %= SEAL_LARGE_DATA_BYTES + 1;
	if (frag < frags - 1)
		len = SEAL_LARGE_DATA_BYTES;
	else if (frags > 1 && len == 0)
		len = 1;
	if ((size_t)frag * SEAL_LARGE_DATA_BYTES + len > SEAL_MESSAGE_BYTES_MAX)
		len = SEAL_MESSAGE_BYTES_MAX % SEAL_LARGE_DATA_BYTES;
	receive(s, SEAL_DATA, message, frag, frags, NULL, len);
}

static void receive_ack(struct script *s)
{
	uint8_t data[SEAL_LARGE_DATA_BYTES];
	struct ack ack = { .floor = take8(s), .done = take8(s), .epoch = take8(s) };
	unsigned ranges = take8(s) % (ACK_RANGES_MAX + 1);
	for (; ack.count < ranges && s->len > 0; ack.count++) {
		ack.ranges[ack.count].message = ack.done + take8(s);
		ack.ranges[ack.count].first = take8(s);
		ack.ranges[ack.count].last = take8(s);
		if (ack.ranges[ack.count].last == 0xff)
			ack.ranges[ack.count].last = ACK_WHOLE;
	}
	size_t len = ack_write(&ack, data);
	receive(s, SEAL_ACK, 0, 0, 1, data, len);
}

static void receive_raw_ack(struct script *s)
{
	size_t len = take8(s);
	if (len > s->len)
		len = s->len;
	receive(s, SEAL_ACK, 0, 0, 1, s->data, len);
	s->data += len;
	s->len -= len;
}

static void send_message(struct script *s, const struct message_way *way)
{
	static const uint8_t data[1 << 16];
	uint64_t number;
	uint16_t len = take16(s);
	if (message_backlog(s->peer).messages >= QUEUE_MAX)
		return;
	int result = message_send_way(s->peer, SEAL_DATA, way, data, len, &number);
	MUST(result == 0 || (s->save_fails && result == -EIO));
	if (result == 0) {
		MUST(number < NUMBERS && !s->sent[number]);
		s->sent[number] = true;
	}
}

/* What goes out obeys the rules that come in. */
static void send_due(struct script *s)
{
	struct message_frame frame;
	int frames = 0;
	while (frames++ < FRAMES_MAX && message_next(s->peer, s->now_ns, &frame)) {
		uint16_t len = get16(frame.plain.len), frags = get16(frame.plain.frags);
		struct ack ack;
		if (frame.way.stored)
			s->recent[s->recent_count++ % RECENT] = frame.frame_id;
		if (frame.kept) {
			const struct kept *kept = find_kept(s, frame.number);
			MUST(kept && frame.index < kept->fragments);
			MUST(kept->frame_ids[frame.index] == frame.frame_id);
			continue;
		}
		MUST(frame.plain_len == seal_plain_bytes(len));
		MUST(get16(frame.plain.frag) < frags && frags <= SEAL_FRAGMENTS_MAX);
		if (frame.plain.type == SEAL_ACK)
			MUST(ack_parse(frame.plain.data, len, &ack) == 0);
		else
			MUST(s->sent[get64(frame.plain.message)]);
	}
	MUST(frames < FRAMES_MAX); /* paced: never without end at one moment */
	(void)message_deadline(s->peer);
}

static void restore(struct script *s)
{
	for (uint64_t number = 0;;) {
		const struct kept *next = NULL;
		for (unsigned i = 0; i < KEPT_MAX; i++)
			if (s->kept[i].number > number &&
				(!next || s->kept[i].number < next->number))
				next = &s->kept[i];
		if (!next)
			return;
		number = next->number;
		const struct message_kept kept = { number, next->type, next->fragments,
			next->small_end, next->frame_ids };
		int result = message_restore(s->peer, &kept);
		MUST(result == 0 || result == -EALREADY);
		if (result)
			on_discard(s, number);
	}
}

static void reopen(struct script *s)
{
	/* With save() failing a delivered number may come again: see message.h. */
	s->save_fails = false;
	message_close(s->peer);
	MUST(message_open(&s->peer, &calls, s, s->record, s->record_len) == 0);
	restore(s);
}

/* Notices stay until they are accepted, so there is an end to dropping. */
static void drop_message(struct script *s)
{
	unsigned notices = 0;
	for (unsigned i = 0; i < KEPT_MAX; i++)
		notices += s->kept[i].number && s->kept[i].type == SEAL_GIVEN_UP;
	uint16_t number = take8(s);
	if (notices >= QUEUE_MAX)
		return;
	int result = message_drop(s->peer, number);
	MUST(result == 0 || result == -ENOENT || (s->save_fails && result == -EIO));
}

static void forget_at_the_relay(struct script *s)
{
	uint64_t frame_id;
	int count = 0;
	while (message_receipt(s->peer, s->now_ns, &frame_id))
		MUST(++count < FRAMES_MAX);
}

static void run_stored_step(struct script *s, unsigned step)
{
	const struct message_way way = { .stored = true, .accept_ns = MESSAGE_ACCEPT_NS };
	switch (step) {
	case STEP_SEND_STORED:
		send_message(s, &way);
		break;
	case STEP_ACCEPTED:
		message_relay_heard(s->peer, s->now_ns);
		message_accepted(s->peer, s->now_ns, s->recent[take8(s) % RECENT]);
		break;
	case STEP_DROP:
		drop_message(s);
		break;
	case STEP_STORED:
		s->stored = !s->stored;
		break;
	case STEP_GIVEN_UP:
		receive_given_up(s);
		break;
	default:
		forget_at_the_relay(s);
	}
}

static void run_step(struct script *s)
{
	const struct message_way live = { .live = true };
	unsigned step = take8(s) % STEPS;
	uint16_t bits;
	switch (step) {
	case STEP_ADVANCE:
		s->now_ns += take16(s) * UINT64_C(1000000);
		break;
	case STEP_FRAGMENT:
		receive_fragment(s);
		break;
	case STEP_HELLO:
		receive(s, SEAL_HELLO, take16(s) | 1, 0, 1, NULL, 32);
		break;
	case STEP_ACK:
		receive_ack(s);
		break;
	case STEP_RAW_ACK:
		receive_raw_ack(s);
		break;
	case STEP_SEND:
		send_message(s, &live);
		break;
	case STEP_CANCEL:
		(void)message_cancel(s->peer, take8(s));
		break;
	case STEP_NEXT:
		send_due(s);
		break;
	case STEP_OFFER:
		message_offer(s->peer, s->now_ns);
		break;
	case STEP_PATH:
		message_path_restored(s->peer, s->now_ns);
		break;
	case STEP_CALLS:
		bits = take8(s);
		s->again = bits & 1;
		s->save_fails = bits & 2;
		break;
	case STEP_REOPEN:
		reopen(s);
		break;
	default:
		run_stored_step(s, step);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(sodium_init() >= 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script *s = calloc(1, sizeof *s);
	struct message_peer *peer;
	MUST(s);
	/* A record from disk, whatever is in it: opened or refused. */
	if (message_open(&peer, &calls, s, data, len) == 0)
		message_close(peer);
	memset(s, 0, sizeof *s);
	s->data = data;
	s->len = len;
	s->now_ns = 1;
	MUST(message_open(&s->peer, &calls, s, NULL, 0) == 0);
	for (int step = 0; step < STEPS_MAX && s->len > 0; step++)
		run_step(s);
	message_close(s->peer);
	free(s);
	return 0;
}
