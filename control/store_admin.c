/* Invitations, the audit log, and what is neither device nor route. */
#include "store_sql.h"

#include <errno.h>
#include <sodium.h>

int store_reset_secret(struct store *store, uint8_t secret[RESET_SECRET_BYTES])
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_SECRET);
	int result;

	sqlite3_bind_text(select, 1, "reset", -1, SQLITE_STATIC);
	result = store_step(store, select);
	if (result == 1)
		store_read_blob(select, 0, secret, RESET_SECRET_BYTES);
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

int store_take_tally(struct store *store)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_TALLY);
	int result = store_step(store, select);

	if (result == 1)
		store->tally = (struct store_tally){
			.devices = (uint64_t)sqlite3_column_int64(select, 0),
			.revoked = (uint64_t)sqlite3_column_int64(select, 1),
			.routes = (uint64_t)sqlite3_column_int64(select, 2),
			.audits = (uint64_t)sqlite3_column_int64(select, 3),
		};
	store->committed = store->tally;
	return store_finish(select, result < 0 ? result : 0);
}

int store_counts(struct store *store, int64_t now_s, struct store_counts *counts)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_COUNTS);
	int result;

	*counts = (struct store_counts){
		.devices = store->tally.devices,
		.revoked = store->tally.revoked,
		.routes = store->tally.routes,
		.audits = store->tally.audits,
	};
	sqlite3_bind_int64(select, 1, now_s);
	result = store_step(store, select);
	if (result == 1) {
		counts->invitations_open = (uint64_t)sqlite3_column_int64(select, 0);
		counts->erasures = (uint64_t)sqlite3_column_int64(select, 1);
	}
	return store_finish(select, result < 0 ? result : 0);
}

int store_invitation_add(struct store *store, const struct store_invitation *invitation)
{
	sqlite3_stmt *add = store_statement(store, STORE_SQL_INVITATION_ADD);
	int result;

	store_bind_blob(add, 1, invitation->id, sizeof invitation->id);
	store_bind_blob(add, 2, invitation->secret, sizeof invitation->secret);
	sqlite3_bind_int64(add, 3, invitation->created_s);
	sqlite3_bind_int64(add, 4, invitation->expires_s);
	result = store_write(store, add);
	return result < 0 ? result : 0;
}

int store_invitation_use(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES],
	uint32_t device, int64_t now_s)
{
	sqlite3_stmt *use = store_statement(store, STORE_SQL_INVITATION_USE);

	sqlite3_bind_int64(use, 1, now_s);
	sqlite3_bind_int64(use, 2, device);
	store_bind_blob(use, 3, id, WIRE_INVITATION_ID_BYTES);
	return store_write_away(store, use);
}

int store_invitation_delete(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES])
{
	sqlite3_stmt *delete = store_statement(store, STORE_SQL_INVITATION_DELETE);

	store_bind_blob(delete, 1, id, WIRE_INVITATION_ID_BYTES);
	return store_write_away(store, delete);
}

static void read_invitation(sqlite3_stmt *row, struct store_invitation *invitation)
{
	store_read_blob(row, 0, invitation->id, sizeof invitation->id);
	store_read_blob(row, 1, invitation->secret, sizeof invitation->secret);
	invitation->created_s = sqlite3_column_int64(row, 2);
	invitation->expires_s = sqlite3_column_int64(row, 3);
	invitation->used_s = sqlite3_column_int64(row, 4);
	invitation->device = (uint32_t)sqlite3_column_int64(row, 5);
}

int store_invitation_get(struct store *store, const uint8_t id[WIRE_INVITATION_ID_BYTES],
	struct store_invitation *invitation)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_INVITATION_GET);
	int result;

	memset(invitation, 0, sizeof *invitation);
	store_bind_blob(select, 1, id, WIRE_INVITATION_ID_BYTES);
	result = store_step(store, select);
	if (result == 1)
		read_invitation(select, invitation);
	return store_finish(select, result < 0 ? result : result == 1 ? 0 : -ENOENT);
}

int store_invitations_open(struct store *store, int64_t now_s, uint64_t *count)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_INVITATION_OPEN);
	int result;

	sqlite3_bind_int64(select, 1, now_s);
	result = store_step(store, select);
	*count = result == 1 ? (uint64_t)sqlite3_column_int64(select, 0) : 0;
	return store_finish(select, result < 0 ? result : 0);
}

int store_invitations(struct store *store, store_invitation_visit *visit, void *arg)
{
	sqlite3_stmt *all = store_statement(store, STORE_SQL_INVITATION_ALL);
	struct store_invitation invitation;
	int result;

	while ((result = store_step(store, all)) == 1) {
		read_invitation(all, &invitation);
		result = visit(arg, &invitation);
		if (result != 0)
			break;
	}
	sodium_memzero(&invitation, sizeof invitation);
	return store_finish(all, result);
}

int store_expire(struct store *store, int64_t now_s, uint32_t *deleted)
{
	static const struct {
		enum store_statement which;
		int64_t keep_s;
	} kept[] = {
		{ STORE_SQL_DEVICE_EXPIRE, STORE_REVOKED_KEEP_S },
		{ STORE_SQL_INVITATION_EXPIRE, STORE_INVITATION_KEEP_S },
		{ STORE_SQL_ERASURE_EXPIRE, 0 },
	};

	*deleted = 0;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		sqlite3_stmt *expire = store_statement(store, kept[i].which);
		int result;
		/* Walks all devices: only where it may find some. */
		if (kept[i].which == STORE_SQL_DEVICE_EXPIRE && store->tally.revoked == 0)
			continue;
		sqlite3_bind_int64(expire, 1, now_s - kept[i].keep_s);
		result = store_write(store, expire);
		if (result < 0)
			return result;
		if (kept[i].which == STORE_SQL_DEVICE_EXPIRE)
			store->tally.revoked -= (uint32_t)result;
		*deleted += (uint32_t)result;
	}
	store->erase_due |= *deleted > 0;
	return 0;
}

int store_audit_add(
	struct store *store, int64_t at_s, const char *who, const char *what, const char *outcome)
{
	sqlite3_stmt *add = store_statement(store, STORE_SQL_AUDIT_ADD);
	int result;

	sqlite3_bind_int64(add, 1, at_s);
	sqlite3_bind_text(add, 2, who, -1, SQLITE_STATIC);
	sqlite3_bind_text(add, 3, what, -1, SQLITE_STATIC);
	sqlite3_bind_text(add, 4, outcome, -1, SQLITE_STATIC);
	result = store_write(store, add);
	if (result < 0)
		return result;
	store->tally.audits++;
	return 0;
}

int store_audits_after(
	struct store *store, uint64_t after, uint32_t max, store_audit_visit *visit, void *arg)
{
	sqlite3_stmt *select = store_statement(store, STORE_SQL_AUDIT_AFTER);
	int result;

	sqlite3_bind_int64(select, 1, (int64_t)after);
	sqlite3_bind_int64(select, 2, max);
	while ((result = store_step(store, select)) == 1) {
		const struct store_audit audit = {
			.row = (uint64_t)sqlite3_column_int64(select, 0),
			.at_s = sqlite3_column_int64(select, 1),
			.who = (const char *)sqlite3_column_text(select, 2),
			.what = (const char *)sqlite3_column_text(select, 3),
			.outcome = (const char *)sqlite3_column_text(select, 4),
		};
		result = visit(arg, &audit);
		if (result != 0)
			break;
	}
	return store_finish(select, result);
}
