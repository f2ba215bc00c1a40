#include "src/cli/handover_client.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void handover_client_drop(struct handover_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	if (client->body)
		sodium_memzero(client->body, client->head.name_len + client->head.data_len);
	free(client->body);
	memset(client, 0, sizeof *client);
	client->fd = -1;
}

bool handover_client_tell(const struct handover_client *client, uint32_t answer)
{
	return handover_write(client->fd, &answer, sizeof answer);
}

bool handover_client_gone(const struct handover_client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static bool head_ok(const struct handover_request *head)
{
	bool send = head->wish == HANDOVER_SEND && head->name_len > 0;
	bool borrow = head->wish == HANDOVER_BORROW && !head->name_len && !head->data_len;

	return head->magic == HANDOVER_MAGIC && head->timeout_ms <= INT32_MAX && (send || borrow) &&
	       head->name_len <= CHAPPE_NAME_MAX_BYTES &&
	       head->data_len <= CHAPPE_MESSAGE_MAX_BYTES;
}

/* False: the client is gone. */
static bool read_some(struct handover_client *client, void *to, size_t want)
{
	ssize_t n = recv(client->fd, (char *)to + client->got, want - client->got, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->got += (size_t)n;
	return n > 0;
}

static bool take_head(struct handover_client *client)
{
	if (!head_ok(&client->head))
		return false;
	client->until_ms = cli_now_ms() + client->head.timeout_ms;
	client->wants_to_borrow = client->head.wish == HANDOVER_BORROW;
	client->got = 0;
	client->body = malloc((size_t)client->head.name_len + client->head.data_len + 1);
	return client->body != NULL;
}

bool handover_client_read(struct handover_client *client)
{
	bool in_body = client->body != NULL;
	size_t body_len = (size_t)client->head.name_len + client->head.data_len;
	size_t want = in_body ? body_len : sizeof client->head;
	bool good = read_some(client, in_body ? (void *)client->body : &client->head, want);

	if (good && client->got == want && !in_body)
		good = take_head(client);
	else if (good && client->got == want) {
		memcpy(client->name, client->body, client->head.name_len);
		return true;
	}
	if (!good)
		handover_client_drop(client);
	return false;
}
