#!/usr/bin/perl
# A full disk under site.spool_dir: what is before the large mail is taken, the large one waits whole,
# the status says where to make room, and then all goes on by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

my $desk = Luukku::Test::Desk->start;
my $spool = $desk->dir . '/spool';
my $mounted = run(['mount', '-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', $spool]);

END {
	my $status = $?;
	run(['umount', '-l', $spool]) if $mounted && $mounted->{status} == 0;
	$? = $status;
}

sub error_of_ict {
	my ($ict) = grep { $_->{name} eq 'ict' } @{ $desk->json('status')->{mailboxes} };
	return $ict->{error} // '';
}

SKIP: {
	skip 'no right to mount a small disk', 6 if $mounted->{status} != 0;
	$desk->give_away($spool);
	# Its 74 kB fit, its attachment of 54 kB beside them does not.
	my $attachment = "QUJD" x 18 . "\n";
	my $parts = "--b\nContent-Type: text/plain\n\nKatso liite.\n--b\nContent-Type: application/pdf; name=a.pdf\n"
		. "Content-Transfer-Encoding: base64\n\n" . $attachment x 1000 . "--b--\n";
	$desk->deliver('ict', mail(subject => 'before'));
	$desk->deliver('ict', mail(subject => 'large', headers => "Content-Type: multipart/mixed; boundary=b\n", text => $parts));
	$desk->deliver('ict', mail(subject => 'behind'));
	$desk->up;
	wait_until(sub { error_of_ict() =~ /space/ }, 30, 'the status to name the full disk') or diag $desk->log;
	like error_of_ict(), qr/free some space (?:in \Q$spool\E|there)/, 'the status says where to make room';
	wait_until(sub { $desk->db->sql(q{SELECT count(*) FROM ticket WHERE subject = 'before'}) }, 30, 'the mail before it');
	is $desk->db->sql(q{SELECT count(*) FROM ticket WHERE subject = 'large'}), 0, 'the large mail is not taken in part';
	is run(['mount', '-o', 'remount,size=10m', $spool])->{status}, 0, 'room is made';
	wait_until(sub { $desk->db->sql('SELECT count(*) FROM ticket') == 3 }, 60, 'all three') or diag $desk->log;
	is $desk->db->sql(q{SELECT string_agg(a.size || ' ' || t.tags::text, ',') FROM attachment a
		JOIN message m ON m.id = a.message_id JOIN ticket t ON t.id = m.ticket_id}), '54000 {}', 'the large one is whole';
	wait_until(sub { error_of_ict() eq '' }, 30, 'the error to go');
	pass 'and the error is gone';
	unlike $desk->log, qr/mail\.unparsed|child\.died/, 'nothing was called unreadable, and no program died';
	$desk->down;
}

done_testing;
