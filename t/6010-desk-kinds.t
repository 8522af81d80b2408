#!/usr/bin/perl
# Mail that must not be answered, and mail that opens no ticket: machines, lists, bounces, ourselves.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $from = 'maija@example.org';

sub mails_out {
	my ($ticket) = @_;
	return ($desk->row("SELECT count(*) FROM outbox WHERE ticket_id = $ticket"))[0];
}

sub held {
	my ($took) = @_;
	return ($desk->row("SELECT reason FROM quarantine WHERE message_id = $took->{message}"))[0] // 'none';
}

sub not_acknowledged {
	my ($took) = @_;
	return ($desk->row("SELECT reason FROM event WHERE message_id = $took->{message}
		AND event = 'not_acknowledged'"))[0] // 'nothing said';
}

my $ticket = $desk->take(from => $from, subject => 'Tulostin')->{ticket};
my ($ack) = $desk->acknowledge;
my $token = $desk->address(number => $ticket, recipient => $from);
$desk->run_or_die('luukku_fetch', 'move', ticket => $ticket, status => 'resolved');

# --- automatic replies ----------------------------------------------------------------------------
my @vacation = ('Auto-Submitted: auto-replied', 'X-Autoreply: yes');
my $vacation = $desk->take(from => $from, irt => $ack->{message_id}, headers => \@vacation,
	subject => 'Lomalla', body => 'Olen lomalla.');
is($vacation->{ticket}, $ticket, 'a vacation reply joins its ticket');
is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'resolved', 'without reopening it');
like(not_acknowledged($vacation), qr/automatic mail is never answered/, 'and the history says why it is not answered');
my $by_return_path = $desk->take(from => $from, to => $ack->{from}, headers => \@vacation);
is($by_return_path->{ticket}, $ticket, 'also one that came to the return address');
my $lonely = $desk->take(from => 'z@example.org', headers => ['Auto-Submitted: auto-replied'],
	subject => 'Automaattinen vastaus: loma', irt => 'not-ours@example.org');
is_deeply([$lonely->{outcome}, held($lonely)], ['quarantine', 'auto_reply'], 'one that answers nothing of ours opens no ticket');
like(not_acknowledged($lonely), qr/never answered/, 'nor gets an answer');
is(mails_out($ticket), 1, 'no mail but the first acknowledgement');

# --- machines -------------------------------------------------------------------------------------
my @machine = ('Auto-Submitted: auto-generated');
my $alarm = $desk->take(from => 'nagios@mon.example', subject => 'Disk 91% full on srv12', headers => \@machine);
is($alarm->{new}, 1, 'an alarm opens a ticket');
is_deeply([$desk->row("SELECT is_machine FROM ticket WHERE id = $alarm->{ticket}")], ['t'], 'of a machine');
is(mails_out($alarm->{ticket}), 0, 'and is never acknowledged');
my $repeat = $desk->take(from => 'nagios@mon.example', subject => 'Disk 97% full on srv12', headers => \@machine);
is($repeat->{ticket}, $alarm->{ticket}, 'its repeat joins');
is($desk->take(from => 'nagios@mon.example', subject => 'Load on srv12', headers => \@machine)->{new}, 1,
	'another alarm does not');
is($desk->take(from => 'other@mon.example', subject => 'Disk 97% full on srv12', headers => \@machine)->{new}, 1,
	'nor another machine\'s');
$desk->run_or_die('luukku_fetch', 'move', ticket => $alarm->{ticket}, status => 'resolved');
is($desk->take(from => 'nagios@mon.example', subject => 'Disk 99% full on srv12', headers => \@machine)->{new}, 1,
	'nor one after it was resolved');
my $quarantined = $desk->take(from => 'nagios@mon.example', to => 'alarm@example.fi', subject => 'x y',
	headers => \@machine);
is(held($quarantined), 'machine_mail', 'a queue may quarantine such mail');

# --- lists and calendars --------------------------------------------------------------------------
my $list = $desk->take(from => 'news@list.example', subject => 'News',
	headers => ['List-Id: News <news.list.example>', 'Precedence: list']);
is_deeply([$list->{outcome}, held($list)], ['quarantine', 'list'], 'list mail opens no ticket');
my $list_reply = $desk->take(from => $from, to => $token, headers => ['List-Id: <team.example.org>']);
is($list_reply->{ticket}, $ticket, 'but joins by token');
is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'resolved', 'without moving the ticket');

