/* Messages of the `punt` link, as either end gets them from the other. */
#include "fuzz.h"
#include "src/punt_msg.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct punt_record *records = (const struct punt_record *)data;
	bool to_control = punt_message_check(records, len, true) == 0;
	bool to_dataplane = punt_message_check(records, len, false) == 0;
	if (!to_control && !to_dataplane)
		return 0;
	/* No kind goes both ways. */
	MUST(to_control != to_dataplane);
	MUST(len > 0 && len <= PUNT_MESSAGE_BYTES && len % sizeof *records == 0);
	for (size_t i = 0; i < len / sizeof *records; i++) {
		uint16_t kind = records[i].kind;
		MUST(records[i].len <= sizeof records[i].frame);
		MUST(to_control == (kind == PUNT_INIT || kind == PUNT_CONTROL));
	}
	return 0;
}
