#!/usr/bin/perl
# The second half of contrib/quickstart/run: private servers under one directory, luukkud on a sample
# configuration, eight mails, and what becomes of them. It checks what it shows and exits non-zero
# when something is not as it should be.
use strict;
use warnings;
use utf8;
use Cwd ();
use Encode qw(decode encode);
use File::Basename ();
use File::Copy ();
use File::Path ();
use File::Temp ();
use Getopt::Long ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time sleep);

my $here = File::Basename::dirname(Cwd::realpath(__FILE__));
my $json = JSON::PP->new->utf8;
my ($dir, $begin, $keeper, %pid, @failures);
$| = 1;
binmode STDOUT, ':utf8';
binmode STDERR, ':utf8';

my %option = (days => 7);
Getopt::Long::GetOptions(\%option, 'yes', 'keep', 'dir=s', 'mailbox=s', 'ca=s', 'days=i', 'stop=s')
	&& !@ARGV or die "see contrib/quickstart/run --help\n";
exit stop_kept($option{stop}) if defined $option{stop};
my $own = defined $option{mailbox} ? read_own_mailbox($option{mailbox}) : undef;

# --keep: a child does everything and stays with the servers; we leave when it says so.
if ($option{keep}) {
	pipe my $ready, my $ready_end or die "pipe: $!\n";
	my $child = fork // die "fork: $!\n";
	if ($child) {
		close $ready_end;
		$SIG{$_} = sub { kill 'TERM', $child } for qw(INT TERM HUP);
		my $status = <$ready>;
		if (!defined $status) {
			waitpid $child, 0;
			$status = $? >> 8 || 1;
		}
		POSIX::_exit($status);
	}
	close $ready;
	POSIX::setsid();
	$keeper = $ready_end;
}

require Luukku::Test::Base;
require Luukku::Test::Proc;
require Luukku::Test::Tls;
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 130 };

# --- the directory, the servers, the programs ----------------------------------------------------

sub section {
	my ($title) = @_;
	print "\n== $title\n\n";
	return;
}

sub make_dir {
	if (defined $option{dir}) {
		my @inside = glob "'$option{dir}'/*";
		die "$option{dir} is not empty\n" if @inside;
		-d $option{dir} or mkdir $option{dir}, 0755 or die "$option{dir}: $!\n";
		$dir = Cwd::realpath($option{dir});
	}
	else {
		$dir = File::Temp::tempdir('luukku-quickstart-XXXXXX', TMPDIR => 1);
	}
	chmod 0755, $dir or die "$dir: $!\n";
	die "$dir: the path is too long for a unix socket\n" if length $dir > 70;
	my ($uid, $gid) = Luukku::Test::Proc::unprivileged_ids();
	for my $sub ('', '/run', '/spool', '/tmp') {
		-d "$dir$sub" or mkdir "$dir$sub", 0755 or die "$dir$sub: $!\n";
		chown $uid, $gid, "$dir$sub";
	}
	$ENV{TMPDIR} = "$dir/tmp";    # also where the servers put what they need
	return;
}

# The programs are copied: the user they run as may not be able to look into the source tree.
sub copy_programs {
	my $build = Luukku::Test::Base::build_dir();
	mkdir "$dir/bin", 0755 or die "$dir/bin: $!\n";
	for my $name (qw(luukkud luukkuctl luukku-fetch luukku-parse luukku-send luukku-sched luukku-lmtp)) {
		File::Copy::copy("$build/bin/$name", "$dir/bin/$name") or die "$build/bin/$name: $!\n";
		chmod 0755, "$dir/bin/$name";
	}
	copy_tree(Luukku::Test::Base::source_dir() . '/conf/templates', "$dir/bin/templates");
	return;
}

sub copy_tree {
	my ($from, $to) = @_;
	mkdir $to, 0755 or die "$to: $!\n";
	opendir my $handle, $from or die "$from: $!\n";
	for my $name (grep { !/^\.\.?\z/ } readdir $handle) {
		if (-d "$from/$name") {
			copy_tree("$from/$name", "$to/$name");
			next;
		}
		File::Copy::copy("$from/$name", "$to/$name") or die "$from/$name: $!\n";
		chmod 0644, "$to/$name";
	}
	return;
}

