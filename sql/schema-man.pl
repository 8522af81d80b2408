#!/usr/bin/perl
# Writes luukku-schema.7 from the comments in a migrated database, through psql and its PG...
# environment: PGDATABASE=luukku perl sql/schema-man.pl > sql/luukku-schema.7
use strict;
use warnings;

# Rows of a query; fields are split by \x1f, rows by \x1e.
sub rows {
	my ($sql) = @_;
	local $ENV{PGOPTIONS} = '-c search_path=public';
	open my $psql, '-|', 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1',
		'-F', "\x1f", '-R', "\x1e", '-c', $sql or die "psql: $!\n";
	local $/;
	my $text = <$psql> // '';
	close $psql or die "psql failed\n";
	$text =~ s/\n\z//;
	return map { [split /\x1f/, $_, -1] } split /\x1e/, $text;
}

sub mdoc {
	my ($text) = @_;
	$text =~ s/\\/\\e/g;
	$text =~ s/^([.'])/\\&$1/mg;
	$text =~ s/"/\\(dq/g;
	return $text;
}

# A new line after each sentence, as mdoc wants it, and lines of at most 78 characters.
sub prose {
	my ($text) = @_;
	my $out = '';
	for my $sentence (split /(?<=[.;:])\s+(?=[A-Z])/, mdoc($text)) {
		my $line = '';
		for my $word (split ' ', $sentence) {
			if (length("$line $word") > 78) {
				$out .= "$line\n";
				$line = '';
			}
			$line .= ($line eq '' ? '' : ' ') . $word;
		}
		$out .= "$line\n";
	}
	$out =~ s/^([.'])/\\&$1/mg;
	return $out;
}

my @tables = rows(q{
	SELECT c.oid, c.relname, coalesce(obj_description(c.oid, 'pg_class'), '')
	  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v', 'p')
	 ORDER BY c.relname});

print <<'HEAD';
.\" Made by sql/schema-man.pl from the comments in the database; do not edit.
.Dd $Mdocdate$
.Dt LUUKKU-SCHEMA 7
.Os luukku
.Sh NAME
.Nm luukku-schema
.Nd tables of luukku's database
.Sh DESCRIPTION
All that
.Xr luukkud 8
and its programs know stands in one PostgreSQL database, which
.Ic luukkuctl migrate
creates and brings up to date.
Reports may read it; only luukku writes it.
.Pp
Times are
.Vt timestamptz .
Business times come from luukku's own clock;
leases and claims go by the database's.
What strangers write is never indexed as text:
Message-IDs, subjects and addresses are found by their BLAKE2b-128,
content by its BLAKE2b-256.
.Sh ROLES
Programs log in as
.Sy luukku ,
which has no rights itself, and become one role each:
.Sy luukku_fetch ,
.Sy luukku_lmtp ,
.Sy luukku_send ,
.Sy luukku_sched ,
.Sy luukku_web
and
.Sy luukku_ctl .
.Sy luukku_read
is for reports: it sees figures, states and times,
but no text, name or address of a customer.
Grant it to whom you like.
.Sh TABLES
HEAD

for my $table (@tables) {
	my ($oid, $name, $comment) = @$table;
	print ".Ss $name\n", prose($comment), ".Bl -tag -width Ds\n";
	for my $column (rows(qq{
		SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
		       coalesce(col_description(a.attrelid, a.attnum), ''),
		       coalesce((SELECT string_agg(DISTINCT k.confrelid::regclass::text, ', ')
				   FROM pg_constraint k
				  WHERE k.conrelid = a.attrelid AND k.contype = 'f'
				    AND a.attnum = ANY (k.conkey)), ''),
		       EXISTS (SELECT FROM pg_constraint k
				WHERE k.conrelid = a.attrelid AND k.contype = 'p'
				  AND a.attnum = ANY (k.conkey))
		  FROM pg_attribute a
		 WHERE a.attrelid = $oid AND a.attnum > 0 AND NOT a.attisdropped
		 ORDER BY a.attnum})) {
		my ($column_name, $type, $not_null, $text, $other, $is_key) = @$column;
		$type =~ s/timestamp with time zone/timestamptz/;
		my $facts = $type;
		$facts .= ', key' if $is_key eq 't';
		$facts .= ", refers to $other" if $other ne '';
		$facts .= ', may be null' if $not_null ne 't';
		print ".It Va $column_name Pq $facts\n", prose($text);
	}
	print ".El\n";
}
print <<'TAIL';
.Sh SEE ALSO
.Xr luukku.conf 5 ,
.Xr luukkuctl 8 ,
.Xr luukkud 8
TAIL
