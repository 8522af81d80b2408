/* The texts of sql/ as the build compiled them in. For lib/db and its tests only. */
#ifndef LK_DB_SQL_H
#define LK_DB_SQL_H

#include "queries.h"

typedef struct {
	const char *name;
	lk_query_group group;
	int n_params;
	const char *text;
} lk_sql_query;

/* By lk_query; one empty entry behind the last. */
extern const lk_sql_query lk_sql_queries[LK_N_QUERIES + 1];

typedef struct {
	int number;
	const char *name; /* "0001-hatch" */
	const char *text;
} lk_sql_migration;

/* In order, numbered from 1 without gaps. */
extern const lk_sql_migration lk_sql_migrations[];
extern const int lk_sql_n_migrations;
extern const char lk_sql_roles[];

#endif
