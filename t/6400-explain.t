#!/usr/bin/perl
# luukkuctl explain on six mails in fi, sv and en: its queue, priority, type, fields and mails are
# what then really happens with each; and trace tells the same afterwards.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode ();
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $conf = <<'CONF';
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); } );
organisations: ( { name = "Pohjoinen sairaala"; domains = ( "sairaala.example" ); language = "fi"; } );
rules: (
  { name = "outage"; match: { queue = "ict"; subject = "/\\b(häiriö|outage|störning)\\b/i"; };
    set: { type = "incident"; priority = "high"; tags = ( "outage" ); }; },
  { name = "printers"; match: { any = ( { subject = "*tulostin*"; }, { body = "/printer|skrivare/i"; } ); };
    set: { tags = ( "printer" ); owner = "aino@example.fi"; }; stop = true; },
  { name = "payroll sent to ict"; match: { to = "ict@example.fi"; body = "/palkka(lasku|laskelma)|payslip/i"; };
    set: { queue = "hr"; }; },
  { name = "device"; match: { text = "/\\b(?<device>PC[0-9]{4,6})\\b/"; };
    set: { fields: { device = "${device}"; }; }; },
  { name = "spam"; match: { header: { X-Spam-Flag = "YES"; }; };
    set: { status = "junk"; acknowledge = false; }; },
  { name = "newsletter"; match: { kind = "list"; from_domain = "*.newsletter.example"; };
    set: { drop = "newsletter nobody reads"; }; },
  { name = "quiet"; match: { subject = "*hiljaista*"; }; set: { notify = "none"; }; },
  { name = "quiet answer"; on = "reply"; match: { body = "*ei kiirettä*"; }; set: { notify = "none"; }; },
  { name = "to the manager"; on = "reply"; match: { is_reply = true; body = "*valit*"; }; set: { owner = "cecilia@example.fi"; }; },
  { name = "marked"; on = "reply"; match: { is_reply = true; body = "*on its way*"; }; set: { tags = ( "marked" ); priority = "low"; queue = "hr"; }; },
  { name = "to hr"; on = "reply"; match: { is_reply = true; body = "*palkanmaksu*"; }; set: { queue = "hr"; }; }
);
CONF
my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "cecilia@example.fi" );
    types = ( "incident", "request" ); default_type = "request";
    required = ( { field = "location"; pattern = "(?i)(?:huone|rum|room)\\s+(\\S+)"; ask = "Rakennus ja huone"; } ); },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); default_priority = "low";
    assign = "round_robin"; }
CONF
my $desk = Luukku::Test::Desk->start(extra => Encode::encode('UTF-8', $conf),
	queues => Encode::encode('UTF-8', $queues), agents => join ",\n", map { qq({ name = "\u$_"; address = "$_\@example.fi"; }) } qw(aino bo cecilia));

sub bytes { return Encode::encode('UTF-8', $_[0]) }
my @mails = (
	{ id => 'fi-1', from => 'maija@sairaala.example', subject => 'Häiriö potilastietojärjestelmässä',
		text => "Hei,\n\njärjestelmä ei vastaa, olen huone A12.\n\nMaija\n" },
	{ id => 'sv-2', from => 'sven@kund.example', subject => 'Hjälp med utskrift',
		text => "Hej,\n\nvår skrivare i korridoren fungerar inte längre. Kan ni hjälpa oss?\n\nSven\n" },
	{ id => 'en-3', from => 'john@customer.example', subject => 'A question about my payslip',
		text => "Hello,\n\nthere is something wrong with my payslip for March. Could you have a look at it, please?\n\nJohn\n" },
	{ id => 'fi-4', from => 'mainos@roska.example', subject => 'Voita miljoona', headers => "X-Spam-Flag: YES\n",
		text => "Olet voittanut miljoona euroa. Vastaa heti tähän viestiin ja kerro tilinumerosi.\n" },
	{ id => 'en-5', from => 'anna@customer.example', subject => 'Laptop does not start',
		text => "Hello,\n\nmy laptop PC12345 does not start any more. I am in room B7 on the second floor.\n\nAnna\n" },
	{ id => 'sv-6', from => 'nyheter@brev.newsletter.example', subject => 'Veckans nyheter',
		headers => "List-Id: <nyheter.newsletter.example>\nPrecedence: list\n",
		text => "Läs veckans nyheter om allt möjligt här.\n" },
);

