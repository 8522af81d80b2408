#!/usr/bin/perl
# The end of a ticket: the resolution and what it cancels, thanks, reopening within `reopen` and after it, parents and
# children; the backlog of a mailbox, which the desk writes to nobody of; the time an acknowledgement promises.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::QuotedPrint ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;
my ($aino, $bo) = ('aino@example.fi', 'bo@example.fi');
my $n = 0;

# Each step half an hour later: the desk's breaker lets three mails through in ten minutes.
my $minutes = 0;
sub now { return sprintf '2026-03-%02dT%02d:%02d:00Z', 27 + int($minutes / 1440), 6 + $minutes % 1440 / 60, $minutes % 60 }

sub take {
	my (%m) = @_;
	$minutes += 30 if !$m{now};
	$minutes += 600 if $minutes % 1440 > 1000;
	$desk->{now} = $m{now} // now();
	return $desk->take(%m);
}

sub opened {
	my (%m) = @_;
	my $from = 'maija' . ++$n . '@client.example';
	my $took = take(from => "Maija <$from>", to => 'apu@example.fi', mailbox => 'apu', subject => "Printer $n", body => "It is broken in room $n and nobody can print there.", %m);
	return ($took->{ticket}, $from);
}

sub address { return $desk->address(purpose => $_[1], number => $_[0], recipient => $_[2]) }

sub agent {
	my ($ticket, $text, %m) = @_;
	return take(from => $aino, to => address($ticket, 'agent', $aino), subject => "Re: [TUKI-$ticket] Printer", body => $text, %m);
}

sub customer {
	my ($ticket, $from, $text, %m) = @_;
	return take(from => $from, to => address($ticket, 'customer', $from), subject => "Re: [TUKI-$ticket] Printer", body => $text, %m);
}

