#!/usr/bin/perl
# #undo takes back what still stands as the command left it, and no more: what a colleague or the
# customer did after it stays, and the receipt says what was left and who changed it. An answer that
# was cancelled is no answer. Real parser, real database, no daemons.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Intake;
use Test::More;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;
my %agent = (aino => 'Aino Aalto <aino@example.fi>', bo => 'Bo Berg <bo@example.fi>');
my $n = 0;

sub opened {
	my $from = 'maija' . ++$n . '@client.example';
	my $took = $desk->take(from => "Maija <$from>", to => 'tuki@example.fi', mailbox => 'tuki', subject => "Printer $n", body => "It is broken, $n.");
	return ($took->{ticket}, $from);
}

# An agent's mail about a ticket, at a minute of the hour.
sub says {
	my ($who, $ticket, $text, $minute, %more) = @_;
	my $now = sprintf '2026-03-27T10:%02d:00Z', $minute;
	$db->sql("UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE recipient ~ '^(aino|bo)\@'");
	return $desk->take(from => $agent{$who}, mailbox => 'tuki', subject => "Re: Printer", body => "$text\n", now => $now, at => $now,
		to => $desk->address(purpose => 'agent', number => $ticket, recipient => "$who\@example.fi", now => $now), %more);
}

sub is_now {
	my ($ticket, $columns) = @_;
	return join ' ', map { defined && length ? $_ : '-' } $desk->row("SELECT $columns FROM ticket WHERE id = $ticket");
}

