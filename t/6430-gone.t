#!/usr/bin/perl
# A configuration that changes under open tickets: an agent leaves the queue or the desk, a queue gets
# another name. No customer writes to nobody, nobody hears of what is not theirs any more, no answer is
# lost without a word.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);

sub queues {
	my (%o) = @_;
	my $name = $o{name} // 'ict';
	my $agents = join ', ', map { qq("$_\@example.fi") } @{ $o{agents} };
	my $notify = $o{notify} // 'agents';
	return <<"CONF";
  { name = "$name"; addresses = ( "ict\@example.fi" ); agents = ( $agents ); managers = ( "cecilia\@example.fi" ); notify = "$notify"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr\@example.fi" ); agents = ( "bo\@example.fi", "aino\@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
}
sub agents { return join ",\n", map { qq({ name = "\u$_"; address = "$_\@example.fi"; }) } @_ }

my $desk = Luukku::Test::Desk->start(queues => queues(agents => [qw(aino dan)]), agents => agents(qw(aino bo cecilia dan)),
	extra => "reload_limit = 100;\n");
my ($ids, $ack) = (0, undef);

# Who of the team hears of a mail of the customer's, by what explain says and by what then happens.
sub customer_writes {
	my ($what, %m) = @_;
	my $id = 'gone' . ++$ids . '@kunta.example';
	my $file = $desk->dir . '/mail.eml';
	my $thread = $ack ? "In-Reply-To: @{[header($ack, 'Message-ID')]}\n" : '';
	spew($file, mail(id => $id, from => 'Pia <pia@kunta.example>', to => 'ict@example.fi', subject => 'Kone', headers => $thread, %m));
	my $said = $desk->json('explain', $file);
	$desk->deliver('ict', slurp($file));
	is($desk->once->{status}, 0, "$what: taken");
	my ($message) = $desk->db->sql("SELECT id, ticket_id FROM message WHERE message_id = '$id'");
	my @sent = $desk->db->sql("SELECT template, recipient FROM outbox WHERE cause_id = $message->[0] ORDER BY 1, 2");
	is(join(', ', sort map { "$_->{template} to $_->{to}" } @{ $said->{mails} }), join(', ', map { "$_->[0] to $_->[1]" } @sent),
		'... with the mails that explain said');
	return { said => $said, ticket => $message->[1],
		heard => join(' ', map { $_->[1] =~ s/\@.*//r } grep { $_->[0] eq 'notice' || $_->[0] eq 'chase-notice' } @sent) };
}

my $first = customer_writes('a new matter', text => "Hei,\n\nkone ei toimi.\n");
is($first->{heard}, 'aino dan', '... the team hears');
($ack) = map { $_->{data} } grep { $_->{rcpt}[0] eq 'pia@kunta.example' } $desk->smtp->mails;
my ($notice) = map { $_->{data} } grep { $_->{rcpt}[0] eq 'dan@example.fi' } $desk->smtp->mails;
ok($ack && $notice, '... and the customer');
my $ref = "TUKI-$first->{ticket}";
is($desk->ctl('do', $ref, 'assign aino')->{status}, 0, 'it is aino\'s');
is(customer_writes('an answer', text => "Hei,\n\nlaite on PC1.\n")->{heard}, 'aino', '... who alone hears of answers');

# --- its owner leaves the queue, then the desk ------------------------------------------------------

$desk->configure(queues => queues(agents => ['dan']));
is(customer_writes('its owner is in another queue now', text => "Hei,\n\nentä näyttö?\n")->{heard}, 'dan', '... those who are here hear');
is(customer_writes('a chase', text => "Hei,\n\nonko asia edennyt?\n")->{heard}, 'cecilia', '... of a chase too');
$desk->configure(queues => queues(agents => ['dan'], notify => 'none') =~ s/, "aino\@example.fi"//r, agents => agents(qw(bo cecilia dan)));
is(customer_writes('its owner has left, and notify is none', text => "Hei,\n\nja hiiri.\n")->{heard}, 'cecilia',
	'... the manager hears: nobody takes what has an owner');

# --- the queue gets another name --------------------------------------------------------------------

$desk->configure(queues => queues(name => 'it', agents => ['dan']) =~ s/, "aino\@example.fi"//r);
like($desk->ctl('check', '--connect')->{err}, qr/queue "ict" is not in the configuration, but owns 1 open ticket \(the oldest: $ref\): .*luukkuctl do/,
	'check says so, and what to do');
my $lost = customer_writes('an answer to a ticket whose queue is gone', text => "Hei,\n\nja kuulokkeet.\n");
isnt($lost->{ticket}, $first->{ticket}, '... opens another one, which somebody sees');
is($lost->{heard}, 'dan', '... and hears of');
is($lost->{said}{queue}, 'it', '... in the queue that it was written to');
like($lost->{said}{reason}, qr/the queue of $ref is no longer in the configuration/, '... for a reason');
is_deeply([map { "$_->{relation} $_->{ref}" } @{ $desk->json('show', "TUKI-$lost->{ticket}")->{links} }], ["continues $ref"], '... linked with the old one');

sub agent_writes {
	my ($text) = @_;
	my $last = $desk->db->sql('SELECT max(id) FROM outbox');
	my ($to) = header($notice, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
	$desk->deliver('ict', mail(from => 'Dan <dan@example.fi>', to => $to, subject => "Re: [$ref] Kone", text => $text));
	is($desk->once->{status}, 0, 'an agent\'s mail is taken');
	return join ', ', map { "$_->[0] to $_->[1]" } $desk->db->sql("SELECT template, recipient FROM outbox WHERE id > $last ORDER BY id");
}
is(agent_writes("Hei Pia,\n\nkone on matkalla.\n"), 'refused to dan@example.fi', '... which cannot go to the customer: its writer hears');
my $done = $desk->ctl('do', $ref, 'resolve anyway', '--text', do { spew($desk->dir . '/text', "Valmis.\n"); $desk->dir . '/text' });
is($done->{status}, 65, 'nor can the command line, which says so');
like($done->{err} . $done->{out}, qr/queue "ict" is no longer there\. Move the ticket first: #queue/, '... and what to do first');
is($desk->ctl('do', $ref, 'queue it')->{status}, 0, 'moved to the new name');
is(agent_writes("Hei Pia,\n\nkone on matkalla.\n"), 'reply to pia@kunta.example', '... it is a ticket again: the agent\'s answer goes out');
is(customer_writes('an answer', text => "Hei,\n\nhienoa, odotan konetta.\n")->{ticket}, $first->{ticket}, '... and the customer\'s comes to it');

$desk->insiders('aino@example.fi');
done_testing;
