#!/usr/bin/perl
# Mail that waited long: a server that greets everybody and takes nothing (the alarm), acknowledgements that were
# refused for hours, reminders that nobody needs any more when they can go, mail from before a long outage.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use MIME::QuotedPrint qw(decode_qp);
use POSIX ();

my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none";
    customer_reminders = ( "1d" ); tell_every = "2d"; tell_on_wait = false; close_after = "30d"; mass: { people = 0; }; }
CONF
my $desk = Luukku::Test::Desk->start(queues => $queues, extra => <<'CONF');
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "1d", "9d" ); } );
CONF
my $scratch = $desk->scratch('alarm');
spew("$scratch/alarm", "#!/bin/sh\necho run >> $scratch/runs\nexec cat > $scratch/text\n", 0755);
$desk->configure(site => "alarm_command = \"$scratch/alarm\";");
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # Monday 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($base + 60 * $_[0])) }

sub program_at {
	my ($name, $minutes) = @_;
	return run([program($name), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($minutes) }, seconds => 60);
}

sub send_at { return program_at('luukku-send', $_[0]) }

# Mail comes in; what there is to send goes, as far as the server lets it.
sub take {
	my ($minutes, @who) = @_;
	$desk->deliver('ict', ref $_ ? $_ : mail(from => "$_\@asiakas.example", subject => "Asia ($_)", text => "Hei, tässä $_.\n"),
		at => $base + 60 * $minutes) for @who;
	return $desk->once(env => { LUUKKU_NOW => iso($minutes) });
}

sub ticket_of {
	return scalar $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = '$_[0]\@asiakas.example'
		ORDER BY t.id DESC LIMIT 1");
}

sub agent {
	my ($who, $minutes, $text, @commands) = @_;
	my $did = $desk->ctl('do', 'TUKI-' . ticket_of($who), @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => iso($minutes) } });
	is($did->{status}, 0, "do @commands for $who") or diag $did->{err};
	return;
}

sub state_of {
	my ($template, $who) = @_;
	return scalar $db->sql("SELECT state FROM outbox WHERE template = '$template' AND recipient ~ '^$who\@' ORDER BY id DESC LIMIT 1");
}

