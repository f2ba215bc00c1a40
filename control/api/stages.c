/* GET /v1/stats/stages */
#include "request.h"

#include <errno.h>
#include <stdlib.h>

/* What has come in of the answer. */
struct stages {
	json_t *workers;
};

static void stages_free(void *work)
{
	struct stages *stages = work;
	json_decref(stages->workers);
	free(stages);
}

static void on_worker(void *arg, uint32_t worker, const struct stage_sum *sums, uint32_t count)
{
	static const char *const names[STAGE_COUNT] = {
#define X(name, help) #name,
		STAGES(X)
#undef X
	};
	struct api_request *request = arg;
	struct stages *stages = request->work;
	json_t *object = json_object();
	for (uint32_t i = 0; i < STAGE_COUNT && i < count; i++)
		json_object_set_new(object, names[i],
			json_pack("{s:I,s:I}", "cycles", (json_int_t)sums[i].cycles, "frames",
				(json_int_t)sums[i].frames));
	json_array_append_new(stages->workers,
		json_pack("{s:I,s:o}", "worker", (json_int_t)worker, "stages", object));
}

static void on_done(void *arg, int error)
{
	struct api_request *request = arg;
	const struct stages *stages = request->work;
	if (error == 0)
		api_reply(request, json_pack("{s:I,s:O}", "timed_s", (json_int_t)TABLE_STAGES_S,
					   "workers", stages->workers));
	else
		api_fail_errno(request, error, "timing stages");
	api_answered(request);
}

void api_stages_get(struct api_request *request)
{
	struct stages *stages = calloc(1, sizeof *stages);
	if (stages == NULL) {
		api_fail_errno(request, -ENOMEM, "timing stages");
		return;
	}
	stages->workers = json_array();
	api_wait(request, stages, stages_free, NULL);
	const int r = control_stages(request->control, on_worker, on_done, request);
	if (r != 0)
		api_fail_errno(request, r, "timing stages");
}
