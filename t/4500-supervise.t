#!/usr/bin/perl

# luukkud alone: the programs it starts are scripts here, beside a copy of it, that do what the
# test wants. No server and no database.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy ();
use JSON::PP ();
use Luukku::Test::Base qw(run wait_until program slurp spew temp_dir);
use Luukku::Test::Proc qw(spawn stop_pid is_running log_as_comments);
use Test::More;

my $dir = temp_dir();
my $bin = "$dir/bin";
mkdir $_ or die "$_: $!" for $bin, map { "$dir/$_" } qw(run spool do);
my $luukkud = "$bin/luukkud";
File::Copy::copy(program('luukkud'), $luukkud) or die "$luukkud: $!";
chmod 0755, $luukkud;

# A child reads do/NAME (Perl) each time it starts; without such a file it waits to be stopped.
# say("KEY=value") speaks to luukkud.
my $child = <<'PERL';
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
my ($name) = $0 =~ m{([^/]+)\z};
our @args = @ARGV;
our $dir = $ENV{FAKE_DIR};
our $mailbox = $name eq 'luukku-fetch' ? $args[-1] : '';
my $key = $mailbox ne '' ? "$name-$mailbox" : $name;
open my $log, '>>', "$dir/starts" or die $!;
our $end = 0;
$SIG{TERM} = sub { $end = 1 };
sub say { my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}) or die "notify: $!"; $s->send("$_[0]\n") }
syswrite $log, "$key $$ @args\n";
# What `luukkuctl check --reload --keep FILE` leaves of a configuration without mistakes.
sub keep {
	my ($file) = map { $args[$_] eq '--keep' ? $args[$_ + 1] : () } 0 .. $#args;
	open my $in, '<', "$dir/luukku.conf" or die $!;
	my $text = do { local $/; <$in> };
	open my $out, '>', $file or die "$file: $!";
	print $out "luukku configuration 1\nfile " . length($text) . " $dir/luukku.conf\n$text\n";
	close $out or die $!;
}
sub hang { select undef, undef, undef, 0.02 while !$end; exit 0 }
if (-e "$dir/do/$key") {
	my $code = do { local (@ARGV, $/) = "$dir/do/$key"; <> };
	eval "$code; 1" or die $@;
}
hang();
PERL
for my $name (qw(luukku-sched luukku-send luukku-lmtp luukku-fetch luukkuctl)) {
	spew("$bin/$name", "#!$^X\n$child", 0755);
}

$ENV{FAKE_DIR} = $dir;
spew("$dir/site.key", '0' x 64 . "\n", 0600);
spew("$dir/x.pass", "secret\n", 0600);

sub script {
	my ($name, $code) = @_;
	spew("$dir/do/$name", $code);
	return;
}

