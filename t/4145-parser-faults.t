#!/usr/bin/perl

# A parser that crashes, hangs, spins, eats memory or reaches for what its walls forbid: what the
# operator sees, the ticket that is made all the same, and that the next mail is not kept waiting.
# The filter of a release build is tried by the hardened build's run of this test; sanitizers need
# to open files, so that theirs cannot refuse it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until program run);
use Luukku::Test::Desk qw(mail);
use Test::More;

my $version = run([program('luukku-parse'), '--version'])->{out};
like $version, qr/^luukku-parse \S+ \(sandbox: limits, seccomp(?: wide \(sanitizers\))?\)$/, '--version says what it is confined with';
my $is_wide = $version =~ /wide/;

my $limit = 20;    # seconds for one mail, both tries
my %why = (
	'parse-crash'  => qr/the parser crashed on this mail, twice/,
	'parse-hang'   => qr/the parser did not answer within its time on this mail, twice/,
	'parse-spin'   => qr/the parser did not answer within its time on this mail, twice/,
	'parse-eat'    => qr/the parser crashed on this mail, twice/,
	'parse-socket' => qr/the parser did what its sandbox forbids \(SIGSYS\) on this mail, twice/,
	'parse-exec'   => qr/the parser did what its sandbox forbids \(SIGSYS\) on this mail, twice/,
	'parse-open'   => qr/the parser did what its sandbox forbids \(SIGSYS\) on this mail, twice/,
);
# Without a limit of memory this one would take the machine's.
delete @why{qw(parse-eat parse-open)} if $is_wide;
my @faults = sort keys %why;

my $desk = Luukku::Test::Desk->start(mailboxes => <<'CONF');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; }
CONF
$desk->up(env => { LUUKKU_FAULT_MODE => 'parse-marked' });

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

my %mail;
for my $fault (@faults) {
	$mail{$fault} = mail(from => "Pahis <$fault\@asiakas.example>", subject => "koe $fault", headers => "X-Luukku-Fault: $fault\n");
	my $before = time;
	$desk->deliver('ict', $mail{$fault});
	$desk->deliver('ict', mail(from => "Seuraava <$fault\@toinen.example>", subject => "seuraava $fault"));
	my $is_taken = eval {
		wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'seuraava $fault'") }, $limit + 10, 'the next ticket');
		1;
	};
	my $waited = time - $before;
	ok $is_taken, "$fault: the next mail was taken" or diag $desk->log;
	# What the fetcher, the database and this test take besides is little.
	cmp_ok $waited, '<=', $limit + 4, "$fault: $waited s after both came, within the limit of $limit s";
}
wait_until(sub { $desk->dovecot->count('ict@example.fi', 'Luukku/Done') == 2 * @faults }, 30, 'the mails to be moved');

my @listed = @{ $desk->json('list') };
for my $n (0 .. $#faults) {
	my $fault = $faults[$n];
	my $uid = 2 * $n + 1;
	my ($line) = grep { /mail\.unparsed uid="$uid"/ && /$why{$fault}/ } split /\n/, $desk->log;
	ok $line, "$fault: the log says what happened";
	note $line if $line;
	my ($ticket) = grep { $_->{subject} eq "koe $fault" } @listed;
	ok $ticket, "$fault: there is a ticket with its subject" or next;
	my $show = $desk->json('show', $ticket->{ref});
	is $show->{requester}{address}, "$fault\@asiakas.example", "$fault: with its sender";
	is $show->{queue}, 'ict', "$fault: in its queue";
	ok scalar(grep { $_ eq 'unparsed' } @{ $show->{tags} }), "$fault: tagged unparsed";
	my ($event) = grep { $_->{event} eq 'unparsed' } @{ $show->{events} };
	like $event->{reason}, qr/original\.eml/, "$fault: its history says where to look";
	my @attached = @{ $show->{messages}[0]{attachments} };
	is_deeply [map { $_->{filename} } @attached], ['original.eml'], "$fault: the raw mail is attached";
	is $attached[0]{size}, length $mail{$fault}, "$fault: whole";
	is one("SELECT count(*) FROM outbox WHERE recipient = '$fault\@asiakas.example'"), 0, "$fault: no answer is sent";
	is one("SELECT count(*) FROM outbox WHERE recipient = '$fault\@toinen.example'"), 1, "$fault: the next one is acknowledged";
}
is scalar(() = $desk->log =~ /mail\.unparsed/g), scalar @faults, 'one line for each';
is $desk->dovecot->count('ict@example.fi', 'INBOX', live => 1), 0, 'nothing is left on the server';
$desk->down;

# By hand the same can be seen of one mail.
if (!$is_wide) {
	my $path = $desk->dir . '/mail.eml';
	Luukku::Test::Base::spew($path, $mail{'parse-open'});
	my $read = run([program('luukkuctl'), 'parse', '--json', $path], env => { LUUKKU_FAULT_MODE => 'parse-marked' });
	like $read->{out}, $why{'parse-open'}, 'luukkuctl parse says it too';
}

done_testing;
