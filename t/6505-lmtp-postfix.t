#!/usr/bin/perl
# luukku-lmtp behind a real Postfix: what the MTA hands on, what it keeps while luukku or its database
# is away, and that nothing comes twice.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Desk;
use Luukku::Test::Mail qw(answer header mail shown text_of);
use Luukku::Test::Pg;
use Test::More;

my $desk = Luukku::Test::Desk->start(pg => Luukku::Test::Pg->start(private => 1),
	postfix => { people => ['maija@sairaala.example'], lmtp => ['ict@example.fi', 'hr@example.fi'] },
	mailboxes => '{ name = "pipe"; protocol = "none"; }', extra => 'lmtp: { listen = "127.0.0.1:@LMTP@"; };');
my ($postfix, $dovecot) = ($desk->postfix, $desk->dovecot);
my $maija = 'Maija Meri <maija@sairaala.example>';

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

sub writes {
	my ($mail, @to) = @_;
	$postfix->send('maija@sairaala.example', \@to, $mail);
	return;
}

sub tickets_are {
	my ($n, $what) = @_;
	ok(eval { wait_until(sub { one('SELECT count(*) FROM ticket') >= $n }, 30); 1 }, "$what: it is there")
		or do { $postfix->show_log; $desk->show_log };
	$postfix->wait_empty;
	is(one('SELECT count(*) FROM ticket'), $n, "$what: once");
	return;
}

$desk->up;
writes(mail(from => $maija, subject => 'first', text => "Hello, the printer is broken.\n"), 'ict@example.fi');
tickets_are(1, 'a mail over LMTP');
is(one('SELECT mailbox FROM arrival'), 'pipe', 'in the mailbox without a server');
wait_until(sub { $dovecot->count('maija@sairaala.example', 'INBOX') }, 30, 'the acknowledgement');
my ($ack) = $dovecot->read_all('maija@sairaala.example', 'INBOX');
my $reply_to = header($ack, 'Reply-To');
like($reply_to, qr/ict\+[a-z2-7]{36}\@/, 'it is acknowledged, with a reply address');

my ($address) = $reply_to =~ /([^<\s]+@[^>\s]+)/;
writes(answer({ data => $ack }, $maija, 'It smokes now.'), $address);
wait_until(sub { one('SELECT count(*) FROM message WHERE direction = \'in\'') == 2 }, 30, 'the answer');
is(one("SELECT evidence FROM message WHERE direction = 'in' ORDER BY id DESC LIMIT 1"), 'token', 'an answer comes by that address');
is(one('SELECT count(*) FROM ticket'), 1, 'on the same ticket');

writes(mail(from => $maija, to => 'ict@example.fi, hr@example.fi', subject => 'both', text => "Somebody new starts on Monday.\n"),
	'ict@example.fi', 'hr@example.fi');
tickets_are(2, 'a mail to two queues');

# --- luukku is away --------------------------------------------------------------------------------------
$desk->down;
writes(mail(from => $maija, subject => 'while away', text => "Hello, the screen is black.\n"), 'ict@example.fi');
wait_until(sub { $postfix->log =~ /status=deferred \(connect to/ }, 30, 'Postfix to keep it');
is(one('SELECT count(*) FROM ticket'), 2, 'nobody takes it');
$desk->up;
wait_until(sub { $postfix->flush; one('SELECT count(*) FROM ticket') == 3 }, 30, 'the next try');
tickets_are(3, 'a mail that came while luukku was away');

# --- its database is away --------------------------------------------------------------------------------
$desk->pg->stop;
writes(mail(from => $maija, subject => 'no database', text => "Hello, the mouse is gone.\n"), 'ict@example.fi');
wait_until(sub { $postfix->log =~ /said: 4\d\d/ }, 60, 'a refusal that passes');
unlike($postfix->log, qr/status=bounced/, 'nothing bounces');
$desk->pg->start_again;
wait_until(sub { $postfix->flush; eval { one('SELECT count(*) FROM ticket') == 4 } }, 60, 'the next try');
tickets_are(4, 'a mail that came while the database was away');
is(one("SELECT count(*) FROM outbox WHERE template = 'acknowledgement'"), 4, 'each is acknowledged once');
$desk->down;
done_testing;
