#!/usr/bin/perl
# Delivery reports, true and forged, of one recipient and of several: who is silenced, and who is told. A report
# counts only when it names a mail of ours, and only for the address that this mail was made for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my $db = $desk->db;
my ($n, $uid) = (0, 0);

# A customer of their own, who got an acknowledgement: what the mail server saw of it.
sub customer {
	my $from = 'asiakas' . ++$n . '@asiakas.example';
	$desk->take(from => $from, subject => "Asia numero $n", body => "Hei, asia $n on tämä.");
	my ($ack) = grep { $_->{to} eq $from } $desk->acknowledge;
	return ($from, $ack);
}

# A report: to => where it comes, id => Message-ID of the returned mail, groups => [address, action, status]...
sub report {
	my (%r) = @_;
	my @groups = map { join "\r\n", "Final-Recipient: rfc822; $_->[0]", "Action: $_->[1]", "Status: $_->[2]",
		'Diagnostic-Code: smtp; ' . ($_->[2] =~ /^4/ ? '451' : '550') . " $_->[2] it says so", '' } @{ $r{groups} };
	my $id = $r{id} ? "Message-ID: <$r{id}>\r\n" : '';
	return join "\r\n", 'From: MAILER-DAEMON@mx.example.org', "To: $r{to}", 'Subject: Undelivered Mail Returned to Sender',
		'Return-Path: <>', "Message-ID: <report" . ++$uid . '@mx.example.org>', 'Date: Fri, 27 Mar 2026 09:59:00 +0000',
		'Auto-Submitted: auto-replied', 'MIME-Version: 1.0',
		'Content-Type: multipart/report; report-type=delivery-status; boundary=b', '',
		'--b', 'Content-Type: text/plain', '', 'It could not be delivered.', '--b',
		'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example.org', '', @groups, '--b',
		'Content-Type: text/rfc822-headers', '', "From: ict\@example.fi\r\n${id}Subject: x", '', '--b--', '';
}

# Old words of a mail system that knows no RFC 3464.
sub words {
	my (%r) = @_;
	return join "\r\n", 'From: MAILER-DAEMON@mx.example.org', "To: $r{to}", 'Subject: failure notice', 'Return-Path: <>',
		'Message-ID: <report' . ++$uid . '@mx.example.org>', 'Date: Fri, 27 Mar 2026 09:59:00 +0000', '',
		"Hi. This is the mail system. I'm afraid I wasn't able to deliver your message to the following addresses.",
		'This is a permanent error; I have given up. Sorry it did not work out.', '', "<$r{names}>:", 'user unknown', '',
		'--- Below this line is a copy of the message.', '', 'Return-Path: <x@example.fi>', "Message-ID: <$r{id}>", 'Subject: x', '';
}

sub spoil { my ($text, $at) = @_; substr($text, $at, 1) =~ tr/a-y2-6z7/b-z3-7a2/; return $text }

sub suppressed { return join ' ', map { $_->[0] } $db->sql("SELECT address FROM person WHERE suppressed_until > '2026-03-28' ORDER BY id") }

