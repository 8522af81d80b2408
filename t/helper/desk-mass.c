/*
 * For t/bench/mass: lines "SUBJECT<TAB>TEXT" on standard input, where "|" stands for a line break
 * in TEXT; each becomes the words by which lk_mass_words compares it.
 */
#include "lib/desk/mass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		g_auto(GStrv) fields = g_strsplit(line, "\t", 2);
		if (!fields[0] || !fields[1])
			g_error("no tab in a line");
		g_strdelimit(fields[1], "|", '\n');
		g_autofree char *words = lk_mass_words(fields[0], fields[1]);
		printf("%s\n", words);
	}
	g_assert(!ferror(stdin));
	fflush(stdout);
	free(line);
	return 0;
}