my %wanted = (
	'fi-1' => { queue => 'ict', type => 'incident', priority => 'high', tags => ['outage'], language => 'fi' },
	'sv-2' => { queue => 'ict', type => 'request', tags => ['printer'], owner => 'aino@example.fi', language => 'sv' },
	'en-3' => { queue => 'hr', priority => 'low', language => 'en', owner => 'bo@example.fi' },
	'fi-4' => { status => 'junk', acknowledge => JSON::PP::false },
	'en-5' => { fields => { device => 'PC12345', location => 'B7' } },
	'sv-6' => { quarantine => 'dropped', queue => undef },
);

my %explain;
for my $m (@mails) {
	my $file = $desk->dir . "/$m->{id}.eml";
	spew($file, mail(to => 'ict@example.fi', id => "$m->{id}\@kund.example", from => $m->{from},
		subject => Encode::encode('MIME-Header', $m->{subject}), text => bytes($m->{text}), headers => $m->{headers}));
	my $before = $desk->db->sql('SELECT count(*) FROM event') . ' ' . $desk->db->sql('SELECT count(*) FROM person');
	$explain{ $m->{id} } = $desk->json('explain', $file);
	is($desk->db->sql('SELECT count(*) FROM event') . ' ' . $desk->db->sql('SELECT count(*) FROM person'), $before,
		"$m->{id}: explain writes nothing");
	for my $key (sort keys %{ $wanted{ $m->{id} } }) {
		is_deeply($explain{ $m->{id} }{$key}, $wanted{ $m->{id} }{$key}, "$m->{id}: explain says the $key");
	}
	my $text = $desk->ctl('explain', $file);
	is($text->{status}, 0, "$m->{id}: explain for people");
	is($text->{err}, '', '... without a word on standard error');
	diag Encode::decode('UTF-8', $text->{out}) if $ENV{SHOW};
	$desk->deliver('ict', slurp($file));
}

my @keys = qw(kind kind_reason ticket evidence evidence_reason joins rules queue type priority owner status
	tags fields organisation language missing_fields acknowledge acknowledge_reason mails commands writer);
my $first = $explain{'fi-1'};
is_deeply([grep { !exists $first->{$_} } @keys], [], 'explain has all keys of the contract');
my ($rule) = grep { $_->{name} eq 'outage' } @{ $first->{rules} };
ok($rule && $rule->{matched}, 'the rule that matches is there');
like($rule->{file} . ':' . $rule->{line}, qr/luukku\.conf:\d+$/, '... with file and line');
is_deeply([sort keys %{ $rule->{tests}[0] }], [qw(holds seen test value)], '... and each test with value, seen and verdict');

my $done = $desk->once;
is($done->{status}, 0, 'the mails are taken') or diag $done->{err};

sub addressed {
	return join ', ', sort map { "$_->{template} to $_->{to}" } @_;
}

for my $m (@mails) {
	my $said = $explain{ $m->{id} };
	my $trace = $desk->json('trace', "$m->{id}\@kund.example");
	is($trace->{explain}{reason}, $said->{reason}, "$m->{id}: trace tells the same reason");
	my ($message) = $desk->db->sql("SELECT id FROM message WHERE message_id = '$m->{id}\@kund.example'");
	my @sent = map { { template => $_->[0], to => $_->[1] } }
		$desk->db->sql("SELECT template, recipient FROM outbox WHERE cause_id = $message->[0]");
	is(addressed(@{ $said->{mails} }), addressed(@sent), "$m->{id}: the mails");
	if (defined $said->{quarantine}) {
		is($trace->{outcome}, 'quarantine', "$m->{id}: in quarantine");
		next;
	}
	my $ticket = $desk->json('show', $trace->{ref});
	is_deeply($ticket->{$_}, $said->{$_}, "$m->{id}: the $_ of the ticket")
		for qw(queue type priority owner status tags fields organisation language);
	my $traced = $desk->ctl('trace', "$m->{id}\@kund.example");
	like($traced->{out}, qr/^Rules/m, "$m->{id}: trace shows the rules to people");
}

