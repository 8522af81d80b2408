#!/usr/bin/perl
# What must not leave with an agent's mail: words that came to an address inside, pictures of what is
# quoted, the mail itself sealed or attached again, signatures that carry the agent's address. And what
# must: the files. Real parser, real database, no daemons.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Intake;
use Luukku::Test::Mail qw(header parts shown text_of);
use MIME::Base64 qw(encode_base64);
use Test::More;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;
my $aino = 'Aino Aalto <aino@example.fi>';
my $n = 0;

sub opened {
	my (%m) = @_;
	my $from = 'maija' . ++$n . '@client.example';
	my $took = $desk->take(from => "Maija <$from>", subject => "Printer $n", body => "It is broken, $n.", %m);
	return ($took->{ticket}, $from);
}

sub address {
	my ($ticket, $purpose, $for) = @_;
	return $desk->address(purpose => $purpose // 'agent', number => $ticket, recipient => $for // 'aino@example.fi');
}

sub to_customer {
	my ($ticket) = @_;
	return map { join ' ', @$_ } $db->sql("SELECT template, recipient FROM outbox WHERE ticket_id = $ticket
		AND purpose = 'customer' AND template <> 'acknowledgement' ORDER BY id");
}

sub variables {
	my ($template) = @_;
	return JSON::PP::decode_json(($desk->row("SELECT variables FROM outbox WHERE template = '$template' ORDER BY id DESC LIMIT 1"))[0] // '{}');
}

# The breaker of the helper lets three mails through in ten minutes.
sub pause {
	$db->sql("UPDATE outbox SET created_at = created_at - interval '1 hour' WHERE recipient = 'aino\@example.fi'");
	return;
}

sub confirm {
	pause();
	my ($address) = (variables('held')->{actions}{run} // '') =~ /^mailto:([^?]+)/;
	return $desk->take(from => $aino, to => $address // die('nothing is held'), subject => 'OK', body => '');
}

# The newest mail of a template to the agent: its Message-ID, and where an answer to it goes.
sub newest {
	my ($template) = @_;
	local $desk->{now} = '2026-03-27T12:00:00Z';
	pause();
	my ($id) = $desk->row("SELECT header_message_id FROM outbox WHERE template = '$template' ORDER BY id DESC LIMIT 1");
	my ($mine) = grep { $_->{message_id} eq $id } map { $desk->acknowledge } 1 .. 3;
	die "the newest $template went out before" if !$mine;
	return (irt => $id, to => header($mine->{wire}, 'Reply-To') // header($mine->{wire}, 'From'));
}

# The customer's mail as it went out.
sub wire_to {
	my ($address) = @_;
	my ($wire) = grep { $_->{to} eq $address && $_->{wire} !~ /^Auto-Submitted/mi } $desk->acknowledge;
	return $wire && { data => $wire->{wire} };
}

sub part {
	my ($type, $bytes, @headers) = @_;
	return join "\n", "Content-Type: $type", 'Content-Transfer-Encoding: base64', @headers, '', encode_base64($bytes);
}

sub multipart {
	my ($type, @parts) = @_;
	my $boundary = 'b' . ++$n;
	return "Content-Type: $type; boundary=\"$boundary\"", join("\n", map { "--$boundary\n$_" } @parts) . "\n--$boundary--\n";
}

sub answer {
	my ($ticket, $type, $body, %m) = @_;
	return $desk->take(from => $aino, to => address($ticket), subject => 'Re: x', headers => [$type], body => $body, %m);
}

# --- an address that keeps words inside, without proof -------------------------------------------
for my $purpose ('note', 'supplier', 'consult') {
	my ($ticket) = opened();
	my $took = $desk->take(from => $aino, to => address($ticket, $purpose, $purpose eq 'note' ? 'aino@example.fi' : 'x@elsewhere.example'),
		subject => 'Re: x', body => "Between us, $purpose.\n");
	confirm();
	is_deeply([to_customer($ticket)], [], "$purpose: confirmed by its writer, the customer hears nothing of it");
	is(join(' ', $desk->row("SELECT direction, writer FROM message WHERE id = $took->{message}")), 'note agent', '... it is the agent\'s note');
}
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket) . ', ' . address($ticket, 'note'), subject => 'Re: x',
		body => "#priority hihg\n\nThe customer is a nuisance.\n");
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#priority high\n");
	is(($desk->row("SELECT priority FROM ticket WHERE id = $ticket"))[0], 'high', 'a line to the note address, mended');
	is_deeply([to_customer($ticket)], [], '... the words that stood with it stay inside');
}

for my $purpose ('consult', 'supplier') {
	my ($ticket, $other) = map { (opened(mailbox => 'apu', to => 'apu@example.fi'))[0] } 1 .. 2;
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#merge TUKI-$other\n");
	my $question = $desk->run_or_die(undef, 'message-id', purpose => $purpose, ticket => $ticket, outbox => 9);
	my $took = $desk->take(from => $aino, mailbox => 'apu', to => 'apu@example.fi', irt => $question, subject => 'Re: x', body => "Between us, merged.\n",
		headers => ['X-MS-Exchange-Organization-AuthAs: Internal']);
	is($took->{ticket}, $other, "an answer to a $purpose mail of a ticket that was merged since");
	is_deeply([to_customer($other)], [], '... stays inside, too');
}

for my $line ('#note', '#ask bo') {
	my ($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "$line\n#wait customer\n\nIs it plugged in?\n");
	is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'new', "$line takes the words: the ticket does not wait for the customer, who got none");
}

# --- a note on its line, with more below ------------------------------------------------------------
for my $try (
	['wrapped by the client', "#note Asiakas on kuulemma hankala, ja esimies pyysi ettei mitaan\nkerrota.\n", qr/hankala, ja esimies pyysi ettei mitaan\s+kerrota/],
	['with another paragraph', "#huomautus Asiakas soitti.\n\nHan oli vihainen.\n\nTerveisin\nAino Aalto\n", qr/\AAsiakas soitti\.\s+Han oli vihainen\.\z/],
	['above other lines', "#note Kuulin\n#tag +x\n\nettei laite toimi.\n", qr/Kuulin\s+ettei laite toimi/],
) {
	my ($ticket) = opened();
	my $took = $desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => $try->[1]);
	is_deeply([to_customer($ticket)], [], "a note $try->[0] is all inside");
	my ($direction, $words) = $desk->row("SELECT direction, reply_text FROM message WHERE id = $took->{message}");
	is($direction, 'note', '... as one note');
	like($words, $try->[2], '... with all its words');
}
{
	my ($ticket) = opened();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\n#note The serial number\n",
		part('image/jpeg', 'photo', 'Content-Disposition: attachment; filename="serial.jpg"'));
	answer($ticket, $type, $body);
	is_deeply([to_customer($ticket)], [], 'a file with a note on its line stays inside');
}
{
	my ($ticket, $maija) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#note From the store\n#resolve\n\nHere is a new one.\n");
	is_deeply([to_customer($ticket)], ["resolution $maija"], 'beside a command that takes the text it stands alone');
	is(variables('resolution')->{text}, 'Here is a new one.', '... and the text is that one\'s');
	($ticket, $maija) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "We come tomorrow.\n\n#note Bring the ladder\n");
	is_deeply([to_customer($ticket)], ["reply $maija"], 'below an answer it stands alone, too');
	is(variables('reply')->{text}, 'We come tomorrow.', '... and the answer has nothing of it');
	($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#subject A printer that has been broken since the beginning of the week in the\nnorth wing\n");
	is_deeply([to_customer($ticket)], [], 'what a client wrapped off a line is no answer');
	is(($desk->row("SELECT title FROM ticket WHERE id = $ticket"))[0], 'A printer that has been broken since the beginning of the week in the north wing', '... but the rest of that line');
}

