#include "depot_private.h"

#include <errno.h>

static int begin(struct depot *depot, struct depot_epoch *epoch)
{
	uint32_t number;
	const int result = epochs_begin(depot->epochs, &number);

	if (result < 0)
		return result;
	if (epoch->number != 0)
		epochs_release(depot->epochs, epoch->number);
	epochs_hold(depot->epochs, number);
	*epoch = (struct depot_epoch){
		.number = number, .began = depot->now, .key = epochs_key(depot->epochs, number)
	};
	return 0;
}

int depot_use_epoch(struct depot *depot, struct depot_epoch *epoch)
{
	const int result = epoch->number == 0 || depot->now - epoch->began >= EPOCH_MINUTES
				   ? begin(depot, epoch)
				   : 0;

	if (result == 0)
		epoch->used = true;
	return result;
}

static void turn(struct depot *depot, struct depot_epoch *epoch, uint32_t minutes)
{
	const bool is_over = epoch->used && (depot->now - epoch->began >= minutes ||
						    epochs_held(depot->epochs, epoch->number) == 1);

	if (epoch->number != 0 && is_over)
		(void)begin(depot, epoch);
}

void depot_turn_keys(struct depot *depot)
{
	if (depot->failed || depot->keys_held)
		return;
	turn(depot, &depot->arriving, EPOCH_MINUTES - 1);
	turn(depot, &depot->remembering, RECENT_MINUTES);
	(void)epochs_destroy_empty(depot->epochs);
}

void depot_hold_keys(struct depot *depot, bool held)
{
	depot->keys_held = held;
}
