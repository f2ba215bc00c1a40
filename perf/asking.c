#include "asking.h"

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ASKING_PAUSE_US = 5000 };

static void ask(const struct asking *asking)
{
	static const char request[] =
		"GET /v1/status HTTP/1.1\r\nHost: chappe\r\nConnection: close\r\n\r\n";
	char answer[4096];
	size_t len = 0;
	ssize_t got = 0;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&asking->address, sizeof asking->address) < 0 ||
		send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
		bench_fail("%s: %s", asking->address.sun_path, strerror(errno));
	while (len < sizeof answer - 1 &&
		(got = recv(fd, answer + len, sizeof answer - 1 - len, 0)) > 0)
		len += (size_t)got;
	answer[len] = '\0';
	close(fd);
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
		bench_fail("the API answers '%.40s'", answer);
}

static void *ask_on(void *arg)
{
	struct asking *asking = arg;

	while (__atomic_load_n(&asking->running, __ATOMIC_RELAXED)) {
		const double start = bench_now_s();
		ask(asking);
		const double took = bench_now_s() - start;
		if (took > asking->longest_s)
			asking->longest_s = took;
		asking->answers++;
		usleep(ASKING_PAUSE_US);
	}
	return NULL;
}

void asking_start(struct asking *asking, const char *run_dir)
{
	*asking = (struct asking){ .address.sun_family = AF_UNIX, .running = true };
	snprintf(asking->address.sun_path, sizeof asking->address.sun_path, "%.64s/control.sock",
		run_dir);
	if (pthread_create(&asking->thread, NULL, ask_on, asking) != 0)
		bench_fail("no thread");
}

void asking_stop(struct asking *asking)
{
	__atomic_store_n(&asking->running, false, __ATOMIC_RELAXED);
	pthread_join(asking->thread, NULL);
}
