#include "load.h"

#include "src/key.h"
#include "src/link.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char keys_title[] = "chappe-loadgen keys 1";
static const char invite_word[] = "chappe:invite/";

enum { DEVICE_ALIGN = 64, SPARE_SESSIONS = 64, LINE_BYTES = 512 };

/* Grows by doubling; NULL and a message where memory is short. */
static struct device *add_device(struct load *load)
{
	if ((load->device_count & (load->device_count - 1)) == 0) {
		const size_t room = load->device_count ? 2 * load->device_count : 1;
		struct device *more = reallocarray(load->devices, room, sizeof *more);
		if (more == NULL) {
			fprintf(stderr, "chappe-loadgen: no memory for %zu devices\n", room);
			return NULL;
		}
		load->devices = more;
	}
	struct device *device = &load->devices[load->device_count++];
	memset(device, 0, sizeof *device);
	return device;
}

static bool enough(const struct load *load)
{
	return load->options.devices && load->device_count >= load->options.devices;
}

/* The first name that is an address, of the family that --source asks for. */
static void use_relay(struct load *load, const struct link *link)
{
	for (unsigned i = 0; i < link->relay_count && !load->options.has_relay; i++) {
		char host[LINK_HOST_BYTES];
		uint16_t port;
		uint8_t address[16] = { [10] = 0xff, 0xff };
		if (link_relay_split(link->relays[i], host, &port) != 0 ||
			(inet_pton(AF_INET, host, address + 12) != 1 &&
				inet_pton(AF_INET6, host, address) != 1))
			continue;
		memcpy(load->options.relay, address, sizeof address);
		load->options.relay_port = port;
		load->options.has_relay = true;
	}
}

static int take_invitation(struct load *load, const char *text, size_t len)
{
	struct link link;
	struct link_error error;
	char why[LINK_ERROR_BYTES];

	if (link_parse(text, len, LINK_INVITE, &link, &error) != 0) {
		link_error_text(&error, why);
		fprintf(stderr, "chappe-loadgen: an invitation is wrong: %s\n", why);
		return -1;
	}
	int result = 0;
	if (load->device_count > 0 &&
		memcmp(load->relay_key, link.relay_key, sizeof load->relay_key) != 0) {
		fprintf(stderr, "chappe-loadgen: invitations are of more than one relay\n");
		result = -1;
	}
	struct device *device = result == 0 ? add_device(load) : NULL;
	if (device != NULL) {
		memcpy(load->relay_key, link.relay_key, sizeof load->relay_key);
		memcpy(device->psk, link.secret, sizeof device->psk);
		memcpy(device->invitation_id, link.invitation_id, sizeof device->invitation_id);
		noise_generate(&device->identity);
		use_relay(load, &link);
	}
	link_wipe(&link);
	return device != NULL ? 0 : -1;
}

/* All of a file or of standard input; the caller frees it. */
static char *read_all(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t room = 1 << 16, len = 0;
	char *text = file ? malloc(room) : NULL;

	while (text != NULL) {
		len += fread(text + len, 1, room - len - 1, file);
		if (len < room - 1)
			break;
		char *more = realloc(text, room *= 2);
		if (more == NULL)
			free(text);
		text = more;
	}
	if (text == NULL)
		fprintf(stderr, "chappe-loadgen: %s: %s\n", path, strerror(errno));
	else
		text[len] = '\0';
	if (file != NULL && file != stdin)
		fclose(file);
	return text;
}

/* Text or JSON: invitations are found by how they begin. */
static int read_invitations(struct load *load, const char *path)
{
	char *text = read_all(path);
	int result = text ? 0 : -1;

	for (const char *at = text;
		result == 0 && !enough(load) && (at = strstr(at, invite_word)) != NULL;) {
		size_t len = strlen(invite_word);
		while (isalnum((unsigned char)at[len]) || at[len] == '-' || at[len] == '_')
			len++;
		result = take_invitation(load, at, len);
		at += len;
	}
	if (text != NULL)
		sodium_memzero(text, strlen(text));
	free(text);
	return result;
}

/* A device: secret key, psk, both base64; route in hexadecimal or -. */
static bool read_device(struct load *load, const char *line)
{
	char secret[KEY_TEXT_BYTES + 1], psk[KEY_TEXT_BYTES + 1], route[2 * WIRE_ROUTE_BYTES + 2];
	size_t len;

	if (sscanf(line, "%45s %45s %33s", secret, psk, route) != 3)
		return false;
	struct device *device = add_device(load);
	bool ok = device != NULL &&
		  key_from_text(secret, strlen(secret), device->identity.secret) == 0 &&
		  key_from_text(psk, strlen(psk), device->psk) == 0;
	sodium_memzero(secret, sizeof secret);
	sodium_memzero(psk, sizeof psk);
	if (!ok)
		return false;
	noise_public_key(&device->identity);
	device->has_route = sodium_hex2bin(device->route, sizeof device->route, route,
				    strlen(route), NULL, &len, NULL) == 0 &&
			    len == sizeof device->route;
	return device->has_route || strcmp(route, "-") == 0;
}

