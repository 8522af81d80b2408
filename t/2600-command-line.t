#!/usr/bin/perl
# The command line of luukkuctl without any server: commands, options, help, exit statuses, keys,
# what `check` says, and that the manual and the completion know every command.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;

program('luukkuctl');
my $dir = temp_dir();

sub ctl {
	my (@words) = @_;
	return run(['luukkuctl', @words]);
}

# --- commands and options ------------------------------------------------------------------------

my $help = ctl('help');
is($help->{status}, 0, 'help');
# The second words of commands that have two.
my $second = qr{(?:list|show|retry|cancel|release|drop|new|set|import|export|erase|unblock|retire|rotate|preview)};
my @commands = $help->{out} =~ /^  ([a-z]+(?: $second)?) /mg;
cmp_ok(scalar @commands, '>=', 20, 'help lists the commands');
for my $case (
	[[], qr/which command\?/],
	[['lst'], qr/unknown command "lst", did you mean "list"\?/],
	[['xyzzy'], qr/unknown command "xyzzy"; `luukkuctl help` lists them/],
	[['outbox'], qr/"outbox" needs one of: list, show, retry, cancel/],
	[['outbox', 'lits'], qr/did you mean "outbox list"\?/],
	[['list', '--qeue', 'x'], qr/unknown option --qeue, did you mean --queue\?/],
	[['list', '--queue'], qr/--queue needs a value \(Q\)/],
	[['list', '--json=1'], qr/unknown option --json/],
	[['list', 'x'], qr/usage: luukkuctl list;/],
	[['show'], qr/usage: luukkuctl show REF;/],
	[['show', 'a', 'b'], qr/usage: luukkuctl show REF;/],
	[['-x'], qr/unknown or incomplete option -x/],
	[['-c'], qr/unknown or incomplete option -c/],
	[['list', '-c'], qr/-c needs a value/],
	[['help', 'lst'], qr/did you mean "list"\?/],
) {
	my ($words, $message) = @$case;
	my $done = ctl(@$words);
	is($done->{status}, 64, "@$words: exit status of a wrong command line");
	like($done->{err}, qr/^luukkuctl: .*$message/, "@$words: what is wrong");
	is($done->{out}, '', "@$words: nothing on standard output");
}
for my $command (@commands) {
	my $one = ctl('help', split / /, $command);
	is($one->{status}, 0, "help $command");
	like($one->{out}, qr/^usage: luukkuctl \[-c FILE\] \Q$command\E/, "help $command: usage");
	my $same = ctl((split / /, $command), '--help');
	is($same->{out}, $one->{out}, "$command --help is the same");
}
my $version = ctl('--version');
is($version->{status}, 0, '--version');
like($version->{out}, qr/^luukkuctl \d+\.\d+\.\d+\n/, '--version: the version');
like($version->{out}, qr/^schema: +\d+$/m, '--version: the schema');
like($version->{out}, qr/^sanitizers: +(?:yes|no)\b/m, '--version: the features');

# --- the manual and the completion ---------------------------------------------------------------

