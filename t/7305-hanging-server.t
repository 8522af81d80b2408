#!/usr/bin/perl
# A mail server that hangs: before its greeting, at a recipient, after DATA, after the final dot. No mail is
# lost, the uncertain one goes again with the same Message-ID and bytes, and the others' mail goes on. Then:
# what goes first, and how long a mail is tried.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use IO::Socket::INET;
use Luukku::Test::Base;
use Luukku::Test::Proc qw(spawn is_running);
use Luukku::Test::Desk qw(mail header);
use POSIX ();

my $desk = Luukku::Test::Desk->start(
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none";
    customer_reminders = ( "1d" ); tell_every = "1d"; mass: { people = 0; }; }
CONF
	mailboxes => <<'CONF',
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; poll = "5s"; after = "move:Luukku/Done"; on_backlog = "normal"; }
CONF
);
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# An impatient luukku-send waits a second where it would wait a minute.
sub send_at {
	my ($minutes, %env) = @_;
	return run([program('luukku-send'), '-c', $desk->conf, '--once'], seconds => 120,
		env => { LUUKKU_NOW => iso($base + 60 * $minutes), LUUKKU_FAULT_MODE => 'smtp-impatient', %env });
}

# The smtp group; with send = false everything stays in the outbox.
sub set_smtp {
	my ($send) = @_;
	my $port = $smtp->port;
	return $desk->configure(smtp => qq{host = "127.0.0.1"; port = $port; tls = "none"; auth = "plain"; user = "luukku";
  password_file = "smtp.pass"; envelope_from = "luukku-bounces\@example.fi"; connections = 1; send = $send;});
}

# Mail comes in; nothing is sent.
sub take {
	my ($minutes, @who) = @_;
	$desk->deliver('ict', mail(from => "$_\@asiakas.example", subject => "Asia ($_)", text => "Hei, tässä $_.\n"),
		at => $base + 60 * $minutes) for @who;
	set_smtp('false');
	my $done = $desk->once(env => { LUUKKU_NOW => iso($base + 60 * $minutes) });
	is($done->{status}, 0, "mail of @who is taken") or diag $done->{err};
	return set_smtp('true');
}

