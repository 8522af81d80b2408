#!/usr/bin/perl
# What an agent of one queue can learn of another queue's ticket: nothing. Every command, look-up and
# way to answer, by mail, once with the ticket's reference and once with one that does not exist; what
# the agent is told and what becomes of the mail must be the same. prove -v shows the table.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(header mail parts);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	site => 'senders_verified = true; authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" );
		languages = ( "fi", "sv", "en" );',
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; languages = ( "en", "fi", "sv" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; languages = ( "en", "fi" ); },
  { name = "Mari Manner"; address = "mari@example.fi"; languages = ( "en", "fi" ); }
CONF
	queues => <<'CONF',
  { name = "ict"; title = "ICT"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" );
    managers = ( "mari@example.fi" ); notify = "agents"; mass: { people = 0; }; duplicate_window = "2d"; },
  { name = "hr"; title = "HR"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi", "mari@example.fi" );
    notify = "agents"; mass: { people = 0; }; duplicate_window = "2d"; }
CONF
	extra => <<'CONF',
breaker = ( "1000/10m" );
suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); } );
CONF
);
my $db = $desk->db;
my $aino = 'Aino Aalto <aino@example.fi>';
my $bo = 'Bo Berg <bo@example.fi>';
my $mari = 'Mari Manner <mari@example.fi>';
my $maija = 'Maija Meri <maija@sairaala.example>';
my $none = 8888;
my $n = 0;

