/* The door: one packet in, the branch it takes or the name of its end out. */
#include "relay.h"

static struct relay relay;

/* What is wrong with an otherwise good packet. Offsets count from the start of the IP header. */
enum change {
	NOTHING,
	IP_BYTE,   /* ip[at] = value, IPv4 checksum put right */
	IP_RAW,    /* ip[at] = value, nothing put right */
	ETHER,     /* ethernet[at] = value */
	UDP_BYTE,  /* udp[at] = value, checksum not put right */
	PAYLOAD,   /* payload[at] = value, before checksums */
	LENGTH,    /* payload of `at` bytes */
	CUT,       /* only the first `at` bytes of the packet */
	SEGMENTS,  /* in two buffers */
	TO,        /* last byte of the relay's address = value */
	FROM,      /* last bytes of the source: at = case below */
	TO_PORT,   /* UDP port = at */
	FROM_PORT, /* UDP port = at */
	VLAN,      /* with VLAN `at`, to the address of value */
	NO_SUM,    /* UDP checksum zero */
	FLAG,      /* mbuf->ol_flags |= flag, checksums spoilt when at is 1 */
};

enum outcome { TO_TRANSPORT = COUNTER_COUNT, TO_INIT, TO_HOST };

struct row {
	const char *name;
	uint8_t family;
	uint8_t type; /* of the wire format */
	enum change change;
	uint32_t at;
	uint8_t value;
	int expected;
	uint64_t flag;
};

#define DROP(name) COUNTER_drop_##name

