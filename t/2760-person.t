#!/usr/bin/perl
# luukkuctl person, organisation and agent: imports of every shape, standings, what data protection
# asks for, and an agent's leaving.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes ();
use Luukku::Test::Base;
use Luukku::Test::Pg;

program('luukkuctl');
my $dir = temp_dir();
my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my ($conninfo, $owner) = ($db->conninfo, $db->owner_conninfo);

sub ctl {
	my (@words) = @_;
	my %option = ref $words[-1] eq 'HASH' ? %{ pop @words } : ();
	return run(['luukkuctl', '-c', "$dir/luukku.conf", @words], env => { TZ => 'UTC' }, %option);
}

sub ctl_ok {
	my (@words) = @_;
	my $done = ctl(@words);
	is($done->{status}, 0, "luukkuctl @words") or diag $done->{err};
	return $done->{out};
}

sub row {
	my ($row) = $db->sql($_[0]);
	return $row;
}

sub json {
	my (@words) = @_;
	return JSON::PP::decode_json(ctl_ok(@words));
}

sub csv {
	my ($text) = @_;
	spew("$dir/people.csv", $text);
	return "$dir/people.csv";
}

is(ctl('key', 'new', "$dir/site.key")->{status}, 0, 'a site key');
mkdir "$dir/$_" or die $! for qw(run spool);
spew("$dir/luukku.conf", <<"END", 0600);
site: { domain = "example.fi"; key_file = "$dir/site.key"; run_dir = "$dir/run"; spool_dir = "$dir/spool"; };
database: { conninfo = "$conninfo"; owner_conninfo = "$owner"; };
smtp: { send = false; envelope_from = "luukku\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
organisations: ( { name = "Pohjoinen sairaala"; domains = ( "sairaala.example" ); language = "fi"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( "aino\@example.fi", "bo\@example.fi" ); },
	{ name = "hr"; addresses = ( "hr\@example.fi" ); agents = ( "aino\@example.fi" ); } );
agents: ( { name = "Aino"; address = "aino\@example.fi"; aliases = ( "aino.aalto\@example.fi" ); },
	{ name = "Bo"; address = "bo\@example.fi"; } );
END

# --- import --------------------------------------------------------------------------------------

my $file = csv("\x{ef}\x{bb}\x{bf}Name;Address;Organisation;Language;Phone;Osasto\r\n"
	. "\"M\x{c3}\x{a4}kinen; Maija\";Maija\@sairaala.example;pohjoinen  SAIRAALA;FI;\"+358 40 \"\"1\"\"\";7\r\n"
	. "Bo Ek;bo.ek\@verkko.example;Verkko Ab;sv;;\r\n;\r\nNimet\x{c3}\x{b6}n;x\@verkko.example;;;;\r\n");
my $done = ctl('person', 'import', $file, '--dry-run');
is($done->{out}, "would be: 3 new, 0 changed, 0 as they were\n", 'a dry run: BOM, ; and CRLF, quotes, columns in any order');
like($done->{err}, qr/^luukkuctl: warning: .*people\.csv:1: the column "osasto" is not used$/m, '... an unknown column is named');
is($db->sql('SELECT count(*) FROM person') . $db->sql('SELECT count(*) FROM organisation'), '00', '... and writes nothing');
is(ctl('person', 'import', $file)->{out}, "3 new, 0 changed, 0 as they were\n", 'import');
is(ctl('person', 'import', $file)->{out}, "0 new, 0 changed, 3 as they were\n", 'the same again changes nothing');
my @people = $db->sql(q{SELECT p.address, p.name, o.name, p.language, p.phone, p.organisation_set
	FROM person p LEFT JOIN organisation o ON o.id = p.organisation_id ORDER BY p.address});
is_deeply(\@people, [
	['Maija@sairaala.example', "M\x{c3}\x{a4}kinen; Maija", 'Pohjoinen sairaala', 'fi', '+358 40 "1"', 't'],
	['bo.ek@verkko.example', 'Bo Ek', 'Verkko Ab', 'sv', '', 't'],
	['x@verkko.example', "Nimet\x{c3}\x{b6}n", '', '', '', 'f'],
], 'the values; the organisation as the configuration spells it');
is(ctl('person', 'import', csv("address,phone,language\nBO.EK\@verkko.example,123,\nnew\@verkko.example,,en\n"))->{out},
	"1 new, 1 changed, 0 as they were\n", 'commas; an address in another case is the same one');
is_deeply(row(q{SELECT name, language, phone FROM person WHERE address = 'bo.ek@verkko.example'}),
	['Bo Ek', 'sv', '123'], 'an empty cell leaves what is known');
is($db->sql(q{SELECT string_agg(event || ' ' || detail::text, ', ' ORDER BY id) FROM event}),
	'persons_imported {"added": 3, "changed": 0}, persons_imported {"added": 1, "changed": 1}',
	'what changed something is remembered');

$file = csv("language,address,name\nfi,ok\@verkko.example,Ok\nsuomi,a\@verkko.example,A\nfi,no address,B\nfi,,C\n"
	. "fi,OK\@verkko.example,D\nsv,ict\@example.fi,E\nfi,z\@verkko.example,F,extra\nfi,\"broken\@verkko.example,G\n"
	. "fi,last\@verkko.example," . ('x' x 201) . "\n");
my $people = $db->sql('SELECT count(*) FROM person');
$done = ctl('person', 'import', $file);
is($done->{status}, 65, 'bad lines: exit status 65');
is_deeply([map { s/^\Q$file\E:// ? $_ : () } split /\n/, $done->{err}], [
	'3: the language "suomi" is no code of two letters such as fi, sv, en',
	'4: "no address" is no mail address',
	'5: the address is empty',
	'6: OK@verkko.example stands in line 2 already',
	'7: ict@example.fi is the address of queue ict, no customer\'s',
	'8: 4 fields, but the first line names 3 columns',
	'9: a quote begins here and does not end',
	'10: the name is longer than 200 bytes',
], '... each error with its line');
like($done->{err}, qr/nothing was imported: 8 lines of \S+ have errors/, '... summed up');
is($db->sql('SELECT count(*) FROM person'), $people, '... and nothing is imported');
$done = ctl('person', 'import', $file, '--partial');
is($done->{status} . $done->{out}, "651 new, 0 changed, 0 as they were, 8 with errors left out\n",
	'--partial imports the good ones and still says 65');
for my $bad (["name\nx\n", qr/:1: the first line has to name the columns/], ['', qr/:1: the file is empty/],
	["address,name,Address\n", qr/:1: the column "address" stands there twice/],
	["address,name\nm\@x.example,M\xe4kinen\n", qr/line 2: not UTF-8 text; save the file as "CSV UTF-8"/],
	["\xff\xfea\0", qr/UTF-16/]) {
	$done = ctl('person', 'import', csv($bad->[0]));
	is($done->{status}, 65, 'a file that is none: 65');
	like($done->{err}, $bad->[1], '... with what to do');
}
is(ctl('person', 'import', "$dir/none.csv")->{status}, 66, 'no file: 66');
like(ctl('person', 'import', '-', { in => "address\nstdin\@verkko.example\n" })->{out}, qr/^1 new/, 'standard input');

my $lines = join '', map { "h$_\@suuri.example;Henkil\x{c3}\x{b6} $_;Osasto " . ($_ % 40) . ";fi\n" } 1 .. 50_000;
$file = csv("address;name;organisation;language\n$lines");
my $begun = Time::HiRes::time();
is(ctl('person', 'import', $file)->{out}, "50000 new, 0 changed, 0 as they were\n", '50,000 lines');
my $took = Time::HiRes::time() - $begun;
cmp_ok($took, '<', 60, sprintf 'in seconds (%.1f s)', $took);
is(ctl('person', 'import', $file)->{out}, "0 new, 0 changed, 50000 as they were\n", '... again');

# --- show, set, unblock --------------------------------------------------------------------------

is_deeply(json('person', 'show', 'maija@SAIRAALA.example', '--json'), {
	address => 'Maija@sairaala.example', name => "M\x{e4}kinen; Maija", organisation => 'Pohjoinen sairaala',
	organisation_by => 'import', language => 'fi', phone => '+358 40 "1"', standing => 'normal',
	suppressed_until => undef, suppressed_reason => undef, tickets => { open => 0, all => 0 },
	known_since => JSON::PP::decode_json(ctl('person', 'show', 'maija@sairaala.example', '--json')->{out})->{known_since},
}, 'show --json');
like(ctl_ok('person', 'show', 'maija@sairaala.example'), qr/^Organisation: +Pohjoinen sairaala \(by import\)$/m, 'show');
is(ctl('person', 'show', 'nobody@verkko.example')->{status}, 66, 'nobody: 66');
is(ctl('person', 'show', 'nobody')->{status}, 64, 'no address: 64');
is(ctl_ok('person', 'set', 'maija@sairaala.example', 'vip'), "maija\@sairaala.example: vip (was normal)\n", 'set');
is(ctl_ok('person', 'set', 'spam@roska.example', 'blocked'), "spam\@roska.example: blocked (was not known)\n",
	'set for an address that never wrote');
is(ctl('person', 'set', 'maija@sairaala.example', 'king')->{status}, 64, 'no such standing: 64');
is($db->sql(q{SELECT string_agg(address || ' ' || standing, ', ' ORDER BY address) FROM person WHERE standing <> 'normal'}),
	'Maija@sairaala.example vip, spam@roska.example blocked', 'they are stored');
$db->sql(q{UPDATE person SET suppressed_until = '2030-01-01', suppressed_reason = '5.1.1 unknown'
	WHERE address IN ('spam@roska.example', 'x@verkko.example')});
like(ctl_ok('person', 'show', 'x@verkko.example'), qr/^No mail: +until 2030-01-01 00:00: 5\.1\.1 unknown$/m, 'a suppressed one');
is(ctl_ok('person', 'unblock', 'x@verkko.example'),
	"x\@verkko.example: mail goes there again; `luukkuctl outbox list --all` shows what did not\n", 'unblock');
like(ctl_ok('person', 'unblock', 'spam@roska.example'), qr/mail from it stays blocked \(`luukkuctl person set/,
	'unblock is not the end of "blocked", and says so');
is($db->sql('SELECT count(*) FROM person WHERE suppressed_until IS NOT NULL'), 0, 'both are lifted');
is(ctl('person', 'unblock', 'nobody@verkko.example')->{status}, 66, 'nobody: 66');

# --- organisations -------------------------------------------------------------------------------

my ($hospital) = grep { $_->{name} eq 'Pohjoinen sairaala' } @{ json('organisation', 'list', '--json') };
is_deeply($hospital, { name => 'Pohjoinen sairaala', domains => ['sairaala.example'], addresses => [], language => 'fi',
	sla => undef, configured => JSON::PP::true, people => 1, open => 0 }, 'organisation list --json');
like(ctl_ok('organisation', 'list'), qr/^Verkko Ab .* import /m, 'organisation list: what was imported, too');

# --- export and erase ----------------------------------------------------------------------------

my $hash = sub { scalar $db->sql("SELECT encode(address_hash, 'hex') FROM person WHERE lower(address) = '$_[0]'") };
my ($maija, $bo) = map { $hash->($_) } 'maija@sairaala.example', 'bo.ek@verkko.example';
my $zero = '\x' . '00' x 16;
my ($maija_id, $bo_id) = map { scalar $db->sql("SELECT id FROM person WHERE address_hash = '\\x$_'") } $maija, $bo;
$db->sql(<<"END");
INSERT INTO ticket (queue, status, owner, requester_id, subject, title, subject_hash, fields, opened_at, changed_at, resolution)
VALUES ('ict', 'open', 'aino\@example.fi', $maija_id, 'Maijan tulostin', 'Maija', '$zero', '{"device": "PC12345"}',
		'2026-03-27 08:00+00', '2026-03-27', 'Maijalle uusi'),
	('ict', 'open', 'aino.aalto\@example.fi', $bo_id, 'Bon asia', NULL, '$zero', '{}', '2026-03-27 08:00+00', '2026-03-27', NULL),
	('hr', 'new', 'aino\@example.fi', $bo_id, 'Bon palkka', NULL, '$zero', '{}', '2026-03-27 08:00+00', '2026-03-27', NULL),
	('hr', 'closed', 'aino\@example.fi', $bo_id, 'vanha', NULL, '$zero', '{}', '2026-03-27 08:00+00', '2026-03-27', NULL);
INSERT INTO participant (ticket_id, person_id, role, added_by, added_at) VALUES
	(1001, $maija_id, 'requester', 'customer:Maija\@sairaala.example', '2026-03-27'),
	(1002, $bo_id, 'requester', 'customer:bo.ek\@verkko.example', '2026-03-27'),
	(1002, $maija_id, 'cc', 'customer:bo.ek\@verkko.example', '2026-03-27');
INSERT INTO blob (hash, size) VALUES (sha256('x'), 1);
INSERT INTO message (ticket_id, direction, message_id, message_id_hash, content_hash, from_name, from_address, recipients_to,
	recipients_cc, subject, at, text, reply_text, header_block, parsed, raw_blob, raw_size)
VALUES (1001, 'in', 'maija.1\@sairaala.example', '$zero', sha256('1'), 'Maija M', 'MAIJA\@sairaala.example', '[]', '[]',
		'Maijan tulostin', '2026-03-27', 'Maija kirjoittaa', 'Maija kirjoittaa', 'From: Maija', '{"sender": "Maija"}', 1, 77),
	(1001, 'out', 'lk.1\@example.fi', NULL, NULL, 'ICT', 'ict\@example.fi',
		'[{"name": "Maija M", "address": "maija\@sairaala.example"}]', '[]', 'Maijan', '2026-03-27', 'Hei Maija', '', NULL, '{}', NULL, NULL),
	(1001, 'note', NULL, NULL, NULL, 'Aino', 'aino\@example.fi', '[]', '[]', '', '2026-03-27', 'Maija soitti', '', NULL, '{}', NULL, NULL),
	(1002, 'in', 'bo.1\@verkko.example', NULL, sha256('2'), 'Bo', 'bo.ek\@verkko.example', '[{"name": null, "address": "ict\@example.fi"}]',
		'[{"name": "Maija", "address": "Maija\@Sairaala.example"}]', 'Bon asia', '2026-03-27', 'Bo kirjoittaa', 'Bo', NULL, '{}', NULL, 5),
	(1002, 'in', 'maija.2\@sairaala.example', NULL, sha256('3'), 'Maija', 'maija\@sairaala.example', '[]', '[]', 'Re: Bon asia',
		'2026-03-27', 'Maija Bolle', 'Maija Bolle', NULL, '{}', NULL, 9),
	(NULL, 'in', 'maija.3\@sairaala.example', NULL, sha256('4'), 'Maija', 'maija\@sairaala.example', '[]', '[]', 'Poissa', '2026-03-27',
		'Maija lomalla', '', NULL, '{}', NULL, 9);
INSERT INTO attachment (message_id, n, filename, content_type, is_inline, size, blob_id)
	VALUES (1, 1, 'maija.pdf', 'application/pdf', false, 1, 1);
INSERT INTO message_search (message_id, words) SELECT id, to_tsvector('simple', text) FROM message;
INSERT INTO quarantine (message_id, mailbox, reason, detail, at) VALUES (6, 'pipe', 'auto_reply', 'Maija', '2026-03-27');
INSERT INTO arrival (mailbox, folder, uidvalidity, uid, received_at, fetched_at, message_id, ticket_id, outcome, reason, explain, server, server_action)
	VALUES ('pipe', '', 0, '1', '2026-03-27', '2026-03-27', 1, 1001, 'ticket', 'to ict', '{"mails": [{"to": "maija\@sairaala.example"}]}', 'done', 'keep');
INSERT INTO event (ticket_id, message_id, at, actor, event, reason, detail) VALUES
	(1001, 1, '2026-03-27', 'customer:Maija\@sairaala.example', 'opened', 'to ict', '{"queue": "ict"}'),
	(1001, 1, '2026-03-27', 'customer:Maija\@sairaala.example', 'field_filled', 'in the subject', '{"field": "device", "value": "PC12345"}'),
	(1002, 4, '2026-03-27', 'customer:bo.ek\@verkko.example', 'participant_added', 'copied', '{"address": "Maija\@sairaala.example"}');
INSERT INTO outbox (ticket_id, cause_id, message_id, template, purpose, queue, language, recipient, recipient_hash, recipient_name,
	variables, state, reason, created_at, due_at, last_reply, wire)
VALUES (1001, 1, 2, 'acknowledgement', 'customer', 'ict', 'fi', 'Maija\@sairaala.example', '\\x$maija', 'Maija M', '{"subject": "Maijan"}',
		'sent', 'new ticket', '2026-03-27', '2026-03-27', '250 maija ok', NULL),
	(1002, 4, NULL, 'notice', 'customer', 'ict', 'fi', 'maija\@sairaala.example', '\\x$maija', 'Maija', '{"subject": "Bon"}',
		'queued', 'copied', '2026-03-27', '2026-03-27', NULL, 'bytes'),
	(1002, 4, NULL, 'acknowledgement', 'customer', 'ict', 'fi', 'bo.ek\@verkko.example', '\\x$bo', 'Bo', '{"subject": "Bon"}',
		'queued', 'new ticket', '2026-03-27', '2026-03-27', NULL, 'bytes');
INSERT INTO delivery (outbox_id, at, state, code, reply) VALUES (1, '2026-03-27', 'sent', 250, 'maija ok');
INSERT INTO command_run (at, actor, tickets, steps) VALUES ('2026-03-27', 'agent:aino\@example.fi', '{1000,1001}', '[{"was": "PC12345"}]');
INSERT INTO held_command (message_id, ticket_id, agent, kind, reason, words, at, expires_at)
	VALUES (3, 1001, 'aino\@example.fi', 'stale', 'older', 'Hei Maija', '2026-03-27', '2099-01-01');
END

my $export = json('person', 'export', 'maija@sairaala.example');
is($export->{phone}, '+358 40 "1"', 'export: the person');
is_deeply([map { $_->{ref} } @{ $export->{tickets} }], ['TUKI-1001', 'TUKI-1002'], 'export: tickets opened and taken part in');
is_deeply([map { $_->{text} } @{ $export->{messages} }],
	['Maija kirjoittaa', 'Hei Maija', 'Maija soitti', 'Maija Bolle', 'Maija lomalla'],
	'export: messages of their tickets and what they wrote elsewhere, not what others wrote there');
is($export->{messages}[0]{attachments}[0]{filename}, 'maija.pdf', 'export: attachments by name');
is(scalar @{ $export->{mails} }, 2, 'export: mails to them');
is($export->{events}[0]{event}, 'opened', 'export: history');

my @figures = (q{SELECT count(*), count(*) FILTER (WHERE status = 'open'), min(opened_at) FROM ticket},
	'SELECT count(*), sum(raw_size), min(at) FROM message', 'SELECT count(*) FROM outbox', 'SELECT count(*) FROM delivery',
	q{SELECT count(*) FROM event WHERE ticket_id IS NOT NULL}, 'SELECT count(*) FROM participant', 'SELECT count(*) FROM arrival');
my @before = map { [$db->sql($_)] } @figures;
is(ctl('person', 'erase', 'maija@sairaala.example')->{status}, 64, 'erase asks for --yes where nobody can be asked');
$db->sql(q{UPDATE outbox SET state = 'sending' WHERE id = 2});
$done = ctl('person', 'erase', 'maija@sairaala.example', '--yes');
is($done->{status}, 75, 'erase waits for a mail that is being sent');
$db->sql(q{UPDATE outbox SET state = 'queued' WHERE id = 2});
is(ctl_ok('person', 'erase', 'maija@sairaala.example', '--yes'),
	"erased: 1 tickets, 5 messages; the figures stay as person-$maija_id\@erased.invalid\n", 'erase');
is_deeply([map { [$db->sql($_)] } @figures], \@before, '... the figures stay');
my @left;
for my $column ($db->sql(q{SELECT table_name, column_name FROM information_schema.columns
	WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'ARRAY', 'tsvector', 'bytea') ORDER BY 1, 2})) {
	my ($table, $name) = @$column;
	my $cast = $name eq 'data' || $name eq 'wire' || $name =~ /hash$/ ? "encode($name, 'escape')" : "${name}::text";
	next if $table eq 'blob_chunk';
	push @left, "$table.$name" if $db->sql("SELECT count(*) FROM \"$table\" WHERE $cast ~* 'maija|PC12345|M.kinen'") > 0;
}
is_deeply(\@left, [], '... no column of any table holds name, address or words');
is($db->sql('SELECT count(*) FROM attachment'), 0, '... nor attachments');
is($db->sql("SELECT string_agg(id || ' ' || state, ', ' ORDER BY id) FROM outbox"), '1 sent, 2 cancelled, 3 queued',
	'... what waited for them is not sent, what waits for others is');
is_deeply(row('SELECT subject, text, recipients_cc->0->>\'address\' FROM message WHERE id = 4'),
	['Bon asia', 'Bo kirjoittaa', "person-$maija_id\@erased.invalid"], '... what others wrote stays');
is($db->sql('SELECT state FROM quarantine'), 'dropped', '... what was in quarantine is dropped');
is(ctl('person', 'show', 'maija@sairaala.example')->{status}, 66, '... nobody has the address any more');
is(ctl('person', 'erase', 'maija@sairaala.example', '--yes')->{status}, 66, '... so there is nobody to erase twice');
is(ctl('show', 'TUKI-1001')->{status}, 0, '... and the ticket can be shown');

# --- agent retire --------------------------------------------------------------------------------

is(ctl('agent', 'retire', 'aino@example.fi', '--to', 'nobody@example.fi')->{status}, 64, '--to names an agent');
is(ctl('agent', 'retire', 'aino@example.fi', '--to', 'aino.aalto@example.fi')->{status}, 64, '... another one');
$done = ctl('agent', 'retire', 'Aino.Aalto@example.fi', '--to', 'BO@example.fi');
is($done->{status}, 0, 'agent retire');
is($done->{out}, "TUKI-1001  ict  bo\@example.fi  erased\nTUKI-1002  ict  bo\@example.fi  Bon asia\n"
	. "TUKI-1003  hr  nobody's now  Bon palkka\n", '... hands over what the other may see, frees the rest, under each address');
like($done->{err}, qr/still in the configuration/, '... and warns');
is($db->sql('SELECT owner FROM ticket WHERE id = 1004'), 'aino@example.fi', '... finished tickets keep their owner');
is_deeply(row(q{SELECT event, detail->>'owner', detail->>'was' FROM event WHERE ticket_id = 1002 ORDER BY id DESC LIMIT 1}),
	['assigned', 'bo@example.fi', 'aino.aalto@example.fi'], '... and says so in the history');
is(ctl_ok('agent', 'retire', 'aino@example.fi'), "aino\@example.fi has no open tickets\n", 'a second time there is nothing to do');
is(ctl_ok('agent', 'retire', 'bo@example.fi') =~ tr/\n//, 2, 'without --to all become free');
is($db->sql(q{SELECT count(*) FROM ticket WHERE owner IS NULL}), 3, '... all of them');

done_testing;
