#!/usr/bin/perl
# Rules at work: what they decide happens, is told in the history and by explain, and a bad rule
# stops nothing.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(encode_utf8 decode_utf8);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);

my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "none";
    types = ( "incident", "request" ); default_type = "request";
    rules: ( { name = "own"; match: { type = "incident"; }; set: { tags = "ict-incident"; }; } ); },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; types = ( "request" ); machine_mail = "rule"; }
CONF
my $rules = <<'CONF';
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; } );
suppliers: ( { name = "huolto"; addresses = "tuki@huolto.example"; } );
slas: ( { name = "gold"; calendar = "office"; targets = ( { priority = "normal"; respond = "1h"; resolve = "8h"; } ); } );
rules: (
  { name = "outage"; match: { queue = "ict"; subject = "/\\b(häiriö|outage|störning)\\b/i"; };
    set: { type = "incident"; priority = "high"; }; },
  { name = "device"; match: { body = "/laite (?<device>PC[0-9]+)/i"; };
    set: { fields: { device = "${device}"; }; subject = "Laite ${device}"; tags = ( "laite", "$1" ); }; },
  { name = "hand on"; match: { subject = "*kopioi*"; };
    set: { forward = "arkisto@muualla.example"; cc = "esimies@asiakas.example"; owner = "aino@example.fi"; skill = "printer"; sla = "gold"; }; },
  { name = "payroll"; match: { to = "ict@example.fi"; body = "/palkka(lasku|laskelma)/i"; }; set: { queue = "hr"; language = "sv"; }; },
  { name = "to supplier"; match: { subject = "*huoltoon*"; }; set: { supplier = "huolto"; acknowledge = false; }; },
  { name = "quiet"; match: { subject = "hiljaa"; }; set: { acknowledge = false; }; },
  { name = "spam"; match: { header: { X-Spam-Flag = "YES"; }; }; set: { status = "junk"; }; },
  { name = "advertising"; match: { subject = "*tarjous*"; }; set: { drop = "advertising"; }; stop = true; },
  { name = "newsletter"; match: { kind = "list"; subject = "*tiedote*"; }; set: { open = true; }; },
  { name = "alarm"; match: { from = "*@mon.example"; subject = "*levy*"; }; set: { queue = "hr"; priority = "low"; }; },
  { name = "catastrophe"; match: { body = "/(a+)+$/"; }; set: { tags = "never"; }; },
  { name = "urgent reply"; on = "reply"; match: { is_reply = true; body = "*KIIRE*"; };
    set: { priority = "urgent"; tags = "kiire"; queue = "hr"; fields: { asked = "yes"; }; }; }
);
CONF
my $desk = Luukku::Test::Desk->start(queues => encode_utf8($queues), extra => encode_utf8($rules));
my $db = $desk->db;

sub header_text { return '=?utf-8?B?' . encode_base64(encode_utf8($_[0]), '') . '?=' }

my %explained;

# Delivers, having asked explain first. Returns nothing; the mails are taken by taken().
my @waiting;

sub bring {
	my ($name, %option) = @_;
	$option{subject} = header_text($option{subject}) if defined $option{subject};
	$option{text} = encode_utf8($option{text}) if defined $option{text};
	$option{id} = "$name\@asiakas.example";
	my $mail = mail(%option);
	my $file = $desk->dir . "/$name.eml";
	spew($file, $mail);
	my $explain = $desk->ctl('explain', '--json', '--mailbox', 'ict', $file);
	is($explain->{status}, 0, "explain $name") or diag $explain->{err};
	$explained{$name} = JSON::PP->new->utf8->decode($explain->{out});
	$desk->deliver('ict', $mail);
	return $mail;
}

sub taken {
	my $begun = time;
	my $done = $desk->once;
	is($done->{status}, 0, 'taken') or diag $done->{err};
	return ($done->{out} . $done->{err}, time - $begun);
}

