#include "src/cli/handover.h"
#include "src/cli/handover_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool read_answer(int fd, uint32_t *answer)
{
	return recv(fd, answer, sizeof *answer, MSG_WAITALL) == sizeof *answer;
}

/* Where the receiver ends before it knows the outcome, nobody knows. */
static enum chappe_error unknown_outcome(uint32_t taken, const struct cli_sending *sending)
{
	if (taken != HANDOVER_QUEUED)
		return CHAPPE_ERR_CONTACT_NOT_READY;
	return sending->live ? CHAPPE_ERR_NOT_ACKNOWLEDGED : CHAPPE_ERR_KEPT;
}

enum chappe_error handover_send(const struct cli *cli, const char *name, const void *data,
	size_t len, const struct cli_sending *sending, int timeout_ms, bool *handed)
{
	const struct handover_request head = {
		.magic = HANDOVER_MAGIC,
		.wish = HANDOVER_SEND,
		.timeout_ms = (uint32_t)timeout_ms,
		.name_len = (uint32_t)strlen(name),
		.data_len = (uint32_t)len,
		.sending = *sending,
	};
	uint32_t taken = 0, outcome = CHAPPE_ERR_LOCKED;
	int fd = handover_connect(cli->directory, timeout_ms);

	*handed = false;
	if (fd < 0)
		return CHAPPE_ERR_LOCKED;
	*handed = handover_write(fd, &head, sizeof head) &&
		  handover_write(fd, name, head.name_len) && handover_write(fd, data, len) &&
		  read_answer(fd, &taken);
	if (*handed && !read_answer(fd, &outcome))
		outcome = unknown_outcome(taken, sending);
	close(fd);
	return (enum chappe_error)outcome;
}

int handover_borrow(const struct cli *cli, int timeout_ms)
{
	const struct handover_request head = {
		.magic = HANDOVER_MAGIC,
		.wish = HANDOVER_BORROW,
		.timeout_ms = (uint32_t)timeout_ms,
	};
	uint32_t answer = 0;
	int fd = handover_connect(cli->directory, timeout_ms);

	if (fd < 0)
		return -1;
	if (handover_write(fd, &head, sizeof head) && read_answer(fd, &answer) &&
		answer == HANDOVER_LENT)
		return fd;
	close(fd);
	return -1;
}
