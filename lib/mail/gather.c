#include "lib/mail/gather.h"

#include "lib/mail/answer.h"

#include <string.h>

void lk_gather_defect(lk_gather *gather, const char *format, ...)
{
	GPtrArray *defects = gather->mail->defects;
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *defect = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	if (defects->len >= LK_DEFECTS_MOST)
		return;
	for (unsigned i = 0; i < defects->len; i++)
		if (strcmp(g_ptr_array_index(defects, i), defect) == 0)
			return;
	g_ptr_array_add(defects, g_steal_pointer(&defect));
}
