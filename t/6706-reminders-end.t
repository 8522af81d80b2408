#!/usr/bin/perl
# Where reminders end, and where they begin anew: a customer who cannot be reached is not closed for being silent,
# nobody is reminded of a question that has not gone out, a wait that is set again counts from then, a supplier who
# is asked again is reminded of that, and an address whose mail failed dmarc gets nothing automatic.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use POSIX ();

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" ); authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" );',
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    acknowledge = false; notify = "none"; customer_reminders = ( "2d", "3d" ); close_unanswered = true; tell_every = "60d";
    mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi", "aino@example.fi" ); acknowledge = false; notify = "none"; customer_reminders = ( "1d" ); },
  { name = "talous"; addresses = ( "talous@example.fi" ); agents = ( "aino@example.fi" ); acknowledge = false; notify = "none";
    customer_reminders = (); }
CONF
	extra => <<'CONF',
calendars: ( { name = "office"; hours = "Mon-Sun 08:00-16:00"; } );
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "1d", "2d" ); } );
CONF
);
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # Monday 2026-08-03 10:00 in Helsinki

# "2 0:05": five minutes past ten on Wednesday.
sub seconds { my ($day, $hour, $minute) = $_[0] =~ /\A(\d+) (\d+):(\d+)\z/ or die $_[0]; return $base + 86400 * $day + 3600 * $hour + 60 * $minute }
sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime seconds($_[0])) }

sub take {
	my ($when, @mails) = @_;
	$desk->deliver('ict', $_, at => seconds($when)) for @mails;
	my $done = $desk->once(env => { LUUKKU_NOW => iso($when) });
	is($done->{status}, 0, "mail of day $when") or diag $done->{err};
	return;
}

sub program_at {
	my ($name, $when) = @_;
	return run([program($name), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($when) }, seconds => 60);
}

# The reminders that are written then; what there is goes out a minute later.
sub sched {
	my ($when) = @_;
	my $before = $db->sql('SELECT coalesce(max(id), 0) FROM outbox');
	# As if the mailbox had been visited: from one that is away nobody is reminded.
	$db->sql("UPDATE mailbox SET last_ok_at = '" . iso($when) . "'");
	is(program_at('luukku-sched', $when)->{status}, 0, "luukku-sched on day $when");
	my @new = $db->sql("SELECT template || ' ' || split_part(recipient, '\@', 1) FROM outbox WHERE id > $before
		AND template IN ('customer-reminder', 'supplier-reminder', 'closed-unanswered') ORDER BY 1");
	(my $later = $when) =~ s/(\d+)\z/sprintf '%02d', $1 + 1/e;
	program_at('luukku-send', $later);
	return [map { $_->[0] } @new];
}

sub ticket_of {
	return scalar $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = '$_[0]\@asiakas.example'
		ORDER BY t.id DESC LIMIT 1");
}

sub agent {
	my ($who, $when, $text, @commands) = @_;
	my $done = $desk->ctl('do', 'TUKI-' . ticket_of($who), @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => iso($when) } });
	is($done->{status}, 0, "do @commands for $who") or diag $done->{err};
	return;
}

