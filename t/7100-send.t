#!/usr/bin/perl
# luukku-send end to end: what becomes of a mail in the outbox, whatever the mail server does.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use Luukku::Test::Smtp;
use Luukku::Test::Tls;
use POSIX ();
use Test::More;
use Time::HiRes ();

my $desk = Luukku::Test::Desk->start;
my $smtp = $desk->smtp;
my $port = $smtp->port;

# The smtp group; options are put over the default.
sub smtp_conf {
	my (%option) = @_;
	my %setting = (host => '"127.0.0.1"', port => $port, tls => '"none"', auth => '"plain"',
		user => '"luukku"', password_file => '"smtp.pass"',
		envelope_from => '"luukku-bounces@example.fi"', connections => 1, rate => '"600/m"', %option);
	return join ' ', map { "$_ = $setting{$_};" } sort keys %setting;
}

sub set_smtp {
	my (%option) = @_;
	$desk->configure(smtp => smtp_conf(%option));
	return;
}

# So many acknowledgements wait in an otherwise empty desk.
sub queue {
	my ($n) = @_;
	$desk->start_over;
	$smtp->rules;
	set_smtp(send => 'false');
	$desk->deliver('ict', mail()) for 1 .. $n;
	my $done = $desk->once;
	is($done->{status}, 0, "$n mails taken") or diag $done->{err};
	set_smtp();
	return;
}

# luukku-send --once, `later` seconds after now.
sub send_once {
	my ($later) = @_;
	my %env;
	$env{LUUKKU_NOW} = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $later)) if $later;
	return run([ program('luukku-send'), '-c', $desk->conf, '--once' ], env => \%env, seconds => 60);
}

# Acknowledgements by state and attempts: "sent 1, retry 1".
sub states {
	return scalar($desk->db->sql("SELECT coalesce(string_agg(x, ', ' ORDER BY x), '')"
			. " FROM (SELECT state || ' ' || attempts FROM outbox WHERE template = 'acknowledgement') AS o (x)")) // '';
}

sub acknowledgements {
	return grep { $_->{rcpt}[0] =~ /asiakas/ } $smtp->mails;
}