for my $wrong ("#noet\n#priority hihg\n\nThe customer is difficult.\n", "Hi Bo,\n\n#note\nThe customer is difficult.\n\n#priority hihg\n") {
	my ($ticket) = opened();
	my $what = (split /\n/, $wrong)[0];
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => $wrong);
	for my $line ('#priority high', '#tag +x') {
		$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "$line\n");
		is_deeply([to_customer($ticket)], [], "$what, mended in another line alone ($line): nothing goes out");
	}
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#note\n");
	is(join(' ', $desk->row("SELECT priority, tags FROM ticket WHERE id = $ticket")), 'high {x}', '... with #note it is run');
	is(($desk->row("SELECT count(*) FROM message WHERE ticket_id = $ticket AND direction = 'note' AND reply_text LIKE '%difficult.'"))[0], 1, '... as a note');
	is_deeply([to_customer($ticket)], [], '... and nothing goes out');
}

# --- a refused mail that is mended ----------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\n#resolve\n#priority hihg\n\nThe form is here.\n",
		part('application/pdf', 'form', 'Content-Disposition: attachment; filename="form.pdf"'));
	answer($ticket, $type, $body);
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#priority hgih\n");
	is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'new', 'mended by another mistake: nothing is run');
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#priority high\n");
	is(join(' ', $desk->row("SELECT status, priority, resolution FROM ticket WHERE id = $ticket")), 'resolved high The form is here.',
		'the second attempt runs all that was right');
	my $wire = wire_to($maija);
	like(text_of($wire), qr/The form is here/, '... the words go out');
	is_deeply([map { $_->{name} // () } parts($wire->{data})], ['form.pdf'], '... and the file with them') if $wire;
	is(($desk->row("SELECT count(*) FROM held_command WHERE ticket_id = $ticket AND state = 'held'"))[0], 0, '... and nothing of it is left to be run');
}

# --- a line alone, and held -----------------------------------------------------------------------
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#priority hihg\n");
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#priority high\n");
	is(($desk->row("SELECT priority FROM ticket WHERE id = $ticket"))[0], 'high', 'a wrong line alone is mended by an answer to its error mail');
}
{
	my @tickets = map { (opened(mailbox => 'tuki', to => 'tuki@example.fi', headers => ['Authentication-Results: mx.example.fi; dmarc=pass header.from=client.example']))[0] } 1 .. 3;
	my $commands = "TUKI-$tickets[0] #priority high\nTUKI-$tickets[1] #priority urgent\nTUKI-$tickets[0] #tag +one\nTUKI-$tickets[2] #priority lwo\n";
	$desk->take(from => $aino, to => 'tuki@example.fi', subject => 'sort', body => $commands);
	confirm();
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "TUKI-$tickets[2] #priority low\nTUKI-$tickets[0] #tag +two\n");
	confirm();
	is(join(' ', map { join ',', $desk->row("SELECT priority, tags FROM ticket WHERE id = $_") } @tickets), 'high,{one,two} urgent,{} low,{}',
		'many tickets in one mail, one line wrong: mended, all of them are run');
}
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#queue tuki\n#assign boo\n");
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#assign bo\n");
	is(join(' ', $desk->row("SELECT queue, owner FROM ticket WHERE id = $ticket")), 'tuki bo@example.fi', 'what is mended is run in the order it was written in');
}
for my $proof ('without proof', 'with proof') {
	my $maija = 'maija' . ++$n . '@client.example';
	my %auth = $proof eq 'with proof' ? (mailbox => 'apu', to => 'apu@example.fi', headers => ['X-MS-Exchange-Organization-AuthAs: Internal']) : ();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\n#for $maija\n#priority hihg\n\nMaija called: the door is stuck.\n",
		part('application/pdf', 'plan', 'Content-Disposition: attachment; filename="plan.pdf"'));
	my $took = $desk->take(from => $aino, subject => 'Phone call', to => 'ict@example.fi', body => $body, %auth, headers => [$type, @{ $auth{headers} // [] }]);
	confirm() if !%auth;
	$desk->take(from => $aino, subject => 'Re: x', newest('command-error'), body => "#priority high\n");
	my ($ticket) = $desk->row("SELECT ticket_id FROM message WHERE id = $took->{message}");
	is(join(' ', $desk->row("SELECT p.address, t.priority FROM ticket t JOIN person p ON p.id = t.requester_id WHERE t.id = $ticket")), "$maija high",
		"a call with a wrong line, $proof: mended, the rest of it is run");
	is_deeply([to_customer($ticket)], [], '... what was said is no answer to the one it is for');
}
for my $how ('the link', '#send') {
	my ($ticket, $maija) = opened();
	my ($ack) = $desk->row("SELECT header_message_id FROM outbox WHERE ticket_id = $ticket ORDER BY id LIMIT 1");
	$desk->take(from => "Maija <$maija>", irt => $ack, to => address($ticket, 'customer', $maija), subject => 'Re: x', body => "It burns now.\n",
		at => '2026-03-27T10:30:00Z', now => '2026-03-27T10:30:00Z');
	$desk->take(from => $aino, to => address($ticket), irt => $ack, subject => 'Re: x', body => "#resolve\n", at => '2026-03-27T10:40:00Z', now => '2026-03-27T10:40:00Z');
	is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'new', 'a stale #resolve without words is held');
	my ($tickets) = $desk->row('SELECT count(*) FROM ticket');
	if ($how eq '#send') {
		$desk->take(from => $aino, subject => 'Re: x', newest('held'), body => "#send\n", now => '2026-03-27T10:41:00Z', at => '2026-03-27T10:41:00Z');
	} else {
		confirm();
	}
	is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'resolved', "... and run on its ticket by $how");
	is(($desk->row('SELECT count(*) FROM ticket'))[0], $tickets, '... no other ticket is opened');
}

