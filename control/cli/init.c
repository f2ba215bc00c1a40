#include "cli.h"
#include "client.h"
#include "control/store.h"
#include "owner.h"
#include "print.h"
#include "src/key.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_error(const struct options *options, const char *path, int error)
{
	if (error == EEXIST)
		return client_error(options, CLI_REFUSED, "conflict",
			"%s exists: this relay has been made. Nothing was changed; to make "
			"another, "
			"name another directory with --state",
			path);
	return client_error(options, error == EACCES || error == EPERM ? CLI_FORBIDDEN : CLI_FAILED,
		error == EACCES || error == EPERM ? "forbidden" : "internal", "%s: %s", path,
		strerror(error));
}

static int give(const struct options *options, const struct owner *owner, const char *path)
{
	if (owner->change && chown(path, owner->uid, owner->gid) != 0 && errno != ENOENT)
		return file_error(options, path, errno);
	return CLI_OK;
}

static int make_store(const struct options *options)
{
	char error[STORE_ERROR_BYTES];
	const int r = store_create(options->state, error);
	if (r == 0)
		return CLI_OK;
	return client_error(options, r == -EEXIST ? CLI_REFUSED : CLI_FAILED,
		r == -EEXIST ? "conflict" : "internal", "%s", error);
}

static int make_files(const struct options *options, const struct owner *owner,
	const char *key_path, const char *store_path, struct noise_keypair *keypair)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	/* Both are looked for before either is made: half a relay would be neither new nor usable.
	 */
	if (access(key_path, F_OK) == 0)
		return file_error(options, key_path, EEXIST);
	if (access(store_path, F_OK) == 0)
		return file_error(options, store_path, EEXIST);
	int r = make_store(options);
	for (size_t i = 0; r == CLI_OK && i < sizeof suffixes / sizeof suffixes[0]; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s%s", store_path, suffixes[i]);
		r = give(options, owner, path);
	}
	if (r != CLI_OK)
		return r;
	const int made = key_pair_create(key_path, keypair);
	if (made != 0) {
		unlink(store_path); /* made a moment ago: a store without its key is no relay */
		return file_error(options, key_path, -made);
	}
	return give(options, owner, key_path);
}

int cli_init(const struct options *options)
{
	struct owner owner;
	struct noise_keypair keypair;
	char key_path[2048], store_path[2048], text[KEY_TEXT_BYTES];
	if (strlen(options->state) > 1024)
		return client_error(options, CLI_USAGE, "bad_request", "--state: too long a path");
	if (sodium_init() < 0)
		return client_error(options, CLI_FAILED, "internal", "no random numbers");
	int r = owner_find(options, &owner);
	if (r != CLI_OK)
		return r;
	if (mkdir(options->state, 0700) == 0)
		r = give(options, &owner, options->state);
	else if (errno != EEXIST)
		r = file_error(options, options->state, errno);
	if (r != CLI_OK)
		return r;
	snprintf(key_path, sizeof key_path, "%s/%s", options->state, STORE_KEY_FILE);
	snprintf(store_path, sizeof store_path, "%s/%s", options->state, STORE_FILE);
	r = make_files(options, &owner, key_path, store_path, &keypair);
	if (r != CLI_OK)
		return r;
	key_to_text(keypair.public, text);
	sodium_memzero(&keypair, sizeof keypair);
	if (options->json) {
		print_json(json_pack("{s:s,s:s,s:s}", "relay_key", text, "key_file", key_path,
			"store", store_path));
		return CLI_OK;
	}
	printf("Relay key %s\n"
	       "  %s  secret: back it up where only you can read it\n"
	       "  %s  devices, routes, invitations\n"
	       "Next: start chappe-dataplane, chappe-control and chappe-store, then `chappectl "
	       "invite`.\n",
		text, key_path, store_path);
	return CLI_OK;
}