# A file that only the user of our programs can read.
sub write_private {
	my ($path, $text) = @_;
	Luukku::Test::Base::spew($path, encode('UTF-8', $text), 0600);
	chown Luukku::Test::Proc::unprivileged_ids(), $path;
	return;
}

my ($pg, $database, $dovecot, $smtp);

sub start_database {
	require Luukku::Test::Pg;
	mkdir "$dir/pg", 0755 or die "$dir/pg: $!\n";
	$pg = Luukku::Test::Pg->start(private => 1, dir => "$dir/pg");
	$database = $pg->database(empty => 1);
	print "PostgreSQL: $dir/pg\n";
	return;
}

sub start_mail_servers {
	require Luukku::Test::Dovecot;
	require Luukku::Test::Smtp;
	my $tls = tls();
	my %password = map { ($_ => new_password()) } qw(ict hr smtp);
	$dovecot = Luukku::Test::Dovecot->start(
		keep => "$dir/dovecot", cert => $tls->cert('good'),
		users => { 'ict@example.fi' => $password{ict}, 'hr@example.fi' => $password{hr} });
	$smtp = Luukku::Test::Smtp->start(
		dir => "$dir/smtp", cert => $tls->cert('good'),
		user => 'luukku', password => $password{smtp});
	write_private("$dir/$_.pass", "$password{$_}\n") for keys %password;
	printf "Dovecot: IMAP port %d, POP3 port %d; SMTP sink: port %d (all on this machine only)\n",
		$dovecot->port('imaps'), $dovecot->port('pop3'), $smtp->port;
	return;
}

sub tls {
	return Luukku::Test::Tls->new(dir => "$dir/tls");
}

sub new_password {
	open my $random, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
	read $random, my $bytes, 16;
	return unpack 'H*', $bytes;
}