static int read_keys(struct load *load, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES], key[KEY_TEXT_BYTES + 1], address[INET6_ADDRSTRLEN + 1];
	unsigned port;
	uint32_t number = 2;

	if (file == NULL)
		return errno == ENOENT ? 0 : -1;
	bool ok = fgets(line, sizeof line, file) &&
		  strncmp(line, keys_title, strlen(keys_title)) == 0 &&
		  fgets(line, sizeof line, file) &&
		  sscanf(line, "relay %45s %46s %u", key, address, &port) == 3 &&
		  key_from_text(key, strlen(key), load->relay_key) == 0;
	uint8_t relay[16];
	ok = ok && inet_pton(AF_INET6, address, relay) == 1;
	if (ok && !load->options.has_relay) {
		memcpy(load->options.relay, relay, sizeof relay);
		load->options.relay_port = (uint16_t)port;
		load->options.has_relay = true;
	}
	while (ok && !enough(load) && fgets(line, sizeof line, file)) {
		number++;
		ok = read_device(load, line);
	}
	sodium_memzero(line, sizeof line);
	fclose(file);
	if (!ok)
		fprintf(stderr, "chappe-loadgen: %s, line %u: not a keys file of this program\n",
			path, number);
	return ok ? 0 : -1;
}

int enrol_save(const struct load *load)
{
	char temporary[4096], key[KEY_TEXT_BYTES], psk[KEY_TEXT_BYTES];
	char address[INET6_ADDRSTRLEN], route[2 * WIRE_ROUTE_BYTES + 1];

	if (load->options.keys == NULL)
		return 0;
	snprintf(temporary, sizeof temporary, "%s.new", load->options.keys);
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file != NULL) {
		inet_ntop(AF_INET6, load->place.relay, address, sizeof address);
		key_to_text(load->relay_key, key);
		fprintf(file, "%s\nrelay %s %s %u\n", keys_title, key, address,
			load->place.relay_port);
	}
	for (uint32_t i = 0; file != NULL && i < load->device_count; i++) {
		const struct device *device = &load->devices[i];
		if (device->current == NULL)
			continue; /* not enrolled: its invitation is still good */
		key_to_text(device->identity.secret, key);
		key_to_text(device->psk, psk);
		sodium_bin2hex(route, sizeof route, device->route, sizeof device->route);
		fprintf(file, "%s %s %s\n", key, psk, device->has_route ? route : "-");
	}
	sodium_memzero(key, sizeof key);
	sodium_memzero(psk, sizeof psk);
	const bool written =
		file != NULL && fclose(file) == 0 && rename(temporary, load->options.keys) == 0;
	if (!written)
		fprintf(stderr, "chappe-loadgen: %s: %s\n", load->options.keys, strerror(errno));
	return written ? 0 : -1;
}

static int make_sessions(struct load *load)
{
	load->session_count = load->device_count + load->options.handshakes + SPARE_SESSIONS +
			      load->device_count / 4;
	load->sessions = aligned_alloc(DEVICE_ALIGN, load->session_count * sizeof *load->sessions);
	load->due = calloc(load->device_count, sizeof *load->due);
	if (load->sessions == NULL || load->due == NULL) {
		fprintf(stderr, "chappe-loadgen: no memory for %u sessions\n", load->session_count);
		return -1;
	}
	memset(load->sessions, 0, load->session_count * sizeof *load->sessions);
	for (uint32_t i = load->session_count; i-- > 0;) {
		load->sessions[i].local_index = i;
		load->sessions[i].device = UINT32_MAX;
		load->sessions[i].next_free = load->free_sessions;
		load->free_sessions = &load->sessions[i];
	}
	for (uint32_t i = 0; i < load->device_count; i++)
		load->ready += load->devices[i].ready;
	return 0;
}

static void set_place(struct load *load)
{
	struct derive *place = &load->place;

	memcpy(place->relay, load->options.relay, sizeof place->relay);
	place->relay_port = load->options.relay_port;
	place->vlan = load->options.vlan;
	derive_source(place, load->options.has_source ? load->options.source : NULL);
}

int enrol_load(struct load *load)
{
	if (load->options.keys && read_keys(load, load->options.keys) < 0)
		return -1;
	if (load->options.invitations && !enough(load) &&
		read_invitations(load, load->options.invitations) < 0)
		return -1;
	if (load->device_count < 2 || load->device_count < load->options.devices) {
		fprintf(stderr,
			"chappe-loadgen: %u devices of at least %u: chappectl invite --count N "
			"makes invitations, each for one device and for one run unless --keys "
			"keeps the device\n",
			load->device_count, load->options.devices ? load->options.devices : 2);
		return -1;
	}
	if (!load->options.has_relay) {
		fprintf(stderr, "chappe-loadgen: the invitations name no address, only names: give "
				"the relay's with --relay ADDR:PORT\n");
		return -1;
	}
	set_place(load);
	mac_keys_derive(&load->macs, load->relay_key);
	return make_sessions(load);
}

void enrol_wipe(struct load *load)
{
	if (load->devices != NULL)
		sodium_memzero(load->devices, load->device_count * sizeof *load->devices);
	if (load->sessions != NULL)
		sodium_memzero(load->sessions, load->session_count * sizeof *load->sessions);
	free(load->devices);
	free(load->sessions);
	free(load->due);
}
