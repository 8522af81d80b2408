#!/usr/bin/perl
# What goes wrong with a database, and what the program that uses it is told to do next.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open3;
use Symbol 'gensym';
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

my $pg = Luukku::Test::Pg->start(private => 1);
my $db = $pg->database;
my $socket = $pg->{socket};

# A helper that is talked to while it runs: {pid, in, out, err}.
sub begin {
	my ($env, @words) = @_;
	local %ENV = (%ENV, LUUKKU_DB => $db->owner_conninfo, %$env);
	my $self = { err => gensym };
	$self->{pid} = open3($self->{in}, $self->{out}, $self->{err},
		Luukku::Test::Pg::Database::helper_path(), @words);
	return $self;
}

sub finish {
	my ($self) = @_;
	close $self->{in};
	my $out = do { local $/; readline $self->{out} } // '';
	my $err = do { local $/; readline $self->{err} } // '';
	waitpid $self->{pid}, 0;
	return { out => $out, err => $err, status => $? >> 8, signal => $? & 127 };
}

sub says {
	my ($self, $line, $what) = @_;
	is(scalar readline $self->{out}, "$line\n", $what);
}

# --- connecting
my @refusals = (
	['an unknown user', "host=$socket dbname=postgres user=no_such_user", undef, 78,
		qr/^CONFIG: cannot connect to the database: .*no_such_user.*check user and password/],
	['an unknown database', "host=$socket dbname=no_such_db user=luukku", undef, 78,
		qr/^CONFIG: cannot connect to the database: .*no_such_db.*create the database/],
	['an unknown role', $db->conninfo, 'luukku_nosuch', 78,
		qr/^CONFIG: the database role luukku_nosuch does not exist or user luukku may not/],
	['a role that is not ours', $db->conninfo, 'luukku_read', 78,
		qr/^CONFIG: the database role luukku_read does not exist or user luukku may not/],
	['nobody listens', 'host=/nonexistent dbname=x user=luukku', undef, 75,
		qr/^RETRY: cannot connect to the database: .*is PostgreSQL running/],
	['a closed port', 'host=127.0.0.1 port=1 dbname=x user=luukku password=geheim1', undef, 75,
		qr/^RETRY: cannot connect/],
	['a conninfo that is none', 'host=x password=half a geheim2', undef, 78,
		qr/^CONFIG: database\.conninfo cannot be read: write keyword=value/],
	['an option that is none', 'host=x geheim3=y', undef, 78,
		qr/^CONFIG: database\.conninfo cannot be read/],
);
for my $case (@refusals) {
	my ($what, $conninfo, $role, $status, $message) = @$case;
	my $done = $db->helper('open', env => { LUUKKU_DB => $conninfo, LUUKKU_ROLE => $role });
	is($done->{status}, $status, "$what: exit status $status");
	like($done->{err}, $message, "$what: the message says what and what next");
	is(() = $done->{err} =~ /\n/g, 1, "$what: on one line");
	unlike($done->{err}, qr/geheim/, "$what: without the password");
}

# A password that the server refuses; the server's language does not matter.
$db->sql("ALTER ROLE luukku PASSWORD 'right'");
my $hba = slurp("$socket/data/pg_hba.conf");
spew("$socket/data/pg_hba.conf", "local all luukku scram-sha-256\n$hba");
$db->sql('SELECT pg_reload_conf()');
wait_until(sub {
	$db->helper('open', env => { LUUKKU_DB => $db->conninfo . ' password=x' })->{status} == 78;
}, 10, 'password logins');
my $wrong = $db->helper('open', env => { LUUKKU_DB => $db->conninfo . ' password=geheim4',
	LUUKKU_ROLE => 'luukku_fetch' });
