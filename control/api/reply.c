/* How requests are answered and how things are written in answers. */
#include "request.h"
#include "src/key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *code;
	unsigned http;
} errors[] = {
#define X(name, code, status, exit, help) [API_##name] = { code, status },
	API_ERRORS(X)
#undef X
};

static void answer(struct api_request *request, unsigned http, json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
	json_decref(value);
	free(request->text);
	request->text = text;
	request->text_len = text != NULL ? strlen(text) : 0;
	request->content_type = "application/json";
	request->http = text != NULL ? http : 500; /* out of memory: a status and no words */
}

void api_reply(struct api_request *request, json_t *value)
{
	answer(request, 200, value);
}

void api_reply_created(struct api_request *request, json_t *value)
{
	answer(request, 201, value);
}

void api_reply_text(struct api_request *request, char *text, size_t len, const char *content_type)
{
	free(request->text);
	request->text = text;
	request->text_len = len;
	request->content_type = content_type;
	request->http = text != NULL ? 200 : 500;
}

static void fail(
	struct api_request *request, enum api_error error, const char *format, va_list arguments)
{
	char message[512];
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not follow va_start */
	vsnprintf(message, sizeof message, format, arguments);
	request->error = errors[error].code;
	answer(request, errors[error].http,
		json_pack(
			"{s:{s:s,s:s}}", "error", "code", errors[error].code, "message", message));
}

void api_fail(struct api_request *request, enum api_error error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fail(request, error, format, arguments);
	va_end(arguments);
}

void api_fail_errno(struct api_request *request, int error, const char *doing)
{
	switch (error) {
	case -ENOENT:
		api_fail(request, API_NOT_FOUND, "%s: it is gone", doing);
		return;
	case -ENOSPC:
		api_fail(request, API_FULL,
			"%s: the relay is full; revoke devices, cancel invitations, or give "
			"chappe-dataplane larger tables",
			doing);
		return;
	case -ENOTCONN:
		api_fail(request, API_DATAPLANE_DOWN,
			"%s: chappe-dataplane is not connected. Is it running (systemctl status "
			"chappe-dataplane), with the same run_dir?",
			doing);
		return;
	default:
		api_fail(request, API_INTERNAL, "%s: %s; the log of chappe-control says more",
			doing, strerror(-error));
	}
}

const char *api_time(int64_t unix_s, char text[API_TIME_BYTES])
{
	const time_t at = unix_s;
	struct tm parts;
	gmtime_r(&at, &parts);
	strftime(text, API_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

json_t *api_time_json(int64_t unix_s)
{
	char text[API_TIME_BYTES];
	return unix_s == 0 ? json_null() : json_string(api_time(unix_s, text));
}

const char *api_prefix(const uint8_t *bytes, char text[API_HEX_BYTES])
{
	return sodium_bin2hex(text, API_HEX_BYTES, bytes, 4);
}

const char *api_device_name(const struct store_device *device, char text[API_DEVICE_BYTES])
{
	uint8_t fingerprint[16];
	char hex[API_HEX_BYTES];
	crypto_generichash(
		fingerprint, sizeof fingerprint, device->key, sizeof device->key, NULL, 0);
	snprintf(text, API_DEVICE_BYTES, "%u-%s", device->id, api_prefix(fingerprint, hex));
	return text;
}

const char *api_index(uint32_t index, char text[API_HEX_BYTES])
{
	snprintf(text, API_HEX_BYTES, "0x%08x", index);
	return text;
}

const char *api_suite(unsigned suite)
{
	switch (suite) {
	case WIRE_SUITE_AES256GCM:
		return "AES-256-GCM";
	case WIRE_SUITE_CHACHA20POLY1305:
		return "ChaCha20-Poly1305";
	default:
		return "unknown";
	}
}

bool api_find_device(struct api_request *request, struct store_device *device)
{
	const char *name = request->path.device;
	char *end, whole[API_DEVICE_BYTES];
	errno = 0;
	const unsigned long id = strtoul(name, &end, 10);
	if (*name < '0' || *name > '9' || (*end != '\0' && *end != '-') || errno != 0 ||
		id > UINT32_MAX) {
		api_fail(request, API_BAD_REQUEST,
			"%s is no name of a device: it is named as in 17-3f9a2c1b, or 17", name);
		return false;
	}
	const int r = store_device_get(control_store(request->control), (uint32_t)id, device);
	const bool other =
		r == 0 && *end == '-' && strcasecmp(name, api_device_name(device, whole)) != 0;
	if (r == 0 && !other)
		return true;
	sodium_memzero(device, sizeof *device);
	if (r == -ENOENT || other)
		api_fail(request, API_NOT_FOUND,
			"no device %s%s%s: `chappectl device list --all` shows those there are",
			name, other ? "; number and fingerprint do not fit, there is " : "",
			other ? whole : "");
	else
		api_fail_errno(request, r, "reading the device");
	return false;
}

bool api_find_prefix(struct api_request *request, uint8_t prefix[16], size_t *len)
{
	const char *name = request->path.name, *end;
	const size_t digits = strlen(name);
	if (digits >= 8 && digits <= 32 &&
		sodium_hex2bin(prefix, 16, name, digits, NULL, len, &end) == 0 && *end == '\0')
		return true;
	api_fail(request, API_BAD_REQUEST,
		"%s is no name of a route or invitation: give its first 4 bytes, as lists show "
		"them, or more: 8 to 32 hexadecimal digits",
		name);
	return false;
}
