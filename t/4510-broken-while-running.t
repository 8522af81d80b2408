#!/usr/bin/perl

# Somebody breaks the configuration of a running desk, and then its programs die. They go on as they
# were: a broken file stops nothing, and a changed one changes nothing before the reload.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until slurp spew);
use Luukku::Test::Desk qw(mail);
use JSON::PP ();
use Test::More;

my $desk = Luukku::Test::Desk->start;
$desk->up;

sub tickets {
	return scalar $desk->db->sql('SELECT count(*) FROM ticket');
}

sub sent {
	return scalar $desk->db->sql("SELECT count(*) FROM outbox WHERE state = 'sent'");
}

# Name to pid of what luukkud runs now.
sub pids {
	my $status = eval { JSON::PP->new->utf8->decode(slurp($desk->dir . '/run/status.json')) } // return;
	return map { $_->{name} => $_->{pid} } grep { $_->{pid} && $_->{state} eq 'running' } @{ $status->{daemons} };
}

# Kills every program below luukkud and waits until each runs anew.
sub kill_children {
	my ($names) = @_;
	my %old;
	wait_until(sub { %old = pids(); @$names == grep { $old{$_} } @$names }, 30, 'all programs to run');
	kill 'KILL', @old{@$names};
	wait_until(sub {
		my %new = pids();
		@$names == grep { $new{$_} && $new{$_} != $old{$_} } @$names;
	}, 60, 'all programs to run again');
	return;
}

my $names = ['luukku-sched', 'luukku-send 1', 'luukku-lmtp', 'luukku-fetch ict', 'luukku-fetch hr'];
my $good = slurp($desk->conf);
$desk->deliver('ict', mail(subject => 'ennen'));
# Killed between the server's answer and its record, a mail goes out twice: its record comes first.
wait_until(sub { sent() == 1 }, 30, 'the first ticket and its acknowledgement');

(my $broken = $good) =~ s/queues:/queueueues:/;
spew($desk->conf, $broken . "\nsmtp: {", 0600);
$desk->give_away($desk->conf);
kill 'HUP', $desk->{pid};
wait_until(sub { $desk->log =~ /reload\.refused/ }, 30, 'the reload to be refused');
kill_children($names);
pass('with a broken file all programs start again');
$desk->deliver('ict', mail(subject => 'rikki'));
wait_until(sub { tickets() == 2 }, 30, 'a ticket by the old configuration');
pass('and take mail');
wait_until(sub { sent() == 2 }, 30, 'both mails to be recorded');
pass('and send');

# A good file that nobody has reloaded yet.
(my $changed = $good) =~ s/prefix = "TUKI"/prefix = "APUA"/ or die 'no prefix';
spew($desk->conf, $changed, 0600);
$desk->give_away($desk->conf);
kill_children($names);
$desk->deliver('ict', mail(subject => 'muutettu'));
my @mails = $desk->smtp->wait_mails(3);
like $mails[-1]{data}, qr/TUKI-\d+/, 'a change that was not reloaded changes nothing';
unlike $mails[-1]{data}, qr/APUA/, 'not even in a program that started after it';
kill 'HUP', $desk->{pid};
wait_until(sub { $desk->log =~ /reload\.done/ }, 30, 'the reload');
$desk->deliver('ict', mail(subject => 'ladattu'));
@mails = $desk->smtp->wait_mails(4);
like $mails[-1]{data}, qr/APUA-\d+/, 'after the reload it holds';

# A worker of luukku-lmtp starts with every connection.
is $desk->ctl('deliver', '--mailbox', 'ict', { in => mail(subject => 'putki') })->{status}, 0, 'LMTP goes on after a reload';
$desk->down;
$desk->show_log if !Test::More->builder->is_passing;
done_testing;
