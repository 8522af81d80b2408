#!/usr/bin/perl
# SQL stands in sql/, never in C.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

my $statement = qr{
	\bSELECT\b.*\bFROM\b | \bSELECT\s+[\w.]+\s*\( | \bINSERT\s+INTO\b | \bUPDATE\s+\w+\s+SET\b |
	\bDELETE\s+FROM\b | \bWITH\s+\w+\s+AS\s*\( | \bON\s+CONFLICT\b | \bFOR\s+UPDATE\b |
	\b(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|ROLE|SCHEMA|TYPE|FUNCTION|VIEW|DATABASE|TRIGGER)\s+["\w%\$] |
	\bGRANT\s+\w+ | \bREVOKE\s+\w+\s+ON\b | \bSET\s+(?:ROLE|LOCAL|SESSION)\b | \bRESET\s+ROLE\b |
	\bWHERE\s+\w+(?:\s*[=<>]|\s+IS\s+(?:NOT|NULL|TRUE|FALSE|DISTINCT)\b|\s+IN\s*\()
}xis;
# Whole statements of one word or a word and a name.
my $short = qr{^\s*(?:
	(?:BEGIN|COMMIT|ROLLBACK|ABORT|START\s+TRANSACTION)(?:\s+(?:WORK|TRANSACTION|READ)\b.*)?\s*;?\s*$ |
	(?:LISTEN|UNLISTEN|NOTIFY|DEALLOCATE|EXECUTE|PREPARE|TRUNCATE|SAVEPOINT)\s+[\w"%\$*] )}xs;

# The string literals of C, with those side by side joined as the compiler joins them.
sub literals {
	my ($code) = @_;
	my @found;
	my $joined;
	while ($code =~ m{\G(?:(/\*.*?\*/|//[^\n]*)|"((?:[^"\\]|\\.)*)"|('(?:[^'\\]|\\.)*')|(\s+)|(.))}gs) {
		my ($comment, $string, $char, $space) = ($1, $2, $3, $4);
		if (defined $string) {
			$joined = defined $joined ? "$joined$string" : $string;
		} elsif (!defined $comment && !defined $space) {
			push @found, $joined if defined $joined;
			undef $joined;
		}
	}
	push @found, $joined if defined $joined;
	s/\\n|\\t/ /g for @found;
	return @found;
}

# The test must see what it looks for.
my @sql = ('SELECT id FROM ticket', 'insert into t values (1)', 'UPDATE t SET a = 1', 'COMMIT',
	'begin', 'DELETE FROM t', 'SET ROLE luukku_send', 'LISTEN outbox', 'select pg_notify(1)',
	'CREATE TABLE x (y int)', 'ROLLBACK;', 'a WHERE id = $1');
my @prose = ('the answer to COMMIT was lost', 'SELECT %s', 'select a folder', 'BEGIN:VCALENDAR',
	'updated the set', 'grants nothing', 'delete this mail from the server', 'listen',
	'ALTER ROLE ... CREATEROLE', 'the language where nothing else decides');
is(scalar(grep { is_sql($_, 'daemon/x.c') } @sql), scalar @sql, 'statements are recognised');
is(join('|', grep { is_sql($_, 'daemon/x.c') } @prose), '', 'prose is not');
is_deeply([literals(qq{f("SELECT id " /* c "x" */\n  "FROM t", 'a', "b\\"c");})],
	['SELECT id FROM t', 'b\\"c'], 'literals are joined');

sub is_sql {
	my ($literal, $path) = @_;
	return 1 if $literal =~ $statement;
	return 0 if $path =~ m{^lib/(?:mail|net|conf|base)/};    # BEGIN is iCalendar's word as well
	return 0 if $path =~ m{^lib/db/} && $literal =~ /^(?:BEGIN|COMMIT|ROLLBACK)$/;
	return $literal =~ $short || $literal =~ /^(?:begin|commit|rollback)$/;
}

my @files = tracked_files(qr{^(?:lib/\w+|daemon)/[^/]+\.[ch]$});
my ($n, @broken) = (0);
for my $path (@files) {
	for my $literal (literals(slurp(source_dir() . "/$path"))) {
		$n++;
		push @broken, "$path: \"$literal\"" if is_sql($literal, $path);
	}
}
cmp_ok(scalar @files, '>', 60, 'the sources were found');
cmp_ok($n, '>', 500, 'their strings were read');
is(join("\n", @broken), '', 'no SQL in C');

my @queries = tracked_files(qr{^sql/queries/[\w-]+\.sql$});
cmp_ok(scalar @queries, '>', 2, 'queries stand in sql/queries');
my @bare;
for my $path (@queries) {
	my $text = slurp(source_dir() . "/$path");
	my @names = $text =~ /^-- name: (\w+)$/mg;
	push @bare, "$path: no query" if !@names;
	# Each with a word on its parameters and its caller.
	push @bare, "$path: $1 has no comment" while $text =~ /^-- name: (\w+)\n(?!--)/mg;
}
is(join("\n", @bare), '', 'each query has a comment');

done_testing();
