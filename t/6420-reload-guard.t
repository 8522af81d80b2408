#!/usr/bin/perl
# What stands between an edited configuration and the running one: all mistakes in one run, the tests
# of the configuration, and last week's mail routed under it. luukkud keeps what it has.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use POSIX ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

# --- the sample, with the files that it names ------------------------------------------------------

{
	my $dir = temp_dir() . '/sample';
	mkdir $_ or die "$_: $!" for $dir, map { "$dir/$_" } qw(spool templates), map { "templates/$_" } qw(fi sv en);
	spew("$dir/site.key", '0123456789abcdef' x 4 . "\n", 0600);
	spew("$dir/$_", "secret\n", 0600) for qw(smtp.pass ict.pass hr-oauth2.secret board.token);
	(my $text = slurp(source_dir() . '/conf/luukku.conf')) =~ s{/var/lib/luukku/spool}{spool};
	spew("$dir/luukku.conf", $text, 0644);
	my $clean = run([program('luukkuctl'), '-c', "$dir/luukku.conf", 'check']);
	is("$clean->{status} $clean->{out}$clean->{err}", "0 configuration OK\n", 'the sample configuration: clean');
}

my $rules = <<'CONF';
rules: (
  { name = "printers"; match: { subject = "*tulostin*"; }; set: { tags = ( "printer" ); owner = "aino@example.fi"; }; },
  { name = "outage"; match: { subject = "*häiriö*"; }; set: { type = "incident"; priority = "high"; }; }
);
CONF
my $desk = Luukku::Test::Desk->start(extra => $rules);
my $conf = $desk->conf;

sub write_conf {
	my (%change) = @_;
	$desk->configure(%change);
	return;
}

# How the last reload ended, by luukkud's log.
sub reload_ends {
	my ($ask) = @_;
	my $have = () = $desk->log =~ /reload\.(?:done|refused)/g;
	$ask->();
	wait_until(sub { my $n = () = $desk->log =~ /reload\.(?:done|refused)/g; $n > $have }, 60, 'the end of the reload');
	return ($desk->log =~ /.*reload\.(done|refused)/s)[0];
}
my $hup = sub { kill 'HUP', $desk->{pid} };

# --- mail of the last week -------------------------------------------------------------------------

for my $n (1 .. 40) {
	my $about = $n % 4 == 0 ? 'Tulostin ei toimi' : 'Kysymys';
	$desk->deliver('ict', mail(id => "guard$n\@kunta.example", from => "asiakas$n\@kunta.example",
		to => 'ict@example.fi', subject => "$about $n"));
}
is($desk->once->{status}, 0, 'the mails are taken');
is(scalar $desk->db->sql('SELECT count(*) FROM ticket'), 40, 'forty tickets');
$desk->up;

# --- reload_limit ----------------------------------------------------------------------------------

(my $few = $rules) =~ s/type = "incident"; //;
write_conf(extra => "$few\nreload_limit = 20;\n");
is(reload_ends($hup), 'done', 'a change that no mail of last week meets is taken');

