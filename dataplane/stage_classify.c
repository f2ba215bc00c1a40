#include "address.h"
#include "checksum.h"
#include "session.h"
#include "source_mark.h"
#include "stage.h"

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_udp.h>

/* What becomes of a frame: a branch, or the counter of a reason to drop it. */
enum {
	TRANSPORT = COUNTER_COUNT,
	INIT,
	HOST,
	IP_UDP, /* not decided yet: UDP follows */
};

/* Packets between asking for one that is summed and summing it. */
enum { CLASSIFY_AHEAD = 4 };

/* What is being looked at. */
struct view {
	struct rte_mbuf *mbuf;
	struct frame *frame;
	const uint8_t *at; /* the header that comes next */
	uint32_t left;     /* bytes from there to the end of what the header before covers */
};

static inline int check_ether(struct view *view, uint16_t *type)
{
	const struct rte_ether_hdr *ether = (const struct rte_ether_hdr *)view->at;

	if (view->left < sizeof *ether)
		return COUNTER_drop_truncated;
	if (rte_is_multicast_ether_addr(&ether->src_addr))
		return COUNTER_drop_bad_source;
	*type = ether->ether_type;
	uint32_t bytes = sizeof *ether;
	view->frame->vlan = 0;
	if ((view->mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
		view->frame->vlan = view->mbuf->vlan_tci & 0xfff;
	} else if (*type == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(ether + 1);
		bytes += (uint32_t)sizeof *tag;
		if (view->left < bytes)
			return COUNTER_drop_truncated;
		view->frame->vlan = rte_be_to_cpu_16(tag->vlan_tci) & 0xfff;
		*type = tag->eth_proto;
	}
	view->frame->ether_bytes = (uint8_t)bytes;
	view->at += bytes;
	view->left -= bytes;
	return 0;
}

static inline int check_ipv4(struct view *view, const struct config *config)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)view->at;
	const uint16_t fragment = RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	const uint64_t checked = view->mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (view->left < sizeof *ip || ip->version != 4 || rte_ipv4_hdr_len(ip) < sizeof *ip)
		return COUNTER_drop_truncated;
	const uint32_t total = rte_be_to_cpu_16(ip->total_length);
	if (total < rte_ipv4_hdr_len(ip) || total > view->left)
		return COUNTER_drop_truncated;
	if (!address_words_answered(config, address_words_of_ipv4(ip->dst_addr), view->frame->vlan,
		    view->mbuf->port))
		return COUNTER_drop_not_for_us;
	if (rte_ipv4_hdr_len(ip) != sizeof *ip)
		return COUNTER_drop_ip_options;
	if ((ip->fragment_offset & fragment) != 0)
		return COUNTER_drop_fragment;
	if (checked == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
		((checked & RTE_MBUF_F_RX_IP_CKSUM_GOOD) == 0 &&
			checksum_fold(checksum_sum(ip, sizeof *ip)) != 0xffff))
		return COUNTER_drop_checksum;
	if (!address_ipv4_source_ok(config, ip->src_addr))
		return COUNTER_drop_bad_source;
	if (ip->next_proto_id == IPPROTO_ICMP)
		return HOST;
	if (ip->next_proto_id != IPPROTO_UDP)
		return COUNTER_drop_not_udp;
	view->frame->family = 4;
	view->frame->ip_bytes = sizeof *ip;
	view->at += sizeof *ip;
	view->left = total - (uint32_t)sizeof *ip;
	return IP_UDP;
}

