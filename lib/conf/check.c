#include "lib/conf/check.h"

#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/conf/form.h"

#include <inttypes.h>
#include <string.h>

void lk_check_reference(const lk_findings *findings, lk_conf_origin at, const char *what,
			const char *kind, const GPtrArray *objects, const char *name)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *near = NULL;

	for (unsigned i = 0; i < objects->len; i++) {
		const lk_named *object = g_ptr_array_index(objects, i);

		/* The one that is meant may be the one whose name could not be read. */
		if (!object->name || strcmp(object->name, name) == 0)
			return;
		g_ptr_array_add(names, object->name);
	}
	near = lk_did_you_mean(name, (const char *const *)names->pdata, names->len);
	lk_find_error(findings, at, "%s: there is no %s \"%s\"%s", what, kind, name, near);
}

/* The agent that was meant, by what stands before the same domain; or "". */
static char *near_agent(const lk_conf *conf, const char *address)
{
	size_t n = strcspn(address, "@");
	g_autofree char *local = g_strndup(address, n);
	g_autoptr(GPtrArray) locals = g_ptr_array_new_with_free_func(g_free);
	const char *near = NULL;

	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);
		const char *at = agent->address ? strchr(agent->address, '@') : NULL;

		if (at && strcmp(at, address + n) == 0)
			g_ptr_array_add(locals,
					g_strndup(agent->address, (size_t)(at - agent->address)));
	}
	near = lk_nearest_word(local, (const char *const *)locals->pdata, locals->len);
	return near ? g_strdup_printf("; did you mean \"%s%s\"?", near, address + n) : g_strdup("");
}

void lk_check_agent(const lk_findings *findings, lk_conf_origin at, const char *what,
		    const lk_conf *conf, const char *address)
{
	g_autofree char *near = NULL;

	if (lk_conf_find_agent(conf, address))
		return;
	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);

		/* The one that is meant may be the one whose address could not be read. */
		if (!agent->address)
			return;
	}
	near = near_agent(conf, address);
	lk_find_error(findings, at, "%s: \"%s\" is the address of nobody in agents%s", what,
		      address, near);
}

static void check_names(const lk_findings *findings, const char *list, const GPtrArray *objects,
			GHashTable *seen)
{
	for (unsigned i = 0; i < objects->len; i++) {
		const lk_named *object = g_ptr_array_index(objects, i);
		const lk_conf_origin *first = NULL;

		if (!object->name)
			continue;
		first = g_hash_table_lookup(seen, object->name);
		if (first)
			lk_find_error(findings, object->at,
				      "%s: the name \"%s\" is taken already (%s:%d)", list,
				      object->name, first->file, first->line);
		else
			g_hash_table_insert(seen, object->name, (void *)&object->at);
	}
}

static void check_all_names(const lk_findings *findings, const lk_conf *conf)
{
	const struct {
		const char *name;
		const GPtrArray *objects;
	} lists[] = {{"mailboxes", conf->mailboxes},
		     {"calendars", conf->calendars},
		     {"slas", conf->slas},
		     {"suppliers", conf->suppliers},
		     {"organisations", conf->organisations},
		     {"agents", conf->agents},
		     {"queues", conf->queues}};
	g_autoptr(GHashTable) rules = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

		check_names(findings, lists[i].name, lists[i].objects, seen);
	}
	check_names(findings, "rules", conf->rules, rules);
	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		check_names(findings, "rules", queue->rules, rules);
	}
}

/* Whose an address or a domain is; a value of the table of owners. */
typedef struct {
	const char *kind;
	const lk_named *object;
} owner;

static void claim(const lk_findings *findings, GHashTable *owners, const char *address,
		  const char *kind, const lk_named *object)
{
	const owner *first = g_hash_table_lookup(owners, address);
	owner *mine = NULL;

	if (first && first->object != object) {
		lk_find_error(findings, object->at, "%s \"%s\": %s belongs to %s \"%s\" already",
			      kind, object->name ? object->name : "", address, first->kind,
			      first->object->name ? first->object->name : "");
		return;
	}
	mine = g_new0(owner, 1);
	mine->kind = kind;
	mine->object = object;
	g_hash_table_replace(owners, (void *)address, mine);
}

static void claim_all(const lk_findings *findings, GHashTable *owners, const GPtrArray *addresses,
		      const char *kind, const void *object)
{
	for (unsigned i = 0; i < addresses->len; i++)
		claim(findings, owners, g_ptr_array_index(addresses, i), kind, object);
}

