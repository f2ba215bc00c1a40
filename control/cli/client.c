#include "client.h"
#include "cli.h"
#include "control/api/error.h"
#include "print.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	REPLY_BYTES_MAX = 64 << 20,
	CALL_TIMEOUT_S = 30, /* above the 5 s that chappe-control waits for chappe-dataplane */
};

struct reply_buffer {
	char *bytes;
	size_t len, size;
};

static size_t receive(char *bytes, size_t one, size_t len, void *arg)
{
	struct reply_buffer *buffer = arg;
	(void)one;
	if (len > REPLY_BYTES_MAX - buffer->len)
		return 0;
	if (buffer->len + len > buffer->size) {
		const size_t size = (buffer->len + len) * 2;
		char *grown = realloc(buffer->bytes, size);
		if (grown == NULL)
			return 0;
		buffer->bytes = grown;
		buffer->size = size;
	}
	memcpy(buffer->bytes + buffer->len, bytes, len);
	buffer->len += len;
	return len;
}

static int report(const struct options *options, int status, const char *code, const char *message)
{
	if (options->json) {
		json_t *error =
			json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message);
		json_dumpf(error, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(error);
	}
	fprintf(stderr, "chappectl: %s\n", message);
	return status;
}

static int report_error(const struct options *options, int status, const char *code,
	const char *format, va_list arguments)
{
	char message[512];
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not follow va_start */
	vsnprintf(message, sizeof message, format, arguments);
	return report(options, status, code, message);
}

int client_error(
	const struct options *options, int status, const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report_error(options, status, code, format, arguments);
	va_end(arguments);
	return status;
}

/* libcurl says only that it could not connect: connect once more to learn why. */
static int explain_unreachable(const struct options *options, const char *curl_says)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(options->socket) >= sizeof address.sun_path)
		return client_error(options, CLI_USAGE, "bad_request",
			"%s: too long for the path of a socket (%zu bytes at most)",
			options->socket, sizeof address.sun_path - 1);
	strcpy(address.sun_path, options->socket);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int r = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
	const int error = r == 0 ? 0 : errno;
	if (fd >= 0)
		close(fd);
	switch (error) {
	case ENOENT:
		return client_error(options, CLI_UNREACHABLE, "unreachable",
			"%s: no such socket. Is chappe-control running (systemctl status "
			"chappe-control)? Another socket is named by --socket or CHAPPECTL_SOCKET",
			options->socket);
	case ECONNREFUSED:
		return client_error(options, CLI_UNREACHABLE, "unreachable",
			"%s: nobody listens there any more. chappe-control has ended; its log says "
			"why (journalctl -u chappe-control)",
			options->socket);
	case EACCES:
	case EPERM:
		return client_error(options, CLI_FORBIDDEN, "forbidden",
			"%s: permission denied. Run as root, or join the group that owns the "
			"socket "
			"(adduser USER chappe, then log in again)",
			options->socket);
	default:
		return client_error(options, CLI_UNREACHABLE, "unreachable", "%s: %s",
			options->socket, error == 0 ? curl_says : strerror(error));
	}
}

static int api_failure(const struct options *options, long http, const json_t *reply)
{
	static const struct {
		const char *code;
		int exit;
	} exits[] = {
#define X(name, code, status, exit, help) { code, exit },
		API_ERRORS(X)
#undef X
	};
	const json_t *error = json_object_get(reply, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	if (code == NULL || message == NULL)
		return client_error(options, CLI_FAILED, "internal",
			"%s: answered with HTTP status %ld and no explanation; is it the socket of "
			"chappe-control?",
			options->socket, http);
	for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
		if (strcmp(exits[i].code, code) == 0)
			return report(options, exits[i].exit, code, message);
	return report(options, CLI_FAILED, code, message);
}

static CURLcode perform(CURL *curl, const struct options *options, int seconds, const char *method,
	const char *path, const char *body, struct reply_buffer *buffer, long *http)
{
	char url[1024];
	snprintf(url, sizeof url, "http://relay%s", path);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* http_proxy is for the network */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, buffer);
	if (body != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	const CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, http);
	curl_slist_free_all(headers);
	return code;
}

int client_call(const struct options *options, const char *method, const char *path, json_t *body,
	json_t **reply)
{
	return client_call_within(options, CALL_TIMEOUT_S, method, path, body, reply);
}

int client_call_within(const struct options *options, int seconds, const char *method,
	const char *path, json_t *body, json_t **reply)
{
	struct reply_buffer buffer = { 0 };
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	long http = 0;
	json_decref(body);
	*reply = NULL;
	CURL *curl = curl_easy_init();
	if (curl == NULL) {
		free(text);
		return client_error(options, CLI_FAILED, "internal", "out of memory");
	}
	const CURLcode code = perform(curl, options, seconds, method, path, text, &buffer, &http);
	curl_easy_cleanup(curl);
	free(text);
	int status;
	if (code == CURLE_COULDNT_CONNECT) {
		status = explain_unreachable(options, curl_easy_strerror(code));
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		status = client_error(options, CLI_UNREACHABLE, "unreachable",
			"%s: chappe-control did not answer within %d s", options->socket, seconds);
	} else if (code != CURLE_OK) {
		status = client_error(options, CLI_UNREACHABLE, "unreachable", "%s: %s",
			options->socket, curl_easy_strerror(code));
	} else {
		json_t *answer =
			buffer.len > 0 ? json_loadb(buffer.bytes, buffer.len, 0, NULL) : NULL;
		status = http >= 200 && http < 300 && json_is_object(answer)
				 ? CLI_OK
				 : api_failure(options, http, answer);
		if (status == CLI_OK)
			*reply = answer;
		else
			json_decref(answer);
	}
	free(buffer.bytes);
	return status;
}

int client_show(const struct options *options, const char *method, const char *path, json_t *body,
	json_t **reply)
{
	const int r = client_call(options, method, path, body, reply);
	if (r == CLI_OK && options->json) {
		print_json(*reply);
		*reply = NULL;
	}
	return r;
}

int client_list(const struct options *options, const char *path, const char *field, json_t **rows)
{
	char page[512];
	*rows = json_array();
	snprintf(page, sizeof page, "%s", path);
	for (;;) {
		json_t *reply;
		const int status = client_call(options, "GET", page, NULL, &reply);
		if (status != CLI_OK) {
			json_decref(*rows);
			*rows = NULL;
			return status;
		}
		json_array_extend(*rows, json_object_get(reply, field));
		const char *next = json_string_value(json_object_get(reply, "next"));
		if (next != NULL)
			snprintf(page, sizeof page, "%s%cafter=%s", path,
				strchr(path, '?') != NULL ? '&' : '?', next);
		json_decref(reply);
		if (next == NULL)
			return CLI_OK;
	}
}

int client_path(const struct options *options, char *path, size_t size, const char *format,
	const char *operand)
{
	const size_t len = strspn(operand, "0123456789abcdefABCDEF-");
	if (len == 0 || operand[len] != '\0' || len > 64) {
		client_error(options, CLI_USAGE, "bad_request",
			"`%s` is no name: devices are named as in 17-3f9a2c1b or 17, routes and "
			"invitations by their first 4 bytes or more, as in 5be1a07c",
			operand);
		return -1;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, size, format, operand);
#pragma GCC diagnostic pop
	return 0;
}