# A mail that our mail server has verified.
sub proven {
	my (%m) = @_;
	$m{id} //= 'proven' . ++$n . ".$$\@example.fi";
	my $results = "Authentication-Results: mx.example.fi; dmarc=pass header.from=example.fi\n"
		. "Received: from client by mx.example.fi; Fri, 20 Nov 2026 09:00:00 +0000\n";
	my $text = encode('UTF-8', delete $m{text});
	$desk->deliver('ict', mail(%m, text => $text, headers => $results . ($m{headers} // '')));
	return $m{id};
}

sub round {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return;
}

sub uri_unescape {
	my ($text) = @_;
	return $text =~ s/%([0-9A-F]{2})/chr hex $1/ger;
}

sub number_of {
	my ($subject) = @_;
	return scalar $db->sql("SELECT id FROM ticket WHERE subject = '$subject' ORDER BY id LIMIT 1");
}

# --- two tickets of hr, some of ict ---------------------------------------------------------------
$desk->deliver('ict', mail(from => $maija, to => 'hr@example.fi', subject => 'Palkkasotku', id => 'palkka@sairaala.example',
	text => "Hei,\n\nlokakuun palkasta puuttuu salaisuuslisa. Voitteko auttaa minua?\n"));
$desk->deliver('ict', mail(from => $maija, to => 'hr@example.fi', subject => 'Tulostimen kahva', id => 'kahva@sairaala.example',
	text => "Hei,\n\ntulostimen kahva irtosi salaisuuslisan kanssa. Voitteko auttaa?\n"));
$desk->deliver('ict', mail(from => 'Veikko <veikko@muualla.example>', subject => 'Hiiri rikki', id => 'hiiri@muualla.example',
	text => "Hei,\n\nhiiri on rikki, voisitteko auttaa?\n"));
round('tickets of both queues');
my ($hr, $old, $own) = map { number_of($_) } 'Palkkasotku', 'Tulostimen kahva', 'Hiiri rikki';
is($db->sql("SELECT string_agg(queue, ' ' ORDER BY id) FROM ticket"), 'hr hr ict', 'two of hr, one of ict');
proven(from => $bo, to => 'hr@example.fi', subject => 'kahva', text => "TUKI-$old #resolve\n\nKahva kiinnitettiin salaisuuslisalla.\n");
proven(from => $mari, subject => 'tag', text => "TUKI-$hr #tag +palkkatunniste\n");
for my $nth ('second', 'third') {
	$desk->deliver('ict', mail(from => $maija, to => 'hr@example.fi', subject => "Re: [TUKI-$hr] Palkkasotku",
		id => "$nth.palkka\@sairaala.example", text => "Hei,\n\nvielä yksi asia salaisuuslisasta ($nth).\n"));
}
round('one is resolved, one tagged');
my $secret = qr/Palkkasotku|salaisuuslis|Tulostimen kahva|maija|hr\@|palkkatunniste|bo\@/i;

# Everything that the desk knows of the two.
sub state_of_hr {
	return join "\n", map { join '|', map { $_ // '' } @$_ } map { $db->sql($_) } map { s/HR/$hr, $old/r }
		'SELECT * FROM ticket WHERE id IN (HR) ORDER BY id', 'SELECT * FROM event WHERE ticket_id IN (HR) ORDER BY id',
		'SELECT id, direction, writer, reply_text FROM message WHERE ticket_id IN (HR) ORDER BY id',
		'SELECT * FROM participant WHERE ticket_id IN (HR) ORDER BY 1, 2', 'SELECT * FROM consultation',
		'SELECT id, template, recipient, state FROM outbox WHERE ticket_id IN (HR) ORDER BY id';
}

# --- attempts that have a reference in them -------------------------------------------------------
my @attempts;
my @in_lines = ('take', 'assign aino', 'queue ict', 'priority urgent', 'type request', 'tag +x', 'field a=b',
	'subject Oma', 'cc +aino.oma@posti.example', 'organisation none', 'wait customer', 'wait supplier valo',
	'wait until 2027-12-01', 'open', 'resolve', 'reopen', 'close', 'spam', 'note', 'supplier valo', 'ask aino@example.fi',
	'ask oma@posti.example', "merge TUKI-$own", "link TUKI-$own", "parent TUKI-$own", 'split', 'history', 'template x',
	'survey exclude x', 'for oma@posti.example', 'undo', 'send', 'drop', 'next', 'list', 'search palkka');
push @attempts, map { ["\@REF #$_", {}] } grep { !/^(?:next|list|search|template)/ } @in_lines;
push @attempts, map { [$_, {}] } "TUKI-$own #merge \@REF", "TUKI-$own #link \@REF", "TUKI-$own #parent \@REF",
	"\@REF TUKI-$own #priority low", '#history @REF', '#search @REF', '#list @REF', '#split @REF';
push @attempts, ['a plain reply, tag in the subject', { subject => 'Re: [@REF] asia', text => "Miten menee?\n" }],
	['#take, tag in the subject', { subject => 'Re: [@REF] asia', text => "#take\n" }],
	['#history, tag in the subject', { subject => 'Re: [@REF] asia', text => "#history\n" }],
	['#note, tag in the subject', { subject => 'Re: [@REF] asia', text => "#note\n\nKuulin jotain.\n" }],
	['a forward, tag in the subject', { subject => 'Fwd: [@REF] asia', text => "Katso.\n" }],
	["to hr's address, tag in the subject", { to => 'hr@example.fi', subject => 'Re: [@REF] asia', text => "Hei.\n" }],
	["a reply to the customer's Message-ID", { headers => "In-Reply-To: <\@ID>\n", text => "Hei.\n" }],
	["#take in a reply to the customer's Message-ID", { headers => "In-Reply-To: <second.\@ID>\n", text => "#take\n" }],
	["the customer's Message-ID in References", { headers => "References: <third.\@ID> <y.\@ID>\n", text => "Hei.\n" }];

sub send_attempt {
	my ($attempt, $ticket, $id) = @_;
	my ($what, $m) = @$attempt;
	my %m = (from => $aino, subject => 'Yritys ' . (++$n), text => ($what =~ /[#]/ ? $what : 'Hei.') . "\n\nSana.\n", %$m);
	$m{text} = "$what\n" if !$m->{text} && $what =~ /#(?:history|search|list|undo|send|drop|merge|link|parent)\b/;
	for my $value (values %m) {
		$value =~ s/\@REF/TUKI-$ticket/g;
		$value =~ s/\@ID/$id/g;
	}
	return proven(%m);
}

# What came of the mail: where it went, and what each mail of the desk's that it caused says.
sub told {
	my ($id, $ticket, $message_id) = @_;
	my %wire = map { header($_->{data}, 'Message-ID') =~ /<(.*)>/ ? ($1 => $_) : () } $desk->smtp->mails;
	my ($row) = $db->sql("SELECT id, coalesce(ticket_id, 0) FROM message WHERE message_id = '$id'");
	my ($message, $on) = ref $row ? @$row : (0, 0);
	my @mails;
	for my $mail ($db->sql("SELECT template, recipient, header_message_id, ticket_id FROM outbox WHERE cause_id = $message
			AND recipient = 'aino\@example.fi' ORDER BY id")) {
		my ($template, $to, $header, $about) = @$mail;
		my ($text) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } parts(($wire{$header} // { data => '' })->{data});
		my $subject = decode('MIME-Header', header(($wire{$header} // { data => "\n\n" })->{data}, 'Subject') // '');
		push @mails, "$template to $to: $subject\n" . ($text // '(not sent)');
	}
	my @new = map { $_->[0] } $db->sql("SELECT t.queue || ' ' || t.status FROM ticket t JOIN message m ON m.ticket_id = t.id
		WHERE m.id = $message");
	my $told = join "\n", @mails;
	s/Yritys \d+/Yritys/g, s/\bTUKI-$ticket\b/\@REF/g, s/<\Q$message_id\E>/\@ID/g for $told;
	$told =~ s/TUKI-$on\b/\@NEW/g if $on;
	$told =~ s/\[\@NEW\] \[\@REF\]/[\@NEW]/g;
	my $where = $on == $hr || $on == $old ? 'ON THE HR TICKET' : @new ? "a ticket in @new" : $message ? 'a command mail' : 'nowhere';
	my $line = join ', ', map { /^(\S+ to \S+):/ } @mails;
	my ($first) = $told =~ /^ {4}(.*)$/m;
	$first = (grep { /\S/ } split /\n/, $told)[1] // '' if !defined $first;
	return { where => $where, told => $told, line => ($line || 'no mail') . ($first ? ": $first" : '') };
}

my $before = state_of_hr();
my @sent = map { [$_, send_attempt($_, $hr, 'palkka@sairaala.example'), send_attempt($_, $none, 'no-such@sairaala.example')] } @attempts;
round('all of them are tried');
is(state_of_hr(), $before, 'the tickets of hr are as they were, in every column, event, message, person and mail');
my @table = (['attempt', 'what became of it', 'what the agent was told', 'same for none']);
for my $sent (@sent) {
	my ($attempt, @ids) = @$sent;
	my ($real, $not) = (told($ids[0], $hr, 'palkka@sairaala.example'), told($ids[1], $none, 'no-such@sairaala.example'));
	is($real->{told}, $not->{told}, "$attempt->[0]: told what is told of no ticket");
	is($real->{where}, $not->{where}, '... and the mail goes where that one goes');
	unlike($real->{told}, $secret, '... without a word of it') if $attempt->[0] !~ /search|hr's address/;
	push @table, [$attempt->[0] =~ s/\@REF/HR/gr, $real->{where}, $real->{line},
		$real->{told} eq $not->{told} && $real->{where} eq $not->{where} ? 'yes' : 'NO'];
}

# --- what the agent may read of their own tickets ------------------------------------------------
my @new = map { $_->[0] } $db->sql("SELECT t.id FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.from_address = 'aino\@example.fi'
	AND m.direction = 'in' ORDER BY t.id");
my %history = map { $_ => proven(from => $aino, subject => "Yritys $_", text => "#history TUKI-$_\n") } @new;
my %look = map { $_ => proven(from => $aino, subject => "Yritys $_", text => "$_\n") } '#search salaisuuslisa', '#search palkkatunniste',
	'#search maija@sairaala.example', '#search Palkkasotku', '#list', '#list hr', '#help', '#template';
$desk->deliver('ict', mail(from => $maija, subject => 'Tulostimen kahva taas irti', id => 'kahva2@sairaala.example',
	text => "Hei,\n\ntulostimen kahva irtosi taas, kuten viimeksi. Voitteko auttaa?\n"));
round('look-ups, and a notice about the same customer');
my $ict = number_of('Tulostimen kahva taas irti');
for my $ticket (@new) {
	my $told = told($history{$ticket}, $hr, 'palkka@sairaala.example');
	unlike($told->{told}, qr/\@REF|Palkkasotku/, "the history of TUKI-$ticket does not name it");
}
push @table, ['#history of tickets that such mails opened', 'a command mail', scalar(@new) . ' receipts, none names it', 'yes'];
for my $words (sort keys %look) {
	my $told = told($look{$words}, $hr, 'x');
	unlike($told->{told}, qr/\@REF|TUKI-$old\b|Palkkasotku\b(?!"?$)|Tulostimen kahva(?! taas)|palkkatunniste(?!"?$)/m, "$words does not find it");
	push @table, [$words, $told->{where}, $told->{line}, '-'];
}
my ($notice) = grep { $_->{data} =~ /X-Luukku-Ticket: TUKI-$ict\b/ && $_->{rcpt}[0] eq 'aino@example.fi' } $desk->smtp->mails;
my ($notice_text) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } parts($notice->{data});
unlike($notice_text, qr/TUKI-(?:$hr|$old)\b|Palkkasotku|salaisuuslis/, 'a notice about the same customer names neither');
like($notice_text, qr/^In other queues besides: 2$/m, '... but how many there are') or diag $notice_text;
push @table, ['a notice: earlier tickets, similar ones', '-', 'In other queues besides: 2; no similar one', '-'];

# --- addresses that were made for others ----------------------------------------------------------
my %token;
for my $mail ($desk->smtp->mails) {
	my ($to) = map { lc } $mail->{rcpt}[0];
	next if decode('MIME-Header', header($mail->{data}, 'Subject')) !~ /TUKI-$hr\b/;
	($token{$to}) = (header($mail->{data}, 'Reply-To') // '') =~ /(\S+\+[a-z2-7]{36}\@example\.fi)/;
}
my %reply = map { $_ => proven(from => $aino, to => $token{$_} // die("no reply address for $_"), subject => 'Yritys ' . ++$n, text => "#take\n\nKuka tämä on?\n") }
	'bo@example.fi', 'maija@sairaala.example';
my $reply_event = $db->sql("SELECT count(*) FROM event WHERE ticket_id = $hr AND event IN ('owner', 'agent_mail')");
round('by the reply addresses of others');
for my $whose (sort keys %reply) {
	my $told = told($reply{$whose}, $hr, 'x');
	is($told->{told}, '', "by the address made for $whose: no answer");
	push @table, ["#take to the reply address made for $whose", $told->{where} . ' as words of a guest', $told->{line}, '-'];
}
is($db->sql("SELECT coalesce(owner, '-') || ' ' || status || ' ' || priority FROM ticket WHERE id = $hr"), '- new normal', 'nothing is run');
is($db->sql("SELECT count(*) FROM event WHERE ticket_id = $hr AND event IN ('owner', 'agent_mail')"), $reply_event, '... at all');

# --- what others do with both --------------------------------------------------------------------
proven(from => $mari, subject => 'children', text => "TUKI-$hr #parent TUKI-$own\n");
proven(from => $mari, subject => 'links', text => "TUKI-$hr #link TUKI-$ict\n");
round('a colleague of both queues makes it a child of a ticket of ict');
my $resolved = proven(from => $aino, subject => 'Yritys 1', text => "TUKI-$own #resolve\n\nKorjattu.\n");
round('whose agent resolves that');
is($db->sql("SELECT status FROM ticket WHERE id = $hr"), 'resolved', 'the child is resolved with it');
my $told = told($resolved, $hr, 'x');
like($told->{told}, qr/TUKI-$own: /, 'the receipt shows the parent');
$told->{told} =~ s/^resolution to .*?^(?=receipt to )//ms; # to the customers
unlike($told->{told}, qr/\@REF|$secret/, '... and not the child');
push @table, ['#resolve of its parent', $told->{where}, 'receipt: the parent alone', '-'];
my $undone = proven(from => $aino, subject => 'Yritys 2', text => "#undo\n");
round('and takes it back');
my $linked = proven(from => $aino, subject => 'Yritys 3', text => "#history TUKI-$ict\n");
my $parent = proven(from => $aino, subject => 'Yritys 4', text => "#history TUKI-$own\n");
round('and looks at histories');
is($db->sql("SELECT status FROM ticket WHERE id = $hr"), 'new', 'the child is as it was');
for my $look (['#undo of that', $undone], ["#history of a ticket linked to it", $linked], ['#history of its parent', $parent]) {
	$told = told($look->[1], $hr, 'x');
	unlike($told->{told} =~ s/maija\S+//gr, qr/\@REF|$secret/, "$look->[0]: not a word of it");
	push @table, [$look->[0], $told->{where}, $told->{line}, '-'];
}

# --- a transfer taken back by an answer to its receipt ---------------------------------------------
my $moved = proven(from => $aino, subject => 'Yritys 8', text => "TUKI-$ict #queue hr\n");
round('an agent moves a ticket to hr');
my ($receipt) = grep { $_->{rcpt}[0] eq 'aino@example.fi' && $_->{data} =~ /X-Luukku-Ticket: TUKI-$ict\b/ } reverse $desk->smtp->mails;
my $reply_to = header($receipt->{data}, 'Reply-To');
my $words = proven(from => $aino, to => $reply_to, subject => 'Yritys 9', text => "Tämä jäi vielä sanomatta.\n");
my $back = proven(from => $aino, to => $reply_to, subject => 'Yritys 10', text => "#peru\n");
round('and answers the old notice, then the receipt');
like(told($words, $hr, 'x')->{told}, qr/moved to a queue that the agent does not serve/, 'words by an address of before are refused, and it is said');
is(told($words, $hr, 'x')->{where}, 'a command mail', '... and are no part of the ticket');
like(told($back, $hr, 'x')->{told}, qr/^TUKI-$ict: /m, '#undo by the same address takes the transfer back');
is($db->sql("SELECT queue FROM ticket WHERE id = $ict"), 'ict', '... which is in ict again');

# --- a ticket that goes out of sight --------------------------------------------------------------
proven(from => $aino, subject => 'look', text => "#history TUKI-$own\n");
round('a history is looked at');
proven(from => $mari, subject => 'move', text => "TUKI-$own #queue hr\n");
round('the ticket moves to hr');
my $more = proven(from => $aino, subject => 'Yritys 5', text => "#more\n");
my $gone = proven(from => $aino, subject => 'Yritys 6', text => "TUKI-$own #take\n");
round('its former agent asks for more');
unlike(told($more, $hr, 'x')->{told}, qr/Hiiri|veikko/, '#more shows nothing of what went out of sight');
like(told($gone, $hr, 'x')->{told}, qr/There is no ticket TUKI-$own\./, 'nor is it there for commands');
push @table, ['#more of a history that went to hr', 'a command mail', told($more, $hr, 'x')->{line}, '-'];

# --- a mail to both teams: the other one is shown the mail, and nothing that its team knows of it -------
$desk->deliver('ict', mail(from => $maija, to => 'hr@example.fi, ict@example.fi', subject => 'Tulostimen kahva taas',
	id => 'taas@sairaala.example', text => "Hei,\n\ntulostimen kahva on taas irti.\n"));
round('a mail to both teams');
my $both = number_of('Tulostimen kahva taas');
is($db->sql("SELECT queue FROM ticket WHERE id = $both"), 'hr', 'is a ticket of the first');
my %notice = map { $_->{rcpt}[0] => decode('UTF-8', (parts($_->{data}))[0]{text}) }
	grep { $_->{data} =~ /^X-Luukku-Ticket: TUKI-$both\b/m && $_->{rcpt}[0] =~ /^(?:aino|bo)@/ } $desk->smtp->mails;
is_deeply([sort keys %notice], ['aino@example.fi', 'bo@example.fi'], '... of which both hear');
like($notice{'bo@example.fi'}, qr/kiinnitettiin salaisuuslisalla/, 'its own team is reminded how such a one was resolved');
unlike($notice{'aino@example.fi'}, qr/kiinnitettiin|salaisuuslis/, 'the other one is not');
like($notice{'aino@example.fi'}, qr/kahva on taas irti/, '... but reads the mail');
is(join(' ', map { (uri_unescape($_) =~ /(#\w+)/)[0] } $notice{'aino@example.fi'} =~ /mailto:\S+body=(\S+)/g), '#split', '... and is offered what it may do, no more');
like($notice{'bo@example.fi'}, qr/body=%23take/, '... the others what they may');
my ($to, $subject) = $notice{'aino@example.fi'} =~ /mailto:([^?\s]+)\?subject=(\S+?)&body=%23split/;
$desk->deliver('ict', mail(from => $aino, to => uri_unescape($to), subject => uri_unescape($subject), text => "#split\n"));
round('which is taken up');
is($db->sql("SELECT string_agg(t.queue, ' ') FROM ticket t JOIN ticket_link l ON l.other_id = t.id WHERE l.ticket_id = $both"), 'ict',
	'... and makes a ticket of its own');

# --- the deputy of one who is away sees no more than before ------------------------------------------
proven(from => $bo, subject => 'away', text => "#away 2026-01-01..2099-12-31 to aino\n");
round('an agent of hr is away, with a deputy who is not of hr');
$desk->deliver('ict', mail(from => $maija, to => 'hr@example.fi', subject => 'Palkkani', id => 'palkkani@sairaala.example', text => "Palkkani on väärin.\n"));
round('a mail to hr');
my $pay = number_of('Palkkani');
is_deeply([map { $_->[0] } grep { $_->[0] =~ /^aino/ } $db->sql("SELECT recipient FROM outbox WHERE ticket_id = $pay")], [], 'tells the deputy nothing');

my @width = map { my $c = $_; (sort { $b <=> $a } map { length $_->[$c] } @table)[0] } 0 .. 3;
note join ' | ', map { sprintf '%-*s', $width[$_] > 60 ? 60 : $width[$_], $table[0][$_] } 0 .. 3;
for my $row (@table) {
	note join ' | ', map { sprintf '%-*s', $width[$_] > 60 ? 60 : $width[$_], substr $row->[$_], 0, 110 } 0 .. 3 if $row != $table[0];
}
done_testing;