(my $many = $few) =~ s/set: \{ tags/set: { priority = "urgent"; tags/;
write_conf(extra => "$many\nreload_limit = 20;\n");
is(reload_ends($hup), 'refused', 'a quarter of the mail would go another way: refused');
like($desk->log, qr/reload\.problem line='?"?.*: 25 percent of last week's mail would go another way \(10 of 40; reload_limit is 20\)/,
	'... with the percentage');
like($desk->log, qr/replay --since 7d --rules \S+luukku\.conf, then luukkuctl reload --force/, '... and how to see it and go on');
my $running = $desk->json('replay', '--since', '7d');
is("$running->{mails} $running->{changed}", '40 10', 'replay --since 7d shows these differences with what is in force');
is($running->{changes}[0]{rule}, 'printers', '... and the rule');

my $asked = $desk->ctl('reload');
is($asked->{status}, 78, 'luukkuctl reload refuses it at once');
like($asked->{err}, qr/25 percent of last week's mail.*nothing was changed/s, '... and says why');
is(reload_ends(sub { is($desk->ctl('reload', '--force')->{status}, 0, 'reload --force') }), 'done', '... is taken');
is($desk->json('replay', '--since', '7d')->{changed}, 0, 'now it is in force');

write_conf(extra => "$rules\nreload_limit = 100;\n");
is(reload_ends($hup), 'done', 'reload_limit = 100 never asks');
write_conf(extra => "$many\nreload_limit = 30;\n");
is(reload_ends($hup), 'done', 'a quarter is below a limit of 30');

# The envelope is part of what was decided on: a mail that only its recipient brought to hr.
my $blind = mail(id => 'bcc@kunta.example', from => 'maija@kunta.example', to => 'undisclosed@kunta.example',
	subject => 'Piilokopio');
# luukku-lmtp has just been started again.
wait_until(sub { $desk->ctl('deliver', '--recipient', 'hr@example.fi', { in => $blind })->{status} == 0 }, 30, 'LMTP');
is(scalar $desk->db->sql("SELECT t.queue FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.message_id = 'bcc\@kunta.example'"),
	'hr', '... is for the queue of its envelope recipient');
is_deeply([grep { $_->{message_id} eq 'bcc@kunta.example' } @{ $desk->json('replay', '--since', '7d', '--then')->{changes} }],
	[], '... when it is replayed, too');

# --- the tests of the configuration --------------------------------------------------------------

my $eml = $desk->dir . '/printer.eml';
spew($eml, mail(to => 'ict@example.fi', from => 'maija@kunta.example', subject => 'Tulostin ei tulosta',
	text => "Hei,\n\nkäytävän tulostin ei tulosta enää mitään. Voitteko auttaa?\n\nMaija\n"), 0644);
my $good = 'tests: ( { mail = "printer.eml"; expect: { kind = "normal"; joins = false; queue = "ict"; priority = "urgent";'
	. ' owner = "Aino@example.fi"; tags = ( "printer" ); status = "new"; language = "fi"; acknowledge = true; }; } );';
write_conf(extra => "$many\n$good\n");
my $check = $desk->ctl('check');
is($check->{status}, 0, 'a test that holds') or diag $check->{err};

# What a rule drops; and a test of times says the same whenever it runs.
spew($desk->dir . '/news.eml', mail(to => 'ict@example.fi', from => 'uutiset@kirje.example', subject => 'Viikon uutiset',
	date => 'Sat, 21 Mar 2026 10:00:00 +0200', text => "Lue viikon uutiset.\n"), 0644);
my $drops = '{ name = "news"; match: { from_domain = "kirje.example"; time = "!office"; }; set: { drop = "nobody reads it"; }; },';
(my $with_drop = $many) =~ s/^rules: \(\n/rules: (\n  $drops\n/;
my $office = 'calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; } );';
write_conf(extra => "$office\n$with_drop\ntests: ( { mail = \"news.eml\"; expect: { quarantine = \"dropped\"; acknowledge = false; }; } );\n");
$check = $desk->ctl('check');
is($check->{status}, 0, 'a test of what is dropped, on a Saturday') or diag $check->{err};

(my $bad = $good) =~ s/queue = "ict"/queue = "hr"/;
$bad =~ s/tags = \( "printer" \)/tags = ( "printer", "vip" )/;
write_conf(extra => "$many\n$bad\n");
my $line = 1 + (() = (split /^tests:/m, slurp($conf))[0] =~ /\n/g);
$check = $desk->ctl('check');
is($check->{status}, 78, 'a test that fails: exit status');
like($check->{err}, qr/^\Q$conf\E:$line: tests\[printer\.eml\]: expects queue = "hr", but the mail gets "ict" \(rules that match: "printers"/m,
	'... names file, line and the difference');
like($check->{err}, qr/expects tags = "printer", "vip", but the mail gets "printer"/, '... each of them');
is(reload_ends($hup), 'refused', '... and refuses the reload');
like($desk->log, qr/reload\.problem .*tests\[printer\.eml\]: expects queue/, '... in luukkud\'s log too');

# --- ten mistakes, all in one run ----------------------------------------------------------------

write_conf(extra => $many);
is(reload_ends($hup), 'done', 'a good one again');
my $before = slurp($desk->dir . '/run/configuration');
spew($desk->dir . '/open.pass', "secret\n", 0644);
my @mistakes = (
	'{ name = "key"; match: { subjct = "x"; }; set: { priority = "low"; }; }' => qr/subjct.*did you mean.*subject/,
	'{ name = "pattern"; match: { subject = "/(/"; }; set: { priority = "low"; }; }' => qr/pattern|missing|parenthes/,
	'{ name = "queue"; match: { subject = "x"; }; set: { queue = "itc"; }; }' => qr/itc/,
	'{ name = "owner"; match: { subject = "x"; }; set: { owner = "nobody@example.fi"; }; }' => qr/nobody\@example\.fi/,
	'{ name = "priority"; match: { subject = "x"; }; set: { priority = "hihg"; }; }' => qr/hihg/,
	'{ name = "never"; match: { queue = "ict"; all: { queue = "hr"; }; }; set: { priority = "low"; }; }' => qr/never/,
	'{ name = "template"; match: { subject = "x"; }; set: { template = "acknowlegdement"; }; }' => qr/acknowlegdement/,
	'{ name = "empty"; match: { subject = ( ); }; set: { priority = "low"; }; }' => qr/empty/,
	'{ name = "time"; match: { time = "offise"; }; set: { priority = "low"; }; }' => qr/offise/,
);
my (@texts, @wanted);
while (my ($text, $like) = splice @mistakes, 0, 2) {
	push @texts, $text;
	push @wanted, $like;
}
write_conf(extra => "rules: (\n" . join(",\n", @texts) . "\n);\n",
	smtp => 'host = "127.0.0.1"; port = 25; tls = "none"; auth = "plain"; user = "luukku"; password_file = "open.pass"; envelope_from = "luukku-bounces@example.fi";');
$check = $desk->ctl('check');
is($check->{status}, 78, 'ten mistakes: EX_CONFIG');
my @said = split /\n/, $check->{err};
my @conf_lines = split /\n/, slurp($conf);
for my $i (0 .. $#texts) {
	my ($at) = grep { $conf_lines[$_ - 1] =~ /^\Q$texts[$i]\E/ } 1 .. @conf_lines;
	my @found = grep { /^\Q$conf\E:$at: / } @said;
	ok(@found && $found[0] =~ $wanted[$i], "mistake at line $at is found: $texts[$i]") or diag "found: @found";
}
ok((grep { /^\Q$conf\E:\d+: smtp\.password_file: .*open\.pass is open to others/ } @said), 'and the tenth, a secret that others can read');
is(scalar(grep { /^\Q$conf\E:\d+: / } @said), 10, 'ten in all') or diag $check->{err};
is(reload_ends($hup), 'refused', 'luukkud keeps the old one');
is(slurp($desk->dir . '/run/configuration'), $before, '... byte for byte');
$desk->deliver('ict', mail(id => 'after@kunta.example', from => 'maija@kunta.example', to => 'ict@example.fi', subject => 'Tulostin taas'));
wait_until(sub { scalar $desk->db->sql("SELECT count(*) FROM message WHERE message_id = 'after\@kunta.example'") }, 30, 'the mail');
is(scalar $desk->db->sql("SELECT t.priority FROM ticket t JOIN message m ON m.ticket_id = t.id WHERE m.message_id = 'after\@kunta.example'"),
	'urgent', '... and works by it');

# --- what only the database knows ---------------------------------------------------------------

$desk->db->sql("UPDATE ticket SET queue = 'vanha' WHERE id IN (SELECT id FROM ticket ORDER BY id LIMIT 2)");
$desk->db->sql("UPDATE ticket SET owner = 'lahtenyt\@example.fi' WHERE id = (SELECT max(id) FROM ticket)");
write_conf(extra => $many, smtp => undef);
$check = $desk->ctl('check', '--connect');
is($check->{status}, 0, 'check --connect') or diag $check->{err};
like($check->{err}, qr/warning: queue "vanha" is not in the configuration, but owns 2 open tickets \(the oldest: TUKI-1001\)/, 'a queue that is gone');
like($check->{err}, qr/warning: agent "lahtenyt\@example\.fi" is not in the configuration, but owns 1 open ticket /, 'an agent who is gone');
unlike($desk->ctl('check')->{err}, qr/vanha/, 'check alone asks no database');

# --- templates -----------------------------------------------------------------------------------

mkdir $desk->dir . '/templates';
mkdir $desk->dir . '/templates/fi';
spew($desk->dir . '/templates/fi/acknowledgement.txt', "Hei\n{{#subject}}\nAsia: {{subject}}\n", 0644);
spew($desk->dir . '/templates/fi/acknowlegement.html', "<p>Hei</p>\n", 0644);
write_conf(extra => "$many\ntemplates = \"templates\";\n");
$check = $desk->ctl('check');
is($check->{status}, 78, 'a template that cannot be rendered');
like($check->{err}, qr{templates/fi/acknowledgement\.txt:2: the template cannot be used: .*section}, '... by name');
like($check->{err}, qr{templates/fi/acknowlegement\.html: warning: no mail uses .* did you mean "acknowledgement"}, 'and one that no mail uses');

# --- the database is away ------------------------------------------------------------------------

(my $away = slurp($conf)) =~ s/^database: .*$/database: { conninfo = "host=\/nowhere dbname=none"; };/m;
$away =~ s/^templates = .*$//m;
$away =~ s/priority = "urgent"; //;
spew($conf, $away, 0600);
$desk->give_away($conf);
is(reload_ends($hup), 'done', 'the database is away: the reload goes on');
like($desk->log, qr/reload\.warning line="[^"]*reload_limit: last week's mail could not be routed again/, '... with a warning');
$desk->down;

done_testing;
