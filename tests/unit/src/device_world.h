/* Two devices at one relay in memory, each with a storage that can fail or forget at will. */
#ifndef TEST_DEVICE_WORLD_H
#define TEST_DEVICE_WORLD_H

#include "relay_peer.h"
#include "src/device/device.h"

enum { WORLD_VALUES = 256, WORLD_EVENTS = 256 };

struct world_value {
	bool used;
	char key[101];
	size_t len;
	uint8_t *bytes;
};

struct world_event {
	enum chappe_event_type type;
	enum chappe_state state;
	enum chappe_error error;
	uint64_t message;
	char contact[65], link[CHAPPE_LINK_MAX_BYTES];
	size_t len;
	uint8_t hash[16];
};

struct world_device {
	struct world *world;
	struct chappe *chappe; /* NULL while its process is down */
	int number, invitation;
	struct world_value values[WORLD_VALUES];
	unsigned int puts; /* and removals */
	int fail_puts;     /* so many fail, from now on; -1: all */
	int fail_after;    /* so many succeed, then one fails; 0: none does */
	long crash_at;    /* at the put or removal of this number the machine goes off; -1: never */
	bool crash_loses; /* that one does not reach the disk, else it is the last that does */
	bool crashed;     /* what is put from now on is lost: the machine is off */
	bool put_off;     /* the application takes no messages */
	struct world_event events[WORLD_EVENTS];
	unsigned int event_count;
	unsigned int counts[16]; /* by type */
};

struct world {
	struct relay_peer *relay;
	struct world_device device[3];
};

struct world *world_new(void);
void world_free(struct world *w);
/* For cmocka: *state is a world, of which the pair's alice and bob are contacts. */
int world_setup(void **state);
int world_setup_pair(void **state);
int world_teardown(void **state);

enum chappe_error world_try_open(struct world_device *d);
void world_open(struct world_device *d);  /* the process starts (and connects if it has joined) */
void world_close(struct world_device *d); /* it ends in order */
void world_kill(struct world_device *d);  /* it dies: what it had not stored is gone */
/* Runs everybody for a time of the virtual clock. */
void world_run(struct world *w, uint64_t ns);
/* Joins; asserts that it worked. */
void world_join(struct world_device *d);
void world_invitation(struct world_device *d, char text[LINK_TEXT_BYTES]);
/* a makes a contact for b, b adds a; names are "a" and "b". Runs until both are ready. */
void world_pair(
	struct world_device *a, const char *b_name, struct world_device *b, const char *a_name);
/* device[0], "alice", and device[1], "bob", are contacts of each other. */
struct world *world_paired(void);
/* Both return the message's number. */
uint64_t world_send_text(struct world_device *d, const char *name, const char *text); /* live */
uint64_t world_send_stored(struct world_device *d, const char *name, const void *data, size_t len);
/* Whether that is the last message of which the relay said so. */
bool world_accepted(const struct world_device *d, uint64_t number);
/* How many there are in its storage. */
int world_values(const struct world_device *d, const char *prefix);
const struct world_event *world_last(const struct world_device *d, enum chappe_event_type type);
/* How often a message of this content came. */
unsigned int world_got(const struct world_device *d, const void *data, size_t len);
void world_forget_events(struct world_device *d);
enum chappe_contact_state world_state(struct world_device *d, const char *name);

#endif
