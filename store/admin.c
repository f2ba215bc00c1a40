#include "admin.h"

#include "daemon/log.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* 0 where nobody listens there, then what was there is gone. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	const bool alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
			   errno != ECONNREFUSED;
	close(fd);
	if (alive)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int bind_listener(struct admin *admin, uid_t uid, gid_t gid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, admin->path);
	int result = clear_path(&address);
	if (result < 0)
		return result;
	admin->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (admin->listener < 0)
		return -errno;
	const mode_t mask = umask(0177);
	result = bind(admin->listener, (const struct sockaddr *)&address, sizeof address) < 0
			 ? -errno
			 : 0;
	umask(mask);
	if (result == 0 && geteuid() == 0 && lchown(admin->path, uid, gid) < 0)
		result = -errno;
	if (result == 0 && listen(admin->listener, ADMIN_PEERS_MAX) < 0)
		result = -errno;
	return result;
}

int admin_listen(struct admin *admin, const char *run_dir, uid_t uid, gid_t gid,
	char error[SERVICE_ERROR_BYTES])
{
	memset(admin, 0, sizeof *admin);
	admin->listener = admin->waiting = -1;
	memset(admin->peers, 0xff, sizeof admin->peers);
	const int len = snprintf(admin->path, sizeof admin->path, "%s/store-admin.sock", run_dir);
	const int result = len < 0 || (size_t)len >= sizeof admin->path
				   ? -ENAMETOOLONG
				   : bind_listener(admin, uid, gid);
	if (result < 0)
		snprintf(error, SERVICE_ERROR_BYTES, "%.400s/store-admin.sock: %s", run_dir,
			result == -EADDRINUSE
				? "another process listens there; is a chappe-store running?"
				: strerror(-result));
	return result;
}

void admin_close(struct admin *admin)
{
	for (int i = 0; i < ADMIN_PEERS_MAX; i++)
		if (admin->peers[i] >= 0)
			close(admin->peers[i]);
	if (admin->listener >= 0) {
		close(admin->listener);
		/* Fails, harmlessly, where the account may not write to its directory. */
		(void)unlink(admin->path);
	}
	admin->listener = -1;
}

int admin_accept(struct admin *admin)
{
	const int fd = accept4(admin->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		(peer.uid != 0 && peer.uid != geteuid())) {
		log_warning("store-admin.sock: refused process %d of user %u", peer.pid, peer.uid);
		close(fd);
		return -1;
	}
	for (int i = 0; i < ADMIN_PEERS_MAX; i++)
		if (admin->peers[i] < 0)
			return admin->peers[i] = fd;
	log_warning("store-admin.sock: refused a fifth connection");
	close(fd);
	return -1;
}

static bool is_peer(const struct admin *admin, int fd)
{
	for (int i = 0; i < ADMIN_PEERS_MAX; i++)
		if (fd >= 0 && admin->peers[i] == fd)
			return true;
	return false;
}

static void drop(struct admin *admin, int peer)
{
	for (int at = 0; at < ADMIN_PEERS_MAX; at++)
		if (admin->peers[at] == peer)
			admin->peers[at] = -1;
	if (admin->waiting == peer)
		admin->waiting = -1;
	close(peer);
}

static bool send_reply(int peer, struct admin_reply *reply)
{
	const bool sent = send(peer, reply, sizeof *reply, MSG_NOSIGNAL) == sizeof *reply;

	sodium_memzero(reply, sizeof *reply);
	return sent;
}

static bool answer(struct admin *admin, int peer, const struct admin_request *request)
{
	struct admin_reply reply = { .op = request->op };

	if (request->version != ADMIN_VERSION) {
		reply.result = -EPROTO;
		snprintf(reply.text, sizeof reply.text,
			"version %u was asked, this chappe-store speaks %d: install both programs "
			"from one release",
			request->version, ADMIN_VERSION);
	} else if (!admin_do(admin->service, request, &reply)) {
		admin->waiting = peer;
		return true;
	}
	return send_reply(peer, &reply);
}

void admin_turn(struct admin *admin)
{
	struct admin_reply reply = { 0 };
	const enum work_kind ended = admin->service->work_ended;

	if (admin->waiting < 0 || (ended != WORK_BACKUP && ended != WORK_BACKUP_END))
		return;
	const int peer = admin->waiting;
	admin->waiting = -1;
	admin_finish(admin->service, &reply);
	if (!send_reply(peer, &reply))
		drop(admin, peer);
}

bool admin_serve(struct admin *admin, int peer)
{
	uint8_t bytes[sizeof(struct admin_request) + 1];
	struct admin_request request;

	if (!is_peer(admin, peer))
		return false;
	for (int i = 0; i < ADMIN_REQUESTS_A_TURN; i++) {
		const ssize_t got = recv(peer, bytes, sizeof bytes, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got == sizeof request) {
			memcpy(&request, bytes, sizeof request);
			if (answer(admin, peer, &request))
				continue;
		} else if (got > 0) {
			log_warning("store-admin.sock: a request that makes no sense");
		}
		drop(admin, peer);
		return false;
	}
	return true;
}
