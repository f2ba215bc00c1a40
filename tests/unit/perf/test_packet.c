/* Packets as the generator writes them and as it takes the relay's: what is not right in every part
 * is not taken. */
#include "perf/loadgen/packet.h"
#include "src/wire.h"
#include "tests/unit/src/testing.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const uint8_t relay_mac[6] = { 2, 0, 0, 0, 0, 1 };

static struct endpoint device_at(uint8_t family, uint16_t vlan)
{
	struct endpoint device = { .family = family,
		.vlan = vlan,
		.next_hop = { 2, 0, 0, 0, 0, 0x0a },
		.local_port = htons(4460),
		.remote_port = htons(10001) };

	if (family == 4)
		device.local[10] = device.local[11] = device.remote[10] = device.remote[11] = 0xff;
	fill(device.local + 12, 4, 1);
	fill(device.remote + 12, 4, 2);
	return device;
}

/* A packet from the device, in memory of exactly its size. */
static uint8_t *packet_of(const struct endpoint *device, uint32_t cell_bytes, uint32_t *len)
{
	struct packet_template template;

	packet_template_set(&template, device, relay_mac, cell_bytes);
	*len = template.len + cell_bytes;
	uint8_t *packet = malloc(*len);
	assert_non_null(packet);
	fill(packet + template.len, cell_bytes, 3);
	packet_finish(&template, packet, cell_bytes);
	return packet;
}

static const struct {
	uint8_t family;
	uint16_t vlan;
	uint32_t cell_bytes;
} kinds[] = { { 4, 0, WIRE_SMALL_BYTES }, { 4, 9, WIRE_LARGE_BYTES }, { 6, 0, WIRE_LARGE_BYTES },
	{ 6, 4094, WIRE_SMALL_BYTES } };
enum { KINDS = sizeof kinds / sizeof *kinds };

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++) {
		const struct endpoint device = device_at(kinds[i].family, kinds[i].vlan);
		struct packet_view view;
		uint8_t cell[WIRE_LARGE_BYTES];
		uint32_t len;
		uint8_t *packet = packet_of(&device, kinds[i].cell_bytes, &len);
		assert_true(packet_parse(packet, len, &view));
		fill(cell, kinds[i].cell_bytes, 3);
		assert_int_equal(view.cell_bytes, kinds[i].cell_bytes);
		assert_memory_equal(view.cell, cell, view.cell_bytes);
		assert_int_equal(view.family, kinds[i].family);
		assert_int_equal(view.vlan, kinds[i].vlan);
		assert_int_equal(view.source_port, device.remote_port);
		assert_int_equal(view.target_port, device.local_port);
		assert_memory_equal(packet, relay_mac, 6);
		assert_memory_equal(packet + 6, device.next_hop, 6);
		assert_ptr_equal(packet_peek(packet, len, view.cell_bytes), view.cell);
		free(packet);
	}
}

/* Every bit behind the MAC addresses: not taken, or seen for what it says now. */
static void no_bit_may_change(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++) {
		const struct endpoint device = device_at(kinds[i].family, kinds[i].vlan);
		struct packet_view right, view;
		uint32_t len;
		uint8_t *packet = packet_of(&device, kinds[i].cell_bytes, &len);
		assert_true(packet_parse(packet, len, &right));
		for (size_t bit = 12 * 8; bit < len * 8; bit++) {
			flip_bit(packet, bit);
			const bool taken = packet_parse(packet, len, &view);
			/* Traffic class, flow label and hop limit of IPv6, priority of a tag: no
			 * checksum covers those, and nobody reads them. */
			if (taken && view.vlan == right.vlan)
				assert_true(bit / 8 < (size_t)(right.cell - packet) &&
					    (kinds[i].vlan != 0 || kinds[i].family == 6));
			flip_bit(packet, bit);
		}
		free(packet);
	}
}