static const struct row rows[] = {
	{ "transport over IPv4", 4, WIRE_TRANSPORT, NOTHING, 0, 0, TO_TRANSPORT, 0 },
	{ "transport over IPv6", 6, WIRE_TRANSPORT, NOTHING, 0, 0, TO_TRANSPORT, 0 },
	{ "large cell", 4, WIRE_TRANSPORT, LENGTH, 1232, 0, TO_TRANSPORT, 0 },
	{ "large cell over IPv6", 6, WIRE_TRANSPORT, LENGTH, 1232, 0, TO_TRANSPORT, 0 },
	{ "init", 4, WIRE_INIT, NOTHING, 0, 0, TO_INIT, 0 },
	{ "init over IPv6", 6, WIRE_INIT, NOTHING, 0, 0, TO_INIT, 0 },
	{ "ARP", 4, WIRE_TRANSPORT, ETHER, 13, 0x06, TO_HOST, 0 },
	{ "ICMP", 4, WIRE_TRANSPORT, IP_BYTE, 9, 1, TO_HOST, 0 },
	{ "ICMPv6", 6, WIRE_TRANSPORT, IP_RAW, 6, 58, TO_HOST, 0 },
	{ "right VLAN", 4, WIRE_TRANSPORT, VLAN, RELAY_VLAN, RELAY_VLAN_HOST, TO_TRANSPORT, 0 },
	{ "right VLAN, IPv6", 6, WIRE_TRANSPORT, VLAN, RELAY_VLAN, RELAY_VLAN_HOST, TO_TRANSPORT,
		0 },
	{ "no UDP checksum over IPv4", 4, WIRE_TRANSPORT, NO_SUM, 0, 0, TO_TRANSPORT, 0 },
	{ "checksums that the port found good", 4, WIRE_TRANSPORT, FLAG, 1, 0, TO_TRANSPORT,
		RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD },
	{ "checksums that nobody filled in, of a packet that the port knows to be whole", 4,
		WIRE_TRANSPORT, FLAG, 1, 0, TO_TRANSPORT,
		RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE },
	{ "VLAN tag that the port took off", 4, WIRE_TRANSPORT, FLAG, 0, 0, DROP(not_for_us),
		RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED },

	{ "MPLS", 4, WIRE_TRANSPORT, ETHER, 12, 0x88, DROP(not_ip), 0 },
	{ "VLAN in VLAN", 4, WIRE_TRANSPORT, ETHER, 16, 0x81, DROP(not_ip), 0 },
	{ "multicast source MAC", 4, WIRE_TRANSPORT, ETHER, 6, 0x03, DROP(bad_source), 0 },
	{ "another host's MAC", 4, WIRE_TRANSPORT, ETHER, 5, 9, DROP(not_for_us), 0 },
	{ "multicast MAC", 6, WIRE_TRANSPORT, ETHER, 0, 0x03, DROP(not_for_us), 0 },
	{ "another host's MAC in an init", 4, WIRE_INIT, ETHER, 5, 9, DROP(not_for_us), 0 },
	{ "TCP", 4, WIRE_TRANSPORT, IP_BYTE, 9, 6, DROP(not_udp), 0 },
	{ "TCP over IPv6", 6, WIRE_TRANSPORT, IP_RAW, 6, 6, DROP(not_udp), 0 },
	{ "other address", 4, WIRE_TRANSPORT, TO, 0, 77, DROP(not_for_us), 0 },
	{ "other IPv6 address", 6, WIRE_TRANSPORT, TO, 0, 77, DROP(not_for_us), 0 },
	{ "address of a VLAN, untagged", 4, WIRE_TRANSPORT, TO, 0, RELAY_VLAN_HOST,
		DROP(not_for_us), 0 },
	{ "untagged address in a VLAN", 4, WIRE_TRANSPORT, VLAN, RELAY_VLAN, RELAY_HOST,
		DROP(not_for_us), 0 },
	{ "other VLAN", 4, WIRE_TRANSPORT, VLAN, 6, RELAY_VLAN_HOST, DROP(not_for_us), 0 },
	{ "other port", 4, WIRE_TRANSPORT, TO_PORT, 4461, 0, DROP(not_for_us), 0 },
	{ "other port over IPv6", 6, WIRE_TRANSPORT, TO_PORT, 4461, 0, DROP(not_for_us), 0 },
	{ "source port 0", 4, WIRE_TRANSPORT, FROM_PORT, 0, 0, DROP(bad_source), 0 },
	{ "source 224.0.0.1", 4, WIRE_TRANSPORT, FROM, 224, 0, DROP(bad_source), 0 },
	{ "source 0.0.0.1", 4, WIRE_TRANSPORT, FROM, 0, 0, DROP(bad_source), 0 },
	{ "source 127.0.0.1", 4, WIRE_TRANSPORT, FROM, 127, 0, DROP(bad_source), 0 },
	{ "source 255.0.0.1", 4, WIRE_TRANSPORT, FROM, 255, 0, DROP(bad_source), 0 },
	{ "source ff00::", 6, WIRE_TRANSPORT, FROM, 0xff, 0, DROP(bad_source), 0 },
	{ "source is the relay", 4, WIRE_TRANSPORT, FROM, 1, RELAY_HOST, DROP(bad_source), 0 },
	{ "source is the relay, IPv6", 6, WIRE_TRANSPORT, FROM, 1, RELAY_HOST, DROP(bad_source),
		0 },
	{ "more fragments", 4, WIRE_TRANSPORT, IP_BYTE, 6, 0x20, DROP(fragment), 0 },
	{ "later fragment", 4, WIRE_TRANSPORT, IP_BYTE, 7, 1, DROP(fragment), 0 },
	{ "don't fragment", 4, WIRE_TRANSPORT, IP_BYTE, 6, 0x40, TO_TRANSPORT, 0 },
	{ "IPv6 fragment", 6, WIRE_TRANSPORT, IP_RAW, 6, 44, DROP(fragment), 0 },
	{ "hop-by-hop options", 6, WIRE_TRANSPORT, IP_RAW, 6, 0, DROP(ip_options), 0 },
	{ "routing header", 6, WIRE_TRANSPORT, IP_RAW, 6, 43, DROP(ip_options), 0 },
	{ "destination options", 6, WIRE_TRANSPORT, IP_RAW, 6, 60, DROP(ip_options), 0 },
	{ "authentication header", 6, WIRE_TRANSPORT, IP_RAW, 6, 51, DROP(ip_options), 0 },
	{ "IPv4 options", 4, WIRE_TRANSPORT, IP_BYTE, 0, 0x46, DROP(ip_options), 0 },
	{ "IHL too small", 4, WIRE_TRANSPORT, IP_BYTE, 0, 0x44, DROP(truncated), 0 },
	{ "version 5", 4, WIRE_TRANSPORT, IP_BYTE, 0, 0x55, DROP(truncated), 0 },
	{ "version 4 in IPv6", 6, WIRE_TRANSPORT, IP_RAW, 0, 0x40, DROP(truncated), 0 },
	{ "IP length too long", 4, WIRE_TRANSPORT, IP_BYTE, 2, 0x7f, DROP(truncated), 0 },
	{ "IP length too short", 4, WIRE_TRANSPORT, IP_BYTE, 2, 0, DROP(truncated), 0 },
	{ "IPv6 length too long", 6, WIRE_TRANSPORT, IP_RAW, 4, 0x7f, DROP(truncated), 0 },
	{ "UDP length too long", 4, WIRE_TRANSPORT, UDP_BYTE, 4, 0x7f, DROP(truncated), 0 },
	{ "UDP length too short", 4, WIRE_TRANSPORT, UDP_BYTE, 4, 0, DROP(length), 0 },
	{ "no whole Ethernet header", 4, WIRE_TRANSPORT, CUT, 13, 0, DROP(truncated), 0 },
	{ "no whole IPv4 header", 4, WIRE_TRANSPORT, CUT, 14 + 19, 0, DROP(truncated), 0 },
	{ "no whole IPv6 header", 6, WIRE_TRANSPORT, CUT, 14 + 39, 0, DROP(truncated), 0 },
	{ "nothing", 4, WIRE_TRANSPORT, CUT, 0, 0, DROP(truncated), 0 },
	{ "last byte missing", 4, WIRE_TRANSPORT, CUT, 14 + 28 + 511, 0, DROP(truncated), 0 },
	{ "two buffers", 4, WIRE_TRANSPORT, SEGMENTS, 0, 0, DROP(multi_segment), 0 },
	{ "IP checksum", 4, WIRE_TRANSPORT, IP_RAW, 10, 0, DROP(checksum), 0 },
	{ "UDP checksum", 4, WIRE_TRANSPORT, UDP_BYTE, 6, 1, DROP(checksum), 0 },
	{ "UDP checksum over IPv6", 6, WIRE_TRANSPORT, UDP_BYTE, 6, 1, DROP(checksum), 0 },
	{ "no UDP checksum over IPv6", 6, WIRE_TRANSPORT, NO_SUM, 0, 0, DROP(checksum), 0 },
	{ "IP checksum that the port found bad", 4, WIRE_TRANSPORT, FLAG, 0, 0, DROP(checksum),
		RTE_MBUF_F_RX_IP_CKSUM_BAD },
	{ "UDP checksum that the port found bad", 6, WIRE_TRANSPORT, FLAG, 0, 0, DROP(checksum),
		RTE_MBUF_F_RX_L4_CKSUM_BAD },
	{ "cell one byte short", 4, WIRE_TRANSPORT, LENGTH, 511, 0, DROP(length), 0 },
	{ "cell one byte long", 4, WIRE_TRANSPORT, LENGTH, 513, 0, DROP(length), 0 },
	{ "empty datagram", 6, WIRE_TRANSPORT, LENGTH, 0, 0, DROP(length), 0 },
	{ "large init", 4, WIRE_INIT, LENGTH, 1232, 0, DROP(length), 0 },
	{ "type 0", 4, WIRE_TRANSPORT, PAYLOAD, 0, 0, DROP(type), 0 },
	{ "type 6", 4, WIRE_TRANSPORT, PAYLOAD, 0, 6, DROP(type), 0 },
	{ "a response to the relay", 4, WIRE_RESPONSE, NOTHING, 0, 0, DROP(type), 0 },
	{ "a cookie reply to the relay", 4, WIRE_COOKIE_REPLY, NOTHING, 0, 0, DROP(type), 0 },
	{ "a reset to the relay", 4, WIRE_RESET, NOTHING, 0, 0, DROP(type), 0 },
	{ "init of version 2", 4, WIRE_INIT, PAYLOAD, 1, 2, DROP(version), 0 },
	{ "init of suite 3", 4, WIRE_INIT, PAYLOAD, 2, 3, DROP(suite), 0 },
	{ "reserved byte of an init", 4, WIRE_INIT, PAYLOAD, 3, 1, DROP(reserved), 0 },
	{ "reserved byte of a frame", 4, WIRE_TRANSPORT, PAYLOAD, 2, 1, DROP(reserved), 0 },
};