sub ticket_of {
	my ($name) = @_;
	my ($row) = $db->sql(qq{SELECT t.id, t.queue, t.type, t.priority, t.status, array_to_string(t.tags, ' '), t.fields::text,
		t.title, t.owner, t.skill, t.sla, t.language FROM message m JOIN ticket t ON t.id = m.ticket_id
		WHERE m.message_id = '$name\@asiakas.example'});
	my %ticket;
	@ticket{qw(id queue type priority status tags fields title owner skill sla language)} = @{ $row // [] };
	return \%ticket;
}

sub events {
	my ($name, $event) = @_;
	return [map { "$_->[0]: $_->[1]" } $db->sql(qq{SELECT e.actor, e.reason FROM event e JOIN message m ON m.id = e.message_id
		WHERE m.message_id = '$name\@asiakas.example' AND e.event = '$event' ORDER BY e.id})];
}

sub mails_to { return grep { ($_->{recipient} // '') eq $_[0] } @{ $_[1] } }

# --- new tickets ------------------------------------------------------------------------------------

bring('plain', subject => 'Näppäimistö', text => "Hei, näppäimistö ei toimi.\n");
bring('outage', subject => 'Verkossa on häiriö', text => "Koko talossa. Laite PC1234 ei käynnisty.\n");
bring('payroll', subject => 'Lönen', text => "Hej, min palkkalaskelma saknas.\n");
bring('quiet', subject => 'Hiljaa', text => "Ei vastausta tähän, kiitos.\n");
bring('spam', subject => 'Win a prize', text => "Click here\n", headers => "X-Spam-Flag: YES\n");
bring('dropped', subject => 'Paras tarjous', text => "Osta heti\n");
bring('list', subject => 'Kevään tiedote', text => "Uutisia\n", headers => "List-Id: <uutiset.asiakas.example>\n");
bring('otherlist', subject => 'Muuta', text => "Uutisia\n", headers => "List-Id: <uutiset.asiakas.example>\n");
bring('alarm', from => 'nagios@mon.example', subject => 'Levy täynnä', text => "95 %\n", headers => "Auto-Submitted: auto-generated\n");
bring('odd', from => 'nagios@mon.example', to => 'hr@example.fi', subject => 'Muu hälytys', text => "?\n",
	headers => "Auto-Submitted: auto-generated\n");
bring('copy', subject => 'kopioi tämä', text => <<'END', headers => "Content-Type: multipart/mixed; boundary=\"B\"\n");
--B
Content-Type: text/plain; charset=utf-8

Hei, tässä arkistoon sanat ja liite.
--B
Content-Type: application/pdf; name="lasku.pdf"
Content-Disposition: attachment; filename="lasku.pdf"
Content-Transfer-Encoding: base64

bGlpdHRlZW4gdGF2dXQ=
--B--
END
bring('supplier', subject => 'Tämä huoltoon', text => "Kone on rikki.\n");
bring('hostile', subject => 'Vaaraton aihe', text => ('a' x 30_000) . "!\n");
my ($log, $took) = taken();

is_deeply([@{ ticket_of('plain') }{qw(queue type priority status tags)}], ['ict', 'request', 'normal', 'new', ''],
	'no rule: the queue\'s own');
is_deeply(events('plain', 'rule'), [], 'and nothing told of rules');

my $outage = ticket_of('outage');
is_deeply([@$outage{qw(queue type priority tags fields title)}],
	['ict', 'incident', 'high', 'laite PC1234 ict-incident', '{"device": "PC1234"}', 'Laite PC1234'],
	'type, priority, tags, field and title by rules; the queue\'s own rule sees them');
my @told = @{ events('outage', 'rule') };
is(scalar @told, 3, 'an event for each rule');
like($told[0], qr{^rule:outage: rule "outage" \(\S+luukku\.conf:\d+\): type incident, priority high$}, 'by the rule, with file and line');
my ($subject) = $db->sql("SELECT subject FROM ticket WHERE id = $outage->{id}");
is(decode_utf8($subject->[0]), 'Verkossa on häiriö', 'the customer\'s subject stays');

is_deeply([@{ ticket_of('payroll') }{qw(queue priority language)}], ['hr', 'normal', 'sv'], 'another queue, with its priority');
is(scalar(@{ events('quiet', 'acknowledged') }), 0, 'acknowledge = false');
like(events('quiet', 'not_acknowledged')->[0], qr/rule "quiet" \(\S+:\d+\) says so$/, 'and why');
is(ticket_of('spam')->{status}, 'junk', 'status junk');
like(events('spam', 'not_acknowledged')->[0], qr/status junk/, 'is not acknowledged');
like(events('spam', 'status')->[0], qr/^rule:spam: /, 'moved by the rule');

is_deeply([$db->sql(q{SELECT q.reason, q.detail, m.ticket_id IS NULL FROM quarantine q JOIN message m ON m.id = q.message_id
	WHERE m.message_id = 'dropped@asiakas.example'})]->[0][0], 'dropped', 'a dropped mail waits in quarantine');
like(scalar $db->sql(q{SELECT q.detail FROM quarantine q JOIN message m ON m.id = q.message_id
	WHERE m.message_id = 'dropped@asiakas.example'}), qr/^rule "advertising" \(\S+:\d+\) drops it: advertising$/, 'with the rule\'s reason');
is(ticket_of('list')->{status}, 'new', 'a list\'s mail opens a ticket where a rule says so');
is(scalar $db->sql(q{SELECT count(*) FROM outbox o JOIN message m ON m.ticket_id = o.ticket_id
	WHERE m.message_id = 'list@asiakas.example'}), 0, 'and is not answered');
is(scalar $db->sql(q{SELECT q.reason FROM quarantine q JOIN message m ON m.id = q.message_id
	WHERE m.message_id = 'otherlist@asiakas.example'}), 'list', 'others stay in quarantine');
is_deeply([@{ ticket_of('alarm') }{qw(queue priority)}], ['hr', 'low'], 'machine_mail = "rule": a rule that names a queue takes it');
is(scalar $db->sql(q{SELECT q.reason FROM quarantine q JOIN message m ON m.id = q.message_id
	WHERE m.message_id = 'odd@asiakas.example'}), 'machine_mail', 'and nothing else does');

# --- people and copies
my $copy = ticket_of('copy');
is_deeply([@$copy{qw(owner skill sla)}], ['aino@example.fi', 'printer', 'gold'], 'owner, skill and service level');
is_deeply([map { $_->[0] } $db->sql(qq{SELECT p.address FROM participant a JOIN person p ON p.id = a.person_id
	WHERE a.ticket_id = $copy->{id} AND a.added_by = 'rule:hand on'})], ['esimies@asiakas.example'], 'a participant by the rule');
my ($forwarded) = grep { (header($_->{data}, 'To') // '') =~ /arkisto\@muualla/ } $desk->smtp->mails;
ok($forwarded, 'a copy went out');
my $bytes = $forwarded ? $forwarded->{data} : '';
like($bytes, qr/filename="?lasku\.pdf/, 'with the attachment');
like($bytes, qr/bGlpdHRlZW4gdGF2dXQ=/, 'byte for byte');
unlike(header($bytes, 'Reply-To') // '', qr/asiakas/, 'and no way around the desk');
unlike($bytes, qr{message/rfc822}, 'as a new mail');

is(ticket_of('supplier')->{status}, 'waiting_supplier', 'a ticket handed to a supplier waits for it');
is_deeply([map { "@$_" } $db->sql(q{SELECT o.recipient, o.purpose, o.template FROM outbox o JOIN message m ON m.ticket_id = o.ticket_id
	WHERE m.message_id = 'supplier@asiakas.example'})], ['tuki@huolto.example supplier forward'], 'which got the customer\'s words');
like(events('supplier', 'supplier_asked')->[0], qr/^rule:to supplier: .*handed to supplier huolto$/, 'as the history says');

# --- a pattern without bounds
is_deeply([@{ ticket_of('hostile') }{qw(queue tags)}], ['ict', ''], 'a mail that makes a pattern explode is taken');
like(events('hostile', 'rule_limit')->[0], qr/^rule:catastrophe: rule "catastrophe" \(\S+:\d+\): not applied: its pattern on body was given up/,
	'the history says that the rule was not applied');
like($log, qr/rule\.gave_up mailbox=ict uid="?\d+"? rules="\S+:\d+"/, 'and so does the log');
cmp_ok($took, '<', 60, 'within bounded time');
my ($given_up) = grep { $_->{name} eq 'catastrophe' } @{ $explained{hostile}{rules} };
is($given_up->{matched} ? 'matched' : 'not', 'not', 'explain: it did not match');
is($given_up->{tests}[0]{holds}, undef, 'explain: whether its test holds is not known');
like($given_up->{because}, qr/given up/, 'explain: because it was given up');

# --- explain says what then happens
for my $name (qw(plain outage payroll quiet spam list alarm copy supplier hostile)) {
	my ($said, $is) = ($explained{$name}, ticket_of($name));
	my $owner = $said->{owner};
	is_deeply([map({ $_ // '' } @$said{qw(queue type priority status language)}), join(' ', @{ $said->{tags} }), $said->{fields},
			$said->{subject} // '', $owner // ''],
		[@$is{qw(queue type priority status language tags)}, JSON::PP->new->utf8->decode($is->{fields}), $is->{title}, $is->{owner}],
		"explain $name said what happened");
	my $out = $db->sql(qq{SELECT count(*) FROM outbox WHERE ticket_id = $is->{id} AND template = 'acknowledgement'});
	is($out, $said->{acknowledge} ? 1 : 0, "and whether it is acknowledged");
}
is($explained{dropped}{quarantine}, 'dropped', 'explain: quarantine');
is($explained{dropped}{queue}, undef, 'explain: no queue for a mail in quarantine');
my ($trace) = grep { $_->{name} eq 'outage' } @{ $explained{outage}{rules} };
is_deeply([map { [@$_{qw(test value seen)}, $_->{holds} ? 1 : 0] } @{ $trace->{tests} }],
	[['queue', 'ict', 'ict', 1], ['subject', decode_utf8(encode_utf8('/\b(häiriö|outage|störning)\b/i')), 'Verkossa on häiriö', 1]],
	'explain: every test with the value seen');
is($trace->{file}, $desk->conf, 'explain: file');
cmp_ok($trace->{line}, '>', 1, 'explain: line');
is(scalar @{ $explained{outage}{rules} }, 13, 'explain: every rule, the queue\'s own too');
my $stored = JSON::PP->new->utf8->decode(scalar $db->sql(q{SELECT a.explain FROM arrival a JOIN message m ON m.id = a.message_id
	WHERE m.message_id = 'outage@asiakas.example'}));
is_deeply([map { $_->{name} } grep { $_->{matched} } @{ $stored->{rules} }], ['outage', 'device', 'own'], 'stored: the rules that matched');
is(scalar @{ $stored->{rules} }, 13, '... and the others');
is_deeply([grep { !$_->{matched} && ($_->{tests} || $_->{because} eq '') } @{ $stored->{rules} }], [], '... with the reason alone');
is_deeply([map { [@$_{qw(test value)}, $_->{holds} ? 1 : 0] } @{ $stored->{rules}[0]{tests} }],
	[['queue', 'ict', 1], ['subject', decode_utf8(encode_utf8('/\b(häiriö|outage|störning)\b/i')), 1]], '... tests of one that matched');
ok(!grep({ exists $_->{seen} } map { @{ $_->{tests} // [] } } @{ $stored->{rules} }), 'stored: without people\'s words');

# --- replies ----------------------------------------------------------------------------------------

my ($ack) = $db->sql(q{SELECT o.header_message_id, o.recipient FROM outbox o JOIN message m ON m.ticket_id = o.ticket_id
	WHERE m.message_id = 'plain@asiakas.example' AND o.template = 'acknowledgement'});
ok($ack, 'the acknowledgement of the plain one') or BAIL_OUT('nothing to reply to');
bring('reply', from => $ack->[1], subject => 'Re: Näppäimistö', text => "Tällä on KIIRE!\n", headers => "In-Reply-To: <$ack->[0]>\n");
ok($explained{reply}{joins}, 'explain: it joins');
is($explained{reply}{priority}, 'urgent', 'explain: what its rule changes');
taken();
my $joined = ticket_of('reply');
is($joined->{id}, ticket_of('plain')->{id}, 'the reply joined');
is_deeply([@$joined{qw(queue priority tags fields)}], ['hr', 'urgent', 'kiire', '{"asked": "yes"}'],
	'a rule for replies changes the ticket');
is_deeply([map { $_->[0] } $db->sql("SELECT event FROM event WHERE ticket_id = $joined->{id} AND actor = 'rule:urgent reply' ORDER BY event")],
	[qw(priority queue rule)], 'each change is told, by the rule');
is(scalar $db->sql("SELECT queue FROM stage WHERE ticket_id = $joined->{id} AND to_at IS NULL"), 'hr', 'its stage too');

# --- ten mistakes at once, and the running desk goes on ----------------------------------------------

my $good = slurp($desk->conf);
$desk->up;
my @mistakes = (
	[q[match: { queue = "ict"; subject], q[match: { queue = "itc"; subject], qr/there is no queue "itc"; did you mean "ict"\?/],
	[q[type = "incident"; priority = "high"], q[type = "incidnt"; priority = "high"], qr/no queue has the type "incidnt"/],
	[q[tags = ( "laite", "$1" )], q[tags = ( "laite", "$2" )], qr/\$2: no pattern of the rule has so many groups/],
	[q[owner = "aino@example.fi"; skill], q[owner = "ainoo@example.fi"; skill], qr/"ainoo\@example\.fi" is the address of nobody in agents/],
	[q[palkka(lasku|laskelma)], q[palkka(lasku|laskelma], qr/bad pattern at character/],
	[q[acknowledge = false], q[acknowledge = "no"], qr/should be true or false without quotes/],
	[q[X-Spam-Flag = "YES"], q[X-Spam-Flag = ()], qr/is empty: it could never hold/],
	[q[status = "junk"], q[status = "jnuk"], qr/"jnuk" is not one of/],
	[q[kind = "list"; subject], q[knid = "list"; subject], qr/there is no such setting; did you mean "kind"\?/],
	[q[sla = "gold"], q[sla = "silver"], qr/there is no service level "silver"/],
);
my $bad = $good;
my %line;
for my $mistake (@mistakes) {
	my ($from, $to) = map { encode_utf8($_) } @$mistake[0, 1];
	$bad =~ s/\Q$from\E/$to/ or die "the configuration has no $from\n";
}
for my $i (0 .. $#mistakes) {
	my $at = index $bad, encode_utf8($mistakes[$i][1]);
	$line{$i} = 1 + (substr($bad, 0, $at) =~ tr/\n//);
}
spew($desk->conf, $bad, 0600);
$desk->give_away($desk->conf);
my $check = $desk->ctl('check');
is($check->{status}, 78, 'ten mistakes: exit status');
for my $i (0 .. $#mistakes) {
	like($check->{err}, qr/^\Q@{[ $desk->conf ]}\E:$line{$i}: [^\n]*$mistakes[$i][2]/m, "mistake $i with file and line");
}
is($desk->ctl('reload')->{status}, 78, 'the running desk refuses it');
$desk->deliver('ict', mail(id => 'after@asiakas.example', subject => header_text('Verkon häiriö'), text => "x\n"));
wait_until(sub { ticket_of('after')->{id} }, 60, 'a mail taken by the old configuration');
is(ticket_of('after')->{priority}, 'high', 'the rules of before go on');

# --- what check warns of
spew($desk->conf, $good =~ s/acknowledge = false/acknowledge = false; template = "acknowledgment"/r, 0600);
$desk->give_away($desk->conf);
$check = $desk->ctl('check');
like($check->{out} . $check->{err}, qr/rules\[catastrophe\]\.match\.body: matching \(a\+\)\+\$ can take for ever/, 'a pattern without bounds');
like($check->{out} . $check->{err}, qr/rules\[to supplier\]\.set\.template: there is no LANGUAGE\/acknowledgment\.txt in \S+; did you mean "acknowledgement"\?/,
	'a template that is not there');
is($check->{status}, 78, 'which is an error');
spew($desk->conf, $good, 0600);
$desk->give_away($desk->conf);
is($desk->ctl('reload')->{status}, 0, 'mended: taken');
$desk->down;
$desk->show_log if !Test::More->builder->is_passing;
$desk->insiders('arkisto@muualla.example');
done_testing;
