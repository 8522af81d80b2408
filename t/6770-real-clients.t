#!/usr/bin/perl
# Mails of real clients, as customer and as agent: each composes by itself, whom it answers, what it
# quotes and how, and hands in at Postfix; luukku sends through Postfix into mailboxes, from which the
# clients answer.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Clients;
use Luukku::Test::Desk;
use Luukku::Test::Mail qw(header shown text_of);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);
Luukku::Test::Clients->need;
my @clients = qw(neomutt s-nail alpine nmh);    # those that answer
my %customer = map { $_ => "$_\@sairaala.example" } @clients;
my $desk = Luukku::Test::Desk->start(
	postfix => { people => [values %customer, 'aino@example.fi', 'swaks@sairaala.example'] },
	queues => <<'CONF',
  { name = "ict"; title = "ICT-tuki"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "agents";
    mass: { people = 0; }; duplicate_window = "0"; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	extra => 'breaker = ( "100/10m" );');
my ($dovecot, $postfix) = ($desk->dovecot, $desk->postfix);

sub client_of {
	my ($client, $name, $address) = @_;
	return Luukku::Test::Clients->new($client, name => $name, address => $address, port => $postfix->port);
}
my %as_customer = map { $_ => client_of($_, "Asiakas $_", $customer{$_}) } @clients;
my %as_agent = map { $_ => client_of($_, 'Aino Aalto', 'aino@example.fi') } @clients;
my $swaks = client_of('swaks', 'Asiakas swaks', 'swaks@sairaala.example');

sub round {
	my ($what) = @_;
	for (1 .. 2) {
		$postfix->wait_empty;
		my $done = $desk->once;
		is($done->{status}, 0, $what) or diag $done->{err};
	}
	$postfix->wait_empty;
	return;
}

# The newest mail in a mailbox whose subject and text fit.
sub newest {
	my ($user, $subject, $like) = @_;
	my ($found) = grep { shown($_) =~ /^Subject:[^\n]*\Q$subject\E/m && shown($_) =~ ($like // qr/./) }
		map { { data => $_ } } reverse $dovecot->read_all($user, 'INBOX');
	diag "no mail to $user about $subject" if !$found;
	return $found;
}

# What the client sent, as luukku keeps it.
sub message {
	my ($subject, $direction) = @_;
	my ($row) = $desk->db->sql("SELECT m.direction, m.evidence, m.writer, coalesce(m.reply_text, ''), coalesce(m.text, ''),
			m.header_block, m.ticket_id FROM message m JOIN ticket t ON t.id = m.ticket_id
		WHERE t.subject LIKE '%$subject%' AND m.writer IN ('requester', 'agent', 'manager') AND m.direction = '$direction'
		ORDER BY m.id DESC LIMIT 1");
	return map { decode('UTF-8', $_) } @{ $row // [('') x 7] };
}

my %subject = map { $_ => "Vika ($_)" } @clients;
my %said;    # client => role => what it did

# What the client did with the mail it answered.
sub note_down {
	my ($client, $role, $direction, $answered) = @_;
	my ($is, $evidence, $writer, $words, $text, $head) = message($subject{$client}, $direction);
	my ($intro) = grep { /\S/ && /wrote|writes|message dated|On .*:/ } split /\n/, $text;
	my ($to) = $head =~ /^To: *(.*)$/mi;
	my $reply_to = header($answered->{data}, 'Reply-To') // '';
	my ($token) = $reply_to =~ /(\+[a-z2-7]{36}@)/;
	$said{$client}{$role} = [
		$token && index(lc $head, $token) >= 0 ? 'Reply-To' : 'From',
		$head =~ /^In-Reply-To:/mi ? 'yes' : 'no', scalar(() = ($head =~ /^References:(.*)$/mi ? $1 : '') =~ /</g),
		$head =~ /^Message-ID:.*\@mx\.example\.fi/mi ? "the MTA's" : 'its own',
		$head =~ /^Content-Type: *([^;\s]+)/mi ? $1 : '-', $evidence, $intro ? substr($intro, 0, 44) : 'none'];
	return $words;
}

# --- customers write ----------------------------------------------------------------------------------
for my $client (@clients) {
	my $by = $as_customer{$client}->can_compose ? $as_customer{$client}
		: client_of('swaks', "Asiakas $client", $customer{$client});
	$by->compose('ict@example.fi', $subject{$client}, "Hei,\n\nlaitteeni $client on rikki, äläkää viivytelkö.\n");
}
$swaks->compose('ict@example.fi', 'Vika (swaks)', "Hei,\n\nlaitteeni swaks on rikki, äläkää viivytelkö.\n");
round('customers write');
is($desk->db->sql('SELECT count(*) FROM ticket'), @clients + 1, 'a ticket each');
for my $client (@clients, 'swaks') {
	my ($row) = $desk->db->sql("SELECT m.reply_text, m.from_name FROM message m WHERE m.subject = 'Vika ($client)' AND direction = 'in'");
	like(decode('UTF-8', $row->[0] // ''), qr/^Hei,\n\nlaitteeni \Q$client\E on rikki, äläkää viivytelkö\.\s*\z/, "$client: the words as written");
}

# --- the agent answers the notices --------------------------------------------------------------------
for my $client (@clients) {
	my $notice = newest('aino@example.fi', $subject{$client}) or next;
	$as_agent{$client}->reply($notice->{data}, "Hei,\n\nkokeile avata luukku ($client), hyvä asiakas.\n");
}
round('the agent answers');
for my $client (@clients) {
	my $notice = newest('aino@example.fi', $subject{$client}, qr/Uusi tukipyyntö/);
	note_down($client, 'agent', 'out', $notice);
	my $got = newest($customer{$client}, $subject{$client}, qr/kokeile avata/) or fail("$client: the customer got the answer"), next;
	like(text_of($got), qr/^Hei,\n\nkokeile avata luukku \(\Q$client\E\), hyvä asiakas\./, "$client: the customer got the answer");
	unlike(text_of($got), qr/Uusi tukipyyntö|Tilanne:|^>|boundary|Content-Type/m, '... and nothing of the notice');
	is(decode('MIME-Header', header($got->{data}, 'From')), 'Aino Aalto <ict@example.fi>', '... from the desk');
}

# --- customers answer ---------------------------------------------------------------------------------
for my $client (@clients) {
	my $got = newest($customer{$client}, $subject{$client}, qr/kokeile avata/) or next;
	$as_customer{$client}->reply($got->{data}, "Kiitos, mutta luukku ($client) ei aukea.\n");
}
round('customers answer');
is($desk->db->sql('SELECT count(*) FROM ticket'), @clients + 1, 'no new tickets');
for my $client (@clients) {
	my $got = newest($customer{$client}, $subject{$client}, qr/kokeile avata/);
	my $words = note_down($client, 'customer', 'in', $got);
	like($words, qr/^Kiitos, mutta luukku \(\Q$client\E\) ei aukea\.\s*\z/, "$client: the new words alone") or diag $words;
	ok(newest('aino@example.fi', $subject{$client}, qr/ei aukea/), '... the agent hears of them');
}

# --- a command ----------------------------------------------------------------------------------------
for my $client (@clients) {
	my $notice = newest('aino@example.fi', $subject{$client}, qr/ei aukea/) or next;
	$as_agent{$client}->reply($notice->{data}, "#resolve\n\nVaihdoimme luukun ($client) ja saranat.\n");
}
round('the agent resolves');
for my $client (@clients) {
	is($desk->db->sql("SELECT status FROM ticket WHERE subject = '$subject{$client}'"), 'resolved', "$client: #resolve was run");
	my $told = newest($customer{$client}, $subject{$client}, qr/Vaihdoimme luukun/);
	like(text_of($told), qr/Vaihdoimme luukun \(\Q$client\E\) ja saranat\./, '... and the customer told');
	unlike(text_of($told), qr/#resolve|Asiakas vastasi|^>/m, '... that alone');
}
is_deeply([map { "@$_" } $desk->db->sql('SELECT reason, detail FROM quarantine')], [], 'nothing is in quarantine');

my @rows = ([qw(client role answers In-Reply-To References Message-ID type evidence quotes under)]);
$rows[0][8] = 'quotes under';
for my $client (@clients) {
	push @rows, [$client, $_, @{ $said{$client}{$_} // [] }] for qw(agent customer);
}
for my $row (@rows) {
	note join '  ', map { sprintf '%-*s', (9, 8, 8, 11, 10, 10, 15, 10, 1)[$_], $row->[$_] // '' } 0 .. 8;
}
done_testing;
