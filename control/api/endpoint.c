#include "endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

/* IPv4 lies as ::ffff:a.b.c.d. */
static void write_address(uint8_t family, const uint8_t address[16], char text[INET6_ADDRSTRLEN])
{
	if (family == 4)
		inet_ntop(AF_INET, address + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
}

json_t *api_endpoint_json(const struct endpoint *endpoint)
{
	char remote[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN], next_hop[18];
	const uint8_t *mac = endpoint->next_hop;
	if (endpoint->family == 0)
		return json_null();
	write_address(endpoint->family, endpoint->remote, remote);
	write_address(endpoint->family, endpoint->local, local);
	snprintf(next_hop, sizeof next_hop, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
	return json_pack("{s:s,s:i,s:s,s:i,s:i,s:i,s:s}", "address", remote, "udp_port",
		ntohs(endpoint->remote_port), "relay_address", local, "relay_udp_port",
		ntohs(endpoint->local_port), "port", endpoint->port, "vlan", endpoint->vlan,
		"next_hop", next_hop);
}
