#!/usr/bin/perl

# Mails that are heavy in every way a mail can be: each is a ticket with what was readable, in
# bounded time and memory. LUUKKU_LONG takes the full sizes (about five minutes); else a fraction.
# The table that is printed shows time, the peak of fetcher and parser together, and the ticket.

use strict;
use warnings;
use utf8;
use FindBin;
use IO::Select ();
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until slurp spew program run);
use Luukku::Test::Desk qw(mail);
use POSIX ();
use Test::More;
use Time::HiRes ();

my $share = $ENV{LUUKKU_LONG} ? 1 : 0.03;
my $is_wide = run([program('luukku-parse'), '--version'])->{out} =~ /wide/;

sub attachment {
	my ($bytes) = @_;
	my $line = ('QUJD' x 19) . "\r\n";    # 57 bytes of ABC in 78
	my $lines = int($bytes / length $line);
	return (mail(subject => 'liite', headers => "Content-Type: multipart/mixed; boundary=raja\n",
		text => "--raja\nContent-Type: text/plain\n\nIso liite.\n--raja\nContent-Type: application/zip; name=iso.zip\n"
			. "Content-Transfer-Encoding: base64\n\n") . ($line x $lines) . "--raja--\r\n", $lines * 57);
}

sub nested {
	my ($levels) = @_;
	my $text = join '', map { "--r$_\r\nContent-Type: multipart/mixed; boundary=r" . ($_ + 1) . "\r\n\r\n" } 1 .. $levels;
	return mail(subject => 'syvyys', headers => "Content-Type: multipart/mixed; boundary=r1\n", text => '')
		. $text . '--r' . ($levels + 1) . "\r\n\r\nPohjalla.\r\n";
}

sub parts {
	my ($n) = @_;
	return mail(subject => 'osat', headers => "Content-Type: multipart/mixed; boundary=r\n", text => '')
		. join('', map { "--r\r\nContent-Type: application/octet-stream; name=o$_\r\n\r\n$_\r\n" } 1 .. $n) . "--r--\r\n";
}

sub header_line {
	my ($bytes) = @_;
	my $mail = mail(subject => 'otsake', text => "Sanat.\n");
	$mail =~ s/^MIME-Version/'X-Pitka: ' . ('a' x $bytes) . "\r\nMIME-Version"/me;
	return $mail;
}

sub recipients {
	my ($n) = @_;
	my $mail = mail(subject => 'saajat', text => "Sanat.\n", to => 'ict@example.fi');
	my $cc = join ",\r\n ", map { "Saaja $_ <saaja$_\@kaikki.example>" } 1 .. $n;
	$mail =~ s/^MIME-Version/Cc: $cc\r\nMIME-Version/m;
	return $mail;
}

sub table {
	my ($bytes) = @_;
	my $row = '<tr><td>rivi</td><td style="color:red">solu &auml;</td></tr>' . "\r\n";
	return mail(subject => 'taulukko', headers => "Content-Type: text/html; charset=utf-8\n", text => '')
		. "<html><body><p>Alku.</p><table>\r\n" . ($row x ($bytes / length $row)) . "</table></body></html>\r\n";
}

my $desk = Luukku::Test::Desk->start(mailboxes => <<'CONF');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi"; max_size = "200M";
    password_file = "ict.pass"; after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; }
CONF
$desk->up;

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

# kB of the fetcher and the parser together, now: what only they hold, and their share of the rest.
sub memory {
	my $sum = 0;
	for my $status (glob '/proc/[0-9]*/comm') {
		my $name = eval { slurp($status) } // next;
		my ($dir) = $status =~ m{^(.*)/};
		next if $name !~ /^luukku-(?:fetch|parse)$/ || !is_ours($dir);
		my $text = eval { slurp("$dir/smaps_rollup") } // next;
		$sum += $1 if $text =~ /^Pss:\s+(\d+)/m;
	}
	return $sum;
}

# Other tests run fetchers too.
sub is_ours {
	my ($dir) = @_;
	for (1 .. 4) {
		return 1 if $dir eq "/proc/$desk->{pid}";
		my $stat = eval { slurp("$dir/stat") } // return 0;
		$stat =~ /^\d+ \(.*\) \S (\d+)/ or return 0;
		$dir = "/proc/$1";
	}
	return 0;
}

