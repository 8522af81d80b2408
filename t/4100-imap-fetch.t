#!/usr/bin/perl

# What becomes of mails in an IMAP mailbox, and what the server is told about them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(run program spew);
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Pg;
use Test::More;

my @names = qw(move delete seen keep);
my %after = (move => 'move:Luukku/Hoidettu ä', delete => 'delete', seen => 'seen', keep => 'keep');
my $pg = Luukku::Test::Pg->start;

sub mailbox {
	my ($name, %option) = @_;
	my $more = join ' ', map { "$_ = $option{$_};" } sort keys %option;
	return qq{  { name = "$name"; protocol = "imap"; host = "127.0.0.1"; port = \@IMAP\@; tls = "none";
    user = "$name\@example.fi"; password_file = "box.pass"; $more }};
}

sub desk {
	my (%option) = @_;
	my $desk = Luukku::Test::Desk->start(pg => $pg, smtp => 'send = false; envelope_from = "b@example.fi";',
		mailboxes => join ",\n", map { mailbox($_, %{ $option{$_} }) } sort keys %option);
	spew($desk->dir . '/box.pass', "box secret\n", 0600);
	$desk->give_away($desk->dir . '/box.pass');
	$desk->dovecot->set_password("$_\@example.fi", 'box secret') for keys %option;
	return $desk;
}

sub arrivals {
	my ($desk, $mailbox) = @_;
	return map { join '|', map { $_ // '' } @$_ } $desk->db->sql(qq{SELECT outcome, server, server_action,
		server_error FROM arrival WHERE mailbox = '$mailbox' ORDER BY id});
}