static void ip_sum(uint8_t *ip)
{
	uint32_t sum = 0;
	ip[10] = ip[11] = 0;
	for (uint32_t i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

static void change_endpoint(const struct row *row, struct endpoint *from)
{
	switch (row->change) {
	case TO:
		from->local[15] = row->value;
		break;
	case FROM:
		if (row->value != 0) {
			memcpy(from->remote, from->local, sizeof from->remote);
		} else if (row->family == 4) {
			memcpy(from->remote + 12, (uint8_t[]){ (uint8_t)row->at, 0, 0, 1 }, 4);
		} else {
			from->remote[0] = (uint8_t)row->at;
		}
		break;
	case TO_PORT:
		from->local_port = __builtin_bswap16((uint16_t)row->at);
		break;
	case FROM_PORT:
		from->remote_port = __builtin_bswap16((uint16_t)row->at);
		break;
	case VLAN:
		from->vlan = (uint16_t)row->at;
		from->local[15] = row->value;
		break;
	case ETHER:
		if (row->at == 16) /* behind the first tag */
			*from = place(from->port, row->family, RELAY_VLAN, 9, 1000);
		break;
	default:
		break;
	}
}

static void change_packet(const struct row *row, struct rte_mbuf *mbuf)
{
	uint8_t *ether = rte_pktmbuf_mtod(mbuf, uint8_t *), *ip = ether + 14;
	uint8_t *udp = ip + (row->family == 4 ? 20 : 40);
	struct rte_mbuf *more;

	switch (row->change) {
	case IP_BYTE:
		ip[row->at] = row->value;
		ip_sum(ip);
		break;
	case IP_RAW:
		ip[row->at] = row->value;
		break;
	case ETHER:
		ether[row->at] = row->value;
		break;
	case UDP_BYTE:
		udp[row->at] = row->value;
		break;
	case NO_SUM:
		udp[6] = udp[7] = 0;
		break;
	case CUT:
		rte_pktmbuf_trim(mbuf, (uint16_t)(mbuf->data_len - row->at));
		break;
	case SEGMENTS:
		more = rte_pktmbuf_alloc(relay.pool);
		rte_pktmbuf_append(more, 10);
		assert_int_equal(rte_pktmbuf_chain(mbuf, more), 0);
		break;
	case FLAG:
		mbuf->ol_flags |= row->flag;
		mbuf->vlan_tci = RELAY_VLAN;
		if (row->at == 1)
			ip[11]++, udp[7]++;
		break;
	default:
		break;
	}
}

static struct rte_mbuf *make(const struct row *row)
{
	uint8_t payload[WIRE_LARGE_BYTES + 8] = { row->type };
	struct endpoint from = place(relay.port_ids[0], row->family, 0, 9, 1000);
	uint32_t len = WIRE_SMALL_BYTES;

	if (row->type == WIRE_INIT || row->type == WIRE_RESPONSE)
		payload[1] = WIRE_VERSION, payload[2] = WIRE_SUITE_AES256GCM;
	if (row->change == PAYLOAD)
		payload[row->at] = row->value;
	if (row->change == LENGTH)
		len = row->at;
	memset(payload + 16, 0x5a, sizeof payload - 16);
	if (row->type == WIRE_COOKIE_REPLY || row->type == WIRE_RESET)
		memset(payload + 1, 0, sizeof payload - 1);
	change_endpoint(row, &from);
	struct rte_mbuf *mbuf = packet(&relay, &from, payload, len);
	mbuf->port = relay.port_ids[0];
	change_packet(row, mbuf);
	return mbuf;
}

static void assert_row(const struct row *row)
{
	struct worker *worker = relay.workers[0];
	struct rte_mbuf *frames[1] = { make(row) };
	uint64_t before[COUNTER_COUNT];

	memcpy(before, worker->counters, sizeof before);
	worker->taken++;
	const uint32_t on = stage_classify(worker, frames, 1);
	const uint32_t inits = worker->inits.n, hosts = worker->hosts.n;
	worker->inits.n = worker->hosts.n = 0;
	if (on + inits + hosts == 1) {
		if (on || inits)
			assert_true(rte_pktmbuf_pkt_len(frames[0]) == 512 ||
				    rte_pktmbuf_pkt_len(frames[0]) == 1232);
		rte_pktmbuf_free(frames[0]);
		worker->given++;
	}
	for (int counter = 0; counter < COUNTER_COUNT; counter++) {
		const uint64_t change = worker->counters[counter] - before[counter];
		if (change != (counter == row->expected))
			fail_msg("%s: counter %d is %lu, %d was expected", row->name, counter,
				change, row->expected);
	}
	if (on != (row->expected == TO_TRANSPORT) || inits != (row->expected == TO_INIT) ||
		hosts != (row->expected == TO_HOST))
		fail_msg("%s: took another branch: %u %u %u", row->name, on, inits, hosts);
}

static void each_packet_takes_its_branch_or_ends_by_name(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(rows); i++)
		assert_row(&rows[i]);
}

static void what_classify_notes_is_where_the_frame_came_from(void **state)
{
	static const struct {
		uint8_t family;
		uint16_t vlan;
	} kinds[] = { { 4, 0 }, { 6, 0 }, { 4, RELAY_VLAN }, { 6, RELAY_VLAN } };
	const struct wire_transport header = { .type = WIRE_TRANSPORT,
		.receiver_index = put32(0x01020304),
		.counter = put64(0x1122334455667788) };
	uint8_t payload[WIRE_SMALL_BYTES] = { 0 };
	struct endpoint source;

	(void)state;
	memcpy(payload, &header, sizeof header);
	for (uint32_t i = 0; i < RTE_DIM(kinds); i++) {
		const struct endpoint from =
			place(relay.port_ids[0], kinds[i].family, kinds[i].vlan, 9, 1000);
		struct rte_mbuf *mbuf = packet(&relay, &from, payload, sizeof payload);
		/* Ethernet pads short frames: what is behind the datagram does not count. */
		rte_pktmbuf_append(mbuf, 6);
		mbuf->port = relay.port_ids[0];
		assert_int_equal(stage_classify(relay.workers[0], &mbuf, 1), 1);
		frame_source(mbuf, &source);
		assert_true(endpoint_same(&source, &from));
		assert_int_equal(frame_of(mbuf)->index, 0x01020304);
		assert_int_equal(frame_of(mbuf)->counter, 0x1122334455667788);
		assert_int_equal(mbuf->data_len, sizeof payload);
		assert_memory_equal(frame_bytes(mbuf), payload, sizeof payload);
		rte_pktmbuf_free(mbuf);
	}
}

static void every_truncation_of_a_packet_is_survived(void **state)
{
	const struct row v4 = { "", 4, WIRE_TRANSPORT, NOTHING, 0, 0, 0, 0 };
	const struct row v6 = { "", 6, WIRE_TRANSPORT, NOTHING, 0, 0, 0, 0 };
	struct worker *worker = relay.workers[0];

	(void)state;
	for (uint32_t family = 0; family < 2; family++) {
		struct rte_mbuf *whole = make(family ? &v6 : &v4);
		const uint32_t all = whole->data_len;
		rte_pktmbuf_free(whole);
		for (uint32_t len = 0; len < all; len++) {
			struct rte_mbuf *mbuf = make(family ? &v6 : &v4);
			const uint64_t before = worker->counters[COUNTER_drop_truncated];
			rte_pktmbuf_trim(mbuf, (uint16_t)(all - len));
			worker->taken++;
			assert_int_equal(stage_classify(worker, &mbuf, 1), 0);
			assert_int_equal(worker->counters[COUNTER_drop_truncated], before + 1);
		}
	}
}

static int setup(void **state)
{
	(void)state;
	relay_start(&relay, &(struct relay_options){ 0 });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	relay_stop(&relay);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_packet_takes_its_branch_or_ends_by_name),
		TEST(what_classify_notes_is_where_the_frame_came_from),
		TEST(every_truncation_of_a_packet_is_survived),
	};
	if (relay_eal() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
