#!/usr/bin/perl
# luukkuctl do: every command's effect on a real database, refusals, sight, many tickets at once, #undo.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

program('luukkuctl');
my $dir = temp_dir();
my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my ($conninfo, $owner) = ($db->conninfo, $db->owner_conninfo);
my $now = '2026-03-27T10:00:00Z';

sub ctl {
	my (@words) = @_;
	my %option = ref $words[-1] eq 'HASH' ? %{ pop @words } : ();
	return run(['luukkuctl', '-c', "$dir/luukku.conf", @words],
		env => { TZ => 'UTC', LUUKKU_NOW => $option{now} // $now }, in => $option{stdin});
}

# The receipt of commands that must run.
sub done {
	my (@words) = @_;
	my $option = ref $words[-1] eq 'HASH' ? pop @words : {};
	my $did = ctl('do', @words, '--json', $option);
	is($did->{status}, 0, "do @words") or diag $did->{err};
	return $did->{status} == 0 ? JSON::PP::decode_json($did->{out}) : { tickets => [] };
}

# What is said of commands that must not run; nothing may change.
sub refused {
	my ($wanted, @words) = @_;
	my $before = state_of();
	my $did = ctl('do', @words);
	isnt($did->{status}, 0, "do @words: refused");
	like($did->{err}, $wanted, '... and says why');
	is(state_of(), $before, '... and nothing changed');
	return $did;
}

sub state_of {
	return join "\n", map { join '|', map { $_ // '' } @$_ } (
		$db->sql('SELECT * FROM ticket ORDER BY id'), $db->sql('SELECT count(*) FROM event'),
		$db->sql('SELECT count(*) FROM outbox'), $db->sql('SELECT count(*) FROM message'),
		$db->sql('SELECT count(*) FROM command_run'), $db->sql('SELECT count(*) FROM absence'),
		$db->sql('SELECT * FROM participant ORDER BY 1, 2'), $db->sql('SELECT * FROM ticket_link ORDER BY 1, 2, 3'));
}

sub show {
	my ($ref) = @_;
	my $did = ctl('show', $ref, '--json');
	is($did->{status}, 0, "show $ref") or diag $did->{err};
	return JSON::PP::decode_json($did->{out});
}

sub mails {
	my ($ticket) = @_;
	return map { join ' ', @$_ } $db->sql("SELECT template, recipient, state FROM outbox
		WHERE ticket_id = $ticket ORDER BY id");
}

sub events {
	my ($ref) = @_;
	return map { $_->{event} } @{ show($ref)->{events} };
}

is(ctl('key', 'new', "$dir/site.key")->{status}, 0, 'a site key');
mkdir "$dir/$_" or die $! for qw(run spool);
spew("$dir/luukku.conf", <<"END", 0600);
site: { domain = "example.fi"; key_file = "$dir/site.key"; run_dir = "$dir/run";
	spool_dir = "$dir/spool"; timezone = "Europe/Helsinki"; };
database: { conninfo = "$conninfo"; owner_conninfo = "$owner"; };
smtp: { send = false; envelope_from = "luukku\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
organisations: ( { name = "Sairaala"; domains = ( "sairaala.example" ); } );
suppliers: ( { name = "atk"; addresses = ( "tuki\@toimittaja.example" ); public_name = "Toimittaja Oy"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( "aino\@example.fi", "dan\@example.fi" );
	  managers = ( "mari\@example.fi" ); title = "ICT"; types = ( "incident", "request" );
	  default_type = "request"; notify = "none"; tell_on_transfer = true; tell_on_wait = true;
	  required = ( { field = "device"; pattern = "PC[0-9]+"; ask = "Laite"; when = "type:incident"; } ); },
	{ name = "hr"; addresses = ( "hr\@example.fi" ); agents = ( "bo\@example.fi" ); title = "HR"; notify = "none";
	  tell_on_transfer = false; } );
agents: ( { name = "Aino Aalto"; address = "aino\@example.fi"; aliases = ( "a.aalto\@example.fi" ); skills = ( "printer" ); },
	{ name = "Bo Berg"; address = "bo\@example.fi"; }, { name = "Dan Dahl"; address = "dan\@example.fi"; },
	{ name = "Mari Manner"; address = "mari\@example.fi"; } );
END
my ($aino, $bo, $dan, $mari) = map { "$_\@example.fi" } qw(aino bo dan mari);

# --- tickets to work on --------------------------------------------------------------------------

my $people = 0;

sub ticket {
	my (%t) = @_;
	my $n = ++$people;
	my $address = $t{from} // "asiakas$n\@sairaala.example";
	my $hash = unpack 'H*', pack 'A16', "hash$n$address";
	my $at = $t{at} // '2026-03-27 08:00+00';
	my $queue = $t{queue} // 'ict';
	my $subject = $t{subject} // "Tulostin $n";
	my $priority = $t{priority} // 'normal';
	my $skill = $t{skill} ? "'$t{skill}'" : 'NULL';
	my ($person) = map { $_->[0] } $db->sql("INSERT INTO person (address_hash, address, name, created_at)
		VALUES ('\\x$hash', '$address', 'Asiakas $n', '$at') RETURNING id");
	my ($id) = map { $_->[0] } $db->sql("INSERT INTO ticket (queue, priority, requester_id, language, subject,
		subject_hash, opened_at, changed_at, type, skill) VALUES ('$queue', '$priority', $person, 'fi', '$subject',
		'\\x$hash', '$at', '$at', 'request', $skill) RETURNING id");
	$db->sql("INSERT INTO participant (ticket_id, person_id, role, added_by, added_at)
		VALUES ($id, $person, 'requester', 'customer:$address', '$at')");
	$db->sql("INSERT INTO stage (ticket_id, status, queue, from_at) VALUES ($id, 'new', '$queue', '$at')");
	say_words($id, "Tulostin $n ei toimi", $address, $at);
	return ("TUKI-$id", $id);
}

# The customer's words; gives the message.
sub say_words {
	my ($id, $text, $address, $at) = @_;
	my ($message) = map { $_->[0] } $db->sql("INSERT INTO message (ticket_id, direction, kind, writer, from_address,
		subject, at, text, reply_text) VALUES ($id, 'in', 'normal', 'requester', '$address', 'Tulostin', '$at',
		'$text', '$text') RETURNING id");
	return $message;
}

# --- one command at a time -----------------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	my $receipt = done($ref, 'take', '--as', 'aino');
	is($receipt->{has_run} ? 1 : 0, 1, 'it has run');
	is($receipt->{tickets}[0]{owner}, $aino, 'the receipt shows the new owner');
	is($receipt->{tickets}[0]{reference}, $ref, '... of the ticket');
	is($receipt->{tickets}[0]{status}, 'open', '... and the new status');
	is_deeply($receipt->{tickets}[0]{done}, ['#take'], '... and what was done');
	my $shown = show($ref);
	is($shown->{owner}, $aino, 'take: the owner');
	my ($event) = grep { $_->{event} eq 'owner' } @{ $shown->{events} };
	is($event->{actor}, "agent:$aino", 'the history names the agent');
	like($event->{detail}{os_user}, qr/^cli:\w+/, '... and the operating-system user');

	done($ref, 'assign dan');
	is(show($ref)->{owner}, $dan, 'assign by local part');
	is_deeply([mails($id)], ["notice $dan queued"], 'the new owner gets a notice');
	done($ref, 'assign "Aino Aalto"');
	is(show($ref)->{owner}, $aino, 'assign by name');
	done($ref, 'assign a.aalto@example.fi');
	is(show($ref)->{owner}, $aino, 'assign by alias');
	done($ref, 'assign none');
	is(show($ref)->{owner}, undef, 'assign none');
	refused(qr/no agent "dna"/, $ref, 'assign dna');
	refused(qr/did you mean dan\@example\.fi/i, $ref, 'assign dna@example.fi');
	refused(qr/bo\@example\.fi is no agent of queue ict/, $ref, 'assign bo');

	done($ref, 'priority urgent');
	is(show($ref)->{priority}, 'urgent', 'priority');
	done($ref, 'prioriteetti matala');
	is(show($ref)->{priority}, 'low', 'priority in Finnish');
	refused(qr/"urgnet" is no priority\. Did you mean urgent\?/, $ref, 'priority urgnet');

	done($ref, 'type incident');
	is(show($ref)->{type}, 'incident', 'type');
	refused(qr/no type "accident"\. The types are incident, request/, $ref, 'type accident');

	done($ref, 'tag +printer -x +vpn');
	is_deeply(show($ref)->{tags}, [qw(printer vpn)], 'tags');
	done($ref, 'tag -vpn');
	is_deeply(show($ref)->{tags}, ['printer'], 'a tag is taken off');

	done($ref, 'field Device = PC1234');
	is_deeply(show($ref)->{fields}, { device => 'PC1234' }, 'field, in the case of the queue');
	done($ref, 'field device=');
	is_deeply(show($ref)->{fields}, {}, 'a field is emptied');

	done($ref, 'subject Tulostin 2. krs');
	my $titled = show($ref);
	is($titled->{subject}, 'Tulostin 2. krs', 'the title');
	is($db->sql("SELECT subject FROM ticket WHERE id = $id"), "Tulostin 1", "the customer's subject stays");

	done($ref, 'cc +kollega@sairaala.example');
	is(scalar @{ show($ref)->{participants} }, 2, 'cc adds');
	done($ref, 'cc -kollega@sairaala.example');
	is(scalar @{ show($ref)->{participants} }, 1, 'cc takes away');
	refused(qr/ict\@example\.fi is an address of our own/, $ref, 'cc +ict@example.fi');

	done($ref, 'organisation sairaala');
	is(show($ref)->{organisation}, 'Sairaala', 'organisation');
	refused(qr/no organisation "Sairala"\. Did you mean Sairaala\?/, $ref, 'organisation Sairala');
	done($ref, 'organisation none');
	is(show($ref)->{organisation}, undef, 'organisation none');
}

# --- notes and answers ---------------------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	done($ref, 'note soitin asiakkaalle', '--as', 'aino');
	my ($note) = grep { $_->{direction} eq 'note' } @{ show($ref)->{messages} };
	is($note->{text}, 'soitin asiakkaalle', 'a note');
	is_deeply([mails($id)], [], 'a note goes to nobody');
	spew("$dir/text", "Hei,\n\nkorjataan huomenna.\n");
	done($ref, 'note', '--text', "$dir/text");
	is(scalar(grep { $_->{direction} eq 'note' } @{ show($ref)->{messages} }), 2, 'a note from a file');
	refused(qr/#note needs a text/, $ref, 'note');

	done($ref, 'cc +kollega@sairaala.example');
	done($ref, 'priority high', '--as', $aino, '--text', "$dir/text");
	my $shown = show($ref);
	is($shown->{status}, 'open', 'an answer opens a new ticket');
	is($shown->{owner}, $aino, '... which its writer owns then');
	is($shown->{first_response_at}, '2026-03-27T10:00:00Z', '... and is the first answer') or diag explain $shown;
	my @out = grep { $_->{direction} eq 'out' } @{ $shown->{messages} };
	is(scalar @out, 1, 'one message out');
	is($out[0]{text}, "Hei,\n\nkorjataan huomenna.", '... with its text');
	is_deeply([sort map { $_->{recipient} } @{ $out[0]{delivery} }],
		['asiakas2@sairaala.example', 'kollega@sairaala.example'], '... to both of the customers');
	is(scalar(grep { /^reply / } mails($id)), 2, 'as template reply');
	my ($form) = map { JSON::PP::decode_json($_->[0]) } $db->sql("SELECT form FROM outbox WHERE ticket_id = $id LIMIT 1");
	is($form->{from_name}, 'Aino Aalto', "under the agent's name");
	unlike(JSON::PP::encode_json($form), qr/aino\@/, "without the agent's address");
}

# --- waiting, resolving, closing -----------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	refused(qr/No question went to the customer/, $ref, 'wait customer');
	spew("$dir/text", "Which model?\n");
	done($ref, 'wait customer 3d', '--as', 'aino', '--text', "$dir/text");
	my $shown = show($ref);
	is($shown->{status}, 'waiting_customer', 'wait customer');
	is($shown->{waiting_on}, 'customer', '... on the customer');
	is($db->sql("SELECT answer_by IS NOT NULL FROM ticket WHERE id = $id"), 't', '... with a time');
	is(scalar(grep { /^reply / } mails($id)), 1, 'the question went out');
	done($ref, 'open');
	is(show($ref)->{status}, 'open', 'open');
	done($ref, 'wait customer');
	is(show($ref)->{status}, 'waiting_customer', 'the question went out before: waits again');

	refused(qr/no supplier yet/, $ref, 'wait supplier');
	refused(qr/no supplier "atkk"\. Did you mean atk\?/, $ref, 'wait supplier atkk');
	done($ref, 'wait supplier atk');
	is(show($ref)->{status}, 'waiting_supplier', 'wait supplier');
	my ($told) = map { JSON::PP::decode_json($_->[0]) } $db->sql("SELECT variables FROM outbox
		WHERE ticket_id = $id AND template = 'waiting' ORDER BY id DESC LIMIT 1");
	is($told->{supplier}, 'Toimittaja Oy', 'the customer is told the public name');
	done($ref, 'open');
	done($ref, 'wait supplier');
	is(show($ref)->{status}, 'waiting_supplier', 'the last supplier again');
	done($ref, 'wait until 2026-12-01');
	is(show($ref)->{status}, 'on_hold', 'wait until');
	is($db->sql("SELECT (waiting_until AT TIME ZONE 'Europe/Helsinki')::date FROM ticket WHERE id = $id"), '2026-12-01', '... that day')
		or diag $db->sql("SELECT waiting_until FROM ticket WHERE id = $id");
	refused(qr/has passed/, $ref, 'wait until 2026-03-01');

	done($ref, 'type incident');
	refused(qr/Missing: device/, $ref, 'resolve');
	done($ref, 'field device=PC1', 'resolve', { });
	is(show($ref)->{status}, 'resolved', 'a field and a resolution in one go');
	is(scalar(grep { /^resolution / } mails($id)), 1, 'the customer is told');
	refused(qr/#take does not fit|#open does not fit/, $ref, 'open');
	done($ref, 'reopen');
	is(show($ref)->{status}, 'open', 'reopen');
	is(show($ref)->{reopened}, 1, '... is counted');
	done($ref, 'field device=', 'resolve anyway silent', '--text', "$dir/text");
	$shown = show($ref);
	is($shown->{status}, 'resolved', 'resolve anyway');
	is($shown->{resolution}, 'Which model?', 'the resolution');
	is(scalar(grep { /^resolution / } mails($id)), 1, 'silent: nobody is told');
	done($ref, 'reopen');
	done($ref, 'resolve workaround anyway', '--as', 'aino', '--text', "$dir/text");
	my ($variables) = map { JSON::PP::decode_json($_->[0]) } $db->sql("SELECT variables FROM outbox
		WHERE ticket_id = $id AND template = 'resolution' ORDER BY id DESC LIMIT 1");
	ok($variables->{is_workaround}, 'a workaround says so');
	is($variables->{text}, 'Which model?', '... with the words');
	done($ref, 'close');
	is(show($ref)->{status}, 'closed', 'close');
	refused(qr/#take does not fit a ticket that is closed/, $ref, 'take', '--as', 'aino');
	my ($spam) = ticket();
	done($spam, 'spam');
	is(show($spam)->{status}, 'junk', 'spam');
}

# --- queues --------------------------------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	done($ref, 'take', '--as', 'aino');
	my $receipt = done($ref, 'queue hr', '--as', 'aino');
	my $shown = show($ref);
	is($shown->{queue}, 'hr', 'queue');
	is($shown->{owner}, undef, 'who does not serve the new queue is no owner');
	is($shown->{stages}[-1]{queue}, 'hr', 'a new stage');
	is($receipt->{tickets}[0]{queue}, 'hr', 'the receipt shows it once more');
	refused(qr/There is no ticket $ref/, $ref, 'take', '--as', 'aino');
	refused(qr/no queue "hrr"\. Did you mean hr\?/, $ref, 'queue hrr');
	done($ref, 'queue ICT');
	is(show($ref)->{queue}, 'ict', 'by its title');
	is(scalar(grep { /^transfer / } mails($id)), 1, 'the customer hears of the transfer where told to');
}

# --- between tickets -----------------------------------------------------------------------------
{
	my ($a, $a_id) = ticket();
	my ($b, $b_id) = ticket();
	my ($c, $c_id) = ticket();
	done($a, "link $b");
	is_deeply([map { "$_->{ref} $_->{relation}" } @{ show($b)->{links} }], ["$a related"], 'link');
	refused(qr/this very ticket/, $a, "link $a");
	refused(qr/no ticket TUKI-9999/, $a, 'merge TUKI-9999');

	done($b, "parent $a");
	done($c, "parent $a");
	refused(qr/below this ticket already/, $a, "parent $b");
	spew("$dir/text", "Verkko toimii taas.\n");
	done($a, 'resolve', '--as', 'aino', '--text', "$dir/text");
	is(show($_)->{status}, 'resolved', "resolving the parent resolves $_") for $b, $c;
	is(scalar(grep { /^resolution / } mails($b_id)), 1, "and tells its customer");
	is(show($b)->{resolution}, 'Verkko toimii taas.', 'with the same words');
	done('-', 'undo', '--as', 'aino');
	is(show($_)->{status}, 'new', "taking it back opens $_ as it was") for $a, $b, $c;
	is_deeply([grep { !/cancelled$/ } mails($b_id)], [], 'its mails were cancelled');
	done($c, 'parent none');
	is_deeply(show($c)->{links}, [], 'parent none');

	my $receipt = done($b, "merge $c");
	is(show($b)->{status}, 'merged', 'merge');
	like($receipt->{remarks}[0], qr/^Answers on $c now also go to: \S+\@/, 'another customer joins the other ticket, and is named');
	my $copied = sub { $db->sql("SELECT count(*) FROM participant WHERE ticket_id = $c_id AND role = 'cc'
		AND person_id = (SELECT requester_id FROM ticket WHERE id = $b_id)") };
	is($copied->(), 1, '... copied on it');
	done($b, 'priority urgent');
	is(show($c)->{priority}, 'urgent', 'what is said to the merged ticket is done to the other');
	done($b, 'undo');
	done($b, 'undo');
	is(show($b)->{status}, 'new', 'the merge is taken back');
	is($db->sql("SELECT merged_into IS NULL FROM ticket WHERE id = $b_id"), 't', '... whole');
	is($copied->(), 0, '... with the customer');

	my $second = say_words($a_id, 'Toinen asia: näyttö', 'asiakas@sairaala.example', '2026-03-27 09:00+00');
	$receipt = done($a, 'split', '--as', 'aino');
	my ($new) = grep { $_->{reference} ne $a } @{ $receipt->{tickets} };
	my $opened = show($new->{reference});
	is(scalar @{ $opened->{messages} }, 1, 'split: the newest words have a ticket of their own');
	is($opened->{messages}[0]{id}, $second, '... they and no others');
	is($opened->{queue}, 'ict', '... in the same queue');
	is_deeply([grep { $_ == $second } map { $_->{id} } @{ show($a)->{messages} }], [], '... and left the old one');
	done('-', 'undo', '--as', 'aino');
	is_deeply([grep { $_ == $second } map { $_->{id} } @{ show($a)->{messages} }], [$second], 'taken back');
	is(show($new->{reference})->{status}, 'merged', '... the new ticket leads to the old');
	refused(qr/no message 999999/, $a, 'split 999999');
}

# --- all or nothing, many at once ----------------------------------------------------------------
{
	my @refs = map { (ticket())[0] } 1 .. 5;
	my $did = refused(qr/#priority nope:.*no priority/, $refs[0], 'take', 'priority nope', 'tag +x', '--as', 'aino');
	like($did->{err}, qr/nothing was done/, 'it says that nothing was done');
	my $wrong = refused(qr/#priority nope/, $refs[0], 'priority nope', 'queue nowhere', 'resovle');
	like($wrong->{err}, qr/did you mean #resolve/i, 'each line has its error: a name');
	my $both = refused(qr/no queue/, $refs[0], 'queue nowhere', 'type accident');
	like($both->{err}, qr/no type "accident"/, '... and those found while running, too');
	is(ctl('do', 'TUKI-9999', 'take', '--as', 'aino')->{status}, 66, 'no such ticket');

	my $receipt = done('-', 'priority high', 'assign aino', { stdin => join "\n", @refs });
	is(scalar @{ $receipt->{tickets} }, 5, 'one receipt for all');
	is_deeply([map { "$_->{priority} $_->{owner}" } @{ $receipt->{tickets} }], [("high $aino") x 5], 'all were changed');
	refused(qr/no ticket TUKI-9999/, $refs[0], "TUKI-9999 $refs[1] #priority low");
	done($refs[0], "$refs[1] $refs[2] #priority low");
	is(show($refs[2])->{priority}, 'low', 'references before a command');
	is(show($refs[0])->{priority}, 'high', '... not the other one');
	done('-', 'undo');
	is(show($_)->{priority}, 'high', 'taken back') for @refs[1, 2];
}

# --- undo ----------------------------------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	my $before = $db->sql("SELECT row(queue, status, type, priority, owner, title, tags, fields, resolved_at,
		waiting_on, waiting_until, resolution, supplier, answer_by)::text FROM ticket WHERE id = $id");
	spew("$dir/text", "Vastaus.\n");
	done($ref, 'take', 'queue hr', 'priority urgent', 'tag +a', 'subject X', 'cc +x@y.example', 'resolve anyway',
		'--as', 'mari', '--text', "$dir/text");
	is(show($ref)->{status}, 'resolved', 'much was done');
	$db->sql("UPDATE outbox SET state = 'sent', sent_at = now() WHERE id = (SELECT min(id) FROM outbox
		WHERE ticket_id = $id AND template = 'resolution')");
	my $receipt = done('-', 'undo', '--as', 'mari', { now => '2026-03-27T10:59:00Z' });
	my $after = $db->sql("SELECT row(queue, status, type, priority, owner, title, tags, fields, resolved_at,
		waiting_on, waiting_until, resolution, supplier, answer_by)::text FROM ticket WHERE id = $id");
	is($after, $before, 'all of it was taken back');
	isnt(scalar($db->sql("SELECT first_response_at FROM ticket WHERE id = $id")), undef, '... but that the customer was answered: that mail has gone');
	is(scalar @{ show($ref)->{participants} }, 1, 'the copied one, too');
	is_deeply([map { $_->{to} } @{ $receipt->{undone}{gone} }], ['asiakas' . $people . '@sairaala.example'],
		'what has gone is named');
	is_deeply([map { $_->{to} } @{ $receipt->{undone}{cancelled} }], [
		'x@y.example'], 'what had not is cancelled');
	refused(qr/nothing for #undo/, $ref, 'undo', '--as', 'mari');
	done($ref, 'take', '--as', 'dan');
	my $late = ctl('do', '-', 'undo', '--as', 'dan', { now => '2026-03-27T11:30:00Z' });
	isnt($late->{status}, 0, 'not after an hour');
	done('-', 'undo', '--as', 'dan');
	is(show($ref)->{owner}, undef, 'but within it');
	refused(qr/stands alone/, $ref, 'take', 'undo', '--as', 'dan');
}

# --- next ----------------------------------------------------------------------------------------
{
	$db->sql("UPDATE ticket SET status = 'closed', closed_at = now() WHERE status <> 'merged'");
	my ($normal) = ticket();
	my ($urgent) = ticket(priority => 'urgent', at => '2026-03-27 09:00+00');
	my ($network) = ticket(priority => 'urgent', skill => 'network');
	my ($hr) = ticket(queue => 'hr', priority => 'urgent');
	is(done('-', 'next', '--as', 'aino')->{tickets}[0]{reference}, $urgent, 'the most urgent that fits the skills');
	is(done('-', 'next 5', '--as', 'aino')->{tickets}[0]{reference}, $normal, 'then the others');
	my $empty = done('-', 'next', '--as', 'aino');
	is_deeply($empty->{tickets}, [], 'then none');
	like($empty->{remarks}[0], qr/no ticket without owner/, '... and says so');
	is(show($network)->{owner}, undef, 'another skill');
	is(show($hr)->{owner}, undef, 'another queue');
	ok(scalar(grep { /^notice $aino/ } mails($urgent =~ /(\d+)/)), 'its full notice goes to the agent');

	my @many = map { (ticket())[0] } 1 .. 12;
	my %taken;
	my @running = map { my $as = $_ % 2 ? 'aino' : 'dan'; open my $out, '-|', program('luukkuctl'), '-c',
		"$dir/luukku.conf", 'do', '-', 'next 2', '--as', $as, '--json' or die $!; $out } 1 .. 6;
	for my $out (@running) {
		local $/;
		my $text = <$out>;
		close $out;
		is($?, 0, 'next beside five others');
		$taken{ $_->{reference} }++ for @{ JSON::PP::decode_json($text)->{tickets} };
	}
	is_deeply([grep { $taken{$_} > 1 } sort keys %taken], [], 'no ticket was given twice');
	cmp_ok(scalar keys %taken, '>=', 6, 'and enough were given');
}

# --- away ----------------------------------------------------------------------------------------
{
	my ($ref, $id) = ticket();
	done('-', 'away 2026-03-26..2026-03-31 to dan', '--as', 'aino');
	my $receipt = done($ref, 'assign aino');
	is(show($ref)->{owner}, $dan, 'who is away gets nothing: the deputy does');
	like(join(' ', @{ $receipt->{remarks} }), qr/$aino is away: given to the deputy $dan/, '... and it is said');
	done('-', 'away none', '--as', 'aino');
	done($ref, 'assign none');
	done($ref, 'assign aino');
	is(show($ref)->{owner}, $aino, 'back again');
	refused(qr/Only a manager/, '-', 'away aino 2026-04-01..2026-04-05', '--as', 'dan');
	done('-', 'away aino 2026-04-01..2026-04-05 to dan', '--as', 'mari');
	is($db->sql("SELECT added_by FROM absence ORDER BY id DESC LIMIT 1"), "agent:$mari", 'a manager may for anyone');
	done('-', 'undo', '--as', 'mari');
	is($db->sql("SELECT ended_at IS NOT NULL FROM absence ORDER BY id DESC LIMIT 1"), 't', 'taken back');
	refused(qr/last day is before the first/, '-', 'away 2026-04-05..2026-04-01', '--as', 'aino');
}

# --- look-ups ------------------------------------------------------------------------------------
{
	my ($ref, $id) = ticket(subject => 'Salasana unohtui');
	my $message = $db->sql("SELECT max(id) FROM message WHERE ticket_id = $id");
	$db->sql("INSERT INTO message_search (message_id, words) VALUES ($message, to_tsvector('finnish', 'tulostimen salasana'))");
	my $found = done('-', 'search tulostimet', '--as', 'aino');
	is_deeply([map { $_->{reference} } @{ $found->{answer}{rows} }], [$ref], 'search by a word in another form');
	is_deeply([map { $_->{reference} } @{ done('-', "search $ref", '--as', 'aino')->{answer}{rows} }], [$ref],
		'search by reference');
	is(scalar @{ done('-', 'search tulostimet', '--as', 'bo')->{answer}{rows} }, 0, 'not in another queue');
	my $list = done('-', 'list', '--as', 'dan');
	is(scalar @{ $list->{answer}{rows} }, 20 < @{ $list->{answer}{rows} } ? 20 : scalar @{ $list->{answer}{rows} }, 'list');
	ok(!grep({ $_->{queue} ne 'ict' } @{ $list->{answer}{rows} }), 'of the own queues');
	ticket() for 1 .. 20;
	$list = done('-', 'list', '--as', 'dan');
	is(scalar @{ $list->{answer}{rows} }, 20, '20 at a time');
	ok($list->{answer}{more}, 'and there is more');
	my $more = done('-', 'more', '--as', 'dan');
	my %seen = map { $_->{reference} => 1 } @{ $list->{answer}{rows} };
	ok(scalar @{ $more->{answer}{rows} }, 'more');
	is_deeply([grep { $seen{ $_->{reference} } } @{ $more->{answer}{rows} }], [], 'none of it twice');
	done($ref, 'take', '--as', 'dan');
	my $history = done($ref, 'history', '--as', 'dan');
	is($history->{answer}{rows}[0]{actor}, "agent:$dan", 'history, newest first');
	ok(scalar(grep { $_->{name} eq 'resolve' } @{ done('-', 'help')->{answer}{rows} }), 'help');
	is($db->sql("SELECT count(*) FROM command_run WHERE actor LIKE 'agent:dan%' AND steps::text = '[]'"), 0,
		'look-ups leave nothing to undo');
}

# --- an hr ticket does not exist for an ict agent ------------------------------------------------
{
	my ($hr, $hr_id) = ticket(queue => 'hr', subject => 'Palkka');
	my ($mine, $mine_id) = ticket();
	my $events = $db->sql("SELECT count(*) FROM event WHERE ticket_id = $hr_id");
	my @attempts = ('take', 'assign aino', 'queue ict', 'priority urgent', 'type request', 'tag +x', 'field a=b',
		'subject Oma', 'cc +aino@gmail.example', 'organisation sairaala', 'wait supplier atk', 'wait until 2026-12-01',
		'open', 'resolve', 'reopen', 'close', 'spam', 'note hei', "merge $mine", "link $mine", "parent $mine", 'split',
		'history', 'survey exclude x', 'for x@y.example', 'undo');
	for my $attempt (@attempts) {
		(my $there = $attempt) =~ s/^/$hr #/;
		my ($real, $none) = map { my $did = ctl('do', $_, $attempt, '--as', 'aino'); "$did->{status}\n$did->{err}$did->{out}" }
			$hr, 'TUKI-8888';
		$none =~ s/TUKI-8888/$hr/g;
		is($real, $none, "$attempt: as if there were no such ticket");
		unlike($real, qr/Palkka|asiakas|hr\b/, '... and says nothing of it') if $attempt ne 'undo';
	}
	for my $verb (qw(merge link parent)) {
		my ($real, $none) = map { my $did = ctl('do', $mine, "$verb $_", '--as', 'aino'); "$did->{status}\n$did->{err}" }
			$hr, 'TUKI-8888';
		$none =~ s/TUKI-8888/$hr/g;
		is($real, $none, "$verb into it: the same");
	}
	my ($real, $none) = map { my $did = ctl('do', $mine, "$_ #take", '--as', 'aino'); "$did->{status}\n$did->{err}" }
		$hr, 'TUKI-8888';
	$none =~ s/TUKI-8888/$hr/g;
	is($real, $none, 'a reference before a command: the same');
	for my $look ('search Palkka', "search $hr", 'list', 'list hr') {
		my $rows = done('-', $look, '--as', 'aino')->{answer}{rows};
		is(scalar(grep { $_->{reference} eq $hr } @$rows), 0, "$look does not find it");
	}
	is($db->sql("SELECT count(*) FROM event WHERE ticket_id = $hr_id"), $events, 'its history has not changed');
	is_deeply([mails($hr_id)], [], 'no mail went out about it');

	$db->sql("INSERT INTO consultation (ticket_id, address, asked_by, at) VALUES ($hr_id, '$aino', 'agent:$bo', '$now')");
	done($hr, 'note mielipiteeni', '--as', 'aino');
	done($hr, 'history', '--as', 'aino');
	refused(qr/no ticket $hr/i, $hr, 'resolve', '--as', 'aino');
	$db->sql("UPDATE consultation SET ended_at = now()");
	refused(qr/no ticket $hr/i, $hr, 'note vielä', '--as', 'aino');
	$db->sql("INSERT INTO event (ticket_id, at, actor, event, reason, detail)
		VALUES ($hr_id, '$now', 'x', 'also_addressed', 'x', '{\"queue\": \"ict\"}')");
	refused(qr/no ticket $hr/i, $hr, 'take', '--as', 'aino');
	my $split = done($hr, 'split', '--as', 'aino');
	my ($new) = grep { $_->{reference} ne $hr } @{ $split->{tickets} };
	is($new->{queue}, 'ict', 'a mail to both teams: #split gives the other team a ticket of its own');
	is(scalar @{ show($hr)->{messages} }, 2, '... and leaves the mail (and the note) where they are');
}

# --- who, and the survey -------------------------------------------------------------------------
{
	my ($ref) = ticket();
	refused(qr/no agent of the configuration/, $ref, 'take', '--as', 'nobody');
	refused(qr/#take needs an agent/, $ref, 'take');
	refused(qr/Only a manager/, $ref, 'survey exclude väärä', '--as', 'aino');
	done($ref, 'survey exclude väärä henkilö', '--as', 'mari');
	ok(scalar(grep { $_ eq 'survey_excluded' } events($ref)), 'a manager may exclude a score');
	refused(qr/is written: #survey exclude REASON/, $ref, 'survey', '--as', 'mari');
	is(ctl('do', $ref)->{status}, 64, 'a command is needed');
	is(ctl('do', 'nonsense', 'take')->{status}, 64, 'a reference is needed');
	my $text = ctl('do', $ref, 'take', '--as', 'aino');
	is($text->{out}, "$ref: open, ict, normal, $aino\n", 'the receipt for people');
}

done_testing;