for my $twice ('#send', '#drop') {
	my ($ticket) = opened();
	pause();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "$twice\n") for 1 .. 2;
	is(join(' ', map { $_->[0] } $db->sql("SELECT template FROM outbox WHERE ticket_id = $ticket AND recipient = 'aino\@example.fi' ORDER BY id")),
		'command-error command-error', "$twice where nothing is held, and again: its writer is told both times");
	is(($desk->row("SELECT count(*) FROM held_command WHERE ticket_id = $ticket"))[0], 0, '... and it is not itself what is held');
	pause();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "$twice\n#priority hihg\n");
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#send\n");
	is(($desk->row("SELECT template FROM outbox WHERE ticket_id = $ticket ORDER BY id DESC LIMIT 1"))[0], 'command-error', '... nor where another line of it was wrong');
}

# --- pictures of what is quoted -------------------------------------------------------------------
{
	my ($type, $body) = multipart('multipart/related', "Content-Type: text/html\n\n<p>See:</p><img src=\"cid:shot\@client\">",
		part('image/png', 'screenshot', 'Content-ID: <shot@client>', 'Content-Disposition: inline; filename="shot.png"'));
	my ($ticket, $maija) = opened(headers => [$type], body => $body);
	($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\nOur part number:\n",
		part('image/png', 'of the supplier', 'Content-ID: <inner@02>', 'Content-Disposition: inline; filename="inner.png"'));
	$desk->take(from => 'x@elsewhere.example', to => address($ticket, 'consult', 'x@elsewhere.example'), subject => 'Re: x', headers => [$type], body => $body);
	($type, $body) = multipart('multipart/related', "Content-Type: text/html\n\n<p>Try this: <img src=\"cid:mine\@01\"></p>"
		. '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Desk ict &lt;ict@example.fi&gt;<br><b>Sent:</b> Friday, March 27, 2026 11:00 AM<br>'
		. '<b>To:</b> Aino Aalto &lt;aino@example.fi&gt;<br><b>Subject:</b> x</p></div><p>The question has been answered</p><img src="cid:image002@01">',
		part('image/png', 'mine', 'Content-ID: <mine@01>', 'Content-Disposition: inline; filename="mine.png"'),
		part('image/png', 'of the supplier', 'Content-ID: <image002@01>', 'Content-Disposition: inline; filename="image002.png"'));
	answer($ticket, $type, $body);
	my $wire = wire_to($maija);
	is_deeply([map { $_->{text} } grep { $_->{type} eq 'image/png' } parts($wire->{data})], ['mine'],
		'a picture of the quoted notice stays, the one among the words goes');
}
{
	my ($type, $body) = multipart('multipart/related', "Content-Type: text/html\n\n<p>See:</p><img src=\"cid:shot\@client\">",
		part('image/png', 'screenshot two', 'Content-ID: <shot@client>', 'Content-Disposition: inline; filename="shot.png"'));
	my ($ticket, $maija) = opened(headers => [$type], body => $body);
	# Gmail: the plain part names pictures by their alternative text alone.
	my ($alternative, $texts) = multipart('multipart/alternative', "Content-Type: text/plain\n\nTry this:\n[image: mine.png]\n\nOn Fri, 27 Mar 2026 at 9:00, ICT <ict\@example.fi> wrote:\n\n> See:\n> [image: shot.png]\n",
		"Content-Type: text/html\n\n<div>Try this:<img src=\"cid:ii_1\" alt=\"mine.png\"></div><div class=\"gmail_quote\"><blockquote>See: <img src=\"cid:ii_0\"></blockquote></div>");
	($type, $body) = multipart('multipart/related', "$alternative\n\n$texts",
		part('image/png', 'mine too', 'Content-ID: <ii_1>', 'Content-Disposition: inline; filename="mine.png"', 'X-Attachment-Id: ii_1'),
		part('image/png', 'screenshot two', 'Content-ID: <ii_0>', 'Content-Disposition: inline; filename="shot.png"', 'X-Attachment-Id: ii_0'));
	answer($ticket, $type, $body);
	my $wire = wire_to($maija);
	is_deeply([map { $_->{text} } grep { $_->{type} eq 'image/png' } parts($wire->{data})], ['mine too'],
		'so does a picture that the ticket has already');
}

