/* Shared by the files that read commands only. */
#ifndef LK_DESK_COMMAND_PRIVATE_H
#define LK_DESK_COMMAND_PRIVATE_H

#include "lib/desk/command.h"

/*
 * Fills the command from what stands behind its name (cleaned); adds a problem and returns false
 * when it is not right.
 */
bool lk_command_argument(const lk_command_context *context, lk_command *command,
			 const char *argument, GPtrArray *problems);

#endif
