/* Messages of the `table` link, as either end gets them from the other. */
#include "fuzz.h"
#include "src/table_msg.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct table_head head;
	int to_control = table_message_check(data, len, TABLE_TO_CONTROL);
	int to_dataplane = table_message_check(data, len, TABLE_TO_DATAPLANE);
	if (to_control && to_dataplane)
		return 0;
	MUST(len >= sizeof head && len <= TABLE_MESSAGE_BYTES);
	memcpy(&head, data, sizeof head);
	/* A good message is all of its records and nothing else: whatever their size, a byte more
	 * or less is refused. */
	MUST(head.count <= len - sizeof head);
	MUST(table_message_check(data, len - 1, TABLE_TO_CONTROL));
	MUST(table_message_check(data, len - 1, TABLE_TO_DATAPLANE));
	return 0;
}
