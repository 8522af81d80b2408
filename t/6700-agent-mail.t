#!/usr/bin/perl
# An agent's mail in the intake: who may act, answers to customers, commands, what is held and what is
# refused. Real parser, real database, no daemons.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;
my $aino = 'Aino Aalto <aino@example.fi>';
my $n = 0;

sub opened {
	my $from = 'maija' . ++$n . '@client.example';
	my $took = $desk->take(from => "Maija <$from>", subject => "Printer $n", body => "It is broken, $n.");
	return ($took->{ticket}, $from);
}

sub notice_address {
	my ($ticket, %arg) = @_;
	return $desk->address(purpose => $arg{purpose} // 'agent', number => $ticket,
		recipient => $arg{for} // 'aino@example.fi', exists $arg{epoch} ? (epoch => $arg{epoch}) : ());
}

sub ticket_is {
	my ($ticket, $columns) = @_;
	return join ' ', map { defined $_ && $_ ne '' ? $_ : '-' } $desk->row("SELECT $columns FROM ticket WHERE id = $ticket");
}

sub mails {
	my ($where) = @_;
	return map { join ' ', @$_ } $db->sql("SELECT template, recipient FROM outbox WHERE template NOT IN
		('acknowledgement', 'notice') AND $where ORDER BY id");
}

sub variables {
	my ($template) = @_;
	return JSON::PP::decode_json(($desk->row("SELECT variables FROM outbox WHERE template = '$template'
		ORDER BY id DESC LIMIT 1"))[0] // '{}');
}

sub has_event {
	my ($ticket, $event) = @_;
	return scalar grep { /^\Q$event\E:/ } $desk->events($ticket);
}

# --- an answer to a notice -----------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my $took = $desk->take(from => $aino, to => notice_address($ticket), subject => "Re: [TUKI-$ticket] Printer",
		body => "We will bring a new one.\n\nRegards,\nAino Aalto\nICT\n\n> It is broken.");
	is($took->{ticket}, $ticket, 'an answer to a notice joins its ticket');
	is(ticket_is($ticket, 'status, owner'), 'open aino@example.fi', 'the ticket is open, and its writer its owner');
	is_deeply([mails("ticket_id = $ticket")], ["reply $maija"], 'the customer gets it, nobody else');
	is(variables('reply')->{text}, 'We will bring a new one.', 'without quote and signature');
	is(join(' ', $desk->row("SELECT direction, writer, reply_text FROM message WHERE id = $took->{message}")),
		'out agent We will bring a new one.', 'a message out');
	my ($form) = $desk->row("SELECT form FROM outbox WHERE template = 'reply' ORDER BY id DESC LIMIT 1");
	is(JSON::PP::decode_json($form)->{from_name}, 'Aino Aalto', "under the agent's name");
	my ($wire) = grep { $_->{to} eq $maija } $desk->acknowledge;
	ok($wire, 'it is composed');
	unlike($wire->{wire} // '', qr/aino\@example\.fi/i, "and the agent's address stands nowhere in it") if $wire;
}

# --- commands ------------------------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	$desk->take(from => $aino, to => notice_address($ticket), subject => "Re: [TUKI-$ticket] x",
		body => "#priority high\n#tag +printer\n");
	is(ticket_is($ticket, 'priority, tags'), 'high {printer}', 'commands are run');
	is_deeply([mails("ticket_id = $ticket")], ['receipt aino@example.fi'], 'and answered with a receipt');
	is(variables('receipt')->{tickets}[0]{priority}, 'high', '... that shows the new state');
	$desk->take(from => $aino, to => notice_address($ticket), body => "#resolve\n\nNew toner.\n", subject => 'Re: x');
	is(ticket_is($ticket, 'status, resolution'), 'resolved New toner.', 'a resolution with its text');
	is_deeply([(mails("ticket_id = $ticket"))[1]], ["resolution $maija"], '... goes to the customer');
	$desk->take(from => $aino, to => 'ict@example.fi', subject => 'undo', body => "#undo\n", headers => []);
	my ($held) = $desk->row("SELECT count(*) FROM held_command WHERE kind = 'unproven'");
	is($held, 1, 'a command to the plain address without proof waits');
	is(ticket_is($ticket, 'status'), 'resolved', '... and does nothing');
}

# --- notes ---------------------------------------------------------------------------------------
{
	my ($ticket) = opened();
	my $took = $desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x',
		body => "#note\n\nCalled the customer.\n");
	is(join(' ', $desk->row("SELECT direction, reply_text FROM message WHERE id = $took->{message}")),
		'note Called the customer.', 'a note');
	is_deeply([mails("ticket_id = $ticket AND purpose = 'customer'")], [], 'goes to nobody');
	$took = $desk->take(from => $aino, to => notice_address($ticket) . ', ' . notice_address($ticket, purpose => 'note'),
		subject => 'Re: x', body => "The boss knows.\n");
	is(join(' ', $desk->row("SELECT direction FROM message WHERE id = $took->{message}")), 'note',
		'mail to the note address is a note whatever it says');
}

# --- to addresses that keep everything inside ----------------------------------------------------
{
	my ($ticket) = opened();
	for my $purpose ('supplier', 'consult') {
		my $took = $desk->take(from => $aino, to => notice_address($ticket) . ', ' . notice_address($ticket, purpose => $purpose, for => 'x@elsewhere.example'),
			subject => 'Re: x', body => "Between us, $purpose.\n");
		is(join(' ', $desk->row("SELECT direction FROM message WHERE id = $took->{message}")), 'note', "a proven agent's words to a $purpose address stay inside");
	}
	my $id = $desk->run_or_die(undef, 'message-id', purpose => 'supplier', ticket => $ticket, outbox => 7);
	my $took = $desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x', irt => $id, body => "About the supplier.\n");
	is(join(' ', $desk->row("SELECT direction FROM message WHERE id = $took->{message}")), 'note', 'so does an answer to a mail to the supplier');
	is_deeply([mails("ticket_id = $ticket AND purpose = 'customer'")], [], 'nothing goes to the customer');
}

# --- suppliers and those asked, long after closing ------------------------------------------------
for my $purpose ('supplier', 'consult') {
	my ($ticket) = opened();
	my $address = notice_address($ticket, purpose => $purpose, for => 'tuki@laite.example');
	$db->sql("UPDATE ticket SET status = 'closed', supplier = 'Laite Oy', resolved_at = '2026-03-01 10:00+00', closed_at = '2026-03-14 10:00+00' WHERE id = $ticket");
	my $took = $desk->take(from => 'tuki@laite.example', to => $address, subject => 'Re: x', body => "Within the grace ($purpose).");
	my $writer = $purpose eq 'consult' ? 'consulted' : 'supplier';
	is(join(' ', $desk->row("SELECT direction, writer FROM message WHERE id = $took->{message}")), "note $writer", "$purpose: within 14 days of closing its writer is known");
	$db->sql("UPDATE ticket SET closed_at = '2026-03-12 10:00+00' WHERE id = $ticket");
	$took = $desk->take(from => 'tuki@laite.example', to => $address, subject => 'Re: x', body => "After the grace ($purpose).");
	is($took->{ticket}, $ticket, '... after that it is on the ticket still');
	is(join(' ', $desk->row("SELECT direction, writer FROM message WHERE id = $took->{message}")), 'note guest', '... as a note of a guest');
	ok(has_event($ticket, 'token_over'), '... and the history says why');
	is_deeply([mails("ticket_id = $ticket AND recipient = 'tuki\@laite.example'")], [], '... its writer hears nothing of the ticket');
}

# --- many refusals --------------------------------------------------------------------------------
{
	my ($ticket) = opened();
	for my $i (1 .. 6) {
		$desk->take(from => $aino, to => notice_address($ticket), subject => "Re: $i", body => "#take\n",
			headers => ['Authentication-Results: mx.example.fi; dmarc=fail header.from=example.fi', 'Received: from x by mx.example.fi; Fri, 27 Mar 2026 09:59:00 +0000']);
	}
	is(scalar(grep { /^agent_refused: / } $desk->events($ticket)), 6, 'every refusal is an event');
	my %states = map { $_->[0] => $_->[1] } $db->sql("SELECT state, count(*) FROM outbox WHERE ticket_id = $ticket AND template = 'refused' GROUP BY 1");
	cmp_ok($states{queued} // 0, '<=', 3, '... and a mail to the agent, but no storm of them: the breaker counts them, too');
	is(($states{queued} // 0) + ($states{held} // 0), 6, '... those beyond its budget wait');
}

# --- a line that is wrong ------------------------------------------------------------------------
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x',
		body => "#priority high\n#resovle\n\nDone.\n");
	is(ticket_is($ticket, 'status, priority'), 'new normal', 'one bad line and none is run');
	is_deeply([mails("ticket_id = $ticket")], ['command-error aino@example.fi'], 'the agent is told');
	is(variables('command-error')->{problems}[0]{line}, '#resovle', '... which line');
	is(join(' ', $desk->row("SELECT kind, words LIKE '%Done.%' FROM held_command WHERE ticket_id = $ticket")),
		'refused t', 'the text is kept');
}

# --- the line that mends it -----------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x', body => "#resolve\n#priority hihg\n\nNew toner.\n");
	my ($error) = $desk->row("SELECT header_message_id FROM outbox WHERE template = 'command-error' AND ticket_id = $ticket");
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x', irt => $error, body => "#priority high\n");
	is(ticket_is($ticket, 'status, priority, resolution'), 'resolved high New toner.',
		'the missing line runs it, text included');
	is_deeply([mails("ticket_id = $ticket AND template = 'resolution'")], ["resolution $maija"], '... and the customer is told');
	is(join(' ', $desk->row("SELECT state FROM held_command WHERE ticket_id = $ticket")), 'run', '... once');
}

# --- without proof -------------------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my $took = $desk->take(from => $aino, to => 'ict@example.fi', subject => "Re: [TUKI-$ticket] x",
		body => "#priority urgent\n\nOn our way.\n");
	is($took->{ticket}, $ticket, 'it is kept on the ticket');
	is(ticket_is($ticket, 'status, priority'), 'new normal', 'and not run');
	is_deeply([mails("ticket_id = $ticket")], ['held aino@example.fi'], 'its writer is asked at the address on file');
	my ($address) = (variables('held')->{actions}{run} // '') =~ /^mailto:([^?]+)/;
	ok($address, 'by a link') or diag explain variables('held');
	$desk->take(from => 'Eve <eve@evil.example>', to => $address, subject => 'OK', body => 'ok');
	is(ticket_is($ticket, 'priority'), 'normal', 'that nobody else can use');
	$desk->take(from => $aino, to => $address, subject => 'OK', body => '');
	is(ticket_is($ticket, 'status, priority'), 'open urgent', 'it runs the mail as written');
	is_deeply([mails("ticket_id = $ticket AND template = 'reply'")], ["reply $maija"], '... text included');
	$desk->take(from => $aino, to => $address, subject => 'OK', body => '', id => 'again@example.fi');
	is(scalar(mails("ticket_id = $ticket AND template = 'reply'")), 1, '... once');
	is((mails("template = 'refused'"))[-1], 'refused aino@example.fi', 'the second time is answered');

	my ($other) = opened();
	$desk->take(from => $aino, to => 'ict@example.fi', subject => "Re: [TUKI-$other] x", body => "#take\n");
	($address) = variables('held')->{actions}{run} =~ /^mailto:([^?]+)/;
	$desk->take(from => $aino, to => $address, subject => 'OK', body => '', now => '2026-03-28T10:00:01Z',
		at => '2026-03-28T10:00:00Z');
	is(ticket_is($other, 'owner, status'), '- new', 'not after a day');
}

