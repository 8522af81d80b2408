/*
 * What a server and we say to each other, line by line, for a person who looks why a login fails.
 * Secrets are blotted out before anybody sees a line.
 */
#ifndef LK_NET_DIALOGUE_H
#define LK_NET_DIALOGUE_H

#include "lib/base/secret.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct lk_dialogue lk_dialogue;

/* line: clean UTF-8 of at most 300 bytes, borrowed. */
typedef void (*lk_dialogue_tell)(void *data, bool is_ours, const char *line);

/* secret: blotted out wherever it is said, borrowed, or NULL. Caller frees. */
lk_dialogue *lk_dialogue_new(const lk_secret *secret, lk_dialogue_tell tell, void *data);
void lk_dialogue_free(lk_dialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lk_dialogue, lk_dialogue_free)

/*
 * Some bytes went over the wire; lines are told when they are whole. Of what we say in a login
 * (LOGIN, PASS, AUTH, AUTHENTICATE, and answers to a challenge) only the command is told.
 */
void lk_dialogue_said(lk_dialogue *dialogue, bool is_ours, const char *bytes, size_t n);

#endif