static inline int check_ipv6(struct view *view, const struct config *config)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)view->at;

	if (view->left < sizeof *ip || (*view->at >> 4) != 6)
		return COUNTER_drop_truncated;
	const uint32_t payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > view->left - sizeof *ip)
		return COUNTER_drop_truncated;
	/* Solicitations go to multicast addresses and may come from the unspecified one: host
	 * decides. */
	if (ip->proto == IPPROTO_ICMPV6)
		return HOST;
	if (!address_words_answered(
		    config, address_words(ip->dst_addr), view->frame->vlan, view->mbuf->port))
		return COUNTER_drop_not_for_us;
	if (!address_source_ok(config, ip->src_addr))
		return COUNTER_drop_bad_source;
	switch (ip->proto) {
	case IPPROTO_UDP:
		break;
	case IPPROTO_FRAGMENT:
		return COUNTER_drop_fragment;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		return COUNTER_drop_ip_options;
	default:
		return COUNTER_drop_not_udp;
	}
	view->frame->family = 6;
	view->frame->ip_bytes = sizeof *ip;
	view->at += sizeof *ip;
	view->left = payload;
	return IP_UDP;
}

static inline bool port_answered(const struct config *config, uint16_t port)
{
	for (uint32_t i = 0; i < config->udp_port_count; i++)
		if (config->udp_ports[i] == port)
			return true;
	return false;
}

/* Over the pseudo-header too, whose addresses lie before UDP's header in both families. */
static uint16_t udp_sum(uint8_t family, const struct rte_udp_hdr *udp, uint32_t len)
{
	const uint32_t addresses = family == 4 ? 8 : 32;
	const uint64_t pseudo =
		checksum_sum((const uint8_t *)udp - addresses, addresses) + RTE_BE16(IPPROTO_UDP);

	return checksum_fold(pseudo + udp->dgram_len + checksum_sum(udp, sizeof *udp) +
			     checksum_sum_cell(udp + 1, len - (uint32_t)sizeof *udp));
}

/* Zero says that the sender computed none: IPv4 allows it (RFC 768), IPv6 does not (RFC 8200,
 * 8.1). A port says GOOD, BAD, nothing, or by both bits that the packet is whole though its sum was
 * never filled in (RTE_MBUF_F_RX_L4_CKSUM_NONE): between virtual machines of one host. */
static inline bool udp_checksum_ok(
	const struct view *view, const struct rte_udp_hdr *udp, uint32_t len)
{
	const uint64_t checked = view->mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (udp->dgram_cksum == 0)
		return view->frame->family == 4;
	if ((checked & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0)
		return true;
	if (checked == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		return false;
	return udp_sum(view->frame->family, udp, len) == 0xffff;
}

static inline int check_udp(const struct view *view, const struct config *config)
{
	static const uint16_t reasons[] = {
		[WIRE_BAD_LENGTH] = COUNTER_drop_length,
		[WIRE_BAD_TYPE] = COUNTER_drop_type,
		[WIRE_BAD_VERSION] = COUNTER_drop_version,
		[WIRE_BAD_SUITE] = COUNTER_drop_suite,
		[WIRE_BAD_RESERVED] = COUNTER_drop_reserved,
	};
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)view->at;

	if (view->left < sizeof *udp)
		return COUNTER_drop_truncated;
	const uint32_t len = rte_be_to_cpu_16(udp->dgram_len);
	if (len < sizeof *udp || len > view->left)
		return COUNTER_drop_truncated;
	if (!port_answered(config, rte_be_to_cpu_16(udp->dst_port)))
		return COUNTER_drop_not_for_us;
	if (udp->src_port == 0)
		return COUNTER_drop_bad_source;
	const uint8_t *payload = (const uint8_t *)(udp + 1);
	const bool transport = wire_is_transport(payload, len - sizeof *udp);
	if (unlikely(!transport)) {
		const enum wire_verdict verdict = wire_check(payload, len - sizeof *udp);
		if (verdict != WIRE_OK)
			return reasons[verdict];
		if (*payload != WIRE_INIT)
			return COUNTER_drop_type;
	}
	if (!udp_checksum_ok(view, udp, len))
		return COUNTER_drop_checksum;
	return likely(transport) ? TRANSPORT : INIT;
}

/* What goes to everybody, or to somebody else on a port that listens to all, is not for us even
 * with our IP address (RFC 1122, 3.3.6). Hosts' own questions may be multicast: host.c looks at
 * them. */
static inline bool to_port(const struct view *view, const struct worker *worker)
{
	const struct rte_ether_hdr *ether =
		rte_pktmbuf_mtod(view->mbuf, const struct rte_ether_hdr *);

	return rte_is_same_ether_addr(&ether->dst_addr, &worker->ports[view->mbuf->port].mac);
}

static inline int check(struct view *view, const struct worker *worker)
{
	const struct config *config = worker->config;
	uint16_t type;

	if (view->mbuf->nb_segs != 1)
		return COUNTER_drop_multi_segment;
	int result = check_ether(view, &type);
	if (result != 0)
		return result;
	switch (type) {
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		return HOST;
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		result = check_ipv4(view, config);
		break;
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		result = check_ipv6(view, config);
		break;
	default:
		return COUNTER_drop_not_ip;
	}
	if (result == IP_UDP && unlikely(!to_port(view, worker)))
		return COUNTER_drop_not_for_us;
	return result == IP_UDP ? check_udp(view, config) : result;
}

/* From here on the mbuf's data is the UDP payload. */
static inline void bare(const struct view *view)
{
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)view->at;
	struct rte_mbuf *mbuf = view->mbuf;
	const uint32_t headers =
		view->frame->ether_bytes + view->frame->ip_bytes + (uint32_t)sizeof *udp;

	mbuf->data_off = (uint16_t)(mbuf->data_off + headers);
	mbuf->data_len = (uint16_t)(rte_be_to_cpu_16(udp->dgram_len) - sizeof *udp);
	mbuf->pkt_len = mbuf->data_len;
	view->frame->to_endpoint = 0;
}

