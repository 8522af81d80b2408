#!/usr/bin/perl
# Waits that come again, and days on which the desk could not hear its customers: a wait begins without the day of
# the one before, nobody is reminded or closed while the mailbox that would have the answer cannot be read, and mail
# that waited for its server does not say what is no longer so.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use POSIX ();

my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    acknowledge = false; notify = "none"; customer_reminders = ( "2d", "3d" ); close_unanswered = true; tell_on_wait = true;
    survey: { send = "resolved"; delay = "1h"; every = "30d"; reopen_below = 5; }; mass: { people = 0; }; }
CONF
my $desk = Luukku::Test::Desk->start(site => 'admins = ( "admin@example.fi" );', queues => $queues, extra => <<'CONF');
calendars: ( { name = "office"; hours = "Mon-Sun 08:00-16:00"; } );
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "1d", "2d" ); } );
CONF
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # Monday 2026-08-03 10:00 in Helsinki

# "2 0:05": five minutes past ten on Wednesday.
sub seconds { my ($day, $hour, $minute) = $_[0] =~ /\A(\d+) (\d+):(\d+)\z/ or die $_[0]; return $base + 86400 * $day + 3600 * $hour + 60 * $minute }
sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime seconds($_[0])) }
sub program_at { return run([program($_[0]), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($_[1]) }, seconds => 60) }

sub deliver { my ($when, @mails) = @_; $desk->deliver('ict', $_, at => seconds($when)) for @mails; return }

# All that a desk does when nothing is broken.
sub round {
	my ($when, @mails) = @_;
	deliver($when, @mails);
	my $seen = $db->sql('SELECT coalesce(max(id), 0) FROM outbox');
	my $done = $desk->once(env => { LUUKKU_NOW => iso($when) });
	is($done->{status}, 0, "the desk on day $when") or diag $done->{err};
	return news($seen);
}

# Automatic mail to people outside: "template recipient".
sub news {
	return [map { $_->[0] } $db->sql("SELECT template || ' ' || split_part(recipient, '\@', 1) FROM outbox
		WHERE id > $_[0] AND template IN ('customer-reminder', 'supplier-reminder', 'closed-unanswered', 'survey', 'waiting') ORDER BY 1")];
}

# The same while the mail server is away.
sub offline {
	my ($when, @mails) = @_;
	deliver($when, @mails);
	my $seen = $db->sql('SELECT coalesce(max(id), 0) FROM outbox');
	isnt($desk->once(env => { LUUKKU_NOW => iso($when) })->{status}, 0, "the desk on day $when, without a mail server");
	return news($seen);
}

# luukku-sched alone, as while the mailbox is away.
sub sched {
	my ($when) = @_;
	my $seen = $db->sql('SELECT coalesce(max(id), 0) FROM outbox');
	is(program_at('luukku-sched', $when)->{status}, 0, "luukku-sched on day $when");
	return news($seen);
}

sub ticket_of {
	return scalar $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = '$_[0]\@asiakas.example'
		ORDER BY t.id DESC LIMIT 1");
}
sub status { return scalar $db->sql('SELECT status FROM ticket WHERE id = ' . ticket_of($_[0])) }
sub opening { return map { mail(from => "$_\@asiakas.example", subject => "Asia ($_)", text => "Hei, $_ tarvitsee apua.\n") } @_ }
sub answer { return mail(from => "$_[0]\@asiakas.example", subject => '[TUKI-' . ticket_of($_[0]) . "] Asia ($_[0])", text => "Se on laite PC12345, huone 5.\n") }

sub agent {
	my ($who, $when, $text, @commands) = @_;
	my $done = $desk->ctl('do', 'TUKI-' . ticket_of($who), @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => iso($when) } });
	is($done->{status}, 0, "do @commands for $who") or diag $done->{err};
	return;
}

sub state_of { return scalar $db->sql("SELECT state FROM outbox WHERE template = '$_[0]' AND recipient ~ '^$_[1]\@' ORDER BY id DESC LIMIT 1") }

# --- a wait after a wait ----------------------------------------------------------------------------------------------