sub ticket_is { return join ' ', map { $_ // '-' } $desk->row("SELECT $_[1] FROM ticket WHERE id = $_[0]") }

sub mails { return [map { "$_->[0] $_->[1] $_->[2]" } $db->sql("SELECT template, recipient, state FROM outbox WHERE ticket_id = $_[0]
	AND template NOT IN ('acknowledgement', 'notice', 'receipt') ORDER BY id")] }

sub questions { return [map { $_->[0] } $db->sql("SELECT ended_at IS NULL FROM consultation WHERE ticket_id = $_[0] ORDER BY id")] }

sub timers { return [map { $_->[0] } $db->sql("SELECT kind FROM timer WHERE ticket_id = $_[0] ORDER BY kind")] }

# --- what a resolution cancels -----------------------------------------------------------------------------

my ($ticket, $maija) = opened();
agent($ticket, "Which printer is it?\n\n#wait customer");
is(ticket_is($ticket, 'status, waiting_on'), 'waiting_customer customer', 'it waits for its customer');
agent($ticket, "Do you know this one?\n\n#ask bo");
is_deeply(questions($ticket), ['t'], 'and a colleague is asked');
ok((grep { /customer_reminder/ } @{ timers($ticket) }), 'a reminder is set');
agent($ticket, "The cable was loose.\n\n#resolve");
is(ticket_is($ticket, 'status, waiting_on IS NULL, resolution'), 'resolved t The cable was loose.', 'resolved: it waits for nobody');
is_deeply(questions($ticket), ['f'], 'the open question has ended');
is_deeply(timers($ticket), ['close_after'], 'and so have reminders');
agent($ticket, '#undo');
is(ticket_is($ticket, 'status'), 'waiting_customer', '#undo brings the wait back');
is_deeply(questions($ticket), ['t'], '... and the question');
agent($ticket, "The cable was loose.\n\n#resolve");
my $asked = take(from => $bo, to => address($ticket, 'consult', $bo), subject => "Re: [TUKI-$ticket] Printer", body => 'It was me who pulled it.');
is(ticket_is($ticket, 'status'), 'resolved', 'an answer to the question afterwards is only a note');
is(($desk->row("SELECT direction FROM message WHERE id = $asked->{message}"))[0], 'note', '... on the ticket') if $asked->{ticket} == $ticket;
for my $end (['close', "#close"], ['spam', "#spam"]) {
	my ($one) = opened();
	agent($one, "Do you know this one?\n\n#ask bo");
	agent($one, $end->[1]);
	is_deeply(questions($one), ['f'], "#$end->[0] ends questions, too");
}

# --- written in ignorance of the customer's newest words (desk.md 5) ------------------------------------------

my ($crossed, $crossing) = opened();
$desk->run_or_die('luukku_fetch', 'notice', ticket => $crossed, kind => 'new', owner => $aino,
	message => ($desk->row("SELECT min(id) FROM message WHERE ticket_id = $crossed"))[0]);
my $notice;
while (my @claims = $desk->acknowledge) {
	($notice) = grep { $_->{to} eq $aino && $_->{wire} =~ /TUKI-$crossed\b/ } @claims;
	last if $notice;
}
customer($crossed, $crossing, 'Wait, it is the other printer that is broken.');
for my $line ('#resolve', '#close', '#wait customer') {
	agent($crossed, "Put paper into it.\n\n$line", irt => $notice->{message_id});
	is(ticket_is($crossed, 'status'), 'new', "$line written before the customer's newest words is held");
	my ($held) = $desk->row("SELECT variables FROM outbox WHERE template = 'held' AND ticket_id = $crossed ORDER BY id DESC LIMIT 1");
	is(JSON::PP::decode_json($held // '{}')->{newest}{text}, 'Wait, it is the other printer that is broken.', '... and its writer is shown them');
}

# --- thanks, reopening, too late -----------------------------------------------------------------------------

customer($ticket, $maija, "Kiitos paljon!\n\nTerveisin Maija");
is(ticket_is($ticket, 'status, reopened'), 'resolved 0', 'thanks do not reopen it');
customer($ticket, $maija, "Kiitos, mutta se ei toimi vieläkään, paperi juuttuu.");
is(ticket_is($ticket, 'status, reopened, resolved_at IS NULL'), 'open 1 t', 'words do, counted');
agent($ticket, "Changed the rollers.\n\n#resolve");
customer($ticket, $maija, 'It is jammed once more in the same place as before.');
is(ticket_is($ticket, 'status, reopened'), 'open 2', 'each time');
agent($ticket, "A new printer.\n\n#resolve");
agent($ticket, '#close');
is(ticket_is($ticket, 'status'), 'closed', 'closed by hand');
my $soon = customer($ticket, $maija, 'The new one has no paper tray.');
is_deeply([$soon->{ticket}, ticket_is($ticket, 'status, reopened')], [$ticket, 'open 3'], 'within `reopen` a closed one opens again');
agent($ticket, "Brought it.\n\n#resolve");
my ($resolved) = $desk->row("SELECT to_char(resolved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM ticket WHERE id = $ticket");
my $late = customer($ticket, $maija, 'The tray is broken by now, that is a pity.', now => '2026-05-20T10:00:00Z');
is($late->{new}, 1, 'after it a reply by the same token opens another ticket');
is_deeply([$desk->row("SELECT other_id, relation FROM ticket_link WHERE ticket_id = $late->{ticket}")], [$ticket, 'continues'], '... linked to the old one');
is(ticket_is($ticket, 'status, reopened'), 'resolved 3', '... which stays as it was');

# --- parents and children ---------------------------------------------------------------------------------------

my @family = map { [opened()] } 1 .. 3;
my ($parent, @children) = map { $_->[0] } @family;
agent($_, "#parent TUKI-$parent") for @children;
agent($children[0], "Is it yours, too?\n\n#wait customer");
agent($children[1], "What do you think?\n\n#ask bo");
agent($parent, "The print server works again.\n\n#resolve workaround");
is_deeply([map { ticket_is($_, 'status, resolution') } $parent, @children], [('resolved The print server works again.') x 3], 'resolving a parent resolves its children');
is_deeply([map { scalar grep { /^resolution .* queued/ } @{ mails($_) } } $parent, @children], [1, 1, 1], 'each customer is told, once');
is_deeply([map { ($desk->row("SELECT variables->>'is_workaround' FROM outbox WHERE ticket_id = $_ AND template = 'resolution'"))[0] } $parent, @children],
	['true', 'true', 'true'], '... that it is a workaround');
is_deeply([map { @{ questions($_) } } @children], ['f'], 'their waits and questions have ended');
is_deeply([map { timers($_) } @children], [['close_after'], ['close_after']], '... and their reminders');
like(($desk->row("SELECT reason FROM event WHERE ticket_id = $children[0] AND event = 'status' ORDER BY id DESC LIMIT 1"))[0], qr/parent TUKI-$parent was resolved/, 'with the reason');
customer($children[0], $family[1][1], 'It does not print here at all, not even now.');
is_deeply([map { ticket_is($_, 'status') } $parent, @children], [qw(resolved open resolved)], 'a child opens by itself');
agent($parent, "#resolve");
is(ticket_is($children[0], 'status'), 'open', 'resolving it again without words changes nothing') if ticket_is($children[0], 'status') eq 'open';

# --- the backlog of a mailbox -----------------------------------------------------------------------------------

my ($old, $who) = opened(silent => 1);
agent($old, '#wait until 2026-06-01');
agent($old, '#open');
agent($old, '#queue hr');
agent($old, '#queue apu');
is_deeply(mails($old), [], 'nobody of a backlog is written to by the desk: no waiting, no transfer');
agent($old, "Do you still need this? It was lying around here.", to => $desk->address(purpose => 'agent', number => $old, recipient => $aino));
agent($old, '#wait until 2026-06-01');
is_deeply(mails($old), ["reply $who queued", "waiting $who queued"], 'until an agent has answered');
my ($silent) = opened(silent => 1);
agent($silent, '#resolve');
is_deeply(mails($silent), [], 'resolving one without words tells nobody');

# --- the promise --------------------------------------------------------------------------------------------------

sub promise {
	my ($took) = @_;
	return ($desk->row("SELECT variables->>'promised_fi' FROM outbox WHERE template = 'acknowledgement' AND ticket_id = $took->{ticket}"))[0];
}
my @unknown = opened(now => '2026-06-01T06:00:00Z');
is(promise({ ticket => $unknown[0] }), undef, 'nothing is known: nothing is promised');
$db->sql("INSERT INTO queue_pace VALUES ('apu', 18000, 40, '2026-06-01T05:00:00Z')");
my @known = opened(now => '2026-06-01T06:00:00Z');
like(promise({ ticket => $known[0] }), qr/^tänään ennen klo 11$/, 'five hours: what four of five took lately');
my $wire;
while (my @claims = $desk->acknowledge) {
	($wire) = map { $_->{wire} } grep { $_->{to} eq $known[1] } @claims;
	last if $wire;
}
like(MIME::QuotedPrint::decode_qp($wire // ''), qr/We will answer you today before 11:00\./, 'the acknowledgement says so');
my @past = opened(now => '2026-06-03T06:00:00Z', at => '2026-06-01T06:00:00Z');
is(promise({ ticket => $past[0] }), undef, 'a mail of days ago is promised nothing that has passed');

done_testing();