# --- without proof, and about no ticket -----------------------------------------------------------
{
	my $took = $desk->take(from => $aino, to => 'ict@example.fi', subject => 'Phone call',
		body => "#for liisa\@client.example\n#priority high\n\nLiisa called: her screen is dark.\n");
	is($took->{outcome}, 'control', 'a new mail with commands and without proof opens nothing yet');
	my ($address) = variables('held')->{actions}{run} =~ /^mailto:([^?]+)/;
	$desk->take(from => $aino, to => $address, subject => 'OK', body => '');
	my ($ticket) = $desk->row("SELECT ticket_id FROM message WHERE id = $took->{message}");
	ok($ticket, 'confirmed, it opens its ticket') or diag explain [$desk->row("SELECT variables FROM outbox ORDER BY id DESC LIMIT 1")];
	is(ticket_is($ticket, 'queue, status, priority'), 'ict new high', '... runs its commands') if $ticket;
	is(join(' ', $desk->row("SELECT p.address, m.direction, m.reply_text FROM ticket t JOIN person p ON p.id = t.requester_id
		JOIN message m ON m.ticket_id = t.id WHERE t.id = $ticket")), 'liisa@client.example in Liisa called: her screen is dark.',
		'... for the customer it names') if $ticket;
	is((mails("ticket_id = $ticket"))[-1], 'receipt aino@example.fi', '... and says so') if $ticket;
}

# --- forgeries -----------------------------------------------------------------------------------
{
	my $result = 'Authentication-Results: mx.example.fi; dmarc=fail header.from=example.fi';
	my $received = 'Received: from x by mx.example.fi; Fri, 27 Mar 2026 09:59:00 +0000';
	my $pass = 'Authentication-Results: mx.example.fi; dmarc=pass header.from=example.fi';
	my @attempts = (
		['failed dmarc', { headers => [$result, $received] }, 'refused'],
		['a pass below the topmost Received', { headers => [$received, 'Received: from y by evil.example; Fri, 27 Mar 2026 09:58:00 +0000',
			$pass], token => 0 }, 'held'],
		['a second From header', { headers => ['From: eve@evil.example'] }, 'refused'],
		['two addresses in From', { from => "$aino, eve\@evil.example" }, 'refused'],
		['Reply-To of the agent', { from => 'eve@evil.example', headers => ['Reply-To: aino@example.fi'] }, ''],
		['Sender of the agent', { from => 'eve@evil.example', headers => ['Sender: aino@example.fi'] }, ''],
		['a display name', { from => '"aino@example.fi" <eve@evil.example>' }, ''],
		['a look-alike domain', { from => 'aino@examp1e.fi' }, ''],
		["another agent's token", { for => 'bo@example.fi' }, 'held'],
		["a customer's token", { purpose => 'customer' }, 'held'],
		['AuthAs on a mailbox without the setting', { token => 0, headers => ['X-MS-Exchange-Organization-AuthAs: Internal'] }, 'held'],
		['a header in the subject', { from => 'eve@evil.example', subject => "x=?utf-8?q?=0D=0AFrom:_aino=40example.fi?=" }, ''],
	);
	for my $attempt (@attempts) {
		my ($what, $how, $told) = @$attempt;
		my ($ticket, $maija) = opened();
		my $to = defined $how->{token} ? 'ict@example.fi' : notice_address($ticket, map { $_ => $how->{$_} }
			grep { exists $how->{$_} } qw(for purpose));
		$desk->take(from => $how->{from} // $aino, to => $to, subject => $how->{subject} // "Re: [TUKI-$ticket] x",
			headers => $how->{headers} // [], body => "#priority urgent\n\nYour password, please.\n");
		is(ticket_is($ticket, 'priority, owner, first_response_at'), 'normal - -', "$what: nothing is run");
		is_deeply([mails("ticket_id = $ticket AND purpose = 'customer'")], [], '... nothing goes to the customer');
		is_deeply([mails("ticket_id = $ticket AND purpose = 'agent'")], $told ? ["$told aino\@example.fi"] : [],
			$told ? "... and the agent hears of it ($told)" : '... and it counts as a stranger');
	}
}

# --- addresses that have gone to others ----------------------------------------------------------
{
	my ($ticket) = opened();
	my $token = notice_address($ticket);
	$desk->take(from => $aino, to => $token, cc => 'friend@elsewhere.example', subject => 'Re: x', body => "#priority low\n");
	is(ticket_is($ticket, 'priority'), 'low', 'a mail that also goes elsewhere is run');
	ok(has_event($ticket, 'token_revoked'), '... and its address is revoked then');
	$desk->take(from => $aino, to => $token, subject => 'Re: x', body => "#priority high\n");
	is(ticket_is($ticket, 'priority'), 'low', 'it proves nothing any more');
	is((mails("ticket_id = $ticket"))[-1], 'held aino@example.fi', '... and its writer is asked');
}

# --- written before something newer --------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	$desk->acknowledge;
	my ($id) = $desk->row("SELECT message_id FROM message WHERE ticket_id = $ticket ORDER BY id LIMIT 1");
	$desk->take(from => "Maija <$maija>", subject => "Re: [TUKI-$ticket] Printer", irt => $id, body => 'It burns now!',
		at => '2026-03-27T10:05:00Z', now => '2026-03-27T10:06:00Z');
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x', irt => $id, body => "#resolve\n\nDone.\n",
		at => '2026-03-27T10:07:00Z', now => '2026-03-27T10:07:00Z');
	is(ticket_is($ticket, 'status'), 'new', 'a resolution written before the newest words waits');
	is((mails("ticket_id = $ticket"))[-1], 'held aino@example.fi', 'its writer is told');
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Re: x', body => "#send\n",
		at => '2026-03-27T10:08:00Z', now => '2026-03-27T10:08:00Z');
	is(ticket_is($ticket, 'status, resolution'), 'resolved Done.', '#send runs it all the same');
}

