#!/usr/bin/perl
# What becomes of mails out when the server answers each otherwise: states per recipient, no mail lost,
# mails that are too large, late acknowledgements, the alarm, bounces that are proven and forged.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(decode_qp);
use POSIX ();

my $desk = Luukku::Test::Desk->start(
	site => 'alarm_command = "@ALARM@";',
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    notify = "agents"; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; }
CONF
);
my $scratch = $desk->scratch('alarm');
my $alarm = "$scratch/alarm";
spew($alarm, "#!/bin/sh\necho run >> $scratch/runs\nexec cat > $scratch/text\n", 0755);
$desk->configure(site => "alarm_command = \"$alarm\";");
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub program_at {
	my ($name, $minutes) = @_;
	return run([program($name), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 60 * $minutes) }, seconds => 60);
}

# Mail in at that time; nothing is sent.
sub take {
	my ($minutes, @mails) = @_;
	$desk->deliver('ict', $_, at => $base + 60 * $minutes) for @mails;
	my $done = run([program('luukkud'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 60 * $minutes) },
		seconds => 60);
	return $done;
}

sub states {
	my ($where) = @_;
	return { map { @$_ } $db->sql("SELECT recipient, state FROM outbox WHERE $where") };
}

# --- each recipient by itself -----------------------------------------------------------------------------

$smtp->rules({ at => 'rcpt', match => 'viisi@', reply => '550 5.7.1 not wanted' },
	{ at => 'rcpt', match => 'nelja@', reply => '451 4.3.0 later' });
take(0, mail(from => 'maija@asiakas.example', subject => 'Yksi',
	headers => "Cc: viisi\@asiakas.example, nelja\@asiakas.example\n"));
my $ticket = $db->sql('SELECT max(id) FROM ticket');
my $did = $desk->ctl('do', "TUKI-$ticket", 'note', '--as', 'aino@example.fi', '--text', '-', { in => "Muistiin.\n",
	env => { LUUKKU_NOW => iso($base + 60) } });
is($did->{status}, 0, 'a note goes to nobody');
$did = $desk->ctl('do', "TUKI-$ticket", 'resolve workaround', '--as', 'aino@example.fi', '--text', '-', { in => "Käytä toista.\n",
	env => { LUUKKU_NOW => iso($base + 60) } });
is($did->{status}, 0, 'a resolution to three people') or diag $did->{err};
is(program_at('luukku-send', 2)->{status}, 0, 'it is sent');
is_deeply(states("template = 'resolution'"), { 'maija@asiakas.example' => 'sent', 'viisi@asiakas.example' => 'failed',
	'nelja@asiakas.example' => 'retry' }, '5xx is final, 4xx waits, each recipient by itself');
my $resolution_id = $db->sql("SELECT header_message_id FROM outbox WHERE template = 'resolution' AND recipient ~ '^maija'");
my ($resolution) = map { decode_qp($_->{data}) } grep { header($_->{data}, 'Message-ID') eq "<$resolution_id>" } $smtp->mails;
like($resolution, qr/tilap\xc3\xa4inen ratkaisu/, 'a workaround is marked as one');
like($resolution, qr/Jos asia ei ole kunnossa, vastaa/, 'and how to say that it is not in order');
$smtp->rules;
program_at('luukku-send', 5);
is(states("template = 'resolution'")->{'nelja@asiakas.example'}, 'sent', 'who was to wait gets it later');
program_at('luukku-sched', 6);
is_deeply([$db->sql("SELECT recipient, variables->'tickets'->0->>'recipient' FROM outbox WHERE template = 'delivery-failed'")],
	[['aino@example.fi', 'viisi@asiakas.example']], 'the owner hears of the one that did not arrive');

# --- drops after the dot ------------------------------------------------------------------------------------

$smtp->clear;
$smtp->rules({ at => 'dot', match => 'maija', drop => 1, times => 1, store => 1 });
$did = $desk->ctl('do', "TUKI-$ticket", 'reopen', { env => { LUUKKU_NOW => iso($base + 600) } });
$did = $desk->ctl('do', "TUKI-$ticket", 'wait until 2026-09-01', { env => { LUUKKU_NOW => iso($base + 600) } });
is($did->{status}, 0, 'a mail that the customer gets') or diag $did->{err};
program_at('luukku-send', 11);
is_deeply(states("template = 'waiting'"), { 'maija@asiakas.example' => 'uncertain' }, 'nobody knows whether it arrived');
program_at('luukku-send', 20);
my @twice = map { $_->{data} } grep { $_->{rcpt}[0] =~ /^maija/ } $smtp->mails;
is(scalar @twice, 2, 'it went again');
is($twice[0], $twice[1], 'with the same Message-ID and bytes');
is_deeply(states("template = 'waiting'"), { 'maija@asiakas.example' => 'sent' }, 'and is sent');

