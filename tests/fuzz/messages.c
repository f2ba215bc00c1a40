/* Messages with a contact who means no good: a script of steps against one end. It must deliver no
 * number twice, acknowledge no number that it did not send or that it was told of before, take no
 * plaintext for one that breaks the rules, and stay within its memory (the run's -rss_limit_mb). */
#include "fuzz.h"
#include "src/ack.h"
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
	STEPS
};

enum { NUMBERS = 1 << 16, STEPS_MAX = 400, FRAMES_MAX = 4000 };

struct script {
	const uint8_t *data;
	size_t len;
	struct message_peer *peer;
	uint64_t now_ns;
	bool again, save_fails;
	uint8_t record[MESSAGE_RECORD_BYTES];
	size_t record_len;
	bool sent[NUMBERS], acknowledged[NUMBERS], delivered[NUMBERS];
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

static const struct message_calls calls = { on_save, on_deliver, on_acknowledged };

static void receive(struct script *s, enum seal_type type, uint64_t message, uint16_t frag,
	uint16_t frags, const uint8_t *data, size_t len)
{
	union {
		struct seal_plain plain;
		uint8_t bytes[SEAL_LARGE_PLAIN_BYTES];
	} in = { .bytes = { 0 } };
	in.plain.type = (uint8_t)type;
	in.plain.frag = put16(frag);
	in.plain.frags = put16(frags);
	in.plain.len = put16((uint16_t)len);
	in.plain.message = put64(message);
	if (data)
		memcpy(in.plain.data, data, len);
	else
		memset(in.plain.data, 'x', len);
	int result = message_receive(s->peer, s->now_ns, s->now_ns + len, &in.plain);
	MUST(result == 0 || result == -EPROTO);
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

static void send_message(struct script *s)
{
	static const uint8_t data[1 << 16];
	uint64_t number;
	uint16_t len = take16(s);
	if (message_backlog(s->peer).messages > 64)
		return;
	int result = message_send(s->peer, SEAL_DATA, data, len, &number);
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

static void reopen(struct script *s)
{
	/* With save() failing a delivered number may come again: see message.h. */
	s->save_fails = false;
	message_close(s->peer);
	MUST(message_open(&s->peer, &calls, s, s->record, s->record_len) == 0);
}

static void run_step(struct script *s)
{
	uint16_t bits;
	switch (take8(s) % STEPS) {
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
		send_message(s);
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
	default:
		reopen(s);
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