round('0 0:00', opening(qw(toinen kolmas)));
agent($_, '0 0:01', "Mikä laite?\n", 'wait customer 20d') for qw(toinen kolmas);
is_deeply(round('1 0:00', answer('toinen')), [], 'one answers');
is(status('toinen'), 'open', '... which ends the wait');
agent('toinen', '1 0:10', "Ja mikä huone?\n", 'wait customer');
agent('kolmas', '1 0:10', '', 'resolve');
agent('kolmas', '1 0:20', '', 'undo');
round('1 0:30');
is_deeply(round('3 0:40'), ['customer-reminder toinen'], 'asked again without a day, they are reminded by the queue\'s');
is(status('kolmas'), 'waiting_customer', 'a wait that was only taken up again after #undo');
is_deeply(round('6 0:50'), ['customer-reminder toinen'], '... once more');
is_deeply(round('9 1:00'), ['closed-unanswered toinen'], '... and closed by them');
is_deeply(round('20 0:10'), ['customer-reminder kolmas'], '... keeps the day that it was given');
agent('kolmas', '20 0:20', '', 'resolve silent');

# --- the mailbox is away ----------------------------------------------------------------------------------------------

round('30 0:00', opening(qw(vastaaja hiljainen)));
agent($_, '30 0:01', "Mikä laite?\n", 'wait customer') for qw(vastaaja hiljainen);
round('30 0:02', opening('sami'));
agent('sami', '30 0:03', "Lähettäkää uusi.\n", 'supplier atk');
agent('sami', '30 0:04', '', 'wait supplier');
round('30 0:10');
$desk->dovecot->stop;
deliver('31 0:00', answer('vastaaja'));
is_deeply(sched('31 0:40'), [], 'while the mailbox is away no supplier is reminded');
is_deeply(sched('32 0:40'), [], '... nor a customer');
is_deeply(sched('39 0:40'), [], '... nor closed');
is_deeply([$db->sql("SELECT count(*) FROM timer WHERE kind IN ('customer_reminder', 'supplier_reminder') AND (error IS NOT NULL OR due_at > '" . iso('39 0:55') . "')")], [[0]],
	'the reminders wait for it, and nothing is wrong with them');
$desk->dovecot->launch;
is_deeply(round('39 1:00'), ['customer-reminder hiljainen', 'supplier-reminder tuki'], 'it is back: who has answered meanwhile is not reminded, the others are');
is(status('vastaaja'), 'open', '... the answer has come');
agent($_, '39 2:00', '', 'resolve silent') for qw(sami hiljainen);

# --- the mail server is away --------------------------------------------------------------------------------------------

round('40 0:00', opening(qw(suljettu pysyva arvioitu odottava)));
agent($_, '40 0:01', "Mikä laite?\n", 'wait customer') for qw(suljettu pysyva);
round('40 0:02');
is_deeply(round('42 0:10'), ['customer-reminder pysyva', 'customer-reminder suljettu'], 'two are reminded');
is_deeply(round('45 0:20'), ['customer-reminder pysyva', 'customer-reminder suljettu'], '... twice');
$smtp->stop;
agent('arvioitu', '48 0:01', "Tehty.\n", 'resolve');
agent('odottava', '48 0:01', '', 'wait until 2026-12-01');
is_deeply(offline('48 1:30'), ['closed-unanswered pysyva', 'closed-unanswered suljettu', 'survey arvioitu'], 'two are closed, one is asked, by mail that waits');
is(state_of('waiting', 'odottava'), 'queued', 'as does that another one waits');
is_deeply(offline('48 2:00', map { answer($_) } qw(suljettu arvioitu)), [], 'both answer');
is(status($_), 'open', "$_ has written") for qw(suljettu arvioitu);
agent('odottava', '48 2:10', '', 'open');
$smtp->launch;
is(program_at('luukku-send', '48 6:00')->{status}, 0, 'the mail server is back');
is(state_of('closed-unanswered', 'suljettu'), 'cancelled', 'who has answered is not told that the ticket is closed');
is(state_of('closed-unanswered', 'pysyva'), 'sent', '... who has not, is');
is(state_of('survey', 'arvioitu'), 'cancelled', 'who has more to say is not asked whether all is in order');
is(state_of('waiting', 'odottava'), 'cancelled', 'what waits no longer is not told to wait');
agent('arvioitu', '49 0:01', "Nyt.\n", 'resolve');
is_deeply([grep { /survey/ } @{ round('49 1:10') }], ['survey arvioitu'], '... but when it is: nobody has asked them');

done_testing();