my ($other) = customer();
my ($agent) = ('aino@example.fi');
# Name, the report of ($address, $ack), who is silenced (SELF or nobody), the outbox row, is the owner told.
my @cases = (
	# Forged: nobody.
	['no mail of ours named', sub { report(to => 'luukku-bounces@example.fi', id => 'x@example.fi', groups => [[$_[0], 'failed', '5.1.1']]) }, '', 'sent', 0],
	['a Message-ID with a false signature', sub { report(to => 'luukku-bounces@example.fi', id => spoil($_[1]{message_id}, 3), groups => [[$_[0], 'failed', '5.1.1']]) }, '', 'sent', 0],
	['a return address with a false signature', sub { report(to => spoil($_[1]{from}, 24), groups => [[$_[0], 'failed', '5.1.1']]) }, '', 'sent', 0],
	['another\'s address, by a mail to oneself', sub { report(to => $_[1]{from}, id => $_[1]{message_id}, groups => [[$other, 'failed', '5.1.1']]) }, '', 'failed', 1],
	['an agent\'s address, likewise', sub { report(to => $_[1]{from}, groups => [[$agent, 'failed', '5.1.1']]) }, '', 'failed', 1],
	['words about another', sub { words(to => $_[1]{from}, id => $_[1]{message_id}, names => $other) }, '', 'failed', 1],
	['forty days later', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.1.1']]) }, '', 'failed', 1, '2026-05-06T10:00:00Z'],
	# Several recipients: what each of them is told.
	['two failed, one is ours', sub { report(to => $_[1]{from}, groups => [[$other, 'failed', '5.1.1'], [$_[0], 'failed', '5.1.1']]) }, 'SELF', 'failed', 1],
	['another failed, ours waits', sub { report(to => $_[1]{from}, groups => [[$other, 'failed', '5.1.1'], [$_[0], 'delayed', '4.4.1']]) }, '', 'sent', 0],
	['another failed, ours arrived', sub { report(to => $_[1]{from}, groups => [[$other, 'failed', '5.1.1'], [$_[0], 'delivered', '2.0.0']]) }, '', 'failed', 1],
	['another is unknown, ours is full', sub { report(to => $_[1]{from}, groups => [[$other, 'failed', '5.1.1'], [$_[0], 'failed', '5.2.2']]) }, '', 'failed', 1],
	['members of a group fail', sub { report(to => $_[1]{from}, groups => [map { ["jasen$_\@asiakas.example", 'failed', '5.1.1'] } 1 .. 3]) }, '', 'failed', 1],
	# What is about the mail or the day, and what is about the address.
	['a full mailbox', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.2.2']]) }, '', 'failed', 1],
	['too large for it', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.2.3']]) }, '', 'failed', 1],
	['refused for its content', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.7.1']]) }, '', 'failed', 1],
	['given up after days', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '4.4.7']]) }, '', 'failed', 1],
	['late', sub { report(to => $_[1]{from}, groups => [[$_[0], 'delayed', '4.4.7']]) }, '', 'sent', 0],
	['unknown user', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.1.1']]) }, 'SELF', 'failed', 1],
	['unknown user, by our Message-ID', sub { report(to => 'luukku-bounces@example.fi', id => $_[1]{message_id}, groups => [[$_[0], 'failed', '5.1.1']]) }, 'SELF', 'failed', 1],
	['switched off', sub { report(to => $_[1]{from}, groups => [[uc $_[0], 'failed', '5.2.1']]) }, 'SELF', 'failed', 1],
	['no such host', sub { report(to => $_[1]{from}, groups => [[$_[0], 'failed', '5.4.4']]) }, 'SELF', 'failed', 1],
	['unknown user, in words', sub { words(to => $_[1]{from}, id => $_[1]{message_id}, names => $_[0]) }, 'SELF', 'failed', 1],
);
my @table = (['report', 'silenced', 'the mail', 'team told', 'because']);
for my $case (@cases) {
	my ($name, $make, $silenced, $state, $told, $at) = @$case;
	my ($address, $ack) = customer();
	my $took = $desk->take(raw => $make->($address, $ack), $at ? (now => $at) : ());
	my $is_silenced = suppressed();
	my ($seen, $failures) = $desk->row("SELECT o.state, (SELECT count(*) FROM timer t WHERE t.kind = 'delivery_failed' AND t.ticket_id = o.ticket_id)
		FROM outbox o WHERE o.id = $ack->{id}");
	is($is_silenced, $silenced eq 'SELF' ? $address : '', "$name: " . ($silenced ? 'silences the address' : 'silences nobody'));
	is($seen, $state, "... and the mail is $state");
	is($failures, $told, $told ? '... the team will be told' : '... nobody is told');
	is(($desk->row("SELECT count(*) FROM ticket WHERE opened_at > '2026-03-27T10:00:00Z'"))[0], 0, '... no ticket is opened');
	$took = $desk->take(raw => $make->($address, $ack), $at ? (now => $at) : ());
	is(($desk->row("SELECT count(*) FROM timer WHERE kind = 'delivery_failed' AND ticket_id = (SELECT ticket_id FROM outbox WHERE id = $ack->{id})"))[0],
		$told, '... and not twice') if $told;
	push @table, [$name, $is_silenced || 'nobody', $seen, $failures ? 'yes' : 'no', $took->{reason} =~ s/^a delivery report says that the //r];
	$db->sql('UPDATE person SET suppressed_until = NULL');
}
note sprintf '%-42s %-26s %-9s %-9s %s', @$_ for @table;

# --- what an address that bounced gets ---------------------------------------------------------------

my ($gone, $ack) = customer();
$desk->take(raw => report(to => $ack->{from}, groups => [[$gone, 'failed', '5.1.1']]));
is_deeply([$desk->row("SELECT suppressed_until = timestamptz '2026-03-27T10:00:00Z' + interval '30 days' FROM person WHERE address = '$gone'")], ['t'],
	'for thirty days, then it expires');
$desk->run_or_die('luukku_fetch', 'add', ticket => $ack->{ticket} // 0, recipient => $gone);
is(($desk->row("SELECT state FROM outbox WHERE recipient = '$gone' ORDER BY id DESC LIMIT 1"))[0], 'suppressed', 'until then nothing is sent there');
is(($desk->run_or_die('luukku_fetch', 'add', recipient => $gone, now => '2026-04-27T10:00:01Z') =~ /verdict (\S+)/)[0], 'queued', 'afterwards mail goes again');

done_testing();
