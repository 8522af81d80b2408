#!/usr/bin/perl
# What the team and the customer read: notices with all that an agent needs and nothing that is
# another's, and an agent's answer with its files, in the agent's name.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(decode_qp);
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;

sub headers_of {
	my ($wire) = @_;
	my ($head) = split /\r\n\r\n/, $wire, 2;
	$head =~ s/\r\n[ \t]+/ /g;
	return map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head;
}

# The decoded part of the type.
sub part_of {
	my ($wire, $type) = @_;
	my ($part) = $wire =~ m{Content-Type: \Q$type\E[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--=-}s;
	return defined $part ? decode_qp($part) : '';
}

my $boundary = 'sisar';
my $picture = "\x89PNG\r\n\x1a\n" . join '', map { chr } 0 .. 255;
my @mail = (from => '"Maija Meri" <maija@sairaala.example>', subject => 'Tulostin <b>jumissa</b>',
	headers => ["Content-Type: multipart/mixed; boundary=$boundary"],
	body => join "\r\n", "--$boundary", 'Content-Type: text/plain; charset=utf-8', '',
		'Tulostin on jumissa & vilkkuu, ks. https://intra.example/ohje.',
		'[cid:kuva@x]', "--$boundary", 'Content-Type: image/png; name="vika.png"',
		'Content-ID: <kuva@x>', 'Content-Disposition: inline; filename="vika.png"',
		'Content-Transfer-Encoding: base64', '', encode_base64($picture, "\r\n") . "--$boundary--");
my $earlier = $desk->take(@mail, subject => 'Vanha asia');
my $hidden = $desk->take(@mail, subject => 'Palkka-asia', to => 'hr@example.fi');
my $took = $desk->take(@mail);
$desk->acknowledge;
$db->sql("UPDATE person SET standing = 'vip', phone = '040 123'");
$db->sql("UPDATE ticket SET due_respond = '2026-03-27 12:00+00', chased = 2,
	fields = '{\"huone\": \"B 213\"}', tags = '{printer}' WHERE id = $took->{ticket}");
$db->sql("INSERT INTO message_search SELECT id, to_tsvector('finnish', subject) FROM message");
my $solved = $desk->take(from => 'toinen@example.org', subject => 'Tulostin jumissa taas');
$db->sql("INSERT INTO message_search SELECT id, to_tsvector('finnish', subject) FROM message
	WHERE ticket_id = $solved->{ticket}");
$db->sql("UPDATE ticket SET status = 'resolved', resolution = 'Rumpu vaihdettiin.',
	resolved_at = '2026-03-26 10:00+00' WHERE id = $solved->{ticket}");
$desk->acknowledge;

# --- a new ticket ---------------------------------------------------------------------------------
$desk->run_or_die('luukku_fetch', 'notice', ticket => $took->{ticket}, message => $took->{message},
	customer => 'Maija Meri', also => 'Palvelupiste hr');
my ($notice) = $desk->claim(now => '2026-03-27T10:01:00Z');
my %h = headers_of($notice->{wire});
is($notice->{to}, 'aino@example.fi', 'the agent of the queue gets it');
like($h{from}, qr/^"?Maija Meri via Palvelupiste ict"? <ict\@example\.fi>$/, 'From says whose words');
like($h{to}, qr/^Aino Aalto <aino\@example\.fi>$/, 'To names the agent alone');
ok(!$h{cc}, 'nobody is copied');
like($h{subject}, qr/^\[TUKI-$took->{ticket}\] Tulostin/, 'the tag');
is($h{'auto-submitted'}, 'auto-generated', 'Auto-Submitted');
is($h{'list-id'}, '"Palvelupiste ict" <ict.luukku.example.fi>', 'List-Id of the queue');
is($h{'x-luukku-ticket'}, "TUKI-$took->{ticket}", 'X-Luukku-Ticket');
is($h{'x-luukku-queue'}, 'ict', 'X-Luukku-Queue');
ok(!$h{precedence}, 'no bulk mail');
my ($token) = $h{'reply-to'} =~ /^<?(ict\+[a-z2-7]{36}\@example\.fi)>?$/ or fail 'Reply-To is signed';
my $text = part_of($notice->{wire}, 'text/plain');
$text =~ s/\r\n/\n/g;
like($text, qr/^Uusi tukipyyntö: TUKI-$took->{ticket}$/m, 'what it is');
like($text, qr/^Asiakas: Maija Meri <maija\@sairaala\.example>, Pohjoinen sairaala, puh\. 040 123 \[VIP\]$/m,
	'who the customer is');
like($text, qr/^Saman viestin sai myös: Palvelupiste hr$/m, 'who else got it');
like($text, qr/^Tulostin on jumissa & vilkkuu/m, 'the words');
like($text, qr/^Vastaus viimeistään: pe 27\.3\.2026 klo 12\.00$/m, 'when an answer is due');
like($text, qr/^Asiakkaan kyselyjä etenemisestä: 2$/m, 'chased');
like($text, qr/^huone: B 213$/m, 'fields');
like($text, qr/^Tunnisteet: printer$/m, 'tags');
like($text, qr/TUKI-$earlier->{ticket} Vanha asia \(uusi, pe 27\.3\.2026\)/, 'an earlier ticket');
like($text, qr/TUKI-$solved->{ticket} Tulostin jumissa taas \(to 26\.3\.2026\)\n +Rumpu vaihdettiin\./,
	'a resolved ticket like it, with its resolution');
(my $link = $token) =~ s/\+/%2B/;
like($text, qr/^Ota käsittelyyn: mailto:\Q$link\E\?subject=Re%3A%20%5BTUKI-\d+%5D%20[^&\n]*&body=%23take$/m,
	'a link that takes it');
my $html = part_of($notice->{wire}, 'text/html');
like($html, qr/Tulostin &lt;b&gt;jumissa/, 'the title is escaped');
like($html, qr/jumissa &amp; vilkkuu/, 'so are the words');
like($html, qr{<a href="https://intra\.example/ohje">https://intra\.example/ohje</a>\.}, 'a link is one');
like($html, qr{<img src="cid:kuva\@x"}, 'the picture is within');
my $encoded = encode_base64($picture, '');
(my $wire = $notice->{wire}) =~ s/\r\n//g;
like($wire, qr/\Q$encoded\E/, 'the picture goes along byte for byte');
$desk->record(id => $notice->{id}, attempts => 1, outcome => 'sent');

# --- a look for similar tickets that would take long is left out -----------------------------------
my $hurried;
{
	$db->sql('ALTER TABLE message_search RENAME TO message_search_kept');
	$db->sql('CREATE VIEW message_search AS SELECT * FROM message_search_kept WHERE (SELECT pg_sleep(60)) IS NOT NULL');
	$db->sql('GRANT SELECT ON message_search TO luukku_send');
	$db->sql('DELETE FROM delivery');
	$db->sql("UPDATE outbox SET created_at = created_at - interval '1 day'");
	$desk->run_or_die('luukku_fetch', 'notice', ticket => $took->{ticket}, message => $took->{message}, kind => 'answer');
	my $start = time;
	($hurried) = $desk->claim(now => '2026-03-27T10:01:00Z');
	cmp_ok(time - $start, '<', 55, 'the look for similar tickets is given up');
	like(part_of($hurried->{wire}, 'text/plain'), qr/^Asiakas vastasi: TUKI-/m, 'a notice goes out though similar tickets cannot be looked up');
	unlike(part_of($hurried->{wire}, 'text/plain'), qr/Samankaltaisia/, '... without them');
	$desk->record(id => $hurried->{id}, attempts => 1, outcome => 'sent');
	$db->sql('DROP VIEW message_search');
	$db->sql('ALTER TABLE message_search_kept RENAME TO message_search');
}

# --- what is another queue's stays there ----------------------------------------------------------
$db->sql("UPDATE ticket SET queue = 'hr' WHERE id = $hidden->{ticket}");
my $notices = sub {
	my %arg = @_;
	$db->sql("DELETE FROM delivery");
	$db->sql("UPDATE outbox SET created_at = created_at - interval '1 day'");
	$desk->run_or_die('luukku_fetch', 'notice', ticket => $took->{ticket},
		message => $took->{message}, %arg);
	my @claims = $desk->claim(now => '2026-03-27T10:01:00Z');
	$desk->record(id => $_->{id}, attempts => 1, outcome => 'sent') for @claims;
	return @claims;
};
# An owner who manages another queue than those of the customer's other tickets.
$db->sql("UPDATE ticket SET queue = 'tuki' WHERE id = $took->{ticket}");
my ($to_bo) = $notices->(owner => 'bo@example.fi', queue => 'tuki', kind => 'answer');
is($to_bo->{to}, 'bo@example.fi', 'once there is an owner only the owner hears');
my $bo = part_of($to_bo->{wire}, 'text/plain');
unlike($bo, qr/Palkka-asia|Vanha asia/, 'no words of tickets that the agent does not see');
like($bo, qr/^Muissa jonoissa lisäksi: 2/m, 'only how many there are');
my %again = headers_of($to_bo->{wire});
like($again{subject}, qr/TUKI-$took->{ticket}/, 'same subject tag');
is(scalar($notices->(owner => 'bo@example.fi', queue => 'tuki', doer => 'bo@example.fi')), 0, 'who did it is not told of it');
$db->sql("UPDATE ticket SET queue = 'ict' WHERE id = $took->{ticket}");
is(join(' ', map { $_->{to} } $notices->(owner => 'bo@example.fi', kind => 'answer')), 'aino@example.fi', 'of an owner who does not see the queue the team hears');
my ($second) = $notices->(kind => 'answer');
my %second = headers_of($second->{wire});
like($second{'references'}, qr{<\Q$hurried->{message_id}\E>}, 'notices of a ticket thread in the agent\'s client');

# --- a customer with many tickets -------------------------------------------------------------------
$desk->take(@mail, subject => $_) for 'Avain hukassa', 'Näyttö pimeä', 'Uusi puhelin', 'Kulkukortti', 'Levytila', 'Salasana';
$desk->acknowledge;
$db->sql("UPDATE ticket SET queue = CASE id WHEN $hidden->{ticket} THEN 'talous' ELSE 'ict' END WHERE id <> $solved->{ticket}");
my ($to_aino) = grep { $_->{to} eq 'aino@example.fi' } $notices->(kind => 'answer');
my $many = part_of($to_aino->{wire}, 'text/plain') =~ s/\r\n/\n/gr;
my ($list) = $many =~ /^Asiakkaan muita tukipyyntöjä:\n((?:- .*\n)*)/m;
is(scalar(() = ($list // '') =~ /^- TUKI-/mg), 5, 'five of them are listed');
like($many, qr/^ja lisäksi 2\nMuissa jonoissa lisäksi: 1$/m, '... the others of these queues are no tickets of other queues');

# --- an agent's answer to the customer ------------------------------------------------------------
my $secret = $token;
$desk->run_or_die('luukku_fetch', 'answer', ticket => $took->{ticket}, message => $took->{message},
	to => 'maija@sairaala.example',
	text => "Hei Maija,\n\nvaihdamme rummun huomenna.\n> kirjoitit: $secret\n\n[cid:kuva\@x]\n");
my @answers = $desk->claim(now => '2026-03-27T10:01:00Z');
$desk->record(id => $_->{id}, attempts => 1, outcome => 'sent') for @answers;
is(join(' ', sort map { $_->{to} } @answers), 'liisa@example.org maija@sairaala.example', 'one mail each');
my %ids = map { $_->{message_id} => 1 } @answers;
is(scalar(keys %ids), 2, 'each with a Message-ID of its own');
for my $answer (@answers) {
	my %a = headers_of($answer->{wire});
	like($a{from}, qr/^Aino Aalto <ict\@example\.fi>$/, "$answer->{to}: the agent's name, the queue's address");
	like($a{to}, qr/^Maija <maija\@sairaala\.example>$/, 'To shows the requester');
	is($a{cc}, 'liisa@example.org', 'Cc shows who got it, too');
	ok(!$a{$_}, "no $_: a person wrote it")
		for qw(auto-submitted x-auto-response-suppress precedence list-id x-luukku-ticket);
	is($a{'x-ms-reactions'}, 'disallow', 'no reactions');
	unlike($answer->{wire}, qr/aino\@example\.fi/i, 'the agent\'s own address is nowhere');
	my $words = part_of($answer->{wire}, 'text/plain');
	like($words, qr/vaihdamme rummun huomenna/, 'the words');
	unlike($words, qr/ict\+[a-z2-7]{36}\@/, 'a quoted reply address is taken out');
	like($words, qr/Aino Aalto\r?\nPalvelupiste ict/, 'the queue\'s signature');
	like($answer->{wire}, qr/multipart\/related/, 'with the picture in place');
}
is(($desk->row("SELECT count(*) FROM message WHERE ticket_id = $took->{ticket} AND direction = 'out'
	AND writer = 'agent'"))[0], 1, 'the ticket shows one message');
is(($desk->row("SELECT count(DISTINCT message_id) FROM outbox WHERE template = 'reply'"))[0], 1, 'of both deliveries');
my ($reply_to) = { headers_of($answers[0]{wire}) }->{'reply-to'} =~ /(ict\+[^@]+\@example\.fi)/;
is($desk->take(from => $answers[0]{to}, to => $reply_to)->{ticket}, $took->{ticket}, 'an answer finds the ticket');

done_testing;
