#include "daemon/supervise-desk.h"

#include "lib/base/io.h"
#include "lib/base/json.h"
#include "lib/base/log.h"

#include <string.h>
#include <unistd.h>

static const char *const state_names[] = {
	[LK_CHILD_WAITING] = "waiting",	  [LK_CHILD_RUNNING] = "running",
	[LK_CHILD_STOPPING] = "stopping", [LK_CHILD_REFUSED] = "refused",
	[LK_CHILD_ENDED] = "ended",
};

static void set_time(lk_json *object, const char *key, lk_time at)
{
	g_autofree char *text = lk_time_format(at);

	lk_json_set_text(object, key, text);
}

static lk_json *child_json(const lk_child *child)
{
	lk_json *json = lk_json_object();

	lk_json_set_text(json, "name", child->name);
	if (child->pid != 0)
		lk_json_set_int(json, "pid", child->pid);
	else
		lk_json_set_null(json, "pid");
	lk_json_set_text(json, "state", state_names[child->state]);
	set_time(json, "since", child->since);
	lk_json_set_text(json, "mailbox", child->mailbox);
	lk_json_set_text(json, "status", child->status);
	lk_json_set_text(json, "error", child->error);
	set_time(json, "last_ok_at", child->last_ok_at);
	lk_json_set_int(json, "restarts", child->history.restarts);
	return json;
}

void lk_status_write(lk_supervisor *supervisor)
{
	g_autofree char *path =
		g_build_filename(supervisor->conf->site.run_dir, "status.json", NULL);
	g_autoptr(lk_json) json = lk_json_object();
	lk_json *daemons = lk_json_array();
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	lk_json_set_int(json, "pid", getpid());
	set_time(json, "since", supervisor->since);
	lk_json_set_text(json, "host", supervisor->host);
	lk_json_set_text(json, "instance", supervisor->instance);
	lk_json_set_text(json, "config", supervisor->config_file);
	for (unsigned i = 0; i < supervisor->children->len; i++)
		lk_json_push(daemons, child_json(g_ptr_array_index(supervisor->children, i)));
	lk_json_take(json, "daemons", daemons);
	text = lk_json_dump(json, true);
	supervisor->is_changed = false;
	if (!lk_write_file(path, text, strlen(text), 0644, &error))
		lk_warning("status.not_written", "error=\"%s\"", error->message);
}