# An answer to our acknowledgement: explained with the ticket that it joins, then taken to it.
my ($ack) = map { $_->{data} } grep { $_->{data} =~ /^To: .*anna\@customer/m } $desk->smtp->mails;
ok($ack, 'the acknowledgement went out');
my $about = $desk->json('trace', 'en-5@kund.example')->{ref};
my $reply = $desk->dir . '/reply.eml';
my $answered = header($ack, 'Message-ID');
spew($reply, mail(to => 'ict@example.fi', id => 'reply-7@kund.example', from => 'anna@customer.example',
	subject => 'Re: ' . header($ack, 'Subject'), headers => "In-Reply-To: $answered\nReferences: $answered\n",
	text => "Hello,\n\nit started again after a while, thank you all the same.\n\nAnna\n"));
my $joins = $desk->json('explain', $reply);
is_deeply([@$joins{qw(joins ticket evidence writer acknowledge)}],
	[JSON::PP::true, $about, 'message_id', 'requester', JSON::PP::false], 'a reply: joins its ticket, by which evidence');
$desk->deliver('ict', slurp($reply));
is($desk->once->{status}, 0, 'the reply is taken');
is($desk->json('trace', 'reply-7@kund.example')->{ref}, $about, '... to that ticket');
my ($message) = $desk->db->sql("SELECT id FROM message WHERE message_id = 'reply-7\@kund.example'");
is(addressed(@{ $joins->{mails} }), addressed(map { { template => $_->[0], to => $_->[1] } }
	$desk->db->sql("SELECT template, recipient FROM outbox WHERE cause_id = $message->[0]")), '... with the mails that it said');

# Mails that are answered beside acknowledgements: what explain lists is what then is in the outbox.
my $seen = sub { return map { { template => $_->[0], to => $_->[1] } }
	$desk->db->sql("SELECT o.template, o.recipient FROM outbox o WHERE o.id > $_[0]") };
sub says_then_does {
	my ($what, $id, $wanted, %m) = @_;
	my $file = $desk->dir . "/$id.eml";
	spew($file, mail(to => 'ict@example.fi', id => "$id\@kund.example", %m, text => bytes($m{text})));
	my $before = $desk->db->sql('SELECT coalesce(max(id), 0) FROM outbox');
	my $chased = $desk->db->sql('SELECT sum(chased) FROM ticket');
	my $said = $desk->json('explain', $file);
	is_deeply([sort map { $_->{template} } @{ $said->{mails} }], $wanted, "$what: explain lists the mails");
	is($desk->db->sql('SELECT sum(chased) FROM ticket'), $chased, '... and counts nothing');
	$desk->deliver('ict', slurp($file));
	is($desk->once->{status}, 0, '... the mail is taken');
	is(addressed(@{ $said->{mails} }), addressed($seen->($before)), '... and the outbox has just these');
	return $said;
}

my %laptop = (from => 'anna@customer.example', subject => 'Laptop does not start');
says_then_does('a duplicate', 'dup-8', [qw(chase-notice joined)], %laptop,
	text => "Hello,\n\nmy laptop PC12345 does not start any more. I am in room B7 on the second floor.\n\nAnna\n");
says_then_does('a chase', 'chase-9', [qw(chase-notice progress)], from => 'maija@sairaala.example',
	subject => 'Re: Häiriö potilastietojärjestelmässä' =~ s/(\S*[^\x00-\x7f]\S*)/Encode::encode('MIME-Header', $1)/ger,
	headers => "In-Reply-To: <fi-1\@kund.example>\nReferences: <fi-1\@kund.example>\n",
	text => "Hei,\n\nonko asia edennyt?\n\nMaija\n");