sub status { return scalar $db->sql('SELECT status FROM ticket WHERE id = ' . ticket_of($_[0])) }
sub history { return [map { $_->[0] } $db->sql("SELECT event FROM event WHERE ticket_id = " . ticket_of($_[0]) . " AND event ~ '$_[1]' ORDER BY id")] }
sub timers { return [map { $_->[0] } $db->sql("SELECT kind || ' ' || to_char(due_at AT TIME ZONE 'Europe/Helsinki', 'DD HH24:MI') FROM timer
	WHERE ticket_id = " . ticket_of($_[0]) . " AND kind ~ 'reminder' ORDER BY 1")] }
sub opening { return mail(from => "$_[0]\@asiakas.example", subject => "Asia ($_[0])", text => "Hei, $_[0] tarvitsee apua.\n", headers => $_[1] // '') }

# --- who cannot be reached -------------------------------------------------------------------------------------------

my @who = qw(hiljainen tavoittamaton vaiettu jatko pikku sami);
take('0 0:00', map { opening($_) } @who);
agent($_, '0 0:01', "Mikä tulostin?\n", 'wait customer') for @who[0 .. 4];
agent('sami', '0 0:01', "Tilaus 17?\n", 'supplier atk');
agent('sami', '0 0:02', '', 'wait supplier');
program_at('luukku-send', '0 0:03');
is_deeply(sched('0 0:05'), [], 'nothing yet');
agent('pikku', '0 0:10', '', 'wait customer 1d');
is_deeply(sched('1 0:12'), ['customer-reminder pikku', 'supplier-reminder tuki'], 'a wait that was made shorter, and the supplier');
is_deeply(sched('2 0:12'), [map { "customer-reminder $_" } qw(hiljainen jatko tavoittamaton vaiettu)], 'two days after the question');
agent('jatko', '2 1:00', '', 'wait customer 10d');
$smtp->rules({ at => 'rcpt', match => 'tavoittamaton@', reply => '550 5.1.1 no such user' });
is_deeply(sched('3 0:14'), ['supplier-reminder tuki'], 'the supplier for the last time');
is_deeply(timers('sami'), [], '... which is all');
agent('sami', '3 0:30', '', 'priority high');
is_deeply(timers('sami'), [], '... whatever else changes while it waits');
is_deeply(sched('4 0:20'), ['customer-reminder pikku'], 'three days after the first');
is_deeply(sched('5 0:20'), [map { "customer-reminder $_" } qw(hiljainen tavoittamaton vaiettu)], 'who was given ten days more is not reminded');
is($db->sql("SELECT state FROM outbox WHERE template = 'customer-reminder' AND recipient ~ '^tavoittamaton' ORDER BY id DESC LIMIT 1"), 'failed',
	'one reminder does not arrive');
$smtp->rules;
$db->sql("UPDATE person SET suppressed_until = '2026-09-30', suppressed_reason = 'a delivery report' WHERE address ~ '^vaiettu'");
is_deeply(sched('8 0:22'), ['closed-unanswered hiljainen', 'closed-unanswered pikku', 'closed-unanswered vaiettu'],
	'who did not answer is closed with a mail') or diag explain timers('vaiettu');
is(status('hiljainen'), 'closed', 'indeed');
is(status('tavoittamaton'), 'waiting_customer', 'who was not reached is not closed for being silent');
is_deeply(history('tavoittamaton', 'reminders_ended'), ['reminders_ended'], '... the history says so');
is_deeply(timers('tavoittamaton'), [], '... and reminders have ended');
agent('tavoittamaton', '8 0:40', '', 'queue hr');
is_deeply(timers('tavoittamaton'), [], '... in another queue, too');
is(status('vaiettu'), 'waiting_customer', 'nor who cannot be told that');
is_deeply(timers('jatko'), ['customer_reminder 15 11:00'], 'ten days from when they were given');
is_deeply(sched('12 1:02'), ['customer-reminder jatko'], 'then the first reminder comes again');
is_deeply(sched('15 1:04'), ['customer-reminder jatko'], '... and the last');
is_deeply(sched('18 1:06'), ['closed-unanswered jatko'], '... and the end');

# --- a supplier who is asked again -------------------------------------------------------------------------------------

agent('sami', '18 2:00', "Entä nyt?\n", 'supplier atk');
program_at('luukku-send', '18 2:01');
is(status('sami'), 'waiting_supplier', 'it still waits');
is_deeply(sched('19 2:02'), ['supplier-reminder tuki'], 'asked again, they are reminded of that');
is($db->sql("SELECT variables ->> 'is_first' FROM outbox WHERE template = 'supplier-reminder' ORDER BY id DESC LIMIT 1"), 'true', '... as of a first time');

agent('sami', '19 3:00', "Valmis.\n", 'resolve');

# --- a question that has not gone out -----------------------------------------------------------------------------------

take('20 0:00', opening('odottaja'));
$smtp->stop;
agent('odottaja', '20 0:01', "Mikä tulostin?\n", 'wait customer');
is_deeply(sched($_ . ' 0:05'), [], 'the server is away: nobody is reminded of a question that they did not get') for 22, 24;
$smtp->launch;
program_at('luukku-send', '24 0:30');
is_deeply(sched('26 0:25'), [], 'it counts from when it went');
is_deeply(sched('26 0:40'), ['customer-reminder odottaja'], '... two days later');
is_deeply(sched('29 0:50'), ['customer-reminder odottaja'], '... and three');
$desk->configure(smtp => 'host = "127.0.0.1"; port = ' . $smtp->port . '; tls = "none"; auth = "plain"; user = "luukku"; password_file = "smtp.pass";
  envelope_from = "luukku-bounces@example.fi"; connections = 1; send = false;');
is_deeply(sched('32 1:00'), ['closed-unanswered odottaja'], 'a desk on trial, that sends nothing, shows what it would do');
$desk->configure(smtp => 'host = "127.0.0.1"; port = ' . $smtp->port . '; tls = "none"; auth = "plain"; user = "luukku"; password_file = "smtp.pass";
  envelope_from = "luukku-bounces@example.fi"; connections = 1;');

# --- a queue that reminds nobody, and one that does -----------------------------------------------------------------------

take('33 0:00', opening('siirretty'));
agent('siirretty', '33 0:01', '', 'queue talous');
agent('siirretty', '33 0:02', "Mikä lasku?\n", 'wait customer');
is_deeply(sched('35 0:05'), [], 'a queue without reminders');
agent('siirretty', '35 0:10', '', 'queue hr');
is_deeply(sched('35 0:12'), [], 'moved into one that has them');
is_deeply(sched('36 0:20'), ['customer-reminder siirretty'], '... they begin');

# --- an address whose mail failed dmarc ----------------------------------------------------------------------------------

take('33 0:00', opening('uhri', "Authentication-Results: mx.example.fi; dmarc=fail header.from=asiakas.example\n"
	. "Received: from x by mx.example.fi; Sat, 05 Sep 2026 07:00:00 +0000\n"));
agent('uhri', '33 0:01', '', 'wait until 2026-12-01');
agent('uhri', '33 0:02', '', 'queue hr');
agent('uhri', '33 0:03', '', 'resolve anyway');
is_deeply([$db->sql("SELECT template FROM outbox WHERE recipient ~ '^uhri'")], [], 'nothing automatic goes to an address whose mail failed dmarc');
is_deeply(history('uhri', 'not_sent'), [('not_sent') x 3], '... the history says so');
agent('uhri', '33 0:10', '', 'reopen');
agent('uhri', '33 0:11', "Kuka siellä?\n", 'wait customer');
is_deeply([$db->sql("SELECT template FROM outbox WHERE recipient ~ '^uhri'")], [['reply']], 'a person may write');

done_testing();
