#!/usr/bin/perl
# Calls that do not belong here, each with what to write instead.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

# name => [instead, files that may]
my %banned = (
	(map { $_ => ['GString, g_strdup, memcpy with a length'] }
		qw(strcpy stpcpy strcat strncat sprintf vsprintf gets)),
	(map { $_ => ['g_strsplit or a loop with strcspn'] } qw(strtok)),
	(map { $_ => ['lk_parse_int (lib/base/units.h)'] }
		qw(atoi atol atoll atof strtol strtoul strtoll strtoull strtod strtof strtold strtoimax
		strtoumax g_ascii_strtoll g_ascii_strtoull g_ascii_strtod sscanf scanf fscanf vsscanf)),
	(map { $_ => ['posix_spawn or fork and exec of a program without a shell'] }
		qw(system popen vfork g_spawn_command_line_sync)),
	(map { $_ => ['a prepared statement (lib/db/db.h)'] }
		qw(PQexec PQescapeString PQescapeStringConn PQescapeLiteral PQescapeIdentifier
		PQescapeBytea PQescapeByteaConn)),
	(map { $_ => ['the heap'] } qw(alloca g_alloca g_newa strdupa)),
	(map { $_ => ['sigaction or signalfd'] } qw(signal)),
	(map { $_ => ['a return value'] } qw(setjmp longjmp sigsetjmp siglongjmp)),
	(map { $_ => ['lk_spool_open'] } qw(mktemp tmpnam tempnam tmpfile)),
	(map { $_ => ['lk_jitter'] } qw(rand srand random srandom drand48 g_random_int
		g_random_int_range)),
	(map { $_ => ['lk_now (lib/base/clock.h)', qr{^lib/base/clock\.c$}] }
		qw(time gettimeofday clock_gettime g_get_real_time g_get_monotonic_time
		g_date_time_new_now g_date_time_new_now_utc g_date_time_new_now_local)),
	(map { $_ => ['gmtime_r, g_date_time with a zone'] } qw(localtime gmtime ctime asctime mktime)),
	(map { $_ => ['poll with a deadline'] } qw(sleep usleep nanosleep g_usleep select)),
	(map { $_ => ['O_CLOEXEC: pipe2, accept4, fcntl F_DUPFD_CLOEXEC'] } qw(pipe accept dup creat)),
	(map { $_ => ['no threads, no loops of GLib, no objects'] }
		qw(pthread_create g_thread_new g_main_loop_new g_main_context_new g_object_new
		G_DEFINE_TYPE)),
	(map { $_ => ['memory of GLib, which never returns NULL'] }
		qw(malloc calloc realloc strdup strndup asprintf vasprintf)),
	(map { $_ => ['g_autoptr, or the GError'] } qw(perror err errx warn warnx)),
);

sub code_only {
	my ($text) = @_;
	$text =~ s{/\*.*?\*/}{ "\n" x ($& =~ tr/\n//) }gse;
	$text =~ s{"(?:[^"\\\n]|\\.)*"}{""}g;
	$text =~ s{'(?:[^'\\\n]|\\.)+'}{' '}g;
	return $text;
}

# The calls of banned functions in C code, as [line, name].
sub banned_calls {
	my ($code, $path) = @_;
	my @found;
	my $line = 0;
	for (split /\n/, code_only($code)) {
		$line++;
		while (/(?<![\w>.])(\w+)\s*\(/g) {
			my $rule = $banned{$1} or next;
			next if $rule->[1] && $path =~ $rule->[1];
			push @found, "$path:$line: $1: use $rule->[0]";
		}
	}
	return @found;
}

is(scalar(banned_calls("x = strcpy(a, b);\ny = time (NULL);\n", 'x.c')), 2, 'calls are seen');
is(scalar(banned_calls("/* strcpy(a, b) */ f(\"system(x)\"); p->time(1); my_dup(2);", 'x.c')), 0,
	'comments, strings and other names are not');

my @files = tracked_files(qr{^(?:lib/\w+|daemon)/[^/]+\.[ch]$});
cmp_ok(scalar @files, '>', 60, 'the sources were found');
my (@broken, @leaky, @forks);
for my $path (@files) {
	my $text = slurp(source_dir() . "/$path");
	push @broken, banned_calls($text, $path);
	my $code = code_only($text);
	# A call's arguments up to its end; nested parentheses twice at most.
	my $arguments = qr{\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)};
	while ($code =~ /(?<![\w>.])((?:open|openat|mkostemp|socket|socketpair|accept4|pipe2|signalfd|timerfd_create|epoll_create1|eventfd|inotify_init1|memfd_create)\s*$arguments)/g) {
		push @leaky, "$path: $1" if $1 !~ /CLOEXEC/ && $1 !~ /flags/;
	}
	push @leaky, "$path: fopen without \"e\""
		if $text =~ /(?<![\w>.])fopen\s*\([^;]*"[rwa]\+?b?"/;
	push @forks, $path if $code =~ /(?<![\w>.])fork\s*\(/ && $code !~ /\bexec(?:v|ve|vp|l|le|vpe)\s*\(/
		&& $code !~ /\bfexecve\s*\(/;
}
is(join("\n", @broken), '', 'no banned call');
is(join("\n", @leaky), '', 'each descriptor is closed on exec');
is(join("\n", @forks), '', 'fork is followed by exec');

# Tests wait for a condition; only the helpers that do the waiting may sleep.
my @sleepy;
my @scripts = tracked_files(qr{^t/(?:[^/]+\.t|lib/.*\.pm)$});
cmp_ok(scalar @scripts, '>', 5, 'the tests were found');
for my $path (grep { $_ !~ m{^t/lib/Luukku/Test/(?:Base|Proc)\.pm$} } @scripts) {
	my $line = 0;
	for (split /\n/, slurp(source_dir() . "/$path")) {
		$line++;
		my $said = $_;
		s/'[^']*'|"[^"]*"//g;    # a program made to hang is somebody else's sleep
		next if /\bwhile\b/;     # a condition
		push @sleepy, "$path:$line: $said"
			if /(?:^|[;{])\s*(?:Time::HiRes::)?u?sleep\b/ || /\bselect\(?\s*undef,\s*undef,\s*undef/;
	}
}
is(join("\n", @sleepy), '', 'no test sleeps');

done_testing();
