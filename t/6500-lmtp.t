#!/usr/bin/perl

# luukku-lmtp: mail from an MTA or from `luukkuctl deliver`, answered after the commit.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Luukku::Test::Base qw(wait_until);
use Luukku::Test::Desk qw(mail header);
use Test::More;

my $desk = Luukku::Test::Desk->start(pg => Luukku::Test::Pg->start(private => 1),
	mailboxes => '  { name = "pipe"; protocol = "none"; }, { name = "toinen"; protocol = "none"; }');
$desk->up;
my $path = $desk->dir . '/run/lmtp';
# There is a moment between its name and its first connection.
wait_until(sub { eval { talk('QUIT') } }, 30, 'the socket');
is sprintf('%04o', (stat $path)[2] & 07777), '0660', 'its mode';

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

# A client by hand: lines to say, answers to hear.
sub talk {
	my (@lines) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
	my @answers = scalar <$socket>;
	for my $line (@lines) {
		my $count = 1;
		($line, $count) = @$line if ref $line;
		print $socket "$line\r\n";
		for (1 .. $count) {
			my $answer = <$socket> // last;
			$answer = <$socket> while $answer =~ /^\d{3}-/;
			push @answers, $answer;
		}
	}
	s/\r?\n\z// for grep { defined } @answers;
	return @answers;
}

sub data {
	my ($mail) = @_;
	$mail =~ s/^\./../mg;
	return "$mail\r\n.";
}

# --- a mail to two addresses is one mail, with one answer for each
my $mail = mail(subject => 'lmtp yksi', to => 'ict@example.fi, hr@example.fi');
my @session = ('LHLO mx.example.fi', 'MAIL FROM:<a@asiakas.example>', 'RCPT TO:<ict@example.fi>',
	'RCPT TO:<hr@example.fi>', 'RCPT TO:<stranger@elsewhere.example>', 'DATA', [data($mail), 2], 'QUIT');
my @answers = talk(@session);
like $answers[0], qr/^220 /, 'greeting';
is join(' ', map { substr $_ // '?', 0, 3 } @answers[1 .. 8]), '250 250 250 250 550 354 250 250', 'own addresses are taken, others refused'
	or diag join "\n", map { $_ // 'undef' } @answers;
is one('SELECT count(*) FROM ticket'), 1, 'one ticket';
is one('SELECT mailbox FROM arrival'), 'pipe', 'the mailbox is the first without a server';
like one('SELECT uid FROM arrival'), qr/^[0-9a-f]{32}$/, 'its uid is a hash';
@answers = talk(@session);
is substr($answers[7], 0, 3), '250', 'the same again, because the answer was lost';
is one('SELECT count(*) FROM arrival'), 1, 'is known';

# --- the subaddress, our own Message-ID: a reply
wait_until(sub { $desk->smtp->count >= 1 }, 30, 'the acknowledgement');
my ($ack) = $desk->smtp->mails;
my $reply_to = header($ack->{data}, 'Reply-To');
$reply_to =~ s/.*<|>.*//g;
@answers = talk('LHLO mx', 'MAIL FROM:<>', "RCPT TO:<$reply_to>", 'DATA',
	data(mail(subject => 'vastaus', to => 'undisclosed')), 'QUIT');
is substr($answers[5], 0, 3), '250', 'a signed address is taken';
is one('SELECT count(*) FROM ticket'), 1, 'the envelope recipient alone ties the mail to its ticket';
is one("SELECT evidence FROM message WHERE subject = 'vastaus'"), 'token', 'by its token';

# --- luukkuctl deliver
my $done = $desk->ctl('deliver', '--mailbox', 'toinen', '--recipient', 'hr@example.fi', { in => mail(subject => 'putki', to => 'x') });
is $done->{status}, 0, 'luukkuctl deliver' or diag $done->{err};
is one("SELECT mailbox FROM arrival a JOIN message m ON m.id = a.message_id WHERE m.subject = 'putki'"), 'toinen', 'names its mailbox';
is one("SELECT queue FROM ticket WHERE subject = 'putki'"), 'hr', 'and its recipient decides the queue';
$done = $desk->ctl('deliver', '--mailbox', 'pipe', { in => mail(subject => 'ilman osoitetta', to => 'x') });
is $done->{status}, 0, 'without a recipient';
is one("SELECT count(*) FROM ticket WHERE subject = 'ilman osoitetta'"), 1, 'a ticket all the same';

# --- many at once
my @pids;
for my $n (1 .. 15) {
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		my @told = eval { talk('LHLO mx', 'MAIL FROM:<a@x.example>', 'RCPT TO:<ict@example.fi>', 'DATA', data(mail(subject => "yhtaikaa " . chr(96 + $n) x 6, id => "p$n\@x.example")), 'QUIT') };
		POSIX::_exit(@told > 5 && $told[5] =~ /^250/ ? 0 : 1);
	}
	push @pids, $pid;
}
my $failed = grep { waitpid $_, 0; $? != 0 } @pids;
is $failed, 0, 'fifteen connections at once';
is one("SELECT count(*) FROM ticket WHERE subject LIKE 'yhtaikaa%'"), 15, 'fifteen tickets';

# --- a client that goes away in the middle leaves nothing
{
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die $!;
	scalar <$socket>;
	for my $line ('LHLO mx', 'MAIL FROM:<a@x.example>', 'RCPT TO:<ict@example.fi>', 'DATA') {
		print $socket "$line\r\n";
		my $answer = <$socket>;
		$answer = <$socket> while $answer =~ /^\d{3}-/;
	}
	print $socket "Subject: kesken\r\n\r\nhalf";
	close $socket;
}
@answers = talk('LHLO mx', 'MAIL FROM:<a@x.example>', 'RCPT TO:<ict@example.fi>', 'DATA', data(mail(subject => 'perässä')), 'QUIT');
is substr($answers[5], 0, 3), '250', 'the next client is served';
is one("SELECT count(*) FROM message WHERE subject = 'kesken'"), 0, 'half a mail is no mail';

# --- the database is away: the MTA keeps the mail
$desk->pg->stop;
@answers = talk('LHLO mx', 'MAIL FROM:<a@x.example>', 'RCPT TO:<ict@example.fi>', 'DATA', data(mail(subject => 'myöhemmin')), 'QUIT');
is substr($answers[5] // '', 0, 3), '451', 'no database: try again later' or diag $desk->log;
is $desk->ctl('deliver', '--mailbox', 'pipe', { in => mail(subject => 'myöhemmin') })->{status}, 75, 'luukkuctl deliver: 75';
$desk->pg->start_again;
wait_until(sub { (talk('LHLO mx', 'MAIL FROM:<a@x.example>', 'RCPT TO:<ict@example.fi>', 'DATA', data(mail(subject => 'takaisin')), 'QUIT'))[5] =~ /^250/ },
	30, 'the database to be back');
$desk->down;
ok !-e $path, 'the socket goes with luukkud';
is scalar(() = $desk->log =~ /lmtp\.worker_died/g), 1, 'only the client that went away in the middle is complained of';
is $desk->ctl('deliver', '--mailbox', 'pipe', { in => mail() })->{status}, 75, 'nobody answers: 75';
$desk->show_log if !Test::More->builder->is_passing;
done_testing;