# Looks every few milliseconds until the pipe ends; the highest stands in the file.
sub watch {
	my ($path) = @_;
	pipe my $end, my $hold or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	return ($pid, $hold) if $pid;
	close $hold;
	my $peak = 0;
	while (!IO::Select->new($end)->can_read(0.003)) {
		my $now = memory();
		next if $now <= $peak;
		$peak = $now;
		spew($path, $peak);
	}
	POSIX::_exit(0);
}

my @table;
sub take {
	my ($name, $subject, $mail, $most) = @_;
	my $bytes = length $mail;
	my $seen = $desk->dir . '/peak';
	spew($seen, 0);
	my ($watcher, $hold) = watch($seen);
	$desk->deliver('ict', $mail);
	my $since = Time::HiRes::time();
	my $is_taken = eval {
		wait_until(sub {
			one("SELECT count(*) FROM ticket WHERE subject = '$subject'");
		}, 120, "the ticket of $name");
	};
	my $seconds = Time::HiRes::time() - $since;
	close $hold;
	waitpid $watcher, 0;
	my $peak = slurp($seen) || 0;
	ok $is_taken, "$name: is a ticket" or do { diag $desk->log; return {} };
	cmp_ok $seconds, '<', $most, sprintf '%s: taken in %.1f s', $name, $seconds;
	# Sanitizers take several times as much.
	cmp_ok $peak, '<', 48 * 1024, "$name: fetcher and parser together stay below 48 MiB" if !$is_wide;
	my ($ticket) = grep { $_->{subject} eq $subject } @{ $desk->json('list') };
	my $show = $desk->json('show', $ticket->{ref});
	my @defects = split /\n/, one("SELECT string_agg(d, E'\\n') FROM message m, jsonb_array_elements_text(m.parsed->'defects') d WHERE m.subject = '$subject'") // '';
	push @table, sprintf '%-28s %9.1f MB %6.1f s %6.1f MiB  tags=%s attachments=%s text=%d defects=%s', $name, $bytes / 1e6, $seconds, $peak / 1024,
		join(',', @{ $show->{tags} }) || '-', scalar @{ $show->{messages}[0]{attachments} }, length $show->{messages}[0]{text}, join('; ', @defects) || '-';
	is $show->{requester}{address} =~ /^asiakas\d+\@asiakas\.example$/ ? 1 : 0, 1, "$name: of its sender";
	return $show;
}

sub attached {
	my ($show, $name) = @_;
	my ($found) = grep { ($_->{filename} // '') eq $name } @{ $show->{messages}[0]{attachments} };
	return $found;
}

take('a small one', 'pieni', mail(subject => 'pieni'), 20);
my ($big, $size) = attachment(100e6 * $share);
my $show = take('100 MB', 'liite', $big, 60);
is attached($show, 'iso.zip')->{size}, $size, 'its attachment is whole';
like $show->{messages}[0]{text}, qr/^Iso liite\.$/m, 'and its words are there';
undef $big;
$show = take('100,000 nested parts', 'syvyys', nested(100_000 * $share), 40);
ok attached($show, 'original.eml'), 'the raw mail is attached';
$show = take('100,000 parts', 'osat', parts(100_000 * $share), 60);
ok attached($show, 'original.eml'), 'the raw mail is attached' if 100_000 * $share > 5000;
$show = take('50 MB header line', 'otsake', header_line(50e6 * $share), 40);
like $show->{messages}[0]{text}, qr/^Sanat\.$/m, 'its words are there';
ok attached($show, 'original.eml'), 'the raw mail is attached';
$show = take('200,000 recipients', 'saajat', recipients(200_000 * $share), 40);
like $show->{messages}[0]{text}, qr/^Sanat\.$/m, 'its words are there';
$show = take('20 MB HTML table', 'taulukko', table(20e6 * $share), 40);
like $show->{messages}[0]{text}, qr/Alku\.\n+.*rivi.*solu ä/s, 'its words are there';
take('a small one after them', 'viimeinen', mail(subject => 'viimeinen'), 20);
is scalar(() = $desk->log =~ /mail\.unparsed/g), 0, 'the parser read them all';
$desk->down;
note $_ for @table;
diag $_ for $ENV{LUUKKU_LONG} ? @table : ();

done_testing;
