#!/usr/bin/perl
# The outbox: what goes out and how it looks, the breaker, claims of the dead, retries.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $from = 'maija@example.org';

sub outbox {
	my ($id, $columns) = @_;
	return $desk->row("SELECT $columns FROM outbox WHERE id = $id");
}

# --- the acknowledgement --------------------------------------------------------------------------
my $body = 'Tulostimemme ei toimi, voisitteko ystävällisesti tulla katsomaan sitä mahdollisimman pian?';
my $took = $desk->take(from => $from, subject => '=?UTF-8?Q?H=C3=A4iri=C3=B6_<b>?=',
	id => 'asked@client.example', body => $body);
my $ticket = $took->{ticket};
my ($ack) = $desk->claim;
is($ack->{to}, $from, 'one mail to the requester');
my ($head, $rest) = split /\r\n\r\n/, $ack->{wire}, 2;
$head =~ s/\r\n[ \t]+/ /g;
my %h = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head;
is($h{'auto-submitted'}, 'auto-replied', 'Auto-Submitted');
is($h{'x-auto-response-suppress'}, 'All', 'X-Auto-Response-Suppress');
is($h{precedence}, 'bulk', 'Precedence');
is($h{'message-id'}, "<$ack->{message_id}>", 'the signed Message-ID');
is($h{'in-reply-to'}, '<asked@client.example>', 'In-Reply-To names the customer\'s mail');
is($h{references}, "<$ack->{message_id}> <asked\@client.example>", 'References repeat our id first');
like($h{from}, qr/<?ict\@example\.fi>?$/, 'From is the queue\'s plain address');
like($h{'reply-to'}, qr/^<?ict\+[a-z2-7]{36}\@example\.fi>?$/, 'Reply-To is signed');
like($ack->{from}, qr/^luukku-bounces\+[a-z2-7]{36}\@example\.fi$/, 'so is the envelope sender');
unlike($head, qr/X-Luukku/, 'no inner header');
ok($ack->{wire} !~ /[^\x00-\x7f]/, '7 bits only');
my ($reply_to) = $h{'reply-to'} =~ /(ict\+[^@]+\@example\.fi)/;
is($desk->take(from => $from, to => $reply_to)->{ticket}, $ticket, 'a reply to it finds the ticket');
is_deeply([$desk->row("SELECT direction, from_address, subject, writer FROM message
	WHERE ticket_id = $ticket AND direction = 'out'")],
	['out', 'ict@example.fi', "Re: [TUKI-$ticket] H\xc3\xa4iri\xc3\xb6 <b>", 'machine'], 'show sees it');

# --- a claim is committed before the first byte, and taken over when its owner died -------------------
is_deeply([outbox($ack->{id}, 'state, claimed_by, attempts')], ['sending', 'host/1', 1], 'it is claimed');
is(scalar($desk->claim), 0, 'nobody else gets it');
$desk->run_or_die('luukku_send', 'recover', host => 'other');
is(scalar($desk->claim), 0, 'another host\'s dead are not ours to tell');
$desk->db->sql("UPDATE outbox SET claimed_by = 'host/2000000000/1' WHERE id = $ack->{id}");
$desk->run_or_die('luukku_send', 'recover', host => 'host');
my ($repeat) = $desk->claim;
is($repeat->{id}, $ack->{id}, 'the dead owner\'s row is claimed again');
is_deeply([@$repeat{qw(repeat message_id from attempts)}], [1, @$ack{qw(message_id from)}, 2], 'as a repetition');
is($repeat->{wire}, $ack->{wire}, 'with the same bytes');
$desk->db->sql("UPDATE outbox SET claimed_until = 'epoch' WHERE id = $ack->{id}");
is((scalar $desk->claim), 1, 'a claim whose time ran out is taken over, too');

# --- outcomes -------------------------------------------------------------------------------------
$desk->record(id => $ack->{id}, attempts => 1, outcome => 'failed');
is((outbox($ack->{id}, 'state'))[0], 'sending', 'who lost the claim cannot settle it');
$desk->record(id => $ack->{id}, attempts => 3, outcome => 'uncertain', reply => 'connection lost');
is_deeply([outbox($ack->{id}, "state, wire IS NOT NULL, due_at >= '2026-03-27 10:15+00', due_at < '2026-03-27 10:19+00'")],
	['uncertain', 't', 't', 't'], 'uncertain: kept, and due again in a quarter of an hour at the third attempt');
is(scalar($desk->claim), 0, 'not before');
my ($third) = $desk->claim(now => '2026-03-27T10:20:00Z');
is($third->{wire}, $ack->{wire}, 'then with the same bytes');
$desk->record(id => $ack->{id}, attempts => 4, outcome => 'sent', times => 2);
is(($desk->row("SELECT count(*) FROM delivery WHERE outbox_id = $ack->{id} AND state = 'sent'"))[0], 1,
	'recorded again after a commit whose answer was lost: one record');
is_deeply([outbox($ack->{id}, 'state, wire IS NULL, sent_at IS NOT NULL, claimed_by IS NULL')],
	['sent', 't', 't', 't'], 'sent: final, bytes dropped');
is((scalar grep { /^acknowledged: / } $desk->events($ticket)), 1, 'acknowledged once');

sub fresh {
	my $new = $desk->take(from => 'k' . int(rand 1e9) . '@example.org', subject => 'x', @_);
	my ($claim) = grep { $_ } $desk->claim;
	return ($new, $claim);
}
my ($new, $claim) = fresh();
$desk->record(id => $claim->{id}, attempts => 1, outcome => 'retry', reply => '451 later');
is_deeply([outbox($claim->{id}, "state, due_at >= '2026-03-27 10:01+00' AND due_at < '2026-03-27 10:02+00'")],
	['retry', 't'], '4xx: again in a minute');
like($desk->run_or_die('luukku_send', 'next'), qr/^next 2026-03-27T10:01:/, 'and next_due says so');
my ($once_more) = $desk->claim(now => '2026-03-27T10:03:00Z');
$desk->record(id => $claim->{id}, attempts => 2, outcome => 'retry', age => 6 * 86400);
is((outbox($claim->{id}, 'state'))[0], 'retry', 'after five days of an outage it is not given up at its second try');
$desk->db->sql("UPDATE outbox SET attempts = 39 WHERE id = $claim->{id}");
($once_more) = $desk->claim(now => '2026-03-27T11:00:00Z');
$desk->record(id => $claim->{id}, attempts => 40, outcome => 'retry', age => 6 * 86400);
is((outbox($claim->{id}, 'state'))[0], 'failed', 'after five days it is given up');
ok((grep { /^send_failed: given up after 5 days/ } $desk->events($new->{ticket})), '... with an event');
($new, $claim) = fresh();
$desk->record(id => $claim->{id}, attempts => 1, outcome => 'failed', reply => '550 no such user');
is((outbox($claim->{id}, 'state'))[0], 'failed', '5xx: final at once');
ok((grep { /^send_failed: .*550 no such user/ } $desk->events($new->{ticket})), '... with the server\'s words');

# --- languages ------------------------------------------------------------------------------------
($new, $claim) = fresh(from => 'hoitaja@sairaala.example', to => 'hr@example.fi');
is((outbox($claim->{id}, 'language'))[0], 'fi', 'the organisation\'s language');
($new, $claim) = fresh(to => 'hr@example.fi', body => '123');
is_deeply([outbox($claim->{id}, "language, variables->>'is_bilingual'")], ['sv', 'true'], 'unknown: both');
my $text = ($desk->row("SELECT text FROM message WHERE ticket_id = $new->{ticket} AND direction = 'out'"))[0];
like($text, qr/Vi har tagit emot.*\* \* \*.*olemme saaneet/s, 'the queue\'s language first');

# --- no template, no queue ------------------------------------------------------------------------
$new = $desk->take(from => 'q@example.org', subject => 'x');
$desk->db->sql("UPDATE outbox SET template = 'no_such' WHERE ticket_id = $new->{ticket}");
my $good = $desk->take(from => 'q2@example.org', subject => 'y');
my @claims = $desk->claim;
is(scalar(@claims), 1, 'a row that cannot be composed does not hold up the next');
is(($desk->row("SELECT state FROM outbox WHERE ticket_id = $new->{ticket}"))[0], 'failed', 'it has failed');
ok((grep { /^not_sent: .*no_such/ } $desk->events($new->{ticket})), '... and says why');

# --- the breaker ----------------------------------------------------------------------------------
my $storm = $desk->take(from => 'storm@example.org', subject => 'x')->{ticket};
$desk->db->sql("INSERT INTO outbox (ticket_id, template, purpose, queue, language, recipient, recipient_hash,
	reason, created_at, due_at) SELECT ticket_id, template, purpose, queue, language, recipient,
	recipient_hash, reason, created_at, '2027-01-01' FROM outbox, generate_series(1, 2)
	WHERE ticket_id = $storm");
my $breaker = $desk->run_helper('luukku_fetch', 'add', ticket => $storm, recipient => 'Storm@example.org');
is($breaker->{status}, 0, 'the fourth mail to one address about one ticket') or diag $breaker->{err};
like($breaker->{out}, qr/^verdict held/, '... is held');
ok((grep { /^held: held by the breaker: this address already got 3 mails/ } $desk->events($storm)), '... with an event');
like($desk->run_or_die('luukku_fetch', 'add', ticket => $storm, recipient => 'else@example.org'),
	qr/^verdict queued/, 'another address is not held');
like($desk->run_or_die('luukku_fetch', 'add', ticket => $storm, recipient => 'storm@example.org',
	now => '2026-03-27T10:10:01Z'), qr/^verdict queued/, 'nor the same one after the time');
like($desk->run_or_die('luukku_fetch', 'add', ticket => $storm, recipient => 'HR+x@example.fi'),
	qr/^verdict suppressed/, 'an address of ours is never written to');
$desk->db->sql("UPDATE person SET suppressed_until = '2026-04-27', suppressed_reason = 'bounced'
	WHERE address = 'storm\@example.org'");
like($desk->run_or_die('luukku_fetch', 'add', ticket => $storm, recipient => 'storm@example.org',
	now => '2026-03-27T11:00:00Z'), qr/^verdict suppressed/, 'nor a suppressed one');
my @loop = map { $desk->take(from => 'desk@other.example', subject => "We received your mail, case $_")->{ticket} } 1 .. 10;
is_deeply([map { ($desk->row("SELECT state FROM outbox WHERE ticket_id = $_"))[0] } @loop], [('queued') x 9, 'held'],
	'a robot that opens a ticket by each acknowledgement is stopped, too');
ok((grep { /^held: held by the breaker: this address already got 9 mails about all its tickets within 10m/ }
	$desk->events($loop[9])), '... with an event');
# A whole ticket and a whole domain: automatic answers alone, and any number of addresses.
sub answered {
	my ($n, %arg) = @_;
	my $cause = $desk->take(from => "alku\@$arg{domain}", subject => "Alku $arg{domain}");
	my %add = (recipient => "eka\@$arg{domain}", cause => $cause->{message}, $arg{one_ticket} ? (ticket => $cause->{ticket}) : ());
	like($desk->run_or_die('luukku_fetch', 'add', %add), qr/^verdict queued/, "$arg{what}: the first of $n goes");
	# The rest of the budget but one, each to another address.
	my $known = $arg{one_ticket} ? "ticket_id = $cause->{ticket}" : "recipient LIKE '%\@$arg{domain}'";
	my ($have) = $desk->row("SELECT count(*) FROM outbox WHERE $known");
	my $other = $arg{one_ticket} ? "decode(md5(n::text), 'hex')" : 'domain_hash';
	$desk->db->sql("INSERT INTO outbox (ticket_id, template, purpose, queue, language, recipient, recipient_hash, reason, created_at, due_at, domain_hash)
		SELECT " . ($arg{one_ticket} ? 'ticket_id' : 'NULL') . ", template, purpose, queue, language, 'x' || n, decode(md5(n::text), 'hex'), reason, created_at,
		       '2027-01-01', $other FROM outbox, generate_series(1, $n - 1 - $have) n WHERE recipient = 'eka\@$arg{domain}'");
	like($desk->run_or_die('luukku_fetch', 'add', %add, recipient => "toka\@$arg{domain}"), qr/^verdict queued/, '... the last, too');
	like($desk->run_or_die('luukku_fetch', 'add', %add, recipient => "kolmas\@$arg{domain}"), qr/^verdict held/, '... one more is held');
	is(($desk->row("SELECT reason FROM outbox WHERE recipient = 'kolmas\@$arg{domain}'"))[0] =~ /already $n (.*?) within 10m/ ? $1 : '', $arg{says}, '... and says why');
	delete $add{cause};
	like($desk->run_or_die('luukku_fetch', 'add', %add, recipient => "neljas\@$arg{domain}"), qr/^verdict queued/, '... what is no answer goes');
	return;
}
answered(30, what => 'a ticket', domain => 'yksi.example', one_ticket => 1, says => 'mails about the ticket');
answered(60, what => 'a domain', domain => 'kaikki.example', says => 'mails to this domain');
isnt($desk->run_helper('luukku_fetch', 'add', ticket => $storm, recipient => "a\@b\r\nBcc: x\@y")->{status}, 0,
	'nor what is no address');

done_testing;
