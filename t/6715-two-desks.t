#!/usr/bin/perl
# Two luukku desks that write to each other: what goes out where all is as it should be, where somebody on
# the way takes off all that marks automatic mail, and where even subjects are new each time. Mails out,
# digests, recovery.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use POSIX ();

my $breaker = 'breaker = ( "3/10m", "6/60m" );';
my $ours = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; title = "ICT"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); mass: { people = 0; }; }
CONF
	extra => qq{$breaker suppliers: ( { name = "toinen"; addresses = ( "tuki\@toinen.example" ); } );},
);
my $theirs = Luukku::Test::Desk->start(
	pg => $ours->pg, domain => 'toinen.example', prefix => 'HELP',
	site => 'admins = ( "admin@toinen.example" );',
	agents => '{ name = "Cecilia"; address = "cecilia@toinen.example"; }',
	mailboxes => <<'CONF',
  { name = "tuki"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; poll = "5s"; after = "move:Luukku/Done"; on_backlog = "normal"; }
CONF
	queues => <<'CONF',
  { name = "tuki"; title = "Toinen tuki"; addresses = ( "tuki@toinen.example" ); agents = ( "cecilia@toinen.example" );
    managers = ( "cecilia@toinen.example" ); mass: { people = 0; }; }
CONF
	extra => $breaker,
);
my $now = 1_785_740_400; # 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# One desk takes its mail and sends what follows.
sub turn {
	my ($desk) = @_;
	my $done = $desk->once(env => { LUUKKU_NOW => iso($now) });
	fail("a desk at " . iso($now)) || diag $done->{err} if $done->{status} != 0;
	run([program('luukku-send'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($now + 30) });
	return;
}

# What a mail server does with a mail on its way in, and what the worst of gateways does.
my $n = 0;
my %gateway;
%gateway = (
	none => sub { return $_[0] },
	strips => sub {
		my ($head, $body) = split /\r\n\r\n/, $_[0], 2;
		$head =~ s/^(?:Auto-Submitted|X-Auto-Response-Suppress|Precedence|List-[^:]*|X-[^:]*|In-Reply-To|References|Reply-To|Message-ID):.*(?:\r\n[ \t].*)*(?:\r\n|\z)//gmi;
		$head =~ s/\r\n\z//;
		return "$head\r\nMessage-ID: <gateway" . ++$n . "\@gw.example>\r\n\r\n$body";
	},
	rewrites => sub {
		my ($mail) = @_;
		my $word = join '', map { chr(97 + int rand 26) } 1 .. 12;
		(my $new = $gateway{strips}->($mail)) =~ s/^Subject:.*(?:\r\n[ \t].*)*/Subject: $word/mi;
		# Nor is there a word of the mail left.
		my ($head) = split /\r\n\r\n/, $new, 2;
		$head =~ s/^Content-[^:]*:.*(?:\r\n[ \t].*)*(?:\r\n|\z)//gmi;
		$head =~ s/\r\n\z//;
		return "$head\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" . join(' ', map { scalar reverse $word . $_ } 1 .. 30) . "\r\n";
	},
);

# Mails that one desk sent to the other's address go into its mailbox; how many they were.
my %passed = (ours => 0, theirs => 0);
sub pass_on {
	my ($from, $to, $domain, $way) = @_;
	my @mails = grep { $_->{rcpt}[0] =~ /\@\Q$domain\E\z/ && $_->{rcpt}[0] =~ /^(?:ict|tuki|luukku-bounces)\b/ } $from->smtp->mails;
	my $key = $from == $ours ? 'ours' : 'theirs';
	for my $mail (@mails[$passed{$key} .. $#mails]) {
		my $bytes = $gateway{$way}->($mail->{data});
		$to->deliver('ict', "Return-Path: <$mail->{from}>\r\nDelivered-To: $mail->{rcpt}[0]\r\n$bytes", at => $now);
	}
	my $new = @mails - $passed{$key};
	$passed{$key} = @mails;
	return $new;
}

# Back and forth until nothing is on its way.
sub play {
	my ($way, $rounds) = @_;
	for my $round (1 .. $rounds) {
		turn($ours);
		my $out = pass_on($ours, $theirs, 'toinen.example', $way);
		turn($theirs);
		my $back = pass_on($theirs, $ours, 'example.fi', $way);
		$now += 20;
		return $round if !$out && !$back && $round > 1;
	}
	return;
}

sub counts {
	my ($desk, $other, $since) = @_;
	my %n = map { @$_ } $desk->db->sql("SELECT state, count(*) FROM outbox WHERE recipient = '$other' AND id > $since GROUP BY 1");
	return { sent => 0, held => 0, %n };
}

sub newest { return scalar $_[0]->db->sql('SELECT coalesce(max(id), 0) FROM outbox') }

sub digests { return [map { $_->[0] } $_[0]->db->sql("SELECT recipient FROM outbox WHERE template = 'breaker-digest' ORDER BY id")] }

# --- as it should be -------------------------------------------------------------------------------------

my @shown = (['on the way', 'we sent', 'they sent', 'we held', 'they held', 'rounds', 'our tickets', 'theirs']);
sub scenario {
	my ($name, $way, $rounds, $begin) = @_;
	my @before = map { (newest($_), scalar $_->db->sql('SELECT count(*) FROM ticket')) } $ours, $theirs;
	$begin->();
	my $took = play($way, $rounds);
	my ($we, $they) = (counts($ours, 'tuki@toinen.example', $before[0]), counts($theirs, 'ict@example.fi', $before[2]));
	my @tickets = map { $_->[0]->db->sql('SELECT count(*) FROM ticket') - $_->[1] } [$ours, $before[1]], [$theirs, $before[3]];
	push @shown, [$name, $we->{sent}, $they->{sent}, $we->{held}, $they->{held}, $took // "> $rounds", @tickets];
	ok($took, "$name: it ends") or diag explain [$we, $they];
	return ($we, $they, @tickets);
}

my $ticket;
my ($we, $they, @tickets) = scenario('as sent', 'none', 6, sub {
	$ours->deliver('ict', mail(from => 'maija@asiakas.example', subject => 'Verkko ei toimi'), at => $now);
	turn($ours);
	$ticket = $ours->db->sql('SELECT min(id) FROM ticket');
	my $done = $ours->ctl('do', "TUKI-$ticket", 'supplier toinen', '--as', 'aino@example.fi', '--text', '-',
		{ in => "Hei, asiakkaan verkko on poikki. Voitteko katsoa?\n", env => { LUUKKU_NOW => iso($now + 31) } });
	is($done->{status}, 0, 'we ask them') or diag $done->{err};
	$now += 60;
});
is_deeply([$we->{sent}, $they->{sent}], [1, 1], 'our question and their acknowledgement, and nothing more');
is_deeply(\@tickets, [1, 1], 'one ticket each');
is(scalar $ours->db->sql("SELECT status FROM ticket WHERE id = $ticket"), 'open', 'an acknowledgement is no answer');
$now += 3600;
my $theirs_id = $theirs->db->sql('SELECT max(id) FROM ticket');
($we, $they, @tickets) = scenario('their agent answers', 'none', 6, sub {
	my $done = $theirs->ctl('do', "HELP-$theirs_id", 'note', '--as', 'cecilia@toinen.example', '--text', '-',
		{ in => "Katsomme.\n", env => { LUUKKU_NOW => iso($now) } });
	is($done->{status}, 0, 'a note stays with them') or diag $done->{err};
	$done = $theirs->ctl('do', "HELP-$theirs_id", 'resolve', '--as', 'cecilia@toinen.example', '--text', '-',
		{ in => "Kytkin on vaihdettu, verkko toimii.\n", env => { LUUKKU_NOW => iso($now) } });
	is($done->{status}, 0, 'their resolution comes to us') or diag $done->{err};
});
is_deeply([$we->{sent}, $they->{sent}, @tickets], [0, 1, 0, 0], 'one mail, on the same tickets');
is(scalar $ours->db->sql("SELECT writer || ' ' || direction FROM message WHERE ticket_id = $ticket AND reply_text LIKE '%Kytkin on vaihdettu%'"), 'supplier note',
	'with us it is the supplier\'s note') or diag explain [$ours->db->sql('SELECT ticket_id, writer, direction, kind, subject FROM message')];

# --- all that marks automatic mail is lost ------------------------------------------------------------------

$now += 86400;
($we, $they, @tickets) = scenario('headers lost', 'strips', 12, sub {
	$theirs->deliver('ict', mail(from => 'ict@example.fi', to => 'tuki@toinen.example', subject => 'Uusi asia', text => "Hei, palvelin hidas.\n"), at => $now);
});
is_deeply([$we->{held} + $they->{held}], [0], 'the tags of the subject end it before the breaker');
cmp_ok($we->{sent} + $they->{sent}, '<=', 3, 'after an answer or two');

# --- even the words are new each time -------------------------------------------------------------------------

$now += 86400;
my @digests = (scalar @{ digests($ours) }, scalar @{ digests($theirs) });
my $tickets = $ours->db->sql('SELECT count(*) FROM ticket');
($we, $they, @tickets) = scenario('all is rewritten', 'rewrites', 30, sub {
	$theirs->deliver('ict', mail(from => 'ict@example.fi', to => 'tuki@toinen.example', subject => 'Hurahdus', text => "Kolmas asia.\n"), at => $now);
});
cmp_ok($we->{sent}, '<=', 9, 'we send no more than three times the budget of a ticket to one address');
cmp_ok($they->{sent}, '<=', 9, 'nor do they');
is($we->{held} + $they->{held}, 1, 'one held mail ends it');
my ($tripped) = $we->{held} ? $ours : $theirs;
$now += 300;
run([program('luukku-sched'), '-c', $tripped->conf, '--once'], env => { LUUKKU_NOW => iso($now) });
my $told = digests($tripped);
is_deeply($told, $tripped == $ours ? ['admin@example.fi', 'bo@example.fi'] : ['admin@toinen.example', 'cecilia@toinen.example'],
	'admins and managers of that desk get one digest');
is_deeply(digests($tripped == $ours ? $theirs : $ours), [], 'and those of the other none');

# --- recovery ---------------------------------------------------------------------------------------------------

$now += 7200;
my $before = newest($ours);
$ours->deliver('ict', mail(from => 'tuki@toinen.example', subject => 'Kysymys laskusta', text => "Onko lasku 17 maksettu?\n"), at => $now);
turn($ours);
is(counts($ours, 'tuki@toinen.example', $before)->{sent}, 1, 'two hours later a mail from there is answered again');
run([program('luukku-sched'), '-c', $tripped->conf, '--once'], env => { LUUKKU_NOW => iso($now + 60) });
is_deeply(digests($tripped), $told, 'without another digest');
is_deeply([$tripped->db->sql("SELECT 1 FROM timer WHERE kind = 'breaker-digest'")], [], 'it has resumed by itself');
note sprintf '%-22s %8s %10s %8s %10s %7s %12s %7s', @$_ for @shown;

done_testing();