# --- the straight way
queue(3);
is(states(), 'queued 0, queued 0, queued 0', 'with send = false everything is queued');
is($smtp->count, 0, 'and nothing leaves');
$smtp->clear;
my $before = $smtp->connections;
my $done = send_once();
is($done->{status}, 0, 'luukku-send --once') or diag $done->{err};
is(states(), 'sent 1, sent 1, sent 1', 'all are sent');
my @mails = acknowledgements();
is(scalar @mails, 3, 'and have arrived');
is($smtp->connections - $before, 1, 'over one connection');
my %ids = map { (header($_->{data}, 'Message-ID') // '') => 1 } @mails;
is(scalar(keys %ids), 3, 'with different Message-IDs');
unlike($done->{err}, qr/asiakas/, 'no customer in the log');
like($done->{err}, qr/send\.sent.* outbox=\d+ ticket=\d+ attempt=1 repeat=0 code=250 status=2\.0\.0/, 'a line a mail');
is(send_once()->{status}, 0, 'nothing to do is no error');
is($smtp->connections - $before, 1, 'and connects to nobody');

# --- the server is down
queue(2);
$smtp->stop;
$done = send_once();
is($done->{status}, 75, 'a server that is down: try again');
like($done->{err}, qr/cannot reach 127\.0\.0\.1:$port: Connection refused/, 'says so');
is(states(), 'queued 0, queued 0', 'and costs no mail an attempt');
$smtp->launch;

# --- the server or its login is not as configured
spew($desk->dir . '/smtp.pass', "wrong\n", 0600);
$done = send_once();
is($done->{status}, 78, 'a wrong password: a person must act');
like($done->{err}, qr/login refused for luukku: check user and the password file/, 'says so');
unlike($done->{err}, qr/wrong/, 'without the password');
is(states(), 'queued 0, queued 0', 'no mail has lost an attempt');
spew($desk->dir . '/smtp.pass', "smtp secret\n", 0600);
my $tls = Luukku::Test::Tls->new;
for my $case ([ evil => qr/not trusted/ ], [ other => qr/is for other\.test, not for localhost/ ]) {
	my ($kind, $words) = @$case;
	my $bad = Luukku::Test::Smtp->start(user => 'luukku', password => 'smtp secret', cert => $tls->cert($kind));
	for my $way ([ 'starttls', $bad->port ], [ 'implicit', $bad->tls_port ]) {
		set_smtp(host => '"localhost"', tls => "\"$way->[0]\"", port => $way->[1], ca_file => '"' . $tls->ca . '"');
		$done = send_once();
		is($done->{status}, 78, "certificate $kind, $way->[0]: refused");
		like($done->{err}, $words, 'says why');
	}
	is_deeply([ grep { /AUTH|MAIL/ } $bad->commands ], [], "certificate $kind: neither login nor mail was sent");
	note map { "$_\n" } split /\n/, $bad->log;
	$bad->stop;
}
is(states(), 'queued 0, queued 0', 'no mail has lost an attempt');
{
	my $good = Luukku::Test::Smtp->start(user => 'luukku', password => 'smtp secret');
	set_smtp(host => '"localhost"', tls => '"starttls"', port => $good->port, ca_file => '"' . $tls->ca . '"');
	is(send_once()->{status}, 0, 'the same settings with a good certificate');
	is(states(), 'sent 1, sent 1', 'send both');
	$good->stop;
}

# --- what the server says about a mail
queue(4);
my @customers = split / /,
	scalar $desk->db->sql("SELECT string_agg(recipient, ' ') FROM outbox WHERE template = 'acknowledgement'");
$smtp->rules({ at => 'rcpt', match => $customers[0], reply => '550 5.1.1 no such user' },
	{ at => 'rcpt', match => $customers[1], reply => '451 4.7.1 greylisted' });
$smtp->clear;
$done = send_once();
is(states(), 'failed 1, retry 1, sent 1, sent 1', '5xx fails, 4xx waits, the others go');
like($done->{err}, qr/send\.failed.* code=550 status=5\.1\.1/, 'logged');
is($desk->db->sql("SELECT d.state || ' ' || d.code || ' ' || d.status FROM delivery d JOIN outbox o ON o.id = d.outbox_id WHERE o.state = 'failed'"),
	'failed 550 5.1.1', 'and recorded');
send_once();
is(states(), 'failed 1, retry 1, sent 1, sent 1', 'not before it is due');
$smtp->rules;
send_once(120);
is(states(), 'failed 1, sent 1, sent 1, sent 2', 'sent once it is due');

# --- 530: we are refused, not the mail
queue(1);
$smtp->rules({ at => 'mail', reply => '530 5.7.0 authentication required' });
$done = send_once();
is(states(), 'retry 1', 'a server that wants a login refuses no mail');
like($done->{err}, qr/send\.no_server.*wants a login.*check smtp\.auth/, 'and somebody hears of it');

# --- the answer is lost
for my $case ([ 'taken', store => 1 ], [ 'not taken' ]) {
	my ($name, @store) = @$case;
	queue(1);
	$smtp->clear;
	$smtp->rules({ at => 'dot', drop => 1, times => 1, @store });
	$done = send_once();
	is(states(), 'uncertain 1', "the answer is lost ($name): uncertain");
	like($done->{err}, qr/send\.uncertain.* code=0/, 'logged');
	send_once(120);
	is(states(), 'sent 2', 'sent again when due');
	@mails = acknowledgements();
	is(scalar @mails, @store ? 2 : 1, 'as often as the server took it');
	is($mails[0]{data}, $mails[-1]{data}, 'with the same Message-ID and bytes');
}

# --- dropped before the mail was complete
queue(2);
$smtp->clear;
$smtp->rules({ at => 'data', drop => 1, times => 1 });
send_once();
is(states(), 'retry 1, sent 1', 'a connection lost before the dot: tried again, and the next mail goes on');
is(scalar(acknowledgements()), 1, 'one has arrived');
send_once(120);
is(states(), 'sent 1, sent 2', 'now both');

# --- the rate
queue(4);
set_smtp(rate => '"2/2s"');
my $begun = Time::HiRes::time();
send_once();
is(states(), 'sent 1, sent 1, sent 1, sent 1', 'four mails at 2 in 2 s');
cmp_ok(Time::HiRes::time() - $begun, '>=', 2, 'take at least 2 s');
my @at = map { $_->{at} } acknowledgements();
cmp_ok($at[-2] - $at[-4], '>=', 1.9, 'never three within 2 s');

# --- as a daemon: rung by the database, over a server that restarts
$desk->start_over;
$smtp->rules;
set_smtp();
$desk->up;
$desk->deliver('ict', mail());
eval { wait_until(sub { states() eq 'sent 1' }, 30, 'the first acknowledgement'); 1 } or diag $@, $desk->log;
is(states(), 'sent 1', 'a running desk answers');
$smtp->stop;
$desk->deliver('ict', mail());
wait_until(sub { $desk->log =~ /send\.no_server/ }, 30, 'luukku-send to notice');
is(states(), 'queued 0, sent 1', 'while the server is down the mail waits, with no attempt lost');
my $status = $desk->json('status');
my ($sender) = grep { $_->{name} =~ /send/ } @{ $status->{daemons} };
ok($sender, 'status names luukku-send') or diag explain $status;
like($desk->ctl('status')->{out}, qr/cannot reach 127\.0\.0\.1:$port/, 'status says what is wrong');
$smtp->launch;
wait_until(sub { states() eq 'sent 1, sent 1' }, 60, 'the second acknowledgement');
is(states(), 'sent 1, sent 1', 'and goes when it is back');
# the connection that is idle now dies unseen
$smtp->stop;
$smtp->launch;
$desk->deliver('ict', mail());
wait_until(sub { states() =~ /sent.*sent.*sent/ }, 60, 'the third acknowledgement');
is(states(), 'sent 1, sent 1, sent 1', 'an idle connection that died costs no attempt');

# --- a claim whose COMMIT was done but not answered: the process lives, and would hold it for half an hour
($sender) = grep { $_->{name} =~ /send/ } @{ $desk->json('status')->{daemons} };
my ($start) = slurp("/proc/$sender->{pid}/stat") =~ /.*\) (.*)/ ? (split ' ', $1)[19] : ();
$desk->db->sql("UPDATE outbox SET state = 'sending', claimed_by = '$sender->{host}/$sender->{pid}/$start',
	claimed_until = now() + interval '30 minutes' WHERE id = (SELECT min(id) FROM outbox)");
$desk->db->terminate;
wait_until(sub { states() =~ /sent.*sent.*sent/ }, 30, 'the claim of the living');
is(states(), 'sent 1, sent 1, sent 2', 'a claim that its own process does not know is taken up with the next connection')
	or diag states();
$desk->down;
$desk->show_log if !Test::More->builder->is_passing;
done_testing;
