#include "src/message/ledger.h"

static uint8_t *at(struct ledger *ledger, uint64_t number)
{
	return &ledger->state[number % MESSAGE_WINDOW];
}

enum ledger_state ledger_get(const struct ledger *ledger, uint64_t number)
{
	if (number < ledger->sight || number >= ledger->next)
		return LEDGER_SETTLED;
	return (enum ledger_state)ledger->state[number % MESSAGE_WINDOW];
}

static bool is_open(const struct ledger *ledger, uint64_t number)
{
	enum ledger_state state = ledger_get(ledger, number);
	return state == LEDGER_LIVE || state == LEDGER_STORED;
}

static void settle(struct ledger *ledger)
{
	while (ledger->lowest < ledger->next && !is_open(ledger, ledger->lowest))
		ledger->lowest++;
}

void ledger_init(struct ledger *ledger, uint64_t next, uint64_t done, uint64_t partial,
	const le64 stored[MESSAGE_WINDOW / 64])
{
	memset(ledger, 0, sizeof *ledger);
	ledger->next = next;
	ledger->sight = done < next ? done : next;
	if (next - ledger->sight > MESSAGE_WINDOW)
		ledger->sight = next - MESSAGE_WINDOW;
	for (uint64_t n = ledger->sight; n < next; n++) {
		bool marked = get64(stored[n % MESSAGE_WINDOW / 64]) >> n % 64 & 1;
		*at(ledger, n) = marked && n != partial ? LEDGER_STORED : LEDGER_GIVEN_UP;
	}
	ledger->lowest = ledger->sight;
	settle(ledger);
}

void ledger_save(const struct ledger *ledger, uint64_t begun, le64 stored[MESSAGE_WINDOW / 64])
{
	uint64_t bits[MESSAGE_WINDOW / 64] = { 0 };

	for (uint64_t n = ledger->lowest; n < ledger->next && n <= begun; n++)
		if (ledger_get(ledger, n) == LEDGER_STORED)
			bits[n % MESSAGE_WINDOW / 64] |= UINT64_C(1) << n % 64;
	for (unsigned i = 0; i < MESSAGE_WINDOW / 64; i++)
		stored[i] = put64(bits[i]);
}

uint64_t ledger_use(struct ledger *ledger, enum ledger_state state)
{
	uint64_t number = ledger->next++;

	if (ledger->next - ledger->sight > MESSAGE_WINDOW)
		ledger->sight++;
	if (ledger->lowest < ledger->sight)
		ledger->lowest = ledger->sight;
	*at(ledger, number) = (uint8_t)state;
	settle(ledger);
	return number;
}

void ledger_set(struct ledger *ledger, uint64_t number, enum ledger_state state)
{
	if (number < ledger->sight || number >= ledger->next)
		return;
	*at(ledger, number) = (uint8_t)state;
	settle(ledger);
}

void ledger_restore(struct ledger *ledger, uint64_t number)
{
	if (number < ledger->sight || number >= ledger->next)
		return;
	*at(ledger, number) = LEDGER_STORED;
	if (number < ledger->lowest)
		ledger->lowest = number;
}

/* A number out of sight may still be at the relay: only the contact can say that it is done. */
uint64_t ledger_floor(const struct ledger *ledger, uint64_t done)
{
	return done < ledger->sight ? done : ledger->lowest;
}

/* A stored message waits for the stored one before it, whatever live ones there are in between; a
 * live one for all that were not given up. */
uint8_t ledger_skip(const struct ledger *ledger, uint64_t number, bool stored)
{
	uint8_t count = 0;
	bool all_over = true;

	while (count < SEAL_SKIP_MAX && number - count - 1u >= ledger->sight) {
		enum ledger_state state = ledger_get(ledger, number - count - 1u);
		if (state == LEDGER_STORED || (state == LEDGER_LIVE && !stored))
			break;
		all_over = all_over && state != LEDGER_LIVE;
		count++;
	}
	return count && all_over ? count | SEAL_SKIP_GIVEN_UP : count;
}
