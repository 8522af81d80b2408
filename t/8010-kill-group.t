#!/usr/bin/perl

# 60 mails wait; the whole process group of the desk is killed by SIGKILL at twelve moments. Should the
# work run out before, more come. In the end: a ticket and an acknowledgement for each.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until);
use Luukku::Test::Desk qw(mail header);
use Test::More;

my $desk = Luukku::Test::Desk->start;
my $want = 0;

sub deliver_until {
	my ($goal) = @_;
	while ($want < $goal) {
		my $user = ++$want % 3 ? 'ict' : 'hr';
		$desk->deliver($user, mail(to => "$user\@example.fi"));
	}
	return;
}
deliver_until(60);

sub number {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

# How far the desk has come, in tickets and mails sent (or tried, and due again much later): 0 to
# 2 * $want.
sub progress {
	return number(q{SELECT (SELECT count(*) FROM ticket)
		+ (SELECT count(*) FROM outbox WHERE state IN ('sent', 'uncertain', 'retry'))});
}

# The fault points that were passed tell how far the desk is, without asking the database: each time
# it dies a little later in its work.
my $faults = $desk->scratch('faults');

sub passed {
	return -s "$faults/passed" // 0;
}

my $kills = 12;
my $early = 0;
for my $i (1 .. $kills) {
	# A machine that lets the test wait for its turn kills late: there is always work left.
	deliver_until(int(progress() / 2) + 5);
	my $goal = $i == 1 ? 0 : passed() + ($i % 2 ? 600 : 4800);
	$desk->up(no_wait => 1, env => { LUUKKU_FAULT_DIR => $faults });
	wait_until(sub { die "luukkud ended:\n" . $desk->log if !$desk->is_up;
		passed() >= $goal || progress() == 2 * $want }, 90, 'the desk to get on');
	$desk->kill_group;
	my $progress = progress();
	$early++ if $progress < 2 * $want;
	pass("kill $i of the whole group, at $progress of " . 2 * $want);
	# A claim of a dead sender would run out by itself; the test does not wait for that.
	$desk->db->sql(q{UPDATE outbox SET claimed_until = now() - interval '1 second' WHERE state = 'sending'});
}
cmp_ok $early, '>=', 8, "$early of them before the work was done";
$desk->up;
wait_until(sub {
	$desk->db->sql(q{UPDATE outbox SET due_at = created_at WHERE state IN ('uncertain', 'retry')});
	number(q{SELECT count(*) FROM outbox WHERE state = 'sent'}) >= $want;
}, 120, 'all acknowledgements to be sent');
$desk->down;

is number('SELECT count(*) FROM ticket'), $want, "$want tickets";
is number(q{SELECT count(DISTINCT message_id_hash) FROM message WHERE direction = 'in'}), $want, 'from as many mails';
is number(q{SELECT count(*) FROM outbox}), $want, "$want acknowledgements decided";
my (%bytes, %recipient, $different);
for my $mail ($desk->smtp->mails) {
	my $id = header($mail->{data}, 'Message-ID');
	$different++ if exists $bytes{$id} && $bytes{$id} ne $mail->{data};
	$bytes{$id} = $mail->{data};
	$recipient{ $mail->{rcpt}[0] }{$id} = 1;
}
is scalar keys %bytes, $want, "$want different Message-IDs of acknowledgements";
is scalar keys %recipient, $want, "to $want customers";
is scalar(grep { keys %$_ > 1 } values %recipient), 0, 'one each';
ok !$different, 'a repeated one has the same bytes';
is $desk->dovecot->count('ict@example.fi', 'INBOX', live => 1), 0, 'nothing is left in the IMAP mailbox';
is $desk->dovecot->count('hr@example.fi', 'INBOX', live => 1), 0, 'nor in the POP3 mailbox';
done_testing;