static void shorter_ones_are_not_taken(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++) {
		const struct endpoint device = device_at(kinds[i].family, kinds[i].vlan);
		struct packet_view view;
		uint32_t len;
		uint8_t *packet = packet_of(&device, kinds[i].cell_bytes, &len);
		for (uint32_t shorter = 0; shorter < len; shorter++) {
			uint8_t *copy = malloc(shorter ? shorter : 1);
			assert_non_null(copy);
			memcpy(copy, packet, shorter);
			assert_false(packet_parse(copy, shorter, &view));
			free(copy);
		}
		assert_null(packet_peek(packet, len - 1, kinds[i].cell_bytes));
		free(packet);
	}
}

/* RFC 768: zero says that there is none; RFC 8200 forbids that. */
static void udp_without_a_checksum_is_for_ipv4(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct endpoint device = device_at(family, 0);
		struct packet_view view;
		uint32_t len;
		uint8_t *packet = packet_of(&device, WIRE_SMALL_BYTES, &len);
		memset(packet + len - WIRE_SMALL_BYTES - 2, 0, 2);
		assert_int_equal(packet_parse(packet, len, &view), family == 4);
		free(packet);
	}
}

/* What comes back goes from the relay's address to the device's, and to nobody else. */
static void knows_for_whom_it_is(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KINDS; i++) {
		const struct endpoint device = device_at(kinds[i].family, kinds[i].vlan);
		struct endpoint relay = device, other;
		struct packet_view view;
		uint32_t len;
		/* The relay's packet: both places change. */
		memcpy(relay.local, device.remote, sizeof relay.local);
		memcpy(relay.remote, device.local, sizeof relay.remote);
		relay.local_port = device.remote_port;
		relay.remote_port = device.local_port;
		struct packet_template template;
		packet_template_set(&template, &relay, device.next_hop, kinds[i].cell_bytes);
		len = template.len + kinds[i].cell_bytes;
		uint8_t *packet = calloc(1, len);
		assert_non_null(packet);
		packet_finish(&template, packet, kinds[i].cell_bytes);
		assert_true(packet_parse(packet, len, &view));
		assert_true(packet_is_for(&view, &device));
		other = device, other.remote_port++;
		assert_false(packet_is_for(&view, &other));
		other = device, other.local_port++;
		assert_false(packet_is_for(&view, &other));
		other = device, other.remote[15]++;
		assert_false(packet_is_for(&view, &other));
		other = device, other.local[15]++;
		assert_false(packet_is_for(&view, &other));
		other = device, other.vlan++;
		assert_false(packet_is_for(&view, &other));
		other = device, other.next_hop[5]++;
		assert_false(packet_is_for(&view, &other));
		free(packet);
	}
}

/* IPv4 allows a packet without a checksum: then bytes may change. */
static void may_go_without_a_checksum(void **state)
{
	(void)state;
	struct endpoint device = device_at(4, 0);
	struct packet_template template;
	struct packet_view view;
	uint8_t packet[PACKET_HEADERS_MAX_BYTES + WIRE_SMALL_BYTES] = { 0 };

	packet_template_set(&template, &device, relay_mac, WIRE_SMALL_BYTES);
	template.unsummed = true;
	packet_finish(&template, packet, WIRE_SMALL_BYTES);
	assert_int_equal(packet[template.udp + 6] | packet[template.udp + 7], 0);
	assert_true(packet_parse(packet, template.len + WIRE_SMALL_BYTES, &view));
	packet[template.len]++;
	assert_true(packet_parse(packet, template.len + WIRE_SMALL_BYTES, &view));
	assert_int_equal(*view.cell, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(no_bit_may_change),
		cmocka_unit_test(may_go_without_a_checksum),
		cmocka_unit_test(shorter_ones_are_not_taken),
		cmocka_unit_test(udp_without_a_checksum_is_for_ipv4),
		cmocka_unit_test(knows_for_whom_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