my $manual = slurp(source_dir() . '/daemon/luukkuctl.8');
for my $command (grep { $_ ne 'help' } @commands) {
	like($manual, qr/^\.It Nm Cm \Q$command\E(?: |$)/m, "luukkuctl.8 has $command");
	my ($section) = $manual =~ /((?:^\.It Nm Cm \Q$command\E(?: .*)?\n(?:(?!\.It Nm|\.Ss|\.Sh).*\n)*)+)/m;
	for my $option (ctl('help', split / /, $command)->{out} =~ /^  (?:-[a-z], )?--([a-z0-9-]+)/mg) {
		next if $option eq 'directory';    # documented by its letter
		like($section // '', qr/-\Q$option\E\b/, "luukkuctl.8: $command --$option");
	}
}
for my $command ($manual =~ /^\.It Nm Cm ([a-z]+(?: $second\b)?)/mg) {
	ok((grep { $_ eq $command } @commands), "luukkuctl has the manual's $command");
}

my $completion = source_dir() . '/contrib/completion/luukkuctl';
my $bin = build_dir() . '/bin';

# What bash offers for the words, of which the last is begun.
sub complete {
	my (@words) = @_;
	my $last = $#words;
	my $quoted = join ' ', map { "'$_'" } @words;
	my $done = run(['bash', '-c', qq{PATH=$bin:\$PATH; . '$completion'; COMP_WORDS=($quoted);
		COMP_CWORD=$last; _luukkuctl; printf '%s\\n' "\${COMPREPLY[\@]}"}]);
	is($done->{err}, '', "completion of \"@words\" says nothing");
	return [sort grep { $_ ne '' } split /\n/, $done->{out}];
}
is_deeply(complete('luukkuctl', 'st'), ['status'], 'completion: a command');
is_deeply(complete('luukkuctl', 'outbox', ''), [qw(cancel list retry show)], 'completion: second word');
is_deeply(complete('luukkuctl', 'list', '--l'), ['--limit'], 'completion: an option');
is_deeply(complete('luukkuctl', '-c', 'x', 'migrate', '--'), ['--dry-run'],
	'completion: an option behind -c');
is_deeply(complete('luukkuctl', 'outbox', 'show', '--'), ['--json'],
	'completion: an option of a second word');
is_deeply(complete('luukkuctl', 'list', '--status', 'res'), ['resolved'], 'completion: a value');

# --- keys ----------------------------------------------------------------------------------------

my $key = ctl('key', 'new');
is($key->{status}, 0, 'key new');
like($key->{out}, qr/\A[0-9a-f]{64}\n\z/, 'key new prints a key');
isnt(ctl('key', 'new')->{out}, $key->{out}, 'another one each time');
is(ctl('key', 'new', "$dir/site.key")->{status}, 0, 'key new FILE');
is((stat "$dir/site.key")[2] & 07777, 0600, 'key new FILE: only its owner can read it');
my $content = slurp("$dir/site.key");
like($content, qr/\A[0-9a-f]{64}\n\z/, 'key new FILE: one key');
my $again = ctl('key', 'new', "$dir/site.key");
is($again->{status}, 77, 'key new FILE again: refused');
like($again->{err}, qr/exists and stays as it is/, 'key new FILE again: why');
is(slurp("$dir/site.key"), $content, 'key new FILE again: nothing changed');

# --- check ---------------------------------------------------------------------------------------

mkdir "$dir/$_" or die $! for qw(run spool);
my $good = <<"END";
site: { domain = "example.fi"; key_file = "$dir/site.key"; run_dir = "$dir/run";
	spool_dir = "$dir/spool"; };
database: { conninfo = "host=$dir/nowhere dbname=luukku user=luukku"; };
smtp: { send = false; envelope_from = "luukku\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" );
	agents = ( "aino\@example.fi" ); title = "ICT"; } );
agents: ( { name = "Aino"; address = "aino\@example.fi"; } );
END
spew("$dir/luukku.conf", $good, 0600);
my @c = ('-c', "$dir/luukku.conf");
my $check = ctl(@c, 'check');
is($check->{status}, 0, 'check: exit status 0') or diag $check->{err};
is($check->{out}, "configuration OK\n", 'check: says so');
is_deeply([ctl('check', @c)->{status}, ctl("-c$dir/luukku.conf", 'check')->{status}], [0, 0],
	'-c behind the command, and without a blank');
is_deeply(JSON::PP::decode_json(ctl(@c, 'check', '--json')->{out}), [], 'check --json: empty array')
	or diag $check->{err};