/* One address is one queue's, agent's, supplier's; customers of theirs they are not. */
static void check_addresses(const lk_findings *findings, const lk_conf *conf)
{
	g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

	for (unsigned i = 0; i < conf->queues->len; i++) {
		const lk_conf_queue *queue = g_ptr_array_index(conf->queues, i);

		claim_all(findings, owners, queue->addresses, "queue", queue);
	}
	for (unsigned i = 0; i < conf->agents->len; i++) {
		const lk_conf_agent *agent = g_ptr_array_index(conf->agents, i);

		if (agent->address)
			claim(findings, owners, agent->address, "agent", (const lk_named *)agent);
		claim_all(findings, owners, agent->aliases, "agent", agent);
	}
	for (unsigned i = 0; i < conf->suppliers->len; i++) {
		const lk_conf_supplier *supplier = g_ptr_array_index(conf->suppliers, i);

		claim_all(findings, owners, supplier->addresses, "supplier", supplier);
	}
	for (unsigned i = 0; i < conf->site.admins->len; i++) {
		const char *address = g_ptr_array_index(conf->site.admins, i);
		const owner *taken = g_hash_table_lookup(owners, address);

		if (taken && strcmp(taken->kind, "queue") == 0)
			lk_find_error(
				findings, conf->site.at,
				"site.admins: %s is the address of queue \"%s\"; luukku would "
				"write to itself",
				address, taken->object->name ? taken->object->name : "");
	}
}

static void check_organisations(const lk_findings *findings, const lk_conf *conf)
{
	g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

	for (unsigned i = 0; i < conf->organisations->len; i++) {
		const lk_conf_organisation *org = g_ptr_array_index(conf->organisations, i);
		g_autofree char *what =
			g_strdup_printf("organisations[%s].sla", org->name ? org->name : "");

		claim_all(findings, owners, org->domains, "organisation", org);
		claim_all(findings, owners, org->addresses, "organisation", org);
		if (org->sla)
			lk_check_reference(findings, org->at, what, "service level", conf->slas,
					   org->sla);
		if (org->domains->len == 0 && org->addresses->len == 0)
			lk_find_warning(findings, org->at,
					"organisation \"%s\" has neither domains nor addresses: "
					"nobody belongs to it",
					org->name ? org->name : "");
	}
}

/* Sockets lie in run_dir; their paths have at most 107 bytes. */
enum { MOST_RUN_DIR = 107 - (int)sizeof("/notify") + 1 };

static void check_site(const lk_findings *findings, const lk_conf *conf)
{
	const lk_conf_site *site = &conf->site;

	for (unsigned i = 0; i < site->incident_managers->len; i++)
		lk_check_agent(findings, site->at, "site.incident_managers", conf,
			       g_ptr_array_index(site->incident_managers, i));
	for (unsigned i = 0; i < site->bilingual->len; i++)
		if (!g_ptr_array_find_with_equal_func(site->languages,
						      g_ptr_array_index(site->bilingual, i),
						      g_str_equal, NULL))
			lk_find_error(findings, site->at,
				      "site.bilingual: \"%s\" is not one of site.languages",
				      (char *)g_ptr_array_index(site->bilingual, i));
	if (strlen(site->run_dir) > MOST_RUN_DIR)
		lk_find_error(findings, site->at,
			      "site.run_dir: the path is longer than %d bytes, too long for the "
			      "sockets in it",
			      MOST_RUN_DIR);
	if (site->bilingual->len == 1)
		lk_find_error(findings, site->at,
			      "site.bilingual names one language; name two, or none with ( )");
	if (!g_ptr_array_find_with_equal_func(site->languages,
					      lk_conf_lang_code((lk_conf_lang)site->language),
					      g_str_equal, NULL))
		lk_find_error(findings, site->at,
			      "site.language: \"%s\" is not one of site.languages",
			      lk_conf_lang_code((lk_conf_lang)site->language));
	if (site->authserv->len > 0 && site->relays->len == 0)
		lk_find_warning(findings, site->at,
				"site.authserv is given without site.relays: no "
				"Authentication-Results will be believed");
}

static void check_breaker(const lk_findings *findings, const lk_conf *conf)
{
	lk_conf_origin file = {g_ptr_array_index(findings->files, 0), 0};

	for (unsigned i = 0; i < conf->breaker->len; i++) {
		const lk_conf_rate *rate = &g_array_index(conf->breaker, lk_conf_rate, i);

		for (unsigned j = 0; j < i; j++) {
			const lk_conf_rate *other = &g_array_index(conf->breaker, lk_conf_rate, j);

			if (rate->seconds == other->seconds)
				lk_find_error(findings, file,
					      "breaker: two rates hold for the same time (%" PRId64
					      " and %" PRId64 " mails)",
					      other->count, rate->count);
			else if ((rate->seconds > other->seconds) != (rate->count > other->count))
				lk_find_warning(
					findings, file,
					"breaker: %" PRId64 " mails in %" PRId64 " s and %" PRId64
					" in %" PRId64 " s: the shorter time allows no fewer",
					other->count, other->seconds, rate->count, rate->seconds);
		}
	}
}

void lk_check_conf(const lk_findings *findings, const lk_conf *conf)
{
	check_all_names(findings, conf);
	check_addresses(findings, conf);
	check_organisations(findings, conf);
	check_site(findings, conf);
	check_breaker(findings, conf);
	lk_check_servers(findings, conf);
	lk_check_desk(findings, conf);
	lk_check_skills(findings, conf);
	lk_check_rules(findings, conf);
}