sub configure {
	my (%option) = @_;
	my @names = @{ $option{mailboxes} // ['ict', 'hr'] };
	my $mailboxes = join ",\n", map { my $poll = $option{poll}{$_} // '60s'; qq{  { name = "$_"; protocol = "imap"; host = "127.0.0.1"; port = 1; tls = "none"; user = "$_"; password_file = "$_.pass"; poll = "$poll"; after = "keep"; }} } @names;
	for my $name (@names) {
		spew("$dir/$name.pass", "secret\n", 0600) if !-e "$dir/$name.pass";
	}
	my $connections = $option{connections} // 1;
	my $user = $> == 0 ? 'user = "root";' : '';
	spew("$dir/luukku.conf", <<"CONF", 0600);
site: { name = "E"; prefix = "TUKI"; domain = "example.fi"; key_file = "site.key"; run_dir = "run";
  spool_dir = "spool"; timezone = "Europe/Helsinki"; language = "fi"; $user };
database: { conninfo = "dbname=none"; };
smtp: { host = "127.0.0.1"; port = 1; tls = "none"; auth = "none"; envelope_from = "b\@example.fi"; connections = $connections; };
mailboxes: ( $mailboxes );
agents: ( { name = "A"; address = "a\@example.fi"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( "a\@example.fi" ); } );
@{[ $option{extra} // '' ]}
CONF
	return;
}

my $pid;
my $log = "$dir/log";

sub up {
	my (%env) = @_;
	unlink "$dir/starts", "$dir/run/status.json", $log;
	$pid = spawn(command => [$luukkud, '-f', '-c', "$dir/luukku.conf"], log => $log, env => \%env);
	wait_until(sub { die "luukkud ended:\n" . slurp($log) if !is_running($pid); -e "$dir/run/status.json" },
		20, 'luukkud to come up');
	return;
}

sub down {
	stop_pid($pid, 15);
	return;
}

sub starts {
	my ($key) = @_;
	return grep { /^\Q$key\E / } split /\n/, -e "$dir/starts" ? slurp("$dir/starts") : '';
}

sub daemons {
	my $text = -e "$dir/run/status.json" ? slurp("$dir/run/status.json") : '{}';
	my $status = JSON::PP->new->utf8->decode($text);
	return map { $_->{name} => $_ } @{ $status->{daemons} // [] };
}

sub wait_daemon {
	my ($name, $what, $condition) = @_;
	return wait_until(sub { my %all = daemons(); my $one = $all{$name}; $one && $condition->($one) && $one },
		20, "$name: $what");
}

# Signals a child that has come so far that it can hear it; its next life does what code says.
sub hit {
	my ($signal, $name, $code) = @_;
	(my $key = $name) =~ s/^(luukku-send) \d+$/$1/;
	$key =~ tr/ /-/;
	wait_until(sub {
		my %all = daemons();
		my $pid = $all{$name}{pid};
		return 0 if !$pid || !grep { / $pid / } starts($key);
		script($key, $code) if defined $code;
		return kill $signal, $pid;
	}, 20, "$name to hear SIG$signal");
	return;
}

my $leases = 'main::say("READY=1"); main::say("X_LEASES=ict:17,hr:4");';

# --- what runs, and with which words
configure();
script('luukku-sched', $leases);
script('luukkuctl', 'exit 0');
up();
wait_daemon("luukku-fetch $_", 'running', sub { $_[0]{state} eq 'running' }) for qw(ict hr);
wait_until(sub { starts('luukku-fetch-ict') && starts('luukku-sched') }, 20, 'the scripts to run');
my %all = daemons();
is join(',', sort keys %all), 'luukku-fetch hr,luukku-fetch ict,luukku-lmtp,luukku-sched,luukku-send 1',
	'all programs run, a fetcher for each lease';
like((starts('luukku-fetch-ict'))[0], qr{-c \Q$dir\E/luukku\.conf -e 17 ict$}, 'a fetcher gets its epoch');
like((starts('luukku-sched'))[0], qr{-i [0-9a-f-]{36}$}, 'luukku-sched gets the instance');
is slurp("$dir/run/luukkud.pid"), "$pid\n", 'the pid file holds the pid';

# --- a second one is refused
my $second = run([$luukkud, '-f', '-c', "$dir/luukku.conf"]);
is $second->{status}, 75, 'a second luukkud is refused';
like $second->{err}, qr/already running here \(pid $pid, run_dir /, 'and says which one runs';

# --- leases come and go
hit('TERM', 'luukku-sched', 'main::say("X_LEASES=ict:18");');
wait_until(sub { my %now = daemons(); !$now{'luukku-fetch hr'} }, 20, 'the fetcher without lease to go');
wait_until(sub { (starts('luukku-fetch-ict'))[-1] =~ /-e 18 ict$/ }, 20, 'the fetcher with the new epoch');
pass 'a fetcher whose lease went is stopped, one with a new epoch starts again with it';

# --- what children say, and nobody else
script('luukku-fetch-hr', 'main::say("X_ERROR=login refused: check password_file\nSTATUS=one\nX_OK=1");');
hit('TERM', 'luukku-sched', $leases);
my $hr = wait_daemon('luukku-fetch hr', 'its error', sub { $_[0]{error} });
is $hr->{error}, 'login refused: check password_file', 'an error of a mailbox is in the status';
like $hr->{last_ok_at}, qr/^20\d\d-/, 'and its last success';
{
	require IO::Socket::UNIX;
	my $stranger = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Peer => "$dir/run/notify") or die $!;
	$stranger->send("X_LEASES=\nX_ERROR=lies");
	# What comes after it was heard: so was this.
	my %now = daemons();
	hit('KILL', 'luukku-lmtp');
	wait_daemon('luukku-lmtp', 'again', sub { $_[0]{pid} && $_[0]{pid} != $now{'luukku-lmtp'}{pid} });
	%all = daemons();
	ok $all{'luukku-fetch hr'} && $all{'luukku-fetch hr'}{error} !~ /lies/, 'a stranger on the socket is not heard';
}

# --- deaths
my $died = wait_daemon('luukku-fetch ict', 'pid', sub { $_[0]{pid} });
kill 'KILL', $died->{pid};
wait_daemon('luukku-fetch ict', 'again', sub { $_[0]{pid} && $_[0]{pid} != $died->{pid} && $_[0]{restarts} == 1 });
pass 'a killed child runs again';
hit('TERM', 'luukku-fetch ict', 'main::say("X_ERROR=LOGIN: wrong password"); exit 77');
my $mailbox = wait_daemon('luukku-fetch ict', 'to wait', sub { $_[0]{state} eq 'waiting' && ($_[0]{error} // '') =~ /LOGIN/ });
is $mailbox->{error}, 'LOGIN: wrong password', 'its own words stay in the status';
like slurp($log), qr/child\.died.*luukku-fetch ict.*exit 77.*restart_ms=(?:[3-5]\d{4}|60000)\b/, 'a mailbox error waits half a minute or more';
is do { my %now = daemons(); $now{'luukku-fetch hr'}{pid} }, $hr->{pid}, 'the other mailbox goes on undisturbed';
hit('TERM', 'luukku-send 1', 'exit 78');
wait_daemon('luukku-send 1', 'refused', sub { $_[0]{state} eq 'refused' });
like slurp($log), qr/child\.refused.*luukku-send 1.*until=reload/, 'a configuration error waits for a reload';

# --- reload: bad
script('luukkuctl', 'print STDERR "luukku.conf:7: site.prefixx is unknown; did you mean prefix?\nluukku.conf:9: second\n"; exit 78');
%all = daemons();
my $before = join ' ', map { "$_=$all{$_}{pid}" } grep { $all{$_}{pid} } sort keys %all;
kill 'HUP', $pid;
wait_until(sub { slurp($log) =~ /reload\.refused/ }, 20, 'the reload to be refused');
like slurp($log), qr/reload\.problem.*luukku\.conf:7: site\.prefixx.*\n.*reload\.problem.*luukku\.conf:9: second/,
	'all errors of the new configuration are logged';
%all = daemons();
is join(' ', map { "$_=$all{$_}{pid}" } grep { $all{$_}{pid} } sort keys %all), $before, 'and no child was touched';
script('luukku-send', '');
wait_daemon('luukku-send 1', 'try again', sub { $_[0]{state} eq 'running' });
pass 'what a program found wrong may be mended outside of the configuration: it is tried again';

# --- reload: good, but nothing was kept of what was checked
script('luukkuctl', 'exit 0');
kill 'HUP', $pid;
wait_until(sub { slurp($log) =~ /reload\.refused.*configuration\.new/ }, 20, 'the reload to be refused');
pass 'what was not kept is not taken';

# --- reload: good
script('luukkuctl', 'main::keep(); exit 0');
unlink "$dir/do/luukku-send", "$dir/do/luukku-fetch-ict";
kill 'HUP', $pid;
wait_until(sub { slurp($log) =~ /reload\.done/ }, 20, 'the reload');
ok !-e "$dir/run/configuration.new", 'what was checked is what the children read';
wait_daemon('luukku-send 1', 'running', sub { $_[0]{state} eq 'running' });
wait_daemon('luukku-fetch ict', 'running', sub { $_[0]{state} eq 'running' });
%all = daemons();
is $all{'luukku-fetch hr'}{pid}, $hr->{pid}, 'a reload without change keeps a fetcher running';
my $ict = $all{'luukku-fetch ict'}{pid};
my $lmtp = $all{'luukku-lmtp'}{pid};
configure(poll => { ict => '30s' }, connections => 2);
kill 'HUP', $pid;
wait_daemon('luukku-fetch ict', 'restarted', sub { $_[0]{pid} && $_[0]{pid} != $ict });
wait_daemon('luukku-send 2', 'running', sub { $_[0]{state} eq 'running' });
%all = daemons();
is $all{'luukku-fetch hr'}{pid}, $hr->{pid}, 'a change of one mailbox restarts its fetcher alone';
$ict = $all{'luukku-fetch ict'}{pid};

# --- reload: what a running child takes over. One that says it reads something else is asked, once.
wait_daemon('luukku-lmtp', 'started again by the last reload', sub { $_[0]{state} eq 'running' && $_[0]{pid} != $lmtp });
$lmtp = do { my %now = daemons(); $now{'luukku-lmtp'}{pid} };
hit('TERM', 'luukku-lmtp', 'my $n = 0; $SIG{HUP} = sub { $n++; open my $o, ">", "$dir/asked" or die; syswrite $o, $n; close $o; main::say("X_CONF=older") }; main::say("X_CONF=old")');
wait_daemon('luukku-lmtp', 'again', sub { $_[0]{state} eq 'running' && $_[0]{pid} != $lmtp });
wait_until(sub { -e "$dir/asked" }, 20, 'the question to luukku-lmtp');
pass 'a child that runs on another configuration is asked to take the one in force';
$lmtp = do { my %now = daemons(); $now{'luukku-lmtp'}{pid} };
my $done = () = slurp($log) =~ /reload\.done/g;
configure(poll => { ict => '30s' }, connections => 2, extra => 'rules: ( { name = "r"; match: { subject = "x"; }; set: { priority = "high"; }; } );');
kill 'HUP', $pid;
wait_until(sub { $done < (() = slurp($log) =~ /reload\.done/g) }, 20, 'the reload of a rule');
wait_until(sub { slurp("$dir/asked") eq '2' }, 20, 'the next question');
like slurp($log), qr/reload\.done restarted=0 kept=\d.*\z/s, 'a changed rule restarts nobody';
wait_until(sub { slurp($log) =~ /reload\.late child="luukku-lmtp"/ }, 20, 'the word about a late child');
like slurp($log), qr/reload\.settled late=\d/, 'a child that does not take it is told of, and waited for no longer';
is slurp("$dir/asked"), 2, '... and was asked once for each reload';
is do { my %now = daemons(); $now{'luukku-lmtp'}{pid} }, $lmtp, '... and goes on';
unlink "$dir/do/luukku-lmtp";
spew("$dir/hr.pass", "another secret\n", 0600);
kill 'HUP', $pid;
wait_daemon('luukku-fetch hr', 'restarted', sub { $_[0]{pid} && $_[0]{pid} != $hr->{pid} });
%all = daemons();
is $all{'luukku-fetch ict'}{pid}, $ict, 'a new password file restarts the fetcher that uses it';
configure(mailboxes => ['ict'], poll => { ict => '30s' });
kill 'HUP', $pid;
wait_until(sub { my %now = daemons(); !$now{'luukku-fetch hr'} && !$now{'luukku-send 2'} }, 20, 'what was taken out to go');
pass 'a mailbox and a connection that were taken out stop';

# --- stop
hit('KILL', 'luukku-fetch ict', '$SIG{TERM} = "IGNORE"; open my $o, ">", "$dir/stubborn" or die; syswrite $o, $$; close $o; sleep 100');
my $stubborn = wait_until(sub { -e "$dir/stubborn" && slurp("$dir/stubborn") }, 20, 'the stubborn one');
kill 'TERM', $pid;
wait_until(sub { !is_running($pid) }, 25, 'luukkud to end');
ok !kill(0, $stubborn), 'a child that does not stop is killed';
like slurp($log), qr/child\.killed.*luukku-fetch ict/, 'and that is logged';
unlink "$dir/do/luukku-fetch-ict";

# --- kill -9 of luukkud: children go too, the next start is clean
up();
wait_daemon('luukku-fetch ict', 'running', sub { $_[0]{state} eq 'running' });
my @pids = map { $_->{pid} } values %{ { daemons() } };
kill 'KILL', $pid;
wait_until(sub { !is_running($pid) && !grep { kill 0, $_ } @pids }, 20, 'all children to go with luukkud');
pass 'children end when luukkud is killed';
up();
wait_daemon('luukku-fetch ict', 'running', sub { $_[0]{state} eq 'running' });
down();

# --- --once
script('luukku-sched', 'open my $n, ">>", "$dir/rounds" or die; syswrite $n, "s"; main::say("X_LEASES=ict:1,hr:2\nX_DID=0"); exit 0');
script('luukku-fetch-ict', 'main::say("X_ERROR=no\nX_DID=0"); exit 77');
script('luukku-fetch-hr', 'main::say("X_DID=2"); exit 0');
script('luukku-send', 'my $n = -s "$dir/sends" || 0; open my $o, ">>", "$dir/sends" or die; syswrite $o, "x"; main::say("X_DID=" . ($n < 2 ? 1 : 0)); exit 0');
configure();
my $once = run([$luukkud, '--once', '-c', "$dir/luukku.conf"], seconds => 60);
is $once->{status}, 77, '--once: the worst status of all' or diag $once->{err};
is -s "$dir/sends", 3, 'it sends until nothing was done';
unlink "$dir/do/luukku-fetch-ict", "$dir/sends";
script('luukku-fetch-ict', 'exit 0');
is run([$luukkud, '--once', '-c', "$dir/luukku.conf"], seconds => 60)->{status}, 0, '--once: 0 when all went well';

# --- systemd
{
	my $path = "$dir/systemd";
	my $systemd = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Local => $path) or die "$path: $!";
	script('luukku-sched', $leases);
	unlink glob "$dir/do/luukku-fetch-*";
	unlink "$dir/do/luukku-send";
	up(NOTIFY_SOCKET => $path, WATCHDOG_USEC => 400000);
	my $heard = '';
	my $hear = sub {
		my $wanted = shift;
		wait_until(sub {
			$systemd->blocking(0);
			my $text;
			$heard .= "$text\n" while defined $systemd->recv($text, 4096) && length $text;
			$heard =~ $wanted;
		}, 20, "systemd to hear $wanted");
	};
	$hear->(qr/^READY=1$/m);
	$hear->(qr/^WATCHDOG=1$(?s:.*)^WATCHDOG=1$/m);
	$heard = '';
	kill 'HUP', $pid;
	$hear->(qr/^RELOADING=1$(?s:.*)^MONOTONIC_USEC=\d+$(?s:.*)^READY=1$/m);
	kill 'TERM', $pid;
	$hear->(qr/^STOPPING=1$/m);
	wait_until(sub { !is_running($pid) }, 20, 'the end');
	pass 'systemd hears READY, WATCHDOG, RELOADING and STOPPING';
}

# --- into the background
{
	# It goes on logging where it was started from: to a file here, a pipe would not end.
	my $begin = sub { run(['sh', '-c', 'exec "$0" -c "$1" >>"$2" 2>&1', $luukkud, "$dir/luukku.conf", "$dir/background.log"],
		env => { NOTIFY_SOCKET => undef }) };
	my $done = $begin->();
	is $done->{status}, 0, 'without -f it goes to the background' or diag slurp("$dir/background.log");
	chomp(my $daemon = slurp("$dir/run/luukkud.pid"));
	ok kill(0, $daemon), 'and the pid file names it';
	my $again = $begin->();
	is $again->{status}, 75, 'a start that fails there is seen in front';
	kill 'TERM', $daemon;
	wait_until(sub { !kill 0, $daemon }, 20, 'the daemon to end');
}

# --- configurations that cannot run
spew("$dir/bad.conf", "site: { prefixx = \"A\"; };\n", 0600);
my $bad = run([$luukkud, '-f', '-c', "$dir/bad.conf"]);
is $bad->{status}, 78, 'a bad configuration: status 78';
like $bad->{err}, qr{bad\.conf:1: .*prefixx}, 'and file:line: message';
is run([$luukkud, '-x'])->{status}, 64, 'a wrong option: 64';
SKIP: {
	skip 'only root becomes another user', 2 if $> != 0;
	my $text = slurp("$dir/luukku.conf");
	$text =~ s/user = "root"/user = "nobody-of-this-name"/;
	spew("$dir/user.conf", $text, 0600);
	my $nobody = run([$luukkud, '-f', '-c', "$dir/user.conf"]);
	is $nobody->{status}, 78, 'a user that does not exist: 78';
	like $nobody->{err}, qr/there is no user "nobody-of-this-name"; make it with/, 'and what to do';
}

if (!Test::More->builder->is_passing) {
	log_as_comments('luukkud', $log);
}
done_testing;
