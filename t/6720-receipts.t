#!/usr/bin/perl
# An agent who writes sixty commands an hour gets sixty receipts, whatever else the desk tells them; a robot in the
# agent's name, which answers each receipt by another command, ends all the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use POSIX ();

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    notify = "agents"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; }
CONF
);
my $db = $desk->db;
my $base = 1_785_740_400; # 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub turn {
	my ($minutes, @mails) = @_;
	$desk->deliver('ict', $_, at => $base + 60 * $minutes) for @mails;
	my $done = $desk->once(env => { LUUKKU_NOW => iso($base + 60 * $minutes) });
	is($done->{status}, 0, scalar(@mails) . " mails after $minutes minutes") or diag $done->{err};
	run([program('luukku-send'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 60 * $minutes + 60) });
	return;
}

sub states { return { map { @$_ } $db->sql("SELECT state, count(*) FROM outbox WHERE recipient = 'aino\@example.fi' AND $_[0] GROUP BY 1") } }

# What Aino got of this template, the newest last.
sub got {
	my ($template) = @_;
	my %ids = map { ("<$_->[0]>" => 1) } $db->sql("SELECT header_message_id FROM outbox WHERE template = '$template' AND recipient = 'aino\@example.fi'");
	return grep { $ids{ header($_, 'Message-ID') // '' } } map { $_->{data} } $desk->smtp->mails;
}

sub command {
	my ($to, $line) = @_;
	return mail(from => 'Aino Aalto <aino@example.fi>', to => $to, subject => 'Re: Tulostin', text => "$line\n");
}

turn(0, mail(from => 'maija@asiakas.example', subject => 'Tulostin ei toimi'));
my $ticket = $db->sql('SELECT max(id) FROM ticket');
my ($notice) = got('notice');
my ($token) = header($notice, 'Reply-To') =~ /<?(\S+?\+\S+?@[^\s>]+)/;
ok($token, 'a notice with an address that acts for Aino');

# --- sixty commands ------------------------------------------------------------------------------------------

turn(10, map { command($token, "#tag +t$_") } 1 .. 60);
is($db->sql("SELECT cardinality(tags) FROM ticket WHERE id = $ticket"), 60, 'sixty commands are run');
is_deeply(states("template = 'receipt'"), { sent => 60 }, 'and each has its receipt');
turn(15, mail(from => 'maija@asiakas.example', subject => "[TUKI-$ticket] Tulostin ei toimi", text => "Lisäksi siitä tulee savua.\n"));
is_deeply(states("template = 'notice'"), { sent => 2 }, 'and notices come as before');
turn(16, map { command($token, "#tag +u$_") } 1 .. 5);
is_deeply(states("template = 'receipt'"), { sent => 60, held => 5 }, 'more than sixty in ten minutes is nobody\'s hand');
like(scalar $db->sql("SELECT reason FROM outbox WHERE template = 'receipt' AND state = 'held' LIMIT 1"), qr/this address already got 60 receipts within 10m/, 'with the reason');
is($db->sql("SELECT cardinality(tags) FROM ticket WHERE id = $ticket"), 65, 'the commands are run all the same');

# --- a robot ---------------------------------------------------------------------------------------------------

$desk->configure(extra => 'breaker = ( "1/10m", "4/60m" );');
my $before = () = got('receipt');
turn(200, command($token, '#tag +robot'));
my $rounds = 0;
while ($rounds < 20) {
	my @receipts = got('receipt');
	last if @receipts == $before;
	$before = @receipts;
	my ($answer) = header($receipts[-1], 'Reply-To') =~ /<?(\S+?\+\S+?@[^\s>]+)/;
	turn(201, command($answer // $token, '#tag +robot' . ++$rounds));
}
is($rounds, 6, 'a robot gets six receipts where people get one mail, and it has ended');
is_deeply(states("template = 'receipt' AND created_at > '" . iso($base + 190 * 60) . "'"), { sent => 6, held => 1 }, 'the seventh is held');
run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 205 * 60) });
is_deeply([sort map { $_->[0] } $db->sql("SELECT recipient FROM outbox WHERE template = 'breaker-digest' AND created_at > '" . iso($base + 190 * 60) . "'")],
	['admin@example.fi', 'bo@example.fi'], 'admins and managers hear of it');
note "60 commands at once: 60 receipts sent; 5 more: held. A robot with 1/10m: $rounds receipts, then held";

done_testing();
