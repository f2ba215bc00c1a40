#include "table_question.h"

#include <errno.h>
#include <stdlib.h>

int table_question_answer(
	struct table_question **questions, const struct table_head *head, const void *records)
{
	struct table_question **place = questions, *question;

	while (*place && (*place)->seq != head->seq)
		place = &(*place)->next;
	question = *place;
	if (!question)
		return 0;
	if (head->op != question->op || head->count > question->left)
		return -EBADMSG;
	question->left -= head->count;
	question->part(question->arg, records, head->count);
	if (!(head->flags & TABLE_LAST))
		return 0;
	*place = question->next;
	question->done(question->arg, 0);
	free(question);
	return 0;
}

void table_question_end_all(struct table_question **questions, int error)
{
	while (*questions) {
		struct table_question *question = *questions;
		*questions = question->next;
		question->done(question->arg, error);
		free(question);
	}
}
