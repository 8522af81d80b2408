#!/usr/bin/perl
# The shape of the tree and of its files.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

my @files = tracked_files(qr/./);
cmp_ok(scalar @files, '>', 120, 'the files were found');

# Nothing at the top but this; all of it is there.
my %top = map { (split m{/})[0] => 1 } @files;
is_deeply([sort keys %top],
	[sort qw(.ci .clang-format .clang-tidy .gitignore CMakeLists.txt COPYING README conf contrib daemon
		lib sql t)], 'the top level holds what was agreed');

# Files of at most 650 lines, functions of at most 80. Tables are no functions.
my @c = grep { m{^(?:lib/\w+|daemon|t/unit|t/fuzz|t/helper)/[^/]+\.[ch]$} } @files;
cmp_ok(scalar @c, '>', 80, 'the C files were found');
my (@long, $functions);
for my $path (@c) {
	my @lines = split /\n/, slurp(source_dir() . "/$path");
	push @long, "$path: " . @lines . ' lines' if @lines > 650;
	my ($start, $name);
	for my $i (0 .. $#lines) {
		$name = $1 if $lines[$i] =~ /^\w.*?(\w+)\(/;
		if ($lines[$i] eq '{') {
			$start = $i;
			$functions++;
		} elsif ($lines[$i] eq '}' && defined $start) {
			my $n = $i - $start + 1;
			push @long, "$path: $name: $n lines" if $n > 80;
			undef $start;
		}
	}
}
is(join("\n", @long), '', 'files to 650 lines, functions to 80');
cmp_ok($functions, '>', 400, 'the functions were found');

# Words that mark unfinished work, and names that mean nothing outside one machine. Split, so that
# this file does not find itself.
my @marks = ('TO' . 'DO', 'FIX' . 'ME', 'X' . 'XX', 'HA' . 'CK', 'T' . 'BD', 'not imple' . 'mented',
	'for n' . 'ow');
my $mark = join '|', map { quotemeta } @marks;
my $local = join '|', map { quotemeta } ('/wo' . 'rk/', '../sha' . 'red', '/tm' . 'p/w-', '/tm' . 'p/b-');
my (@marked, @layout, @modes);
my $interpreters = 0;
for my $path (@files) {
	my $full = source_dir() . "/$path";
	next if -l $full;
	my $bytes = slurp($full);
	my $is_data = $path eq 'COPYING' || $path =~ m{\.(?:eml|pem|bin|dat|json|lm)$} ||
		$path =~ m{^(?:t/(?:corpus|fuzz)/.*/|contrib/quickstart/mails?/)};
	my $is_script = $bytes =~ /^#!/;
	$interpreters++ if $is_script;
	my $is_executable = -x $full ? 1 : 0;
	push @modes, "$path: a script that is not executable" if $is_script && !$is_executable;
	push @modes, "$path: executable, but no script" if !$is_script && $is_executable;
	next if $is_data;
	my $line = 0;
	for (split /\n/, $bytes) {
		$line++;
		push @marked, "$path:$line: $1" if /(?<!")\b($mark)\b/;
		push @marked, "$path:$line: $1" if /($local)/;
		push @layout, "$path:$line: blanks at the end" if /[ \t]$/ && $path !~ /\.txt$|\.html$/;
		push @layout, "$path:$line: a carriage return" if /\r$/;
	}
	push @layout, "$path: no newline at the end" if length $bytes && $bytes !~ /\n\z/;
	push @layout, "$path: empty" if !length $bytes;
}
is(join("\n", @marked), '', 'nothing unfinished, nothing of one machine');
is(join("\n", @layout), '', 'lines end as lines should');
is(join("\n", @modes), '', 'scripts are executable and nothing else is');
cmp_ok($interpreters, '>', 10, 'the scripts were found');

my @tests = grep { m{^t/[^/]+\.t$} } @files;
my @unnamed = grep { $_ !~ m{^t/\d{4}-[\w-]+\.t$} } @tests;
is("@unnamed", '', 'each test has a number and a topic');
my @careless;
for my $path (@tests, grep { m{^t/lib/.*\.pm$} } @files) {
	my $text = slurp(source_dir() . "/$path");
	push @careless, "$path: use strict; use warnings;"
		if $text !~ /^use strict;$/m || $text !~ /^use warnings;$/m;
	push @careless, "$path: plan(skip_all): use skip_or_die of Luukku::Test::Base"
		if $text =~ /skip_all/ && $path !~ m{/Base\.pm$} && $path ne 't/0012-banned.t'
		&& $path ne 't/0013-house.t';
}
is(join("\n", @careless), '', 'tests are strict and skip in one way');

my @headless = grep { slurp(source_dir() . "/$_") !~ m{\A/\*} } grep { /\.h$/ } @c;
is("@headless", '', 'each header says first what it is for');

done_testing();