sub states {
	my ($what) = @_;
	return { map { $_->[0] =~ s/\@.*//r => "$_->[1] $_->[2]" } $db->sql("SELECT recipient, state, attempts FROM outbox
		WHERE template = '" . ($what // 'acknowledgement') . "'") };
}

sub mails_to { return map { $_->{data} } grep { $_->{rcpt}[0] =~ /^$_[0]@/ } $smtp->mails }

take(0, qw(maija hidas outi));
is_deeply(states(), { maija => 'queued 0', hidas => 'queued 0', outi => 'queued 0' }, 'three acknowledgements wait');

# --- it accepts the connection and says nothing ------------------------------------------------------------

$smtp->rules({ at => 'connect', hang => 1 });
my $done = send_at(1);
is($done->{status}, 75, 'no greeting: it is away');
like($done->{err}, qr/127\.0\.0\.1:\d+/, 'says who');
is_deeply(states(), { maija => 'queued 0', hidas => 'queued 0', outi => 'queued 0' }, 'no mail has lost an attempt');

# --- it hangs in the middle of one person's mail ----------------------------------------------------------------

my @shown = (['hangs at', 'hidas', 'maija', 'outi', 'server has']);
my $minutes = 10;
for my $case (['RCPT' => { at => 'rcpt', match => 'hidas@', hang => 1 } => 'retry', 0],
		['DATA' => { at => 'data', hang => 1, times => 1 } => 'retry', 0],
		['the final dot, not taken' => { at => 'dot', match => 'hidas', hang => 1 } => 'uncertain', 0],
		['the final dot, taken' => { at => 'dot', match => 'hidas', hang => 1, store => 1 } => 'uncertain', 1]) {
	my ($name, $rule, $state, $taken) = @$case;
	$smtp->clear;
	$smtp->rules($rule);
	$db->sql("UPDATE outbox SET state = 'queued', attempts = 0, wire = NULL, sent_at = NULL
		WHERE template = 'acknowledgement'");
	# The one that will hang goes first.
	$db->sql("UPDATE outbox SET due_at = '" . iso($base) . "'::timestamptz + CASE WHEN recipient ~ '^hidas' THEN '0 s' ELSE '1 s' END::interval
		WHERE template = 'acknowledgement'");
	$done = send_at($minutes);
	my $seen = states();
	push @shown, [$name, @$seen{qw(hidas maija outi)}, scalar mails_to('hidas')];
	is($seen->{hidas}, "$state 1", "hangs at $name: $state");
	is_deeply([@$seen{qw(maija outi)}], ['sent 1', 'sent 1'], '... the others\' mail goes on');
	is(scalar mails_to('hidas'), $taken, $taken ? '... the server has it' : '... the server has none of it');
	$smtp->rules;
	$done = send_at($minutes + 10);
	is(states()->{hidas}, 'sent 2', '... and goes when it is due again');
	my @mails = mails_to('hidas');
	is(scalar @mails, 1 + $taken, '... not once more than needed');
	is($mails[0], $mails[-1], '... with the same Message-ID and bytes');
	$minutes += 20;
}

# --- a second sender meanwhile ------------------------------------------------------------------------------------

$smtp->clear;
$smtp->rules({ at => 'dot', match => 'jumi', hang => 1, store => 1 });
take(100, 'jumi');
my $log = $desk->dir . '/hanging.log';
my $pid = spawn(command => [program('luukku-send'), '-c', $desk->conf], log => $log, env => { LUUKKU_NOW => iso($base + 6000) });
wait_until(sub { mails_to('jumi') }, 30, 'the first sender to hang');
take(101, qw(liisa pekka));
is(send_at(102)->{status}, 0, 'another luukku-send beside it');
my $seen = states();
is_deeply([@$seen{qw(jumi liisa pekka)}], ['sending 1', 'sent 1', 'sent 1'], 'one sender hangs with one mail, the other sends the rest');
push @shown, ['dot, two senders', $seen->{jumi}, $seen->{liisa}, $seen->{pekka}, scalar mails_to('jumi')];
ok(is_running($pid), 'it hangs still');
kill 'KILL', $pid;
wait_until(sub { !is_running($pid) }, 10, 'its end');
$smtp->rules;
is(send_at(104)->{status}, 0, 'killed; the next start');
is(states()->{jumi}, 'sent 2', 'finds the mail that nobody knows about');
my @twice = mails_to('jumi');
is(scalar @twice, 2, 'sends it again');
is($twice[0], $twice[1], 'with the same Message-ID and bytes');
note sprintf '%-26s %-12s %-10s %-10s %s', @$_ for @shown;

# --- what goes first --------------------------------------------------------------------------------------------------

sub agent {
	my ($who, $at, $text, @commands) = @_;
	my $ticket = $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = '$who\@asiakas.example'");
	my $did = $desk->ctl('do', "TUKI-$ticket", @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => iso($base + 60 * $at) } });
	is($did->{status}, 0, "do @commands for $who") or diag $did->{err};
	return;
}
$smtp->clear;
agent('outi', 110, 'Mikä laite?', 'wait customer');
send_at(111);
$smtp->clear;
my $later = 110 + 2 * 1440;
$db->sql("UPDATE mailbox SET last_ok_at = '" . iso($base + 60 * $later) . "'");
run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 60 * $later) });
# As a survey stands behind reminders.
$db->sql("UPDATE outbox SET rank = 7 WHERE template = 'still-working' AND recipient ~ '^liisa'");
take($later + 1, 'uusi');
agent('maija', $later + 2, 'Korjattu nyt.', 'resolve');
is(send_at($later + 3)->{status}, 0, 'all of them are sent');
my @order = map { my ($id) = header($_->{data}, 'Message-ID') =~ m{<(.*)>}; $db->sql("SELECT template FROM outbox WHERE header_message_id = '$id'") . ' '
	. $_->{rcpt}[0] =~ s/\@.*//r } $smtp->mails;
note 'goes out in this order: ', join ', ', @order;
is_deeply([@order[0, 1]], ['resolution maija', 'acknowledgement uusi'], 'a person\'s words, then acknowledgements');
is_deeply([sort @order[2 .. $#order - 1]], ['customer-reminder outi', map { "still-working $_" } qw(hidas jumi pekka)], 'then reminders, all older');
is($order[-1], 'still-working liisa', 'then surveys');

# --- how long a mail is tried -------------------------------------------------------------------------------------------

$smtp->rules({ at => 'rcpt', match => 'sitkea@', reply => '451 4.3.0 later' });
take($later + 10, 'sitkea');
my $created = $db->sql("SELECT extract(epoch FROM created_at) FROM outbox WHERE recipient ~ '^sitkea'");
my ($last, @waits) = ($created);
while (1) {
	my ($state, $due) = @{ ($db->sql("SELECT state, ceil(extract(epoch FROM due_at)) FROM outbox WHERE recipient ~ '^sitkea'"))[0] };
	last if $state !~ /queued|retry/ || @waits > 60;
	push @waits, [$due - $last, $due - $created] if $due > $created + 1;
	$last = $due;
	send_at(0, LUUKKU_NOW => iso($due));
}
note sprintf '4xx: try %2d after %6.1f minutes, %5.1f hours in all', $_ + 2, $waits[$_][0] / 60, $waits[$_][1] / 3600 for 0 .. $#waits;
is($db->sql("SELECT state FROM outbox WHERE recipient ~ '^sitkea'"), 'failed', 'at last it is given up');
like($db->sql("SELECT reason FROM outbox WHERE recipient ~ '^sitkea'"), qr/given up after 5 days: .*later/, 'with the server\'s words');
cmp_ok($waits[-1][1], '>=', 5 * 86400, 'not before five days');
cmp_ok($waits[-1][1], '<', 5 * 86400 + 5 * 3600, 'nor long after');
my @plan = (60, 300, 900, 3600, 7200, (14400) x @waits);
is(scalar(grep { my $n = $_; $waits[$n][0] < $plan[$n] - 1 || $waits[$n][0] > $plan[$n] * 1.2 + 2 } 0 .. $#waits), 0, 'later each time, up to four hours');
my %different = map { $waits[$_][0] => 1 } 5 .. $#waits;
cmp_ok(scalar keys %different, '>', 5, 'and never in step with others');

done_testing();
