#!/usr/bin/perl
# Who may act as an agent: every trick to be taken for one, by mail through Dovecot and luukkud. Each
# attempt on a ticket of its own: what became of it and what the agent was told at the address on file.
# prove -v shows the table.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(header mail parts);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	site => 'senders_verified = true; authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" ); languages = ( "fi", "sv", "en" );',
	mailboxes => <<'CONF',
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; poll = "5s"; after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; },
  { name = "m365"; protocol = "pop3"; host = "127.0.0.1"; port = @POP3@; tls = "none"; user = "hr@example.fi";
    password_file = "hr.pass"; poll = "5s"; after = "delete"; on_backlog = "normal"; trust_internal = true; }
CONF
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; aliases = ( "aino.aalto@example.fi" ); languages = ( "en", "fi" ); },
  { name = "Cecilia Ceder"; address = "cecilia@example.fi"; languages = ( "sv", "fi" ); }
CONF
	queues => <<'CONF',
  { name = "ict"; title = "ICT"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "cecilia@example.fi" );
    notify = "agents"; mass: { people = 0; }; acknowledge = true; }
CONF
	extra => 'breaker = ( "2000/10m" ); suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); } );',
);
my $db = $desk->db;
my $aino = 'Aino Aalto <aino@example.fi>';
my $received = "Received: from client.example by mx.example.fi; Fri, 20 Nov 2026 09:00:00 +0000\n";
my $below = "Received: from laptop by mail.evil.example; Fri, 20 Nov 2026 08:59:00 +0000\n";
my $n = 0;

sub results {
	my ($text) = @_;
	return "Authentication-Results: mx.example.fi; $text\n$received";
}

sub round {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return;
}

