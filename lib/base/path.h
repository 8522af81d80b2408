/* Where luukku's own programs and data files lie: in the build tree or installed. */
#ifndef LK_BASE_PATH_H
#define LK_BASE_PATH_H

/*
 * The path of one of our programs: beside the running one if it is there, else in libexec, sbin
 * or bin of the installation. Always a path, whether or not there is a file. Caller frees.
 */
char *lk_program_path(const char *name);

/*
 * The path of a data file or directory ("templates"): beside the running program (build tree)
 * if it is there, else in the installation's data directory. Caller frees.
 */
char *lk_data_path(const char *name);

#endif
