#include "src/device/device.h"

#include <errno.h>

enum { ACCEPT_WITHIN_S = 30, TTL_MAX = 31 };

/* The smallest n with 2^n minutes >= minutes, at least 1; 0 stands for the relay's default. */
static uint8_t ttl_of(uint32_t minutes)
{
	uint8_t n = 1;

	if (minutes == 0)
		return 0;
	while (n < TTL_MAX && UINT32_C(1) << n < minutes)
		n++;
	return n;
}

/* The options as far as the caller's version of the header has them. */
static enum chappe_error way_of(const struct chappe_send_options *given, struct message_way *way)
{
	struct chappe_send_options options = { 0 };

	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	*way = (struct message_way){ .live = true };
	if (options.kind == CHAPPE_LIVE)
		return options.ttl_minutes ? CHAPPE_ERR_USAGE : CHAPPE_OK;
	if (options.kind != 0 && options.kind != CHAPPE_STORED)
		return CHAPPE_ERR_USAGE;
	if (options.accept_within_s == 0)
		options.accept_within_s = ACCEPT_WITHIN_S;
	*way = (struct message_way){
		.stored = true,
		.ttl = ttl_of(options.ttl_minutes),
		.accept_ns = options.accept_within_s * UINT64_C(1000000000),
	};
	return CHAPPE_OK;
}

static enum chappe_error queue(struct device_contact *contact, const struct message_way *way,
	const void *data, size_t len, uint64_t *number)
{
	struct message_backlog backlog = message_backlog(contact->messages);

	if (backlog.messages >= DEVICE_QUEUE_MESSAGES_MAX ||
		backlog.bytes + len > DEVICE_QUEUE_BYTES_MAX)
		return CHAPPE_ERR_BUSY;
	switch (message_send_way(contact->messages, SEAL_DATA, way, data, len, number)) {
	case 0:
		return CHAPPE_OK;
	case -EMSGSIZE:
		return CHAPPE_ERR_TOO_LARGE;
	case -ENOMEM:
		return CHAPPE_ERR_NO_MEMORY;
	case -EINVAL: /* it can't be sealed */
		return CHAPPE_ERR_INTERNAL;
	default:
		return CHAPPE_ERR_STORAGE;
	}
}

static enum chappe_error send(struct chappe *c, const char *name, const void *data, size_t len,
	const struct message_way *way, uint64_t *message)
{
	struct device_contact *contact = device_contact_find(c, name);
	uint64_t number = 0;
	enum chappe_error error;

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	if (!device_contact_writable(contact))
		return CHAPPE_ERR_CONTACT_NOT_READY;
	if (len > CHAPPE_MESSAGE_MAX_BYTES)
		return CHAPPE_ERR_TOO_LARGE;
	error = queue(contact, way, data, len, &number);
	if (!error && message)
		*message = number;
	return error;
}

enum chappe_error chappe_send_with(struct chappe *c, const char *name, const void *data, size_t len,
	const struct chappe_send_options *options, uint64_t *message)
{
	struct message_way way;
	enum chappe_error error = way_of(options, &way);

	return error ? error : send(c, name, data, len, &way, message);
}

enum chappe_error chappe_send(
	struct chappe *c, const char *name, const void *data, size_t len, uint64_t *message)
{
	const struct message_way live = { .live = true };

	return send(c, name, data, len, &live, message);
}

/* ---- The outbox ---- */

void chappe_outbox_each(struct chappe *c,
	void (*each)(void *context, const struct chappe_outbox_message *message), void *context)
{
	for (size_t i = 0; i < c->contact_count; i++) {
		const struct device_contact *contact = c->contacts[i];
		const struct device_kept *kept;
		for (kept = TAILQ_FIRST(&contact->kept); kept; kept = TAILQ_NEXT(kept, link)) {
			const struct chappe_outbox_message message = {
				.contact = contact->name,
				.message = kept->number,
				.kept_s = kept->kept_s,
				.bytes = kept->len,
				.dropped = kept->type == SEAL_GIVEN_UP,
			};
			if (kept->type != SEAL_HELLO) /* the contact's state tells of that */
				each(context, &message);
		}
	}
}

enum chappe_error chappe_outbox_drop(struct chappe *c, const char *name, uint64_t message)
{
	const struct device_contact *contact = device_contact_find(c, name);

	if (!contact)
		return CHAPPE_ERR_NO_CONTACT;
	if (!device_contact_open(contact) || message == contact->hello_number)
		return CHAPPE_ERR_NO_MESSAGE;
	switch (message_drop(contact->messages, message)) {
	case 0:
		return CHAPPE_OK;
	case -ENOENT:
		return CHAPPE_ERR_NO_MESSAGE;
	case -ENOMEM:
		return CHAPPE_ERR_NO_MEMORY;
	default:
		return CHAPPE_ERR_STORAGE;
	}
}
