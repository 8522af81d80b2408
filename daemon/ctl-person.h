/* What the files of luukkuctl's person commands share. */
#ifndef LK_CTL_PERSON_H
#define LK_CTL_PERSON_H

#include "daemon/ctl.h"
#include "lib/base/hash.h"

/* An address as the command line gives it. folded: owned. LK_ERR_USAGE when it is none. */
typedef struct {
	const char *text;
	char *folded;
	uint8_t hash[LK_KEY_HASH_BYTES];
} lk_ctl_address;
bool lk_ctl_address_read(const char *text, lk_ctl_address *ret_address, GError **error);
void lk_ctl_address_clear(lk_ctl_address *address);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lk_ctl_address, lk_ctl_address_clear)

/* LK_ERR_NOINPUT for an address that nobody is known by. */
bool lk_ctl_person_unknown(const char *address, GError **error);

/* Remembers who changed what; detail is consumed. Inside the caller's transaction. */
bool lk_ctl_person_event(lk_ctl *ctl, lk_db *db, const char *event, const char *reason,
			 lk_json *detail, GError **error);

/* ctl-person-import.c and ctl-person-erase.c */
bool lk_ctl_person_import(lk_ctl *ctl, GError **error);
bool lk_ctl_person_export(lk_ctl *ctl, GError **error);
bool lk_ctl_person_erase(lk_ctl *ctl, GError **error);

#endif