sub mails_to { return map { $_->{data} } grep { $_->{rcpt}[0] =~ /^$_[0]@/ } $smtp->mails }
sub alarms { return -e "$scratch/runs" ? (slurp("$scratch/runs") =~ tr/\n//) : 0 }

# --- it greets everybody and takes nothing ------------------------------------------------------------------------

my $start = 0;
for my $case (['421 to each mail' => { at => 'mail', reply => '421 4.7.0 too busy' }],
		['a login that it wants suddenly' => { at => 'mail', reply => '530 5.7.0 authentication required' }],
		['its disk is full' => { at => 'data', reply => '452 4.3.1 insufficient system storage' }],
		['hangs up' => { at => 'mail', drop => 1 }],
		['later to everybody' => { at => 'rcpt', reply => '450 4.2.0 later' }]) {
	my ($name, $rule) = @$case;
	unlink "$scratch/runs";
	$start += 600;
	$smtp->rules($rule);
	# With a login that it refuses each mail waits for the next try.
	take($start, "maija$start", $name =~ /login/ ? () : "ville$start");
	send_at($start + $_) for 8, 14;
	is(alarms(), 0, "$name: fourteen minutes after the mail came there is no alarm yet");
	send_at($start + 40);
	is(alarms(), 1, '... then it runs');
	like(slurp("$scratch/text"), qr/cannot send mail since 2026-08-0\dT\d\d:\d\d/, '... with since when') if alarms();
	$smtp->rules;
	$db->sql("UPDATE outbox SET due_at = '" . iso($start) . "' WHERE state IN ('retry', 'uncertain')");
	send_at($start + 200);
	ok(!-e $desk->dir . "/run/$_", "... and ends with the first mail that is taken ($_)") for qw(smtp-away smtp-away.told);
	is(state_of('acknowledgement', "maija$start"), 'sent', '... which nobody lost');
}
# One mailbox that takes nothing is not the server.
unlink "$scratch/runs";
$start += 600;
$smtp->rules({ at => 'rcpt', match => 'tukossa@', reply => '450 4.2.2 mailbox full' });
take($start, 'tukossa');
send_at($start + $_) for 8, 30;
take($start + 40, 'muu');
is(alarms(), 0, 'one mailbox that is full is no alarm');
is(state_of('acknowledgement', 'muu'), 'sent', 'the others\' mail goes');

# --- an acknowledgement that was refused for hours ------------------------------------------------------------------

$start += 1440;
$smtp->clear;
$smtp->rules({ at => 'rcpt', reply => '451 4.3.0 later' });
take($start, qw(myohassa vastattu epavarma));
is(state_of('acknowledgement', $_), 'retry', "$_: refused") for qw(myohassa vastattu epavarma);
$smtp->rules({ at => 'dot', match => 'epavarma', drop => 1 }, { at => 'rcpt', reply => '451 4.3.0 later', match => 'myohassa|vastattu' });
send_at($start + 10);
is(state_of('acknowledgement', 'epavarma'), 'uncertain', 'of one nobody knows whether it was taken');
my $bytes = $db->sql("SELECT encode(wire, 'hex') FROM outbox WHERE template = 'acknowledgement' AND recipient ~ '^epavarma'");
$smtp->rules;
agent('vastattu', $start + 400, "Tehty.\n", 'resolve');
$db->sql("UPDATE outbox SET due_at = '" . iso($start) . "' WHERE state IN ('retry', 'uncertain')");
send_at($start + 402);
is(state_of('acknowledgement', 'vastattu'), 'cancelled', 'behind the answer it does not go');
is(scalar(mails_to('vastattu')), 1, '... the answer went alone');
is(state_of('acknowledgement', 'myohassa'), 'sent', 'without an answer it goes');
like(decode_qp((mails_to('myohassa'))[-1] // ''), qr/vahvistus on my\xc3\xb6h/, '... and says why it is late');
is(scalar $db->sql("SELECT count(*) FROM message m WHERE m.ticket_id = " . ticket_of('myohassa') . " AND direction = 'out'"), 1,
	'... one message of its ticket');
is(unpack('H*', (mails_to('epavarma'))[-1] // ''), $bytes, 'what may have arrived goes again as it was');

# --- reminders that nobody needs any more -----------------------------------------------------------------------------

$start += 1440;
$smtp->clear;
take($start, qw(muistava hiljainen toimitettu kiireinen));
agent($_, $start + 5, "Mikä laite?\n", 'wait customer') for qw(muistava hiljainen);
agent('toimitettu', $start + 5, "Lähetä uusi.\n", 'supplier atk');
agent('toimitettu', $start + 6, '', 'wait supplier');
send_at($start + 10);
$smtp->stop;
my $late = $start + 6 * 1440;
$db->sql("UPDATE mailbox SET last_ok_at = '" . iso($late) . "'");
program_at('luukku-sched', $late);
is(state_of('customer-reminder', $_), 'queued', "$_ is to be reminded, but the server is away") for qw(muistava hiljainen);
is(state_of('supplier-reminder', 'tuki'), 'queued', 'the supplier too');
is(state_of('still-working', 'kiireinen'), 'queued', 'and one is told that work goes on');
take($late + 10, mail(from => 'muistava@asiakas.example', subject => '[TUKI-' . ticket_of('muistava') . '] Asia', text => "Se on PC12345.\n"),
	mail(from => 'tuki@toimittaja.example', subject => '[TUKI-' . ticket_of('toimitettu') . '] Asia', text => "Uusi laite lähti tänään.\n",
		headers => 'In-Reply-To: <' . $db->sql("SELECT header_message_id FROM outbox WHERE template = 'supplier'") . ">\n"));
is($db->sql('SELECT status FROM ticket WHERE id = ' . ticket_of($_)), 'open', "$_: the answer has come") for qw(muistava toimitettu);
agent('muistava', $late + 20, "Entä huone?\n", 'wait customer');
agent('kiireinen', $late + 20, '', 'close');
$smtp->launch;
$smtp->clear;
is(send_at($late + 30)->{status}, 0, 'it is back');
is(state_of('customer-reminder', 'muistava'), 'cancelled', 'who has answered is not reminded of the question before');
is(state_of('customer-reminder', 'hiljainen'), 'sent', 'who has not is');
is(state_of('supplier-reminder', 'tuki'), 'cancelled', 'nor is a supplier who has');
is(state_of('still-working', 'kiireinen'), 'cancelled', 'work on what is closed does not go on');
is_deeply([$db->sql("SELECT reason FROM event WHERE event = 'not_sent' AND ticket_id = " . ticket_of('muistava'))],
	[['it was no longer needed when it could go']], 'the history says why');

# --- mail from before a long outage --------------------------------------------------------------------------------------

$start = $late + 1440;
$smtp->stop;
take($start, 'vanha');
$smtp->launch;
$smtp->rules({ at => 'rcpt', match => 'vanha@', reply => '451 4.7.1 greylisted', times => 2 });
my $tried = $start + 6 * 1440;
send_at($tried);
is(state_of('acknowledgement', 'vanha'), 'retry', 'six days old and tried for the first time: later is later');
send_at($tried + 2);
is(state_of('acknowledgement', 'vanha'), 'retry', '... also a minute later');
send_at($tried + 20);
is(state_of('acknowledgement', 'vanha'), 'sent', '... and it goes');

done_testing();
