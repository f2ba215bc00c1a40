/* What devices seal for and tell each other: payloads end to end, links. */
#include "inputs.h"
#include "src/link.h"
#include "src/seal.h"
#include <stdio.h>

enum { MESSAGE_NUMBER = 1 };
static const char TEXT[] = "Claude Chappe, Brulon to Parce, 2 March 1791";

int frames_put_sealed(const struct frames_sink *sink, const struct inputs *in, const char *size,
	uint8_t *frame, size_t payload_bytes)
{
	uint8_t plain[SEAL_LARGE_PLAIN_BYTES] = { 0 }, prologue[12 + WIRE_INNER_HEADER_BYTES];
	struct wire_inner *inner = (struct wire_inner *)frame;
	struct seal_plain *seal = (struct seal_plain *)plain;
	size_t plain_bytes = payload_bytes - SEAL_OVERHEAD_BYTES;
	struct noise noise;
	char name[32];

	*inner = (struct wire_inner){
		.kind = WIRE_LIVE,
		.frame_id = put64(0x0102030405060708 + payload_bytes),
	};
	memcpy(inner->route, in->route, sizeof inner->route);
	*seal = (struct seal_plain){
		.type = SEAL_DATA,
		.frags = put16(1),
		.len = put16(sizeof TEXT - 1),
		.message = put64(MESSAGE_NUMBER),
	};
	memcpy(seal->data, TEXT, sizeof TEXT - 1);
	snprintf(name, sizeof name, "e2e.%s_plain", size);
	frames_put(sink, name, "type, zero, frag, frags, len, message, data, zeros", plain,
		plain_bytes);

	memcpy(prologue, SEAL_PROLOGUE, 12);
	memcpy(prologue + 12, inner, WIRE_INNER_HEADER_BYTES);
	int result = noise_begin(&noise, NOISE_XPSK1, NOISE_CHACHAPOLY, true, prologue,
		sizeof prologue, &in->sender, in->device.public, in->contact_psk);
	noise.ephemeral = in->sender_ephemeral;
	if (result == 0)
		result = noise_write(&noise, plain, plain_bytes, inner->payload);
	snprintf(name, sizeof name, "e2e.%s_live", size);
	frames_put(sink, name,
		"inner header (kind 1) and sealed payload: Noise_Xpsk1_25519_ChaChaPoly_SHA256 "
		"over the plaintext, prologue 'chappe e2e 1' and the inner header",
		frame, WIRE_INNER_HEADER_BYTES + payload_bytes);
	noise_wipe(&noise);
	return result;
}

static void put_text(
	const struct frames_sink *sink, const char *name, const char *what, const char *text)
{
	frames_put(sink, name, what, text, strlen(text));
}

static int put_link(
	const struct frames_sink *sink, const char *name, const char *what, const struct link *link)
{
	char text[LINK_TEXT_BYTES];
	int result = link_format(link, text);
	if (result == 0)
		put_text(sink, name, what, text);
	return result;
}

int frames_put_links(const struct frames_sink *sink, const struct inputs *in)
{
	struct link link = {
		.kind = LINK_INVITE,
		.relay_count = 2,
		.relays = { "relay.example.org:4460", "[2001:2::2]:4460" },
		.expires_s = 1800000000,
	};
	uint8_t hello[LINK_HELLO_BYTES_MAX];
	char sas[SAS_BYTES];
	size_t hello_len;

	memcpy(link.relay_key, in->relay.public, sizeof link.relay_key);
	memcpy(link.invitation_id, in->invitation_id, sizeof link.invitation_id);
	memcpy(link.secret, in->psk, sizeof link.secret);
	int result = put_link(sink, "link.invite",
		"ASCII: invitation to the relay at relay.example.org:4460 or [2001:2::2]:4460, "
		"expiry 1800000000",
		&link);

	link.kind = LINK_CONTACT;
	link.expires_s = 0;
	memcpy(link.route, in->route, sizeof link.route);
	memcpy(link.device_key, in->device.public, sizeof link.device_key);
	memcpy(link.psk, in->contact_psk, sizeof link.psk);
	if (result == 0)
		result = put_link(sink, "link.contact", "ASCII: contact link of the device", &link);
	if (result == 0)
		result = hello_write(&link, hello, &hello_len);
	if (result)
		return result;
	frames_put(sink, "link.hello", "hello of the device: data of a sealed payload of type 3",
		hello, hello_len);
	sas_text(in->device.public, in->sender.public, in->contact_psk, sas);
	put_text(sink, "link.sas", "ASCII: short authentication string of device and sender", sas);
	return 0;
}