/* The whole packet where its checksum is ours to work out. */
static inline void prefetch_unchecked(struct rte_mbuf *mbuf)
{
	if ((mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) == 0)
		for (uint32_t at = 2 * RTE_CACHE_LINE_SIZE; at < mbuf->data_len;
			at += RTE_CACHE_LINE_SIZE)
			rte_prefetch0(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, at));
}

uint32_t stage_classify(struct worker *worker, struct rte_mbuf **frames, uint32_t n)
{
	const uint64_t before = stage_flow(worker);
	uint64_t mark_key[2];
	uint32_t on = 0;

	memcpy(mark_key, worker->token_key, sizeof mark_key);
	for (uint32_t i = 0; i < RTE_MIN(n, (uint32_t)CLASSIFY_AHEAD); i++)
		prefetch_unchecked(frames[i]);
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = frames[i];
		if (i + CLASSIFY_AHEAD < n)
			prefetch_unchecked(frames[i + CLASSIFY_AHEAD]);
		struct view view = {
			.mbuf = mbuf,
			.frame = frame_of(mbuf),
			.at = rte_pktmbuf_mtod(mbuf, const uint8_t *),
			.left = mbuf->data_len,
		};
		const int what = check(&view, worker);
		if (likely(what == TRANSPORT)) {
			view.frame->source = source_mark(mbuf, view.at, mark_key);
			bare(&view);
			const struct wire_transport *header =
				(const struct wire_transport *)frame_bytes(mbuf);
			view.frame->index = get32(header->receiver_index);
			view.frame->counter = get64(header->counter);
			session_prefetch(worker->view, view.frame->index);
			if (on < SESSION_AHEAD) {
				session_prefetch_key(
					worker->view, view.frame->index, mbuf->data_len);
				frame_prefetch(mbuf);
			}
			frames[on++] = mbuf;
		} else if (what == INIT) {
			bare(&view);
			worker_batch_add(&worker->inits, mbuf);
		} else if (what == HOST) {
			worker_batch_add(&worker->hosts, mbuf);
		} else {
			worker_drop(worker, mbuf, (enum counter)what);
		}
	}
	stage_check_flow(worker, before, on, n);
	return on;
}
