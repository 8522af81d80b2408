#!/usr/bin/perl
# Migrations, the schema's version, its comments and its manual page.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

my $pg = Luukku::Test::Pg->start;
my @files = map { m{/(\d+-[a-z0-9-]+)\.sql$} ? $1 : () } tracked_files(qr{^sql/migrations/});
my $newest = @files;

# --- from empty, twice, refused history
{
	my $db = $pg->database(empty => 1);
	my $user = { env => { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => undef } };
	my $role = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_fetch' };

	# The roles are the cluster's; in an empty cluster the first migrate below makes them.
	$pg->database;
	my $before = $db->helper('open', env => $role);
	is($before->{status}, 78, 'a program refuses an empty database');
	is($before->{err}, "CONFIG: schema 0, need $newest: run luukkuctl migrate\n", 'and says why');

	my $dry = $db->helper('inspect');
	is($dry->{out}, "have 0\nneed $newest\n" . join('', map { "pending $_\n" } @files),
		'inspect lists what is pending');
	is($db->sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0,
		'and changes nothing');

	my $done = $db->helper('migrate');
	is($done->{status}, 0, 'migrate from empty') or diag $done->{err};
	is($done->{out}, join('', map { "migrate $_\n" } @files), 'applies each file in order');
	is($db->sql('SELECT max(number) FROM schema_migration'), $newest, 'and records it');
	is($db->helper('open', env => $role)->{status}, 0, 'now programs start');

	my $dump = sub {
		return join "\n", map { join '|', @$_ } $db->sql(q{SELECT xmin, * FROM schema_migration
			ORDER BY number}), $db->sql(q{SELECT oid, xmin, relname FROM pg_class
			WHERE relnamespace = 'public'::regnamespace ORDER BY oid});
	};
	my $first = $dump->();
	my $again = $db->helper('migrate');
	is($again->{status} . $again->{out}, '0', 'migrate again does nothing');
	is($dump->(), $first, 'and changes nothing');

	$db->sql(q{UPDATE schema_migration SET hash = sha256('x') WHERE number = 1});
	my $changed = $db->helper('migrate');
	is($changed->{status}, 78, 'an applied migration that is another file now is refused');
	like($changed->{err}, qr/^CONFIG: migration \Q$files[0]\E as applied .* nothing was changed$/,
		'with a message that names it');
}

# --- a schema of another release
{
	my $db = $pg->database;
	my $role = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_send' };
	my $newer = $newest + 2;
	$db->sql("INSERT INTO schema_migration (number, name, hash)
		SELECT n, 'x', sha256('x') FROM generate_series($newest + 1, $newer) n");
	is($db->helper('open', env => $role)->{status}, 0, 'a newer schema that allows us is used');
	my $migrate = $db->helper('migrate');
	is($migrate->{status}, 78, 'but an old luukkuctl does not migrate it');
	like($migrate->{err}, qr/schema $newer is newer than this program's $newest/, 'and says why');
	$db->sql("UPDATE setting SET value = '$newer' WHERE name = 'oldest_program'");
	my $old = $db->helper('open', env => $role);
	is($old->{status}, 78, 'a newer schema that asks for newer programs refuses us');
	like($old->{err}, qr/^CONFIG: schema $newer needs programs made for schema $newer or newer, this one was made for $newest: install the newer luukku$/,
		'and says what to do');
	$db->sql("DELETE FROM schema_migration");
	my $low = $db->helper('open', env => $role);
	is($low->{err}, "CONFIG: schema 0, need $newest: run luukkuctl migrate\n",
		'an older schema is refused too');
}

# --- several at a time
{
	my $db = $pg->database(empty => 1);
	my @pids;
	my $dir = temp_dir();
	for my $i (1 .. 4) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			my $done = $db->helper('migrate');
			spew("$dir/migrate$i", "$done->{status} $done->{out}$done->{err}");
			POSIX::_exit(0);
		}
		push @pids, $pid;
	}
	waitpid $_, 0 for @pids;
	my @out = map { slurp("$dir/migrate$_") } 1 .. 4;
	is((grep { /^0 / } @out), 4, 'four migrates at once all succeed') or diag @out;
	is((grep { /^0 migrate / } @out), 1, 'one of them did the work');
	is($db->sql('SELECT count(*) FROM schema_migration'), $newest, 'once');
}