# What the newest receipt of aino's says beside the state.
sub remarks {
	my ($json) = $desk->row("SELECT variables FROM outbox WHERE recipient = 'aino\@example.fi' AND template = 'receipt' ORDER BY id DESC LIMIT 1");
	return join "\n", @{ JSON::PP->new->utf8->decode($json // '{}')->{remarks} // [] };
}

# --- one value each --------------------------------------------------------------------------------
for my $case (
	['priority', '#priority high', '#priority low', 'priority', 'low', qr/TUKI-\d+, .*\(.*\).*bo\@example\.fi/],
	['owner', '#take', '#take', 'owner', 'bo@example.fi', qr/bo\@example\.fi/],
	['title', '#subject A', '#subject B', 'title', 'B', qr/\(B\)/],
	['wait', '#wait until 2026-06-01', '#wait until 2026-07-01', 'status', 'on_hold', qr/TUKI-\d+/],
	['status', '#take', "The cable was loose.\n\n#resolve", 'status', 'resolved', qr/TUKI-\d+/],
	['resolution', "One cause.\n\n#resolve", "Another cause.\n\n#resolve", 'resolution', 'Another cause.', qr/TUKI-\d+/],
	['resolved again', "One cause.\n\n#resolve", "Another cause.\n\n#resolve", 'status', 'resolved', qr/TUKI-\d+/]) {
	my ($what, $first, $then, $column, $wanted, $told) = @$case;
	my ($ticket) = opened();
	says(aino => $ticket, $first, 1);
	says(bo => $ticket, $then, 5);
	is(is_now($ticket, $column), $wanted, "$what: the colleague's word stands");
	says(aino => $ticket, '#undo', 10);
	is(is_now($ticket, $column), $wanted, '... and #undo of what was before it leaves it');
	like(remarks(), $told, '... and says so');
}

{
	my ($ticket) = opened();
	says(aino => $ticket, '#queue apu', 1);
	$db->sql("UPDATE ticket SET queue = 'ict' WHERE id = $ticket");
	says(aino => $ticket, '#undo', 10);
	is(is_now($ticket, 'queue'), 'ict', 'queue: the move that came later stands');
	like(remarks(), qr/\(ict\)/, '... and it is said');
	says(aino => $ticket, '#queue apu', 11);
	says(aino => $ticket, '#undo', 12);
	is(is_now($ticket, 'queue'), 'ict', '... and without one it is taken back');
}

# --- what is still as it was left goes back all the same -------------------------------------------
{
	my ($ticket) = opened();
	says(aino => $ticket, "#priority high\n#subject Mine\n#tag +a +b", 1);
	says(bo => $ticket, "#priority low\n#tag +c -b", 5);
	says(aino => $ticket, '#undo', 10);
	is(is_now($ticket, 'priority, title, tags'), 'low - {c}', 'of several only what stands is taken back; of tags only its own');
	unlike(remarks(), qr/Mine|tunnist/, '... and nothing else is told of');
	says(aino => $ticket, "#field device=PC1\n#field room=12", 15);
	says(bo => $ticket, "#field device=PC2\n#field floor=3", 16);
	says(aino => $ticket, '#undo', 17);
	is_deeply(JSON::PP::decode_json(is_now($ticket, 'fields')), { device => 'PC2', floor => '3' }, 'of fields only those that it set');
	like(remarks(), qr/device = PC2/, '... and the one that was left is named');
	says(aino => $ticket, '#priority high', 20);
	says(aino => $ticket, '#undo', 21);
	is(is_now($ticket, 'priority'), 'low', 'without others all of it');
	is(remarks(), '', '... and nothing is said');
}

# --- the customer came in between ------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	says(aino => $ticket, "It works again.\n\n#resolve", 1);
	my ($sent) = map { $_->[0] } $db->sql("SELECT id FROM outbox WHERE ticket_id = $ticket AND template = 'resolution'");
	$db->sql("UPDATE outbox SET state = 'sent', sent_at = '2026-03-27T10:02:00Z' WHERE id = $sent");
	$desk->take(from => $maija, mailbox => 'tuki', to => $desk->address(purpose => 'customer', number => $ticket, recipient => $maija),
		subject => 'Re: Printer', body => 'No, it is still broken, the lamp blinks.', now => '2026-03-27T10:05:00Z', at => '2026-03-27T10:05:00Z');
	is(is_now($ticket, 'status, reopened'), 'open 1', 'the customer opens it again');
	says(aino => $ticket, '#undo', 10);
	is(is_now($ticket, 'status, reopened, resolved_at'), 'open 1 -', '#undo of the #resolve leaves that');
	isnt(is_now($ticket, 'first_response_at'), '-', 'an answer that has gone was the first answer');
}

# --- an answer that did not go ---------------------------------------------------------------------
{
	my ($ticket) = opened();
	says(aino => $ticket, 'Which room?', 1);
	says(aino => $ticket, '#undo', 2);
	is(is_now($ticket, 'first_response_at, owner, status'), '- - new', 'an answer that is taken back was none');
	is(($desk->row("SELECT count(*) FROM message WHERE ticket_id = $ticket AND direction = 'out'"))[0], 0, '... and is shown as none');
	my $notice = $desk->run_or_die(undef, 'message-id', purpose => 'agent', ticket => $ticket, outbox => 1);
	says(bo => $ticket, 'Which floor?', 5, irt => $notice);
	is(($desk->row("SELECT count(*) FROM outbox WHERE ticket_id = $ticket AND template = 'reply' AND state = 'queued'"))[0], 1,
		"a colleague's answer to the notice is not held for it");
	says(aino => $ticket, '#wait customer', 6);
	says(aino => $ticket, 'Which house?', 7);
	says(aino => $ticket, '#undo', 8);
	isnt(is_now($ticket, 'first_response_at'), '-', "the colleague's answer stays the first");
}

# --- split and parent ------------------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my $second = $desk->take(from => $maija, mailbox => 'tuki', to => $desk->address(purpose => 'customer', number => $ticket, recipient => $maija),
		subject => 'Re: Printer', body => 'And the screen is dark.');
	says(aino => $ticket, '#split', 1);
	my ($split) = map { $_->[0] } $db->sql("SELECT ticket_id FROM message WHERE id = $second->{message}");
	isnt($split, $ticket, 'a message is split off');
	says(bo => $split, '#take', 5);
	says(aino => $ticket, '#undo', 10);
	is(is_now($split, 'status, owner, merged_into'), 'open bo@example.fi -', 'a ticket that was taken up stays one');
	is(($desk->row("SELECT ticket_id FROM message WHERE id = $second->{message}"))[0], $split, '... with its words');
	is(($desk->row("SELECT count(*) FROM ticket_link WHERE ticket_id = $ticket AND other_id = $split"))[0], 1, '... and its link');
	like(remarks(), qr/TUKI-$split/, '... and it is said');

	my @t = map { (opened())[0] } 1 .. 4;
	says(aino => $t[0], "#parent TUKI-$t[1]", 11);
	says(aino => $t[0], "#parent TUKI-$t[2]", 12);
	says(bo => $t[0], "#parent TUKI-$t[3]", 15);
	says(aino => $t[0], '#undo', 20);
	is_deeply([map { $_->[0] } $db->sql("SELECT other_id FROM ticket_link WHERE ticket_id = $t[0] AND relation = 'parent'")], [$t[3]],
		'a ticket has one parent: the one a colleague gave it');
	like(remarks(), qr/TUKI-$t[0]/, '... and it is said');
}

done_testing;