sub tickets {
	my ($desk, $where) = @_;
	return scalar $desk->db->sql('SELECT count(*) FROM ticket WHERE ' . ($where // 'true'));
}

# --- after-actions
{
	my $desk = desk(map { $_ => { after => qq{"$after{$_}"}, on_backlog => '"normal"' } } @names);
	for my $name (@names) {
		$desk->deliver($name, mail(subject => "$name $_")) for 1 .. 3;
	}
	my $done = $desk->once;
	is $done->{status}, 0, 'luukkud --once' or diag $done->{err};
	is tickets($desk), 12, 'each mail is a ticket';
	for my $name (@names) {
		is_deeply [arrivals($desk, $name)], [("ticket|done|$after{$name}|") x 3], "$name: rows say done";
	}
	my $dovecot = $desk->dovecot;
	is $dovecot->count('move@example.fi', 'INBOX', live => 1), 0, 'move: gone from INBOX';
	is $dovecot->count('move@example.fi', 'Luukku/Hoidettu ä'), 3, 'and in the new folder, whose name is not ASCII';
	is $dovecot->count('delete@example.fi', 'INBOX'), 0, 'delete: gone';
	is scalar(grep { /:2,[A-Z]*S/ } $dovecot->list('seen@example.fi', 'INBOX')), 3, 'seen: marked';
	is scalar(grep { !/:2,[A-Z]*[ST]/ } $dovecot->list('keep@example.fi', 'INBOX')), 3, 'keep: nothing changed';

	$done = $desk->once;
	is $done->{status}, 0, 'again';
	is tickets($desk), 12, 'nothing is taken twice';
	$desk->deliver('keep', mail(subject => 'keep 4'));
	$desk->once;
	is tickets($desk), 13, 'but a new mail is';
	is $desk->db->sql("SELECT last_uid FROM folder WHERE mailbox = 'keep'"), 4, 'the mark has moved on';

	# The row still pending: a process died between the commit and the server.
	$desk->db->sql("UPDATE arrival SET server = 'pending', server_action = 'seen' WHERE mailbox = 'keep' AND uid IN ('1', '2')");
	$desk->once;
	is scalar(grep { /:2,[A-Z]*S/ } $dovecot->list('keep@example.fi', 'INBOX')), 2, 'what was left undone is done first';
	is $desk->db->sql("SELECT count(*) FROM arrival WHERE server = 'pending'"), 0, 'and marked so';
	# Stored, and the mark lost: the unique key tells.
	$desk->db->sql("UPDATE folder SET last_uid = 0 WHERE mailbox = 'keep'");
	$desk->once;
	is tickets($desk), 13, 'a mail that is fetched again is known by its UID';

	# A restored backup: new UIDVALIDITY, old mails.
	$dovecot->new_uidvalidity('keep@example.fi', 'INBOX');
	$desk->deliver('keep', mail(subject => 'keep 5'));
	$done = $desk->once;
	like $done->{err}, qr/folder\.uidvalidity_changed mailbox=keep/, 'a new UIDVALIDITY is told';
	is tickets($desk), 14, 'known mails are recognised by content, a new one is a ticket';
	is $desk->db->sql("SELECT count(*) FROM arrival WHERE mailbox = 'keep' AND outcome = 'duplicate'"), 4, 'four duplicates';
}

# --- odd mails
{
	my $desk = desk(odd => { after => '"move:Done"', failed => '"move:Luukku/Failed"', max_size => '"64K"',
		on_backlog => '"normal"', folders => '( "INBOX", "Tukipyynnöt" )' });
	my @odd = (
		['no From', "To: ict\@example.fi\r\nSubject: no from\r\nMessage-ID: <o1\@x.example>\r\n\r\ntext\r\n"],
		['no Date', "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: no date\r\nMessage-ID: <o2\@x.example>\r\n\r\ntext\r\n"],
		['no Message-ID', "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: no id\r\n\r\ntext\r\n"],
		['no body', "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: no body\r\nMessage-ID: <o4\@x.example>\r\n\r\n"],
		['a NUL', "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: nul\r\nMessage-ID: <o5\@x.example>\r\n\r\nbefore\0after\r\n"],
		['a long Message-ID', "From: a\@x.example\r\nTo: ict\@example.fi\r\nSubject: id\r\nMessage-ID: <" . 'x' x 5000 . "\@x.example>\r\n\r\ntext\r\n"],
		['no header', "just words\r\n"]);
	$desk->deliver('odd', $_->[1]) for @odd;
	$desk->deliver('odd', mail(subject => 'large', text => "rivi\n" x 20000));
	$desk->deliver('odd', mail(subject => 'behind them'));
	$desk->deliver('odd', mail(subject => 'other folder'), folder => 'Tukipyynnöt');
	my $done = $desk->once;
	is $done->{status}, 0, 'odd mails stop nothing' or diag $done->{err};
	is tickets($desk), @odd + 3, 'each is a ticket, the one behind them too';
	is tickets($desk, "subject = 'large'"), 1, 'a mail larger than max_size is a ticket from its header';
	like $done->{err}, qr/mail\.too_large mailbox=odd uid="8" bytes=\d+ max=65536/, 'and the log says so';
	is $desk->dovecot->count('odd@example.fi', 'Luukku/Failed'), 1, 'it goes where failed says';
	is $desk->dovecot->count('odd@example.fi', 'Done'), @odd + 2, 'the others where after says';
	is $desk->dovecot->count('odd@example.fi', 'INBOX', live => 1), 0, 'INBOX is empty';
	is $desk->dovecot->count('odd@example.fi', 'Tukipyynnöt', live => 1), 0, 'and so is the other folder';
}

# --- first contact
{
	my $day = 86400;
	my %option = map { $_ => { after => '"keep"', backlog => '"1d"', on_backlog => qq{"$_"} } } qw(silent leave normal);
	my $desk = desk(%option);
	for my $name (sort keys %option) {
		$desk->deliver($name, mail(subject => "$name old $_"), at => time - 3 * $day) for 1 .. 4;
		$desk->deliver($name, mail(subject => "$name new $_"), at => time - 3600) for 1 .. 2;
	}
	my $done = $desk->once;
	is $done->{status}, 0, 'first contact' or diag $done->{err};
	is tickets($desk, "subject LIKE 'silent old%' AND is_silent"), 4, 'silent: old mails open silent tickets';
	is tickets($desk, "subject LIKE 'silent new%' AND NOT is_silent"), 2, 'new ones normal tickets';
	is tickets($desk, "subject LIKE 'leave old%'"), 0, 'leave: old mails are left alone';
	is tickets($desk, "subject LIKE 'leave new%'"), 2, 'new ones taken';
	is $desk->db->sql("SELECT left_count FROM folder WHERE mailbox = 'leave'"), 4, 'and counted';
	is $desk->db->sql("SELECT last_uid FROM folder WHERE mailbox = 'leave'"), 6, 'they are passed';
	is tickets($desk, "subject LIKE 'normal%' AND NOT is_silent"), 6, 'normal: all the same';
	is $desk->db->sql(q{SELECT count(*) FROM outbox x JOIN ticket t ON t.id = x.ticket_id WHERE t.is_silent
		AND x.state <> 'suppressed'}), 0, 'no mail goes out for a silent ticket';
	like $done->{err}, qr/mailbox\.backlog mailbox=$_ folder="INBOX" mails=4 /, "$_: the log says how many" for sort keys %option;
	my @before = $desk->db->sql('SELECT name, first_contact_at, backlog_before FROM mailbox ORDER BY name');
	# The border stays where it was at first contact.
	$desk->deliver('silent', mail(subject => 'silent late'), at => time - 2 * $day);
	$desk->once;
	is tickets($desk, "subject = 'silent late' AND is_silent"), 1, 'an old mail that turns up later is backlog too';
	is_deeply [$desk->db->sql('SELECT name, first_contact_at, backlog_before FROM mailbox ORDER BY name')], \@before,
		'first contact is fixed';
}

# --- by hand: the lease is checked in the transaction
{
	my $desk = desk(one => { after => '"keep"', on_backlog => '"normal"' });
	$desk->deliver('one', mail());
	$desk->db->sql("INSERT INTO lease (mailbox, host, instance, epoch, expires_at)
		VALUES ('one', 'another-host', 'x', 7, now() + interval '1 hour')");
	my $done = run([program('luukku-fetch'), '-c', $desk->conf, '--once', '-e', '6', 'one']);
	is $done->{status}, 75, 'without the lease: try again later';
	like $done->{err}, qr/lease/, 'and why';
	is tickets($desk), 0, 'nothing was written';
	is run([program('luukku-fetch'), '-c', $desk->conf, '--once', 'one'])->{status}, 64, 'without an epoch: usage';
	is run([program('luukku-fetch'), '-c', $desk->conf, '--once', '-e', '1', 'two'])->{status}, 78, 'an unknown mailbox: configuration';
	is run([program('luukku-fetch'), '-c', $desk->conf, '--once', '-e', '1'])->{status}, 64, 'no mailbox: usage';
}

done_testing;
