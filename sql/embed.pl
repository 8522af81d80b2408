#!/usr/bin/perl
# Compiles sql/ into C: embed.pl SQLDIR OUTDIR writes queries.h, queries.c and migrations.c there.
#
# queries/*.sql: statements under "-- name: x", one each, ended by ";". A file is a group.
# migrations/NNNN-slug.sql: whole files, numbered from 0001 without gaps.
# Perl, because CMake's own language mangles ; [ ] and backslashes.
use strict;
use warnings;

my ($sql, $out) = @ARGV;
die "usage: embed.pl SQLDIR OUTDIR\n" unless defined $out;

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or die "$path: $!\n";
	local $/;
	my $text = <$in> // '';
	die "$path: contains a NUL\n" if $text =~ /\0/;
	return $text;
}

# Writes only what changed, so that a touched file does not rebuild everything.
sub spew {
	my ($path, $text) = @_;
	return if -e $path && slurp($path) eq $text;
	open my $file, '>:raw', $path or die "$path: $!\n";
	print {$file} $text or die "$path: $!\n";
	close $file or die "$path: $!\n";
}

# A C string literal, one source line a line of SQL.
sub c_string {
	my ($text) = @_;
	my @lines = map {
		my $line = $_;
		$line =~ s/([\\"?])/\\$1/g;
		$line =~ s/\n/\\n/;
		$line =~ s/\t/\\t/g;
		$line =~ s/([\x00-\x1f\x7f-\xff])/sprintf '\\%03o', ord $1/ge;
		"\t\"$line\"";
	} $text =~ /[^\n]*\n|[^\n]+/g;
	return @lines ? join("\n", @lines) : "\t\"\"";
}

# One token of SQL at a time, so that comments, strings and $$ bodies hide what they hold.
my $token = qr{
	(?<comment> --[^\n]* )
	| (?<block> /\* .*? \*/ )
	| (?<string> [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*" )
	| (?<dollar> \$(?<tag>[A-Za-z_]\w*|)\$ .*? \$\k<tag>\$ )
	| \$(?<param> [1-9]\d* )
	| (?<end> ; )
	| (?<space> \s+ )
	| (?<other> [A-Za-z_]\w* | . )
}xs;

# The statement without comments and needless blanks, and how many parameters it has.
sub compile {
	my ($where, $text) = @_;
	my ($statement, $params, $ended, $in_blank) = (q(), 0, 0, 0);
	while ($text =~ /\G$token/gc) {
		my %t = %+;
		next if defined $t{comment} && $statement eq q();
		if (defined $t{comment} || defined $t{block} || defined $t{space}) {
			my $blank = ($t{space} // q()) =~ /\n/ ? "\n" : q( );
			if ($in_blank) {
				substr($statement, -1) = $blank if $blank eq "\n";
			} else {
				$statement .= $blank;
			}
			$in_blank = 1;
			next;
		}
		die "$where: more than one statement\n" if $ended;
		if (defined $t{end}) {
			$ended = 1;
			next;
		}
		$params = $t{param} if defined $t{param} && $t{param} > $params;
		$statement .= $&;
		$in_blank = 0;
	}
	die "$where: does not end with ;\n" unless $ended;
	$statement =~ s/\A\s+|\s+\z//g;
	die "$where: empty\n" if $statement eq '';
	return ($statement, $params);
}

my (@queries, @groups, %seen);
for my $path (sort glob "$sql/queries/*.sql") {
	my ($group) = $path =~ m{([^/]+)\.sql\z};
	die "$path: a group's name is [a-z][a-z0-9_]*\n" unless $group =~ /\A[a-z][a-z0-9_]*\z/;
	push @groups, $group;
	my $text = slurp($path);
	my @parts = split /^-- name:[ \t]*(.*?)[ \t]*\n/m, $text, -1;
	my $head = shift @parts;
	die "$path: SQL before the first \"-- name:\"\n" if $head =~ /^(?!--)[^\n]*\S/m;
	while (my ($name, $body) = splice @parts, 0, 2) {
		die "$path: bad name \"$name\"\n" unless $name =~ /\A[a-z][a-z0-9_]*\z/;
		die "$path: $name is already in $seen{$name}\n" if $seen{$name};
		$seen{$name} = $path;
		my ($statement, $params) = compile("$path: $name", $body);
		push @queries, { name => $name, group => $group, text => $statement, params => $params };
	}
}

my (@migrations, $roles);
for my $path (sort glob "$sql/migrations/*.sql") {
	my ($number, $slug) = $path =~ m{/(\d{4})-([a-z0-9-]+)\.sql\z}
		or die "$path: not named NNNN-slug.sql\n";
	die "$path: expected number " . sprintf('%04d', @migrations + 1) . "\n"
		unless $number == @migrations + 1;
	push @migrations, { number => $number + 0, name => "$number-$slug", text => slurp($path) };
}
die "$sql/migrations: empty\n" unless @migrations;
$roles = slurp("$sql/roles.sql");

my $mark = "/* Made by sql/embed.pl from sql/; do not edit. */\n";
my $enum = join '', map { "\tLK_Q_" . uc($_->{name}) . ",\n" } @queries;
my $group_enum = join '', map { "\tLK_QG_" . uc($_) . ",\n" } @groups;
spew("$out/queries.h", <<"H");
$mark#ifndef LK_GENERATED_QUERIES_H
#define LK_GENERATED_QUERIES_H

typedef enum lk_query {
${enum}\tLK_N_QUERIES
} lk_query;

/* One file of sql/queries each. */
typedef enum lk_query_group {
${group_enum}\tLK_N_QUERY_GROUPS
} lk_query_group;

#endif
H

my $table = join '', map {
	"\t{ \"$_->{name}\", LK_QG_" . uc($_->{group}) . ", $_->{params},\n" . c_string($_->{text})
		. " },\n"
} @queries;
spew("$out/queries.c", <<"C");
$mark#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "lib/db/sql.h"

const lk_sql_query lk_sql_queries[LK_N_QUERIES + 1] = {
${table}\t{ "", (lk_query_group)0, 0, "" }
};
C

my $list = join '', map {
	"\t{ $_->{number}, \"$_->{name}\",\n" . c_string($_->{text}) . " },\n"
} @migrations;
my $n = @migrations;
my $roles_text = c_string($roles);
spew("$out/migrations.c", <<"C");
$mark#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "lib/db/sql.h"

const lk_sql_migration lk_sql_migrations[] = {
$list};
const int lk_sql_n_migrations = $n;

const char lk_sql_roles[] =
$roles_text;
C