says_then_does('the same chase on the same day', 'chase-10', ['chase-notice'], from => 'maija@sairaala.example',
	subject => 'Re: x', headers => "In-Reply-To: <fi-1\@kund.example>\nReferences: <fi-1\@kund.example>\n",
	text => "Hei taas,\n\nonko asia edennyt?\n\nMaija\n");
says_then_does('a question for the status', 'status-11', ['status-list'], from => 'anna@customer.example',
	subject => 'status', text => "\n");
says_then_does('a new matter', 'new-12', [qw(acknowledgement notice)], from => 'pia@kund.example',
	subject => 'Mouse', text => "Hello,\n\nI need a new mouse for my desk, room C3. Could you please order one?\n\nPia\n");


# To two teams: a rule of the one's ticket does not silence the other.
my $two = says_then_does('a mail to two teams', 'two-18', [qw(acknowledgement notice)], from => 'olli@kund.example', to => 'ict@example.fi, hr@example.fi',
	subject => 'Vain hiljaista', text => "Hei,\n\nuuden työntekijän avain ja palkka: kuka näitä hoitaa huoneessa D4?\n\nOlli\n");
is_deeply([map { $_->{to} } grep { $_->{template} eq 'notice' } @{ $two->{mails} }], ['bo@example.fi'], '... the notice goes to the other team');
my %answer = (from => 'olli@kund.example', subject => 'Re: Vain hiljaista', headers => "In-Reply-To: <two-18\@kund.example>\nReferences: <two-18\@kund.example>\n");
says_then_does('an answer', 'answer-19', ['notice'], %answer, text => "Hei,\n\nmyös kulkukortti tarvitaan.\n\nOlli\n");
my $quiet = says_then_does('an answer that a rule for replies keeps quiet', 'answer-20', [], %answer,
	text => "Hei,\n\nja pysäköintilupa, mutta ei kiirettä.\n\nOlli\n");
is($quiet->{notify}, 'none', '... as explain says');
like($quiet->{notify_reason}, qr/^rule "quiet answer" \(\S+:\d+\) says notify = "none"$/, '... and why nobody hears of it');
like($desk->ctl('explain', $desk->dir . '/answer-20.eml')->{out}, qr/^  no notice: rule "quiet answer" \(\S+:\d+\) says notify = "none"$/m, '... to people too');
like($desk->ctl('explain', $desk->dir . '/sv-6.eml')->{out}, qr/^  no notice: it is on no ticket$/m, '... of a mail in quarantine');

# What a rule for replies changes of owner and queue decides who hears of the reply.
my $owned = says_then_does('an answer that a rule gives an owner', 'owned-21', ['notice'], %answer,
	text => "Hei,\n\nvalitan tästä, kukaan ei ole vastannut mitään.\n\nOlli\n");
is($owned->{mails}[0]{to}, 'cecilia@example.fi', '... goes to that owner alone');
my $moved = says_then_does('an answer that a rule moves to another queue', 'moved-22', [qw(notice transfer)], %answer,
	text => "Hei,\n\nkyse on vielä palkanmaksusta.\n\nOlli\n");
is_deeply({ map { $_->{template} => $_->{to} } @{ $moved->{mails} } }, { notice => 'bo@example.fi', transfer => 'olli@kund.example' },
	'... the team there hears of it, and the customer where it is now');
my $there = $desk->json('show', $moved->{ticket});
is_deeply([@$there{qw(queue owner)}], ['hr', undef], '... and who does not serve that queue owns it no more');
like((map { $_->{reason} } grep { $_->{event} eq 'owner' } @{ $there->{events} })[-1], qr/^its owner does not serve the new queue$/, '... as the history says');
like((map { $_->{data} } grep { $_->{rcpt}[0] eq 'bo@example.fi' } $desk->smtp->mails)[-1], qr/palkanmaksusta/, '... whose notice has the words');
says_then_does('an answer there', 'there-23', ['notice'], %answer, text => "Hei,\n\nja kiitos kun hoidatte palkanmaksun.\n\nOlli\n");