sub write_config {
	my ($template, %value) = @_;
	my $text = decode('UTF-8', Luukku::Test::Base::slurp("$here/$template"));
	$value{DIR} = $dir;
	$value{CONNINFO} = $database->conninfo;
	$value{OWNER_CONNINFO} = $database->owner_conninfo;
	$text =~ s{\@([A-Z0-9_]+)\@}{$value{$1} // die "no value for $1\n"}ge;
	write_private("$dir/luukku.conf", $text);
	print "configuration: $dir/luukku.conf\n";
	return;
}

# Our programs run as the unprivileged user, like the servers.
sub as_user {
	my (@command) = @_;
	return @command if $> != 0;
	my ($uid, $gid) = Luukku::Test::Proc::unprivileged_ids();
	return ('setpriv', '--reuid', $uid, '--regid', $gid, '--clear-groups', '--', @command);
}

sub ctl_try {
	my (@arguments) = @_;
	return Luukku::Test::Base::run(
		[as_user("$dir/bin/luukkuctl", '-c', "$dir/luukku.conf", map { encode('UTF-8', $_) } @arguments)],
		dir => "$dir/run", seconds => 60);
}

sub ctl {
	my (@arguments) = @_;
	my $done = ctl_try(@arguments);
	die "luukkuctl @arguments: exit $done->{status}\n", decode('UTF-8', "$done->{out}$done->{err}")
		if $done->{status} != 0;
	return decode('UTF-8', $done->{out});
}

sub ctl_json {
	my (@arguments) = @_;
	return $json->decode(encode('UTF-8', ctl(@arguments, '--json')));
}

# Runs a command of luukkuctl and shows it with what it says.
sub show_ctl {
	my (@arguments) = @_;
	print "\$ luukkuctl @arguments\n";
	print map { "  $_\n" } split /\n/, ctl(@arguments);
	return;
}

sub start_luukkud {
	$pid{luukkud} = Luukku::Test::Proc::spawn(
		command => ["$dir/bin/luukkud", '-c', "$dir/luukku.conf", '-f'],
		log => log_file(), unprivileged => 1);
	print "luukkud is running; its log is $dir/luukkud.log\n";
	return;
}

sub log_file {
	my $path = "$dir/luukkud.log";
	if (!-e $path) {
		Luukku::Test::Base::spew($path, '');
		chown Luukku::Test::Proc::unprivileged_ids(), $path;
	}
	return $path;
}

sub show_log {
	return if !defined $dir || !-e "$dir/luukkud.log";
	my @lines = split /\n/, decode('UTF-8', Luukku::Test::Base::slurp("$dir/luukkud.log"));
	splice @lines, 0, @lines - 40 if @lines > 40;
	print STDERR "\n== the end of luukkud's log\n\n", map { "  $_\n" } @lines;
	return;
}

sub tear_down {
	return if !defined $dir;
	Luukku::Test::Proc::stop_pid(delete $pid{luukkud}, 15) if $pid{luukkud};
	for my $server ($dovecot, $smtp, $pg) {
		next if !$server;
		eval { $server->stop; 1 } or print STDERR "quickstart: $@";
	}
	File::Path::remove_tree($dir, { safe => 0 });
	undef $dir;
	return;
}

# --- --keep and --stop ---------------------------------------------------------------------------

sub stay {
	Luukku::Test::Base::spew("$dir/keeper.pid", "$$\n");
	section('It keeps running');
	my $as = $> == 0 ? 'setpriv --reuid nobody --regid nogroup --clear-groups -- ' : '';
	print "look around:\n",
		"  alias luukkuctl='$as$dir/bin/luukkuctl -c $dir/luukku.conf'\n",
		"  luukkuctl list --status all\n  luukkuctl show TUKI-1001\n  luukkuctl status\n",
		"  luukkuctl quarantine list\n";
	print "mails sent: $dir/smtp/mails/\n" if $smtp;
	print "the log:    tail -f $dir/luukkud.log\n",
		"end it:     contrib/quickstart/run --stop $dir\n";
	print {$keeper} "0\n";
	close $keeper;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$dir/keeper.log";
	open STDERR, '>&', \*STDOUT;
	# Copies of our standard output that libraries made: whoever reads it waits for their end.
	POSIX::close($_) for 3 .. 255;
	while (Luukku::Test::Proc::is_running($pid{luukkud})) {
		sleep 1;
	}
	return;
}

sub stop_kept {
	my ($kept) = @_;
	open my $in, '<', "$kept/keeper.pid" or die "$kept: no quickstart was kept there\n";
	my ($process) = (<$in> // '') =~ /^(\d+)$/ or die "$kept/keeper.pid is damaged\n";
	kill 'TERM', $process or die "process $process of $kept has ended already; remove $kept\n";
	for (1 .. 600) {
		return 0 if !-d $kept;
		sleep 0.1;
	}
	die "$kept is still there; is process $process stuck?\n";
}

# --- the eight mails -----------------------------------------------------------------------------

sub elapsed {
	return sprintf '[%5.1f s]', time - $begin;
}

# The condition comes last: a match that fails is an empty list.
sub expect {
	my ($words, $ok) = @_;
	push @failures, $words if !$ok;
	return $ok;
}

sub rfc_date {
	POSIX::setlocale(POSIX::LC_TIME(), 'C');
	return POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime);
}

# Puts a sample mail into a mailbox.
sub drop_mail {
	my ($file, $user, %value) = @_;
	my $mail = decode('UTF-8', Luukku::Test::Base::slurp("$here/mails/$file"));
	$value{DATE} = rfc_date();
	$mail =~ s{\@([A-Z_]+)\@}{$value{$1} // die "$file: no value for $1\n"}ge;
	$dovecot->deliver($user, encode('UTF-8', $mail));
	printf "%s put into %s: %s\n", elapsed(), $user, $file;
	return;
}

# What was seen so far, so that each thing is told once and when it happens.
my (%told, %mail_out);

sub tell_once {
	my ($key, $words) = @_;
	return if $told{$key}++;
	print elapsed(), " $words\n";
	return;
}

sub look {
	my $tickets = ctl_json('list', '--status', 'all');
	for my $ticket (sort { $a->{ref} cmp $b->{ref} } @$tickets) {
		tell_once("ticket $ticket->{ref}", sprintf 'ticket %s in %s, %s, %s: %s', $ticket->{ref},
			$ticket->{queue}, $ticket->{requester} ? $ticket->{requester}{address} : 'nobody',
			$ticket->{language} // 'no language', $ticket->{subject});
	}
	for my $mail ($smtp->mails) {
		my ($to) = @{ $mail->{rcpt} };
		$mail_out{ $mail->{path} } = $mail;
		tell_once("mail $mail->{path}", "mail to $to: " . header($mail->{data}, 'Subject'));
	}
	for my $held (@{ ctl_json('quarantine', 'list') }) {
		tell_once("quarantine $held->{id}", "quarantine: $held->{subject} ($held->{reason})");
	}
	return $tickets;
}

# Looks again and again until the condition holds.
sub follow {
	my ($words, $condition) = @_;
	my $deadline = time + 60;
	while (1) {
		my $tickets = look();
		my $value = $condition->($tickets);
		return $value if $value;
		die "luukkud ended\n" if !Luukku::Test::Proc::is_running($pid{luukkud});
		die "waited 60 s in vain: $words\n" if time > $deadline;
		sleep 0.2;
	}
}

# A header of a mail, unfolded and decoded.
sub header {
	my ($bytes, $name) = @_;
	my ($head) = split /\r?\n\r?\n/, $bytes, 2;
	$head =~ s/\r?\n[ \t]+/ /g;
	my ($value) = $head =~ /^\Q$name\E:[ \t]*(.*?)\r?$/mi;
	return defined $value ? decode('MIME-Header', $value) : '';
}

sub mails_to {
	my ($address) = @_;
	return grep { lc $_->{rcpt}[0] eq $address } values %mail_out;
}

# The mail as it went over the wire, and its text as people see it.
sub show_mail {
	my ($mail) = @_;
	my ($head) = split /\r?\n\r?\n/, $mail->{data}, 2;
	print map { "  $_\n" } split /\r?\n/, decode('UTF-8', $head);
	my $seen = ctl_parse($mail->{data});
	print "\n", map { $_ eq '' ? "\n" : "  $_\n" } split /\n/, $seen->{text};
	return $seen;
}

sub ctl_parse {
	my ($bytes) = @_;
	my $done = Luukku::Test::Base::run(["$dir/bin/luukkuctl", 'parse', '--json', '-'], in => $bytes);
	die "luukkuctl parse: $done->{err}" if $done->{status} != 0;
	return $json->decode($done->{out});
}

my @CUSTOMERS = ('maija.makinen@sairaala.example', 'asa.lindstrom@sairaala.example',
	'thomas.nguyen@verkko.example', 'vaino.lehtinen@sairaala.example');
my %LANGUAGE = (
	'maija.makinen@sairaala.example' => 'fi', 'asa.lindstrom@sairaala.example' => 'sv',
	'thomas.nguyen@verkko.example' => 'en', 'vaino.lehtinen@sairaala.example' => 'fi');

sub start_everything {
	section('Starting');
	make_dir();
	copy_programs();
	start_database();
	start_mail_servers();
	write_config('luukku.conf.in',
		CA => tls()->ca, IMAP_PORT => $dovecot->port('imaps'), POP3_PORT => $dovecot->port('pop3'),
		SMTP_PORT => $smtp->port);
	prepare();
	return;
}

# Key, schema, a last look at everything, luukkud.
sub prepare {
	print "\n";
	show_ctl('key', 'new', "$dir/site.key");
	show_ctl('migrate');
	show_ctl('check', '--connect');
	print "\n";
	start_luukkud();
	return;
}

sub show {
	start_everything();
	section('Six mails come in');
	$begin = time;
	drop_mail('1-finnish.eml', 'ict@example.fi');
	drop_mail('2-swedish.eml', 'hr@example.fi');
	drop_mail('3-english.eml', 'ict@example.fi');
	drop_mail('4-attachment.eml', 'hr@example.fi');
	drop_mail('5-alarm.eml', 'ict@example.fi');
	drop_mail('6-vacation.eml', 'hr@example.fi');
	follow('five tickets, four acknowledgements and one mail in the quarantine', sub {
		my ($tickets) = @_;
		return @$tickets >= 5 && (4 == grep { mails_to($_) } @CUSTOMERS)
			&& @{ ctl_json('quarantine', 'list') };
	});

	section('An acknowledgement in full, as it came to the SMTP server');
	my ($ack) = mails_to($CUSTOMERS[0]);    # the only one yet
	my $seen = show_mail($ack);
	check_acknowledgement($ack, $seen);

	section('Its reader answers, with the reply address of the acknowledgement');
	my ($reply_to) = header($ack->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
	die "the acknowledgement has no Reply-To\n" if !defined $reply_to;
	drop_mail('7-reply.eml', 'ict@example.fi',
		REPLY_TO => $reply_to, SUBJECT => encode('MIME-Header', header($ack->{data}, 'Subject')),
		MESSAGE_ID => $seen->{message_id},
		QUOTE => join "\n", map { "> $_" } split /\n/, $seen->{text});
	my $ref = ticket_of($CUSTOMERS[0]);
	follow("the reply on $ref", sub { return 2 == messages_in($ref) });
	print elapsed(), " $ref has the reply\n";

	section('An agent answers from her own mail client');
	my $answer = show_agent($ref);
	check_answer($answer);
	print "\n";
	show_ctl('show', $ref);

	section('What was not answered, and why');
	show_silence($ref);

	section('At the end');
	show_ctl('list', '--status', 'all');
	print "\n";
	check_all($ref);
	show_ctl('status');
	return if @failures;
	printf "\nAll as it should be: 8 mails in, 5 tickets, 4 acknowledgements (fi, sv, en, fi), 1 reply on its\n"
		. "ticket, 1 answer by an agent, 1 mail in the quarantine, nothing sent to a machine.\n";
	return;
}

# The notice of the customer's reply, answered like any mail: the answer goes to the customer.
sub show_agent {
	my ($ref) = @_;
	my $notice = follow('the notice of the reply', sub {
		my @found = grep { header($_->{data}, 'Subject') =~ /\[$ref\]/ && notice_text($_) =~ /PR00417/ }
			mails_to('aino@example.fi');
		return $found[0];
	});
	my $seen = ctl_parse($notice->{data});
	my ($reply_to) = header($notice->{data}, 'Reply-To') =~ /([^\s<>]+@[^\s<>]+)/;
	die "the notice has no Reply-To\n" if !defined $reply_to;
	print elapsed(), ' the notice came: ', header($notice->{data}, 'From'), "\n";
	drop_mail('8-agent.eml', 'ict@example.fi',
		REPLY_TO => $reply_to, SUBJECT => encode('MIME-Header', header($notice->{data}, 'Subject')),
		MESSAGE_ID => $seen->{message_id},
		QUOTE => join "\n", map { "> $_" } split /\n/, $seen->{text});
	my $answer = follow('the answer to the customer', sub {
		my @found = grep { notice_text($_) =~ /uuden rummun/ } mails_to($CUSTOMERS[0]);
		return $found[0];
	});
	print "\nwhat the customer got:\n\n";
	show_mail($answer);
	return $answer;
}

sub notice_text {
	my ($mail) = @_;
	return ctl_parse($mail->{data})->{text};
}

sub check_answer {
	my ($mail) = @_;
	expect('the answer bears the agent\'s name and the queue\'s address',
		header($mail->{data}, 'From') =~ /^Aino Aalto <ict\@example\.fi>$/);
	expect('a person wrote it', header($mail->{data}, 'Auto-Submitted') eq '');
	expect('the agent\'s own address is not in it', $mail->{data} !~ /aino\@example\.fi/i);
	expect('nothing of the notice is in it', notice_text($mail) !~ /PR00417|Käsittelijä/);
	return;
}

sub ticket_of {
	my ($address) = @_;
	my $tickets = ctl_json('list', '--status', 'all', '--from', $address);
	return @$tickets ? $tickets->[0]{ref} : die "no ticket of $address\n";
}

sub messages_in {
	my ($ref) = @_;
	return scalar grep { $_->{direction} eq 'in' } @{ ctl_json('show', $ref)->{messages} };
}

sub check_acknowledgement {
	my ($mail, $seen) = @_;
	expect('the subject has the reference', header($mail->{data}, 'Subject') =~ /\[TUKI-\d+\]/);
	expect('it says that it is automatic', header($mail->{data}, 'Auto-Submitted') =~ /auto/);
	expect('its reply address is signed',
		header($mail->{data}, 'Reply-To') =~ /ict\+[a-z2-7]{36}\@example\.fi/i);
	expect('nothing automatic would answer it', $seen->{suppress_reply});
	expect('it came over TLS', $mail->{tls});
	return;
}

# Prints the events of a ticket that say why there was no answer.
sub print_reasons {
	my ($events, $wanted) = @_;
	my @found = grep { $_->{event} =~ $wanted } @$events;
	print map { "  $_->{event}: $_->{reason}\n" } @found;
	return scalar @found;
}

sub show_silence {
	my ($ref) = @_;
	my $alarm = ticket_of('valvonta@palvelin.example');
	print "the alarm is a ticket ($alarm) without acknowledgement:\n";
	expect('an event says why the alarm was not acknowledged',
		print_reasons(ctl_json('show', $alarm)->{events}, qr/^not_acknowledged/));
	my $vacation = ctl_json('trace', '<quickstart-6@sairaala.example>');
	print "\nthe vacation reply:\n  $vacation->{outcome}: $vacation->{reason}\n";
	expect('the vacation reply is in the quarantine', $vacation->{outcome} eq 'quarantine');
	my $reply = ctl_json('trace', '<quickstart-7@sairaala.example>');
	print "\nthe reply joined $reply->{ref}, which needs no second acknowledgement:\n",
		"  $reply->{outcome}: $reply->{reason}\n";
	expect('the reply is on its ticket', $reply->{outcome} eq 'ticket' && $reply->{ref} eq $ref);
	expect('the reply caused no mail to a customer', !grep { !/\@example\.fi$/ } map { $_->{recipient} } @{ $reply->{mails} });
	return;
}

sub check_all {
	my ($ref) = @_;
	look();
	my $tickets = ctl_json('list', '--status', 'all');
	expect('there are five tickets, not ' . @$tickets, @$tickets == 5);
	for my $customer (@CUSTOMERS) {
		my @mails = mails_to($customer);
		my $wanted = $customer eq $CUSTOMERS[0] ? 2 : 1;
		expect("$customer got $wanted mails, not " . @mails, @mails == $wanted);
		next if !@mails;
		my $language = header($mails[0]{data}, 'Content-Language');
		expect("the acknowledgement to $customer is in $LANGUAGE{$customer}, not \"$language\"",
			$language eq $LANGUAGE{$customer});
	}
	for my $machine ('valvonta@palvelin.example', 'pekka.salo@sairaala.example') {
		expect("nothing was sent to $machine", !mails_to($machine));
	}
	my $by_file = ctl_json('show', ticket_of('vaino.lehtinen@sairaala.example'));
	my @names = map { $_->{filename} // '' } map { @{ $_->{attachments} } } @{ $by_file->{messages} };
	expect("the attachment has its name, not \"@names\"", "@names" eq 'lääkärintodistus.pdf');
	expect('ict@: the INBOX is empty', $dovecot->count('ict@example.fi', 'INBOX') == 0);
	expect('ict@: five mails are in Luukku/Done', $dovecot->count('ict@example.fi', 'Luukku/Done') == 5);
	Luukku::Test::Proc::wait_until('hr@ to be empty', sub {
		$dovecot->count('hr@example.fi', 'INBOX', live => 1) == 0;
	}, 30);
	return;
}

# --- one's own mailbox ---------------------------------------------------------------------------

sub read_own_mailbox {
	my ($url) = @_;
	my ($scheme, $user, $host, $port) =
		$url =~ m{^(imaps?)://(.+)@([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::(\d+))?/?\z}
		or die "--mailbox: write it as imaps://USER\@HOST or imaps://USER\@HOST:PORT\n";
	$user =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	$host =~ tr/[]//d;
	die "--mailbox: the user has a quote, a backslash or a control character\n"
		if $user =~ /["\\\x00-\x1f]/;
	return {
		user => $user, host => $host, port => $port // ($scheme eq 'imaps' ? 993 : 143),
		tls => $scheme eq 'imaps' ? 'implicit' : 'starttls',
		address => $user =~ /@/ ? $user : "$user\@$host",
		password => ask_password("Password of $user at $host: "),
	};
}

# Asks without showing what is typed; without a terminal, the first line of standard input.
sub ask_password {
	my ($prompt) = @_;
	my $terminal = POSIX::Termios->new;
	my $is_terminal = -t STDIN;
	if ($is_terminal) {
		print $prompt;
		$terminal->getattr(0);
		my $was = $terminal->getlflag;
		$terminal->setlflag($was & ~POSIX::ECHO());
		$terminal->setattr(0, POSIX::TCSAFLUSH());
		local $SIG{INT} = sub { $terminal->setlflag($was); $terminal->setattr(0, 0); exit 130 };
		my $line = <STDIN>;
		$terminal->setlflag($was);
		$terminal->setattr(0, POSIX::TCSAFLUSH());
		print "\n";
		return checked_password($line);
	}
	return checked_password(scalar <STDIN>);
}

sub checked_password {
	my ($line) = @_;
	die "no password was given\n" if !defined $line;
	chomp $line;
	die "the password is empty\n" if $line eq '';
	return $line;
}

sub try_own_mailbox {
	section('Starting');
	die "--days: between 1 and 365\n" if $option{days} < 1 || $option{days} > 365;
	make_dir();
	copy_programs();
	start_database();
	Luukku::Test::Base::spew("$dir/own.pass", "$own->{password}\n", 0600);
	chown Luukku::Test::Proc::unprivileged_ids(), "$dir/own.pass";
	my $ca = '';
	if (defined $option{ca}) {
		File::Copy::copy($option{ca}, "$dir/ca.pem") or die "$option{ca}: $!\n";
		chmod 0644, "$dir/ca.pem";
		$ca = "ca_file = \"$dir/ca.pem\";";
	}
	write_config('own.conf.in', HOST => $own->{host}, PORT => $own->{port}, TLS => $own->{tls},
		USER => $own->{user}, ADDRESS => $own->{address}, DAYS => $option{days}, CA_FILE => $ca);
	prepare();
	section("The mails of the last $option{days} days become tickets; none is moved, marked or answered");
	watch_own();
	section('Tickets');
	show_ctl('list', '--status', 'all', '--limit', '50');
	section('Mails that made no ticket');
	show_ctl('quarantine', 'list', '--limit', '50');
	section('What would have been sent');
	show_ctl('outbox', 'list', '--all', '--limit', '50');
	my @sent = grep { $_->{state} eq 'sent' } @{ ctl_json('outbox', 'list', '--all') };
	expect('nothing was sent', !@sent);
	return;
}

# Until the mailbox has been visited once without error and nothing new came for a while.
sub watch_own {
	my ($last, $since, $deadline) = (-1, time, time + 600);
	$begin = time;
	while (time < $deadline) {
		my ($mailbox) = @{ ctl_json('status')->{mailboxes} };
		my $n = @{ ctl_json('list', '--status', 'all') };
		die "luukkud ended\n" if !Luukku::Test::Proc::is_running($pid{luukkud});
		die "$mailbox->{error}\n" if defined $mailbox->{error};
		if ($n != $last) {
			print elapsed(), " $n tickets\n";
			($last, $since) = ($n, time);
		}
		return if defined $mailbox->{last_ok_at} && !$mailbox->{waiting} && time - $since > 5;
		sleep 1;
	}
	print "there are more; that is enough for a look\n";
	return;
}

# --- the whole ------------------------------------------------------------------------------------

END {
	my $code = $?;
	tear_down();
	$? = $code;
}

my $status = eval { $own ? try_own_mailbox() : show(); 1 } ? 0 : 1;
if (!$status && @failures) {
	print "\nNOT AS IT SHOULD BE:\n", map { "  $_\n" } @failures;
	$status = 1;
}
if ($@) {
	print STDERR "quickstart: $@";
	$status = 1;
}
if ($status) {
	show_log();
}
elsif ($keeper) {
	stay();
}
tear_down();
# Not exit: the test modules would show their servers' logs after a failure.
POSIX::_exit($status);