{
	my ($ticket, $maija) = opened();
	# Outlook's plain text names them all; a logo of the signature is cut with it.
	my ($type, $body) = multipart('multipart/related', "Content-Type: text/plain\n\nTry this: [cid:mine\@01]\n\nRegards,\nAino Aalto\n[cid:logo\@01]\n",
		part('image/png', 'mine again', 'Content-ID: <mine@01>', 'Content-Disposition: inline; filename="mine.png"'),
		part('image/png', 'logo', 'Content-ID: <logo@01>', 'Content-Disposition: inline; filename="logo.png"'));
	answer($ticket, $type, $body);
	my $wire = wire_to($maija);
	is_deeply([map { $_->{text} } grep { $_->{type} eq 'image/png' } parts($wire->{data})], ['mine again'], 'and the picture of a signature');
}

# --- files ----------------------------------------------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\nThe form is here.\n",
		part('application/pdf', 'one', 'Content-Disposition: attachment; filename="gmail.pdf"', 'Content-ID: <f_m8x1>', 'X-Attachment-Id: f_m8x1'),
		part('application/pdf', 'two', 'Content-Disposition: inline; filename="apple.pdf"', 'Content-Id: <8A0-1@apple>'),
		part('image/jpeg', 'three', 'Content-Disposition: attachment; filename="photo.jpg"', 'Content-ID: <f_m8x2>'));
	answer($ticket, $type, $body);
	my $wire = wire_to($maija);
	is_deeply([map { $_->{name} . ' ' . ($_->{head} =~ /Content-Disposition: (\w+)/i)[0] } grep { $_->{name} } parts($wire->{data})],
		['gmail.pdf attachment', 'apple.pdf attachment', 'photo.jpg attachment'], 'files are attached, whatever ids their clients give them');
	unlike($wire->{data}, qr{multipart/related}, '... beside the text, where clients show them');
}

