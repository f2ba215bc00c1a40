#include "pcap.h"

#include "derive.h"
#include "packet.h"
#include "src/hop.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINKTYPE_ETHERNET = 1, SNAP_BYTES = 65535 };

/* https://www.ietf.org/archive/id/draft-gharris-opsawg-pcap-01.html, native byte order. */
struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap, linktype;
};

struct record_header {
	uint32_t seconds, microseconds, captured, length;
};

struct sender {
	struct derive_device device;
	struct hop_key key;
	struct packet_template template;
	uint64_t counter;
};

static int make_senders(
	const struct options *o, const struct derive *derive, struct sender *senders)
{
	for (uint32_t i = 0; i < o->devices; i++) {
		struct sender *sender = &senders[i];
		derive_device(derive, i, &sender->device);
		if (hop_key_init(&sender->key, o->suite, sender->device.to_relay) < 0) {
			fprintf(stderr, "chappe-loadgen: this machine lacks the instructions of "
					"aes256gcm; try --suite chacha20poly1305\n");
			return -1;
		}
		packet_template_set(
			&sender->template, &sender->device.endpoint, o->relay_mac, o->cell);
	}
	return 0;
}

static bool write_frame(
	const struct options *o, struct sender *sender, const struct sender *recipient, FILE *file)
{
	uint8_t packet[PACKET_HEADERS_MAX_BYTES + WIRE_LARGE_BYTES];
	uint8_t *cell = packet + sender->template.len;
	struct wire_inner *inner = (struct wire_inner *)(cell + WIRE_TRANSPORT_HEADER_BYTES);
	const uint32_t len = sender->template.len + o->cell;
	const struct record_header record = { .captured = len, .length = len };

	*inner = (struct wire_inner){ .kind = WIRE_LIVE };
	randombytes_buf(&inner->frame_id, sizeof inner->frame_id);
	memcpy(inner->route, recipient->device.route, sizeof inner->route);
	randombytes_buf(
		inner->payload, o->cell - WIRE_TRANSPORT_OVERHEAD_BYTES - WIRE_INNER_HEADER_BYTES);
	hop_seal(&sender->key, sender->device.index, sender->counter++, cell, o->cell);
	packet_finish(&sender->template, packet, o->cell);
	return fwrite(&record, sizeof record, 1, file) == 1 && fwrite(packet, len, 1, file) == 1;
}

static bool write_frames(const struct options *o, struct sender *senders, FILE *file)
{
	const struct file_header header = { .magic = 0xa1b2c3d4,
		.major = 2,
		.minor = 4,
		.snap = SNAP_BYTES,
		.linktype = LINKTYPE_ETHERNET };
	bool written = fwrite(&header, sizeof header, 1, file) == 1;

	/* Every device as often as the others, in random order: what a cache sees of many. */
	for (uint32_t i = 0; i < o->frames && written; i++) {
		const uint32_t n = o->frames >= o->devices && i < o->devices
					   ? i
					   : randombytes_uniform(o->devices);
		written = write_frame(
			o, &senders[n], &senders[derive_recipient(n, o->devices)], file);
	}
	return written;
}

int pcap_write(const struct options *o)
{
	struct derive derive = {
		.workers = o->workers, .vlan = o->vlan, .relay_port = o->relay_port
	};
	struct sender *senders =
		aligned_alloc(_Alignof(struct sender), o->devices * sizeof *senders);

	if (senders == NULL) {
		fprintf(stderr, "chappe-loadgen: no memory for %u devices\n", o->devices);
		return -1;
	}
	memset(senders, 0, o->devices * sizeof *senders);
	derive_seed(&derive, o->seed);
	memcpy(derive.mac, o->has_mac ? o->mac : derive_mac, sizeof derive.mac);
	memcpy(derive.relay, o->relay, sizeof derive.relay);
	derive_source(&derive, o->has_source ? o->source : NULL);
	int result = make_senders(o, &derive, senders);
	FILE *file = result == 0 ? fopen(o->pcap, "we") : NULL;
	if (result == 0 && file == NULL)
		result = -1;
	if (file != NULL) {
		const bool written = write_frames(o, senders, file);
		if (fclose(file) != 0 || !written)
			result = -1;
	}
	if (result < 0 && file != NULL)
		fprintf(stderr, "chappe-loadgen: %s: %s\n", o->pcap, strerror(errno));
	else if (result == 0)
		fprintf(stderr, "%s: %u frames with cells of %u bytes from %u devices\n", o->pcap,
			o->frames, o->cell, o->devices);
	free(senders);
	return result;
}
