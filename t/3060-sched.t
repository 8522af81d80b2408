#!/usr/bin/perl
# luukku-sched against a real database: leases told to luukkud, search index, dropping old content.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;
use Luukku::Test::Proc qw(spawn stop_pid is_running log_as_comments);

my $sched = program('luukku-sched');
my $pg = Luukku::Test::Pg->start(private => 1);
my $db = $pg->database;
my $dir = temp_dir();
my $host = (POSIX::uname())[1];

# luukkud's ear.
my $ear = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die "notify: $!";
$ear->blocking(0);
my %said;

sub hear {
	while (defined $ear->recv(my $text, 65536)) {
		for my $line (split /\n/, $text) {
			my ($key, $value) = split /=/, $line, 2;
			push @{ $said{$key} }, $value;
		}
	}
	return \%said;
}

spew("$dir/site.key", '0' x 63 . "1\n", 0600);
spew("$dir/pass", "secret\n", 0600);
mkdir "$dir/$_" for qw(run spool);

sub configure {
	my ($keep_raw) = @_;
	my $conninfo = $db->conninfo;
	spew("$dir/luukku.conf", <<"CONF");
site: { name = "Test"; prefix = "TUKI"; domain = "example.fi"; key_file = "site.key";
  run_dir = "$dir/run"; spool_dir = "$dir/spool"; };
database: { conninfo = "$conninfo"; keep_raw = "$keep_raw"; };
smtp: { host = "127.0.0.1"; port = 25; tls = "none"; auth = "none";
  envelope_from = "bounces\@example.fi"; };
mailboxes: (
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; tls = "none"; user = "ict";
    password_file = "pass"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; tls = "none"; user = "hr";
    password_file = "pass"; after = "delete"; },
  { name = "pipe"; protocol = "none"; }
);
queues: ( { name = "ict"; title = "ICT"; addresses = ( "ict\@example.fi" ); } );
CONF
	return;
}

my %env = (NOTIFY_SOCKET => "$dir/notify", LUUKKU_SUPERVISED => 1);