# --- the attempts ---------------------------------------------------------------------------------
# [what, mail, outcome, template told, reason told]; outcome: run, not, stranger. In the mail: to => the
# reply address of 'agent' (this agent's), 'other' (a colleague's), 'customer', 'plain'.
my $pass = results('dmarc=pass header.from=example.fi');
my @attempts = (
	['dmarc=pass of its domain (allowed)', { to => 'plain', headers => $pass }, 'run'],
	['dkim=pass by its domain (allowed)', { to => 'plain', headers => results('dkim=pass header.d=example.fi') }, 'run'],
	['dkim=pass by a subdomain of it (allowed)', { to => 'plain', headers => results('dkim=pass header.i=@news.example.fi') }, 'run'],
	['the reply address made for the agent (allowed)', { to => 'agent' }, 'run'],
	['... from an alias, in capitals (allowed)', { to => 'agent', from => 'AINO.Aalto@EXAMPLE.FI' }, 'run'],
	['no proof at all', { to => 'plain' }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['a pass below the topmost Received', { to => 'plain', headers => "$received$below" . 'Authentication-Results: mx.example.fi; dmarc=pass header.from=example.fi'
		. "\n" }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['a second result of the same id further down', { to => 'plain', headers => results('dmarc=none')
		. "Authentication-Results: mx.example.fi; dmarc=pass header.from=example.fi\n" }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['a pass by another server', { to => 'plain', headers => "Authentication-Results: mx.evil.example; dmarc=pass header.from=example.fi\n$received" },
		'not', 'held', qr/Nothing proves that it is from you\./],
	['a pass by a server with a longer name', { to => 'plain', headers => "Authentication-Results: mx.example.fi.evil.example; dmarc=pass\n$received" },
		'not', 'held', qr/Nothing proves that it is from you\./],
	['a pass in a comment of the result', { to => 'plain', headers => results('dmarc=none (dmarc=pass) reason="x; dmarc=pass"') }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['dmarc=pass of another domain', { to => 'plain', headers => results('dmarc=pass header.from=evil.example') }, 'not', 'held', qr/another domain/],
	['dkim=pass by another domain', { to => 'plain', headers => results('dkim=pass header.d=evil.example') }, 'not', 'held', qr/another domain/],
	['dkim=pass by a longer domain', { to => 'plain', headers => results('dkim=pass header.d=example.fi.evil.example') }, 'not', 'held', qr/another domain/],
	['spf=pass alone', { to => 'plain', headers => results('spf=pass smtp.mailfrom=example.fi') }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['the right address, but dmarc=fail', { to => 'agent', headers => results('dmarc=fail header.from=example.fi') }, 'not', 'refused', qr/does not come from/],
	['the right address, but dkim=fail', { to => 'agent', headers => results('dkim=fail header.d=example.fi') }, 'not', 'refused', qr/does not come from/],
	['two From headers, the agent first', { to => 'agent', headers => "From: eve\@evil.example\n" }, 'not', 'refused', qr/exactly one From/],
	['two From headers, in other letters', { to => 'agent', headers => "FROM: aino\@example.fi\n" }, 'not', 'refused', qr/exactly one From/],
	['two From headers, the agent last', { to => 'agent', from => 'eve@evil.example', headers => "From: aino\@example.fi\n" }, 'stranger'],
	['two addresses in From', { to => 'agent', from => "$aino, eve\@evil.example" }, 'not', 'refused', qr/exactly one From/],
	['two addresses, dmarc=pass', { to => 'plain', from => "$aino, eve\@evil.example", headers => $pass }, 'not', 'refused', qr/exactly one From/],
	['a group in From', { to => 'agent', from => 'team: aino@example.fi;' }, 'not', 'refused', qr/exactly one From/],
	['a group and an address', { to => 'agent', from => 'team:; , aino@example.fi' }, 'not', 'refused', qr/exactly one From/],
	['Reply-To of the agent', { to => 'plain', from => 'eve@evil.example', headers => "Reply-To: aino\@example.fi\n" }, 'stranger'],
	['Sender of the agent', { to => 'plain', from => 'eve@evil.example', headers => "Sender: aino\@example.fi\n" }, 'stranger'],
	['Return-Path and X-Sender of the agent', { to => 'plain', from => 'eve@evil.example', headers => "Return-Path: <aino\@example.fi>\nX-Sender: aino\@example.fi\n" }, 'stranger'],
	['the address as display name', { to => 'agent', from => '"aino@example.fi" <eve@evil.example>' }, 'stranger'],
	['name and address as display name', { to => 'agent', from => '"Aino Aalto <aino@example.fi>" <eve@evil.example>' }, 'stranger'],
	['the address as local part', { to => 'agent', from => '"aino@example.fi"@evil.example' }, 'stranger'],
	['a header in the display name', { to => 'agent', from => '=?utf-8?q?x=0D=0AFrom:_aino=40example.fi?= <eve@evil.example>' }, 'stranger'],
	['a header in the subject', { to => 'plain', from => 'eve@evil.example', subject => '=?utf-8?q?x=0D=0AFrom:_johtaja=40example.fi=0D=0ABcc:_x=40y.example?= [@REF]' }, 'stranger'],
	['the address as encoded word', { to => 'agent', from => '=?utf-8?q?aino=40example.fi?=' }, 'not', 'refused', qr/exactly one From/],
	['a route before the address', { to => 'agent', from => '<@evil.example:aino@example.fi>' }, 'not', 'refused', qr/exactly one From/],
	['a look-alike domain', { to => 'agent', from => 'Aino Aalto <aino@examp1e.fi>' }, 'stranger'],
	['a look-alike letter (Cyrillic)', { to => 'agent', from => encode('UTF-8', "Aino Aalto <\x{430}ino\@example.fi>") }, 'stranger'],
	['a longer domain', { to => 'agent', from => 'aino@example.fi.evil.example' }, 'stranger'],
	['a plus detail', { to => 'agent', from => 'aino+x@example.fi' }, 'stranger'],
	["the agent's reply address in a stranger's hands", { to => 'agent', from => 'Eve <eve@evil.example>' }, 'stranger'],
	["the customer's reply address", { to => 'customer' }, 'not', 'held', qr/Nothing proves that it is from you\./],
	["a colleague's reply address", { to => 'other' }, 'not', 'held', qr/made for another agent/],
	['the reply address of another ticket, tag of this one', { to => 'elsewhere' }, 'elsewhere'],
	['a reply address for a command about another ticket', { to => 'elsewhere', text => "\@REF #priority urgent\n" }, 'not', 'held', qr/counts for its own ticket alone/],
	['a reply address with a letter changed', { to => 'changed' }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['AuthAs: Internal where it is not believed', { to => 'plain', headers => "X-MS-Exchange-Organization-AuthAs: Internal\n" }, 'not', 'held', qr/Nothing proves that it is from you\./],
	['AuthAs: Internal where it is (allowed)', { to => 'plain', mailbox => 'hr', headers => "X-MS-Exchange-Organization-AuthAs: Internal\n" }, 'run'],
	['AuthAs: Internal twice', { to => 'plain', mailbox => 'hr', headers => "X-MS-Exchange-Organization-AuthAs: Internal\n" x 2 }, 'not', 'held', qr/more than once/],
	['AuthAs: Anonymous', { to => 'plain', mailbox => 'hr', headers => "X-MS-Exchange-Organization-AuthAs: Anonymous\n" }, 'not', 'held', qr/does not say/],
	['AuthAs: Anonymous, then Internal', { to => 'plain', mailbox => 'hr', headers => "X-MS-Exchange-Organization-AuthAs: Anonymous\nX-MS-Exchange-Organization-AuthAs: Internal\n" },
		'not', 'held', qr/more than once/],
	['AuthAs: Internal, but dmarc=fail', { to => 'plain', mailbox => 'hr', headers => results('dmarc=fail header.from=example.fi')
		. "X-MS-Exchange-Organization-AuthAs: Internal\n" }, 'not', 'refused', qr/does not come from/],
);

# --- a ticket for each ----------------------------------------------------------------------------
for my $i (0 .. $#attempts + 8) {
	$desk->deliver('ict', mail(from => "Maija $i <maija$i\@sairaala.example>", subject => "Tulostin numero $i"));
}
round('a ticket for each attempt');
my %ticket = map { $_->[1] =~ /(\d+)$/ ? ($1 => $_->[0]) : () } $db->sql('SELECT id, subject FROM ticket');
is(scalar keys %ticket, @attempts + 8, 'as many as attempts');
my %address;
for my $mail ($desk->smtp->mails) {
	my ($number) = decode('MIME-Header', header($mail->{data}, 'Subject')) =~ /numero (\d+)/ or next;
	my ($who) = $mail->{rcpt}[0] =~ /^(aino|cecilia|maija)/;
	($address{ { aino => 'agent', cecilia => 'other', maija => 'customer' }->{$who} }{$number}) =
		header($mail->{data}, 'Reply-To') =~ /(ict\+[a-z2-7]{36}\@example\.fi)/;
}

sub address_of {
	my ($kind, $i) = @_;
	return 'ict@example.fi' if $kind eq 'plain';
	return $address{agent}{ $#attempts + 1 } if $kind eq 'elsewhere';
	return $address{agent}{$i} =~ s/([a-z2-7])(?=@)/$1 eq 'a' ? 'b' : 'a'/er if $kind eq 'changed';
	return $address{$kind}{$i} // die "no $kind address for $i";
}

sub attempt {
	my ($i, $m) = @_;
	my %m = (from => $aino, subject => 'Re: [@REF] x', text => "#priority urgent\n\nYour password, please.\n", id => 'try' . ++$n . ".$$\@example.fi", %$m);
	my $mailbox = delete $m{mailbox} // 'ict';
	$m{to} = address_of($m{to}, $i);
	s/\@REF/TUKI-$ticket{$i}/g for values %m;
	$desk->deliver($mailbox, mail(%m));
	return $m{id};
}

my @ids = map { attempt($_, $attempts[$_][1]) } 0 .. $#attempts;
round('all attempts are taken');

# What the agent was told: every mail that this one caused to an address on file.
sub told {
	my ($id) = @_;
	my %wire = map { header($_->{data}, 'Message-ID') =~ /<(.*)>/ ? ($1 => $_) : () } $desk->smtp->mails;
	return map { my ($template, $to, $header) = @$_; my ($text) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } parts($wire{$header}{data});
		{ template => $template, to => $to, text => $text } }
		$db->sql("SELECT o.template, o.recipient, o.header_message_id FROM outbox o JOIN message m ON m.id = o.cause_id
			WHERE m.message_id = '$id' AND o.template IN ('held', 'refused', 'receipt', 'command-error') ORDER BY o.id");
}

sub why {
	my ($text) = @_;
	return ($text =~ /^Reason: (.*)$/m)[0] // ($text =~ /^(Nothing proves.*)$/m)[0];
}

sub state_of {
	my ($number) = @_;
	my ($row) = $db->sql("SELECT priority, coalesce(owner, '-'), first_response_at IS NOT NULL FROM ticket WHERE id = $number");
	return join ' ', @$row;
}

sub events {
	my ($number) = @_;
	return join ' ', map { $_->[0] } $db->sql("SELECT event FROM event WHERE ticket_id = $number ORDER BY id");
}

sub events_of {
	my ($id) = @_;
	return join ' ', map { $_->[0] } $db->sql("SELECT e.event FROM event e JOIN message m ON m.id = e.message_id WHERE m.message_id = '$id'");
}

my @table;
for my $i (0 .. $#attempts) {
	my ($what, $m, $outcome, $template, $reason) = @{ $attempts[$i] };
	my ($state, $events) = (state_of($ticket{$i}), events($ticket{$i}));
	my @told = told($ids[$i]);
	my $to_customer = $db->sql("SELECT count(*) FROM outbox WHERE ticket_id = $ticket{$i} AND template = 'reply'");
	if ($outcome eq 'run') {
		is($state, 'urgent aino@example.fi t', "$what: run");
		is(join(' ', map { "$_->{template} $_->{to}" } @told), 'receipt aino@example.fi', '... with a receipt');
	} else {
		is($state, 'normal - f', "$what: nothing is run");
		is($to_customer, 0, '... nothing goes to the customer');
		if ($template) {
			is(join(' ', map { "$_->{template} $_->{to}" } @told), "$template aino\@example.fi", "... the agent's address on file is told ($template)");
			like($told[0]{text} // '', $reason, '... and why');
			like(events_of($ids[$i]), $template eq 'held' ? qr/agent_held/ : qr/agent_refused/, '... and the history says so');
		} elsif ($outcome eq 'stranger') {
			is(scalar @told, 0, '... it is a stranger\'s: no agent is named, none is told of a command');
			unlike($events, qr/agent_mail|agent_held/, '... nor is it in the history as one');
		}
	}
	my ($line) = map { my $why = why($_->{text}); "$_->{template}: " . ($why // (split /\n/, $_->{text})[0]) } @told;
	push @table, [$what, $outcome eq 'run' ? 'run' : $template ? ($template eq 'held' ? 'held for 24 h, not run' : 'stored, not run, never will be')
		: $outcome eq 'elsewhere' ? 'run on the ticket of the address alone' : 'taken as the words of a stranger', $line // 'nothing'];
}
is(state_of($ticket{ $#attempts + 1 }), 'urgent aino@example.fi t', 'a reply address acts on its own ticket, whatever the subject names');

# --- addresses that have gone to others, keys, time -------------------------------------------------
sub later {
	my ($what, $i, $m, $wanted, $template, $reason, $note) = @_;
	my $id = attempt($i, $m);
	round($what);
	my @told = told($id);
	is(state_of($ticket{$i}), $wanted, "$what: the ticket");
	is(join(' ', map { "$_->{template} $_->{to}" } @told), $template ? "$template aino\@example.fi" : '', '... what the agent is told');
	like($told[0]{text} // '', $reason, '... and why') if $reason;
	my $why = why($told[0]{text} // '');
	push @table, [$what, $note, $template ? "$template: " . ($why // (split /\n/, $told[0]{text})[0]) : 'nothing'];
	return $told[0];
}
my $base = $#attempts + 2;
later('the right address, a friend in Cc (allowed)', $base, { to => 'agent', headers => "Cc: friend\@elsewhere.example\n", text => "#priority high\n" },
	'high - f', 'receipt', undef, 'run; the address is revoked then');
like(events($ticket{$base}), qr/token_revoked/, 'its address is revoked, and the history says so');
later('the same address again, by whoever', $base, { to => 'agent', text => "#priority urgent\n" }, 'high - f', 'held', qr/revoked/, 'held for 24 h, not run');
my $file = $desk->dir . '/site.key';
my $key = slurp($file);
spew($file, join('', map { sprintf '%02x', int rand 256 } 1 .. 32) . "\n$key", 0600);
$desk->give_away($file);
later('a reply address of before the key was rotated (allowed)', $base + 1, { to => 'agent', text => "#priority high\n" }, 'high - f', 'receipt', undef, 'run');
my @keys = split /\n/, slurp($file);
spew($file, "$keys[0]\n", 0600);
$desk->give_away($file);
later('the same once its key was retired', $base + 1, { to => 'agent', text => "#priority urgent\n" }, 'high - f', 'held', qr/Nothing proves that it is from you\./, 'held for 24 h, not run');
spew($file, join("\n", @keys) . "\n", 0600);
$desk->give_away($file);
$db->sql("UPDATE ticket SET status = 'closed', resolved_at = now() - interval '20 days', closed_at = now() - interval '15 days' WHERE id = " . $ticket{ $base + 2 });
later('the reply address of a ticket closed 15 days ago', $base + 2, { to => 'agent' }, 'normal - f', 'held', qr/closed too long ago/, 'held for 24 h, not run');

# --- action links -----------------------------------------------------------------------------------
sub link_of {
	my ($told) = @_;
	my ($address) = $told->{text} =~ /^mailto:([^?\s]+)/m;
	return $address // die "no link in: $told->{text}";
}

sub click {
	my ($what, $i, $address, $m, $wanted, $template, $reason, $note) = @_;
	$address =~ s/%2B/+/i;
	my $id = 'click' . ++$n . ".$$\@example.fi";
	$desk->deliver('ict', mail(from => $aino, to => $address, subject => 'OK', text => "\n", id => $id, %$m));
	round($what);
	my @told = told($id);
	# What was held caused the receipt.
	my ($receipt) = $db->sql("SELECT count(*) FROM outbox WHERE template = 'receipt' AND ticket_id = $ticket{$i}");
	is(state_of($ticket{$i}), $wanted, "$what: the ticket");
	is(join(' ', map { "$_->{template} $_->{to}" } @told), $template ? "$template aino\@example.fi" : '', '... what the agent is told');
	like($told[0]{text} // '', $reason, '... and why') if $reason;
	push @table, [$what, $note, $template ? "$template: " . (split /\n/, $told[0]{text})[0] : $note =~ /as written/ ? 'receipt' : 'nothing'];
	return;
}
my $held = (told(attempt($base + 3, { to => 'plain' })), round('a mail is held'), told("try$n.$$\@example.fi"))[-1];
my $link = link_of($held);
click('its action link, by a stranger', $base + 3, $link, { from => 'Eve <eve@evil.example>' }, 'normal - f', undef, undef, 'taken as the words of a stranger');
click('its action link, by a colleague', $base + 3, $link, { from => 'Cecilia <cecilia@example.fi>' }, 'normal - f', undef, undef, 'nothing is run');
click('its action link, dmarc=fail', $base + 3, $link, { headers => results('dmarc=fail header.from=example.fi') }, 'normal - f', 'refused', qr/does not come from/,
	'stored, not run');
click('its action link, by the agent (allowed)', $base + 3, $link, {}, 'urgent aino@example.fi t', undef, undef, 'run as written');
is($db->sql("SELECT string_agg(template || ' ' || recipient, ', ' ORDER BY id) FROM outbox WHERE ticket_id = $ticket{$base + 3} AND template IN ('reply', 'receipt')"),
	'reply maija' . ($base + 3) . '@sairaala.example, receipt aino@example.fi', 'the customer has the words, the agent a receipt');
click('its action link a second time', $base + 3, $link, {}, 'urgent aino@example.fi t', 'refused', qr/used before, or its time is over/, 'nothing is run again');
is($db->sql("SELECT count(*) FROM outbox WHERE ticket_id = $ticket{$base + 3} AND template = 'reply'"), 1, 'the customer got it once');
my $second = (told(attempt($base + 4, { to => 'plain' })), round('another mail is held'), told("try$n.$$\@example.fi"))[-1];
$db->sql("UPDATE held_command SET at = at - interval '25 hours', expires_at = expires_at - interval '25 hours' WHERE ticket_id = " . $ticket{ $base + 4 });
click('an action link after 24 h', $base + 4, link_of($second), {}, 'normal - f', 'refused', qr/used before, or its time is over/, 'nothing is run');

is_deeply([grep { $_->{data} =~ /^(?:Bcc|From: johtaja)/mi } $desk->smtp->mails], [], 'no header was put into a mail of ours');
my @width = map { my $c = $_; (sort { $b <=> $a } map { length $_->[$c] } @table)[0] } 0 .. 2;
note join ' | ', map { sprintf '%-*s', $width[$_], ('attempt', 'what happened', 'what the agent was told')[$_] } 0 .. 2;
note join ' | ', do { my $row = $_; map { sprintf '%-*s', $width[$_], $row->[$_] } 0 .. 2 } for @table;
done_testing;
