#!/usr/bin/perl

# What becomes of mails in a POP3 mailbox.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(spew run wait_until);
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Pg;
use POSIX ();
use Test::More;

my $pg = Luukku::Test::Pg->start;

sub mailbox {
	my ($name, $more) = @_;
	return qq{  { name = "$name"; protocol = "pop3"; host = "127.0.0.1"; port = \@POP3\@; tls = "none";
    user = "$name\@example.fi"; password_file = "box.pass"; $more }};
}

sub desk {
	my (%option) = @_;
	my $desk = Luukku::Test::Desk->start(pg => $pg, smtp => 'send = false; envelope_from = "b@example.fi";',
		mailboxes => join ",\n", map { mailbox($_, $option{$_}) } sort keys %option);
	spew($desk->dir . '/box.pass', "box secret\n", 0600);
	$desk->give_away($desk->dir . '/box.pass');
	$desk->dovecot->set_password("$_\@example.fi", 'box secret') for keys %option;
	return $desk;
}

sub one {
	my ($desk, $sql) = @_;
	return scalar $desk->db->sql($sql);
}

sub received {
	my ($days) = @_;
	my $at = POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(time - $days * 86400));
	return "Received: from a.example by mx.example.fi; $at\r\n";
}

# --- delete and keep
{
	my $desk = desk(gone => 'after = "delete"; on_backlog = "normal";', kept => 'after = "keep"; on_backlog = "normal";');
	for my $name (qw(gone kept)) {
		$desk->deliver($name, mail(subject => "$name $_")) for 1 .. 3;
	}
	my $done = $desk->once;
	is $done->{status}, 0, 'luukkud --once' or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), 6, 'each mail is a ticket';
	is one($desk, "SELECT count(*) FROM arrival WHERE server = 'done'"), 6, 'and done';
	is $desk->dovecot->count('gone@example.fi', 'INBOX'), 0, 'delete: gone from the server';
	is $desk->dovecot->count('kept@example.fi', 'INBOX'), 3, 'keep: still there';
	$desk->deliver('kept', mail(subject => 'kept 4'));
	$done = $desk->once;
	is $done->{status}, 0, 'again' or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), 7, 'only the new one is taken: UIDLs are remembered';

	# A process died between the commit and QUIT: stored, still listed.
	$desk->db->sql("UPDATE arrival SET server = 'pending', server_action = 'delete' WHERE mailbox = 'kept'
		AND id = (SELECT min(id) FROM arrival WHERE mailbox = 'kept')");
	# ... and between QUIT and the row: not listed any more.
	$desk->db->sql("UPDATE arrival SET server = 'pending' WHERE mailbox = 'gone'
		AND id = (SELECT min(id) FROM arrival WHERE mailbox = 'gone')");
	$done = $desk->once;
	is $desk->dovecot->count('kept@example.fi', 'INBOX'), 3, 'what was stored and not deleted is deleted';
	is one($desk, "SELECT count(*) FROM arrival WHERE server = 'pending'"), 0, 'and what was deleted already is marked';
	is one($desk, 'SELECT count(*) FROM ticket'), 7, 'nothing is taken twice';
}

# --- odd mails, and bytes as they are
{
	my $desk = desk(odd => 'after = "delete"; on_backlog = "normal"; max_size = "64K";');
	my $bytes = "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: nul\r\nMessage-ID: <o1\@x.example>\r\n\r\n"
		. ".leading dot\r\n..two\r\nbefore\0after\r\n.\r\nbehind the dot\r\n";
	$desk->deliver('odd', $bytes);
	$desk->deliver('odd', mail(subject => 'large', text => "rivi\n" x 20000));
	$desk->deliver('odd', mail(subject => 'behind them'));
	my $done = $desk->once;
	is $done->{status}, 0, 'odd mails stop nothing' or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), 3, 'each is a ticket';
	is one($desk, q{SELECT encode(string_agg(c.data, '' ORDER BY c.n), 'hex') FROM message m
		JOIN blob_chunk c ON c.blob_id = m.raw_blob WHERE m.subject = 'nul'}), unpack('H*', $bytes), 'stored byte for byte';
	is $desk->dovecot->count('odd@example.fi', 'INBOX'), 1, 'a mail larger than max_size stays on the server';
	is one($desk, "SELECT server || ' ' || server_action FROM arrival JOIN message m ON m.id = arrival.message_id
		WHERE m.subject = 'large'"), 'done keep', 'its row says so';
	$desk->once;
	is one($desk, 'SELECT count(*) FROM ticket'), 3, 'and it is not taken again';
}

# --- first contact: POP3 tells no time, the topmost Received line does
{
	my $desk = desk(map { $_ => qq{after = "keep"; backlog = "1d"; on_backlog = "$_";} } qw(silent leave));
	for my $name (qw(silent leave)) {
		$desk->deliver($name, received(3) . mail(subject => "$name old $_")) for 1 .. 3;
		$desk->deliver($name, received(0) . mail(subject => "$name new"));
	}
	my $done = $desk->once;
	is $done->{status}, 0, 'first contact' or diag $done->{err};
	is one($desk, "SELECT count(*) FROM ticket WHERE subject LIKE 'silent old%' AND is_silent"), 3, 'silent: silent tickets';
	is one($desk, "SELECT count(*) FROM ticket WHERE subject = 'silent new' AND NOT is_silent"), 1, 'a new one is not';
	is one($desk, "SELECT string_agg(subject, ',') FROM ticket WHERE subject LIKE 'leave%'"), 'leave new', 'leave: only the new one';
	is $desk->dovecot->count('leave@example.fi', 'INBOX'), 4, 'all are still there';
	like $done->{err}, qr/mailbox\.backlog mailbox=$_ folder="" mails=3 /, "$_: the log says how many" for qw(leave silent);
}

# --- more mails than one session takes
{
	my $desk = desk(many => 'after = "delete"; on_backlog = "normal";');
	my $n = 520;
	$desk->deliver('many', mail(subject => "many $_")) for 1 .. $n;
	my $done = $desk->once;
	is $done->{status}, 0, "$n mails" or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), $n, 'all taken, in two sessions';
	is $desk->dovecot->count('many@example.fi', 'INBOX'), 0, 'and all deleted';
}

done_testing;
