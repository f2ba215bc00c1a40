#include "wire.h"

static bool all_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;
	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

/* Bytes 1 to 3 of init and response. */
static enum wire_verdict check_handshake(const uint8_t *frame)
{
	if (frame[1] != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	if (frame[2] != WIRE_SUITE_AES256GCM && frame[2] != WIRE_SUITE_CHACHA20POLY1305)
		return WIRE_BAD_SUITE;
	return frame[3] == 0 ? WIRE_OK : WIRE_BAD_RESERVED;
}

static enum wire_verdict check_cookie_reply(const struct wire_cookie_reply *reply)
{
	bool ok = all_zero(reply->zero, sizeof reply->zero) &&
		  all_zero(reply->pad, sizeof reply->pad);
	return ok ? WIRE_OK : WIRE_BAD_RESERVED;
}

/* No flag of a reset is defined yet. */
static enum wire_verdict check_reset(const uint8_t *frame, size_t len)
{
	size_t pad = sizeof(struct wire_reset);
	bool ok = all_zero(frame + 1, 3) && all_zero(frame + pad, len - pad - WIRE_TAG_BYTES);
	return ok ? WIRE_OK : WIRE_BAD_RESERVED;
}

enum wire_verdict wire_check(const void *datagram, size_t len)
{
	const uint8_t *frame = datagram;
	if (wire_is_transport(datagram, len))
		return WIRE_OK;
	if (len != WIRE_SMALL_BYTES && len != WIRE_LARGE_BYTES)
		return WIRE_BAD_LENGTH;
	if (frame[0] == WIRE_TRANSPORT)
		return WIRE_BAD_RESERVED;
	if (frame[0] == WIRE_RESET)
		return check_reset(frame, len);
	if (frame[0] < WIRE_INIT || frame[0] > WIRE_COOKIE_REPLY)
		return WIRE_BAD_TYPE;
	if (len != WIRE_SMALL_BYTES)
		return WIRE_BAD_LENGTH;
	return frame[0] == WIRE_COOKIE_REPLY ? check_cookie_reply(datagram)
					     : check_handshake(frame);
}