# An agent's mails: the receipt of commands, the line that was wrong, what waits for proof, what is refused.
my ($notice) = grep { $_->{data} =~ /^Subject:.*Mouse/m && $_->{rcpt}[0] eq 'aino@example.fi' } $desk->smtp->wait_mails(1);
my ($proven) = header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
my $mouse = $desk->json('trace', 'new-12@kund.example')->{ref};
my %aino = (from => 'Aino Aalto <aino@example.fi>', subject => "Re: [$mouse] Mouse");
my $says = says_then_does("an agent's commands", 'agent-13', ['receipt'], %aino, to => $proven, text => "#priority high\n#tag +mouse\n");
is(join(' | ', map { "$_->{line}: $_->{result}" } @{ $says->{commands} }), '#priority high: proven | #tag +mouse: proven', '... and each line');
is($says->{mails}[0]{to}, 'aino@example.fi', '... to the address on file');
says_then_does("an agent's commands, one of them wrong", 'agent-14', ['command-error'], %aino, to => $proven,
	text => "#priority low\n#resovle\n");
says_then_does("an agent's words without proof", 'agent-15', ['held'], %aino, text => "#priority urgent\n");
says_then_does("an agent's plain answer", 'agent-16', ['reply'], %aino, to => $proven, text => "Hello,\n\nthe mouse is on its way.\n");
says_then_does("an agent's answer that resolves", 'agent-17', [qw(receipt resolution)], %aino, to => $proven,
	text => "#resolve\n\nThe mouse has arrived.\n");


# What an agent writes to the desk goes by no rule, and is no new ticket: neither is said.
my $words = $desk->json('explain', $desk->dir . '/agent-16.eml');
for my $one ([$words, 'explain'], [$desk->json('trace', 'agent-16@kund.example')->{explain}, 'trace']) {
	my ($told, $who) = @$one;
	is_deeply([@$told{qw(queue priority tags rules)}], [undef, undef, [], []], "an agent's answer: $who names no rule");
	is($told->{rules_reason}, 'what an agent writes to the desk is carried out as written', '... and says why');
}
my $kept = $desk->json('show', $mouse);
is_deeply([@$kept{qw(queue priority tags)}], ['ict', 'high', ['mouse']], '... and none was carried out');
spew($desk->dir . '/less.conf', bytes(join '', grep { !/name = "marked"/ } map { "$_\n" } split /\n/, Encode::decode('UTF-8', slurp($desk->conf))), 0600);
my $replayed = $desk->json('replay', '--since', '1d', '--rules', $desk->dir . '/less.conf');
is_deeply($replayed->{changes}, [], '... nor does replay take them for it');
my $list = says_then_does("an agent's question for a list", 'agent-24', ['receipt'], %aino, subject => 'Hello', text => "#list\n");
is_deeply([@$list{qw(queue priority status acknowledge joins reason notify_reason writer)}],
	[undef, undef, undef, JSON::PP::false, JSON::PP::false, 'an agent\'s mail', 'it is on no ticket', 'stranger'], '... is no new ticket');
is_deeply($desk->json('trace', 'agent-24@kund.example')->{explain}{queue}, undef, '... as trace says, too');
like($desk->ctl('explain', $desk->dir . '/agent-24.eml')->{out}, qr/^No ticket$/m, '... to people');
says_then_does('a new matter of two people', 'new-25', [qw(acknowledgement notice)], from => 'pia@kund.example', headers => "Cc: kim\@kund.example\n",
	subject => 'Screen', text => "Hello,\n\nwe need a new screen in room C3. Could you please order one?\n\nPia\n");