sub once {
	my (%option) = @_;
	%said = ();
	my $done = run([$sched, '-c', "$dir/luukku.conf", '--once', '-i', $option{instance} // 'one'],
		env => { %env, %{ $option{env} // {} } });
	is($done->{status}, $option{status} // 0, $option{what} // 'luukku-sched --once')
		or diag $done->{err};
	hear();
	return $done;
}

sub message {
	my ($text, %column) = @_;
	my %all = (direction => "'in'", at => "'2026-03-02 10:00Z'", text => $text, subject => "'Aihe'",
		%column);
	my @names = sort keys %all;
	return $db->sql('INSERT INTO message (' . join(', ', @names) . ') VALUES ('
		. join(', ', @all{@names}) . ') RETURNING id');
}

sub found {
	my ($config, $words) = @_;
	return join ' ', map { $_->[0] } $db->sql("SELECT message_id FROM message_search
		WHERE words @@ websearch_to_tsquery('$config', \$\$$words\$\$) ORDER BY 1");
}

# --- leases
configure('90d');
once(what => 'the first turn');
is($said{X_LEASES}[-1], 'hr:1,ict:1', 'luukkud hears which fetchers to run, and with which epoch');
is($said{X_DID}[-1], '0', 'and that nothing was done');
is($db->sql("SELECT string_agg(host || ' ' || instance, ',' ORDER BY mailbox) FROM lease"),
	"$host one,$host one", 'the leases are this host\'s');
once(instance => 'two', what => 'after a restart of luukkud');
is($said{X_LEASES}[-1], 'hr:2,ict:2', 'the epochs have grown');
$db->sql("UPDATE lease SET host = 'elsewhere' WHERE mailbox = 'hr'");
once(instance => 'two', what => 'beside another host');
is($said{X_LEASES}[-1], 'ict:2', 'what another host holds is left to it');
$db->sql("UPDATE lease SET expires_at = clock_timestamp() - interval '1 second'");
once(instance => 'two', what => 'after that host is gone');
is($said{X_LEASES}[-1], 'hr:3,ict:2', 'its mailbox is taken over');

# --- the search index
my $fi = message(q{'Kadonneiden laskujen selvitys'}, language => "'fi'");
my $sv = message(q{'Skrivarna fungerar inte'}, language => "'sv'");
my $en = message(q{'The printers are not working'}, language => "'en'");
my $xx = message(q{'Принтер не работает'}, subject => q{'Наша тема'},
	from_name => q{'Иван'}, from_address => q{'ivan@example.ru'});
my $huge = message(q{(SELECT string_agg(md5(n::text), ' ') FROM generate_series(1, 90000) n)});
my $long = message(q{repeat('x', 3000000)});
my $empty = message(q{''}, subject => q{''});
once(what => 'seven messages, one of them 3 MB');
is($said{X_DID}[-1], '7', 'luukkud hears how much was done');
is($db->sql('SELECT count(*) FROM message_search'), 7, 'all are indexed');
is(found('finnish', 'lasku'), $fi, 'Finnish words are found in any form');
is(found('swedish', 'skrivare'), $sv, 'so are Swedish ones');
is(found('english', 'printer'), $en, 'and English ones');
is(found('simple', 'принтер иван'), $xx, 'other languages as they stand, with the sender');
is(found('simple', 'ivan@example.ru'), $xx, 'and the address');
is(found('simple', (map { Digest::MD5::md5_hex($_) } 1000)[0]), $huge, 'the beginning of a huge text is found')
	if require Digest::MD5;
is(found('simple', Digest::MD5::md5_hex(80000)), '', 'its end is not');
ok($db->sql("SELECT max(pg_column_size(words)) < 1000000 FROM message_search") eq 't',
	'no index entry is huge');
sub minutes_pass {
	$db->sql("UPDATE setting SET value = split_part(value, ' ', 1) || ' 1' WHERE name = 'search_seen'");
	return;
}
minutes_pass();
once(what => 'nothing new');
is($said{X_DID}[-1], '0', 'nothing is done twice');

# A commit that comes late has a smaller id than what is indexed already.
my $late = message(q{'myöhäinen'});
my $newer = message(q{'uudempi'});
$db->sql("CREATE TABLE aside AS SELECT * FROM message WHERE id = $late;
	DELETE FROM message WHERE id = $late");
once(what => 'the newer one is there first');
is(found('simple', 'uudempi'), $newer, 'it is found');
minutes_pass();
once(what => 'minutes later');
is($db->sql("SELECT value FROM setting WHERE name = 'search_from'"), $empty,
	'the index counts as complete only up to what was there minutes ago');
$db->sql("INSERT INTO message OVERRIDING SYSTEM VALUE SELECT * FROM aside; DROP TABLE aside");
once(what => 'the late commit');
is(found('simple', 'myöhäinen'), $late, 'a late commit is found too');

# A text that PostgreSQL refuses holds nothing up.
my ($before, $poison, $after) = map { scalar message("'jono$_'") } 1 .. 3;
$db->sql(qq{CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.message_id = $poison AND NEW.words <> '' THEN
		RAISE EXCEPTION 'string is too long for tsvector' USING ERRCODE = '54000';
	END IF; RETURN NEW; END \$\$;
	CREATE TRIGGER poison BEFORE INSERT ON message_search FOR EACH ROW EXECUTE FUNCTION poison()});
once(what => 'a poisonous message');
is(found('simple', 'jono1 or jono2 or jono3'), "$before $after", 'those around it are indexed');
is($db->sql("SELECT words = '' FROM message_search WHERE message_id = $poison"), 't',
	'it has an empty index');
$db->sql('DROP TRIGGER poison ON message_search');

# --- dropping
sub blob {
	my ($content, $age) = @_;
	return $db->sql("WITH b AS (INSERT INTO blob (hash, size, created_at) VALUES
		(sha256('$content'), length('$content'), now() - interval '$age') RETURNING id),
		c AS (INSERT INTO blob_chunk SELECT id, 0, '$content' FROM b)
		SELECT id FROM b");
}

sub arrival {
	my ($message, $at) = @_;
	$db->sql("INSERT INTO arrival (mailbox, folder, uidvalidity, uid, received_at, fetched_at,
		message_id, outcome, reason, server, server_action)
		VALUES ('ict', '', 0, '$message', '$at', '$at', $message, 'ticket', 'x', 'done', 'keep')");
	return;
}
my $old_blob = blob('old raw', '100 days');
my $new_blob = blob('new raw', '10 days');
my $shared = blob('raw that is an attachment too', '100 days');
my $orphan = blob('orphan', '2 days');
my $fresh_orphan = blob('fresh orphan', '1 hour');
my $attached = blob('attachment', '200 days');
my $old = message("'vanha'", raw_blob => $old_blob, raw_size => 7);
my $new = message("'uusi'", raw_blob => $new_blob, raw_size => 7, at => "'2020-01-01Z'");
my $both = message("'molemmat'", raw_blob => $shared, raw_size => 7);
arrival($old, '2026-01-01Z');
arrival($new, '2026-04-25Z');
arrival($both, '2026-01-01Z');
$db->sql("INSERT INTO attachment VALUES ($new, 1, 'a', 'text/plain', NULL, false, 1, $attached),
	($new, 2, 'b', 'text/plain', NULL, false, 1, $shared)");
my %now = (env => { LUUKKU_NOW => '2026-05-01T00:00:00Z' });
configure('forever');
once(%now, what => 'keep_raw = forever');
is($db->sql("SELECT count(*) FROM message WHERE raw_blob IS NOT NULL"), 3, 'drops no original mail');
is($db->sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM blob"),
	"$old_blob $new_blob $shared $fresh_orphan $attached", 'but content a day old that nobody uses');
configure('90d');
once(%now, what => 'keep_raw = 90d');
is($db->sql("SELECT string_agg(id::text, ' ') FROM message WHERE raw_blob IS NOT NULL"), $new,
	'drops what was fetched before that, whatever its date says');
is($db->sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM blob"),
	"$new_blob $shared $fresh_orphan $attached", 'and its content, unless something else has it');
is($db->sql("SELECT count(*) FROM blob_chunk WHERE blob_id = $old_blob"), 0, 'chunks included');
is($db->sql("SELECT raw_size FROM message WHERE id = $old"), 7, 'its size stays known');

# An intake is about to use content that is being thrown away.
{
	my $wanted = blob('wanted', '3 days');
	my $intake = fork // die "fork: $!";
	if (!$intake) {
		$db->try_sql("BEGIN; SELECT id FROM blob WHERE id = $wanted FOR KEY SHARE;
			SELECT pg_sleep(1000)", role => 'luukku_lmtp', user => 'luukku');
		POSIX::_exit(0);
	}
	wait_until(sub { $db->sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") },
		20, 'the intake');
	once(what => 'beside an intake');
	is($db->sql("SELECT count(*) FROM blob WHERE id = $wanted"), 1, 'what it holds stays');
	$db->terminate;
	waitpid $intake, 0;
	once(what => 'without it');
	is($db->sql("SELECT count(*) FROM blob WHERE id = $wanted"), 0, 'what nobody holds goes');
}

# --- as luukkud runs it
%said = ();
my $pid = spawn(command => [$sched, '-c', "$dir/luukku.conf", '-i', 'three'], env => \%env,
	log => "$dir/log");
wait_until(sub { hear()->{READY} }, 20, 'READY');
is($said{X_LEASES}[-1], 'hr:5,ict:4', 'leases first');
my $belled = message("'kello soi'");
$db->sql('NOTIFY luukku_work');
wait_until(sub { found('simple', 'kello') eq $belled }, 8, 'the bell to be heard');
pass('the bell brings stored mail into the index at once');

$pg->restart;
wait_until(sub { grep { $_ ne '' } @{ hear()->{X_ERROR} // [] } }, 20, 'the loss to be told');
pass('luukkud hears that the database is away');
%said = ();
wait_until(sub { hear()->{X_LEASES} }, 40, 'the return of the database');
is($said{X_LEASES}[-1], 'hr:5,ict:4', 'after its return the leases are the same');
wait_until(sub { (hear()->{X_ERROR} // ['?'])->[-1] eq '' }, 10, 'the error to be taken back');
my $again = message("'taas täällä'");
$db->sql('NOTIFY luukku_work');
wait_until(sub { found('simple', 'täällä') eq $again }, 15, 'the bell to be heard again');
pass('and bells are heard again');

kill 'TERM', $pid;
wait_until(sub { !is_running($pid) }, 10, 'the end');
my $log = slurp("$dir/log");
unlike($log, qr/AddressSanitizer|runtime error|LeakSanitizer/, 'it ends cleanly');
like($log, qr/sched\.leases held=2 of=2/, 'and has logged what it holds');
log_as_comments('luukku-sched', "$dir/log") if !Test::More->builder->is_passing;

$pg->stop;
my $away = once(status => 75, what => 'without a database --once tries for some seconds and gives up');
like($away->{err}, qr/cannot connect to the database/, 'with a message');

done_testing;