# --- nobody to answer -----------------------------------------------------------------------------
my %unanswered = (
	'an empty return path' => [[headers => ['Return-Path: <>']], qr/return path is empty|empty return|never answered/i],
	'no From' => [[from => undef], qr/names no sender/],
	'a From that is no address' => [[from => 'Maija'], qr/names no sender/],
	'an address of ours' => [[from => 'ict@example.fi'], qr/address of ours/],
	'a header that asks for silence' => [[headers => ['X-Auto-Response-Suppress: All']],
		qr/asks for no automatic answer|never answered/],
	'the backlog' => [[silent => 1], qr/before the first contact/],
	'an unparsed mail' => [[unparsed => 1], qr/could not be parsed/],
	'a queue that does not acknowledge' => [[to => 'alarm@example.fi'], qr/queue alarm does not/],
);
for my $name (sort keys %unanswered) {
	my ($m, $reason) = @{ $unanswered{$name} };
	my $took = $desk->take(from => 'a@example.org', subject => $name, @$m);
	my $sent = ($desk->row("SELECT count(*) FROM outbox WHERE cause_id = $took->{message}"))[0];
	is($sent, 0, "$name: not answered");
	like(not_acknowledged($took), $reason, '... and the history says why');
	isnt($took->{outcome}, 'duplicate', '... nor lost');
}

