#!/usr/bin/perl
# Customers who ask how it goes: counted, answered once a day, told on; thanks; status questions.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;
use MIME::QuotedPrint ();
use MIME::Base64 ();

my $desk = Luukku::Test::Intake->start;
my $from = 'maija@example.org';
my @about = (to => 'tuki@example.fi', mailbox => 'tuki', from => $from);

sub row { return $desk->row(@_) }

# The text part of a mail, decoded, as bytes.
sub text_of {
	my ($wire) = @_;
	my ($head, $body) = $wire =~ m{(Content-Type: text/plain.*?)\r?\n\r?\n(.*?)(?:\r?\n--|\z)}s or return $wire;
	return $head =~ /base64/i ? MIME::Base64::decode($body)
		: $head =~ /quoted-printable/i ? MIME::QuotedPrint::decode($body) : $body;
}

# The desk's clock stands where the last mail put it.
sub take {
	my (%m) = @_;
	$desk->{now} = $m{now} if $m{now};
	return $desk->take(%m);
}

# What went out, as "template to".
sub out { return sort map { "$_->[0] $_->[1]" } $desk->db->sql("SELECT template, recipient FROM outbox
	WHERE state = 'queued' ORDER BY id") }

sub status { return (row("SELECT status FROM ticket WHERE id = $_[0]"))[0] }
sub chased { return (row("SELECT chased FROM ticket WHERE id = $_[0]"))[0] }

my $ticket = take(@about, subject => 'Tulostin ei toimi', body => 'Kerroksen tulostin on jumissa.')->{ticket};
my ($ack) = grep { $_->{to} eq $from } $desk->acknowledge;
my @reply = (@about, subject => "Re: [TUKI-$ticket] Tulostin ei toimi", irt => $ack->{message_id});
$desk->db->sql("UPDATE ticket SET owner = 'aino\@example.fi' WHERE id = $ticket");

# --- the first chase ------------------------------------------------------------------------------
$desk->run_or_die('luukku_fetch', 'move', ticket => $ticket, status => 'waiting_supplier');
$desk->db->sql("UPDATE ticket SET supplier = 'Laite Oy', due_resolve = '2026-03-30T12:00:00Z' WHERE id = $ticket");
my $chase = take(@reply, body => 'Hei, onko asia edennyt?', now => '2026-03-27T12:00:00Z');
is($chase->{ticket}, $ticket, 'a reply that asks for progress joins');
is(status($ticket), 'waiting_supplier', '... and ends no wait');
is(chased($ticket), 1, '... but is counted');
is((row("SELECT detail->>'supplier' FROM event WHERE ticket_id = $ticket AND event = 'chased'"))[0], 'Laite Oy',
	'... with one event that says who is waited for');
is_deeply([out()], ['chase-notice aino@example.fi', "progress $from"], 'the customer is answered, the owner told');
my %mail = map { $_->{to} => $_->{wire} } $desk->acknowledge;
my $progress = text_of($mail{$from});
like($progress, qr/TUKI-$ticket/, 'the answer names the ticket');
like($progress, qr/toimittajaa \(Laite Oy\)/, '... the supplier, which has a public name');
like($progress, qr/27\.3\.2026/, '... since when');
like($progress, qr/viimeist\S+ ma 30\.3\.2026/, '... and the promised time');
unlike($progress, qr/aino/i, '... but no agent');
like(text_of($mail{'aino@example.fi'}), qr/onko asia edennyt/, 'the owner reads the words');

# --- once a day -----------------------------------------------------------------------------------
take(@reply, body => 'Kiirehdin asiaa!', now => '2026-03-27T13:00:00Z');
is(chased($ticket), 2, 'the second chase counts');
is_deeply([out()], ['chase-notice bo@example.fi'], '... the manager hears of it, the customer got the answer today');
$desk->acknowledge;
$desk->db->sql("UPDATE ticket SET supplier = 'Salainen Oy' WHERE id = $ticket");
take(@reply, body => 'Mikä tilanne?', now => '2026-03-28T12:30:00Z');
is_deeply([out()], ["progress $from"], 'a day later the customer is answered again, nobody else is told');
%mail = map { $_->{to} => $_->{wire} } $desk->acknowledge;
$progress = text_of($mail{$from});
unlike($progress, qr/Salainen/, 'a supplier without a public name is not named');
like($progress, qr/ulkopuolista toimittajaa/, '... but that one is waited for is said');
like($progress, qr/esihenki/, 'that the manager knows too');

# --- what is not a chase --------------------------------------------------------------------------
my $words = take(@reply, body => "Onko asia edennyt? Lisäksi hiiri on rikki.", now => '2026-03-28T13:00:00Z');
is(chased($ticket), 3, 'a new matter beside the question is no chase');
$desk->run_or_die('luukku_fetch', 'move', ticket => $ticket, status => 'waiting_customer');
take(@reply, body => 'Joko asia on käsitelty?', now => '2026-03-28T14:00:00Z');
is(status($ticket), 'waiting_customer', 'a chase is no answer to a question');
take(@reply, body => 'Laite on PC12345.', now => '2026-03-28T14:10:00Z');
is(status($ticket), 'open', '... words are');
my $auto = take(@reply, body => 'Onko asia edennyt?', headers => ['Auto-Submitted: auto-replied'], now => '2026-03-28T15:00:00Z');
is(chased($ticket), 4, 'a machine does not chase');
$desk->acknowledge;
my $guest = take(@reply, from => 'guest@example.org', to => $desk->address(plain => 'tuki@example.fi', number => $ticket,
	recipient => $from), body => 'Onko asia edennyt?', now => '2026-03-30T15:00:00Z');
is(chased($ticket), 4, 'nor does a guest');
is_deeply([grep { /progress/ } out()], [], '... who is told nothing');

# --- thanks ---------------------------------------------------------------------------------------
$desk->run_or_die('luukku_fetch', 'move', ticket => $ticket, status => 'resolved');
my $thanks = take(@reply, body => "Kiitos avusta!\n\nTerveisin\nMaija", now => '2026-03-30T16:00:00Z');
is_deeply([$thanks->{ticket}, status($ticket)], [$ticket, 'resolved'], 'thanks do not open it again');
my $reaction = take(@reply, now => '2026-03-30T16:10:00Z', headers => ['Content-Type: multipart/alternative; boundary=b'],
	body => join "\r\n", '--b', 'Content-Type: text/plain; charset=utf-8', '', 'Maija reacted via Gmail', '--b',
		'Content-Type: text/vnd.google.email-reaction+json; charset=utf-8', '', '{"emoji":"x","version":1}', '--b',
		'Content-Type: text/html; charset=utf-8', '', '<p>Maija reacted via Gmail</p>', '--b--');
is_deeply([$reaction->{ticket}, status($ticket)], [$ticket, 'resolved'], 'nor does a reaction');
take(@reply, body => 'Kiitos, mutta se ei toimi vieläkään.', now => '2026-03-30T17:00:00Z');
is(status($ticket), 'open', 'a complaint does, however polite');
$desk->run_or_die('luukku_fetch', 'move', ticket => $ticket, status => 'resolved');
take(@reply, body => 'Onko asia edennyt?', now => '2026-03-30T18:00:00Z');
is(status($ticket), 'open', 'as does who asks how it goes, for whom it is not done');
$desk->acknowledge;

# --- status ---------------------------------------------------------------------------------------
my $other = take(from => 'liisa@example.org', to => 'tuki@example.fi', mailbox => 'tuki', subject => 'Salainen asia')->{ticket};
$desk->acknowledge;
my $before = (row('SELECT count(*) FROM ticket'))[0];
for my $subject ('tila', 'Läge', 'STATUS?') {
	my $asked = take(@about, subject => $subject, body => 'Hei', now => '2026-04-02T10:00:00Z');
	is($asked->{outcome}, 'control', "$subject: a control mail");
	is_deeply([out()], ["status-list $from"], '... answered to its sender');
	my ($list) = $desk->acknowledge;
	my $text = text_of($list->{wire});
	like($text, qr/TUKI-$ticket Tulostin ei toimi/, '... with the open ticket');
	unlike($text, qr/TUKI-$other|Salainen/, '... and nobody else\'s');
}
is((row('SELECT count(*) FROM ticket'))[0], $before, 'no ticket was opened');
my $columns = (row("SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
	WHERE table_schema = 'public' AND table_name = 'ticket' AND column_name <> 'id' AND is_generated = 'NEVER'"))[0];
$desk->db->sql("INSERT INTO ticket ($columns) SELECT $columns FROM ticket, generate_series(1, 53) WHERE id = $other");
take(from => 'liisa@example.org', to => 'tuki@example.fi', mailbox => 'tuki', subject => 'tila', body => 'Hei', now => '2026-04-02T10:00:30Z');
my ($long) = grep { $_->{to} eq 'liisa@example.org' } $desk->acknowledge;
$long = text_of($long->{wire});
is(scalar(() = $long =~ /^- TUKI-/mg), 50, 'of very many tickets the newest are listed');
like($long, qr/^- ja lisäksi 4\r?$/m, '... and the others counted');
$desk->db->sql("UPDATE ticket SET status = 'closed' WHERE requester_id = (SELECT requester_id FROM ticket WHERE id = $other) AND id <> $other");
take(@about, subject => 'tila', body => 'x', now => '2026-04-02T10:01:00Z');
is((row("SELECT state FROM outbox WHERE template = 'status-list' ORDER BY id DESC LIMIT 1"))[0], 'held', 'the breaker ends it');
my $failed = take(@about, from => 'pekka@example.org', subject => 'tila', body => '', headers => [
	'Received: from x by mx.example.fi; Fri, 27 Mar 2026 09:59:30 +0000', 'Authentication-Results: mx.example.fi; dmarc=fail']);
is((row("SELECT count(*) FROM outbox WHERE recipient = 'pekka\@example.org'"))[0], 0, 'an address that failed dmarc is not answered');
like($failed->{reason}, qr/failed dmarc/, '... and the arrival says why');
is(take(@about, subject => 'Status', body => 'Hei, palvelimen kannettava jumittaa aina kun avaan taulukon ja koko osaston työt seisovat, tulkaa heti katsomaan.')->{new}, 1,
	'a matter under that subject is a ticket all the same');

# --- while the clocks stand still -----------------------------------------------------------------
my @pauli = (from => 'pauli@example.org', to => 'tuki@example.fi', mailbox => 'tuki');
my $paused = take(@pauli, subject => 'Puhelin on hukassa', body => 'Puhelimeni on hukassa.', now => '2026-04-06T06:00:00Z')->{ticket};
($ack) = grep { $_->{to} eq 'pauli@example.org' } $desk->acknowledge;
$desk->run_or_die('luukku_fetch', 'move', ticket => $paused, status => 'waiting_customer');
for my $case (['2026-04-08T07:00:00Z', 'promised'], ['2026-04-10T07:00:00Z', 'late']) {
	my ($now, $what) = @$case;
	$desk->db->sql("UPDATE ticket SET due_resolve = '2026-04-09T12:00:00Z', paused_at = '2026-04-07T06:00:00Z' WHERE id = $paused");
	take(@pauli, subject => "Re: [TUKI-$paused] Puhelin on hukassa", irt => $ack->{message_id}, body => 'Onko asia edennyt?', now => $now);
	%mail = map { $_->{to} => $_->{wire} } $desk->acknowledge;
	my $text = text_of($mail{'pauli@example.org'} // '');
	like($text, qr/odottanut vastaustasi/, "who waits for the customer hears so ($what)");
	unlike($text, qr/Luvattu/, '... and of no promised time: that one stands still');
}

done_testing;
