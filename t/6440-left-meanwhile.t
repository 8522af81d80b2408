#!/usr/bin/perl
# Mail that waits for the mail server while its recipient leaves the desk: no words of the team's go to who is
# of it no more, written anew or again; who is asked from elsewhere, suppliers and admins get theirs.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use POSIX ();

sub queues {
	my $ict = join ', ', map { qq("$_\@example.fi") } @_;
	return <<"CONF";
  { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( $ict ); notify = "agents"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr\@example.fi" ); agents = ( "bo\@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
}

sub agents {
	return join ",\n", map { qq({ name = "\u$_"; address = "$_\@example.fi"; @{[$_ eq 'aino' ? 'aliases = ( "a.aalto@example.fi" );' : '']} }) } @_;
}

my $desk = Luukku::Test::Desk->start(site => 'admins = ( "valvoja@example.fi" );',
	queues => queues(qw(aino dan)), agents => agents(qw(aino bo dan)), extra => <<'CONF');
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "9d" ); } );
reload_limit = 100;
CONF
$desk->insiders(qw(dan@example.fi valvoja@example.fi));
my $db = $desk->db;
my $smtp = $desk->smtp;
my $base = 1_785_740_400; # Monday 2026-08-03 10:00 in Helsinki

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($base + 60 * $_[0])) }

# 75: the mail server is away.
my $sends = 0;

sub program_at {
	my ($name, $minutes) = @_;
	my $done = run([program($name), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($minutes) }, seconds => 60);
	is($done->{status}, $name eq 'luukku-send' ? $sends : 0, "$name at $minutes minutes") or diag $done->{err};
	return;
}

sub take {
	my ($minutes, $queue, %m) = @_;
	$desk->deliver($queue, mail(from => 'Pia <pia@kunta.example>', to => "$queue\@example.fi", %m), at => $base + 60 * $minutes);
	is($desk->once(env => { LUUKKU_NOW => iso($minutes) })->{status}, $sends, "mail at $minutes minutes");
	return;
}

sub agent {
	my ($minutes, $text, @commands) = @_;
	my $did = $desk->ctl('do', 'TUKI-' . $db->sql('SELECT min(id) FROM ticket'), @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => iso($minutes) } });
	is($did->{status}, 0, "do @commands") or diag $did->{err};
	return;
}