spew("$dir/bad.conf", $good =~ s/queues: \( \{ name/queues: ( { nmae/r, 0600);
my $bad = ctl('-c', "$dir/bad.conf", 'check');
is($bad->{status}, 78, 'check: exit status with errors');
like($bad->{err}, qr/^\Q$dir\E\/bad\.conf:\d+: .*did you mean/m, 'check: file:line: message');
like($bad->{err}, qr/^luukkuctl: \Q$dir\E\/bad\.conf: \d+ errors?$/m, 'check: sums up');
is($bad->{out}, '', 'check: no "OK"');
my $problems = JSON::PP::decode_json(ctl('-c', "$dir/bad.conf", 'check', '--json')->{out});
cmp_ok(scalar @$problems, '>=', 1, 'check --json: the errors');
for my $problem (@$problems) {
	is_deeply([sort keys %$problem], [qw(file line message severity)], 'check --json: the keys');
	like($problem->{severity}, qr/^(?:error|warning)$/, 'check --json: severity');
}
is(ctl('-c', "$dir/bad.conf", 'check', '--json')->{status}, 78, 'check --json: exit status');
is(ctl('-c', "$dir/missing.conf", 'check')->{status}, 78, 'check: no such file');
for my $command (['list'], ['status'], ['show', 'TUKI-1'], ['config'], ['reload'], ['deliver']) {
	my $done = ctl('-c', "$dir/bad.conf", @$command);
	is($done->{status}, 78, "@$command: exit status with a bad configuration");
	like($done->{err}, qr/^\Q$dir\E\/bad\.conf:\d+: /m, "@$command: file:line: message");
}

# --- what works without a database ---------------------------------------------------------------

like(ctl(@c, 'config')->{out}, qr/^site\.domain = "example\.fi"$/m, 'config');
like(ctl(@c, 'config', '--diff')->{out}, qr/^site\.domain/m, 'config --diff');
unlike(ctl(@c, 'config', '--diff')->{out}, qr/^site\.prefix/m, 'config --diff: no defaults');
is(ctl('-c', '/nonexistent', 'config', '--defaults')->{status}, 0,
	'config --defaults needs no configuration');
my $list = ctl(@c, 'key', 'list');
is($list->{status}, 0, 'key list');
like($list->{out}, qr/^[0-9a-f]{16}  signs and verifies$/m, 'key list: a fingerprint');
unlike($list->{out}, qr/[0-9a-f]{32}/, 'key list shows no key');

my $sealed = run(['luukkuctl', @c, 'seal'], in => "sala sana\nnot this\n");
is($sealed->{status}, 0, 'seal') or diag $sealed->{err};
like($sealed->{out}, qr/\Asealed1:\S+\n\z/, 'seal prints the sealed secret');
is(run(['luukkuctl', @c, 'seal'], in => "\n")->{status}, 65, 'seal: nothing to seal');
is(run(['luukkuctl', @c, 'seal'], in => 'x' x 5000)->{status}, 65, 'seal: too long');

for my $command (['list'], ['show', '1'], ['trace', '<a@b>'], ['outbox', 'list'],
	['quarantine', 'list'], ['status'], ['migrate']) {
	my $done = ctl(@c, @$command);
	is($done->{status}, 69, "@$command: exit status when the database is away");
	like($done->{err}, qr/^luukkuctl: (?:database\.owner_conninfo: )?cannot connect to the database: /m,
		"@$command: says that it is away");
	is(() = $done->{err} =~ /^/mg, 1, "@$command: in one line");
}
like(ctl(@c, 'status')->{out}, qr/^luukkud is not running here/m,
	'status without a database still tells of luukkud');
my $status = JSON::PP::decode_json(ctl(@c, 'status', '--json')->{out});
is_deeply([sort keys %$status], [qw(daemons mailboxes outbox quarantine schema tickets)],
	'status --json: the keys are there without a database');
is_deeply($status->{tickets}, { open => undef }, 'status --json: unknown is null');

# A folder is no mail; what can be read once only is one all the same.
for my $command (['parse'], ['parse', '--json'], [@c, 'explain'], [@c, 'check', '--auth']) {
	my $done = ctl(@$command, $dir);
	is($done->{status}, 66, "@$command: exit status of a folder");
	is($done->{err}, "luukkuctl: $dir: Is a directory\n", "@$command: what is wrong");
	is($done->{out}, '', "@$command: nothing on standard output");
}
spew("$dir/once.eml", "From: a\@example.fi\nTo: ict\@example.fi\nSubject: kerran\n\nsanat\n");
my $once = run(['bash', '-c', '"$0" parse --json <(cat "$1")', "$bin/luukkuctl", "$dir/once.eml"]);
is($once->{status}, 0, 'parse of a pipe') or diag $once->{err};
is(JSON::PP::decode_json($once->{out})->{subject}, 'kerran', '... is that of the mail in it');

# What mails must become: that nothing is missing, too; and a folder passes no test.
my $tested = $good =~ s/title = "ICT";/title = "ICT"; required = ( { field = "room"; pattern = "room ([0-9]+)"; ask = "Room"; } );/r;
spew("$dir/full.eml", "From: a\@kunta.example\nTo: ict\@example.fi\nSubject: x\n\nI am in room 12.\n");
spew("$dir/missing.eml", "From: a\@kunta.example\nTo: ict\@example.fi\nSubject: x\n\nHelp!\n");
spew("$dir/tests.conf", $tested . qq{tests: (\n{ mail = "full.eml"; expect: { missing_fields = (); }; },\n}
	. qq{{ mail = "missing.eml"; expect: { missing_fields = "room"; }; }\n);\n}, 0600);
is(ctl('-c', "$dir/tests.conf", 'check')->{status}, 0, 'a test that expects nothing to be missing') or diag ctl('-c', "$dir/tests.conf", 'check')->{err};
spew("$dir/tests.conf", $tested . qq{tests: (\n{ mail = "missing.eml"; expect: { missing_fields = (); }; },\n}
	. qq{{ mail = "run"; expect: { queue = "ict"; }; }\n);\n}, 0600);
my $untrue = ctl('-c', "$dir/tests.conf", 'check');
is($untrue->{status}, 78, '... where something is');
like($untrue->{err}, qr/^\S+tests\.conf:\d+: tests\[missing\.eml\]: expects missing_fields = nothing, but the mail gets "room" /m, '... says what');
like($untrue->{err}, qr/^\S+tests\.conf:\d+: tests\[run\]\.mail: \S+: Is a directory$/m, 'a folder in place of a mail is an error');

is(ctl(@c, 'agent', 'retire', 'aino')->{status}, 64, 'agent retire: no address');
like(ctl(@c, 'agent', 'retire', 'aino')->{err}, qr/"aino" is no mail address/, 'agent retire: says so');

my $reload = ctl(@c, 'reload');
is($reload->{status}, 69, 'reload: exit status without luukkud');
like($reload->{err}, qr/no luukkud is running here/, 'reload: why');

my $mail = "From: a\@example.fi\nTo: ict\@example.fi\nSubject: x\n\ny\n";
my $deliver = run(['luukkuctl', @c, 'deliver'], in => $mail);
is($deliver->{status}, 75, 'deliver: exit status when nobody answers');
is(run(['luukkuctl', @c, 'deliver'], in => '')->{status}, 66, 'deliver: no mail');
is(run(['luukkuctl', @c, 'deliver', '--mailbox', 'x'], in => $mail)->{status}, 64,
	'deliver: no such mailbox');
is(run(['luukkuctl', @c, 'deliver', '--recipient', "a b"], in => $mail)->{status}, 64,
	'deliver: no address');
for my $ref ('TUKI', 'TUKI-', 'ABC-12', 'TUKI-12x', '-1', '0', '[TUKI-12', '99999999999999999999') {
	is(ctl(@c, 'show', '--', $ref)->{status}, 64, "show $ref: no reference");
}
is(ctl(@c, 'outbox', 'show', 'x')->{status}, 64, 'outbox show: no number');
is(ctl(@c, 'list', '--status', 'opne')->{status}, 64, 'list --status: no such status');
like(ctl(@c, 'list', '--status', 'opne')->{err}, qr/did you mean "open"/, 'list --status: a hint');
is(ctl(@c, 'list', '--since', 'yesterday')->{status}, 64, 'list --since: neither span nor day');
is(ctl(@c, 'list', '--limit', '-3')->{status}, 64, 'list --limit: no number');

# A reader that goes away is no success.
my $full = run(['sh', '-c', '"$0" help > /dev/full', "$bin/luukkuctl"]);
is($full->{status}, 75, 'standard output that cannot be written is an error');

done_testing;