# --- what cannot be read is still a ticket -----------------------------------------------------------
my $unparsed = $desk->take(from => 'a@example.org', subject => 'rikki', unparsed => 1);
is($unparsed->{new}, 1, 'an unparsed mail is a ticket');
is_deeply([$desk->row("SELECT a.filename, a.content_type, b.size = m.raw_size, m.raw_blob = a.blob_id
	FROM attachment a JOIN blob b ON b.id = a.blob_id JOIN message m ON m.id = a.message_id
	WHERE a.message_id = $unparsed->{message}")], ['original.eml', 'message/rfc822', 't', 't'],
	'with the original attached, stored once');
is(($desk->row("SELECT tags FROM ticket WHERE id = $unparsed->{ticket}"))[0], '{unparsed}', 'marked');
my $large = $desk->take(from => 'a@example.org', subject => 'iso', large => 1);
is(($desk->row("SELECT tags FROM ticket WHERE id = $large->{ticket}"))[0], '{too_large}', 'a mail too large is marked');
ok((grep { /^too_large: / } $desk->events($large->{ticket})), '... with an event');
my $empty = $desk->take(raw => "\r\n");
is($empty->{new}, 1, 'an empty mail is a ticket');
is(($desk->row("SELECT queue FROM ticket WHERE id = $empty->{ticket}"))[0], 'ict', '... in its mailbox\'s queue');

# --- blocked --------------------------------------------------------------------------------------
$desk->db->sql("UPDATE person SET standing = 'blocked' WHERE address = 'z2\@example.org'");
$desk->take(from => 'z2@example.org', subject => 'a');
$desk->db->sql("UPDATE person SET standing = 'blocked' WHERE address = 'z2\@example.org'");
my $blocked = $desk->take(from => 'Z2@Example.org', subject => 'b');
is(held($blocked), 'blocked', 'a blocked sender is quarantined');

# --- ourselves ------------------------------------------------------------------------------------
my $own = $desk->take(raw => $ack->{wire}, uid => 'own1');
is($own->{outcome}, 'control', 'our own mail coming back is a control mail');
like($own->{reason}, qr/came back/, '... and says so');
my $pretender = $desk->take(from => 'ict@example.fi', subject => 'x', headers => ['X-Luukku-Ticket: TUKI-1']);
is(held($pretender), 'own_mail', 'what only looks like ours is quarantined');

# --- bounces --------------------------------------------------------------------------------------
sub report {
	my (%r) = @_;
	my $original = $r{original} ? "Message-ID: <$r{original}>\r\n" : '';
	return join "\r\n", 'From: MAILER-DAEMON@mx.example.org', "To: $r{to}", 'Subject: Undelivered Mail',
		'Return-Path: <>', 'Message-ID: <' . rand() . '@mx.example.org>', 'Date: Fri, 27 Mar 2026 09:59:00 +0000',
		'Auto-Submitted: auto-replied', 'MIME-Version: 1.0',
		'Content-Type: multipart/report; report-type=delivery-status; boundary=b', '',
		'--b', 'Content-Type: text/plain', '', 'It could not be delivered.', '--b',
		'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example.org', '',
		"Final-Recipient: rfc822; $from", 'Action: ' . ($r{action} // 'failed'),
		'Status: ' . ($r{status} // '5.1.1'), 'Diagnostic-Code: smtp; 550 no such user', '', '--b',
		'Content-Type: text/rfc822-headers', '', "From: ict\@example.fi\r\n${original}Subject: x", '', '--b--', '';
}
my $forged = $desk->take(raw => report(to => 'luukku-bounces@example.fi', original => 'x@example.fi'));
is_deeply([$forged->{outcome}, held($forged)], ['quarantine', 'unproven_bounce'], 'a report that names no mail of ours proves nothing');
is(($desk->row("SELECT suppressed_until IS NULL FROM person WHERE address = '$from'"))[0], 't', '... and silences nobody');
my $delayed = $desk->take(raw => report(to => $ack->{from}, action => 'delayed', status => '4.4.1'));
is($delayed->{outcome}, 'control', 'a delay named by the return address is a control mail');
is(($desk->row("SELECT state FROM outbox WHERE id = $ack->{id}"))[0], 'sent', '... that fails nothing');
my $bounced = $desk->take(raw => report(to => 'luukku-bounces@example.fi', original => $ack->{message_id}));
is($bounced->{outcome}, 'control', 'a report that returns our Message-ID is proven');
is($bounced->{ticket}, $ticket, '... and about its ticket');
is_deeply([$desk->row("SELECT state FROM outbox WHERE id = $ack->{id}")], ['failed'], 'the mail failed');
is_deeply([map { $_->[0] } $desk->db->sql("SELECT state FROM delivery WHERE outbox_id = $ack->{id} ORDER BY id")],
	['sent', 'delayed', 'bounced'], 'its deliveries');
is(($desk->row("SELECT suppressed_until > '2026-04-20' FROM person WHERE address = '$from'"))[0], 't', 'its address is suppressed');
$desk->take(raw => report(to => $ack->{from}));
is((scalar grep { /^bounced: / } $desk->events($ticket)), 1, 'the history tells of it once');
is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'resolved', 'a bounce reopens nothing');
is(($desk->row("SELECT count(*) FROM message WHERE ticket_id IS NULL AND kind = 'bounce'"))[0], 4, 'nor is it a message of the ticket');
my $freed = $desk->take(from => $from, subject => 'toimii taas');
is(($desk->row("SELECT suppressed_until IS NULL FROM person WHERE address = '$from'"))[0], 't', 'a new mail frees the address');
is(mails_out($freed->{ticket}), 1, '... and is acknowledged');

# --- everything fetched has one outcome ------------------------------------------------------------
is(($desk->row("SELECT count(*) FROM arrival a WHERE outcome = 'quarantine'
	AND NOT EXISTS (SELECT FROM quarantine q WHERE q.message_id = a.message_id)"))[0], 0, 'quarantine has its rows');
is(($desk->row("SELECT count(*) FROM arrival WHERE outcome = 'ticket' AND ticket_id IS NULL"))[0], 0, 'tickets are named');
is(($desk->row("SELECT count(*) FROM arrival WHERE reason = '' OR explain = '{}'"))[0], 0, 'every arrival says why');

done_testing;