# "notice: sent sent"
sub states_of {
	my ($who) = @_;
	return [map { "$_->[0]: $_->[1]" } $db->sql("SELECT template, string_agg(state, ' ' ORDER BY id) FROM outbox
		WHERE recipient ~ '^$who\@' GROUP BY 1 ORDER BY 1")];
}

sub mails_to { my ($who) = @_; return grep { $_->{rcpt}[0] =~ /^$who@/ } $smtp->mails }

take(0, 'ict', subject => 'Kone', text => "Hei,\n\nkone ei toimi.\n");
program_at('luukku-send', 1);
is(scalar mails_to($_), 1, "the new ticket is told to $_") for qw(aino dan);
my ($ack, $notice) = map { (mails_to($_))[0]{data} } qw(pia dan);
my @thread = (subject => 'Re: Kone', headers => 'In-Reply-To: ' . header($ack, 'Message-ID') . "\n");

# --- what waits ----------------------------------------------------------------------------------------------

# To dan one is refused, of one nobody knows whether it was taken, and the server goes away with the rest.
my @later = ({ at => 'rcpt', match => 'valvoja@', reply => '451 4.3.0 later' });
$smtp->rules({ at => 'rcpt', match => 'mirja@', reply => '550 5.1.1 no such user' }, @later);
take(2, 'hr', from => 'Mirja <mirja@kunta.example>', subject => 'Palkka', text => "Hei,\n\npalkka puuttuu.\n");
program_at('luukku-send', 3);
program_at('luukku-sched', 3);
$smtp->rules(@later, { at => 'rcpt', match => 'dan@', reply => '451 4.3.0 later' });
take(4, 'ict', @thread, text => "Hei,\n\nse on PC1.\n");
$smtp->rules(@later, { at => 'dot', match => 'dan@', drop => 1 });
take(4, 'ict', @thread, text => "Hei,\n\nja sen näyttö.\n");
$smtp->rules;
$smtp->stop;
$sends = 75;
take(10, 'ict', @thread, text => "Hei,\n\nja hiiri.\n");
agent(11, "Dan, tunnetko tämän?\n", 'ask dan');
agent(12, "Olli, tunnetko tämän?\n", 'ask olli@ulkona.example');
agent(13, "Lähetä uusi.\n", 'supplier atk');
my ($to) = header($notice, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
take(14, 'ict', from => 'Dan <dan@example.fi>', to => $to, subject => 'Re: Kone', text => "#priority high\n#note\n\nTämä on kiireinen.\n");
program_at('luukku-send', 15);
is(join(' ', map { $_->[0] } $db->sql("SELECT state || CASE WHEN wire IS NULL THEN '' ELSE '+bytes' END FROM outbox
	WHERE recipient ~ '^dan\@' AND state <> 'sent' ORDER BY id")), 'retry+bytes uncertain+bytes queued queued queued', 'five mails wait for dan');
is_deeply(states_of('valvoja'), ['delivery-failed: retry'], '... and one for the admin, who is no agent');

# --- who has left --------------------------------------------------------------------------------------------

$desk->configure(queues => queues('aino'), agents => agents(qw(aino bo)));
$smtp->launch;
$sends = 0;
$smtp->clear;
$db->sql("UPDATE outbox SET due_at = '" . iso(16) . "' WHERE state IN ('retry', 'uncertain')");
program_at('luukku-send', 600);
is(scalar mails_to('dan'), 0, 'who has left gets nothing');
my @left = $db->sql("SELECT id, template, reason, wire IS NULL AND claimed_by IS NULL FROM outbox WHERE recipient ~ '^dan\@' AND state = 'cancelled' ORDER BY id");
is(join(' ', sort map { $_->[1] } @left), 'consult notice notice notice receipt', '... their mails are cancelled') or diag explain states_of('dan');
is_deeply([grep { $_->[2] ne 'not sent: the recipient is no agent, manager or admin any more' || $_->[3] ne 't' } @left], [],
	'... with the reason, and without their bytes');
is_deeply([$db->sql("SELECT detail ->> 'outbox' FROM event WHERE event = 'not_sent' AND reason ~ 'no agent, manager or admin any more'
	AND ticket_id IS NOT NULL ORDER BY (detail ->> 'outbox')::bigint")], [map { [$_->[0]] } sort { $a->[0] <=> $b->[0] } @left], '... which the history has, each once');
like($desk->ctl('outbox', 'show', $left[0][0])->{out}, qr/cancelled.*no agent, manager or admin any more/s, '... and luukkuctl outbox');
is_deeply(states_of('aino'), ['notice: sent sent sent sent'], 'who is there gets theirs');
is_deeply(states_of('olli'), ['consult: sent'], 'so does who was asked from elsewhere');
is_deeply(states_of('tuki'), ['supplier: sent'], '... the supplier');
is_deeply(states_of('valvoja'), ['delivery-failed: sent'], '... and the admin');

# --- by hand, and by another address -------------------------------------------------------------------------

is($desk->ctl('outbox', 'retry', $left[0][0], { env => { LUUKKU_NOW => iso(601) } })->{status}, 0, 'a retry by hand');
program_at('luukku-send', 602);
is($db->sql("SELECT state FROM outbox WHERE id = $left[0][0]"), 'cancelled', '... changes nothing');
$desk->configure(queues => queues(qw(aino dan)), agents => agents(qw(aino bo dan)));
is($desk->ctl('outbox', 'retry', $left[0][0], { env => { LUUKKU_NOW => iso(603) } })->{status}, 0, 'but for who is back');
program_at('luukku-send', 604);
is($db->sql("SELECT state FROM outbox WHERE id = $left[0][0]"), 'sent', '... it goes');
$smtp->stop;
$sends = 75;
take(605, 'ict', @thread, text => "Hei,\n\nja kuulokkeet.\n");
# An incident manager need not be an agent.
$db->sql("UPDATE outbox SET purpose = 'note', template = 'dissatisfied', recipient = 'valvoja\@example.fi'
	WHERE recipient = 'dan\@example.fi' AND state = 'queued'");
$desk->configure(site => 'admins = ( "bo@example.fi" );', queues => queues(qw(aino dan)) =~ s/aino\@/a.aino\@/r,
	agents => agents(qw(aino bo dan)) =~ s/"aino\@example.fi"; aliases = \( "a.aalto\@/"a.aino\@example.fi"; aliases = ( "aino\@/r);
$smtp->launch;
$sends = 0;
$smtp->clear;
program_at('luukku-send', 1200);
is(scalar mails_to('aino'), 1, 'an address that is an alias now is of the team');
is($db->sql("SELECT state FROM outbox WHERE template = 'dissatisfied'"), 'cancelled', 'what managers are told is for those of today');

done_testing();
