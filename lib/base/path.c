#include "lib/base/path.h"

#include <glib.h>
#include <unistd.h>

/* The running program's directory, or NULL without /proc. */
static char *own_directory(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	return self ? g_path_get_dirname(self) : NULL;
}

/* The path if something is there, else NULL. */
static char *existing(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	return access(path, F_OK) == 0 ? g_steal_pointer(&path) : NULL;
}

char *lk_program_path(const char *name)
{
	g_autofree char *own = own_directory();
	const char *const dirs[] = {own, LUUKKU_LIBEXECDIR, LUUKKU_SBINDIR, LUUKKU_BINDIR};
	for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
		char *path = dirs[i] ? existing(dirs[i], name) : NULL;
		if (path)
			return path;
	}
	return g_build_filename(LUUKKU_LIBEXECDIR, name, NULL);
}

char *lk_data_path(const char *name)
{
	g_autofree char *own = own_directory();
	char *path = own ? existing(own, name) : NULL;
	return path ? path : g_build_filename(LUUKKU_DATADIR, name, NULL);
}