# --- too large ------------------------------------------------------------------------------------------------

my $file = encode_base64(join '', map { chr(33 + $_ % 90) } 1 .. 150_000);
sub large {
	my ($who) = @_;
	return mail(from => "$who\@asiakas.example", subject => "Kuva ($who)", headers => qq{Content-Type: multipart/mixed; boundary="b"\n},
		text => "--b\nContent-Type: text/plain\n\nTässä kuva, $who.\n--b\nContent-Type: image/png; name=\"kuva.png\"\n"
		. "Content-Disposition: attachment; filename=\"kuva.png\"\nContent-Transfer-Encoding: base64\n\n$file--b--\n");
}
for my $case (['koko' => { size => 100_000 }], ['vastaus' => { at => 'dot', match => 'kuva.png', reply => '552 5.3.4 too big', times => 1 }]) {
	my ($who, $rule) = @$case;
	$smtp->clear;
	$smtp->rules($rule);
	take(30, large($who));
	program_at('luukku-send', 31);
	program_at('luukku-send', 32);
	my ($notice) = map { $_->{data} } grep { $_->{rcpt}[0] =~ /^aino/ && $_->{data} =~ /Kuva/ } $smtp->mails;
	ok($notice && length $notice < 100_000, "$who: a notice that is too large goes without its attachment");
	like($notice // '', qr/kuva\.png/, '... and names it');
	is($db->sql("SELECT count(*) FROM event WHERE event = 'shrunk' AND ticket_id = (SELECT max(id) FROM ticket)"), 1, '... with a line of history');
}
$smtp->rules;
is_deeply([$db->sql("SELECT template FROM outbox WHERE template = 'notice' AND state <> 'sent'")], [], 'all notices have gone');

# --- the server is away: the alarm, late acknowledgements -----------------------------------------------------

$smtp->stop;
take(60, mail(from => 'myohassa@asiakas.example', subject => 'Myöhässä'), mail(from => 'vastattu@asiakas.example', subject => 'Vastattu'));
my ($late, $answered) = map { scalar $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id
	WHERE p.address = '$_\@asiakas.example'") } qw(myohassa vastattu);
ok($late && $answered, 'mail is taken while the server is away');
is(program_at('luukku-send', 70)->{status}, 75, 'it is away');
program_at('luukku-send', 74);
ok(!-e "$scratch/runs", 'fourteen minutes: no alarm yet');
my $sent = program_at('luukku-send', 76);
is(slurp("$scratch/runs"), "run\n", 'the alarm command runs after a quarter of an hour');
like(slurp("$scratch/text"), qr/cannot send mail since 2026-08-03T\d\d:\d\d.*cannot reach 127\.0\.0\.1/s, 'with the text on its standard input');
like($sent->{err}, qr/send\.alarm/, 'logged');
program_at('luukku-send', 200);
is(slurp("$scratch/runs"), "run\n", 'once for an outage');
$did = $desk->ctl('do', "TUKI-$answered", 'resolve', '--as', 'aino@example.fi', '--text', '-', { in => "Tehty.\n",
	env => { LUUKKU_NOW => iso($base + 60 * 210) } });
$smtp->launch;
$smtp->clear;
is(program_at('luukku-send', 320)->{status}, 0, 'it is back');
is_deeply(states("template = 'acknowledgement' AND ticket_id IN ($late, $answered)"),
	{ 'myohassa@asiakas.example' => 'sent', 'vastattu@asiakas.example' => 'cancelled' },
	'a late acknowledgement goes, but not behind the answer');
my ($words) = map { decode_qp($_->{data}) } grep { $_->{rcpt}[0] =~ /^myohassa/ } $smtp->mails;
like($words, qr/vahvistus on my\xc3\xb6h/, 'and says why it is late');
ok(!-e $desk->dir . '/run/smtp-away.told', 'the outage is over');

# --- bounces ------------------------------------------------------------------------------------------------------

our $status = '5.1.1';
sub bounce {
	my ($to, $id, @recipients) = @_;
	my $reports = join "\n", map { "Final-Recipient: rfc822; $_\nAction: failed\nStatus: $status\nDiagnostic-Code: smtp; 550 no such user\n" } @recipients;
	return mail(from => 'MAILER-DAEMON@mx.example', to => $to, subject => 'Undelivered Mail Returned to Sender',
		headers => qq{Return-Path: <>\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary="r"\n},
		text => "--r\nContent-Type: text/plain\n\nIt failed.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n$reports\n"
			. "--r\nContent-Type: message/rfc822\n\nMessage-ID: <$id>\nSubject: x\n\nx\n--r--\n");
}
sub suppressed { return [map { $_->[0] } $db->sql("SELECT address FROM person WHERE suppressed_until IS NOT NULL ORDER BY 1")] }

my $id = $db->sql("SELECT header_message_id FROM outbox WHERE template = 'acknowledgement' AND ticket_id = $late");
take(330, bounce('ict@example.fi', 'made.up@example.fi', 'maija@asiakas.example'));
(my $forged = $id) =~ s/\A(.)/$1 eq 'a' ? 'b' : 'a'/e;
take(331, bounce('ict@example.fi', $forged, 'maija@asiakas.example', 'nelja@asiakas.example'));
is_deeply(suppressed(), [], 'a forged report silences nobody');
take(332, bounce('ict@example.fi', $id, 'maija@asiakas.example', 'nelja@asiakas.example', 'myohassa@asiakas.example'));
is_deeply(suppressed(), ['myohassa@asiakas.example'], 'a report of several recipients acts on the one that the mail was made for');
program_at('luukku-sched', 334);
take(335, bounce('ict@example.fi', $id, 'myohassa@asiakas.example'));
program_at('luukku-sched', 336);
is($db->sql("SELECT count(*) FROM event WHERE ticket_id = $late AND event = 'failure_told'"), 1, 'the team hears of it once');
take(340, mail(from => 'myohassa@asiakas.example', subject => 'Toimii taas', text => "Osoite toimii taas, kokonaan toinen asia.\n"));
is_deeply([$db->sql("SELECT 1 FROM person WHERE suppressed_until > '2026-08-04'")], [], 'a mail from the address frees it');

# A report that is quicker than our own note that the mail was taken.
take(350, mail(from => 'nopea@asiakas.example', subject => 'Nopea'));
$db->sql("UPDATE outbox SET state = 'sending', claimed_until = '2027-01-01' WHERE recipient ~ '^nopea' AND template = 'acknowledgement'");
take(351, bounce('ict@example.fi', scalar $db->sql("SELECT header_message_id FROM outbox WHERE recipient ~ '^nopea' AND template = 'acknowledgement'"),
	'nopea@asiakas.example'));
is(states("template = 'acknowledgement'")->{'nopea@asiakas.example'}, 'failed', 'a report that comes before the sending is recorded counts');

# The relay took it, the recipient's own server does not.
$smtp->clear;
take(360, large('takaisin'));
program_at('luukku-send', 361);
my ($big) = map { @$_ } $db->sql("SELECT header_message_id FROM outbox WHERE template = 'notice' AND recipient ~ '^aino' ORDER BY id DESC LIMIT 1");
$status = '5.2.3';
take(362, bounce('ict@example.fi', $big, 'aino@example.fi'));
program_at('luukku-send', 363);
my @came = map { $_->{data} } grep { header($_->{data}, 'Message-ID') eq "<$big>" } $smtp->mails;
is_deeply([map { length > 100_000 ? 'large' : 'small' } @came], [qw(large small)], 'a mail that comes back as too large goes again without its attachment');
like($came[-1] // '', qr/kuva\.png/, '... and names it');
is($db->sql("SELECT count(*) FROM event WHERE event = 'shrunk' AND ticket_id = (SELECT max(id) FROM ticket)"), 1, '... with a line of history');
take(364, bounce('ict@example.fi', $big, 'aino@example.fi'));
program_at('luukku-send', 365);
is($db->sql("SELECT state FROM outbox WHERE header_message_id = '$big'"), 'failed', '... once');

done_testing();
