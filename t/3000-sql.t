#!/usr/bin/perl
# sql/embed.pl: what it compiles in, what it refuses; and the house rules of sql/queries.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;

my $embed = source_dir() . '/sql/embed.pl';
my $dir = temp_dir() . '/sql';
my $out = temp_dir() . '/out';

# Runs embed.pl on one query file; {err, status} and the generated texts.
sub embed {
	my (%file) = @_;
	run(['rm', '-rf', $dir, $out]);
	mkdir $_ or die "$_: $!" for $dir, "$dir/queries", "$dir/migrations", $out;
	my %all = ('roles.sql' => "SELECT 'roles';\n",
		'migrations/0001-one.sql' => "CREATE TABLE a (b text);\n", %file);
	for my $path (keys %all) {
		spew("$dir/$path", $all{$path}) if defined $all{$path};
	}
	my $done = run(['perl', $embed, $dir, $out]);
	$done->{queries} = -e "$out/queries.c" ? slurp("$out/queries.c") : '';
	$done->{header} = -e "$out/queries.h" ? slurp("$out/queries.h") : '';
	$done->{migrations} = -e "$out/migrations.c" ? slurp("$out/migrations.c") : '';
	return $done;
}

my $good = embed('queries/a.sql' => <<'SQL', 'queries/b.sql' => "-- name: b_one\n-- x\nSELECT 1;\n");
-- The file's own comment; with a semicolon.

-- name: a_one
-- $1 a thing; $12 is not counted here.
SELECT ';', "b;c", $1::text, E'it\'s;', 'a''b' -- $9; and no end;
  FROM t /* $8; */ WHERE x = $2[1] AND y ~ '\\[a;b]?';

-- name: a_two
-- Nothing.
DO $$ BEGIN PERFORM '-- name: no'; -- stays
END $$;

-- name: a_three
-- Nothing.
DO $x$ BEGIN PERFORM $$;$$; END $x$;
SQL
is($good->{status}, 0, 'semicolons, quotes, brackets and $$ are taken') or diag $good->{err};
like($good->{header}, qr/LK_Q_A_ONE,\n\tLK_Q_A_TWO,\n\tLK_Q_A_THREE,\n\tLK_Q_B_ONE,\n\tLK_N_QUERIES/,
	'queries become an enum in order');
like($good->{header}, qr/LK_QG_A,\n\tLK_QG_B,\n\tLK_N_QUERY_GROUPS/, 'files become groups');
like($good->{queries}, qr/\{ "a_one", LK_QG_A, 2,\n/, 'parameters are counted outside comments');
unlike($good->{queries}, qr/and no end|\$8|is not counted/, 'comments are left out');
like($good->{queries}, qr/PERFORM '-- name: no'; -- stays\\n"/, 'but not within $$');
like($good->{queries}, qr/\{ "a_three", LK_QG_A, 0,\n\t"DO \$x\$ BEGIN PERFORM \$\$;\$\$; END \$x\$" \}/,
	'$x$ holds $$');

# The compiler's reading of the literal must be the SQL that stood in the file.
SKIP: {
	my $cc = (grep { -x } map { "$_/cc" } split /:/, $ENV{PATH})[0];
	skip 'no C compiler', 1 if !$cc;
	spew("$out/main.c", <<'C');
#include "lib/db/sql.h"
#include <stdio.h>
int main(void) { printf("%s", lk_sql_queries[LK_Q_A_ONE].text); return 0; }
C
	run([$cc, '-I', source_dir(), '-I', $out, '-o', "$out/main", "$out/main.c", "$out/queries.c",
			"$out/migrations.c"]);
	is(run(["$out/main"])->{out},
		qq{SELECT ';', "b;c", \$1::text, E'it\\'s;', 'a''b'\n}
		. q{FROM t WHERE x = $2[1] AND y ~ '\\\\[a;b]?'}, 'the text survives C');
}

my $none = embed();
is($none->{status}, 0, 'no query file at all is no error') or diag $none->{err};
like($none->{header}, qr/typedef enum lk_query \{\n\tLK_N_QUERIES\n\}/, 'then there are no queries');

for my $case (
	['the same name twice', qr/a_one is already in/, 'queries/a.sql' =>
		"-- name: a_one\n-- x\nSELECT 1;\n-- name: a_one\n-- x\nSELECT 2;\n"],
	['the same name in two files', qr/a_one is already in/,
		'queries/a.sql' => "-- name: a_one\n-- x\nSELECT 1;\n",
		'queries/b.sql' => "-- name: a_one\n-- x\nSELECT 1;\n"],
	['no semicolon', qr/a_one: does not end with ;/,
		'queries/a.sql' => "-- name: a_one\n-- x\nSELECT 1\n"],
	['two statements', qr/a_one: more than one statement/,
		'queries/a.sql' => "-- name: a_one\n-- x\nSELECT 1; SELECT 2;\n"],
	['an empty statement', qr/a_one: empty/, 'queries/a.sql' => "-- name: a_one\n-- x\n;\n"],
	['SQL before the first name', qr/SQL before the first/, 'queries/a.sql' => "SELECT 1;\n"],
	['a bad name', qr/bad name "A-one"/, 'queries/a.sql' => "-- name: A-one\n-- x\nSELECT 1;\n"],
	['a gap in the migrations', qr/expected number 0002/,
		'migrations/0003-three.sql' => "SELECT 1;\n"],
	['a migration without slug', qr/not named NNNN-slug/, 'migrations/0002.sql' => "SELECT 1;\n"],
	['a NUL', qr/contains a NUL/, 'roles.sql' => "SELECT '\0';\n"],
) {
	my ($what, $error, %file) = @$case;
	my $done = embed(%file);
	isnt($done->{status}, 0, "$what is refused");
	like($done->{err}, $error, "$what: the message says so");
}

# Each statement says what its parameters are.
for my $path (tracked_files(qr{^sql/queries/[^/]+\.sql$})) {
	my @parts = split /^-- name:[ \t]*(\S+)\n/m, slurp(source_dir() . "/$path"), -1;
	shift @parts;
	my @silent;
	while (my ($name, $body) = splice @parts, 0, 2) {
		my ($comment) = $body =~ /\A((?:--[^\n]*\n)*)/;
		(my $statement = $body) =~ s/--[^\n]*//g;
		my %used = map { $_ => 1 } $statement =~ /\$(\d+)/g;
		push @silent, $name if $comment !~ /\w/;
		push @silent, map { "$name \$$_" } grep { $comment !~ /\$$_\b/ } sort keys %used;
	}
	is_deeply(\@silent, [], "$path: every statement and parameter is explained");
}

done_testing;