# --- look-ups, matters of their own, absences ----------------------------------------------------
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => 'ict@example.fi', subject => 'list', body => "#list\n");
	is((mails('true'))[-1], 'receipt aino@example.fi', 'a look-up needs no more than the address');
	ok(scalar @{ variables('receipt')->{answer}{rows} }, '... and is answered');
	my $took = $desk->take(from => $aino, to => 'hr@example.fi', subject => 'My holiday', body => 'May I go?');
	is($took->{new}, 1, "an agent's own matter opens a ticket");
	is(ticket_is($took->{ticket}, 'queue, status'), 'hr new', '... like any other');

	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Out of office',
		irt => do { $desk->run_or_die(undef, 'message-id', purpose => 'agent', ticket => $ticket, outbox => 1) },
		headers => ['Auto-Submitted: auto-replied'], body => 'Palaan 4.4.');
	is(join(' ', map { $_ // '-' } $desk->row("SELECT agent, last_day FROM absence")), 'aino@example.fi 2026-04-03',
		'a vacation answer counts as absence until the day it names');
	$desk->take(from => $aino, to => notice_address($ticket), subject => 'Automatic reply', id => 'again2@example.fi',
		irt => do { $desk->run_or_die(undef, 'message-id', purpose => 'agent', ticket => $ticket, outbox => 1) },
		headers => ['Auto-Submitted: auto-replied'], body => 'Palaan 4.4.');
	is(($desk->row('SELECT count(*) FROM absence'))[0], 1, '... once');
}

done_testing;
