#!/usr/bin/perl
# A changed configuration in a running desk: while mail comes in by IMAP and over an LMTP connection
# that stays open, reload after reload, none is missed and none is doubled, the first mail after
# reload.done goes by the new rules whoever takes it, and no program starts again without need.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use Socket ();
use Test::More;
use Luukku::Test::Base qw(wait_until spew slurp);
use Luukku::Test::Desk qw(mail header);

my $ROUNDS = $ENV{LUUKKU_LONG} ? 60 : 12;

# A rule that marks, behind two hundred that do something else.
sub rules {
	my ($round, $more) = @_;
	my $others = join '', map {
		my $test = $_ % 3 == 0 ? qq{subject = "/(laite|kone) +[A-Z]{2}0*$_\\\\b/i";} : $_ % 3 == 1 ? qq{from_domain = "yritys$_.example";} : qq{subject = "*asia $_*";};
		qq{  { name = "rule $_"; match: { $test }; set: { tags = ( "t$_" ); }; },\n}
	} 1 .. 200;
	return qq{reload_limit = 100;\nrules: (\n$others  { name = "mark"; match: { subject = "*"; }; set: { tags = ( "r$round" ); }; }\n);\n} . ($more // '');
}

my $desk = Luukku::Test::Desk->start(extra => rules(0));
$desk->up;
my ($want, $folder_n, %mark) = (0, 0);

# --- the three ways in ------------------------------------------------------------------------------

sub fetched {
	my ($user, $what) = @_;
	my $id = sprintf 'm%04d@kunta.example', ++$want;
	$desk->deliver($user, mail(id => $id, from => "asiakas$want\@kunta$want.example", to => "$user\@example.fi", subject => "$what $want"));
	return $id;
}

my $lmtp;
sub answer {
	my @lines;
	while (defined(my $line = <$lmtp>)) {
		push @lines, $line;
		last if $line =~ /^\d{3} /;
	}
	return join '', @lines;
}
sub lmtp_open {
	my $path = $desk->dir . '/run/lmtp';
	wait_until(sub { -S $path && ($lmtp = IO::Socket::UNIX->new(Type => Socket::SOCK_STREAM(), Peer => $path)) }, 30, 'LMTP');
	answer();
	print $lmtp "LHLO test\r\n";
	return answer();
}
sub command {
	my ($line) = @_;
	print $lmtp "$line\r\n";
	return answer();
}
sub handed_over {
	my ($what) = @_;
	my $id = sprintf 'm%04d@kunta.example', ++$want;
	my $mail = mail(id => $id, from => "asiakas$want\@kunta$want.example", to => 'hr@example.fi', subject => "$what $want");
	my $said = command("MAIL FROM:<asiakas$want\@kunta$want.example>") . command('RCPT TO:<hr@example.fi>') . command('DATA');
	$said .= command("$mail\r\n.");
	like($said, qr/^250 .*^250 .*^354 .*^250 /ms, "$what: taken over LMTP") or diag $said;
	return $id;
}

sub log_count { my $n = () = $desk->log =~ /$_[0]/g; return $n }

sub reload {
	my ($text) = @_;
	my $before = log_count(qr/reload\.done/);
	$desk->configure(extra => $text);
	kill 'HUP', $desk->{pid};
	wait_until(sub { log_count(qr/reload\.done/) > $before }, 60, 'the reload');
	return;
}
sub processes { return join ' ', map { "$_->{name}=" . ($_->{pid} // 'none') } @{ $desk->json('status')->{daemons} } }
sub marks {
	my ($id) = @_;
	return scalar $desk->db->sql("SELECT array_to_string(t.tags, ' ') FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.message_id = '$id'");
}

# --- rules that change ---------------------------------------------------------------------------

wait_until(sub { processes() !~ /none/ && (() = processes() =~ /=/g) == 6 }, 30, 'all programs');
lmtp_open();
fetched('ict', 'ennen');
wait_until(sub { $desk->db->sql('SELECT count(*) FROM ticket') == $want }, 60, 'the first mail');
my $before = processes();

my (%first, %meanwhile);
for my $round (1 .. $ROUNDS) {
	$meanwhile{ fetched('ict', 'tuloa') } = $round for 1 .. 6;
	reload(rules($round));
	$first{ fetched('ict', "heti $round") } = $round;
	$first{ handed_over("heti $round") } = $round;
	# The next reload would change what it meets.
	wait_until(sub { $desk->db->sql('SELECT count(*) FROM ticket') >= $want }, 60, 'the first mail after the reload');
	fetched('hr', "myöhemmin $round") if $round % 4 == 0;
}
wait_until(sub { $desk->db->sql('SELECT count(*) FROM ticket') >= $want }, 120, 'all tickets');
is(processes(), $before, "$ROUNDS reloads: no program was started again");

my @wrong = grep { marks($_) ne "r$first{$_}" } sort keys %first;
is(join(', ', map { "$_: " . marks($_) . ", not r$first{$_}" } @wrong), '', 'the first mails after each reload.done went by the new rule');
@wrong = grep { my ($n) = marks($_) =~ /^r(\d+)$/; !defined $n || $n < $meanwhile{$_} - 1 || $n > $meanwhile{$_} + 1 } sort keys %meanwhile;
is("@wrong", '', 'those that came during a reload by the one before or the new one');

is(scalar $desk->db->sql("SELECT count(*) FROM message WHERE direction = 'in'"), $want, "all $want mails are there");
is(scalar $desk->db->sql("SELECT count(DISTINCT message_id) FROM message WHERE direction = 'in'"), $want, '... and none is there twice');
wait_until(sub { $desk->db->sql("SELECT count(*) FROM outbox WHERE state = 'sent'") >= $want }, 120, 'the acknowledgements');
my %to;
$to{ lc $_->{rcpt}[0] }++ for $desk->smtp->mails;
is(scalar(keys %to), $want, 'each sender got an acknowledgement');
is(join(' ', grep { $to{$_} != 1 } sort keys %to), '', '... and only one');
wait_until(sub { log_count(qr/reload\.settled/) >= 1 && $desk->log =~ /reload\.settled late=0[^\n]*\n(?!.*reload\.(?:done|settled))/s }, 30, 'the last reload to settle');
is(log_count(qr/reload\.late/), 0, 'every program took every reload over in time');

# --- all else that is in the policy: in place, too -------------------------------------------------

# Templates elsewhere, read by luukku-send.
my $own = $desk->scratch('own');
mkdir "$own/$_" or die "$own/$_: $!" for qw(fi sv en);
spew("$own/fi/acknowledgement.txt", "Oma vastaus asiaan {{reference}}\n", 0644);
# A queue that is new, with an address that luukku-lmtp has never heard of.
my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; },
  { name = "tilat"; addresses = ( "tilat@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
command('RSET');
unlike(command('MAIL FROM:<a@kunta.example>') . command('RCPT TO:<tilat@example.fi>'), qr/^250 .*^250 /ms, 'an address that is nobody\'s');
command('RSET');
$desk->configure(queues => $queues);
reload(rules(99, qq{templates = "own";\n}));
like(command('MAIL FROM:<a@kunta.example>') . command('RCPT TO:<tilat@example.fi>'), qr/^250 .*^250 /ms, 'after the reload the same connection takes mail for it');
command('RSET');
fetched('ict', 'malli');
my ($ack) = grep { $_->{rcpt}[0] eq "asiakas$want\@kunta$want.example" } $desk->smtp->wait_mails($want);
like($ack->{data}, qr/^Oma vastaus asiaan TUKI-\d+/m, 'the acknowledgement is of the new template');
is(processes(), $before, 'and nobody was started again');

# --- what a server needs: one program starts again, nothing is lost -----------------------------------

my ($old) = $before =~ /luukku-fetch hr=(\d+)/;
fetched('hr', 'ennen') for 1 .. 3;
my $mailboxes = $desk->{option}{mailboxes};
my $text = slurp($desk->conf);
my ($section) = $text =~ /^mailboxes: \((.*?)^ ?\);$/ms;
$section =~ s/(name = "hr".*?poll = )"5s"/$1"4s"/s or die 'no hr';
$desk->configure(mailboxes => $section);
reload(rules(100, qq{templates = "own";\n}));
fetched('hr', 'jälkeen') for 1 .. 3;
wait_until(sub { $desk->db->sql('SELECT count(*) FROM ticket') >= $want }, 120, 'mails around a restart');
is(scalar $desk->db->sql("SELECT count(*) FROM message WHERE direction = 'in'"), $want, 'a restart of one fetcher misses and doubles nothing');
my $after = processes();
unlike($after, qr/luukku-fetch hr=$old\b/, 'the fetcher of the changed mailbox is new');
is(join(' ', grep { !/luukku-fetch hr|luukku-lmtp/ } split / (?=luukku)/, $after),
	join(' ', grep { !/luukku-fetch hr|luukku-lmtp/ } split / (?=luukku)/, $before), '... and no other but luukku-lmtp, which delivers for it');

$desk->down;
$desk->show_log if !Test::More->builder->is_passing;
done_testing;
