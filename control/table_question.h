/* Questions that the dataplane answers in parts: which answer belongs to whom. For table_link.c
 * only. */
#ifndef CHAPPE_CONTROL_TABLE_QUESTION_H
#define CHAPPE_CONTROL_TABLE_QUESTION_H

#include "table_link.h"

struct table_question {
	struct table_question *next;
	uint64_t seq;     /* of the message that asked */
	enum table_op op; /* of the answer */
	uint32_t left;    /* records that it may still have */
	table_link_part *part;
	control_done *done;
	void *arg;
};

/* An answer, or a part of one, came: gives it to who asked, if there still is one, and ends the
 * question with its last part. 0, or -EBADMSG for one that is to another question or has no end. */
int table_question_answer(
	struct table_question **questions, const struct table_head *head, const void *records);
/* No answer will come any more. */
void table_question_end_all(struct table_question **questions, int error);

#endif
