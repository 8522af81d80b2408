#!/usr/bin/perl
# Each mailto: link of the digests of a bad day, sent as a mail by its reader: it does what it says,
# once, and for nobody else. Answers to a digest may hold command lines that begin with references.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Encode qw(encode decode);
use Luukku::Test::Base;
use Luukku::Test::BadDay qw(links);
use Luukku::Test::Desk qw(header mail parts);
use POSIX ();

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $day = Luukku::Test::BadDay->start(site => 'incident_managers = ( "ida@example.fi" );
	authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" ); senders_verified = true;');
my $db = $day->db;
my $minute = 50;
my %did;

sub part {
	my ($mail, $type) = @_;
	return join "\n", map { $_->{text} } grep { $_->{type} eq $type } parts($mail->{data});
}

# As a mail client opens and sends them; all taken at once. For each: what its writer is told, what the
# history says, and the mails that it causes for people outside.
sub press_all {
	my ($who, $headers, @links) = @_;
	$day->at(sprintf '2026-08-10 %02d:%02d', 7 + int($minute / 60), $minute++ % 60);
	for my $link (@links) {
		my $mail = mail(from => "\u$who <$who\@example.fi>", to => $link->{to}, subject => encode('MIME-Q', $link->{subject}),
			text => encode('UTF-8', $link->{body}), headers => $headers);
		$link->{id} = header($mail, 'Message-ID') =~ s/[<>]//gr;
		$day->desk->deliver('ict', $mail, at => $day->epoch);
	}
	$day->once;
	my @done;
	for my $link (@links) {
		my $message = $db->sql("SELECT max(id) FROM message WHERE message_id = '$link->{id}'");
		push @done, [[map { $_->[0] } $db->sql("SELECT template FROM outbox WHERE cause_id = $message AND recipient = '$who\@example.fi' ORDER BY id")],
			[map { $_->[0] } $db->sql("SELECT event FROM event WHERE message_id = $message ORDER BY id")],
			[map { "@$_" } $db->sql("SELECT template, recipient FROM outbox WHERE (cause_id = $message OR message_id = $message)
				AND recipient NOT LIKE '%example.fi' ORDER BY id")]];
	}
	return @done;
}

sub press {
	my ($who, $link, %option) = @_;
	my ($done) = press_all($who, $option{headers} // '', $link);
	return @$done;
}

# What the newest such mail is filled with.
sub said {
	my ($template) = @_;
	return decode('UTF-8', scalar $db->sql("SELECT variables::text FROM outbox WHERE template = '$template' ORDER BY id DESC LIMIT 1"));
}

# What each link is expected to bring about: a receipt; a mail to the customer or supplier; or it is a
# mail to a colleague that is ready to be sent.
sub try_links {
	my ($who, @links) = @_;
	my @ours = grep { $_->{to} =~ /\+/ } @links;
	for my $link (grep { $_->{to} !~ /\+/ } @links) {
		like($link->{to}, qr/\A(?:admin|aino|cecilia|dan|bo|liisa)\@example\.fi\z/, "$who: a mail to $link->{to}");
		ok($link->{subject} ne '', '... with a subject');
	}
	my @done = press_all($who, '', @ours);
	for my $i (0 .. $#ours) {
		my ($told, $events, $outside) = @{ $done[$i] };
		my $kind = $ours[$i]{body} =~ /^(?:TUKI-\d+ )?#(\w+)/ ? $1 : $ours[$i]{body} eq 'OK' ? 'action' : 'tell';
		my $label = "$who " . ($i + 1) . ": $kind";
		$did{$kind}++;
		ok(!(grep { /^(?:command-error|refused|held)$/ } @$told), $label) or diag "@$told | @$events\n", explain $ours[$i];
		is(scalar(grep { $_ eq 'receipt' } @$told), 1, '... its writer gets a receipt') if $kind ne 'tell';
		ok(scalar(grep { /^(?:reply|supplier) / } @$outside), '... a mail goes out') if $kind =~ /^(?:tell|supplier)$/;
	}
	return;
}

$day->sched('2026-08-10 07:45');
$day->at('2026-08-10 07:46');
$day->once;
my %digest = (bo => part($day->mail_to('bo@example.fi', qr/^Jonojen tilanne/), 'text/html'),
	ida => part($day->mail_to('ida@example.fi', qr/^Koko palvelun/), 'text/html'),
	cecilia => part($day->mail_to('cecilia@example.fi', qr/^Päivän työt/), 'text/html'),
	liisa => part($day->mail_to('liisa@example.fi', qr/^Jonojen tilanne/), 'text/html'));

# --- not for others, not twice --------------------------------------------------------------------------
my ($release, $drop) = grep { $_->{body} eq 'OK' } links($digest{bo} =~ /(Karanteeni.*?<h2)/s);
my $held = $db->sql("SELECT count(*) FROM quarantine WHERE state = 'held'");
press('dan', $release);
is(scalar $db->sql("SELECT count(*) FROM quarantine WHERE state = 'held'"), $held, "another agent's mail to the link does nothing");
my ($told) = press('bo', $release);
is_deeply($told, ['receipt'], 'releasing');
like(said('receipt'), qr/Viesti on nyt tukipyyntö\. TUKI-\d+/, '... says which ticket it is');
is($db->sql("SELECT concat_ws(' ', q.state, q.decided_by, t.subject) FROM quarantine q JOIN message m ON m.id = q.message_id JOIN ticket t ON t.id = m.ticket_id
	WHERE m.subject = 'Viikon uutiset'"), 'released agent:bo@example.fi Viikon uutiset', '... makes it a ticket');
($told) = press('bo', $release);
is_deeply($told, ['refused'], 'the same link again does nothing');
($told) = press('bo', $drop);
is_deeply($told, ['refused'], '... nor the other one, as it is decided');
like(said('refused'), qr/was released already.*asiasta on jo päätetty/, '... and says so');

# --- each link ------------------------------------------------------------------------------------------
for my $who (qw(bo ida cecilia liisa)) {
	my %seen;
	my @links = grep { !$seen{"$_->{to} $_->{body}"}++ && $_->{to} ne $release->{to} && $_->{to} ne $drop->{to} } links($digest{$who});
	cmp_ok(scalar @links, '>', 3, "$who: " . @links . ' links');
	try_links($who, @links);
}
diag 'links by what they do: ' . join ', ', map { "$_ $did{$_}" } sort keys %did;
is_deeply([grep { !$did{$_} } qw(take assign priority tell supplier wait action)], [], 'every kind of link was tried');
is(scalar $db->sql("SELECT count(*) FROM absence WHERE agent = 'aino\@example.fi' AND ended_at IS NULL"), 0, 'who was back is back');
is(scalar $db->sql("SELECT count(*) FROM outbox WHERE state IN ('failed', 'held')"), 0, 'nothing failed or held is left');

# --- time, and teams that change ------------------------------------------------------------------------
$db->sql("UPDATE action SET used_at = NULL, expires_at = '2026-08-10T04:00:00Z'");
($told) = press('bo', $release);
is_deeply($told, ['refused'], 'a link whose time is over does nothing');
$db->sql("UPDATE action SET used_at = NULL, expires_at = '2026-08-24T04:00:00Z', queue = 'hr' WHERE agent = 'bo\@example.fi'");
($told) = press('bo', $release);
is_deeply($told, ['refused'], 'nor a link of a queue that is not theirs any more');

# --- answers --------------------------------------------------------------------------------------------
my ($a, $b) = map { 'TUKI-' . $day->ticket($_) } qw(nina robert);
my $mail = $day->mail_to('bo@example.fi', qr/^Jonojen tilanne/);
my $id = header($mail->{data}, 'Message-ID');
my $auth = "Authentication-Results: mx.example.fi; dmarc=pass header.from=example.fi; dkim=pass header.d=example.fi\n"
	. "Received: from x by mx.example.fi with ESMTP; Mon, 10 Aug 2026 05:00:00 +0000\n";
my $answer = { to => header($mail->{data}, 'From') =~ /<(.*)>/, subject => 'Re: ' . decode('MIME-Header', header($mail->{data}, 'Subject')),
	body => "$a $b #assign dan\n$a #priority low\n\n> Hyvää huomenta\n> $b  Levy täynnä\n" };
($told) = press('bo', $answer, headers => "In-Reply-To: $id\nReferences: $id\n$auth");
is_deeply($told, ['receipt'], 'an answer to the digest with lines that begin with references: one receipt for all');
is_deeply([map { "@$_" } $db->sql("SELECT 'TUKI-' || id, owner, priority FROM ticket WHERE id IN (" . join(',', map { s/TUKI-//r } $a, $b) . ') ORDER BY id')],
	["$a dan\@example.fi low", "$b dan\@example.fi " . $db->sql('SELECT priority FROM ticket WHERE id = ' . $b =~ s/TUKI-//r)], '... all of them run');
($told) = press('bo', { %$answer, body => "$a #assign cecilia\n" }, headers => "In-Reply-To: $id\n");
is_deeply($told, ['held'], 'without proof it is held and its writer asked');
done_testing;