is($wrong->{status}, 78, 'a wrong password is a matter of configuration');
like($wrong->{err}, qr/^CONFIG: .*password authentication failed.*check user and password/, 'says so');
unlike($wrong->{err}, qr/geheim/, 'without the password');
my $missing = $db->helper('open', env => { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_fetch' });
is($missing->{status}, 78, 'so is a missing one');
like($missing->{err}, qr/^CONFIG: .*add a password \(better: a passfile\)/, 'and says what to do');
is($db->helper('open', env => { LUUKKU_DB => $db->conninfo . ' password=right',
	LUUKKU_ROLE => 'luukku_fetch' })->{status}, 0, 'the right one is taken');
spew("$socket/data/pg_hba.conf", $hba);
$db->sql('SELECT pg_reload_conf()');
wait_until(sub {
	$db->helper('open', env => { LUUKKU_ROLE => 'luukku_fetch', LUUKKU_DB => $db->conninfo })->{status} == 0;
}, 10, 'logins without password');

# A database that would take bytes of any kind.
$db->sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
my $latin = $db->helper('open', env => { LUUKKU_DB => "host=$socket dbname=latin user=luukku" });
is($latin->{status}, 78, 'a database that is not in UTF-8 is refused');
like($latin->{err}, qr/LATIN1: create it with ENCODING 'UTF8'/, 'and says how to make one');

# --- the session
my $session = $db->helper('sql', (map { "SHOW $_" } qw(timezone datestyle bytea_output
	statement_timeout lock_timeout client_encoding application_name search_path role)),
	env => { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_send' });
is($session->{out}, join('', map { "$_\n" } 'UTC', 'ISO, MDY', 'hex', '2s', '500ms', 'UTF8',
	't-helper', 'public', 'luukku_send'), 'a session does not depend on the server\'s settings');

# --- statements
my @errors = (
	['a statement that takes too long', 'SELECT pg_sleep(60)', 75,
		qr/^RETRY: database: .*\(test, SQLSTATE 57014\): it took longer than the statement/],
	['a NUL in JSON', q{SELECT '{"a": "\u0000"}'::jsonb -> 'a' #>> '{}'}, 65535,
		qr/^MESSAGE: database: .*SQLSTATE 22P05/],
	['bytes that are no UTF-8', "SELECT convert_from('\\x80'::bytea, 'UTF8')", 65535,
		qr/^MESSAGE: database: .*SQLSTATE 22021/],
	['an index row that is too long', q{DO $$ BEGIN CREATE TEMP TABLE x (t text UNIQUE); INSERT INTO x
		SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n; END $$}, 65535,
		qr/^MESSAGE: database: .*SQLSTATE 54000/],
	['a value that the schema refuses', q{INSERT INTO setting (name, value) VALUES ('a', NULL)},
		65535, qr/^MESSAGE: database: .*SQLSTATE 23502/],
	['a missing table', 'SELECT * FROM no_such_table', 78,
		qr/^CONFIG: .*SQLSTATE 42P01\): the schema does not fit this program: run luukkuctl migrate/],
	['a full disk', q{DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
		END $$}, 75,
		qr/^RETRY: .*the database's disk is full: free space .*; mail waits on the mail server/],
	['a standby', q{DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END $$}, 75,
		qr/^RETRY: .*target_session_attrs=read-write/],
	['a deadlock', q{DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$}, 75,
		qr/^RETRY: /],
);
for my $case (@errors) {
	my ($what, $sql, $status, $message) = @$case;
	my $done = $db->helper('sql', $sql);
	is($done->{status}, $status, "$what: exit status $status") if $status < 256;
	isnt($done->{status}, 0, "$what: fails") if $status > 255;
	like($done->{err}, $message, "$what: the message says what and what next");
}

# A lock that is held too long.
$db->sql("INSERT INTO setting VALUES ('locked', '1')");
{
	my $holder = fork // die "fork: $!";
	if (!$holder) {
		$db->try_sql("BEGIN; UPDATE setting SET value = '2' WHERE name = 'locked'; SELECT pg_sleep(30)");
		POSIX::_exit(0);
	}
	wait_until(sub {
		$db->sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%'
			AND wait_event = 'PgSleep'");
	}, 10, 'the lock');
	my $done = $db->helper('sql', "UPDATE setting SET value = '3' WHERE name = 'locked'");
	is($done->{status}, 75, 'a lock that is held too long');
	like($done->{err}, qr/^RETRY: .*SQLSTATE 55P03\): another transaction held a lock/, 'says so');
	$db->terminate;
	waitpid $holder, 0;
}

# --- COMMIT
$db->sql("INSERT INTO lease VALUES ('ict', 'here', 'one', 1, now() + interval '1 hour')");
{
	my $helper = begin({}, 'commit', 'ict', 'here');
	says($helper, 'in transaction', 'a transaction');
	my $done = finish($helper);
	is($done->{status}, 0, 'commits') or diag $done->{err};
}
{
	my $helper = begin({ LUUKKU_FAULT_MODE => 'lose-commit-answer' }, 'commit', 'ict', 'here');
	says($helper, 'in transaction', 'a transaction whose answer will be lost');
	my $done = finish($helper);
	is($done->{status}, 75, 'a COMMIT whose answer is lost');
	like($done->{err}, qr/^UNCERTAIN: the database's answer to COMMIT was lost: reconnect and look/,
		'is uncertain, and the truth must be read');
}
{
	# Its backend is stopped: COMMIT goes out, no answer comes, then the backend dies.
	my $helper = begin({}, 'commit', 'ict', 'here');
	says($helper, 'in transaction', 'a transaction whose server dies while it commits');
	my $backend = $db->sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 't-helper'});
	kill 'STOP', $backend or die "kill: $!";
	close $helper->{in};
	wait_until(sub {
		# poll or ppoll, on amd64 or arm64.
		slurp("/proc/$helper->{pid}/syscall") =~ /^(?:7|271|73) /;
	}, 10, 'the COMMIT to be sent');
	kill 'KILL', $backend;
	my $done = finish($helper);
	is($done->{status}, 75, 'a server that dies before it answers COMMIT');
	like($done->{err}, qr/^UNCERTAIN: /, 'is uncertain');
	wait_until(sub { ($db->try_sql('SELECT 1'))[0] }, 20, 'recovery');
}
{
	my $helper = begin({}, 'commit', 'ict', 'here');
	says($helper, 'in transaction', 'a transaction whose connection is cut before COMMIT');
	$db->terminate;
	wait_until(sub { !$db->sql(q{SELECT count(*) FROM pg_stat_activity
		WHERE application_name = 't-helper'}) }, 10, 'the end of the connection');
	my $done = finish($helper);
	is($done->{status}, 75, 'it cannot commit');
	like($done->{err}, qr/^(?:RETRY|UNCERTAIN): /, 'and is told to look or to try again');
}

# --- bells
{
	my $helper = begin({ LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_sched' }, 'listen',
		'luukku_work');
	says($helper, 'listening', 'a listener');
	$db->sql('NOTIFY luukku_outbox; NOTIFY luukku_work');
	says($helper, 'bell luukku_work', 'hears its own channel');
	is(finish($helper)->{status}, 0, 'and ends');
}
{
	my $helper = begin({}, 'listen', 'luukku_work');
	says($helper, 'listening', 'a listener');
	close $helper->{in};
	says($helper, 'bell none', 'is woken by its other descriptor');
	is(finish($helper)->{status}, 0, 'and ends');
}
{
	my $helper = begin({}, 'listen', 'luukku_work');
	says($helper, 'listening', 'a listener');
	$db->terminate;
	my $err = readline $helper->{err};
	like($err, qr/^RETRY: (?:lost the connection|the connection to the database is lost)/,
		'hears that the connection is gone');
	is(finish($helper)->{status}, 75, 'and may try again');
}

# --- a restart of the server
{
	my $helper = begin({}, 'reopen');
	says($helper, 'open', 'a connection');
	$pg->stop;
	close $helper->{in};
	says($helper, 'lost 1 0', 'that is lost says so with the next statement');
	like(scalar readline $helper->{out}, qr/^refused cannot connect to the database: /,
		'opening it again fails while the server is away');
	$pg->start_again;
	says($helper, 'reopened after failures: 1', 'and succeeds once it is back');
	is(finish($helper)->{status}, 0, 'and works');
}

# --- a server that hangs
{
	my $helper = begin({}, 'reopen');
	says($helper, 'open', 'a connection');
	my $backend = $db->sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 't-helper'});
	kill 'STOP', $backend or die "kill: $!";
	close $helper->{in};
	says($helper, 'lost 1 0', 'whose server hangs is given up after a while');
	kill 'CONT', $backend;
	says($helper, 'reopened after failures: 0', 'and another one is opened');
	is(finish($helper)->{status}, 0, 'and works');
}

done_testing;