# --- who may not
{
	my $db = $pg->database(empty => 1);
	$db->sql('CREATE ROLE test_nobody LOGIN') if !$db->sql(
		"SELECT 1 FROM pg_roles WHERE rolname = 'test_nobody'");
	my $done = $db->helper('migrate', env => { LUUKKU_DB => $db->conninfo('test_nobody') });
	is($done->{status}, 78, 'a user without rights cannot migrate');
	like($done->{err}, qr/42501.*owner of the database \(database\.owner_conninfo\)/,
		'and hears who can');
}

# --- comments and manual page
{
	my $db = $pg->database;
	my @bare = $db->sql(q{
		SELECT c.relname || coalesce('.' || a.attname, '')
		  FROM pg_class c
		  LEFT JOIN LATERAL (
			SELECT NULL AS attname, 0 AS attnum
			UNION ALL
			SELECT x.attname, x.attnum FROM pg_attribute x
			 WHERE x.attrelid = c.oid AND x.attnum > 0 AND NOT x.attisdropped) a ON true
		  LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass
		       AND d.objsubid = a.attnum
		 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'p')
		   AND coalesce(d.description, '') !~ '\w.*\.$'});
	is_deeply([map { $_->[0] } @bare], [], 'every table and column has a comment, a sentence');

	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)}
		= ($db->{pg}{socket}, 5432, 'postgres', $db->name);
	my $made = run(['perl', source_dir() . '/sql/schema-man.pl']);
	is($made->{status}, 0, 'the manual page can be made') or diag $made->{err};
	my $page = source_dir() . '/sql/luukku-schema.7';
	if ($ENV{LUUKKU_WRITE_SCHEMA_MAN}) {
		spew($page, $made->{out});
	}
	ok($made->{out} eq slurp($page), 'sql/luukku-schema.7 is what the comments say')
		or diag 'write it anew: LUUKKU_WRITE_SCHEMA_MAN=1 prove t/3010-schema.t';
	SKIP: {
		skip 'mandoc is not installed', 1 if !-x '/usr/bin/mandoc';
		is(run(['mandoc', '-Tlint', '-Wwarning', $page])->{out}, '', 'mandoc finds no fault in it');
	}
	my @types = map { $_->[0] } $db->sql(q{
		SELECT c.relname || '.' || a.attname
		  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::smallint[])
		 WHERE c.relnamespace = 'public'::regnamespace AND a.atttypid IN ('text'::regtype,
		       'jsonb'::regtype)
		   AND (c.relname, a.attname) NOT IN (
			-- Names from the configuration, the folder's bounded name and UID, and codes.
			('setting', 'name'), ('organisation', 'name'), ('ticket', 'queue'),
			('ticket', 'owner'), ('ticket_link', 'relation'), ('mailbox', 'name'),
			('lease', 'mailbox'), ('folder', 'mailbox'), ('folder', 'name'),
			('arrival', 'mailbox'), ('arrival', 'folder'), ('arrival', 'uid'),
			('outbox', 'state'), ('timer', 'key'), ('timer', 'kind'), ('mass', 'queue'), ('ticket_words', 'queue'),
			('turn', 'queue'), ('queue_pace', 'queue'), ('open_queue', 'queue'), ('open_hours', 'queue'),
			('absence', 'agent'), ('agent_token', 'agent'), ('command_run', 'actor'),
			('held_command', 'agent'), ('look_up', 'agent'), ('consultation', 'address'))
		 ORDER BY 1});
	is_deeply(\@types, [], 'no text of strangers is indexed: only hashes');
}

done_testing;