{
	my ($ticket, $maija) = opened();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\n> New ticket\n> Missing: device\n",
		part('application/pdf', 'four', 'Content-Disposition: attachment; filename="form.pdf"'));
	answer($ticket, $type, $body, to => 'ict@example.fi', subject => "Re: [TUKI-$ticket] x");
	confirm();
	my $wire = wire_to($maija);
	unlike(text_of($wire), qr/New ticket|Missing/, 'a file above nothing but the notice, confirmed: nothing of the notice goes');
	is_deeply([map { $_->{name} // () } parts($wire->{data})], ['form.pdf'], '... but the file');
}

# --- what carries the mail itself, or the agent ----------------------------------------------------
{
	my ($ticket, $maija) = opened();
	my ($type, $body) = multipart('multipart/mixed', "Content-Type: text/plain\n\nSee below.\n",
		part('application/pkcs7-signature; name="smime.p7s"', 'aino@example.fi signs', 'Content-Disposition: attachment; filename="smime.p7s"'),
		part('application/pgp-keys; name="OpenPGP_0x1.asc"', 'uid aino@example.fi', 'Content-Disposition: attachment; filename="OpenPGP_0x1.asc"'),
		part('application/pgp-signature; name="signature.asc"', 'signed by aino', 'Content-Disposition: attachment; filename="signature.asc"'),
		part('application/ms-tnef; name="winmail.dat"', 'New ticket: aino@example.fi', 'Content-Disposition: attachment; filename="winmail.dat"'),
		"Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"notice.eml\"\n\nFrom: ict\@example.fi\nTo: aino\@example.fi\nReply-To: "
			. address($ticket) . "\nSubject: New ticket\n\nNew ticket\n",
		part('application/pdf', 'pdf', 'Content-Disposition: attachment; filename="form.pdf"'));
	answer($ticket, $type, $body);
	my $wire = wire_to($maija);
	is_deeply([map { $_->{name} // () } parts($wire->{data})], ['form.pdf'], 'of the files only what is one goes out');
	unlike(join("\n", map { $_->{text} } parts($wire->{data})), qr/aino\@example|New ticket/, '... nothing with the address or the notice in it');
}
{
	my ($ticket) = opened();
	my ($type, $body) = multipart('multipart/signed; micalg=sha-256; protocol="application/pkcs7-signature"', "Content-Type: text/plain\n\n\n",
		part('application/pkcs7-signature; name="smime.p7s"', 'aino@example.fi signs', 'Content-Disposition: attachment; filename="smime.p7s"'));
	answer($ticket, $type, $body);
	is_deeply([to_customer($ticket)], [], 'a signature alone is no answer');
}
{
	my ($ticket, $maija) = opened();
	my ($type, $body) = multipart('multipart/mixed', part('application/pdf', 'pdf', 'Content-Disposition: inline; filename="form.pdf"', 'Content-Id: <8A0-2@apple>'));
	answer($ticket, $type, $body);
	is_deeply([to_customer($ticket)], ["reply $maija"], 'a file alone is one, however its client shows it');
}

# --- commands below a signature that is cut ---------------------------------------------------------
for my $below ("\n#note\n", "\n#note\n\nOn Fri, Mar 27, 2026 at 10:00 AM Maija via ICT <ict\@example.fi> wrote:\n> #resolve\n", "#note\n\n") {
	my ($ticket) = opened();
	pause();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "The customer is difficult.\n\n-- \nAino Aalto\nICT\n$below");
	is_deeply([to_customer($ticket)], [], '#note below "-- " keeps the text inside');
	is(join(' ', $desk->row("SELECT status FROM ticket WHERE id = $ticket")), 'new', '... and nothing else is run');
}
{
	my ($ticket) = opened();
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "-- \nAino Aalto\n\n#priority high\n");
	is(join(' ', $desk->row("SELECT priority FROM ticket WHERE id = $ticket")), 'high', 'a command below nothing but a signature is run');
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "Which room?\n\n-- \nAino Aalto\n\n#TeamICT #wearehiring\n");
	is(scalar(to_customer($ticket)), 1, 'what is no command in a signature is cut with it');
}

# --- what cannot be read, and what says nothing ----------------------------------------------------
for my $sealed (
	['by S/MIME', 'MIME-Version: 1.0', 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m',
		'Content-Transfer-Encoding: base64', 'Content-Disposition: attachment; filename=smime.p7m', 'MIAGCSqGSIb3DQEHA6CAMIACAQAxAA=='],
	['by PGP', 'MIME-Version: 1.0', 'Content-Type: multipart/encrypted; boundary=s; protocol="application/pgp-encrypted"',
		join "\r\n", '--s', 'Content-Type: application/pgp-encrypted', '', 'Version: 1', '', '--s', 'Content-Type: application/octet-stream; name=encrypted.asc',
		'', '-----BEGIN PGP MESSAGE-----', '', 'abc', '-----END PGP MESSAGE-----', '--s--']) {
	my ($what, @headers) = @$sealed;
	my $body = pop @headers;
	for my $to (undef, 'tuki@example.fi') {
		my ($ticket) = opened(mailbox => 'tuki', to => 'tuki@example.fi');
		pause();
		my $took = $desk->take(from => $aino, to => $to // address($ticket), mailbox => 'tuki', subject => "Re: [TUKI-$ticket] Printer", body => $body, headers => \@headers);
		is_deeply([to_customer($ticket)], [], "sealed $what: nothing of it goes to the customer" . ($to ? ', without proof' : ''));
		like(join(' ', map { $_->{problem} } @{ variables('command-error')->{problems} }), qr/^sealed$/, '... and its writer is told');
		is(join(' ', $desk->row("SELECT ticket_id, direction FROM message WHERE id = $took->{message}")), "$ticket note", '... it is kept inside');
	}
}
{
	my ($ticket) = opened();
	my ($type, $body) = multipart('multipart/alternative', "Content-Type: text/plain; charset=utf-8\n\n\xF0\x9F\x91\x8D Aino reacted via Gmail\n",
		"Content-Type: text/vnd.google.email-reaction+json; charset=utf-8\n\n{\"emoji\":\"x\",\"version\":1}\n");
	answer($ticket, $type, $body);
	is_deeply([to_customer($ticket)], [], 'a reaction to a notice is no answer to the customer');
	is(($desk->row("SELECT first_response_at FROM ticket WHERE id = $ticket"))[0] // '', '', '... nor a first one');
}

# --- the customer answers a mail that the agent sent them directly ---------------------------------
{
	my ($ticket, $maija) = opened();
	answer($ticket, 'X-Test: 1', "Which room?\n", cc => $maija, to => address($ticket));
	$db->sql("UPDATE ticket SET status = 'waiting_customer' WHERE id = $ticket");
	my $notice = $desk->run_or_die(undef, 'message-id', purpose => 'agent', ticket => $ticket, outbox => 7);
	my $took = $desk->take(from => "Maija <$maija>", to => $aino, cc => address($ticket), subject => 'Re: x', refs => [$notice, 'direct@example.fi'],
		irt => 'direct@example.fi', body => "Room 12.\n");
	is($took->{ticket}, $ticket, 'the customer answers to all');
	is(join(' ', $desk->row("SELECT direction, writer FROM message WHERE id = $took->{message}")), 'in requester', '... those are the customer\'s words');
	is(($desk->row("SELECT status FROM ticket WHERE id = $ticket"))[0], 'open', '... and end the wait');
	$took = $desk->take(from => 'Eve <eve@evil.example>', to => address($ticket), subject => 'Re: x', body => "Let me in.\n");
	is(join(' ', $desk->row("SELECT direction, writer FROM message WHERE id = $took->{message}")), 'note guest', 'a stranger\'s stay a note');
}

# --- an address that has gone to others, whatever became of the mail -------------------------------
for my $try (['a wrong line', "#priority hihg\n"], ['no words', "\n"], ['a line about another ticket', "TUKI-1 #priority high\n"]) {
	my ($ticket, $maija) = opened();
	$desk->take(from => $aino, to => address($ticket), cc => $maija, subject => 'Re: x', body => $try->[1]);
	is(($desk->row("SELECT count(*) FROM agent_token WHERE ticket_id = $ticket AND agent = 'aino\@example.fi'"))[0], 1, "$try->[0]: the address is revoked all the same");
}

# --- #undo after others went on --------------------------------------------------------------------
{
	my ($ticket, $other) = map { (opened(mailbox => 'tuki', to => 'tuki@example.fi'))[0] } 1 .. 2;
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#take\n#wait until 2026-06-01\n");
	$desk->take(from => 'Bo Berg <bo@example.fi>', to => address($ticket, 'agent', 'bo@example.fi'), subject => 'Re: x', body => "#merge TUKI-$other\n");
	is(join(' ', $desk->row("SELECT status, merged_into FROM ticket WHERE id = $ticket")), "merged $other", 'a colleague merges it');
	$desk->take(from => $aino, to => address($ticket), subject => 'Re: x', body => "#undo\n");
	is(join(' ', $desk->row("SELECT status, merged_into FROM ticket WHERE id = $ticket")), "merged $other", '#undo of what was before does not bring it back alone');
	like(join("\n", @{ variables('receipt')->{remarks} }), qr/TUKI-$ticket, .*bo\@example\.fi/, '... and its writer is told');
}

# --- parents of parents ----------------------------------------------------------------------------
{
	my @tickets = map { (opened())[0] } 1 .. 3;
	$desk->take(from => $aino, to => address($tickets[$_]), subject => 'Re: x', body => "#parent TUKI-$tickets[$_ - 1]\n") for 1, 2;
	$desk->take(from => $aino, to => address($tickets[0]), subject => 'Re: x', body => "#resolve\n\nThe network is back.\n");
	is(join(' ', map { ($desk->row("SELECT status FROM ticket WHERE id = $_"))[0] } @tickets), 'resolved resolved resolved', 'resolving a parent resolves the children of its children');
}
{
	my ($parent, $child, $other) = map { (opened())[0] } 1 .. 3;
	$desk->take(from => $aino, to => address($child), subject => 'Re: x', body => "#parent TUKI-$parent\n");
	$desk->take(from => $aino, to => address($parent), subject => 'Re: x', body => "#merge TUKI-$other\n");
	$desk->take(from => $aino, to => address($other), subject => 'Re: x', body => "#resolve\n\nDone.\n");
	is(join(' ', map { ($desk->row("SELECT status FROM ticket WHERE id = $_"))[0] } $parent, $child, $other), 'merged resolved resolved', '... and those of a parent that was merged into it');
}

done_testing;
