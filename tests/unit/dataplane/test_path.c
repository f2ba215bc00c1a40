/* Whole turns of workers: what goes in at one port and what comes out. */
#include "relay.h"

static struct relay relay;

/* The relay forwards inner header and payload as they are, to where the recipient is. */
static void relay_one(const struct endpoint *from, const struct endpoint *to,
	enum wire_suite suite_a, enum wire_suite suite_b, uint32_t len)
{
	struct device_end alice, bob;
	struct datagram datagram;
	uint8_t frame[WIRE_LARGE_BYTES], sent[WIRE_LARGE_BYTES], sealed[WIRE_LARGE_BYTES];

	device_connect(&relay, &alice, 1, 0, suite_a, from);
	device_connect(&relay, &bob, 2, 0, suite_b, to);
	inner_make(frame, len, WIRE_LIVE, bob.route);
	memcpy(sent, frame, len);
	device_send(&relay, &alice, frame, len);
	memcpy(sealed, frame, len);
	const uint64_t relayed = relay_counter(&relay, COUNTER_relayed_frames);
	relay_turn(&relay);
	assert_int_equal(relay_counter(&relay, COUNTER_relayed_frames), relayed + 1);
	assert_true(relay_transmitted(&relay, 0, &datagram));
	assert_int_equal(datagram.len, len);
	assert_true(endpoint_same(&datagram.to, to));
	/* Nothing in common beyond the 16 header bytes. */
	for (uint32_t i = WIRE_TRANSPORT_HEADER_BYTES; i + 8 <= len; i++)
		for (uint32_t j = WIRE_TRANSPORT_HEADER_BYTES; j + 8 <= len; j++)
			assert_true(memcmp(sealed + i, datagram.payload + j, 8) != 0);
	device_open(&bob, &datagram);
	assert_memory_equal(datagram.payload + WIRE_TRANSPORT_HEADER_BYTES,
		sent + WIRE_TRANSPORT_HEADER_BYTES, len - WIRE_TRANSPORT_OVERHEAD_BYTES);
	tables_device_remove(relay.tables, 1);
	tables_device_remove(relay.tables, 2);
	relay_turn(&relay);
	relay_turn(&relay);
	assert_int_equal(relay_waiting(&relay), 0);
}

static void live_frames_are_forwarded_between_all_kinds_of_places(void **state)
{
	static const struct {
		uint8_t family;
		uint16_t vlan;
	} kinds[] = { { 4, 0 }, { 6, 0 }, { 4, RELAY_VLAN }, { 6, RELAY_VLAN } };
	(void)state;
	for (int offload = 0; offload < 2; offload++) {
		relay_start(&relay, &(struct relay_options){ .tx_checksum = offload == 1 });
		for (uint32_t i = 0; i < RTE_DIM(kinds); i++) {
			for (uint32_t j = 0; j < RTE_DIM(kinds); j++) {
				const uint16_t port = relay.port_ids[0];
				const struct endpoint from =
					place(port, kinds[i].family, kinds[i].vlan, 10, 1000);
				const struct endpoint to =
					place(port, kinds[j].family, kinds[j].vlan, 11, 1001);
				relay_one(&from, &to, i % 2 + 1, j / 2 + 1,
					j % 2 ? WIRE_LARGE_BYTES : WIRE_SMALL_BYTES);
			}
		}
		relay_stop(&relay);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_frames_are_forwarded_between_all_kinds_of_places),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