($notice) = grep { $_->{data} =~ /^Subject:.*Screen/m && $_->{rcpt}[0] eq 'aino@example.fi' } $desk->smtp->wait_mails(1);
my %screen = (%aino, to => header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/);
my $both = says_then_does("an agent's answer to two people", 'agent-26', [qw(reply reply)], %screen, text => "Hello,\n\nit is ordered.\n");
is($both->{owner}, 'aino@example.fi', '... takes the ticket that nobody has');
says_then_does("an agent's question to a colleague", 'agent-27', [qw(consult receipt)], %screen, text => "#ask bo\n\nWhich one?\n");
says_then_does("an agent's mail to a supplier", 'agent-28', [qw(receipt supplier)], %screen, text => "#supplier atk\n\nA screen, please.\n");
($notice) = grep { $_->{data} =~ /^Subject:.*Which|Which one/m && $_->{rcpt}[0] eq 'bo@example.fi' } $desk->smtp->wait_mails(1);
my ($asked) = header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
my $consulted = says_then_does("a colleague's answer to the question", 'agent-30', ['notice'], from => 'Bo <bo@example.fi>', to => $asked, subject => 'Re: Screen', text => "The large one.\n");
is($consulted->{writer}, 'consulted', '... counts as such');

# Who asked hears of the answer, whoever has the ticket by then.
says_then_does("an agent's second question to a colleague", 'agent-31', [qw(consult receipt)], %screen, text => "#ask bo\n\nWhich colour?\n");
$desk->deliver('ict', mail(%screen, id => 'agent-32@kund.example', text => "#assign cecilia\n"));
is($desk->once->{status}, 0, 'the ticket is handed on');
($notice) = grep { $_->{data} =~ /Which colour/ && $_->{rcpt}[0] eq 'bo@example.fi' } $desk->smtp->wait_mails(1);
($asked) = header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
my $asker = says_then_does("a colleague's answer to who has not got the ticket any more", 'agent-33', [qw(notice notice)], from => 'Bo <bo@example.fi>', to => $asked, subject => 'Re: Screen', text => "The black one.\n");
is_deeply([sort map { $_->{to} } @{ $asker->{mails} }], ['aino@example.fi', 'cecilia@example.fi'], '... goes to both');
says_then_does("an agent's answer that goes to an address for inside words, too", 'agent-34', ['receipt'], %screen, headers => "Cc: $asked\n", text => "Let us see what Pia says.\n");

# To two teams: who is of the other one may split it, and no more.
says_then_does('a new matter of two teams', 'two-35', [qw(acknowledgement notice notice)], from => 'pia@kund.example', to => 'ict@example.fi, hr@example.fi',
	subject => 'Headset', text => "Hello,\n\nroom C3 needs a headset, and the time sheet has none of my hours. Who looks at these?\n\nPia\n");
($notice) = grep { $_->{data} =~ /^Subject:.*Headset/m && $_->{rcpt}[0] eq 'bo@example.fi' } $desk->smtp->wait_mails(1);
my %bo = (from => 'Bo <bo@example.fi>', to => header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/, subject => 'Re: Headset');
says_then_does("a plain answer of the other team's", 'agent-36', ['command-error'], %bo, text => "Hello,\n\nwe look at the hours.\n");

says_then_does("an agent's mail that moves the ticket", 'agent-29', [qw(notice receipt transfer)], %screen, text => "#queue hr\n");

like($desk->ctl('explain', $reply)->{err}, qr/was taken before .* known duplicate/, 'a mail that came before is told to be known');

# Without the database: the rules all the same.
my $text = slurp($desk->conf);
(my $away = $text) =~ s/^database: .*$/database: { conninfo = "host=\/nowhere dbname=none"; };/m;
spew($desk->dir . '/away.conf', $away, 0600);
my $alone = run([program('luukkuctl'), '-c', $desk->dir . '/away.conf', 'explain', '--json', $desk->dir . '/fi-1.eml']);
is($alone->{status}, 69, 'the database is away: exit status');
like($alone->{err}, qr/whether the mail belongs to a ticket is not known/, '... and what is not known');
is(JSON::PP->new->utf8->decode($alone->{out})->{priority}, 'high', '... and the rules speak');

my $odd = $desk->ctl('explain', '--mailbox', 'nosuch', $desk->dir . '/fi-1.eml');
is($odd->{status}, 64, 'a mailbox that is none');
is($desk->ctl('explain', $desk->dir . '/none.eml')->{status}, 66, 'a file that is none');

done_testing;
